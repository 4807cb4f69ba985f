//! The page of flags, from clap's description of the command line.

use super::cell;
use clap::{Arg, ArgAction, Command};
use std::collections::BTreeMap;
use std::fmt::Write;

const OPENING: &str = "\
<!-- Written by scripts/reference from the command line itself: do not edit. -->

# Command line

This page lists every flag of every command, as `udpkit COMMAND --help` shows them.

";

/// The heading of flags without one.
const NO_HEADING: &str = "Options";

/// A command that can be run, with its name such as `cast send`.
struct Runnable {
    name: String,
    command: Command,
}

/// The whole page.
pub fn page() -> String {
    let mut root = udpkit::cli::command();
    root.build();
    let mut commands = Vec::new();
    collect(&root, "", &mut commands);
    let mut page = OPENING.to_owned();
    page += &flag_table(&commands);
    page += &letters(&commands);
    let _ = writeln!(page, "## udpkit\n\n{}", usage(&root));
    page += &after(&root);
    for runnable in &commands {
        page += &section(runnable);
    }
    page.truncate(page.trim_end().len());
    page + "\n"
}

/// All commands that can be run, in the order of the help.
fn collect(command: &Command, name: &str, found: &mut Vec<Runnable>) {
    if !name.is_empty() && !command.is_subcommand_required_set() {
        found.push(Runnable { name: name.to_owned(), command: command.clone() });
    }
    for inner in command.get_subcommands() {
        let name = format!("{name} {}", inner.get_name());
        collect(inner, name.trim(), found);
    }
}

/// A flag's names and value name: `-b, --rate RATE`.
fn flag(arg: &Arg) -> String {
    let names = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, long) => format!("--{}", long.unwrap_or_default()),
    };
    let value = value(arg);
    let optional = arg.get_num_args().is_some_and(|count| count.min_values() == 0);
    match (value.is_empty(), optional) {
        (true, _) => names,
        (false, true) => format!("{names}[={value}]"),
        (false, false) => format!("{names} {value}"),
    }
}

/// A flag's value name; empty if it takes no value.
fn value(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    if takes_value(arg) { names.join(" ") } else { String::new() }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set())
}

/// A row per flag, a column per command.
fn flag_table(commands: &[Runnable]) -> String {
    let mut rows: BTreeMap<(String, String), Vec<bool>> = BTreeMap::new();
    for (column, runnable) in commands.iter().enumerate() {
        for arg in flags(&runnable.command) {
            let long = arg.get_long().unwrap_or_default().to_owned();
            let row = rows.entry((long, flag(arg))).or_insert_with(|| vec![false; commands.len()]);
            row[column] = true;
        }
    }
    let mut table = "## All flags\n\n| Flag |".to_owned();
    for runnable in commands {
        let anchor = runnable.name.replace(' ', "-");
        let _ = write!(table, " [{}](#udpkit-{anchor}) |", runnable.name);
    }
    let _ = writeln!(table, "\n|---|{}", ":-:|".repeat(commands.len()));
    for ((_, flag), has) in rows {
        let marks: String = has.iter().map(|has| if *has { " x |" } else { "  |" }).collect();
        let _ = writeln!(table, "| `{}` |{marks}", flag.replace('|', "\\|"));
    }
    table + "\n"
}

/// A line per letter, with its long flag.
fn letters(commands: &[Runnable]) -> String {
    let mut meanings: BTreeMap<(char, &str), Vec<&str>> = BTreeMap::new();
    for runnable in commands {
        for arg in flags(&runnable.command) {
            if let (Some(short), Some(long)) = (arg.get_short(), arg.get_long()) {
                meanings.entry((short, long)).or_default().push(&runnable.name);
            }
        }
    }
    let mut table = "## Letters\n\n| Letter | Stands for | In |\n|---|---|---|\n".to_owned();
    let mut meanings: Vec<_> = meanings.into_iter().collect();
    meanings.sort_by_key(|((short, long), _)| (short.to_ascii_lowercase(), *short, *long));
    for ((short, long), places) in meanings {
        let places =
            if places.len() == commands.len() { "every command".into() } else { places.join(", ") };
        let _ = writeln!(table, "| `-{short}` | `--{long}` | {places} |");
    }
    table + "\n"
}

