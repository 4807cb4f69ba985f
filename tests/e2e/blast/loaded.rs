//! `udpkit blast --probe`: round trips on the idle path and on the same path under load.

use crate::common::{Lab, assert_sums, json, number, punctual, require_lab, run, secs, udpkit};

#[test]
fn a_full_queue_shows_in_the_loaded_round_trips_and_not_in_the_idle_ones() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::up("pair", &["--no-offload"]);
    // 20 Mbit/s with a queue of 50 ms: an idle path that any load fills.
    lab.shell("a", "tc qdisc replace dev eth0 root tbf rate 20mbit burst 5kb latency 50ms");
    lab.nft(
        "b",
        "add table inet t
         add chain inet t input { type filter hook input priority 0; }
         add counter inet t probes
         add rule inet t input udp dport 8620 udp length 52 counter name probes\n",
    );
    let _server = lab.serve("b", &[]);
    let args = ["blast", "--json", "10.77.0.2", "--rate", "30M", "--time", "2s", "--probe"];
    let output = run(lab.udpkit("a").args(args), secs(30));
    assert_eq!(output.code(), Some(0), "{}", output.err());
    let report = json(&output.out());
    assert_sums(&report);
    let [idle, loaded] = ["idle", "loaded"]
        .map(|phase| number(&report, &format!("probe.{phase}.round_trip_ns.p50")));
    assert!(idle < 5_000_000, "{idle} ns idle");
    assert!((30_000_000..80_000_000).contains(&loaded), "{loaded} ns under load");
    assert_eq!(number(&report, "probe.loaded_per_idle_milli"), loaded * 1_000 / idle);
    // The queue also refuses probes: some were never sent, none that was sent was lost.
    let sent =
        ["idle", "loaded"].map(|phase| number(&report, &format!("probe.{phase}.probes_sent")));
    let back = ["idle", "loaded"].map(|phase| number(&report, &format!("probe.{phase}.back")));
    assert!(sent[0] >= 90 && back == sent, "{report:#}");
    let (counted, _) = lab.counter("b", "inet t", "probes");
    assert!(counted >= sent.iter().sum(), "{counted} on the wire of {sent:?}");
    // The full queue also shows in the one-way delay above the minimum.
    assert!(number(&report, "delay_above_min_ns.p50") > 20_000_000, "{report:#}");
}

#[test]
fn probes_ride_beside_a_run_through_loopback_too() {
    let output = run(udpkit().args(["blast", "--probe=0.5ms"]), secs(10));
    assert_eq!(output.code(), Some(2));
    assert!(output.err().contains("--probe=500 µs"), "{}", output.err());
    let args = ["blast", "--json", "--rate", "1kpps", "-c", "100", "--probe=5ms"];
    let report = json(&run(udpkit().args(args), secs(20)).out());
    assert_sums(&report);
    assert_eq!(number(&report, "probe.interval_ns"), 5_000_000);
    assert!(number(&report, "probe.idle.back") >= 150, "{report:#}");
}
