//! Scans ports one by one without a remote agent: open if something answers, closed or filtered by
//! ICMP errors, and otherwise silent, which is never called closed.
//!
//! Every port is tested once at the full rate, so that services answer soon. Silent ports are
//! tested again. While the target, or a filter, rate-limits ICMP errors, silence says nothing
//! ([`debt`]). Then ports take turns, at a slow rate or just when the next error is due, so that
//! each closed one gets its error as soon as possible; and a port counts as silent only after the
//! configured number of tries, each at a time when an error was possible.

mod candidate;
mod icmp_meaning;
mod icmp_rate_limit;
mod plan;
mod report;
#[cfg(test)]
mod tests;

pub use plan::ScanPlan;
#[cfg(test)]
pub(in crate::session) use tests::SCAN;

use crate::batch::{
    Datagram, ErrorOrigin, LocalRefusal, NetworkError, SendOutcome, SendStop, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::probe::ScanReport;
use crate::units::{Nanos, with_port};
use crate::wire::service::{Ask, Service};
use candidate::{Answer, PortResult, ScannedPortState};
use icmp_meaning::Word;
use icmp_rate_limit::IcmpRateLimit;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Time between two questions while errors are rate-limited and the time of the next is unknown.
const SLOW: Nanos = Nanos::from_millis(25);
/// Time between two questions to one port then, so that the next error soon goes to a port that
/// needs one.
const IN_VAIN: Nanos = Nanos::from_millis(20);
/// How long after the first question a host that had spent its ICMP errors on others certainly has
/// one again: Linux's second plus a margin. Earlier silence says nothing if no error arrived.
const SPENT: Nanos = Nanos::from_millis(1_250);
/// Ports that a datagram from another source is compared with.
const SUSPECTS: usize = 512;
/// Datagrams from other sources that are examined.
const LOOKED_AT: u64 = 4_096;
/// Maximum doublings of the wait.
const DOUBLINGS: usize = 6;
/// Number of tries after which a pause precedes each further one.
const TOGETHER: usize = 2;
/// Multiple of the wait after which a service has had its time to answer.
const LONG: u64 = 4;

/// The scan as a state machine.
pub struct ScanSession {
    plan: ScanPlan,
    candidates: Vec<ScannedPortState>,
    by_port: HashMap<u16, usize>,
    /// Undecided ports, by the time they are due.
    queue: BTreeSet<(Nanos, usize)>,
    debt: IcmpRateLimit,
    /// The port whose question is in the batch.
    written: Option<usize>,
    started: Option<Nanos>,
    /// When the last question was sent.
    last_sent: Option<Nanos>,
    /// Whether a port got an error after silence that had counted.
    missed: bool,
    stopped: bool,
    /// Total length of this host's pauses.
    paused: Nanos,
    /// When the first error arrived, if its port had been silent before.
    spent_until: Option<Nanos>,
    counts: Counts,
    /// When the current joint last tries began.
    last_tries: Nanos,
    rng: fastrand::Rng,
}

/// Counts over all ports.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    sent: u64,
    refused: u64,
    answers: u64,
    icmp_errors: u64,
    strays: u64,
    /// Errors that ports got only after useless questions: how many, the first and the last.
    held_back: u64,
    held_from: Nanos,
    held_to: Nanos,
}

impl ScanSession {
    /// A scan before its start.
    pub fn new(plan: ScanPlan) -> Self {
        let candidate = |port: u16| {
            let target = with_port(plan.target, port);
            let seed = plan.seed ^ u64::from(port).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let ask = Ask { local: plan.local, ..Ask::new(seed, target) };
            ScannedPortState::new(plan.service.unwrap_or_else(|| Service::of_port(port)), ask)
        };
        let candidates: Vec<_> = plan.ports.iter().map(candidate).collect();
        let by_port =
            candidates.iter().enumerate().map(|(index, one)| (one.port(), index)).collect();
        let rng = fastrand::Rng::with_seed(plan.seed);
        Self {
            plan,
            last_tries: Nanos::ZERO,
            rng,
            candidates,
            by_port,
            queue: BTreeSet::new(),
            debt: IcmpRateLimit::default(),
            written: None,
            started: None,
            last_sent: None,
            missed: false,
            stopped: false,
            paused: Nanos::ZERO,
            spent_until: None,
            counts: Counts::default(),
        }
    }

