//! Paths that only outbound datagrams keep open: whoever receives says something, and loses
//! nothing. The router counts what is said.

use crate::common::{Lab, Running, json, number, path, require_lab, run, secs};
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

fn blast(lab: &Lab, args: &[&str]) -> Value {
    let mut command = lab.udpkit("client");
    let output =
        run(command.args(["blast", "-J", "--rate", "200pps", "-s", "200"]).args(args), secs(60));
    json(&output.expect_success().out())
}

#[test]
fn a_run_from_the_server_loses_nothing_behind_a_firewall_that_outbound_traffic_renews() {
    require_lab!();
    let lab = firewall();
    let _server = serve(&lab);
    let mut before = 0;
    for (server, way) in [(SERVERS[0], "-R"), (SERVERS[1], "--bidir")] {
        let report = blast(&lab, &[server, way, "-t", "7s"]);
        let down = if way == "-R" { "" } else { "reverse." };
        let lost = number(&report, &format!("{down}lost.total"));
        assert_eq!((lost, counted(&lab, "stopped")), (0, 0), "{report:#}");
        let kept = counted(&lab, "keepalives") - before;
        assert_eq!(number(&report, "keepalives"), kept, "{report:#}");
        assert!((2..=4).contains(&kept), "{kept}");
        before += kept;
    }
}

#[test]
fn without_keepalives_the_same_firewall_stops_the_stream_until_it_is_claimed_again() {
    require_lab!();
    let lab = firewall();
    let _server = serve(&lab);
    let report = blast(&lab, &[SERVERS[0], "-R", "-t", "6s", "--keepalive", "off"]);
    assert_eq!(number(&report, "keepalives") + counted(&lab, "keepalives"), 0, "{report:#}");
    let stopped = counted(&lab, "stopped");
    // What was lost at last cannot be told, and what the firewall let pass is not lost.
    let lost = number(&report, "lost.total");
    assert!(stopped > 150 && (150..=stopped).contains(&lost), "{stopped}: {report:#}");
}

#[test]
fn a_subscriber_behind_it_gets_all() {
    require_lab!();
    let lab = firewall();
    let sending = ["cast", "send", "--open", "-q", "-c", "700", "--rate", "100pps", "-s", "100"];
    let sender = Running::start(lab.udpkit("server").args(sending).args(["--receivers", "1"]));
    lab.wait_bound("server", 8620);
    let mut command = lab.udpkit("client");
    let got =
        run(command.args(["cast", "recv", "--sender", SERVERS[0], "--silent", "-J"]), secs(60));
    let got = json(&got.expect_success().out());
    assert_eq!(number(&got, "source_rows.0.lost_datagrams"), 0, "{got:#}");
    assert_eq!(counted(&lab, "stopped"), 0);
    sender.wait(secs(10)).expect_success();
}

#[test]
fn probes_far_apart_remain_one_session_behind_a_nat_that_gives_other_ports() {
    require_lab!();
    let lab = Lab::path();
    lab.nft(
        "r1",
        "add table ip n
         add chain ip n post { type nat hook postrouting priority srcnat; }
         add rule ip n post oifname wan masquerade fully-random
         add table ip k
         add counter ip k empty
         add chain ip k f { type filter hook forward priority 0; }
         add rule ip k f iifname lan udp length 8 counter name empty\n",
    );
    lab.shell("r1", "cd /proc/sys/net/netfilter && echo 3 | tee nf_conntrack_udp_timeout*");
    lab.nft(
        "server",
        "add table ip k
         add set ip k ports { type inet_service; flags dynamic; }
         add chain ip k in { type filter hook input priority 0; }
         add rule ip k in udp dport 8620 add @ports { udp sport }\n",
    );
    let ports = || {
        let listed =
            json(&lab.shell("server", "nft -j list set ip k ports; nft flush set ip k ports"));
        let set = path(&listed, "nftables").as_array().expect("a list");
        let set = set.iter().find_map(|item| item.get("set")).expect("the set");
        set["elem"].as_array().map_or(0, Vec::len)
    };
    let _server = serve(&lab);
    let ping = |more: &[&str]| {
        let mut command = lab.udpkit("client");
        let args = ["ping", SERVERS[0], "-i", "5s", "-c", "3", "-J"];
        json(&run(command.args(args).args(more), secs(60)).expect_success().out())
    };
    let kept = ping(&[]);
    let empty = lab.counter("r1", "ip k", "empty").0;
    assert_eq!(number(&kept, "targets.0.keepalives"), empty, "{kept:#}");
    assert!((4..=5).contains(&empty), "{empty}");
    assert_eq!((ports(), number(&kept, "targets.0.reflector_restarts")), (1, 0), "{kept:#}");
    let off = ping(&["--keepalive", "0"]);
    assert_eq!(number(&off, "targets.0.keepalives"), 0);
    assert_eq!((ports(), number(&off, "targets.0.reflector_restarts")), (3, 2), "{off:#}");
    assert_eq!(lab.counter("r1", "ip k", "empty").0, empty);
}
