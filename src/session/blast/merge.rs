//! Combines the counts of several streams.

use super::plan::TestPlan;
use crate::record::{BlastInterval, BlastReceived, BlastSent, EcnCounts, Refusal};
use crate::stats::DelayHistogram;

/// Adds up receivers' counts. Delay quantiles come from all samples once every stream has ended.
pub fn merge_received<'a>(
    streams: impl IntoIterator<Item = (&'a BlastReceived, Option<&'a DelayHistogram>)>,
) -> BlastReceived {
    let mut whole = BlastReceived {
        at_start: Some(0),
        ecn: Some(EcnCounts::default()),
        ..BlastReceived::default()
    };
    let mut delay: Option<DelayHistogram> = None;
    let (mut weight, mut jitter) = (0u128, None);
    let mut totals = Some(0u64);
    for (part, histogram) in streams {
        add(&mut whole.datagrams, part.datagrams);
        add(&mut whole.bytes, part.bytes);
        add(&mut whole.firsts, part.firsts);
        add(&mut whole.duplicates, part.duplicates);
        add(&mut whole.reordered, part.reordered);
        whole.reorder_extent_max = whole.reorder_extent_max.max(part.reorder_extent_max);
        add(&mut whole.reorder_extent_sum, part.reorder_extent_sum);
        add(&mut whole.too_late, part.too_late);
        add(&mut whole.lost, part.lost);
        add(&mut whole.socket_drops, part.socket_drops);
        add(&mut whole.drop_events, part.drop_events);
        add(&mut whole.loss_bursts, part.loss_bursts);
        whole.longest_burst = whole.longest_burst.max(part.longest_burst);
        for (whole, part) in whole.burst_lengths.iter_mut().zip(part.burst_lengths) {
            add(whole, part);
        }
        whole.silence_ns = whole.silence_ns.max(part.silence_ns);
        whole.gaps.merge(&part.gaps);
        whole.reader_pause_ns = whole.reader_pause_ns.max(part.reader_pause_ns);
        // All streams use the same two clocks, so one drift holds for all.
        whole.drift_ppb = whole.drift_ppb.or(part.drift_ppb);
        whole.clock_steps = whole.clock_steps.max(part.clock_steps);
        whole.changed.add(&part.changed);
        add(&mut whole.corrupt, part.corrupt);
        add(&mut whole.strays, part.strays);
        whole.span_ns = whole.span_ns.max(part.span_ns);
        whole.at_start = sum(whole.at_start, part.at_start);
        whole.ecn = whole.ecn.zip(part.ecn).map(|(whole, part)| whole.and(part));
        whole.cpu_ns = match (whole.cpu_ns, part.cpu_ns) {
            (Some(whole), Some(part)) => Some(whole.saturating_add(part)),
            (whole, part) => whole.or(part),
        };
        let datagrams = part.datagrams;
        if let Some(part) = part.jitter_ns {
            weight += u128::from(datagrams);
            *jitter.get_or_insert(0) += u128::from(part) * u128::from(datagrams);
        }
        whole.min_transit_ns = match (whole.min_transit_ns, part.min_transit_ns) {
            (Some(whole), Some(part)) => Some(whole.min(part)),
            (whole, part) => whole.or(part),
        };
        totals = totals.zip(part.sender_total).map(|(whole, part)| whole.saturating_add(part));
        match (&mut delay, histogram) {
            (Some(delay), Some(histogram)) => delay.merge(histogram),
            (None, Some(histogram)) => delay = Some(histogram.clone()),
            // Until then one stream's quantiles stand for all.
            (_, None) => whole.delay = part.delay,
        }
    }
    // Weighted by datagrams: a stream with few says little about the path.
    whole.jitter_ns = jitter.and_then(|sum| sum.checked_div(weight)).map(|mean| mean as u64);
    whole.sender_total = totals;
    if let Some(delay) = delay {
        whole.delay = delay.percentiles().into();
    }
    whole
}

