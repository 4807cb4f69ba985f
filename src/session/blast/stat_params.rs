//! Encodes and decodes a receiver's and a sender's counts as STAT parameters.

use super::ecn_params::{MARKS, read_marks};
use super::events::FarIo;
use super::gap_params::{GAPS, read_gaps};
use crate::batch::{RxCall, TxCall};
use crate::record::{
    BURST_CLASSES, BlastInterval, BlastReceived, BlastSent, ChangedContent, DelayQuantiles,
    Occurrence, Refusal, RefusalCause, UncheckedSent,
};
use crate::units::{Untrusted, errno_text};
use crate::wire::{BadParam, Params};

/// Maximum intervals in one reply, so that it stays under 1,200 bytes.
pub const INTERVALS_A_REPLY: usize = 5;
/// Maximum causes of refusals, and of network errors, in one reply.
const CAUSES: usize = 3;
/// No real socket buffer is larger than this many bytes.
const MOST_BUFFER: u64 = 1 << 40;

/// Adds the counts to a reply. Unknown values are left out.
pub fn write_counts(counts: &BlastReceived, params: &mut Params) {
    let known = [
        ("datagrams", Some(counts.datagrams)),
        ("bytes", Some(counts.bytes)),
        ("firsts", Some(counts.firsts)),
        ("duplicates", Some(counts.duplicates)),
        ("lost", Some(counts.lost)),
        ("socket_drops", Some(counts.socket_drops)),
        ("total", counts.sender_total),
    ];
    write_known(&known, params);
    let BlastReceived { reordered, reorder_extent_max, reorder_extent_sum, too_late, .. } = *counts;
    let order = [reordered, reorder_extent_max, reorder_extent_sum, too_late];
    params.push("reordered", joined(order.iter()));
    let longest = counts.burst_lengths.iter().rposition(|bursts| *bursts > 0);
    let lengths = counts.burst_lengths[..longest.map_or(0, |last| last + 1)].iter();
    params.push(
        "bursts",
        joined([&counts.loss_bursts, &counts.longest_burst].into_iter().chain(lengths)),
    );
    let ChangedContent { cut, cut_to_bytes, altered } = counts.changed;
    let foreign = [counts.corrupt, counts.strays, counts.drop_events];
    let foreign = foreign.into_iter().chain([cut, cut_to_bytes, altered, counts.clock_steps]);
    params.push("foreign", joined(foreign));
    params.push("delay_ns", quantiles_text(&counts.delay));
    let times = [
        Some(counts.span_ns),
        Some(counts.silence_ns),
        counts.jitter_ns,
        counts.cpu_ns,
        counts.reader_pause_ns,
        // Not a time, but it belongs to the span.
        counts.at_start,
    ];
    params.push("times_ns", joined(times.iter().map(|time| text_of(*time))));
    if let Some(drift) = counts.drift_ppb {
        params.push("drift_ppb", drift);
    }
}

fn write_known(counts: &[(&str, Option<u64>)], params: &mut Params) {
    let known = counts.iter().filter_map(|(key, value)| Some((key, (*value)?)));
    known.for_each(|(key, value)| params.push(key, value));
}

/// Several numbers in one value, which saves a line per number.
fn joined<T: ToString>(numbers: impl Iterator<Item = T>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(":")
}

/// Quantiles in order; `-` for unknown ones.
fn quantiles_text(quantiles: &DelayQuantiles) -> String {
    let DelayQuantiles { p50, p90, p99, p999, max } = *quantiles;
    let all = [p50, p90, p99, p999, max].into_iter();
    joined(all.map(text_of))
}

