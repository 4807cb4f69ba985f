//! Golden files of `monitor`.

use crate::{hold, hold_as, hold_table, hold_text};
use udpkit::batch::{ErrorOrigin, HostFault, LocalSendFailure, NetworkError};
use udpkit::record::{
    DelayQuantiles, Event, MonitorCaveat, MonitorChange, MonitorInterval, MonitorLost,
    MonitorMeasured, MonitorNews, MonitorReload, MonitorRow, MonitorSummary, MonitorTarget,
    MonitorThreshold, MonitorWay, PingProtocol, Worded,
};
use udpkit::report::{MONITOR_COLUMNS, monitor_interval_text, monitor_text, news_text};
use udpkit::units::{Endpoint, Limit, Threshold};

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_763_927_115_123_456_789;

fn endpoint(text: &str) -> Endpoint {
    text.parse().expect("an address")
}

fn threshold(text: &str) -> Threshold {
    text.parse().expect("a threshold")
}

fn quantiles(base: u64) -> DelayQuantiles {
    DelayQuantiles {
        p50: Some(base),
        p90: Some(base * 2),
        p99: Some(base * 3),
        p999: None,
        max: Some(base * 9),
    }
}

fn target(name: &str, address: &str) -> MonitorTarget {
    MonitorTarget {
        name: name.to_owned(),
        address: Some(endpoint(address)),
        interval_ns: SECOND,
        payload_bytes: 44,
        sent: 3_600,
        back: 3_600,
        lost: MonitorLost { lost: 0, lost_out: Some(0), lost_back: Some(0), lost_unknown: Some(0) },
        ttl_out: Some(250),
        ttl_back: Some(57),
        round_trip_ns: quantiles(9_400_000),
        ..MonitorTarget::default()
    }
}

/// A run in which nothing went wrong.
fn plain() -> MonitorSummary {
    MonitorSummary {
        duration_ns: 3_600 * SECOND,
        targets: 1,
        sent: 3_600,
        back: 3_600,
        send_late_ns: quantiles(60_000),
        target_rows: vec![target("192.0.2.10", "192.0.2.10:8620")],
        ..MonitorSummary::default()
    }
}

/// A run in which everything happened that can.
fn full() -> MonitorSummary {
    let mut bad = target("paris", "198.51.100.7:862");
    bad.lost =
        MonitorLost { lost: 61, lost_out: Some(40), lost_back: Some(20), lost_unknown: Some(1) };
    (bad.back, bad.open, bad.late, bad.outages) = (3_538, 1, 2, 3);
    (bad.outage_ns, bad.longest_outage_ns, bad.longest_burst) = (55 * SECOND, 30 * SECOND, 30);
    bad.protocol = PingProtocol::StampAuthenticated;
    let mut dead = target("oslo", "[2001:db8::9]:862");
    dead.lost = MonitorLost { lost: 3_598, ..MonitorLost::default() };
    (dead.back, dead.open, dead.is_down, dead.outages) = (0, 2, true, 1);
    (dead.outage_ns, dead.longest_outage_ns) = (3_600 * SECOND, 3_600 * SECOND);
    dead.round_trip_ns = DelayQuantiles::default();
    let unknown = MonitorTarget {
        address: None,
        sent: 0,
        back: 0,
        never_sent: 3_600,
        ..target("host.example", "192.0.2.1:1")
    };
    let mut summary = MonitorSummary {
        interrupted: true,
        targets: 4,
        targets_down: 1,
        lost: 3_659,
        never_sent: 3_600,
        strays: 7,
        reloads: 2,
        removed: 5,
        thresholds: vec![
            MonitorThreshold {
                condition: threshold("loss>1% for 1min"),
                broken: 3,
                ended_run: false,
            },
            MonitorThreshold { condition: threshold("outage>10s"), broken: 1, ended_run: true },
            MonitorThreshold {
                condition: threshold("p99>50ms for 5min"),
                broken: 0,
                ended_run: false,
            },
        ],
        target_rows: vec![target("192.0.2.10", "192.0.2.10:8620"), bad, dead, unknown],
        caveats: vec![
            MonitorCaveat::Paused { times: 2, paused_ns: 7 * SECOND },
            MonitorCaveat::SocketDrops { datagrams: 12 },
            MonitorCaveat::Late { late_p99_ns: 7_300_000 },
            MonitorCaveat::CommandsSkipped { commands: 3 },
        ],
        ..plain()
    };
    let limits: Vec<Limit> =
        ["loss>0.1%", "p99>50ms"].map(|text| text.parse().expect("a limit")).to_vec();
    summary.hold(&limits);
    summary
}

