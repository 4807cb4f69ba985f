//! Reads fenced console blocks, links and headings from Markdown.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block tagged `console`.
#[derive(Debug)]
pub struct Block {
    pub file: String,
    /// The line of its fence.
    pub line: usize,
    pub steps: Vec<Step>,
    /// Where it runs, if the line before it says so: `<!-- lab: SCENARIO on HOST -->`.
    pub lab: Option<Stage>,
    /// The `sh` blocks before it in the document that load rules in a lab.
    pub rules: Vec<String>,
}

/// A scenario of [`super::scenarios`], and a host in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub scenario: String,
    pub host: String,
}

/// One command and the output shown below it.
#[derive(Debug)]
pub struct Step {
    pub line: usize,
    /// The command without `$ `; lines that end in a backslash are joined.
    pub command: String,
    pub output: Vec<String>,
}

/// The Markdown files below a directory, sorted; none if it does not exist.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("docs can be read").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The console blocks of a document.
pub fn blocks(file: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open = Fence::None;
    let mut rules = Vec::new();
    let mut before = "";
    for (at, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```").map(str::trim);
        match (&mut open, fence) {
            (Fence::None, Some("console")) => {
                let (file, line) = (file.to_owned(), at + 1);
                let (lab, rules) = (stage(before), rules.clone());
                open = Fence::Console(Block { file, line, steps: Vec::new(), lab, rules });
            }
            (Fence::None, Some("sh")) => open = Fence::Shell(String::new()),
            (Fence::None, Some(_)) => open = Fence::Other,
            (_, Some("")) => match std::mem::replace(&mut open, Fence::None) {
                Fence::Console(block) => blocks.push(block),
                Fence::Shell(script) if script.starts_with("scripts/lab run") => rules.push(script),
                _ => {}
            },
            (Fence::Console(block), _) => add_line(block, at + 1, line),
            (Fence::Shell(script), _) => *script += &format!("{line}\n"),
            _ => {}
        }
        before = line;
    }
    blocks
}

/// The fenced block that a line is in.
enum Fence {
    None,
    Console(Block),
    Shell(String),
    Other,
}

fn stage(line: &str) -> Option<Stage> {
    let stage = line.trim().strip_prefix("<!-- lab:")?.strip_suffix("-->")?;
    let (scenario, host) = stage.trim().split_once(" on ")?;
    Some(Stage { scenario: scenario.to_owned(), host: host.to_owned() })
}

fn add_line(block: &mut Block, line: usize, text: &str) {
    if let Some(command) = text.strip_prefix("$ ") {
        let command = command.to_owned();
        block.steps.push(Step { line, command, output: Vec::new() });
        return;
    }
    let Some(step) = block.steps.last_mut() else { return };
    if step.output.is_empty() && step.command.ends_with('\\') {
        step.command.pop();
        step.command += text.trim_start();
    } else {
        step.output.push(text.to_owned());
    }
}

/// Relative links with their lines, except in code.
pub fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let without_code: String = line.split('`').step_by(2).collect();
        for part in without_code.split("](").skip(1) {
            links.extend(part.split(')').next().map(|target| (number, target.to_owned())));
        }
        if let Some((name, target)) = without_code.split_once("]: ")
            && name.starts_with('[')
        {
            links.push((number, target.trim().to_owned()));
        }
    }
    links.retain(|(_, link)| !link.contains("://") && !link.starts_with("mailto:"));
    links
}

/// The anchors of headings, as GitHub derives them.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug = slug(title.trim());
        let numbered = (1..).map(|count| format!("{slug}-{count}"));
        let free = std::iter::once(slug.clone()).chain(numbered);
        let free = free.into_iter().find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

fn slug(title: &str) -> String {
    title
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The lines outside of fenced blocks, numbered.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((at + 1, line))
    })
}

#[test]
fn console_blocks_are_parted_into_commands_and_output() {
    let text = "```sh\n$ no\n```\n```console\n$ one \\\n    two\nout\n\n$ three &\n```\n";
    let blocks = blocks("a.md", text);
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].line, 4);
    let steps: Vec<_> =
        blocks[0].steps.iter().map(|step| (step.command.as_str(), step.output.len())).collect();
    assert_eq!(steps, [("one two", 2), ("three &", 0)]);
}

#[test]
fn a_block_knows_its_lab_and_the_rules_before_it() {
    let text = "```console\n$ one\n```\n```sh\nscripts/lab run r1 -- true\n```\n```sh\nls\n```\n\
        <!-- lab: wall on s -->\n```console\n$ two\n```\n";
    let blocks = blocks("a.md", text);
    assert_eq!((&blocks[0].lab, blocks[0].rules.len()), (&None, 0));
    let stage = Stage { scenario: "wall".to_owned(), host: "s".to_owned() };
    assert_eq!(blocks[1].lab, Some(stage));
    assert_eq!(blocks[1].rules, ["scripts/lab run r1 -- true\n"]);
}

#[test]
fn links_are_found_in_prose_and_not_in_code() {
    let text =
        "[a](b.md) `[c](d.md)` [e](f.md#g)\n```\n[h](i.md)\n```\n[j](https://k)\n[l]: m.md\n";
    let found: Vec<_> = links(text).into_iter().map(|(_, link)| link).collect();
    assert_eq!(found, ["b.md", "f.md#g", "m.md"]);
}

#[test]
fn anchors_are_those_of_github() {
    let found = anchors("# One: `two`, three!\n## Again\n## Again\n```\n# not\n```\n#no\n");
    let expected = ["again", "again-1", "one-two-three"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(expected));
}
