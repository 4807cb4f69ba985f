//! `probe mtu` without a remote agent, from what routers report about too large datagrams, and from
//! hosts that answer datagrams of any size (STAMP, echo) or reject them (ICMP).
//!
//! It starts with the MTU of this host's interface and goes down as routers report smaller ones. If
//! the size that no router objects to is not answered although a short datagram is, the largest
//! answered size is searched, with short datagrams alongside so that random loss is not taken for a
//! size limit. A host that only sends ICMP errors is not searched, since it sends just one a
//! second.

use super::super::question::MOST_TRIES;
use super::search::SizeSearch;
use super::{LARGEST, ROUND};
use crate::batch::{
    Datagram, Dest, ErrorOrigin, Fragmentation, LocalRefusal, NetworkError, SendOutcome, SendStop,
    TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::probe::{KnownBy, ProbeTraffic, RefusedHere, TooBig};
use crate::stats::{LossSample, tries_for_significance};
use crate::units::{IpFamily, Nanos};
use crate::wire::pattern;
use crate::wire::stamp::{
    ErrorEstimate, StampReply, StampRequest, TimeFormat, Timestamp, TlvKind, push_tlv,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Length of the shortest request.
const SHORT: usize = 44;
/// Bytes returned by a host that echoes what it got.
const SIGNED: usize = 16;
/// Short requests alongside each round of the search, and the time between them.
const CONTROL: u32 = 80;
const CONTROL_GAP: Nanos = Nanos::from_millis(5);
/// Tries of a short request after a long one was not answered: whether anything answers at all.
const SHORT_TRIES: u32 = 20;
/// Maximum sizes searched.
const SIZES: u64 = 80;

/// Parameters of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MtuWithoutAgentPlan {
    /// The destination host.
    pub target: SocketAddr,
    /// Minimum unanswered probes of a size before it counts as too large.
    pub tries: u32,
    /// Time between two tries.
    pub spacing: Nanos,
    /// How long to wait for an answer to the last.
    pub wait: Nanos,
    /// STAMP session identifier (SSID) of the run, not 0.
    pub ssid: u16,
}

/// Results without a remote agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MtuWithoutAgentFacts {
    /// MTU of this host's interface, if it refused a larger packet.
    pub interface_mtu: Option<u32>,
    /// The largest packet that was answered, and how that is known.
    pub answered: Option<(u32, KnownBy)>,
    /// The largest packet that no router objected to; `None` if none was sent.
    pub unopposed: Option<u32>,
    /// The smallest packet above the answered one that stayed unanswered beyond chance, and how
    /// many of it were sent.
    pub too_large: Option<(u32, u32)>,
    /// Whether packets larger than the answered one were neither answered nor objected to.
    pub searched: bool,
    /// The largest fragment of an answer that arrived fragmented.
    pub answer_fragment: Option<u32>,
    /// Reports of routers.
    pub routers: Vec<TooBig>,
    /// Counts of all datagrams.
    pub traffic: ProbeTraffic,
    /// Whether the user interrupted it.
    pub interrupted: bool,
}

/// The datagrams of one size.
#[derive(Clone, Debug)]
struct Size {
    packet: u32,
    /// Number of tries, and the time between two of them.
    tries: u32,
    spacing: Nanos,
    purpose: Purpose,
    sent: Vec<Now>,
    /// Tries that this host refused to send, with the error number.
    refused: BTreeMap<u32, i32>,
    answered: Option<KnownBy>,
    /// Tries that were answered.
    answers: BTreeSet<u32>,
    /// Duplicate answers.
    copies: u64,
    opposed: bool,
}

/// Purpose of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Whether it is answered: once is enough.
    Asked,
    /// How many of it are answered.
    Control,
}

