//! Golden files of `relay`.

use crate::{hold, hold_as, hold_table, hold_text};
use udpkit::batch::{ErrorOrigin, InterfaceChange, NetworkError};
use udpkit::record::{
    DelayQuantiles, Event, InterfaceEvent, Occurrence, RelayCaveat, RelayCounts, RelayDelay,
    RelayDestination, RelayDirection, RelayDropped, RelayFlow, RelayFlowEnd, RelayInterval,
    RelayNote, RelayOthers, RelayRates, RelayRefusal, RelayRefused, RelaySummary, RelayWay,
    SendRefusal, Trouble, Worded,
};
use udpkit::report::{FLOW_COLUMNS, relay_interval_line, relay_text};
use udpkit::units::{Endpoint, Nanos};

const SECOND: u64 = 1_000_000_000;

fn endpoint(text: &str) -> Endpoint {
    text.parse().expect("an address")
}

/// Counts whose sum is exact.
fn counts(received: u64, copies: u64, lost: u64) -> RelayCounts {
    let forwarded = received + copies - lost;
    RelayCounts {
        received,
        received_bytes: received * 1_000,
        copies,
        forwarded,
        forwarded_bytes: forwarded * 1_000,
        dropped: RelayDropped { total: lost, lost, ..RelayDropped::default() },
        ..RelayCounts::default()
    }
}

fn flow(client: &str, received: u64, end: RelayFlowEnd) -> RelayFlow {
    RelayFlow {
        up_gaps: None,
        down_gaps: None,
        client: Some(endpoint(client)),
        listen: endpoint("192.0.2.1:9000"),
        first_ns: 200_000_000,
        last_ns: 9 * SECOND,
        end,
        up: counts(received, received, 5),
        down: counts(received, 0, 0),
        up_delay: None,
        down_delay: None,
    }
}

fn destination(text: &str, is_current: bool) -> RelayDestination {
    RelayDestination {
        destination: endpoint(text),
        is_current,
        forwarded: 12_345,
        forwarded_bytes: 12_345_000,
        refused: RelayRefused::default(),
        queued: 0,
        answers: 12_000,
        errors: 0,
    }
}

/// A run in which nothing went wrong.
fn plain() -> RelaySummary {
    let span = Nanos::from_secs(10);
    RelaySummary {
        listen_addresses: vec![endpoint("192.0.2.1:9000")],
        duration_ns: span.0,
        up: RelayDirection::new(counts(12_345, 0, 0), span, None),
        down: RelayDirection::new(counts(12_000, 0, 0), span, None),
        flows: 1,
        most_flows: 1,
        destination_rows: vec![destination("198.51.100.7:9000", true)],
        flow_rows: vec![flow("203.0.113.5:40000", 12_345, RelayFlowEnd::Open)],
        ..RelaySummary::default()
    }
}

