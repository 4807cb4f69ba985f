//! A throughput run as text: a line per interval while it runs, then the whole report.

use super::blast_losses::{changed_lines, lost_lines, order_lines};
use super::blast_scene::BlastScene;
use super::capacity::capacity_text;
use super::ecn::ecn_text;
use super::interval::{FlowDirection, bits_of, fresh_of, is_scrap, is_tail, numbers_of, over_time};
use super::limits::{limit_lines, limit_lines_by_way};
use super::live_view::{LiveHandle, LiveScreen};
use super::metrics::{BlastMetrics, Count, StreamReceiving};
use super::number::RateUnit;
use super::page::{Align, GLUE, ended, table};
use super::rows::{LineFormat, RecordLines};
use super::size_table::size_table;
use super::so_far::{SoFar, so_far_text};
use super::stream_table::stream_table;
use super::words::arrival_gaps::outage_lines;
use super::words::blast::sizes_line;
use super::words::blast::{RunHeading, Ways, lost, waiting_for};
use super::words::occurrence::occurrence_text;
use super::words::progress::whole_seconds;
use super::words::terms::{plural, times};
use super::words::throughput::way as way_name;
use super::{Output, Page, Progress, ProgressLine, Shown, blast_bar_text, note};
use crate::record::{
    AddressMove, BlastInterval, BlastReceived, BlastReport, DelayQuantiles, DirectedInterval,
    DirectionReport, Flow, ProbeReport, Refusal, RoundTrips, Traffic, Way, Worded,
};
use crate::units::{Nanos, group_digits};
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Shorter pauses occur on any busy host and are not shown.
const SHOWN_PAUSE: Nanos = Nanos::from_millis(100);
/// A smaller clock drift, in parts per billion, is not shown.
const SHOWN_DRIFT: i64 = 100;

/// The interval lines of a run, all in one unit.
#[derive(Clone, Debug)]
pub struct IntervalLines {
    page: Page,
    longest: u64,
    unit: Option<RateUnit>,
    expected: Option<Nanos>,
}

impl IntervalLines {
    /// No lines yet; `expected` is the run's length, if known.
    pub fn new(expected: Option<Nanos>, page: Page) -> Self {
        Self { page, longest: 0, unit: None, expected }
    }

    /// The line of an interval, with a line end; `None` for one that is too short or empty to show.
    pub fn next(&mut self, lane: FlowDirection, interval: &BlastInterval) -> Option<String> {
        // The rate of a short rest at the end would mislead; it is included in the totals.
        self.longest = self.longest.max(interval.duration_ns);
        let after = self.expected.is_some_and(|time| is_tail(interval, time.0));
        if after || is_scrap(interval, self.longest) {
            return None;
        }
        // The first interval with datagrams determines the unit.
        let rate = bits_of(interval);
        let unit = self.unit.unwrap_or_else(|| RateUnit::for_rate(rate as u64));
        if interval.datagrams > 0 {
            self.unit = Some(unit);
        }
        Some(interval_line(lane, interval, unit, self.page))
    }
}

/// Prints a run.
pub struct BlastView {
    output: Output,
    heading: RunHeading,
    lines: Option<IntervalLines>,
    /// Lines for programs, in place of text.
    records: Option<RecordLines>,
    text: bool,
    quiet: bool,
    so_far: Arc<Mutex<SoFar>>,
    /// Answers whoever asks how the run stands, and draws the bar.
    progress: Option<Progress>,
    /// The live view, where there is one.
    screen: Option<LiveScreen<BlastScene>>,
    metrics: Option<BlastMetrics>,
    expected: Option<Nanos>,
    page: Page,
}

impl BlastView {
    /// A view with its first line; `expected` is the run's length, if known.
    pub fn new(heading: RunHeading, expected: Option<Nanos>, shown: Shown) -> Self {
        let Shown { quiet, json } = shown;
        let page = Page::of_stdout();
        Self {
            output: Output::new(),
            heading,
            lines: (!quiet && !json).then(|| IntervalLines::new(expected, page)),
            records: None,
            text: !json,
            quiet,
            so_far: Arc::default(),
            progress: None,
            screen: None,
            metrics: None,
            expected,
            page,
        }
    }

