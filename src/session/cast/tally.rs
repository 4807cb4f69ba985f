//! Results of sending to one destination, before the network.

use super::Names;
use crate::batch::{Dest, ErrorOrigin, LocalRefusal, LocalSendFailure, NetworkError};
use crate::record::{CastDestination, DeliveryError, SendRefusal};
use crate::session::NetworkErrorLog;
use crate::units::{Endpoint, Nanos};
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
    /// Unreachable errors, and the latest one.
    unreachable: u64,
    reason: Option<DeliveryError>,
    /// Those of the network, by kind.
    troubles: NetworkErrorLog,
}

impl Tally {
    /// Adds another destination's counts.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.bytes += other.bytes;
        self.refused += other.refused;
        self.skipped += other.skipped;
    }

    /// This host refused a datagram, at this time since the start.
    pub fn refuse(&mut self, at: Nanos, errno: i32, to: SocketAddr, explain: Explain) {
        self.refused += 1;
        if let Some(known) = self.refusals.iter().position(|one| one.errno() == errno) {
            let mut known = self.refusals.remove(known);
            known.again(at, 1);
            self.refusals.push(known);
        } else if self.refusals.len() < ERRNOS {
            self.refusals.push(SendRefusal::explained(&explain(errno, to)).at(at));
        }
    }

    /// An error about a datagram that was sent, at this time since the start.
    pub fn on_error(&mut self, at: Nanos, error: &NetworkError, explain: Explain) {
        let own = error.origin == ErrorOrigin::Local;
        // A refusal by this host is already counted from the send; its packet filter reports it
        // twice.
        if own && self.refused > 0 {
            return;
        }
        self.unreachable += error.times;
        self.troubles.observe(at, error);
        self.reason = Some(if own {
            DeliveryError::Host(explain(error.errno, error.destination))
        } else {
            DeliveryError::Network(error.notice())
        });
    }

    /// Whether everything was refused for a reason that will also stop the next datagram. A packet
    /// filter may refuse some and let others through, a full queue empties, and what an earlier
    /// datagram met says nothing about the next.
    pub fn is_hopeless(&self) -> bool {
        let lasting = |one: &SendRefusal| {
            !matches!(
                LocalRefusal::of(one.errno()),
                LocalRefusal::QueueFull
                    | LocalRefusal::PacketFilter
                    | LocalRefusal::ConnectionRefused
            )
        };
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
            network_errors: self.troubles.kinds().to_vec(),
        }
    }
}
