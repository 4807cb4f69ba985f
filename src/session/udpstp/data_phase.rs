//! A connection from its activation to its end: Load PDUs one way, Status PDUs the other, the
//! watchdogs of both ends, and the dialogue that stops the test.

use super::load_receiver::{Arrival, LoadReceiver, millis};
use super::load_sender::LoadSender;
use super::rate_control::RateControl;
use super::sub_intervals::Told;
use super::{BEFORE_STOP, SILENCE, WARNING};
use crate::batch::{Datagram, DestId, TxBatch};
use crate::machine::Now;
use crate::units::Nanos;
use crate::wire::udpstp::{
    Checksums, LOAD_HEADER_LEN, LoadHeader, Pdu, StatusFeedback, SubIntervalStats, TestAction,
    TestParams,
};
use crate::wire::{Ecn, split_tos};
use std::collections::VecDeque;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhaseEnd {
    /// Both ends know that the test is over.
    Done,
    /// Nothing came from the peer for three seconds.
    Silent,
    /// The peer ended the test before its time.
    Early,
}

/// What a slot of a batch was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// A Load PDU.
    Load,
    /// Anything else.
    Other,
}

/// What this end does.
#[derive(Debug)]
pub(super) enum Flow {
    /// It sends the load; a server has the rate.
    Sending(LoadSender),
    /// It receives it.
    Receiving(Box<LoadReceiver>),
}

/// A running connection.
#[derive(Debug)]
pub(super) struct DataPhase {
    version: u16,
    params: TestParams,
    flow: Flow,
    /// At a server.
    rate: Option<RateControl>,
    action: TestAction,
    confirmed: bool,
    /// The peer said that the test is over.
    peer_stops: bool,
    end: Option<PhaseEnd>,
    began: Nanos,
    /// When the test is stopped by its server, or given up by its client.
    stop_at: Nanos,
    heard: Nanos,
    next_status: Nanos,
    /// Of status PDUs that came: the last number, the gap before it, its time and arrival.
    status_number: u32,
    status_gap: u16,
    status_time: Nanos,
    status_arrival: Nanos,
    told_number: u32,
    told: VecDeque<(u32, Told)>,
    rtt_sum: (u64, u64),
    rtt_min_ms: Option<u32>,
    clock_delta_min_ms: Option<i32>,
    unsent: u64,
}

impl DataPhase {
    /// A connection that begins now; at a server with its rate.
    pub fn new(
        version: u16,
        params: TestParams,
        flow: Flow,
        rate: Option<RateControl>,
        now: Now,
    ) -> Self {
        let time = Nanos::from_secs(u64::from(params.time_s)) + BEFORE_STOP;
        let stop_at = now.mono + if rate.is_some() { time } else { time + SILENCE };
        Self {
            version,
            params,
            flow,
            rate,
            action: TestAction::Test,
            confirmed: false,
            peer_stops: false,
            end: None,
            began: now.mono,
            stop_at,
            heard: now.mono,
            next_status: now.mono + Nanos::from_millis(u64::from(params.trial_ms)),
            status_number: 0,
            status_gap: 0,
            status_time: Nanos::ZERO,
            status_arrival: Nanos::ZERO,
            told_number: 0,
            told: VecDeque::new(),
            rtt_sum: (0, 0),
            rtt_min_ms: None,
            clock_delta_min_ms: None,
            unsent: 0,
        }
    }

    /// How it ended; `None` while it goes on.
    pub fn end(&self) -> Option<PhaseEnd> {
        self.end
    }

    /// Its parameters.
    pub fn params(&self) -> &TestParams {
        &self.params
    }

    /// Datagrams that this end sent; `None` if it receives.
    pub fn sent(&self) -> Option<u32> {
        match &self.flow {
            Flow::Sending(sender) => Some(sender.sent()),
            Flow::Receiving(_) => None,
        }
    }

    /// Datagrams that this host did not send when they were due.
    pub fn unsent(&self) -> u64 {
        match &self.flow {
            Flow::Sending(sender) => self.unsent.saturating_add(sender.skipped()),
            Flow::Receiving(_) => 0,
        }
    }

    /// Least round-trip time in milliseconds, and least difference of the clocks with the delay.
    pub fn least_delays(&self) -> (Option<u32>, Option<i32>) {
        (self.rtt_min_ms, self.clock_delta_min_ms)
    }

    /// The next whole sub-interval, with its number.
    pub fn next_told(&mut self) -> Option<(u32, Told)> {
        self.told.pop_front()
    }

    /// Ends the test before its time.
    pub fn stop(&mut self) {
        self.action = TestAction::Stop;
    }

