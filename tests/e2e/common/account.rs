//! The identities that hold in every report of a throughput run.

use serde_json::Value;

/// Checks each direction of a `blast` report: what was offered, sent, received and lost add up.
#[track_caller]
pub fn assert_sums(report: &Value) {
    assert_eq!(report["schema"], 1);
    assert_eq!(report["command"], "blast");
    let whole = report["complete"] == true && report["failure"].is_null();
    for way in [report, &report["reverse"]].into_iter().filter(|way| way.is_object()) {
        let count = |path: &str| {
            let found = path.split('.').fold(way, |at, key| &at[key]);
            found.as_u64()
        };
        let sums = [
            ("offered.datagrams", vec!["sent.datagrams", "never_sent"], true),
            ("received.datagrams", vec!["delivered", "duplicates", "too_late"], true),
            (
                "lost.total",
                vec![
                    "lost.sender_host",
                    "lost.path",
                    "lost.receiver_host",
                    "lost.receiver_socket",
                    "lost.damaged",
                ],
                true,
            ),
            // This one needs the final counts of both ends.
            ("sent.datagrams", vec!["delivered", "cut", "altered", "lost.total"], whole),
        ];
        for (total, parts, holds) in sums {
            let sum = parts.iter().map(|part| count(part)).sum::<Option<u64>>();
            let payload = report["payload_bytes"].as_u64();
            let bytes = count("received.datagrams").zip(payload).map(|(sum, each)| sum * each);
            assert_eq!(count("received.bytes"), bytes, "{way:#}");
            if let (Some(total_count), Some(sum), true) = (count(total), sum, holds) {
                assert_eq!(total_count, sum, "{total} is not {parts:?} in {way:#}");
            }
        }
        if whole {
            let stretches = way["intervals"].as_array().expect("stretches");
            let arrived: u64 = stretches.iter().filter_map(|one| one["datagrams"].as_u64()).sum();
            // An iperf3 server reports none of what it received.
            if report["iperf3"].is_null() || !stretches.is_empty() {
                assert_eq!(Some(arrived), count("received.datagrams"), "{way:#}");
            }
            let bursts = way["burst_lengths"].as_array().expect("lengths of bursts");
            let told: u64 = bursts.iter().filter_map(|class| class["bursts"].as_u64()).sum();
            // An iperf3 server reports none.
            let known = count("lost.bursts").or_else(|| report["iperf3"].is_object().then_some(0));
            assert_eq!(Some(told), known, "{way:#}");
            assert!(way["limited_by"].is_string(), "{way:#}");
            assert!(way["verdict"]["code"].is_string(), "{way:#}");
            assert!(way["verdict"]["text"].is_string(), "{way:#}");
        }
    }
}
