//! What `relay` prints: what became of the datagrams of each direction, flow and destination.

use super::live_view::LiveScreen;
use super::number::{bits_or_dash, millis_or_dash, packets_or_dash};
use super::page::{Align, ended, table};
use super::relay_destinations::destinations;
use super::relay_scene::RelayScene;
use super::words::arrival_gaps::outage_lines;
use super::words::occurrence::{occurrence_text, trouble_text};
use super::words::relay as words;
use super::words::terms::plural;
use super::{
    Columns, LineFormat, Output, Page, RecordLines, note, print_json, print_table, print_text,
    send_refusal_line, send_trouble_line, status, warning,
};
use crate::record::{
    DelayQuantiles, Document, Flow, RelayCounts, RelayDelay, RelayDirection, RelayEvent, RelayFlow,
    RelayInterval, RelayRates, RelayRefusal, RelaySummary, Sink, Worded,
};
use crate::units::{Nanos, group_digits};
use std::io;

/// Rows of flows in a text; JSON has more.
const FLOWS: usize = 16;
/// Columns of a client's address.
const CLIENT: usize = 19;

/// `relay --csv`: one flow.
pub const FLOW_COLUMNS: Columns = Columns::of(&[
    "client",
    "listen",
    "first_ns",
    "last_ns",
    "end",
    "up.received",
    "up.received_bytes",
    "up.copies",
    "up.forwarded",
    "up.forwarded_bytes",
    "up.dropped.total",
    "up.refused.total",
    "up.queued",
    "down.received",
    "down.received_bytes",
    "down.copies",
    "down.forwarded",
    "down.forwarded_bytes",
    "down.dropped.total",
    "down.refused.total",
    "down.queued",
]);

/// What `relay` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayView {
    /// Text.
    Text,
    /// Nothing but errors.
    Quiet,
    /// One JSON document at the end.
    Document,
    /// Lines for programs.
    Lines(LineFormat),
}

/// Prints the output of `relay`.
pub struct RelayReport {
    view: RelayView,
    out: Output,
    lines: Option<RecordLines>,
    /// The live view, where there is one.
    screen: Option<LiveScreen<RelayScene>>,
}

impl RelayReport {
    /// A report.
    pub fn new(view: RelayView) -> Self {
        let lines = match view {
            RelayView::Lines(format @ LineFormat::Events) => {
                Some(RecordLines::begin(format, "relay", FLOW_COLUMNS))
            }
            _ => None,
        };
        Self { view, out: Output::new(), lines, screen: None }
    }

    /// The same report, with a screen of graphs while the run goes on; the quit key calls
    /// `interrupt`.
    pub fn on_screen(self, scene: RelayScene, interrupt: fn()) -> io::Result<Self> {
        Ok(Self { screen: Some(LiveScreen::start(scene, interrupt)?), ..self })
    }

    /// Prints the result.
    pub fn finish(mut self, summary: &RelaySummary) {
        drop(self.screen.take());
        match self.view {
            RelayView::Document => {
                print_json(&Document::new("relay", summary));
            }
            RelayView::Lines(LineFormat::Events) => {
                if let Some(lines) = &mut self.lines {
                    lines.event("summary", summary);
                }
            }
            RelayView::Lines(LineFormat::Rows) => {
                print_table(FLOW_COLUMNS, &summary.flow_rows);
                relay_text(summary, Page::of_stdout()).trim_end().lines().for_each(note);
            }
            RelayView::Text => {
                print_text(&relay_text(summary, Page::of_stdout()));
            }
            RelayView::Quiet => {}
        }
    }

    fn interval(&mut self, interval: &RelayInterval) -> Flow {
        if let Some(screen) = &self.screen {
            screen.update(|scene, _| scene.interval(interval));
            return Flow::Continue;
        }
        match self.view {
            RelayView::Lines(LineFormat::Events) => self.event("interval", interval),
            RelayView::Text => self.out.line(relay_interval_line(interval)),
            RelayView::Document | RelayView::Lines(LineFormat::Rows) => {
                note(relay_interval_line(interval));
                Flow::Continue
            }
            RelayView::Quiet => Flow::Continue,
        }
    }

    fn event<T: serde::Serialize>(&mut self, event: &'static str, record: &T) -> Flow {
        self.lines.as_mut().map_or(Flow::Continue, |lines| lines.event(event, record))
    }
}

impl Sink<RelayEvent> for RelayReport {
    fn take(&mut self, event: RelayEvent) -> Flow {
        match event {
            RelayEvent::Interval(interval) => self.interval(&interval),
            RelayEvent::Destinations(rows) => {
                if let Some(screen) = &self.screen {
                    screen.update(|scene, _| scene.stand(rows));
                }
                Flow::Continue
            }
            RelayEvent::FlowEnded(flow) => self.event("flow", &flow),
            RelayEvent::Note(told) => {
                if told.is_warning() {
                    warning(told.text());
                } else {
                    note(told.text());
                }
                Flow::Continue
            }
            RelayEvent::Trouble(trouble) => {
                warning(send_trouble_line(&trouble));
                Flow::Continue
            }
            RelayEvent::Refused(refusal) => {
                warning(send_refusal_line(&refusal));
                Flow::Continue
            }
            RelayEvent::Status(so_far) => {
                status(relay_interval_line(&so_far));
                Flow::Continue
            }
            RelayEvent::Standing(_) => Flow::Continue,
        }
    }
}

