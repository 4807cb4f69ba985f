//! `probe mtu`: the largest datagram that passes in one piece, each way, and what becomes of larger
//! ones.
//!
//! Out: datagrams with don't-fragment set, whatever path MTU this host has learnt; their answers are
//! short. Back: short datagrams that ask for answers of a size with don't-fragment set. Both are
//! searched at once. Then datagrams that need fragments, out and back.
//!
//! ```text
//! search   which sizes next (RFC 8899)
//! judge    the verdict
//! bare     the same without a helper, as far as it can be known
//! ```

mod bare;
mod bare_judge;
mod judge;
mod search;

use super::rounds::{Kind, Told};
use super::shots::{AnswerPlan, Grant, IcmpNote, ItemLog, Shot};
use crate::batch::Fragmentation;
use crate::record::probe::{
    FragmentRow, KnownBy, MtuDirection, MtuLimit, MtuReport, TooBig, Verdict,
};
use crate::wire::Ask;
use search::SizeSearch;
use std::net::SocketAddr;

pub use bare::{BareFacts, BareMtu, BarePlan};
pub use bare_judge::bare_report;
pub use judge::judge;

/// The largest IP packet.
const LARGEST: u32 = 65_535;
/// Bytes of IP and UDP header.
const HEADERS_V4: u32 = 28;
const HEADERS_V6: u32 = 48;
/// Payloads that need fragments, and the largest that IPv4 has.
const FRAGMENTED: [u32; 6] = [2_000, 4_000, 8_000, 16_000, 32_000, 65_507];

/// What is to be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MtuPlan {
    /// The helper.
    pub target: SocketAddr,
    /// Probes of a size that must stay without answer before it counts as too large.
    pub tries: u32,
}

/// What an item was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Out(u32),
    Back(u32),
    OutInPieces(u32),
    BackInPieces(u32),
}

/// The state of `probe mtu`.
pub struct MtuKind {
    plan: MtuPlan,
    headers: u32,
    out: SizeSearch,
    back: SizeSearch,
    asked: Vec<Purpose>,
    fragments: Fragments,
    out_words: Vec<TooBig>,
    /// Items whose answers were to be too large, for what the helper's network said of them.
    back_items: Vec<(u32, u32)>,
    out_pieces: Vec<FragmentRow>,
    back_pieces: Vec<FragmentRow>,
    local_mtu: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fragments {
    NotYet,
    Asked,
}

impl MtuKind {
    /// A probe at its start.
    pub fn new(plan: MtuPlan) -> Self {
        let headers = if plan.target.is_ipv4() { HEADERS_V4 } else { HEADERS_V6 };
        let least = headers + Ask::PADDED as u32;
        let search = SizeSearch::new(least, LARGEST, plan.tries);
        Self {
            plan,
            headers,
            out: search.clone(),
            back: search,
            asked: Vec::new(),
            fragments: Fragments::NotYet,
            out_words: Vec::new(),
            back_items: Vec::new(),
            out_pieces: Vec::new(),
            back_pieces: Vec::new(),
            local_mtu: None,
        }
    }

    fn shot(&self, purpose: Purpose) -> Shot {
        let plain = Shot::plain(self.plan.tries);
        let len = |packet: u32| (packet - self.headers) as usize;
        match purpose {
            Purpose::Out(packet) => {
                Shot { len: len(packet), fragmentation: Some(Fragmentation::Probe), ..plain }
            }
            Purpose::Back(packet) => Shot {
                answer: AnswerPlan { len: len(packet) as u16, whole: true, ..plain.answer },
                ..plain
            },
            Purpose::OutInPieces(payload) => {
                Shot { len: payload as usize, fragmentation: Some(Fragmentation::Allow), ..plain }
            }
            Purpose::BackInPieces(payload) => {
                Shot { answer: AnswerPlan { len: payload as u16, ..plain.answer }, ..plain }
            }
        }
    }

    /// Payloads above what passes in one piece, the first just above it.
    fn in_pieces(&self, search: &SizeSearch) -> Vec<u32> {
        let Some(passed) = search.passed() else { return Vec::new() };
        let payload = passed - self.headers;
        let just = (payload < FRAGMENTED[5]).then_some(payload + 1);
        just.into_iter().chain(FRAGMENTED.into_iter().filter(|len| *len > payload + 1)).collect()
    }

    fn take_out(&mut self, packet: u32, item: &ItemLog) {
        if item.refused_for_good() {
            let most = self.local_mtu.unwrap_or(packet - 1).min(packet - 1);
            return self.out.limit(most);
        }
        (0..item.left()).for_each(|_| self.out.sent(packet));
        if item.backs().next().is_some() {
            self.out.arrived(packet);
        }
        for note in item.icmp.iter().filter(|note| is_too_big(note)) {
            if let Some(mtu) = note.mtu {
                self.out.name(mtu);
            }
            let word = TooBig { router: note.router, mtu_bytes: note.mtu };
            if !self.out_words.contains(&word) {
                self.out_words.push(word);
            }
        }
    }

