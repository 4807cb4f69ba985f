//! What the facts mean for the path to other hosts: who answered, at which TTL, and what unicast
//! does on the same way.

use super::{CastCheck, CheckFar, CheckFinding, Outcome, finding};

/// Findings about whoever answered, or about their silence.
pub(super) fn findings(check: &CastCheck) -> Vec<CheckFinding> {
    let mut all = Vec::new();
    if let Some(far) = &check.far {
        all.push(reach(check, far));
        all.extend(back(far));
    } else if check.answers.is_empty() {
        all.push(finding(
            "beyond",
            Outcome::Unknown,
            "whether other hosts hear the group cannot be known from here",
            "nobody answered: no udpkit cast check GROUP --answer runs where this is heard",
            Some("run it on another host, and name that host with --far"),
        ));
    }
    all.extend(others(check));
    all
}

/// Whether the group reaches the far end.
fn reach(check: &CastCheck, far: &CheckFar) -> CheckFinding {
    let unicast = format!("{} of {} by unicast", far.unicast_back, far.unicast_sent);
    let group = format!("{} of {} by the group", far.group_back, far.group_sent);
    let say = |outcome, says: String, evidence: String, otherwise: Option<&str>| {
        finding("far", outcome, says, evidence, otherwise)
    };
    match (far.unicast_back > 0, far.group_back > 0) {
        (_, true) => {
            let least = far.ttl_least.unwrap_or(1);
            let says = match far.unicast_hops {
                Some(0) | None => format!("{} hears the group", far.address),
                Some(hops) => format!(
                    "{} hears the group beyond {}, from TTL {least} on",
                    far.address,
                    routers(hops)
                ),
            };
            let unicast_lost = (far.unicast_back == 0).then_some(
                "unicast to it is not answered: a firewall there lets only the group in",
            );
            say(Outcome::Ok, says, format!("answered {group}, {unicast}"), unicast_lost)
        }
        (true, false) => {
            let hops = far.unicast_hops.unwrap_or(0);
            let evidence = format!("answered {unicast}, {group}");
            let says = "unicast reaches it and the group does not".to_owned();
            if hops > 0 && check.ttl_max <= hops {
                return say(
                    Outcome::Broken,
                    format!("{says}: the TTL is too small for {}", routers(hops)),
                    format!("{evidence}; largest TTL tried {}", check.ttl_max),
                    Some("raise --ttl; senders need it as well"),
                );
            }
            if hops > 0 {
                return say(
                    Outcome::Broken,
                    format!("{says}: {} on the way", routers(hops)),
                    evidence,
                    Some(
                        "no multicast routing there, or none for this group or source; a snooping \
                         switch; another interface at the far end",
                    ),
                );
            }
            say(
                Outcome::Broken,
                format!("{says}: the switch, not the hosts"),
                evidence,
                Some(
                    "a snooping switch that missed the join or has no querier; the far end joined \
                     on another interface; its firewall drops the group",
                ),
            )
        }
        (false, false) => {
            let why = far.unreachable.as_ref().map(|why| format!("; {why}"));
            say(
                Outcome::Unknown,
                format!("{} does not answer at all", far.address),
                format!("answered {unicast}, {group}{}", why.unwrap_or_default()),
                Some("is udpkit cast check GROUP --answer running there? a firewall; the address"),
            )
        }
    }
}

/// Whether what the far end sends to the group is heard here.
fn back(far: &CheckFar) -> Option<CheckFinding> {
    // Only an answer proves that it was asked.
    if far.unicast_back == 0 {
        return None;
    }
    let evidence = format!("heard {} of {} that it was asked to send", far.heard, far.asked);
    if far.heard > 0 {
        return Some(finding("far back", Outcome::Ok, "its group is heard here", evidence, None));
    }
    Some(finding(
        "far back",
        Outcome::Broken,
        "its unicast arrives here, what it sends to the group does not",
        evidence,
        Some(
            "a snooping switch that missed this host's join or has no querier; rp_filter or a \
             firewall here; no multicast routing on the way",
        ),
    ))
}

