//! `probe mtu`: the path MTU in each direction, and what happens to larger datagrams.
//!
//! Out: datagrams with don't-fragment set, regardless of the path MTU that this host has cached;
//! their answers are short. Back: short datagrams that request answers of a given size with
//! don't-fragment set. Both directions are searched at once. Then datagrams that need fragments,
//! out and back.
//!
//! ```text
//! search      which sizes next (RFC 8899)
//! fragments   what happens to larger datagrams
//! judge       the verdict
//! bare        the same without a remote agent, as far as possible
//! ```

mod fragments;
mod judge;
mod search;
mod without_agent;
mod without_agent_judge;

use super::probe_batch::{AnswerPlan, Grant, IcmpNote, ItemLog, ProbeItem};
use super::question::{Chance, Question};
use super::rounds::{AgentCounts, Kind, Round, RoundsEnd};
use crate::batch::Fragmentation;
use crate::record::Findings;
use crate::record::probe::{KnownBy, MtuDirection, MtuLimit, MtuReport, TooBig};
use crate::stats::tries_for_significance;
use crate::units::{IpFamily, MAX_PACKET, Nanos};
use crate::wire::Ask;
use fragments::Fragments;
use search::SizeSearch;
use std::net::SocketAddr;

pub use judge::judge;
pub use without_agent::{MtuWithoutAgent, MtuWithoutAgentFacts, MtuWithoutAgentPlan};
pub use without_agent_judge::bare_report;

/// The largest IP packet.
const LARGEST: u32 = MAX_PACKET as u32;
/// Maximum sizes tested in one run, both directions together.
const SIZES: u64 = 150;
/// Tries of a size in its first round: enough to decide on a path without loss.
const FIRST_TRIES: u32 = 5;
/// About how long a round takes in which a size does not arrive.
const ROUND: Nanos = Nanos::from_millis(900);

/// Parameters of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MtuPlan {
    /// The remote agent.
    pub target: SocketAddr,
    /// Minimum unanswered probes of a size before it counts as too large.
    pub tries: u32,
}

/// Purpose of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Out(u32),
    Back(u32),
    Fragments,
}

/// State of `probe mtu`.
pub struct MtuKind {
    plan: MtuPlan,
    headers: u32,
    out: SizeSearch,
    back: SizeSearch,
    asked: Vec<Purpose>,
    control: Question,
    fragments: Option<Fragments>,
    out_words: Vec<TooBig>,
    /// Number and size of items for the way out.
    out_items: Vec<(u32, u32)>,
    /// Number and size of items for the way back, to match errors that the agent's network
    /// reported.
    back_items: Vec<(u32, u32)>,
    local_mtu: Option<u32>,
}

impl MtuKind {
    /// A probe at its start.
    pub fn new(plan: MtuPlan) -> Self {
        let headers = IpFamily::of(plan.target).headers() as u32;
        let least = headers + Ask::PADDED as u32;
        let search = SizeSearch::new(least, LARGEST, plan.tries.max(FIRST_TRIES));
        Self {
            plan,
            headers,
            out: search.clone(),
            back: search,
            asked: Vec::new(),
            control: Question::default(),
            fragments: None,
            out_words: Vec::new(),
            out_items: Vec::new(),
            back_items: Vec::new(),
            local_mtu: None,
        }
    }

    fn shot(&self, purpose: Purpose) -> ProbeItem {
        let len = |packet: u32| (packet - self.headers) as usize;
        match purpose {
            Purpose::Out(packet) => {
                let plain = ProbeItem::plain(self.out.more_tries(packet));
                ProbeItem { len: len(packet), fragmentation: Some(Fragmentation::Probe), ..plain }
            }
            Purpose::Back(packet) => {
                let plain = ProbeItem::plain(self.back.more_tries(packet));
                ProbeItem {
                    answer: AnswerPlan { len: len(packet) as u16, whole: true, ..plain.answer },
                    ..plain
                }
            }
            Purpose::Fragments => ProbeItem::plain(1),
        }
    }

