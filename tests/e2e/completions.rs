//! Completions by the shells themselves: bash, fish and zsh load what the binary writes.

use crate::common::{Output, require_tools, run, secs, udpkit};
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// A script for `shell`, in a file of its own.
fn script(shell: &str) -> (TempDir, String) {
    let dir = TempDir::new().expect("a folder for the script");
    let path = dir.path().join(shell);
    let written = run(udpkit().args(["completions", shell]), secs(10)).expect_success();
    fs::write(&path, written.out()).expect("the script can be written");
    let path = path.to_str().expect("a path of a test is text").to_owned();
    (dir, path)
}

/// What bash offers for the last of these words.
fn bash_offers(script: &str, words: &[&str]) -> Vec<String> {
    // As bash calls what `complete` has registered: the command, the word, the word before it.
    // Within a completion alone there is something for `compopt` to change.
    let call = r#"source "$1"; shift; compopt() { :; }
        function=$(complete -p udpkit | sed 's/.*-F \([^ ]*\) .*/\1/')
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        "$function" udpkit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-uc", call, "bash", script]).args(words);
    let output: Output = run(&mut bash, secs(20)).expect_success();
    assert_eq!(output.err(), "", "{words:?}");
    output.out().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_subcommands_flags_values_interfaces_and_groups() {
    require_tools!("bash");
    let (_dir, script) = script("bash");
    let offers = |words: &[&str]| bash_offers(&script, words);
    assert_eq!(offers(&["udpkit", "pi"]), ["ping"]);
    assert_eq!(offers(&["udpkit", "cast", "re"]), ["recv"]);
    assert_eq!(offers(&["udpkit", "probe", "ports", "--no-a"]), ["--no-agent"]);
    assert_eq!(offers(&["udpkit", "recv", "--format", "hex"]), ["hex", "hexdump"]);
    assert_eq!(offers(&["udpkit", "ping", "-I", "l"]), ["lo"]);
    assert_eq!(offers(&["udpkit", "cast", "recv", "--interface", "l"]), ["lo"]);
    assert_eq!(offers(&["udpkit", "cast", "send", "239"]), ["239.1.2.3:5000"]);
    assert!(offers(&["udpkit", "serve", "--s"]).contains(&"--stamp".to_owned()));
    // A number stays as it was typed: no file is offered in its place.
    assert_eq!(offers(&["udpkit", "ping", "192.0.2.1", "--count", "7"]), ["7"]);
}

#[test]
fn fish_completes_subcommands_flags_interfaces_and_groups() {
    require_tools!("fish");
    let (dir, script) = script("fish");
    let offers = |line: &str| {
        let mut fish = Command::new("fish");
        // Its own folders, where a machine may have other completions.
        fish.args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]", &script, line]);
        let output = run(fish.env("HOME", dir.path()), secs(20)).expect_success();
        assert_eq!(output.err(), "", "{line}");
        let names = output.out();
        let names = names.lines().filter_map(|line| line.split('\t').next());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(offers("udpkit pi"), ["ping"]);
    assert_eq!(offers("udpkit ping --interf"), ["--interface"]);
    assert_eq!(offers("udpkit ping -I l"), ["lo"]);
    assert_eq!(offers("udpkit cast recv 239"), ["239.1.2.3:5000"]);
}

#[test]
fn zsh_loads_its_script() {
    require_tools!("zsh");
    let (_dir, script) = script("zsh");
    let load = "autoload -Uz compinit; compinit -u -D; source $1; print -r -- $_comps[udpkit]";
    let mut zsh = Command::new("zsh");
    zsh.args(["-fc", load, "zsh", &script]);
    let output = run(&mut zsh, secs(20)).expect_success();
    assert_eq!((output.out().trim(), output.err().as_str()), ("_udpkit", ""));
}

#[test]
fn each_page_of_the_manual_is_a_file_and_mandoc_finds_no_fault() {
    require_tools!("mandoc");
    let dir = TempDir::new().expect("a folder for the pages");
    let folder = dir.path().join("man1");
    run(udpkit().arg("man").arg(&folder), secs(10)).expect_success();
    let pages = fs::read_dir(&folder).expect("the folder was made");
    let pages: Vec<_> = pages.map(|page| page.expect("it can be read").path()).collect();
    assert!(pages.len() > 20, "{pages:?}");
    let lint = run(Command::new("mandoc").args(["-Tlint", "-Wwarning"]).args(&pages), secs(20));
    assert_eq!((lint.code(), lint.out().as_str()), (Some(0), ""), "{}", lint.err());
    let alone = run(udpkit().arg("man"), secs(10)).expect_success();
    let first = fs::read_to_string(folder.join("udpkit.1")).expect("the page of udpkit");
    assert_eq!(alone.out(), first);
}

#[test]
fn a_folder_that_cannot_be_made_fails_and_is_named() {
    let output = run(udpkit().args(["man", "/dev/null/man1"]), secs(10));
    assert_eq!(output.code(), Some(1), "{}", output.err());
    assert!(output.err().contains("cannot write /dev/null/man1"), "{}", output.err());
}