fn changes() -> Vec<MonitorChange> {
    let lost =
        MonitorLost { lost: 20, lost_out: Some(0), lost_back: Some(19), lost_unknown: Some(1) };
    let address = endpoint("192.0.2.7:862");
    let error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, address.into(), b"").notice();
    let measured = |probes, exceeding, outage_ns| MonitorMeasured { probes, exceeding, outage_ns };
    vec![
        MonitorChange::OutageBegan { start_ns: 3 * SECOND, probes: 3 },
        MonitorChange::OutageEnded {
            start_ns: 3 * SECOND,
            length_ns: 2 * SECOND,
            lost,
            never_sent: 0,
        },
        MonitorChange::OutageEnded {
            start_ns: 3 * SECOND,
            length_ns: 2 * SECOND,
            lost: MonitorLost { lost: 20, ..MonitorLost::default() },
            never_sent: 4,
        },
        MonitorChange::HopsChanged { way: MonitorWay::Out, ttl_before: 250, ttl: 249 },
        MonitorChange::HopsChanged { way: MonitorWay::Back, ttl_before: 57, ttl: 58 },
        MonitorChange::ClockStepped { step_ns: -3_000_000_000 },
        MonitorChange::ReflectorRestarted,
        MonitorChange::AddressChanged { before: Some(endpoint("192.0.2.6:862")), address },
        MonitorChange::NotResolved {
            host: "host.example:862".to_owned(),
            cause: HostFault::NoAddress,
        },
        MonitorChange::NetworkError { error },
        MonitorChange::SendRefused { cause: LocalSendFailure::from_errno(101, address.into()) },
        MonitorChange::ThresholdBroken {
            condition: threshold("loss>1% for 1min"),
            measured: measured(Some(60), Some(2), None),
        },
        MonitorChange::ThresholdBroken {
            condition: threshold("outage>10s"),
            measured: measured(None, None, Some(11 * SECOND)),
        },
        MonitorChange::ThresholdHeld { condition: threshold("outage>10s"), broken_ns: 60 * SECOND },
        MonitorChange::Added,
        MonitorChange::Removed,
    ]
}

fn news(change: MonitorChange) -> MonitorNews {
    MonitorNews {
        at_ns: 5 * SECOND,
        time_ns: NOW,
        target: "paris".to_owned(),
        address: Some(endpoint("192.0.2.7:862")),
        change,
    }
}

fn row(name: &str, is_down: bool) -> MonitorRow {
    let back = if is_down { 0 } else { 59 };
    MonitorRow {
        time_ns: NOW,
        target: name.to_owned(),
        address: Some(endpoint("192.0.2.7:862")),
        is_down,
        sent: 60,
        never_sent: 0,
        back,
        lost: 60 - back,
        round_trip_mean_ns: (back > 0).then_some(9_400_000),
        round_trip_max_ns: (back > 0).then_some(31_000_000),
    }
}

fn interval() -> MonitorInterval {
    MonitorInterval {
        start_ns: 60 * SECOND,
        duration_ns: 60 * SECOND,
        targets: 10_000,
        targets_down: 1,
        sent: 600_000,
        back: 599_900,
        lost: 100,
        never_sent: 7,
        send_late_p99_ns: Some(510_000),
        worst: vec![row("oslo", true), row("paris", false)],
    }
}

#[test]
fn reports() {
    for (name, summary) in [("monitor.plain", plain()), ("monitor.full", full())] {
        hold(name, "monitor", &summary, |page| monitor_text(&summary, page));
    }
    hold_table("monitor.table", MONITOR_COLUMNS, &[row("oslo", true), row("paris", false)]);
}

#[test]
fn news_and_intervals() {
    let lines: Vec<_> = changes().into_iter().map(|one| news_text(&news(one))).collect();
    hold_as("monitor.news", &lines.join("\n"));
    hold_text("live.monitor.80", 80, &monitor_interval_text(&interval()));
    let mut lines = Vec::new();
    for change in changes() {
        lines.push(serde_json::to_string(&Event::new("news", "monitor", &news(change))));
    }
    lines.push(serde_json::to_string(&Event::new("row", "monitor", &row("paris", false))));
    lines.push(serde_json::to_string(&Event::new("interval", "monitor", &interval())));
    let reload = MonitorReload { targets: 3, added: 1, removed: 2 };
    lines.push(serde_json::to_string(&Event::new("reloaded", "monitor", &reload)));
    let gone = target("berlin", "192.0.2.9:862");
    lines.push(serde_json::to_string(&Event::new("removed", "monitor", &gone)));
    let lines: Vec<_> = lines.into_iter().map(|line| line.expect("a record is JSON")).collect();
    hold_as("live.monitor.json", &lines.join("\n"));
    for caveat in full().caveats {
        assert!(!caveat.text().is_empty());
    }
}