    /// Whether short datagrams were sent and none was answered: silence then says nothing about
    /// sizes.
    fn is_silent(&self) -> bool {
        self.control.left() > 0 && self.control.answered() == 0
    }

    fn take_out(&mut self, packet: u32, number: u32, item: &ItemLog) {
        if item.refused_for_good() {
            let most = self.local_mtu.unwrap_or(packet - 1).min(packet - 1);
            return self.out.limit(most);
        }
        (0..item.left()).for_each(|_| self.out.sent(packet));
        item.refusals().for_each(|_| self.out.refused(packet));
        for back in item.backs() {
            match (item.cut_out(back), back.echo.fragment) {
                (Some(left), _) => self.out.arrived_cut(packet, left + self.headers),
                (None, None) => self.out.arrived(packet),
                (None, Some(piece)) => self.out.arrived_in_pieces(packet, u32::from(piece)),
            }
        }
        self.out_items.push((packet, number));
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
        item.refusals().for_each(|_| self.back.refused(packet));
        for back in item.backs() {
            match (item.cut_back(back), back.fragment) {
                (Some(left), _) => self.back.arrived_cut(packet, left + self.headers),
                // Longer than what was asked for says nothing about this size.
                _ if back.len != packet - self.headers => {}
                (None, None) => self.back.arrived(packet),
                (None, Some(piece)) => self.back.arrived_in_pieces(packet, piece),
            }
        }
        if self.back.of(packet).arrived == 0 {
            self.back_items.push((packet, number));
        }
    }

    /// Uses what arrived at the agent although its answer was lost.
    fn learn(&mut self, told: &AgentCounts) {
        for (packet, number) in &self.out_items {
            let Some(row) = told.get(number).filter(|row| row.count > 0) else { continue };
            let left = u32::from(row.len) + self.headers;
            match row.fragment {
                _ if left < *packet => self.out.arrived_cut(*packet, left),
                None => self.out.arrived(*packet),
                Some(piece) => self.out.arrived_in_pieces(*packet, u32::from(piece)),
            }
        }
    }

    /// Errors that the far end's network reported about missing answers: by router, and whether the
    /// far end's own host reported them.
    fn back_words(&self, told: Option<&AgentCounts>) -> (Vec<TooBig>, bool) {
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

    fn direction(&self, search: &SizeSearch, ends: Ends, words: Vec<TooBig>) -> MtuDirection {
        let passed = search.passed();
        let stopped = search.stopped();
        let above = stopped.map(|size| search.of(size)).unwrap_or_default();
        MtuDirection {
            packet_bytes: passed,
            payload_bytes: passed.map(|packet| packet - self.headers),
            too_large_bytes: stopped,
            too_large_sent: above.sent,
            fragmented_into_bytes: (above.in_pieces > 0).then_some(above.in_pieces),
            cut_to_bytes: (above.cut_to > 0).then(|| above.cut_to - self.headers),
            limit: passed.map(|passed| limit(search, passed, ends, &words)),
            routers: words,
            vanishes_after: None,
            holes_bytes: search.holes(),
            fragments: Vec::new(),
        }
    }
}

/// The MTUs of the interfaces at both ends of a direction, if known.
#[derive(Clone, Copy, Debug)]
struct Ends {
    sender: Option<u32>,
    receiver: Option<u32>,
}

/// What limits the sizes that pass in a direction.
fn limit(search: &SizeSearch, passed: u32, ends: Ends, words: &[TooBig]) -> MtuLimit {
    let stopped = search.stopped();
    if ends.sender == Some(passed) || (stopped.is_none() && passed == search.most()) {
        return MtuLimit::Interface;
    }
    if stopped.is_some_and(|size| search.of(size).cut_to > 0) {
        return MtuLimit::Cut;
    }
    if stopped.is_some_and(|size| search.of(size).in_pieces > 0) {
        return MtuLimit::Fragmented;
    }
    let named = words.iter().any(|word| word.mtu_bytes == Some(passed));
    if named || (!words.is_empty() && stopped.is_some()) {
        return MtuLimit::Router;
    }
    if ends.receiver == Some(passed) {
        return MtuLimit::FarInterface;
    }
    // What exceeds the MTU of an interface at either end says nothing about the path.
    let most = ends.sender.unwrap_or(u32::MAX).min(ends.receiver.unwrap_or(u32::MAX));
    match stopped {
        Some(stopped) if stopped <= most && search.not_told().is_none() => MtuLimit::BlackHole,
        _ => MtuLimit::Unknown,
    }
}

fn is_too_big(note: &IcmpNote) -> bool {
    matches!((note.icmp_type, note.icmp_code), (3, 4) | (2, 0))
}

impl Kind for MtuKind {
    type Facts = MtuReport;

