//! Why the remote end of the control protocol refuses a request.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use thiserror::Error;

/// A reply that refuses, or one that cannot be trusted for want of the same key at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RemoteRefusal {
    /// It serves only clients that have its key, and this one has none.
    #[error("the server requires a key: use --key FILE")]
    KeyNeeded,
    /// It has another key than this end.
    #[error("the server has a different key: give both ends the same one with --key FILE")]
    OtherKey,
    /// It has no key where this end has one.
    #[error("the server has no key: start it with --key FILE, or leave --key out here")]
    NoKey,
    /// It refused permanently.
    #[error("the server replied: {reply_code} {reply_text}{}", details(values))]
    Refused {
        /// The three digits of the reply.
        reply_code: u16,
        /// The text of its reply, unchanged.
        reply_text: String,
        /// What it names, such as a limit, by the parameter's name; `key=value` in JSON.
        #[serde(rename = "reply_params", serialize_with = "params")]
        values: BTreeMap<String, String>,
    },
    /// It refused temporarily (4xx).
    #[error("the server replied: {reply_code} {reply_text}{}; try again later", details(values))]
    NotNow {
        /// The three digits of the reply.
        reply_code: u16,
        /// The text of its reply, unchanged.
        reply_text: String,
        /// What it names, such as a limit, by the parameter's name; `key=value` in JSON.
        #[serde(rename = "reply_params", serialize_with = "params")]
        values: BTreeMap<String, String>,
    },
}

fn details(values: &BTreeMap<String, String>) -> String {
    let parts = values.iter().map(|(key, value)| format!(" ({key}={value})"));
    parts.collect::<Vec<_>>().concat()
}

/// For serde: parameters as `key=value`.
fn params<S: Serializer>(values: &BTreeMap<String, String>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(values.iter().map(|(key, value)| format!("{key}={value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_shown_with_what_it_names_and_whether_to_try_again() {
        let (reply_text, values) = ("no".to_owned(), BTreeMap::new());
        let busy = RemoteRefusal::NotNow { reply_code: 450, reply_text, values };
        assert_eq!(busy.to_string(), "the server replied: 450 no; try again later");
        let values = BTreeMap::from([("rate".to_owned(), "20000000".to_owned())]);
        let reply_text = "no".to_owned();
        let limit = RemoteRefusal::Refused { reply_code: 552, reply_text, values };
        assert_eq!(limit.to_string(), "the server replied: 552 no (rate=20000000)");
        assert_eq!(
            serde_json::to_value(&limit).unwrap(),
            serde_json::json!({
                "code": "refused",
                "reply_code": 552,
                "reply_text": "no",
                "reply_params": ["rate=20000000"],
            })
        );
    }
}
