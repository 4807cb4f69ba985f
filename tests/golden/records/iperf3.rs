//! Throughput with an iperf3 server.

use super::blast::{PACED, clean, hold_run, run, told};
use crate::hold_text;
use udpkit::record::{
    BlastReport, DelayQuantiles, FailureAdvice, Iperf3Failure, Iperf3Phase, Iperf3Report, Losses,
    RunFailure, ThroughputCaveat,
};
use udpkit::units::Endpoint;

fn target() -> Endpoint {
    "192.0.2.10:5201".parse().expect("an address")
}

/// What an iperf3 server reports of a run in which it did not receive everything.
fn lossy() -> BlastReport {
    let mut way = clean();
    way.lost = Some(Losses {
        total: 812,
        path: 812,
        path_at_most: 812,
        sender_host: Some(0),
        never_sent: Some(0),
        ..Losses::default()
    });
    way.received = way.received.map(|mut got| {
        got.datagrams -= 812;
        got
    });
    way.delivered = Some(849_185 - 812);
    (way.duplicates, way.reordered, way.silence_ns) = (None, None, None);
    way.delay_above_min_ns = DelayQuantiles::default();
    way.intervals.clear();
    let mut report = run(way, PACED);
    report.target = target().to_string();
    report.seen_as = None;
    report.main.findings.caveats.push(ThroughputCaveat::ReceiverDropsUnknown);
    report.iperf3 = Some(Iperf3Report {
        stream_rate_bps: Some(1_000_000_000),
        omit_ns: 2_000_000_000,
        counter_bits: 32,
        gsro_requested: true,
        lost_without_tail: Some(797),
        repeated_greetings: 0,
    });
    report
}

#[test]
fn a_run_with_an_iperf3_server_names_the_loss_with_and_without_the_tail() {
    hold_run("iperf3.lossy", &lossy());
}

#[test]
fn every_failure_of_the_control_connection_and_what_helps() {
    let phase = Iperf3Phase::Running;
    let causes = [
        Iperf3Failure::PortClosed { target: target() },
        Iperf3Failure::NoReply { target: target(), waited_ns: 5_000_000_000 },
        Iperf3Failure::NotConnected { target: target(), errno: 113 },
        Iperf3Failure::Busy,
        Iperf3Failure::Refused { number: 27, errno: 0 },
        Iperf3Failure::NotAuthorized,
        Iperf3Failure::Terminated { phase },
        Iperf3Failure::Closed { phase: Iperf3Phase::Parameters, errno: None },
        Iperf3Failure::Closed { phase, errno: Some(104) },
        Iperf3Failure::Silent { phase: Iperf3Phase::Ending, waited_ns: 5_000_000_000 },
        Iperf3Failure::Unexpected { phase: Iperf3Phase::Streams, byte: 77 },
        Iperf3Failure::OneWayOnly,
        Iperf3Failure::StreamNoReply { waited_ns: 5_000_000_000 },
        Iperf3Failure::BadResults,
    ];
    let failures = causes.map(|cause| RunFailure::Iperf3 { cause });
    let advice = [
        FailureAdvice::UseIperf3 { host: "192.0.2.10".to_owned(), port: 5201 },
        FailureAdvice::StartIperf3 { target: target() },
        FailureAdvice::ShorterTime,
        FailureAdvice::LowerTotalRate,
        FailureAdvice::CheckCredentials,
        FailureAdvice::OpenUdpPort { target: target() },
        FailureAdvice::OneWayAtATime,
    ];
    let caveats = [
        ThroughputCaveat::ReceiverDropsUnknown,
        ThroughputCaveat::DuplicatesHideLoss { received: 1_010, sent: 1_000 },
        ThroughputCaveat::OmittedLossUnknown,
        ThroughputCaveat::GreetingsRepeated { times: 1 },
    ];
    let text = [told("failures", &failures), told("advice", &advice), told("cautions", &caveats)];
    hold_text("iperf3.statements", 80, &text.concat());
}
