//! Changes of this end's address during a run: what the far end confirmed, and what this host's
//! interfaces said.

use super::events::{ControlOrder, ControlSummary};
use crate::batch::InterfaceChange;
use crate::machine::Now;
use crate::record::AddressMove;
use crate::session::InterfaceLog;
use crate::units::{Endpoint, Nanos};
use crate::wire::Reply;
use std::net::SocketAddr;

/// Most changes of this end's address that are listed.
const MOST_MOVES: usize = 64;

/// Time between two attempts to have streams admitted again whose datagrams go astray.
const REOPEN_EVERY: Nanos = Nanos::from_secs(1);

/// What is known of this end's address.
#[derive(Debug, Default)]
pub(super) struct OwnAddress {
    interfaces: InterfaceLog,
    /// Whether this host's address changed and the far end has not confirmed the new one.
    unconfirmed: bool,
    /// Datagrams that streams to this end lost in a move that is not confirmed yet.
    lost_down: Option<u64>,
    /// When the streams were last admitted again.
    reopened: Nanos,
}

impl OwnAddress {
    /// This host's interfaces changed; returns whether the far end should hear of it at once.
    pub fn observe(&mut self, at: Nanos, change: &InterfaceChange) -> bool {
        self.interfaces.observe(at, change);
        self.unconfirmed |= matches!(change, InterfaceChange::AddressChanged { .. });
        change.is_recovery()
    }

    /// What a stream says of its address; returns its number if it is to be admitted again now, and
    /// not with all others once the far end has confirmed the address.
    pub fn take_order(&mut self, order: &ControlOrder, told: &mut ControlSummary) -> Option<u32> {
        match order {
            ControlOrder::StreamMoved { stream } => Some(*stream).filter(|_| !self.unconfirmed),
            ControlOrder::LostInMove { datagrams } => {
                let lost = match told.moves.last_mut().filter(|_| !self.unconfirmed) {
                    Some(last) => &mut last.lost_down,
                    None => &mut self.lost_down,
                };
                *lost = Some(lost.unwrap_or(0).saturating_add(*datagrams));
                None
            }
            _ => None,
        }
    }

    /// A reply of the run that was granted at `granted`; returns whether the streams are to be
    /// admitted again: it came to another address than the one before, or datagrams of theirs come
    /// from addresses that the far end does not know.
    pub fn confirm(
        &mut self,
        reply: &Reply,
        (granted, now): (Now, Now),
        summary: &mut ControlSummary,
    ) -> bool {
        let lost = reply.params.get("move_lost").unwrap_or_default().split(',');
        for (known, lost) in summary.moves.iter_mut().zip(lost) {
            known.lost_up = lost.parse().ok().or(known.lost_up);
        }
        let to = reply.params.get("moved").and_then(|to| to.parse::<SocketAddr>().ok());
        let Some(to) = to.map(|to| Endpoint::from(to).to_string()) else {
            let is_due = now.mono >= self.reopened + REOPEN_EVERY;
            let is_astray = reply.params.get("astray").is_some() && is_due;
            if is_astray {
                self.reopened = now.mono;
            }
            return is_astray;
        };
        (self.unconfirmed, self.reopened) = (false, now.mono);
        let from = summary.seen.replace(to.clone());
        let after_ns = (now.mono - granted.mono).0;
        if summary.moves.len() < MOST_MOVES {
            let lost_down = self.lost_down.take();
            summary.moves.push(AddressMove { after_ns, from, to, lost_down, ..<_>::default() });
        }
        true
    }

    /// Leaves what happened in the summary.
    pub fn finish(&self, summary: &mut ControlSummary) {
        summary.interface_events = self.interfaces.events().to_vec();
    }
}
