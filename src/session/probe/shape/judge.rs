//! Judges what a path does to payloads.

use crate::record::Findings;
use crate::record::probe::{
    Outcome, PayloadFinding, PayloadKind, PayloadRow, ShapeAlternative, ShapeCaveat, ShapeEvidence,
    ShapeReport, ShapeVerdict, SizeSet, TrainPurpose, Way,
};
use crate::units::Nanos;

/// An agent that delays replies longer than this lets a policer's bucket refill meanwhile, perhaps
/// completely.
const BUSY: Nanos = Nanos::from_millis(20);

/// The verdict on kinds, sizes and rates.
pub fn judge(
    report: &ShapeReport,
) -> Findings<ShapeVerdict, ShapeEvidence, ShapeAlternative, ShapeCaveat> {
    if report.ports.is_empty() {
        let mut findings = Findings::new(ShapeVerdict::NoPorts);
        findings.caveats.push(ShapeCaveat::TryOtherPorts);
        return findings;
    }
    let limit = report.limit;
    let mut shared = report.traffic.caveats();
    let none_left = report.payloads.iter().all(|row| row.sent == 0);
    let refusal = report.traffic.own_refusal();
    let mut findings = Findings::new(match refusal {
        Some(refusal) if none_left && !report.payloads.is_empty() && limit.is_none() => {
            shared.retain(|caveat| *caveat != refusal);
            ShapeVerdict::Shared(refusal)
        }
        _ => ShapeVerdict::Compared { limit, payloads: payloads(report) },
    });
    findings.evidence = evidence(report);
    let by_contents = |found: &PayloadFinding| matches!(found, PayloadFinding::KindBlocked { .. });
    if let ShapeVerdict::Compared { payloads, .. } = &findings.verdict
        && payloads.iter().any(by_contents)
    {
        findings.alternatives.push(ShapeAlternative::HostInspects);
    }
    if limit.is_some() {
        findings.alternatives.push(ShapeAlternative::HostLimits);
    }
    findings.caveats = caveats(report);
    findings.caveats.extend(shared.into_iter().map(ShapeCaveat::Shared));
    findings
}

/// The kinds, in table order.
fn kinds(rows: &[PayloadRow]) -> Vec<PayloadKind> {
    let mut kinds = Vec::new();
    for row in rows {
        if !kinds.contains(&row.kind) {
            kinds.push(row.kind);
        }
    }
    kinds
}

