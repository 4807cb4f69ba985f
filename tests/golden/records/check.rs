//! Golden files of `cast check`.

use crate::{hold, hold_text};
use serde::Serialize;
use std::net::SocketAddr;
use udpkit::batch::{
    ErrorOrigin, InterfaceChange, LocalCause, LocalSendFailure, NetworkError, NetworkErrorSummary,
};
use udpkit::record::{
    CastCheck, CastCheckVerdict, CheckAdvice, CheckAlternative, CheckAnswer, CheckAnswered,
    CheckCaveat, CheckEvent, CheckEvidence, CheckInterface, CheckRoute, CheckSince, CheckStream,
    CheckSubject, CheckUndecided, CheckVerdict, HeldFlow, HeldMembership, InterfaceEvent, LinkKind,
    RemoteEnd, Worded,
};
use udpkit::report::words::check as words;
use udpkit::report::{Page, cast_answered_text, cast_check_text};
use udpkit::units::Nanos;

const SECOND: u64 = 1_000_000_000;
const GROUP: &str = "239.1.2.3:5000";
const FAR_END: &str = "192.0.2.11:5000";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn refusal(errno: i32) -> LocalSendFailure {
    LocalSendFailure::from_errno(errno, address(GROUP))
}

fn system_error(errno: i32) -> LocalSendFailure {
    LocalSendFailure { cause: LocalCause::Unexplained, ..refusal(errno) }
}

fn port_unreachable() -> NetworkErrorSummary {
    let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, address(FAR_END), b"");
    error.offender = Some(address(FAR_END).ip());
    error.notice()
}

fn interface(name: &str) -> CheckInterface {
    CheckInterface {
        name: name.to_owned(),
        addresses: vec!["192.0.2.1".to_owned()],
        up: Some(true),
        carrier: Some(true),
        multicast: Some(true),
        listed: Some(true),
        igmp_version: Some(3),
        sent: 24,
        looped: 24,
        rp_filter: Some(0),
        ..CheckInterface::default()
    }
}

/// A host with one working interface, and no other hosts.
fn alone() -> CastCheck {
    CastCheck {
        group: GROUP.to_owned(),
        route: CheckRoute {
            source: Some("192.0.2.1".to_owned()),
            interface: Some("eth0".to_owned()),
            error: None,
        },
        interfaces: vec![interface("eth0")],
        ttl_max: 1,
        duration_ns: 1_036_000_000,
        probes_complete: true,
        ..CastCheck::default()
    }
}

fn far() -> RemoteEnd {
    RemoteEnd {
        address: FAR_END.to_owned(),
        interface: Some("eth0".to_owned()),
        unicast_sent: 3,
        unicast_back: 3,
        unicast_hops: Some(0),
        group_sent: 21,
        group_back: 21,
        group_in_reach_sent: 21,
        group_in_reach_back: 21,
        ttl_least: Some(1),
        asked: 3,
        heard: 3,
        ..RemoteEnd::default()
    }
}

fn with_far(far: RemoteEnd) -> CastCheck {
    CastCheck { far: Some(far), ttl_max: 64, ..alone() }
}

fn answer(address: &str, hops: u8) -> CheckAnswer {
    CheckAnswer {
        address: address.to_owned(),
        interface: "eth0".to_owned(),
        group_answers: 21,
        ttl_least: 1,
        hops: Some(hops),
        rtt_min_ns: Some(312_000),
    }
}

fn held(stream: CheckStream) -> HeldMembership {
    HeldMembership {
        asked_ns: 300 * SECOND,
        held_ns: 300 * SECOND,
        membership_ns: 260 * SECOND,
        streams: vec![stream],
        ..HeldMembership::default()
    }
}

fn stream(last_ns: u64) -> CheckStream {
    CheckStream {
        source: "192.0.2.77:54526".to_owned(),
        interface: Some("eth0".to_owned()),
        datagrams: 1_348,
        lost: Some(0),
        longest_gap_ns: 400_000_000,
        first_ns: 100_000_000,
        last_ns,
        ended: false,
    }
}

#[track_caller]
fn check(name: &str, mut record: CastCheck) -> CastCheckVerdict {
    record.judge();
    hold(&format!("check_{name}"), "cast check", &record, |page| cast_check_text(&record, page));
    record.verdict
}

#[test]
fn a_host_alone() {
    assert_eq!(check("alone", alone()), CastCheckVerdict::WorksAsFarAsSeen);
    let interrupted = CastCheck { interrupted: true, probes_complete: false, ..alone() };
    assert_eq!(check("interrupted", interrupted), CastCheckVerdict::Interrupted);
}

