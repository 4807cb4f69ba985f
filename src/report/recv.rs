//! What `recv` prints.

use super::live_view::LiveScreen;
use super::network_errors::{error_lines, recv_trouble_line};
use super::number::{bits_or_dash, packets_or_dash, plural, span_or_dash};
use super::recv_scene::RecvScene;
use super::words::host_losses::part_text;
use super::{
    DatagramPrinter, DatagramStyle, InterfaceNames, Output, Page, TimeStyle, interface_news, note,
    print_json, status, warning,
};
use crate::record::{
    Document, Event, Flow, GapRecord, RecvEnd, RecvEvent, RecvInterval, RecvSummary, Sink, Worded,
};
use crate::units::{Nanos, group_digits};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// What `recv` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvView {
    /// Every datagram, and the final counts.
    Datagrams(DatagramStyle),
    /// Counts only: rates and final counts, as text or for programs.
    Counts(DatagramStyle),
    /// One JSON document at the end.
    Document,
}

/// Prints the output of `recv`, and stores payloads with `--out`.
pub struct RecvReport {
    view: RecvView,
    out: Output,
    printer: DatagramPrinter,
    store: Option<BufWriter<File>>,
    store_error: Option<io::Error>,
    /// The live view, where there is one.
    screen: Option<LiveScreen<RecvScene>>,
}

impl RecvReport {
    /// A report; every payload is written to `store`, if there is one.
    pub fn new(
        view: RecvView,
        times: TimeStyle,
        store: Option<File>,
        names: InterfaceNames,
    ) -> Self {
        let style = match view {
            RecvView::Datagrams(style) | RecvView::Counts(style) => style,
            RecvView::Document => DatagramStyle::Json,
        };
        Self {
            view,
            out: Output::buffered(),
            printer: DatagramPrinter::new(style, times, "recv", names),
            store: store.map(|file| BufWriter::with_capacity(1 << 20, file)),
            store_error: None,
            screen: None,
        }
    }

    /// The same report, with a screen of graphs while the run goes on; the quit key calls
    /// `interrupt`.
    pub fn on_screen(self, scene: RecvScene, interrupt: fn()) -> io::Result<Self> {
        Ok(Self { screen: Some(LiveScreen::start(scene, interrupt)?), ..self })
    }

    /// Prints the final counts. The error is that of the store, which is flushed here.
    pub fn finish(mut self, summary: &RecvSummary) -> io::Result<()> {
        if let Some(screen) = self.screen.take() {
            screen.update(|scene, _| scene.finish(summary));
        }
        match self.view {
            RecvView::Document => {
                print_json(&Document::new("recv", summary));
            }
            RecvView::Datagrams(DatagramStyle::Json) | RecvView::Counts(DatagramStyle::Json) => {
                self.out.json_line(&Event::new("summary", "recv", summary));
            }
            RecvView::Datagrams(DatagramStyle::Raw) => lines(summary).iter().for_each(note),
            RecvView::Datagrams(_) | RecvView::Counts(_) => {
                for line in recv_text(summary, Page::of_stdout()).lines() {
                    self.out.line(line);
                }
            }
        }
        self.out.flush();
        self.write_out();
        self.store_error.map_or(Ok(()), Err)
    }

    fn interval(&mut self, interval: &RecvInterval) -> Flow {
        if let Some(screen) = &self.screen {
            screen.update(|scene, _| scene.interval(interval));
            return Flow::Continue;
        }
        match self.view {
            RecvView::Datagrams(DatagramStyle::Json) | RecvView::Counts(DatagramStyle::Json) => {
                self.out.json_line(&Event::new("interval", "recv", interval))
            }
            // Counts are the result here; in other views they would be mixed with the datagrams.
            RecvView::Counts(_) => self.out.line(recv_interval_line(interval)),
            RecvView::Datagrams(_) | RecvView::Document => {
                note(recv_interval_line(interval));
                Flow::Continue
            }
        }
    }

    fn keep(&mut self, payload: &[u8]) -> Flow {
        let Some(store) = &mut self.store else { return Flow::Continue };
        match store.write_all(payload) {
            Ok(()) => Flow::Continue,
            Err(error) => self.lose_store(error),
        }
    }

