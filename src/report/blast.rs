//! A throughput run as text: a line for each stretch while it runs, then the whole report.

use super::Output;
use super::cast_check::wrapped;
use super::limits::limit_lines;
use super::number::RateUnit;
use super::stretch::{bits_of, fresh_of, is_scrap, is_tail, over_time};
use crate::record::{
    BlastInterval, BlastReport, BurstLength, DelayQuantiles, DirectionReport, Flow, Losses,
    ProbeReport, RoundTrips, Traffic, Verdict,
};
use crate::units::{Nanos, group_digits};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Columns before what a line of the summary tells.
const LABEL: usize = 13;
/// A shorter pause is any busy host's.
const SHOWN_PAUSE: Nanos = Nanos::from_millis(100);
/// A smaller drift, in parts per billion, is not worth a line.
const SHOWN_DRIFT: i64 = 100;

/// Which of a run's ways a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// There is but one.
    Only,
    /// From the client to the far end.
    Up,
    /// From the far end to the client.
    Down,
}

/// What a run shows.
pub struct BlastView {
    output: Output,
    heading: String,
    lines: bool,
    text: bool,
    bar: Option<ProgressBar>,
    longest: u64,
    unit: Option<RateUnit>,
    expected: Option<Nanos>,
}

impl BlastView {
    /// A view with its first line; `expected` is the run's length where that is known.
    pub fn new(heading: &str, expected: Option<Nanos>, quiet: bool, json: bool) -> Self {
        Self {
            output: Output::new(),
            heading: heading.to_owned(),
            lines: !quiet && !json,
            text: !json,
            bar: None,
            longest: 0,
            unit: None,
            expected,
        }
    }

    /// Another first line, before the run begins.
    pub fn set_heading(&mut self, heading: &str) {
        heading.clone_into(&mut self.heading);
    }

    /// The far end agreed, and the run begins.
    pub fn started(&mut self) {
        if self.text {
            self.output.line(&self.heading);
            if self.lines {
                self.output.line("");
            }
        }
        if self.lines && std::io::stderr().is_terminal() {
            self.bar = self.expected.map(progress_bar);
        }
    }

    /// A stretch is over.
    pub fn interval(&mut self, lane: Lane, interval: &BlastInterval) -> Flow {
        if !self.lines {
            return Flow::Continue;
        }
        // A scrap at the very end would look like a rate; the totals have it.
        self.longest = self.longest.max(interval.duration_ns);
        let after = self.expected.is_some_and(|time| is_tail(interval, time.0));
        if after || is_scrap(interval, self.longest) {
            return Flow::Continue;
        }
        // The first stretch in which something came settles the unit of all.
        let rate = bits_of(interval);
        let unit = self.unit.unwrap_or_else(|| RateUnit::for_rate(rate as u64));
        if interval.datagrams > 0 {
            self.unit = Some(unit);
        }
        let line = interval_line(lane, interval, unit);
        match &self.bar {
            Some(bar) => {
                bar.set_position(
                    (Nanos(interval.start_ns) + Nanos(interval.duration_ns)).0 / 1_000_000,
                );
                bar.suspend(|| self.output.line(line))
            }
            None => self.output.line(line),
        }
    }

    /// The whole report.
    pub fn finish(&mut self, report: &BlastReport) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let sent = report.main.sent.as_ref().map_or(0, |sent| sent.datagrams);
        let nothing = sent == 0 && report.main.received.is_none_or(|got| got.datagrams == 0);
        if nothing && report.failure.is_some() {
            return;
        }
        for line in lines(report) {
            self.output.line(&line);
        }
    }
}

fn progress_bar(expected: Nanos) -> ProgressBar {
    let bar = ProgressBar::new(expected.0 / 1_000_000).with_style(
        ProgressStyle::with_template("  [{bar:40}] {percent}%")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> "),
    );
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.tick();
    bar
}

fn interval_line(lane: Lane, interval: &BlastInterval, unit: RateUnit) -> String {
    let end = (Nanos(interval.start_ns) + Nanos(interval.duration_ns)).as_secs_f64();
    let packets = fresh_of(interval) as f64 * 1e9 / interval.duration_ns.max(1) as f64;
    let way = match lane {
        Lane::Only => "",
        Lane::Up => "  up  ",
        Lane::Down => "  down",
    };
    let mut line = format!(
        "{way}  {end:7.2} s {}  {}   lost {}",
        unit.bits(Some(bits_of(interval))),
        unit.packets(Some(packets)),
        loss(interval.lost, fresh_of(interval).saturating_add(interval.lost))
    );
    for (count, what) in [(interval.duplicates, "duplicates"), (interval.reordered, "reordered")] {
        if count > 0 {
            line.push_str(&format!("   {what} {}", group_digits(count)));
        }
    }
    line
}

