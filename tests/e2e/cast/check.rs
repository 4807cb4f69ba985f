//! `udpkit cast check` on networks with one known fault each.

use crate::common::{Lab, Output, Running, json, number, path, require_lab, run, secs, text};
use serde_json::Value;

fn check(lab: &Lab, host: &str, args: &[&str]) -> Output {
    run(lab.udpkit(host).args(["cast", "check"]).args(args), secs(40))
}

/// The finding on a subject such as `querier` or `to_far_end`.
fn finding(output: &Output, subject: &str) -> Value {
    let report = json(&output.out());
    let all = path(&report, "findings").as_array().expect("findings");
    let found = all.iter().find(|one| one["subject"] == subject);
    found.unwrap_or_else(|| panic!("nothing on {subject} in {report:#}")).clone()
}

/// Checks the outcome and the code of the finding on a subject.
#[track_caller]
fn expect(output: &Output, subject: &str, outcome: &str, code: &str) -> Value {
    let found = finding(output, subject);
    let told = (text(&found, "outcome"), text(&found, "verdict.code"));
    assert_eq!(told, (outcome, code), "{found:#}");
    found
}

/// The figures of a piece of evidence.
#[track_caller]
fn evidence(found: &Value, code: &str) -> Value {
    let all = path(found, "evidence").as_array().expect("evidence");
    let one = all.iter().find(|one| one["code"] == code);
    one.unwrap_or_else(|| panic!("no {code} in {found:#}")).clone()
}

#[track_caller]
fn counts(found: &Value, code: &str, keys: [&str; 2]) -> [u64; 2] {
    let figures = evidence(found, code);
    keys.map(|key| number(&figures, key))
}

fn answering(lab: &Lab, host: &str, group: &str) -> Running {
    let running = Running::start(lab.udpkit(host).args(["cast", "check", group, "--answer", "-J"]));
    running.wait_for_line("answering for", secs(5));
    running
}

#[test]
fn a_network_that_carries_the_group_works_with_and_without_a_remote_host() {
    require_lab!();
    let lab = Lab::fanout(2);
    let all = |group, far| {
        let alone = check(&lab, "s", &[group, "-J"]).expect_success();
        let route = expect(&alone, "route", "ok", "route_found");
        assert_eq!(text(&route, "verdict.interface"), "eth0");
        let own = expect(&alone, "interface", "ok", "loop_works");
        assert_eq!(text(&own, "interface"), "eth0");
        assert_eq!(counts(&own, "own_probes", ["looped", "sent"]), [6, 6]);
        evidence(&own, "membership_listed");
        let others = expect(&alone, "other_hosts", "unknown", "others_unknown");
        evidence(&others, "no_replies");

        let near = answering(&lab, "r1", group);
        let other = answering(&lab, "r2", group);
        let both = check(&lab, "s", &[group, "--far", far, "-J"]).expect_success();
        let far_end = expect(&both, "to_far_end", "ok", "far_end_receives");
        assert_eq!(counts(&far_end, "answered", ["group_back", "group_sent"]), [21, 21]);
        assert_eq!(counts(&far_end, "answered", ["unicast_back", "unicast_sent"]), [3, 3]);
        let back = expect(&both, "from_far_end", "ok", "back_received");
        assert_eq!(counts(&back, "sent_back", ["arrived", "asked"]), [3, 3]);
        let replies = expect(&both, "replies", "ok", "hosts_reply");
        assert_eq!(text(&replies, "interface"), "eth0");
        assert_eq!(number(&evidence(&replies, "distance"), "routers_max"), 0);
        for running in [near, other] {
            running.signal("INT");
            let told = json(&running.wait(secs(5)).expect_success().out());
            assert_eq!(number(&told, "group_probes"), 21);
            assert_eq!(number(&told, "unanswered"), 0);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| all("239.1.2.3:5000", "10.77.0.11"));
        scope.spawn(|| all("[ff15::1]:5001", "fd77::11"));
    });
}

