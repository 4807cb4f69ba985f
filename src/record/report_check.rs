//! Checks whether a remote end's report of a throughput run can be true: the identities of a run's
//! accounting, compared with what this end knows, before anything is computed from the report.
//!
//! Loss, duplication, delay and reordering on the path, clock steps, and a last datagram counted
//! before or after a report do not break an identity here. A report that does break one is
//! rejected. Values that pass are bounded so that their sums fit 64 bits.

use super::contradiction::{Contradiction, Counted, Timed};
use super::{BlastInterval, BlastReceived, BlastSent, DelayQuantiles, Refusal};
use crate::batch::HostChange;
use crate::stats::{LossGap, LossGaps};
use crate::units::{Nanos, Untrusted};

/// More datagrams per second than any link or loopback interface carries.
const MOST_A_SECOND: u64 = 1_000_000_000;
/// Larger counts are not credible; with this bound, products with a payload size, and sums over
/// streams, fit 64 bits.
const MOST: u64 = 1 << 47;
/// Two hosts' clocks may run at different speeds, and one host may have been suspended: a reported
/// duration is rejected only if it exceeds the run's by this factor, and also by [`LONGER`].
const TIMES: u64 = 4;
const LONGER: Nanos = Nanos::from_secs(60);
/// The longest delay that a histogram can report, including its rounding.
const LONGEST_DELAY: Nanos = Nanos::from_secs(61);
/// Drift beyond this, in parts per billion, is not credible.
const MOST_DRIFT: u64 = 500_000;

/// What this end knows about a run when a report arrives.
#[derive(Clone, Copy, Debug)]
pub struct KnownRun {
    /// Payload bytes per datagram, or of the largest.
    pub payload: u64,
    /// Payload bytes of the smallest.
    pub least_payload: u64,
    /// Streams in this direction.
    pub streams: u64,
    /// Datagrams requested; 0 for no limit.
    pub count: u64,
    /// The elapsed or the planned duration, whichever is longer.
    pub length: Nanos,
    /// What this end sent, once all of its senders have ended; `None` before, and when the remote
    /// end sends.
    pub sent: Option<u64>,
}

impl KnownRun {
    /// Upper bound for any count of datagrams.
    fn most(&self) -> u64 {
        let seconds = self.longest() / 1_000_000_000 + 1;
        seconds.saturating_mul(MOST_A_SECOND).min(MOST)
    }

    /// Upper bound for any duration, in nanoseconds.
    fn longest(&self) -> u64 {
        (Nanos(self.length.0.saturating_mul(TIMES)) + LONGER).0.min(1 << 62)
    }

    fn counts<const N: usize>(&self, counts: [(Counted, u64); N]) -> Result<(), Contradiction> {
        let most = self.most();
        match counts.into_iter().find(|(_, claimed)| *claimed > most) {
            Some((counted, claimed)) => {
                Err(Contradiction::TooMany { counted, claimed, length_ns: self.length.0 })
            }
            None => Ok(()),
        }
    }

    fn times<const N: usize>(&self, times: [(Timed, Option<u64>); N]) -> Result<(), Contradiction> {
        let longest = self.longest();
        for (timed, claimed_ns) in times {
            if let Some(claimed_ns) = claimed_ns.filter(|claimed| *claimed > longest) {
                let length_ns = self.length.0;
                return Err(Contradiction::TooLong { timed, claimed_ns, length_ns });
            }
        }
        Ok(())
    }

    fn delays(&self, delays: &DelayQuantiles) -> Result<(), Contradiction> {
        let DelayQuantiles { p50, p90, p99, p999, max } = *delays;
        let longest = [p50, p90, p99, p999, max].into_iter().flatten().max();
        match longest.filter(|longest| *longest > LONGEST_DELAY.0) {
            Some(claimed_ns) => Err(Contradiction::TooLong {
                timed: Timed::Delay,
                claimed_ns,
                length_ns: self.length.0,
            }),
            None => Ok(()),
        }
    }

    fn refusals(&self, refusals: &[Refusal]) -> Result<(), Contradiction> {
        let all = refusals.iter().fold(0u64, |sum, one| sum.saturating_add(one.datagrams));
        self.counts([(Counted::Refused, all)])
    }

