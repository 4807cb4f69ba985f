//! `probe marks` as text.

use super::{interrupted_text, refused_text};
use crate::record::probe::MarksReport;
use crate::report::Page;
use crate::report::words::terms::plural;

/// The whole report.
pub fn marks_text(report: &MarksReport, page: Page) -> String {
    let mut text = format!("udpkit probe marks {}\n\n", report.target);
    let hops = |way: &str, hops: Option<u8>, from: &str| match hops {
        Some(hops) => format!("{way}: {}{from}", plural(u64::from(hops), "router")),
        None => format!("{way}: not measured"),
    };
    let assumed = report
        .hops_back_from
        .map_or_else(String::new, |ttl| format!(", assuming that the server sends TTL {ttl}"));
    let out = hops("out", report.hops_out, ", from the TTL on arrival");
    text.push_str(&page.labelled("hops", &[out, hops("back", report.hops_back, &assumed)]));
    let most = report.out.iter().chain(&report.back).map(|row| row.sent).max().unwrap_or(0);
    let sent = match (report.out.len(), most) {
        (_, 0) => "nothing".to_owned(),
        (values, most) => {
            let most = plural(u64::from(most), "datagram");
            format!("{values} values each way, up to {most} each")
        }
    };
    text.push_str(&page.labelled("sent", &[sent]));
    text.push_str(&refused_text(&report.traffic));
    text.push_str(interrupted_text(report.interrupted));
    text.push('\n');
    text.push_str(&page.findings(&report.findings));
    text
}
