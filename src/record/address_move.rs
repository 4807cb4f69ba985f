//! A change of this end's address during a run, as the far end saw it.

use serde::Serialize;

/// The run went on from another address: a NAT began anew, or the host has another address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AddressMove {
    /// The only stream that went on from another port: a NAT gave its flow another one, and the
    /// session stayed where it was. From 0; in a bidirectional run those from the server follow those
    /// to it. `None` if the whole run moved.
    pub stream: Option<u32>,
    /// When the far end confirmed the new address, from the start of the run; of a single stream, when
    /// the far end followed it.
    pub after_ns: u64,
    /// The address before, as the far end saw it; `None` if it did not say.
    #[serde(rename = "from_address")]
    pub from: Option<String>,
    /// The address since.
    #[serde(rename = "to_address")]
    pub to: String,
    /// Datagrams from this end that were lost meanwhile; `None` if none are sent, or the far end did
    /// not say.
    pub lost_up: Option<u64>,
    /// Datagrams to this end that were lost meanwhile; `None` if none are received.
    pub lost_down: Option<u64>,
}
