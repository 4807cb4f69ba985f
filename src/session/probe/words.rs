//! A bridge for kinds whose verdicts are still text.

use crate::record::Worded;
use crate::record::probe::{ProbeCaveat, ProbeTraffic, Verdict};
use std::net::SocketAddr;

pub fn own_refusal(traffic: &ProbeTraffic, target: SocketAddr) -> Option<String> {
    traffic.own_refusal(target).map(|one| one.text())
}

pub fn control_words(traffic: &ProbeTraffic) -> Option<String> {
    traffic.control_evidence().map(|one| one.text())
}

pub fn add_traffic(verdict: &mut Verdict, traffic: &ProbeTraffic, target: SocketAddr) {
    if let Some(own) = own_refusal(traffic, target).filter(|own| *own != verdict.verdict) {
        verdict.verdict = format!("{}; {own}", verdict.verdict);
    }
    verdict.doubt.extend(copies_words(traffic.copies_out.unwrap_or(0), traffic.copies_back));
}

pub fn copies_words(out: u64, back: u64) -> Option<String> {
    ProbeCaveat::duplicated(out, back).map(|one| one.text())
}

pub fn copied_answers(copies: u64) -> Option<String> {
    ProbeCaveat::replies_duplicated(copies).map(|one| one.text())
}
