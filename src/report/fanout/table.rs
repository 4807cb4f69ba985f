//! The table of receivers, the worst first, for the live view and the report.

use crate::record::{FanoutReceiver, FanoutStanding, ReceiverState, Skew};
use crate::report::page::Page;
use crate::report::words::cast as words;
use crate::report::words::host_losses::{placed, placed_advice};
use crate::units::Nanos;

/// Width of the columns after the name.
const FIGURES: usize = 63;
/// Minimum and maximum width of the name column.
const NAMES: std::ops::RangeInclusive<usize> = 9..=47;
/// The table width from which on there is a destination column, and that column's width.
const WIDE: usize = 110;
const DESTINATION: usize = 22;
/// Longest name of a receiver in a sentence with two names.
const NAME: usize = 27;
/// Most receivers of which it is told where they lost datagrams, the worst first.
const PLACED: usize = 3;

/// The table's lines for `width` columns and at most `most` receivers; a last line counts those
/// left out.
pub(in crate::report) fn table_lines(
    standing: &FanoutStanding,
    width: usize,
    most: usize,
) -> Vec<String> {
    let receivers = &standing.receivers;
    if receivers.is_empty() {
        return Vec::new();
    }
    let (shown, extra) = match width {
        WIDE.. => (Destinations::Shown, DESTINATION + 1),
        _ => (Destinations::LeftOut, 0),
    };
    let longest = receivers.iter().map(|one| one.receiver.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(FIGURES + extra).clamp(*NAMES.start(), *NAMES.end());
    let names = longest.clamp(*NAMES.start(), room);
    let mut lines = heading(names, shown);
    let left_out = receivers.len().saturating_sub(most);
    lines.extend(receivers.iter().take(most).map(|one| row(one, names, shown)));
    if left_out > 0 {
        let lossless = receivers[most..].iter().filter(|one| one.lost == Some(0)).count() as u64;
        lines.push(format!("  {}", words::more_receivers(left_out as u64, lossless)));
    }
    lines
}

/// Whether the table has a column of destinations.
#[derive(Clone, Copy)]
enum Destinations {
    Shown,
    LeftOut,
}

impl Destinations {
    /// The cell of a line.
    fn cell(self, text: &str) -> String {
        match self {
            Self::Shown => format!(" {:<DESTINATION$}", shortened(text, DESTINATION)),
            Self::LeftOut => String::new(),
        }
    }
}

fn heading(names: usize, shown: Destinations) -> Vec<String> {
    vec![
        format!(
            "  {:names$}{} {:>6} {:>6} {:>6} {:>4} {:>4} {:^17} {:>5} {:>5}",
            "",
            shown.cell(""),
            "recv",
            "",
            "loss",
            "re-",
            "",
            words::DELAY_COLUMNS,
            "join",
            "heard"
        ),
        format!(
            "  {:names$}{} {:>6} {:>6} {:>6} {:>4} {:>4} {:>5} {:>5} {:>5} {:>5} {:>5}",
            "receiver",
            shown.cell("destination"),
            "%",
            "lost",
            "bursts",
            "ord.",
            "dup.",
            "p50",
            "p99",
            "max",
            "ms",
            "s ago"
        ),
    ]
}

fn row(one: &FanoutReceiver, names: usize, shown: Destinations) -> String {
    let to = shown.cell(one.destination.as_deref().unwrap_or("-"));
    format!(
        "  {:names$}{to} {:>6} {:>6} {:>6} {:>4} {:>4} {:>5} {:>5} {:>5} {:>5} {:>5}",
        shortened(&one.receiver, names),
        got(one),
        count(one.lost, 6),
        count(one.bursts, 6),
        count(one.reordered, 4),
        count(one.duplicates, 4),
        millis(one.delay_p50_ns),
        millis(one.delay_p99_ns),
        millis(one.delay_max_ns),
        millis(one.join_to_first_ns),
        heard(one),
    )
}

/// Received datagrams in percent, never 100 if any was lost.
fn got(one: &FanoutReceiver) -> String {
    let (Some(lost), Some(expected @ 1..)) = (one.lost, one.expected) else {
        return "-".to_owned();
    };
    if lost == 0 {
        return "100".to_owned();
    }
    let share = (expected - lost.min(expected)) as f64 * 100.0 / expected as f64;
    let shown = (share * 1000.0).floor() / 1000.0;
    format!("{shown:.3}")
}

/// A count in at most `width` characters (4 or more): in full if it fits.
fn count(count: Option<u64>, width: usize) -> String {
    let Some(count) = count else { return "-".to_owned() };
    let whole = count.to_string();
    if whole.len() <= width {
        return whole;
    }
    let (value, unit) = match count {
        0..=999_999 => (count as f64 / 1e3, "k"),
        1_000_000..=999_999_999 => (count as f64 / 1e6, "M"),
        _ => (count as f64 / 1e9, "G"),
    };
    if value < 10.0 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

/// Milliseconds in at most five characters, with three significant digits.
fn millis(nanos: Option<u64>) -> String {
    let Some(nanos) = nanos else { return "-".to_owned() };
    let millis = Nanos(nanos).as_millis_f64();
    match millis {
        _ if nanos >= 99_999_000_000 => ">99 s".to_owned(),
        ..9.9995 => format!("{millis:.3}"),
        ..99.95 => format!("{millis:.1}"),
        _ => format!("{millis:.0}"),
    }
}

/// How long ago a receiver reported, or `done` or `never`.
fn heard(one: &FanoutReceiver) -> String {
    let seconds = one.last_heard_ns.map(|nanos| Nanos(nanos).as_secs_f64());
    match (one.state, seconds) {
        (ReceiverState::Unheard, _) | (_, None) => "never".to_owned(),
        (ReceiverState::Done, _) => "done".to_owned(),
        (ReceiverState::Silent, Some(seconds)) => format!("{:.0}!", seconds.min(9_999.0)),
        (ReceiverState::Live, Some(seconds)) => format!("{:.1}", seconds.min(999.0)),
    }
}

/// A name in at most `width` columns.
pub(in crate::report) fn shortened(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    // The end of an address is more specific than its start.
    let tail: String = text.chars().skip(count - (width - 1)).collect();
    format!("…{tail}")
}

/// Common loss, verdict and cautions of all receivers.
pub(in crate::report) fn closing_text(standing: &FanoutStanding, page: Page) -> String {
    let mut text = places_text(standing, page);
    if let Some(skew) = &standing.skew {
        let (first, last) = (shortened(&skew.first, NAME), shortened(&skew.last, NAME));
        let skew = Skew { first, last, ..skew.clone() };
        text.push_str(&page.labelled("skew", &words::skew(&skew)));
    }
    if let Some(common) = standing.common_loss.as_ref().filter(|common| common.compared > 0) {
        text.push_str(&page.labelled("common", &[words::lost_by_all(common)]));
        text.push_str(&page.told("verdict", common.origin.as_slice()));
    }
    text.push_str(&page.told("caution", &standing.caveats));
    text
}

/// Where receivers lost datagrams, of those to whom a host lost some.
fn places_text(standing: &FanoutStanding, page: Page) -> String {
    let rows = standing.receivers.iter().filter_map(|one| {
        let told = placed(one.places.as_ref()?, &one.hosts)?;
        let name = shortened(&one.receiver, NAME);
        Some((one, words::lost_by(&name, &told)))
    });
    let rows: Vec<(&FanoutReceiver, String)> = rows.collect();
    let mut lines: Vec<String> = rows.iter().take(PLACED).map(|(_, line)| line.clone()).collect();
    lines.extend(words::more_with_host_losses(rows.len().saturating_sub(PLACED) as u64));
    let advice = rows.iter().find_map(|(one, _)| placed_advice(&one.hosts));
    let advice: Vec<String> = advice.into_iter().collect();
    page.labelled("lost", &lines) + &page.labelled("advice", &advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CommonLoss;

    fn receiver(name: &str, lost: u64) -> FanoutReceiver {
        FanoutReceiver {
            receiver: name.to_owned(),
            destination: Some("239.1.2.3:5000".to_owned()),
            state: ReceiverState::Live,
            received: Some(100_000 - lost),
            lost: Some(lost),
            expected: Some(100_000),
            bursts: Some(lost / 3),
            longest_burst: Some(7),
            reordered: Some(2),
            duplicates: Some(0),
            delay_p50_ns: Some(12_345),
            delay_p99_ns: Some(12_345_678),
            delay_max_ns: Some(1_234_567_890),
            join_to_first_ns: Some(699_000_000),
            last_heard_ns: Some(420_000_000),
            ..FanoutReceiver::default()
        }
    }

    fn standing() -> FanoutStanding {
        let unheard = FanoutReceiver { receiver: "10.77.0.15:5000".into(), ..<_>::default() };
        let mut gone = receiver("[fd77:1111:2222:3333:4444:5555:6666:13]:54321", 1);
        gone.state = ReceiverState::Silent;
        gone.last_heard_ns = Some(12_000_000_000);
        FanoutStanding {
            receivers: vec![
                unheard,
                receiver("10.77.0.14:48484", 50_123),
                gone,
                receiver("10.77.0.11:48484", 0),
            ],
            skew: Some(Skew {
                samples: 12,
                receivers: 4,
                last_ns: 1_230_000,
                max_ns: 3_400_000,
                uncertainty_ns: 61_000,
                first: "10.77.0.11:48484".into(),
                last: "[fd77:1111:2222:3333:4444:5555:6666:13]:54321".into(),
                ..Skew::default()
            }),
            common_loss: Some(CommonLoss {
                compared: 50_000,
                lost_by_all: 1,
                receivers: 4,
                origin: None,
            }),
            ..FanoutStanding::default()
        }
    }

    #[test]
    fn the_table_has_every_column_in_eighty() {
        let lines = table_lines(&standing(), 80, 10);
        let expected = [
            "                      recv          loss  re-      PDV above min, ms  join heard",
            "  receiver               %   lost bursts ord. dup.   p50   p99   max    ms s ago",
            "  10.77.0.15:5000        -      -      -    -    -     -     -     -     - never",
            "  10.77.0.14:48484  49.877  50123  16707    2    0 0.012  12.3  1235   699   0.4",
            "  …5:6666:13]:54321 99.999      1      0    2    0 0.012  12.3  1235   699   12!",
            "  10.77.0.11:48484     100      0      0    2    0 0.012  12.3  1235   699   0.4",
        ];
        assert_eq!(lines, expected);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    }

    #[test]
    fn counts_and_times_keep_to_their_columns() {
        for (value, width, shown) in [
            (9_999, 4, "9999"),
            (10_000, 4, "10k"),
            (999_999, 6, "999999"),
            (1_234_567, 6, "1.2M"),
            (12_345_678_901, 5, "12G"),
        ] {
            assert_eq!(count(Some(value), width), shown);
        }
        for (nanos, shown) in [
            (0, "0.000"),
            (9_999_400, "9.999"),
            (9_999_600, "10.0"),
            (99_940_000, "99.9"),
            (99_960_000, "100"),
            (98_000_000_000, "98000"),
            (200_000_000_000, ">99 s"),
        ] {
            assert_eq!(millis(Some(nanos)), shown);
        }
    }

    #[test]
    fn a_wide_screen_shows_whole_names_and_the_destination_and_a_low_one_fewer_rows() {
        let lines = table_lines(&standing(), 140, 2);
        assert_eq!(lines.len(), 2 + 2 + 1);
        assert!(lines[3].contains("10.77.0.14:48484") && lines[3].contains("239.1.2.3:5000"));
        assert_eq!(lines[4], "  and 2 more, 1 without loss");
        assert!(table_lines(&FanoutStanding::default(), 80, 9).is_empty());
    }
}
