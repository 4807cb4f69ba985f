//! `probe nat`: mapping and filtering behaviour of the NATs and firewalls on the path, tested with
//! a STUN server (RFC 5780).
//!
//! ```text
//! ask        one question: its tries, and matching answers to them
//! plan       the questions: to whom, and with which time-outs
//! judge      from the answers to what is known
//! findings   the verdict with its evidence and caveats
//! ```
//!
//! All questions of a stage are asked at once. First every socket asks the server itself. The
//! answer contains the server's other port and address; socket 0 then asks those, to test the
//! mapping, and socket 1, which has sent to nobody else, requests answers from them, to test the
//! filtering, with plain requests alongside that distinguish filtering from loss.

mod findings;
mod judge;
mod plan;
#[cfg(test)]
mod simulated;
mod stun_question;
#[cfg(test)]
mod tests;

pub use plan::NatPlan;
#[cfg(test)]
pub(in crate::session) use tests::NAT;

use crate::batch::{Datagram, Dest, ErrorOrigin, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::control::{Patience, Refusals};
use crate::machine::{Next, Now, Session};
use crate::record::probe::{NatAnswer, NatQuestion, NatReport};
use crate::session::NetworkErrorLog;
use crate::stats::{LossSample, tries_for_significance};
use crate::units::Nanos;
use crate::wire::stun::{
    AttributeKind, ChangeRequest, StunClass, StunMessage, TransactionId, address, error_code,
};
use std::net::SocketAddr;
use stun_question::{Ask, Repeat, ask_of};

/// Time between two tries, before any round trip is known.
const FIRST_GAP: Nanos = Nanos::from_millis(250);
/// Bounds of that time once one is known: twice the round trip.
const GAPS: (Nanos, Nanos) = (Nanos::from_millis(40), Nanos::from_millis(500));

/// Maximum tries of an unanswered filtering question, on paths whose loss requires more than the
/// usual number.
const MOST_TRIES: u64 = 64;

/// State of `probe nat`.
pub struct NatSession {
    plan: NatPlan,
    asks: Vec<Ask>,
    started: Option<Now>,
    /// The server's other port and address, once known.
    other: Option<SocketAddr>,
    round_trip: Option<Nanos>,
    /// Whether the questions for mapping, filtering and hairpinning were sent.
    mapping_asked: bool,
    filtering_asked: bool,
    hairpin_asked: bool,
    /// Source of the hairpinned datagram.
    hairpin_from: Option<SocketAddr>,
    errors: NetworkErrorLog,
    /// What the server's host says against a server that has not answered.
    refusals: Refusals,
    /// The first reason why this host refused to send; `None` if it did not.
    refusal: Option<i32>,
    /// The address that answered a plain request, and the contacted one, if they differ.
    answered_from: Option<(SocketAddr, SocketAddr)>,
    /// The server's own address and port as it reports them; `None` if it did not.
    origin: Option<SocketAddr>,
    /// Tries of unanswered questions needed to rule out chance, and the control sample that this
    /// was computed for.
    needed: (LossSample, Option<u64>),
    written: Vec<usize>,
    stopped: bool,
}

impl NatSession {
    /// A session at its start.
    pub fn new(plan: NatPlan) -> Self {
        Self {
            plan,
            asks: Vec::new(),
            started: None,
            other: None,
            round_trip: None,
            mapping_asked: false,
            filtering_asked: false,
            hairpin_asked: false,
            hairpin_from: None,
            errors: NetworkErrorLog::default(),
            refusals: Refusals::default(),
            refusal: None,
            answered_from: None,
            origin: None,
            needed: (LossSample::default(), None),
            written: Vec::new(),
            stopped: false,
        }
    }

    /// Length of a request in bytes.
    pub fn request_len() -> usize {
        stun_question::REQUEST_LEN
    }

    fn start(&mut self, now: Now) {
        self.started = Some(now);
        for socket in 0..self.plan.locals.len() {
            self.put(NatQuestion::Mapping, socket, self.plan.server, ChangeRequest::default());
        }
        if let Some(second) = self.plan.second {
            self.put(NatQuestion::Mapping, 0, second, ChangeRequest::default());
        }
    }

    fn put(&mut self, about: NatQuestion, socket: usize, to: SocketAddr, change: ChangeRequest) {
        let repeat =
            if about == NatQuestion::Control { Repeat::Always } else { Repeat::UntilAnswered };
        self.asks.push(Ask::new(about, socket, to, change, repeat));
    }

    /// Asks the questions that the answers so far allow.
    fn go_on(&mut self) {
        let Some(first) = self.seen_by_server(0) else { return };
        if let (Some(other), false) = (self.other, self.mapping_asked) {
            self.mapping_asked = true;
            for to in self.plan.others(other) {
                self.put(NatQuestion::Mapping, 0, to, ChangeRequest::default());
            }
        }
        if let (Some(other), false, Some(_)) =
            (self.other, self.filtering_asked, self.seen_by_server(1))
        {
            self.filtering_asked = true;
            let server = self.plan.server;
            self.put(NatQuestion::Control, 1, server, ChangeRequest::default());
            let has_address = other.ip() != server.ip();
            for (address, port) in [(true, true), (true, false), (false, true)] {
                let has = (!address || has_address) && (!port || other.port() != server.port());
                if has {
                    self.put(NatQuestion::Filtering, 1, server, ChangeRequest { address, port });
                }
            }
        }
        if self.plan.hairpin && !self.hairpin_asked && first != self.plan.locals[0] {
            self.hairpin_asked = true;
            let socket = self.plan.locals.len();
            self.put(NatQuestion::Hairpin, socket, first, ChangeRequest::default());
        }
    }

    /// The address of a socket as the server saw it.
    fn seen_by_server(&self, socket: usize) -> Option<SocketAddr> {
        let server = self.plan.server;
        let plain = |ask: &&Ask| ask.about == NatQuestion::Mapping && ask.to == server;
        self.asks.iter().filter(plain).find(|ask| ask.socket == socket)?.seen
    }

    fn gap(&self) -> Nanos {
        match self.round_trip {
            None => FIRST_GAP,
            Some(trip) => Nanos(trip.0.saturating_mul(2)).clamp(GAPS.0, GAPS.1),
        }
    }

    /// Results of plain requests to the server itself, with which silence from elsewhere is
    /// compared.
    fn control(&self) -> LossSample {
        let plain = |ask: &&Ask| {
            matches!(ask.about, NatQuestion::Control | NatQuestion::Mapping)
                && ask.to == self.plan.server
        };
        let samples = self.asks.iter().filter(plain).map(Ask::sample);
        samples.fold(LossSample::default(), LossSample::with)
    }

    /// Number of questions whose silence may be called filtering.
    fn filtering_questions(&self) -> u64 {
        self.asks.iter().filter(|ask| ask.about == NatQuestion::Filtering).count() as u64
    }

    /// Whether a filtering question is unanswered.
    fn is_filtered_so_far(&self) -> bool {
        let mut filtering = self.asks.iter().filter(|ask| ask.about == NatQuestion::Filtering);
        filtering.any(|ask| ask.answered == 0 && ask.instead.is_none())
    }

    /// How often filtering questions, and the plain ones alongside, are asked: as long as one of
    /// them is unanswered, until chance is ruled out.
    fn filtering_tries(&mut self) -> u32 {
        if !self.is_filtered_so_far() {
            return self.plan.tries;
        }
        let control = self.control();
        if self.needed.0 != control {
            let needed = tries_for_significance(control, self.filtering_questions());
            self.needed = (control, needed.filter(|tries| *tries <= MOST_TRIES));
        }
        self.needed_tries()
    }

    /// The tries that rule out chance, as last computed.
    fn needed_tries(&self) -> u32 {
        self.needed.1.map_or(self.plan.tries, |tries| self.plan.tries.max(tries as u32))
    }

    /// When the server counts as absent, unless it answers before: its host says that its port is
    /// closed. `None` if it does not, or something has answered.
    fn absent_at(&self) -> Option<Nanos> {
        let is_answered = self.asks.iter().any(|ask| ask.answered > 0);
        self.refusals.due(&Patience::new(Nanos::ZERO)).filter(|_| !is_answered)
    }

    fn answer(&mut self, now: Now, message: &StunMessage<'_>, datagram: &Datagram<'_>) {
        let Some((index, number)) = ask_of(self.plan.run, message.transaction) else { return };
        let Some(ask) = self.asks.get_mut(index) else { return };
        if ask.socket != datagram.meta.socket {
            return;
        }
        let source = datagram.meta.source;
        if message.class == StunClass::Error {
            let error = message.find(AttributeKind::ErrorCode).and_then(error_code);
            ask.instead.get_or_insert(match error {
                Some(error) => NatAnswer::Error {
                    error_code: error.code,
                    reason: error.reason.trim().to_owned(),
                },
                None => NatAnswer::ErrorWithoutCode,
            });
            ask.give_up();
            return;
        }
        if !ask.is_from_where_it_was_wanted(source) {
            ask.instead.get_or_insert(NatAnswer::From { source: source.into() });
            return;
        }
        if !ask.change.is_any() && source != ask.to {
            self.answered_from.get_or_insert((source, ask.to));
        }
        let read = |kind| address(kind, message.find(kind)?, message.transaction);
        let (hidden, plain) =
            (read(AttributeKind::XorMappedAddress), read(AttributeKind::MappedAddress));
        let Some(seen) = hidden.or(plain) else {
            ask.instead.get_or_insert(NatAnswer::NoAddress);
            return;
        };
        if let Some(plain) = plain.filter(|plain| *plain != seen) {
            ask.rewritten.get_or_insert(plain);
        }
        // By the kernel's stamp, so that a late reader does not count as delay of the path.
        let behind = match datagram.meta.arrival {
            Nanos::ZERO => Nanos::ZERO,
            arrival => now.real - arrival,
        };
        let arrival = Now { mono: now.mono - behind, real: now.real - behind };
        if let Some(trip) = ask.take(number, seen, arrival) {
            self.round_trip = Some(self.round_trip.map_or(trip, |known| known.min(trip)));
        }
        let other = read(AttributeKind::OtherAddress).or(read(AttributeKind::ChangedAddress));
        let server = ask.to == self.plan.server;
        if server && !ask.change.is_any() {
            self.origin = self.origin.or(read(AttributeKind::ResponseOrigin));
        }
        if let (true, 0, None, Some(other)) = (server, ask.socket, self.other, other) {
            self.other = Some(self.plan.reachable(other));
        }
        self.go_on();
    }

    /// A request that arrived here: the hairpin test's own, returned by the NAT.
    fn hairpinned(&mut self, now: Now, message: &StunMessage<'_>, datagram: &Datagram<'_>) {
        let Some((index, number)) = ask_of(self.plan.run, message.transaction) else { return };
        let Some(ask) = self.asks.get_mut(index) else { return };
        if ask.about == NatQuestion::Hairpin && datagram.meta.socket == 0 {
            ask.take(number, datagram.meta.source, now);
            self.hairpin_from.get_or_insert(datagram.meta.source);
        }
    }
}

impl Session for NatSession {
    type Summary = NatReport;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.started.is_none() {
            self.start(now);
        }
        let absent_at = self.absent_at();
        if self.stopped || absent_at.is_some_and(|at| at <= now.mono) {
            return Next::Done;
        }
        out.reset();
        self.written.clear();
        let (gap, wait) = (self.gap(), self.plan.wait);
        let (plain, filtering) = (self.plan.tries, self.filtering_tries());
        let mut at = Nanos::MAX;
        for (index, ask) in self.asks.iter_mut().enumerate() {
            let beside = matches!(ask.about, NatQuestion::Filtering | NatQuestion::Control);
            let tries = if beside { filtering } else { plain };
            if ask.is_due(now.mono, gap, tries) {
                let dest = out.add_dest(Dest { socket: ask.socket, ..Dest::from(ask.to) });
                match out.push(dest, stun_question::REQUEST_LEN) {
                    Some(slot) => {
                        ask.write(self.plan.run, index, slot);
                        self.written.push(index);
                    }
                    None => return Next::Send,
                }
            }
            at = at.min(ask.next_at(now.mono, gap, tries, wait).unwrap_or(Nanos::MAX));
        }
        match (out.is_empty(), at) {
            // Send what was written first.
            (false, _) => Next::WaitUntil(now.mono),
            (true, Nanos::MAX) => Next::Done,
            (true, at) => Next::WaitUntil(absent_at.map_or(at, |absent| absent.min(at))),
        }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let mut written = std::mem::take(&mut self.written).into_iter();
        for index in written.by_ref().take(outcome.accepted) {
            self.asks[index].went(now);
        }
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return };
        self.refusal.get_or_insert(errno);
        for index in written.take(datagrams) {
            self.asks[index].was_refused(now);
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if datagram.truncated() {
            return;
        }
        let Some(message) = StunMessage::decode(datagram.payload) else { return };
        match message.class {
            StunClass::Success | StunClass::Error => self.answer(now, &message, datagram),
            StunClass::Request => self.hairpinned(now, &message, datagram),
            StunClass::Indication => {}
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        self.errors.observe(now.mono - self.started.unwrap_or(now).mono, error);
        let by_this_host = |ip| self.plan.locals.iter().any(|local| local.ip() == ip);
        let own = error.origin == ErrorOrigin::Local || error.offender.is_some_and(by_this_host);
        if own && !by_this_host(error.destination.ip()) {
            // It was not sent: no silence of the far end.
            self.refusal.get_or_insert(error.errno);
            let asked = |ask: &&mut Ask| ask.socket == error.socket && ask.to == error.destination;
            self.asks.iter_mut().filter(asked).take(1).for_each(Ask::was_rejected_here);
            return;
        }
        // A router's refusal is no word of the server's.
        if error.destination == self.plan.server && error.is_from_destination() {
            self.refusals.observe(now.mono, error);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.refusals.on_pause(length);
        self.asks.iter_mut().for_each(|ask| ask.pause(length));
    }

    fn expected_end(&self, now: Now) -> Option<Nanos> {
        let filtered = self.is_filtered_so_far();
        let end = |ask: &Ask| {
            let beside = matches!(ask.about, NatQuestion::Filtering | NatQuestion::Control);
            let tries = if beside && filtered { self.needed_tries() } else { self.plan.tries };
            ask.expected_end(now.mono, self.gap(), tries, self.plan.wait)
        };
        let last = self.asks.iter().filter_map(end).max();
        self.absent_at().or(last)
    }

    fn on_stop(&mut self, _now: Now) {
        self.stopped = true;
    }

    fn finish(self, now: Now) -> NatReport {
        let duration = now.mono - self.started.unwrap_or(now).mono;
        judge::report(self, duration)
    }
}

/// Eight random bytes of a run; an answer to this run begins with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunId(pub [u8; 8]);

impl RunId {
    fn transaction(self, ask: usize, number: u32) -> TransactionId {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.0);
        id[8..10].copy_from_slice(&(ask as u16).to_be_bytes());
        id[10..].copy_from_slice(&(number as u16).to_be_bytes());
        TransactionId(id)
    }
}
