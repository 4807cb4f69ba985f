//! Golden files of `probe nat`.

use crate::{hold, hold_text};
use std::net::{IpAddr, SocketAddr};
use udpkit::batch::{ErrorOrigin, NetworkError};
use udpkit::record::probe::{
    AddressUnknown, AnswerSource, Dependence, Hairpin, NatAlternative, NatAnswer, NatCaveat,
    NatControl, NatEvidence, NatMeaning, NatQuestion, NatReport, NatSocket, NatTest, NatUnknown,
    NatVerdict, PortChoice, ProbeCaveat, RefusedHere,
};
use udpkit::record::{Findings, Occurrence, Trouble, Worded};
use udpkit::report::{Page, nat_text};

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn server() -> SocketAddr {
    at("192.0.2.10:8620")
}

fn report(verdict: NatVerdict) -> NatReport {
    NatReport {
        target: server().into(),
        other: None,
        findings: Findings::new(verdict),
        answered: true,
        nat: Some(true),
        mapping: None,
        filtering: None,
        ports: None,
        addresses: Vec::new(),
        hairpin: None,
        means: None,
        unknown: Vec::new(),
        sockets: Vec::new(),
        tests: Vec::new(),
        sent: 20,
        back: 20,
        copies: 0,
        network_errors: Vec::new(),
        interrupted: false,
        duration_ns: 780_000_000,
    }
}

fn socket(local: SocketAddr, seen: SocketAddr) -> NatSocket {
    NatSocket {
        local: local.into(),
        seen: Some(seen.into()),
        port_kept: Some(local.port() == seen.port()),
    }
}

fn mapping(to: SocketAddr, seen: SocketAddr) -> NatTest {
    NatTest {
        about: NatQuestion::Mapping,
        socket: Some(0),
        to: to.into(),
        answer_from: to.into(),
        sent: 1,
        refused: 0,
        answered: 1,
        seen: Some(seen.into()),
        round_trip_ns: Some(12_140_000),
        instead: None,
    }
}

fn filtering(answer_from: SocketAddr, answered: u32) -> NatTest {
    NatTest {
        about: NatQuestion::Filtering,
        socket: Some(1),
        answer_from: answer_from.into(),
        sent: 8,
        answered,
        round_trip_ns: (answered > 0).then_some(13_000_000),
        ..mapping(server(), at("203.0.113.7:40001"))
    }
}

fn hold_report(name: &str, report: &NatReport) {
    hold(&format!("nat.{name}"), "probe nat", report, |page| nat_text(report, page));
}

#[test]
fn a_nat_is_described_in_the_terms_of_the_rfc() {
    let (mapped, kept) = (Dependence::EndpointIndependent, Dependence::AddressAndPortDependent);
    let mut report = report(NatVerdict::Nat {
        ports: Some(PortChoice::Kept),
        mapping: Some(mapped),
        filtering: Some(kept),
    });
    let other = at("192.0.2.11:8621");
    report.other = Some(other.into());
    report.mapping = Some(mapped);
    report.filtering = Some(kept);
    report.ports = Some(PortChoice::Kept);
    report.addresses = vec![IpAddr::from([203, 0, 113, 7])];
    report.hairpin = Some(Hairpin::Fails);
    report.means = Some(NatMeaning::HolePunching);
    report.sockets = (40_000..40_010)
        .map(|port| socket(([10, 1, 0, 2], port).into(), ([203, 0, 113, 7], port).into()))
        .collect();
    let seen = at("203.0.113.7:40000");
    report.tests = vec![
        mapping(server(), seen),
        mapping(at("192.0.2.10:8621"), seen),
        mapping(other, seen),
        NatTest { about: NatQuestion::Control, answered: 8, ..filtering(server(), 8) },
        filtering(other, 0),
        filtering(at("192.0.2.11:8620"), 0),
        NatTest {
            instead: Some(NatAnswer::From { source: server().into() }),
            ..filtering(at("192.0.2.10:8621"), 0)
        },
        NatTest {
            about: NatQuestion::Hairpin,
            socket: None,
            sent: 8,
            answered: 0,
            round_trip_ns: None,
            seen: None,
            ..mapping(seen, seen)
        },
    ];
    let control = Some(NatControl { answered: 8, sent: 8 });
    let from = |source| NatEvidence::AnswersFrom { source, answered: 0, sent: 8, control };
    report.findings.evidence = vec![
        NatEvidence::SeenAs {
            local: at("10.1.0.2:40000").into(),
            seen: seen.into(),
            sockets: 10,
            ports_kept: 10,
        },
        from(AnswerSource::OtherAddressAndPort),
        from(AnswerSource::OtherAddress),
        from(AnswerSource::OtherPort),
        NatEvidence::Hairpin { outcome: Hairpin::Fails },
    ];
    report.findings.alternatives = vec![NatAlternative::FirewallAtServer];
    report.findings.caveats = vec![
        NatCaveat::SeveralAddresses { addresses: 2 },
        NatCaveat::RequestsLost { lost: 1, sent: 8 },
        NatCaveat::Shared(ProbeCaveat::RepliesDuplicated { copies: 2 }),
    ];
    hold_report("nat", &report);
}

