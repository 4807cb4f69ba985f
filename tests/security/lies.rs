//! Far ends that lie: an honest client says so, holds no limit, prints no nonsense and fails; and
//! numbers of any size end nobody.

#[path = "lies/liar.rs"]
mod liar;

use crate::common::{Output, Running, free_udp_port, json, path, run, secs, udpkit};
use liar::Liar;
use serde_json::Value;

fn serve(args: &[&str]) -> (Running, u16) {
    let port = free_udp_port();
    let server = Running::start(udpkit().args(["serve", "-p", &port.to_string()]).args(args));
    server.wait_for_line("serving on", secs(5));
    (server, port)
}

/// An honest client of the far end at `port`, which sends 200 datagrams of 100 bytes, or has them
/// sent.
fn blast(port: u16, args: &[&str]) -> Output {
    let to = format!("127.0.0.1:{port}");
    let fixed = ["blast", &to, "--size", "100", "--rate", "1kpps", "--time", "200ms"];
    run(udpkit().args(fixed).args(args), secs(20))
}

/// The report of a client that saw through a lie of this kind.
#[track_caller]
fn disbelieved(port: u16, args: &[&str], kind: &str) -> Value {
    let limits = ["--json", "--fail-if", "loss>1%", "--fail-if", "p50>1h", "--fail-if", "rate<1"];
    let output = blast(port, &[&limits[..], args].concat());
    assert_eq!(output.code(), Some(1), "{kind}: {}\n{}", output.err(), output.out());
    assert!(output.err().contains("cannot be true: "), "{kind}: {}", output.err());
    let report = json(&output.out());
    assert_eq!(path(&report, "complete"), false, "{kind}: {report:#}");
    assert_eq!(path(&report, "contradiction.kind"), kind, "{report:#}");
    let limits = path(&report, "limits").as_array().expect("limits").clone();
    assert_eq!(limits.len(), 3);
    for limit in limits {
        assert_eq!((path(&limit, "held"), path(&limit, "value")), (&false.into(), &Value::Null));
    }
    assert_eq!(path(&report, "lost"), &Value::Null, "{kind}: {report:#}");
    report
}

#[test]
fn a_receiver_that_lies_is_not_believed_and_the_lie_is_named() {
    let (_server, port) = serve(&[]);
    let huge = "1000000000000000";
    for (kind, lies) in [
        (
            "more_arrived",
            vec![("firsts", huge), ("datagrams", huge), ("bytes", "100000000000000000")],
        ),
        ("more_arrived", vec![("firsts", "201"), ("datagrams", "201"), ("bytes", "20100")]),
        ("sum_differs", vec![("lost", "7")]),
        ("other_total", vec![("total", "199")]),
        ("other_total", vec![("total", huge)]),
        ("parts_differ", vec![("duplicates", "1")]),
        ("parts_differ", vec![("datagrams", "18446744073709551614")]),
        ("bytes_differ", vec![("bytes", "18446744073709551615")]),
        ("beyond_whole", vec![("reordered", "18446744073709551615:1:1")]),
        ("beyond_whole", vec![("bursts", "0:18446744073709551615")]),
        ("too_many", vec![("socket_drops", "18446744073709551615")]),
        ("too_long", vec![("times_ns", "18446744073709551615:0:0:0:0:0")]),
        ("too_long", vec![("delay_ns", "-:-:-:-:18446744073709551615")]),
        ("too_long", vec![("i0", "18446744073709551615:18446744073709551615:0:0:0:0:0:0")]),
        ("intervals_beyond", vec![("i0", "0:1000:200000:20000000:0:0:0:0")]),
        ("unreadable", vec![("lost", "18446744073709551616")]),
    ] {
        let liar = Liar::start(port, &lies);
        let report = disbelieved(liar.port(), &[], kind);
        assert_eq!(path(&report, "received"), &Value::Null, "{report:#}");
        assert!(path(&report, "sent.datagrams").as_u64() <= Some(200), "{report:#}");
        assert!(liar.stop() > 0, "{kind}: it never lied");
    }
}

#[test]
fn a_sender_that_lies_is_not_believed_and_the_lie_is_named() {
    let (_server, port) = serve(&[]);
    let huge = "1000000000000000";
    for (kind, lies) in [
        ("fewer_sent", vec![("tx_datagrams", "199"), ("tx_bytes", "19900")]),
        ("two_totals", vec![("tx_datagrams", "201"), ("tx_offered", "201"), ("tx_bytes", "20100")]),
        ("bytes_differ", vec![("tx_datagrams", huge)]),
        ("too_many", vec![("tx_offered", "18446744073709551615")]),
        ("too_long", vec![("tx_span_ns", "18446744073709551615")]),
        ("too_long", vec![("tx_cpu_ns", "18446744073709551615")]),
    ] {
        let liar = Liar::start(port, &lies);
        let report = disbelieved(liar.port(), &["--reverse"], kind);
        assert_eq!(path(&report, "sent"), &Value::Null, "{report:#}");
        assert!(path(&report, "received.datagrams").as_u64() > Some(0), "{report:#}");
        assert!(liar.stop() > 0, "{kind}: it never lied");
    }
}

#[test]
fn in_print_nothing_rests_on_a_lie() {
    let (_server, port) = serve(&[]);
    let huge = "1000000000000000";
    let lies = [("firsts", huge), ("datagrams", huge), ("bytes", "100000000000000000")];
    let liar = Liar::start(port, &lies);
    let output = blast(liar.port(), &["--fail-if", "loss>1%"]);
    assert_eq!(output.code(), Some(1), "{}", output.err());
    let out = output.out();
    let named = "it says that 1 000 000 000 000 000 datagrams arrived of ";
    let doubt = format!("doubt: the far end contradicts this one, and is not believed: {named}");
    assert!(out.contains(&doubt), "{out}");
    assert!(output.err().contains(named), "{}", output.err());
    assert!(out.contains("limit      unknown: loss>1%"), "{out}");
    for row in ["received", "lost"] {
        let line = out.lines().find(|line| line.trim_start().starts_with(row)).expect(row);
        assert_eq!(line.split_whitespace().nth(1), Some("-"), "{line}");
    }
    assert!(!out.contains("Gbit/s") && !out.contains("held"), "{out}");
}

#[test]
fn the_same_way_without_a_lie_is_a_whole_run() {
    let (_server, port) = serve(&[]);
    for args in [&[][..], &["--reverse"], &["--bidir"], &["--streams", "3"]] {
        let honest = Liar::start(port, &[]);
        let output = blast(honest.port(), &[&["--json", "--fail-if", "loss>1%"], args].concat());
        assert_eq!(output.code(), Some(0), "{args:?}: {}\n{}", output.err(), output.out());
        let report = json(&output.out());
        assert_eq!(path(&report, "complete"), true, "{report:#}");
        assert_eq!(path(&report, "contradiction"), &Value::Null, "{report:#}");
        honest.stop();
    }
}