/// One line of a running relay.
pub fn relay_interval_line(interval: &RelayInterval) -> String {
    let end = Nanos(interval.start_ns + interval.duration_ns).as_secs_f64();
    let [up, down] = [&interval.up, &interval.down].map(|way| {
        let packets = packets_or_dash(way.forwarded_datagrams_per_second);
        let bits = bits_or_dash(way.forwarded_bits_per_second);
        format!("{packets:>9} {bits:>11}")
    });
    let lost = |way: &RelayRates| way.dropped_datagrams + way.refused_datagrams;
    let lost = group_digits(lost(&interval.up) + lost(&interval.down));
    format!("{end:>7.1} s  up {up}  down {down}  lost {lost}")
}

/// The report as text.
pub fn relay_text(summary: &RelaySummary, page: Page) -> String {
    let mut text = page.paragraph("", 2, &heading(summary));
    text.push('\n');
    text.push_str(&directions(summary));
    for (name, way) in [("up", &summary.up), ("down", &summary.down)] {
        text.push_str(&page.labelled(name, &impairments(way)));
    }
    let delays = [("up", &summary.up.delay), ("down", &summary.down.delay)];
    if delays.iter().any(|(_, delay)| delay.is_some()) {
        text.push('\n');
        text.push_str(&delay_table(delays));
    }
    text.push('\n');
    text.push_str(&destinations(&summary.destination_rows));
    if !summary.flow_rows.is_empty() {
        text.push('\n');
        text.push_str(&flows(summary));
        text.push_str(&flow_delays(summary));
        text.push_str(&flow_gaps(summary, page));
    }
    let rest = others(summary);
    if !rest.is_empty() {
        text.push('\n');
        text.push_str(&page.fit_all(&rest));
    }
    text.push_str(&page.told("caution", &summary.caveats));
    text
}

fn heading(summary: &RelaySummary) -> String {
    let listen: Vec<_> = summary.listen_addresses.iter().map(ToString::to_string).collect();
    let flows = plural(summary.flows, "flow");
    let ended = if summary.interrupted { " (interrupted)" } else { "" };
    let seed = summary.seed.map_or_else(String::new, |seed| format!("   seed {seed}"));
    let time = Nanos(summary.duration_ns);
    format!("relayed at {}   {time}{ended}   {flows}{seed}", listen.join(", "))
}

/// What became of the datagrams of both directions.
fn directions(summary: &RelaySummary) -> String {
    let (up, down) = (&summary.up, &summary.down);
    let count = |name: &str, of: &dyn Fn(&RelayCounts) -> u64| {
        vec![name.to_owned(), group_digits(of(&up.counts)), group_digits(of(&down.counts))]
    };
    let rate = |name: &str, of: &dyn Fn(&RelayDirection) -> String| {
        vec![name.to_owned(), of(up), of(down)]
    };
    let rows = vec![
        vec![String::new(), "up".to_owned(), "down".to_owned()],
        count("received", &|counts| counts.received),
        count("copies", &|counts| counts.copies),
        count("forwarded", &|counts| counts.forwarded),
        count("dropped", &|counts| counts.dropped.total),
        count("refused", &|counts| counts.refused.total),
        count("queued", &|counts| counts.queued),
        count("forwarded bytes", &|counts| counts.forwarded_bytes),
        rate("forwarded", &|way| packets_or_dash(way.forwarded_datagrams_per_second)),
        rate("goodput", &|way| bits_or_dash(way.forwarded_bits_per_second)),
    ];
    table(&[Align::Left, Align::Right, Align::Right], rows)
}

/// What impairments did to the datagrams of a direction, and why others were refused.
fn impairments(way: &RelayDirection) -> Vec<String> {
    let counts = &way.counts;
    let some =
        |count: u64, what: &str| (count > 0).then(|| format!("{} {what}", group_digits(count)));
    let done = [
        some(counts.dropped.lost, "lost"),
        some(counts.dropped.blackout, "lost while the link was down"),
        some(counts.dropped.too_big, "above the MTU"),
        some(counts.dropped.rate_queue_full, "dropped by the full queue of the rate"),
        some(counts.duplicated, "duplicated"),
        some(counts.delayed, "delayed"),
        some(counts.held_back, "held back to be reordered"),
        some(counts.corrupted, "with a bit flipped"),
        some(counts.changed, "cut or rewritten"),
        some(counts.marked, "marked with CE"),
    ];
    let done: Vec<String> = done.into_iter().flatten().collect();
    let mut lines = Vec::new();
    if !done.is_empty() {
        lines.push(format!("impairments: {}", done.join(", ")));
    }
    for why in RelayRefusal::ALL {
        let count = counts.refused.count(why);
        if count > 0 {
            lines.push(format!("refused {}: {}", group_digits(count), words::refusal(why)));
        }
    }
    lines
}

