//! Judges the results for all sizes.

use crate::record::Findings;
use crate::record::probe::{
    ControlLoss, FragmentMtu, FragmentRow, MtuAlternative, MtuCaveat, MtuDirection, MtuEvidence,
    MtuLimit, MtuReport, MtuVerdict, Outcome, PathMtu, ProbeCaveat, Way,
};
use std::net::IpAddr;

/// The verdict on the sizes of a path.
pub fn judge(report: &MtuReport) -> Findings<MtuVerdict, MtuEvidence, MtuAlternative, MtuCaveat> {
    let (out, back) = (&report.out, &report.back);
    let (traffic, target) = (&report.traffic, report.target);
    let loss = traffic.control_loss();
    let refusal = traffic.own_refusal().filter(|_| traffic.sent == 0);
    let all_refused = refusal.is_some();
    let mut findings = Findings::new(match refusal {
        Some(refusal) => MtuVerdict::Shared(refusal),
        None => MtuVerdict::PathMtu {
            out: path_mtu(out, loss),
            back: path_mtu(back, loss),
            fragments_out: fragment_mtu(&out.fragments, loss),
            fragments_back: fragment_mtu(&back.fragments, loss),
        },
    });
    for (way, direction) in [(Way::Out, out), (Way::Back, back)] {
        findings.evidence.extend(evidence(way, direction));
        findings.caveats.extend(caveats(way, direction, target.is_ipv6()));
    }
    if is_blocked(out) || is_blocked(back) {
        findings.evidence.extend(traffic.control_evidence().map(MtuEvidence::Shared));
    }
    if [out, back].iter().any(|way| way.limit == Some(MtuLimit::BlackHole)) {
        findings.alternatives.extend([MtuAlternative::Firewall, MtuAlternative::HiddenMtu]);
    }
    if !all_refused {
        // What is cut is what the verdict is about.
        let beside = traffic.caveats().into_iter();
        let beside = beside.filter(|caveat| !matches!(caveat, ProbeCaveat::Cut { .. }));
        findings.caveats.extend(beside.map(MtuCaveat::Shared));
    }
    findings
}

/// Whether silence in a direction is reported as beyond chance.
fn is_blocked(way: &MtuDirection) -> bool {
    let fragments = way.fragments.iter().any(|row| row.outcome == Outcome::Blocked);
    way.limit == Some(MtuLimit::BlackHole) || fragments || !way.holes_bytes.is_empty()
}

/// The routers of a direction whose address is known.
pub(super) fn routers(way: &MtuDirection) -> Vec<IpAddr> {
    way.routers.iter().filter_map(|report| report.router).collect()
}

/// The path MTU in one direction; `loss` is the reason if it is unknown.
fn path_mtu(way: &MtuDirection, loss: Option<ControlLoss>) -> PathMtu {
    let (Some(packet_bytes), Some(payload_bytes)) = (way.packet_bytes, way.payload_bytes) else {
        return match (way.fragmented_into_bytes, way.too_large_bytes) {
            (Some(fragment_bytes), _) => PathMtu::OnlyFragments { fragment_bytes },
            (None, Some(_)) => PathMtu::NothingArrives,
            (None, None) => PathMtu::Unknown { loss },
        };
    };
    match way.limit {
        Some(MtuLimit::Router) => {
            PathMtu::Router { packet_bytes, payload_bytes, routers: routers(way) }
        }
        Some(MtuLimit::BlackHole) => {
            PathMtu::BlackHole { packet_bytes, payload_bytes, after: way.vanishes_after }
        }
        Some(MtuLimit::FarInterface) => PathMtu::ReceiverInterface { packet_bytes, payload_bytes },
        Some(MtuLimit::Fragmented) => PathMtu::FragmentedDespiteDf {
            packet_bytes,
            payload_bytes,
            fragment_bytes: way.fragmented_into_bytes.unwrap_or(packet_bytes),
        },
        Some(MtuLimit::Cut) => PathMtu::Cut {
            packet_bytes,
            payload_bytes,
            cut_to_bytes: way.cut_to_bytes.unwrap_or(payload_bytes),
        },
        Some(MtuLimit::Unknown) => PathMtu::LargerUnknown { packet_bytes, payload_bytes, loss },
        Some(MtuLimit::Interface) | None => {
            PathMtu::SenderInterface { packet_bytes, payload_bytes }
        }
    }
}