    fn schedule(&mut self, index: usize, due: Option<Nanos>) {
        let candidate = &mut self.candidates[index];
        if let Some(old) = candidate.due.take() {
            self.queue.remove(&(old, index));
        }
        if let Some(due) = due {
            candidate.due = Some(due);
            self.queue.insert((due, index));
        }
    }

    fn settle(&mut self, index: usize, now: Nanos, fate: PortResult) {
        self.candidates[index].fate = Some(fate);
        self.candidates[index].settled = Some(now);
        self.schedule(index, None);
    }

    /// How long to wait for a question sent now.
    fn patience(&self, index: usize, now: Nanos) -> Nanos {
        let wait = self.plan.wait;
        let candidate = &self.candidates[index];
        let least = Nanos(self.debt.longest_round_trip().0.saturating_mul(2));
        if !self.debt.could_answer(now) {
            return IN_VAIN.max(least);
        }
        let long_asked = candidate.first().is_some_and(|first| now - first >= Nanos(wait.0 * LONG));
        if self.counts.icmp_errors > 0 && long_asked {
            // A slow service had its time, and the delay of an error is known.
            return Nanos(wait.0 / 4).max(Nanos(least.0.saturating_mul(2)));
        }
        let doublings = candidate.silent_tries().min(DOUBLINGS);
        Nanos(wait.0.saturating_mul(1 << doublings)).max(least)
    }

    /// Whether a lost error may have been the only one available, leaving all ports silent: if some
    /// were suppressed, or would have been by Linux's limits.
    fn may_owe(&self) -> bool {
        let none_spare = self.counts.held_back > 0 || !self.debt.seems_ample();
        self.counts.icmp_errors > 0 && (self.missed || none_spare)
    }

    /// Silence before this instant does not prove that no error was due; `None` if the first error
    /// arrived at once.
    fn unknown_until(&self) -> Option<Nanos> {
        let from = self.started.unwrap_or_default() + SPENT;
        if self.counts.icmp_errors == 0 { Some(from) } else { self.spent_until }
    }

    /// Whether all silent tries of a port lie before that.
    fn needs_one_more(&self, index: usize) -> Option<Nanos> {
        let last = self.candidates[index].last_silent_try();
        self.unknown_until().filter(|from| last.is_none_or(|last| last < *from))
    }

    /// When a port may have its last try, or its third and each further one: if errors may be
    /// suppressed, all ports have such a try together, after a pause. Once that began, each port
    /// not tested since may continue.
    fn last_try(&mut self, index: usize, now: Nanos) -> Nanos {
        let tries = self.plan.tries as usize;
        let next = self.candidates[index].silent_tries() + 1;
        let is_last = tries > 1 && (next == tries || next > TOGETHER);
        if let Some(from) = self.unknown_until().filter(|from| *from > now)
            && is_last
            && self.candidates[index].asked > 0
        {
            return from;
        }
        let together = is_last && self.may_owe();
        let (true, Some(last_sent)) = (together, self.last_sent) else {
            return now;
        };
        if self.candidates[index].asked_before(self.last_tries) {
            return now;
        }
        let lull = last_sent + self.debt.lull(self.missed);
        if lull <= now {
            self.last_tries = now;
        }
        lull.max(now)
    }

    /// When the next question may be sent.
    fn gate(&self, index: usize, now: Nanos) -> Nanos {
        let Some(last) = self.last_sent else { return now };
        let full = Nanos(1_000_000_000 / u64::from(self.plan.per_second.max(1)));
        if self.candidates[index].asked == 0 || !self.debt.owes(now) {
            return last + full;
        }
        match self.debt.opening(now) {
            Some(opening) => (last + full).max(opening),
            None => last + full.max(SLOW),
        }
    }

    /// The end of the scan's time.
    fn deadline(&self) -> Nanos {
        self.started.unwrap_or_default() + self.plan.time + self.paused
    }

