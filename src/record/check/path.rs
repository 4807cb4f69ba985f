//! What the facts mean for the path to other hosts: who answered, at which TTL, and what unicast
//! does on the same way.

use super::{CastCheck, CheckFar, CheckFinding, Outcome, finding};
use crate::stats::{LossSample, ODDS, is_beyond_chance};

impl CheckFar {
    fn group(&self) -> LossSample {
        LossSample::new(self.group_in_reach_sent, self.group_in_reach_back)
    }

    fn unicast(&self) -> LossSample {
        LossSample::new(self.unicast_sent, self.unicast_back)
    }

    fn returned_by_group(&self) -> LossSample {
        LossSample::new(self.asked, self.heard)
    }

    /// Whether it told nothing at all, and neither did the network or this host in its place.
    pub fn is_silent(&self) -> bool {
        let none = self.unicast_back == 0 && self.group_back == 0;
        none && self.unreachable.is_none() && self.refused == 0
    }

    /// Whether one kind of probe was never answered where another was, and chance may have done that.
    pub fn is_undecided(&self, asked: u64) -> bool {
        let open = |suspect: LossSample, control: LossSample| {
            let silent = suspect.sent > 0 && suspect.lost == suspect.sent;
            silent && control.lost < control.sent && !is_beyond_chance(suspect, control, asked)
        };
        open(self.group(), self.unicast())
            || open(self.unicast(), self.group())
            || open(self.returned_by_group(), self.unicast())
    }
}

/// Findings about whoever answered, or about their silence.
pub(super) fn findings(check: &CastCheck) -> Vec<CheckFinding> {
    let mut all = Vec::new();
    let nobody = check.far.is_none() && check.answers.is_empty();
    if let Some(far) = &check.far {
        all.push(reach(check, far));
        all.extend(back(check, far));
    } else if nobody && check.interrupted && !check.probes_complete {
        all.push(finding(
            "beyond",
            Outcome::Unknown,
            "whether other hosts hear the group is not told: the check was interrupted",
            "nobody had answered by then",
            None,
        ));
    } else if nobody {
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

/// Whether silence has been waited for.
fn is_cut_short(check: &CastCheck) -> bool {
    check.interrupted && !check.probes_complete
}

/// Why silence tells nothing: the check ended early, or the path loses at random.
fn not_told(check: &CastCheck, control: LossSample) -> String {
    match control.percent() {
        _ if is_cut_short(check) => "the check was interrupted".to_owned(),
        Some(share) if control.lost > 0 => format!("the path loses {share:.0} %"),
        _ => "too few probes to tell it from chance".to_owned(),
    }
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
                    "{} hears the group beyond {}, TTL {least} is enough",
                    far.address,
                    routers(hops)
                ),
            };
            let beyond = is_beyond_chance(far.unicast(), far.group(), check.asked());
            let unicast_lost = match far.unicast_back {
                0 if is_cut_short(check) || !beyond => {
                    Some("whether unicast to it is answered is not told: too few came")
                }
                0 => Some("unicast to it is not answered: a firewall there lets only the group in"),
                _ => None,
            };
            say(Outcome::Ok, says, format!("answered {group}, {unicast}"), unicast_lost)
        }
        (true, false) => silent_group(check, far, format!("answered {unicast}, {group}")),
        (false, false) if far.refused > 0 && far.unicast_sent == 0 => {
            let why = far.refusal.as_deref().unwrap_or("refused");
            say(
                Outcome::Unknown,
                format!("{} cannot be asked from here", far.address),
                format!("this host refused {} probes to it: {why}", far.refused),
                None,
            )
        }
        (false, false) => {
            let why = far.unreachable.as_ref().map(|why| format!("; {why}"));
            let says = if is_cut_short(check) {
                "had not answered when the check was interrupted"
            } else {
                "does not answer at all"
            };
            say(
                Outcome::Unknown,
                format!("{} {says}", far.address),
                format!("answered {unicast}, {group}{}", why.unwrap_or_default()),
                Some("is udpkit cast check GROUP --answer running there? a firewall; the address"),
            )
        }
    }
}