#[test]
fn a_far_end_on_the_same_network() {
    let mut works = with_far(far());
    works.interfaces[0].queries_heard = Some(1);
    works.interfaces[0].querier = Some("192.0.2.254".to_owned());
    let unknown = CheckAnswer { rtt_min_ns: None, ..answer("192.0.2.12", 0) };
    works.answers = vec![answer("192.0.2.11", 0), unknown];
    let far_end = FAR_END.to_owned();
    assert_eq!(check("works", works.clone()), CastCheckVerdict::WorksBothWays { far_end });
    works.far = None;
    assert_eq!(check("works_for_others", works), CastCheckVerdict::Works);

    let lost = |unicast_hops, group_sent| RemoteEnd {
        unicast_hops: Some(unicast_hops),
        unicast_sent: 15,
        unicast_back: 15,
        group_sent,
        group_back: 0,
        group_in_reach_sent: 15,
        group_in_reach_back: 0,
        ttl_least: None,
        asked: 15,
        heard: 0,
        ..far()
    };
    check("group_lost", with_far(lost(0, 33)));
    check("group_lost_beyond_routers", with_far(lost(2, 33)));
    check("ttl_too_small", CastCheck { ttl_max: 1, ..with_far(lost(2, 15)) });
    let silent = RemoteEnd {
        unicast_back: 0,
        group_back: 0,
        group_in_reach_back: 0,
        heard: 0,
        unreachable: Some(port_unreachable()),
        ..far()
    };
    check("silent", with_far(silent));
    let lossy = RemoteEnd { unicast_sent: 3, unicast_back: 2, ..lost(0, 12) };
    check("undecided", with_far(lossy));
}

#[test]
fn faults_of_this_host() {
    let bad = |change: fn(&mut CheckInterface)| {
        let mut one = interface("");
        change(&mut one);
        one
    };
    let mut all = vec![
        bad(|one| (one.sent, one.looped, one.join_error) = (0, 0, Some(system_error(19)))),
        bad(|one| (one.sent, one.refused, one.refusal) = (0, 24, Some(refusal(1)))),
        bad(|one| (one.sent, one.looped) = (0, 0)),
        bad(|one| one.up = Some(false)),
        bad(|one| one.carrier = Some(false)),
        bad(|one| one.listed = Some(false)),
        bad(|one| one.looped = 0),
        bad(|one| (one.sent, one.looped) = (6, 0)),
        bad(|one| one.looped = 17),
        bad(|one| one.multicast = Some(false)),
    ];
    for (index, one) in all.iter_mut().enumerate() {
        one.name = format!("eth{index}");
    }
    all[8].igmp_version = Some(2);
    all[9].rp_filter = Some(1);
    all[9].heard_by = vec!["eth8".to_owned()];
    let route = CheckRoute { error: Some(system_error(101)), ..CheckRoute::default() };
    check("host_faults", CastCheck { route, interfaces: all, paused_ns: 2 * SECOND, ..alone() });

    let mut tunnel = interface("wg0");
    tunnel.special = Some(LinkKind::Tunnel);
    tunnel.queries_before = Some(0);
    tunnel.queries_heard = Some(0);
    tunnel.rp_filter = Some(1);
    let mut strict = with_far(far());
    strict.route.interface = Some("wg0".to_owned());
    strict.interfaces = vec![tunnel, CheckInterface { rp_filter: Some(2), ..interface("eth0.5") }];
    check("warnings", strict);
}

#[test]
fn a_membership_that_is_held() {
    let at = |last_ns| {
        let mut check = alone();
        check.duration_ns = 300 * SECOND;
        check.interfaces[0].queries_heard = Some(0);
        check.hold = Some(held(stream(last_ns)));
        check
    };
    check("stream_ended_with_membership", at(269_612_000_000));
    check("stream_ended_early", at(87 * SECOND));
    check("stream_lasts", at(300 * SECOND));
    let mut outward = with_far(far());
    outward.duration_ns = 300 * SECOND;
    outward.hold = Some(HeldMembership {
        far_group_last_ns: Some(200 * SECOND),
        far_membership_ns: Some(261 * SECOND),
        far_unicast_last_ns: Some(299 * SECOND),
        far_since: Some(CheckSince { group_sent: 99, unicast_sent: 99, unicast_back: 99 }),
        ..held(stream(300 * SECOND))
    });
    check("far_end_ended_with_membership", outward);
}