    /// The same view, which prints lines for programs in place of text.
    #[must_use]
    pub fn printing(self, records: RecordLines) -> Self {
        Self { records: Some(records), lines: None, text: false, ..self }
    }

    /// Replaces the first line, before the run begins.
    pub fn set_heading(&mut self, heading: RunHeading) {
        self.heading = heading;
    }

    /// The same view of a run whose receiver reports no intervals.
    #[must_use]
    pub fn without_intervals(self) -> Self {
        Self { lines: None, ..self }
    }

    /// The same view, with a screen of graphs in place of the lines; intervals are of the length
    /// `every`, and the quit key calls `interrupt`.
    pub fn on_screen(self, every: Nanos, interrupt: fn()) -> io::Result<Self> {
        let scene = BlastScene::new(self.heading, self.expected, every);
        let screen = Some(LiveScreen::start(scene, interrupt)?);
        Ok(Self { screen, lines: None, ..self })
    }

    /// The same view, which counts in these metrics too, if there are any.
    #[must_use]
    pub fn counting(self, metrics: Option<BlastMetrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Counts what a stream of this end has sent; `None` where nobody watches.
    pub fn sent_count(&self, lane: FlowDirection) -> Option<Count> {
        self.metrics.as_ref().and_then(|metrics| metrics.sent(self.way_of(lane)))
    }

    /// Counts what a stream of this end receives; `None` where nobody watches.
    pub fn receiving(&self, lane: FlowDirection) -> Option<StreamReceiving> {
        self.metrics.as_ref().and_then(|metrics| metrics.receiving(self.way_of(lane)))
    }

    /// So much has the far end received.
    pub fn so_far(&mut self, lane: FlowDirection, received: &BlastReceived) {
        let way = self.way_of(lane);
        if let Some(metrics) = &mut self.metrics {
            metrics.so_far(way, received);
        }
    }

    /// The run is over: these are its counts. Gives the metrics back, for the next one.
    pub fn counted(&mut self, report: &BlastReport) -> Option<BlastMetrics> {
        let mut metrics = self.metrics.take();
        if let Some(metrics) = &mut metrics {
            metrics.end(report);
        }
        metrics
    }

    /// The metrics that it counted in.
    pub fn into_metrics(self) -> Option<BlastMetrics> {
        self.metrics
    }

    fn way_of(&self, lane: FlowDirection) -> Way {
        match (lane, self.heading.ways) {
            (FlowDirection::Only, Ways::Down) | (FlowDirection::Down, _) => Way::Down,
            (FlowDirection::Only | FlowDirection::Up, _) => Way::Up,
        }
    }

    /// Passes what the streams of this end have sent to the screen, from any thread; `None` without
    /// a screen.
    pub fn streams(&self) -> Option<StreamCounter> {
        self.screen.as_ref().map(|screen| StreamCounter(screen.handle()))
    }

    /// One of this end's receivers has completed an interval.
    pub fn stream_interval(&self, stream: u32, lane: FlowDirection, interval: &BlastInterval) {
        if let Some(screen) = &self.screen {
            screen.update(|scene, _| scene.received(stream, lane, interval));
        }
    }

    /// The server granted the run, and it begins.
    pub fn started(&mut self) {
        if let Some(screen) = &self.screen {
            let heading = self.heading;
            screen.update(|scene, now| scene.begin(now, heading));
        }
        if self.text {
            self.print(&self.page.paragraph("", 2, &self.heading.text()));
            if self.lines.is_some() {
                self.output.line("");
            }
        }
        shared(&self.so_far).began = Some(Instant::now());
    }

    /// Shows on a terminal what goes on, and says how the run stands whenever `asked` says that the
    /// user has asked.
    pub fn watched(mut self, mut asked: impl FnMut() -> bool + Send + 'static) -> io::Result<Self> {
        let (expected, so_far) = (self.expected, Arc::clone(&self.so_far));
        let (target, drawn) = (self.heading.target, Arc::clone(&self.so_far));
        let line = move |elapsed, page: Page| match (shared(&drawn).began, expected) {
            (None, _) => waiting_for(target, elapsed),
            (Some(began), Some(expected)) => blast_bar_text(expected, began.elapsed().into(), page),
            (Some(began), None) => whole_seconds(began.elapsed().into()),
        };
        let told = move |elapsed| {
            let so_far = *shared(&so_far);
            asked().then(|| match so_far.began {
                None => waiting_for(target, elapsed),
                Some(began) => so_far_text(&so_far, began.elapsed().into()),
            })
        };
        let shown = ProgressLine::when(!self.quiet && self.screen.is_none());
        self.progress = Some(Progress::start(shown, line, told)?);
        Ok(self)
    }

    /// An interval has ended.
    pub fn interval(&mut self, lane: FlowDirection, interval: &BlastInterval) -> Flow {
        shared(&self.so_far).add(lane, interval);
        let direction = self.way_of(lane);
        if let Some(metrics) = &mut self.metrics {
            metrics.interval(direction, interval);
        }
        if let Some(screen) = &self.screen {
            screen.update(|scene, _| scene.interval(lane, interval));
        }
        if let Some(records) = &mut self.records {
            return records
                .record("interval", &DirectedInterval { direction, interval: *interval });
        }
        let Some(line) = self.lines.as_mut().and_then(|lines| lines.next(lane, interval)) else {
            return Flow::Continue;
        };
        self.print(&line)
    }

    /// The run is over: nothing is drawn any more.
    pub fn over(&mut self) {
        if self.screen.take().is_some() {
            // The terminal may have another size by now.
            self.page = Page::of_stdout();
        }
        self.progress = None;
    }

    /// The whole report.
    pub fn finish(&mut self, report: &BlastReport) {
        self.over();
        if let Some(records) = &mut self.records
            && records.format() == LineFormat::Events
        {
            records.event("summary", report);
            return;
        }
        let sent = report.main.sent.as_ref().map_or(0, |sent| sent.datagrams);
        let nothing = sent == 0 && report.main.received.is_none_or(|got| got.datagrams == 0);
        if nothing && report.failure.is_some() {
            return;
        }
        if self.records.is_none() {
            self.print(&format!("\n{}", blast_text(report, self.page)));
        } else if !self.quiet {
            // The rows have standard output for themselves.
            blast_text(report, Page::new(Page::WIDEST)).lines().for_each(note);
        }
    }

    fn print(&mut self, text: &str) -> Flow {
        self.output.line(text.trim_end_matches('\n'))
    }
}

/// Passes what this end's streams have sent to a screen; cheap to clone.
#[derive(Clone)]
pub struct StreamCounter(LiveHandle<BlastScene>);

impl StreamCounter {
    /// The stream has sent so many datagrams so far.
    pub fn sent(&self, stream: u32, lane: FlowDirection, datagrams: u64) {
        self.0.update(|scene, now| scene.sent(stream, lane, datagrams, now));
    }
}

fn shared(so_far: &Mutex<SoFar>) -> std::sync::MutexGuard<'_, SoFar> {
    so_far.lock().unwrap_or_else(PoisonError::into_inner)
}

