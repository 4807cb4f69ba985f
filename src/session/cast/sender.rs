//! The sender of a fan-out: each datagram is numbered and encoded once and goes to every target.
//!
//! One number belongs to one round: the same bytes to all targets. A round that was cut short by a
//! full socket goes on where it stopped; a round that this host refused to every target gives its
//! number to the next, so that a refusal never looks like loss on the path.

use super::end_mark::END_MARK_LEN;
use super::{EndMark, Names};
use crate::batch::{
    Datagram, Dest, DestId, ErrorOrigin, NetworkError, SendOutcome, SendStop, TxBatch,
};
use crate::record::{CastDestination, CastSent};
use crate::session::send::{Schedule, Spacing};
use crate::session::{Next, Now, PayloadSource, Session, Supply, SupplyError};
use crate::units::Nanos;
use crate::wire::{Header, Kind};
use std::collections::VecDeque;
use std::io;

/// Rounds that are kept ready; enough to fill one system call to one target.
const ROUNDS: usize = 64;
/// End marks of a run: any one that arrives tells the receiver what its tail lost.
const END_MARKS: u32 = 3;
/// Between two end marks: longer than most bursts of loss.
const END_SPACING: Nanos = Nanos::from_millis(20);
/// `ENOBUFS` of Linux (errno(3)), which the standard library has no name for: a full queue.
const NO_BUFFERS: i32 = 105;

/// How a sender runs.
#[derive(Clone, Debug)]
pub struct CastSenderConfig {
    /// Every datagram goes to all of these, 1 or more.
    pub targets: Vec<Dest>,
    /// The names of this host's interfaces.
    pub names: Names,
    /// The run's tag in the measurement header; `None` sends the payload alone.
    pub tag: Option<u16>,
    /// How far apart the datagrams to one target are; bits count the header, too.
    pub spacing: Spacing,
    /// No new datagram after this long; `None` for no limit.
    pub time: Option<Nanos>,
}

/// What a sender knows at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CastSenderSummary {
    /// What was sent, and what was not.
    pub sent: CastSent,
    /// Why the payloads broke off, if they did.
    pub failed: Option<SupplyError>,
}

/// One datagram for all targets.
#[derive(Debug, Default)]
struct Round {
    /// The header's place, if there is one, and the payload.
    bytes: Vec<u8>,
    kind: RoundKind,
    /// Targets that are dealt with.
    done: usize,
    /// Whether any target took it.
    taken: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RoundKind {
    #[default]
    Data,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Sending,
    /// `left` end marks to go, the next at `at`.
    Ending {
        left: u32,
        at: Nanos,
    },
    Over,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    sent: u64,
    bytes: u64,
    refused: u64,
    refusal: Option<i32>,
    unreachable: u64,
    reason: Option<String>,
}

/// The sender as a session.
pub struct CastSender<P> {
    config: CastSenderConfig,
    source: P,
    schedule: Schedule,
    /// Whether the source had nothing when it was last asked.
    starved: bool,
    ids: Vec<DestId>,
    tallies: Vec<Tally>,
    queue: VecDeque<Round>,
    /// Rounds whose memory is used again.
    spare: Vec<Round>,
    /// The number of the front round.
    sequence: u64,
    phase: Phase,
    started: Option<Nanos>,
    /// When the first datagram was written, on the real-time clock.
    began: Option<Nanos>,
    /// When the first batch left, and what it held: the rate counts what came after it.
    first_batch: Option<(Nanos, u64, u64)>,
    last_sent: Nanos,
    failed: Option<SupplyError>,
    interrupted: bool,
}

impl<P: PayloadSource> CastSender<P> {
    /// A sender that has not begun. `batch` is the loop's own and learns the targets.
    pub fn new(config: CastSenderConfig, source: P, batch: &mut TxBatch) -> Self {
        Self {
            ids: config.targets.iter().map(|target| batch.add_dest(*target)).collect(),
            tallies: vec![Tally::default(); config.targets.len()],
            schedule: Schedule::new(config.spacing),
            config,
            source,
            starved: true,
            queue: VecDeque::with_capacity(ROUNDS),
            spare: Vec::with_capacity(ROUNDS),
            sequence: 0,
            phase: Phase::Sending,
            started: None,
            began: None,
            first_batch: None,
            last_sent: Nanos::ZERO,
            failed: None,
            interrupted: false,
        }
    }

    fn header_bytes(&self) -> usize {
        if self.config.tag.is_some() { Header::LEN } else { 0 }
    }

