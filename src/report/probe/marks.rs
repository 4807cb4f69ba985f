//! Marks as text: only what changed.

use super::{interrupted_text, labelled, refused_text, verdict_text};
use crate::record::probe::MarksReport;
use crate::report::number::plural;

/// The whole report.
pub fn marks_text(report: &MarksReport) -> String {
    let mut text = format!("udpkit probe marks {}\n\n", report.target);
    let hops = |hops: Option<u8>| {
        hops.map_or_else(|| "-".to_owned(), |hops| plural(u64::from(hops), "router"))
    };
    let out = format!("{} out, from the TTL that arrives there", hops(report.hops_out));
    let from = report
        .hops_back_from
        .map_or_else(String::new, |ttl| format!(", if the far end sends with a TTL of {ttl}"));
    let back = format!("{} back{from}", hops(report.hops_back));
    text.push_str(&labelled("hops", &[out, back]));
    let values = report.out.len();
    let most = report.out.iter().chain(&report.back).map(|row| row.sent).max().unwrap_or(0);
    let asked =
        format!("{values} values each way, up to {} each", plural(u64::from(most), "datagram"));
    text.push_str(&labelled("asked", &[asked]));
    text.push_str(&refused_text(&report.traffic));
    text.push_str(interrupted_text(report.interrupted));
    text.push('\n');
    text.push_str(&verdict_text(&report.verdict));
    text
}
