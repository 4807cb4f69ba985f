//! The answers to a probe request, and whether they may be sent.
//!
//! An unverified address gets at most one answer to a request: immediately, from the address and
//! port that it contacted, and no longer than the request. Anything else is withheld and counted.

use super::super::reflect::is_askable;
use super::super::reply_queue::ReplyQueue;
use super::allowance::When;
use super::pending::DueEcho;
use super::{Charged, Probe};
use crate::batch::{Datagram, Dest, Fragmentation};
use crate::control::server::network;
use crate::machine::Now;
use crate::units::Nanos;
use crate::wire::{Ask, Echo, Via, pattern};
use std::net::{IpAddr, SocketAddr};

/// Where in its payload a probe request was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Place {
    Start,
    End,
}

/// A received probe request.
pub(in super::super) struct Asked<'a> {
    pub ask: &'a Ask,
    pub place: Place,
    pub datagram: &'a Datagram<'a>,
    /// The port that it was sent to.
    pub port: u16,
}

impl Probe {
    /// Counts a request; returns the answers that its source may get.
    pub fn take(&mut self, now: Now, session: u64, asked: &Asked<'_>) -> Vec<DueEcho> {
        let Asked { ask, place, datagram, port } = *asked;
        let (meta, len) = (&datagram.meta, datagram.true_len);
        self.items.note(ask, meta, len, port);
        let intact = place == Place::Start
            && datagram
                .payload
                .get(Ask::LEN..)
                .is_some_and(|rest| pattern::matches(Ask::LEN, rest));
        let echo = Echo {
            tag: ask.tag,
            sequence: ask.sequence,
            sent: ask.sent,
            arrived: meta.arrival,
            left: now.real,
            item: ask.item,
            number: 0,
            ttl: meta.ttl,
            tos: meta.tos,
            intact,
            len: u16::try_from(len).unwrap_or(u16::MAX),
            fragment: meta.fragment.map(|bytes| u16::try_from(bytes).unwrap_or(u16::MAX)),
            port,
            source: meta.source,
        };
        let answer_len = usize::from(ask.answer_len).max(Echo::LEN);
        let allowed = if self.lanes.is_proven(meta.source, now.mono) {
            ask.answers
        } else {
            let plain = ask.delay == Nanos::ZERO && ask.via == Via::Same && answer_len <= len;
            ask.answers.min(u8::from(plain && is_askable(meta)))
        };
        let dest = self.way_back(datagram, ask);
        let allowed = if dest.is_some() { allowed } else { 0 };
        for _ in allowed..ask.answers {
            self.items.answer_withheld(ask.item);
        }
        let answers = dest.into_iter().flat_map(|dest| {
            (0..allowed).map(move |number| DueEcho {
                session,
                dest,
                echo: Echo { number, ..echo },
                len: answer_len,
            })
        });
        answers.collect()
    }

    /// Destination and source of the answers to a request; `None` if there is no such path.
    fn way_back(&self, datagram: &Datagram<'_>, ask: &Ask) -> Option<Dest> {
        let meta = &datagram.meta;
        let socket = if ask.via.other_port() { self.alternate?.1 } else { meta.socket };
        let from = if ask.via.other_address() { Some(self.other?) } else { meta.destination };
        let policy = if ask.whole { Fragmentation::Probe } else { Fragmentation::Allow };
        let (tos, fragmentation) = (ask.answer_tos, Some(policy));
        Some(Dest { from, socket, tos, fragmentation, ..Dest::from(meta.source) })
    }

    /// Whose limits an answer counts for: those of `owner`, the probe's client, and of the
    /// destination if that is verified and another address.
    pub fn charged(&self, when: When, owner: IpAddr, to: SocketAddr, now: Nanos) -> Charged {
        // A forged source must not use up the allowance of the address's true owner.
        let proven = when == When::Later || self.lanes.is_proven(to, now);
        let other = proven && network(owner) != network(to.ip());
        Charged { owner, other: other.then_some(to.ip()) }
    }
}

impl DueEcho {
    pub fn bytes(&self, outbox: &mut ReplyQueue) -> Vec<u8> {
        let mut bytes = outbox.spare();
        bytes.resize(self.len, 0);
        self.echo.encode(&mut bytes);
        bytes
    }
}
