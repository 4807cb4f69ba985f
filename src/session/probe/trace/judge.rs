//! Judges a trace.

use crate::batch::IcmpMeaning;
use crate::record::Findings;
use crate::record::probe::{
    FlowsEnd, ProbeCaveat, TraceAlternative, TraceAnswer, TraceCaveat, TraceEnd, TraceEvidence,
    TraceFindings, TraceFlow, TraceHop, TraceReport, TraceSeen, TraceTry, TraceVerdict,
};
use crate::stats::{LossSample, is_beyond_chance};

/// The verdict on a trace.
pub(super) fn judge(report: &TraceReport) -> TraceFindings {
    let ends: Vec<TraceEnd> = report.flows.iter().map(|flow| end(flow, report)).collect();
    let mut findings = Findings::new(together(&ends, &report.flows));
    for (index, flow) in report.flows.iter().enumerate() {
        // What is the same for all flows is reported once.
        let same = ends[..index].contains(&ends[index]);
        let source_port = (report.flows.len() > 1).then_some(flow.source_port);
        let seen = evidence(flow, report).into_iter();
        findings.evidence.extend(seen.map(|seen| TraceEvidence { seen, source_port }));
        if !same {
            findings.alternatives.extend(alternatives(flow, report));
        }
    }
    findings.alternatives.dedup();
    findings.caveats = caveats(report);
    findings
}

/// One verdict for all flows.
fn together(ends: &[TraceEnd], flows: &[TraceFlow]) -> TraceVerdict {
    let Some((first, rest)) = ends.split_first() else { return TraceVerdict::NoFlow };
    if rest.iter().all(|end| end == first) {
        return TraceVerdict::Alike { flows: ends.len(), end: first.clone() };
    }
    let mut parts: Vec<FlowsEnd> = Vec::new();
    for (end, flow) in ends.iter().zip(flows) {
        match parts.iter_mut().find(|part| part.end == *end) {
            Some(part) => part.source_ports.push(flow.source_port),
            None => parts.push(FlowsEnd { source_ports: vec![flow.source_port], end: end.clone() }),
        }
    }
    TraceVerdict::FlowsDiffer { ends: parts }
}

/// How a flow ends.
fn end(flow: &TraceFlow, report: &TraceReport) -> TraceEnd {
    let target = report.target;
    if let Some(last) = last_word(flow) {
        let distance = flow.distance;
        return match (last.answer, last.meaning) {
            (Some(TraceAnswer::Answer), _) => TraceEnd::Reached { target, distance },
            (_, Some(IcmpMeaning::PortUnreachable)) => TraceEnd::PortClosed { target, distance },
            _ => TraceEnd::TargetRefuses { target, distance, icmp: last.icmp() },
        };
    }
    if let Some((ttl, stop)) = flow.stopped_by() {
        return stopped(flow, ttl, stop);
    }
    if let Some(found) = &flow.routing_loop {
        let routers = found.routers.clone();
        return TraceEnd::RoutingLoop { from_hop: found.from_hop, routers };
    }
    if flow.full_ttl.iter().any(|one| one.answer == Some(TraceAnswer::TimeExceeded)) {
        return TraceEnd::TtlExpired;
    }
    if let (Some(refusal), None) = (&flow.refused, flow.last_heard) {
        return TraceEnd::NotSent { cause: refusal.clone() };
    }
    if report.interrupted && !is_silent_beyond(flow) {
        return TraceEnd::Interrupted;
    }
    match flow.last() {
        Some(hop) => TraceEnd::NoReplyBeyond { hop: hop.ttl, routers: hop.routers() },
        None => TraceEnd::NoReply,
    }
}

/// The end of a flow whose probe with this TTL was rejected on the path.
fn stopped(flow: &TraceFlow, ttl: u8, stop: &TraceTry) -> TraceEnd {
    let (router, icmp) = (stop.from, stop.icmp());
    let exceeded = |one: &TraceTry| one.answer == Some(TraceAnswer::TimeExceeded);
    let passed = flow
        .hops
        .iter()
        .find(|hop| hop.tries.iter().any(|one| one.from == router && exceeded(one)));
    match (passed, router) {
        (Some(hop), Some(router)) => TraceEnd::StoppedAt { hop: hop.ttl, router, icmp },
        _ => TraceEnd::StoppedAfter { hop: ttl - 1, router, icmp },
    }
}

