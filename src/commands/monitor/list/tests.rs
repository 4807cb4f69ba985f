//! Lists, right and wrong.

use super::*;
use crate::cli::{Cli, Command};
use clap::Parser;
use std::fs;

fn args(words: &[&str]) -> MonitorArgs {
    let cli = Cli::try_parse_from([&["udpkit", "monitor"], words].concat()).unwrap();
    let Command::Monitor(args) = cli.command else { panic!() };
    *args
}

fn reader(text: &str, words: &[&str]) -> (tempfile::TempDir, PathBuf, ListReader) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("list.toml");
    fs::write(&file, text).unwrap();
    let reader = ListReader::new(&args(&[&[file.to_str().unwrap()], words].concat())).unwrap();
    (dir, file, reader)
}

fn faults(text: &str) -> String {
    let (_dir, _, mut reader) = reader(text, &[]);
    let error = reader.read().unwrap_err();
    assert_eq!(crate::commands::code_of(&error), 2);
    message_of(&error)
}

#[test]
fn a_target_has_its_own_settings_then_the_lists_then_the_flags() {
    let (_dir, _, mut reader) = reader(
        "[defaults]\ninterval = \"2s\"\ndscp = \"EF\"\n[[target]]\naddress = \"192.0.2.1\"\n\
         [[target]]\nname = \"b\"\naddress = \"b.example:7\"\nprotocol = \"echo\"\nsize = 100\n\
         interval = \"100ms\"\n[[target]]\naddress = \"2001:db8::1\"\n",
        &["-p", "862"],
    );
    let list = reader.read().unwrap();
    let [a, b, c] = &list.targets[..] else { panic!("{list:?}") };
    assert_eq!((&*a.name, &*a.host), ("192.0.2.1", "192.0.2.1:862"));
    assert_eq!(a.address, Some("192.0.2.1:862".parse().unwrap()));
    assert_eq!((&*b.name, &*b.host, b.address), ("b", "b.example:7", None));
    assert_eq!(&*c.host, "[2001:db8::1]:862");
    assert_eq!((a.profile, c.profile, list.profiles.len()), (0, 0, 2));
    let [first, second] = &list.profiles[..] else { panic!() };
    assert_eq!((first.interval, first.tos), (Nanos::from_secs(2), 46 << 2));
    assert_eq!((second.interval, second.protocol.probe_len()), (Nanos::from_millis(100), 100));
}

#[test]
fn every_fault_of_a_list_is_told_with_its_line() {
    let told = faults(
        "[[target]]\naddress = \"a.example:0\"\n[[target]]\naddress = \"a\"\ninterval = \"soon\"\n\
         [[target]]\naddress = \"a\"\nsize = 45\n[[target]]\nname = \"x\"\n[[target]]\n\
         address = \"b\"\nkey = \"/no/such/key\"\n[[threshold]]\nwhen = \"loss>1%\"\n[[threshold]]\n\
         when = \"loss>1% for 1s\"\ntargets = [\"c\"]\n[[target]]\naddress = \"d\"\ninterval = \"1ms\"\n",
    );
    for part in [
        "line 2: ",
        "line 5: interval: ",
        "line 7: a: target 1 has this name, too",
        "line 6: size 45 is not the size of a STAMP packet: use 44, or 48 to",
        "line 9: a target without an address",
        "line 11: --key /no/such/key: cannot read the key",
        "line 15: when: write over what time",
        "line 18: targets: c is not the name of a target",
        "line 19: interval 1.00 ms is too short; 10.0 ms at least",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(faults("").contains("it has no [[target]]"));
    assert!(faults("[[target]\n").contains("line 1: "));
}

#[test]
fn thresholds_keep_their_numbers_when_the_list_is_read_again_and_faults_change_nothing() {
    let list = |when: &str| {
        format!(
            "[[target]]\naddress = \"192.0.2.1\"\n[[target]]\naddress = \"192.0.2.2\"\n\
             [[threshold]]\nwhen = \"{when}\"\nrun = \"true\"\ntargets = [\"192.0.2.2\"]\n"
        )
    };
    let (_dir, file, mut reader) =
        reader(&list("outage>5s"), &["--fail-if", "outage>1h,p99>1s", "--alert", "loss>1% for 1s"]);
    let first = reader.read().unwrap();
    let on = |list: &MonitorList| -> Vec<Vec<u16>> {
        list.targets.iter().map(|one| one.thresholds.to_vec()).collect()
    };
    assert_eq!(on(&first), [vec![0, 1], vec![0, 1, 2]]);
    assert!(first.thresholds[1].ends_run && !first.thresholds[2].ends_run);
    fs::write(&file, list("outage>")).unwrap();
    assert!(reader.read().is_err());
    assert_eq!(reader.commands().lock().unwrap().len(), 3);
    fs::write(&file, list("outage>9s")).unwrap();
    let second = reader.read().unwrap();
    assert_eq!(on(&second), [vec![0, 1], vec![0, 1, 3]]);
    let commands = reader.commands();
    let commands = commands.lock().unwrap();
    let runs: Vec<bool> = commands.iter().map(Option::is_some).collect();
    assert_eq!(runs, [false, false, true, true]);
}

#[test]
fn a_list_stands_alone_and_targets_need_none() {
    let error = ListReader::new(&args(&["a.example", "./x.toml"])).err().unwrap();
    assert!(message_of(&error).contains("./x.toml is a list of targets, and stands alone"));
    let mut two = ListReader::new(&args(&["127.0.0.1", "a.example:862"])).unwrap();
    assert!(!two.has_file());
    assert_eq!(two.read().unwrap().targets.len(), 2);
    let mut wrong = ListReader::new(&args(&["127.0.0.1:99999"])).unwrap();
    let told = message_of(&wrong.read().unwrap_err());
    assert!(told.contains("99999"), "{told}");
    let mut missing = ListReader::new(&args(&["/no/such.toml"])).unwrap();
    let error = missing.read().unwrap_err();
    assert_eq!(message_of(&error), "cannot read /no/such.toml: no such file or directory");
}
