//! What cuts a run of `udpkit blast` short, or holds it up: signals, hosts that die or stand still,
//! closed ports and filters.

use super::run::{blast, report_of, serve};
use crate::common::{Lab, Running, free_udp_port, json, number, path, require_lab, secs, udpkit};
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

#[test]
fn an_interrupt_ends_a_reverse_run_with_a_whole_report() {
    let port = free_udp_port().to_string();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let args =
        ["blast", "127.0.0.1", "--port", &port, "-R", "--rate", "10M", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(args));
    client.wait_for_line(" kpps   lost ", secs(10));
    client.signal("INT");
    let output = client.wait(secs(10));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    assert!(!output.out().contains("final counts"), "{}", output.out());
}

#[test]
fn a_closed_port_is_reported_at_once_and_silence_after_the_wait() {
    let port = free_udp_port().to_string();
    let output = blast(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    assert_eq!(path(&report, "failure.code"), "port_closed");
    assert_eq!(path(&report, "failure.target"), &*format!("127.0.0.1:{port}"));
    assert_eq!(number(&report, "failure.error.icmp_code"), 3);
    assert_eq!(path(&report, "failure.error.from"), "127.0.0.1");
    assert_eq!(path(&report, "failure_advice.code"), "start_server");
    assert!(output.err().contains(&format!("`udpkit serve --port {port}`")), "{}", output.err());
    // A bound socket that never replies.
    let mute = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port().to_string();
    let output = blast(&mut udpkit(), &["127.0.0.1", "--port", &port, "--wait", "300ms"]);
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    assert_eq!(path(&report, "failure.code"), "no_reply");
    assert_eq!(number(&report, "failure.waited_ns"), 300_000_000);
    assert_eq!(path(&report, "failure_advice.code"), "start_server_and_open_port");
}

#[test]
fn a_server_that_is_killed_ends_the_run_with_what_was_measured() {
    let port = free_udp_port().to_string();
    let server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let args = ["blast", "127.0.0.1", "--port", &port, "--rate", "10M", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(args));
    client.wait_for_line(" kpps   lost ", secs(10));
    server.signal("KILL");
    let output = client.wait(secs(10));
    assert_eq!(output.code(), Some(1));
    assert!(output.err().contains("went away"), "{}", output.err());
    assert!(output.out().contains("sent"), "what was measured is printed:\n{}", output.out());
    // At least the datagram that the kernel rejected after the server's end is among them.
    assert!(output.out().contains("unaccounted for by the receiver"), "{}", output.out());
}

#[test]
fn a_client_that_is_killed_leaves_the_server_ready_for_the_next() {
    let port = free_udp_port().to_string();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let args = ["blast", "127.0.0.1", "--port", &port, "--rate", "10M", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(args));
    client.wait_for_line(" kpps   lost ", secs(10));
    client.signal("KILL");
    client.wait(secs(5));
    let args = ["127.0.0.1", "--port", &port, "--count", "1000", "--rate", "10kpps"];
    let output = blast(&mut udpkit(), &args);
    assert_eq!(output.code(), Some(0), "{}", output.err());
    assert_eq!(number(&report_of(&output), "delivered"), 1000);
}

#[test]
fn an_interrupt_ends_the_run_early_with_a_whole_report() {
    let args = ["blast", "--rate", "10M", "--time", "60s", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(args));
    client.wait_for_line(" kpps   lost ", secs(10));
    client.signal("INT");
    let output = client.wait(secs(10));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    assert!(output.out().contains("  sent "), "{}", output.out());
    assert!(!output.out().contains("final counts"), "{}", output.out());
}

#[test]
fn two_signals_at_once_are_one_interrupt_and_the_report_stays() {
    let args = ["blast", "--rate", "10M", "--time", "60s", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(args));
    client.wait_for_line(" kpps   lost ", secs(10));
    client.signal_at_once("TERM", "INT");
    let output = client.wait(secs(10));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    assert!(output.out().contains("  sent "), "{}", output.out());
}

#[test]
fn a_later_signal_ends_a_run_that_waits_for_a_server_at_once() {
    let port = free_udp_port().to_string();
    let server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let args = ["127.0.0.1", "--port", &port, "--rate", "10M", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(["blast", "--wait", "60s", "-t", "60s"]).args(args));
    client.wait_for_line(" kpps   lost ", secs(10));
    // From now on there is no reply, and the client waits as long as --wait allows.
    server.stop();
    client.signal("INT");
    // One that comes soon after the first is taken for the same.
    for _ in 0..40 {
        if client.ends_within(Duration::from_millis(250)) {
            break;
        }
        client.signal("INT");
    }
    let output = client.wait(secs(5));
    assert_eq!(output.code(), Some(130), "{}", output.err());
}

/// The client is stopped for twice its --wait while the server sends the rest.
#[test]
fn datagrams_queued_while_the_client_was_stopped_are_not_lost() {
    let port = free_udp_port().to_string();
    let _server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let ways = ["--reverse", "--bidir"];
    let clients = ways.map(|way| {
        let args = ["127.0.0.1", "--port", &port, "--rate", "2M", "-t", "800ms"];
        let more = ["blast", way, "--wait", "1s", "--report-every", "100ms"];
        Running::start(udpkit().args(more).args(args))
    });
    for client in &clients {
        client.wait_for_line(" kpps   lost ", secs(10));
        client.stop();
    }
    // Longer than their patience, and than the far end has to send.
    thread::sleep(secs(2));
    clients.iter().for_each(Running::cont);
    for (client, way) in clients.into_iter().zip(ways) {
        let output = client.wait(secs(20));
        let told = output.out();
        assert_eq!(output.code(), Some(0), "{way}: {told}{}", output.err());
        let lost: Vec<&str> = told.lines().filter(|line| line.starts_with("  lost ")).collect();
        assert!(lost.iter().all(|line| line.starts_with("  lost       0 ")), "{way}: {told}");
        assert!(told.contains("  paused     this host paused for "), "{way}: {told}");
        assert!(!told.contains("final counts"), "{way}: {told}");
    }
}

#[test]
fn a_server_that_stood_still_reports_no_silence_of_the_path() {
    let port = free_udp_port().to_string();
    let server = serve(&mut udpkit(), &["127.0.0.1", "--port", &port]);
    let args =
        ["127.0.0.1", "--port", &port, "--rate", "2M", "-t", "2s", "--report-every", "100ms"];
    let client = Running::start(udpkit().args(["blast", "--json"]).args(args));
    server.wait_for_line("test up", secs(10));
    // In the midst of the data, of which neither end says a word before the run is over.
    thread::sleep(Duration::from_millis(300));
    server.stand_still(secs(1));
    let output = client.wait(secs(20));
    let report = report_of(&output);
    let pause = number(&report, "receiver_pause_ns");
    assert!(pause > 800_000_000, "{pause}");
    // On a busy machine the sender may be late, but not as long as the reader was stopped.
    assert!(number(&report, "silence_ns") < pause / 2, "{report:#}");
    let intervals = path(&report, "intervals").as_array().unwrap();
    let empty = intervals.iter().filter(|interval| number(interval, "datagrams") == 0).count();
    assert!(empty <= 2, "{intervals:#?}");
}

#[test]
fn drops_of_this_hosts_packet_filter_do_not_look_like_a_silent_server() {
    require_lab!();
    let lab = Lab::pair();
    lab.nft(
        "a",
        "add table inet t\n\
         add chain inet t out { type filter hook output priority 0; }\n\
         add rule inet t out meta l4proto udp drop\n",
    );
    let output = blast(&mut lab.udpkit("a"), &["10.77.0.2", "--wait", "1s"]);
    assert_eq!(output.code(), Some(1));
    let report = json(&output.out());
    assert_eq!(path(&report, "failure.code"), "not_sent", "{report:#}");
    assert_eq!(path(&report, "failure.cause.code"), "packet_filter");
    assert_eq!(path(&report, "failure_advice.code"), "mend_this_host");
}
