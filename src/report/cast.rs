//! Reports of `cast send` and `cast recv` as text: one row per destination, one block per source
//! and group.

use super::cast_copies::copies_text;
use super::cast_stream::cast_stream_text;
use super::fanout::{closing_text, table_lines};
use super::limits::limit_lines;
use super::number::span_or_dash;
use super::page::{Align, Page, table};
use super::progress::fitting;
use super::words::arrival_gaps::outage_lines;
use super::words::cast as words;
use super::words::host_losses::{count_text, placed_advice, placed_here};
use super::words::occurrence::occurrence_text;
use super::words::terms::{count_and_share, plural};
use crate::record::{
    CastDestination, CastInterval, CastReceived, CastSent, CastSource, Certainty, Worded,
};
use crate::units::{Nanos, group_digits};
use std::fmt::Write;

/// Most receivers in a report, the worst first.
const PRINTED: usize = 50;

/// One interval line of a receiver, with as many figures as fit.
pub fn cast_interval_line(interval: &CastInterval, page: Page) -> String {
    let mut parts = vec![
        figure("received", group_digits(interval.received)),
        figure("lost", signed(interval.lost)),
    ];
    let places = [
        ("at socket", interval.at_socket, Certainty::Exact),
        ("in host", interval.in_host, interval.in_host_certainty),
        ("damaged", interval.damaged, Certainty::Exact),
    ];
    let places = places.into_iter().filter(|(_, count, _)| *count > 0);
    parts.extend(places.map(|(name, count, bound)| figure(name, count_text(count, bound))));
    parts.extend([figure("duplicates", group_digits(interval.duplicates))]);
    parts.extend(rate(interval.bytes, interval.span).map(bits));
    if interval.without_header > 0 {
        parts.push(figure("no header", group_digits(interval.without_header)));
    }
    parts.push(plural(interval.sources, "source"));
    let seconds = format!("{:.1} s", interval.elapsed.as_secs_f64());
    parts.insert(0, format!("{seconds:>8}"));
    fitting(&parts, "  ", page)
}

/// A count that is negative where datagrams arrived that had been counted as lost.
fn signed(count: i64) -> String {
    let sign = if count < 0 { "-" } else { "" };
    format!("{sign}{}", group_digits(count.unsigned_abs()))
}

