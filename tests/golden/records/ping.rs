//! Golden files of `ping`.

use super::plain::{full_target, pinged};
use crate::{hold, hold_as, hold_text};
use std::net::SocketAddr;
use udpkit::batch::{ErrorOrigin, InterfaceChange, NetworkError};
use udpkit::record::{
    InterfaceEvent, LossPlace, Outcome, PingBucket, PingCaveat, PingEvent, PingReply, PingRow,
    PingSlice, PingSummary, PingTargetReport, PingTimeout, ReplyChange, ReplyKind, Timestamped,
    Worded,
};
use udpkit::report::{PING_TABLE_HEAD, Page, ping_event_line, ping_table_row, ping_text};

#[test]
fn reports() {
    let one = PingTargetReport { error: None, ..full_target() };
    let clean = PingTargetReport {
        name: "192.0.2.11".to_owned(),
        sent: 5,
        back: 5,
        transmit_stamps: 5,
        receive_stamps: 5,
        ..PingTargetReport::default()
    };
    let mut silent =
        PingTargetReport { name: "192.0.2.12".to_owned(), sent: 5, ..PingTargetReport::default() };
    silent.lost.total = 5;
    // A damaged reply, a damaged one that counts as no loss, and one that found the buffer full.
    let mut damaged = PingTargetReport {
        back: 3,
        socket_drops: 3,
        socket_damaged: 2,
        caveats: vec![PingCaveat::LostHere { place: LossPlace::UdpChecksum, lost: 2 }],
        ..clean.clone()
    };
    damaged.lost.total = 2;
    let strays = PingTargetReport { socket_drops: 2, socket_damaged: 2, ..clean.clone() };
    let damaged =
        PingSummary { targets: vec![damaged.clone(), strays], ..pinged(damaged, Some(10_000_000)) };
    let several = PingSummary {
        targets: vec![one.clone(), clean.clone(), full_target()],
        ..pinged(one.clone(), Some(10_000_000))
    };
    for (name, summary) in [
        ("ping.one", pinged(one.clone(), Some(10_000_000))),
        ("ping.flood", pinged(clean, None)),
        ("ping.silent", pinged(silent, Some(1_000_000_000))),
        ("ping.several", several),
        ("ping.damaged", damaged),
        (
            "ping.interrupted",
            PingSummary {
                interrupted: true,
                interface_events: moved(),
                ..pinged(one, Some(1_000_000))
            },
        ),
    ] {
        hold(name, "ping", &summary, |page| ping_text(&summary, page));
    }
}

/// What scripts read while a run goes on: the rows of `--csv` and the lines of `--jsonl`.
#[test]
fn rows_and_lines_of_events() {
    let names = ["192.0.2.10:862".to_owned(), "host.example, \"two\"".to_owned()];
    let sent = 1_700_000_000_000_000_000;
    let back = PingRow {
        target: 0,
        seq: 7,
        outcome: Outcome::Back,
        planned_ns: sent,
        sent_ns: sent + 9_000,
        left_ns: Some(sent + 21_000),
        reflector_received_ns: Some(sent + 5_900_000),
        reflector_sent_ns: Some(sent + 5_930_000),
        received_ns: Some(sent + 11_981_000),
        round_trip_ns: Some(11_930_000),
        as_planned_ns: Some(11_951_000),
        ttl: Some(57),
        duplicates: 1,
    };
    let lost = PingRow {
        target: 1,
        seq: 8,
        outcome: Outcome::Lost,
        left_ns: None,
        reflector_received_ns: None,
        reflector_sent_ns: None,
        received_ns: None,
        round_trip_ns: None,
        as_planned_ns: None,
        ttl: None,
        duplicates: 0,
        ..back
    };
    let others = [Outcome::Late, Outcome::Refused, Outcome::Open];
    let others = others.map(|outcome| PingRow { outcome, ..lost });
    let rows = [back, lost].into_iter().chain(others);
    let mut table = vec![PING_TABLE_HEAD.to_owned()];
    table.extend(rows.map(|row| ping_table_row(&row, &names[row.target])));
    hold_as("ping.table", &table.join("\n"));

    let reply = PingReply {
        target: 0,
        source: SocketAddr::from(([192, 0, 2, 10], 862)).into(),
        seq: 7,
        kind: ReplyKind::Back,
        bytes: 44,
        ttl: Some(57),
        round_trip_ns: Some(11_930_000),
        as_planned_ns: Some(11_951_000),
        server_ns: Some(30_000),
        reflector_seq: Some(7),
        change: None,
        arrival_ns: sent + 11_981_000,
    };
    let cut = PingReply { change: Some(ReplyChange::CutOut), seq: 9, ..reply };
    let late = PingReply { kind: ReplyKind::Late, seq: 10, ..reply };
    let copy = PingReply {
        kind: ReplyKind::Duplicate,
        ttl: None,
        round_trip_ns: None,
        as_planned_ns: None,
        server_ns: None,
        reflector_seq: None,
        ..reply
    };
    let timeout = PingTimeout { target: 1, seq: 8, sent_ns: sent, waited_ns: 2_000_000_000 };
    let far_end = SocketAddr::from(([192, 0, 2, 10], 862));
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, far_end, b"");
    error.offender = Some(far_end.ip());
    let error = error.notice();
    let moved = moved();
    let events = [&reply, &copy, &late, &cut].map(PingEvent::Reply).into_iter().chain([
        PingEvent::TimedOut(&timeout),
        PingEvent::Trouble { target: 0, seq: Some(11), error: &error },
        PingEvent::Trouble { target: 1, seq: None, error: &error },
        PingEvent::Interface(&moved[0]),
        PingEvent::Interface(&moved[1]),
    ]);
    let lines = events.map(|event| ping_event_line(&event, &names).expect("a line of its own"));
    hold_as("ping.events", &lines.collect::<Vec<_>>().join("\n"));
    assert_eq!(ping_event_line(&PingEvent::Lull, &names), None);
}