/// What happens to larger datagrams in one direction.
fn fragment_mtu(rows: &[FragmentRow], loss: Option<ControlLoss>) -> FragmentMtu {
    let last = |outcome: Outcome| rows.iter().rev().find(|row| row.outcome == outcome);
    let Some(tried) = rows.last() else { return FragmentMtu::NotTested };
    let passes = last(Outcome::Passes).map(|row| row.payload_bytes);
    // If fewer fragments do not pass, more do not.
    let above = || rows.iter().filter(|row| Some(row.payload_bytes) > passes);
    if let Some(cut_to_bytes) = above().filter_map(|row| row.cut_to_bytes).max() {
        return FragmentMtu::Cut { payload_bytes: passes, cut_to_bytes };
    }
    let blocked = above().find(|row| row.outcome == Outcome::Blocked);
    match (passes, blocked) {
        (Some(payload_bytes), _) if payload_bytes == tried.payload_bytes => {
            FragmentMtu::Pass { payload_bytes }
        }
        (Some(payload_bytes), Some(blocked)) => {
            FragmentMtu::PassUpTo { payload_bytes, blocked_bytes: blocked.payload_bytes }
        }
        (Some(payload_bytes), None) => FragmentMtu::LargerUnknown { payload_bytes, loss },
        (None, Some(_)) => FragmentMtu::Blocked,
        (None, None) if rows.iter().all(|row| row.outcome == Outcome::NotSent) => {
            FragmentMtu::NotSent
        }
        (None, None) => FragmentMtu::Unknown { loss },
    }
}

fn evidence(way: Way, direction: &MtuDirection) -> Vec<MtuEvidence> {
    let mut evidence = Vec::new();
    let by_silence = matches!(direction.limit, Some(MtuLimit::Router | MtuLimit::BlackHole));
    if let (Some(packet_bytes), true) = (direction.too_large_bytes, by_silence) {
        let sent = direction.too_large_sent;
        evidence.push(MtuEvidence::SizeLost { way, packet_bytes, sent });
    }
    let sent = direction.too_large_bytes.zip(direction.packet_bytes.zip(direction.payload_bytes));
    if let (Some(cut_to_bytes), Some((stopped, (packet, payload)))) = (direction.cut_to_bytes, sent)
    {
        let payload_bytes = stopped.saturating_sub(packet.saturating_sub(payload));
        evidence.push(MtuEvidence::ArrivedCut { way, payload_bytes, cut_to_bytes });
    }
    evidence.extend(too_big_reports(way, direction));
    let mut largest_bytes = Vec::new();
    for size in direction.fragments.iter().filter_map(|row| row.largest_fragment_bytes) {
        if !largest_bytes.contains(&size) {
            largest_bytes.push(size);
        }
    }
    if !largest_bytes.is_empty() {
        evidence.push(MtuEvidence::FragmentsSeen { way, largest_bytes });
    }
    let lost = direction.fragments.iter().filter(|row| row.outcome == Outcome::Blocked);
    let payloads_bytes: Vec<u32> = lost.map(|row| row.payload_bytes).collect();
    if !payloads_bytes.is_empty() {
        evidence.push(MtuEvidence::FragmentsLost { way, payloads_bytes });
    }
    evidence
}

/// Packet-too-big reports of routers in a direction.
pub(super) fn too_big_reports(
    way: Way,
    direction: &MtuDirection,
) -> impl Iterator<Item = MtuEvidence> {
    direction.routers.iter().map(move |report| MtuEvidence::TooBigReport {
        way,
        router: report.router,
        mtu_bytes: report.mtu_bytes,
    })
}

fn caveats(way: Way, direction: &MtuDirection, v6: bool) -> Vec<MtuCaveat> {
    let mut caveats = Vec::new();
    if !direction.holes_bytes.is_empty() {
        let packets_bytes = direction.holes_bytes.clone();
        caveats.push(MtuCaveat::SmallerLost { way, packets_bytes });
    }
    let in_pieces = direction.fragments.iter().any(|row| row.arrived > 0);
    let no_pieces = direction.fragments.iter().any(|row| row.outcome == Outcome::Blocked);
    let vanishes = direction.limit == Some(MtuLimit::BlackHole);
    if v6 && vanishes && no_pieces && !in_pieces {
        caveats.push(MtuCaveat::FragmentsMeetBlackHole { way });
    }
    let wrong = direction.routers.iter().find_map(|report| {
        let mtu_bytes = report.mtu_bytes.filter(|mtu| Some(*mtu) != direction.packet_bytes)?;
        Some(MtuCaveat::WrongMtuReport { way, router: report.router, mtu_bytes })
    });
    caveats.extend(wrong);
    caveats
}