/// A number, or `-`.
pub fn text_of(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Reads [`quantiles_text`]; anything missing or not a number is unknown.
fn read_quantiles(text: Option<&str>) -> DelayQuantiles {
    let [p50, p90, p99, p999, max] = read_known(text);
    DelayQuantiles { p50, p90, p99, p999, max }
}

/// Reads numbers that [`joined`] wrote; anything missing or not a number is unknown.
fn read_known<const N: usize>(text: Option<&str>) -> [Option<u64>; N] {
    let mut numbers = [None; N];
    for (number, part) in numbers.iter_mut().zip(text.unwrap_or_default().split(':')) {
        *number = part.parse().ok();
    }
    numbers
}

/// The same, with 0 for missing numbers.
fn read_joined<const N: usize>(text: Option<&str>) -> [u64; N] {
    read_known(text).map(Option::unwrap_or_default)
}

/// Adds a sender's counts to a reply; each key begins with `tx_`.
pub fn write_sent(sent: &BlastSent, params: &mut Params) {
    let known = [
        ("tx_offered", Some(sent.offered)),
        ("tx_datagrams", Some(sent.datagrams)),
        ("tx_bytes", Some(sent.bytes)),
        ("tx_unsent", Some(sent.unsent)),
        ("tx_blocked", Some(sent.blocked)),
        ("tx_span_ns", Some(sent.span_ns)),
        ("tx_quantum", Some(sent.quantum)),
        ("tx_catch_ups", Some(sent.catch_ups)),
        ("tx_cpu_ns", Some(sent.cpu_ns)),
    ];
    write_known(&known, params);
    params.push("tx_late_ns", quantiles_text(&sent.lateness));
    let spans = [sent.offered_ns, sent.at_start];
    params.push("tx_offered_ns", joined(spans.into_iter().map(text_of)));
    if let Some(pause) = sent.pause_ns {
        params.push("tx_pause_ns", pause);
    }
    // 0 is told by the absence of refusals.
    if let Some(buffers @ 1..) = sent.queue_full_buffers {
        params.push("tx_queue_full", buffers);
    }
    // One run has never shown more causes than this.
    for (key, causes) in [("tx_refused", &sent.refused), ("tx_network", &sent.network_errors)] {
        for cause in causes.iter().take(CAUSES) {
            params.push(key, format!("{}:{}", cause.datagrams, cause_text(&cause.cause)));
        }
    }
    // In the order of the causes, whose text comes from the system and can be anything.
    let errnos = sent.refused.iter().take(CAUSES).map(|cause| cause.errno.map(i64::from));
    if !sent.refused.is_empty() {
        let text = |errno: Option<i64>| errno.map_or_else(|| "-".to_owned(), |n| n.to_string());
        params.push("tx_errno", joined(errnos.map(text)));
    }
}

/// Text of a cause for the other end: for this host's own errors, the system's error text.
fn cause_text(cause: &RefusalCause) -> String {
    match cause {
        RefusalCause::Host { reason } => errno_text(reason.errno),
        RefusalCause::Network { error } => error.to_string(),
        RefusalCause::Reported { words } => words.clone(),
    }
}

/// Reads a sender's counts; `None` if the reply has none.
pub fn read_sent(params: &Params) -> Result<Option<UncheckedSent>, BadParam> {
    if params.get("tx_datagrams").is_none() {
        return Ok(None);
    }
    let count = |key: &str| Ok(params.parse::<u64>(key)?.unwrap_or(0));
    let causes = |wanted: &str| {
        let told = params.iter().filter(|(key, _)| *key == wanted);
        told.filter_map(|(_, value)| {
            let (datagrams, cause) = value.split_once(':')?;
            let datagrams = datagrams.parse().ok()?;
            let cause = RefusalCause::Reported { words: cause.to_owned() };
            Some(Refusal { cause, errno: None, datagrams, seen: Occurrence::default() })
        })
        .collect::<Vec<_>>()
    };
    let mut refused = causes("tx_refused");
    let errnos = params.get("tx_errno").unwrap_or_default().split(':');
    for (refusal, errno) in refused.iter_mut().zip(errnos) {
        refusal.errno = errno.parse().ok();
    }
    let [offered_ns, at_start] = read_known(params.get("tx_offered_ns"));
    Ok(Some(UncheckedSent::new(BlastSent {
        offered: count("tx_offered")?,
        datagrams: count("tx_datagrams")?,
        bytes: count("tx_bytes")?,
        refused,
        queue_full_buffers: params.parse("tx_queue_full")?,
        network_errors: causes("tx_network"),
        unsent: count("tx_unsent")?,
        blocked: count("tx_blocked")?,
        span_ns: count("tx_span_ns")?,
        at_start,
        offered_ns,
        lateness: read_quantiles(params.get("tx_late_ns")),
        quantum: count("tx_quantum")?,
        catch_ups: count("tx_catch_ups")?,
        pause_ns: params.parse("tx_pause_ns")?,
        cpu_ns: count("tx_cpu_ns")?,
    })))
}

/// Reads a receiver's counts; missing ones are zero or unknown.
pub fn read_counts(params: &Params) -> Result<Untrusted<BlastReceived>, BadParam> {
    let count = |key: &str| Ok(params.parse::<u64>(key)?.unwrap_or(0));
    let [reordered, reorder_extent_max, reorder_extent_sum, too_late] =
        read_joined(params.get("reordered"));
    let bursts: [u64; 2 + BURST_CLASSES] = read_joined(params.get("bursts"));
    let [corrupt, strays, drop_events, cut, cut_to_bytes, altered, clock_steps] =
        read_joined(params.get("foreign"));
    let [span_ns, silence_ns, jitter_ns, cpu_ns, reader_pause_ns, at_start] =
        read_known(params.get("times_ns"));
    let datagrams = count("datagrams")?;
    Ok(Untrusted::new(BlastReceived {
        reorder_extent_max,
        reorder_extent_sum,
        datagrams,
        bytes: count("bytes")?,
        firsts: count("firsts")?,
        duplicates: count("duplicates")?,
        reordered,
        too_late,
        lost: count("lost")?,
        socket_drops: count("socket_drops")?,
        drop_events,
        loss_bursts: bursts[0],
        longest_burst: bursts[1],
        changed: ChangedContent { cut, cut_to_bytes, altered },
        corrupt,
        strays,
        span_ns: span_ns.unwrap_or_default(),
        jitter_ns,
        delay: read_quantiles(params.get("delay_ns")),
        silence_ns: silence_ns.unwrap_or_default(),
        gaps: read_gaps(params.get(GAPS).unwrap_or_default()),
        reader_pause_ns,
        burst_lengths: std::array::from_fn(|class| bursts[class + 2]),
        at_start,
        drift_ppb: params.parse("drift_ppb")?,
        clock_steps,
        cpu_ns,
        sender_total: params.parse("total")?,
        min_transit_ns: None,
        ecn: params.get(MARKS).and_then(|text| read_marks(text, datagrams)),
    }))
}

/// One interval as a parameter value: eleven numbers separated by colons, and a twelfth, the largest
/// delay, where that is known.
pub fn interval_text(interval: &BlastInterval) -> String {
    let BlastInterval {
        start_ns,
        duration_ns,
        datagrams,
        bytes,
        lost,
        duplicates,
        reordered,
        socket_drops,
        damaged,
        cut,
        altered,
        delay_max_ns,
    } = interval;
    let delay = delay_max_ns.map_or_else(String::new, |delay| format!(":{delay}"));
    format!(
        "{start_ns}:{duration_ns}:{datagrams}:{bytes}:{lost}:{duplicates}:{reordered}:\
         {socket_drops}:{damaged}:{cut}:{altered}{delay}"
    )
}

/// Reads [`interval_text`]; `None` for anything else.
pub fn read_interval(text: &str) -> Option<Untrusted<BlastInterval>> {
    let numbers: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [
        start_ns,
        duration_ns,
        datagrams,
        bytes,
        lost,
        duplicates,
        reordered,
        socket_drops,
        damaged,
        cut,
        altered,
        ref delay @ ..,
    ] = numbers[..]
    else {
        return None;
    };
    let delay_max_ns = match *delay {
        [] => None,
        [delay] => Some(delay),
        _ => return None,
    };
    Some(Untrusted::new(BlastInterval {
        start_ns,
        duration_ns,
        datagrams,
        bytes,
        lost,
        duplicates,
        reordered,
        socket_drops,
        damaged,
        cut,
        altered,
        delay_max_ns,
    }))
}

/// What the far end's streams used of its system; `None` if the reply does not say.
pub fn read_io(params: &Params) -> Option<FarIo> {
    let (tx, rx) = (params.get("tx")?, params.get("rx")?);
    let number = |key: &str, most: u64| {
        let told = params.parse::<Untrusted<u64>>(key).ok().flatten();
        told.and_then(|told| told.within(most)).unwrap_or(0)
    };
    Some(FarIo {
        tx: TxCall::from_name(tx),
        rx: RxCall::from_name(rx),
        batch: number("batch", u64::from(u32::MAX)) as u32,
        receive_buffer: number("buffer", MOST_BUFFER),
        send_buffer: number("send_buffer", MOST_BUFFER),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::LossGaps;
    use crate::wire::{CONTROL_MAX, Code, Reply, SEAL_LEN, Tag};

    #[test]
    fn counts_survive_the_dialogue_and_the_unknown_stays_unknown() {
        let counts = BlastReceived {
            datagrams: 7,
            bytes: 7 * 1472,
            firsts: 6,
            duplicates: 1,
            lost: u64::MAX,
            jitter_ns: Some(12),
            delay: DelayQuantiles { p50: Some(3), ..DelayQuantiles::default() },
            reordered: 2,
            drop_events: 4,
            changed: ChangedContent { cut: 5, cut_to_bytes: 1_000, altered: 6 },
            reorder_extent_max: 5,
            reorder_extent_sum: 6,
            burst_lengths: std::array::from_fn(|class| u64::from(class == 3)),
            silence_ns: 9,
            reader_pause_ns: Some(8_000_000_000),
            at_start: Some(44),
            drift_ppb: Some(-7),
            clock_steps: 1,
            sender_total: None,
            ..BlastReceived::default()
        };
        let mut params = Params::default();
        write_counts(&counts, &mut params);
        assert_eq!(read_counts(&params), Ok(Untrusted::new(counts)));
    }

    fn refusal(cause: &str, errno: Option<i32>, datagrams: u64) -> Refusal {
        let cause = RefusalCause::Reported { words: cause.to_owned() };
        Refusal { cause, errno, datagrams, seen: Occurrence::default() }
    }

    #[test]
    fn a_senders_counts_survive_the_dialogue() {
        let sent = BlastSent {
            offered: 9,
            datagrams: 7,
            refused: vec![refusal("no buffer space available", Some(105), 2)],
            queue_full_buffers: Some(1),
            network_errors: vec![refusal("port unreachable", None, 4)],
            lateness: DelayQuantiles { max: Some(5), ..DelayQuantiles::default() },
            pause_ns: Some(2_002_000_000),
            at_start: Some(1),
            offered_ns: Some(4_000_000_000),
            ..BlastSent::default()
        };
        let mut params = Params::default();
        assert_eq!(read_sent(&params), Ok(None));
        write_sent(&sent, &mut params);
        assert_eq!(read_sent(&params), Ok(Some(UncheckedSent::new(sent))));
    }

    #[test]
    fn the_longest_reply_still_fits_one_control_datagram() {
        // More nanoseconds than a day has, and more datagrams than a day at 10^9 a second.
        let most = 100_000_000_000_000;
        let quantiles = DelayQuantiles {
            p50: Some(most),
            p90: Some(most),
            p99: Some(most),
            p999: Some(most),
            max: Some(most),
        };
        let counts = BlastReceived {
            datagrams: most,
            bytes: most * 1_000,
            firsts: most,
            duplicates: most,
            reordered: most,
            too_late: most,
            lost: most,
            socket_drops: most,
            drop_events: most,
            loss_bursts: most,
            longest_burst: most,
            changed: ChangedContent { cut: most, cut_to_bytes: 65_507, altered: most },
            corrupt: most,
            strays: most,
            span_ns: most,
            jitter_ns: Some(most),
            delay: quantiles,
            cpu_ns: Some(most),
            // Told where there is room.
            gaps: LossGaps::default(),
            sender_total: Some(most),
            reorder_extent_max: most,
            reorder_extent_sum: most,
            burst_lengths: [u64::from(u32::MAX); BURST_CLASSES],
            silence_ns: most,
            reader_pause_ns: Some(most),
            at_start: Some(1 << 20),
            drift_ppb: Some(-500_000),
            clock_steps: most,
            min_transit_ns: None,
            // Told where there is room.
            ecn: None,
        };
        let mut params = Params::default();
        params.push("state", "draining");
        for (key, value) in [("tx", "plain"), ("rx", "plain"), ("batch", "1024")] {
            params.push(key, value);
        }
        params.push("buffer", u32::MAX);
        params.push("send_buffer", u32::MAX);
        write_counts(&counts, &mut params);
        let tag = Tag::new("a123456789").unwrap();
        let reply = Reply { tag, code: Code::STATUS, params, text: "status".to_owned() };
        let bytes = reply.encode().map(|bytes| bytes.len());
        assert!(bytes.as_ref().is_ok_and(|bytes| *bytes <= CONTROL_MAX - SEAL_LEN), "{bytes:?}");
    }

    #[test]
    fn a_stretch_survives_the_dialogue_and_a_broken_one_is_refused() {
        let interval = BlastInterval {
            start_ns: 1,
            bytes: 2,
            lost: 3,
            damaged: 5,
            altered: 4,
            ..Default::default()
        };
        for delay_max_ns in [None, Some(0), Some(7)] {
            let interval = BlastInterval { delay_max_ns, ..interval };
            let read = read_interval(&interval_text(&interval));
            assert_eq!(read, Some(Untrusted::new(interval)));
        }
        let (broken, longer) = ("1:2:3:4:5:6:7:8:9:10:x", "1:2:3:4:5:6:7:8:9:10:11:12:13");
        for text in ["", "1:2", broken, longer] {
            assert_eq!(read_interval(text), None, "{text}");
        }
    }
}