    /// This host stood still: the peer's silence is not its own.
    pub fn pause(&mut self, length: Nanos) {
        self.heard += length;
    }

    /// Takes what came from the peer; whether it was a PDU of the test.
    #[inline]
    pub fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) -> bool {
        match (&mut self.flow, Pdu::of(datagram.payload)) {
            (Flow::Receiving(receiver), Some(Pdu::Load)) => {
                let Ok(header) = LoadHeader::decode(datagram.payload) else { return false };
                let is_test = self.action == TestAction::Test && header.action == TestAction::Test;
                if is_test {
                    let ecn = datagram.meta.tos.map(|tos| split_tos(tos).1);
                    let is_marked = ecn == Some(Ecn::Ce);
                    receiver.observe(&header, Arrival { at: datagram.meta.arrival, is_marked });
                }
                self.hear(now, header.action);
                true
            }
            (Flow::Sending(_), Some(Pdu::Status)) => {
                match StatusFeedback::decode(datagram.payload, self.version) {
                    Ok(status) => self.take_status(now, &status, datagram.meta.arrival),
                    Err(_) => return false,
                }
                true
            }
            _ => false,
        }
    }

    fn hear(&mut self, now: Now, action: TestAction) {
        if action == TestAction::Stop {
            self.peer_stops = true;
            if self.rate.is_some() {
                let is_early = self.action == TestAction::Test;
                self.end = Some(if is_early { PhaseEnd::Early } else { PhaseEnd::Done });
            }
            self.action = TestAction::Stop;
        } else if self.action == TestAction::Test {
            self.heard = now.mono;
        }
    }

    fn take_status(&mut self, now: Now, status: &StatusFeedback, arrival: Nanos) {
        let was_test = self.action == TestAction::Test;
        self.hear(now, status.action);
        self.status_gap = match status.sequence.checked_sub(self.status_number) {
            None | Some(0) => u16::MAX,
            Some(step) => u16::try_from(step - 1).unwrap_or(u16::MAX - 1),
        };
        self.status_number = self.status_number.max(status.sequence);
        (self.status_time, self.status_arrival) = (status.sent, arrival);
        if let Some(variation) = status.rtt_variation_ms {
            self.rtt_sum = (self.rtt_sum.0 + u64::from(variation), self.rtt_sum.1 + 1);
        }
        self.rtt_min_ms = status.rtt_min_ms.or(self.rtt_min_ms);
        self.clock_delta_min_ms = Some(status.clock_delta_min_ms);
        if was_test && status.sub_interval_number != self.told_number {
            self.told_number = status.sub_interval_number;
            self.tell(status.sub_interval_number, status.sub_interval);
        }
        if status.action == TestAction::Stop {
            return;
        }
        let Flow::Sending(sender) = &mut self.flow else { return };
        match &mut self.rate {
            Some(rate) => {
                rate.observe(status);
                sender.set_rate(rate.rate());
            }
            None => sender.set_rate(status.sending_rate),
        }
    }

    fn tell(&mut self, number: u32, stats: SubIntervalStats) {
        self.told.push_back((number, Told { stats, rtt: self.rtt_sum }));
    }

    /// Writes what is due and says when to ask again; `None` if the batch is full.
    pub fn poll(
        &mut self,
        now: Now,
        (out, dest): (&mut TxBatch, DestId),
        wrote: &mut Vec<Sent>,
    ) -> Option<Nanos> {
        self.watch(now);
        if self.end.is_some() {
            return Some(Nanos::MAX);
        }
        let due = match &mut self.flow {
            Flow::Sending(_) => self.poll_load(now, (out, dest), wrote)?,
            Flow::Receiving(_) => self.poll_status(now, (out, dest), wrote)?,
        };
        // A client that has confirmed the stop is done.
        if self.confirmed && self.rate.is_none() {
            let time = Nanos::from_secs(u64::from(self.params.time_s));
            // The server's clock began when it sent its answer, which may have been lost at first.
            let is_early = !self.peer_stops || now.mono + SILENCE < self.began + time;
            self.end = Some(if is_early { PhaseEnd::Early } else { PhaseEnd::Done });
        }
        let watchdog = (self.heard + SILENCE).min(self.stop_or_max(now));
        Some(due.min(watchdog))
    }

    fn stop_or_max(&self, now: Now) -> Nanos {
        if self.stop_at > now.mono { self.stop_at } else { Nanos::MAX }
    }

    fn watch(&mut self, now: Now) {
        if now.mono >= self.stop_at && self.action == TestAction::Test {
            self.action = TestAction::Stop;
            if self.rate.is_none() {
                // The server should have stopped it long ago.
                self.end = Some(PhaseEnd::Silent);
            }
        }
        if now.mono >= self.heard + SILENCE && self.end.is_none() {
            // A server that has told the end does not wait for its confirmation for ever.
            let is_told = self.confirmed && self.rate.is_some();
            self.end = Some(if is_told { PhaseEnd::Done } else { PhaseEnd::Silent });
        }
    }

    fn poll_load(
        &mut self,
        now: Now,
        (out, dest): (&mut TxBatch, DestId),
        wrote: &mut Vec<Sent>,
    ) -> Option<Nanos> {
        let header = self.load_header(now);
        let Flow::Sending(sender) = &mut self.flow else { return Some(Nanos::MAX) };
        loop {
            let due = sender.next_due(now.mono).unwrap_or(Nanos::MAX);
            if due > now.mono {
                return Some(due);
            }
            // Room for a burst of the largest datagrams, or it waits for the next batch.
            if !out.is_empty() && (out.room(0) < 101 || out.free_bytes() < 101 * 8_972) {
                return None;
            }
            let Some(mut burst) = sender.take_due(now.mono) else { return Some(due) };
            if self.action == TestAction::Stop {
                burst.count = burst.count.min(1);
            }
            let addon = burst.addon.map(|payload| (payload, 1));
            let parts = [Some((burst.payload, burst.count)), addon];
            for (payload, count) in parts.into_iter().flatten() {
                for _ in 0..count {
                    let Some(bytes) = out.push(dest, payload) else { break };
                    let sequence = sender.number();
                    let header = LoadHeader { sequence, payload: payload as u16, ..header };
                    header.encode(bytes, Checksums::Unused);
                    bytes[LOAD_HEADER_LEN..].fill(0);
                    wrote.push(Sent::Load);
                    self.confirmed |= self.action == TestAction::Stop;
                }
            }
        }
    }

    fn load_header(&self, now: Now) -> LoadHeader {
        let since = now.real.signed_since(self.status_arrival).max(0);
        let response_delay = if self.status_number > 0 { millis(since) } else { 0 };
        LoadHeader {
            action: self.action,
            rx_stopped: self.has_heard_nothing(now),
            sequence: 0,
            payload: 0,
            status_gap: self.status_gap,
            status_time: self.status_time,
            sent: now.real,
            response_delay_ms: u16::try_from(response_delay).unwrap_or(u16::MAX),
        }
    }

    fn has_heard_nothing(&self, now: Now) -> bool {
        now.mono >= self.heard + WARNING
    }

    fn poll_status(
        &mut self,
        now: Now,
        (out, dest): (&mut TxBatch, DestId),
        wrote: &mut Vec<Sent>,
    ) -> Option<Nanos> {
        let rx_stopped = self.has_heard_nothing(now);
        let Flow::Receiving(receiver) = &mut self.flow else { return Some(Nanos::MAX) };
        if self.next_status > now.mono {
            return Some(self.next_status);
        }
        let trial = Nanos::from_millis(u64::from(self.params.trial_ms.max(1)));
        let later = self.next_status + trial;
        let next = if later <= now.mono { now.mono + trial } else { later };
        if !receiver.has_begun() && self.action == TestAction::Test {
            self.next_status = next;
            return Some(next);
        }
        let mut status = receiver.feedback(now.mono);
        if let Some(rate) = &mut self.rate {
            if self.action == TestAction::Test {
                rate.observe(&status);
            }
            status.sending_rate = rate.rate();
        }
        (status.action, status.rx_stopped, status.sent) = (self.action, rx_stopped, now.real);
        let pdu = status.encode(self.version, Checksums::Unused);
        out.push(dest, pdu.len())?.copy_from_slice(&pdu);
        wrote.push(Sent::Other);
        self.next_status = next;
        self.confirmed |= self.action == TestAction::Stop;
        let sub_interval = u64::from(self.params.sub_interval_ms);
        let least = Nanos::from_millis(sub_interval) - Nanos(trial.0 / 2);
        if let Some(variation) = status.rtt_variation_ms {
            self.rtt_sum = (self.rtt_sum.0 + u64::from(variation), self.rtt_sum.1 + 1);
        }
        self.rtt_min_ms = status.rtt_min_ms;
        self.clock_delta_min_ms = Some(status.clock_delta_min_ms);
        if let Some((number, stats)) = receiver.begin_trial(now.mono, least) {
            self.tell(number, stats);
        }
        Some(next)
    }

    /// So many of the Load PDUs that were written last did not leave this host.
    pub fn give_back(&mut self, datagrams: u32) {
        if let Flow::Sending(sender) = &mut self.flow {
            sender.give_back(datagrams);
            self.unsent += u64::from(datagrams);
        }
    }
}
