//! What a capacity search found, by its trials and the receiver's intervals (RFC 9097).

use super::capacity::is_behind;
use super::{
    BlastInterval, CapacityHost, CapacityLimit, CapacityNote, CapacityReport, CoursePoint,
    SubInterval,
};
use crate::pace::AdjustmentType;

/// Delay variation, in nanoseconds, from which there is a queue before the bottleneck.
const QUEUED: u64 = 5_000_000;
/// How far the largest sub-interval may be above the one in the middle, in thousandths, before it
/// counts as a burst.
const BURST: u64 = 50;
/// Steps back that a path must carry for the search to be exact.
const COARSE: u64 = 3;
/// Loss, in datagrams per thousand, from which a sub-interval met the bottleneck.
const LOSSY: u64 = 5;
/// Losses that a trial may have anyway.
const FEW: u64 = 10;
/// Drops of the receiver's socket, in datagrams per thousand, from which it was the limit.
const DROPPED: u64 = 1;

/// What a search is judged by.
#[derive(Clone, Copy, Debug)]
pub struct SearchFacts<'a> {
    /// How the rate was adjusted.
    pub kind: AdjustmentType,
    /// The receiver's intervals, which are the sub-intervals.
    pub intervals: &'a [BlastInterval],
    /// The requested length of a sub-interval, in nanoseconds.
    pub length_ns: u64,
    /// The trials.
    pub course: &'a [CoursePoint],
    /// Payload bytes of a datagram.
    pub payload: u64,
    /// Bytes of a datagram at the IP layer.
    pub ip_bytes: u64,
    /// The highest rate that the search could ask for, in bits per second at the IP layer.
    pub highest: u64,
}

impl CapacityReport {
    /// Judges a search.
    pub fn of(facts: SearchFacts<'_>) -> Self {
        let whole = facts.intervals.iter().filter(|of| of.duration_ns >= facts.length_ns);
        let sub_intervals: Vec<SubInterval> = whole.map(|of| sub_interval(of, &facts)).collect();
        let by_rate = |of: &&SubInterval| of.ip_bits_per_second;
        let largest = sub_intervals.iter().max_by_key(by_rate).copied();
        let unlimited = || sub_intervals.iter().filter(|of| of.host_limit.is_none());
        let best = unlimited().max_by_key(by_rate).copied();
        let limit = limit(&sub_intervals, best, &facts);
        let known = best.filter(|_| limit == CapacityLimit::Path);
        Self {
            kind: facts.kind,
            ip_bits_per_second: known.map(|of| of.ip_bits_per_second),
            goodput_bits_per_second: known.map(|of| of.goodput_bits_per_second),
            largest,
            limit,
            notes: notes(&sub_intervals, known, &facts),
            course: facts.course.to_vec(),
            sub_intervals,
        }
    }
}

fn sub_interval(of: &BlastInterval, facts: &SearchFacts<'_>) -> SubInterval {
    let firsts = of.datagrams.saturating_sub(of.duplicates);
    let rate = |each: u64| {
        let bits = u128::from(firsts) * u128::from(each) * 8_000_000_000;
        u64::try_from(bits / u128::from(of.duration_ns.max(1))).unwrap_or(u64::MAX)
    };
    let end = of.start_ns.saturating_add(of.duration_ns);
    let within = facts.course.iter().filter(|point| {
        let middle = point.start_ns.saturating_add(point.duration_ns / 2);
        middle >= of.start_ns && middle < end
    });
    let (behind, sent) = within.fold((0u64, 0u64), |(behind, sent), point| {
        let more = |sum: u64, part: Option<u64>| sum.saturating_add(part.unwrap_or(0));
        (more(behind, point.behind), more(sent, point.sent))
    });
    let dropped = of.socket_drops.saturating_sub(of.damaged);
    let on_path = of.lost.saturating_sub(of.socket_drops);
    let host_limit = if dropped.saturating_mul(1_000) > of.datagrams.saturating_mul(DROPPED) {
        Some(CapacityHost::ReceiverSocket)
    } else if is_behind(behind, sent) && on_path < behind {
        // Where the path lost as much as was left out, more would not have come through.
        Some(CapacityHost::Sender)
    } else {
        None
    };
    SubInterval {
        start_ns: of.start_ns,
        duration_ns: of.duration_ns,
        ip_bits_per_second: rate(facts.ip_bytes),
        goodput_bits_per_second: rate(facts.payload),
        lost: of.lost,
        received: of.datagrams,
        delay_max_ns: of.delay_max_ns,
        host_limit,
    }
}

/// How far a search steps back, again and again, in bits per second: type B by one row of the table
/// of rates once it has found the limit, type C by thirty each time that it multiplied.
fn step_back(kind: AdjustmentType) -> u64 {
    match kind {
        AdjustmentType::B => 1_000_000,
        AdjustmentType::C => 30_000_000,
    }
}

/// Whether so many losses on the path are an overload.
fn is_lossy(lost: u64, received: u64) -> bool {
    lost > FEW && lost.saturating_mul(1_000) > received.saturating_mul(LOSSY)
}

