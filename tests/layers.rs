//! Enforces the map in `src/lib.rs`: no import of a higher module or across the two groups, no
//! circle of imports, no bare bool in a call, no unsafe code outside `sys`, no printing outside
//! `report` and `main`, no file without a file comment. Also what Cargo.toml sets for builds.

#[path = "layers/bools.rs"]
mod bools;
#[path = "layers/graph.rs"]
mod graph;
#[path = "layers/imports.rs"]
mod imports;
#[path = "layers/profiles.rs"]
mod profiles;
#[path = "layers/texts.rs"]
mod texts;
#[path = "layers/tokens.rs"]
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with the modules that it may import. A module that is missing here is an error.
///
/// Test modules follow the same rules: code that needs a socket to be tested is not pure.
const MAP: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("wire", &["units"]),
    ("stats", &["units"]),
    ("pace", &["units"]),
    ("impair", &["units"]),
    ("batch", &["units"]),
    ("machine", &["units", "batch"]),
    ("record", &["units", "wire", "stats", "pace", "batch"]),
    ("control", &["units", "wire", "stats", "pace", "batch", "record", "machine"]),
    ("sys", &["units", "batch"]),
    ("netsim", &["units", "wire", "pace", "batch", "machine", "impair", "record"]),
    (
        "session",
        &[
            "units", "wire", "stats", "pace", "batch", "record", "control", "machine", "impair",
            "netsim",
        ],
    ),
    ("net", &["units", "batch", "sys"]),
    (
        "engine",
        &[
            "units", "wire", "stats", "pace", "batch", "record", "machine", "control", "sys",
            "session", "net",
        ],
    ),
    // Of `sys` the terminal and the texts of errors alone: see DOORS.
    ("report", &["units", "wire", "stats", "batch", "record", "sys"]),
    // Of `sys` the texts of errors alone: see DOORS.
    ("cli", &["units", "wire", "impair", "sys"]),
    (
        "commands",
        // The simulated network in the tests of a search.
        &[
            "units", "wire", "stats", "pace", "batch", "record", "machine", "impair", "control",
            "sys", "netsim", "session", "net", "engine", "report", "cli",
        ],
    ),
    ("api", &["units", "record", "cli", "commands"]),
];

/// Modules of which another may import a part only: who, of what, which part.
const DOORS: &[(&str, &str, &[&str])] =
    &[("report", "sys", &["terminal", "error_text"]), ("cli", "sys", &["error_text"])];

/// The roots: one declares every module, the other runs the top one.
const ROOTS: &[&str] = &["lib.rs", "main.rs"];

/// Modules that may contain sentences for people.
const SPEAKING: &[&str] = &["report", "cli", "main"];

/// Sentences that are not messages of udpkit, each with the reason.
const PROTOCOL_TEXTS: &[(&str, &str)] = &[
    ("wire/http.rs", "status lines of HTTP are text"),
    ("wire/service/ssdp.rs", "the request of SSDP is text"),
    ("wire/service/sip.rs", "the request of SIP is text"),
    ("session/cast/subscribers.rs", "the verbs that HELP lists"),
    ("sys/linux/limits.rs", "a row of /proc/self/limits"),
    ("units/errno_text.rs", "what the C library says of error numbers"),
];

/// Modules that must not decide by the content of a text; `wire` and `units` parse texts for all.
const JUDGING: &[&str] = &["control", "session", "record", "report", "engine"];

/// Files that read texts of the dialogue's parameters and of keys, and where.
const READERS: &[&str] = &["session/serve/dialogue.rs", "record/probe/ports.rs"];

/// Modules whose findings are data: a text in them is none of udpkit's own messages.
const WORDLESS: &[&str] = &["record", "session"];

