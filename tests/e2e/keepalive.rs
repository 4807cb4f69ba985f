//! Paths that only outbound datagrams keep open: whoever receives says something, and loses
//! nothing. The router counts what is said.

use crate::common::{Lab, Running, json, number, path, require_lab, secs};
use serde_json::Value;

/// Of the `path` lab, in both families.
const SERVERS: [&str; 2] = ["10.77.3.2", "fd77:3::2"];

/// A firewall at r1 whose permission three seconds without an outbound datagram end, whatever comes
/// in; keepalives, 20 bytes behind UDP's header, are counted.
fn firewall() -> Lab {
    let lab = Lab::path();
    let family = |set: &str, ip: &str| {
        format!(
            "add set inet w {set} {{
                type {ip}_addr . inet_service . {ip}_addr . inet_service
                flags timeout,dynamic
                timeout 3s
             }}\n"
        )
    };
    let rules = |set: &str, ip: &str| {
        format!(
            "add rule inet w f iifname lan meta l4proto udp update @{set} \
                {{ {ip} saddr . udp sport . {ip} daddr . udp dport timeout 3s }} accept
             add rule inet w f iifname wan {ip} daddr . udp dport . {ip} saddr . udp sport @{set} \
                accept\n"
        )
    };
    let all = [
        "add table inet w\nadd counter inet w keepalives\nadd counter inet w stopped\n".to_owned(),
        family("open4", "ipv4"),
        family("open6", "ipv6"),
        "add chain inet w f { type filter hook forward priority 0; }\n\
         add rule inet w f iifname lan udp length 28 counter name keepalives\n"
            .to_owned(),
        rules("open4", "ip"),
        rules("open6", "ip6"),
        "add rule inet w f iifname wan meta l4proto udp counter name stopped drop\n".to_owned(),
    ];
    lab.nft("r1", &all.concat());
    lab
}

fn counted(lab: &Lab, name: &str) -> u64 {
    lab.counter("r1", "inet w", name).0
}

fn serve(lab: &Lab) -> Running {
    let server = Running::start(lab.udpkit("server").arg("serve"));
    server.wait_for_line("serving on", secs(10));
    server
}

/// A run with the server in each family, at the same time.
fn blast(lab: &Lab, args: &[&str]) -> [Value; 2] {
    let runs = SERVERS.map(|server| {
        let run = ["blast", server, "-J", "--rate", "200pps", "-s", "200"];
        Running::start(lab.udpkit("client").args(run).args(args))
    });
    runs.map(|run| json(&run.wait(secs(60)).expect_success().out()))
}

#[test]
fn a_run_from_the_server_loses_nothing_behind_a_firewall_that_outbound_traffic_renews() {
    require_lab!();
    let lab = firewall();
    let _server = serve(&lab);
    let mut before = 0;
    for (way, down) in [("-R", ""), ("--bidir", "reverse.")] {
        let reports = blast(&lab, &[way, "-t", "7s"]);
        let mut told = 0;
        for report in &reports {
            let lost = number(report, &format!("{down}lost.total"));
            assert_eq!((lost, counted(&lab, "stopped")), (0, 0), "{report:#}");
            let own = number(report, "keepalives");
            assert!((2..=4).contains(&own), "{report:#}");
            told += own;
        }
        let kept = counted(&lab, "keepalives") - before;
        assert_eq!(told, kept, "{reports:#?}");
        before += kept;
    }
}

#[test]
fn without_keepalives_the_same_firewall_stops_the_stream_until_it_is_claimed_again() {
    require_lab!();
    let lab = firewall();
    let _server = serve(&lab);
    let reports = blast(&lab, &["-R", "-t", "6s", "--keepalive", "off"]);
    let sum = |key: &str| reports.iter().map(|report| number(report, key)).sum::<u64>();
    assert_eq!(sum("keepalives") + counted(&lab, "keepalives"), 0, "{reports:#?}");
    let stopped = counted(&lab, "stopped");
    // What was lost at last cannot be told, and what the firewall let pass is not lost.
    let lost = sum("lost.total");
    assert!(lost <= stopped, "{lost} of {stopped}: {reports:#?}");
    assert!(reports.iter().all(|report| number(report, "lost.total") >= 150), "{reports:#?}");
}

