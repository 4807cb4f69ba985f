//! Checks the documents: every command in README.md and `docs` parses, every example in them prints
//! what is shown, in form, on loopback or in a lab, and every link has a target.
//!
//! ```text
//! markdown    the examples of a document
//! shell       the commands of an example
//! play        runs the commands of one example and compares what they print
//! form        what two outputs have in common that differ in figures
//! scenarios   what the examples need in a lab
//! lab         plays the examples of a scenario
//! ```
//!
//! With `UDPKIT_EXAMPLES=latency.md:65` (a part of a place or of a scenario's name) only these are
//! played, and what they printed is shown, to be put into the document.

mod form;
mod lab;
mod markdown;
mod play;
mod scenarios;
mod shell;

use crate::common::{busy, lab_available, punctual, skip_line, worst_wake};
use lab::{Performance, performances};
use markdown::Block;
use play::place;
use scenarios::Load;
use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use std::{env, fs, thread};

/// The length of README.md, at most.
const README_LINES: usize = 250;

/// Examples to run at the same time; few where some load the processors.
const AT_ONCE: usize = 3;
const AT_ONCE_WAITING: usize = 5;

/// What a report says of a host that was late with its work.
const OF_A_LATE_HOST: &[&str] = &[
    "paused for",
    "this host paused",
    "sender limited",
    "still due at the end",
    "less than 99% of the requested",
    // A thread that went from one processor to another.
    "reordering extent",
];

/// How late this machine must have been for it.
const LATE: Duration = Duration::from_millis(1);

