//! The page of metrics, from the table of families.

use super::cell;
use std::fmt::Write;
use udpkit::report::metrics::{Family, FamilyUnit, metric_families};

const OPENING: &str = "\
<!-- Written by scripts/reference from the table of families: do not edit. -->

# Metrics

Every metric of `--metrics`, by command. How to use them: [watching with
Prometheus](../guide/metrics.md).

Counters count from the start of the run and never fall; `blast` counts on from run to run of a
series. What is not known is left out, and is never 0. A loss is counted once it has stood for half
a second, so that a datagram that is only late is none; where one comes later still, the counter
stands until others are lost. Labels have few values: what the command line or a list names, or
words of udpkit's own; never the address of a stranger.

Histograms have classic buckets in text and, for a client that asks for protobuf, native ones too
(schema 3: each bound is 9 % above the one before).

";

/// The commands, in the order of the page.
const COMMANDS: [&str; 8] =
    ["ping", "monitor", "blast", "serve", "recv", "relay", "cast send", "cast recv"];

/// The whole page.
pub fn page() -> String {
    let all: Vec<&Family> = metric_families().collect();
    let mut page = OPENING.to_owned();
    for command in COMMANDS {
        let _ = writeln!(page, "## {command}\n\n| name | type | unit | labels | meaning |");
        page.push_str("|---|---|---|---|---|\n");
        for family in all.iter().filter(|family| family.commands.contains(&command)) {
            page.push_str(&row(family));
        }
        page.push('\n');
    }
    let unknown = all.iter().flat_map(|family| family.commands).find(|one| !COMMANDS.contains(one));
    assert_eq!(unknown, None, "a command that the page lacks");
    page.truncate(page.trim_end().len());
    page + "\n"
}

fn row(family: &Family) -> String {
    let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
    let unit = match family.unit {
        FamilyUnit::None => "",
        unit => unit.name().unwrap_or_default(),
    };
    let (name, kind) = (family.full_name(), family.kind.name());
    format!("| `{name}` | {kind} | {unit} | {} | {} |\n", labels.join(", "), cell(family.help))
}
