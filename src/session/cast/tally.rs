//! What became of the datagrams to one destination, before the network.

use super::Names;
use crate::batch::Dest;
use crate::record::CastDestination;
use std::io;

/// `ENOBUFS` of Linux (errno(3)), which the standard library has no name for: a full queue.
const NO_BUFFERS: i32 = 105;

/// One destination's counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub sent: u64,
    pub bytes: u64,
    pub refused: u64,
    pub refusal: Option<i32>,
    /// Answers of the network that it could not be reached, and the latest in words.
    pub unreachable: u64,
    pub reason: Option<String>,
}

impl Tally {
    /// Adds another destination's counts.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.bytes += other.bytes;
        self.refused += other.refused;
    }

    /// Whether all was refused for a reason that the next datagram would meet again.
    pub fn is_hopeless(&self) -> bool {
        self.sent == 0 && self.refusal.is_some_and(is_lasting)
    }

    /// The counts as a fact.
    pub fn record(&self, dest: &Dest, names: &Names) -> CastDestination {
        CastDestination {
            destination: names.address(dest.addr),
            interface: names.interface(dest.interface),
            sent: self.sent,
            bytes: self.bytes,
            refused: self.refused,
            refusal: self.refusal.map(reason),
            unreachable: self.unreachable,
            unreachable_reason: self.reason.clone(),
        }
    }
}

/// Whether a refusal is more than a queue that was full for a moment.
fn is_lasting(errno: i32) -> bool {
    !matches!(
        io::Error::from_raw_os_error(errno).kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory | io::ErrorKind::Interrupted
    ) && errno != NO_BUFFERS
}

/// The system's words for an error number, without the number.
fn reason(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
