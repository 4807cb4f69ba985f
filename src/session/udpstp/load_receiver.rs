//! What a receiver counts of Load PDUs, for the Status PDUs that it sends: in each trial, and in
//! each sub-interval. Delays are whole milliseconds, as the protocol has them.

use crate::units::Nanos;
use crate::wire::udpstp::{LoadHeader, StatusFeedback, SubIntervalStats};

/// Numbers among which a late one is known to be a duplicate.
const HISTORY: usize = 32;

/// One trial's counts.
#[derive(Clone, Copy, Debug, Default)]
struct TrialCounts {
    datagrams: u32,
    bytes: u32,
    lost: u32,
    reordered: u32,
    duplicates: u32,
    delays: Delays,
    rtt_variation_ms: Option<u32>,
    minimum_updated: bool,
    marked: u32,
}

/// One-way delay variations in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Delays {
    min: Option<u32>,
    max: u32,
    sum: u32,
    count: u32,
}

impl Delays {
    fn add(&mut self, millis: u32) {
        self.min = Some(self.min.map_or(millis, |least| least.min(millis)));
        self.max = self.max.max(millis);
        self.sum = self.sum.saturating_add(millis);
        self.count = self.count.saturating_add(1);
    }
}

/// A datagram's arrival.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// When, on the real-time clock.
    pub at: Nanos,
    /// Whether it was marked as having met congestion.
    pub is_marked: bool,
}

/// What a receiver has counted.
#[derive(Debug)]
pub(super) struct LoadReceiver {
    last: u32,
    history: [u32; HISTORY],
    history_at: usize,
    trial: TrialCounts,
    trial_began: Nanos,
    sub: SubIntervalStats,
    sub_marked: u32,
    sub_began: Option<Nanos>,
    /// The last whole sub-interval, and its number.
    saved: SubIntervalStats,
    saved_marked: u32,
    number: u32,
    elapsed_ms: u32,
    clock_delta_min_ms: Option<i32>,
    rtt_min_ms: Option<u32>,
    echo: Nanos,
    sequence: u32,
}

impl LoadReceiver {
    /// Nothing yet; the first trial begins now, on the monotonic clock.
    pub fn new(now: Nanos) -> Self {
        Self {
            last: 0,
            history: [0; HISTORY],
            history_at: 0,
            trial: TrialCounts::default(),
            trial_began: now,
            sub: SubIntervalStats::default(),
            sub_marked: 0,
            sub_began: None,
            saved: SubIntervalStats::default(),
            saved_marked: 0,
            number: 0,
            elapsed_ms: 0,
            clock_delta_min_ms: None,
            rtt_min_ms: None,
            echo: Nanos::ZERO,
            sequence: 0,
        }
    }

    /// Whether anything has come.
    pub fn has_begun(&self) -> bool {
        self.last > 0
    }

    /// Counts a datagram.
    #[inline]
    pub fn observe(&mut self, header: &LoadHeader, arrival: Arrival) {
        let bytes = u32::from(header.payload);
        self.sub.datagrams = self.sub.datagrams.saturating_add(1);
        self.sub.bytes = self.sub.bytes.saturating_add(u64::from(bytes));
        self.trial.datagrams = self.trial.datagrams.saturating_add(1);
        self.trial.bytes = self.trial.bytes.saturating_add(bytes);
        if arrival.is_marked {
            self.sub_marked = self.sub_marked.saturating_add(1);
            self.trial.marked = self.trial.marked.saturating_add(1);
        }
        let is_first = self.last == 0;
        if !self.is_in_order(header.sequence) {
            return;
        }
        self.take_round_trip(header, arrival.at);
        self.take_delay(arrival.at.signed_since(header.sent), is_first);
    }

    /// Counts what a number says of the others; whether it is the highest so far.
    fn is_in_order(&mut self, number: u32) -> bool {
        if number > self.last {
            let gap = number - self.last - 1;
            self.trial.lost = self.trial.lost.saturating_add(gap);
            self.sub.lost = self.sub.lost.saturating_add(gap);
            self.last = number;
            self.remember(number);
            return true;
        }
        if self.history.contains(&number) {
            self.trial.duplicates = self.trial.duplicates.saturating_add(1);
            self.sub.duplicates = self.sub.duplicates.saturating_add(1);
            return false;
        }
        self.trial.reordered = self.trial.reordered.saturating_add(1);
        self.sub.reordered = self.sub.reordered.saturating_add(1);
        // Each was cleared since, or has it as lost.
        self.trial.lost = self.trial.lost.saturating_sub(1);
        self.sub.lost = self.sub.lost.saturating_sub(1);
        self.remember(number);
        false
    }

