//! `cast` on an open network: no stream continues to an address without a receiver.

use crate::common::{
    Capture, Lab, Running, json, number, path, require_lab, require_tools, secs, text,
};
use crate::security::forge::{Forger, TTL};
use std::time::{Duration, Instant};

const GROUP: &str = "239.1.2.3:5000";
/// The data datagrams of these runs, as a firewall expression.
const DATA: &str = "udp length 124";

/// The messages of one host, captured on the sender's link.
struct Overheard {
    port: String,
    to: String,
    lines: Vec<Vec<u8>>,
}

impl Overheard {
    /// The lines that satisfy `wanted`.
    fn end(capture: Capture, at_least: u64, wanted: impl Fn(&str) -> bool) -> Self {
        let packets = capture.finish(at_least, &["udp.srcport", "udp.dstport", "udp.payload"]);
        let is_wanted = |payload: &Vec<u8>| wanted(&String::from_utf8_lossy(payload));
        let lines = packets.iter().map(|packet| unhex(&packet[2])).filter(is_wanted).collect();
        let last = packets.last().expect("something was said");
        Self { port: last[0].clone(), to: last[1].clone(), lines }
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    crate::security::forge::unhex(&digits.replace(':', ""))
}

/// Counters on the sender's side: data to one host and to another, and all that came from and went
/// to the second.
fn count(lab: &Lab) {
    lab.nft(
        "s",
        &format!(
            "add table inet t\n\
             add counter inet t stays\n\
             add counter inet t data\n\
             add counter inet t came\n\
             add counter inet t went\n\
             add chain inet t in {{ type filter hook input priority 0; }}\n\
             add chain inet t out {{ type filter hook output priority 0; }}\n\
             add rule inet t in ip saddr 10.77.0.12 ip ttl {TTL} counter name came\n\
             add rule inet t out ip daddr 10.77.0.11 {DATA} counter name stays\n\
             add rule inet t out ip daddr 10.77.0.12 {DATA} counter name data\n\
             add rule inet t out ip daddr 10.77.0.12 counter name went"
        ),
    );
}

/// Blocks everything from the second receiver's host.
fn cut_off(lab: &Lab) {
    lab.nft(
        "r2",
        "add table inet gone\n\
         add chain inet gone out { type filter hook output priority 0; policy drop; }",
    );
}

/// Kills a receiver, goes on in its name with what it said last, and returns how long the stream
/// lasted, with the line that tells its end.
fn outlive(is_silent: bool) -> (Duration, String) {
    let lab = Lab::fanout(3);
    count(&lab);
    let mut command = lab.udpkit("s");
    let args = ["cast", "send", "--open", "-s", "100", "-i", "10ms", "-c", "0", "--io", "mmsg"];
    let sender = Running::start(command.args(args));
    sender.wait_for_line("open to receivers on", secs(10));
    let capture = Capture::start(&lab, "s", "eth0", "udp and src host 10.77.0.12");
    let receive = |host: &str| {
        Running::start(lab.udpkit(host).args(["cast", "recv", "--sender", "10.77.0.1", "-J"]))
    };
    let (stays, dies) = (receive("r1"), receive("r2"));
    for host in ["10.77.0.11:", "10.77.0.12:"] {
        let joined = |line: &str| line.starts_with(host) && line.ends_with(" joined");
        sender.wait_for("line that somebody joined", secs(10), joined);
    }
    let mut forger = Forger::start(&lab, "r3");
    // HELO, RCPT, the first NOOP, then one NOOP and one report each second.
    let says = |line: &str| line.contains(" NOOP ") || line.starts_with("f ");
    let is_enough = || lab.counter("s", "inet t", "data").0 > 350;
    let deadline = Instant::now() + secs(20);
    while !is_enough() {
        assert!(Instant::now() < deadline, "the stream to r2 did not run");
    }
    if is_silent {
        cut_off(&lab);
    }
    dies.signal("KILL");
    dies.wait(secs(10));
    let killed = Instant::now();
    let heard = Overheard::end(capture, 1, says);
    let has =
        |word: &str| heard.lines.iter().any(|line| String::from_utf8_lossy(line).contains(word));
    assert!(has(" NOOP session=") && has("run="), "{} lines", heard.lines.len());
    let (from, to) = (format!("10.77.0.12:{}", heard.port), format!("10.77.0.1:{}", heard.to));
    let mut forge = || heard.lines.iter().for_each(|line| forger.send(&from, &to, line));
    let gone = |said: &str| {
        said.lines().any(|line| line.starts_with("10.77.0.12:") && line.contains(" removed: "))
    };
    while !sender.wait_for_stderr(Duration::from_millis(100), gone) {
        forge();
        assert!(killed.elapsed() < secs(40), "the stream has not ended");
    }
    let lasted = killed.elapsed();
    let line = sender.wait_for("the end", secs(1), gone);
    // The stream has ended, whatever is sent in the receiver's name.
    let (data, stayed) = (lab.counter("s", "inet t", "data"), lab.counter("s", "inet t", "stays"));
    while lab.counter("s", "inet t", "stays").0 < stayed.0 + 200 {
        forge();
        assert!(killed.elapsed() < secs(60), "the stream to r1 has ended");
    }
    assert_eq!(lab.counter("s", "inet t", "data"), data);
    forger.finish();
    assert!(lab.counter("s", "inet t", "came").0 > 0);
    sender.signal("INT");
    sender.wait(secs(10)).expect_success();
    let own = json(&stays.wait(secs(10)).expect_success().out());
    let sent = lab.counter("s", "inet t", "stays").0;
    assert_eq!((number(&own, "lost_datagrams"), number(&own, "received")), (0, sent), "{own:#}");
    (lasted, line)
}

#[test]
fn forged_signs_of_life_do_not_outweigh_a_port_unreachable() {
    require_lab!();
    require_tools!("dumpcap", "tshark");
    let (lasted, line) = outlive(false);
    // 2 s to return a value, and the time until the report.
    assert!(lasted < secs(5), "{lasted:?}");
    assert!(line.contains("port unreachable"), "{line}");
}

#[test]
fn forged_signs_of_life_keep_no_stream_to_a_silent_host() {
    require_lab!();
    require_tools!("dumpcap", "tshark");
    let (lasted, line) = outlive(true);
    // A value is valid for 4 s, and 16 s of silence end the stream.
    assert!(lasted > secs(10) && lasted < secs(23), "{lasted:?}");
    assert!(line.contains("stopped responding"), "{line}");
}

#[test]
fn a_forged_report_begins_no_copies_beside_a_receiver_that_gets_them() {
    require_lab!();
    require_tools!("dumpcap", "tshark");
    let lab = Lab::fanout(3);
    count(&lab);
    // The victim sends nothing, not even ICMP errors.
    cut_off(&lab);
    let capture = Capture::start(&lab, "s", "eth0", "udp and src host 10.77.0.11");
    let honest = Running::start(lab.udpkit("r1").args(["cast", "recv", GROUP, "-J"]));
    honest.wait_for_line("joined", secs(10));
    let mut command = lab.udpkit("s");
    let args = [
        "cast",
        "send",
        "--compare",
        GROUP,
        "-s",
        "100",
        "-i",
        "10ms",
        "-c",
        "0",
        "--io",
        "mmsg",
        "-J",
    ];
    let sender = Running::start(command.args(args));
    let mut forger = Forger::start(&lab, "r3");
    let copies = || lab.counter("s", "inet t", "stays").0;
    let begun = Instant::now();
    while copies() < 200 {
        assert!(begun.elapsed() < secs(20), "the honest receiver gets no copies");
    }
    let heard = Overheard::end(capture, 2, |line| line.starts_with("f "));
    assert!(heard.lines.len() >= 2, "{}", heard.lines.len());
    let to = format!("10.77.0.1:{}", heard.to);
    let upto = copies() + 300;
    while copies() < upto {
        heard.lines.iter().for_each(|line| forger.send("10.77.0.12:7777", &to, line));
        assert!(begun.elapsed() < secs(40), "the honest receiver gets no more copies");
    }
    forger.finish();
    let (came, went) = (lab.counter("s", "inet t", "came"), lab.counter("s", "inet t", "went"));
    assert!(came.0 >= 2 && went.0 <= came.0 && went.1 <= came.1, "{came:?} {went:?}");
    assert_eq!(lab.counter("s", "inet t", "data").0, 0);
    sender.signal("INT");
    let sent = json(&sender.wait(secs(10)).expect_success().out());
    let all = path(&sent, "comparisons").as_array().expect("copies");
    assert_eq!(all.len(), 1, "{sent:#}");
    assert!(text(&all[0], "receiver").starts_with("10.77.0.11:"), "{sent:#}");
    assert_eq!(number(&all[0], "unicast_lost"), 0, "{sent:#}");
}

#[test]
fn a_receiver_is_served_to_the_end_despite_forged_announcements() {
    require_lab!();
    require_tools!("dumpcap", "tshark");
    let lab = Lab::fanout(2);
    let mut command = lab.udpkit("s");
    let args =
        ["cast", "send", "--open", "-s", "100", "-i", "10ms", "-c", "0", "--io", "mmsg", "-J"];
    let sender = Running::start(command.args(args));
    sender.wait_for_line("open to receivers on", secs(10));
    count(&lab);
    let capture = Capture::start(&lab, "s", "eth0", "udp and src host 10.77.0.11");
    let args = ["cast", "recv", "--sender", "10.77.0.1", "-J"];
    let honest = Running::start(lab.udpkit("r1").args(args));
    sender.wait_for_line(" joined", secs(10));
    let heard = Overheard::end(capture, 2, |_| true);
    let (to, own) = (format!("10.77.0.11:{}", heard.port), format!("10.77.0.1:{}", heard.to));
    let mut forger = Forger::start(&lab, "r2");
    let began = Instant::now();
    let mut run = 0;
    while lab.counter("s", "inet t", "stays").0 < 500 {
        // Runs of other senders, runs in the sender's name, and end messages.
        for source in ["192.0.2.1:7777", "10.77.0.12:7777", &own] {
            run += 1;
            let over = if run % 2 == 0 { " over=1" } else { "" };
            let line = format!(
                "f STAT run={run:016x} tag={run} at=1 receivers=1 every=1000000000 within=1 mark=0 sent=9{over}\r\n"
            );
            forger.send(source, &to, line.as_bytes());
        }
        assert!(began.elapsed() < secs(30), "the stream has ended");
    }
    forger.finish();
    sender.signal("INT");
    let sent = json(&sender.wait(secs(10)).expect_success().out());
    let own = json(&honest.wait(secs(10)).expect_success().out());
    let all = path(&sent, "receiver_rows").as_array().expect("receivers");
    assert_eq!(all.len(), 1, "{sent:#}");
    let row = &all[0];
    assert!(text(row, "receiver").starts_with("10.77.0.11:"), "{sent:#}");
    assert_eq!(text(row, "state"), "done", "{sent:#}");
    assert_eq!(
        (number(row, "lost_datagrams"), number(&own, "lost_datagrams")),
        (0, 0),
        "{own:#} {row:#}"
    );
    assert_eq!(number(row, "received"), number(&own, "received"), "{own:#} {row:#}");
    assert!(number(row, "received") >= 500, "{row:#}");
}

#[test]
fn a_stream_ends_within_seconds_where_its_receiver_was_killed_beside_one_that_stays() {
    require_lab!();
    let lab = Lab::fanout(2);
    let mut command = lab.udpkit("s");
    let args = ["cast", "send", "--open", "-s", "100", "-i", "10ms", "-c", "0", "--io", "mmsg"];
    let sender = Running::start(command.args(args));
    sender.wait_for_line("open to receivers on", secs(10));
    let receive = |host: &str| {
        Running::start(lab.udpkit(host).args(["cast", "recv", "--sender", "10.77.0.1", "-J"]))
    };
    let (stays, dies) = (receive("r1"), receive("r2"));
    for host in ["10.77.0.11:", "10.77.0.12:"] {
        let joined = |line: &str| line.starts_with(host) && line.ends_with(" joined");
        sender.wait_for("line that somebody joined", secs(10), joined);
    }
    dies.signal("KILL");
    dies.wait(secs(10));
    let killed = Instant::now();
    let gone = |line: &str| line.starts_with("10.77.0.12:") && line.contains("port unreachable");
    sender.wait_for("line that somebody is gone", secs(10), gone);
    assert!(killed.elapsed() < secs(4), "{:?}", killed.elapsed());
    sender.signal("INT");
    sender.wait(secs(10)).expect_success();
    let own = json(&stays.wait(secs(10)).expect_success().out());
    assert_eq!(number(&own, "lost_datagrams"), 0, "{own:#}");
}

#[test]
fn a_forged_announcement_sends_no_more_to_its_source_than_it_was() {
    require_lab!();
    let lab = Lab::pair();
    lab.nft(
        "b",
        &format!(
            "add table inet t\n\
             add counter inet t came\n\
             add counter inet t went\n\
             add chain inet t in {{ type filter hook input priority 0; }}\n\
             add chain inet t out {{ type filter hook output priority 0; }}\n\
             add rule inet t in ip ttl {TTL} udp dport 9000 counter name came\n\
             add rule inet t out ip daddr 10.77.0.1 udp dport 7777 counter name went"
        ),
    );
    let receiver =
        Running::start(lab.udpkit("b").args(["cast", "recv", "10.77.0.2:9000", "-t", "4s"]));
    lab.wait_bound("b", 9000);
    let mut forger = Forger::start(&lab, "a");
    for run in 0..40 {
        let pad = if run < 20 { String::new() } else { format!(" pad={}", "x".repeat(400)) };
        let line = format!(
            "f STAT run={run:016x} tag={run} at=1 receivers=1 every=1000000000 within=1 mark=0 sent=9{pad}\r\n"
        );
        forger.send("10.77.0.1:7777", "10.77.0.2:9000", line.as_bytes());
    }
    forger.finish();
    receiver.wait(secs(15));
    let (came, went) = (lab.counter("b", "inet t", "came"), lab.counter("b", "inet t", "went"));
    assert!(came.0 == 40 && went.0 > 0, "{came:?} {went:?}");
    assert!(went.0 <= came.0 && went.1 <= came.1, "{came:?} {went:?}");
}