/// Whether the silence at the end was tested as far as intended.
fn is_silent_beyond(flow: &TraceFlow) -> bool {
    let last = flow.last_heard.unwrap_or(0);
    flow.hops.iter().any(|hop| hop.ttl > last) && !flow.full_ttl.is_empty()
}

/// Whether a loop, or a TTL that expired where it should not, explains the target's silence.
fn is_looped(flow: &TraceFlow) -> bool {
    let exceeded = |one: &TraceTry| one.answer == Some(TraceAnswer::TimeExceeded);
    flow.routing_loop.is_some() || flow.full_ttl.iter().any(exceeded)
}

/// The target's own reply, with the probe that caused it.
fn last_word(flow: &TraceFlow) -> Option<&TraceTry> {
    let all = || flow.hops.iter().flat_map(|hop| &hop.tries).chain(&flow.full_ttl);
    let datagram = |one: &&TraceTry| one.at_target && one.answer == Some(TraceAnswer::Answer);
    all().find(datagram).or_else(|| all().find(|one| one.at_target))
}

fn evidence(flow: &TraceFlow, report: &TraceReport) -> Vec<TraceSeen> {
    let mut all = Vec::new();
    let at_target = flow.hops.iter().flat_map(|hop| &hop.tries).chain(&flow.full_ttl);
    let trips: Vec<u64> =
        at_target.filter(|one| one.at_target).filter_map(|one| one.rtt_ns).collect();
    if let (Some(&rtt_min_ns), Some(&rtt_max_ns)) = (trips.iter().min(), trips.iter().max()) {
        let replies = trips.len() as u64;
        all.push(TraceSeen::TargetReplies { replies, rtt_min_ns, rtt_max_ns });
    } else {
        all.extend(unanswered(flow));
    }
    let (routers, unclear) = silent_hops(flow);
    if !routers.is_empty() {
        all.push(TraceSeen::SilentRouters { hops: routers });
    }
    if !unclear.is_empty() && flow.distance.hops.is_none() {
        all.push(TraceSeen::SilentRoutersOrTarget { hops: unclear });
    }
    for hop in flow.hops.iter().filter(|hop| hop.routers().len() > 1) {
        all.push(TraceSeen::SeveralRouters { hop: hop.ttl, routers: hop.routers() });
    }
    let refusal = flow.refused.clone();
    all.extend(refusal.map(|cause| TraceSeen::NotSent { cause }));
    if report.interrupted {
        all.push(TraceSeen::Interrupted);
    }
    all
}

/// Evidence that the target did not reply.
fn unanswered(flow: &TraceFlow) -> Vec<TraceSeen> {
    let mut all = Vec::new();
    let last = flow.last_heard.unwrap_or(0);
    let beyond = flow.hops.iter().filter(|hop| hop.ttl > last);
    let probes: usize = beyond.map(|hop| hop.tries.len()).sum();
    if probes > 0 {
        let (from_hop, to_hop) = (last + 1, flow.hops.last().map_or(0, |hop| hop.ttl));
        all.push(TraceSeen::NoneBeyond { probes: probes as u64, from_hop, to_hop });
    }
    let exceeded = |one: &&TraceTry| one.answer == Some(TraceAnswer::TimeExceeded);
    if let Some(one) = flow.full_ttl.iter().find(exceeded) {
        all.push(TraceSeen::FullTtlExpired { from: one.from });
    } else if !flow.full_ttl.is_empty()
        && flow.stopped_by().is_none()
        && flow.full_ttl.iter().all(|one| one.answer.is_none())
    {
        all.push(TraceSeen::FullTtlUnanswered { probes: flow.full_ttl.len() as u64 });
    }
    all
}

/// Silent hops before the last that replied: routers, and those that may be the target.
fn silent_hops(flow: &TraceFlow) -> (Vec<u8>, Vec<u8>) {
    // From this hop on, silent ones are the target, or may be.
    let target = match (flow.distance.hops, flow.distance.hops_at_most) {
        (Some(hops), _) if flow.reached => hops,
        (None, Some(most)) => routers_before(flow, most) + 1,
        _ => u8::MAX,
    };
    let between = |hop: &&TraceHop| Some(hop.ttl) < flow.last_heard && hop.routers().is_empty();
    let silent = flow.hops.iter().filter(between).map(|hop| hop.ttl);
    silent.partition(|hop| *hop < target)
}