/// Whether a trial shows that the path carries no more.
fn is_overload(point: &CoursePoint) -> bool {
    let on_path = point.lost.saturating_sub(point.socket_drops);
    is_lossy(on_path, point.received) || point.delay_mean_ns.is_some_and(|delay| delay > 90_000_000)
}

fn limit(
    sub_intervals: &[SubInterval],
    best: Option<SubInterval>,
    facts: &SearchFacts<'_>,
) -> CapacityLimit {
    let Some(largest) = sub_intervals.iter().max_by_key(|of| of.ip_bits_per_second) else {
        return CapacityLimit::NoSubInterval;
    };
    let host = sub_intervals.iter().rev().find_map(|of| of.host_limit);
    let of_host = |host| match host {
        CapacityHost::Sender => CapacityLimit::Sender,
        CapacityHost::ReceiverSocket => CapacityLimit::ReceiverSocket,
    };
    // Loss of the path, in a sub-interval that no host disturbed.
    let on_path = facts.course.iter().any(|point| {
        let is_disturbed = sub_intervals.iter().any(|of| {
            let end = of.start_ns.saturating_add(of.duration_ns);
            of.host_limit.is_some() && point.start_ns >= of.start_ns && point.start_ns < end
        });
        is_overload(point) && !is_disturbed
    });
    let is_highest = |point: &CoursePoint| point.asked.is_some_and(|of| of >= facts.highest);
    match host {
        _ if best.is_some() && on_path => CapacityLimit::Path,
        Some(host) => of_host(host),
        None if facts.course.iter().any(is_highest) => CapacityLimit::HighestRate,
        None if largest.ip_bits_per_second == 0 => CapacityLimit::NoSubInterval,
        None => CapacityLimit::Time,
    }
}