/// Fields of the type `String` in these modules, and where if not everywhere, each with what it
/// holds. A message for people is none of them: it is an enum that `report::words` turns into text,
/// or an error type.
const TEXTS: &[(&str, &str, &str)] = &[
    ("address", "", "an address as a user types it"),
    ("addresses", "", "addresses"),
    ("arguments", "record/run_facts.rs", "the command line"),
    ("base", "record/saved", "a file"),
    ("base_target", "record/saved", "a host as the user wrote it"),
    ("by", "session/cast", "the name of an interface"),
    ("capabilities", "record/serve.rs", "names from capabilities(7)"),
    ("destination", "", "an address"),
    ("excluded", "", "addresses"),
    ("far_end", "record/check", "an address"),
    ("file", "record/saved", "a file"),
    ("files", "record/saved", "files"),
    ("first", "", "an address"),
    ("from", "record/address_move.rs", "an address"),
    ("from", "record/check", "an address"),
    ("from", "record/saved", "a host as the user wrote it"),
    ("group", "", "an address"),
    ("heard_by", "record/check", "names of interfaces"),
    ("hex", "record", "a payload in hexadecimal digits"),
    ("host", "", "a host as the user wrote it"),
    ("hosts", "record/saved", "hosts as the user wrote them"),
    ("interface", "", "the name of an interface"),
    ("interfaces", "", "names of interfaces"),
    ("key", "record/serve_refusal.rs", "the name of a parameter"),
    ("last", "", "an address"),
    ("name", "", "a host as the user wrote it, or an interface"),
    ("one", "record/saved", "a file"),
    ("own_tags", "session/blast", "tags of the dialogue"),
    ("proof", "session/blast", "a value of the dialogue"),
    ("querier", "record/check", "an address"),
    ("receiver", "", "an address"),
    ("reply_text", "record/refusal.rs", "the text of the remote end, unchanged"),
    ("readable", "record/serve.rs", "folders"),
    ("reason", "record/probe/nat.rs", "the text of the remote end, unchanged"),
    ("reason", "record/reload.rs", "the error of a file's reader, unchanged"),
    ("words", "record/run_failure.rs", "the text of the remote end, unchanged"),
    ("seen", "session/blast", "an address"),
    ("seen_as", "record/blast.rs", "an address"),
    ("session", "", "the name of a session"),
    ("server", "", "the identity of a server"),
    ("session_server", "record", "the identity of a server"),
    ("stream_server", "record", "the identity of a server"),
    ("other", "record/saved", "a file"),
    ("other_target", "record/saved", "a host as the user wrote it"),
    ("other_server", "record", "the identity of a server"),
    ("socket", "record/serve.rs", "the address of a Unix socket"),
    ("source", "", "an address"),
    ("sources", "", "addresses"),
    ("told_delays", "session", "a histogram in base64"),
    ("system", "record/run_facts.rs", "the name and release of the kernel"),
    ("target", "", "an address"),
    ("to", "record/address_move.rs", "an address"),
    ("to", "record/saved", "a host as the user wrote it"),
    ("version", "record/server_state.rs", "a version of udpkit"),
    ("text", "record/recv.rs", "a payload"),
    ("text", "record/send.rs", "a payload"),
    ("text", "record/finding.rs", "what report::words says, for JSON"),
    ("user", "record/serve.rs", "the name of an account"),
    ("value", "record/serve_refusal.rs", "the value of a parameter, unchanged"),
    ("value", "session/cast", "a value of the dialogue, returned unchanged"),
    ("ports", "record/probe/shape.rs", "a list of ports"),
    ("answer", "record/probe/scan.rs", "what a service's reply holds"),
    ("words", "session/probe/scan", "what a service's reply holds"),
    ("command", "record/probe/all.rs", "a command line to copy, from report::words"),
];

/// Types that print an IPv6 zone as a number.
const ADDRESSES: &[&str] = &["SocketAddr", "SocketAddrV6"];

const LONGEST_FILE: usize = 700;

/// A file below `src`.
struct Source {
    /// The path below `src`, such as `net/socket.rs`.
    path: String,
    text: String,
    /// Whether it is compiled for tests only.
    is_for_tests: bool,
}

impl Source {
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_root(&self) -> bool {
        ROOTS.contains(&self.path.as_str())
    }
}

#[test]
fn no_import_goes_up_or_across() {
    hold(import_faults);
}