#[test]
fn every_command_in_the_documents_parses() {
    let faults: Vec<_> = examples().iter().flat_map(unparsed).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_example_has_a_place_where_it_is_played() {
    let examples = examples();
    assert!(examples.len() > 80, "{} examples", examples.len());
    let mut faults: Vec<_> = examples.iter().filter_map(misplaced).collect();
    faults.extend(performances(&examples).1);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What is wrong with the place of an example.
fn misplaced(block: &Block) -> Option<String> {
    let place = place(block);
    match (play::is_on_loopback(block), &block.lab) {
        (true, None) | (false, Some(_)) => None,
        (true, Some(_)) => Some(format!("{place}: it needs loopback only, and no lab")),
        (false, None) => Some(format!(
            "{place}: nobody plays it; `<!-- lab: SCENARIO on HOST -->` before it says where"
        )),
    }
}

#[test]
fn every_example_on_loopback_prints_what_is_shown() {
    if let Err(why) = lab_available() {
        crate::common::skip!(why);
    }
    let examples = examples();
    let asked = env::var("UDPKIT_EXAMPLES").ok();
    let is_asked = |block: &&Block| asked.as_ref().is_none_or(|text| place(block).contains(text));
    let runnable = examples.iter().filter(|block| play::is_on_loopback(block)).filter(is_asked);
    let runnable: Vec<_> = runnable.collect();
    all_hold(Load::Works, AT_ONCE, &runnable, |block| play::play(block).err());
}

#[test]
fn every_example_of_a_lab_prints_what_is_shown() {
    play_in_labs(Load::Waits, AT_ONCE_WAITING);
}

#[test]
fn every_example_of_a_lab_under_load_prints_what_is_shown() {
    play_in_labs(Load::Works, AT_ONCE);
}

#[test]
fn every_long_example_of_a_lab_prints_what_is_shown() {
    play_in_labs(Load::Long, AT_ONCE_WAITING);
}

fn play_in_labs(load: Load, at_once: usize) {
    if let Err(why) = lab_available() {
        crate::common::skip!(why);
    }
    let examples = examples();
    let asked = env::var("UDPKIT_EXAMPLES").ok();
    let (mut played, _) = performances(&examples);
    played.retain(|one| one.scenario.load == load);
    played.retain(|one| asked.as_ref().is_none_or(|text| one.is_named(text)));
    played.retain(|one| match one.missing() {
        Some(why) => {
            skip_line(&format!("example {}: {why}", one.scenario.name));
            false
        }
        None => true,
    });
    all_hold(load, at_once, &played, |one: &Performance| {
        // What does not come to be in a lab is a panic of its own.
        let found = catch_unwind(AssertUnwindSafe(|| one.play()));
        let found = found.unwrap_or_else(|_| Err("a panic, which is above".to_owned()));
        if let (Ok(printed), Some(_)) = (&found, &asked) {
            say(&format!("{}:{printed}", one.scenario.name));
        }
        found.err().map(|why| format!("{}: {why}", one.scenario.name))
    });
}

/// Plays all of them, so many at a time; panics with what is wrong. What is wrong must be so once
/// more, alone. Where it is, and the report says that this machine was late, as a witness does, it
/// is the machine's fault.
fn all_hold<T: Sync>(
    load: Load,
    at_once: usize,
    all: &[T],
    play: impl Fn(&T) -> Option<String> + Sync,
) {
    let failed = {
        let _turn = turn(load);
        together(at_once, all, |one| play(one).map(|_| one))
    };
    let again = |one: &&T| {
        let _turn = (load != Load::Long).then(busy);
        let (why, late) = worst_wake(|| play(one));
        let why = why?;
        if late > LATE && OF_A_LATE_HOST.iter().any(|text| why.contains(text)) {
            say(&format!("not compared, as this machine was {late:?} late: {why}"));
            return None;
        }
        Some(why)
    };
    let faults: Vec<String> = failed.iter().filter_map(again).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n\n"));
}

/// Prints to standard error, as the test runner hides what passing tests print.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The turn at the processor of examples that do this to the machine.
fn turn(load: Load) -> Box<dyn Any> {
    match load {
        Load::Waits => Box::new(punctual()),
        Load::Works => Box::new(busy()),
        Load::Long => Box::new(()),
    }
}

/// Does `work` with all of them, so many at a time; what it found.
fn together<'a, T: Sync, R: Send>(
    at_once: usize,
    all: &'a [T],
    work: impl Fn(&'a T) -> Option<R> + Sync,
) -> Vec<R> {
    let left = Mutex::new(all.iter());
    let next = || left.lock().expect("nothing panics with it").next();
    thread::scope(|scope| {
        let one_by_one = || std::iter::from_fn(next).filter_map(&work).collect::<Vec<R>>();
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(one_by_one)).collect();
        workers.into_iter().flat_map(|one| one.join().expect("no example panics")).collect()
    })
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

/// The console blocks of README.md and of the documents in `docs`.
fn examples() -> Vec<Block> {
    let mut files = markdown::files_below(&root().join("docs"));
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
fn an_example_of_a_lab_is_compared_word_by_word_and_host_by_host() {
    crate::common::require_lab!();
    for (scenario, shown, other) in [
        ("own-firewall", "blocked by this host's firewall", "kept by this host's firewall"),
        ("marks", "is bleached on the", "is kept on the"),
        (
            "port-dropped",
            "no reply beyond hop 2 (203.0.113.2)",
            "no reply beyond hop 2 (192.0.2.1)",
        ),
        ("stun-server", "", "serving nobody"),
    ] {
        let mut blocks = examples();
        blocks.retain(|one| one.lab.as_ref().is_some_and(|lab| lab.scenario == scenario));
        let step = &mut blocks[0].steps[0];
        let lines = if shown.is_empty() {
            vec![other.to_owned()]
        } else {
            step.output.iter().map(|line| line.replace(shown, other)).collect()
        };
        assert_ne!(step.output, lines, "{scenario}");
        step.output = lines;
        let (played, _) = performances(&blocks);
        let why = played[0].play().expect_err("other words are printed");
        let word = other.split(' ').next().expect("a word");
        assert!(why.contains("shown, not printed") && why.contains(word), "{why}");
    }
}

#[test]
fn an_example_without_its_scenario_or_its_host_is_a_fault() {
    let on = |stage: &str| {
        let text = format!("<!-- lab: {stage} -->\n```console\n$ udpkit ping 192.0.2.10\n```\n");
        markdown::blocks("x.md", &text)
    };
    let own = |blocks: &[Block]| {
        let (played, mut faults) = performances(blocks);
        faults.retain(|fault| fault.starts_with("x.md"));
        (played.len(), faults)
    };
    assert_eq!(own(&on("server on a")), (1, Vec::new()));
    assert!(own(&on("server on b")).1[0].contains("shows blocks on: a"));
    assert!(own(&on("serve on a")).1[0].contains("no scenario serve"));
    assert!(own(&on("server-shown on a")).1[0].contains("shows blocks on: b a"));
    let unplayed = performances(&[]).1;
    assert!(unplayed.iter().any(|fault| fault.contains("no example of the scenario nat")));
    assert!(
        misplaced(&block("$ udpkit ping 192.0.2.10")).is_some_and(|why| why.contains("nobody"))
    );
    assert_eq!(misplaced(&on("server on a")[0]), None);
    assert_eq!(misplaced(&block("$ udpkit ping 127.0.0.1")), None);
}

#[test]
fn an_example_that_does_not_end_is_a_fault() {
    crate::common::require_lab!();
    let why =
        play::play_within(&block("$ udpkit recv 127.0.0.1:9000; true"), 1).expect_err("no end");
    assert!(why.contains("longer than 1 s"), "{why}");
}
