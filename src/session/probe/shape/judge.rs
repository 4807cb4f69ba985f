//! What a path makes of payloads, in words.

use super::super::words::{add_traffic, control_words, own_refusal};
use crate::record::probe::{
    Counted, Outcome, PayloadRow, RateLimit, ShapeReport, TrainPurpose, Verdict, Way,
};
use crate::units::{BitRate, ByteCount, Nanos};

/// A far end that keeps answers for longer fills a policer's bucket meanwhile, perhaps beyond its
/// brim.
const BUSY: Nanos = Nanos::from_millis(20);

/// The verdict on kinds, sizes and rates.
pub fn judge(report: &ShapeReport) -> Verdict {
    if report.ports.is_empty() {
        let mut verdict = Verdict::new("nothing was sent: the far end opened no port for it");
        verdict.doubt.push("choose others by --ports".to_owned());
        return verdict;
    }
    let (contents, by_contents) = contents(report);
    let limit = report.limit.as_ref().map(limit_words);
    let mut verdict = Verdict::new(match &limit {
        Some(limit) => format!("{limit}; {contents}"),
        None => contents,
    });
    verdict.evidence = evidence(report);
    if by_contents {
        verdict.could_also_be.push(
            "something on one of the two hosts reads payloads, rather than on the way".to_owned(),
        );
    }
    if limit.is_some() {
        let host = "a limit on one of the two hosts, rather than on the way".to_owned();
        verdict.could_also_be.push(host);
    }
    verdict.doubt = doubts(report);
    add_traffic(&mut verdict, &report.traffic, report.target);
    verdict
}

fn limit_words(limit: &RateLimit) -> String {
    let way = match limit.way {
        Some(Way::Out) => "on the way out ",
        Some(Way::Back) => "on the way back ",
        None => "",
    };
    let datagrams = limit.datagrams_per_1000_s as f64 / 1e3;
    if datagrams < 1.0 {
        let burst = limit.burst_datagrams;
        return format!("{way}nothing passes after the first {burst} datagrams");
    }
    let what = if limit.queues { "a queue" } else { "a policer" };
    let (rate, burst) = if limit.counts == Some(Counted::Bytes) {
        (BitRate(limit.bits_per_s).to_string(), ByteCount(limit.burst_bytes).to_string())
    } else {
        let burst = limit.burst_datagrams;
        (format!("{datagrams:.0} datagrams a second"), format!("{burst} datagrams"))
    };
    let each = if limit.each_port == Some(true) { " to each port" } else { "" };
    format!("{way}{what} lets {rate} through{each} after a burst of {burst}")
}

/// The kinds, in the order of the table.
fn kinds(rows: &[PayloadRow]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for row in rows {
        if !kinds.contains(&row.kind) {
            kinds.push(row.kind);
        }
    }
    kinds
}