    fn write_out(&mut self) -> Flow {
        match self.store.as_mut().map(Write::flush) {
            Some(Err(error)) => self.lose_store(error),
            _ => Flow::Continue,
        }
    }

    fn lose_store(&mut self, error: io::Error) -> Flow {
        self.store_error.get_or_insert(error);
        if let Some(store) = self.store.take() {
            // Dropped without another attempt to write the buffer.
            drop(store.into_parts());
        }
        Flow::Closed
    }
}

impl<'a> Sink<RecvEvent<'a>> for RecvReport {
    fn take(&mut self, event: RecvEvent<'a>) -> Flow {
        match event {
            RecvEvent::Datagram(received) => {
                if self.keep(received.datagram.payload) == Flow::Closed {
                    return Flow::Closed;
                }
                match self.view {
                    RecvView::Datagrams(_) => self.printer.print(&mut self.out, received, None),
                    RecvView::Counts(_) | RecvView::Document => Flow::Continue,
                }
            }
            RecvEvent::Interval(interval) => self.interval(interval),
            RecvEvent::Status { datagrams, bytes, elapsed } => {
                status(recv_status_line(datagrams, bytes, elapsed));
                Flow::Continue
            }
            RecvEvent::Trouble(trouble) => {
                warning(recv_trouble_line(trouble));
                Flow::Continue
            }
            RecvEvent::Interface(event) => {
                interface_news(event);
                Flow::Continue
            }
            RecvEvent::Standing(_) => Flow::Continue,
            RecvEvent::Lull => match self.write_out() {
                Flow::Closed => Flow::Closed,
                Flow::Continue => self.out.flush(),
            },
        }
    }
}

/// The counts so far, for a user who asks for them.
pub fn recv_status_line(datagrams: u64, bytes: u64, elapsed: Nanos) -> String {
    let (datagrams, bytes) = (plural(datagrams, "datagram"), plural(bytes, "byte"));
    format!("received {datagrams}, {bytes} in {elapsed}")
}

/// One line of a running receiver.
pub fn recv_interval_line(interval: &RecvInterval) -> String {
    let end = Nanos(interval.start_ns + interval.duration_ns).as_secs_f64();
    let [datagrams, drops, damaged] =
        [interval.datagrams, interval.drops.saturating_sub(interval.damaged), interval.damaged]
            .map(group_digits);
    let packets = packets_or_dash(interval.datagrams_per_second);
    let bits = bits_or_dash(interval.bits_per_second);
    if interval.damaged > 0 {
        // One column more: blanks between the others make room for it.
        return format!(
            "{end:>6.1} s  {datagrams:>9} datagrams  {packets}  {bits}  drops {drops}  \
             damaged {damaged}"
        );
    }
    format!("{end:>8.1} s  {datagrams:>9} datagrams  {packets:>16}  {bits:>12}  drops {drops}")
}

/// The final counts as text.
pub fn recv_text(summary: &RecvSummary, page: Page) -> String {
    page.fit_all(&lines(summary))
}

/// The lines of the final counts.
fn lines(summary: &RecvSummary) -> Vec<String> {
    let mut lines = vec![format!(
        "received {}, {} in {} ({})",
        plural(summary.datagrams, "datagram"),
        plural(summary.bytes, "byte"),
        Nanos(summary.duration_ns),
        reason(summary.ended)
    )];
    if summary.datagrams > 1 {
        lines.push(format!(
            "  rate       {}, {} over {}",
            packets_or_dash(summary.datagrams_per_second),
            bits_or_dash(summary.bits_per_second),
            Nanos(summary.active_ns)
        ));
    }
    if summary.paused_ns > 0 {
        let paused = Nanos(summary.paused_ns);
        lines.push(format!("  this host  paused for {paused}; arrival times are the kernel's"));
    }
    lines.extend(lost_here(summary));
    lines.extend(replies(summary));
    lines.extend(error_lines(&summary.network_errors, summary.other_network_errors));
    lines.extend(summary.interface_events.iter().map(|event| format!("  {}", event.text())));
    if let Some(gaps) = &summary.gaps_ns {
        lines.push(format!("  gaps       {}", gap_line(gaps)));
    }
    lines.extend(ends(summary));
    lines
}

