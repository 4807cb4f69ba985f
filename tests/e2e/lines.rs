//! `--jsonl` and `--csv`: what programs read while a run goes on, against the run's own report.

use crate::common::{Running, free_udp_port, json, json_lines, number, path, run, secs, udpkit};
use serde_json::Value;

/// The values of a column.
#[track_caller]
fn column<'a>(table: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = table.lines();
    let head = lines.next().expect("a table has a head");
    let at = head.split(',').position(|column| column == name);
    let at = at.unwrap_or_else(|| panic!("no column {name} in {head}"));
    lines.map(|row| row.split(',').nth(at).expect("a cell for each column")).collect()
}

#[track_caller]
fn sum(cells: &[&str]) -> u64 {
    cells.iter().map(|cell| cell.parse::<u64>().expect("a number")).sum()
}

fn of_event<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| path(line, "event") == event).collect()
}

#[test]
fn intervals_come_while_blast_runs_and_add_up_to_the_report_that_is_the_last_line() {
    let args = ["blast", "--rate", "5M", "-t", "60s", "--report-every", "50ms", "--jsonl"];
    let running = Running::start(udpkit().args(args));
    let first = running.wait_for_line("\"interval\"", secs(20));
    assert_eq!(path(&json(&first), "direction"), "up");
    running.signal("INT");
    let output = running.wait(secs(20));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let lines = json_lines(&output.out());
    let summary = lines.last().expect("there are lines");
    assert_eq!(path(summary, "event"), "summary");
    assert_eq!(path(summary, "interrupted"), true);
    let intervals = of_event(&lines, "interval");
    assert_eq!(intervals.len() + 1, lines.len());
    let counted = |key: &str| intervals.iter().map(|line| number(line, key)).sum::<u64>();
    assert_eq!(counted("datagrams"), number(summary, "received.datagrams"));
    assert_eq!(counted("bytes"), number(summary, "received.bytes"));
}

#[test]
fn rows_of_blast_are_intervals_or_runs_and_the_text_stands_beside_them() {
    let args = ["blast", "-R", "--rate", "5M", "-c", "100", "--report-every", "50ms", "--csv"];
    let output = run(udpkit().args(args), secs(30)).expect_success();
    let table = output.out();
    assert_eq!(sum(&column(&table, "datagrams")) + sum(&column(&table, "lost_datagrams")), 100);
    assert!(column(&table, "direction").iter().all(|way| *way == "down"), "{table}");
    assert!(output.err().contains("verdict"), "{}", output.err());

    let args = ["blast", "--sweep", "1M..3M/2", "-t", "50ms", "--csv"];
    let output = run(udpkit().args(args), secs(30)).expect_success();
    assert_eq!(column(&output.out(), "goal_bps"), ["1000000", "3000000"]);
    let args = ["blast", "--sweep", "1M..3M/2", "-t", "50ms", "--jsonl"];
    let lines = json_lines(&run(udpkit().args(args), secs(30)).expect_success().out());
    let goals: Vec<_> =
        of_event(&lines, "trial").iter().map(|line| number(line, "goal_bps")).collect();
    assert_eq!(goals, [1_000_000, 3_000_000]);
    assert_eq!(path(&lines[2], "event"), "summary");
    assert_eq!(path(&lines[2], "trials.1.goal_bps"), 3_000_000);
}

#[test]
fn both_ends_of_a_fan_out_print_events_and_rows_of_each_other() {
    let port = free_udp_port();
    let to = format!("127.0.0.1:{port}");
    let send = |lines: &'static str| {
        let stream = ["-s", "64", "-c", "40", "-i", "2ms", "--receivers", "1", lines];
        run(udpkit().args(["cast", "send", &to]).args(stream), secs(30)).expect_success().out()
    };
    let receive = |lines: &'static str| {
        let end = ["--expect", "40", "-t", "20s", "--report-every", "20ms", lines];
        let receiver = Running::start(udpkit().args(["cast", "recv", &to]).args(end));
        receiver.wait_for_line("listening on", secs(10));
        receiver
    };

    let receiver = receive("--jsonl");
    let sent = json_lines(&send("--jsonl"));
    let received = json_lines(&receiver.wait(secs(30)).expect_success().out());
    let notes = of_event(&received, "note");
    assert_eq!(path(notes[0], "note.code"), "first_datagram");
    let summary = received.last().expect("there are lines");
    let counted =
        of_event(&received, "interval").iter().map(|line| number(line, "received")).sum::<u64>();
    // What came after the last whole interval is in the summary alone.
    assert!(counted <= 40 && number(summary, "received") == 40, "{counted} {summary}");
    let waiting = of_event(&sent, "note");
    assert_eq!(path(waiting[0], "note.code"), "waiting");
    let summary = sent.last().expect("there are lines");
    assert_eq!(path(summary, "event"), "summary");
    assert_eq!(path(summary, "receiver_rows.0.received"), 40);

    let receiver = receive("--csv");
    let sent = send("--csv");
    let received = receiver.wait(secs(30)).expect_success();
    assert_eq!(column(&received.out(), "received"), ["40"]);
    assert!(received.err().contains("received 40 "), "{}", received.err());
    assert_eq!(column(&sent, "received"), ["40"]);
    assert_eq!(column(&sent, "lost_datagrams"), ["0"]);
}

#[test]
fn ports_are_rows_with_an_agent_and_without_and_every_server_and_receiver_has_lines() {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0", "-q", "--jsonl"]));
    let line = json(&server.wait_for_line("\"listening\"", secs(10)));
    let address = path(&line, "address").as_str().expect("an address").to_owned();
    let ports = |more: &'static [&'static str]| {
        let args = ["probe", "ports", &address, "63000-63002", "-q", "--csv"];
        run(udpkit().args(args).args(more), secs(30)).out()
    };
    let table = ports(&[]);
    assert_eq!(column(&table, "port"), ["63000", "63001", "63002"]);
    assert_eq!(column(&table, "outcome"), ["passes"; 3]);
    // They are open only while a probe with the agent uses them.
    assert_eq!(column(&ports(&["--no-agent"]), "state"), ["closed"; 3]);
    server.signal("INT");
    server.wait(secs(10));

    let echo = Running::start(udpkit().args(["recv", "127.0.0.1:0", "--echo", "--jsonl"]));
    let heard = echo.wait_for_line("listening on", secs(10));
    let to = heard.rsplit(' ').next().expect("its address");
    let args = ["send", to, "-w", "10s", "--replies", "1", "--jsonl", "--", "hello"];
    let lines = json_lines(&run(udpkit().args(args), secs(20)).expect_success().out());
    assert_eq!(path(&lines[0], "payload_text"), "hello");
    let line = echo.wait_for_line("\"datagram\"", secs(10));
    assert_eq!(path(&json(&line), "payload_text"), "hello");
}