#[test]
fn subscribers_behind_it_get_all() {
    require_lab!();
    let lab = firewall();
    let sending = ["cast", "send", "--open", "-q", "-c", "700", "--rate", "100pps", "-s", "100"];
    let sender = Running::start(lab.udpkit("server").args(sending).args(["--receivers", "2"]));
    lab.wait_bound("server", 8620);
    let receivers = SERVERS.map(|from| {
        let args = ["cast", "recv", "--sender", from, "--silent", "-J"];
        Running::start(lab.udpkit("client").args(args))
    });
    for receiver in receivers {
        let got = json(&receiver.wait(secs(60)).expect_success().out());
        assert_eq!(number(&got, "source_rows.0.lost_datagrams"), 0, "{got:#}");
    }
    assert_eq!(counted(&lab, "stopped"), 0);
    sender.wait(secs(10)).expect_success();
}

#[test]
fn probes_far_apart_remain_one_session_behind_a_nat_that_gives_other_ports() {
    require_lab!();
    let lab = Lab::path();
    lab.nft(
        "r1",
        "add table inet n
         add chain inet n post { type nat hook postrouting priority srcnat; }
         add rule inet n post oifname wan meta l4proto udp masquerade fully-random
         add table inet k
         add counter inet k empty
         add chain inet k f { type filter hook forward priority 0; }
         add rule inet k f iifname lan udp length 8 counter name empty\n",
    );
    lab.shell("r1", "cd /proc/sys/net/netfilter && echo 3 | tee nf_conntrack_udp_timeout*");
    lab.nft(
        "server",
        "add table inet k
         add set inet k ports { type nf_proto . inet_service; flags dynamic; }
         add chain inet k in { type filter hook input priority 0; }
         add rule inet k in udp dport 8620 add @ports { meta nfproto . udp sport }\n",
    );
    // Of both families.
    let ports = || {
        let listed =
            json(&lab.shell("server", "nft -j list set inet k ports; nft flush set inet k ports"));
        let set = path(&listed, "nftables").as_array().expect("a list");
        let set = set.iter().find_map(|item| item.get("set")).expect("the set");
        set["elem"].as_array().map_or(0, Vec::len)
    };
    let _server = serve(&lab);
    let ping = |more: &[&str]| {
        let pings = SERVERS.map(|server| {
            let args = ["ping", server, "-i", "5s", "-c", "3", "-J"];
            Running::start(lab.udpkit("client").args(args).args(more))
        });
        pings.map(|ping| json(&ping.wait(secs(60)).expect_success().out()))
    };
    let told = |reports: &[Value; 2], key: &str| {
        reports.each_ref().map(|report| number(report, &format!("targets.0.{key}")))
    };
    let kept = ping(&[]);
    let empty = lab.counter("r1", "inet k", "empty").0;
    let keepalives = told(&kept, "keepalives");
    assert_eq!(keepalives.iter().sum::<u64>(), empty, "{kept:#?}");
    assert!(keepalives.iter().all(|sent| (4..=5).contains(sent)), "{keepalives:?}");
    assert_eq!((ports(), told(&kept, "reflector_restarts")), (2, [0; 2]), "{kept:#?}");
    let off = ping(&["--keepalive", "0"]);
    assert_eq!(told(&off, "keepalives"), [0; 2]);
    assert_eq!((ports(), told(&off, "reflector_restarts")), (6, [2; 2]), "{off:#?}");
    assert_eq!(lab.counter("r1", "inet k", "empty").0, empty);
}
