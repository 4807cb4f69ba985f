//! The streams of a throughput run side by side, and whether they differ by more than chance.
//!
//! Links are bundled and routes are equal, and each flow takes one of them. A bad way among several
//! shows as streams that lose, or are slow, beside streams that do not.

use super::contradiction::{Contradiction, Counted};
use super::{BlastReceived, StreamCounts, StreamRow, ThroughputEvidence};
use crate::stats::{StreamLoss, split_by_loss};
use crate::units::Untrusted;

/// A difference in delay, in nanoseconds, that hosts do not make by themselves.
const SLOWER: u64 = 200_000;
/// Arrived datagrams of a stream from which its delay is compared.
const ENOUGH: u64 = 50;

impl From<&BlastReceived> for StreamCounts {
    fn from(counts: &BlastReceived) -> Self {
        Self {
            sent: counts.sender_total,
            delivered: counts.firsts,
            lost: counts.lost,
            loss_bursts: counts.loss_bursts,
            socket_drops: counts.socket_drops,
            min_transit_ns: counts.min_transit_ns,
            delay_p50_ns: counts.delay.p50,
            delay_p90_ns: counts.delay.p90,
            delay_p99_ns: counts.delay.p99,
            jitter_ns: counts.jitter_ns,
            ecn: counts.ecn,
        }
    }
}

/// The rows of a run's streams, in their order.
pub fn stream_rows(streams: &[StreamCounts]) -> Vec<StreamRow> {
    let fastest = streams.iter().filter_map(|one| one.min_transit_ns).min();
    let above = |of: Option<i64>| of.zip(fastest).map(|(of, fastest)| of.abs_diff(fastest));
    (0..)
        .zip(streams)
        .map(|(stream, one)| StreamRow {
            stream,
            sent: one.sent,
            delivered: one.delivered,
            lost: one.lost,
            loss_bursts: Some(one.loss_bursts),
            socket_drops: Some(one.socket_drops),
            min_above_fastest_ns: above(one.min_transit_ns),
            delay_p50_ns: one.delay_p50_ns,
        })
        .collect()
}

/// Counts of all streams from the far end, if they are parts of its `whole`.
///
/// # Errors
///
/// The count of which the streams have more than all of them together.
pub fn believe_streams(
    told: &[Untrusted<StreamCounts>],
    whole: &BlastReceived,
) -> Result<Vec<StreamCounts>, Contradiction> {
    let streams: Vec<StreamCounts> = told.iter().map(|one| one.any()).collect();
    let sum = |of: fn(&StreamCounts) -> u64| {
        streams.iter().fold(0u64, |sum, one| sum.saturating_add(of(one)))
    };
    let marked = |one: &StreamCounts| one.ecn.map_or(0, |marks| marks.total());
    let sums = [
        (Counted::Arrived, sum(marked), whole.datagrams),
        (Counted::Firsts, sum(|one| one.delivered), whole.firsts),
        (Counted::Lost, sum(|one| one.lost), whole.lost),
        (Counted::SocketDrops, sum(|one| one.socket_drops), whole.socket_drops),
        (Counted::LossBursts, sum(|one| one.loss_bursts), whole.loss_bursts),
    ];
    match sums.into_iter().find(|(_, sum, most)| sum > most) {
        Some((counted, claimed, most)) => {
            Err(Contradiction::BeyondWhole { counted, claimed, whole: counted, most })
        }
        None => Ok(streams),
    }
}

/// Compares the streams of a run that let up to `burst` datagrams go at once.
///
/// Loss: [`split_by_loss`], of what the sockets did not drop. Delay: the fastest datagram of each
/// slower stream took longer than the median of each faster one, of at least 50 datagrams each, and
/// by 0.2 ms or more. That chance has such an outcome is less likely than 1 in 2^25.
pub fn compare_streams(rows: &[StreamRow], burst: u64) -> Vec<ThroughputEvidence> {
    [unequal_loss(rows, burst), unequal_delay(rows)].into_iter().flatten().collect()
}

