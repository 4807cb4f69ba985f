//! What `send` prints.

use super::network_errors::{error_lines, send_trouble_line};
use super::number::{bits_or_dash, packets_or_dash, plural};
use super::words::host::send_hint;
use super::words::occurrence::occurrence_text;
use super::{
    DatagramPrinter, DatagramStyle, InterfaceNames, Output, Page, TimeStyle, note, print_json,
    warning,
};
use crate::record::{
    Answer, Document, Event, Flow, Received, SendEvent, SendRefusal, SendSummary, Sink,
};
use crate::units::{Endpoint, Nanos, group_digits};
use crate::wire::to_hex;
use std::fmt::Write;

/// Most replies in a JSON document; more are only counted.
const ANSWERS: usize = 1000;

/// What `send` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendView {
    /// Replies as they arrive, and the final counts, as text or for programs.
    Lines(DatagramStyle),
    /// Replies only.
    Quiet(DatagramStyle),
    /// One JSON document at the end.
    Document,
}

/// Prints the output of `send`.
pub struct SendReport {
    view: SendView,
    out: Output,
    printer: DatagramPrinter,
    local: Endpoint,
    answers: Vec<Answer>,
}

impl SendReport {
    /// A report for the socket bound to `local`.
    pub fn new(view: SendView, local: Endpoint, names: InterfaceNames) -> Self {
        let style = match view {
            SendView::Lines(style) | SendView::Quiet(style) => style,
            SendView::Document => DatagramStyle::Json,
        };
        let printer = DatagramPrinter::new(style, TimeStyle::default(), "send", names);
        Self { view, out: Output::buffered(), printer, local, answers: Vec::new() }
    }

    /// Prints the final counts.
    pub fn finish(mut self, mut summary: SendSummary) {
        match self.view {
            SendView::Document => {
                summary.answers = self.answers;
                print_json(&Document::new("send", summary));
            }
            SendView::Lines(DatagramStyle::Json) => {
                self.out.json_line(&Event::new("summary", "send", &summary));
            }
            SendView::Lines(DatagramStyle::Raw) => lines(&summary).iter().for_each(note),
            SendView::Lines(_) => {
                for line in send_text(&summary, Page::of_stdout()).lines() {
                    self.out.line(line);
                }
            }
            SendView::Quiet(_) => {}
        }
        self.out.flush();
    }
}

impl<'a> Sink<SendEvent<'a>> for SendReport {
    fn take(&mut self, event: SendEvent<'a>) -> Flow {
        match event {
            SendEvent::Reply(reply) => {
                if self.view == SendView::Document {
                    if self.answers.len() < ANSWERS {
                        let payload = reply.datagram.payload;
                        self.answers.push(Answer {
                            source: reply.datagram.meta.source.into(),
                            length: reply.datagram.true_len as u64,
                            after_ns: reply.after.map(|after| after.0),
                            text: std::str::from_utf8(payload).ok().map(str::to_owned),
                            hex: to_hex(payload),
                        });
                    }
                    return Flow::Continue;
                }
                let received =
                    Received { datagram: reply.datagram, local: self.local, header: None };
                self.printer.print(&mut self.out, &received, reply.after)
            }
            SendEvent::Trouble(trouble) => {
                warning(send_trouble_line(trouble));
                Flow::Continue
            }
            SendEvent::Refused(refusal) => {
                warning(send_refusal_line(refusal));
                Flow::Continue
            }
            SendEvent::Lull => self.out.flush(),
        }
    }
}

/// The warning about a datagram that this host refused to send.
pub fn send_refusal_line(refusal: &SendRefusal) -> String {
    let hint = refusal.cause.hint().map(|hint| format!("; {}", send_hint(&hint)));
    let hint = hint.unwrap_or_default();
    format!("{}: not sent: {}{hint}", refusal.destination, refusal.cause)
}

/// The final counts as text.
pub fn send_text(summary: &SendSummary, page: Page) -> String {
    page.fit_all(&lines(summary))
}

/// The lines of the final counts.
fn lines(summary: &SendSummary) -> Vec<String> {
    let mut lines = Vec::new();
    let peers = summary.destinations.iter().map(|target| target.times).sum::<u64>();
    let each = summary.destinations.len() as u64;
    let to = match (peers, each) {
        (0 | 1, _) => String::new(),
        _ if peers == each => format!(" to {peers} destinations"),
        _ => format!(" to {}, listed {peers} times", plural(each, "destination")),
    };
    let mut head = format!(
        "sent {}, {}{to}",
        plural(summary.datagrams, "datagram"),
        plural(summary.bytes, "byte")
    );
    if summary.datagrams > 1 {
        // Writing to a string cannot fail.
        let _ = write!(
            head,
            " in {}: {}, {}",
            Nanos(summary.duration_ns),
            packets_or_dash(summary.datagrams_per_second),
            bits_or_dash(summary.bits_per_second)
        );
    }
    lines.push(head);
    if summary.interrupted {
        lines.push("  interrupted".to_owned());
    }
    if summary.paused_ns > 0 {
        lines.push(format!("  this host paused for {}", Nanos(summary.paused_ns)));
    }
    for refusal in &summary.refused {
        let to = if peers > 1 { format!(" to {}", refusal.destination) } else { String::new() };
        let count = group_digits(refusal.datagrams);
        let when = occurrence_text(refusal.seen);
        lines.push(format!("  not sent {count}{to}: {}{when}", refusal.cause));
    }
    lines.extend(error_lines(&summary.network_errors, summary.other_network_errors));
    if let Some(count) = summary.replies {
        lines.push(format!("  replies {}", group_digits(count)));
        lines.extend(reply_lines(summary, peers));
    }
    lines
}

/// Replies from other addresses, and those of each destination where there are several.
fn reply_lines(summary: &SendSummary, peers: u64) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(count @ 1..), Some(source)) = (summary.foreign_replies, summary.foreign_source) {
        lines.push(format!("    from other addresses {}, first {source}", group_digits(count)));
    }
    for target in summary.destinations.iter().filter(|_| peers > 1) {
        let often = match target.times {
            1 => String::new(),
            times => format!("  (listed {times} times)"),
        };
        lines.push(format!("    {:<21} {}{often}", target.address.to_string(), target.replies));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{SendRefusal, SendTarget};

    #[test]
    fn the_report_has_counts_refusals_and_replies() {
        let address = "192.0.2.1:9".parse().unwrap();
        let target = SendTarget { address, times: 1, datagrams: 1500, bytes: 15_000, replies: 0 };
        let mut refusal = SendRefusal::new(90, address);
        refusal.datagrams = 2;
        let mut summary = SendSummary {
            datagrams: 1500,
            bytes: 15_000,
            duration_ns: 1_000_000_000,
            destinations: vec![target],
            refused: vec![refusal],
            replies: Some(0),
            ..SendSummary::default()
        };
        summary.set_rates();
        let expected = [
            "sent 1 500 datagrams, 15 000 bytes in 1.00 s: 1.50 kpps, 120 kbit/s",
            "  not sent 2: message too long for the interface or the protocol (EMSGSIZE)",
            "  replies 0",
        ];
        assert_eq!(lines(&summary), expected);
    }

    #[test]
    fn a_single_datagram_has_no_rate() {
        let summary = SendSummary { datagrams: 1, bytes: 5, ..SendSummary::default() };
        assert_eq!(lines(&summary), ["sent 1 datagram, 5 bytes"]);
    }
}