impl Size {
    /// How many were sent.
    fn left(&self) -> u32 {
        (self.sent.len() - self.refused.len()) as u32
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Down from the largest, as routers report smaller MTUs.
    Words,
    /// Whether anything is answered at all.
    Short,
    /// Between what is answered and what is not.
    Search,
    Done,
}

/// State of `probe mtu` without a remote agent.
pub struct MtuWithoutAgent {
    plan: MtuWithoutAgentPlan,
    headers: u32,
    stage: Stage,
    sizes: Vec<Size>,
    /// Index of the current round's first size.
    round: usize,
    search: SizeSearch,
    written: Vec<(usize, Now)>,
    next_at: Nanos,
    facts: MtuWithoutAgentFacts,
    /// The size that the next descending round will try.
    next_word: u32,
    control: LossSample,
    stopped: bool,
}

impl MtuWithoutAgent {
    /// A probe at its start.
    pub fn new(plan: MtuWithoutAgentPlan) -> Self {
        let headers = IpFamily::of(plan.target).headers() as u32;
        let mut bare = Self {
            plan,
            headers,
            stage: Stage::Words,
            sizes: Vec::new(),
            round: 0,
            search: SizeSearch::new(headers + SHORT as u32, LARGEST, plan.tries),
            written: Vec::new(),
            next_at: Nanos::ZERO,
            facts: MtuWithoutAgentFacts::default(),
            next_word: LARGEST,
            control: LossSample::default(),
            stopped: false,
        };
        bare.begin(&[LARGEST], plan.tries);
        bare
    }

    fn least(&self) -> u32 {
        self.headers + SHORT as u32
    }

    /// Begins a round of these sizes, with this many tries each.
    fn begin(&mut self, packets: &[u32], tries: u32) {
        self.round = self.sizes.len();
        for packet in packets {
            self.sizes.push(self.size(*packet, tries));
        }
    }

    fn size(&self, packet: u32, tries: u32) -> Size {
        Size {
            packet,
            tries,
            spacing: self.plan.spacing,
            purpose: Purpose::Asked,
            sent: Vec::new(),
            refused: BTreeMap::new(),
            answered: None,
            answers: BTreeSet::new(),
            copies: 0,
            opposed: false,
        }
    }

    /// When a size must be checked again; `None` if it is done.
    fn open_until(&self, size: &Size, now: Nanos) -> Option<Nanos> {
        // A router that reported an MTU will not pass this size next time either.
        let enough = match size.purpose {
            Purpose::Asked => size.answered.is_some() || size.opposed,
            Purpose::Control => size.answers.len() >= size.tries as usize,
        };
        if enough {
            return None;
        }
        let last = size.sent.last().map(|at| at.mono);
        if size.sent.len() < size.tries as usize {
            return Some(last.map_or(Nanos::ZERO, |last| last + size.spacing));
        }
        // What was not sent cannot be answered.
        let waits = |until: &Nanos| *until > now && size.left() > 0;
        last.map(|last| last + self.plan.wait).filter(waits)
    }

    fn end_round(&mut self) {
        let round = self.sizes[self.round..].to_vec();
        match self.stage {
            Stage::Words => self.end_words(&round[0]),
            Stage::Short => self.end_short(&round[0]),
            Stage::Search => {
                for size in &round {
                    self.enter(size);
                }
                self.search_on();
            }
            Stage::Done => {}
        }
    }

    fn end_words(&mut self, size: &Size) {
        if size.opposed && self.next_word < size.packet {
            return self.begin(&[self.next_word], self.plan.tries);
        }
        self.facts.unopposed = Some(size.packet).filter(|_| size.left() > 0);
        if let Some(by) = size.answered {
            self.facts.answered = Some((size.packet, by));
            self.stage = Stage::Done;
            return;
        }
        self.enter(size);
        self.search.limit(size.packet);
        self.stage = Stage::Short;
        self.begin(&[self.least()], self.plan.tries.max(SHORT_TRIES));
    }

    fn end_short(&mut self, size: &Size) {
        self.enter(size);
        match size.answered {
            Some(KnownBy::Replies) => {
                self.stage = Stage::Search;
                self.facts.searched = true;
                self.search_on();
            }
            other => {
                self.facts.answered = other.map(|by| (size.packet, by));
                self.stage = Stage::Done;
            }
        }
    }

