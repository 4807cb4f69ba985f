//! Golden files of `probe paths`.

use crate::{hold, hold_text};
use std::net::IpAddr;
use udpkit::record::Findings;
use udpkit::record::probe::{
    FlowRow, Leg, NoAgent, Parting, PathsAlternative, PathsCaveat, PathsDifference, PathsEvidence,
    PathsReport, PathsVerdict, ProbeCaveat, RefusedHere, TraceDistance, TraceEnd, TraceFlow,
    TraceReport, TraceVerdict, WayRow,
};
use udpkit::report::{Page, paths_text};
use udpkit::wire::PortList;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn ports(text: &str) -> PortList {
    text.parse().expect("ports")
}

fn way(direction: Leg, groups: [Option<u64>; 2], counts: [u64; 3], list: &str) -> WayRow {
    let [loss_group, delay_group] = groups;
    let [flows, sent, lost] = counts;
    let above_fastest = delay_group.map(|group| group * 12_100_000);
    WayRow {
        direction,
        loss_group,
        delay_group,
        flows,
        sent,
        lost,
        above_fastest,
        ports: ports(list),
    }
}

fn flow(source_port: u16, sent: u64, arrived: u64, replies: u64) -> FlowRow {
    FlowRow {
        source_port,
        source_port_seen: Some(source_port),
        sent,
        arrived: Some(arrived),
        answered: Some(arrived),
        replies,
        round_trip: Some(10_080_000),
    }
}

fn report(verdict: PathsVerdict) -> PathsReport {
    PathsReport {
        target: "192.0.2.10:8620".parse().expect("an address"),
        agent: true,
        no_agent: None,
        flows: 256,
        per_second: 1_000,
        sent: 2_304,
        arrived: Some(2_304),
        replies: 2_304,
        copies: 0,
        refusals: Vec::new(),
        way_rows: [Leg::Out, Leg::Back]
            .map(|leg| way(leg, [Some(0), Some(0)], [256, 2_304, 0], "40000-40255"))
            .to_vec(),
        flow_rows: vec![flow(40_000, 9, 9, 9)],
        good_trace: None,
        bad_trace: None,
        interrupted: false,
        duration_ns: 2_420_000_000,
        findings: Findings::new(verdict),
    }
}

fn counted(direction: Leg, sent: u64, lost: u64) -> PathsEvidence {
    PathsEvidence::Counted { direction, flows: 256, sent, lost }
}

fn trace(source_port: u16, end: TraceEnd) -> TraceReport {
    TraceReport {
        target: "192.0.2.10:8620".parse().expect("an address"),
        payload_bytes: 44,
        tries: 3,
        hop_limit: 30,
        wait_ns: 600_000_000,
        duration_ns: 640_000_000,
        interrupted: false,
        flows: vec![TraceFlow { source_port, ..TraceFlow::default() }],
        findings: Findings::new(TraceVerdict::Alike { flows: 1, end }),
    }
}

#[test]
fn every_flow_looks_the_same() {
    let nothing = PathsVerdict::NoDifference { flows: 256, sent: 2_304, lost: 0 };
    let mut report = report(nothing);
    report.findings.evidence = vec![counted(Leg::Out, 2_304, 0), counted(Leg::Back, 2_304, 0)];
    report.findings.alternatives = vec![
        PathsAlternative::OnePath,
        PathsAlternative::EqualPaths,
        PathsAlternative::AddressHash,
        PathsAlternative::SlightLoss { of_paths: 32, datagrams: 72, loss_ppb: 41_666_666 },
    ];
    hold("paths.same", "probe paths", &report, |page| paths_text(&report, page));
}

