//! Findings as data: a verdict with its figures, the evidence, other possible explanations, and
//! caveats. Only `report::words` turns them into English.

use serde::ser::{SerializeSeq, Serializer};
use serde::{Serialize, ser};
use std::convert::Infallible;

/// A statement for people; its text is written in `report::words`, one file per subject.
///
/// A statement is an enum whose variants carry their figures, `#[serde(tag = "code")]`, so that a
/// program reads `code` and the figures where a person reads the text.
pub trait Worded {
    /// One plain English sentence or clause, lower case at its start and without a full stop.
    fn text(&self) -> String;
}

/// A verdict with its evidence, alternatives and caveats, each `{code, …figures, text}` in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    bound = "V: Worded + Serialize, E: Worded + Serialize, A: Worded + Serialize, C: Worded + Serialize"
)]
pub struct Findings<V, E = Never, A = Never, C = Never> {
    /// What was found.
    #[serde(serialize_with = "one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<V>"))]
    pub verdict: V,
    /// The evidence, with counts.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<E>>"))]
    pub evidence: Vec<E>,
    /// What else could explain the same.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<A>>"))]
    pub alternatives: Vec<A>,
    /// Why the verdict may be less reliable.
    #[serde(serialize_with = "all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<C>>"))]
    pub caveats: Vec<C>,
}

impl<V, E, A, C> Findings<V, E, A, C> {
    /// A verdict alone.
    pub fn new(verdict: V) -> Self {
        Self { verdict, evidence: Vec::new(), alternatives: Vec::new(), caveats: Vec::new() }
    }
}

impl<V: Default, E, A, C> Default for Findings<V, E, A, C> {
    fn default() -> Self {
        Self::new(V::default())
    }
}

/// A statement that cannot occur, for findings without caveats, for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Never(Infallible);

impl Worded for Never {
    fn text(&self) -> String {
        match self.0 {}
    }
}

impl Serialize for Never {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {}
    }
}

/// A statement with its text beside its code and figures.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WithText<'a, T> {
    #[serde(flatten)]
    figures: &'a T,
    text: String,
}

impl<'a, T: Worded> WithText<'a, T> {
    fn new(figures: &'a T) -> Self {
        Self { figures, text: figures.text() }
    }
}

/// For `#[serde(serialize_with = …)]`: one statement as `{code, …figures, text}`.
///
/// # Errors
///
/// Those of the serialiser.
pub fn one<T: Worded + Serialize, S: Serializer>(told: &T, to: S) -> Result<S::Ok, S::Error> {
    WithText::new(told).serialize(to)
}

/// Like [`one`], with null for `None`.
///
/// # Errors
///
/// Those of the serialiser.
pub fn maybe<T: Worded + Serialize, S: Serializer>(
    told: &Option<T>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match told {
        Some(told) => to.serialize_some(&WithText::new(told)),
        None => to.serialize_none(),
    }
}

/// Like [`one`], for a list.
///
/// # Errors
///
/// Those of the serialiser.
pub fn all<T: Worded + Serialize, S: Serializer>(told: &[T], to: S) -> Result<S::Ok, S::Error>
where
    S::Error: ser::Error,
{
    let mut list = to.serialize_seq(Some(told.len()))?;
    for one in told {
        list.serialize_element(&WithText::new(one))?;
    }
    list.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(tag = "code", rename_all = "snake_case")]
    enum Light {
        Off,
        On { lux: u64 },
    }

    impl Worded for Light {
        fn text(&self) -> String {
            match self {
                Self::Off => "it is dark".to_owned(),
                Self::On { lux } => format!("{lux} lux"),
            }
        }
    }

    #[test]
    fn every_statement_has_a_code_its_figures_and_a_text() {
        let mut found: Findings<Light, Light> = Findings::new(Light::Off);
        found.evidence.push(Light::On { lux: 7 });
        assert_eq!(
            serde_json::to_value(&found).unwrap(),
            serde_json::json!({
                "verdict": { "code": "off", "text": "it is dark" },
                "evidence": [{ "code": "on", "lux": 7, "text": "7 lux" }],
                "alternatives": [],
                "caveats": [],
            })
        );
    }
}
