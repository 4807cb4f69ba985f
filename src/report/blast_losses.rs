//! What a throughput run lost, and in which order the rest arrived, as lines of its report.

use super::words::blast::lost;
use super::words::host_losses::{by_group, part_text};
use crate::record::{BlastReport, BurstLength, ChangedContent, DirectionReport, Losses};
use crate::units::{Nanos, group_digits};

/// What was lost, where, and in which bursts.
pub(super) fn lost_lines(report: &BlastReport, way: &DirectionReport) -> Vec<String> {
    let never = way.never_sent.map_or_else(|| "-".to_owned(), group_digits);
    let Some(losses) = way.lost else {
        let why = match report.contradiction {
            Some(_) => "the server's counts cannot be true",
            None if way.received.is_some() => "the server does not report it",
            None => "no counts from the receiver",
        };
        return vec![format!("- ({why}), never sent {never}")];
    };
    let Losses { total, bursts, longest_burst, .. } = losses;
    let told = way.accounted(total);
    let sent = way.sent.map_or(told, |sent| sent.datagrams);
    // A share of what the receiver counted; the rest is unknown.
    let share = lost(total, told.min(sent));
    let mut lines = if sent > told {
        let silent = group_digits(sent - told);
        vec![
            format!("{share} of the {} that the receiver counted", group_digits(told)),
            format!("{silent} unaccounted for by the receiver, never sent {never}"),
        ]
    } else {
        vec![format!("{share}, never sent {never}")]
    };
    if total > 0 {
        lines.push(by_group(&losses, &way.hosts));
        lines.extend(way.hosts.iter().flat_map(|host| host.losses.iter().map(part_text)));
    }
    if let (Some(bursts @ 1..), Some(longest_burst)) = (bursts, longest_burst) {
        let ending = if bursts == 1 { "" } else { "s" };
        lines.push(format!(
            "in {} burst{ending}, the longest {}",
            group_digits(bursts),
            group_digits(longest_burst)
        ));
    }
    if way.burst_lengths.len() > 1 {
        let lengths: Vec<String> = way.burst_lengths.iter().map(burst_text).collect();
        lines.push(format!("bursts by length  {}", lengths.join("   ")));
    }
    lines
}

/// What arrived with other content than was sent; nothing where nothing did.
pub(super) fn changed_lines(report: &BlastReport, way: &DirectionReport) -> Vec<String> {
    let Some(ChangedContent { cut, cut_to_bytes, altered }) = way.changed() else {
        return Vec::new();
    };
    let of = way.accounted(way.lost.map_or(0, |lost| lost.total));
    let cut_line = (cut > 0).then(|| {
        let (cut, left) = (lost(cut, of), group_digits(cut_to_bytes));
        format!("{cut} arrived cut to {left} of {} bytes", group_digits(report.payload_bytes))
    });
    let altered_line = (altered > 0)
        .then(|| format!("{} arrived altered, with a right checksum", lost(altered, of)));
    cut_line.into_iter().chain(altered_line).collect()
}

/// `2-3: 14`: 14 bursts of two or three datagrams.
fn burst_text(class: &BurstLength) -> String {
    let BurstLength { from, to, bursts } = *class;
    let bursts = group_digits(bursts);
    match to {
        Some(to) if to == from => format!("{from}: {bursts}"),
        Some(to) => format!("{from}-{to}: {bursts}"),
        None => format!("{from}+: {bursts}"),
    }
}

/// Reordering, duplicates and jitter, and what is rare.
pub(super) fn order_lines(report: &DirectionReport) -> Vec<String> {
    let count = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), group_digits);
    let jitter = report.jitter_ns.map_or_else(|| "-".to_owned(), |n| Nanos(n).to_string());
    let mut lines = vec![format!(
        "reordered {}   duplicates {}   jitter {jitter}",
        count(report.reordered),
        count(report.duplicates),
    )];
    let rare =
        [(report.too_late, "too late"), (report.corrupt, "corrupt"), (report.strays, "strays")];
    let rare = rare.into_iter().filter_map(|(count, what)| Some((count.filter(|n| *n > 0)?, what)));
    let rare: Vec<_> =
        rare.map(|(count, what)| format!("{what} {}", group_digits(count))).collect();
    if !rare.is_empty() {
        lines.push(rare.join("   "));
    }
    if let Some((max, mean)) = report.reorder_extent_max.zip(report.reorder_extent_mean_milli) {
        let mean = mean as f64 / 1e3;
        lines.push(format!("reordering extent mean {mean:.1}, max {}", group_digits(max)));
    }
    lines
}
