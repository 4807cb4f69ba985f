//! The metrics of each command equal its own report of the same run, to the datagram.

use super::{Scrape, address, wait_for_metrics, watched};
use crate::common::{
    Running, free_udp_port, json, json_lines, number, path, run, secs, text, udpkit,
};
use std::net::UdpSocket;

/// Sends so many datagrams of so many bytes to an address, a few at a time.
fn send(to: &str, count: usize, bytes: usize) {
    let (count, bytes) = (count.to_string(), bytes.to_string());
    let args = ["send", to, "--size", &bytes, "--count", &count, "--rate", "2kpps", "-q"];
    run(udpkit().args(args), secs(30)).expect_success();
}

#[test]
fn what_recv_counts_is_what_it_reports() {
    let (receiver, at) = watched(&["recv", "127.0.0.1:0", "-J", "--echo"]);
    let to = address(&receiver, "listening on ");
    send(&to, 300, 50);
    let shown = wait_for_metrics(at, "300 datagrams", |page| {
        page.sum("udpkit_received_datagrams_total") == 300
    });
    receiver.signal("INT");
    let report = json(&receiver.wait(secs(10)).expect_success().out());
    let listen = format!("{{listen=\"{to}\"}}");
    let received = shown.count(&format!("udpkit_received_datagrams_total{listen}"));
    assert_eq!((received, 300), (number(&report, "datagrams"), 300));
    assert_eq!(shown.count("udpkit_received_bytes_total"), number(&report, "bytes"));
    assert_eq!(shown.count("udpkit_answered_datagrams_total"), number(&report, "answered"));
    let drops = shown.count(&format!("udpkit_socket_dropped_datagrams_total{listen}"));
    assert_eq!(drops, number(&report, "socket_drops"));
}

#[test]
fn what_relay_counts_is_what_it_reports() {
    let receiver = Running::start(udpkit().args(["recv", "127.0.0.1:0", "--echo", "-J"]));
    let to = address(&receiver, "listening on ");
    let impaired = ["--up", "loss 20%", "--down", "loss 10%", "--seed", "7"];
    let (relay, at) = watched(&[&["relay", "-J", "127.0.0.1:0", &to][..], &impaired].concat());
    let through = address(&relay, "relaying ");
    let client = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    for _ in 0..10 {
        (0..20).for_each(|_| drop(client.send_to(b"hello", &through)));
        // As much as a socket buffer holds, at most.
        wait_for_metrics(at, "the next ones", |page| {
            page.sum("udpkit_received_datagrams_total") % 20 != 1
        });
    }
    let up = "{direction=\"up\"}";
    let came = |page: &Scrape| page.get(&format!("udpkit_received_datagrams_total{up}"));
    let forwarded = |page: &Scrape, way: &str| {
        page.get(&format!("udpkit_forwarded_datagrams_total{{direction=\"{way}\"}}"))
    };
    let shown = wait_for_metrics(at, "everything", |page| {
        let answers = page.get("udpkit_received_datagrams_total{direction=\"down\"}");
        came(page) == Some(200) && answers == forwarded(page, "up")
    });
    relay.signal("INT");
    let report = json(&relay.wait(secs(10)).expect_success().out());
    for way in ["up", "down"] {
        let of = |family: &str| shown.count(&format!("udpkit_{family}{{direction=\"{way}\"}}"));
        let told = |key: &str| number(&report, &format!("{way}.{key}"));
        assert_eq!(of("received_datagrams_total"), told("received"), "{way}");
        assert_eq!(of("received_bytes_total"), told("received_bytes"), "{way}");
        assert_eq!(of("forwarded_datagrams_total"), told("forwarded"), "{way}");
        assert_eq!(of("forwarded_bytes_total"), told("forwarded_bytes"), "{way}");
        let lost = format!("{{direction=\"{way}\",impairment=\"lost\"}}");
        let lost = shown.count(&format!("udpkit_dropped_datagrams_total{lost}"));
        assert_eq!(lost, told("dropped.lost"), "{way}");
        assert!(lost > 0, "nothing was lost: {report:#}");
        let out = of("forwarded_datagrams_total") + lost + of("queued_datagrams");
        assert_eq!(of("received_datagrams_total") + of("copied_datagrams_total"), out, "{way}");
    }
    assert_eq!(shown.count("udpkit_opened_flows_total"), number(&report, "flows"));
    // The receiver is the witness.
    receiver.signal("INT");
    let receiver = json(&receiver.wait(secs(10)).expect_success().out());
    assert_eq!(number(&receiver, "datagrams"), forwarded(&shown, "up").expect("known"));
}

