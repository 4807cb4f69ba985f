//! What `ping` prints.

mod csv;
mod delay;
mod live;
mod scene;
mod summary;

pub use csv::{HEAD as PING_TABLE_HEAD, row as ping_table_row};
pub use live::{
    reply_line as ping_reply_line, row as ping_row, timeout_line as ping_timeout_line,
    trouble_line as ping_trouble_line,
};
pub use scene::{PingScene, ReplyLines};
pub use summary::ping_text;

use super::hlog::HistogramLog;
use super::json::json_text;
use super::live_view::LiveScreen;
use super::{
    Clock, Output, Page, TimeStyle, interface_news, keep_page, print_json, status, warning,
};
use crate::batch::NetworkErrorSummary;
use crate::record::{
    Document, Event, Flow, PingEvent, PingInterval, PingSummary, SendRefusal, Sink,
};
use crate::units::Nanos;
use serde::Serialize;
use std::io;

/// How much `ping` prints, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingView {
    /// A line per reply, and the report.
    Lines,
    /// A row per target every second, and the report.
    Rows,
    /// Only the report.
    Quiet,
    /// One JSON document at the end.
    Document,
    /// A line of JSON per event.
    Events,
    /// A row of comma-separated values per probe.
    Table,
}

/// Prints the output of `ping`, and writes the histogram log of `--hlog`.
pub struct PingReport {
    view: PingView,
    /// Times at the start of lines, with `--timestamps`.
    clock: Option<Clock>,
    out: Output,
    names: Vec<String>,
    /// The live view, where there is one.
    screen: Option<LiveScreen<PingScene>>,
    hlog: Option<HistogramLog>,
    hlog_error: Option<io::Error>,
}

/// A line of `--jsonl`, with the target's name.
#[derive(Serialize)]
struct Named<'a, T> {
    name: &'a str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct NetworkErrorLine {
    #[serde(rename = "target_index")]
    target: usize,
    seq: Option<u64>,
    #[serde(serialize_with = "crate::record::finding::one")]
    error: NetworkErrorSummary,
}

/// The line of `--jsonl` for an event of the targets with these names; `None` for one that has no
/// line of its own.
pub fn ping_event_line(event: &PingEvent<'_>, names: &[String]) -> Option<String> {
    fn line<T: Serialize>(name: &'static str, body: T) -> String {
        json_text(&Event::new(name, "ping", body))
    }
    let name = |target: usize| names[target].as_str();
    Some(match event {
        PingEvent::Reply(body) => line("reply", Named { name: name(body.target), body }),
        PingEvent::TimedOut(body) => line("timeout", Named { name: name(body.target), body }),
        PingEvent::Trouble { target, seq, error } => {
            let (target, seq, error) = (*target, *seq, (*error).clone());
            let body = NetworkErrorLine { target, seq, error };
            line("network_error", Named { name: name(target), body })
        }
        PingEvent::Interface(event) => line("interface", event),
        _ => return None,
    })
}

/// The warning about a probe that this host refused to send.
pub fn ping_refusal_line(refusal: &SendRefusal) -> String {
    format!("{}: not sent: {}", refusal.destination, refusal.cause)
}

impl PingReport {
    /// A report on targets with these names.
    pub fn new(
        view: PingView,
        times: Option<TimeStyle>,
        names: Vec<String>,
        hlog: Option<HistogramLog>,
    ) -> Self {
        // Reply lines are flushed one by one; rows that may come by the million are flushed when
        // idle.
        let out = Output::buffered();
        let clock = times.map(Clock::new);
        Self { view, clock, out, names, screen: None, hlog, hlog_error: None }
    }

    /// The same report, with a screen of graphs in place of the lines; the quit key calls
    /// `interrupt`.
    pub fn on_screen(
        self,
        summary: &PingSummary,
        expected: Option<Nanos>,
        replies: ReplyLines,
        interrupt: fn(),
    ) -> io::Result<Self> {
        let heading = summary::heading(summary, &whom(summary), None);
        let (names, interval) = (self.names.clone(), summary.interval_ns.map(Nanos));
        let scene = PingScene::new(heading, names, expected, interval, replies);
        Ok(Self { screen: Some(LiveScreen::start(scene, interrupt)?), ..self })
    }

