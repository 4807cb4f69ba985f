//! The metrics of `monitor`: its own report of the same run, a list that is read again, a long one.

use super::{Scrape, address, body, metrics_of, wait_for_metrics, watched};
use crate::common::{Running, free_udp_port, json, number, path, require_tools, secs, udpkit};
use std::fs;
use std::path::Path;

/// A series of a target.
fn of(page: &Scrape, family: &str, target: &str) -> Option<u64> {
    page.get(&format!("udpkit_{family}{{target=\"{target}\"}}"))
}

fn way(page: &Scrape, family: &str, target: &str, way: &str) -> Option<u64> {
    page.get(&format!("udpkit_{family}{{target=\"{target}\",direction=\"{way}\"}}"))
}

/// Families of which nothing changes once a target does not answer any more, and their keys.
const FINAL: [(&str, &str); 10] = [
    ("back_datagrams_total", "back"),
    ("late_datagrams_total", "late"),
    ("duplicate_datagrams_total", "duplicates"),
    ("stray_datagrams_total", "strays"),
    ("target_outages_total", "outages"),
    ("hop_changes_total", "hop_changes"),
    ("clock_steps_total", "clock_steps"),
    ("reflector_restarts_total", "reflector_restarts"),
    ("address_changes_total", "address_changes"),
    ("network_errors_total", "network_errors"),
];

#[test]
fn what_monitor_counts_is_what_it_reports_of_each_target() {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]));
    let near = address(&server, "serving on ");
    let impaired = ["--up", "loss 10%", "--down", "loss 5%", "--seed", "7"];
    let relay = Running::start(udpkit().args(["relay", "127.0.0.1:0", &near]).args(impaired));
    let through = address(&relay, "relaying ");
    let (monitor, at) =
        watched(&["monitor", &through, &near, "-i", "10ms", "--wait", "300ms", "-J"]);
    let lost = |page: &Scrape| of(page, "lost_datagrams_total", &through);
    wait_for_metrics(at, "300 answers and some losses", |page| {
        of(page, "back_datagrams_total", &through) > Some(300) && lost(page) > Some(0)
    });
    // Nothing is answered any more: what was is final once the losses behind it are told.
    relay.stop();
    let before = lost(&Scrape::of(at)).expect("known");
    let shown = wait_for_metrics(at, "further losses", |page| {
        lost(page) > Some(before + 150) && of(page, "target_up", &near) == Some(1)
    });
    monitor.signal("INT");
    let report = json(&monitor.wait(secs(20)).expect_success().out());
    relay.cont();
    let rows = path(&report, "target_rows").as_array().expect("two");
    let row = &rows[0];
    for (family, key) in FINAL {
        assert_eq!(of(&shown, family, &through), Some(number(row, key)), "{family}\n{report:#}");
    }
    let trips = of(&shown, "round_trip_seconds_count", &through);
    assert_eq!(trips, of(&shown, "back_datagrams_total", &through), "{}", shown.text);
    for (direction, lost, ttl) in
        [("out", "lost_out", "ttl_out"), ("back", "lost_back", "ttl_back")]
    {
        let shown_lost = way(&shown, "one_way_lost_datagrams_total", &through, direction);
        assert_eq!(shown_lost, Some(number(row, lost)), "{report:#}\n{}", shown.text);
        assert!(shown_lost > Some(0), "{report:#}");
        assert_eq!(way(&shown, "arrival_ttl", &through, direction), path(row, ttl).as_u64());
    }
    let routers = path(row, "ttl_out").as_u64().map(|ttl| 255 - ttl);
    assert_eq!(of(&shown, "routers_out", &through), routers);
    // What goes on is not more than at the end.
    for (family, key) in [
        ("sent_datagrams_total", "sent"),
        ("never_sent_datagrams_total", "never_sent"),
        ("lost_datagrams_total", "lost"),
    ] {
        assert!(of(&shown, family, &through) <= Some(number(row, key)), "{family}\n{report:#}");
    }
    let dark = of(&shown, "target_outage_seconds_total", &through).expect("known");
    assert!((1..=number(row, "outage_ns") / 1_000_000_000).contains(&dark), "{report:#}");
    let up = |target| of(&shown, "target_up", target);
    assert_eq!((up(&through), up(&near)), (Some(0), Some(1)), "{}", shown.text);
    // The other one is answered on.
    let back = of(&shown, "back_datagrams_total", &near).expect("known");
    assert!((300..=number(&rows[1], "back")).contains(&back), "{report:#}");
}

