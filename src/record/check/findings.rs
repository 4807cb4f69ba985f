//! What the state of this host means: its route, interfaces, queriers and filters.

use crate::stats::{LossSample, is_beyond_chance};

use super::{
    CastCheck, CheckAdvice as Advice, CheckAlternative as Alternative, CheckCaveat as Caveat,
    CheckEvidence as Evidence, CheckFinding, CheckInterface, CheckSubject as Subject,
    CheckVerdict as Verdict, membership_hold, path,
};

/// A querier's default query interval (RFC 3376 §8.2).
const QUERY_INTERVAL_NS: u64 = 125_000_000_000;
/// A query was due in this time, with its response interval.
const QUERY_DUE_NS: u64 = 130_000_000_000;
/// When a switch forgets a member without queries: 2 × 125 s + 10 s (RFC 3376 §8.4).
const FORGOTTEN_AFTER_NS: u64 = 260_000_000_000;

/// Every finding, in the order in which a datagram passes their subjects.
pub(super) fn findings(check: &CastCheck) -> Vec<CheckFinding> {
    let mut all = vec![route(check)];
    for interface in &check.interfaces {
        all.push(local(check, interface));
        if usable(interface) {
            all.push(querier(check, interface));
            all.extend(reverse_path(check, interface));
        }
    }
    all.extend(path::findings(check));
    all.extend(membership_hold::finding(check));
    all
}

fn route(check: &CastCheck) -> CheckFinding {
    let route = &check.route;
    let Some(source) = &route.source else {
        let evidence = match &route.error {
            Some(why) => Evidence::ConnectRefused { why: why.clone() },
            None => Evidence::NoSourceAddress,
        };
        return CheckFinding::new(Subject::Route, Verdict::NoRoute)
            .seen([evidence])
            .advise(Advice::AddRoute { ipv6: !check.is_v4() });
    };
    let evidence = [Evidence::SourceAddress { source: source.clone() }];
    let by = check.interfaces.iter().find(|one| route.interface.as_ref() == Some(&one.name));
    if let Some((interface, kind)) = by.and_then(|by| Some((by.name.clone(), by.special?))) {
        let verdict = Verdict::RouteBySpecialLink { interface, kind };
        return CheckFinding::new(Subject::Route, verdict)
            .seen(evidence)
            .advise(Advice::NameInterface);
    }
    let verdict = Verdict::RouteFound { interface: route.interface.clone() };
    CheckFinding::new(Subject::Route, verdict).seen(evidence)
}

/// Upper bound for a working host's loss of its own looped-back datagrams.
const OWN_LOSS: LossSample = LossSample { sent: 1_000, lost: 500 };

/// Whether the host's own probes show that it does not receive its own multicast: of `sent`, none
/// came back (`looped`), and chance is ruled out even if every other one is lost.
pub fn is_deaf(sent: u64, looped: u64, asked: u64) -> bool {
    looped == 0 && is_beyond_chance(LossSample::new(sent, 0), OWN_LOSS, asked)
}

/// Whether the group could be joined and sent to on an interface.
pub(super) fn usable(interface: &CheckInterface) -> bool {
    interface.join_error.is_none() && interface.sent > 0
}

