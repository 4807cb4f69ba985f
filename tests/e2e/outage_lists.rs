//! The list of outages (`--outage`): each that a router made is listed with its length, its loss and
//! its direction, and nothing else is, whatever the hosts do. The router counts what it took.

use crate::common::{
    DarkRouter, Lab, Output, Running, busy, json, number, path, punctual, require_lab, secs, text,
    wait_until,
};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const SERVER: &str = "10.77.3.2";
/// A datagram's spacing, and what a busy machine adds.
const SLACK: Duration = Duration::from_millis(150);

/// A router that counts datagrams of UDP's length `length` in each direction.
fn router(length: u32) -> Lab {
    let lab = Lab::path();
    let ways = [("up", "lan"), ("down", "wan")];
    DarkRouter::counting(&lab, ways.map(|(way, from)| (way.to_owned(), of(from, length))));
    lab
}

/// What nftables matches of a direction.
fn of(from: &str, length: u32) -> String {
    format!("iifname {from} udp length {length}")
}

fn counted(lab: &Lab, way: &str) -> u64 {
    DarkRouter::of(lab).taken(way)
}

/// Datagrams of this direction flow.
fn wait_for_flow(lab: &Lab, way: &str) {
    let router = DarkRouter::of(lab);
    let then = router.seen(way);
    wait_until("data flows", secs(30), || router.seen(way) > then + 100);
}

/// The router takes what flows this way for so long: the least and the most time that it did.
fn dark(lab: &Lab, (way, from): (&str, &str), length: u32, long: Duration) -> [Duration; 2] {
    wait_for_flow(lab, way);
    let (least, most) = DarkRouter::of(lab).take([(way, of(from, length), "drop")], long);
    wait_for_flow(lab, way);
    [least, most]
}

/// The only row of a list, which was so long, and lost what the router took.
#[track_caller]
fn only_row(gaps: &Value, [least, most]: [Duration; 2], taken: u64) {
    let rows = path(gaps, "outage_rows").as_array().expect("a list");
    assert_eq!((rows.len(), number(gaps, "outages")), (1, 1), "{gaps:#}");
    let length = number(&rows[0], "length_ns");
    assert_eq!(length, number(gaps, "longest_ns"), "{gaps:#}");
    let length = Duration::from_nanos(length);
    let spacing = Duration::from_millis(10);
    assert!(length + spacing >= least && length <= most + SLACK, "{length:?} of {least:?}");
    assert_eq!(number(&rows[0], "lost_datagrams"), taken, "{gaps:#}");
}

fn report(output: &Output, code: i32) -> Value {
    assert_eq!(output.code(), Some(code), "{}{}", output.err(), output.out());
    json(&output.out())
}

#[test]
fn the_convergence_time_of_each_direction_is_one_command() {
    require_lab!();
    let _turn = punctual();
    let lab = router(108);
    let server = lab.serve("server", &["--io", "mmsg"]);
    let args = ["blast", SERVER, "--rate", "2kpps", "-s", "100", "-t", "2m", "--bidir"];
    let rest = ["--io", "mmsg", "-J", "--fail-if", "outage>250ms"];
    let client = Running::start(lab.udpkit("client").args(args).args(rest));
    let up = dark(&lab, ("up", "lan"), 108, Duration::from_millis(200));
    let down = dark(&lab, ("down", "wan"), 108, Duration::from_millis(600));
    client.signal("INT");
    let told = report(&client.wait(secs(60)), 3);
    only_row(path(&told, "arrival_gaps"), up, counted(&lab, "up"));
    only_row(path(&told, "reverse.arrival_gaps"), down, counted(&lab, "down"));
    assert_eq!(text(&told, "arrival_gaps.outage_rows.0.direction"), "up");
    assert_eq!(text(&told, "reverse.arrival_gaps.outage_rows.0.direction"), "down");
    assert_eq!(number(&told, "arrival_gaps.least_ns"), 10_000_000);
    let limits = path(&told, "limits").as_array().expect("a list");
    let of =
        |way: &str| limits.iter().find(|one| text(one, "direction") == way).expect("it is held");
    assert_eq!(path(of("down"), "held"), &Value::Bool(false), "{told:#}");
    let is_kept = up[1] + SLACK > Duration::from_millis(250) || path(of("up"), "held") == true;
    assert!(is_kept, "{told:#}");
    drop(server);
}