/// The report's lines.
fn lines(report: &BlastReport) -> Vec<String> {
    let mut lines = vec![String::new()];
    if report.reverse.is_some() {
        lines.push("  up: from here to the far end".to_owned());
    }
    lines.extend(direction_lines(report, &report.main));
    if let Some(reverse) = &report.reverse {
        lines.extend([String::new(), "  down: from the far end to here".to_owned()]);
        lines.extend(direction_lines(report, reverse));
    }
    lines.extend(report.probe.iter().flat_map(probe_lines));
    lines.push(header_line(report));
    lines.extend(report.interrupted.then(|| "  interrupted  the user ended the run".to_owned()));
    lines.extend(verdict_lines(report));
    lines.extend(limit_lines(&report.limits, report.reverse.is_some()));
    lines.extend(doubts(report).into_iter().map(|doubt| format!("  doubt: {doubt}")));
    lines
}

fn direction_lines(report: &BlastReport, way: &DirectionReport) -> Vec<String> {
    let title = if report.loopback { "Ethernet, if it were" } else { "on the wire" };
    let rates = [&way.offered, &way.sent, &way.received].map(Option::as_ref);
    let unit = RateUnit::for_rate(
        rates.into_iter().flatten().filter_map(|flow| flow.bits_per_second).max().unwrap_or(0),
    );
    let [offered, sent, received] = rates;
    let mut lines = vec![
        format!("  {:<9}{:>14}{:>16}{:>14}   {title}", "", "datagrams", "goodput", "rate"),
        traffic_line("offered", offered, unit),
        traffic_line("sent", sent, unit),
        traffic_line("received", received, unit),
    ];
    if let Some(copies) = way.copies.filter(|copies| copies.datagrams > 0) {
        // They are on the wire, and none of the goodput.
        let goodput = Traffic { bits_per_second: None, ..copies };
        lines.push(traffic_line("copies", Some(&goodput), unit));
    }
    lines.push(String::new());
    lines.extend(lost_lines(report, way));
    lines.extend(order_lines(way));
    lines.extend(pause_lines(way));
    lines.extend(refused_lines(way));
    lines.extend(over_time(&way.intervals, way.duration_ns));
    lines.extend(delay_lines(way));
    lines.push(io_line(report, way));
    lines
}

fn traffic_line(name: &str, traffic: Option<&Traffic>, unit: RateUnit) -> String {
    let Some(traffic) = traffic else { return format!("  {name:<9}{:>14}", "-") };
    let rate = |rate: Option<u64>| rate.map(|rate| rate as f64);
    format!(
        "  {name:<9}{:>14}{}{}{}",
        group_digits(traffic.datagrams),
        unit.bits(rate(traffic.bits_per_second)),
        unit.packets(rate(traffic.datagrams_per_second)),
        unit.bits(rate(traffic.ethernet_bits_per_second)),
    )
}

fn lost_lines(report: &BlastReport, way: &DirectionReport) -> Vec<String> {
    let never = way.never_sent.map_or_else(|| "-".to_owned(), group_digits);
    let Some(Losses { total, path, receiver_socket, bursts, longest_burst }) = way.lost else {
        let why = match report.contradiction {
            Some(_) => "the far end's counts cannot be true",
            None => "the receiver never told",
        };
        return vec![format!("  lost       - ({why}); {never} never sent")];
    };
    let told = way.delivered.unwrap_or(0).saturating_add(total);
    let sent = way.sent.map_or(told, |sent| sent.datagrams);
    // A share of what the receiver told of: of the rest nobody knows.
    let lost = loss(total, told.min(sent));
    let of = if sent > told {
        format!(" of the {} that the receiver told of,", group_digits(told))
    } else {
        String::new()
    };
    let mut lines = vec![format!("  lost       {lost}{of} and {never} never sent")];
    if sent > told {
        let silent = group_digits(sent - told);
        lines.push(format!("             and {silent} of which the receiver never told"));
    }
    if total > 0 {
        lines.push(format!(
            "             {} on the path + {} at the receiver's socket",
            group_digits(path),
            group_digits(receiver_socket)
        ));
    }
    if bursts > 0 {
        lines.push(format!(
            "             in {} bursts, the longest {}",
            group_digits(bursts),
            group_digits(longest_burst)
        ));
    }
    if way.burst_lengths.len() > 1 {
        let lengths: Vec<String> = way.burst_lengths.iter().map(burst_text).collect();
        lines.push(format!("             bursts by length  {}", lengths.join("   ")));
    }
    lines
}

