//! The table of docs/testing.md: made from the machines and their runs, and compared with the file.
//! With `UDPKIT_UPDATE` set it is written.

use super::{Held, MACHINES, Machine, run};
use crate::netsim::Fault;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

const BEGIN: &str = "<!-- made by the tests: the matrix of faults -->\n";
const END: &str = "<!-- the end of the matrix -->\n";

/// Each fault by its name, and the sentence that explains it in the code.
fn explained() -> Vec<(String, String)> {
    let code = include_str!("../../../netsim/faults.rs");
    let explain = |fault: &Fault| {
        let name = format!("{fault:?}");
        let (before, _) = code.split_once(&format!("\n    {name},\n")).expect("a variant");
        let sentence = before.lines().last().and_then(|line| line.trim().strip_prefix("/// "));
        (name, sentence.expect("a sentence").to_owned())
    };
    Fault::ALL.iter().map(explain).collect()
}

fn mark(held: Held) -> char {
    match held {
        Held::Success => '+',
        Held::Fairness => 'o',
        Held::End => 'f',
    }
}

/// The rules that the counts of a machine keep, each once.
fn rules(machine: &Machine) -> String {
    let mut rules: Vec<_> = Vec::new();
    for rule in run(machine, Fault::Clean, 1) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules.join("; ")
}

fn page() -> String {
    let mut page = String::from("\n| | fault | what it does |\n|---|---|---|\n");
    for (number, (name, sentence)) in (1..).zip(explained()) {
        let _ = writeln!(page, "| {number} | `{name}` | {sentence} |");
    }
    page.push_str("\n```text\n");
    let numbers = (1..=Fault::ALL.len()).map(|number| format!("{number:>3}"));
    let _ = writeln!(page, "{:21}{}", "", numbers.collect::<String>());
    for machine in MACHINES {
        let marks = Fault::ALL.map(|fault| format!("  {}", mark(machine.held(fault))));
        let _ = writeln!(page, "{:21}{}", machine.name, marks.concat());
    }
    page.push_str("```\n\n| machine | against | ends within | never |\n|---|---|---|---|\n");
    for Machine { name, against, ends_within, never, .. } in MACHINES {
        let _ = writeln!(page, "| {name} | {against} | {ends_within} | {never} |");
    }
    page.push_str("\n| machine | what its counts keep |\n|---|---|\n");
    for machine in MACHINES {
        let _ = writeln!(page, "| {} | {} |", machine.name, rules(machine));
    }
    page.push('\n');
    page
}

#[test]
fn the_table_in_the_documentation_is_what_the_tests_hold() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/testing.md");
    let text = fs::read_to_string(&file).expect("docs/testing.md");
    let (before, rest) = text.split_once(BEGIN).expect("where it begins");
    let (written, behind) = rest.split_once(END).expect("where it ends");
    let page = page();
    if env::var_os("UDPKIT_UPDATE").is_some() {
        let text = format!("{before}{BEGIN}{page}{END}{behind}");
        return fs::write(&file, text).expect("docs can be written");
    }
    for (line, wanted) in written.lines().zip(page.lines()) {
        assert_eq!(line, wanted, "out of date: UDPKIT_UPDATE=1 cargo test --lib fault_matrix");
    }
    assert_eq!(written.lines().count(), page.lines().count(), "rows are missing or left over");
}
