//! The final report of `ping` as text.

use super::delay::table as delay_table;
use super::delay::{DelayUnit, Planned, percentiles};
use crate::record::{
    LossDirectionUnknown, LossPlace, PingAsk, PingCaveat, PingDelay, PingSchedule, PingSummary,
    PingTargetReport, Worded as _,
};
use crate::report::Page;
use crate::report::limits::limit_lines;
use crate::report::number::span_or_dash;
use crate::report::page::{Align, table};
use crate::report::spark::sparkline;
use crate::report::words::arrival_gaps::outage_lines;
use crate::report::words::occurrence::occurrence_text;
use crate::report::words::ping as words;
use crate::report::words::terms::{count_and_share, plural, plural_of};
use crate::units::{Nanos, group_digits};
use crate::wire::{Dscp, split_tos};

/// Columns of a line.
const WIDTH: usize = 80;
/// Cells of the charts over time: with these, a row and its label fit [`WIDTH`].
const CELLS: usize = 32;
/// The whole report as text.
pub fn ping_text(summary: &PingSummary, page: Page) -> String {
    page.fit_all(&lines(summary))
}

/// The report's lines.
pub(super) fn lines(summary: &PingSummary) -> Vec<String> {
    if let [only] = &summary.targets[..] {
        return one(summary, only);
    }
    let mut lines = vec![heading(summary, &format!("{} targets", summary.targets.len()), None)];
    lines.push(String::new());
    lines.extend(rows(&summary.targets));
    lines.extend(of_the_run(summary));
    for target in &summary.targets {
        let more: Vec<_> =
            [remarks(target, summary), limit_lines(&target.limits), cautions(target)].concat();
        if !more.is_empty() {
            lines.push(format!("  {}", target.name));
            lines.extend(more.into_iter().map(|line| format!("  {line}")));
        }
    }
    lines
}

/// The hint if no target replied and there was no error.
pub(super) fn hint(summary: &PingSummary) -> Option<&'static str> {
    let silent = |target: &PingTargetReport| {
        let lost_here = |caveat: &PingCaveat| matches!(caveat, PingCaveat::LostHere { .. });
        let told = !target.network_errors.is_empty()
            || !target.refused.is_empty()
            || target.caveats.iter().any(lost_here);
        target.back == 0 && target.lost.total > 0 && !told
    };
    if !summary.targets.iter().all(silent) {
        return None;
    }
    Some(words::no_reply_hint(summary.protocol))
}

/// The first line: `udpkit ping 192.0.2.10:862 (STAMP)   64 B every 10.0 ms for 30.0 s`.
pub(super) fn heading(summary: &PingSummary, whom: &str, hops: Option<u8>) -> String {
    let every = match (summary.schedule, summary.interval_ns) {
        (PingSchedule::Poisson, Some(mean)) => {
            format!("at random gaps, {} on average", Nanos(mean))
        }
        (_, Some(period)) => format!("every {}", Nanos(period)),
        (_, None) => "after each reply or timeout".to_owned(),
    };
    let length = match summary.duration_ns {
        0 => String::new(),
        nanos => format!(" for {}", Nanos(nanos)),
    };
    // A reflector that does not know the TTL also reports 255.
    let hops = match hops {
        None | Some(0) => String::new(),
        Some(1) => "   1 hop out".to_owned(),
        Some(hops) => format!("   {hops} hops out"),
    };
    let (protocol, bytes) = (words::protocol(summary.protocol), summary.payload_bytes);
    format!("udpkit ping {whom} ({protocol})   {bytes} B {every}{length}{hops}")
}

/// The target's name in the heading.
pub(super) fn whom(target: &PingTargetReport) -> String {
    target.address.map_or_else(|| target.name.clone(), |address| address.to_string())
}

