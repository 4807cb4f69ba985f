//! What is reported of runs that lost their end, and of few datagrams.

use super::compose::report;
use super::parsed;
use super::plan::BlastPlan;
use super::streams::Collected;
use crate::record::{
    BlastInterval, BlastReceived, BlastReport, BlastSent, LimitReport, StreamCounts,
    ThroughputVerdict, hold,
};
use crate::session::blast::ControlSummary;

const SECOND: u64 = 1_000_000_000;

/// 400 datagrams of 1250 bytes a second for three seconds, sent by the server at `words`.
fn plan(words: &str) -> BlastPlan {
    let far = ([192, 0, 2, 1], 9).into();
    BlastPlan::resolve(&parsed(&format!("-R -b 4M -s 1250 -t 3s {words}")), Some(far)).unwrap()
}

fn told(received: &BlastReceived) -> (ControlSummary, Collected) {
    let sent = BlastSent {
        offered: 1_200,
        datagrams: 1_200,
        span_ns: 3 * SECOND - 2_500_000,
        at_start: Some(1),
        offered_ns: Some(3 * SECOND),
        ..BlastSent::default()
    };
    let control = ControlSummary { complete: true, sent: Some(sent), ..<_>::default() };
    let down = vec![BlastInterval { duration_ns: SECOND, datagrams: 400, ..<_>::default() }];
    let found = Collected { received: Some(*received), down, ..Collected::default() };
    (control, found)
}

/// The first two seconds of it: the end of the run never came through.
fn cut_off() -> BlastReceived {
    BlastReceived {
        datagrams: 801,
        firsts: 801,
        span_ns: 2 * SECOND,
        at_start: Some(1),
        silence_ns: 3_000_000,
        drift_ppb: Some(14_520),
        ..BlastReceived::default()
    }
}

fn held(report: &BlastReport, limit: &str) -> LimitReport {
    hold(&[limit.parse().unwrap()], report).remove(0)
}

#[test]
fn what_a_flow_lost_when_it_died_breaks_the_limits() {
    let (control, found) = told(&cut_off());
    let report = report(&plan(""), &control, found);
    let lost = report.main.lost.unwrap();
    assert_eq!((lost.total, lost.bursts, lost.longest_burst), (399, Some(1), Some(399)));
    assert_eq!(report.main.intervals[0].lost, 399);
    let [outage] = &report.outages.as_deref().unwrap() else { panic!("{:?}", report.outages) };
    assert_eq!((outage.start_ns, outage.end_ns, outage.lost), (2 * SECOND, None, 399));
    assert!(!held(&report, "burst>10").held);
    // 800 datagrams in three seconds.
    assert!(report.main.received.unwrap().bits_per_second.unwrap().abs_diff(2_668_890) < 10);
    assert!(!held(&report, "rate<3900k").held);
}

#[test]
fn which_of_several_flows_lost_how_many_is_unknown() {
    let (control, mut found) = told(&cut_off());
    let each = |delivered| StreamCounts { delivered, ..StreamCounts::default() };
    found.received_streams = vec![each(400), each(401)];
    let report = report(&plan("-P 2"), &control, found);
    let lost = report.main.lost.unwrap();
    assert_eq!((lost.total, lost.bursts, lost.longest_burst), (399, None, None));
    assert_eq!(report.outages, None);
    let limit = held(&report, "burst>10000");
    assert_eq!((limit.value, limit.held), (None, false));
}

#[test]
fn ends_on_one_host_have_one_clock() {
    for one_host in [false, true] {
        let (control, found) = told(&cut_off());
        let report = report(&plan(""), &ControlSummary { one_host, ..control }, found);
        assert_eq!(report.main.drift_ppb, (!one_host).then_some(14_520));
    }
}

#[test]
fn between_fewer_than_two_arrivals_is_no_gap() {
    for (datagrams, silence_ns, gap) in [(0, 0, None), (1, 0, None), (2, 0, Some(0))] {
        let received = BlastReceived { datagrams, firsts: datagrams, silence_ns, ..<_>::default() };
        let (control, found) = told(&received);
        assert_eq!(report(&plan(""), &control, found).main.silence_ns, gap, "{datagrams}");
    }
}

#[test]
fn the_verdict_has_the_share_of_what_was_sent() {
    let received = BlastReceived {
        datagrams: 1_140,
        firsts: 1_140,
        lost: 60,
        loss_bursts: 60,
        longest_burst: 1,
        sender_total: Some(1_200),
        ..cut_off()
    };
    let (mut control, found) = told(&received);
    control.sent.as_mut().unwrap().offered = 1_220;
    let verdict = report(&plan(""), &control, found).main.findings.verdict;
    assert_eq!(verdict, ThroughputVerdict::PathLoss { lost: 60, sent: 1_200 });
}
