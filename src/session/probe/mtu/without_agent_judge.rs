//! Judges the sizes of a path without a remote agent.

use super::MtuWithoutAgentFacts;
use super::judge::{routers, too_big_reports};
use crate::record::Findings;
use crate::record::probe::{
    KnownBy, MtuAlternative, MtuCaveat, MtuDirection, MtuEvidence, MtuLimit, MtuReport, MtuVerdict,
    NoAgent, ProbeCaveat, Way,
};
use crate::units::IpFamily;
use std::net::SocketAddr;

/// The report, with the reason `why` there is no agent.
pub fn bare_report(
    target: SocketAddr,
    tries: u32,
    why: &NoAgent,
    facts: &MtuWithoutAgentFacts,
) -> MtuReport {
    let headers = IpFamily::of(target).headers() as u32;
    let answered = facts.answered.map(|(packet, _)| packet);
    let reached_all = answered.is_some() && answered == facts.unopposed;
    // If replies are fragmented on a path that must not fragment, so may the requests be.
    let packet = answered.filter(|_| facts.answer_fragment.is_none());
    let limit = match (reached_all, facts.routers.is_empty()) {
        (false, _) => None,
        (true, true) => Some(MtuLimit::Interface),
        (true, false) => Some(MtuLimit::Router),
    };
    let out = MtuDirection {
        packet_bytes: packet,
        payload_bytes: packet.map(|packet| packet - headers),
        too_large_bytes: facts.too_large.map(|(size, _)| size),
        too_large_sent: facts.too_large.map_or(0, |(_, sent)| sent),
        limit,
        routers: facts.routers.clone(),
        ..MtuDirection::default()
    };
    let mut report = MtuReport {
        target: target.into(),
        header_bytes: headers,
        tries,
        interface_mtu: facts.interface_mtu,
        far_interface_mtu: None,
        out,
        back: MtuDirection::default(),
        known_by: facts.answered.map_or(KnownBy::Silence, |(_, by)| by),
        no_agent: Some(why.clone()),
        traffic: facts.traffic.clone(),
        interrupted: facts.interrupted,
        duration_ns: 0,
        findings: Findings::default(),
    };
    report.findings = findings(facts, &report);
    report
}

fn verdict(facts: &MtuWithoutAgentFacts, report: &MtuReport) -> MtuVerdict {
    if facts.traffic.sent == 0 {
        let refusal = facts.traffic.own_refusal();
        return refusal.map_or(MtuVerdict::NothingSent, MtuVerdict::Shared);
    }
    let payload = |packet: u32| packet - report.header_bytes;
    let fragmented_replies = facts.answer_fragment.is_some();
    let (limit, routers) = (report.out.limit, routers(&report.out));
    let unopposed = facts.unopposed;
    let unopposed_payload = unopposed.map(payload);
    let Some((packet_bytes, by)) = facts.answered else {
        return match facts.routers.last() {
            _ if facts.interrupted => MtuVerdict::InterruptedBeforeReply,
            None => {
                MtuVerdict::NoReply { packet_bytes: unopposed, payload_bytes: unopposed_payload }
            }
            Some(last) => MtuVerdict::NoReplyRouterLimit {
                router: routers.last().copied().or(last.router),
                packet_bytes: unopposed,
                payload_bytes: unopposed_payload,
            },
        };
    };
    let payload_bytes = payload(packet_bytes);
    match (by, limit) {
        (KnownBy::Replies, Some(limit)) => {
            MtuVerdict::Replied { packet_bytes, payload_bytes, limit, routers, fragmented_replies }
        }
        (KnownBy::Replies, None) if facts.too_large.is_some() => {
            MtuVerdict::RepliedUpTo { packet_bytes, payload_bytes, fragmented_replies }
        }
        (KnownBy::Replies, None) => MtuVerdict::RepliedLargerUnknown {
            packet_bytes,
            payload_bytes,
            fragmented_replies,
            loss: facts.traffic.control_loss(),
        },
        (_, Some(limit)) => {
            MtuVerdict::RefusedByTarget { packet_bytes, payload_bytes, limit, routers }
        }
        (_, None) => MtuVerdict::LargeUnanswered {
            packet_bytes: unopposed,
            payload_bytes: unopposed_payload,
        },
    }
}

fn findings(
    facts: &MtuWithoutAgentFacts,
    report: &MtuReport,
) -> Findings<MtuVerdict, MtuEvidence, MtuAlternative, MtuCaveat> {
    if facts.interrupted && facts.traffic.sent == 0 && facts.traffic.own_refusal().is_none() {
        return Findings::new(MtuVerdict::InterruptedBeforeReply);
    }
    let mut findings = Findings::new(verdict(facts, report));
    findings.evidence.extend(too_big_reports(Way::Out, &report.out));
    let fragment = facts.answer_fragment;
    findings
        .evidence
        .extend(fragment.map(|largest_bytes| MtuEvidence::RepliesFragmented { largest_bytes }));
    if let Some((packet_bytes, sent)) = facts.too_large {
        findings.evidence.push(MtuEvidence::SizeUnanswered { packet_bytes, sent });
        findings.evidence.extend(facts.traffic.control_evidence().map(MtuEvidence::Shared));
        findings.alternatives.push(MtuAlternative::RepliesLost);
    }
    let open = facts.answered.is_none_or(|(packet, _)| Some(packet) != facts.unopposed);
    if open && !facts.searched && facts.traffic.sent > 0 {
        findings
            .alternatives
            .extend([MtuAlternative::BlackHole, MtuAlternative::TargetIgnoresSize]);
    }
    findings.caveats.push(MtuCaveat::ReturnPathUnknown);
    if facts.traffic.sent > 0 {
        let caveats = facts.traffic.caveats().into_iter();
        findings.caveats.extend(caveats.map(MtuCaveat::Shared));
    }
    if facts.interrupted && findings.verdict != MtuVerdict::InterruptedBeforeReply {
        findings.caveats.push(MtuCaveat::Shared(ProbeCaveat::Interrupted));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ends_before_it_sends_says_nothing_about_the_path() {
        let judged = |interrupted| {
            let facts = MtuWithoutAgentFacts { interrupted, ..MtuWithoutAgentFacts::default() };
            let target = "192.0.2.1:9".parse().unwrap();
            bare_report(target, 5, &NoAgent::Interrupted, &facts).findings
        };
        assert_eq!(judged(true), Findings::new(MtuVerdict::InterruptedBeforeReply));
        assert_eq!(judged(false).verdict, MtuVerdict::NothingSent);
    }
}