fn delay_table(ways: [(&str, &Option<RelayDelay>); 2]) -> String {
    let cells = |name: String, of: DelayQuantiles| {
        let mut row = vec![name];
        row.extend([of.p50, of.p90, of.p99, of.p999, of.max].map(millis_or_dash));
        row
    };
    let head = ["delay, ms", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for (name, delay) in ways {
        let Some(RelayDelay { asked_ns, achieved_ns, late_ns }) = delay else { continue };
        rows.push(cells(format!("{name} asked"), *asked_ns));
        rows.push(cells(format!("{name} achieved"), *achieved_ns));
        rows.push(cells(format!("{name} late"), *late_ns));
    }
    let align = [Align::Left, Align::Right, Align::Right, Align::Right, Align::Right, Align::Right];
    table(&align, rows)
}

/// The flows, with what became of their datagrams.
fn flows(summary: &RelaySummary) -> String {
    let head = ["up", "forwarded", "lost", "down", "forwarded", "lost"].map(str::to_owned);
    let mut lines = vec![flow_line("client", &head)];
    for flow in summary.flow_rows.iter().take(FLOWS) {
        let cells = [&flow.up, &flow.down].map(|way| {
            let lost = way.dropped.total + way.refused.total;
            [way.received, way.forwarded, lost].map(group_digits)
        });
        push_flow(&mut lines, flow, &cells.concat());
    }
    let more = summary.flow_rows.len().saturating_sub(FLOWS) as u64 + summary.other_flows.flows;
    if more > 0 {
        lines.push(format!("  and {}", plural(more, "other flow")));
    }
    ended(lines)
}

/// The delays of each flow, where there are several; in one flow they are those of the direction.
fn flow_delays(summary: &RelaySummary) -> String {
    let is_delayed = |flow: &&RelayFlow| flow.up_delay.is_some() || flow.down_delay.is_some();
    if summary.flows < 2 || !summary.flow_rows.iter().any(|flow| is_delayed(&flow)) {
        return String::new();
    }
    let head = ["up p50", "p99", "late", "down p50", "p99", "late"].map(str::to_owned);
    let mut lines = vec![String::new(), flow_line("delay, ms (late: p99)", &head)];
    for flow in summary.flow_rows.iter().take(FLOWS).filter(is_delayed) {
        let cells = [flow.up_delay, flow.down_delay].map(|delay| {
            let delay = delay.unwrap_or_default();
            let (achieved, late) = (delay.achieved_ns, delay.late_ns.p99);
            [achieved.p50, achieved.p99, late].map(millis_or_dash)
        });
        push_flow(&mut lines, flow, &cells.concat());
    }
    ended(lines)
}

/// The gaps in the arrivals of each flow, if they were asked for.
fn flow_gaps(summary: &RelaySummary, page: Page) -> String {
    let mut text = String::new();
    for flow in summary.flow_rows.iter().take(FLOWS) {
        let client = flow.client.map_or_else(|| "all clients".to_owned(), |one| one.to_string());
        for (way, gaps) in [("up", &flow.up_gaps), ("down", &flow.down_gaps)] {
            for line in gaps.iter().flat_map(outage_lines) {
                text.push_str(&page.paragraph("", 4, &words::gap(way, &client, &line)));
            }
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// A flow's row; a long address has a line of its own.
fn push_flow(lines: &mut Vec<String>, flow: &RelayFlow, cells: &[String]) {
    let client = flow.client.map_or_else(|| "all clients".to_owned(), |one| one.to_string());
    if client.chars().count() > CLIENT {
        lines.push(format!("  {client}"));
        lines.push(flow_line("", cells));
    } else {
        lines.push(flow_line(&client, cells));
    }
}

fn flow_line(client: &str, cells: &[String]) -> String {
    let mut line = format!("  {client:<CLIENT$}");
    for (number, cell) in cells.iter().enumerate() {
        let width = if number % 3 == 2 { 7 } else { 9 };
        line.push_str(&format!(" {cell:>width$}"));
    }
    line
}

/// Refusals by this host, errors from the network, and what happened to interfaces.
fn others(summary: &RelaySummary) -> Vec<String> {
    let mut lines = Vec::new();
    for refusal in &summary.refusals {
        let count = group_digits(refusal.datagrams);
        let when = occurrence_text(refusal.seen);
        lines.push(format!(
            "  not sent {count} to {}: {}{when}",
            refusal.destination, refusal.cause
        ));
    }
    lines.extend(summary.network_errors.iter().map(|one| format!("  {}", trouble_text(one))));
    if summary.other_network_errors > 0 {
        let count = plural(summary.other_network_errors, "error");
        lines.push(format!("  and {count} of other kinds"));
    }
    lines.extend(summary.interface_events.iter().map(|event| format!("  {}", event.text())));
    lines
}