fn sizes(rows: &[PayloadRow]) -> Vec<u32> {
    let mut sizes: Vec<u32> = rows.iter().map(|row| row.payload_bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// What the contents and the sizes make, and whether the contents make anything.
fn contents(report: &ShapeReport) -> (String, bool) {
    let rows = &report.payloads;
    if rows.is_empty() {
        return ("payloads were not compared".to_owned(), false);
    }
    if rows.iter().all(|row| row.outcome != Outcome::Passes) {
        return (nothing(report, rows[0].port), false);
    }
    let all_sizes = sizes(rows);
    let dead: Vec<u32> = all_sizes
        .iter()
        .copied()
        .filter(|size| rows.iter().filter(|row| row.payload_bytes == *size).all(is_blocked))
        .collect();
    let mut parts = Vec::new();
    if !dead.is_empty() {
        parts.push(format!(
            "payloads of {} do not pass, whatever is in them",
            size_words(&dead, &all_sizes)
        ));
    }
    let mut by_contents = false;
    for kind in kinds(rows) {
        let mine: Vec<&PayloadRow> = rows
            .iter()
            .filter(|row| row.kind == kind && !dead.contains(&row.payload_bytes))
            .collect();
        let lost: Vec<u32> =
            mine.iter().filter(|row| is_blocked(row)).map(|row| row.payload_bytes).collect();
        if lost.is_empty() {
            continue;
        }
        by_contents = true;
        let name = kind_words(kind);
        if lost.len() == mine.len() {
            parts.push(format!("{name} payloads do not pass"));
        } else {
            let living: Vec<u32> = mine.iter().map(|row| row.payload_bytes).collect();
            parts.push(format!("{name} payloads of {} do not pass", size_words(&lost, &living)));
        }
    }
    let answers = &report.answers;
    let lost: Vec<u32> =
        answers.iter().filter(|row| is_blocked(row)).map(|row| row.payload_bytes).collect();
    if !lost.is_empty() {
        let all = sizes(answers);
        parts.push(format!("answers of {} do not come back", size_words(&lost, &all)));
    }
    parts.extend(untold_words(report));
    if parts.is_empty() {
        let same = "payloads of every kind and size pass alike".to_owned();
        return (same, false);
    }
    (parts.join("; "), by_contents)
}

fn is_blocked(row: &PayloadRow) -> bool {
    row.outcome == Outcome::Blocked
}

/// Why no payload is known to pass.
fn nothing(report: &ShapeReport, port: u16) -> String {
    match own_refusal(&report.traffic, report.target) {
        Some(own) if report.payloads.iter().all(|row| row.sent == 0) => own,
        _ if report.port == Outcome::Blocked => format!("nothing arrives at port {port}"),
        _ => untold_words(report).unwrap_or_else(|| "payloads were not compared".to_owned()),
    }
}

/// What is not known, and why.
fn untold_words(report: &ShapeReport) -> Option<String> {
    let rows = report.payloads.iter().chain(&report.answers);
    let is_untold = |row: &&PayloadRow| matches!(row.outcome, Outcome::NotTold | Outcome::NotSent);
    let untold = rows.filter(is_untold).count();
    let why = report
        .traffic
        .control_loss()
        .map(|one| crate::record::Worded::text(&one))
        .map_or_else(String::new, |why| format!(": {why}"));
    (untold > 0).then(|| format!("{untold} kinds and sizes are not told{why}"))
}

fn kind_words(kind: &str) -> String {
    match kind {
        "random" | "zeros" => kind.to_owned(),
        _ => format!("{kind}-shaped"),
    }
}

/// Some of all sizes that were tried: `512 bytes and more`.
fn size_words(some: &[u32], all: &[u32]) -> String {
    let (Some(first), Some(last)) = (some.first(), some.last()) else { return String::new() };
    if some.len() > 1 && all.ends_with(some) && some.len() < all.len() {
        return format!("{first} bytes and more");
    }
    if some.len() > 1 && all.starts_with(some) && some.len() < all.len() {
        return format!("{last} bytes and fewer");
    }
    match some {
        [only] => format!("{only} bytes"),
        [start @ .., last] => {
            let start: Vec<String> = start.iter().map(ToString::to_string).collect();
            format!("{} and {last} bytes", start.join(", "))
        }
        [] => String::new(),
    }
}

fn evidence(report: &ShapeReport) -> Vec<String> {
    let mut lines = Vec::new();
    for train in &report.trains {
        let what = match train.purpose {
            TrainPurpose::Search => "a train",
            TrainPurpose::Short => "shorter ones",
            TrainPurpose::Below => "slower than the limit",
            TrainPurpose::Spread => "over several ports",
        };
        let (sent, back, rate) = (train.sent, train.back, train.offered_per_s);
        let arrived = train.arrived.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let bytes = train.payload_bytes;
        lines.push(format!(
            "{what}: {sent} of {bytes} bytes at {rate} a second, {arrived} arrived, {back} answered"
        ));
        if train.refused_here > 0 {
            let refused = train.refused_here;
            lines.push(format!("{what}: {refused} more did not leave this host"));
        }
    }
    let rows = &report.payloads;
    if !rows.is_empty() {
        let passed = rows.iter().filter(|row| row.outcome == Outcome::Passes).count();
        let (sent, back) =
            rows.iter().fold((0, 0), |(sent, back), row| (sent + row.sent, back + row.back));
        let of = rows.len();
        lines.push(format!(
            "{passed} of {of} kinds and sizes arrived, {back} of {sent} datagrams answered"
        ));
    }
    if rows.iter().chain(&report.answers).any(is_blocked) {
        lines.extend(control_words(&report.traffic));
    }
    for row in report.further_ports.iter().filter(|row| is_blocked(row)) {
        lines.push(format!("nothing arrives at port {}: see `probe ports`", row.port));
    }
    lines
}

fn doubts(report: &ShapeReport) -> Vec<String> {
    let mut lines = Vec::new();
    let one_way = |row: &&PayloadRow| row.back == 0 && row.arrived.is_some_and(|count| count > 0);
    let unanswered = report.payloads.iter().filter(one_way).count();
    if unanswered > 0 {
        lines.push(format!("{unanswered} kinds and sizes arrived, and their answers did not"));
    }
    let search = report.trains.iter().find(|train| train.purpose == TrainPurpose::Search);
    match (search, &report.limit) {
        (Some(train), None) if train.back < train.sent => {
            let lost = train.sent - train.back;
            lines.push(format!("{lost} of {} of the train were lost, by no limit", train.sent));
        }
        (Some(train), None) => {
            let (rate, bits) = (train.offered_per_s, u64::from(train.payload_bytes) * 8);
            let bits = BitRate(rate * bits);
            lines.push(format!("a limit above {rate} datagrams a second, {bits}, is not seen"));
        }
        _ => {}
    }
    if let Some(limit) = &report.limit
        && limit.counts.is_none()
        && limit.datagrams_per_1000_s >= 1_000
    {
        lines.push("whether the limit counts datagrams or bytes is not known".to_owned());
    }
    let late = report.limit.map(|limit| (limit.way, Nanos(limit.helper_late_ns)));
    if let Some((Some(Way::Back), late)) = late
        && late > BUSY
    {
        lines.push(format!(
            "the far end answered up to {late} late, in bunches: the rate back may be more"
        ));
    }
    lines.push("only what goes out has a shape; answers all look alike".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [&str; 3] = ["random", "DNS", "QUIC"];
    const SIZES: [u32; 4] = [64, 512, 1_024, 1_472];

    fn report(passes: impl Fn(&str, u32) -> bool) -> ShapeReport {
        let row = |kind: &'static str, size: u32| {
            let back = u32::from(passes(kind, size));
            let arrived = Some(back);
            let outcome = if back > 0 { Outcome::Passes } else { Outcome::Blocked };
            PayloadRow { kind, payload_bytes: size, port: 5_000, sent: 8, arrived, back, outcome }
        };
        ShapeReport {
            target: "192.0.2.1:8620".parse().unwrap(),
            ports: vec![5_000],
            tries: 3,
            trains: Vec::new(),
            limit: None,
            port: if passes("plain", 64) { Outcome::Passes } else { Outcome::Blocked },
            payloads: KINDS.iter().flat_map(|kind| SIZES.map(|size| row(kind, size))).collect(),
            answers: SIZES.map(|size| row("answer", size)).to_vec(),
            further_ports: Vec::new(),
            traffic: crate::record::probe::ProbeTraffic::default(),
            interrupted: false,
            duration_ns: 0,
            verdict: Verdict::default(),
        }
    }

    #[test]
    fn a_middlebox_is_told_by_what_it_stops() {
        type Passes = fn(&str, u32) -> bool;
        let cases: [(Passes, &str); 6] = [
            (|_, _| true, "payloads of every kind and size pass alike"),
            (|kind, _| kind != "DNS", "DNS-shaped payloads do not pass"),
            (
                |kind, size| kind != "QUIC" || size < 1_024,
                "QUIC-shaped payloads of 1024 bytes and more do not pass",
            ),
            (
                |kind, size| size < 1_024 || kind == "answer",
                "payloads of 1024 bytes and more do not pass, whatever is in them",
            ),
            (
                |kind, size| size != 512 || kind == "answer",
                "payloads of 512 bytes do not pass, whatever is in them",
            ),
            (|_, _| false, "nothing arrives at port 5000"),
        ];
        for (passes, words) in cases {
            assert_eq!(judge(&report(passes)).verdict, words);
        }
        let answers = judge(&report(|kind, size| kind != "answer" || size < 1_472));
        assert_eq!(answers.verdict, "answers of 1472 bytes do not come back");
    }

    #[test]
    fn a_limit_is_told_in_what_it_counts() {
        let limit = RateLimit {
            way: Some(Way::Out),
            datagrams_per_1000_s: 200_400,
            bits_per_s: 1_650_000,
            burst_datagrams: 21,
            burst_bytes: 21_588,
            counts: Some(Counted::Datagrams),
            each_port: Some(false),
            queues: false,
            helper_late_ns: 0,
        };
        assert_eq!(
            limit_words(&limit),
            "on the way out a policer lets 200 datagrams a second through after a burst of 21 \
             datagrams"
        );
        let bytes = RateLimit { counts: Some(Counted::Bytes), each_port: Some(true), ..limit };
        assert_eq!(
            limit_words(&bytes),
            "on the way out a policer lets 1.65 Mbit/s through to each port after a burst of \
             21.6 kB"
        );
        let quota = RateLimit { datagrams_per_1000_s: 0, way: None, ..limit };
        assert_eq!(limit_words(&quota), "nothing passes after the first 21 datagrams");
    }
}
