//! What a scan found, in figures and words.

use super::ScanSession;
use crate::record::probe::{PortState, ScanReport, ScannedPort, Verdict};
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::{Nanos, group_digits};
use crate::wire::service::Service;
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(super) fn report(session: ScanSession, now: Nanos) -> ScanReport {
    let ScanSession { plan, candidates, counts, started, stopped, .. } = session;
    let from = started.unwrap_or(now);
    let ports: Vec<ScannedPort> = candidates.into_iter().map(|port| port.report(from)).collect();
    let of = |state| ports.iter().filter(|port| port.state == state).count() as u64;
    let told = |port: &&ScannedPort| port.answers > 0 || port.icmp.is_some();
    // Two, as a lost question may look like one that was held back.
    let limited = counts.held_back >= 2;
    let held_for = counts.held_to - counts.held_from;
    let rate = ((counts.held_back - u64::from(limited)) * 1_000_000_000_000)
        .checked_div(held_for.0)
        .filter(|_| counts.held_back >= 3);
    let mut report = ScanReport {
        host: plan.host,
        target: Some(plan.target.ip()),
        tries: u64::from(plan.tries),
        duration_ns: (now - from).0,
        sent: counts.sent,
        refused: counts.refused,
        answers: counts.answers,
        icmp_errors: counts.icmp_errors,
        strays: counts.strays,
        lost: ports.iter().filter(told).map(|port| port.silent_tries).sum(),
        icmp_limited: limited,
        icmp_per_second_milli: rate,
        open: of(PortState::Open),
        closed: of(PortState::Closed),
        filtered: of(PortState::Filtered),
        ttl_exceeded: of(PortState::TtlExceeded),
        interrupted: stopped,
        silent: of(PortState::Silent),
        untold: of(PortState::Untold),
        ports,
        verdict: Verdict::default(),
    };
    report.verdict = Verdict {
        verdict: verdict(&report),
        evidence: evidence(&report),
        could_also_be: could_also_be(&report),
        doubt: doubt(&report, plan.time, stopped),
    };
    report
}

/// `2 open, 3 closed, 1 filtered by 192.0.2.1, 4 open or silent`.
fn verdict(report: &ScanReport) -> String {
    let mut parts = Vec::new();
    for (count, state) in [(report.open, PortState::Open), (report.closed, PortState::Closed)] {
        if count > 0 {
            parts.push(format!("{} {}", group_digits(count), state.words()));
        }
    }
    let mut filters: BTreeMap<Option<IpAddr>, u64> = BTreeMap::new();
    for port in with(report, PortState::Filtered) {
        *filters.entry(port.said_by).or_default() += 1;
    }
    for (by, count) in filters {
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        parts.push(format!("{} filtered{by}", group_digits(count)));
    }
    let exceeded = with(report, PortState::TtlExceeded).next().and_then(|port| port.said_by);
    if report.ttl_exceeded > 0 {
        let by = exceeded.map_or_else(String::new, |by| format!(", says {by}"));
        let ports = group_digits(report.ttl_exceeded);
        parts.push(format!("{ports} not reached: the TTL was over on the way{by}"));
    }
    for (count, state) in [(report.silent, PortState::Silent), (report.untold, PortState::Untold)] {
        if count > 0 {
            parts.push(format!("{} {}", group_digits(count), state.words()));
        }
    }
    parts.join(", ")
}

fn evidence(report: &ScanReport) -> Vec<String> {
    let mut lines = vec![format!(
        "{} to {}, {} and {}",
        count(report.sent, "question"),
        count(report.ports.len() as u64, "port"),
        count(report.answers, "answer"),
        count(report.icmp_errors, "ICMP error"),
    )];
    if report.silent > 0 {
        let times = count(report.tries, "time");
        lines.push(if report.icmp_errors > 0 {
            format!("what is silent was so {times}, each when an ICMP error could have come")
        } else {
            format!(
                "what is silent was so {times}, the last over a second after the first: a host \
                 that had spent its ICMP errors would have had one again"
            )
        });
    }
    if report.icmp_limited {
        let rate = report.icmp_per_second_milli.map_or_else(
            || "slowly".to_owned(),
            |milli| format!("{:.1} a second", milli as f64 / 1e3),
        );
        lines.push(format!("ICMP errors came {rate} after the first few: they are limited"));
    }
    lines
}