/// A run in which everything happened that can.
fn full() -> RelaySummary {
    let span = Nanos::from_secs(10);
    let mut up = counts(50_000, 50_000, 700);
    up.dropped.blackout = 40;
    up.dropped.too_big = 30;
    up.dropped.rate_queue_full = 20;
    up.dropped.total += 90;
    for (number, why) in RelayRefusal::ALL.into_iter().enumerate() {
        up.refused.add(why, 1 + number as u64);
    }
    up.queued = 5;
    up.forwarded -= 90 + up.refused.total + up.queued;
    (up.duplicated, up.delayed, up.held_back, up.corrupted, up.marked) = (250, 49_000, 9, 8, 7);
    assert!(up.is_exact());
    let quantiles = |base: u64| DelayQuantiles {
        p50: Some(base),
        p90: Some(base + 9_000_000),
        p99: Some(base + 12_000_000),
        p999: None,
        max: Some(base + 14_000_000),
    };
    let delay = RelayDelay {
        asked_ns: quantiles(40_000_000),
        achieved_ns: quantiles(40_020_000),
        late_ns: DelayQuantiles { p50: Some(20_000), p99: Some(310_000), ..quantiles(20_000) },
    };
    let dead = endpoint("198.51.100.8:9000");
    let error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, dead.into(), b"").notice();
    let seen = Occurrence { first_ns: Some(SECOND), last_ns: Some(9 * SECOND) };
    let change = InterfaceChange::AddressLost { address: endpoint("192.0.2.1:9000") };
    let long = "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:40000";
    let long = flow(long, 20_000, RelayFlowEnd::Replaced);
    let others = RelayOthers { flows: 1_200, up: counts(9, 0, 0), down: counts(0, 0, 0) };
    let mut refused = destination("198.51.100.8:9000", true);
    refused.refused.add(RelayRefusal::QueueFull, 17);
    (refused.queued, refused.errors, refused.answers) = (5, 90, 0);
    RelaySummary {
        listen_addresses: vec![endpoint("192.0.2.1:9000"), endpoint("239.1.2.3:5000")],
        interrupted: true,
        seed: Some(4_711),
        up: RelayDirection::new(up, span, Some(delay)),
        flows: 1_203,
        most_flows: 1_024,
        flows_replaced: 3,
        destination_rows: vec![
            destination("198.51.100.7:0", true),
            refused,
            destination("[2001:db8::9]:9000", false),
        ],
        flow_rows: vec![
            RelayFlow {
                up_delay: Some(delay),
                ..flow("203.0.113.5:40000", 30_000, RelayFlowEnd::Idle)
            },
            RelayFlow { up_delay: Some(delay), down_delay: Some(delay), ..long },
            RelayFlow { client: None, ..flow("192.0.2.9:1", 7, RelayFlowEnd::Open) },
        ],
        other_flows: others,
        refusals: vec![SendRefusal::new(101, dead).at(Nanos::from_secs(2))],
        network_errors: vec![Trouble { destination: dead, error, times: 90, seen }],
        other_network_errors: 2,
        interface_events: vec![InterfaceEvent { at_ns: 3 * SECOND, change }],
        caveats: caveats(),
        ..plain()
    }
}

fn caveats() -> Vec<RelayCaveat> {
    vec![
        RelayCaveat::Late { way: RelayWay::Up, late_p99_ns: 310_000, most_ns: 100_000 },
        RelayCaveat::Late { way: RelayWay::Down, late_p99_ns: 2_000_000, most_ns: 100_000 },
        RelayCaveat::SocketDrops { buffers: 12 },
        RelayCaveat::FlowsReplaced { flows: 3, most: 1_024 },
        RelayCaveat::Loop { datagrams: 3 },
    ]
}

#[test]
fn reports() {
    for (name, summary) in [("relay.plain", plain()), ("relay.full", full())] {
        hold(name, "relay", &summary, |page| relay_text(&summary, page));
    }
    hold_table("relay.table", FLOW_COLUMNS, &full().flow_rows);
}

#[test]
fn notes_and_intervals() {
    let client = endpoint("203.0.113.5:40000");
    let many: Vec<_> = (1..=6).map(|last| endpoint(&format!("10.0.0.{last}:0"))).collect();
    let notes = [
        RelayNote::Relaying { listen: vec![endpoint("192.0.2.1:9000")], destinations: many },
        RelayNote::Seed { seed: 4_711 },
        RelayNote::SourceNotKept { errno: 1 },
        RelayNote::Loop { source: client },
        RelayNote::FlowReplaced { most: 1_024, client, silent_ns: 65 * SECOND },
        RelayNote::FlowsFull { most: 1, client },
        RelayNote::Reloaded { destinations: 1, added: 0, removed: 2 },
    ];
    let lines: Vec<_> = notes.iter().map(Worded::text).collect();
    hold_as("relay.notes", &lines.join("\n"));
    let span = Nanos::from_secs(1);
    let busy = |received| RelayRates::between(&counts(0, 0, 0), &counts(received, 0, 12), span);
    let interval = RelayInterval {
        start_ns: 3_599 * SECOND,
        duration_ns: SECOND,
        flows: 1_024,
        up: busy(1_234_567),
        down: busy(87_654),
    };
    let silent = RelayInterval { duration_ns: SECOND, ..RelayInterval::default() };
    hold_text(
        "live.relay.80",
        80,
        &[silent, interval].map(|one| relay_interval_line(&one)).join("\n"),
    );
    let lines = [
        serde_json::to_string(&Event::new("interval", "relay", &interval)),
        serde_json::to_string(&Event::new("flow", "relay", &full().flow_rows[1])),
    ];
    hold_as("live.relay.json", &lines.map(|line| line.expect("a record is JSON")).join("\n"));
}
