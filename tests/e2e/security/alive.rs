//! A server sends only to a client that returns the values sent to it; other traffic proves
//! nothing.

use crate::common::{
    Capture, Lab, Running, json, path, require_lab, require_tools, secs, wait_until,
};
use crate::security::forge::Forger;
use std::thread;
use std::time::{Duration, Instant};

const SERVER: &str = "10.77.0.1:8620";
/// The client that disappears, and an honest one.
const GOES: &str = "10.77.0.11";

/// How a client disappears.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goes {
    /// Its process is killed, and its host sends port unreachable.
    Killed,
    /// Its host neither receives nor sends any more.
    Silent,
}

#[test]
fn a_reverse_run_ends_where_its_client_is_gone_whatever_is_forged_in_its_name() {
    require_lab!();
    require_tools!("dumpcap", "tshark");
    thread::scope(|scope| {
        // An ICMP error leaves two seconds, silence six.
        scope.spawn(|| ends(Goes::Killed, Duration::from_millis(4_500)));
        scope.spawn(|| ends(Goes::Silent, secs(8)));
    });
}

fn ends(how: Goes, within: Duration) {
    let lab = Lab::fanout(2);
    lab.nft(
        "s",
        &format!(
            "add table inet t\n\
             add counter inet t down\n\
             add chain inet t out {{ type filter hook output priority 0; }}\n\
             add rule inet t out ip daddr {GOES} udp length > 900 counter name down"
        ),
    );
    let server = Running::start(lab.udpkit("s").args(["serve", "10.77.0.1:8620"]));
    server.wait_for_line("serving on", secs(10));
    let filter = format!("udp dst port 8620 and src host {GOES}");
    let overheard = Capture::start(&lab, "s", "any", &filter);
    let reverse = |host: &str, time: &str| {
        let args = ["blast", SERVER, "-R", "--rate", "2M", "--size", "1000", "-J", "-t", time];
        Running::start(lab.udpkit(host).args(args))
    };
    let (goes, stays) = (reverse("r1", "60s"), reverse("r2", "9s"));
    let flow = || lab.counter("s", "inet t", "down").0;
    wait_until("a flow", secs(10), || flow() >= 400);
    match how {
        Goes::Killed => goes.signal("KILL"),
        Goes::Silent => lab.nft(
            "r1",
            "add table inet d\n\
             add chain inet d in { type filter hook input priority 0; policy drop; }\n\
             add chain inet d out { type filter hook output priority 0; policy drop; }",
        ),
    }
    let gone = Instant::now();
    // The last messages of the client, with the values that it returned.
    let rows = overheard.finish(6, &["udp.srcport", "udp.payload"]);
    let said: Vec<(u16, Vec<u8>)> = rows.iter().filter_map(|row| control(row)).collect();
    let last: Vec<_> = said.iter().rev().take(4).collect();
    assert!(last.iter().any(|(_, text)| has(text, " STAT ") && has(text, "proof=")), "{said:?}");
    let mut forger = Forger::start(&lab, "r2");
    let (mut before, mut still) = (flow(), Instant::now());
    while still.elapsed() < secs(1) {
        assert!(gone.elapsed() < within + secs(1), "{how:?}: it flows on");
        for (number, (port, text)) in last.iter().enumerate() {
            forger.send(&format!("{GOES}:{port}"), SERVER, text);
            // The same with a new tag.
            let mut fresh = text.clone();
            fresh[0] = b'a' + (gone.elapsed().as_millis() as u8).wrapping_add(number as u8) % 26;
            forger.send(&format!("{GOES}:{port}"), SERVER, &fresh);
        }
        // As a forger would that means to keep it going; a second without data is its end.
        thread::sleep(Duration::from_millis(100));
        if flow() != before {
            (before, still) = (flow(), Instant::now());
        }
    }
    forger.finish();
    server.wait_for_line("streams stopped", secs(2));
    let report = json(&stays.wait(secs(20)).expect_success().out());
    assert_eq!(path(&report, "complete"), true, "{report:#}");
    assert_eq!(path(&report, "lost.path"), 0, "{report:#}");
    if how == Goes::Silent {
        goes.signal("KILL");
    }
    goes.wait(secs(10));
}

/// A row of the capture as the client's port and a command of the dialogue.
fn control(row: &[String]) -> Option<(u16, Vec<u8>)> {
    let [port, payload] = row else { return None };
    let digits: String = payload.chars().filter(char::is_ascii_hexdigit).collect();
    let pairs = (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16));
    let bytes: Vec<u8> = pairs.collect::<Result<_, _>>().ok()?;
    let is_text = bytes.iter().all(|byte| byte.is_ascii_graphic() || b" \r\n".contains(byte));
    (is_text && has(&bytes, "session=")).then_some((port.parse().ok()?, bytes))
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}
