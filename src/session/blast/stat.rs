//! A receiver's counts as STAT carries them.

use crate::record::{BlastInterval, BlastReceived, BlastSent, DelayQuantiles, Refusal};
use crate::wire::{BadParam, Params};

/// Stretches that one reply carries at most, so that it stays under 1,200 bytes.
pub const INTERVALS_A_REPLY: usize = 5;

/// Adds the counts to a reply. What is unknown is left out.
pub fn write_counts(counts: &BlastReceived, params: &mut Params) {
    let known = [
        ("datagrams", Some(counts.datagrams)),
        ("bytes", Some(counts.bytes)),
        ("firsts", Some(counts.firsts)),
        ("duplicates", Some(counts.duplicates)),
        ("reordered", Some(counts.reordered)),
        ("too_late", Some(counts.too_late)),
        ("lost", Some(counts.lost)),
        ("socket_drops", Some(counts.socket_drops)),
        ("bursts", Some(counts.loss_bursts)),
        ("longest", Some(counts.longest_burst)),
        ("corrupt", Some(counts.corrupt)),
        ("strays", Some(counts.strays)),
        ("span_ns", Some(counts.span_ns)),
        ("jitter_ns", counts.jitter_ns),
        ("p50_ns", counts.delay.p50),
        ("p90_ns", counts.delay.p90),
        ("p99_ns", counts.delay.p99),
        ("p999_ns", counts.delay.p999),
        ("max_ns", counts.delay.max),
        ("cpu_ns", counts.cpu_ns),
        ("total", counts.sender_total),
    ];
    for (key, value) in known {
        if let Some(value) = value {
            params.push(key, value);
        }
    }
}

/// Adds a sender's counts to a reply, each key with `tx_` before it.
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
        ("tx_p50_ns", sent.lateness.p50),
        ("tx_p90_ns", sent.lateness.p90),
        ("tx_p99_ns", sent.lateness.p99),
        ("tx_p999_ns", sent.lateness.p999),
        ("tx_max_ns", sent.lateness.max),
    ];
    for (key, value) in known {
        if let Some(value) = value {
            params.push(key, value);
        }
    }
    // More causes than these in one run have not been seen.
    for refusal in sent.refused.iter().take(3) {
        params.push("tx_refused", format!("{}:{}", refusal.datagrams, refusal.cause));
    }
}

/// Reads a sender's counts; `None` when the reply has none.
pub fn read_sent(params: &Params) -> Result<Option<BlastSent>, BadParam> {
    if params.get("tx_datagrams").is_none() {
        return Ok(None);
    }
    let count = |key: &str| Ok(params.parse::<u64>(key)?.unwrap_or(0));
    let refused = params.iter().filter(|(key, _)| *key == "tx_refused").filter_map(|(_, value)| {
        let (datagrams, cause) = value.split_once(':')?;
        Some(Refusal { cause: cause.to_owned(), datagrams: datagrams.parse().ok()? })
    });
    Ok(Some(BlastSent {
        offered: count("tx_offered")?,
        datagrams: count("tx_datagrams")?,
        bytes: count("tx_bytes")?,
        refused: refused.collect(),
        // What the network told the far end stays there.
        network_errors: Vec::new(),
        unsent: count("tx_unsent")?,
        blocked: count("tx_blocked")?,
        span_ns: count("tx_span_ns")?,
        lateness: DelayQuantiles {
            p50: params.parse("tx_p50_ns")?,
            p90: params.parse("tx_p90_ns")?,
            p99: params.parse("tx_p99_ns")?,
            p999: params.parse("tx_p999_ns")?,
            max: params.parse("tx_max_ns")?,
        },
        quantum: count("tx_quantum")?,
        catch_ups: count("tx_catch_ups")?,
        cpu_ns: count("tx_cpu_ns")?,
    }))
}