#[test]
fn the_answering_side() {
    let answered = |unanswered, refused| CheckAnswered {
        group: GROUP.to_owned(),
        interfaces: vec!["eth0".to_owned()],
        group_probes: 1_021,
        unicast_probes: 3,
        answers: 1_024 - unanswered - refused,
        unanswered,
        refused,
        refusal: (refused > 0).then(|| refusal(105)),
        interface_events: if refused > 0 { interface_events() } else { Vec::new() },
        interrupted: true,
        duration_ns: 12_400_000_000,
        ..CheckAnswered::default()
    };
    for (name, record) in
        [("check_answered", answered(0, 0)), ("check_answered_in_part", answered(20, 7))]
    {
        hold(name, "cast check --answer", &record, |page| cast_answered_text(&record, page));
    }
}

/// An interface that went and came back.
fn interface_events() -> Vec<InterfaceEvent> {
    let group = GROUP.parse().expect("an address");
    let lost = InterfaceChange::MembershipLost { group, interface: "eth0".to_owned() };
    let back = InterfaceChange::Rejoined { group, interface: Some("eth0".to_owned()) };
    [lost, back].map(|change| InterfaceEvent { at_ns: 2_500_000_000, change }).to_vec()
}

/// Statements, each after its code.
fn list<T: Worded + Serialize>(all: &[T]) -> String {
    let page = Page::new(80);
    let mut text = String::new();
    for one in all {
        let value = serde_json::to_value(one).expect("a statement is JSON");
        text.push_str(value["code"].as_str().expect("a code"));
        text.push('\n');
        text.push_str(&page.paragraph("    ", 4, &one.text()));
    }
    text
}

#[test]
fn every_verdict_of_a_finding() {
    let far_end = || FAR_END.to_owned();
    let eth0 = || "eth0".to_owned();
    let why = |sent, lost| CheckUndecided::PathLoses { sent, lost };
    let (age_ns, membership_ns) = (87_250_000_000, 260 * SECOND);
    let ended = |what, queries_visible| CheckVerdict::EndedWithMembership {
        what,
        membership_ns,
        queries_visible,
    };
    let all = [
        CheckVerdict::RouteFound { interface: Some(eth0()) },
        CheckVerdict::RouteFound { interface: None },
        CheckVerdict::RouteBySpecialLink { interface: "wg0".to_owned(), kind: LinkKind::Tunnel },
        CheckVerdict::RouteBySpecialLink {
            interface: "docker0".to_owned(),
            kind: LinkKind::ContainerBridge,
        },
        CheckVerdict::NoRoute,
        CheckVerdict::LoopWorks,
        CheckVerdict::LoopUndecided,
        CheckVerdict::LoopLoses,
        CheckVerdict::LoopBroken,
        CheckVerdict::NotMulticast,
        CheckVerdict::JoinRefused,
        CheckVerdict::NotChecked,
        CheckVerdict::NothingSent,
        CheckVerdict::NotConnected,
        CheckVerdict::MembershipGone,
        CheckVerdict::QuerierHeard,
        CheckVerdict::OlderQuerier,
        CheckVerdict::QuerierNotYetKnown,
        CheckVerdict::QuerierHidden,
        CheckVerdict::NoQuerier { forgotten_after_ns: membership_ns },
        CheckVerdict::FilterDropsUnrouted,
        CheckVerdict::FilterDropsOtherRoutes,
        CheckVerdict::FilterDropsFarEnd { interface: eth0() },
        CheckVerdict::OthersUnknown,
        CheckVerdict::OthersInterrupted,
        CheckVerdict::HostsReply { hosts: 1 },
        CheckVerdict::HostsReply { hosts: 7 },
        CheckVerdict::FarEndReceives { far_end: far_end(), routers: None, ttl_least: 1 },
        CheckVerdict::FarEndReceives { far_end: far_end(), routers: Some(0), ttl_least: 1 },
        CheckVerdict::FarEndReceives { far_end: far_end(), routers: Some(3), ttl_least: 4 },
        CheckVerdict::FarEndRefused { far_end: far_end() },
        CheckVerdict::FarEndInterrupted { far_end: far_end() },
        CheckVerdict::FarEndSilent { far_end: far_end() },
        CheckVerdict::GroupUndecided { why: CheckUndecided::Interrupted },
        CheckVerdict::GroupUndecided { why: why(15, 5) },
        CheckVerdict::GroupUndecided { why: CheckUndecided::TooFewProbes },
        CheckVerdict::TtlTooSmall { routers: 1, ttl_max: 1 },
        CheckVerdict::GroupLost { routers: None },
        CheckVerdict::GroupLost { routers: Some(0) },
        CheckVerdict::GroupLost { routers: Some(2) },
        CheckVerdict::BackReceived,
        CheckVerdict::BackUndecided { why: CheckUndecided::TooFewProbes },
        CheckVerdict::BackLost,
        CheckVerdict::StreamOutlasts,
        CheckVerdict::StreamLastsSoFar,
        CheckVerdict::NothingReceived,
        CheckVerdict::SenderEnded,
        CheckVerdict::FarEndUndecided { why: why(40, 36) },
        CheckVerdict::Ended { what: HeldFlow::Stream, age_ns, membership_ns },
        CheckVerdict::Ended { what: HeldFlow::FarEnd, age_ns, membership_ns },
        ended(HeldFlow::Stream, true),
        ended(HeldFlow::FarEnd, true),
        ended(HeldFlow::FarEnd, false),
    ];
    hold_text("check_verdicts", 80, &list(&all));
    let (subject, interface) = (CheckSubject::Querier, Some(eth0()));
    let finding = CheckVerdict::NoQuerier { forgotten_after_ns: membership_ns };
    let whole = [
        CastCheckVerdict::NotJudged,
        CastCheckVerdict::Interrupted,
        CastCheckVerdict::WorksBothWays { far_end: far_end() },
        CastCheckVerdict::Works,
        CastCheckVerdict::WorksAsFarAsSeen,
        CastCheckVerdict::Warning { subject, interface, finding },
        CastCheckVerdict::Broken {
            subject: CheckSubject::ToFarEnd,
            interface: None,
            finding: CheckVerdict::GroupLost { routers: Some(0) },
        },
    ];
    hold_text("check_whole_verdicts", 80, &list(&whole));
}

