//! Results of sending to one destination, before the network.

use super::Names;
use crate::batch::{Dest, LocalRefusal, LocalSendFailure};
use crate::record::{CastDestination, DeliveryError, SendRefusal};
use crate::units::Endpoint;
use std::net::SocketAddr;

/// Maximum error numbers kept apart per destination.
const ERRNOS: usize = 16;

/// Explains an error number of send(2) by the state of this host.
pub(super) type Explain = fn(i32, SocketAddr) -> LocalSendFailure;

/// Counts of one destination.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub sent: u64,
    pub bytes: u64,
    pub refused: u64,
    /// Of these, those whose number another destination got: they are missing here.
    pub skipped: u64,
    /// Refusals by error number; the latest is last.
    refusals: Vec<SendRefusal>,
    /// Unreachable errors from the network, and the latest one.
    pub unreachable: u64,
    pub reason: Option<DeliveryError>,
}

impl Tally {
    /// Adds another destination's counts.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.bytes += other.bytes;
        self.refused += other.refused;
        self.skipped += other.skipped;
    }

    /// This host refused a datagram.
    pub fn refuse(&mut self, errno: i32, to: SocketAddr, explain: Explain) {
        self.refused += 1;
        if let Some(known) = self.refusals.iter().position(|one| one.errno() == errno) {
            let mut known = self.refusals.remove(known);
            known.datagrams += 1;
            self.refusals.push(known);
        } else if self.refusals.len() < ERRNOS {
            self.refusals.push(SendRefusal::explained(&explain(errno, to)));
        }
    }

    /// Whether everything was refused for a reason that will also stop the next datagram.
    pub fn is_hopeless(&self) -> bool {
        let lasting = |one: &SendRefusal| LocalRefusal::of(one.errno()) != LocalRefusal::QueueFull;
        self.sent == 0 && self.refusals.last().is_some_and(lasting)
    }

    /// The counts as a record.
    pub fn record(&self, dest: &Dest, names: &Names) -> CastDestination {
        CastDestination {
            destination: Endpoint::from(dest.addr).to_string(),
            interface: names.interface(dest.interface),
            sent: self.sent,
            bytes: self.bytes,
            refused: self.refused,
            refusals: self.refusals.clone(),
            unreachable: self.unreachable,
            unreachable_reason: self.reason.clone(),
        }
    }
}