/// What this host dropped or cut.
fn lost_here(summary: &RecvSummary) -> Vec<String> {
    // A coalesced buffer contains many datagrams and is counted once.
    let unit = if summary.coalesced && summary.drops > 0 { " buffers" } else { "" };
    let drops = group_digits(summary.drops);
    let mut lines = vec![format!("  dropped    {drops}{unit} at the socket")];
    lines.extend(summary.losses.iter().map(|part| format!("             {}", part_text(part))));
    let before = summary.hosts.iter().flat_map(|host| &host.losses);
    lines.extend(before.map(|part| format!("  this host  dropped {}", part_text(part))));
    if summary.truncated > 0 {
        lines.push(format!("  truncated  {}", group_digits(summary.truncated)));
    }
    lines
}

/// What was answered, and what was not.
fn replies(summary: &RecvSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if summary.answered + summary.unanswered > 0 {
        let (answered, unanswered) =
            (group_digits(summary.answered), group_digits(summary.unanswered));
        lines.push(format!("  replies    {answered} sent, {unanswered} not sent"));
    }
    if summary.suspected_loop > 0 {
        let left_out = group_digits(summary.suspected_loop);
        lines.push(format!("  left out   {left_out} got no reply: suspected loop"));
    }
    for refusal in &summary.refused {
        let count = group_digits(refusal.datagrams);
        lines.push(format!("  not sent   {count}: {}", refusal.cause));
    }
    lines
}

/// Each socket, where there are several, and each source.
fn ends(summary: &RecvSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if summary.sockets.len() > 1 {
        for socket in summary.sockets.iter().filter(|s| s.datagrams + s.drops > 0) {
            let dropped = group_digits(socket.drops);
            let came = group_digits(socket.datagrams);
            lines.push(format!(
                "  at {:<21} {came:>11}  dropped {dropped}",
                socket.address.to_string()
            ));
        }
    }
    for source in &summary.sources {
        lines.push(format!(
            "  from {:<21} {:>9}  {}",
            source.address.to_string(),
            group_digits(source.datagrams),
            plural(source.bytes, "byte")
        ));
    }
    if summary.other_datagrams > 0 {
        let (datagrams, bytes) =
            (group_digits(summary.other_datagrams), plural(summary.other_bytes, "byte"));
        lines.push(format!("  from {:<21} {datagrams:>9}  {bytes}", "others"));
    }
    lines
}

fn gap_line(gaps: &GapRecord) -> String {
    let mut text = String::new();
    for (name, gap) in [
        ("min", gaps.min),
        ("p50", gaps.p50),
        ("p90", gaps.p90),
        ("p99", gaps.p99),
        ("p99.9", gaps.p999),
        ("max", gaps.max),
    ] {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name} {}  ", span_or_dash(gap));
    }
    text.trim_end().to_owned()
}

fn reason(end: RecvEnd) -> &'static str {
    match end {
        RecvEnd::Stopped => "interrupted",
        RecvEnd::Count => "count reached",
        RecvEnd::Timeout => "time limit reached",
        RecvEnd::Idle => "idle limit reached",
        RecvEnd::Closed => "output closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SourceRecord;

    #[test]
    fn the_report_has_counts_then_gaps_then_sources() {
        let address = "192.0.2.1:9".parse().unwrap();
        let mut summary = RecvSummary {
            datagrams: 1500,
            bytes: 15_000,
            truncated: 3,
            drops: 7,
            duration_ns: 2_000_000_000,
            active_ns: 1_000_000_000,
            ended: RecvEnd::Idle,
            sources: vec![SourceRecord { address, datagrams: 1400, bytes: 14_000 }],
            other_datagrams: 1,
            other_bytes: 1,
            gaps_ns: Some(GapRecord { samples: 1499, p50: Some(1000), ..GapRecord::default() }),
            ..RecvSummary::default()
        };
        summary.set_rates();
        let expected = [
            "received 1 500 datagrams, 15 000 bytes in 2.00 s (idle limit reached)",
            "  rate       1.50 kpps, 120 kbit/s over 1.00 s",
            "  dropped    7 at the socket",
            "  truncated  3",
            "  gaps       min -  p50 1.00 µs  p90 -  p99 -  p99.9 -  max -",
            "  from 192.0.2.1:9               1 400  14 000 bytes",
            "  from others                        1  1 byte",
        ];
        assert_eq!(lines(&summary), expected);
    }
}