fn write(file: &Path, port: u16, targets: &[(String, String)]) {
    let interval = if targets.len() > 1_000 { "1s" } else { "100ms" };
    let mut text = format!("[defaults]\ninterval = \"{interval}\"\nport = {port}\n");
    for (name, address) in targets {
        text.push_str(&format!("[[target]]\nname = '{name}'\naddress = \"{address}\"\n"));
    }
    fs::write(file, text).expect("the list is written");
}

/// A server, and a monitor of a list of its addresses.
struct Listed {
    _server: Running,
    port: u16,
    dir: tempfile::TempDir,
    monitor: Running,
}

impl Listed {
    fn start(targets: &[(String, String)], args: &[&str]) -> Self {
        let port = free_udp_port();
        let server = Running::start(udpkit().args(["serve", &format!("0.0.0.0:{port}")]));
        server.wait_for_line("serving on", secs(10));
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("list.toml");
        write(&file, port, targets);
        let monitor =
            Running::start(udpkit().arg("monitor").arg(&file).args(["--metrics", "0"]).args(args));
        Self { _server: server, port, dir, monitor }
    }

    fn reload(&self, targets: &[(String, String)]) {
        write(&self.dir.path().join("list.toml"), self.port, targets);
        self.monitor.signal("HUP");
    }
}

fn named(targets: &[(&str, &str)]) -> Vec<(String, String)> {
    targets.iter().map(|(name, address)| ((*name).to_owned(), (*address).to_owned())).collect()
}

#[test]
fn a_target_that_is_gone_from_the_list_is_gone_from_the_page_and_the_others_count_on() {
    let listed = Listed::start(&named(&[("a", "127.0.0.1"), ("b", "127.0.0.2")]), &["-J"]);
    let at = metrics_of(&listed.monitor);
    let back = |page: &Scrape, target| of(page, "back_datagrams_total", target);
    let before = wait_for_metrics(at, "answers of both", |page| {
        back(page, "a") > Some(3) && back(page, "b") > Some(3)
    });
    listed.reload(&named(&[("b", "127.0.0.2"), ("c", "127.0.0.3")]));
    let after = wait_for_metrics(at, "the new list", |page| back(page, "c") > Some(3));
    assert!(!after.text.contains("target=\"a\""), "{}", after.text);
    assert!(back(&after, "b") > back(&before, "b"), "{}", after.text);
    // It counts from 0 when it comes again.
    listed.reload(&named(&[("a", "127.0.0.9"), ("b", "127.0.0.2")]));
    let again = wait_for_metrics(at, "the first one again", |page| back(page, "a") > Some(0));
    assert!(!again.text.contains("target=\"c\""), "{}", again.text);
    assert!(back(&again, "a") < back(&again, "b"), "{}", again.text);
    listed.monitor.signal("INT");
    let report = json(&listed.monitor.wait(secs(20)).expect_success().out());
    let rows = path(&report, "target_rows").as_array().expect("two");
    assert_eq!((number(&rows[1], "lost"), number(&report, "reloads")), (0, 2), "{report:#}");
}

#[test]
fn two_thousand_targets_are_on_one_page() {
    let of_number = |one: usize| {
        (format!("router {one}"), format!("127.0.{}.{}", one / 250 + 1, one % 250 + 1))
    };
    let targets: Vec<_> = (0..2_000).map(of_number).collect();
    let listed = Listed::start(&targets, &["-w", "10s", "-J"]);
    let at = metrics_of(&listed.monitor);
    let shown =
        wait_for_metrics(at, "an answer of each", |page| page.sum("udpkit_target_up") == 2_000);
    let all = shown.text.lines();
    assert_eq!(all.filter(|line| line.starts_with("udpkit_sent_datagrams_total{")).count(), 2_000);
    assert!(of(&shown, "back_datagrams_total", "router 1999") > Some(0), "not the last one");
    listed.monitor.signal("INT");
    let report = json(&listed.monitor.wait(secs(60)).expect_success().out());
    assert_eq!(number(&report, "targets"), 2_000);
}

#[test]
fn promtool_finds_nothing_wrong_with_any_name_of_a_target() {
    require_tools!("promtool");
    let odd = [("a \"b\" \\ {c}", "127.0.0.1"), ("größer, = #", "127.0.0.2"), ("\\n", "127.0.0.3")];
    let listed = Listed::start(&named(&odd), &["-J"]);
    let at = metrics_of(&listed.monitor);
    wait_for_metrics(at, "answers of all", |page| page.sum("udpkit_target_up") == 3);
    super::prometheus::check(at);
    let page = body(at, "/metrics", "application/openmetrics-text");
    assert!(page.contains("{target=\"a \\\"b\\\" \\\\ {c}\"} "), "{page}");
}