    fn take_back(&mut self, packet: u32, number: u32, item: &ItemLog) {
        (0..item.left()).for_each(|_| self.back.sent(packet));
        if item.backs().any(|back| back.len == packet - self.headers) {
            self.back.arrived(packet);
        } else {
            self.back_items.push((packet, number));
        }
    }

    fn pieces(item: &ItemLog, payload: u32, largest: Option<u32>) -> FragmentRow {
        FragmentRow {
            payload_bytes: payload,
            sent: item.left() as u32,
            arrived: item.backs().count() as u32,
            largest_fragment_bytes: largest,
        }
    }

    /// What the far end's network said of answers that did not come: by router, and whether it was
    /// the far end's own host.
    fn back_words(&self, told: Option<&Told>) -> (Vec<TooBig>, bool) {
        let (mut words, mut own) = (Vec::new(), false);
        let stopped = self.back.stopped().unwrap_or(0);
        for (packet, number) in &self.back_items {
            let error = told.and_then(|told| told.get(number)).and_then(|row| row.error);
            let Some(error) = error else { continue };
            let too_big = matches!((error.icmp_type, error.icmp_code), (3, 4) | (2, 0));
            if error.icmp_type == 0 && error.icmp_code == 0 {
                own |= *packet == stopped;
            } else if too_big {
                let word = TooBig { router: error.router, mtu_bytes: None };
                if !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        (words, own)
    }

    fn direction(&self, search: &SizeSearch, words: Vec<TooBig>, own: bool) -> MtuDirection {
        let passed = search.passed();
        let limit = passed.map(|_| match search.stopped() {
            None => MtuLimit::Interface,
            Some(_) if own => MtuLimit::Interface,
            Some(_) if !words.is_empty() => MtuLimit::Router,
            Some(_) => MtuLimit::BlackHole,
        });
        MtuDirection {
            packet_bytes: passed,
            payload_bytes: passed.map(|packet| packet - self.headers),
            too_large_bytes: search.stopped(),
            limit,
            routers: words,
            vanishes_after: None,
            holes_bytes: search.holes(),
            fragments: Vec::new(),
        }
    }
}

fn is_too_big(note: &IcmpNote) -> bool {
    matches!((note.icmp_type, note.icmp_code), (3, 4) | (2, 0))
}

impl Kind for MtuKind {
    type Facts = MtuReport;

    fn round(&mut self, _grant: &Grant) -> Vec<Shot> {
        let out = self.out.round().into_iter().map(Purpose::Out);
        let back = self.back.round().into_iter().map(Purpose::Back);
        self.asked = out.chain(back).collect();
        if self.asked.is_empty() && self.fragments == Fragments::NotYet {
            self.fragments = Fragments::Asked;
            let out = self.in_pieces(&self.out).into_iter().map(Purpose::OutInPieces);
            let back = self.in_pieces(&self.back).into_iter().map(Purpose::BackInPieces);
            self.asked = out.chain(back).collect();
        }
        self.asked.iter().map(|purpose| self.shot(*purpose)).collect()
    }

    fn take(&mut self, first: u32, items: &[ItemLog], local_mtu: Option<u32>) {
        self.local_mtu = local_mtu;
        let asked = std::mem::take(&mut self.asked);
        for (number, (purpose, item)) in (first..).zip(asked.into_iter().zip(items)) {
            match purpose {
                Purpose::Out(packet) => self.take_out(packet, item),
                Purpose::Back(packet) => self.take_back(packet, number, item),
                Purpose::OutInPieces(payload) => {
                    let largest = item.backs().filter_map(|back| back.echo.fragment).max();
                    self.out_pieces.push(Self::pieces(item, payload, largest.map(u32::from)));
                }
                Purpose::BackInPieces(payload) => {
                    let largest = item.backs().filter_map(|back| back.fragment).max();
                    self.back_pieces.push(Self::pieces(item, payload, largest));
                }
            }
        }
    }

    fn finish(self, told: Option<&Told>) -> MtuReport {
        let (back_words, own) = self.back_words(told);
        let mut out = self.direction(&self.out, self.out_words.clone(), false);
        let mut back = self.direction(&self.back, back_words, own);
        out.fragments = self.out_pieces;
        back.fragments = self.back_pieces;
        MtuReport {
            target: self.plan.target,
            header_bytes: self.headers,
            tries: self.plan.tries,
            interface_mtu: self.local_mtu,
            out,
            back,
            known_by: KnownBy::Helper,
            no_helper: None,
            duration_ns: 0,
            verdict: Verdict::default(),
        }
    }
}