fn sizes(rows: &[PayloadRow]) -> Vec<u32> {
    let mut sizes: Vec<u32> = rows.iter().map(|row| row.payload_bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Findings on contents and sizes.
fn payloads(report: &ShapeReport) -> Vec<PayloadFinding> {
    let rows = &report.payloads;
    if rows.is_empty() {
        return vec![PayloadFinding::NotCompared];
    }
    if rows.iter().all(|row| row.outcome != Outcome::Passes) {
        return vec![nothing(report, rows[0].port)];
    }
    let all_sizes = sizes(rows);
    let blocked: Vec<u32> = all_sizes
        .iter()
        .copied()
        .filter(|size| rows.iter().filter(|row| row.payload_bytes == *size).all(is_blocked))
        .collect();
    let mut found = Vec::new();
    if !blocked.is_empty() {
        found.push(PayloadFinding::SizesBlocked { sizes: size_set(&blocked, &all_sizes) });
    }
    for kind in kinds(rows) {
        let mine: Vec<&PayloadRow> = rows
            .iter()
            .filter(|row| row.kind == kind && !blocked.contains(&row.payload_bytes))
            .collect();
        let lost: Vec<u32> =
            mine.iter().filter(|row| is_blocked(row)).map(|row| row.payload_bytes).collect();
        if lost.is_empty() {
            continue;
        }
        let passing: Vec<u32> = mine.iter().map(|row| row.payload_bytes).collect();
        let sizes = (lost.len() < mine.len()).then(|| size_set(&lost, &passing));
        found.push(PayloadFinding::KindBlocked { kind, sizes });
    }
    let lost = report.replies.iter().filter(|row| is_blocked(row));
    let lost: Vec<u32> = lost.map(|row| row.payload_bytes).collect();
    if !lost.is_empty() {
        let sizes = size_set(&lost, &sizes(&report.replies));
        found.push(PayloadFinding::RepliesBlocked { sizes });
    }
    found.extend(unknown(report));
    if found.is_empty() { vec![PayloadFinding::AllPass] } else { found }
}

fn is_blocked(row: &PayloadRow) -> bool {
    row.outcome == Outcome::Blocked
}

/// Why no payload is known to pass.
fn nothing(report: &ShapeReport, port: u16) -> PayloadFinding {
    let own = report.traffic.refused() > 0 && report.payloads.iter().all(|row| row.sent == 0);
    match report.port {
        _ if own => PayloadFinding::NotCompared,
        Outcome::Blocked => PayloadFinding::PortBlocked { port },
        _ => unknown(report).unwrap_or(PayloadFinding::NotCompared),
    }
}

/// What is unknown, and why.
fn unknown(report: &ShapeReport) -> Option<PayloadFinding> {
    let rows = report.payloads.iter().chain(&report.replies);
    let is_unknown =
        |row: &&PayloadRow| matches!(row.outcome, Outcome::Inconclusive | Outcome::NotSent);
    let rows = rows.filter(is_unknown).count() as u64;
    let loss = report.traffic.control_loss();
    (rows > 0).then_some(PayloadFinding::Unknown { rows, loss })
}

/// A subset of all sizes that were tested, of which there is at least one.
fn size_set(some: &[u32], all: &[u32]) -> SizeSet {
    let several = some.len() > 1 && some.len() < all.len();
    match (some.first(), some.last()) {
        (Some(from_bytes), _) if several && all.ends_with(some) => {
            SizeSet::AndLarger { from_bytes: *from_bytes }
        }
        (_, Some(up_to_bytes)) if several && all.starts_with(some) => {
            SizeSet::AndSmaller { up_to_bytes: *up_to_bytes }
        }
        _ => SizeSet::These { sizes_bytes: some.to_vec() },
    }
}

fn evidence(report: &ShapeReport) -> Vec<ShapeEvidence> {
    let mut evidence = Vec::new();
    for train in &report.trains {
        let purpose = train.purpose;
        evidence.push(ShapeEvidence::Train {
            purpose,
            payload_bytes: train.payload_bytes,
            offered_per_s: train.offered_per_s,
            sent: train.sent,
            arrived: train.arrived,
            answered: train.back,
        });
        if train.refused_here > 0 {
            evidence.push(ShapeEvidence::TrainRefused { purpose, refused: train.refused_here });
        }
    }
    let rows = &report.payloads;
    if !rows.is_empty() {
        let passed = rows.iter().filter(|row| row.outcome == Outcome::Passes).count() as u64;
        evidence.push(ShapeEvidence::PayloadsPassed {
            passed,
            rows: rows.len() as u64,
            answered: rows.iter().map(|row| u64::from(row.back)).sum(),
            sent: rows.iter().map(|row| u64::from(row.sent)).sum(),
        });
    }
    if rows.iter().chain(&report.replies).any(is_blocked) {
        evidence.extend(report.traffic.control_evidence().map(ShapeEvidence::Shared));
    }
    let blocked = report.further_ports.iter().filter(|row| is_blocked(row));
    evidence.extend(blocked.map(|row| ShapeEvidence::PortBlocked { port: row.port }));
    evidence
}

fn caveats(report: &ShapeReport) -> Vec<ShapeCaveat> {
    let mut caveats = Vec::new();
    let one_way = |row: &&PayloadRow| row.back == 0 && row.arrived.is_some_and(|count| count > 0);
    let rows = report.payloads.iter().filter(one_way).count() as u64;
    if rows > 0 {
        caveats.push(ShapeCaveat::RepliesLost { rows });
    }
    let search = report.trains.iter().find(|train| train.purpose == TrainPurpose::Search);
    match (search, &report.limit) {
        (Some(train), None) if train.back < train.sent => {
            let (lost, sent) = (train.sent - train.back, train.sent);
            caveats.push(ShapeCaveat::TrainLoss { lost, sent });
        }
        (Some(train), None) => caveats.push(ShapeCaveat::HigherLimitUnseen {
            datagrams_per_s: train.offered_per_s,
            payload_bps: train.offered_per_s * u64::from(train.payload_bytes) * 8,
        }),
        _ => {}
    }
    if let Some(limit) = &report.limit
        && limit.counts.is_none()
        && limit.datagrams_per_1000_s >= 1_000
    {
        caveats.push(ShapeCaveat::CountingUnknown);
    }
    if let Some(limit) = &report.limit
        && limit.way == Some(Way::Back)
        && Nanos(limit.agent_late_ns) > BUSY
    {
        caveats.push(ShapeCaveat::LateReplies { late_ns: limit.agent_late_ns });
    }
    caveats.push(ShapeCaveat::RepliesLookAlike);
    caveats
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [PayloadKind; 3] = [PayloadKind::Random, PayloadKind::Dns, PayloadKind::Quic];
    const SIZES: [u32; 4] = [64, 512, 1_024, 1_472];

    fn report(passes: impl Fn(PayloadKind, u32) -> bool) -> ShapeReport {
        let row = |kind: PayloadKind, size: u32| {
            let back = u32::from(passes(kind, size));
            let arrived = Some(back);
            let outcome = if back > 0 { Outcome::Passes } else { Outcome::Blocked };
            PayloadRow { kind, payload_bytes: size, port: 5_000, sent: 8, arrived, back, outcome }
        };
        let plain = passes(PayloadKind::Plain, 64);
        ShapeReport {
            target: "192.0.2.1:8620".parse().unwrap(),
            ports: vec![5_000],
            tries: 3,
            trains: Vec::new(),
            limit: None,
            port: if plain { Outcome::Passes } else { Outcome::Blocked },
            payloads: KINDS.iter().flat_map(|kind| SIZES.map(|size| row(*kind, size))).collect(),
            replies: SIZES.map(|size| row(PayloadKind::Reply, size)).to_vec(),
            further_ports: Vec::new(),
            traffic: crate::record::probe::ProbeTraffic::default(),
            interrupted: false,
            duration_ns: 0,
            findings: Findings::default(),
        }
    }

    #[track_caller]
    fn holds(passes: impl Fn(PayloadKind, u32) -> bool, found: PayloadFinding) {
        let expected = ShapeVerdict::Compared { limit: None, payloads: vec![found] };
        assert_eq!(judge(&report(passes)).verdict, expected);
    }

    #[test]
    fn a_middlebox_is_told_by_what_it_stops() {
        use PayloadFinding as Found;
        use PayloadKind::{Dns, Quic, Reply};
        holds(|_, _| true, Found::AllPass);
        holds(|kind, _| kind != Dns, Found::KindBlocked { kind: Dns, sizes: None });
        let sizes = SizeSet::AndLarger { from_bytes: 1_024 };
        holds(
            |kind, size| kind != Quic || size < 1_024,
            Found::KindBlocked { kind: Quic, sizes: Some(sizes.clone()) },
        );
        holds(|kind, size| size < 1_024 || kind == Reply, Found::SizesBlocked { sizes });
        let sizes = SizeSet::AndSmaller { up_to_bytes: 512 };
        holds(|kind, size| size > 512 || kind == Reply, Found::SizesBlocked { sizes });
        let sizes = SizeSet::These { sizes_bytes: vec![512] };
        holds(|kind, size| size != 512 || kind == Reply, Found::SizesBlocked { sizes });
        holds(|_, _| false, Found::PortBlocked { port: 5_000 });
        let sizes = SizeSet::These { sizes_bytes: vec![1_472] };
        holds(|kind, size| kind != Reply || size < 1_472, Found::RepliesBlocked { sizes });
    }
}