/// The last hop before `end` that replied; 0 if none did.
fn routers_before(flow: &TraceFlow, end: u8) -> u8 {
    let spoke = flow.hops.iter().filter(|hop| hop.ttl < end && !hop.routers().is_empty());
    spoke.map(|hop| hop.ttl).max().unwrap_or(0)
}

fn alternatives(flow: &TraceFlow, report: &TraceReport) -> Vec<TraceAlternative> {
    let known = flow.reached || flow.stopped_by().is_some() || flow.refused.is_some();
    if known || is_looped(flow) {
        return Vec::new();
    }
    let hop = flow.last_heard.unwrap_or(0) + 1;
    let port = report.target.port();
    let mut all = vec![
        TraceAlternative::TargetSilent { hop, port },
        TraceAlternative::RepliesLost { hop },
        TraceAlternative::Dropped { hop, port },
    ];
    all.extend(by_chance(flow));
    if flow.last_heard.is_none() {
        all.push(TraceAlternative::OwnFirewall);
    }
    all
}

/// Where silence may be random loss: the hops that answer lost as much, or there were too few tries
/// to tell.
fn by_chance(flow: &TraceFlow) -> Option<TraceAlternative> {
    let last = flow.last_heard.unwrap_or(0);
    let heard = sample(flow.hops.iter().filter(|hop| speaks(hop)).flat_map(|hop| &hop.tries));
    let beyond = flow.hops.iter().filter(|hop| hop.ttl > last).flat_map(|hop| &hop.tries);
    let silent = sample(beyond.chain(&flow.full_ttl));
    let lossy = heard.lost > 0 && !is_beyond_chance(silent, heard, 1);
    let LossSample { sent: probes, lost: unanswered, .. } = heard;
    lossy.then_some(TraceAlternative::RandomLoss { unanswered, probes })
}

/// Whether anybody replied at a hop.
fn speaks(hop: &TraceHop) -> bool {
    hop.tries.iter().any(|one| one.answer.is_some())
}

/// Number of probes, and of those that were answered.
fn sample<'a>(tries: impl Iterator<Item = &'a TraceTry>) -> LossSample {
    let (mut sent, mut answered) = (0, 0);
    for one in tries {
        sent += 1;
        answered += u64::from(one.answer.is_some());
    }
    LossSample::new(sent, answered)
}

fn caveats(report: &TraceReport) -> Vec<TraceCaveat> {
    let mut all = Vec::new();
    let hops = report.flows.iter().flat_map(|flow| &flow.hops);
    let asked = sample(hops.filter(|hop| speaks(hop)).flat_map(|hop| &hop.tries));
    if asked.lost > 0 {
        all.push(TraceCaveat::RepliesMissing { unanswered: asked.lost, probes: asked.sent });
    }
    let copies: u64 = report.flows.iter().map(|flow| flow.copies).sum();
    all.extend(ProbeCaveat::replies_duplicated(copies).map(TraceCaveat::Shared));
    if report.flows.iter().any(|flow| flow.one_by_one) {
        all.push(TraceCaveat::OneAtATime);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_told_apart_only_where_they_end_differently() {
        let flow = |source_port: u16| TraceFlow { source_port, ..TraceFlow::default() };
        let flows = [flow(40_000), flow(40_001), flow(40_002)];
        let beyond = |hop: u8| TraceEnd::NoReplyBeyond { hop, routers: Vec::new() };
        let alike = TraceVerdict::Alike { flows: 3, end: beyond(4) };
        assert_eq!(together(&[beyond(4), beyond(4), beyond(4)], &flows), alike);
        let ends = |ports: &[u16], end| FlowsEnd { source_ports: ports.to_vec(), end };
        let differ = TraceVerdict::FlowsDiffer {
            ends: vec![ends(&[40_000, 40_002], beyond(4)), ends(&[40_001], TraceEnd::NoReply)],
        };
        assert_eq!(together(&[beyond(4), TraceEnd::NoReply, beyond(4)], &flows), differ);
        assert_eq!(together(&[], &[]), TraceVerdict::NoFlow);
    }
}