#[test]
fn long_addresses_stand_on_lines_of_their_own() {
    let filtering_of = Some(Dependence::EndpointIndependentOrAddressDependent);
    let mut report = report(NatVerdict::NoNat { filtering: filtering_of });
    let local = at("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:40000");
    let to = at("[2001:db8:1111:2222:3333:4444:5555:6666]:8620");
    let other = at("[2001:db8:1111:2222:3333:4444:5555:6666]:8621");
    report.target = to.into();
    report.other = Some(other.into());
    report.nat = Some(false);
    report.filtering = filtering_of;
    report.sockets = vec![
        socket(local, local),
        NatSocket { seen: None, port_kept: None, ..socket(local, local) },
    ];
    report.tests = vec![mapping(to, local), filtering(other, 8)];
    report.unknown = vec![NatUnknown::FilteringByAddress { reason: AddressUnknown::OneAddress }];
    report.findings.evidence = vec![
        NatEvidence::SeenAs { local: local.into(), seen: local.into(), sockets: 1, ports_kept: 1 },
        NatEvidence::AnswersFrom {
            source: AnswerSource::OtherPort,
            answered: 8,
            sent: 8,
            control: None,
        },
    ];
    hold_report("ipv6", &report);
}

#[test]
fn a_missing_server_is_reported_with_icmp_errors() {
    let mut report = report(NatVerdict::NoServer { server: server().into() });
    report.answered = false;
    report.nat = None;
    report.tests = vec![NatTest {
        sent: 8,
        answered: 0,
        seen: None,
        round_trip_ns: None,
        ..mapping(server(), server())
    }];
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, server(), b"");
    error.offender = Some(server().ip());
    let own = NetworkError::new(ErrorOrigin::Local, (0, 0), 113, server(), b"");
    let kind = |error: NetworkError, times| Trouble {
        destination: server().into(),
        error: error.notice(),
        times,
        seen: Occurrence { first_ns: Some(20_000_000), last_ns: Some(1_020_000_000) },
    };
    report.network_errors = vec![kind(error, 6), kind(own, 1)];
    report.findings.evidence = vec![NatEvidence::Unanswered { sent: 64, sockets: 8 }];
    report.findings.alternatives = vec![NatAlternative::Firewall, NatAlternative::StunDisabled];
    hold_report("no_server", &report);
}

fn answers() -> [NatAnswer; 5] {
    [
        NatAnswer::Error { error_code: 420, reason: "Unknown Attribute".to_owned() },
        NatAnswer::Error { error_code: 500, reason: String::new() },
        NatAnswer::ErrorWithoutCode,
        NatAnswer::From { source: server().into() },
        NatAnswer::NoAddress,
    ]
}