    /// Enters a size into the search.
    fn enter(&mut self, size: &Size) {
        if size.purpose == Purpose::Control {
            let control = LossSample::new(u64::from(size.left()), size.answers.len() as u64);
            self.control = self.control.with(control);
            let tell =
                tries_for_significance(self.control, SIZES).map_or(u32::MAX, |tries| tries as u32);
            return self.search.expect(tell.max(self.plan.tries));
        }
        (0..size.left()).for_each(|_| self.search.sent(size.packet));
        size.refused.iter().for_each(|_| self.search.refused(size.packet));
        if size.answered.is_some() {
            self.search.arrived(size.packet);
        }
    }

    fn search_on(&mut self) {
        let next = self.search.round();
        let silent = self.control.sent > 0 && self.control.lost == self.control.sent;
        if next.is_empty() || silent {
            let passed = self.search.passed();
            self.facts.answered = passed.map(|packet| (packet, KnownBy::Replies));
            let stopped = self.search.stopped().filter(|_| self.search.not_told().is_none());
            self.facts.too_large = stopped.map(|size| (size, self.search.of(size).sent));
            self.stage = Stage::Done;
            return;
        }
        self.round = self.sizes.len();
        for packet in next {
            // The number of a try is one byte.
            let tries = self.search.more_tries(packet).min(MOST_TRIES);
            self.sizes.push(self.size(packet, tries));
        }
        let short = self.size(self.least(), CONTROL);
        self.sizes.push(Size { spacing: CONTROL_GAP, purpose: Purpose::Control, ..short });
    }

    fn payload(&self, index: usize, sequence: usize, sent: Nanos) -> Vec<u8> {
        let len = (self.sizes[index].packet - self.headers) as usize;
        let request = self.request((index << 8 | sequence) as u32, sent);
        let mut bytes = request.encode().to_vec();
        // Padding is a TLV with a four-byte header.
        if let Some(padding) = len.checked_sub(bytes.len() + 4) {
            let start = bytes.len() + 4;
            push_tlv(&mut bytes, TlvKind::Padding, &[]);
            bytes[start - 2..].copy_from_slice(&(padding as u16).to_be_bytes());
            bytes.resize(len, 0);
            pattern::fill(0, &mut bytes[start..]);
        }
        bytes.resize(len, 0);
        bytes
    }

    fn request(&self, number: u32, sent: Nanos) -> StampRequest {
        StampRequest {
            seq: number,
            sent: Timestamp::of(sent, TimeFormat::Ntp),
            error: ErrorEstimate::default(),
            ssid: self.plan.ssid,
        }
    }

    /// The size and try of the datagram with this number, if its transmit time matches.
    fn find(&self, number: u32, sent: Option<u64>) -> Option<(usize, u32)> {
        let index = (number >> 8) as usize;
        let at = self.sizes.get(index)?.sent.get((number & 0xFF) as usize)?;
        let ours = Timestamp::of(at.real, TimeFormat::Ntp).bits;
        sent.is_none_or(|sent| sent == ours).then_some((index, number & 0xFF))
    }

    fn answered_size(&self, payload: &[u8]) -> Option<(usize, u32)> {
        let number = u32::from_be_bytes(*payload.first_chunk()?);
        let signed = payload.get(..SIGNED)?;
        let sent = u64::from_be_bytes(*payload.get(4..)?.first_chunk()?);
        if signed[14..] == self.plan.ssid.to_be_bytes()
            && let Some(found) = self.find(number, Some(sent))
        {
            return Some(found);
        }
        let reply = StampReply::decode(payload).ok()?;
        self.find(reply.request.seq, Some(reply.request.sent.bits))
    }

    /// This host's packet filter dropped a datagram that the kernel had accepted: it was not sent.
    fn note_own_reject(&mut self, error: &NetworkError) {
        let number = error.quoted().first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        if let Some((index, number)) = number.and_then(|number| self.find(number, None)) {
            self.sizes[index].refused.entry(number).or_insert(error.errno);
        }
    }

    fn traffic(&self) -> ProbeTraffic {
        let mut refused = BTreeMap::<i32, u64>::new();
        for errno in self.sizes.iter().flat_map(|size| size.refused.values()) {
            *refused.entry(*errno).or_default() += 1;
        }
        refused.retain(|errno, _| LocalRefusal::of(*errno) != LocalRefusal::TooBig);
        let refused_here = refused
            .into_iter()
            .map(|(errno, datagrams)| RefusedHere::new(errno, self.plan.target.into(), datagrams));
        ProbeTraffic {
            sent: self.sizes.iter().map(|size| u64::from(size.left())).sum(),
            refused_here: refused_here.collect(),
            copies_back: self.sizes.iter().map(|size| size.copies).sum(),
            control_sent: self.control.sent,
            control_back: self.control.sent - self.control.lost,
            ..ProbeTraffic::default()
        }
    }