/// Adds up senders' counts; lateness is that of the worst stream.
pub fn merge_sent<'a>(streams: impl IntoIterator<Item = &'a BlastSent>) -> BlastSent {
    let none = Some(0);
    let mut whole = BlastSent {
        at_start: none,
        offered_ns: none,
        queue_full_buffers: none,
        ..BlastSent::default()
    };
    for part in streams {
        add(&mut whole.offered, part.offered);
        add(&mut whole.datagrams, part.datagrams);
        add(&mut whole.bytes, part.bytes);
        add(&mut whole.unsent, part.unsent);
        add(&mut whole.blocked, part.blocked);
        whole.span_ns = whole.span_ns.max(part.span_ns);
        whole.at_start = sum(whole.at_start, part.at_start);
        whole.offered_ns = whole.offered_ns.zip(part.offered_ns).map(|(one, other)| one.max(other));
        whole.quantum = whole.quantum.max(part.quantum);
        add(&mut whole.cpu_ns, part.cpu_ns);
        add(&mut whole.catch_ups, part.catch_ups);
        whole.pause_ns = whole.pause_ns.max(part.pause_ns);
        if part.lateness.max > whole.lateness.max {
            whole.lateness = part.lateness;
        }
        add_causes(&mut whole.refused, &part.refused);
        whole.queue_full_buffers = sum(whole.queue_full_buffers, buffers(part));
        add_causes(&mut whole.network_errors, &part.network_errors);
    }
    whole
}

/// Saturating, since the far end's numbers can be anything.
fn add(whole: &mut u64, part: u64) {
    *whole = whole.saturating_add(part);
}

/// None where nothing was refused, whether reported or not.
fn buffers(sent: &BlastSent) -> Option<u64> {
    sent.queue_full_buffers.or(sent.refused.is_empty().then_some(0))
}

/// A sum that is unknown if any part is.
fn sum(whole: Option<u64>, part: Option<u64>) -> Option<u64> {
    whole.zip(part).map(|(whole, part)| whole.saturating_add(part))
}

fn add_causes(whole: &mut Vec<Refusal>, part: &[Refusal]) {
    for cause in part {
        match whole.iter_mut().find(|known| is_alike(known, cause)) {
            Some(known) => {
                add(&mut known.datagrams, cause.datagrams);
                known.seen.join(cause.seen);
            }
            None => whole.push(cause.clone()),
        }
    }
}

/// Refusals with the same error number are one row, whatever their text.
fn is_alike(one: &Refusal, other: &Refusal) -> bool {
    match (one.errno, other.errno) {
        (None, None) => one.cause.is_alike(&other.cause),
        (one, other) => one == other,
    }
}

/// One interval of all streams combined; `None` if no stream has it.
pub fn merge_interval<'a>(
    parts: impl IntoIterator<Item = &'a BlastInterval>,
) -> Option<BlastInterval> {
    parts.into_iter().copied().reduce(|whole, part| BlastInterval {
        start_ns: whole.start_ns.min(part.start_ns),
        duration_ns: whole.duration_ns.max(part.duration_ns),
        datagrams: whole.datagrams.saturating_add(part.datagrams),
        bytes: whole.bytes.saturating_add(part.bytes),
        lost: whole.lost.saturating_add(part.lost),
        duplicates: whole.duplicates.saturating_add(part.duplicates),
        reordered: whole.reordered.saturating_add(part.reordered),
        socket_drops: whole.socket_drops.saturating_add(part.socket_drops),
        damaged: whole.damaged.saturating_add(part.damaged),
        cut: whole.cut.saturating_add(part.cut),
        altered: whole.altered.saturating_add(part.altered),
        delay_max_ns: whole.delay_max_ns.max(part.delay_max_ns),
    })
}

/// Collects the intervals of several streams and combines them as they arrive.
#[derive(Clone, Debug)]
pub struct IntervalMerger {
    streams: Vec<(Vec<BlastInterval>, bool)>,
    told: usize,
}

/// Intervals kept per stream: one hour at one second each. A longer run keeps only its totals.
const KEPT: usize = 3_600;