fn interval_line(
    lane: FlowDirection,
    interval: &BlastInterval,
    unit: RateUnit,
    page: Page,
) -> String {
    let end = (Nanos(interval.start_ns) + Nanos(interval.duration_ns)).as_secs_f64();
    let packets = fresh_of(interval) as f64 * 1e9 / interval.duration_ns.max(1) as f64;
    let way = match lane {
        FlowDirection::Only => "",
        FlowDirection::Up => "  up  ",
        FlowDirection::Down => "  down",
    };
    let first = format!(
        "{way}  {end:7.2} s {}  {}   ",
        unit.bits(Some(bits_of(interval))),
        unit.packets(Some(packets)),
    );
    let of = numbers_of(interval);
    let mut told = format!("lost {}", lost(interval.lost, of));
    let beside = [
        // Of the lost, by the socket.
        (interval.socket_drops.saturating_sub(interval.damaged), "drops"),
        (interval.damaged, "damaged"),
        (interval.cut, "cut"),
        (interval.altered, "altered"),
        (interval.duplicates, "duplicates"),
        (interval.reordered, "reordered"),
    ];
    for (count, what) in beside {
        if count > 0 {
            // Writing to a string does not fail.
            let _ = write!(told, "   {what}{GLUE}{}", group_digits(count));
        }
    }
    page.paragraph(&first, first.chars().count(), &told)
}

