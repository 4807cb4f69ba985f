//! Golden files of `probe mtu`.

use crate::{hold, hold_text};
use std::net::{IpAddr, SocketAddr};
use udpkit::record::probe::{
    ControlEvidence, ControlLoss, FragmentMtu, FragmentRow, KnownBy, MtuAlternative, MtuCaveat,
    MtuDirection, MtuEvidence, MtuLimit, MtuReport, MtuVerdict, NoAgent, Outcome, PathMtu,
    ProbeCaveat, ProbeTraffic, RefusedHere, TooBig, Way,
};
use udpkit::record::{Findings, Worded};
use udpkit::report::{Page, mtu_text};

fn server() -> SocketAddr {
    "192.0.2.10:8620".parse().expect("an address")
}

fn router(last: u8) -> IpAddr {
    [198, 51, 100, last].into()
}

fn row(payload: u32, arrived: u32, fragment: Option<u32>) -> FragmentRow {
    FragmentRow {
        payload_bytes: payload,
        sent: 6,
        arrived,
        cut: 0,
        cut_to_bytes: None,
        outcome: if arrived > 0 { Outcome::Passes } else { Outcome::Blocked },
        largest_fragment_bytes: fragment,
    }
}

fn rows(arrived: u32) -> Vec<FragmentRow> {
    let fragment = (arrived > 0).then_some(1_276);
    [1_253, 2_000, 4_000, 65_507].map(|payload| row(payload, arrived, fragment)).to_vec()
}

fn report(verdict: MtuVerdict) -> MtuReport {
    let way = MtuDirection {
        packet_bytes: Some(1_280),
        payload_bytes: Some(1_252),
        too_large_bytes: Some(1_281),
        too_large_sent: 5,
        ..MtuDirection::default()
    };
    MtuReport {
        target: server().into(),
        header_bytes: 28,
        tries: 3,
        interface_mtu: Some(1_500),
        far_interface_mtu: Some(1_500),
        out: way.clone(),
        back: way,
        known_by: KnownBy::Agent,
        no_agent: None,
        traffic: ProbeTraffic {
            sent: 412,
            copies_out: Some(0),
            control_sent: 300,
            control_arrived: Some(297),
            control_back: 294,
            ..ProbeTraffic::default()
        },
        interrupted: false,
        duration_ns: 2_310_000_000,
        findings: Findings::new(verdict),
    }
}

fn refused() -> ProbeCaveat {
    ProbeCaveat::RefusedHere {
        refused: 20,
        of: 432,
        refusals: vec![RefusedHere::new(1, server().into(), 20)],
    }
}

fn control() -> MtuEvidence {
    MtuEvidence::Shared(ControlEvidence::ControlAnswered {
        sent: 300,
        answered: 294,
        one_in: 10_000,
    })
}

fn hold_report(name: &str, report: &MtuReport) {
    hold(&format!("mtu.{name}"), "probe mtu", report, |page| mtu_text(report, page));
}

#[test]
fn routers_report_the_limit() {
    let path = |last| PathMtu::Router {
        packet_bytes: 1_280,
        payload_bytes: 1_252,
        routers: vec![router(last)],
    };
    let mut report = report(MtuVerdict::PathMtu {
        out: path(1),
        back: path(2),
        fragments_out: FragmentMtu::Pass { payload_bytes: 65_507 },
        fragments_back: FragmentMtu::Pass { payload_bytes: 65_507 },
    });
    for (way, direction, last) in [(Way::Out, &mut report.out, 1), (Way::Back, &mut report.back, 2)]
    {
        let named = TooBig { router: Some(router(last)), mtu_bytes: Some(1_280) };
        direction.limit = Some(MtuLimit::Router);
        direction.routers = vec![named];
        direction.fragments = rows(6);
        report.findings.evidence.extend([
            MtuEvidence::SizeLost { way, packet_bytes: 1_281, sent: 5 },
            MtuEvidence::TooBigReport { way, router: named.router, mtu_bytes: named.mtu_bytes },
            MtuEvidence::FragmentsSeen { way, largest_bytes: vec![1_276] },
        ]);
    }
    hold_report("routers", &report);
}