/// One command: its description, usage, flags by heading, and the end of its help.
fn section(runnable: &Runnable) -> String {
    let command = &runnable.command;
    let mut text = format!("## udpkit {}\n\n", runnable.name);
    if let Some(about) = command.get_about() {
        let _ = writeln!(text, "{about}.\n");
    }
    let _ = writeln!(text, "{}", usage(command));
    let positional: Vec<&Arg> = command.get_positionals().collect();
    if !positional.is_empty() {
        text += &arg_table("Arguments", &positional);
    }
    let mut headings: Vec<(&str, Vec<&Arg>)> = Vec::new();
    for arg in flags(command) {
        let heading = arg.get_help_heading().unwrap_or(NO_HEADING);
        match headings.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, args)) => args.push(arg),
            None => headings.push((heading, vec![arg])),
        }
    }
    // Flags that clap adds, such as --help, come last.
    headings.sort_by_key(|(heading, _)| *heading == NO_HEADING);
    for (heading, args) in headings {
        text += &arg_table(heading, &args);
    }
    text + &after(command)
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let lines: Vec<_> = usage.lines().map(str::trim).collect();
    format!("```text\n{}\n```\n", lines.join("\n"))
}

fn arg_table(heading: &str, args: &[&Arg]) -> String {
    let mut table = format!("**{heading}**\n\n| Flag | Meaning | Default |\n|---|---|---|\n");
    if heading == "Arguments" {
        table = table.replace("| Flag |", "| Argument |");
    }
    for arg in args {
        let name = if arg.is_positional() { positional(arg) } else { flag(arg) };
        let (meaning, default) = meaning_and_default(arg);
        let default = if default.is_empty() { String::new() } else { format!(" {default}") };
        let name = name.replace('|', "\\|");
        let _ = writeln!(table, "| `{name}` | {} |{} |", meaning, cell(&default));
    }
    table + "\n"
}

fn positional(arg: &Arg) -> String {
    let several = arg.get_num_args().is_some_and(|count| count.max_values() > 1);
    value(arg) + if several { "..." } else { "" }
}

/// The help, without the default that some helps name at the end of their first line, and that
/// default or clap's own.
fn meaning_and_default(arg: &Arg) -> (String, String) {
    let first = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let whole = arg.get_long_help().map_or(first, ToString::to_string);
    let (mut meaning, mut default) = take_default(&whole);
    let values: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value(arg) && default.is_empty() && !arg.is_hide_default_value_set() {
        default = values.join(",");
    }
    let mut sentences: Vec<String> =
        meaning.split("\n\n").map(|part| part.trim().trim_end_matches('.').to_owned()).collect();
    sentences.retain(|sentence| !sentence.is_empty());
    meaning = cell(&(sentences.join(". ") + "."));
    if takes_value(arg) && !arg.is_hide_possible_values_set() {
        for value in arg.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            let _ = write!(meaning, "<br>`{}` {}", value.get_name(), cell(&help));
        }
    }
    (meaning, default)
}

/// Parts `text [default: x] more` into `text more` and `x`.
fn take_default(text: &str) -> (String, String) {
    let parts = text.split_once(" [default: ").and_then(|(before, rest)| {
        let (default, after) = rest.split_once(']')?;
        Some((format!("{before}{after}"), default.to_owned()))
    });
    parts.unwrap_or_else(|| (text.to_owned(), String::new()))
}

/// The end of the help: prose unchanged, the examples as a code block.
fn after(command: &Command) -> String {
    let Some(after) = command.get_after_long_help().map(ToString::to_string) else {
        return String::new();
    };
    let mut text = String::new();
    for part in after.split("\n\n") {
        match part.strip_prefix("Examples:\n") {
            None => {
                let _ = writeln!(text, "{}\n", part.trim());
            }
            Some(examples) => {
                let lines: Vec<_> = examples.lines().map(str::trim).collect();
                let _ = writeln!(text, "Examples:\n\n```text\n{}\n```\n", lines.join("\n"));
            }
        }
    }
    text
}

#[test]
fn a_default_within_the_help_moves_to_its_own_column() {
    let parted = |text| take_default(text);
    assert_eq!(
        parted("Rate: 10M [default: max]\n\nBits."),
        ("Rate: 10M\n\nBits.".into(), "max".into())
    );
    assert_eq!(
        parted("Rate [default: 10s; no limit"),
        ("Rate [default: 10s; no limit".into(), String::new())
    );
    assert_eq!(parted("Rate"), ("Rate".into(), String::new()));
}