#[test]
fn what_ping_counts_is_what_it_reports_by_direction_too() {
    let server = Running::start(udpkit().args(["serve", "127.0.0.1:0"]));
    let to = address(&server, "serving on ");
    let impaired = ["--up", "loss 10%", "--down", "loss 5%", "--seed", "7"];
    let relay = Running::start(udpkit().args(["relay", "127.0.0.1:0", &to]).args(impaired));
    let through = address(&relay, "relaying ");
    // In a closed loop, one probe is on its way at a time.
    let args = ["ping", &through, "--flood", "--wait", "200ms", "-J"];
    let (ping, at) = watched(&args);
    let target = format!("{{target=\"{through}\"}}");
    let of = |page: &Scrape, family: &str| page.get(&format!("udpkit_{family}{target}"));
    let is_far = |page: &Scrape| of(page, "back_datagrams_total").is_some_and(|back| back > 200);
    wait_for_metrics(at, "200 answers", is_far);
    // Nothing is answered any more: what was is final.
    relay.stop();
    let before = Scrape::of(at);
    let lost = of(&before, "lost_datagrams_total").expect("known");
    let shown = wait_for_metrics(at, "two more losses", |page| {
        of(page, "lost_datagrams_total").is_some_and(|now| now >= lost + 2)
    });
    ping.signal("INT");
    let report = json(&ping.wait(secs(20)).out());
    relay.cont();
    let told = |key: &str| number(&report, &format!("targets.0.{key}"));
    for (family, key) in [
        ("back_datagrams_total", "back"),
        ("late_datagrams_total", "late"),
        ("never_sent_datagrams_total", "never_sent"),
        ("duplicate_datagrams_total", "duplicates"),
        ("reordered_datagrams_total", "reordered"),
        ("stray_datagrams_total", "strays"),
        ("socket_dropped_datagrams_total", "socket_drops"),
        ("round_trip_seconds_count", "round_trip_ns.samples"),
    ] {
        assert_eq!(of(&shown, family), Some(told(key)), "{family}\n{}", shown.text);
    }
    let way = |way: &str| {
        let labels = format!("{{target=\"{through}\",direction=\"{way}\"}}");
        shown.count(&format!("udpkit_one_way_lost_datagrams_total{labels}"))
    };
    assert_eq!((way("out"), way("back")), (told("lost_out"), told("lost_back")), "{report:#}");
    assert!(way("out") > 0 && way("back") > 0, "{report:#}");
    // The last ones are lost one after the other, also after the page was read.
    let (sent, lost) = (told("sent"), told("lost_datagrams"));
    let [shown_sent, shown_lost] =
        ["sent_datagrams_total", "lost_datagrams_total"].map(|name| of(&shown, name).unwrap());
    assert!(shown_sent <= sent && shown_lost <= lost, "{report:#}\n{}", shown.text);
    // One is on its way, and a loss is shown once it has stood for half a second.
    assert!(shown_sent - shown_lost - told("back") <= 10, "{}", shown.text);
}

#[test]
fn an_outage_is_counted_and_so_is_its_end() {
    let echo = Running::start(udpkit().args(["recv", "127.0.0.1:0", "--echo"]));
    let to = address(&echo, "listening on ");
    let (ping, at) = watched(&["ping", "--echo", &to, "-i", "20ms", "--wait", "100ms", "-J"]);
    let of = |page: &Scrape, family: &str| page.get(&format!("udpkit_{family}{{target=\"{to}\"}}"));
    let stands = |page: &Scrape| {
        ["target_up", "target_outages_total", "target_recoveries_total"].map(|name| of(page, name))
    };
    let is = |up, outages, recoveries| [Some(up), Some(outages), Some(recoveries)];
    wait_for_metrics(at, "an answer", |page| stands(page)[0] == Some(1));
    echo.stop();
    let down = wait_for_metrics(at, "the outage", |page| stands(page)[0] == Some(0));
    assert!(stands(&down)[1] > Some(0), "{}", down.text);
    echo.cont();
    let outages = stands(&down)[1].expect("known");
    let back = |page: &Scrape| stands(page) == is(1, outages, outages);
    wait_for_metrics(at, "its end", back);
    ping.signal("INT");
    ping.wait(secs(10));
}

