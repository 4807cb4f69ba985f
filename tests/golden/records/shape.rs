//! Golden files of `probe shape`.

use crate::{hold, hold_text};
use std::net::SocketAddr;
use udpkit::record::probe::{
    ControlEvidence, ControlLoss, Counted, Outcome, PayloadFinding, PayloadKind, PayloadRow,
    ProbeCaveat, ProbeTraffic, RateLimit, RefusedHere, ShapeAlternative, ShapeCaveat,
    ShapeEvidence, ShapeReport, ShapeVerdict, SizeSet, TrainPurpose, TrainRow, Way,
};
use udpkit::record::{Findings, Worded};
use udpkit::report::{Page, shape_text};
use udpkit::wire::PortDenial;

const SIZES: [u32; 8] = [64, 128, 256, 512, 1_024, 1_200, 1_400, 1_472];

fn server() -> SocketAddr {
    "192.0.2.10:8620".parse().expect("an address")
}

fn limit() -> RateLimit {
    RateLimit {
        way: Some(Way::Out),
        datagrams_per_1000_s: 200_400,
        bits_per_s: 1_650_000,
        burst_datagrams: 21,
        burst_bytes: 21_588,
        counts: Some(Counted::Datagrams),
        each_port: Some(false),
        queues: false,
        agent_late_ns: 1_200_000,
    }
}

fn train(purpose: TrainPurpose, offered_per_s: u64, sent: u64, arrived: u64) -> TrainRow {
    TrainRow {
        purpose,
        payload_bytes: if purpose == TrainPurpose::Short { 250 } else { 1_000 },
        ports: if purpose == TrainPurpose::Spread { 4 } else { 1 },
        offered_per_s,
        sent,
        refused_here: 0,
        arrived: Some(arrived),
        back: arrived,
    }
}

fn evidence(train: &TrainRow) -> ShapeEvidence {
    ShapeEvidence::Train {
        purpose: train.purpose,
        payload_bytes: train.payload_bytes,
        offered_per_s: train.offered_per_s,
        sent: train.sent,
        arrived: train.arrived,
        answered: train.back,
    }
}

fn rows(kinds: &[PayloadKind], blocked: fn(PayloadKind, u32) -> bool) -> Vec<PayloadRow> {
    let row = |kind: PayloadKind, payload_bytes: u32| {
        let passes = !blocked(kind, payload_bytes);
        PayloadRow {
            kind,
            payload_bytes,
            port: 5_000,
            sent: if passes { 1 } else { 12 },
            arrived: Some(u32::from(passes)),
            back: u32::from(passes),
            outcome: if passes { Outcome::Passes } else { Outcome::Blocked },
        }
    };
    kinds.iter().flat_map(|kind| SIZES.map(|size| row(*kind, size))).collect()
}

fn report(verdict: ShapeVerdict, blocked: fn(PayloadKind, u32) -> bool) -> ShapeReport {
    use PayloadKind::{Dns, Quic, Random, Reply, Sip, Stun, Zeros};
    ShapeReport {
        target: server().into(),
        ports: vec![5_000, 5_001, 5_002, 5_003],
        tries: 4,
        trains: Vec::new(),
        limit: None,
        port: Outcome::Passes,
        payloads: rows(&[Random, Zeros, Dns, Quic, Sip, Stun], blocked),
        replies: rows(&[Reply], blocked),
        further_ports: Vec::new(),
        traffic: ProbeTraffic { sent: 1_980, ..ProbeTraffic::default() },
        interrupted: false,
        duration_ns: 6_200_000_000,
        findings: Findings::new(verdict),
    }
}

fn control() -> ShapeEvidence {
    ShapeEvidence::Shared(ControlEvidence::ControlAnswered {
        sent: 160,
        answered: 160,
        one_in: 10_000,
    })
}

fn refused() -> ProbeCaveat {
    ProbeCaveat::RefusedHere {
        refused: 1_200,
        of: 1_200,
        refusals: vec![RefusedHere::new(1, server().into(), 1_200)],
    }
}

fn hold_report(name: &str, report: &ShapeReport) {
    hold(&format!("shape.{name}"), "probe shape", report, |page| shape_text(report, page));
}

#[test]
fn a_clean_path_passes_all() {
    let payloads = vec![PayloadFinding::AllPass];
    let mut report = report(ShapeVerdict::Compared { limit: None, payloads }, |_, _| false);
    report.trains = vec![train(TrainPurpose::Search, 1_000, 1_000, 1_000)];
    report.findings.evidence = vec![
        evidence(&report.trains[0]),
        ShapeEvidence::PayloadsPassed { passed: 48, rows: 48, answered: 48, sent: 48 },
    ];
    report.findings.caveats = vec![
        ShapeCaveat::HigherLimitUnseen { datagrams_per_s: 1_000, payload_bps: 8_000_000 },
        ShapeCaveat::RepliesLookAlike,
    ];
    hold_report("clean", &report);
}