#[test]
fn some_flows_take_a_bad_path() {
    let bad = "40003,40017,40040-40041,40090,40133,40201,40250";
    let loss = PathsDifference::Loss {
        direction: Leg::Out,
        worse_flows: 8,
        worse_sent: 920,
        worse_lost: 187,
        better_flows: 246,
        better_sent: 9_110,
        better_lost: 0,
        undecided_flows: 2,
        ports: ports(bad),
    };
    let mut report = report(PathsVerdict::FlowsDiffer { differences: vec![loss] });
    (report.sent, report.arrived, report.replies) = (10_110, Some(9_923), 9_923);
    report.way_rows = vec![
        way(Leg::Out, [Some(0), Some(0)], [246, 9_110, 0], "40000-40002"),
        way(Leg::Out, [Some(1), Some(0)], [8, 920, 187], bad),
        way(Leg::Out, [None, Some(0)], [2, 80, 0], "40011,40012"),
        way(Leg::Back, [Some(0), Some(0)], [256, 9_923, 0], "40000-40255"),
    ];
    report.flow_rows = vec![flow(40_000, 40, 40, 40), flow(40_003, 115, 92, 92)];
    report.duration_ns = 11_400_000_000;
    let distance = TraceDistance { hops: Some(4), ..TraceDistance::default() };
    let target = report.target;
    report.good_trace = Some(trace(40_000, TraceEnd::Reached { target, distance }));
    report.bad_trace = Some(trace(40_003, TraceEnd::Reached { target, distance }));
    let parting = Parting::AtHop {
        hop: 2,
        good_router: ip("198.51.100.2"),
        bad_router: ip("198.51.100.66"),
        common_router: Some(ip("198.51.100.1")),
    };
    report.findings.evidence = vec![
        counted(Leg::Out, 10_110, 187),
        counted(Leg::Back, 9_923, 0),
        PathsEvidence::Traced { good_port: 40_000, bad_port: 40_003, parting },
    ];
    report.findings.alternatives = vec![PathsAlternative::FlowRules];
    report.findings.caveats = vec![PathsCaveat::FlowsUndecided { undecided_flows: 2, of: 256 }];
    hold("paths.bad", "probe paths", &report, |page| paths_text(&report, page));
}

#[test]
fn without_an_agent_there_are_round_trips() {
    let undecided = PathsVerdict::Undecided { lossy_flows: 5, of: 256, sent: 2_304, lost: 6 };
    let mut report = report(undecided);
    let target = report.target;
    report.agent = false;
    report.no_agent = Some(NoAgent::NoReply { target, waited_ns: 2_000_000_000 });
    (report.arrived, report.replies, report.copies) = (None, 2_298, 3);
    report.way_rows = vec![way(Leg::RoundTrip, [Some(0), Some(0)], [256, 2_304, 6], "40000-40255")];
    report.flow_rows = vec![FlowRow {
        source_port_seen: None,
        arrived: None,
        answered: None,
        ..flow(40_000, 9, 9, 9)
    }];
    report.refusals = vec![RefusedHere::new(1, target, 2)];
    report.interrupted = true;
    report.findings.evidence = vec![counted(Leg::RoundTrip, 2_304, 6)];
    report.findings.caveats = vec![
        PathsCaveat::RoundTripsOnly,
        PathsCaveat::TimeOver { needed_ns: 41_200_000_000 },
        PathsCaveat::Shared(ProbeCaveat::Interrupted),
    ];
    hold("paths.no_agent", "probe paths", &report, |page| paths_text(&report, page));
}

/// Statements that the other reports do not contain.
#[test]
fn rare_statements() {
    let page = Page::new(80);
    let delay = PathsDifference::Delay {
        direction: Leg::Back,
        slower_flows: 120,
        slower_by_ns: 12_100_000,
        faster_flows: 136,
        ports: ports("40000-40119"),
    };
    let lossy = PathsDifference::Loss {
        direction: Leg::RoundTrip,
        worse_flows: 1,
        worse_sent: 8,
        worse_lost: 8,
        better_flows: 255,
        better_sent: 2_040,
        better_lost: 3,
        undecided_flows: 0,
        ports: ports("40007"),
    };
    let verdicts = [
        PathsVerdict::FlowsDiffer { differences: vec![lossy, delay] },
        PathsVerdict::PerPacket {
            direction: Leg::Out,
            reordered_flows: 31,
            of: 32,
            sent: 2_304,
            lost: 230,
        },
        PathsVerdict::FlowLimit { passing: 39, of: 256 },
        PathsVerdict::NoDifference { flows: 256, sent: 9_000, lost: 470 },
        PathsVerdict::NothingAnswered,
        PathsVerdict::NothingSent,
    ];
    let traced = |parting| PathsEvidence::Traced { good_port: 40_000, bad_port: 40_003, parting };
    let evidence = [
        PathsEvidence::Reordered { direction: Leg::Out, reordered_flows: 3, of: 32 },
        PathsEvidence::DialogueMoved { silent_ports: 1 },
        traced(Parting::BadEndsAfter { hop: 2, common_router: Some(ip("198.51.100.1")) }),
        traced(Parting::BadEndsAfter { hop: 0, common_router: None }),
        traced(Parting::SameRouters { hops: 3 }),
        traced(Parting::Unknown),
    ];
    let alternatives = [PathsAlternative::HostQueues, PathsAlternative::ReorderingLink];
    let caveats =
        [PathsCaveat::BackNotTraced, PathsCaveat::PortsRewritten { rewritten_flows: 256, of: 256 }];
    let text = page.told("verdict", &verdicts)
        + &page.told("evidence", &evidence)
        + &page.told("may be", &alternatives)
        + &page.told("caution", &caveats);
    hold_text("paths.rare.80", 80, &text);
}
