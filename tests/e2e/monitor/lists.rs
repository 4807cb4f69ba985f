//! Lists of targets: read whole, refused whole, read again on SIGHUP.

use crate::common::{
    Running, free_udp_port, json_lines, number, path, run, secs, text, udpkit, wait_until,
};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn serve() -> (Running, u16) {
    let port = free_udp_port();
    let server = Running::start(udpkit().args(["serve", &format!("0.0.0.0:{port}")]));
    server.wait_for_line("serving on", secs(10));
    (server, port)
}

fn write(file: &Path, port: u16, targets: &[(&str, &str)]) {
    let mut text = format!("[defaults]\ninterval = \"100ms\"\nport = {port}\n");
    for (name, address) in targets {
        text.push_str(&format!("[[target]]\nname = \"{name}\"\naddress = \"{address}\"\n"));
    }
    fs::write(file, text).expect("the list is written");
}

fn events(monitor: &Running, event: &str) -> Vec<Value> {
    let out = monitor.stdout_so_far();
    let whole = out.rfind('\n').map_or("", |end| &out[..end]);
    json_lines(whole).into_iter().filter(|line| text(line, "event") == event).collect()
}

#[test]
fn a_list_that_is_read_again_keeps_counts_and_a_faulty_one_changes_nothing() {
    let (_server, port) = serve();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("list.toml");
    write(&file, port, &[("a", "127.0.0.1"), ("b", "127.0.0.2")]);
    let args = ["--jsonl", "--interval-report", "1s", "-w", "5s"];
    let monitor = Running::start(udpkit().arg("monitor").arg(&file).args(args));
    wait_until("rows of both", secs(30), || events(&monitor, "row").len() >= 4);
    fs::write(&file, "[[target]]\nadress = \"127.0.0.1\"\n").unwrap();
    monitor.signal("HUP");
    let told = monitor.wait_for_line("the list is not used", secs(30));
    assert!(told.contains("line 2: adress is not a key here"), "{told}");
    write(&file, port, &[("b", "127.0.0.2"), ("c", "127.0.0.3")]);
    monitor.signal("HUP");
    wait_until("the list is used", secs(30), || events(&monitor, "reloaded").len() == 1);
    let before = events(&monitor, "row").len();
    wait_until("rows of the new list", secs(30), || events(&monitor, "row").len() >= before + 6);
    monitor.signal("INT");
    let output = monitor.wait(secs(30)).expect_success();
    let lines = json_lines(&output.out());
    let of = |event: &str| lines.iter().find(|line| text(line, "event") == event).unwrap();
    let (removed, reloaded) = (of("removed"), of("reloaded"));
    assert_eq!(text(removed, "target"), "a");
    assert!(number(removed, "back") > 5, "{removed:#}");
    assert_eq!(
        (number(reloaded, "targets"), number(reloaded, "added"), number(reloaded, "removed")),
        (2, 1, 1)
    );
    let summary = of("summary");
    let rows = path(summary, "target_rows").as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| text(row, "target")).collect();
    assert_eq!(names, ["b", "c"]);
    // The target counts on: it was not asked anew.
    assert_eq!(number(&rows[0], "reflector_restarts"), 0);
    assert!(number(&rows[0], "sent") > number(&rows[1], "sent"), "{summary:#}");
    let sent: u64 = rows.iter().chain([removed]).map(|row| number(row, "sent")).sum();
    assert_eq!(number(summary, "sent"), sent, "{summary:#}");
    assert_eq!(number(summary, "lost"), 0, "{summary:#}");
}