    fn bytes(&self, bytes: u64, datagrams: u64) -> Result<(), Contradiction> {
        let of = |payload: u64| u128::from(datagrams) * u128::from(payload);
        if (of(self.least_payload)..=of(self.payload)).contains(&u128::from(bytes)) {
            return Ok(());
        }
        Err(Contradiction::BytesDiffer { bytes, datagrams, payload: self.payload })
    }
}

/// A part must not exceed its whole.
fn parts<const N: usize>(
    of: (Counted, u64),
    parts: [(Counted, u64); N],
) -> Result<(), Contradiction> {
    let (whole, most) = of;
    match parts.into_iter().find(|(_, part)| *part > most) {
        Some((counted, claimed)) => {
            Err(Contradiction::BeyondWhole { counted, claimed, whole, most })
        }
        None => Ok(()),
    }
}

impl Untrusted<BlastReceived> {
    /// The receiver's counts, if they are consistent with this run and with its earlier report
    /// `before`.
    pub fn believe(
        self,
        known: &KnownRun,
        before: Option<&BlastReceived>,
    ) -> Result<BlastReceived, Contradiction> {
        let told = self.any();
        let BlastReceived { datagrams, firsts, duplicates, too_late, .. } = told;
        // The number sent is the simplest thing to compare a report with.
        if let Some(sent) = known.sent {
            hold_against_sent(&told, sent)?;
        }
        let sum = firsts.saturating_add(duplicates).saturating_add(too_late);
        if datagrams != sum {
            return Err(Contradiction::PartsDiffer { datagrams, firsts, duplicates, too_late });
        }
        known.bytes(told.bytes, datagrams)?;
        known.counts([
            (Counted::Arrived, datagrams),
            (Counted::Lost, told.lost),
            (Counted::SocketDrops, told.socket_drops),
            (Counted::SocketDrops, told.drop_events),
            (Counted::Cut, told.changed.cut),
            (Counted::Altered, told.changed.altered),
            (Counted::Corrupt, told.corrupt),
            (Counted::Strays, told.strays),
            (Counted::Sent, told.sender_total.unwrap_or(0)),
            (Counted::ClockSteps, told.clock_steps),
        ])?;
        let changed = told.changed.datagrams();
        parts((Counted::Arrived, datagrams), [(Counted::AtStart, told.at_start.unwrap_or(0))])?;
        parts(
            (Counted::Arrived, datagrams.saturating_add(changed)),
            [
                (Counted::Reordered, told.reordered),
                (Counted::ReorderExtent, told.reorder_extent_max),
            ],
        )?;
        if told.changed.cut_to_bytes >= known.payload.max(1) {
            return Err(Contradiction::Unreadable);
        }
        hold_sequence(&told)?;
        known.times([
            (Timed::Span, Some(told.span_ns)),
            (Timed::Silence, Some(told.silence_ns)),
            (Timed::Pause, told.reader_pause_ns),
            (Timed::Processor, told.cpu_ns.map(|cpu| cpu / known.streams.max(1))),
        ])?;
        known.delays(&told.delay)?;
        if let Some(ppb) = told.drift_ppb.filter(|ppb| ppb.unsigned_abs() > MOST_DRIFT) {
            return Err(Contradiction::Drift { ppb });
        }
        if let Some(before) = before {
            hold_against_before(&told, before)?;
        }
        // A clock step can cause any jitter; a value longer than the run is discarded.
        let jitter_ns = told.jitter_ns.filter(|jitter| *jitter <= known.longest());
        let clock_steps = told.clock_steps.max(u64::from(jitter_ns != told.jitter_ns));
        // Gaps are told for information: those that cannot be are left out.
        let ends = told.gaps.as_slice().iter().map(LossGap::end_ns).max();
        let is_sound = ends <= Some(known.longest()) && told.gaps.lost() <= told.lost;
        let gaps = if is_sound { told.gaps } else { LossGaps::default() };
        Ok(BlastReceived { gaps, jitter_ns, clock_steps, ..told })
    }
}

