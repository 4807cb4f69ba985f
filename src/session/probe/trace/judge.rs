//! What a trace comes to, in words.

use crate::batch::IcmpMeaning;
use crate::record::probe::{TraceAnswer, TraceFlow, TraceHop, TraceReport, TraceTry, Verdict};
use crate::session::probe::words::copied_answers;
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::Nanos;

/// The verdict on a trace.
pub(super) fn judge(report: &TraceReport) -> Verdict {
    let ends: Vec<String> = report.flows.iter().map(|flow| end(flow, report)).collect();
    let mut verdict = Verdict::new(together(&ends, &report.flows));
    for (index, flow) in report.flows.iter().enumerate() {
        // What is the same for all flows is said once.
        let same = ends[..index].contains(&ends[index]);
        let several = report.flows.len() > 1;
        let of = if several { format!("port {}: ", flow.source_port) } else { String::new() };
        let evidence = evidence(flow, report);
        verdict.evidence.extend(evidence.into_iter().map(|line| format!("{of}{line}")));
        if !same {
            verdict.could_also_be.extend(alternatives(flow, report));
        }
    }
    verdict.could_also_be.dedup();
    verdict.doubt = doubts(report);
    verdict
}

/// One sentence for all flows.
fn together(ends: &[String], flows: &[TraceFlow]) -> String {
    match ends {
        [] => "no flow was sent".to_owned(),
        [only] => only.clone(),
        [first, rest @ ..] if rest.iter().all(|end| end == first) => {
            format!("each of {} flows {first}", ends.len())
        }
        _ => {
            let mut parts: Vec<String> = Vec::new();
            for (index, end) in ends.iter().enumerate() {
                if ends[..index].contains(end) {
                    continue;
                }
                let ports: Vec<String> = flows
                    .iter()
                    .zip(ends)
                    .filter(|(_, other)| *other == end)
                    .map(|(flow, _)| flow.source_port.to_string())
                    .collect();
                parts.push(format!("from port {} it {end}", ports.join(", ")));
            }
            format!("the flows differ: {}", parts.join("; "))
        }
    }
}

/// How a flow ends.
fn end(flow: &TraceFlow, report: &TraceReport) -> String {
    let target = report.target;
    if let Some(last) = last_word(flow) {
        let hops = match (flow.hop_count, flow.hop_count_at_most) {
            (Some(1), _) => " in 1 hop".to_owned(),
            (Some(hops), _) => format!(" in {hops} hops"),
            (None, Some(most)) => format!(" in at most {most} hops"),
            (None, None) => String::new(),
        };
        let reaches = format!("reaches {}{hops}", target.ip());
        return match (last.answer, last.meaning) {
            (Some(TraceAnswer::Answer), _) => reaches,
            (_, Some(IcmpMeaning::PortUnreachable)) => {
                format!("{reaches}, where port {} is closed", target.port())
            }
            (_, meaning) => format!("{reaches}, which refuses it: {}", said(meaning, last)),
        };
    }
    if let Some((ttl, stop)) = flow.stopped_by() {
        let words = said(stop.meaning, stop);
        let Some(router) = stop.from else { return format!("is stopped by ICMP: {words}") };
        let passed = flow.hops.iter().find(|hop| {
            let exceeded = |one: &TraceTry| one.answer == Some(TraceAnswer::TimeExceeded);
            hop.tries.iter().any(|one| one.from == Some(router) && exceeded(one))
        });
        return match passed {
            Some(hop) => format!("is stopped at hop {} ({router}): {words}", hop.ttl),
            None => format!("is stopped by {router} after hop {}: {words}", ttl - 1),
        };
    }
    if let Some(found) = &flow.routing_loop {
        let routers: Vec<String> = found.routers.iter().map(ToString::to_string).collect();
        let turn = if routers.len() > 1 { " in turn" } else { "" };
        let routers = routers.join(", ");
        return format!("runs in a routing loop from hop {} on: {routers}{turn}", found.from_hop);
    }
    if flow.full_ttl.iter().any(|one| one.answer == Some(TraceAnswer::TimeExceeded)) {
        return "is still on the way when a TTL of 255 is over: a routing loop".to_owned();
    }
    if let (Some(refused), None) = (&flow.refused, flow.last_heard) {
        return format!("does not leave this host: {refused}");
    }
    if report.stopped_early && !is_silent_beyond(flow) {
        return "was interrupted before its end was known".to_owned();
    }
    match flow.last() {
        Some(hop) => {
            let routers: Vec<String> = hop.routers().iter().map(ToString::to_string).collect();
            format!("has no answer beyond hop {} ({})", hop.ttl, routers.join(", "))
        }
        None => "has no answer, of any router or of the target".to_owned(),
    }
}