/// The other hosts that answered, each with its distance.
fn others(check: &CastCheck) -> Vec<CheckFinding> {
    let known = check.far.as_ref().map_or("", |far| far.address.as_str());
    let is_far = |address: &str| !known.is_empty() && known.contains(address);
    let rest: Vec<_> = check.answers.iter().filter(|one| !is_far(&one.address)).collect();
    let Some(first) = rest.first() else { return Vec::new() };
    let names: Vec<&str> = rest.iter().take(4).map(|one| one.address.as_str()).collect();
    let more = if rest.len() > 4 { " and more" } else { "" };
    let hops: Vec<u8> = rest.iter().filter_map(|one| one.hops).collect();
    let furthest = match hops.iter().max() {
        None => "hops unknown".to_owned(),
        Some(0) => "all on this network".to_owned(),
        Some(most) => format!("up to {} away", routers(*most)),
    };
    let says = if rest.len() == 1 {
        "1 host hears the group and answered".to_owned()
    } else {
        format!("{} hosts hear the group and answered", rest.len())
    };
    let evidence = format!("{}{more}; {furthest}", names.join(", "));
    let by = format!("{} answers", first.interface);
    vec![finding(&by, Outcome::Ok, says, evidence, None)]
}

fn routers(hops: u8) -> String {
    if hops == 1 { "1 router".to_owned() } else { format!("{hops} routers") }
}

#[cfg(test)]
mod tests {
    use super::super::CheckAnswer;
    use super::*;

    fn far() -> CheckFar {
        CheckFar {
            address: "10.0.0.2:5000".to_owned(),
            unicast_sent: 3,
            unicast_back: 3,
            unicast_hops: Some(0),
            group_sent: 12,
            group_back: 12,
            ttl_least: Some(1),
            asked: 3,
            heard: 3,
            ..CheckFar::default()
        }
    }

    fn found(far: CheckFar, ttl_max: u8) -> Vec<(Outcome, String)> {
        let check = CastCheck { far: Some(far), ttl_max, ..CastCheck::default() };
        findings(&check).into_iter().map(|one| (one.outcome, one.says)).collect()
    }

    #[test]
    fn unicast_beside_the_group_tells_the_switch_from_the_host_and_the_ttl_from_the_router() {
        let lost = |hops, ttl_max| {
            let far = CheckFar { group_back: 0, unicast_hops: Some(hops), ..far() };
            found(far, ttl_max)[0].clone()
        };
        for (hops, ttl_max, part) in [
            (0, 64, "the switch, not the hosts"),
            (1, 1, "the TTL is too small for 1 router"),
            (2, 64, "2 routers on the way"),
        ] {
            let (outcome, says) = lost(hops, ttl_max);
            assert_eq!(outcome, Outcome::Broken);
            assert!(says.contains(part), "{says}");
        }
        let reached = CheckFar { unicast_hops: Some(1), ttl_least: Some(2), ..far() };
        assert_eq!(
            found(reached, 64)[0].1,
            "10.0.0.2:5000 hears the group beyond 1 router, from TTL 2 on"
        );
        let silent = CheckFar { unicast_back: 0, group_back: 0, ..far() };
        let silent = found(silent, 64);
        assert_eq!(silent.len(), 1);
        assert_eq!(silent[0].0, Outcome::Unknown);
        let deaf = found(CheckFar { heard: 0, ..far() }, 64);
        assert_eq!((deaf[0].0, deaf[1].0), (Outcome::Ok, Outcome::Broken));
    }

    #[test]
    fn silence_without_a_far_end_is_not_called_broken() {
        let mut check = CastCheck { ttl_max: 1, ..CastCheck::default() };
        assert_eq!(findings(&check)[0].outcome, Outcome::Unknown);
        check.answers.push(CheckAnswer {
            address: "10.0.0.9".to_owned(),
            interface: "eth0".to_owned(),
            hops: Some(2),
            ..CheckAnswer::default()
        });
        let told = &findings(&check)[0];
        assert_eq!((told.outcome, told.subject.as_str()), (Outcome::Ok, "eth0 answers"));
        assert_eq!(told.evidence, "10.0.0.9; up to 2 routers away");
    }
}