/// Whether, as far as this host is concerned, the group can be joined, sent to and received on an
/// interface.
fn local(check: &CastCheck, interface: &CheckInterface) -> CheckFinding {
    let name = &interface.name;
    let found = |verdict| CheckFinding::on(name, Subject::Interface, verdict);
    if let Some(why) = &interface.join_error {
        return found(Verdict::JoinRefused).seen([Evidence::JoinRefused { why: why.clone() }]);
    }
    if interface.sent == 0 {
        let refused = interface.refused;
        return match interface.refusal.clone() {
            Some(why) => {
                found(Verdict::NothingSent).seen([Evidence::ProbesRefused { refused, why }])
            }
            None => found(Verdict::NotChecked).seen([Evidence::NoProbes]),
        };
    }
    if interface.up == Some(false) {
        return found(Verdict::NotConnected).seen([Evidence::InterfaceDown]);
    }
    if interface.carrier == Some(false) {
        return found(Verdict::NotConnected).seen([Evidence::NoCarrier]);
    }
    if interface.listed == Some(false) {
        return found(Verdict::MembershipGone).seen([Evidence::MembershipNotListed]);
    }
    let (sent, looped) = (interface.sent, interface.looped);
    let probes = Evidence::OwnProbes { sent, looped };
    if looped == 0 && !is_deaf(sent, looped, check.asked()) {
        return found(Verdict::LoopUndecided).seen([probes]).but([Caveat::MayBeChance]);
    }
    if looped == 0 {
        return found(Verdict::LoopBroken)
            .seen([probes])
            .or_else([Alternative::OwnFirewall])
            .advise(Advice::ListFirewallRules);
    }
    if interface.multicast == Some(false) {
        return found(Verdict::NotMulticast)
            .seen([Evidence::MulticastFlagOff, probes])
            .advise(Advice::SetMulticastFlag { interface: name.clone() });
    }
    if looped < sent {
        let alternatives = [Alternative::HostBusy, Alternative::FirewallLimit];
        return found(Verdict::LoopLoses).seen([probes]).or_else(alternatives);
    }
    let elsewhere = &interface.heard_by;
    let same_network = Evidence::SameNetwork { interfaces: elsewhere.clone() };
    found(Verdict::LoopWorks)
        .seen([probes])
        .seen(interface.listed.map(|_| Evidence::MembershipListed))
        .seen(interface.igmp_version.map(|version| Evidence::IgmpVersion { version }))
        .seen((!elsewhere.is_empty()).then_some(same_network))
}

/// Whether there is a querier: without one, a switch with IGMP snooping forgets memberships.
fn querier(check: &CastCheck, interface: &CheckInterface) -> CheckFinding {
    let found = |verdict| CheckFinding::on(&interface.name, Subject::Querier, verdict);
    let during = interface.queries_heard.unwrap_or(0);
    let before = interface.queries_before;
    if during + before.unwrap_or(0) > 0 {
        let from = interface.querier.clone();
        return found(Verdict::QuerierHeard).seen([Evidence::Queries { before, during, from }]);
    }
    if let Some(version) = interface.igmp_version.filter(|version| *version != 3) {
        return found(Verdict::OlderQuerier)
            .seen([Evidence::IgmpFallback { version }])
            .or_else([Alternative::IgmpVersionForced]);
    }
    let none = Verdict::NoQuerier { forgotten_after_ns: FORGOTTEN_AFTER_NS };
    if before.is_some() {
        return found(none)
            .seen([Evidence::NoQueryCounted])
            .or_else([Alternative::QueriesHidden])
            .but([Caveat::HarmlessWithoutSnooping])
            .advise(Advice::HoldWithStream);
    }
    let interval_ns = QUERY_INTERVAL_NS;
    match interface.queries_heard {
        Some(_) if check.duration_ns >= QUERY_DUE_NS => found(none)
            .seen([Evidence::NoQuery { listened_ns: check.duration_ns, interval_ns }])
            .or_else([Alternative::LongerQueryInterval, Alternative::QueriesHidden])
            .but([Caveat::HarmlessWithoutSnooping]),
        Some(_) => found(Verdict::QuerierNotYetKnown)
            .seen([Evidence::NoQueryYet { interval_ns }])
            .advise(Advice::HoldForQuery),
        None => found(Verdict::QuerierHidden)
            .seen([Evidence::QueriesNotCounted])
            .advise(Advice::HoldAsRoot),
    }
}