/// Whether the silence at the end was looked at as far as it is meant to be.
fn is_silent_beyond(flow: &TraceFlow) -> bool {
    let last = flow.last_heard.unwrap_or(0);
    flow.hops.iter().any(|hop| hop.ttl > last) && !flow.full_ttl.is_empty()
}

/// Whether a loop, or a TTL that ended where it should not, tells why the target is silent.
fn is_looped(flow: &TraceFlow) -> bool {
    let exceeded = |one: &TraceTry| one.answer == Some(TraceAnswer::TimeExceeded);
    flow.routing_loop.is_some() || flow.full_ttl.iter().any(exceeded)
}

/// What the target itself said, by the probe that had it say so.
fn last_word(flow: &TraceFlow) -> Option<&TraceTry> {
    let all = || flow.hops.iter().flat_map(|hop| &hop.tries).chain(&flow.full_ttl);
    let datagram = |one: &&TraceTry| one.at_target && one.answer == Some(TraceAnswer::Answer);
    all().find(datagram).or_else(|| all().find(|one| one.at_target))
}

fn said(meaning: Option<IcmpMeaning>, one: &TraceTry) -> String {
    let kind = one.icmp_type.zip(one.icmp_code);
    let code = kind.map_or_else(String::new, |(kind, code)| format!("ICMP {kind}/{code}"));
    match meaning {
        None => code,
        Some(meaning) => format!("{meaning} ({code})"),
    }
}

fn evidence(flow: &TraceFlow, report: &TraceReport) -> Vec<String> {
    let mut lines = Vec::new();
    let at_target = flow.hops.iter().flat_map(|hop| &hop.tries).chain(&flow.full_ttl);
    let trips: Vec<u64> =
        at_target.filter(|one| one.at_target).filter_map(|one| one.rtt_ns).collect();
    if let (Some(least), Some(most)) = (trips.iter().min(), trips.iter().max()) {
        let (least, most) = (Nanos(*least), Nanos(*most));
        let times = count(trips.len(), "answer");
        lines.push(format!("{times} from the target, round trip {least} to {most}"));
    } else {
        let last = flow.last_heard.unwrap_or(0);
        let beyond: usize =
            flow.hops.iter().filter(|hop| hop.ttl > last).map(|hop| hop.tries.len()).sum();
        if beyond > 0 {
            let (from, to) = (last + 1, flow.hops.last().map_or(0, |hop| hop.ttl));
            let probes = count(beyond, "probe");
            lines.push(format!("none of {probes} to hops {from} to {to} was answered"));
        }
        let exceeded = |one: &&TraceTry| one.answer == Some(TraceAnswer::TimeExceeded);
        if let Some(one) = flow.full_ttl.iter().find(exceeded) {
            let from = one.from.map_or_else(String::new, |from| format!(", says {from}"));
            lines.push(format!("a TTL of 255 was over on the way{from}"));
        } else if flow.stopped_by().is_none()
            && flow.full_ttl.iter().all(|one| one.answer.is_none())
        {
            let whole = count(flow.full_ttl.len(), "probe");
            lines.push(format!("none of {whole} with a TTL of 255 was answered"));
        }
    }
    // From this hop on, silent ones are the target, or may be.
    let target = match (flow.hop_count, flow.hop_count_at_most) {
        (Some(hops), _) if flow.reached => hops,
        (None, Some(most)) => routers_before(flow, most) + 1,
        _ => u8::MAX,
    };
    let silent = |is_router: bool| -> Option<String> {
        let between = |hop: &&TraceHop| Some(hop.ttl) < flow.last_heard && hop.routers().is_empty();
        let hops = flow.hops.iter().filter(between);
        let hops: Vec<String> = hops
            .filter(|hop| (hop.ttl < target) == is_router)
            .map(|hop| hop.ttl.to_string())
            .collect();
        let noun = if hops.len() == 1 { "hop" } else { "hops" };
        (!hops.is_empty()).then(|| format!("{noun} {}", hops.join(", ")))
    };
    lines.extend(silent(true).map(|hops| format!("{hops} kept silent and let datagrams through")));
    if let (Some(hops), None) = (silent(false), flow.hop_count) {
        lines
            .push(format!("{hops} gave no answer: routers that keep silent, or the target itself"));
    }
    for hop in flow.hops.iter().filter(|hop| hop.routers().len() > 1) {
        let routers: Vec<String> = hop.routers().iter().map(ToString::to_string).collect();
        let routers = routers.join(", ");
        lines.push(format!("hop {} is several: {routers}, although the ports stay", hop.ttl));
    }
    if let Some(refused) = &flow.refused {
        lines.push(format!("this host did not send a probe: {refused}"));
    }
    if report.stopped_early {
        lines.push("interrupted before it was over".to_owned());
    }
    lines
}

