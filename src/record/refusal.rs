//! Why the remote end of the control protocol refuses a request.

use crate::wire::{Code, Reply};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use thiserror::Error;

/// A reply that refuses, as the server sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[error("{reply_code} {reply_text}{}", details(values))]
pub struct ServerReply {
    /// The three digits of the reply.
    pub reply_code: u16,
    /// The text of its reply, unchanged.
    pub reply_text: String,
    /// Its parameters, such as a limit, by name; `key=value` in JSON.
    #[serde(rename = "reply_params", serialize_with = "params")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub values: BTreeMap<String, String>,
}

impl ServerReply {
    /// Whether it refuses only for now.
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.reply_code)
    }
}

impl From<&Reply> for ServerReply {
    /// Omits parameters that only programs need.
    fn from(reply: &Reply) -> Self {
        let values = reply.params.iter().filter(|(key, _)| !matches!(*key, "pad" | "proof"));
        Self {
            reply_code: reply.code.0,
            reply_text: reply.text.clone(),
            values: values.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        }
    }
}

/// A reply that refuses, or one that cannot be trusted because the ends do not share a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RemoteRefusal {
    /// The server requires a key, and this end has none.
    #[error("the server requires a key: use --key FILE")]
    KeyNeeded,
    /// The server's key differs from this end's.
    #[error("the server has a different key: give both ends the same one with --key FILE")]
    OtherKey,
    /// The server has no key, but this end has one.
    #[error("the server has no key: start it with --key FILE, or leave --key out here")]
    NoKey,
    /// It refused permanently.
    #[error("the server replied: {reply}")]
    Refused {
        /// Its reply.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// It refused temporarily (4xx).
    #[error("the server replied: {reply}; try again later")]
    NotNow {
        /// Its reply.
        #[serde(flatten)]
        reply: ServerReply,
    },
}

impl From<&Reply> for RemoteRefusal {
    fn from(reply: &Reply) -> Self {
        if reply.code == Code::KEY_NEEDED {
            return Self::KeyNeeded;
        }
        let reply = ServerReply::from(reply);
        if reply.is_temporary() { Self::NotNow { reply } } else { Self::Refused { reply } }
    }
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
        let refusal = |text: &str| RemoteRefusal::from(&Reply::decode(text.as_bytes()).unwrap());
        let busy = refusal("a 450-proof=00\r\na 450 no\r\n");
        assert_eq!(busy.to_string(), "the server replied: 450 no; try again later");
        let limit = refusal("a 552-rate=20000000\r\na 552 no\r\n");
        assert_eq!(limit.to_string(), "the server replied: 552 no (rate=20000000)");
        assert_eq!(refusal("a 530 key needed\r\n"), RemoteRefusal::KeyNeeded);
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