/// What it means that unicast is answered and the group is not.
fn silent_group(check: &CastCheck, far: &CheckFar, evidence: String) -> CheckFinding {
    let say = |outcome, says: String, evidence: String, otherwise: Option<&str>| {
        finding("far", outcome, says, evidence, otherwise)
    };
    let hops = far.unicast_hops.unwrap_or(0);
    let says = "unicast reaches it and the group does not".to_owned();
    // By how far it is no probe could reach it: no chance in that.
    if hops > 0 && check.ttl_max <= hops {
        return say(
            Outcome::Broken,
            format!("{says}: the TTL is too small for {}", routers(hops)),
            format!("{evidence}; largest TTL tried {}", check.ttl_max),
            Some("raise --ttl; senders need it as well"),
        );
    }
    if is_cut_short(check) || !is_beyond_chance(far.group(), far.unicast(), check.asked()) {
        let why = not_told(check, far.unicast());
        let says = format!("whether the group reaches it is not told: {why}");
        return say(Outcome::Unknown, says, evidence, None);
    }
    let evidence = format!("{evidence}; by chance in fewer than 1 of {ODDS} such checks");
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

/// Whether what the far end sends to the group is heard here.
fn back(check: &CastCheck, far: &CheckFar) -> Option<CheckFinding> {
    // Only an answer proves that it was asked.
    if far.unicast_back == 0 {
        return None;
    }
    let evidence = format!("heard {} of {} that it was asked to send", far.heard, far.asked);
    if far.heard > 0 {
        return Some(finding("far back", Outcome::Ok, "its group is heard here", evidence, None));
    }
    let beyond = is_beyond_chance(far.returned_by_group(), far.unicast(), check.asked());
    if is_cut_short(check) || !beyond {
        let why = not_told(check, far.unicast());
        let says = format!("whether its group is heard here is not told: {why}");
        return Some(finding("far back", Outcome::Unknown, says, evidence, None));
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
    let known = check.far.as_ref().map(|far| host_of(&far.address));
    let is_far = |address: &str| known == Some(address);
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

/// The address without its port, brackets and zone.
fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.split('%').next().unwrap_or(host)
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
            unicast_sent: 15,
            unicast_back: 15,
            unicast_hops: Some(0),
            group_sent: 24,
            group_back: 24,
            group_in_reach_sent: 24,
            group_in_reach_back: 24,
            ttl_least: Some(1),
            asked: 15,
            heard: 15,
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
            let (group_back, group_in_reach_back) = (0, 0);
            let unicast_hops = Some(hops);
            let far = CheckFar { unicast_hops, group_back, group_in_reach_back, ..far() };
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
            "10.0.0.2:5000 hears the group beyond 1 router, TTL 2 is enough"
        );
        let silent = CheckFar { unicast_back: 0, group_back: 0, ..far() };
        let silent = found(silent, 64);
        assert_eq!(silent.len(), 1);
        assert_eq!(silent[0].0, Outcome::Unknown);
        let deaf = found(CheckFar { heard: 0, ..far() }, 64);
        assert_eq!((deaf[0].0, deaf[1].0), (Outcome::Ok, Outcome::Broken));
    }

    #[test]
    fn what_chance_may_have_done_is_asked_again_and_accuses_nobody() {
        let lost = |unicast_back, heard, group_in_reach_back| CheckFar {
            unicast_sent: 3,
            unicast_back,
            group_sent: 12,
            group_back: group_in_reach_back,
            group_in_reach_sent: 3,
            group_in_reach_back,
            asked: 3,
            heard,
            ..far()
        };
        for far in [lost(3, 3, 0), lost(2, 0, 3), lost(0, 0, 3), lost(1, 0, 0)] {
            assert!(far.is_undecided(4), "{far:?}");
            let told = found(far, 64);
            assert!(told.iter().all(|one| one.0 != Outcome::Broken), "{told:?}");
        }
        assert_eq!(
            found(lost(2, 3, 0), 64)[0].1,
            "whether the group reaches it is not told: the path loses 33 %"
        );
        assert!(!far().is_undecided(4) && !far().is_silent());
        assert!(CheckFar::default().is_silent() && !CheckFar::default().is_undecided(4));
        // What this host refused was no silence.
        let refused = CheckFar {
            refused: 15,
            refusal: Some("this host has no route there (ENETUNREACH)".to_owned()),
            address: far().address,
            ..CheckFar::default()
        };
        assert!(!refused.is_silent());
        let told = &found(refused, 64)[0];
        assert_eq!(
            (told.0, told.1.as_str()),
            (Outcome::Unknown, "10.0.0.2:5000 cannot be asked from here")
        );
    }

    #[test]
    fn a_check_that_was_cut_short_takes_no_silence_for_a_fault() {
        let mut check = CastCheck { ttl_max: 64, interrupted: true, ..CastCheck::default() };
        check.far = Some(CheckFar { group_back: 0, group_in_reach_back: 0, heard: 0, ..far() });
        let broken = |check: &CastCheck| {
            findings(check).iter().filter(|one| one.outcome == Outcome::Broken).count()
        };
        assert_eq!(broken(&check), 0);
        check.probes_complete = true;
        assert_eq!(broken(&check), 2);
    }

    #[test]
    fn another_host_is_not_taken_for_the_far_end_by_the_look_of_its_address() {
        let mut check = CastCheck { far: Some(far()), ..CastCheck::default() };
        check.far.as_mut().unwrap().address = "10.0.0.22:5000".to_owned();
        for address in ["10.0.0.2", "10.0.0.22"] {
            let interface = "eth0".to_owned();
            let address = address.to_owned();
            check.answers.push(CheckAnswer { address, interface, ..CheckAnswer::default() });
        }
        let told = findings(&check);
        let other = told.iter().find(|one| one.subject == "eth0 answers").unwrap();
        assert_eq!(other.evidence, "10.0.0.2; hops unknown");
        assert_eq!(host_of("[fe80::1%eth0]:5000"), "fe80::1");
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
