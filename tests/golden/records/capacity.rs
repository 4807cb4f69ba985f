//! Golden files of `blast --capacity`.

use super::blast::{PACED, clean, hold_run, none_lost, run};
use crate::{hold_as, hold_text};
use udpkit::record::{
    AdjustmentType, BlastInterval, CapacityHost, CapacityLimit, CapacityNote, CapacityReport,
    Circumstances, CoursePoint, DirectionReport, Goal, Losses, SearchFacts, ThroughputVerdict,
    Traffic, Worded,
};
use udpkit::report::Page;

const SECOND: u64 = 1_000_000_000;
const TRIAL: u64 = 50_000_000;
const SEARCHED: Circumstances = Circumstances { goal: Goal::Unpaced, ..PACED };

/// Four seconds: up to 100 Mbit/s, and around it; in the third the receiver's socket drops.
fn searched(drops: u64) -> DirectionReport {
    let course: Vec<CoursePoint> = (0..80)
        .map(|index| {
            let asked = (1 + 10 * index).min(103) * 1_000_000;
            let sent = asked * TRIAL / 1_500 / 8 / SECOND;
            let received = sent.min(416);
            CoursePoint {
                start_ns: index * TRIAL,
                duration_ns: TRIAL,
                asked: Some(asked),
                sent: Some(sent),
                behind: Some(0),
                received,
                lost: sent - received,
                delay_mean_ns: Some(if sent > 416 { 40_000_000 } else { 20_000 }),
                delay_max_ns: Some(41_000_000),
                ..CoursePoint::default()
            }
        })
        .collect();
    let interval = |(index, datagrams): (u64, u64)| BlastInterval {
        start_ns: index * SECOND,
        duration_ns: SECOND,
        datagrams,
        bytes: datagrams * 1_472,
        lost: 100,
        socket_drops: if index == 2 { drops } else { 0 },
        delay_max_ns: Some(41_000_000),
        ..BlastInterval::default()
    };
    let intervals: Vec<_> = (0u64..).zip([5_000, 8_254, 8_300, 8_255]).map(interval).collect();
    let capacity = CapacityReport::of(SearchFacts {
        kind: AdjustmentType::B,
        intervals: &intervals,
        length_ns: SECOND,
        course: &course,
        payload: 1_472,
        ip_bytes: 1_500,
        highest: 72_000_000_000,
    });
    let traffic = |datagrams: u64| Traffic {
        datagrams,
        bytes: datagrams * 1_472,
        bits_per_second: Some(datagrams * 1_472 * 2),
        datagrams_per_second: Some(datagrams / 4),
        udp_ip_bits_per_second: Some(datagrams / 4 * 1_500 * 8),
        ethernet_bits_per_second: Some(datagrams / 4 * 1_538 * 8),
    };
    DirectionReport {
        duration_ns: 4 * SECOND,
        offered: Some(traffic(30_209)),
        sent: Some(traffic(30_209)),
        received: Some(traffic(29_809)),
        delivered: Some(29_809),
        delivered_bytes: Some(29_809 * 1_472),
        lost: Some(Losses { total: 400, path: 400, path_at_most: 400, ..none_lost() }),
        sender_limited: None,
        intervals,
        capacity: Some(capacity),
        ..clean()
    }
}

#[test]
fn a_capacity_and_its_course() {
    hold_run("blast.capacity", &run(searched(0), SEARCHED));
}

#[test]
fn a_sub_interval_in_which_a_host_was_the_limit_is_not_called_capacity() {
    hold_run("blast.capacity_host", &run(searched(100), SEARCHED));
}

#[test]
fn every_limit_of_a_capacity_and_every_note() {
    let limits = [
        CapacityLimit::Path,
        CapacityLimit::Sender,
        CapacityLimit::ReceiverSocket,
        CapacityLimit::Host,
        CapacityLimit::HighestRate,
        CapacityLimit::Time,
        CapacityLimit::NoSubInterval,
    ];
    let verdict = |limit: CapacityLimit| ThroughputVerdict::Capacity {
        limit,
        ip_bits_per_second: (limit == CapacityLimit::Path).then_some(99_060_000),
        goodput_bits_per_second: (limit == CapacityLimit::Path).then_some(97_210_880),
        largest_ip_bits_per_second: Some(99_060_000),
    };
    let notes = [
        CapacityNote::NoQueue { delay_max_ns: 120_000 },
        CapacityNote::Burst { typical_ip_bits_per_second: 99_060_000 },
        CapacityNote::CoarseSteps { step_ip_bits_per_second: 30_000_000 },
        CapacityNote::HostLimited {
            sub_intervals: 1,
            host: CapacityHost::Sender,
            ip_bits_per_second: 120_000_000,
        },
        CapacityNote::HostLimited {
            sub_intervals: 2,
            host: CapacityHost::ReceiverSocket,
            ip_bits_per_second: 120_000_000,
        },
    ];
    let page = Page::new(80);
    let texts: Vec<String> = limits.map(|limit| verdict(limit).text()).to_vec();
    let all = [page.labelled("verdict", &texts), page.told("capacity", &notes)];
    hold_text("blast.capacity_words", 80, &all.concat());
    let json = limits.map(|limit| serde_json::to_string(&verdict(limit)).expect("JSON"));
    hold_as("blast.capacity_verdicts.json", &json.join("\n"));
}