#[test]
fn a_fault_is_named_with_its_evidence() {
    require_lab!();
    let lab = Lab::fanout(1);
    // A firewall on the host.
    lab.nft("s", "add table inet wall");
    lab.nft("s", "add chain inet wall input { type filter hook input priority 0; }");
    lab.nft("s", "add rule inet wall input ip daddr 239.9.9.9 drop");
    let deaf = check(&lab, "s", &["239.9.9.9:5000", "--wait", "400ms", "-J"]);
    assert_eq!(deaf.code(), Some(1));
    let own = expect(&deaf, "interface", "broken", "loop_broken");
    assert_eq!(counts(&own, "own_probes", ["looped", "sent"]), [0, 20]);

    // The switch drops the group, but not unicast.
    let group = "239.1.2.3:5000";
    let _far = answering(&lab, "r1", group);
    lab.nft("switch", "add table bridge wall");
    lab.nft("switch", "add chain bridge wall forward { type filter hook forward priority 0; }");
    lab.nft("switch", "add rule bridge wall forward ip daddr 239.1.2.3 drop");
    let cut = check(&lab, "s", &[group, "--far", "10.77.0.11", "--wait", "400ms", "-J"]);
    assert_eq!(cut.code(), Some(1));
    let far_end = expect(&cut, "to_far_end", "broken", "group_lost");
    assert_eq!(number(&far_end, "verdict.routers"), 0);
    assert_eq!(counts(&far_end, "answered", ["unicast_back", "unicast_sent"]), [15, 15]);
    assert_eq!(counts(&far_end, "answered", ["group_back", "group_sent"]), [0, 33]);
    let back = expect(&cut, "from_far_end", "broken", "back_lost");
    assert_eq!(counts(&back, "sent_back", ["arrived", "asked"]), [0, 15]);
    let whole = json(&cut.out());
    assert_eq!(text(&whole, "verdict.code"), "broken");
    assert_eq!(text(&whole, "verdict.subject"), "to_far_end");
    assert_eq!(text(&whole, "verdict.finding.code"), "group_lost");
    let told = check(&lab, "s", &[group, "--far", "10.77.0.11"]).out();
    let words: Vec<&str> = told.split_whitespace().collect();
    assert!(words.join(" ").ends_with(text(&whole, "verdict.text")), "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");

    // Nothing replies there.
    let silent = check(&lab, "s", &[group, "--far", "10.77.0.11:5999", "--wait", "400ms", "-J"])
        .expect_success();
    let far_end = expect(&silent, "to_far_end", "unknown", "far_end_silent");
    let error = &evidence(&far_end, "unreachable")["error"];
    assert_eq!(text(error, "code"), "port_unreachable");
    assert_eq!(text(error, "from"), "10.77.0.11");

    // No route, and a strict reverse-path filter.
    lab.shell("s", "ip route del 224.0.0.0/4 dev eth0; sysctl -qw net.ipv4.conf.eth0.rp_filter=1");
    let lost = check(&lab, "s", &["239.1.2.3:5001", "--wait", "400ms", "-J"]);
    assert_eq!(lost.code(), Some(1));
    let route = expect(&lost, "route", "broken", "no_route");
    // Linux's ENETUNREACH.
    assert_eq!(number(&evidence(&route, "connect_refused"), "cause.errno"), 101);
    let own = expect(&lost, "interface", "ok", "loop_works");
    assert_eq!(counts(&own, "own_probes", ["looped", "sent"]), [6, 6]);
    let filter = expect(&lost, "rp_filter", "ok", "filter_drops_unrouted");
    assert_eq!(number(&evidence(&filter, "reverse_path_filter"), "rp_filter"), 1);
}

/// Makes the lab's switch snoop, age memberships out after 2 s, and query at this interval.
fn snoop(lab: &Lab, query_interval: u32) {
    let set = |what: &str| lab.shell("switch", &format!("ip link set br0 type bridge {what}"));
    // The querier starts one response interval after it was enabled.
    set("mcast_snooping 1 mcast_querier 0 mcast_igmp_version 3 mcast_query_response_interval 10");
    set(&format!(
        "mcast_membership_interval 200 mcast_query_interval {query_interval} \
         mcast_startup_query_interval {query_interval} mcast_startup_query_count 1"
    ));
    set("mcast_querier 1");
}

#[test]
fn a_stream_that_ends_with_the_membership_is_blamed_on_the_missing_querier() {
    require_lab!();
    let group = "239.1.2.3:5000";
    let hold = [group, "--hold", "6", "--membership", "2", "-J"];
    let held = |query_interval| {
        let lab = Lab::fanout(2);
        snoop(&lab, query_interval);
        let args = ["cast", "send", group, "-s", "100", "-c", "0", "-i", "50ms", "-q"];
        let _sender = Running::start(lab.udpkit("s").args(args));
        check(&lab, "r1", &hold)
    };
    let outward = || {
        let lab = Lab::fanout(1);
        snoop(&lab, 60_000);
        let _far = answering(&lab, "r1", group);
        check(&lab, "s", &[&hold[..], &["--far", "10.77.0.11"]].concat())
    };
    std::thread::scope(|scope| {
        let dead = scope.spawn(|| held(60_000));
        let alive = scope.spawn(|| held(50));
        let outward = scope.spawn(outward);
        let dead = dead.join().expect("no panic");
        assert_eq!(dead.code(), Some(1), "{}", dead.out());
        let hold = expect(&dead, "hold", "broken", "ended_with_membership");
        assert_eq!(text(&hold, "verdict.what"), "stream");
        assert_eq!(number(&hold, "verdict.membership_ns"), 2_000_000_000);
        let alive = alive.join().expect("no panic").expect_success();
        expect(&alive, "hold", "ok", "stream_outlasts");
        expect(&alive, "querier", "ok", "querier_heard");
        let outward = outward.join().expect("no panic");
        assert_eq!(outward.code(), Some(1), "{}", outward.out());
        let hold = expect(&outward, "hold", "broken", "ended_with_membership");
        assert_eq!(text(&hold, "verdict.what"), "far_end");
    });
}

#[test]
fn multicast_listener_queries_are_seen_in_the_kernels_count() {
    require_lab!();
    let lab = Lab::fanout(1);
    lab.shell(
        "switch",
        "ip link set br0 type bridge mcast_snooping 1 mcast_query_interval 50 \
         mcast_startup_query_interval 50 mcast_mld_version 2",
    );
    lab.shell("switch", "ip link set br0 type bridge mcast_querier 1");
    let asked = check(&lab, "s", &["[ff15::1]:5000", "--hold", "3", "-J"]).expect_success();
    expect(&asked, "querier", "ok", "querier_heard");
}