    fn oppose(&mut self, index: usize, word: TooBig) {
        if !self.facts.routers.contains(&word) {
            self.facts.routers.push(word);
        }
        let packet = self.sizes[index].packet;
        let named = word.mtu_bytes.filter(|mtu| *mtu < packet && *mtu >= self.least());
        if let Some(mtu) = named {
            self.sizes[index].opposed = true;
            self.next_word = mtu;
            self.search.name(mtu);
        }
    }
}

impl Session for MtuWithoutAgent {
    type Summary = MtuWithoutAgentFacts;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        out.reset();
        self.written.clear();
        let is_open = |bare: &Self| {
            bare.sizes[bare.round..].iter().any(|size| bare.open_until(size, now.mono).is_some())
        };
        while self.stage != Stage::Done && !is_open(self) {
            self.end_round();
        }
        if self.stage == Stage::Done || self.stopped {
            return Next::Done;
        }
        let mut at = Nanos::MAX;
        for index in self.round..self.sizes.len() {
            let size = &self.sizes[index];
            let Some(due) = self.open_until(size, now.mono) else { continue };
            let wants = size.sent.len() < size.tries as usize;
            let due = if wants { due.max(self.next_at) } else { due };
            if !wants || due > now.mono || !out.is_empty() {
                at = at.min(due);
                continue;
            }
            let bytes = self.payload(index, size.sent.len(), now.real);
            let dest =
                Dest { fragmentation: Some(Fragmentation::Probe), ..Dest::from(self.plan.target) };
            let dest = out.add_dest(dest);
            let Some(slot) = out.push(dest, bytes.len()) else { return Next::Send };
            slot.copy_from_slice(&bytes);
            self.written.push((index, now));
            self.next_at = now.mono + Nanos::from_millis(2);
        }
        if out.is_empty() { Next::WaitUntil(at) } else { Next::Send }
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let Some((index, at)) = self.written.pop() else { return };
        let size = &mut self.sizes[index];
        match outcome.stop {
            None => size.sent.push(at),
            Some(SendStop::Blocked) => {}
            // The interface's MTU comes through the error queue; if it does not, go down one step.
            Some(SendStop::Refused { errno, .. })
                if LocalRefusal::of(errno) != LocalRefusal::TooBig =>
            {
                size.refused.insert(size.sent.len() as u32, errno);
                size.sent.push(at);
            }
            Some(SendStop::Refused { errno, .. }) => {
                size.refused.insert(size.sent.len() as u32, errno);
                size.sent.push(at);
                let own = self.facts.interface_mtu.unwrap_or(size.packet - 1);
                if size.packet > own {
                    size.opposed = true;
                    self.next_word = own;
                    self.search.limit(own);
                }
            }
        }
    }

    fn on_datagram(&mut self, _now: Now, datagram: &Datagram<'_>) {
        if datagram.truncated() {
            return;
        }
        let Some((index, number)) = self.answered_size(datagram.payload) else { return };
        let size = &mut self.sizes[index];
        size.answered = Some(KnownBy::Replies);
        size.copies += u64::from(!size.answers.insert(number));
        let fragment = datagram.meta.fragment;
        self.facts.answer_fragment = self.facts.answer_fragment.max(fragment);
    }