/// Checks what is told of the order and the gaps of numbers.
fn hold_sequence(told: &BlastReceived) -> Result<(), Contradiction> {
    let extents = u128::from(told.reordered) * u128::from(told.reorder_extent_max);
    if u128::from(told.reorder_extent_sum) > extents {
        return Err(Contradiction::BeyondWhole {
            counted: Counted::ReorderExtent,
            claimed: told.reorder_extent_sum,
            whole: Counted::Reordered,
            most: told.reordered,
        });
    }
    // A burst that was filled late still counts as one until it is final.
    let numbers = (Counted::Numbers, told.numbers().saturating_add(told.lost));
    let bursts = (Counted::LossBursts, told.loss_bursts);
    parts(numbers, [bursts, (Counted::LongestBurst, told.longest_burst)])?;
    let classes = told.burst_lengths.iter().fold(0u64, |sum, n| sum.saturating_add(*n));
    parts(bursts, [(Counted::LossBursts, classes)])
}

/// Checks that received plus lost equals sent.
fn hold_against_sent(told: &BlastReceived, sent: u64) -> Result<(), Contradiction> {
    let BlastReceived { lost, sender_total, .. } = *told;
    let firsts = told.numbers();
    if firsts > sent {
        return Err(Contradiction::MoreArrived { arrived: firsts, sent });
    }
    let sum = firsts.saturating_add(lost);
    match sender_total {
        Some(told) if told != sent => Err(Contradiction::OtherTotal { told, sent }),
        // Without the total, a receiver does not know about numbers beyond the last received.
        Some(_) if sum != sent => Err(Contradiction::SumDiffers { arrived: firsts, lost, sent }),
        None if sum > sent => Err(Contradiction::SumDiffers { arrived: firsts, lost, sent }),
        _ => Ok(()),
    }
}

/// Checks that counts only grow between reports.
fn hold_against_before(now: &BlastReceived, then: &BlastReceived) -> Result<(), Contradiction> {
    let grown = [
        (Counted::Arrived, then.datagrams, now.datagrams),
        (Counted::Firsts, then.firsts, now.firsts),
        (Counted::Duplicates, then.duplicates, now.duplicates),
        (Counted::TooLate, then.too_late, now.too_late),
        (Counted::Cut, then.changed.cut, now.changed.cut),
        (Counted::Altered, then.changed.altered, now.changed.altered),
    ];
    match grown.into_iter().find(|(_, then, now)| now < then) {
        Some((counted, before, after)) => Err(Contradiction::Shrank { counted, before, after }),
        None => Ok(()),
    }
}

impl Untrusted<BlastInterval> {
    /// An interval of the run, if it can be true.
    pub fn believe(self, known: &KnownRun) -> Result<BlastInterval, Contradiction> {
        let told = self.any();
        known.bytes(told.bytes, told.datagrams)?;
        known.counts([
            (Counted::Arrived, told.datagrams),
            (Counted::Lost, told.lost),
            (Counted::SocketDrops, told.socket_drops),
            (Counted::Cut, told.cut),
            (Counted::Altered, told.altered),
        ])?;
        let all = told.datagrams.saturating_add(told.cut).saturating_add(told.altered);
        parts((Counted::SocketDrops, told.socket_drops), [(Counted::Damaged, told.damaged)])?;
        parts((Counted::Arrived, told.datagrams), [(Counted::Duplicates, told.duplicates)])?;
        parts((Counted::Arrived, all), [(Counted::Reordered, told.reordered)])?;
        let end = told.start_ns.saturating_add(told.duration_ns);
        known.times([(Timed::Interval, Some(end))])?;
        known.delays(&DelayQuantiles { max: told.delay_max_ns, ..DelayQuantiles::default() })?;
        Ok(told)
    }
}

/// Sums over all intervals so far, to be checked against the totals at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalSums {
    datagrams: Untrusted<u64>,
    duplicates: Untrusted<u64>,
    lost: Untrusted<u64>,
}

impl IntervalSums {
    /// Adds an interval.
    pub fn add(&mut self, interval: &BlastInterval) {
        self.datagrams += Untrusted::new(interval.datagrams);
        self.duplicates += Untrusted::new(interval.duplicates);
        self.lost += Untrusted::new(interval.lost);
    }