/// Reads the counts from a reply; what it lacks is zero or unknown.
pub fn read_counts(params: &Params) -> Result<BlastReceived, BadParam> {
    let count = |key: &str| Ok(params.parse::<u64>(key)?.unwrap_or(0));
    Ok(BlastReceived {
        datagrams: count("datagrams")?,
        bytes: count("bytes")?,
        firsts: count("firsts")?,
        duplicates: count("duplicates")?,
        reordered: count("reordered")?,
        too_late: count("too_late")?,
        lost: count("lost")?,
        socket_drops: count("socket_drops")?,
        loss_bursts: count("bursts")?,
        longest_burst: count("longest")?,
        corrupt: count("corrupt")?,
        strays: count("strays")?,
        span_ns: count("span_ns")?,
        jitter_ns: params.parse("jitter_ns")?,
        delay: DelayQuantiles {
            p50: params.parse("p50_ns")?,
            p90: params.parse("p90_ns")?,
            p99: params.parse("p99_ns")?,
            p999: params.parse("p999_ns")?,
            max: params.parse("max_ns")?,
        },
        cpu_ns: params.parse("cpu_ns")?,
        sender_total: params.parse("total")?,
    })
}

/// One stretch as a parameter's value: eight numbers with colons between.
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
    } = interval;
    format!(
        "{start_ns}:{duration_ns}:{datagrams}:{bytes}:{lost}:{duplicates}:{reordered}:{socket_drops}"
    )
}

/// Reads [`interval_text`]; `None` for anything else.
pub fn read_interval(text: &str) -> Option<BlastInterval> {
    let numbers: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [start_ns, duration_ns, datagrams, bytes, lost, duplicates, reordered, socket_drops] =
        numbers[..]
    else {
        return None;
    };
    Some(BlastInterval {
        start_ns,
        duration_ns,
        datagrams,
        bytes,
        lost,
        duplicates,
        reordered,
        socket_drops,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Code, Reply, Tag};

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
            sender_total: None,
            ..BlastReceived::default()
        };
        let mut params = Params::default();
        write_counts(&counts, &mut params);
        assert_eq!(read_counts(&params), Ok(counts));
    }

    #[test]
    fn a_senders_counts_survive_the_dialogue() {
        let sent = BlastSent {
            offered: 9,
            datagrams: 7,
            refused: vec![Refusal { cause: "no buffer space available".to_owned(), datagrams: 2 }],
            lateness: DelayQuantiles { max: Some(5), ..DelayQuantiles::default() },
            ..BlastSent::default()
        };
        let mut params = Params::default();
        assert_eq!(read_sent(&params), Ok(None));
        write_sent(&sent, &mut params);
        assert_eq!(read_sent(&params), Ok(Some(sent)));
    }

    #[test]
    fn the_longest_reply_still_fits_one_control_datagram() {
        let most = u64::MAX;
        let quantiles = DelayQuantiles {
            p50: Some(most),
            p90: Some(most),
            p99: Some(most),
            p999: Some(most),
            max: Some(most),
        };
        let counts = BlastReceived {
            datagrams: most,
            bytes: most,
            firsts: most,
            duplicates: most,
            reordered: most,
            too_late: most,
            lost: most,
            socket_drops: most,
            loss_bursts: most,
            longest_burst: most,
            corrupt: most,
            strays: most,
            span_ns: most,
            jitter_ns: Some(most),
            delay: quantiles,
            cpu_ns: Some(most),
            sender_total: Some(most),
        };
        let mut params = Params::default();
        params.push("state", "draining");
        write_counts(&counts, &mut params);
        let tag = Tag::new("a123456789").unwrap();
        let reply = Reply { tag, code: Code::STATUS, params, text: "status".to_owned() };
        assert!(reply.encode().is_ok());
    }

    #[test]
    fn a_stretch_survives_the_dialogue_and_a_broken_one_is_refused() {
        let interval = BlastInterval { start_ns: 1, bytes: 2, lost: 3, ..Default::default() };
        assert_eq!(read_interval(&interval_text(&interval)), Some(interval));
        for text in ["", "1:2", "1:2:3:4:5:6:7:x", "1:2:3:4:5:6:7:8:9"] {
            assert_eq!(read_interval(text), None, "{text}");
        }
    }
}