    fn on_sent_one(&mut self, index: usize, now: Nanos) {
        self.counts.sent += 1;
        self.candidates[index].sent(now);
        let patience = self.patience(index, now);
        // In another order each time, so that no port always follows the one that uses up the only
        // available error.
        let more = self.rng.u64(0..=patience.0 / 8);
        self.schedule(index, Some(now + patience + Nanos(more)));
    }

    /// A port's own answer, or one attributed to it.
    fn answered(&mut self, index: usize, arrival: Nanos, answer: Answer) {
        self.counts.answers += 1;
        let candidate = &mut self.candidates[index];
        candidate.answers += 1;
        let round_trip = candidate.heard(arrival).unwrap_or_default();
        self.debt.observe_round_trip(round_trip);
        // Earlier results, even an error, are superseded; a first answer is kept.
        if !matches!(self.candidates[index].fate, Some(PortResult::Open(_))) {
            self.settle(index, arrival, PortResult::Open(answer));
        }
    }

    /// Which port a datagram from another source belongs to: a server may answer from another port
    /// or address. `None` unless only one port matches.
    fn suspect(&self, datagram: &Datagram<'_>) -> Option<(usize, String)> {
        let same_host = datagram.meta.source.ip() == self.plan.target.ip();
        let asked = |one: &&(usize, &ScannedPortState)| {
            let (_, candidate) = one;
            candidate.asked > 0
                && candidate.service != Service::Text
                && (same_host || candidate.service.repeats_secret())
        };
        let mut found = self
            .candidates
            .iter()
            .enumerate()
            .filter(|one| asked(&one))
            .take(SUSPECTS)
            .filter(|(_, one)| {
                !matches!(one.fate, Some(PortResult::Open(_))) || one.service.repeats_secret()
            })
            .filter_map(|(index, one)| {
                Some((index, one.service.answer(&one.ask, datagram.payload)?))
            });
        let only = found.next()?;
        found.next().is_none().then_some(only)
    }

    /// An error of `who` decides a port, unless something answers there.
    fn refused(&mut self, index: usize, now: Nanos, who: Option<IpAddr>, fate: PortResult) {
        let candidate = &mut self.candidates[index];
        let questions = candidate.questions();
        let round_trip = candidate.heard(now).unwrap_or_default();
        self.debt.observe_round_trip(round_trip);
        let first = matches!(candidate.fate, None | Some(PortResult::Silent));
        let held_back = first && candidate.in_vain() > 0;
        self.debt.observe(who, questions, now, held_back);
        if !first {
            return;
        }
        if held_back {
            let counts = &mut self.counts;
            counts.held_from = if counts.held_back == 0 { now } else { counts.held_from };
            counts.held_back += 1;
            counts.held_to = now;
        }
        self.missed |= candidate.silent_tries() > 0;
        let silent = candidate.last_silent();
        self.settle(index, now, fate);
        if silent.is_some_and(|(silent, sent)| self.debt.learn(who, silent, sent)) {
            self.judge_again(now);
        }
    }

    /// This host itself dropped a question that the kernel had accepted.
    fn rejected_here(&mut self, index: usize, now: Nanos, errno: i32) {
        self.counts.refused += 1;
        self.counts.sent = self.counts.sent.saturating_sub(1);
        let candidate = &mut self.candidates[index];
        candidate.refusals += 1;
        candidate.spoil();
        let never_left = candidate.silent_tries() == 0 && candidate.fate.is_none();
        if never_left && candidate.refusals >= self.plan.tries {
            self.settle(index, now, PortResult::NotSent(errno));
        }
    }

    /// Silence that counted may no longer count: such ports are tested again.
    fn judge_again(&mut self, now: Nanos) {
        for index in 0..self.candidates.len() {
            let candidate = &mut self.candidates[index];
            candidate.judge_again(&self.debt);
            let fewer = candidate.silent_tries() < self.plan.tries as usize;
            if fewer && matches!(candidate.fate, Some(PortResult::Silent)) {
                (candidate.fate, candidate.settled) = (None, None);
                self.schedule(index, Some(now));
            }
        }
    }
}

