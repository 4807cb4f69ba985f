//! What the facts about this host mean: its route, its interfaces, queriers and filters.

use crate::stats::{LossSample, is_beyond_chance};

use super::{CastCheck, CheckFinding, CheckInterface, Outcome, finding, hold, path};

/// Every finding, in the order in which a datagram meets what they are about.
pub(super) fn findings(check: &CastCheck) -> Vec<CheckFinding> {
    let mut all = vec![route(check)];
    for interface in &check.interfaces {
        all.push(local(interface, check.asked()));
        if usable(interface) {
            all.extend(querier(check, interface));
            all.extend(reverse_path(check, interface));
        }
    }
    all.extend(path::findings(check));
    all.extend(hold::finding(check));
    all
}

fn route(check: &CastCheck) -> CheckFinding {
    let route = &check.route;
    let Some(source) = &route.source else {
        let why = route.error.as_deref().unwrap_or("no source address");
        return finding(
            "route",
            Outcome::Broken,
            "no route to the group: a program that names no interface cannot send to it or join it",
            format!("connecting a socket to it: {why}"),
            Some(if check.is_v4() {
                "name the interface (--interface), or: ip route add 224.0.0.0/4 dev eth0"
            } else {
                "name the interface (--interface), or: ip -6 route add multicast ff00::/8 dev eth0 \
                 table local"
            }),
        );
    };
    let by = route.interface.as_deref().unwrap_or("an unknown interface");
    let evidence = format!("a socket connected to the group gets {source}");
    let special = check.interfaces.iter().find(|one| one.name == by).and_then(|one| one.special);
    if let Some(kind) = special {
        return finding(
            "route",
            Outcome::Doubt,
            format!("a program that names no interface uses {by}, a {kind}"),
            evidence,
            Some("name the interface that the group is on (--interface)"),
        );
    }
    let says = format!("a program that names no interface uses {by}");
    finding("route", Outcome::Ok, says, evidence, None)
}

/// No host that works loses more than this of what it sends to itself.
const OWN_LOSS: LossSample = LossSample { sent: 1_000, lost: 500 };

/// Whether so many own probes, of which so many came back, show that a host does not hear itself: not
/// one came, and chance is ruled out even where every other one is lost.
pub fn is_deaf(sent: u64, looped: u64, asked: u64) -> bool {
    looped == 0 && is_beyond_chance(LossSample::new(sent, 0), OWN_LOSS, asked)
}

/// Whether an interface let the group be joined and sent to.
pub(super) fn usable(interface: &CheckInterface) -> bool {
    interface.join_error.is_none() && interface.sent > 0
}

/// Whether the group can be joined, sent to and heard on an interface, as far as this host goes.
fn local(interface: &CheckInterface, asked: u64) -> CheckFinding {
    let broken = |says: &str, evidence: String, otherwise| {
        finding(&interface.name, Outcome::Broken, says, evidence, otherwise)
    };
    if let Some(why) = &interface.join_error {
        return broken("the group cannot be joined here", format!("the kernel says: {why}"), None);
    }
    if interface.sent == 0 {
        let why = interface.refusal.as_deref().unwrap_or("nothing was due");
        return broken("nothing can be sent to the group here", format!("refused: {why}"), None);
    }
    if interface.up == Some(false) || interface.carrier == Some(false) {
        let what = if interface.up == Some(false) { "it is down" } else { "it has no carrier" };
        return broken(
            "the group is joined, on an interface that is not connected",
            what.into(),
            None,
        );
    }
    if interface.listed == Some(false) {
        let evidence = "the kernel's list of memberships (/proc/net) lacks it".to_owned();
        return broken("the group was joined and the membership is gone", evidence, None);
    }
    let counts = format!("{} of {} own probes came back", interface.looped, interface.sent);
    if interface.looped == 0 && !is_deaf(interface.sent, interface.looped, asked) {
        return finding(
            &interface.name,
            Outcome::Unknown,
            "whether this host hears what it sends to the group itself is not told",
            format!("{counts}, which may be chance"),
            None,
        );
    }
    if interface.looped == 0 {
        return broken(
            "this host does not hear what it sends to the group itself",
            counts,
            Some("a firewall of this host drops it: nft list ruleset, iptables -L"),
        );
    }
    if interface.multicast == Some(false) {
        return finding(
            &interface.name,
            Outcome::Doubt,
            "the interface does not say that it carries multicast",
            format!("flag MULTICAST is off; {counts}"),
            Some("ip link set DEV multicast on"),
        );
    }
    if interface.looped < interface.sent {
        return finding(
            &interface.name,
            Outcome::Doubt,
            "the group works within this host, with losses",
            counts,
            Some("a busy host, or a firewall with a limit"),
        );
    }
    let version =
        interface.igmp_version.as_ref().map(|version| format!(", IGMP{}", version.to_lowercase()));
    let listed = if interface.listed.is_some() { ", membership listed" } else { "" };
    let elsewhere = match interface.heard_by.as_slice() {
        [] => String::new(),
        some => format!("; heard by {} too: the same network", some.join(", ")),
    };
    finding(
        &interface.name,
        Outcome::Ok,
        "joined, sent to and heard within this host",
        format!("{counts}{listed}{}{elsewhere}", version.unwrap_or_default()),
        None,
    )
}

