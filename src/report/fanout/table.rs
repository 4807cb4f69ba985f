//! The table of receivers, the worst first, for a screen of any size and for print.

use crate::record::{
    CommonLoss, FanoutReceiver, FanoutStanding, LossOrigin, ReceiverState, Spread,
};
use crate::units::{Nanos, group_digits};

/// What the columns behind the name take.
const FIGURES: usize = 62;
/// The narrowest and the widest column of names.
const NAMES: std::ops::RangeInclusive<usize> = 9..=47;
/// From this width on the destination has a column, and how wide that is.
const WIDE: usize = 110;
const DESTINATION: usize = 22;
/// Receivers whose contradictions are named.
const LIARS: usize = 5;

/// The table's lines for `width` columns, of at most `most` receivers; what is left out is said in
/// a last line.
pub(in crate::report) fn table_lines(
    standing: &FanoutStanding,
    width: usize,
    most: usize,
) -> Vec<String> {
    let receivers = &standing.receivers;
    if receivers.is_empty() {
        return Vec::new();
    }
    let wide = width >= WIDE;
    let extra = if wide { DESTINATION + 1 } else { 0 };
    let longest = receivers.iter().map(|one| one.receiver.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(FIGURES + extra).clamp(*NAMES.start(), *NAMES.end());
    let names = longest.clamp(*NAMES.start(), room);
    let mut lines = heading(names, wide);
    let left_out = receivers.len().saturating_sub(most);
    lines.extend(receivers.iter().take(most).map(|one| row(one, names, wide)));
    if left_out > 0 {
        let lossless = receivers[most..].iter().filter(|one| one.lost == Some(0)).count() as u64;
        lines.push(format!(
            "  and {} more, {} of them without loss",
            group_digits(left_out as u64),
            group_digits(lossless)
        ));
    }
    lines
}

fn heading(names: usize, wide: bool) -> Vec<String> {
    let to = |text: &str| if wide { format!(" {text:<DESTINATION$}") } else { String::new() };
    vec![
        format!(
            "  {:names$}{} {:>6} {:>6} {:>5} {:>4} {:>4}  delay above min  {:>5} {:>5}",
            "",
            to(""),
            "",
            "",
            "",
            "re-",
            "",
            "join",
            "heard"
        ),
        format!(
            "  {:names$}{} {:>6} {:>6} {:>5} {:>4} {:>4} {:>5} {:>5} {:>5} {:>5} {:>5}",
            "receiver",
            to("destination"),
            "got %",
            "lost",
            "burst",
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

fn row(one: &FanoutReceiver, names: usize, wide: bool) -> String {
    let to = match (wide, &one.destination) {
        (false, _) => String::new(),
        (true, to) => {
            format!(" {:<DESTINATION$}", shortened(to.as_deref().unwrap_or("-"), DESTINATION))
        }
    };
    format!(
        "  {:names$}{to} {:>6} {:>6} {:>5} {:>4} {:>4} {:>5} {:>5} {:>5} {:>5} {:>5}",
        shortened(&one.receiver, names),
        got(one),
        count(one.lost, 6),
        count(one.bursts, 5),
        count(one.reordered, 4),
        count(one.duplicates, 4),
        millis(one.delay_p50_ns),
        millis(one.delay_p99_ns),
        millis(one.delay_max_ns),
        millis(one.join_to_first_ns),
        heard(one),
    )
}

/// What came, in percent, and never 100 where something did not.
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

/// A count in at most so many characters, 4 or more: whole where it fits.
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

/// Milliseconds in at most five characters, three digits of them meant.
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

/// How long ago a receiver was heard, or a word for why that does not matter.
fn heard(one: &FanoutReceiver) -> String {
    let seconds = one.last_heard_ns.map(|nanos| Nanos(nanos).as_secs_f64());
    match (one.state, seconds) {
        (ReceiverState::Unheard, _) | (_, None) => "never".to_owned(),
        (ReceiverState::Done, _) => "done".to_owned(),
        (ReceiverState::Silent, Some(seconds)) => format!("{:.0}!", seconds.min(9_999.0)),
        (ReceiverState::Live, Some(seconds)) => format!("{:.1}", seconds.min(999.0)),
    }
}

fn shortened(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    // The end of an address tells more than its beginning.
    let tail: String = text.chars().skip(count - (width - 1)).collect();
    format!("…{tail}")
}

/// What all receivers together say, at most 80 columns wide.
pub(in crate::report) fn closing_lines(standing: &FanoutStanding) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(spread) = &standing.spread {
        lines.extend(spread_lines(spread));
    }
    if let Some(common) = &standing.common_loss {
        lines.extend(common_lines(common));
        let lost = standing.receivers.iter().any(|one| one.lost > Some(0));
        if lost && common.compared > 0 && common.origin.is_none() {
            lines.push(
                "             too few, or too much alike, to tell where they were lost".into(),
            );
        }
    }
    if standing.receivers_left_out > 0 {
        let count = group_digits(standing.receivers_left_out);
        lines.push(format!("  doubt: the table is full: {count} reports of others were left out"));
    }
    let liars = standing.receivers.iter().filter_map(|one| Some((one, one.contradiction?)));
    for (one, why) in liars.take(LIARS) {
        let sentence = format!("{} is not believed: {why}", one.receiver);
        lines.push(super::super::cast_check::wrapped("  doubt: ", &sentence, 9));
    }
    let silent = |one: &&FanoutReceiver| one.state == ReceiverState::Silent;
    let silent = standing.receivers.iter().filter(silent).count() as u64;
    if silent > 0 {
        let (s, their) = if silent == 1 { ("", "its") } else { ("s", "their") };
        let silent = group_digits(silent);
        lines.push(format!("  doubt: {silent} receiver{s} fell silent: {their} end is not known"));
    }
    lines
}

fn spread_lines(spread: &Spread) -> [String; 2] {
    let of = |nanos: u64| Nanos(nanos).to_string();
    [
        format!(
            "  spread     {} from the first to the last of {}, max {}, ± {}",
            of(spread.last_ns),
            group_digits(spread.receivers),
            of(spread.max_ns),
            of(spread.uncertainty_ns)
        ),
        format!(
            "             first {}, last {}",
            shortened(&spread.first, 27),
            shortened(&spread.last, 27)
        ),
    ]
}

fn common_lines(common: &CommonLoss) -> Vec<String> {
    if common.compared == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!(
        "  common     {} of {} numbers compared were lost by all {}",
        group_digits(common.lost_by_all),
        group_digits(common.compared),
        group_digits(common.receivers)
    )];
    let origin = match (common.origin, &common.worst) {
        (Some(LossOrigin::NearSender), _) => "a problem near the sender, or of the shared path",
        (Some(LossOrigin::NearOneReceiver), Some(worst)) => {
            lines.push(format!("             a problem near {}", shortened(worst, 44)));
            return lines;
        }
        (Some(LossOrigin::NearOneReceiver), None) => "a problem near one receiver",
        (Some(LossOrigin::NearSeveralReceivers), _) => {
            "each lost others: problems near the receivers"
        }
        (None, _) => return lines,
    };
    lines.push(format!("             {origin}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

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
            spread: Some(Spread {
                samples: 12,
                receivers: 4,
                last_ns: 1_230_000,
                max_ns: 3_400_000,
                uncertainty_ns: 61_000,
                first: "10.77.0.11:48484".into(),
                last: "[fd77:1111:2222:3333:4444:5555:6666:13]:54321".into(),
                ..Spread::default()
            }),
            common_loss: Some(CommonLoss {
                compared: 50_000,
                lost_by_all: 1,
                receivers: 4,
                origin: Some(LossOrigin::NearOneReceiver),
                worst: Some("10.77.0.14:48484".into()),
            }),
            receivers_left_out: 0,
            copies: Vec::new(),
        }
    }

    #[test]
    fn the_table_has_every_column_in_eighty() {
        let lines = table_lines(&standing(), 80, 10);
        let expected = [
            "                                          re-       delay above min   join heard",
            "  receiver            got %   lost burst ord. dup.   p50   p99   max    ms s ago",
            "  10.77.0.15:5000         -      -     -    -    -     -     -     -     - never",
            "  10.77.0.14:48484   49.877  50123 16707    2    0 0.012  12.3  1235   699   0.4",
            "  …55:6666:13]:54321 99.999      1     0    2    0 0.012  12.3  1235   699   12!",
            "  10.77.0.11:48484      100      0     0    2    0 0.012  12.3  1235   699   0.4",
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
        assert_eq!(lines[4], "  and 2 more, 1 of them without loss");
        assert!(table_lines(&FanoutStanding::default(), 80, 9).is_empty());
    }

    #[test]
    fn what_all_say_together_stands_below() {
        let lines = closing_lines(&standing());
        let expected = [
            "  spread     1.23 ms from the first to the last of 4, max 3.40 ms, ± 61.0 µs",
            "             first 10.77.0.11:48484, last …3:4444:5555:6666:13]:54321",
            "  common     1 of 50 000 numbers compared were lost by all 4",
            "             a problem near 10.77.0.14:48484",
            "  doubt: 1 receiver fell silent: its end is not known",
        ];
        assert_eq!(lines, expected);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    }
}
