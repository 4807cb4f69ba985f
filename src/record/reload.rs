//! What a server reads again without being restarted, and why it could not.

use serde::Serialize;
use thiserror::Error;

/// A file that a server reads again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadFile {
    /// The key.
    Key,
    /// The users of iperf3 clients, and the key for their passwords.
    Iperf3Users,
    /// The keys of UDPSTP clients.
    UdpstpKeys,
    /// The policy.
    Policy,
}

/// Why a file cannot be read again. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("{reason}")]
pub struct ReloadFailure {
    /// Which file.
    pub code: ReloadFile,
    /// What the reader of the file says, as at the server's start.
    #[serde(skip)]
    pub reason: String,
}