/// The report of a run.
pub fn blast_text(report: &BlastReport, page: Page) -> String {
    let both = report.reverse.is_some();
    let mut text = String::new();
    if both {
        text.push_str("  up: this host sends to the server\n");
    }
    text.push_str(&direction_text(report, &report.main, page));
    if let Some(reverse) = &report.reverse {
        text.push_str("\n  down: the server sends to this host\n");
        text.push_str(&direction_text(report, reverse, page));
    }
    text.push_str(&report.probe.iter().map(|probe| probe_text(probe, page)).collect::<String>());
    text.push_str(&iperf3_text(report, page));
    text.push_str(
        &page.labelled("sizes", &report.sizes.iter().map(sizes_line).collect::<Vec<_>>()),
    );
    text.push_str(&header_text(report, page));
    // Where directions list theirs, these are among them.
    if ways(report).all(|way| way.arrival_gaps.is_none()) {
        text.push_str(&page.told("outage", report.outages.as_deref().unwrap_or_default()));
    }
    text.push_str(&moved_text(report, page));
    text.push_str(&keepalive_text(report, page));
    if report.interrupted {
        text.push_str(&page.labelled("ended", &["early, by the user"]));
    }
    text.push_str(&findings_text(report, page));
    let lines = if both { limit_lines_by_way } else { limit_lines };
    for line in lines(&report.limits) {
        text.push_str(&page.paragraph("", 13, &line));
    }
    text.push_str(&page.labelled("caution", &cautions(report)));
    text
}

fn direction_text(report: &BlastReport, way: &DirectionReport, page: Page) -> String {
    [
        traffic_text(report, way),
        "\n".to_owned(),
        size_table(&way.size_rows),
        page.labelled("lost", &lost_lines(report, way)),
        page.labelled("changed", &changed_lines(report, way)),
        if way.ecn_classes.len() > 1 {
            String::new()
        } else {
            stream_table(&way.stream_rows, way.lost.as_ref())
        },
        ecn_text(way, page),
        page.labelled("order", &order_lines(way)),
        gap_text(way, page),
        page.labelled(
            "outages",
            &way.arrival_gaps.iter().flat_map(outage_lines).collect::<Vec<_>>(),
        ),
        page.labelled("paused", &pauses(way)),
        refused_text(way, page),
        match way.capacity {
            None => ended(over_time(&way.intervals, way.duration_ns)),
            Some(_) => capacity_text(way, page),
        },
        delay_text(way, page),
        page.labelled("io", &[io_line(report, way)]),
    ]
    .concat()
}

/// What was offered, sent and received, in one unit.
fn traffic_text(report: &BlastReport, way: &DirectionReport) -> String {
    let wire = if report.loopback { "Ethernet equivalent" } else { "on the wire" };
    let rates = [way.offered, way.sent, way.received];
    let highest = rates.iter().flatten().filter_map(|flow| flow.bits_per_second).max();
    let unit = RateUnit::for_rate(highest.unwrap_or(0));
    let mut rows = vec![["", "datagrams", "goodput", "rate", wire].map(str::to_owned).to_vec()];
    for (name, traffic) in ["offered", "sent", "received"].into_iter().zip(rates) {
        rows.push(traffic_row(name, traffic, unit));
    }
    if let Some(copies) = way.copies.filter(|copies| copies.datagrams > 0) {
        // Copies are on the wire, but no goodput.
        let traffic = Traffic { bits_per_second: None, ..copies };
        rows.push(traffic_row("copies", Some(traffic), unit));
    }
    let right = Align::Right;
    table(&[Align::Left, right, right, right, right], rows)
}

fn traffic_row(name: &str, traffic: Option<Traffic>, unit: RateUnit) -> Vec<String> {
    let rate = |rate: Option<u64>| rate.map(|rate| rate as f64);
    let bits = |bits: Option<u64>| unit.bits(rate(bits)).trim().to_owned();
    let Some(traffic) = traffic else { return vec![name.to_owned(), "-".to_owned()] };
    vec![
        name.to_owned(),
        group_digits(traffic.datagrams),
        bits(traffic.bits_per_second),
        unit.packets(rate(traffic.datagrams_per_second)).trim().to_owned(),
        bits(traffic.ethernet_bits_per_second),
    ]
}