#[test]
fn a_relay_cuts_what_does_not_fit_its_buffer() {
    let path = PathMtu::Cut { packet_bytes: 1_280, payload_bytes: 1_252, cut_to_bytes: 1_252 };
    let mut report = report(MtuVerdict::PathMtu {
        out: path,
        back: PathMtu::SenderInterface { packet_bytes: 1_500, payload_bytes: 1_472 },
        fragments_out: FragmentMtu::Cut { payload_bytes: None, cut_to_bytes: 1_252 },
        fragments_back: FragmentMtu::Cut { payload_bytes: Some(16_000), cut_to_bytes: 20_000 },
    });
    (report.out.limit, report.out.cut_to_bytes) = (Some(MtuLimit::Cut), Some(1_252));
    let cut = |row: FragmentRow| FragmentRow {
        arrived: 0,
        cut: 6,
        cut_to_bytes: Some(1_252),
        outcome: Outcome::Cut,
        ..row
    };
    report.out.fragments = rows(6).into_iter().map(cut).collect();
    (report.traffic.cut_out, report.traffic.altered_out) = (24, 2);
    report.findings.evidence.push(MtuEvidence::ArrivedCut {
        way: Way::Out,
        payload_bytes: 1_253,
        cut_to_bytes: 1_252,
    });
    report.findings.caveats.extend([
        MtuCaveat::Shared(ProbeCaveat::Altered { out: 2, back: 0 }),
        MtuCaveat::Shared(ProbeCaveat::Cut { out: 24, back: 3 }),
    ]);
    hold_report("cut", &report);
}

#[test]
fn a_black_hole_blocks_large_packets_and_fragments() {
    let black_hole =
        |after| PathMtu::BlackHole { packet_bytes: 1_280, payload_bytes: 1_252, after };
    let mut report = report(MtuVerdict::PathMtu {
        out: black_hole(Some(router(1))),
        back: black_hole(None),
        fragments_out: FragmentMtu::Blocked,
        fragments_back: FragmentMtu::PassUpTo { payload_bytes: 2_000, blocked_bytes: 8_000 },
    });
    report.out.limit = Some(MtuLimit::BlackHole);
    report.out.vanishes_after = Some(router(1));
    report.out.fragments = rows(0);
    report.back.limit = Some(MtuLimit::BlackHole);
    report.back.holes_bytes = vec![576, 1_006];
    report.back.fragments = vec![
        row(1_253, 6, Some(1_276)),
        row(2_000, 6, None),
        FragmentRow { sent: 1, outcome: Outcome::Inconclusive, ..row(4_000, 0, None) },
        row(8_000, 0, None),
    ];
    report.traffic.refused_here = vec![RefusedHere::new(1, server().into(), 20)];
    report.interrupted = true;
    report.findings.evidence = vec![
        MtuEvidence::SizeLost { way: Way::Out, packet_bytes: 1_281, sent: 5 },
        MtuEvidence::FragmentsLost {
            way: Way::Out,
            payloads_bytes: vec![1_253, 2_000, 4_000, 65_507],
        },
        control(),
    ];
    report.findings.alternatives = vec![MtuAlternative::Firewall, MtuAlternative::HiddenMtu];
    report.findings.caveats = vec![
        MtuCaveat::FragmentsMeetBlackHole { way: Way::Out },
        MtuCaveat::SmallerLost { way: Way::Back, packets_bytes: vec![576, 1_006] },
        MtuCaveat::WrongMtuReport { way: Way::Back, router: Some(router(2)), mtu_bytes: 1_400 },
        MtuCaveat::Shared(refused()),
        MtuCaveat::Shared(ProbeCaveat::Duplicated { out: 3, back: 1 }),
        MtuCaveat::Shared(ProbeCaveat::Interrupted),
    ];
    hold_report("black_hole", &report);
}

#[test]
fn without_an_agent_a_router_names_the_limit() {
    let mut report = report(MtuVerdict::Replied {
        packet_bytes: 1_280,
        payload_bytes: 1_252,
        limit: MtuLimit::Router,
        routers: vec![router(1)],
        fragmented_replies: false,
    });
    report.no_agent = Some(NoAgent::NoReply { target: server().into(), waited_ns: 3_000_000_000 });
    report.known_by = KnownBy::Replies;
    report.far_interface_mtu = None;
    report.out.limit = Some(MtuLimit::Router);
    report.out.too_large_bytes = None;
    report.back = MtuDirection::default();
    report.findings.evidence = vec![MtuEvidence::TooBigReport {
        way: Way::Out,
        router: Some(router(1)),
        mtu_bytes: Some(1_280),
    }];
    report.findings.caveats = vec![MtuCaveat::ReturnPathUnknown];
    hold_report("no_agent", &report);
}