fn unequal_loss(rows: &[StreamRow], burst: u64) -> Option<ThroughputEvidence> {
    let losses: Vec<StreamLoss> = rows
        .iter()
        .map(|row| {
            // Without the bursts, nothing tells how much of the loss is chance.
            let (bursts, dropped) = row.loss_bursts.zip(row.socket_drops)?;
            let lost = row.lost.saturating_sub(dropped);
            let sent = row.delivered.saturating_add(lost);
            Some(StreamLoss { sent, lost, bursts: bursts.min(lost) })
        })
        .collect::<Option<_>>()?;
    let groups = split_by_loss(&losses, burst)?;
    let worse_streams = groups.worse.len() as u64;
    Some(ThroughputEvidence::StreamsLoseUnequally {
        worse_streams,
        worse_sent: groups.worse_loss.sent,
        worse_lost: groups.worse_loss.lost,
        better_streams: rows.len() as u64 - worse_streams,
        better_sent: groups.better_loss.sent,
        better_lost: groups.better_loss.lost,
    })
}

fn unequal_delay(rows: &[StreamRow]) -> Option<ThroughputEvidence> {
    let mut known: Vec<(u64, u64)> = rows
        .iter()
        .filter(|row| row.delivered >= ENOUGH)
        .filter_map(|row| {
            let min = row.min_above_fastest_ns?;
            Some((min, min.saturating_add(row.delay_p50_ns?)))
        })
        .collect();
    if known.len() < rows.len() {
        return None;
    }
    known.sort_unstable();
    // The widest step between one stream's minimum and the next one's.
    let (at, step) = (1..known.len())
        .map(|at| (at, known[at].0 - known[at - 1].0))
        .max_by_key(|(_, step)| *step)?;
    let (faster, slower) = known.split_at(at);
    let median = faster.iter().map(|(_, median)| *median).max()?;
    (step >= SLOWER && slower[0].0 > median).then(|| ThroughputEvidence::StreamsDelayedUnequally {
        slower_streams: slower.len() as u64,
        faster_streams: faster.len() as u64,
        longer_ns: slower[0].0 - faster[0].0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stream: u64, lost: u64, min_above_fastest: u64) -> StreamRow {
        StreamRow {
            stream,
            sent: Some(1_000),
            delivered: 1_000 - lost,
            lost,
            loss_bursts: Some(lost),
            socket_drops: Some(0),
            min_above_fastest_ns: Some(min_above_fastest),
            delay_p50_ns: Some(100_000),
        }
    }

    #[test]
    fn a_lossy_and_a_long_way_are_two_findings() {
        let rows = [row(0, 0, 0), row(1, 200, 0), row(2, 0, 5_000_000), row(3, 0, 30_000)];
        assert_eq!(
            compare_streams(&rows, 1),
            [
                ThroughputEvidence::StreamsLoseUnequally {
                    worse_streams: 1,
                    worse_sent: 1_000,
                    worse_lost: 200,
                    better_streams: 3,
                    better_sent: 3_000,
                    better_lost: 0,
                },
                ThroughputEvidence::StreamsDelayedUnequally {
                    slower_streams: 1,
                    faster_streams: 3,
                    longer_ns: 5_000_000,
                },
            ]
        );
    }

    #[test]
    fn streams_that_share_a_path_show_nothing() {
        let rows: Vec<StreamRow> =
            (0..8).map(|stream| row(stream, 100 + stream, stream * 20_000)).collect();
        assert_eq!(compare_streams(&rows, 1), []);
        assert_eq!(compare_streams(&rows[..1], 1), []);
        assert_eq!(compare_streams(&[], 1), []);
        // A queue that varies by more than the streams differ.
        let queue = [row(0, 0, 0), row(1, 0, 400_000)];
        let queue = queue.map(|row| StreamRow { delay_p50_ns: Some(900_000), ..row });
        assert_eq!(compare_streams(&queue, 1), []);
    }

    #[test]
    fn what_a_socket_dropped_was_not_lost_on_a_path() {
        let full = StreamRow { socket_drops: Some(300), ..row(1, 300, 0) };
        assert_eq!(compare_streams(&[row(0, 0, 0), full, row(2, 0, 0)], 1), []);
    }

    #[test]
    fn streams_that_have_more_than_the_whole_are_not_believed() {
        let one = StreamCounts { delivered: 5, lost: 1, ..StreamCounts::default() };
        let whole = BlastReceived { firsts: 10, lost: 2, ..BlastReceived::default() };
        let told = [Untrusted::new(one); 3];
        assert_eq!(believe_streams(&told[..2], &whole), Ok(vec![one; 2]));
        assert_eq!(
            believe_streams(&told, &whole),
            Err(Contradiction::BeyondWhole {
                counted: Counted::Firsts,
                claimed: 15,
                whole: Counted::Firsts,
                most: 10,
            })
        );
    }
}