fn one(summary: &PingSummary, target: &PingTargetReport) -> Vec<String> {
    let mut lines = vec![heading(summary, &whom(target), target.hops_out), String::new()];
    lines.extend(counts(target));
    lines.extend(of_the_run(summary));
    lines.extend(remarks(target, summary));
    if target.sent > 0 {
        // With --flood there is no planned send time.
        let plan = if summary.schedule == PingSchedule::Flood { Planned::No } else { Planned::Yes };
        let delays = delay_table(target, plan);
        if !delays.is_empty() {
            lines.push(String::new());
            lines.extend(delays);
        }
    }
    if target.back > 0 {
        lines.extend(stamps(target));
    }
    lines.extend(pictures(target));
    lines.extend(limit_lines(&target.limits));
    lines.extend(cautions(target));
    lines
}

/// Lines about the whole run.
fn of_the_run(summary: &PingSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if summary.interrupted {
        lines.push("  interrupted by the user".to_owned());
    }
    if summary.pauses > 0 {
        let (times, paused) = (plural(summary.pauses, "time"), Nanos(summary.paused_ns));
        lines.push(format!("  this host paused {times}, {paused} in all; not a delay of the path"));
    }
    lines.extend(summary.interface_events.iter().map(|event| format!("  {}", event.text())));
    lines
}

fn counts(target: &PingTargetReport) -> Vec<String> {
    let ways = [(target.lost.out, "out"), (target.lost.back, "back")];
    let unknown = target.lost.unknown.filter(|count| *count > 0);
    let unknown = unknown.map(|count| format!("{} in an unknown direction", group_digits(count)));
    let told: Vec<String> = ways
        .into_iter()
        .filter_map(|(count, name)| Some((count?, name)))
        .map(|(count, name)| format!("{} {name}", group_digits(count)))
        .chain(unknown)
        .collect();
    let told = match (target.lost.total, &told[..]) {
        (0, _) | (_, []) => String::new(),
        (_, told) => format!(": {}", told.join(", ")),
    };
    let first = format!(
        "  sent {}   back {}   lost {}{told}",
        group_digits(target.sent),
        group_digits(target.back),
        count_and_share(target.lost.total, target.sent - target.open, 2),
    );
    let order = format!(
        "   duplicates {}   reordered {}",
        group_digits(target.duplicates),
        group_digits(target.reordered)
    );
    if first.chars().count() + order.len() <= WIDTH {
        return vec![first + &order];
    }
    vec![first, order[1..].to_owned()]
}

/// Remarks, a line each.
fn remarks(target: &PingTargetReport, summary: &PingSummary) -> Vec<String> {
    let mut lines = Vec::new();
    let lost = &target.lost;
    if let Some(at) = lost.longest_at_ns {
        lines.push(format!(
            "  loss in {}, longest {} ({}) at {}",
            plural(lost.bursts, "burst"),
            plural(lost.longest, "datagram"),
            Nanos(lost.longest_ns),
            seconds(at)
        ));
    }
    if let Some(gaps) = &target.arrival_gaps {
        lines.extend(outage_lines(gaps).iter().map(|line| format!("  outages: {line}")));
    } else {
        let told = target.outages.iter();
        lines.extend(told.map(|outage| format!("  no answers {}", outage.text())));
    }
    if target.late > 0 {
        let (late, wait) = (group_digits(target.late), Nanos(summary.wait_ns));
        lines.push(format!("  late {late}: arrived after more than {wait}, not counted as lost"));
    }
    if target.open > 0 {
        let open = plural_of(target.open, "reply", "replies");
        lines.push(format!("  {open} outstanding when the run was stopped, not counted as lost"));
    }
    if target.dropped_here() > 0 {
        let drops = plural(target.dropped_here(), "datagram");
        lines.push(format!("  {drops} dropped at this host's socket, not on the path"));
    }
    // Of those that count as lost, the caution tells.
    if target.socket_damaged > 0 && !target.caveats.iter().any(is_of_damage) {
        let damaged = plural(target.socket_damaged, "datagram");
        lines.push(format!("  {damaged} arrived with a wrong UDP checksum"));
    }
    if let Some(error) = &target.error {
        lines.push(format!("  not probed: {error}"));
    }
    for refusal in &target.refused {
        let times = group_digits(refusal.datagrams);
        let when = occurrence_text(refusal.seen);
        lines.push(format!("  never sent {times}: {}{when}", refusal.cause));
    }
    for trouble in &target.network_errors {
        let (times, when) = (plural(trouble.times, "time"), occurrence_text(trouble.seen));
        lines.push(format!("  {}, {times}{when}", trouble.error));
    }
    if target.reorder_extent_max > 1 {
        let extent = plural(target.reorder_extent_max, "datagram");
        lines.push(format!("  reordered by up to {extent}"));
    }
    lines.extend(told(target, summary));
    lines
}