/// `2-3: 14`, of bursts of two or three datagrams.
fn burst_text(class: &BurstLength) -> String {
    let BurstLength { from, to, bursts } = *class;
    let bursts = group_digits(bursts);
    match to {
        Some(to) if to == from => format!("{from}: {bursts}"),
        Some(to) => format!("{from}-{to}: {bursts}"),
        None => format!("{from} on: {bursts}"),
    }
}

/// `897 (0.106%)`; `-` for a share of nothing.
fn loss(lost: u64, of: u64) -> String {
    if of == 0 {
        return format!("{} (-)", group_digits(lost));
    }
    format!("{} ({:.3}%)", group_digits(lost), lost as f64 * 100.0 / of as f64)
}

fn order_lines(report: &DirectionReport) -> Vec<String> {
    let count = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), group_digits);
    let time = |nanos: Option<u64>| nanos.map_or_else(|| "-".to_owned(), |n| Nanos(n).to_string());
    let mut line = format!(
        "  order      reordered {}   duplicates {}   jitter {}",
        count(report.reordered),
        count(report.duplicates),
        time(report.jitter_ns)
    );
    for (value, what) in
        [(report.too_late, "too late"), (report.corrupt, "corrupt"), (report.strays, "strays")]
    {
        if let Some(value) = value.filter(|value| *value > 0) {
            line.push_str(&format!("   {what} {}", group_digits(value)));
        }
    }
    let mut lines = vec![line];
    if let Some((max, mean)) = report.reorder_extent_max.zip(report.reorder_extent_mean_milli) {
        let mean = mean as f64 / 1e3;
        let max = group_digits(max);
        lines.push(format!(
            "             extents of reordering {mean:.1} on average, {max} at most"
        ));
    }
    if report.silence_ns.is_some() {
        let silence = time(report.silence_ns);
        lines.push(format!("  silence    {silence} at most from one arrival to the next"));
    }
    lines
}

/// Either end's own pause: of its host, not of the path.
fn pause_lines(way: &DirectionReport) -> Vec<String> {
    let (sender, receiver) = match way.direction {
        "down" => ("the far end", "this host"),
        _ => ("this host", "the far end"),
    };
    let ends = [
        (sender, way.sender_pause_ns, "sent nothing meanwhile"),
        (receiver, way.receiver_pause_ns, "what came was read later"),
    ];
    let shown = |pause: Option<u64>| pause.map(Nanos).filter(|pause| *pause >= SHOWN_PAUSE);
    ends.into_iter()
        .filter_map(|(end, pause, meaning)| Some((end, shown(pause)?, meaning)))
        .map(|(end, pause, meaning)| {
            format!("  paused     {end} itself stood still for {pause}: {meaning}")
        })
        .collect()
}

fn refused_lines(report: &DirectionReport) -> Vec<String> {
    let refused = report.refused.iter().map(|refusal| {
        format!("  refused    {} {}", group_digits(refusal.datagrams), refusal.cause)
    });
    let network = report
        .network_errors
        .iter()
        .map(|error| format!("  network    {} {}", group_digits(error.datagrams), error.cause));
    let unsent = (report.unsent > 0).then(|| {
        format!("  unsent     {} due when the time was over", group_digits(report.unsent))
    });
    refused.chain(network).chain(unsent).collect()
}

fn header_line(report: &BlastReport) -> String {
    let header = report.header;
    format!(
        "  header     {} of {} wire bytes are UDP's ({:.1}%); TCP's would be {}",
        header.udp_bytes,
        header.wire_bytes,
        header.udp_bytes as f64 * 100.0 / header.wire_bytes.max(1) as f64,
        header.tcp_bytes
    )
}

fn delay_lines(report: &DirectionReport) -> Vec<String> {
    let mut lines = Vec::new();
    if report.delay_above_min_ns != DelayQuantiles::default() {
        let told = quantile_text(&report.delay_above_min_ns);
        lines.push(format!("  delay, ms  {told}   above minimum"));
    }
    if let Some(drift) = report.drift_ppb.filter(|drift| drift.abs() >= SHOWN_DRIFT) {
        let ppm = drift as f64 / 1e3;
        lines.push(format!(
            "  clocks     the receiver's gains {ppm:+.2} ppm on the sender's, taken out"
        ));
    }
    if report.lateness_ns != DelayQuantiles::default() {
        let told = quantile_text(&report.lateness_ns);
        lines.push(format!("  late, ms   {told}   behind schedule"));
        lines.push(format!(
            "  schedule   at most {} at once, caught up {} times",
            group_digits(report.quantum),
            group_digits(report.catch_ups)
        ));
    }
    lines
}

