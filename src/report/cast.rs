//! A fan-out's reports as text: one block per destination, or per source and group.

use super::cast_check::wrapped;
use super::cast_copies::copy_lines;
use super::cast_stream::cast_stream_text;
use super::fanout::{closing_lines, table_lines};
use super::limits::limit_lines;
use crate::record::{CastDestination, CastInterval, CastReceived, CastSent, CastSource, Worded};
use crate::units::{Nanos, group_digits};
use std::fmt::Write;

/// How wide a report is.
const COLUMNS: usize = 80;
/// Receivers that a report shows, the worst first.
const PRINTED: usize = 50;

/// One line of a running receiver.
pub fn cast_interval_line(interval: &CastInterval) -> String {
    let mut line = format!(
        "{:>8}  received {}  lost {}  duplicates {}",
        seconds(interval.elapsed),
        group_digits(interval.received),
        interval.lost,
        group_digits(interval.duplicates),
    );
    if let Some(rate) = rate(interval.bytes, interval.span) {
        let _ = write!(line, "  {}", bits(rate));
    }
    let _ = write!(line, "  {}", plural(interval.sources, "source"));
    line
}

/// What a sender sent, as lines.
pub fn cast_sent_text(sent: &CastSent) -> String {
    let mut text = format!(
        "udpkit cast send   {}   {}   header {} B{}\n\n",
        plural(sent.destinations.len() as u64, "destination"),
        Nanos(sent.duration_ns),
        sent.header_bytes,
        if sent.interrupted { "   interrupted" } else { "" },
    );
    let width = sent
        .destinations
        .iter()
        .map(|one| destination(one).chars().count())
        .max()
        .unwrap_or(0)
        .min(44);
    for one in &sent.destinations {
        let refused = match one.refused {
            0 => String::new(),
            count => format!("   refused {}", group_digits(count)),
        };
        let _ = writeln!(
            text,
            "  {:<width$}   sent {:>9}{refused}",
            destination(one),
            group_digits(one.sent)
        );
        for refusal in &one.refusals {
            let count = group_digits(refusal.datagrams);
            let _ = writeln!(text, "    refused by this host {count}:");
            let _ = writeln!(text, "{}", wrapped("      ", &refusal.cause.text(), 6));
        }
        if let Some(why) = &one.unreachable_reason {
            let head = format!("    undeliverable {}: ", group_digits(one.unreachable));
            let _ = writeln!(text, "{}", wrapped(&head, why, 6));
        }
    }
    let _ =
        write!(text, "\n  {}   {} B", plural(sent.datagrams, "datagram"), group_digits(sent.bytes));
    if let (Some(rate), Some(datagrams)) = (sent.bits_per_second, sent.datagrams_per_second) {
        let each = sent.destinations.len().max(1) as u64;
        let _ = write!(text, "   {}   {}/s", bits(rate), group_digits(datagrams));
        let alike = sent.destinations.windows(2).all(|two| two[0].sent == two[1].sent);
        if each > 1 && alike && sent.destinations[0].sent * each == sent.datagrams {
            let _ = write!(text, "   to each {}", bits(rate / each));
        }
    }
    text.push('\n');
    if sent.pause_ns > 0 {
        let _ = writeln!(
            text,
            "  paused     this host itself stood still for {}: it sent nothing meanwhile",
            Nanos(sent.pause_ns)
        );
    }
    let table = table_lines(&sent.standing, COLUMNS, PRINTED);
    if !table.is_empty() {
        text.push('\n');
    }
    let closing =
        closing_lines(&sent.standing).into_iter().chain(copy_lines(&sent.standing.copies));
    for line in table.into_iter().chain(closing) {
        let _ = writeln!(text, "{line}");
    }
    for line in limit_lines(&sent.limits, false) {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn destination(one: &CastDestination) -> String {
    match &one.interface {
        Some(name) if !one.destination.contains('%') => format!("{} on {name}", one.destination),
        _ => one.destination.clone(),
    }
}

/// What a receiver received, as lines.
pub fn cast_received_text(all: &CastReceived) -> String {
    let mut text = format!(
        "udpkit cast recv   {}   {}   {}{}\n",
        plural(all.groups.len() as u64, "group"),
        plural(all.sources.len() as u64, "source"),
        Nanos(all.duration_ns),
        if all.interrupted { "   interrupted" } else { "" },
    );
    for source in &all.sources {
        text.push('\n');
        render_source(source, &mut text);
    }
    if all.sources.is_empty() {
        text.push_str("\n  nothing arrived\n");
    }
    if let Some(stream) = &all.stream {
        text.push_str(&cast_stream_text(stream));
    }
    let mut rest = Vec::new();
    if let Some(strays @ 1..) = all.strays {
        rest.push(format!("{} without a measurement header", group_digits(strays)));
    }
    if all.others > 0 {
        rest.push(format!("{} of sources beyond the table", group_digits(all.others)));
    }
    if all.foreign > 0 {
        rest.push(format!("{} for others", group_digits(all.foreign)));
    }
    if let Some(copies) = all.unicast_copies {
        rest.push(format!("{} unicast copies, for the sender", group_digits(copies)));
    }
    if all.excluded > 0 {
        rest.push(format!("{} of excluded sources", group_digits(all.excluded)));
    }
    if !rest.is_empty() {
        let _ = writeln!(text, "\n  not counted above: {}", rest.join(", "));
    }
    if let Some(expected) = all.expected {
        let _ = writeln!(
            text,
            "\n  expected   {}, {} came",
            group_digits(expected),
            group_digits(all.firsts())
        );
    }
    if all.reader_pause_ns > 0 {
        let _ = writeln!(
            text,
            "\n  paused     this host itself stood still for {}: what came was read later",
            Nanos(all.reader_pause_ns)
        );
    }
    if let (Some(why), count @ 1..) = (&all.reports_refusal, all.reports_refused) {
        let _ =
            writeln!(text, "\n  refused    {} to senders, by this host:", plural(count, "report"));
        let _ = writeln!(text, "{}", wrapped("             ", why, 13));
    }
    for line in limit_lines(&all.limits, false) {
        let _ = writeln!(text, "{line}");
    }
    for doubt in doubts(all) {
        let _ = writeln!(text, "  doubt: {doubt}");
    }
    text
}

fn render_source(source: &CastSource, text: &mut String) {
    let _ = writeln!(text, "  {} from {}{}", source.group, source.source, by(source));
    let firsts = source.received - source.duplicates.unwrap_or(0);
    let _ = write!(text, "    received {}", group_digits(firsts));
    if let Some(lost) = source.lost {
        let _ = write!(text, "   lost {}", group_digits(lost));
        if firsts + lost > 0 {
            let _ = write!(text, " ({})", share(lost, firsts + lost));
        }
        let _ = write!(
            text,
            "   duplicates {}   reordered {}",
            count_or_dash(source.duplicates),
            count_or_dash(source.reordered)
        );
    }
    let goodput = source.bytes - source.duplicate_bytes.unwrap_or(0);
    let _ = write!(text, "\n    {} B", group_digits(goodput));
    if let Some(rate) = source.goodput_bits_per_second {
        let _ = write!(text, "   {}", bits(rate));
    }
    if source.lost.is_some() {
        let jitter = source.jitter_ns.map_or("-".to_owned(), |nanos| Nanos(nanos).to_string());
        let _ = write!(text, "   jitter {jitter}");
    }
    if let Some(nanos) = source.join_to_first_ns {
        let _ = write!(text, "   first {} after the join", Nanos(nanos));
    }
    text.push('\n');
    if let (Some(copies @ 1..), Some(bytes)) = (source.duplicates, source.duplicate_bytes) {
        let _ = write!(text, "    copies {}   {} B", group_digits(copies), group_digits(bytes));
        if let Some(rate) = rate(bytes, Nanos(source.duration_ns)) {
            let _ = write!(text, "   {}", bits(rate));
        }
        text.push_str("   not in the line above\n");
    }
    if let (Some(bursts @ 1..), Some(longest)) = (source.bursts, source.longest_burst) {
        let (bursts, longest) = (plural(bursts, "burst"), group_digits(longest));
        let _ = writeln!(text, "    loss came in {bursts}, the longest of {longest}");
    }
    if source.delay_p50_ns.is_some() {
        let of = |delay: Option<u64>| delay.map_or("-".to_owned(), |ns| Nanos(ns).to_string());
        let _ = writeln!(
            text,
            "    delay above its minimum  p50 {}   p99 {}   max {}",
            of(source.delay_p50_ns),
            of(source.delay_p99_ns),
            of(source.delay_max_ns)
        );
    }
}

fn by(source: &CastSource) -> String {
    source.interface.as_ref().map(|name| format!(" by {name}")).unwrap_or_default()
}

fn doubts(all: &CastReceived) -> Vec<String> {
    let mut doubts = Vec::new();
    if all.socket_drops > 0 {
        doubts.push(format!(
            "{} dropped here because the socket was full",
            plural(all.socket_drops, "buffer")
        ));
    }
    let open = all.sources.iter().filter(|one| one.lost.is_some() && one.sender_total.is_none());
    let open = open.count() as u64;
    if open > 0 {
        doubts.push(format!(
            "no end was heard of {}: loss after the last datagram is unknown",
            plural(open, "source")
        ));
    }
    let late = all.sources.iter().filter(|one| {
        one.first_sequence.is_some_and(|first| first > 0) && one.joined_before != Some(true)
    });
    let late = late.count() as u64;
    if late > 0 {
        doubts.push(format!(
            "{} had begun before the first datagram heard: counted from there",
            plural(late, "source")
        ));
    }
    doubts
}

fn count_or_dash(count: Option<u64>) -> String {
    count.map_or("-".to_owned(), group_digits)
}

/// A share in percent, to the digits that tell it from zero.
fn share(part: u64, whole: u64) -> String {
    let percent = part as f64 * 100.0 / whole as f64;
    if percent >= 10.0 { format!("{percent:.1}%") } else { format!("{percent:.2}%") }
}

fn rate(bytes: u64, span: Nanos) -> Option<u64> {
    if span == Nanos::ZERO {
        return None;
    }
    let exact = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(span.as_u64());
    Some(u64::try_from(exact).unwrap_or(u64::MAX))
}

/// Bits per second in decimal units.
fn bits(rate: u64) -> String {
    let (value, unit) = match rate {
        0..1_000 => return format!("{rate} bit/s"),
        1_000..1_000_000 => (rate as f64 / 1e3, "kbit/s"),
        1_000_000..1_000_000_000 => (rate as f64 / 1e6, "Mbit/s"),
        _ => (rate as f64 / 1e9, "Gbit/s"),
    };
    format!("{value:.2} {unit}")
}

fn seconds(span: Nanos) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

fn plural(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", group_digits(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SendRefusal;

    fn source() -> CastSource {
        CastSource {
            source: "10.0.0.1:45678".to_owned(),
            group: "239.1.2.3:5000".to_owned(),
            interface: Some("eth0".to_owned()),
            tag: Some(7),
            received: 9_700,
            bytes: 1_125_200,
            lost: Some(300),
            duplicates: Some(0),
            duplicate_bytes: Some(0),
            goodput_bits_per_second: Some(900_067),
            goodput_datagrams_per_second: Some(970),
            reordered: Some(2),
            bursts: Some(17),
            longest_burst: Some(40),
            delay_p50_ns: Some(1_200_000),
            delay_p99_ns: Some(3_400_000),
            delay_max_ns: Some(5_600_000),
            jitter_ns: Some(12_000),
            join_to_first_ns: Some(1_200_000_000),
            duration_ns: 10_000_000_000,
            silence_at_end_ns: 100_000_000,
            first_sequence: Some(0),
            joined_before: Some(true),
            sender_total: Some(10_000),
        }
    }

    #[test]
    fn a_receivers_report_has_a_block_per_source_and_its_doubts_last() {
        let open = CastSource {
            sender_total: None,
            joined_before: None,
            first_sequence: Some(40),
            ..source()
        };
        let all = CastReceived {
            groups: vec![crate::record::CastGroup::default()],
            strays: Some(3),
            duration_ns: 11_500_000_000,
            sources: vec![source(), open],
            ..CastReceived::default()
        };
        let text = cast_received_text(&all);
        let block = "  239.1.2.3:5000 from 10.0.0.1:45678 by eth0
    received 9 700   lost 300 (3.00%)   duplicates 0   reordered 2
    1 125 200 B   900.07 kbit/s   jitter 12.0 µs   first 1.20 s after the join
    loss came in 17 bursts, the longest of 40
    delay above its minimum  p50 1.20 ms   p99 3.40 ms   max 5.60 ms
";
        let expected = format!(
            "udpkit cast recv   1 group   2 sources   11.5 s

{block}
{block}
  not counted above: 3 without a measurement header
  doubt: no end was heard of 1 source: loss after the last datagram is unknown
  doubt: 1 source had begun before the first datagram heard: counted from there
"
        );
        assert_eq!(text, expected);
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn copies_are_no_goodput_and_have_a_row_of_their_own() {
        let doubled = CastSource {
            received: 2 * 9_700,
            bytes: 2 * 1_125_200,
            duplicates: Some(9_700),
            duplicate_bytes: Some(1_125_200),
            ..source()
        };
        let all = CastReceived {
            sources: vec![doubled],
            reader_pause_ns: 3_000_000_000,
            reports_refused: 2,
            reports_refusal: Some("a queue of this host was full (ENOBUFS)".to_owned()),
            ..CastReceived::default()
        };
        let text = cast_received_text(&all);
        for line in [
            "    received 9 700   lost 300 (3.00%)   duplicates 9 700   reordered 2\n",
            "    1 125 200 B   900.07 kbit/s   jitter",
            "    copies 9 700   1 125 200 B   900.16 kbit/s   not in the line above\n",
            "  paused     this host itself stood still for 3.00 s: what came was read later\n",
            "  refused    2 reports to senders, by this host:\n             a queue of this host",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn without_a_header_only_counts_are_shown() {
        let plain = CastSource { lost: None, jitter_ns: None, tag: None, ..source() };
        let all = CastReceived { sources: vec![plain], ..CastReceived::default() };
        let text = cast_received_text(&all);
        assert!(!text.contains("lost") && !text.contains("jitter"), "{text}");
    }

    #[test]
    fn a_senders_report_has_a_line_per_destination_and_says_why_one_was_refused() {
        let one = |destination: &str, sent, refused| CastDestination {
            destination: destination.to_owned(),
            sent,
            refused,
            ..CastDestination::default()
        };
        let mut refused = one("[ff15::1]:5000", 0, 1_000);
        let to = "[ff15::1]:5000".parse().unwrap();
        let refusal = SendRefusal { datagrams: 1_000, ..SendRefusal::new(101, to) };
        refused.refusal = Some(refusal.cause.to_string());
        refused.refusals = vec![refusal];
        refused.interface = Some("eth0".to_owned());
        let sent = CastSent {
            datagrams: 1_000,
            bytes: 116_000,
            refused: 1_000,
            header_bytes: 16,
            duration_ns: 1_000_000_000,
            bits_per_second: Some(928_000),
            datagrams_per_second: Some(1_000),
            destinations: vec![one("239.1.2.3:5000", 1_000, 0), refused],
            ..CastSent::default()
        };
        assert_eq!(
            cast_sent_text(&sent),
            "udpkit cast send   2 destinations   1.00 s   header 16 B

  239.1.2.3:5000           sent     1 000
  [ff15::1]:5000 on eth0   sent         0   refused 1 000
    refused by this host 1 000:
      this host has no route to the destination (ENETUNREACH)

  1 000 datagrams   116 000 B   928.00 kbit/s   1 000/s
"
        );
    }

    #[test]
    fn an_interval_is_one_line() {
        let interval = CastInterval {
            elapsed: Nanos::from_secs(2),
            span: Nanos::from_secs(1),
            received: 1_000,
            bytes: 125_000,
            lost: -1,
            duplicates: 0,
            sources: 2,
        };
        assert_eq!(
            cast_interval_line(&interval),
            "   2.0 s  received 1 000  lost -1  duplicates 0  1.00 Mbit/s  2 sources"
        );
    }
}