    /// Whether they are consistent with the run's final counts. Datagrams lost in an interval may
    /// have arrived late, and are then not in the total loss, but they were sent.
    pub fn hold_against(
        &self,
        whole: &BlastReceived,
        sent: Option<u64>,
    ) -> Result<(), Contradiction> {
        let sums = [
            (Counted::Arrived, self.datagrams, whole.datagrams),
            (Counted::Duplicates, self.duplicates, whole.duplicates),
            (Counted::Lost, self.lost, sent.unwrap_or(u64::MAX)),
        ];
        match sums.into_iter().find(|(_, sum, whole)| sum.within(*whole).is_none()) {
            Some((counted, sum, whole)) => {
                Err(Contradiction::IntervalsBeyond { counted, sum: sum.any(), whole })
            }
            None => Ok(()),
        }
    }
}

/// A remote sender's counts, not yet checked; not `Copy`, because they contain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncheckedSent(BlastSent);

impl UncheckedSent {
    /// Wraps unchecked counts.
    pub fn new(said: BlastSent) -> Self {
        Self(said)
    }

    /// The sender's counts, if they are consistent with this run.
    pub fn believe(self, known: &KnownRun) -> Result<BlastSent, Contradiction> {
        let told = self.0;
        known.bytes(told.bytes, told.datagrams)?;
        if known.count > 0 && told.datagrams > known.count {
            return Err(Contradiction::BeyondAsked { sent: told.datagrams, count: known.count });
        }
        known.counts([
            (Counted::Offered, told.offered),
            (Counted::Sent, told.datagrams),
            (Counted::Unsent, told.unsent),
            (Counted::Blocked, told.blocked),
            (Counted::CatchUps, told.catch_ups),
            (Counted::Burst, told.quantum),
        ])?;
        known.refusals(&told.refused)?;
        known.refusals(&told.network_errors)?;
        parts((Counted::Offered, told.offered), [(Counted::Sent, told.datagrams)])?;
        parts((Counted::Sent, told.datagrams), [(Counted::AtStart, told.at_start.unwrap_or(0))])?;
        known.times([
            (Timed::Span, Some(told.span_ns)),
            (Timed::Schedule, told.offered_ns),
            (Timed::Pause, told.pause_ns),
            (Timed::Processor, Some(told.cpu_ns / known.streams.max(1))),
        ])?;
        known.delays(&told.lateness)?;
        Ok(told)
    }
}

/// What a remote host's counters counted, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncheckedHost(HostChange);

impl UncheckedHost {
    /// Wraps unchecked counters.
    pub fn new(said: HostChange) -> Self {
        Self(said)
    }

    /// What they counted, if any link could carry it in this run. They explain at most what this
    /// end knows to be missing.
    pub fn believe(self, known: &KnownRun) -> Result<HostChange, Contradiction> {
        for (_, value) in self.0.counted.iter() {
            known.counts([(Counted::HostCounter, value.unwrap_or(0))])?;
        }
        Ok(self.0)
    }
}

/// Compares a remote sender's counts with what this end received from it, once both are final.
pub fn hold_sent_against_received(
    sent: &BlastSent,
    received: &BlastReceived,
) -> Result<(), Contradiction> {
    if received.numbers() > sent.datagrams {
        let (arrived, sent) = (received.numbers(), sent.datagrams);
        return Err(Contradiction::FewerSent { arrived, sent });
    }
    match received.sender_total.filter(|total| *total != sent.datagrams) {
        Some(told) => Err(Contradiction::TwoTotals { told, sent: sent.datagrams }),
        None => Ok(()),
    }
}

/// Checks what this end counted from a remote sender's sequence numbers and end message, which are
/// untrusted as well.
pub fn hold_numbers(received: &BlastReceived, known: &KnownRun) -> Result<(), Contradiction> {
    let sent = received.sender_total.unwrap_or(0);
    known.counts([(Counted::Sent, sent), (Counted::Lost, received.lost)])?;
    match known.count {
        count @ 1.. if sent > count => Err(Contradiction::BeyondAsked { sent, count }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
