//! Impairments, as other commands see them.

use super::{lab, relay, stop};
use crate::common::{Running, json, number, path, require_lab, run, secs};

#[test]
fn ping_sees_the_loss_and_the_delay_that_the_relay_made() {
    require_lab!();
    let lab = lab(2);
    // It has no dialogue, whose datagrams would count.
    let _echo = Running::start(lab.udpkit("r2").args(["recv", "8620", "--echo", "-q"]));
    lab.wait_bound("r2", 8620);
    let args = ["10.77.0.11:8620", "10.77.0.12:8620", "--seed", "5"];
    let impaired = ["--up", "every 10, delay 20ms", "--down", "every 7, delay 30ms"];
    let running = relay(&mut lab.udpkit("r1"), &[&args[..], &impaired].concat());
    let args = ["ping", "--echo", "10.77.0.11", "-c", "100", "-i", "5ms", "-J"];
    let ping = json(&run(lab.udpkit("s").args(args), secs(30)).out());
    let report = stop(running);
    let target = path(&ping, "targets.0");
    assert_eq!(number(&report, "up.received"), number(target, "sent"), "{report:#}");
    assert_eq!(number(&report, "up.dropped.lost"), 10, "{report:#}");
    assert_eq!(number(&report, "down.received"), 90, "{report:#}");
    assert_eq!(number(&report, "down.dropped.lost"), 12, "{report:#}");
    assert_eq!(number(target, "back"), number(&report, "down.forwarded"), "{ping:#}");
    assert_eq!(number(target, "lost_datagrams"), 22, "{ping:#}");
    assert!(number(target, "round_trip_ns.min") >= 50_000_000, "{target:#}");
    for (way, delay) in [("up", 20_000_000), ("down", 30_000_000)] {
        let asked = number(&report, &format!("{way}.delay.asked_ns.p50"));
        assert!(asked.abs_diff(delay) < delay / 500, "{report:#}");
        let achieved = number(&report, &format!("{way}.delay.achieved_ns.p50"));
        assert!(achieved >= asked, "{report:#}");
        let (all, forwarded) = (format!("{way}.delayed"), format!("{way}.forwarded"));
        assert_eq!(number(&report, &all), number(&report, &forwarded), "{report:#}");
    }
    assert_eq!(number(&report, "seed"), 5);
}

#[test]
fn blast_sees_the_loss_duplicates_and_damage_that_the_relay_made() {
    require_lab!();
    let lab = lab(2);
    let _server = lab.serve("r2", &[]);
    // The dialogue goes through it first: phases count from its first datagram.
    let args = ["10.77.0.11:8620", "10.77.0.12:8620", "--seed", "5"];
    let args = [&args[..], &["--up", "every 50, duplicate 5%"]].concat();
    let running = relay(&mut lab.udpkit("r1"), &args);
    let args = ["blast", "10.77.0.11", "-b", "2kpps", "-s", "300", "-c", "2000", "-J"];
    let blast = json(&run(lab.udpkit("s").args(args), secs(30)).out());
    let report = stop(running);
    let lost = number(&report, "up.dropped.lost");
    let duplicated = number(&report, "up.duplicated");
    assert!(lost >= 39 && duplicated > 50, "{report:#}");
    // Datagrams of the dialogue are among those of the relay: some of each may be theirs.
    let (seen, twice) = (number(&blast, "lost.total"), number(&blast, "duplicates"));
    assert!(seen <= lost && seen + 3 >= lost, "{seen} of {lost}: {blast:#}");
    assert!(twice <= duplicated && twice + 10 >= duplicated, "{twice} of {duplicated}: {blast:#}");
}