/// The last hop before `end` that spoke; 0 where none did.
fn routers_before(flow: &TraceFlow, end: u8) -> u8 {
    let spoke = flow.hops.iter().filter(|hop| hop.ttl < end && !hop.routers().is_empty());
    spoke.map(|hop| hop.ttl).max().unwrap_or(0)
}

fn alternatives(flow: &TraceFlow, report: &TraceReport) -> Vec<String> {
    let known = flow.reached || flow.stopped_by().is_some() || flow.refused.is_some();
    if known || is_looped(flow) {
        return Vec::new();
    }
    let next = flow.last_heard.unwrap_or(0) + 1;
    let port = report.target.port();
    let mut lines = vec![
        format!("hop {next} is the target, and what has port {port} there does not answer"),
        format!("hop {next} lets it through, and whoever answers from there on is not heard"),
        format!("hop {next}, or what lies before it, drops what is for port {port}"),
    ];
    if let Some(chance) = by_chance(flow) {
        lines.push(chance);
    }
    if flow.last_heard.is_none() {
        lines.push("this host's own firewall drops it, or drops ICMP".to_owned());
    }
    lines
}

/// Where the silence may be random loss: the hops that answer lost as much, or were asked too seldom
/// to tell.
fn by_chance(flow: &TraceFlow) -> Option<String> {
    let last = flow.last_heard.unwrap_or(0);
    let sample = |tries: &mut dyn Iterator<Item = &TraceTry>| {
        let (mut sent, mut answered) = (0, 0);
        for one in tries {
            sent += 1;
            answered += u64::from(one.answer.is_some());
        }
        LossSample::new(sent, answered)
    };
    let spoke = |hop: &&TraceHop| hop.tries.iter().any(|one| one.answer.is_some());
    let heard = sample(&mut flow.hops.iter().filter(spoke).flat_map(|hop| &hop.tries));
    let beyond = flow.hops.iter().filter(|hop| hop.ttl > last).flat_map(|hop| &hop.tries);
    let silent = sample(&mut beyond.chain(&flow.full_ttl));
    let lossy = heard.lost > 0 && !is_beyond_chance(silent, heard, 1);
    lossy.then(|| {
        let percent = heard.percent().unwrap_or(0.0);
        format!("chance: hops that answer left {percent:.0} % of the probes unanswered")
    })
}

fn doubts(report: &TraceReport) -> Vec<String> {
    let mut lines = Vec::new();
    let speaking = report
        .flows
        .iter()
        .flat_map(|flow| &flow.hops)
        .filter(|hop| hop.tries.iter().any(|one| one.answer.is_some()));
    let (mut asked, mut silent) = (0, 0);
    for hop in speaking {
        asked += hop.tries.len();
        silent += hop.tries.iter().filter(|one| one.answer.is_none()).count();
    }
    if silent > 0 {
        let asked = count(asked, "probe");
        lines.push(format!(
            "{silent} of {asked} to hops that answer got no answer: lost, or a router's limit on \
             ICMP (Linux: six at once, then one a second)"
        ));
    }
    let copies: u64 = report.flows.iter().map(|flow| flow.copies).sum();
    lines.extend(copied_answers(copies));
    if report.flows.iter().any(|flow| flow.one_by_one) {
        lines.push(
            "a router quotes too little to tell probes apart: one was sent at a time".to_owned(),
        );
    }
    lines
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