#[test]
fn every_fault_of_a_list_is_told_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("list.toml");
    fs::write(
        &file,
        "[[target]]\naddress = \"a\"\nintervall = \"1s\"\n[[target]]\naddress = \"a\"\n\
         [[target]]\naddress = \"b\"\ninterval = \"1ms\"\n[[target]]\naddress = \"c\"\nkey = \"/no/key\"\n",
    )
    .unwrap();
    let output = run(udpkit().arg("monitor").arg(&file), secs(20));
    assert_eq!(output.code(), Some(2), "{}", output.err());
    for part in [
        "line 3: intervall is not a key here",
        "did you mean interval?",
        "line 5: a: target 1 has this name, too",
        "line 6: interval 1.00 ms is too short; 10.0 ms at least",
        "line 9: --key /no/key: cannot read the key",
    ] {
        assert!(output.err().contains(part), "{part} in {}", output.err());
    }
    assert_eq!(output.out(), "");
    for (args, told) in [
        (&["--alert", "loss>1%", "127.0.0.1"][..], "write over what time it is judged"),
        (&["--alert", "speed>1", "127.0.0.1"], "is not a metric"),
        (&["--interval-report", "10ms", "127.0.0.1"], "use 1s or more"),
        (&["--run", "true", "127.0.0.1"], "--alert"),
        (&["-i", "1ms", "127.0.0.1"], "10.0 ms at least"),
        (&["127.0.0.1", "./list.toml"], "stands alone"),
    ] {
        let output = run(udpkit().arg("monitor").args(args), secs(20));
        assert_eq!(output.code(), Some(2), "{args:?}: {}", output.err());
        assert!(output.err().contains(told), "{args:?}: {}", output.err());
    }
}

#[test]
fn a_target_that_is_down_or_has_no_address_stops_no_other() {
    let (_server, port) = serve();
    let up = format!("127.0.0.1:{port}");
    let targets = ["127.0.0.1:9", "no-such-host.invalid:9", &up];
    let args = ["-i", "50ms", "-t", "3s", "-w", "500ms", "--jsonl"];
    let output = run(udpkit().arg("monitor").args(targets).args(args), secs(60)).expect_success();
    let lines = json_lines(&output.out());
    let rows = path(lines.last().unwrap(), "target_rows").as_array().unwrap();
    assert_eq!((number(&rows[0], "back"), number(&rows[1], "sent")), (0, 0), "{rows:#?}");
    assert_eq!(path(&rows[1], "address"), &Value::Null);
    assert_eq!(number(&rows[2], "back"), number(&rows[2], "sent"), "{rows:#?}");
    assert!(number(&rows[2], "sent") > 20, "{rows:#?}");
    let codes: Vec<&str> = lines
        .iter()
        .filter(|line| text(line, "event") == "news")
        .map(|line| text(line, "code"))
        .collect();
    for code in ["not_resolved", "outage_began"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
}

#[test]
fn echo_services_and_keys_are_probed_beside_each_other() {
    let (echo, stamp) = (free_udp_port(), free_udp_port());
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    fs::write(&key, "0123456789abcdef").unwrap();
    let echo_at = format!("127.0.0.1:{echo}");
    let answering = Running::start(udpkit().args(["recv", "--echo", &echo_at]));
    answering.wait_for_line("listening on", secs(10));
    let server =
        Running::start(udpkit().args(["serve", &format!("127.0.0.1:{stamp}"), "--key"]).arg(&key));
    server.wait_for_line("serving on", secs(10));
    let file = dir.path().join("list.toml");
    fs::write(
        &file,
        format!(
            "[defaults]\ninterval = \"50ms\"\n[[target]]\naddress = \"127.0.0.1:{echo}\"\n\
             protocol = \"echo\"\nsize = 200\ndscp = \"EF\"\n[[target]]\n\
             address = \"127.0.0.1:{stamp}\"\nkey = \"{}\"\n",
            key.display()
        ),
    )
    .unwrap();
    let output =
        run(udpkit().arg("monitor").arg(&file).args(["-t", "2s", "-J"]), secs(60)).expect_success();
    let report = crate::common::json(&output.out());
    let rows = path(&report, "target_rows").as_array().unwrap();
    for (row, protocol, bytes) in [(&rows[0], "echo", 200), (&rows[1], "stamp_authenticated", 112)]
    {
        assert_eq!((text(row, "protocol"), number(row, "payload_bytes")), (protocol, bytes));
        assert_eq!(number(row, "back") + number(row, "open"), number(row, "sent"), "{row:#}");
        assert!(number(row, "back") > 10, "{row:#}");
    }
    assert_eq!(path(&rows[0], "lost_out"), &Value::Null, "an echo keeps no count");
    assert_eq!(number(&rows[1], "lost_out"), 0);
}