    fn new_round(&mut self, kind: RoundKind) -> Round {
        let mut round = self.spare.pop().unwrap_or_default();
        round.bytes.clear();
        round.bytes.resize(self.header_bytes(), 0);
        Round { bytes: round.bytes, kind, done: 0, taken: false }
    }

    /// Queues what is due; says when to ask again.
    fn refill(&mut self, now: Now) -> Next {
        loop {
            match self.phase {
                Phase::Sending if self.queue.len() == ROUNDS => return Next::Send,
                Phase::Sending => {
                    if let Some(next) = self.refill_data(now) {
                        return next;
                    }
                }
                Phase::Ending { .. } if !self.queue.is_empty() => return Next::Send,
                Phase::Ending { left: 0, .. } => self.phase = Phase::Over,
                Phase::Ending { left, at } => {
                    if now.mono < at {
                        return Next::WaitUntil(at);
                    }
                    let mut mark = self.new_round(RoundKind::End);
                    mark.bytes.resize(END_MARK_LEN, 0);
                    self.queue.push_back(mark);
                    self.phase = Phase::Ending { left: left - 1, at: now.mono + END_SPACING };
                }
                Phase::Over if self.queue.is_empty() => return Next::Done,
                Phase::Over => return Next::Send,
            }
        }
    }

    /// Queues one datagram if one is due; `Some` when there is nothing more to queue now.
    fn refill_data(&mut self, now: Now) -> Option<Next> {
        let started = *self.started.get_or_insert(now.mono);
        let deadline = self.config.time.map(|time| started + time);
        if deadline.is_some_and(|at| at <= now.mono) {
            self.end(now);
            return None;
        }
        let at = self.schedule.due();
        if at > now.mono {
            return Some(Next::WaitUntil(deadline.map_or(at, |deadline| deadline.min(at))));
        }
        let mut round = self.new_round(RoundKind::Data);
        match self.source.next(now, &mut round.bytes) {
            Supply::Ready => {
                if self.starved {
                    self.starved = false;
                    self.schedule.start_over(now.mono);
                }
                self.schedule.advance(round.bytes.len());
                self.queue.push_back(round);
                None
            }
            Supply::Later => {
                self.starved = true;
                self.spare.push(round);
                Some(deadline.map_or(Next::Idle, Next::WaitUntil))
            }
            Supply::End => {
                self.end(now);
                None
            }
            Supply::Failed(error) => {
                self.failed = Some(error);
                self.end(now);
                None
            }
        }
    }

    /// No more data: end marks, if the datagrams are numbered and there were any.
    fn end(&mut self, now: Now) {
        let any = self.sequence > 0 || !self.queue.is_empty();
        self.phase = match self.config.tag {
            Some(_) if any => Phase::Ending { left: END_MARKS, at: now.mono },
            _ => Phase::Over,
        };
    }

    /// Writes the queue into the batch; a round's number is its place behind the front.
    fn write(&mut self, now: Now, out: &mut TxBatch) {
        let mut sequence = self.sequence;
        for round in &mut self.queue {
            if let Some(tag) = self.config.tag {
                let kind = match round.kind {
                    RoundKind::Data => Kind::Data,
                    RoundKind::End => Kind::End,
                };
                let header = Header { kind, tag, sequence: sequence as u32, sent: now.real };
                match round.kind {
                    RoundKind::Data => {
                        self.began.get_or_insert(now.real);
                        header.encode(&mut round.bytes);
                    }
                    RoundKind::End => {
                        let mark = EndMark { total: sequence, began: self.began };
                        mark.encode(&header, &mut round.bytes);
                    }
                }
            }
            let mut left = self.ids[round.done..].iter();
            let Some(first) = left.next() else { continue };
            let Some(slot) = out.push(*first, round.bytes.len()) else { return };
            slot.copy_from_slice(&round.bytes);
            for id in left {
                if !out.repeat(*id) {
                    return;
                }
            }
            sequence += 1;
        }
    }

    /// The front round is dealt with at one more target.
    fn advance(&mut self, taken: bool) {
        let Some(front) = self.queue.front_mut() else { return };
        front.done += 1;
        front.taken |= taken;
        if front.done < self.ids.len() {
            return;
        }
        let Some(round) = self.queue.pop_front() else { return };
        if round.kind == RoundKind::Data {
            self.sequence += u64::from(round.taken);
            if self.sequence == 0 && self.is_hopeless() {
                self.queue.clear();
                self.phase = Phase::Over;
            }
        }
        self.spare.push(round);
    }

