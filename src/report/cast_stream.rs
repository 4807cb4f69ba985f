//! What was stored of a fan-out, and what leaked in, as text.

use crate::record::{CastForeign, CastGap, CastStream};
use crate::units::group_digits;
use std::fmt::Write;

/// One gap of a stored stream.
pub fn cast_gap_line(gap: &CastGap) -> String {
    let at = group_digits(gap.at_bytes);
    if gap.first == gap.last {
        return format!("gap at byte {at}: number {} is missing", group_digits(gap.first));
    }
    let (first, last) = (group_digits(gap.first), group_digits(gap.last));
    let count = group_digits(gap.last - gap.first + 1);
    format!("gap at byte {at}: {count} are missing, numbers {first} to {last}")
}

/// One kind of foreign datagram, as a warning.
pub fn cast_foreign_line(foreign: &CastForeign) -> String {
    let by = foreign.interface.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
    format!(
        "another process's group leaks in: {} sends to {}{by}, which this run did not ask for",
        foreign.source, foreign.destination
    )
}

/// What was stored, as the lines of a report.
pub(super) fn cast_stream_text(stream: &CastStream) -> String {
    let Some(source) = &stream.source else {
        return "\n  stored    nothing: no source was heard\n".to_owned();
    };
    let mut text = format!(
        "\n  stored    {} datagrams of {source}, {} B\n",
        group_digits(stream.datagrams),
        group_digits(stream.bytes)
    );
    if let (Some(missing), Some(gaps)) = (stream.missing, stream.gap_count) {
        let plural = if gaps == 1 { "" } else { "s" };
        let _ = write!(
            text,
            "            {} missing in {} gap{plural}",
            group_digits(missing),
            group_digits(gaps)
        );
        if let Some(first @ 1..) = stream.first_sequence {
            let _ = write!(text, "   it begins at number {}", group_digits(first));
        }
        if stream.late > 0 {
            let _ = write!(text, "   {} came too late", group_digits(stream.late));
        }
        text.push('\n');
    }
    if stream.of_others > 0 {
        let others = group_digits(stream.of_others);
        let _ = writeln!(text, "            {others} of other sources or runs not stored");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_name_their_numbers_and_their_place() {
        let one = CastGap { first: 17, last: 17, at_bytes: 17_000 };
        assert_eq!(cast_gap_line(&one), "gap at byte 17 000: number 17 is missing");
        let more = CastGap { first: 17, last: 19, at_bytes: 0 };
        assert_eq!(cast_gap_line(&more), "gap at byte 0: 3 are missing, numbers 17 to 19");
    }

    #[test]
    fn a_stored_stream_says_what_is_missing_in_it() {
        let stream = CastStream {
            source: Some("10.0.0.1:7000".to_owned()),
            datagrams: 97,
            bytes: 97_000,
            first_sequence: Some(2_000),
            missing: Some(3),
            gap_count: Some(2),
            late: 1,
            of_others: 4,
            ..CastStream::default()
        };
        let expected = "
  stored    97 datagrams of 10.0.0.1:7000, 97 000 B
            3 missing in 2 gaps   it begins at number 2 000   1 came too late
            4 of other sources or runs not stored
";
        assert_eq!(cast_stream_text(&stream), expected);
        assert!(cast_stream_text(&CastStream::default()).contains("nothing"));
    }
}
