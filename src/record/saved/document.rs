//! A file as a document.

use super::node::Node;
use crate::record::SCHEMA;
use crate::units::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// A command whose documents are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SavedCommand {
    /// A throughput run, or a series of them.
    Blast,
    /// Round trips.
    Ping,
    /// Datagrams sent.
    Send,
    /// Datagrams received.
    Recv,
    /// A fan-out's sender.
    #[serde(rename = "cast send")]
    CastSend,
    /// A fan-out's receiver.
    #[serde(rename = "cast recv")]
    CastRecv,
    /// Whether a group passes.
    #[serde(rename = "cast check")]
    CastCheck,
    /// The answering end of that.
    #[serde(rename = "cast check --answer")]
    CastAnswer,
    /// All probes.
    Probe,
    /// Which ports pass.
    #[serde(rename = "probe ports")]
    Ports,
    /// NAT mapping and filtering.
    #[serde(rename = "probe nat")]
    Nat,
    /// How long a flow is remembered.
    #[serde(rename = "probe timeout")]
    Timeout,
    /// The path MTU.
    #[serde(rename = "probe mtu")]
    Mtu,
    /// DSCP and ECN.
    #[serde(rename = "probe marks")]
    Marks,
    /// Rate limits.
    #[serde(rename = "probe shape")]
    Shape,
    /// Routers on the path.
    #[serde(rename = "probe trace")]
    Trace,
    /// Parallel paths.
    #[serde(rename = "probe paths")]
    Paths,
    /// Datagrams forwarded.
    Relay,
}

/// Why a file is not a document of udpkit.
#[derive(Debug, Error)]
pub enum SavedError {
    /// It is not JSON, or not one JSON value.
    #[error("{name} is not a JSON document: {error}")]
    NotJson {
        /// The file.
        name: String,
        /// Where and why.
        error: serde_json::Error,
    },
    /// It is JSON, and no document.
    #[error("{name} is not a document that udpkit --json printed")]
    NotADocument {
        /// The file.
        name: String,
    },
    /// Another version of the format.
    #[error("{name} has schema {schema}, and this udpkit reads schema {SCHEMA}")]
    OtherSchema {
        /// The file.
        name: String,
        /// What it has.
        schema: u64,
    },
    /// Several objects, one a line.
    #[error("{name} is a stream of JSON lines, not one document; save what --json prints")]
    Lines {
        /// The file.
        name: String,
    },
}

/// A saved document.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Where it is from, a file as the user wrote it.
    pub name: String,
    /// The command that made it.
    pub command: SavedCommand,
    value: Value,
}

impl Saved {
    /// Reads a file's content.
    ///
    /// # Errors
    ///
    /// What it is instead of a document.
    pub fn read(name: &str, text: &[u8]) -> Result<Self, SavedError> {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let first = values.next().unwrap_or(Ok(Value::Null));
        let value = first.map_err(|error| SavedError::NotJson { name: name.to_owned(), error })?;
        if let Some(next) = values.next() {
            return Err(match next {
                Ok(_) => SavedError::Lines { name: name.to_owned() },
                Err(error) => SavedError::NotJson { name: name.to_owned(), error },
            });
        }
        Self::new(name, value)
    }

    /// Takes a document.
    ///
    /// # Errors
    ///
    /// What it is instead of one.
    pub fn new(name: &str, value: Value) -> Result<Self, SavedError> {
        let root = Node::of(&value);
        let not = || SavedError::NotADocument { name: name.to_owned() };
        let schema = root.at("schema").u64().ok_or_else(not)?;
        if schema != u64::from(SCHEMA) {
            return Err(SavedError::OtherSchema { name: name.to_owned(), schema });
        }
        if root.at("event").is_there() {
            return Err(SavedError::Lines { name: name.to_owned() });
        }
        let command = root.at("command").read().ok_or_else(not)?;
        Ok(Self { name: name.to_owned(), command, value })
    }

    /// Whom the run was about, in the order of its report; `None` if the document does not say.
    pub fn targets(&self) -> Option<String> {
        let root = self.root();
        let named = |list: &str, key: &str| {
            let names: Vec<&str> =
                root.at(list).items().filter_map(|one| one.at(key).text()).collect();
            (!names.is_empty()).then(|| names.join(", "))
        };
        // On loopback the port may be any: a run of both ends here lets the system choose it.
        let is_here = root.at("loopback").is_true();
        let host = |address: &str| match address.parse::<Endpoint>() {
            Ok(address) if is_here => address.ip().to_string(),
            _ => address.to_owned(),
        };
        let one = root.at("target").text().map(host);
        one.or_else(|| named("targets", "name"))
            .or_else(|| named("destinations", "destination"))
            .or_else(|| named("destination_rows", "destination"))
    }

    /// Payload bytes of its datagrams, or their mean; `None` if the document does not say.
    pub fn payload_bytes(&self) -> Option<u64> {
        let root = self.root();
        let mean = || root.at("bytes").u64()?.checked_div(root.at("datagrams").u64()?);
        root.at("payload_bytes").u64().or_else(mean)
    }

    /// The whole document.
    pub fn root(&self) -> Node<'_> {
        Node::of(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Saved::read("a.json", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_document_says_what_it_is() {
        for (text, begin) in [
            ("", "a.json is not a document"),
            ("{", "a.json is not a JSON document: EOF"),
            ("[1]", "a.json is not a document"),
            ("{\"schema\": 1}", "a.json is not a document"),
            ("{\"schema\": 1, \"command\": \"dig\"}", "a.json is not a document"),
            ("{\"schema\": 2, \"command\": \"ping\"}", "a.json has schema 2, and this udpkit"),
            ("{\"schema\": 1} {\"schema\": 1}", "a.json is a stream of JSON lines"),
            ("{\"schema\": 1, \"event\": \"reply\", \"command\": \"ping\"}", "a.json is a stream"),
            ("{\"schema\": 1} x", "a.json is not a JSON document: expected value"),
        ] {
            assert!(wrong(text).starts_with(begin), "{text}: {}", wrong(text));
        }
        let read = Saved::read("a", b"{\"schema\": 1, \"command\": \"cast recv\"}").unwrap();
        assert_eq!(read.command, SavedCommand::CastRecv);
    }
}