#[test]
fn what_serve_counts_is_what_its_clients_and_its_log_say() {
    let (server, at) = watched(&["serve", "127.0.0.1:0", "--json", "--max-duration", "3s"]);
    let line = server.wait_for_line("\"event\":\"listening\"", secs(10));
    let to = text(&json(&line), "address").to_owned();
    let blast = run(udpkit().args(["blast", &to, "-t", "1s", "-b", "1kpps", "-J"]), secs(30));
    let blast = json(&blast.expect_success().out());
    run(udpkit().args(["ping", &to, "-c", "25", "-i", "10ms"]), secs(30)).expect_success();
    let refused = run(udpkit().args(["blast", &to, "-t", "1h", "-b", "1kpps"]), secs(30));
    assert_eq!(refused.code(), Some(1), "{}", refused.err());
    let own = "{service=\"udpkit\"}";
    let of = |page: &Scrape, family: &str| page.get(&format!("udpkit_{family}{own}"));
    let shown = wait_for_metrics(at, "the end of both sessions and the refusal", |page| {
        let ended = of(page, "closed_sessions_total") == Some(2) && of(page, "sessions") == Some(0);
        ended && page.sum("udpkit_refused_requests_total") == 1
    });
    server.signal("INT");
    let log = json_lines(&server.wait(secs(10)).expect_success().out());
    let events = |name: &str| log.iter().filter(|line| text(line, "event") == name).count() as u64;
    assert_eq!(of(&shown, "opened_sessions_total"), Some(events("session_opened")));
    assert_eq!(of(&shown, "granted_tests_total"), Some(events("test_granted")));
    let received = log.iter().filter(|line| text(line, "event") == "stream_received");
    let received: u64 = received.map(|line| number(line, "datagrams")).sum();
    assert_eq!(of(&shown, "received_datagrams_total"), Some(received));
    assert_eq!(received, number(&blast, "received.datagrams"));
    assert_eq!(of(&shown, "lost_datagrams_total"), Some(number(path(&blast, "lost"), "total")));
    let refusals: Vec<_> = log.iter().filter(|line| text(line, "event") == "refused").collect();
    let [refusal] = refusals[..] else { panic!("{refusals:?}") };
    let code = number(refusal, "reply_code");
    let labels = format!("{{service=\"udpkit\",code=\"{code}\"}}");
    assert_eq!(shown.count(&format!("udpkit_refused_requests_total{labels}")), 1);
    assert_eq!(shown.count("udpkit_reflected_datagrams_total{protocol=\"stamp\"}"), 25);
}

#[test]
fn what_both_ends_of_a_fanout_count_is_what_they_report() {
    let to = format!("127.0.0.1:{}", free_udp_port());
    let (receiver, of_receiver) = watched(&["cast", "recv", &to, "-J"]);
    let mut sender =
        Running::start_with_input(udpkit().args(["cast", "send", &to, "-J", "--metrics", "0"]));
    let of_sender = super::metrics_of(&sender);
    for _ in 0..60 {
        sender.write("a line\n");
    }
    let group = format!("{{group=\"{to}\"}}");
    let received = wait_for_metrics(of_receiver, "60 datagrams", |page| {
        page.get(&format!("udpkit_received_datagrams_total{group}")) == Some(60)
    });
    let sent = wait_for_metrics(of_sender, "60 datagrams", |page| {
        page.sum("udpkit_sent_datagrams_total") == 60 && page.sum("udpkit_receivers") == 1
    });
    sender.close_input();
    let sender = json(&sender.wait(secs(30)).expect_success().out());
    receiver.signal("INT");
    let receiver = json(&receiver.wait(secs(10)).expect_success().out());
    assert_eq!(sent.sum("udpkit_sent_datagrams_total"), number(&sender, "datagrams"));
    assert_eq!(sent.sum("udpkit_sent_bytes_total"), number(&sender, "bytes"));
    assert_eq!(sent.sum("udpkit_never_sent_datagrams_total"), number(&sender, "refused"));
    for (family, key) in [
        ("received_datagrams_total", "received"),
        ("received_bytes_total", "bytes"),
        ("lost_datagrams_total", "lost_datagrams"),
        ("duplicate_datagrams_total", "duplicates"),
        ("reordered_datagrams_total", "reordered"),
    ] {
        let shown = received.count(&format!("udpkit_{family}{group}"));
        assert_eq!(shown, number(&receiver, key), "{family}");
    }
    assert_eq!(received.count(&format!("udpkit_sources{group}")), 1);
}

#[test]
fn blast_counts_on_from_run_to_run_and_never_back() {
    let args = ["blast", "--sweep", "1M..4M/4", "-t", "1s", "-J"];
    let (blast, at) = watched(&args);
    let mut pages = Vec::new();
    while blast.is_running() {
        let page = Scrape::of(at);
        if page.get("udpkit_runs_total").is_some() {
            pages.push(page);
        }
        blast.ends_within(std::time::Duration::from_millis(100));
    }
    let report = json(&blast.wait(secs(10)).expect_success().out());
    let trials = path(&report, "trials").as_array().expect("several");
    let up = "{direction=\"up\"}";
    for family in ["sent", "received", "lost"] {
        let name = format!("udpkit_{family}_datagrams_total{up}");
        let shown: Vec<u64> = pages.iter().map(|page| page.count(&name)).collect();
        assert!(shown.is_sorted(), "{family}: {shown:?}");
    }
    let sums: Vec<u64> = trials
        .iter()
        .scan(0, |sum, trial| {
            *sum += number(trial, "sent.datagrams");
            Some(*sum)
        })
        .collect();
    let seen = pages.iter().filter(|page| page.count("udpkit_runs_total") > 0).count();
    assert!(seen > 0, "no page between two runs: {} pages", pages.len());
    for page in pages {
        let over = page.count("udpkit_runs_total") as usize;
        let sent = page.count(&format!("udpkit_sent_datagrams_total{up}"));
        let least = over.checked_sub(1).map_or(0, |last| sums[last]);
        let most = sums.get(over).or(sums.last()).copied().expect("several");
        assert!((least..=most).contains(&sent), "{over} runs: {sent} of {sums:?}");
    }
}