    fn remember(&mut self, number: u32) {
        self.history[self.history_at % HISTORY] = number;
        self.history_at = (self.history_at + 1) % HISTORY;
    }

    /// Takes the round trip of this host's last Status PDU, at its first echo.
    fn take_round_trip(&mut self, header: &LoadHeader, at: Nanos) {
        if header.status_time == self.echo || header.status_time == Nanos::ZERO {
            return;
        }
        self.echo = header.status_time;
        let whole = millis(at.signed_since(header.status_time)).max(0);
        let rtt = whole.saturating_sub(i32::from(header.response_delay_ms)).max(0).cast_unsigned();
        let is_least = self.rtt_min_ms.is_none_or(|least| rtt < least);
        if is_least {
            self.rtt_min_ms = Some(rtt);
            self.trial.minimum_updated = true;
        }
        let variation = rtt - self.rtt_min_ms.unwrap_or(rtt);
        self.trial.rtt_variation_ms = Some(variation);
        let least = self.sub.rtt_min_ms.map_or(variation, |least| least.min(variation));
        self.sub.rtt_min_ms = Some(least);
        self.sub.rtt_max_ms = self.sub.rtt_max_ms.max(variation);
    }

    /// Takes the difference of both clocks, with the delay, in nanoseconds.
    fn take_delay(&mut self, difference: i64, is_first: bool) {
        let delta = millis(difference);
        let least = self.clock_delta_min_ms.unwrap_or(i32::MAX);
        if delta < least {
            self.clock_delta_min_ms = Some(delta);
            self.trial.minimum_updated = true;
        }
        if is_first {
            return;
        }
        let variation = delta.saturating_sub(least.min(delta)).cast_unsigned();
        self.trial.delays.add(variation);
        let sub = &mut self.sub;
        sub.delay_min_ms = Some(sub.delay_min_ms.map_or(variation, |least| least.min(variation)));
        sub.delay_max_ms = sub.delay_max_ms.max(variation);
        sub.delay_sum_ms = sub.delay_sum_ms.saturating_add(variation);
        sub.delay_count = sub.delay_count.saturating_add(1);
    }

    /// The feedback of this trial, as it stands.
    pub fn feedback(&self, now: Nanos) -> StatusFeedback {
        let trial = &self.trial;
        StatusFeedback {
            sequence: self.sequence.wrapping_add(1),
            sub_interval_number: self.number,
            sub_interval: self.saved,
            lost: trial.lost,
            reordered: trial.reordered,
            duplicates: trial.duplicates,
            clock_delta_min_ms: self.clock_delta_min_ms.unwrap_or(0),
            delay_min_ms: trial.delays.min,
            delay_max_ms: trial.delays.max,
            delay_sum_ms: trial.delays.sum,
            delay_count: trial.delays.count,
            rtt_min_ms: self.rtt_min_ms,
            rtt_variation_ms: trial.rtt_variation_ms,
            minimum_updated: trial.minimum_updated,
            trial_us: micros(now - self.trial_began),
            trial_datagrams: trial.datagrams,
            trial_bytes: trial.bytes,
            trial_ce: trial.marked,
            sub_interval_ce: self.saved_marked,
            ..StatusFeedback::default()
        }
    }

    /// The feedback was written: the next trial begins, and the next sub-interval if this one is
    /// over, which is returned with its number.
    pub fn begin_trial(
        &mut self,
        now: Nanos,
        least_sub_interval: Nanos,
    ) -> Option<(u32, SubIntervalStats)> {
        self.sequence = self.sequence.wrapping_add(1);
        self.trial = TrialCounts::default();
        self.trial_began = now;
        let Some(began) = self.sub_began else {
            // What came before the first feedback is in no sub-interval.
            self.begin_sub_interval(now);
            return None;
        };
        if now - began <= least_sub_interval {
            return None;
        }
        self.number += 1;
        let length = now - began;
        self.elapsed_ms = self.elapsed_ms.saturating_add(micros(length) / 1_000);
        self.saved =
            SubIntervalStats { length_us: micros(length), end_ms: self.elapsed_ms, ..self.sub };
        self.saved_marked = self.sub_marked;
        self.begin_sub_interval(now);
        Some((self.number, self.saved))
    }

    fn begin_sub_interval(&mut self, now: Nanos) {
        self.sub = SubIntervalStats::default();
        self.sub_marked = 0;
        self.sub_began = Some(now);
    }
}

/// Nanoseconds as whole milliseconds, rounded.
pub(super) fn millis(nanos: i64) -> i32 {
    let rounded = nanos.saturating_add(500_000).div_euclid(1_000_000);
    rounded.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

fn micros(time: Nanos) -> u32 {
    u32::try_from(time.0 / 1_000).unwrap_or(u32::MAX)
}