/// The report of a sender.
pub fn cast_sent_text(sent: &CastSent, page: Page) -> String {
    let mut parts = vec![
        plural(sent.destinations.len() as u64, "destination"),
        Nanos(sent.duration_ns).to_string(),
        figure("header", format_args!("{} B", sent.header_bytes)),
    ];
    parts.extend(sent.interrupted.then(|| "interrupted".to_owned()));
    let mut text = heading("send", parts, page);
    if !sent.destinations.is_empty() {
        text.push('\n');
        text.push_str(&destinations_text(&sent.destinations, page));
    }
    text.push('\n');
    text.push_str(&figures("  ", &sums(sent), page));
    let lines = table_lines(&sent.standing, page.columns(), PRINTED);
    if !lines.is_empty() {
        text.push('\n');
    }
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text.push_str(&page.told("interface", &sent.interface_events));
    text.push_str(&closing_text(&sent.standing, page));
    text.push_str(&copies_text(&sent.standing.copies, page));
    for line in limit_lines(&sent.limits) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Totals over all destinations.
fn sums(sent: &CastSent) -> Vec<String> {
    let mut parts =
        vec![plural(sent.datagrams, "datagram"), format!("{} B", group_digits(sent.bytes))];
    if let (Some(rate), Some(datagrams)) = (sent.bits_per_second, sent.datagrams_per_second) {
        parts.extend([bits(rate), format!("{} pps", group_digits(datagrams))]);
        let each = sent.destinations.len() as u64;
        let alike = sent.destinations.windows(2).all(|two| two[0].sent == two[1].sent);
        if each > 1 && alike && sent.destinations[0].sent * each == sent.datagrams {
            parts.push(figure("to each", bits(rate / each)));
        }
    }
    parts
}

fn destinations_text(destinations: &[CastDestination], page: Page) -> String {
    let head = ["destination", "sent", "refused"].map(str::to_owned).to_vec();
    let rows = destinations
        .iter()
        .map(|one| vec![destination(one), group_digits(one.sent), group_digits(one.refused)]);
    let align = [Align::Left, Align::Right, Align::Right];
    let mut text = table(&align, std::iter::once(head).chain(rows));
    let mut not_sent = Vec::new();
    let mut unreachable = Vec::new();
    for one in destinations {
        let name = destination(one);
        let refusals = one.refusals.iter();
        not_sent.extend(refusals.map(|why| {
            words::reason_of(&name, why.datagrams, &why.cause.text()) + &occurrence_text(why.seen)
        }));
        let why = one.network_errors.iter();
        unreachable.extend(why.map(|why| {
            words::reason_of(&name, why.times, &why.error.to_string()) + &occurrence_text(why.seen)
        }));
    }
    text.push_str(&page.labelled("refused", &not_sent));
    text.push_str(&page.labelled("network", &unreachable));
    text
}

fn destination(one: &CastDestination) -> String {
    match &one.interface {
        Some(name) if !one.destination.contains('%') => format!("{} on {name}", one.destination),
        _ => one.destination.clone(),
    }
}

/// The report of a receiver.
pub fn cast_received_text(all: &CastReceived, page: Page) -> String {
    let mut parts = vec![
        plural(all.groups.len() as u64, "group"),
        plural(all.sources.len() as u64, "source"),
        Nanos(all.duration_ns).to_string(),
    ];
    parts.extend(all.interrupted.then(|| "interrupted".to_owned()));
    let mut text = heading("recv", parts, page);
    for source in &all.sources {
        text.push('\n');
        text.push_str(&source_text(source, page));
    }
    if all.sources.is_empty() {
        let _ = write!(text, "\n  {}\n", words::no_source(all));
    }
    let mut closing = String::new();
    if let Some(stream) = &all.stream {
        closing.push_str(&cast_stream_text(stream, page));
    }
    if let Some(places) = &all.places
        && let Some(told) = placed_here(places, &all.hosts)
    {
        closing.push_str(&page.labelled("lost", &[told]));
        let advice: Vec<String> = placed_advice(&all.hosts).into_iter().collect();
        closing.push_str(&page.labelled("advice", &advice));
    }
    if all.places.is_none() {
        let dropped = all.hosts.iter().flat_map(|host| &host.losses).map(words::dropped_here);
        closing.push_str(&page.labelled("this host", &dropped.collect::<Vec<_>>()));
    }
    closing.push_str(&page.labelled("uncounted", &words::not_counted(all)));
    if let Some(expected) = all.expected {
        closing.push_str(&page.labelled("expected", &[words::expected(expected, all.firsts())]));
    }
    for refusal in &all.report_refusals {
        let sentence = words::reports_not_sent(refusal.datagrams, &refusal.cause.text());
        closing.push_str(&page.labelled("refused", &[sentence]));
    }
    closing.push_str(&page.told("interface", &all.interface_events));
    for line in limit_lines(&all.limits) {
        let _ = writeln!(closing, "{line}");
    }
    closing.push_str(&page.told("caution", &all.caveats));
    if !closing.is_empty() {
        text.push('\n');
        text.push_str(&closing);
    }
    text
}

fn source_text(source: &CastSource, page: Page) -> String {
    let on = source.interface.as_ref().map(|name| format!(" on {name}")).unwrap_or_default();
    let mut text = page.paragraph(&format!("  {}", source.group), 4, &words::from(source, &on));
    let firsts = source.received - source.duplicates.unwrap_or(0);
    let mut parts = vec![figure("received", group_digits(firsts))];
    if let Some(lost) = source.lost {
        let share = if firsts + lost > 0 {
            count_and_share(lost, firsts + lost, 2)
        } else {
            group_digits(lost)
        };
        parts.push(figure("lost", share));
        parts.push(figure("duplicates", count_or_dash(source.duplicates)));
        parts.push(figure("reordered", count_or_dash(source.reordered)));
    }
    text.push_str(&figures("    ", &parts, page));
    let goodput = source.bytes - source.duplicate_bytes.unwrap_or(0);
    let mut parts = vec![format!("{} B", group_digits(goodput))];
    parts.extend(source.goodput_bits_per_second.map(bits));
    if source.lost.is_some() {
        parts.push(figure("jitter", span_or_dash(source.jitter_ns)));
    }
    parts.extend(source.join_to_first_ns.map(words::first_after_join));
    text.push_str(&figures("    ", &parts, page));
    if let (Some(copies @ 1..), Some(bytes)) = (source.duplicates, source.duplicate_bytes) {
        let mut parts =
            vec![figure("duplicates", group_digits(copies)), format!("{} B", group_digits(bytes))];
        parts.extend(rate(bytes, Nanos(source.duration_ns)).map(bits));
        parts.push(words::not_in_goodput().to_owned());
        text.push_str(&figures("    ", &parts, page));
    }
    if let (Some(bursts @ 1..), Some(longest)) = (source.bursts, source.longest_burst) {
        text.push_str(&figures("    ", &[words::loss_bursts(bursts, longest)], page));
    }
    match &source.arrival_gaps {
        Some(gaps) => {
            for line in outage_lines(gaps) {
                text.push_str(&figures("    ", &[words::outages(&line)], page));
            }
        }
        None => {
            for outage in source.outages.iter().flatten() {
                text.push_str(&figures("    ", &[words::outage(outage)], page));
            }
        }
    }
    if source.delay_p50_ns.is_some() {
        let parts = [
            words::delay_variation().to_owned(),
            figure("p50", span_or_dash(source.delay_p50_ns)),
            figure("p99", span_or_dash(source.delay_p99_ns)),
            figure("max", span_or_dash(source.delay_max_ns)),
        ];
        text.push_str(&figures("    ", &parts, page));
    }
    text
}

/// The first line of a report.
fn heading(command: &str, mut parts: Vec<String>, page: Page) -> String {
    parts.insert(0, format!("udpkit cast {command}"));
    figures("", &parts, page)
}

/// Figures on one line, or on several if one is too short.
fn figures(indent: &str, parts: &[String], page: Page) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for part in parts {
        let whole = indent.len() + line.chars().count() + 3 + part.chars().count();
        if !line.is_empty() && whole > page.columns() {
            let _ = writeln!(text, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push_str("   ");
        }
        line.push_str(part);
    }
    let _ = writeln!(text, "{indent}{line}");
    text
}

fn figure(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name} {value}")
}

