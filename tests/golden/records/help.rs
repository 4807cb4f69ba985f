//! Golden files of every help page, and rules for a consistent command line.

use crate::hold_text;
use std::collections::BTreeMap;
use udpkit::cli;

/// The arguments of every subcommand.
fn pages() -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, path: &[String], pages: &mut Vec<Vec<String>>) {
        pages.push(path.to_vec());
        for sub in command.get_subcommands() {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            walk(sub, &path, pages);
        }
    }
    let mut pages = Vec::new();
    walk(&cli::command(), &["udpkit".to_owned()], &mut pages);
    assert!(pages.len() > 15, "{pages:?}");
    pages
}

fn page(path: &[String], flag: &str, columns: usize) -> String {
    let words = path.iter().cloned().chain([flag.to_owned()]).map(Into::into);
    let stopped = cli::parse_at_width(words, Some(columns)).expect_err("help is no run");
    assert!(stopped.asked_for, "{path:?}: {}", stopped.text);
    let lines = stopped.text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[test]
fn every_help_page_is_a_golden_file() {
    for path in pages() {
        for columns in [80, 120] {
            let name = path.join("-");
            hold_text(&format!("help-{name}.{columns}"), columns, &page(&path, "--help", columns));
        }
        hold_text(&format!("help-{}.short", path.join("-")), 80, &page(&path, "-h", 80));
    }
}

#[test]
fn short_help_fits_a_screen() {
    for path in pages() {
        let text = page(&path, "-h", 80);
        let lines = text.lines().count();
        assert!(lines <= 24, "{}: {lines} lines\n{text}", path.join(" "));
    }
}

#[test]
fn long_help_ends_in_three_examples_and_has_no_backticks() {
    for path in pages() {
        let text = page(&path, "--help", 80);
        assert!(!text.contains('`'), "{}: {text}", path.join(" "));
        let examples = text.split("Examples:\n").nth(1).unwrap_or_default();
        let of_command = format!("  {}", path.join(" "));
        let count = examples.lines().filter(|line| line.starts_with(&of_command)).count();
        assert!(count >= 3, "{}: {count} examples\n{text}", path.join(" "));
    }
}

#[test]
fn a_letter_means_one_thing_everywhere_and_a_flag_has_one_letter() {
    let (mut by_letter, mut by_flag) = (BTreeMap::new(), BTreeMap::new());
    let root = cli::command();
    for path in pages() {
        let mut command = &root;
        for name in &path[1..] {
            command = command.find_subcommand(name).expect("it is a page");
        }
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            let letter = arg.get_short();
            let before = by_flag.insert(long.to_owned(), letter);
            assert!(before.is_none_or(|before| before == letter), "{path:?}: --{long} {letter:?}");
            if let Some(letter) = letter {
                let before = by_letter.insert(letter, long.to_owned());
                assert!(before.is_none_or(|before| before == long), "{path:?}: -{letter} {long}");
            }
        }
    }
    assert!(by_letter.len() > 15, "{by_letter:?}");
}

#[test]
fn every_flag_is_under_a_meaningful_heading() {
    let headings = ["What to send", "Where", "How fast", "How long", "Limits", "Output", "Expert"];
    let root = cli::command();
    for path in pages() {
        let mut command = &root;
        for name in &path[1..] {
            command = command.find_subcommand(name).expect("it is a page");
        }
        for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let id = arg.get_id().as_str();
            let heading = arg.get_help_heading();
            let known = heading.is_some_and(|heading| headings.contains(&heading));
            assert!(known || ["help", "version"].contains(&id), "{path:?}: {id} {heading:?}");
        }
    }
}