    fn on_network_error(&mut self, _now: Now, error: &NetworkError) {
        if error.origin == ErrorOrigin::Local {
            let Some(mtu) = error.mtu else { return self.note_own_reject(error) };
            self.facts.interface_mtu = Some(mtu);
            self.search.limit(mtu);
            let round = self.round;
            for size in self.sizes[round..].iter_mut().filter(|size| size.packet > mtu) {
                size.opposed = true;
                self.next_word = mtu;
            }
            return;
        }
        let number = error.quoted().first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let Some((index, _)) = number.and_then(|number| self.find(number, None)) else { return };
        let too_big = matches!((error.icmp_type, error.icmp_code), (3, 4) | (2, 0));
        if too_big {
            self.oppose(index, TooBig { router: error.offender, mtu_bytes: error.mtu });
        } else if error.offender == Some(self.plan.target.ip()) {
            // It arrived, or the target could not have rejected it.
            self.sizes[index].answered.get_or_insert(KnownBy::Icmp);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        // Extend the wait for what is in flight; its transmit time is on the wire.
        for size in &mut self.sizes[self.round..] {
            if let Some(last) = size.sent.last_mut() {
                last.mono += length;
            }
        }
    }

    fn expected_end(&self, now: Now) -> Option<Nanos> {
        let end = |size: &Size| {
            let next = self.open_until(size, now.mono)?.max(now.mono);
            Some(match u64::from(size.tries).saturating_sub(size.sent.len() as u64) {
                0 => next,
                left => next + Nanos(size.spacing.0 * (left - 1)) + self.plan.wait,
            })
        };
        let last = self.sizes[self.round..].iter().filter_map(end).max().unwrap_or(now.mono);
        let rounds = match self.stage {
            Stage::Words | Stage::Short => 1,
            Stage::Search => self.search.rounds_ahead().saturating_sub(1),
            Stage::Done => 0,
        };
        Some(last + Nanos(ROUND.0 * u64::from(rounds)))
    }

    fn on_stop(&mut self, _now: Now) {
        self.stopped = true;
    }

    fn finish(self, _now: Now) -> MtuWithoutAgentFacts {
        let traffic = self.traffic();
        MtuWithoutAgentFacts { traffic, interrupted: self.stopped, ..self.facts }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bare_report;
    use super::*;
    use crate::batch::RxEntry;
    use crate::record::probe::{MtuLimit, MtuVerdict, NoAgent};

    #[derive(Clone, Copy, PartialEq)]
    enum End {
        Echo,
        Closed,
        Silent,
    }

    /// A path whose routers each have an MTU and report it or not.
    fn run(hops: &[(u32, bool)], end: End) -> MtuWithoutAgentFacts {
        let target: SocketAddr = "192.0.2.99:7".parse().unwrap();
        let mut session = MtuWithoutAgent::new(MtuWithoutAgentPlan {
            target,
            tries: 3,
            spacing: Nanos::from_millis(10),
            wait: Nanos::from_millis(100),
            ssid: 9,
        });
        let mut out = TxBatch::new(4, 1 << 18);
        let mut mono = Nanos(1);
        for _ in 0..10_000 {
            let now = Now { mono, real: Nanos::from_secs(1_763_927_115) + mono };
            let next = session.poll_transmit(now, &mut out);
            let sent = out.slots().first().map(|slot| out.payload(slot).to_vec());
            let Some(bytes) = sent else {
                match next {
                    Next::Done => return session.finish(now),
                    Next::WaitUntil(at) => mono = at,
                    other => panic!("{other:?}"),
                }
                continue;
            };
            let packet = bytes.len() as u32 + 28;
            // The MTU of this host's interface is 1500.
            if packet > 1_500 {
                let mut error = NetworkError::new(ErrorOrigin::Local, (0, 0), 90, target, b"");
                error.mtu = Some(1_500);
                session.on_network_error(now, &error);
                let stop = Some(SendStop::Refused { datagrams: 1, errno: 90 });
                session.on_sent(now, &out, &SendOutcome { accepted: 0, stop });
                continue;
            }
            session.on_sent(now, &out, &SendOutcome { accepted: 1, stop: None });
            let stops = hops.iter().position(|(mtu, _)| packet > *mtu);
            let icmp = |told: (u8, u8), from: [u8; 4], mtu: Option<u32>| {
                let mut error = NetworkError::new(
                    ErrorOrigin::Icmp,
                    told,
                    90,
                    target,
                    &bytes[..64.min(bytes.len())],
                );
                error.offender = Some(from.into());
                error.mtu = mtu;
                error
            };
            match (stops, end) {
                (Some(hop), _) if hops[hop].1 => {
                    let from = [192, 0, 2, hop as u8 + 1];
                    session.on_network_error(now, &icmp((3, 4), from, Some(hops[hop].0)));
                }
                (Some(_), _) | (None, End::Silent) => {}
                (None, End::Closed) => {
                    session.on_network_error(now, &icmp((3, 3), [192, 0, 2, 99], None));
                }
                (None, End::Echo) => {
                    let meta = RxEntry::default().meta;
                    let datagram = Datagram { payload: &bytes, true_len: bytes.len(), meta };
                    session.on_datagram(now, &datagram);
                }
            }
        }
        panic!("no end");
    }

    #[test]
    fn routers_words_are_followed_down_to_what_is_answered() {
        let hops = [(1_400, true), (1_280, true)];
        for (end, by) in [(End::Echo, KnownBy::Replies), (End::Closed, KnownBy::Icmp)] {
            let facts = run(&hops, end);
            assert_eq!(facts.answered, Some((1_280, by)));
            assert_eq!(facts.interface_mtu, Some(1_500));
            assert_eq!(facts.routers.len(), 2);
        }
        let facts = run(&hops, End::Silent);
        assert_eq!((facts.answered, facts.unopposed), (None, Some(1_280)));
    }

    #[test]
    fn a_black_hole_is_searched_where_datagrams_are_answered() {
        let facts = run(&[(1_333, false)], End::Echo);
        assert_eq!(facts.answered, Some((1_333, KnownBy::Replies)));
        assert_eq!(facts.too_large.map(|(size, _)| size), Some(1_334));
        assert!(facts.searched);
        let facts = run(&[(1_333, false)], End::Closed);
        assert_eq!(facts.answered, Some((72, KnownBy::Icmp)));
        assert_eq!((facts.searched, facts.unopposed), (false, Some(1_500)));
    }

    #[test]
    fn a_size_is_laid_to_whoever_limits_it_and_to_nobody_on_a_whole_path() {
        let target = "192.0.2.99:7".parse().unwrap();
        let why = NoAgent::NoReply { target, waited_ns: 1 };
        let judged = |hops: &[(u32, bool)], end| {
            let report = bare_report(target.into(), 3, &why, &run(hops, end));
            (report.findings.verdict, report.findings.alternatives)
        };
        let reply = |packet_bytes: u32, limit, routers: &[[u8; 4]]| MtuVerdict::Replied {
            packet_bytes,
            payload_bytes: packet_bytes - 28,
            limit,
            routers: routers.iter().map(|router| (*router).into()).collect(),
            fragmented_replies: false,
        };
        // Nothing to find: the interface alone limits it, with a reply or a rejection.
        assert_eq!(judged(&[], End::Echo), (reply(1_500, MtuLimit::Interface, &[]), Vec::new()));
        let (closed, other) = judged(&[], End::Closed);
        let is_clean = matches!(
            closed,
            MtuVerdict::RefusedByTarget { packet_bytes: 1_500, limit: MtuLimit::Interface, .. }
        );
        assert!(is_clean && other.is_empty(), "{closed:?} {other:?}");
        // Somebody limits it.
        let router = judged(&[(1_280, true)], End::Echo).0;
        assert_eq!(router, reply(1_280, MtuLimit::Router, &[[192, 0, 2, 1]]));
        let hole = judged(&[(1_333, false)], End::Echo).0;
        assert!(matches!(hole, MtuVerdict::RepliedUpTo { packet_bytes: 1_333, .. }), "{hole:?}");
        let large = judged(&[(1_333, false)], End::Closed).0;
        assert!(matches!(large, MtuVerdict::LargeUnanswered { .. }), "{large:?}");
        let limited = judged(&[(1_280, true)], End::Silent).0;
        assert!(matches!(limited, MtuVerdict::NoReplyRouterLimit { .. }), "{limited:?}");
        let silent = judged(&[], End::Silent).0;
        assert!(matches!(silent, MtuVerdict::NoReply { .. }), "{silent:?}");
    }

    #[test]
    fn a_whole_path_takes_one_datagram() {
        let facts = run(&[], End::Echo);
        assert_eq!(facts.answered, Some((1_500, KnownBy::Replies)));
        assert!(facts.routers.is_empty());
    }
}