    /// Whether every target was refused for a reason that the next datagram would meet again.
    fn is_hopeless(&self) -> bool {
        self.tallies.iter().all(|tally| tally.sent == 0 && tally.refusal.is_some_and(is_lasting))
    }

    fn front(&self) -> Option<(usize, RoundKind, usize)> {
        self.queue.front().map(|round| (round.done, round.kind, round.bytes.len()))
    }
}

impl<P: PayloadSource> Session for CastSender<P> {
    type Summary = CastSenderSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let next = self.refill(now);
        self.write(now, out);
        if self.queue.is_empty() { next } else { Next::Send }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let (mut datagrams, mut bytes) = (0, 0);
        for _ in 0..outcome.accepted {
            let Some((target, kind, len)) = self.front() else { return };
            if kind == RoundKind::Data {
                self.tallies[target].sent += 1;
                self.tallies[target].bytes += len as u64;
                datagrams += 1;
                bytes += len as u64;
            }
            self.advance(true);
        }
        if datagrams > 0 {
            self.first_batch.get_or_insert((now.mono, datagrams, bytes));
            self.last_sent = now.mono;
        }
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return };
        for _ in 0..datagrams {
            let Some((target, kind, _)) = self.front() else { return };
            if kind == RoundKind::Data {
                self.tallies[target].refused += 1;
                self.tallies[target].refusal = Some(errno);
            }
            self.advance(false);
        }
    }

    fn on_datagram(&mut self, _now: Now, _datagram: &Datagram<'_>) {}

    fn on_network_error(&mut self, _now: Now, error: &NetworkError) {
        if error.origin == ErrorOrigin::Local {
            return;
        }
        let target = self.config.targets.iter().position(|dest| dest.addr == error.destination);
        if let Some(tally) = target.and_then(|target| self.tallies.get_mut(target)) {
            tally.unreachable += 1;
            tally.reason = Some(error.to_string());
        }
    }

    fn on_stop(&mut self, now: Now) {
        self.interrupted = true;
        if self.phase == Phase::Sending {
            // A round that has begun is finished, so that every target has the same numbers.
            let begun = usize::from(self.queue.front().is_some_and(|round| round.done > 0));
            self.queue.truncate(begun);
            self.end(now);
        }
    }

    fn finish(self, _now: Now) -> CastSenderSummary {
        let sum = |each: &dyn Fn(&Tally) -> u64| self.tallies.iter().map(each).sum::<u64>();
        let (datagrams, bytes) = (sum(&|tally| tally.sent), sum(&|tally| tally.bytes));
        let (first, in_first, bytes_in_first) = self.first_batch.unwrap_or_default();
        let span = self.last_sent - first;
        let per_second = |amount: u64| {
            (span > Nanos::ZERO).then(|| {
                let exact = u128::from(amount) * 1_000_000_000 / u128::from(span.as_u64());
                u64::try_from(exact).unwrap_or(u64::MAX)
            })
        };
        let destinations = self.config.targets.iter().zip(&self.tallies);
        let destinations = destinations
            .map(|(dest, tally)| CastDestination {
                destination: self.config.names.address(dest.addr),
                interface: self.config.names.interface(dest.interface),
                sent: tally.sent,
                bytes: tally.bytes,
                refused: tally.refused,
                refusal: tally.refusal.map(reason),
                unreachable: tally.unreachable,
                unreachable_reason: tally.reason.clone(),
            })
            .collect();
        let sent = CastSent {
            datagrams,
            bytes,
            refused: sum(&|tally| tally.refused),
            numbered: self.config.tag.map(|_| self.sequence),
            tag: self.config.tag,
            header_bytes: self.header_bytes() as u64,
            duration_ns: span.as_u64(),
            bits_per_second: per_second((bytes - bytes_in_first) * 8),
            datagrams_per_second: per_second(datagrams - in_first),
            interrupted: self.interrupted,
            destinations,
        };
        CastSenderSummary { sent, failed: self.failed }
    }
}

/// Whether a refusal is more than a queue that was full for a moment.
fn is_lasting(errno: i32) -> bool {
    !matches!(
        io::Error::from_raw_os_error(errno).kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory | io::ErrorKind::Interrupted
    ) && errno != NO_BUFFERS
}

/// The system's words for an error number, without the number.
fn reason(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