/// Whether the reverse-path filter may drop incoming datagrams (RFC 3704, `ip-sysctl`).
fn reverse_path(check: &CastCheck, interface: &CheckInterface) -> Option<CheckFinding> {
    let name = &interface.name;
    let mode = interface.rp_filter?;
    let found = |verdict| {
        let filter = Evidence::ReversePathFilter { interface: name.clone(), mode };
        CheckFinding::on(name, Subject::RpFilter, verdict).seen([filter])
    };
    let to_far = check.far.as_ref().and_then(|far| far.interface.as_ref());
    let others = check.interfaces.iter().filter(|one| usable(one)).count() as u64;
    match (mode, to_far) {
        (1, Some(by)) if by != name => Some(
            found(Verdict::FilterDropsFarEnd { interface: name.clone() })
                .seen([Evidence::RouteToFarEnd { interface: by.clone() }])
                .advise(Advice::LoosenFilterOrRoute { interface: name.clone() }),
        ),
        (1, _) if others > 1 => Some(
            found(Verdict::FilterDropsOtherRoutes)
                .seen([Evidence::SeveralInterfaces { interfaces: others }])
                .advise(Advice::LoosenFilter { interface: name.clone() }),
        ),
        (1..=2, _) => Some(found(Verdict::FilterDropsUnrouted)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CastCheckVerdict, CheckRoute, Outcome, RemoteEnd};
    use super::*;
    use crate::batch::{LinkKind, LocalSendFailure};

    /// A change to the interface, the verdict, and the evidence.
    type Case = (fn(&mut CheckInterface), Verdict, Vec<Evidence>);

    fn interface() -> CheckInterface {
        CheckInterface {
            name: "eth0".to_owned(),
            up: Some(true),
            carrier: Some(true),
            multicast: Some(true),
            listed: Some(true),
            sent: 20,
            looped: 20,
            rp_filter: Some(0),
            ..CheckInterface::default()
        }
    }

    fn check(interface: CheckInterface) -> CastCheck {
        let mut check = CastCheck {
            group: "239.1.2.3:5000".to_owned(),
            route: CheckRoute {
                source: Some("10.0.0.1".to_owned()),
                interface: Some("eth0".to_owned()),
                error: None,
            },
            interfaces: vec![interface],
            ttl_max: 1,
            duration_ns: 1_500_000_000,
            ..CastCheck::default()
        };
        check.judge();
        check
    }

    fn of(check: &CastCheck, subject: Subject) -> &CheckFinding {
        let found = check.findings.iter().find(|one| one.subject == subject);
        found.unwrap_or_else(|| panic!("no {subject:?} in {:#?}", check.findings))
    }

    fn refusal(errno: i32) -> LocalSendFailure {
        LocalSendFailure::from_errno(errno, "239.1.2.3:5000".parse().unwrap())
    }

    #[track_caller]
    fn hold(subject: Subject, cases: Vec<Case>) {
        for (change, verdict, evidence) in cases {
            let mut one = interface();
            change(&mut one);
            let check = check(one);
            let found = of(&check, subject);
            assert_eq!(found.interface.as_deref(), Some("eth0"));
            assert_eq!(found.outcome, verdict.outcome());
            assert_eq!((&found.found.verdict, &found.found.evidence), (&verdict, &evidence));
        }
    }

    #[test]
    fn what_an_interface_does_is_told_with_its_counts() {
        let probes = |sent, looped| Evidence::OwnProbes { sent, looped };
        hold(
            Subject::Interface,
            vec![
                (|_| {}, Verdict::LoopWorks, vec![probes(20, 20), Evidence::MembershipListed]),
                (
                    |one| {
                        one.igmp_version = Some(3);
                        one.heard_by = vec!["eth1".to_owned()];
                    },
                    Verdict::LoopWorks,
                    vec![
                        probes(20, 20),
                        Evidence::MembershipListed,
                        Evidence::IgmpVersion { version: 3 },
                        Evidence::SameNetwork { interfaces: vec!["eth1".to_owned()] },
                    ],
                ),
                (|one| one.looped = 0, Verdict::LoopBroken, vec![probes(20, 0)]),
                (|one| (one.sent, one.looped) = (6, 0), Verdict::LoopUndecided, vec![probes(6, 0)]),
                (|one| one.looped = 4, Verdict::LoopLoses, vec![probes(20, 4)]),
                (|one| one.up = Some(false), Verdict::NotConnected, vec![Evidence::InterfaceDown]),
                (|one| one.carrier = Some(false), Verdict::NotConnected, vec![Evidence::NoCarrier]),
                (
                    |one| one.multicast = Some(false),
                    Verdict::NotMulticast,
                    vec![Evidence::MulticastFlagOff, probes(20, 20)],
                ),
                (
                    |one| one.listed = Some(false),
                    Verdict::MembershipGone,
                    vec![Evidence::MembershipNotListed],
                ),
                (
                    |one| one.join_error = Some(refusal(19)),
                    Verdict::JoinRefused,
                    vec![Evidence::JoinRefused { why: refusal(19) }],
                ),
                (
                    |one| (one.sent, one.looped) = (0, 0),
                    Verdict::NotChecked,
                    vec![Evidence::NoProbes],
                ),
                (
                    |one| (one.sent, one.refused, one.refusal) = (0, 20, Some(refusal(1))),
                    Verdict::NothingSent,
                    vec![Evidence::ProbesRefused { refused: 20, why: refusal(1) }],
                ),
            ],
        );
    }

    #[test]
    fn an_interface_that_no_probe_was_due_on_is_not_called_broken() {
        let unchecked = CheckInterface { sent: 0, looped: 0, ..interface() };
        let mut check = check(unchecked);
        (check.interrupted, check.probes_complete) = (true, false);
        check.judge();
        assert_eq!(of(&check, Subject::Interface).outcome, Outcome::Unknown);
        assert_eq!(check.verdict, CastCheckVerdict::Interrupted);
    }

    #[test]
    fn a_querier_is_seen_by_its_queries_or_by_an_older_version_and_else_not_made_up() {
        let queries = |before, during| Evidence::Queries { before, during, from: None };
        let none = Verdict::NoQuerier { forgotten_after_ns: 260_000_000_000 };
        let not_yet = Evidence::NoQueryYet { interval_ns: 125_000_000_000 };
        hold(
            Subject::Querier,
            vec![
                (
                    |one| one.queries_before = Some(3),
                    Verdict::QuerierHeard,
                    vec![queries(Some(3), 0)],
                ),
                (|one| one.queries_heard = Some(1), Verdict::QuerierHeard, vec![queries(None, 1)]),
                (
                    |one| one.igmp_version = Some(2),
                    Verdict::OlderQuerier,
                    vec![Evidence::IgmpFallback { version: 2 }],
                ),
                (|one| one.queries_before = Some(0), none.clone(), vec![Evidence::NoQueryCounted]),
                (|_| {}, Verdict::QuerierHidden, vec![Evidence::QueriesNotCounted]),
                (|one| one.queries_heard = Some(0), Verdict::QuerierNotYetKnown, vec![not_yet]),
            ],
        );
        let mut long = check(CheckInterface { queries_heard: Some(0), ..interface() });
        long.duration_ns = 300_000_000_000;
        long.judge();
        let found = of(&long, Subject::Querier);
        let (listened_ns, interval_ns) = (300_000_000_000, 125_000_000_000);
        assert_eq!(found.found.verdict, none);
        assert_eq!(found.found.evidence, [Evidence::NoQuery { listened_ns, interval_ns }]);
    }

    #[test]
    fn a_missing_route_and_a_strict_filter_are_named() {
        let mut lost = check(interface());
        lost.route = CheckRoute { error: Some(refusal(101)), ..Default::default() };
        lost.judge();
        let route = of(&lost, Subject::Route);
        assert_eq!(route.outcome, Outcome::Broken);
        assert_eq!(route.found.verdict, Verdict::NoRoute);
        assert_eq!(route.found.evidence, [Evidence::ConnectRefused { why: refusal(101) }]);
        assert_eq!(route.advice, [Advice::AddRoute { ipv6: false }]);
        let (subject, finding) = (Subject::Route, Verdict::NoRoute);
        assert_eq!(lost.verdict, CastCheckVerdict::Broken { subject, interface: None, finding });

        let mut strict = check(CheckInterface { rp_filter: Some(1), ..interface() });
        let verdict = |check: &CastCheck| of(check, Subject::RpFilter).found.verdict.clone();
        assert_eq!(verdict(&strict), Verdict::FilterDropsUnrouted);
        strict.far = Some(RemoteEnd { interface: Some("eth1".into()), ..RemoteEnd::default() });
        strict.judge();
        assert_eq!(verdict(&strict), Verdict::FilterDropsFarEnd { interface: "eth0".to_owned() });
        strict.far = None;
        strict.interfaces.push(CheckInterface { name: "eth1".to_owned(), ..interface() });
        strict.judge();
        assert_eq!(verdict(&strict), Verdict::FilterDropsOtherRoutes);

        let vpn = check(CheckInterface { special: Some(LinkKind::Tunnel), ..interface() });
        let (interface, kind) = ("eth0".to_owned(), LinkKind::Tunnel);
        let special = Verdict::RouteBySpecialLink { interface, kind };
        assert_eq!(of(&vpn, Subject::Route).found.verdict, special);
        let (subject, interface) = (Subject::Route, None);
        let warning = CastCheckVerdict::Warning { subject, interface, finding: special };
        assert_eq!(vpn.verdict, warning);
    }
}
