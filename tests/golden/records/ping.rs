//! Golden files of `ping`.

use super::plain::{full_target, pinged};
use crate::{hold, hold_text};
use std::net::SocketAddr;
use udpkit::batch::InterfaceChange;
use udpkit::record::{
    InterfaceEvent, LossPlace, PingBucket, PingCaveat, PingSlice, PingSummary, PingTargetReport,
    Timestamped, Worded,
};
use udpkit::report::{Page, ping_text};

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
    let several = PingSummary {
        targets: vec![one.clone(), clean.clone(), full_target()],
        ..pinged(one.clone(), Some(10_000_000))
    };
    for (name, summary) in [
        ("ping.one", pinged(one.clone(), Some(10_000_000))),
        ("ping.flood", pinged(clean, None)),
        ("ping.silent", pinged(silent, Some(1_000_000_000))),
        ("ping.several", several),
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