#[test]
fn every_piece_of_evidence() {
    let eth0 = || "eth0".to_owned();
    let source = || "192.0.2.77:54526".to_owned();
    let queries = |before, during, from: Option<&str>| CheckEvidence::Queries {
        before,
        during,
        from: from.map(str::to_owned),
    };
    let replied = |more| CheckEvidence::Replied {
        addresses: vec!["192.0.2.12".to_owned(), "192.0.2.13".to_owned()],
        more,
    };
    let all = [
        CheckEvidence::SourceAddress { source: "192.0.2.1".to_owned() },
        CheckEvidence::NoSourceAddress,
        CheckEvidence::ConnectRefused { why: system_error(101) },
        CheckEvidence::JoinRefused { why: system_error(105) },
        CheckEvidence::ProbesRefused { refused: 24, why: refusal(1) },
        CheckEvidence::NoProbes,
        CheckEvidence::InterfaceDown,
        CheckEvidence::NoCarrier,
        CheckEvidence::MulticastFlagOff,
        CheckEvidence::MembershipListed,
        CheckEvidence::MembershipNotListed,
        CheckEvidence::OwnProbes { sent: 24, looped: 17 },
        CheckEvidence::IgmpVersion { version: 3 },
        CheckEvidence::SameNetwork { interfaces: vec!["eth1".to_owned(), "eth2".to_owned()] },
        queries(Some(1), 2, None),
        queries(Some(1_021), 0, Some("fe80::1")),
        queries(None, 1, Some("192.0.2.254")),
        CheckEvidence::IgmpFallback { version: 2 },
        CheckEvidence::NoQueryCounted,
        CheckEvidence::NoQuery { listened_ns: 300 * SECOND, interval_ns: 125 * SECOND },
        CheckEvidence::NoQueryYet { interval_ns: 125 * SECOND },
        CheckEvidence::QueriesNotCounted,
        CheckEvidence::ReversePathFilter { interface: eth0(), mode: 1 },
        CheckEvidence::ReversePathFilter { interface: eth0(), mode: 2 },
        CheckEvidence::RouteToFarEnd { interface: eth0() },
        CheckEvidence::SeveralInterfaces { interfaces: 2 },
        CheckEvidence::NoReplies,
        CheckEvidence::NoRepliesYet,
        replied(0),
        replied(12),
        CheckEvidence::Distance { routers_max: None },
        CheckEvidence::Distance { routers_max: Some(0) },
        CheckEvidence::Distance { routers_max: Some(1) },
        CheckEvidence::Answered { group_sent: 33, group_back: 0, unicast_sent: 1, unicast_back: 1 },
        CheckEvidence::BeyondChance { odds: 10_000 },
        CheckEvidence::Unreachable { error: port_unreachable() },
        CheckEvidence::FarEndRefused { refused: 15, why: Some(refusal(101)) },
        CheckEvidence::FarEndRefused { refused: 1, why: None },
        CheckEvidence::SentBack { asked: 15, arrived: 3 },
        CheckEvidence::LastUnanswered { probes: 40 },
        CheckEvidence::GroupAnswersEnded {
            age_ns: 261_040_000_000,
            unicast_longer_ns: 39_000_000_000,
        },
        CheckEvidence::Held { held_ns: 300 * SECOND },
        CheckEvidence::MembershipLasts { membership_ns: 260 * SECOND },
        CheckEvidence::StreamArrives { source: source(), datagrams: 1_348, held_ns: 300 * SECOND },
        CheckEvidence::StreamEnded { source: source(), datagrams: 1, last_ns: 269_612_000_000 },
        CheckEvidence::QueriesHeard { queries: 2 },
    ];
    hold_text("check_evidence", 80, &list(&all));
}