fn notes(
    sub_intervals: &[SubInterval],
    known: Option<SubInterval>,
    facts: &SearchFacts<'_>,
) -> Vec<CapacityNote> {
    let mut notes = Vec::new();
    let lossy: Vec<&CoursePoint> =
        facts.course.iter().filter(|point| point.lost > 10 && is_overload(point)).collect();
    let delay_max_ns = lossy.iter().filter_map(|point| point.delay_mean_ns).max();
    if known.is_some()
        && let Some(delay_max_ns) = delay_max_ns.filter(|delay| *delay < QUEUED)
    {
        notes.push(CapacityNote::NoQueue { delay_max_ns });
    }
    if let Some(known) = known {
        // Those at the limit: without the climb.
        let mut rates: Vec<u64> = sub_intervals
            .iter()
            .filter(|of| of.host_limit.is_none() && of.start_ns > known.start_ns)
            .map(|of| of.ip_bits_per_second)
            .collect();
        rates.sort_unstable();
        if rates.len() >= 3 {
            let typical = rates[rates.len() / 2];
            let above = known.ip_bits_per_second.saturating_sub(typical);
            if above.saturating_mul(1_000) > typical.saturating_mul(BURST) {
                notes.push(CapacityNote::Burst { typical_ip_bits_per_second: typical });
            }
        }
    }
    let step = step_back(facts.kind);
    let is_coarse = |of: SubInterval| of.ip_bits_per_second < step.saturating_mul(COARSE);
    if known.is_some_and(is_coarse) {
        notes.push(CapacityNote::CoarseSteps { step_ip_bits_per_second: step });
    }
    let told = known.map_or(0, |of| of.ip_bits_per_second);
    let faster = || {
        let of_hosts = sub_intervals.iter().filter_map(|of| Some((of.host_limit?, of)));
        of_hosts.filter(|(_, of)| of.ip_bits_per_second > told)
    };
    if let Some((host, fastest)) = faster().max_by_key(|(_, of)| of.ip_bits_per_second) {
        notes.push(CapacityNote::HostLimited {
            sub_intervals: faster().count() as u64,
            host,
            ip_bits_per_second: fastest.ip_bits_per_second,
        });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const TRIAL: u64 = SECOND / 20;

    /// Sub-intervals of so many datagrams, each of 1000 bytes at the IP layer.
    fn intervals(datagrams: &[u64]) -> Vec<BlastInterval> {
        let of = |(index, datagrams): (usize, &u64)| BlastInterval {
            start_ns: index as u64 * SECOND,
            duration_ns: SECOND,
            datagrams: *datagrams,
            ..BlastInterval::default()
        };
        datagrams.iter().enumerate().map(of).collect()
    }

    fn course(length: u64, point: impl Fn(u64) -> CoursePoint) -> Vec<CoursePoint> {
        let place = |index| CoursePoint {
            start_ns: index * TRIAL,
            duration_ns: TRIAL,
            asked: Some(10_000_000),
            sent: Some(100),
            behind: Some(0),
            received: 100,
            delay_mean_ns: Some(1_000_000),
            ..point(index)
        };
        (0..length * 20).map(place).collect()
    }

    fn judged(intervals: &[BlastInterval], course: &[CoursePoint]) -> CapacityReport {
        CapacityReport::of(SearchFacts {
            kind: AdjustmentType::B,
            intervals,
            length_ns: SECOND,
            course,
            payload: 972,
            ip_bytes: 1_000,
            highest: 72_000_000_000,
        })
    }

    fn lossy(from: u64) -> impl Fn(u64) -> CoursePoint {
        move |index| CoursePoint {
            lost: if index >= from { 20 } else { 0 },
            ..CoursePoint::default()
        }
    }

    #[test]
    fn the_largest_sub_interval_is_the_capacity_where_the_path_was_the_limit() {
        let mut all = intervals(&[500, 1_000, 1_010, 990]);
        all.push(BlastInterval { duration_ns: SECOND / 10, datagrams: 900, ..all[3] });
        let found = judged(&all, &course(4, lossy(30)));
        assert_eq!(found.limit, CapacityLimit::Path);
        assert_eq!(found.ip_bits_per_second, Some(8_080_000));
        assert_eq!(found.goodput_bits_per_second, Some(1_010 * 972 * 8));
        assert_eq!((found.sub_intervals.len(), found.told()), (4, found.largest.as_ref()));
        // Loss without a queue.
        assert_eq!(found.notes, [CapacityNote::NoQueue { delay_max_ns: 1_000_000 }]);
    }

    #[test]
    fn copies_are_no_capacity() {
        let mut all = intervals(&[1_000]);
        all[0].duplicates = 400;
        let found = judged(&all, &course(1, lossy(5)));
        assert_eq!(found.ip_bits_per_second, Some(600 * 8_000));
    }

    #[test]
    fn a_sub_interval_in_which_a_host_was_the_limit_is_no_capacity() {
        let mut all = intervals(&[500, 1_500, 1_000]);
        (all[1].lost, all[1].socket_drops) = (7, 7);
        let found = judged(&all, &course(3, lossy(45)));
        assert_eq!((found.limit, found.ip_bits_per_second), (CapacityLimit::Path, Some(8_000_000)));
        let host = CapacityHost::ReceiverSocket;
        let note =
            CapacityNote::HostLimited { sub_intervals: 1, host, ip_bits_per_second: 12_000_000 };
        assert!(found.notes.contains(&note), "{:?}", found.notes);
        assert_eq!(found.largest.unwrap().ip_bits_per_second, 12_000_000);
    }

    #[test]
    fn drops_of_the_socket_accuse_the_receiver_and_not_the_path() {
        let mut all = intervals(&[500, 1_000, 1_000]);
        for of in &mut all[1..] {
            (of.lost, of.socket_drops) = (9, 9);
        }
        let drops = course(3, |index| {
            let lost = if index >= 20 { 20 } else { 0 };
            CoursePoint { lost, socket_drops: lost, ..CoursePoint::default() }
        });
        let found = judged(&all, &drops);
        assert_eq!((found.limit, found.ip_bits_per_second), (CapacityLimit::ReceiverSocket, None));
    }

    #[test]
    fn a_sender_that_is_behind_is_the_limit() {
        let all = intervals(&[500, 1_000, 1_000]);
        let mut behind = course(3, |_| CoursePoint::default());
        behind.iter_mut().skip(20).for_each(|point| point.behind = Some(5));
        let found = judged(&all, &behind);
        assert_eq!((found.limit, found.ip_bits_per_second), (CapacityLimit::Sender, None));
    }

    #[test]
    fn a_sender_that_is_behind_while_the_path_loses_is_not_the_limit() {
        let mut all = intervals(&[500, 1_000, 1_000]);
        let mut behind = course(3, lossy(40));
        behind.iter_mut().skip(40).for_each(|point| point.behind = Some(5));
        // 100 datagrams were left out in the last second.
        for (lost, limit) in [(100, CapacityLimit::Path), (99, CapacityLimit::Sender)] {
            all[2].lost = lost;
            let found = judged(&all, &behind);
            let told = found.sub_intervals[2].host_limit.is_none();
            assert_eq!((found.limit, told), (limit, lost == 100));
        }
    }

    #[test]
    fn without_loss_or_delay_the_path_is_not_accused() {
        let found = judged(&intervals(&[500, 900, 1_300]), &course(3, |_| CoursePoint::default()));
        assert_eq!((found.limit, found.ip_bits_per_second), (CapacityLimit::Time, None));
        assert_eq!(found.largest.unwrap().ip_bits_per_second, 10_400_000);
        assert_eq!(found.notes, []);
        assert_eq!(judged(&[], &[]).limit, CapacityLimit::NoSubInterval);
    }

    #[test]
    fn a_first_burst_is_told() {
        let all = intervals(&[2_000, 1_000, 1_000, 1_010, 990]);
        let found = judged(&all, &course(5, lossy(20)));
        let note = CapacityNote::Burst { typical_ip_bits_per_second: 8_000_000 };
        assert!(found.notes.contains(&note), "{:?}", found.notes);
    }
}