#[test]
fn a_policer_and_a_filter_of_payloads_stand_side_by_side() {
    use PayloadKind::{Quic, Reply, Sip};
    let payloads = vec![
        PayloadFinding::KindBlocked {
            kind: Quic,
            sizes: Some(SizeSet::AndLarger { from_bytes: 1_200 }),
        },
        PayloadFinding::KindBlocked { kind: Sip, sizes: None },
        PayloadFinding::RepliesBlocked { sizes: SizeSet::These { sizes_bytes: vec![1_472] } },
    ];
    let verdict = ShapeVerdict::Compared { limit: Some(limit()), payloads };
    let mut report = report(verdict, |kind, size| {
        kind == Sip || (kind == Quic && size >= 1_200) || (kind == Reply && size == 1_472)
    });
    report.limit = Some(limit());
    report.trains = vec![
        train(TrainPurpose::Search, 1_000, 1_000, 221),
        TrainRow { refused_here: 3, ..train(TrainPurpose::Short, 1_000, 997, 220) },
        train(TrainPurpose::Below, 160, 240, 240),
        train(TrainPurpose::Again, 1_000, 1_000, 222),
        TrainRow { arrived: None, ..train(TrainPurpose::Spread, 1_000, 1_000, 223) },
    ];
    for row in &report.trains {
        report.findings.evidence.push(evidence(row));
    }
    report.findings.evidence.extend([
        ShapeEvidence::TrainRefused { purpose: TrainPurpose::Short, refused: 3 },
        ShapeEvidence::PayloadsPassed { passed: 37, rows: 48, answered: 37, sent: 169 },
        control(),
        ShapeEvidence::PortBlocked { port: 5_003 },
    ]);
    report.findings.alternatives =
        vec![ShapeAlternative::HostInspects, ShapeAlternative::HostLimits];
    report.findings.caveats = vec![
        ShapeCaveat::RepliesLost { rows: 2 },
        ShapeCaveat::RepliesLookAlike,
        ShapeCaveat::Shared(ProbeCaveat::Interrupted),
    ];
    hold_report("policer", &report);
}

/// Every verdict, evidence, alternative and caveat.
#[test]
fn every_statement_reads_as_english() {
    let mut text = String::new();
    let mut tell = |told: &dyn Worded| {
        text.push_str(&Page::new(80).paragraph("- ", 2, &told.text()));
    };
    tell(&ShapeVerdict::NoPorts);
    tell(&ShapeVerdict::Shared(refused()));
    let limits = [
        RateLimit { counts: Some(Counted::Bytes), each_port: Some(true), ..limit() },
        RateLimit { way: Some(Way::Back), queues: true, counts: None, ..limit() },
        RateLimit { way: None, datagrams_per_1000_s: 999, ..limit() },
    ];
    for limit in limits {
        let payloads = vec![PayloadFinding::AllPass];
        tell(&ShapeVerdict::Compared { limit: Some(limit), payloads });
    }
    let these = SizeSet::These { sizes_bytes: vec![64, 512, 1_024] };
    let found = [
        PayloadFinding::NotCompared,
        PayloadFinding::PortBlocked { port: 5_000 },
        PayloadFinding::SizesBlocked { sizes: SizeSet::AndSmaller { up_to_bytes: 128 } },
        PayloadFinding::SizesBlocked { sizes: SizeSet::These { sizes_bytes: vec![512] } },
        PayloadFinding::KindBlocked { kind: PayloadKind::Zeros, sizes: Some(these) },
        PayloadFinding::KindBlocked { kind: PayloadKind::Random, sizes: None },
        PayloadFinding::KindBlocked { kind: PayloadKind::Dns, sizes: None },
        PayloadFinding::KindBlocked { kind: PayloadKind::Stun, sizes: None },
        PayloadFinding::RepliesBlocked { sizes: SizeSet::AndLarger { from_bytes: 1_400 } },
        PayloadFinding::Unknown { rows: 1, loss: None },
        PayloadFinding::Unknown {
            rows: 12,
            loss: Some(ControlLoss::EachWay { out_per_10000: 4_700, back_per_10000: 0 }),
        },
    ];
    for found in found {
        tell(&ShapeVerdict::Compared { limit: None, payloads: vec![found] });
    }
    let caveats = [
        ShapeCaveat::TryOtherPorts,
        ShapeCaveat::RepliesLost { rows: 1 },
        ShapeCaveat::TrainLoss { lost: 45, sent: 1_000 },
        ShapeCaveat::CountingUnknown,
        ShapeCaveat::LateReplies { late_ns: 45_000_000 },
        ShapeCaveat::NotOpened { ports: "5000-5003".to_owned(), reason: PortDenial::InUse },
        ShapeCaveat::Shared(ProbeCaveat::Duplicated { out: 2, back: 0 }),
    ];
    for caveat in &caveats {
        tell(caveat);
    }
    hold_text("shape.statements", 80, &text);
}