fn gap_text(way: &DirectionReport, page: Page) -> String {
    let gap = way.silence_ns.map(|gap| format!("largest inter-arrival gap {}", Nanos(gap)));
    page.labelled("gap", gap.as_slice())
}

/// Pauses of either host, which are not the path's.
fn pauses(way: &DirectionReport) -> Vec<String> {
    let (sender, receiver) = match way.direction {
        Way::Down => ("the server", "this host"),
        Way::Up | Way::RoundTrip => ("this host", "the server"),
    };
    let ends = [
        (sender, way.sender_pause_ns, "nothing was sent meanwhile"),
        (receiver, way.receiver_pause_ns, "what arrived was read later"),
    ];
    let shown = |pause: Option<u64>| pause.map(Nanos).filter(|pause| *pause >= SHOWN_PAUSE);
    ends.into_iter()
        .filter_map(|(end, pause, meaning)| Some((end, shown(pause)?, meaning)))
        .map(|(end, pause, meaning)| format!("{end} paused for {pause}: {meaning}"))
        .collect()
}

fn refused_text(report: &DirectionReport, page: Page) -> String {
    let lines = |refusals: &[Refusal]| -> Vec<String> {
        let line = |one: &Refusal| {
            let (many, when) = (plural(one.datagrams, "datagram"), occurrence_text(one.seen));
            format!("{many}: {}{when}", one.cause.text())
        };
        refusals.iter().map(line).collect()
    };
    let unsent = (report.unsent > 0)
        .then(|| format!("{} still due at the end", group_digits(report.unsent)));
    [
        page.labelled("refused", &lines(&report.refused)),
        page.labelled("network", &lines(&report.network_errors)),
        page.labelled("unsent", unsent.as_slice()),
    ]
    .concat()
}

/// What is particular to an iperf3 server.
fn iperf3_text(report: &BlastReport, page: Page) -> String {
    let Some(iperf3) = &report.iperf3 else { return String::new() };
    let mut lines = vec![iperf3.text()];
    if let Some(lost) = iperf3.lost_without_tail {
        lines.push(format!("lost as iperf3 shows it, without the tail: {}", group_digits(lost)));
    }
    page.labelled("iperf3", &lines)
}

fn header_text(report: &BlastReport, page: Page) -> String {
    let header = report.header;
    let line = format!(
        "{} of {} wire bytes are UDP's ({:.1}%); TCP's would be {}",
        header.udp_bytes,
        header.wire_bytes,
        header.udp_bytes as f64 * 100.0 / header.wire_bytes.max(1) as f64,
        header.tcp_bytes
    );
    page.labelled("header", &[line])
}

fn moved_text(report: &BlastReport, page: Page) -> String {
    let line = |change: &AddressMove| {
        let from = change.from.as_deref().unwrap_or("-");
        let lost = [(change.lost_up, "up"), (change.lost_down, "down")];
        let lost = lost.iter().filter_map(|(count, way)| Some((group_digits((*count)?), way)));
        let lost: Vec<_> =
            lost.map(|(count, way)| format!(", lost meanwhile {way} {count}")).collect();
        let at = Nanos(change.after_ns);
        let only = change.stream.map(|stream| format!("stream {stream} ")).unwrap_or_default();
        format!("at {at}: {only}from {from} to {}{}", change.to, lost.concat())
    };
    let moves = report.address_changes.iter().map(line).collect::<Vec<_>>();
    let own = page.told("interface", &report.interface_events);
    own + &page.labelled("moved", &moves)
}

fn keepalive_text(report: &BlastReport, page: Page) -> String {
    let told = (report.keepalives > 0).then(|| {
        let many = plural(report.keepalives, "datagram");
        format!("{many} to keep the path open, counted apart")
    });
    page.labelled("keepalive", &told.into_iter().collect::<Vec<_>>())
}