fn count_or_dash(count: Option<u64>) -> String {
    count.map_or("-".to_owned(), group_digits)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_have_no_room_go_to_the_next_line_whole() {
        let parts = ["a".repeat(30), "b".repeat(23), "1 000".to_owned()];
        let page = Page::new(60);
        let text = figures("  ", &parts, page);
        assert_eq!(text, format!("  {}   {}\n  1 000\n", parts[0], parts[1]));
    }

    #[test]
    fn an_interval_is_one_line_and_names_what_has_no_header() {
        let interval = CastInterval {
            elapsed: Nanos::from_secs(2),
            span: Nanos::from_secs(1),
            received: 1_000,
            bytes: 125_000,
            lost: -1,
            duplicates: 0,
            sources: 2,
            ..CastInterval::default()
        };
        let line = cast_interval_line(&interval, Page::new(80));
        assert_eq!(line, "   2.0 s  received 1 000  lost -1  duplicates 0  1.00 Mbit/s  2 sources");
        let placed = CastInterval { lost: 9, at_socket: 2, damaged: 3, ..interval };
        let line = cast_interval_line(&placed, Page::new(80));
        assert!(line.contains("  lost 9  at socket 2  damaged 3  duplicates 0"), "{line}");
        let bound = Certainty::UpTo;
        let bound = CastInterval { in_host: 4, in_host_certainty: bound, ..placed };
        let line = cast_interval_line(&bound, Page::new(120));
        assert!(line.contains("  at socket 2  in host up to 4  damaged 3"), "{line}");
        let none = CastInterval { without_header: 7, ..interval };
        assert!(cast_interval_line(&none, Page::new(80)).ends_with("  no header 7"));
    }
}
