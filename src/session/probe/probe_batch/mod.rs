//! Sends datagrams to a remote agent, item by item, until they are answered or their tries are used
//! up, or as a train on a schedule; and records the results.
//!
//! A kind requests items, evaluates their results, and requests the next. Every item is also a row
//! of the agent's own counts (STAT), so what arrived there is known even without an answer.

mod log;
mod payload_shape;

pub use log::{Back, Changes, IcmpNote, ItemLog, One};
pub use payload_shape::Shape;

use crate::batch::{
    Datagram, Dest, ErrorOrigin, Fragmentation, NetworkError, SendOutcome, SendStop, TxBatch,
};
use crate::machine::Now;
use crate::units::Nanos;
use crate::wire::{Ask, Echo};
use std::net::SocketAddr;

/// How to address an agent: the contents of the reply to TEST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Address and own port of the agent.
    pub helper: SocketAddr,
    /// The probe's tag.
    pub tag: u16,
    /// The probe's secret key.
    pub key: u64,
    /// Ports that it opened for the probe.
    pub ports: Vec<u16>,
}

/// The answers to request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerPlan {
    /// How many; 0 only counts the request for STAT.
    pub count: u8,
    /// TOS or traffic class of the answers.
    pub tos: u8,
    /// Payload bytes; 0 for the minimum.
    pub len: u16,
    /// Whether they must not be fragmented.
    pub whole: bool,
}

impl Default for AnswerPlan {
    fn default() -> Self {
        Self { count: 1, tos: 0, len: 0, whole: false }
    }
}

/// How often the datagram of an item is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Until it is answered, at most this many times, with the spacing of [`ProbeBatch::new`].
    UntilAnswered(u32),
    /// This many, one in each such span.
    Train(u32, Nanos),
}

impl Pace {
    /// Datagrams at most.
    fn tries(self) -> u32 {
        match self {
            Self::UntilAnswered(tries) | Self::Train(tries, _) => tries,
        }
    }
}

/// One item: datagrams of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeItem {
    /// Destination port; `None` for the agent's own.
    pub port: Option<u16>,
    /// Payload bytes, at least 40.
    pub len: usize,
    /// Appearance of the payload.
    pub shape: Shape,
    /// TOS or traffic class; 0 for none.
    pub tos: u8,
    /// TTL or hop limit; 0 for the socket's default.
    pub ttl: u8,
    /// Whether it may be fragmented; `None` for the system's default.
    pub fragmentation: Option<Fragmentation>,
    /// The requested answers.
    pub answer: AnswerPlan,
    /// How often.
    pub pace: Pace,
}

impl ProbeItem {
    /// A short datagram to the agent's own port that requests one short answer.
    pub fn plain(tries: u32) -> Self {
        Self {
            port: None,
            len: Ask::PADDED,
            shape: Shape::Ask,
            tos: 0,
            ttl: 0,
            fragmentation: None,
            answer: AnswerPlan::default(),
            pace: Pace::UntilAnswered(tries),
        }
    }
}

/// Minimum time between two datagrams.
const GAP: Nanos = Nanos::from_millis(2);
/// Maximum payload bits per second, both directions together, except in a train.
const RATE: u64 = 10_000_000;

/// The items of a probe.
#[derive(Debug)]
pub struct ProbeBatch {
    grant: Grant,
    /// All items so far, by number.
    items: Vec<ItemLog>,
    /// Index of the current round's first item.
    round: usize,
    spacing: Nanos,
    wait: Nanos,
    gap: Nanos,
    next_at: Nanos,
    written: Vec<(usize, Now)>,
    /// The longest round trip so far.
    longest: Nanos,
    /// Network errors that could not be matched with an item.
    pub unnamed: Vec<IcmpNote>,
    /// MTU of this host's interface, if it refused a packet.
    pub local_mtu: Option<u32>,
}

impl ProbeBatch {
    /// No items yet. `spacing` is the time between two tries of an item; after the last, an answer
    /// is awaited for `wait`.
    pub fn new(grant: Grant, spacing: Nanos, wait: Nanos) -> Self {
        Self {
            grant,
            items: Vec::new(),
            round: 0,
            spacing,
            wait,
            gap: GAP,
            next_at: Nanos::ZERO,
            written: Vec::new(),
            longest: Nanos::ZERO,
            unnamed: Vec::new(),
            local_mtu: None,
        }
    }

    /// Begins a round, giving up what is still in flight of the one before. Returns the number of
    /// the first item.
    pub fn begin(&mut self, now: Now, shots: impl IntoIterator<Item = ProbeItem>) -> usize {
        self.round = self.items.len();
        self.items.extend(shots.into_iter().map(|shot| ItemLog::new(shot, now.mono)));
        self.round
    }

    /// A round trip on this path takes about this long, as known from elsewhere.
    pub fn expect(&mut self, round_trip: Nanos) {
        self.longest = self.longest.max(round_trip);
    }