fn is_of_damage(caveat: &PingCaveat) -> bool {
    matches!(caveat, PingCaveat::LostHere { place: LossPlace::UdpChecksum, .. })
}

/// What the target reported besides time stamps, and what it was asked for but did not report.
fn told(target: &PingTargetReport, summary: &PingSummary) -> Vec<String> {
    let mut lines = Vec::new();
    let class = |dscp: Option<u8>, ecn: Option<u8>| {
        let (dscp, ecn) = (Dscp::new(dscp?)?, split_tos(ecn?).1);
        Some(format!("DSCP {dscp}, ECN {ecn}"))
    };
    if let Some(class) = class(target.dscp_seen, target.ecn_seen) {
        lines.push(format!("  probes arrived at the target with {class}"));
    }
    if summary.asked.contains(&PingAsk::Class)
        && let Some(class) = class(target.dscp_back, target.ecn_back)
    {
        lines.push(format!("  replies arrived with {class}"));
    }
    if let (Some(received), Some(reflected)) = (target.target_received, target.target_reflected) {
        let counts = [received, reflected].map(|count| group_digits(u64::from(count)));
        let [received, reflected] = counts;
        lines.push(format!("  the target counted {received} probes and {reflected} replies"));
    }
    let is_told = |asked: PingAsk| match asked {
        PingAsk::Class => target.dscp_seen.is_some(),
        PingAsk::Counts => target.target_received.is_some(),
        // The departure of a reply is reported by the next one, so the first has none.
        PingAsk::Departure => target.departure_ns.samples > 0 || target.back < 2,
    };
    let untold: Vec<_> =
        summary.asked.iter().copied().filter(|asked| !is_told(*asked)).map(words::asked).collect();
    if !untold.is_empty() && target.back > 0 {
        lines.push(format!("  not reported by the target: {}", untold.join(", ")));
    }
    lines.extend(target.lost.untold.and_then(|why| ways_untold(target, why)));
    lines.extend(hops(target));
    lines
}

/// Why the direction of loss is unknown; `None` if no reply could show it anyway.
fn ways_untold(target: &PingTargetReport, why: LossDirectionUnknown) -> Option<String> {
    let why = match why {
        LossDirectionUnknown::NoCount if target.reflector_counts.is_none() => return None,
        LossDirectionUnknown::NoCount => "the target does not count probes",
        LossDirectionUnknown::CountUnproven => "the target may not count probes",
        LossDirectionUnknown::Copies => "duplicate probes reached the target",
        LossDirectionUnknown::TooFew => "too few replies to rule out duplicate probes",
        LossDirectionUnknown::Open => "replies were outstanding",
    };
    Some(format!("  {why}: the direction of loss is unknown"))
}

/// The line if the TTL of probes on arrival does not show the hops.
fn hops(target: &PingTargetReport) -> Option<String> {
    let (came, sent) = (target.ttl_out?, target.ttl_sent);
    let ttl = format!("  hops out unknown (TTL {sent} sent, {came} on arrival)");
    match target.hops_out_readings {
        Some([all, relayed]) => {
            Some(format!("{ttl}: {all}, or {relayed} from a relay on the path"))
        }
        // A reflector that does not know the TTL reports 255.
        None if came > sent && came < 255 => {
            Some(format!("{ttl}: a relay on the path sets its own TTL"))
        }
        None => None,
    }
}

