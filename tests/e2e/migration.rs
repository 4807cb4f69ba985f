//! A NAT that forgets in the middle of a run and gives other ports: the run goes on.

use crate::common::{Lab, Running, json, number, path, require_lab, secs, wait_until};

/// A `path` whose r1 masquerades with random ports, lets in only what belongs to a flow, and counts
/// the run's datagrams.
fn lab() -> Lab {
    let lab = Lab::path();
    lab.nft(
        "r1",
        "add table ip n
         add counter ip n data
         add chain ip n post { type nat hook postrouting priority srcnat; }
         add rule ip n post oifname wan masquerade fully-random
         add chain ip n f { type filter hook forward priority 0; }
         add rule ip n f udp length 208 counter name data
         add rule ip n f iifname wan ct state != { established, related } drop\n",
    );
    lab
}

#[test]
fn a_run_goes_on_when_a_nat_gives_other_ports() {
    require_lab!();
    let lab = lab();
    let server = Running::start(lab.udpkit("server").arg("serve"));
    server.wait_for_line("serving on", secs(10));
    let counted = || lab.counter("r1", "ip n", "data").0;
    for way in [None, Some("-R"), Some("--bidir")] {
        let before = counted();
        let mut command = lab.udpkit("client");
        let args = ["blast", "10.77.3.2", "-J", "-s", "200", "--rate", "200pps", "-t", "4s"];
        let run = Running::start(command.args(args).args(way));
        wait_until("half of the run", secs(20), || counted() >= before + 400);
        // A masquerade forgets all when its interface goes down (nf_nat_masquerade).
        lab.shell(
            "r1",
            "routes=$(ip -4 route show | grep via)
             ip link set wan down && ip link set wan up
             echo \"$routes\" | while read route; do ip route replace $route; done",
        );
        let report = json(&run.wait(secs(60)).expect_success().out());
        assert_eq!(path(&report, "complete"), true, "{report:#}");
        let (from, to) = ("address_changes.0.from_address", "address_changes.0.to_address");
        assert_ne!(path(&report, from), path(&report, to), "{report:#}");
        assert!(number(&report, "address_changes.0.after_ns") > 500_000_000, "{report:#}");
        let sent = number(&report, "sent.datagrams");
        let (delivered, lost) = (number(&report, "delivered"), number(&report, "lost.total"));
        assert_eq!(sent, delivered + lost, "{report:#}");
        // Of 800, those until the interface was up, and the new address confirmed.
        assert!((1..600).contains(&lost), "{lost}: {report:#}");
        server.wait_for_line("goes on with session", secs(5));
    }
}
