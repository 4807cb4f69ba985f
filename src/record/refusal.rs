//! Why the remote end of a dialogue does not do what it was asked.

use serde::Serialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// A reply that refuses, or one that cannot be trusted for want of the same key at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RemoteRefusal {
    /// It serves only clients that have its key, and this one has none.
    #[error("the remote end requires a key: --key FILE")]
    KeyNeeded,
    /// It has another key than this end.
    #[error("the remote end has another key: --key must name the same key at both ends")]
    OtherKey,
    /// It has no key where this end has one.
    #[error("the remote end has no key: start it with --key, or leave --key out here")]
    NoKey,
    /// Its reply says no.
    #[error("the remote end replied: {reply_code} {reply_text}{}", details(*reply_code, values))]
    Reply {
        /// The three digits of the reply, 400 to 599.
        reply_code: u16,
        /// Its text, as it came.
        reply_text: String,
        /// What it names, such as a limit, by the parameter's name.
        values: BTreeMap<String, String>,
    },
}

impl RemoteRefusal {
    /// Whether the same may be granted later (4xx).
    pub fn is_for_now(&self) -> bool {
        matches!(self, Self::Reply { reply_code: 400..500, .. })
    }
}

fn details(reply_code: u16, values: &BTreeMap<String, String>) -> String {
    let mut text: String = values.iter().map(|(key, value)| format!(" ({key}={value})")).collect();
    if (400..500).contains(&reply_code) {
        text.push_str("; try again later");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_shown_with_what_it_names_and_whether_to_try_again() {
        let values = BTreeMap::from([("rate".to_owned(), "20000000".to_owned())]);
        let reply = |reply_code, values| RemoteRefusal::Reply {
            reply_code,
            reply_text: "no".to_owned(),
            values,
        };
        let (limit, busy) = (reply(552, values), reply(450, BTreeMap::new()));
        assert_eq!(limit.to_string(), "the remote end replied: 552 no (rate=20000000)");
        assert_eq!(busy.to_string(), "the remote end replied: 450 no; try again later");
        assert_eq!((limit.is_for_now(), busy.is_for_now()), (false, true));
        assert_eq!(
            serde_json::to_value(&limit).unwrap(),
            serde_json::json!({
                "code": "reply",
                "reply_code": 552,
                "reply_text": "no",
                "values": { "rate": "20000000" },
            })
        );
    }
}
