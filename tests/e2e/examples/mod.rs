//! Checks the documents: every command in README.md and `docs` parses, every
//! example of README.md and `docs/guide` on loopback prints what is shown, in form, and every link
//! has a target.

mod form;
mod markdown;
mod play;
mod shell;

use crate::common::{busy, lab_available};
use markdown::Block;
use std::path::{Path, PathBuf};
use std::{fs, thread};

/// The length of README.md, at most.
const README_LINES: usize = 250;

/// Examples to run at the same time; few, as some load the processors.
const AT_ONCE: usize = 3;

#[test]
fn every_command_in_the_documents_parses() {
    let faults: Vec<_> = examples("docs").iter().flat_map(unparsed).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_example_on_loopback_prints_what_is_shown() {
    let _turn = busy();
    let runnable: Vec<_> =
        examples("docs/guide").into_iter().filter(play::is_on_loopback).collect();
    if runnable.is_empty() {
        return;
    }
    if let Err(why) = lab_available() {
        crate::common::skip!(why);
    }
    let faults: Vec<String> = runnable.chunks(AT_ONCE).flat_map(play_together).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n\n"));
}

#[test]
fn every_relative_link_has_a_target() {
    let root = root();
    let mut files = markdown::files_below(&root.join("docs"));
    files.push(root.join("README.md"));
    let faults: Vec<_> = files.iter().flat_map(|file| link_faults(file)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_readme_is_short() {
    let lines = fs::read_to_string(root().join("README.md")).expect("README.md").lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines, {README_LINES} at most");
}

/// The console blocks of README.md and of the documents in a directory.
fn examples(folder: &str) -> Vec<Block> {
    let mut files = markdown::files_below(&root().join(folder));
    files.push(root().join("README.md"));
    files.iter().flat_map(|file| markdown::blocks(&shown(file), &read(file))).collect()
}

/// The commands of a block that do not parse, except those whose output is an error on purpose.
fn unparsed(block: &Block) -> Vec<String> {
    let mut faults = Vec::new();
    for step in &block.steps {
        if step.output.iter().any(|line| line.starts_with("error:")) {
            continue;
        }
        for words in shell::udpkit_commands(&step.command) {
            if let Err(why) = shell::parse(&words) {
                faults.push(format!("{}:{}: {}\n  {why}", block.file, step.line, step.command));
            }
        }
    }
    faults
}

fn play_together(blocks: &[Block]) -> Vec<String> {
    thread::scope(|scope| {
        let runs: Vec<_> = blocks.iter().map(|block| scope.spawn(|| play::play(block))).collect();
        runs.into_iter().filter_map(|run| run.join().expect("a run does not panic").err()).collect()
    })
}

fn link_faults(file: &Path) -> Vec<String> {
    let folder = file.parent().expect("a file is in a folder");
    let mut faults = Vec::new();
    for (line, link) in markdown::links(&read(file)) {
        let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
        let target = if path.is_empty() { file.to_owned() } else { folder.join(path) };
        let fault = if !target.exists() {
            "no such file"
        } else if !heading.is_empty() && !markdown::anchors(&read(&target)).contains(heading) {
            "no such heading"
        } else {
            continue;
        };
        faults.push(format!("{}:{line}: {link}: {fault}", shown(file)));
    }
    faults
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The path of a file in messages.
fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).to_string_lossy().into_owned()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

// --- the rules themselves ----------------------------------------------------------------------

fn block(text: &str) -> Block {
    markdown::blocks("x.md", &format!("```console\n{text}\n```\n")).remove(0)
}

#[test]
fn a_command_that_does_not_parse_is_a_fault_unless_an_error_is_shown() {
    assert_eq!(unparsed(&block("$ udpkit send 127.0.0.1:9 -- hi")), [""; 0]);
    assert_eq!(unparsed(&block("$ udpkit send --no-such-flag")).len(), 1);
    assert_eq!(unparsed(&block("$ true | udpkit nonsense; echo $?")).len(), 1);
    assert_eq!(unparsed(&block("$ udpkit nonsense\nerror: unrecognized")), [""; 0]);
}

#[test]
fn a_link_without_a_target_is_a_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.md");
    fs::write(folder.path().join("b.md"), "# One `two`\n").expect("written");
    let text = "[x](b.md) [x](b.md#one-two) [x](#here) [x](https://a.example/)\n# Here\n";
    fs::write(&file, text).expect("written");
    assert_eq!(link_faults(&file), [""; 0]);
    fs::write(&file, "[x](c.md)\n[x](b.md#three)\n[x](#there)\n").expect("written");
    assert_eq!(link_faults(&file).len(), 3, "{:?}", link_faults(&file));
}

#[test]
fn an_example_runs_and_its_form_is_compared() {
    crate::common::require_lab!();
    let good = "$ udpkit recv 127.0.0.1:9000 -c 1 &\nlistening on 127.0.0.1:9000\n\
        $ udpkit send 127.0.0.1:9000 -- hello; echo $?\n...\n0\n\
        received 1 datagram, 5 bytes in 3.00 s (count reached)";
    assert!(play::is_on_loopback(&block(good)));
    play::play(&block(good)).expect("what is shown is printed");

    let wrong = good.replace("received 1", "swallowed 1");
    let why = play::play(&block(&wrong)).expect_err("another word is printed");
    assert!(why.contains("swallowed"), "{why}");

    let usage = play::play(&block("$ udpkit send --no-such-flag")).expect_err("exit code 2");
    assert!(usage.contains("exit code 2"), "{usage}");
}

#[test]
fn an_example_that_does_not_end_is_a_fault() {
    crate::common::require_lab!();
    let why =
        play::play_within(&block("$ udpkit recv 127.0.0.1:9000; true"), 1).expect_err("no end");
    assert!(why.contains("longer than 1 s"), "{why}");
}
