//! Changes of this end's address during a run: what the far end confirmed, and what this host's
//! interfaces said.

use super::events::ControlSummary;
use crate::batch::InterfaceChange;
use crate::machine::Now;
use crate::record::AddressMove;
use crate::session::InterfaceLog;
use crate::units::{Endpoint, Nanos};
use crate::wire::Reply;
use std::net::SocketAddr;

/// Most changes of this end's address that are listed.
const MOST_MOVES: usize = 64;

/// What is known of this end's address.
#[derive(Debug, Default)]
pub(super) struct OwnAddress {
    interfaces: InterfaceLog,
    /// Whether this host's address changed and the far end has not confirmed the new one.
    unconfirmed: bool,
}

impl OwnAddress {
    /// This host's interfaces changed; returns whether the far end should hear of it at once.
    pub fn observe(&mut self, at: Nanos, change: &InterfaceChange) -> bool {
        self.interfaces.observe(at, change);
        self.unconfirmed |= matches!(change, InterfaceChange::AddressChanged { .. });
        change.is_recovery()
    }

    /// Whether the streams are to be admitted again once the far end has confirmed the address.
    pub fn is_unconfirmed(&self) -> bool {
        self.unconfirmed
    }

    /// A reply of the run that was granted at `granted`; returns whether it came to another address
    /// than the one before.
    pub fn confirm(
        &mut self,
        reply: &Reply,
        (granted, now): (Now, Now),
        summary: &mut ControlSummary,
    ) -> bool {
        let to = reply.params.get("moved").and_then(|to| to.parse::<SocketAddr>().ok());
        let Some(to) = to.map(|to| Endpoint::from(to).to_string()) else { return false };
        self.unconfirmed = false;
        let from = summary.seen.replace(to.clone());
        let after_ns = (now.mono - granted.mono).0;
        if summary.moves.len() < MOST_MOVES {
            summary.moves.push(AddressMove { after_ns, from, to });
        }
        true
    }

    /// Leaves what happened in the summary.
    pub fn finish(&self, summary: &mut ControlSummary) {
        summary.interface_events = self.interfaces.events().to_vec();
    }
}