fn could_also_be(report: &ScanReport) -> Vec<String> {
    let mut lines = Vec::new();
    if report.closed > 0 {
        lines.push("closed: a firewall that rejects in the target's name".to_owned());
    }
    if report.ttl_exceeded > 0 {
        lines.push("TTL exceeded: a routing loop; `udpkit probe trace` shows it".to_owned());
    }
    let mut rejected = false;
    let mut unreachable = false;
    for port in with(report, PortState::Filtered) {
        let words = port.icmp.as_deref().unwrap_or_default();
        rejected |= words == "port unreachable";
        unreachable |= matches!(
            words,
            "host unreachable"
                | "network unreachable"
                | "address unreachable"
                | "no route to destination"
        );
    }
    if rejected {
        lines.push("filtered, port unreachable: a NAT whose inner host has it closed".to_owned());
    }
    if unreachable {
        lines
            .push("filtered, unreachable: a host that is down, a route that is missing".to_owned());
    }
    if report.silent > 0 {
        lines.push(
            "open or silent: an open port that these questions do not move, or a firewall that \
             drops without a word, out or back"
                .to_owned(),
        );
        lines.extend(by_chance(report));
        if report.closed == 0 {
            lines.push("open or silent: closed, where ICMP errors are not sent or lost".to_owned());
        }
    }
    let mut reasons: Vec<_> = with(report, PortState::Silent)
        .filter_map(|port| Some((port.port, port.service.parse::<Service>().ok()?)))
        .filter_map(|(port, service)| Some((port, service.silent_because()?)))
        .collect();
    reasons.dedup_by_key(|(_, reason)| *reason);
    lines.extend(reasons.into_iter().map(|(port, reason)| format!("{port}: {reason}")));
    lines
}

/// Where the silence may be random loss: ports that answer left as many questions unanswered, or too
/// few were asked to tell. What a limit on ICMP errors held back is none of it.
fn by_chance(report: &ScanReport) -> Option<String> {
    let word =
        |port: &&ScannedPort| port.answers > 0 || (port.icmp.is_some() && !report.icmp_limited);
    let control = report.ports.iter().filter(word).fold(LossSample::default(), |all, port| {
        all.with(LossSample::new(port.silent_tries + 1, 1))
    });
    let tries = with(report, PortState::Silent).map(|port| port.silent_tries).min()?;
    let silent = LossSample::new(tries, 0);
    let lossy = control.lost > 0 && !is_beyond_chance(silent, control, report.silent);
    lossy.then(|| {
        let LossSample { sent, lost } = control;
        format!(
            "open or silent: chance, as {lost} of {sent} questions to ports that answer were lost"
        )
    })
}

fn doubt(report: &ScanReport, time: Nanos, stopped: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let unsent = report.ports.iter().filter(|port| port.not_sent.is_some()).count() as u64;
    if unsent > 0 {
        let why = report.ports.iter().find_map(|port| port.not_sent.clone()).unwrap_or_default();
        lines.push(format!("to {} this host could send nothing: {why}", count(unsent, "port")));
    }
    if stopped {
        lines.push("interrupted".to_owned());
    }
    let late = report.untold - unsent;
    if late > 0 {
        let ports = count(late, "port");
        let (why, more) = match (stopped, report.icmp_per_second_milli) {
            (true, _) => ("before it was interrupted".to_owned(), None),
            (_, rate) => (format!("within {time}"), rate),
        };
        let more = more.filter(|rate| *rate > 0).map_or_else(String::new, |rate| {
            // As if all of them were closed, and some room.
            let needed = time.0 / 1_000_000_000 + late * 1_100 / rate + 10;
            format!("; --time {needed}s would do at that pace of ICMP errors")
        });
        lines.push(format!("{ports} could not be told {why}{more}"));
    }
    if report.lost > 0 {
        let known = report.open + report.closed + report.filtered + report.ttl_exceeded;
        let questions = count(report.lost, "question");
        let by_error = |port: &ScannedPort| port.icmp.is_some() && port.silent_tries > 0;
        let or_held = if report.ports.iter().any(by_error) {
            ", or a limit on ICMP errors kept the word back"
        } else {
            ""
        };
        lines.push(format!(
            "{questions} to the {} that did answer had been silent: lost on the way{or_held}",
            count(known, "port")
        ));
    }
    if report.silent > 0 {
        lines.push("out and back are not told apart without a helper there".to_owned());
    }
    lines
}

fn with(report: &ScanReport, state: PortState) -> impl Iterator<Item = &ScannedPort> {
    report.ports.iter().filter(move |port| port.state == state)
}

fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", group_digits(number))
}