    fn round(&mut self, _grant: &Grant) -> Vec<ProbeItem> {
        if self.is_silent() {
            return Vec::new();
        }
        let out = self.out.round().into_iter().map(Purpose::Out);
        let back = self.back.round().into_iter().map(Purpose::Back);
        self.asked = out.chain(back).collect();
        if !self.asked.is_empty() {
            return self.asked.iter().map(|purpose| self.shot(*purpose)).collect();
        }
        let passed = [self.out.passed(), self.back.passed()];
        let (headers, interface, control) = (self.headers, self.local_mtu, &self.control);
        let fragments =
            self.fragments.get_or_insert_with(|| Fragments::new(headers, passed, interface));
        let shots = fragments.round(control);
        self.asked = vec![Purpose::Fragments; shots.len()];
        shots
    }

    fn take(&mut self, round: &Round<'_>) {
        self.local_mtu = round.local_mtu;
        if let Some((number, item)) = round.control {
            self.control.add(number, item);
        }
        let asked = std::mem::take(&mut self.asked);
        for (number, (purpose, item)) in (round.first..).zip(asked.into_iter().zip(round.items)) {
            match purpose {
                Purpose::Out(packet) => self.take_out(packet, number, item),
                Purpose::Back(packet) => self.take_back(packet, number, item),
                Purpose::Fragments => {
                    if let Some(fragments) = &mut self.fragments {
                        fragments.take(number, item);
                    }
                }
            }
        }
        let tell =
            tries_for_significance(self.control.round_trip(), SIZES).map_or(u32::MAX, |n| n as u32);
        for search in [&mut self.out, &mut self.back] {
            search.expect(tell.max(self.plan.tries));
        }
    }

    fn ahead(&self) -> Nanos {
        if self.fragments.is_some() {
            return Nanos::ZERO;
        }
        // Both directions are searched at once; then come the fragments.
        let rounds = self.out.rounds_ahead().max(self.back.rounds_ahead()) + 1;
        Nanos(ROUND.0 * u64::from(rounds))
    }

    fn finish(mut self, end: RoundsEnd) -> MtuReport {
        let told = end.told.as_ref();
        if let Some(told) = told {
            self.learn(told);
        }
        let (back_words, own) = self.back_words(told);
        let (here, there) = (self.local_mtu, end.helper_mtu);
        let out = Ends { sender: here, receiver: there };
        // The agent refused the size itself and did not report its interface's MTU.
        let refused = self.back.passed().filter(|_| own && there.is_none());
        let back = Ends { sender: there.or(refused), receiver: here };
        let mut out = self.direction(&self.out, out, self.out_words.clone());
        let mut back = self.direction(&self.back, back, back_words);
        if let Some(fragments) = &self.fragments {
            let chance = Chance { control: &self.control, told, asked: fragments::QUESTIONS };
            [out.fragments, back.fragments] = fragments.rows(&chance);
        }
        MtuReport {
            target: self.plan.target.into(),
            header_bytes: self.headers,
            tries: self.plan.tries,
            interface_mtu: here,
            far_interface_mtu: there,
            out,
            back,
            known_by: KnownBy::Agent,
            no_agent: None,
            traffic: end.traffic,
            interrupted: false,
            duration_ns: 0,
            findings: Findings::default(),
        }
    }
}