#[test]
fn what_is_open_by_a_door_is_entered_by_it() {
    hold(door_faults);
}

#[test]
fn no_modules_of_a_folder_import_each_other_in_a_circle() {
    let sources = sources();
    let counted = sources.iter().filter(|source| !source.is_for_tests && source.path != "main.rs");
    let found = graph::circles(counted.map(|source| (source.path.as_str(), source.text.as_str())));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_call_passes_a_bare_bool() {
    let sources = sources();
    let code: Vec<_> = sources
        .iter()
        .filter(|source| !source.is_for_tests)
        .map(|source| (source, graph::without_tests(&tokens::tokens(&source.text))))
        .collect();
    let takers = code.iter().flat_map(|(_, tokens)| bools::takers(tokens)).collect();
    let fault = |source: &Source, call: tokens::Token<'_>| {
        format!("src/{}:{}: {} is called with a bare bool", source.path, call.line, call.text)
    };
    let faults: Vec<_> = code
        .iter()
        .flat_map(|(source, tokens)| {
            bools::bare_calls(tokens, &takers).into_iter().map(|call| fault(source, call))
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_file_starts_with_a_file_comment() {
    hold(opening_faults);
}

#[test]
fn unsafe_code_and_libc_stay_in_sys() {
    hold(unsafe_faults);
}

#[test]
fn only_sys_and_net_ask_which_system_it_is() {
    hold(system_faults);
}

#[test]
fn only_report_and_main_print() {
    hold(print_faults);
}

#[test]
fn addresses_are_shown_with_the_names_of_interfaces() {
    hold(address_faults);
    hold(error_address_faults);
}

#[test]
fn a_message_is_one_line() {
    hold(break_faults);
}

#[test]
fn sentences_stay_in_report_and_cli_and_error_types() {
    hold(sentence_faults);
}

#[test]
fn findings_hold_no_message_for_people() {
    hold(message_faults);
    let sources = sources();
    let holds = |(name, place, _): &&(&str, &str, &str)| {
        let of = sources.iter().filter(|source| WORDLESS.contains(&source.room()));
        let mut of = of.filter(|source| source.path.starts_with(place));
        of.any(|source| text_fields(&source.text).iter().any(|(_, field)| field == name))
    };
    let gone: Vec<_> = TEXTS.iter().filter(|text| !holds(text)).collect();
    assert!(gone.is_empty(), "no longer there: {gone:?}");
}

#[test]
fn nothing_is_decided_by_the_content_of_a_text() {
    hold(look_faults);
}

#[test]
fn no_file_outgrows_a_reader() {
    hold(length_faults);
}

/// The folders that a map names: the lines of its text block between `from` and the end of the
/// block, each a path and a sentence.
fn mapped(text: &str, from: &str) -> Vec<(String, String)> {
    let block = text.split_once(from).and_then(|(_, rest)| rest.split_once("```text\n"));
    let (block, _) = block.and_then(|(_, rest)| rest.split_once("```")).expect("a map");
    let lines = block.lines().map(|line| line.trim_start_matches("//!").trim());
    let line = |line: &str| {
        let (path, sentence) = line.split_once("  ").unwrap_or((line, ""));
        (path.to_owned(), sentence.trim().to_owned())
    };
    lines.filter(|line| !line.is_empty()).map(line).collect()
}

#[test]
fn the_map_names_every_folder_with_a_sentence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let map = mapped(&read("src/lib.rs"), "//! # Every folder");
    assert_eq!(map, mapped(&read("docs/architecture.md"), "## Every folder"), "two maps differ");
    let wordless: Vec<_> = map.iter().filter(|(_, sentence)| sentence.len() < 10).collect();
    assert!(wordless.is_empty(), "without a sentence: {wordless:?}");
    let mut named: Vec<_> = map.into_iter().map(|(path, _)| path).collect();
    named.sort();
    let mut there: Vec<_> =
        sources().into_iter().filter_map(|source| folder(&source.path)).collect();
    there.sort();
    there.dedup();
    assert_eq!(named, there);
}

/// The folder of a file below `src`; none for the roots.
fn folder(path: &str) -> Option<String> {
    path.rsplit_once('/').map(|(folder, _)| folder.to_owned())
}

/// Applies a rule to every file and fails with all violations.
#[track_caller]
fn hold(rule: fn(&Source) -> Vec<String>) {
    let sources = sources();
    assert!(sources.len() > MAP.len(), "src was not read: {} files", sources.len());
    let faults: Vec<_> = sources.iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Imports of a module by another way than its door: each must name the door at once.
fn door_faults(source: &Source) -> Vec<String> {
    let doors = DOORS.iter().filter(|(who, ..)| *who == source.room());
    let found = doors.filter_map(|(who, of, doors)| {
        let found = imports::imports(&source.text, imports::depth_of(&source.path));
        let all = found.iter().filter(|import| import.room == *of).count();
        let tokens = tokens::tokens(&source.text);
        let text: Vec<_> = tokens.iter().map(|token| token.text).collect();
        let enters = |door: &&str| {
            let path = ["crate", "::", of, "::", door, "::"];
            text.windows(path.len()).filter(|window| *window == path).count()
        };
        let entered: usize = doors.iter().map(enters).sum();
        let (path, doors) = (&source.path, doors.join(" and "));
        (all > entered).then(|| format!("src/{path}: {who} may import of {of} {doors} only"))
    });
    found.collect()
}

fn import_faults(source: &Source) -> Vec<String> {
    if source.is_root() {
        return Vec::new();
    }
    let room = source.room();
    let Some((_, allowed)) = MAP.iter().find(|(name, _)| *name == room) else {
        return vec![format!("src/{}: {room} is not on the map", source.path)];
    };
    imports::imports(&source.text, imports::depth_of(&source.path))
        .into_iter()
        .filter(|import| import.room != room && !allowed.contains(&import.room.as_str()))
        .map(|import| {
            let (path, line, name) = (&source.path, import.line, import.room);
            format!("src/{path}:{line}: {room} may not import {name}")
        })
        .collect()
}

fn opening_faults(source: &Source) -> Vec<String> {
    if source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![format!("src/{}: does not open with //!", source.path)]
}

fn unsafe_faults(source: &Source) -> Vec<String> {
    if source.room() == "sys" {
        return Vec::new();
    }
    words(source, &["unsafe", "libc"], "belongs in sys")
}

/// Which system it is, is asked in `sys` and `net` alone: above them a capability says what there is.
fn system_faults(source: &Source) -> Vec<String> {
    if ["sys", "net"].contains(&source.room()) {
        return Vec::new();
    }
    let systems = ["target_os", "target_env", "target_vendor", "target_family"];
    let mut found = words(source, &systems, "asks for a system: use a capability");
    for form in ["cfg(unix", "cfg(windows", "cfg!(unix", "cfg!(windows", "not(unix", "not(windows"]
    {
        if source.text.contains(form) {
            found.push(format!("src/{}: {form}) asks for a system", source.path));
        }
    }
    found
}

fn print_faults(source: &Source) -> Vec<String> {
    if source.room() == "report" || source.path == "main.rs" || source.is_for_tests {
        return Vec::new();
    }
    words(source, &["println", "eprintln", "print", "eprint"], "belongs in report")
}

fn address_faults(source: &Source) -> Vec<String> {
    if !["record", "report"].contains(&source.room()) {
        return Vec::new();
    }
    words(source, ADDRESSES, "shows a zone as a number: use Endpoint")
}

/// An error type's text is shown as it is: the addresses in it are of the type that names a zone.
fn error_address_faults(source: &Source) -> Vec<String> {
    texts::error_items(&source.text)
        .into_iter()
        .filter(|(_, item)| tokens::tokens(item).iter().any(|one| ADDRESSES.contains(&one.text)))
        .map(|(line, _)| {
            format!("src/{}:{line}: the text of an error shows a zone as a number", source.path)
        })
        .collect()
}

fn sentence_faults(source: &Source) -> Vec<String> {
    let protocol = PROTOCOL_TEXTS.iter().any(|(path, _)| *path == source.path);
    if SPEAKING.contains(&source.room()) || protocol || source.is_for_tests {
        return Vec::new();
    }
    texts::literals(&source.text)
        .iter()
        .filter(|literal| literal.is_sentence())
        .map(|literal| {
            let (path, line, text) = (&source.path, literal.line, literal.text);
            format!("src/{path}:{line}: a sentence outside report, cli and error types: {text}")
        })
        .collect()
}

/// Fields and variants that hold a text which is not known to be other than a message.
fn message_faults(source: &Source) -> Vec<String> {
    if !WORDLESS.contains(&source.room()) || source.is_for_tests {
        return Vec::new();
    }
    let is_known = |field: &str| {
        let mut known = TEXTS.iter().filter(|(name, ..)| *name == field);
        known.any(|(_, place, _)| source.path.starts_with(place))
    };
    text_fields(&source.text)
        .into_iter()
        .filter(|(_, field)| !is_known(field))
        .map(|(line, field)| {
            let path = &source.path;
            format!("src/{path}:{line}: {field} may be a message: make it a type, or list it")
        })
        .collect()
}

/// The fields of the type `String`, alone or in `Option` and `Vec`, and the variants that hold
/// nothing but one, each with its line; test modules are left out.
fn text_fields(text: &str) -> Vec<(usize, String)> {
    let text = &text[..texts::tests_begin(text)];
    let words = tokens::tokens(text);
    let word = |at: usize| words.get(at).map_or("", |token| token.text);
    let mut found = Vec::new();
    for (at, token) in words.iter().enumerate().filter(|(_, token)| token.text == "String") {
        let mut from = at;
        while from >= 2 && word(from - 1) == "<" && ["Option", "Vec"].contains(&word(from - 2)) {
            from -= 2;
        }
        let mut to = at + 1;
        while word(to) == ">" {
            to += 1;
        }
        let is_variant = from >= 2
            && word(from - 1) == "("
            && word(to) == ")"
            && [",", "}"].contains(&word(to + 1))
            && word(from - 2).starts_with(char::is_uppercase);
        let is_field = from >= 2 && word(from - 1) == ":" && [",", "}", ")"].contains(&word(to));
        if is_variant || is_field {
            found.push((token.line, word(from - 2).to_owned()));
        }
    }
    found
}

fn look_faults(source: &Source) -> Vec<String> {
    let reads = READERS.contains(&source.path.as_str());
    if !JUDGING.contains(&source.room()) || reads || source.is_for_tests {
        return Vec::new();
    }
    texts::literals(&source.text)
        .iter()
        .filter(|literal| literal.is_looked_for())
        .map(|literal| {
            let (path, line, text) = (&source.path, literal.line, literal.text);
            format!("src/{path}:{line}: decides by a text: {text}")
        })
        .collect()
}

/// A message is one line: a line break in it would be shown escaped. Whole pages of results and of
/// help have lines of their own; a break with indentation is a forgotten `\\` even there.
fn break_faults(source: &Source) -> Vec<String> {
    if source.is_for_tests {
        return Vec::new();
    }
    let speaks = source.path.starts_with("report/words/");
    let literals = texts::literals(&source.text);
    let literals = literals.iter().map(|one| (one.line, one.text, speaks));
    literals
        .chain(texts::attribute_texts(&source.text))
        .filter(|(_, text, is_line)| {
            texts::breaks_off(text) || (*is_line && texts::breaks_by_escape(text))
        })
        .map(|(line, text, _)| format!("src/{}:{line}: a line break in {text:?}", source.path))
        .collect()
}

fn length_faults(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= LONGEST_FILE {
        return Vec::new();
    }
    vec![format!("src/{}: {lines} lines, {LONGEST_FILE} at most", source.path)]
}

/// Where any of `wanted` occurs as a word of code; macros only as calls.
fn words(source: &Source, wanted: &[&str], why: &str) -> Vec<String> {
    let tokens = tokens::tokens(&source.text);
    let is_call = |at: usize| tokens.get(at + 1).is_some_and(|next| next.text == "!");
    tokens
        .iter()
        .enumerate()
        .filter(|(at, token)| {
            wanted.contains(&token.text) && (!token.text.contains("print") || is_call(*at))
        })
        .map(|(_, token)| format!("src/{}:{}: {} {why}", source.path, token.line, token.text))
        .collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let read = |file: PathBuf| {
        let path = file.strip_prefix(&root).expect("below src").to_string_lossy();
        let text = fs::read_to_string(&file).expect("source is text");
        Source { path: path.replace('\\', "/"), text, is_for_tests: false }
    };
    let mut sources: Vec<Source> = files.into_iter().map(read).collect();
    let tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
    for source in &mut sources {
        let is_of = |module: &String| {
            source.path == format!("{module}.rs") || source.path.starts_with(&format!("{module}/"))
        };
        source.is_for_tests = tests.iter().any(is_of);
    }
    sources
}

/// The modules that a file declares for tests only, as paths without `.rs`.
fn test_modules(source: &Source) -> Vec<String> {
    let folder = match source.path.strip_suffix("/mod.rs") {
        Some(folder) => folder,
        None if source.is_root() => "",
        None => source.path.strip_suffix(".rs").unwrap_or_default(),
    };
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|two| two[0] == "#[cfg(test)]");
    let names = declared.filter_map(|two| {
        let name = two[1].rsplit_once("mod ")?.1.strip_suffix(';')?;
        Some(format!("{folder}/{name}").trim_start_matches('/').to_owned())
    });
    names.collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

// --- the rules themselves ----------------------------------------------------------------------

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned(), is_for_tests: false }
}

#[test]
fn an_import_against_the_map_is_a_fault() {
    for (path, text) in [
        ("units/nanos.rs", "use crate::stats::Jitter;"),
        ("wire/header.rs", "use crate::stats::Jitter;"),
        ("batch/tx.rs", "use crate::pace::Pacer;"),
        ("record/blast.rs", "use crate::sys::Family;"),
        ("session/mod.rs", "use crate::{units, net::Socket};"),
        ("session/blast/sender.rs", "fn f() { crate::engine::run(); }"),
        ("session/blast/sender.rs", "mod tests { use super::super::super::super::net; }"),
        ("net/socket.rs", "use crate::wire::Header;"),
        ("net/mod.rs", "use super::record;"),
        ("sys/mod.rs", "use crate::net::Socket;"),
        ("report/text.rs", "use crate::session::Session;"),
        ("report/text.rs", "use crate::net::Socket;"),
        ("engine/mod.rs", "use crate::report::Text;"),
        ("cli/blast.rs", "use crate::net::IoMode;"),
        ("cli/blast.rs", "use crate::commands::Exit;"),
        ("stats/mod.rs", "use crate::*;"),
        ("util/mod.rs", "//! Not on the map."),
    ] {
        assert_eq!(import_faults(&source(path, text)).len(), 1, "{path}: {text}");
    }
}

#[test]
fn an_import_from_below_is_none() {
    for (path, text) in [
        ("wire/header.rs", "use crate::units::Nanos; use crate::wire::Kind;"),
        ("session/blast/sender.rs", "use crate::{batch::TxBatch, pace, record, stats, wire};"),
        ("session/blast/sender.rs", "use super::super::{Next, Session};"),
        ("engine/event_loop.rs", "use crate::{net::Socket, session::Session};"),
        ("commands/blast.rs", "use crate::{cli::BlastArgs, engine, net, report};"),
        ("main.rs", "use crate::commands; mod x { use super::y; }"),
    ] {
        assert_eq!(import_faults(&source(path, text)), [""; 0], "{path}: {text}");
    }
}

#[test]
fn the_other_rules_find_violations() {
    let found =
        |rule: fn(&Source) -> Vec<String>, path, text: &str| rule(&source(path, text)).len();
    for (text, count) in [
        ("use crate::sys::terminal::Terminal;", 0),
        ("use crate::sys::Handle;", 1),
        ("use crate::{sys::terminal, units};", 1),
        ("use crate::sys::terminal::Modes; fn f() { crate::sys::raise(); }", 1),
    ] {
        assert_eq!(found(door_faults, "report/live_view/terminal.rs", text), count, "{text}");
        assert_eq!(found(door_faults, "net/mod.rs", text), 0, "{text}");
    }
    assert_eq!(found(opening_faults, "net/mod.rs", "use std::io;\n//! Late.\n"), 1);
    assert_eq!(found(opening_faults, "net/mod.rs", "//! Sockets.\n"), 0);

    assert_eq!(found(unsafe_faults, "net/mod.rs", "fn f() { unsafe { libc::close(0) } }"), 2);
    assert_eq!(found(unsafe_faults, "net/mod.rs", "// unsafe\n#![deny(unsafe_code)]"), 0);
    assert_eq!(found(unsafe_faults, "sys/call.rs", "unsafe { libc::close(0) }"), 0);
    assert_eq!(found(system_faults, "engine/x.rs", "#[cfg(target_os = \"linux\")] fn f() {}"), 1);
    assert_eq!(found(system_faults, "report/x.rs", "if cfg!(windows) {}"), 1);
    assert_eq!(found(system_faults, "net/x.rs", "#[cfg(unix)] fn f() {}"), 0);

    assert_eq!(found(print_faults, "net/mod.rs", "println!(\"x\"); std::eprint!(\"y\");"), 2);
    assert_eq!(found(print_faults, "net/mod.rs", "fn print() {} // println!()"), 0);
    assert_eq!(found(print_faults, "report/text.rs", "println!()"), 0);
    assert_eq!(found(print_faults, "main.rs", "eprintln!()"), 0);

    let address = "use std::net::SocketAddr;";
    assert_eq!(found(address_faults, "record/ping.rs", address), 1);
    assert_eq!(found(address_faults, "session/ping/mod.rs", address), 0);
    let of = |address: &str| {
        format!("enum E {{\n#[error(\"a\")]\nA,\n#[error(\"no {{0}}\")]\nB({address}),\n}}\n")
    };
    assert_eq!(found(error_address_faults, "batch/hint.rs", &of("SocketAddr")), 1);
    assert_eq!(found(error_address_faults, "batch/hint.rs", &of("std::net::SocketAddrV6")), 1);
    assert_eq!(found(error_address_faults, "batch/hint.rs", &of("Endpoint")), 0);
    let beside = "#[error(\"a\")]\nstruct E;\n\nfn f(to: SocketAddr) {}\n";
    assert_eq!(found(error_address_faults, "batch/hint.rs", beside), 0);

    let sentence = "fn f() -> &'static str { \"cannot find the host\" }";
    assert_eq!(found(sentence_faults, "session/mod.rs", sentence), 1);
    assert_eq!(found(sentence_faults, "report/words/host.rs", sentence), 0);
    let look = "fn f(why: &str) -> bool { why.contains(\"unreachable\") }";
    assert_eq!(found(look_faults, "record/blast.rs", look), 1);
    assert_eq!(found(look_faults, "wire/control.rs", look), 0);

    for text in [
        "struct S {\n why: String,\n}",
        "enum E { Failed { why: Option<String> } }",
        "enum E { Failed(String), Other }",
        "struct S { all: Vec<String>, }",
    ] {
        assert_eq!(found(message_faults, "record/blast.rs", text), 1, "{text}");
        assert_eq!(found(message_faults, "report/words/blast.rs", text), 0, "{text}");
    }
    for text in [
        "struct S { host: String, count: u64 }",
        "fn f() -> String { Some(String::new()); x.map(String::from) }",
        "#[cfg(test)]\nmod tests {\nstruct S { why: String }\n}",
    ] {
        assert_eq!(found(message_faults, "record/blast.rs", text), 0, "{text}");
    }

    assert_eq!(found(length_faults, "net/mod.rs", &"//\n".repeat(700)), 0);
    assert_eq!(found(length_faults, "net/mod.rs", &"//\n".repeat(701)), 1);
}