fn pictures(target: &PingTargetReport) -> Vec<String> {
    let mut lines = Vec::new();
    let buckets = &target.histogram;
    if let ([first, .., last], true) = (&buckets[..], target.back >= 10) {
        let counts: Vec<f64> = buckets.iter().map(|bucket| bucket.count as f64).collect();
        lines.push(String::new());
        lines.push(format!(
            "  {} {} {}   log scale, {}",
            Nanos(first.from_ns),
            sparkline(&counts, counts.len()),
            Nanos(last.to_ns),
            plural(target.round_trip_ns.samples, "sample"),
        ));
    }
    let stretches = &target.over_time;
    if stretches.len() >= 3 && target.back >= 10 {
        let end = stretches.last().map_or(0, |last| last.start_ns + last.duration_ns);
        let means: Vec<f64> =
            stretches.iter().map(|stretch| stretch.mean_ns.unwrap_or(0) as f64).collect();
        let worst = stretches.iter().filter_map(|stretch| stretch.max_ns).max();
        let line = sparkline(&means, CELLS);
        let end = seconds(end);
        lines.push(format!("  0 s {line} {end}   mean round trip, max {}", span_or_dash(worst)));
        if target.lost.total > 0 {
            let lost: Vec<f64> = stretches.iter().map(|stretch| stretch.lost as f64).collect();
            lines.push(format!("  0 s {} {end}   lost", sparkline(&lost, CELLS)));
        }
    }
    lines
}

/// The cautions about the figures.
fn cautions(target: &PingTargetReport) -> Vec<String> {
    let text = Page::new(WIDTH).told("caution", &target.caveats);
    text.lines().map(str::to_owned).collect()
}

/// Which time stamps are the kernel's, if any.
fn stamps(target: &PingTargetReport) -> Option<String> {
    words::timed_by_kernel(target.timed_by_program()).map(|text| format!("  {text}"))
}

fn rows(targets: &[PingTargetReport]) -> Vec<String> {
    let came = || targets.iter().map(|target| &target.round_trip_ns).filter(|d| d.samples > 0);
    let unit = DelayUnit::for_delay(&PingDelay {
        p50: came().filter_map(|delay| delay.p50.or(delay.min)).min(),
        max: came().filter_map(|delay| delay.max).max(),
        ..PingDelay::default()
    });
    let times = [format!("p50 {}", unit.name()), "p99".to_owned(), "max".to_owned()];
    let counts = ["target", "sent", "replies", "lost", "out", "back"].map(str::to_owned);
    let head = counts.into_iter().chain(times).collect();
    let dash = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let row = |target: &PingTargetReport| {
        let name = short(&target.name, 20);
        if target.error.is_some() {
            return vec![name, "not probed".to_owned()];
        }
        let [p50, _, p99, _] = percentiles(&target.round_trip_ns, unit);
        let count = |count: u64| count.to_string();
        let figures = [target.sent, target.back, target.lost.total].map(count);
        let ways = [target.lost.out, target.lost.back].map(dash);
        let times = [p50, p99, unit.figure(target.round_trip_ns.max)];
        let cells = figures.into_iter().chain(ways).chain(times);
        std::iter::once(name).chain(cells.map(|cell| cell.trim().to_owned())).collect()
    };
    let align: Vec<Align> = std::iter::once(Align::Left).chain([Align::Right; 8]).collect();
    let rows = std::iter::once(head).chain(targets.iter().map(row));
    table(&align, rows).lines().map(str::to_owned).collect()
}

/// A name, shortened to `most` columns.
pub(super) fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

fn seconds(nanos: u64) -> String {
    format!("{:.2} s", Nanos(nanos).as_secs_f64())
}