/// Whether somebody asks for memberships: a switch that snoops forgets them otherwise.
fn querier(check: &CastCheck, interface: &CheckInterface) -> Option<CheckFinding> {
    let name = format!("{} querier", interface.name);
    let say = |outcome, says: &str, evidence: String, otherwise| {
        Some(finding(&name, outcome, says, evidence, otherwise))
    };
    let heard = interface.queries_heard.unwrap_or(0);
    let before = interface.queries_before.unwrap_or(0);
    if heard + before > 0 {
        let whom = interface.querier.as_ref().map(|address| format!(" from {address}"));
        let evidence = format!(
            "{before} queries before this check, {heard} during it{}",
            whom.unwrap_or_default()
        );
        return say(Outcome::Ok, "a querier keeps memberships alive", evidence, None);
    }
    if interface.igmp_version.as_deref().is_some_and(|version| version != "V3") {
        let version = interface.igmp_version.clone().unwrap_or_default().to_lowercase();
        let evidence =
            format!("the kernel fell back to IGMP{version}, as a query of it makes it do");
        let otherwise = Some("or it was told to: net.ipv4.conf.*.force_igmp_version");
        return say(Outcome::Ok, "a querier of an older version was heard", evidence, otherwise);
    }
    if interface.queries_before.is_some() {
        return say(
            Outcome::Doubt,
            "no querier was heard: without one, a switch that snoops ends the group after 260 s",
            "no query since the interface came up (Icmp6InGroupMembQueries)".to_owned(),
            Some(
                "harmless where no switch snoops; a firewall can hide queries; --hold 300 shows \
                 whether a stream lasts",
            ),
        );
    }
    let held = check.duration_ns >= 130_000_000_000;
    match interface.queries_heard {
        Some(_) if held => say(
            Outcome::Doubt,
            "no querier was heard: without one, a switch that snoops ends the group after 260 s",
            format!("no query in {} s; one is due every 125 s", check.duration_ns / 1_000_000_000),
            Some("harmless where no switch snoops; another query interval; a firewall"),
        ),
        Some(_) => say(
            Outcome::Unknown,
            "whether there is a querier does not show this soon",
            "no query so far; one is due every 125 s".to_owned(),
            Some("--hold 300 listens long enough"),
        ),
        None => say(
            Outcome::Unknown,
            "whether there is a querier cannot be seen",
            "IGMPv3 queries leave no count that a user may read".to_owned(),
            Some("as root --hold 300 sees them; without, it still shows whether a stream lasts"),
        ),
    }
}

