//! Pages by promtool, and Prometheus itself.

use super::{address, body, wait_for_metrics, watched};
use crate::common::{Running, free_udp_port, json, path, require_tools, secs, udpkit, wait_until};
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

/// Has promtool check a page.
#[track_caller]
pub fn check(at: SocketAddr) {
    let page = body(at, "/metrics", "*/*");
    let mut promtool =
        Running::start_with_input(Command::new("promtool").args(["check", "metrics"]));
    promtool.write(&page);
    promtool.close_input();
    let said = promtool.wait(secs(20));
    assert!(said.success() && said.err().is_empty(), "{}{}\n{page}", said.out(), said.err());
}

#[test]
fn promtool_finds_nothing_wrong_with_the_pages_of_any_command() {
    require_tools!("promtool");
    let (server, of_server) = watched(&["serve", "127.0.0.1:0", "--iperf3=127.0.0.1:0"]);
    let to = address(&server, "serving on ");
    let (receiver, of_receiver) = watched(&["recv", "127.0.0.1:0", "--echo"]);
    let listens = address(&receiver, "listening on ");
    let (_relay, of_relay) = watched(&["relay", "127.0.0.1:0", &listens, "--up", "loss 1%"]);
    let group = format!("127.0.0.1:{}", free_udp_port());
    let (_cast, of_cast) = watched(&["cast", "recv", &group]);
    let send =
        ["cast", "send", &group, "--metrics", "0", "-c", "0", "--rate", "50pps", "--", "hello"];
    let sender = Running::start(udpkit().args(send));
    let of_sender = super::metrics_of(&sender);
    let (_ping, of_ping) = watched(&["ping", &to, "-i", "20ms", "-J"]);
    let (_monitor, of_monitor) = watched(&["monitor", &to, "-i", "20ms", "-J"]);
    let (_blast, of_blast) = watched(&["blast", &to, "-t", "5min", "-b", "1M", "--bidir"]);
    let answered = |at, family: &'static str| {
        wait_for_metrics(at, family, |page| page.sum(family) > 5);
    };
    answered(of_ping, "udpkit_back_datagrams_total");
    answered(of_monitor, "udpkit_back_datagrams_total");
    answered(of_blast, "udpkit_received_datagrams_total");
    answered(of_cast, "udpkit_received_datagrams_total");
    answered(of_sender, "udpkit_sent_datagrams_total");
    let servers = [of_server, of_receiver, of_relay, of_cast];
    let others = [of_sender, of_ping, of_monitor, of_blast];
    servers.into_iter().chain(others).for_each(check);
}

/// The answer of Prometheus's HTTP API to a query: the values of its series.
fn query(at: SocketAddr, query: &str) -> Vec<f64> {
    let answer = body(at, &format!("/api/v1/query?query={query}"), "application/json");
    // In chunks, of which the document is one; or nothing while it starts.
    let (Some(from), Some(to)) = (answer.find('{'), answer.rfind('}')) else { return Vec::new() };
    let Ok(answer) = serde_json::from_str::<Value>(&answer[from..=to]) else { return Vec::new() };
    let Some(Value::Array(results)) = answer.pointer("/data/result").cloned() else {
        return Vec::new();
    };
    let value = |result: &Value| result.pointer("/value/1")?.as_str()?.parse().ok();
    results.iter().filter_map(value).collect()
}

#[test]
fn prometheus_scrapes_a_run_and_answers_queries_about_it_with_both_histograms() {
    require_tools!("prometheus");
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]));
    let to = address(&server, "serving on ");
    let (ping, at) = watched(&["ping", &to, "-i", "10ms", "-J"]);
    for features in [&[][..], &["--enable-feature=native-histograms"]] {
        let dir = tempfile::tempdir().expect("a folder");
        let config = dir.path().join("prometheus.yml");
        let scrape = format!(
            "scrape_configs:\n- job_name: udpkit\n  scrape_interval: 500ms\n  \
             scrape_timeout: 500ms\n  static_configs:\n  - targets: ['{at}']\n"
        );
        fs::write(&config, scrape).expect("written");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
        let web = free.expect("a port is free");
        let prometheus = Running::start(
            Command::new("prometheus")
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address={web}"))
                .args(features),
        );
        // Loaded machines time out a scrape now and then.
        wait_until("a scrape", secs(60), || query(web, "up") == [1.0]);
        let rises = |name: &str| {
            wait_until(name, secs(60), || {
                query(web, name).first().is_some_and(|value| *value > 100.0)
            });
        };
        rises("udpkit_sent_datagrams_total");
        rises("udpkit_back_datagrams_total");
        let is_native = !features.is_empty();
        let count = if is_native {
            "histogram_count(udpkit_round_trip_seconds)"
        } else {
            "udpkit_round_trip_seconds_count"
        };
        rises(count);
        let median = if is_native {
            "histogram_quantile(0.5,udpkit_round_trip_seconds)"
        } else {
            "histogram_quantile(0.5,udpkit_round_trip_seconds_bucket)"
        };
        let median = query(web, median);
        assert!(median.len() == 1 && (1e-6..10.0).contains(&median[0]), "{median:?}");
        prometheus.signal("TERM");
        prometheus.wait(secs(30)).expect_success();
    }
    ping.signal("INT");
    let report = json(&ping.wait(secs(10)).expect_success().out());
    assert_eq!(path(&report, "targets.0.lost_datagrams"), 0, "{report:#}");
}
