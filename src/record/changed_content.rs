//! Datagrams that arrived with other content than was sent.

use serde::Serialize;

/// Datagrams of a run that arrived cut or altered: neither lost nor received whole. Each is the
/// first of its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangedContent {
    /// Datagrams that arrived shorter than they were sent: something that forwards them, such as a
    /// relay or a gateway, cut them.
    pub cut: u64,
    /// The most payload bytes of these; 0 without any.
    pub cut_to_bytes: u64,
    /// Datagrams that arrived with other bytes than were sent and a right checksum: something on
    /// the path rewrote them.
    pub altered: u64,
}

impl ChangedContent {
    /// Both together.
    pub fn datagrams(&self) -> u64 {
        self.cut.saturating_add(self.altered)
    }

    /// Adds another stream's.
    pub fn add(&mut self, other: &Self) {
        self.cut = self.cut.saturating_add(other.cut);
        self.altered = self.altered.saturating_add(other.altered);
        self.cut_to_bytes = self.cut_to_bytes.max(other.cut_to_bytes);
    }

    /// Counts one that was cut to so many bytes.
    pub fn note_cut(&mut self, bytes: u64) {
        self.cut += 1;
        self.cut_to_bytes = self.cut_to_bytes.max(bytes);
    }
}