#[test]
fn every_explanation_caveat_and_advice() {
    let alternatives = [
        CheckAlternative::OwnFirewall,
        CheckAlternative::HostBusy,
        CheckAlternative::FirewallLimit,
        CheckAlternative::IgmpVersionForced,
        CheckAlternative::QueriesHidden,
        CheckAlternative::LongerQueryInterval,
        CheckAlternative::NotAnswering,
        CheckAlternative::Firewall,
        CheckAlternative::WrongAddress,
        CheckAlternative::NoMulticastRouting,
        CheckAlternative::SnoopingSwitch,
        CheckAlternative::SnoopingSwitchMissedFarEnd,
        CheckAlternative::FarEndOnOtherInterface,
        CheckAlternative::FarEndFirewall,
        CheckAlternative::SnoopingSwitchMissedThisHost,
        CheckAlternative::OwnFilters,
        CheckAlternative::NoMulticastRoutingOnPath,
        CheckAlternative::SnoopingWithoutQuerier,
        CheckAlternative::SenderStopped,
        CheckAlternative::PathChanged,
    ];
    hold_text("check_alternatives", 80, &list(&alternatives));
    let caveats = [
        CheckCaveat::MayBeChance,
        CheckCaveat::HarmlessWithoutSnooping,
        CheckCaveat::UnicastUndecided,
        CheckCaveat::UnicastUnanswered,
    ];
    hold_text("check_caveats", 80, &list(&caveats));
    let interface = || "eth0.5".to_owned();
    let advice = [
        CheckAdvice::NameInterface,
        CheckAdvice::AddRoute { ipv6: false },
        CheckAdvice::AddRoute { ipv6: true },
        CheckAdvice::ListFirewallRules,
        CheckAdvice::SetMulticastFlag { interface: interface() },
        CheckAdvice::HoldWithStream,
        CheckAdvice::HoldForQuery,
        CheckAdvice::HoldAsRoot,
        CheckAdvice::LoosenFilter { interface: interface() },
        CheckAdvice::LoosenFilterOrRoute { interface: interface() },
        CheckAdvice::RunAnswer,
        CheckAdvice::RaiseTtl,
        CheckAdvice::HoldLonger,
        CheckAdvice::HoldPastMembership,
        CheckAdvice::SendStream,
        CheckAdvice::HoldDuringStream,
        CheckAdvice::EnableQuerier,
        CheckAdvice::SetMembership,
    ];
    hold_text("check_advice", 80, &list(&advice));
}

#[test]
fn progress_lines_and_hints_for_arguments() {
    let held = |lively| CheckEvent::Held {
        held: Nanos::from_secs(20),
        asked: Nanos::from_secs(300),
        lively,
    };
    let mut lines = vec![words::answering(GROUP, &["eth0".to_owned(), "eth1".to_owned()])];
    let events = [
        CheckEvent::Asked("192.0.2.1"),
        CheckEvent::Answered("192.0.2.11"),
        CheckEvent::Heard("192.0.2.77:54526"),
        held(1),
        held(0),
    ];
    lines.extend(events.iter().map(Worded::text));
    lines.extend([words::GROUPS, words::ONE_INTERFACE, words::ANY_INTERFACE].map(str::to_owned));
    hold_text("check_notes", 80, &format!("{}\n", lines.join("\n")));
}
