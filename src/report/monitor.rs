//! What `monitor` prints: a line for each event, a table for each interval, the targets at the end.

use super::clock::{Clock, TimeStyle};
use super::limits::limit_lines;
use super::number::{millis_or_dash, plural};
use super::page::{Align, table};
use super::words::monitor as words;
use super::words::terms::share;
use super::{Columns, LineFormat, Output, Page, RecordLines, note, print_json, print_text, status};
use crate::record::{
    Document, Flow, MonitorEvent, MonitorInterval, MonitorNews, MonitorRow, MonitorSummary,
    MonitorTarget, Sink, Worded,
};
use crate::units::{Nanos, group_digits};
use std::cmp::Reverse;

/// Rows of targets in a text; JSON has all.
const ROWS: usize = 24;

/// `monitor --csv`: a target in one interval.
pub const MONITOR_COLUMNS: Columns = Columns::of(&[
    "time_ns",
    "target",
    "address",
    "is_down",
    "sent",
    "never_sent",
    "back",
    "lost",
    "round_trip_mean_ns",
    "round_trip_max_ns",
]);

/// What `monitor` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonitorView {
    /// Text.
    Text,
    /// The result only.
    Quiet,
    /// One JSON document at the end.
    Document,
    /// Lines for programs.
    Lines(LineFormat),
}

/// Prints the output of `monitor`.
pub struct MonitorReport {
    view: MonitorView,
    out: Output,
    clock: Clock,
    lines: Option<RecordLines>,
}

impl MonitorReport {
    /// A report.
    pub fn new(view: MonitorView, times: TimeStyle) -> Self {
        let lines = match view {
            MonitorView::Lines(format) => {
                Some(RecordLines::begin(format, "monitor", MONITOR_COLUMNS))
            }
            _ => None,
        };
        Self { view, out: Output::new(), clock: Clock::new(times), lines }
    }

    /// Prints the result.
    pub fn finish(mut self, summary: &MonitorSummary) {
        match self.view {
            MonitorView::Document => {
                print_json(&Document::new("monitor", summary));
            }
            MonitorView::Lines(LineFormat::Events) => {
                self.event("summary", summary);
            }
            MonitorView::Lines(LineFormat::Rows) => {
                monitor_text(summary, Page::of_stdout()).trim_end().lines().for_each(note);
            }
            MonitorView::Text | MonitorView::Quiet => {
                print_text(&monitor_text(summary, Page::of_stdout()));
            }
        }
    }

    fn news(&mut self, news: &MonitorNews) -> Flow {
        let mut line = String::new();
        self.clock.write(Nanos(news.time_ns), &mut line);
        line.push_str("  ");
        line.push_str(&news_text(news));
        note(line);
        self.event("news", &Told { news, text: news.change.text() })
    }

    fn interval(&mut self, interval: &MonitorInterval) -> Flow {
        match self.view {
            MonitorView::Lines(_) => self.event("interval", interval),
            MonitorView::Text => {
                let text = interval_text(interval);
                self.out.line(text.trim_end())
            }
            MonitorView::Quiet | MonitorView::Document => Flow::Continue,
        }
    }

    fn event<T: serde::Serialize>(&mut self, event: &'static str, record: &T) -> Flow {
        self.lines.as_mut().map_or(Flow::Continue, |lines| lines.event(event, record))
    }
}

/// News with their text.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    news: &'a MonitorNews,
    text: String,
}

impl Sink<MonitorEvent> for MonitorReport {
    fn take(&mut self, event: MonitorEvent) -> Flow {
        match event {
            MonitorEvent::News(news) | MonitorEvent::Threshold { news, .. } => self.news(&news),
            MonitorEvent::Row(row) => {
                self.lines.as_mut().map_or(Flow::Continue, |lines| lines.record("row", &row))
            }
            MonitorEvent::Gone(row) => self.event("removed", &row),
            MonitorEvent::Standing(_) => Flow::Continue,
            MonitorEvent::Interval(interval) => self.interval(&interval),
            MonitorEvent::Status(interval) => {
                interval_text(&interval).trim_end().lines().for_each(status);
                Flow::Continue
            }
            MonitorEvent::Reloaded(reload) => {
                note(words::reloaded(&reload));
                self.event("reloaded", &reload)
            }
        }
    }
}

/// An event without its time.
pub fn news_text(news: &MonitorNews) -> String {
    let address = news.address.map(|one| one.to_string()).filter(|one| *one != news.target);
    let address = address.map_or_else(String::new, |one| format!(" ({one})"));
    format!("{}{address}: {}", news.target, news.change.text())
}

