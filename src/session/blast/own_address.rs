//! Changes of this end's address during a run: what the far end confirmed, and what this host's
//! interfaces said.

use super::events::{ControlOrder, ControlSummary};
use crate::batch::InterfaceChange;
use crate::machine::Now;
use crate::record::AddressMove;
use crate::session::InterfaceLog;
use crate::units::{Endpoint, Nanos};
use crate::wire::Reply;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Name of the parameter of STAT's reply with the moves of single streams.
pub const STREAM_MOVES: &str = "stream_moves";

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
    /// How often the session moved, and the latest of these moves of which each stream to this end
    /// has told what it lost.
    session_moves: u32,
    told: BTreeMap<u32, u32>,
    /// What streams lost, each by itself, that the far end has not told a move of.
    lost_alone: BTreeMap<u32, Option<u64>>,
    /// Where the moves of single streams are in the list, in the far end's order.
    alone: Vec<usize>,
    /// When the streams were last admitted again.
    reopened: Nanos,
}

/// A single stream's move, as the far end tells it.
struct StreamMove {
    stream: u32,
    from: u16,
    to: u16,
    after_ns: u64,
    lost_up: Option<u64>,
}

impl StreamMove {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (stream, from) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let to = parts.next()?.parse().ok()?;
        let after_ns = parts.next()?.parse::<u64>().ok()?.checked_mul(1_000_000)?;
        Some(Self { stream, from, to, after_ns, lost_up: parts.next()?.parse().ok() })
    }
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
            ControlOrder::LostInMove { stream, datagrams } => {
                let sum = self.losses_of(*stream, told);
                *sum = Some(sum.unwrap_or(0).saturating_add(*datagrams));
                None
            }
            _ => None,
        }
    }

    /// Where it belongs what a stream to this end lost while it moved.
    fn losses_of<'a>(
        &'a mut self,
        stream: u32,
        told: &'a mut ControlSummary,
    ) -> &'a mut Option<u64> {
        if self.unconfirmed {
            return &mut self.lost_down;
        }
        let is_with_session = self.told.get(&stream).copied().unwrap_or(0) < self.session_moves;
        if is_with_session {
            self.told.insert(stream, self.session_moves);
        }
        let of = if is_with_session { None } else { Some(stream) };
        let is_its = |one: &&mut AddressMove| {
            one.stream == of && (is_with_session || one.lost_down.is_none())
        };
        match told.moves.iter_mut().rev().find(is_its) {
            Some(its) => &mut its.lost_down,
            // The far end has not told of it yet, or it only fell silent.
            None => self.lost_alone.entry(stream).or_default(),
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
        let moves = summary.moves.iter_mut().filter(|one| one.stream.is_none());
        for (known, lost) in moves.zip(lost) {
            known.lost_up = lost.parse().ok().or(known.lost_up);
        }
        let elapsed = (now.mono - granted.mono).0;
        let alone = reply.params.get(STREAM_MOVES).unwrap_or_default().split(',');
        for (index, moved) in alone.map_while(StreamMove::read).enumerate() {
            self.note_alone(index, moved, elapsed, summary);
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
        self.session_moves += 1;
        let from = summary.seen.replace(to.clone());
        if summary.moves.len() < MOST_MOVES {
            let (after_ns, lost_down) = (elapsed, self.lost_down.take());
            summary.moves.push(AddressMove { after_ns, from, to, lost_down, ..<_>::default() });
        }
        true
    }

    /// The far end's move of this index, of a single stream, as known after `elapsed`.
    fn note_alone(
        &mut self,
        index: usize,
        moved: StreamMove,
        elapsed: u64,
        summary: &mut ControlSummary,
    ) {
        if let Some(known) = self.alone.get(index).and_then(|at| summary.moves.get_mut(*at)) {
            known.lost_up = moved.lost_up.or(known.lost_up);
            return;
        }
        let seen = summary.seen.as_ref().and_then(|seen| seen.parse::<SocketAddr>().ok());
        let Some(seen) = seen.filter(|_| summary.moves.len() < MOST_MOVES) else { return };
        let at = |port| Endpoint::from(SocketAddr::new(seen.ip(), port)).to_string();
        self.alone.push(summary.moves.len());
        summary.moves.push(AddressMove {
            stream: Some(moved.stream),
            after_ns: moved.after_ns.min(elapsed),
            from: Some(at(moved.from)),
            to: at(moved.to),
            lost_up: moved.lost_up,
            lost_down: self.lost_alone.remove(&moved.stream).flatten(),
        });
    }

    /// Leaves what happened in the summary.
    pub fn finish(&self, summary: &mut ControlSummary) {
        summary.moves.sort_by_key(|one| one.after_ns);
        summary.interface_events = self.interfaces.events().to_vec();
    }
}
