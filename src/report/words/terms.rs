//! Phrases that sentences of all subjects use.

use crate::units::group_digits;

/// `1 datagram`, `2 000 datagrams`.
pub fn plural(number: u64, noun: &str) -> String {
    plural_of(number, noun, &format!("{noun}s"))
}

/// `1 reply`, `2 replies`.
pub fn plural_of(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", group_digits(number), if number == 1 { one } else { several })
}

/// `3 of 16 datagrams`.
pub fn part(part: u64, of: u64, noun: &str) -> String {
    format!("{} of {}", group_digits(part), plural(of, noun))
}

/// `once`, `2 times`.
pub fn times(number: u64) -> String {
    match number {
        1 => "once".to_owned(),
        number => plural(number, "time"),
    }
}

/// A share in percent, `0.106%`; `0%` of nothing.
pub fn percent(part: u64, of: u64) -> String {
    if part == 0 { "0%".to_owned() } else { share(part, of.max(1), 3) }
}

/// A share in percent with so many decimals, `0.40%`; `-` of nothing.
pub fn share(part: u64, of: u64, decimals: usize) -> String {
    if of == 0 {
        return "-".to_owned();
    }
    format!("{:.decimals$}%", part as f64 * 100.0 / of as f64)
}

/// A count and its share, `12 (0.40%)`; `-` for the share of nothing.
pub fn count_and_share(part: u64, of: u64, decimals: usize) -> String {
    format!("{} ({})", group_digits(part), share(part, of, decimals))
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., last] => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", rest.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_shares_and_lists_read_as_english() {
        assert_eq!([times(1), times(2)], ["once", "2 times"]);
        assert_eq!(plural(1, "datagram"), "1 datagram");
        assert_eq!(plural(2_000, "datagram"), "2 000 datagrams");
        assert_eq!(part(3, 16, "datagram"), "3 of 16 datagrams");
        assert_eq!([percent(0, 0), percent(1, 1_000)], ["0%", "0.100%"]);
        let lists = [&[][..], &["a"], &["a", "b"], &["a", "b", "c"]].map(list);
        assert_eq!(lists, ["", "a", "a and b", "a, b and c"]);
    }
}
