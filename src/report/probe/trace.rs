//! A path as text: a row for each router of each hop.

use super::verdict_text;
use crate::record::probe::{TraceAnswer, TraceFlow, TraceHop, TraceReport, TraceTry};
use crate::report::number::plural;
use crate::units::Nanos;
use std::net::IpAddr;

/// The whole report.
pub fn trace_text(report: &TraceReport) -> String {
    let ports: Vec<String> = report.flows.iter().map(|flow| flow.source_port.to_string()).collect();
    let flows = if ports.len() == 1 { "1 flow from port" } else { "flows from ports" };
    let count = if ports.len() == 1 { String::new() } else { format!("{} ", ports.len()) };
    let shown = match (ports.first(), ports.last()) {
        (Some(first), Some(last)) if ports.len() > 3 => format!("{first} ... {last}"),
        _ => ports.join(", "),
    };
    let probes = plural(u64::from(report.tries), "probe");
    let mut text = format!("udpkit probe trace {}\n", report.target);
    text.push_str(&format!("  {count}{flows} {shown}, {probes} a hop\n\n"));
    if one_path(&report.flows) {
        let merged = merge(&report.flows);
        text.push_str(&table(&merged));
    } else {
        for flow in &report.flows {
            text.push_str(&format!("  from port {}\n", flow.source_port));
            text.push_str(&table(flow));
            text.push('\n');
        }
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text.push_str(&verdict_text(&report.verdict));
    text
}

/// Whether all flows met the same routers.
fn one_path(flows: &[TraceFlow]) -> bool {
    let met =
        |flow: &TraceFlow| flow.hops.iter().map(|hop| (hop.ttl, hop.routers())).collect::<Vec<_>>();
    let mut each = flows.iter().map(met);
    let first = each.next();
    each.all(|flow| Some(flow) == first)
}

/// The tries of several flows with one path in one table.
fn merge(flows: &[TraceFlow]) -> TraceFlow {
    let mut merged = flows.first().cloned().unwrap_or_default();
    for flow in flows.iter().skip(1) {
        for (into, hop) in merged.hops.iter_mut().zip(&flow.hops) {
            into.tries.extend(hop.tries.iter().copied());
        }
        merged.full_ttl.extend(flow.full_ttl.iter().copied());
    }
    merged
}

fn table(flow: &TraceFlow) -> String {
    let mut text =
        format!("  {:>3}  {:<40}{:>6}{:>9}{:>9}\n", "hop", "who", "back", "min", "max ms");
    let shown = flow.hops.iter().take_while(|hop| Some(hop.ttl) <= flow.last_heard);
    let mut rest = flow.hops.iter().skip_while(|hop| Some(hop.ttl) <= flow.last_heard);
    for hop in shown {
        text.push_str(&rows(hop));
    }
    // Silence to the end is one row.
    if let Some(first) = rest.next() {
        let last = rest.last().map_or(first.ttl, |hop| hop.ttl);
        let hops =
            if last == first.ttl { first.ttl.to_string() } else { format!("{}-{last}", first.ttl) };
        text.push_str(&format!("  {hops:>3}  *\n"));
    }
    text
}

fn rows(hop: &TraceHop) -> String {
    let routers = hop.routers();
    if routers.is_empty() {
        let back = format!("0/{}", hop.tries.len());
        return format!("  {:>3}  {:<40}{back:>6}{:>9}{:>9}\n", hop.ttl, "*", "-", "-");
    }
    let mut text = String::new();
    for (index, router) in routers.iter().enumerate() {
        let ttl = if index == 0 { hop.ttl.to_string() } else { String::new() };
        let mine: Vec<&TraceTry> =
            hop.tries.iter().filter(|one| one.from == Some(*router)).collect();
        text.push_str(&row(&ttl, router, &mine, hop.tries.len()));
    }
    text
}

fn row(ttl: &str, router: &IpAddr, tries: &[&TraceTry], of: usize) -> String {
    let trips = || tries.iter().filter_map(|one| one.rtt_ns);
    let figure = |nanos: Option<u64>| {
        nanos.map_or_else(|| "-".to_owned(), |nanos| format!("{:.3}", Nanos(nanos).as_millis_f64()))
    };
    let back = format!("{}/{of}", tries.len());
    let who = router.to_string();
    let (least, most) = (figure(trips().min()), figure(trips().max()));
    let mut text = format!("  {ttl:>3}  {who:<40}{back:>6}{least:>9}{most:>9}\n");
    let told = tries.iter().find(|one| one.answer != Some(TraceAnswer::TimeExceeded));
    if let Some(one) = told {
        let words = match (one.answer, one.icmp_type.zip(one.icmp_code)) {
            (Some(TraceAnswer::Unreachable), Some((kind, code))) => match one.meaning {
                None => format!("ICMP {kind}/{code}"),
                Some(meaning) => format!("{meaning}, ICMP {kind}/{code}"),
            },
            _ => "answers".to_owned(),
        };
        text.push_str(&format!("         {words}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::Verdict;

    fn hop(ttl: u8, from: Option<&str>, answer: TraceAnswer) -> TraceHop {
        let one = TraceTry {
            from: from.map(|from| from.parse().unwrap()),
            answer: from.map(|_| answer),
            icmp_type: (answer != TraceAnswer::Answer).then_some(11),
            icmp_code: (answer != TraceAnswer::Answer).then_some(0),
            meaning: None,
            rtt_ns: from.map(|_| 1_234_567),
            at_target: answer == TraceAnswer::Answer,
        };
        TraceHop { ttl, tries: vec![one; 3] }
    }

    fn report(flows: Vec<TraceFlow>) -> TraceReport {
        TraceReport {
            target: "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:8620".parse().unwrap(),
            payload_bytes: 44,
            tries: 3,
            hop_limit: 30,
            wait_ns: 0,
            duration_ns: 0,
            stopped_early: false,
            interrupted: false,
            flows,
            verdict: Verdict::new("has no answer beyond hop 1 (x)"),
        }
    }

    #[test]
    fn rows_fit_80_columns_and_silence_is_a_star() {
        let far = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff";
        let flow = TraceFlow {
            source_port: 65_535,
            last_heard: Some(3),
            hops: vec![
                hop(1, Some(far), TraceAnswer::TimeExceeded),
                hop(2, None, TraceAnswer::TimeExceeded),
                hop(3, Some(far), TraceAnswer::Answer),
                hop(4, None, TraceAnswer::TimeExceeded),
                hop(5, None, TraceAnswer::TimeExceeded),
            ],
            ..TraceFlow::default()
        };
        let text = trace_text(&report(vec![flow.clone()]));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("    2  *                                          0/3"), "{text}");
        assert!(text.contains("  4-5  *\n"), "{text}");
        assert!(text.contains("1.235    1.235\n         answers\n"), "{text}");
        let two = trace_text(&report(vec![flow.clone(), flow]));
        assert!(two.contains("6/6") && !two.contains("from port 65535\n"), "{two}");
    }
}