#[test]
fn ping_and_cast_recv_list_the_outage_that_the_router_made() {
    require_lab!();
    let _turn = punctual();
    let lab = router(72);
    let server = lab.serve("server", &[]);
    let receiver = Running::start(
        lab.udpkit("server").args(["cast", "recv", "5000", "-J", "--outage", "50ms"]),
    );
    lab.wait_bound("server", 5_000);
    let ping = ["ping", SERVER, "-i", "10ms", "-w", "500ms", "-s", "64", "--outage", "50ms", "-J"];
    let ping = Running::start(lab.udpkit("client").args(ping));
    let up = dark(&lab, ("up", "lan"), 72, Duration::from_millis(300));
    ping.signal("INT");
    let told = report(&ping.wait(secs(60)), 0);
    only_row(path(&told, "targets.0.arrival_gaps"), up, counted(&lab, "up"));
    assert_eq!(
        number(&told, "targets.0.arrival_gaps.outage_rows.0.lost_up_datagrams"),
        counted(&lab, "up")
    );
    let before = counted(&lab, "up");
    let to = format!("{SERVER}:5000");
    let cast = ["cast", "send", &to, "-s", "48", "-t", "2m", "-i", "5ms", "--io", "mmsg", "-J"];
    let cast = Running::start(lab.udpkit("client").args(cast));
    let up = dark(&lab, ("up", "lan"), 72, Duration::from_millis(300));
    cast.signal("INT");
    cast.wait(secs(60)).expect_success();
    receiver.signal("INT");
    let told = report(&receiver.wait(secs(60)), 0);
    only_row(path(&told, "source_rows.0.arrival_gaps"), up, counted(&lab, "up") - before);
    drop(server);
}

#[test]
fn a_relay_lists_the_gaps_in_what_it_forwards() {
    require_lab!();
    let _turn = punctual();
    let lab = router(108);
    let relay = ["relay", "5001", "127.0.0.1:9", "--one-way", "--outage", "100ms", "-J"];
    let relay = Running::start(lab.udpkit("server").args(relay));
    lab.wait_bound("server", 5_001);
    let to = format!("{SERVER}:5001");
    let send = ["cast", "send", &to, "-s", "84", "-t", "2m", "-i", "5ms", "--io", "mmsg", "-q"];
    let send = Running::start(lab.udpkit("client").args(send));
    let up = dark(&lab, ("up", "lan"), 108, Duration::from_millis(400));
    send.signal("INT");
    send.wait(secs(60));
    relay.signal("INT");
    let told = json(&relay.wait(secs(60)).out());
    let gaps = path(&told, "flow_rows.0.up_gaps");
    let rows = path(gaps, "outage_rows").as_array().expect("a list");
    // A loaded machine may send late itself, which a relay cannot tell.
    let longest = rows.iter().max_by_key(|row| number(row, "length_ns")).expect("a gap");
    let length = Duration::from_nanos(number(longest, "length_ns"));
    assert!(length + SLACK >= up[0] && length <= up[1] + SLACK, "{gaps:#}");
    assert!(path(longest, "lost_datagrams").is_null(), "{gaps:#}");
}

#[test]
fn a_sender_that_stands_still_is_no_outage_of_the_path() {
    require_lab!();
    let _turn = punctual();
    let lab = router(108);
    let server = lab.serve("server", &["--io", "mmsg"]);
    let args = ["blast", SERVER, "--rate", "2kpps", "-s", "100", "-t", "2m", "--io", "mmsg", "-J"];
    let client = Running::start(lab.udpkit("client").args(args));
    wait_for_flow(&lab, "up");
    client.stop();
    thread::sleep(Duration::from_millis(400));
    client.cont();
    wait_for_flow(&lab, "up");
    client.signal("INT");
    let told = report(&client.wait(secs(60)), 0);
    let gaps = path(&told, "arrival_gaps");
    assert_eq!(number(gaps, "outages"), 0, "{gaps:#}");
    assert!(number(gaps, "other_gaps") > 0, "{gaps:#}");
    assert!(number(gaps, "other_longest_ns") >= 390_000_000, "{gaps:#}");
    drop(server);
}

#[test]
fn a_clean_path_has_no_outage_however_loaded_the_hosts_are() {
    require_lab!();
    let _turn = busy();
    let lab = router(108);
    let server = lab.serve("server", &[]);
    let args = ["blast", SERVER, "--rate", "5kpps", "-s", "100", "-t", "3s", "--bidir", "-J"];
    let over = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        // Twice as many as there are processors, for as long as the run takes.
        let threads = 2 * thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let client = Running::start(lab.udpkit("client").args(args));
        let ended = client.wait(secs(120));
        over.store(true, Ordering::Relaxed);
        report(&ended, 0)
    });
    for key in ["arrival_gaps", "reverse.arrival_gaps"] {
        assert_eq!(number(path(&told, key), "outages"), 0, "{told:#}");
    }
    drop(server);
}