    /// This host was paused for this long: deadlines move by that, and a train continues where it
    /// was.
    pub fn on_pause(&mut self, length: Nanos) {
        for item in &mut self.items[self.round..] {
            if let Pace::Train(..) = item.shot.pace
                && item.wants_more()
            {
                item.began += length;
            }
            item.stood_still += length;
        }
    }

    /// Leaves at least this much time between two datagrams, in addition to the general rate limit.
    pub fn slow_down(&mut self, gap: Nanos) {
        self.gap = self.gap.max(gap);
    }

    /// All items, by number.
    pub fn items(&self) -> &[ItemLog] {
        &self.items
    }

    /// The items of the current round.
    pub fn round(&self) -> &[ItemLog] {
        &self.items[self.round..]
    }

    fn patience(&self) -> Nanos {
        self.wait.max(Nanos(self.longest.0.saturating_mul(4)))
    }

    /// Whether all items of the round are answered or given up.
    pub fn is_over(&self, now: Now) -> bool {
        self.round().iter().all(|item| self.open_until(item, now.mono).is_none())
    }

    /// When an item must be checked again; `None` if it is done.
    fn open_until(&self, item: &ItemLog, now: Nanos) -> Option<Nanos> {
        let last = item.sent.last().map(|one| one.at.mono);
        let patience = self.patience() + item.stood_still;
        match item.shot.pace {
            Pace::UntilAnswered(tries) => {
                if item.backs().next().is_some() || item.refused_for_good() {
                    return None;
                }
                if item.attempts() < tries as usize {
                    return Some(last.map_or(Nanos::ZERO, |last| last + self.spacing));
                }
                // What was not sent cannot be answered.
                let waits = |until: &Nanos| *until > now && item.left() > 0;
                last.map(|last| last + patience).filter(waits)
            }
            Pace::Train(count, gap) => {
                let attempts = item.attempts() as u64;
                if attempts < u64::from(count) {
                    return Some(item.began + Nanos(gap.0 * attempts));
                }
                let missing = item.backs().count() < item.left() && item.shot.answer.count > 0;
                let until = last.map(|last| last + patience).filter(|until| *until > now);
                until.filter(|_| missing)
            }
        }
    }

    /// When the round is over if no more answers come.
    pub fn expected_end(&self, now: Nanos) -> Nanos {
        let open = |item: &&ItemLog| self.open_until(item, now).is_some();
        let (mut sends, mut last) = (0, now);
        for item in self.round().iter().filter(open) {
            let left = (item.shot.pace.tries() as usize).saturating_sub(item.attempts()) as u64;
            let next = self.open_until(item, now).unwrap_or(now).max(now);
            let end = match (left, item.shot.pace) {
                (0, _) => next,
                (_, Pace::UntilAnswered(_)) => {
                    sends += left;
                    next + Nanos(self.spacing.0 * (left - 1)) + self.patience()
                }
                (_, Pace::Train(_, gap)) => next + Nanos(gap.0 * (left - 1)) + self.patience(),
            };
            last = last.max(end);
        }
        let sending = Nanos(self.gap.0 * sends);
        last.max(now + sending)
    }

    /// How long these take if nothing is answered.
    pub fn length_of(&self, shots: &[ProbeItem]) -> Nanos {
        let each = |shot: &ProbeItem| match shot.pace {
            Pace::UntilAnswered(tries) => Nanos(self.spacing.0 * u64::from(tries)),
            Pace::Train(count, gap) => Nanos(gap.0 * u64::from(count)),
        };
        shots.iter().map(each).max().map_or(Nanos::ZERO, |longest| longest + self.patience())
    }

    /// Writes what is due and returns when to ask again; `Nanos::MAX` if the round is over.
    pub fn write_due(&mut self, now: Now, out: &mut TxBatch) -> Nanos {
        self.written.clear();
        let mut at = Nanos::MAX;
        for index in self.round..self.items.len() {
            let item = &self.items[index];
            let Some(due) = self.open_until(item, now.mono) else { continue };
            if !item.wants_more() || due > now.mono {
                at = at.min(due);
                continue;
            }
            if let Pace::Train(..) = item.shot.pace {
                let next = self.write_train(index, now, out);
                at = at.min(next);
                continue;
            }
            if self.next_at > now.mono {
                at = at.min(self.next_at);
                continue;
            }
            let sequence = item.attempts() as u32;
            if self.write(index, sequence, now, out) {
                let shot = self.items[index].shot;
                let bytes = shot.len.max(usize::from(shot.answer.len)) as u64;
                let span = Nanos(bytes * 8 * 1_000_000_000 / RATE);
                self.next_at = now.mono + self.gap.max(span);
                at = at.min(self.next_at);
            } else {
                at = now.mono;
            }
        }
        at
    }