/// Every statement.
#[test]
fn every_statement_reads_as_english() {
    let mut text = String::new();
    let mut tell = |told: &dyn Worded| {
        text.push_str(&Page::new(80).paragraph("- ", 2, &told.text()));
    };
    let dependences = [
        None,
        Some(Dependence::EndpointIndependent),
        Some(Dependence::AddressDependent),
        Some(Dependence::AddressAndPortDependent),
        Some(Dependence::EndpointIndependentOrAddressDependent),
        Some(Dependence::AddressDependentOrAddressAndPortDependent),
    ];
    let choices = [
        None,
        Some(PortChoice::Kept),
        Some(PortChoice::KeptForSome),
        Some(PortChoice::Sequential),
        Some(PortChoice::Random),
        Some(PortChoice::Changed),
    ];
    for (found, ports) in dependences.into_iter().zip(choices) {
        tell(&NatVerdict::Nat { ports, mapping: found, filtering: found });
    }
    for filtering in dependences {
        tell(&NatVerdict::NoNat { filtering });
    }
    tell(&NatVerdict::NoNatBehindRelay { server: server().into(), behind: [10, 2, 0, 2].into() });
    tell(&NatVerdict::RelayOrNat { server: server().into() });
    tell(&NatVerdict::InterruptedBeforeReply);
    tell(&NatVerdict::NoServer { server: server().into() });
    tell(&NatVerdict::Shared(ProbeCaveat::RefusedHere {
        refused: 64,
        of: 64,
        refusals: vec![RefusedHere::new(1, server().into(), 64)],
    }));

    let evidence = [
        NatEvidence::SeenAsTheServer,
        NatEvidence::AskedElsewhere { origin: at("10.2.0.2:8620").into() },
        NatEvidence::UnchangedBehindRelay { behind: at("10.2.0.2:8621").into() },
        NatEvidence::Hairpin { outcome: Hairpin::Works },
        NatEvidence::Hairpin { outcome: Hairpin::WorksFromInside },
        NatEvidence::Hairpin { outcome: Hairpin::Fails },
    ];
    for one in &evidence {
        tell(one);
    }
    for answer in answers() {
        tell(&NatEvidence::Refused { answer });
    }
    let caveats = [
        NatCaveat::AddressesRewritten {
            plain: at("10.1.0.2:40000").into(),
            seen: at("203.0.113.7:40000").into(),
        },
        NatCaveat::MappingChanged {
            from: at("203.0.113.7:40000").into(),
            to: at("203.0.113.7:51234").into(),
        },
        NatCaveat::Shared(ProbeCaveat::Interrupted),
    ];
    for caveat in &caveats {
        tell(caveat);
    }
    hold_text("nat.statements", 80, &text);
}

/// Meanings, and what could not be determined.
#[test]
fn every_meaning_and_every_gap_reads_as_english() {
    let mut text = String::new();
    let mut tell = |told: &dyn Worded| {
        text.push_str(&Page::new(80).paragraph("- ", 2, &told.text()));
    };
    for meaning in [
        NatMeaning::Reachable,
        NatMeaning::ReachableAfterSending,
        NatMeaning::HolePunching,
        NatMeaning::RelayNeeded,
    ] {
        tell(&meaning);
    }
    let other = at("192.0.2.11:8621");
    let mut unknown = vec![
        NatUnknown::NatBeforeRelay,
        NatUnknown::FilteringBehindRelay,
        NatUnknown::MappingFirstUnanswered,
        NatUnknown::MappingUnanswered { address: other.into() },
        NatUnknown::MappingOneAddress,
        NatUnknown::MappingInPart { other: other.into() },
        NatUnknown::MappingByAddress,
        NatUnknown::MappingByPort,
        NatUnknown::FilteringFirstUnanswered,
        NatUnknown::FilteringOneAddress,
        NatUnknown::FilteringTooFewTries { sent: 12 },
        NatUnknown::FilteringLossy { lost: 12, sent: 30 },
        NatUnknown::FilteringPathSilent,
        NatUnknown::FilteringInterrupted,
        NatUnknown::FilteringOtherSilent { other: other.into() },
        NatUnknown::FilteringByAddress { reason: AddressUnknown::OneAddress },
        NatUnknown::FilteringByAddress { reason: AddressUnknown::Chance },
        NatUnknown::FilteringByAddress { reason: AddressUnknown::OtherSilent },
        NatUnknown::FilteringByPort,
        NatUnknown::HairpinNoAddress,
        NatUnknown::HairpinInterrupted,
    ];
    unknown.extend(answers().map(|answer| NatUnknown::FilteringRefused { answer }));
    for one in &unknown {
        tell(one);
    }
    hold_text("nat.gaps", 80, &text);
}