fn delay_text(report: &DirectionReport, page: Page) -> String {
    let mut text = String::new();
    if report.delay_above_min_ns != DelayQuantiles::default() {
        let told = quantile_text(&report.delay_above_min_ns);
        text.push_str(&page.labelled("delay, ms", &[format!("{told}   above minimum")]));
    }
    if let Some(drift) = report.drift_ppb.filter(|drift| drift.abs() >= SHOWN_DRIFT) {
        let ppm = drift as f64 / 1e3;
        let line = format!("the receiver's drifts {ppm:+.2} ppm from the sender's (compensated)");
        text.push_str(&page.labelled("clocks", &[line]));
    }
    if report.lateness_ns != DelayQuantiles::default() {
        let told = quantile_text(&report.lateness_ns);
        text.push_str(&page.labelled("late, ms", &[format!("{told}   behind schedule")]));
        let line = format!(
            "bursts of at most {}, caught up {}",
            group_digits(report.quantum),
            times(report.catch_ups)
        );
        text.push_str(&page.labelled("schedule", &[line]));
    }
    text
}

/// Percentiles in milliseconds; `-` if fewer than ten samples lie beyond.
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
    let tx = match io.tx {
        Some(tx) if report.sizes.is_some() => format!("{tx} {} of several sizes", io.batch),
        Some(tx) => format!("{tx} {} × {}", io.batch, report.payload_bytes),
        None => "-".to_owned(),
    };
    let buffer = io
        .receive_buffer_granted
        .map_or_else(|| "-".to_owned(), |bytes| format!("{} KiB", bytes / 1024));
    let rx = io.rx.map_or_else(|| "-".to_owned(), |rx| rx.to_string());
    format!("sender {tx}, receiver {rx}, receive buffer {buffer}")
}

/// Round trips on the idle path and under load, one above the other.
fn probe_text(probe: &ProbeReport, page: Page) -> String {
    let row = |name: &str, trips: &RoundTrips| {
        let told = quantile_text(&trips.round_trip_ns);
        let lost = trips.sent.saturating_sub(trips.back);
        let (lost, sent) = (group_digits(lost), group_digits(trips.sent));
        page.labelled(name, &[format!("{told}   lost {lost} of {sent}")])
    };
    let factor = probe.loaded_per_idle_milli.map(|factor| {
        format!("the median under load is {:.1} times the idle one", factor as f64 / 1e3)
    });
    [
        "  round trip, ms\n".to_owned(),
        row("idle", &probe.idle),
        row("loaded", &probe.loaded),
        page.labelled("", factor.as_slice()),
    ]
    .concat()
}

/// A sentence about one direction, which is named if the run has two.
fn of_way(report: &BlastReport, way: &DirectionReport, sentence: &str) -> String {
    match report.reverse {
        Some(_) => format!("{}: {sentence}", way_name(way.direction)),
        None => sentence.to_owned(),
    }
}

fn ways(report: &BlastReport) -> impl Iterator<Item = &DirectionReport> {
    [Some(&report.main), report.reverse.as_ref()].into_iter().flatten()
}

/// Verdict and advice for each direction.
fn findings_text(report: &BlastReport, page: Page) -> String {
    let verdict = |way: &DirectionReport| of_way(report, way, &way.findings.verdict.text());
    let advice = |way: &DirectionReport| Some(of_way(report, way, &way.advice?.text()));
    let verdicts: Vec<_> = ways(report).map(verdict).collect();
    let advices: Vec<_> = ways(report).filter_map(advice).collect();
    let evidence = |way: &'_ DirectionReport| {
        let told = way.findings.evidence.iter();
        told.map(|one| of_way(report, way, &one.text())).collect::<Vec<_>>()
    };
    let others = |way: &'_ DirectionReport| {
        let told = way.findings.alternatives.iter();
        told.map(|one| of_way(report, way, &one.text())).collect::<Vec<_>>()
    };
    [
        page.labelled("verdict", &verdicts),
        page.labelled("evidence", &ways(report).flat_map(evidence).collect::<Vec<_>>()),
        page.labelled("may be", &ways(report).flat_map(others).collect::<Vec<_>>()),
        page.labelled("advice", &advices),
    ]
    .concat()
}

/// The cautions about the figures.
fn cautions(report: &BlastReport) -> Vec<String> {
    ways(report)
        .flat_map(|way| {
            way.findings.caveats.iter().map(move |caveat| {
                if caveat.is_of_one_way() {
                    of_way(report, way, &caveat.text())
                } else {
                    caveat.text()
                }
            })
        })
        .collect()
}