impl Session for ScanSession {
    type Summary = ScanReport;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let now = now.mono;
        if self.started.is_none() {
            self.started = Some(now);
            (0..self.candidates.len()).for_each(|index| self.schedule(index, Some(now)));
        }
        let deadline = self.deadline();
        while let Some((due, index)) = self.queue.first().copied() {
            if self.stopped || now >= deadline {
                break;
            }
            if due > now {
                return Next::WaitUntil(due.min(deadline));
            }
            self.candidates[index].judge(&self.debt);
            if self.candidates[index].silent_tries() >= self.plan.tries as usize {
                match self.needs_one_more(index) {
                    None => {
                        self.settle(index, now, PortResult::Silent);
                        continue;
                    }
                    Some(from) if from > now => {
                        self.schedule(index, Some(from));
                        continue;
                    }
                    Some(_) => {}
                }
            }
            let last_try = self.last_try(index, now);
            if last_try > now {
                self.schedule(index, Some(last_try));
                continue;
            }
            let gate = self.gate(index, now);
            if gate > now {
                return Next::WaitUntil(gate.min(deadline));
            }
            let candidate = &self.candidates[index];
            let question = candidate.service.question(&candidate.ask);
            // There are many ports, each tested a few times: a table of all destinations is
            // useless.
            out.reset();
            let dest = out.add_dest(candidate.ask.target);
            if let Some(bytes) = out.push(dest, question.len()) {
                bytes.copy_from_slice(&question);
                self.last_sent = Some(now);
                self.written = Some(index);
            }
            return Next::Send;
        }
        Next::Done
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let Some(index) = self.written.take() else { return };
        match outcome.stop {
            _ if outcome.accepted > 0 => self.on_sent_one(index, now.mono),
            Some(SendStop::Refused { errno, .. }) => {
                self.counts.refused += 1;
                let candidate = &mut self.candidates[index];
                candidate.refusals += 1;
                if candidate.refusals >= self.plan.tries && candidate.asked == 0 {
                    self.settle(index, now.mono, PortResult::NotSent(errno));
                } else {
                    self.schedule(index, Some(now.mono + self.plan.wait));
                }
            }
            // Still due: it is sent once there is room.
            Some(SendStop::Blocked) | None => {}
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let arrival = now.arrival_of(datagram);
        let source = datagram.meta.source;
        let bytes = datagram.true_len;
        let of_port = self.by_port.get(&source.port()).copied();
        let asked = of_port.filter(|index| {
            source.ip() == self.plan.target.ip() && self.candidates[*index].asked > 0
        });
        if let Some(index) = asked {
            let candidate = &self.candidates[index];
            let words = candidate.service.answer(&candidate.ask, datagram.payload);
            self.answered(index, arrival, Answer { words, bytes, from: None });
            return;
        }
        let looked = self.counts.strays < LOOKED_AT;
        match looked.then(|| self.suspect(datagram)).flatten() {
            Some((index, words)) => {
                let answer = Answer { words: Some(words), bytes, from: Some(source) };
                self.answered(index, arrival, answer);
            }
            None => self.counts.strays += 1,
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let target = self.plan.target.ip();
        let Some(index) = self.by_port.get(&error.destination.port()).copied() else { return };
        if error.destination.ip() != target || self.candidates[index].asked == 0 {
            return;
        }
        let too_big = LocalRefusal::of(error.errno) == LocalRefusal::TooBig;
        if error.origin == ErrorOrigin::Local && !too_big {
            return self.rejected_here(index, now.mono, error.errno);
        }
        let fate = match icmp_meaning::read(error, target) {
            Word::Nothing => return self.candidates[index].spoil(),
            Word::Closed => PortResult::Closed(Box::new(*error)),
            Word::Filtered => PortResult::Filtered(Box::new(*error)),
        };
        self.counts.icmp_errors += 1;
        if self.counts.icmp_errors == 1 && self.candidates[index].asked > 1 {
            self.spent_until = Some(now.mono);
        }
        self.refused(index, now.mono, error.offender, fate);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.paused += length;
        let waiting: Vec<(Nanos, usize)> = self.queue.iter().copied().collect();
        for (due, index) in waiting {
            self.schedule(index, Some(due + length));
        }
    }

    fn on_stop(&mut self, _now: Now) {
        self.stopped = true;
    }

    fn finish(self, now: Now) -> ScanReport {
        report::report(self, now.mono)
    }
}