impl IntervalMerger {
    /// Bytes per stream of a run: its intervals, and while their memory is doubled, the old half.
    pub fn bytes_of(plan: &TestPlan) -> usize {
        let stretches = match plan.time.0.checked_div(plan.interval.0) {
            Some(stretches) if plan.time.0 > 0 => (stretches as usize).saturating_add(2).min(KEPT),
            _ => KEPT,
        };
        let grown = stretches.next_power_of_two().max(4);
        (grown + grown / 2) * size_of::<BlastInterval>()
    }

    /// For this number of streams.
    pub fn new(streams: usize) -> Self {
        Self { streams: vec![(Vec::new(), false); streams], told: 0 }
    }

    /// Takes a stream's next interval.
    pub fn add(&mut self, stream: usize, interval: BlastInterval) {
        if let Some((intervals, _)) = self.streams.get_mut(stream)
            && intervals.len() < KEPT
        {
            intervals.push(interval);
        }
    }

    /// Marks a stream as ended: it has no further intervals.
    pub fn end(&mut self, stream: usize) {
        if let Some((_, ended)) = self.streams.get_mut(stream) {
            *ended = true;
        }
    }

    /// Number of intervals that every stream has reported, or ended before.
    pub fn complete(&self) -> usize {
        let longest = self.streams.iter().map(|(intervals, _)| intervals.len()).max();
        let running = self.streams.iter().filter(|(_, ended)| !ended);
        running.map(|(intervals, _)| intervals.len()).min().or(longest).unwrap_or(0)
    }

    /// One interval of all streams combined; `None` until it is complete.
    pub fn get(&self, index: usize) -> Option<BlastInterval> {
        if index >= self.complete() {
            return None;
        }
        merge_interval(self.streams.iter().filter_map(|(intervals, _)| intervals.get(index)))
    }

    /// The next complete interval that was not returned yet.
    pub fn next_complete(&mut self) -> Option<BlastInterval> {
        let next = self.get(self.told)?;
        self.told += 1;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(start_ns: u64, datagrams: u64) -> BlastInterval {
        BlastInterval { start_ns, datagrams, duration_ns: 10, ..BlastInterval::default() }
    }

    #[test]
    fn a_stretch_is_complete_when_every_stream_has_it_or_has_ended() {
        let mut board = IntervalMerger::new(2);
        board.add(0, stretch(0, 5));
        assert_eq!(board.next_complete(), None);
        board.add(1, stretch(1, 6));
        assert_eq!(board.next_complete(), Some(stretch(0, 11)));
        board.add(0, stretch(10, 5));
        board.end(1);
        assert_eq!(board.next_complete(), Some(stretch(10, 5)));
        board.end(0);
        assert_eq!((board.complete(), board.next_complete()), (2, None));
    }

    #[test]
    fn jitter_is_the_mean_over_all_datagrams() {
        let stream = |datagrams, jitter_ns| BlastReceived {
            datagrams,
            jitter_ns,
            ..BlastReceived::default()
        };
        let streams = [stream(900, Some(10)), stream(100, Some(1_010)), stream(7, None)];
        let whole = merge_received(streams.iter().map(|stream| (stream, None)));
        assert_eq!(whole.jitter_ns, Some(110));
        let none = merge_received([(&stream(0, None), None)]);
        assert_eq!(none.jitter_ns, None);
    }

    #[test]
    fn counts_add_up_and_a_total_needs_every_streams() {
        let part =
            BlastReceived { firsts: 3, lost: 1, sender_total: Some(4), ..Default::default() };
        let other = BlastReceived { firsts: 2, ..Default::default() };
        let whole = merge_received([(&part, None), (&part, None)]);
        assert_eq!((whole.firsts, whole.lost, whole.sender_total), (6, 2, Some(8)));
        let most = BlastReceived { lost: u64::MAX, sender_total: Some(u64::MAX), ..part };
        let whole = merge_received([(&part, None), (&most, None)]);
        assert_eq!((whole.lost, whole.sender_total), (u64::MAX, Some(u64::MAX)));
        assert_eq!(merge_received([(&part, None), (&other, None)]).sender_total, None);
    }
}
