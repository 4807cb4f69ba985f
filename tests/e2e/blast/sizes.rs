//! Mixes of sizes against a firewall that counts packets by their length.

use crate::common::{Lab, json, number, path, punctual, require_lab, run, secs, text};
use serde_json::Value;

/// UDP's header in the length that a firewall sees.
const HEADER: u64 = 8;

/// Counts what comes to a host by UDP length, from either end's data ports.
fn count_lengths(lab: &Lab, host: &str, payloads: &[u64], more: &str) {
    let rules: Vec<String> = payloads
        .iter()
        .map(|payload| {
            let length = payload + HEADER;
            format!(
                "add counter inet s c{payload}\n\
                 add rule inet s in udp length {length} counter name c{payload}\n"
            )
        })
        .collect();
    let chain = "add chain inet s in { type filter hook input priority 0; }";
    lab.nft(host, &format!("add table inet s\n{chain}\n{more}{}", rules.concat()));
}

/// What each class received is what the firewall of its receiver counted.
#[track_caller]
fn hold_against(lab: &Lab, host: &str, rows: &Value, payloads: &[u64]) {
    let rows = rows.as_array().expect("a list");
    assert_eq!(rows.len(), payloads.len(), "{rows:#?}");
    for (row, payload) in rows.iter().zip(payloads) {
        assert_eq!(number(row, "least_payload_bytes"), *payload, "{row:#}");
        let counted = lab.counter(host, "inet s", &format!("c{payload}")).0;
        assert!(counted > 0, "{row:#}");
        assert_eq!(number(row, "received_datagrams"), counted, "{row:#}");
        assert_eq!(number(row, "delivered_bytes"), counted * payload, "{row:#}");
    }
}

#[test]
fn each_size_of_imix_arrives_as_often_as_the_firewalls_count_both_ways() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    let sizes = [16, 548, 1_472];
    count_lengths(&lab, "a", &sizes, "");
    count_lengths(&lab, "b", &sizes, "");
    let _server = lab.serve("b", &[]);
    let args = ["blast", "10.77.0.2", "-s", "imix", "-b", "20M", "-t", "2s", "--bidir", "-P", "2"];
    let output = run(lab.udpkit("a").args(args).args(["--verify", "-J"]), secs(60));
    let told = json(&output.expect_success().out());
    hold_against(&lab, "b", path(&told, "size_rows"), &sizes);
    hold_against(&lab, "a", path(&told, "reverse.size_rows"), &sizes);
    for way in ["", "reverse."] {
        let rows = path(&told, &format!("{way}size_rows"));
        let sent: Vec<u64> = (0..3).map(|class| number(&rows[class], "sent_datagrams")).collect();
        let all = number(&told, &format!("{way}sent.datagrams"));
        assert_eq!(sent.iter().sum::<u64>(), all, "{rows:#}");
        // 7 to 4 to 1, but for the last cycle of each stream.
        let [small, middle, large] = [sent[0] as f64, sent[1] as f64, sent[2] as f64];
        assert!(
            (small / large - 7.0).abs() < 0.3 && (middle / large - 4.0).abs() < 0.3,
            "{sent:?}"
        );
        // Each datagram counts by its own size.
        let bits = number(&told, &format!("{way}offered.bits_per_second"));
        assert!(bits.abs_diff(20_000_000) < 200_000, "{bits}");
        let bytes: u64 = sent.iter().zip(sizes).map(|(count, size)| count * size).sum();
        assert_eq!(number(&told, &format!("{way}sent.bytes")), bytes, "{rows:#}");
    }
    assert_eq!(number(&told, "sizes.enlarged_to_ip_bytes"), 44);
    assert_eq!(number(&told, "altered"), 0);
}

#[test]
fn a_loss_that_meets_one_size_is_told_of_that_size() {
    require_lab!();
    let lab = Lab::up("pair", &["--no-offload"]);
    let lossy = "add counter inet s taken\n\
                 add rule inet s in udp length 1480 numgen inc mod 10 0 counter name taken drop\n";
    let sizes = [64, 570, 1_472];
    count_lengths(&lab, "b", &sizes, lossy);
    let _server = lab.serve("b", &[]);
    let mix = "64:7,570:4,1472:1";
    for rate in ["20M", "8kpps"] {
        let before = lab.counter("b", "inet s", "taken").0;
        let args = ["blast", "10.77.0.2", "-s", mix, "-b", rate, "-t", "2s", "-J"];
        let output = run(lab.udpkit("a").args(args), secs(60));
        let told = json(&output.expect_success().out());
        let taken = lab.counter("b", "inet s", "taken").0 - before;
        let lost: Vec<u64> = (0..3)
            .map(|class| number(&path(&told, "size_rows")[class], "lost_datagrams"))
            .collect();
        assert_eq!(lost, [0, 0, taken], "{told:#}");
        assert!(taken > 50, "{taken}");
        assert_eq!(number(&told, "lost.total"), taken);
    }
}

#[test]
fn a_range_and_a_genome_are_sent_as_they_say() {
    require_lab!();
    let _turn = punctual();
    let lab = Lab::up("pair", &["--no-offload"]);
    let sizes = [18, 82, 210];
    count_lengths(&lab, "a", &sizes, "");
    let _server = lab.serve("b", &[]);
    let args = ["blast", "10.77.0.2", "--genome", "a4b2c", "-b", "5kpps", "-c", "7000", "-R", "-J"];
    let told = json(&run(lab.udpkit("a").args(args), secs(60)).expect_success().out());
    hold_against(&lab, "a", path(&told, "size_rows"), &sizes);
    let sent = [4_000, 2_000, 1_000];
    for (class, sent) in sent.into_iter().enumerate() {
        assert_eq!(number(&path(&told, "size_rows")[class], "sent_datagrams"), sent);
    }
    let args = ["blast", "10.77.0.2", "-s", "64..1472", "-b", "5kpps", "-c", "4096", "-J"];
    let told = json(&run(lab.udpkit("a").args(args), secs(60)).expect_success().out());
    let rows = path(&told, "size_rows").as_array().expect("a list");
    assert_eq!(rows.len(), 8);
    // A whole cycle: every class as often as its width says.
    let counts: Vec<u64> = rows.iter().map(|row| number(row, "sent_datagrams")).collect();
    assert!(counts.iter().all(|count| count.abs_diff(512) <= 8), "{counts:?}");
    assert_eq!(number(&told, "lost.total"), 0, "{told:#}");
}

#[test]
fn a_search_for_the_highest_rate_takes_a_mix() {
    require_lab!();
    let lab = Lab::pair();
    let _server = lab.serve("b", &[]);
    let args = ["blast", "10.77.0.2", "-s", "imix", "--sweep", "2M..4M/2", "-t", "500ms", "-J"];
    let told = json(&run(lab.udpkit("a").args(args), secs(60)).expect_success().out());
    for trial in path(&told, "trials").as_array().expect("a list") {
        assert_eq!(text(trial, "outcome"), "passed", "{trial:#}");
    }
}