/// One interval: a line, and the worst targets.
pub fn interval_text(interval: &MonitorInterval) -> String {
    let end = Nanos(interval.start_ns + interval.duration_ns);
    let down = match interval.targets_down {
        0 => String::new(),
        down => format!(", {} down", group_digits(down)),
    };
    let missed = match interval.never_sent {
        0 => String::new(),
        many => format!("{:13}never sent {}\n", "", group_digits(many)),
    };
    let mut text = format!(
        "{:>8.0} s  {}{down}   sent {}   lost {}\n{missed}",
        end.as_secs_f64(),
        plural(interval.targets, "target"),
        group_digits(interval.sent),
        counted(interval.lost, interval.back + interval.lost),
    );
    if !interval.worst.is_empty() {
        let head = ["worst", "", "sent", "lost", "mean, ms", "max, ms"].map(str::to_owned).to_vec();
        let rows = std::iter::once(head).chain(interval.worst.iter().map(row_cells));
        text.push_str(&table(&ALIGN, rows));
    }
    text
}

const ALIGN: [Align; 6] =
    [Align::Left, Align::Left, Align::Right, Align::Right, Align::Right, Align::Right];

fn row_cells(row: &MonitorRow) -> Vec<String> {
    vec![
        row.target.clone(),
        standing(row.is_down),
        group_digits(row.sent),
        counted(row.lost, row.back + row.lost),
        millis_or_dash(row.round_trip_mean_ns),
        millis_or_dash(row.round_trip_max_ns),
    ]
}

fn standing(is_down: bool) -> String {
    if is_down { "down" } else { "" }.to_owned()
}

fn counted(part: u64, of: u64) -> String {
    match (part, of) {
        (_, 0) => "-".to_owned(),
        (0, _) => "0".to_owned(),
        _ => format!("{} ({})", group_digits(part), share(part, of, 2)),
    }
}

/// The report as text.
pub fn monitor_text(summary: &MonitorSummary, page: Page) -> String {
    let ended = if summary.interrupted { " (interrupted)" } else { "" };
    let down = match summary.targets_down {
        0 => String::new(),
        down => format!(", {} down", group_digits(down)),
    };
    let heading = format!(
        "monitored {}{down}   {}{ended}",
        plural(summary.targets, "target"),
        Nanos(summary.duration_ns)
    );
    let mut text = page.paragraph("", 2, &heading);
    let late = millis_or_dash(summary.send_late_ns.p99);
    text.push_str(&format!(
        "  sent {}   answered {}   lost {}\n  never sent {}   late p99 {late} ms\n\n",
        group_digits(summary.sent),
        group_digits(summary.back),
        counted(summary.lost, summary.back + summary.lost),
        group_digits(summary.never_sent),
    ));
    text.push_str(&page.fit_all(&targets(summary).lines().collect::<Vec<_>>()));
    let told = summary.target_rows.iter().filter(|row| !row.limits.is_empty());
    let broken: Vec<&MonitorTarget> =
        told.filter(|row| row.limits.iter().any(|limit| !limit.held)).collect();
    for row in broken.iter().take(ROWS) {
        text.push_str(&format!("\n  {}\n", row.name));
        text.push_str(&page.fit_all(&limit_lines(&row.limits)));
    }
    let thresholds: Vec<String> = summary
        .thresholds
        .iter()
        .map(|one| match (one.broken, one.ended_run) {
            (0, _) => format!("held: {}", one.condition),
            (_, true) => format!("broken: {}, which ended the run", one.condition),
            (many, false) => format!("broken {}: {}", plural(many, "time"), one.condition),
        })
        .collect();
    if !thresholds.is_empty() {
        text.push('\n');
        text.push_str(&page.labelled("threshold", &thresholds));
    }
    text.push_str(&page.told("caution", &summary.caveats));
    text
}

/// The targets, worst first.
fn targets(summary: &MonitorSummary) -> String {
    let mut rows: Vec<&MonitorTarget> = summary.target_rows.iter().collect();
    let in_mille = |row: &MonitorTarget| row.lost.lost * 1_000 / (row.back + row.lost.lost).max(1);
    rows.sort_unstable_by_key(|row| {
        Reverse((row.is_down, row.outage_ns, in_mille(row), row.round_trip_ns.max.unwrap_or(0)))
    });
    let way = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), group_digits);
    let cells = |row: &&MonitorTarget| {
        let longest = Some(row.longest_outage_ns).filter(|longest| *longest > 0);
        vec![
            row.name.clone(),
            share(row.lost.lost, row.back + row.lost.lost, 2),
            way(row.lost.lost_out),
            way(row.lost.lost_back),
            if row.is_down { format!("{} down", row.outages) } else { group_digits(row.outages) },
            longest.map_or_else(|| "-".to_owned(), |longest| Nanos(longest).to_string()),
            millis_or_dash(row.round_trip_ns.p50),
            millis_or_dash(row.round_trip_ns.max),
        ]
    };
    let head = ["target", "lost", "out", "back", "outages", "longest", "p50, ms", "max, ms"];
    let head = head.map(str::to_owned).to_vec();
    let mut align = [Align::Right; 8];
    align[0] = Align::Left;
    let more = rows.len().saturating_sub(ROWS) as u64;
    let mut text = table(&align, std::iter::once(head).chain(rows.iter().take(ROWS).map(cells)));
    if more > 0 {
        text.push_str(&format!("  and {}\n", plural(more, "other target")));
    }
    text
}