/// Whether the reverse-path filter may drop what comes in (RFC 3704, `ip-sysctl`).
fn reverse_path(check: &CastCheck, interface: &CheckInterface) -> Option<CheckFinding> {
    let name = format!("{} rp_filter", interface.name);
    let far = check.far.as_ref().and_then(|far| far.interface.as_deref());
    let evidence =
        |mode: u8| format!("net.ipv4.conf rp_filter is {mode}, of all and {}", interface.name);
    match interface.rp_filter? {
        1 if far.is_some_and(|by| by != interface.name) => {
            let by = far.unwrap_or_default();
            Some(finding(
                &name,
                Outcome::Doubt,
                format!("what the far end sends by {} is dropped in silence", interface.name),
                format!("{}; the route to it is by {by}", evidence(1)),
                Some("sysctl net.ipv4.conf.DEV.rp_filter=2, or a route to it by this interface"),
            ))
        }
        1 if check.interfaces.iter().filter(|one| usable(one)).count() > 1 => Some(finding(
            &name,
            Outcome::Doubt,
            "a source that this host would not reach by this interface is not heard",
            format!("{} (strict), with several interfaces", evidence(1)),
            Some("sysctl net.ipv4.conf.DEV.rp_filter=2 where sources are elsewhere"),
        )),
        mode @ 1..=2 => Some(finding(
            &name,
            Outcome::Ok,
            "a source to which this host has no route is not heard",
            evidence(mode),
            None,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CheckFar, CheckRoute};
    use super::*;

    /// A change, what comes of it, and a part of the words.
    type Case = (fn(&mut CheckInterface), Outcome, &'static str);

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

    fn of(check: &CastCheck, subject: &str) -> (Outcome, String) {
        let found = check.findings.iter().find(|one| one.subject == subject);
        let found = found.unwrap_or_else(|| panic!("no {subject} in {:#?}", check.findings));
        (found.outcome, format!("{} {}", found.says, found.evidence))
    }

    #[test]
    fn what_an_interface_does_is_told_in_words() {
        let cases: [Case; 8] = [
            (|_| {}, Outcome::Ok, "20 of 20 own probes came back"),
            (|one| one.looped = 0, Outcome::Broken, "does not hear what it sends"),
            (|one| (one.sent, one.looped) = (6, 0), Outcome::Unknown, "may be chance"),
            (|one| one.looped = 4, Outcome::Doubt, "4 of 20"),
            (|one| one.carrier = Some(false), Outcome::Broken, "no carrier"),
            (|one| one.multicast = Some(false), Outcome::Doubt, "MULTICAST is off"),
            (|one| one.listed = Some(false), Outcome::Broken, "membership is gone"),
            (|one| one.join_error = Some("no such device".into()), Outcome::Broken, "such device"),
        ];
        for (change, outcome, part) in cases {
            let mut one = interface();
            change(&mut one);
            let (found, words) = of(&check(one), "eth0");
            assert_eq!(found, outcome, "{words}");
            assert!(words.contains(part), "{words}");
        }
    }

    #[test]
    fn a_querier_is_seen_by_its_queries_or_by_an_older_version_and_else_not_made_up() {
        let cases: [Case; 5] = [
            (|one| one.queries_before = Some(3), Outcome::Ok, "3 queries before"),
            (|one| one.queries_heard = Some(1), Outcome::Ok, "1 during"),
            (|one| one.igmp_version = Some("V2".into()), Outcome::Ok, "fell back to IGMPv2"),
            (|one| one.queries_before = Some(0), Outcome::Doubt, "no querier"),
            (|_| {}, Outcome::Unknown, "cannot be seen"),
        ];
        for (change, outcome, part) in cases {
            let mut one = interface();
            change(&mut one);
            let (found, words) = of(&check(one), "eth0 querier");
            assert_eq!(found, outcome, "{words}");
            assert!(words.contains(part), "{words}");
        }
        let mut seen = interface();
        seen.queries_heard = Some(0);
        assert_eq!(of(&check(seen.clone()), "eth0 querier").0, Outcome::Unknown);
        let mut long = check(seen);
        long.duration_ns = 300_000_000_000;
        long.judge();
        assert_eq!(of(&long, "eth0 querier").0, Outcome::Doubt);
    }

    #[test]
    fn a_missing_route_and_a_strict_filter_are_named() {
        let mut lost = check(interface());
        lost.route =
            CheckRoute { error: Some("network is unreachable".into()), ..Default::default() };
        lost.judge();
        assert_eq!(of(&lost, "route").0, Outcome::Broken);
        assert_eq!(lost.verdict, Some(Outcome::Broken));
        let mut strict = check(CheckInterface { rp_filter: Some(1), ..interface() });
        assert_eq!(of(&strict, "eth0 rp_filter").0, Outcome::Ok);
        strict.far = Some(CheckFar { interface: Some("eth1".into()), ..CheckFar::default() });
        strict.judge();
        assert_eq!(of(&strict, "eth0 rp_filter").0, Outcome::Doubt);
        let mut vpn = check(CheckInterface { special: Some("tunnel"), ..interface() });
        vpn.judge();
        assert_eq!(of(&vpn, "route").0, Outcome::Doubt);
    }
}