    /// The first line, before anything is sent.
    pub fn begin(&mut self, summary: &PingSummary) {
        match self.view {
            PingView::Lines | PingView::Rows => {
                self.out.line(summary::heading(summary, &whom(summary), None));
            }
            PingView::Table => {
                self.out.line(csv::HEAD);
            }
            PingView::Quiet | PingView::Document | PingView::Events => {}
        }
        self.out.flush();
    }

    /// Prints the end. The error is that of the histogram log.
    pub fn finish(mut self, summary: &PingSummary) -> io::Result<()> {
        if let Some(screen) = self.screen.take() {
            screen.update(|scene, _| scene.finish(summary));
        }
        keep_page("ping", summary);
        match self.view {
            PingView::Document => {
                print_json(&Document::new("ping", summary));
            }
            PingView::Events => {
                self.out.json_line(&Event::new("summary", "ping", summary));
            }
            PingView::Table => {
                // The rows must appear before messages about them.
                self.out.flush();
                summary::lines(summary).iter().for_each(status);
            }
            PingView::Lines | PingView::Rows | PingView::Quiet => {
                if self.view != PingView::Quiet {
                    self.out.line("");
                }
                for line in ping_text(summary, Page::of_stdout()).lines() {
                    self.out.line(line);
                }
            }
        }
        self.out.flush();
        summary::hint(summary).iter().for_each(status);
        if let Some(hlog) = &mut self.hlog {
            let flushed = hlog.flush();
            self.hlog_error = self.hlog_error.or(flushed.err());
        }
        self.hlog_error.map_or(Ok(()), Err)
    }

    fn interval(&mut self, interval: &PingInterval<'_>) -> Flow {
        if let Some(hlog) = &mut self.hlog {
            let tag = (self.names.len() > 1).then(|| self.names[interval.target].as_str());
            if let Err(error) = hlog.write(interval, tag) {
                self.hlog_error.get_or_insert(error);
                self.hlog = None;
                return Flow::Closed;
            }
        }
        if self.view != PingView::Rows || self.screen.is_some() {
            return Flow::Continue;
        }
        let several = self.names.len() > 1;
        let name = several.then(|| self.names[interval.target].as_str());
        let row = live::row(interval, name, self.clock.as_mut(), Page::of_stdout());
        self.out.line(row)
    }
}

/// The target, or how many there are.
fn whom(summary: &PingSummary) -> String {
    match &summary.targets[..] {
        [only] => summary::whom(only),
        several => format!("{} targets", several.len()),
    }
}

impl<'a> Sink<PingEvent<'a>> for PingReport {
    fn take(&mut self, event: PingEvent<'a>) -> Flow {
        let is_live = self.screen.is_some();
        if let Some(screen) = &self.screen {
            screen.update(|scene, now| scene.take(&event, now));
        }
        if self.view == PingView::Events
            && let Some(line) = ping_event_line(&event, &self.names)
        {
            return self.out.json_text(&line);
        }
        match (event, self.view) {
            (PingEvent::Reply(reply), PingView::Lines) if !is_live => {
                self.out.line(live::reply_line(reply, self.clock.as_mut()))
            }
            (PingEvent::TimedOut(timeout), PingView::Lines) if !is_live => {
                let line =
                    live::timeout_line(timeout, &self.names[timeout.target], self.clock.as_mut());
                self.out.line(&line)
            }
            (PingEvent::Trouble { target, seq, error }, PingView::Lines) if !is_live => {
                self.out.line(live::trouble_line(&self.names[target], seq, error))
            }
            (PingEvent::Refused(refusal), PingView::Lines | PingView::Rows) => {
                warning(ping_refusal_line(refusal));
                Flow::Continue
            }
            (PingEvent::Interface(event), PingView::Lines | PingView::Rows | PingView::Table) => {
                interface_news(event);
                Flow::Continue
            }
            (PingEvent::Settled(row), PingView::Table) => {
                self.out.line(csv::row(row, &self.names[row.target]))
            }
            (PingEvent::Interval(interval), _) => self.interval(interval),
            (PingEvent::Status(interval), _) => {
                let (name, page) = (&self.names[interval.target], Page::new(Page::WIDEST));
                status(live::row(interval, Some(name), self.clock.as_mut(), page));
                Flow::Continue
            }
            (PingEvent::Lull, _) => self.out.flush(),
            _ => Flow::Continue,
        }
    }
}
