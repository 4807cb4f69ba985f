//! Suggestions for misspelt input.

use std::fmt;

/// The nearest valid spelling, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nearest(pub Option<String>);

impl fmt::Display for Nearest {
    /// The question at the end of an error message, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |nearest| Question { nearest }.fmt(f))
    }
}

/// The question that follows an error.
#[derive(Debug, thiserror::Error)]
#[error("; did you mean {nearest}?")]
struct Question<'a> {
    nearest: &'a str,
}

/// Most letters that may be wrong, missing, extra or swapped.
const SLIPS: usize = 2;

/// The candidate closest to `wrong`, ignoring case; `None` if all are too different. Of equally
/// close ones, the first.
pub fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.trim().to_lowercase();
    let length = wrong.chars().count();
    right
        .into_iter()
        .map(|one| (strsim::damerau_levenshtein(&wrong, &one.to_lowercase()), one))
        // If every letter differs, it is not a misspelling.
        .filter(|(slips, _)| *slips <= SLIPS && *slips < length)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, one)| one)
}

/// The number at the start of a text, accepting separators (`1,000` and `1_000` are 1000, `2,5` is
/// 2.5), and the rest; `None` without a number.
pub(super) fn number_and_unit(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let in_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_' | '\'');
    let end = text.find(|c| !in_number(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = plain_number(number);
    let one_point = number.matches('.').count() <= 1;
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    (one_point && has_digit(&number) && !has_digit(unit)).then(|| (number, unit.trim().to_owned()))
}

fn plain_number(text: &str) -> String {
    let text = text.replace(['_', '\''], "");
    let groups: Vec<&str> = text.split(',').collect();
    let (first, rest) = (groups[0], &groups[1..]);
    let grouped = rest.iter().all(|group| group.split('.').next().is_some_and(|g| g.len() == 3));
    match rest {
        [fraction] if !grouped => format!("{first}.{fraction}"),
        _ => groups.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_spelling_is_found_and_a_stranger_has_none() {
        let names = ["loss", "rate", "never-sent", "jitter"];
        for (wrong, right) in [
            ("los", Some("loss")),
            ("LOSS", Some("loss")),
            ("never_sent", Some("never-sent")),
            ("jiter", Some("jitter")),
            ("speed", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(wrong, names), right, "{wrong}");
        }
        assert_eq!(Nearest(Some("10M".to_owned())).to_string(), "; did you mean 10M?");
        assert_eq!(Nearest(None).to_string(), "");
    }

    #[test]
    fn separators_of_every_country_are_read() {
        for (text, number, unit) in [
            ("1,000M", "1000", "M"),
            ("1,000,000.5", "1000000.5", ""),
            ("1_000 ms", "1000", "ms"),
            ("2,5s", "2.5", "s"),
            ("12", "12", ""),
        ] {
            let found = (number.to_owned(), unit.to_owned());
            assert_eq!(number_and_unit(text), Some(found), "{text}");
        }
        for text in ["", "M", "1.2.3", ",", "2h30"] {
            assert_eq!(number_and_unit(text), None, "{text}");
        }
    }
}
