//! `udpkit cast check` on networks of which each has one known fault.

use crate::common::{Lab, Output, Running, json, number, path, require_lab, run, secs};

fn check(lab: &Lab, host: &str, args: &[&str]) -> Output {
    run(lab.udpkit(host).args(["cast", "check"]).args(args), secs(40))
}

/// Outcome and words of the finding on a subject.
fn finding(output: &Output, subject: &str) -> (String, String) {
    let report = json(&output.out());
    let all = path(&report, "findings").as_array().expect("findings");
    let found = all.iter().find(|one| one["subject"] == subject);
    let found = found.unwrap_or_else(|| panic!("nothing on {subject} in {report:#}"));
    let word = |key: &str| found[key].as_str().expect("a text").to_owned();
    (word("outcome"), format!("{}; {}", word("says"), word("evidence")))
}

#[track_caller]
fn expect(output: &Output, subject: &str, outcome: &str, part: &str) {
    let (found, words) = finding(output, subject);
    assert_eq!(found, outcome, "{subject}: {words}");
    assert!(words.contains(part), "{subject}: {words}");
}

fn answering(lab: &Lab, host: &str, group: &str) -> Running {
    let running = Running::start(lab.udpkit(host).args(["cast", "check", group, "--answer", "-J"]));
    running.wait_for_line("answering for", secs(5));
    running
}

#[test]
fn a_network_that_carries_the_group_is_found_to_with_and_without_a_far_end() {
    require_lab!();
    let lab = Lab::fanout(2);
    let all = |group, far| {
        let alone = check(&lab, "s", &[group, "-J"]).expect_success();
        expect(&alone, "route", "ok", "uses eth0");
        expect(&alone, "eth0", "ok", "6 of 6 own probes came back, membership listed");
        expect(&alone, "beyond", "unknown", "nobody answered");

        let near = answering(&lab, "r1", group);
        let other = answering(&lab, "r2", group);
        let both = check(&lab, "s", &[group, "--far", far, "-J"]).expect_success();
        expect(&both, "far", "ok", "21 of 21 by the group, 3 of 3 by unicast");
        expect(&both, "far back", "ok", "heard 3 of 3");
        expect(&both, "eth0 answers", "ok", "all on this network");
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
fn what_stands_in_the_way_is_named_with_what_was_seen() {
    require_lab!();
    let lab = Lab::fanout(1);
    // The host's own firewall.
    lab.nft("s", "add table inet wall");
    lab.nft("s", "add chain inet wall input { type filter hook input priority 0; }");
    lab.nft("s", "add rule inet wall input ip daddr 239.9.9.9 drop");
    let deaf = check(&lab, "s", &["239.9.9.9:5000", "--wait", "400ms", "-J"]);
    assert_eq!(deaf.code(), Some(1));
    expect(&deaf, "eth0", "broken", "0 of 20 own probes came back");

    // The switch: the group is dropped on its way, unicast is not.
    let group = "239.1.2.3:5000";
    let _far = answering(&lab, "r1", group);
    lab.nft("switch", "add table bridge wall");
    lab.nft("switch", "add chain bridge wall forward { type filter hook forward priority 0; }");
    lab.nft("switch", "add rule bridge wall forward ip daddr 239.1.2.3 drop");
    let cut = check(&lab, "s", &[group, "--far", "10.77.0.11", "--wait", "400ms", "-J"]);
    assert_eq!(cut.code(), Some(1));
    expect(
        &cut,
        "far",
        "broken",
        "the switch, not the hosts; answered 15 of 15 by unicast, 0 of 33",
    );
    expect(&cut, "far back", "broken", "heard 0 of 15");
    let told = check(&lab, "s", &[group, "--far", "10.77.0.11"]).out();
    assert!(told.contains("verdict  broken at far: unicast reaches it"), "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");

    // Nobody there.
    let silent = check(&lab, "s", &[group, "--far", "10.77.0.11:5999", "--wait", "400ms", "-J"])
        .expect_success();
    expect(&silent, "far", "unknown", "port unreachable, from 10.77.0.11");

    // No route, and a strict filter.
    lab.shell("s", "ip route del 224.0.0.0/4 dev eth0; sysctl -qw net.ipv4.conf.eth0.rp_filter=1");
    let lost = check(&lab, "s", &["239.1.2.3:5001", "--wait", "400ms", "-J"]);
    assert_eq!(lost.code(), Some(1));
    expect(&lost, "route", "broken", "network is unreachable");
    expect(&lost, "eth0", "ok", "6 of 6");
    expect(&lost, "eth0 rp_filter", "ok", "rp_filter is 1");
}

/// Turns the lab's switch into one that snoops, forgets after 2 s, and asks this often.
fn snoop(lab: &Lab, query_interval: u32) {
    let set = |what: &str| lab.shell("switch", &format!("ip link set br0 type bridge {what}"));
    // The querier begins a response interval after it was switched on.
    set("mcast_snooping 1 mcast_querier 0 mcast_igmp_version 3 mcast_query_response_interval 10");
    set(&format!(
        "mcast_membership_interval 200 mcast_query_interval {query_interval} \
         mcast_startup_query_interval {query_interval} mcast_startup_query_count 1"
    ));
    set("mcast_querier 1");
}

#[test]
fn a_stream_that_dies_with_the_membership_is_laid_to_the_querier_that_is_not_there() {
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
        expect(&dead, "hold", "broken", "the stream stopped when memberships end, 2.0 s");
        let alive = alive.join().expect("no panic").expect_success();
        expect(&alive, "hold", "ok", "the stream outlasts a membership");
        expect(&alive, "eth0 querier", "ok", "keeps memberships alive");
        let outward = outward.join().expect("no panic");
        assert_eq!(outward.code(), Some(1), "{}", outward.out());
        expect(&outward, "hold", "broken", "the far end hears the group no more");
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
    expect(&asked, "eth0 querier", "ok", "a querier keeps memberships alive");
}