/// A run long enough for its charts, whose rows fit 80 columns.
#[test]
fn charts() {
    let mut target = PingTargetReport { error: None, ..full_target() };
    let (low, high) = (3_260_000, 90_300_000);
    let bound = |k: u64| low + (high - low) * k / 32;
    target.histogram = (0..32)
        .map(|k| PingBucket {
            from_ns: bound(k),
            to_ns: bound(k + 1),
            count: if k == 20 { 0 } else { 400 / (k + 1) },
        })
        .collect();
    target.over_time = (0..80)
        .map(|k| PingSlice {
            start_ns: k * 22_500_000_000,
            duration_ns: 22_500_000_000,
            back: 100,
            mean_ns: Some(9_000_000 + k * 100_000),
            max_ns: Some(80_490_000),
            lost: k % 7,
        })
        .collect();
    let summary = pinged(target, Some(10_000_000));
    for columns in [80, 120] {
        hold_text(
            &format!("ping.charts.{columns}"),
            columns,
            &ping_text(&summary, Page::new(columns)),
        );
    }
}

#[test]
fn cautions() {
    let from = "192.0.2.99:862".parse().expect("an address");
    let all = [
        PingCaveat::RepliesFromElsewhere { from, replies: 1 },
        PingCaveat::ReflectorRestarted { times: 2 },
        PingCaveat::ClockStepped,
        PingCaveat::ClockDrift { drift_ppb: -12_340 },
        PingCaveat::LostHere { place: LossPlace::ReversePathFilter, lost: 5 },
        PingCaveat::Strays { datagrams: 3 },
        PingCaveat::TimedByProgram { what: Timestamped::Sends },
        PingCaveat::TimedByProgram { what: Timestamped::Arrivals },
        PingCaveat::TimedByProgram { what: Timestamped::Both },
    ];
    let lines: Vec<String> = all.iter().map(|one| one.text() + "\n").collect();
    hold_text("ping.cautions", 100, &lines.concat());
}

/// This host's address was replaced.
fn moved() -> Vec<InterfaceEvent> {
    let from = SocketAddr::from(([192, 0, 2, 7], 40_123));
    let to = SocketAddr::from(([192, 0, 2, 9], 40_123));
    let lost = InterfaceChange::AddressLost { address: from.into() };
    let changed = InterfaceChange::AddressChanged { from: from.into(), to: to.into() };
    [(1_500_000_000, lost), (1_750_000_000, changed)]
        .map(|(at_ns, change)| InterfaceEvent { at_ns, change })
        .to_vec()
}