/// Quantiles in milliseconds; `-` where fewer than ten samples lie beyond.
fn quantile_text(quantiles: &DelayQuantiles) -> String {
    let value = |nanos: Option<u64>| match nanos {
        Some(nanos) => format!("{:.3}", Nanos(nanos).as_millis_f64()),
        None => "-".to_owned(),
    };
    format!(
        "p50 {}  p99 {}  p99.9 {}  max {}",
        value(quantiles.p50),
        value(quantiles.p99),
        value(quantiles.p999),
        value(quantiles.max)
    )
}

fn io_line(report: &BlastReport, way: &DirectionReport) -> String {
    let io = &way.io;
    let tx = match io.tx.as_deref() {
        Some("gso") => format!("gso {} × {}", io.batch, report.payload_bytes),
        Some(tx) => format!("{tx} {}", io.batch),
        None => "-".to_owned(),
    };
    let buffer = io
        .receive_buffer_granted
        .map_or_else(|| "-".to_owned(), |bytes| format!("{} KiB", bytes / 1024));
    format!(
        "  io         sender {tx}, receiver {}, its socket buffer {buffer}",
        io.rx.as_deref().unwrap_or("-")
    )
}

/// Idle and loaded round trips, one above the other.
fn probe_lines(probe: &ProbeReport) -> Vec<String> {
    let row = |name: &str, trips: &RoundTrips| {
        let told = quantile_text(&trips.round_trip_ns);
        let lost = trips.sent.saturating_sub(trips.back);
        format!("  {name:<11}{told}   {} of {} lost", group_digits(lost), group_digits(trips.sent))
    };
    let mut lines =
        vec!["  round trip, ms".to_owned(), row("idle", &probe.idle), row("loaded", &probe.loaded)];
    if let Some(factor) = probe.loaded_per_idle_milli {
        let factor = factor as f64 / 1e3;
        lines.push(format!("             under load {factor:.1} times the idle median"));
    }
    lines
}

/// What limited the run, each way.
fn verdict_lines(report: &BlastReport) -> Vec<String> {
    let ways = [Some(&report.main), report.reverse.as_ref()].into_iter().flatten();
    let told = ways.filter_map(|way| Some((way.direction, way.verdict.as_ref()?)));
    let mut lines = Vec::new();
    for (direction, verdict) in told {
        let way = if report.reverse.is_some() { format!("{direction} ") } else { String::new() };
        let Verdict { limited_by, because, advice, .. } = verdict;
        let sentence = format!("{way}{}: {because}", limited_by.words());
        lines.push(wrapped("  verdict    ", &sentence, LABEL));
        if !advice.is_empty() {
            lines.push(format!("             {advice}"));
        }
    }
    lines
}

/// What a reader should know before believing the figures.
fn doubts(report: &BlastReport) -> Vec<String> {
    let mut doubts = Vec::new();
    for way in [Some(&report.main), report.reverse.as_ref()].into_iter().flatten() {
        doubts.extend(way_doubts(report, way));
    }
    if report.loopback {
        doubts
            .push("loopback: a figure of this host's memory and kernel, not of a link".to_owned());
    }
    if report.one_host && !report.loopback {
        doubts.push("both ends are on this host: a figure of its kernel, not of a link".to_owned());
    }
    let ways = [Some(&report.main), report.reverse.as_ref()].into_iter().flatten();
    if let Some(why) = report.contradiction {
        doubts.push(format!("the far end contradicts this one, and is not believed: {why}"));
    } else if ways.into_iter().any(|way| !way.counts_final) {
        doubts.push("one end did not have its last word; these are its latest counts".to_owned());
    }
    doubts
}

fn way_doubts(report: &BlastReport, way: &DirectionReport) -> Vec<String> {
    let mut doubts = Vec::new();
    // Nine tenths of a core for every stream.
    let busy = |percent: Option<u64>| percent.is_some_and(|p| p >= 90 * u64::from(report.streams));
    let text = |percent: Option<u64>| percent.map_or_else(|| "-".to_owned(), |p| format!("{p}%"));
    if busy(way.sender_cpu_percent) || busy(way.receiver_cpu_percent) {
        doubts.push(format!(
            "sender {} of a core, receiver {}: a host was near its limit",
            text(way.sender_cpu_percent),
            text(way.receiver_cpu_percent)
        ));
    }
    if way.lost.is_some_and(|lost| lost.receiver_socket > 0) {
        doubts.push(
            "receiver's socket full: raise net.core.rmem_max there or lower the rate".to_owned(),
        );
    }
    if way.clock_steps.is_some_and(|steps| steps > 0) {
        doubts
            .push("a clock was set during the run: delays about that moment are wrong".to_owned());
    }
    if way.sender_limited == Some(true) {
        doubts.push("sender-limited: less than 99% of the goal was offered in time".to_owned());
    }
    doubts
}