/// Every verdict, evidence, alternative and caveat.
#[test]
fn every_statement_reads_as_english() {
    let mut text = String::new();
    let mut tell = |told: &dyn Worded| {
        text.push_str(&Page::new(80).paragraph("- ", 2, &told.text()));
    };
    let loss = Some(ControlLoss::EachWay { out_per_10000: 3_100, back_per_10000: 200 });
    let (packet_bytes, payload_bytes) = (1_280, 1_252);
    let own = || PathMtu::SenderInterface { packet_bytes: 1_500, payload_bytes: 1_472 };
    let ways = [
        own(),
        PathMtu::ReceiverInterface { packet_bytes, payload_bytes },
        PathMtu::Router { packet_bytes, payload_bytes, routers: Vec::new() },
        PathMtu::Router { packet_bytes, payload_bytes, routers: vec![router(1), router(2)] },
        PathMtu::FragmentedDespiteDf { packet_bytes, payload_bytes, fragment_bytes: 1_276 },
        PathMtu::BlackHole { packet_bytes, payload_bytes, after: Some(router(1)) },
        PathMtu::LargerUnknown { packet_bytes, payload_bytes, loss },
        PathMtu::OnlyFragments { fragment_bytes: 1_276 },
        PathMtu::NothingArrives,
        PathMtu::Unknown { loss: None },
    ];
    for way in ways {
        for back in [own(), way.clone()] {
            tell(&MtuVerdict::PathMtu {
                out: way.clone(),
                back,
                fragments_out: FragmentMtu::Pass { payload_bytes: 65_507 },
                fragments_back: FragmentMtu::Pass { payload_bytes: 65_507 },
            });
        }
    }
    let fragments = [
        FragmentMtu::NotTested,
        FragmentMtu::PassUpTo { payload_bytes: 2_000, blocked_bytes: 4_000 },
        FragmentMtu::LargerUnknown { payload_bytes: 2_000, loss },
        FragmentMtu::Blocked,
        FragmentMtu::NotSent,
        FragmentMtu::Unknown { loss },
    ];
    for fragments_out in fragments {
        tell(&MtuVerdict::PathMtu {
            out: own(),
            back: own(),
            fragments_out,
            fragments_back: FragmentMtu::Pass { payload_bytes: 65_507 },
        });
    }
    let some = (Some(packet_bytes), Some(payload_bytes));
    for limit in [MtuLimit::Interface, MtuLimit::Router] {
        let routers = if limit == MtuLimit::Router { vec![router(1)] } else { Vec::new() };
        tell(&MtuVerdict::Replied {
            packet_bytes,
            payload_bytes,
            limit,
            routers: routers.clone(),
            fragmented_replies: limit == MtuLimit::Router,
        });
        tell(&MtuVerdict::RefusedByTarget { packet_bytes, payload_bytes, limit, routers });
    }
    tell(&MtuVerdict::RepliedUpTo { packet_bytes, payload_bytes, fragmented_replies: false });
    for loss in [Some(ControlLoss::RoundTrip { per_10000: 3_300 }), None] {
        tell(&MtuVerdict::RepliedLargerUnknown {
            packet_bytes,
            payload_bytes,
            fragmented_replies: loss.is_none(),
            loss,
        });
    }
    for (packet_bytes, payload_bytes) in [some, (None, None)] {
        tell(&MtuVerdict::LargeUnanswered { packet_bytes, payload_bytes });
        tell(&MtuVerdict::NoReply { packet_bytes, payload_bytes });
        let router = packet_bytes.map(|_| router(1));
        tell(&MtuVerdict::NoReplyRouterLimit { router, packet_bytes, payload_bytes });
    }
    tell(&MtuVerdict::NothingSent);
    tell(&MtuVerdict::InterruptedBeforeReply);
    tell(&MtuVerdict::Shared(refused()));

    let way = Way::Out;
    tell(&MtuEvidence::SizeLost { way, packet_bytes: 1_281, sent: 5 });
    tell(&MtuEvidence::TooBigReport { way, router: None, mtu_bytes: None });
    tell(&MtuEvidence::FragmentsSeen { way, largest_bytes: vec![1_496, 1_500] });
    tell(&MtuEvidence::FragmentsLost { way, payloads_bytes: vec![2_000] });
    tell(&MtuEvidence::RepliesFragmented { largest_bytes: 1_276 });
    tell(&MtuEvidence::SizeUnanswered { packet_bytes: 1_281, sent: 12 });
    tell(&control());
    for alternative in [
        MtuAlternative::Firewall,
        MtuAlternative::HiddenMtu,
        MtuAlternative::RepliesLost,
        MtuAlternative::BlackHole,
        MtuAlternative::TargetIgnoresSize,
    ] {
        tell(&alternative);
    }
    tell(&MtuCaveat::WrongMtuReport { way, router: None, mtu_bytes: 1_400 });
    tell(&MtuCaveat::ReturnPathUnknown);
    hold_text("mtu.statements", 80, &text);
}