    /// Writes what a train's schedule has due, as much as fits the batch; returns when the next is
    /// due.
    fn write_train(&mut self, index: usize, now: Now, out: &mut TxBatch) -> Nanos {
        let item = &self.items[index];
        let Pace::Train(count, gap) = item.shot.pace else { return Nanos::MAX };
        let (mut sequence, began) = (item.attempts() as u32, item.began);
        loop {
            let due = began + Nanos(gap.0 * u64::from(sequence));
            if sequence >= count || due > now.mono {
                return if sequence >= count { now.mono } else { due };
            }
            if !self.write(index, sequence, now, out) {
                return now.mono;
            }
            sequence += 1;
        }
    }

    fn write(&mut self, index: usize, sequence: u32, now: Now, out: &mut TxBatch) -> bool {
        let shot = self.items[index].shot;
        let Grant { mut helper, tag, key, .. } = self.grant;
        if let Some(port) = shot.port {
            helper.set_port(port);
        }
        let dest = Dest {
            tos: shot.tos,
            ttl: shot.ttl,
            fragmentation: shot.fragmentation,
            ..Dest::from(helper)
        };
        let dest = out.add_dest(dest);
        let Some(bytes) = out.push(dest, shot.len) else { return false };
        let ask = Ask {
            answers: shot.answer.count,
            answer_tos: shot.answer.tos,
            whole: shot.answer.whole,
            answer_len: shot.answer.len,
            ..Ask::new(tag, key, index as u32, sequence, now.real)
        };
        shot.shape.write(&ask, helper, bytes);
        self.written.push((index, now));
        true
    }

    /// Records the outcome of the last batch.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        let written = std::mem::take(&mut self.written);
        let refused = match outcome.stop {
            Some(SendStop::Refused { datagrams, errno }) => Some((datagrams, errno)),
            _ => None,
        };
        for (position, (index, at)) in written.into_iter().enumerate() {
            let behind = position.checked_sub(outcome.accepted);
            let refusal = match (behind, refused) {
                (None, _) => None,
                (Some(behind), Some((datagrams, errno))) if behind < datagrams => Some(errno),
                _ => continue,
            };
            self.items[index].sent.push(One { at, back: None, refused: refusal });
        }
    }

    /// Handles an agent's answer; returns whether it was one.
    pub fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) -> bool {
        let Some(echo) = Echo::decode(datagram.payload) else { return false };
        if echo.tag != self.grant.tag || datagram.truncated() {
            return false;
        }
        let Some(item) = self.items.get_mut(echo.item as usize) else { return false };
        let Some(one) = item.sent.get_mut(echo.sequence as usize) else { return false };
        if let Some(back) = one.back {
            item.note_copy(&echo, back.echo.arrived);
            return true;
        }
        let round_trip = round_trip(one.at, now, datagram.meta.arrival);
        self.longest = self.longest.max(round_trip);
        one.back = Some(Back {
            echo,
            ttl: datagram.meta.ttl,
            tos: datagram.meta.tos,
            len: datagram.true_len as u32,
            fragment: datagram.meta.fragment,
            intact: Echo::is_intact(datagram.payload),
            round_trip,
        });
        true
    }

    /// This host's packet filter dropped a datagram that the kernel had accepted: it was not sent.
    fn note_own_reject(&mut self, error: &NetworkError) {
        let ask = Ask::decode(error.quoted()).filter(|ask| ask.key == self.grant.key);
        let one = ask.and_then(|ask| {
            self.items.get_mut(ask.item as usize)?.sent.get_mut(ask.sequence as usize)
        });
        if let Some(one) = one {
            one.refused.get_or_insert(error.errno);
        }
    }

    /// Handles a network error.
    pub fn on_network_error(&mut self, error: &NetworkError) {
        if error.origin == ErrorOrigin::Local {
            self.local_mtu = self.local_mtu.or(error.mtu);
            if error.mtu.is_none() {
                self.note_own_reject(error);
            }
            return;
        }
        let note = IcmpNote {
            router: error.offender,
            icmp_type: error.icmp_type,
            icmp_code: error.icmp_code,
            mtu: error.mtu,
            words: error.meaning(),
        };
        let ask = Ask::decode(error.quoted()).filter(|ask| ask.key == self.grant.key);
        let item = ask.and_then(|ask| self.items.get_mut(ask.item as usize));
        match item {
            Some(item) => item.icmp.push(note),
            None if self.unnamed.len() < 64 => self.unnamed.push(note),
            None => {}
        }
    }
}

/// Time from sending to the arrival, by the kernel's stamp if there is one, since a late read is
/// not delay of the path.
pub(in crate::session::probe) fn round_trip(sent: Now, now: Now, arrival: Nanos) -> Nanos {
    let looked = now.mono - sent.mono;
    if arrival > sent.real { looked.min(arrival - sent.real) } else { looked }
}
