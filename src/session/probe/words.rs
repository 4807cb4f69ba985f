//! What the kinds that ask in rounds say alike: of this host, of copies, and of what the path loses.

use crate::batch::OwnFinding;
use crate::record::probe::{ProbeTraffic, Verdict};
use crate::stats::ODDS;
use std::net::SocketAddr;

/// What this host did to datagrams of its own; `None` where it let all of them out.
pub fn own_refusal(traffic: &ProbeTraffic, target: SocketAddr) -> Option<String> {
    let refused = traffic.refused();
    if refused == 0 {
        return None;
    }
    let all = refused + traffic.sent;
    let whys: Vec<String> = traffic
        .refused_here
        .iter()
        .map(|refused| OwnFinding::from_errno(refused.errno, target).to_string())
        .collect();
    Some(format!("{refused} of {all} datagrams did not leave this host: {}", whys.join("; ")))
}

/// What the helper did not send of what it was asked for; `None` where it sent all.
pub fn withheld(answers: u64) -> Option<String> {
    (answers > 0).then(|| format!("the helper's limits kept {answers} replies back"))
}

/// The control beside which something is called blocked.
pub fn control_words(traffic: &ProbeTraffic) -> Option<String> {
    let ProbeTraffic { control_sent, control_back, .. } = *traffic;
    (control_sent > 0).then(|| {
        format!(
            "of {control_sent} short datagrams beside them {control_back} were answered: by \
             chance in fewer than 1 of {ODDS} runs"
        )
    })
}

/// Adds to a verdict what this host did to its own datagrams, and what the path did to counts.
pub fn add_traffic(verdict: &mut Verdict, traffic: &ProbeTraffic, target: SocketAddr) {
    if let Some(own) = own_refusal(traffic, target).filter(|own| *own != verdict.verdict) {
        verdict.verdict = format!("{}; {own}", verdict.verdict);
    }
    verdict.doubt.extend(copies_words(traffic.copies_out.unwrap_or(0), traffic.copies_back));
}

/// Copies that the network made of what went out and of what came back; `None` without any.
pub fn copies_words(out: u64, back: u64) -> Option<String> {
    let ways = [(out, "out"), (back, "back")];
    let copies: Vec<String> = ways
        .into_iter()
        .filter(|(copies, _)| *copies > 0)
        .map(|(copies, way)| format!("{copies} {way}"))
        .collect();
    (!copies.is_empty())
        .then(|| format!("the path made copies, which are not counted: {}", copies.join(", ")))
}

/// Further answers to what was answered: copies of either; `None` without any.
pub fn copied_answers(copies: u64) -> Option<String> {
    let noun = if copies == 1 { "answer" } else { "answers" };
    (copies > 0)
        .then(|| format!("the path made copies, which are not counted: {copies} further {noun}"))
}
