//! Loss of groups and of their unicast copies (`cast send --compare`), as text.

use super::fanout::shortened;
use super::page::Page;
use super::words::cast as words;
use super::words::terms::share;
use crate::record::{CopyVerdict, FanoutCopy, Worded};
use crate::units::group_digits;
use std::fmt::Write;

/// Most receivers shown; the rest is only counted.
const SHOWN: usize = 16;
/// Columns beside the names: the figures, and a verdict of two lines.
const BESIDE: usize = 54;

/// A row per receiver, those with loss of the group first.
pub(super) fn copies_text(copies: &[FanoutCopy], page: Page) -> String {
    if copies.is_empty() {
        return String::new();
    }
    let mut order: Vec<&FanoutCopy> = copies.iter().collect();
    order.sort_by_key(|one| (one.verdict != CopyVerdict::GroupLost, &one.receiver));
    let mut text = format!("\n  {}\n", words::copies_heading());
    let shown = order.iter().take(SHOWN);
    let names = shown.map(|one| one.receiver.chars().count()).max().unwrap_or(0);
    let names = names.clamp(8, page.columns() - BESIDE);
    let row = |name: &str, group: &str, unicast: &str| {
        format!("  {name:<names$}  {group:>7}  {unicast:>7}  ")
    };
    let _ = writeln!(text, "{}", row("receiver", "group", "unicast").trim_end());
    for one in order.iter().take(SHOWN) {
        let group = share(one.group_lost, one.group_expected, 2);
        let unicast = share(one.unicast_lost, one.unicast_expected, 2);
        let first = row(&shortened(&one.receiver, names), &group, &unicast);
        let indent = first.chars().count();
        text.push_str(&page.paragraph(&first, indent, &one.verdict.text()));
    }
    if copies.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", group_digits((copies.len() - SHOWN) as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_lost_alone_comes_first_and_rows_are_limited() {
        let one = |number: u32, verdict| FanoutCopy {
            receiver: format!("10.77.0.{number}:40001"),
            verdict,
            ..FanoutCopy::default()
        };
        let mut all: Vec<_> = (10..30).map(|one_of| one(one_of, CopyVerdict::BothArrive)).collect();
        all.push(one(31, CopyVerdict::GroupLost));
        let text = copies_text(&all, Page::new(80));
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("  10.")).collect();
        assert_eq!(rows.len(), SHOWN);
        assert!(rows[0].starts_with("  10.77.0.31:40001") && text.ends_with("  and 5 more\n"));
        assert!(copies_text(&[], Page::new(80)).is_empty());
    }
}
