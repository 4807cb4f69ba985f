//! What the measurements mean for the path to other hosts: who answered, at which TTL, and how
//! unicast fares on the same path.

use super::{
    CastCheck, CheckAdvice as Advice, CheckAlternative as Alternative, CheckCaveat as Caveat,
    CheckEvidence as Evidence, CheckFinding, CheckSubject as Subject, CheckUndecided as Undecided,
    CheckVerdict as Verdict, RemoteEnd,
};
use crate::stats::{LossSample, ODDS, is_beyond_chance};

/// Addresses of hosts that a finding names.
const HOSTS_SHOWN: usize = 4;

impl RemoteEnd {
    fn group(&self) -> LossSample {
        LossSample::new(self.group_in_reach_sent, self.group_in_reach_back)
    }

    fn unicast(&self) -> LossSample {
        LossSample::new(self.unicast_sent, self.unicast_back)
    }

    fn returned_by_group(&self) -> LossSample {
        LossSample::new(self.asked, self.heard)
    }

    /// Whether there was no answer at all, and no error from the network or this host.
    pub fn is_silent(&self) -> bool {
        let none = self.unicast_back == 0 && self.group_back == 0;
        none && self.unreachable.is_none() && self.refused == 0
    }

    /// Whether one kind of probe was never answered while another was, possibly by chance.
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

/// Findings about hosts that answered, or about missing answers.
pub(super) fn findings(check: &CastCheck) -> Vec<CheckFinding> {
    let mut all = Vec::new();
    if let Some(far) = &check.far {
        all.push(reach(check, far));
        all.extend(back(check, far));
    } else if check.answers.is_empty() && check.is_cut_short() {
        let found = CheckFinding::new(Subject::OtherHosts, Verdict::OthersInterrupted);
        all.push(found.seen([Evidence::NoRepliesYet]));
    } else if check.answers.is_empty() {
        let found = CheckFinding::new(Subject::OtherHosts, Verdict::OthersUnknown);
        all.push(found.seen([Evidence::NoReplies]).advise(Advice::RunAnswer));
    }
    all.extend(others(check));
    all
}

/// Why missing answers prove nothing: the check ended early, or the path loses at random.
fn undecided(check: &CastCheck, control: LossSample) -> Undecided {
    if check.is_cut_short() { Undecided::Interrupted } else { undecided_by(control) }
}

/// Why missing answers prove nothing given the loss of unicast.
pub(super) fn undecided_by(control: LossSample) -> Undecided {
    match control {
        LossSample { sent, lost: lost @ 1.. } => Undecided::PathLoses { sent, lost },
        _ => Undecided::TooFewProbes,
    }
}

/// Whether the group reaches the remote end.
fn reach(check: &CastCheck, far: &RemoteEnd) -> CheckFinding {
    let far_end = far.address.clone();
    let answered = Evidence::Answered {
        group_sent: far.group_sent,
        group_back: far.group_back,
        unicast_sent: far.unicast_sent,
        unicast_back: far.unicast_back,
    };
    let found = |verdict| CheckFinding::new(Subject::ToFarEnd, verdict);
    if far.group_back > 0 {
        let ttl_least = far.ttl_least.unwrap_or(1);
        let verdict = Verdict::FarEndReceives { far_end, routers: far.unicast_hops, ttl_least };
        let beyond = is_beyond_chance(far.unicast(), far.group(), check.asked());
        let caveat = match far.unicast_back {
            0 if check.is_cut_short() || !beyond => Some(Caveat::UnicastUndecided),
            0 => Some(Caveat::UnicastUnanswered),
            _ => None,
        };
        return found(verdict).seen([answered]).but(caveat);
    }
    if far.unicast_back > 0 {
        return silent_group(check, far, answered);
    }
    if far.refused > 0 && far.unicast_sent == 0 {
        let evidence = Evidence::FarEndRefused { refused: far.refused, why: far.refusal.clone() };
        return found(Verdict::FarEndRefused { far_end }).seen([evidence]);
    }
    let verdict = if check.is_cut_short() {
        Verdict::FarEndInterrupted { far_end }
    } else {
        Verdict::FarEndSilent { far_end }
    };
    found(verdict)
        .seen([answered])
        .seen(far.unreachable.clone().map(|error| Evidence::Unreachable { error }))
        .or_else([Alternative::NotAnswering, Alternative::Firewall, Alternative::WrongAddress])
}

/// What it means that unicast is answered and the group is not.
fn silent_group(check: &CastCheck, far: &RemoteEnd, answered: Evidence) -> CheckFinding {
    let found = |verdict| CheckFinding::new(Subject::ToFarEnd, verdict);
    let found = |verdict| found(verdict).seen([answered.clone()]);
    let routers = far.unicast_hops.unwrap_or(0);
    // No probe had a TTL large enough for the distance: that is not chance.
    if routers > 0 && check.ttl_max <= routers {
        let verdict = Verdict::TtlTooSmall { routers, ttl_max: check.ttl_max };
        return found(verdict).advise(Advice::RaiseTtl);
    }
    if check.is_cut_short() || !is_beyond_chance(far.group(), far.unicast(), check.asked()) {
        return found(Verdict::GroupUndecided { why: undecided(check, far.unicast()) });
    }
    let lost = found(Verdict::GroupLost { routers: far.unicast_hops })
        .seen([Evidence::BeyondChance { odds: ODDS }]);
    if routers > 0 {
        return lost.or_else([
            Alternative::NoMulticastRouting,
            Alternative::SnoopingSwitch,
            Alternative::FarEndOnOtherInterface,
        ]);
    }
    lost.or_else([
        Alternative::SnoopingSwitchMissedFarEnd,
        Alternative::FarEndOnOtherInterface,
        Alternative::FarEndFirewall,
    ])
}

/// Whether what the remote end sends to the group arrives here.
fn back(check: &CastCheck, far: &RemoteEnd) -> Option<CheckFinding> {
    // Only an answer proves that it received the request.
    if far.unicast_back == 0 {
        return None;
    }
    let found = |verdict| {
        let evidence = Evidence::SentBack { asked: far.asked, arrived: far.heard };
        CheckFinding::new(Subject::FromFarEnd, verdict).seen([evidence])
    };
    if far.heard > 0 {
        return Some(found(Verdict::BackReceived));
    }
    let beyond = is_beyond_chance(far.returned_by_group(), far.unicast(), check.asked());
    if check.is_cut_short() || !beyond {
        return Some(found(Verdict::BackUndecided { why: undecided(check, far.unicast()) }));
    }
    Some(found(Verdict::BackLost).or_else([
        Alternative::SnoopingSwitchMissedThisHost,
        Alternative::OwnFilters,
        Alternative::NoMulticastRoutingOnPath,
    ]))
}

/// The other hosts that answered, with their distances.
fn others(check: &CastCheck) -> Option<CheckFinding> {
    let known = check.far.as_ref().map(|far| host_of(&far.address));
    let is_far = |address: &str| known == Some(address);
    let rest: Vec<_> = check.answers.iter().filter(|one| !is_far(&one.address)).collect();
    let first = rest.first()?;
    let shown = rest.iter().take(HOSTS_SHOWN);
    let replied = Evidence::Replied {
        addresses: shown.map(|one| one.address.clone()).collect(),
        more: rest.len().saturating_sub(HOSTS_SHOWN) as u64,
    };
    let distance = Evidence::Distance { routers_max: rest.iter().filter_map(|one| one.hops).max() };
    let verdict = Verdict::HostsReply { hosts: rest.len() as u64 };
    Some(CheckFinding::on(&first.interface, Subject::Replies, verdict).seen([replied, distance]))
}

/// The address without its port, brackets and zone.
fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.split('%').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::super::{CheckAnswer, Outcome};
    use super::*;
    use crate::batch::LocalSendFailure;

    fn far() -> RemoteEnd {
        RemoteEnd {
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
            ..RemoteEnd::default()
        }
    }

    fn found(far: RemoteEnd, ttl_max: u8) -> Vec<Verdict> {
        let check = CastCheck { far: Some(far), ttl_max, ..CastCheck::default() };
        findings(&check).into_iter().map(|one| one.found.verdict).collect()
    }

    #[test]
    fn unicast_beside_the_group_tells_the_switch_from_the_host_and_the_ttl_from_the_router() {
        let lost = |hops, ttl_max| {
            let (group_back, group_in_reach_back) = (0, 0);
            let unicast_hops = Some(hops);
            let far = RemoteEnd { unicast_hops, group_back, group_in_reach_back, ..far() };
            found(far, ttl_max)[0].clone()
        };
        for (hops, ttl_max, verdict) in [
            (0, 64, Verdict::GroupLost { routers: Some(0) }),
            (1, 1, Verdict::TtlTooSmall { routers: 1, ttl_max: 1 }),
            (2, 64, Verdict::GroupLost { routers: Some(2) }),
        ] {
            assert_eq!(lost(hops, ttl_max), verdict);
            assert_eq!(verdict.outcome(), Outcome::Broken);
        }
        let far_end = || far().address;
        let reached = RemoteEnd { unicast_hops: Some(1), ttl_least: Some(2), ..far() };
        assert_eq!(
            found(reached, 64)[0],
            Verdict::FarEndReceives { far_end: far_end(), routers: Some(1), ttl_least: 2 }
        );
        let silent = RemoteEnd { unicast_back: 0, group_back: 0, ..far() };
        assert_eq!(found(silent, 64), [Verdict::FarEndSilent { far_end: far_end() }]);
        let deaf = found(RemoteEnd { heard: 0, ..far() }, 64);
        assert_eq!(deaf[0].outcome(), Outcome::Ok);
        assert_eq!(deaf[1], Verdict::BackLost);
    }

    #[test]
    fn what_chance_may_have_done_is_asked_again_and_accuses_nobody() {
        let lost = |unicast_back, heard, group_in_reach_back| RemoteEnd {
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
            assert!(told.iter().all(|one| one.outcome() != Outcome::Broken), "{told:?}");
        }
        let why = Undecided::PathLoses { sent: 3, lost: 1 };
        assert_eq!(found(lost(2, 3, 0), 64)[0], Verdict::GroupUndecided { why });
        let why = Undecided::TooFewProbes;
        assert_eq!(found(lost(3, 3, 0), 64)[0], Verdict::GroupUndecided { why });
        assert!(!far().is_undecided(4) && !far().is_silent());
        assert!(RemoteEnd::default().is_silent() && !RemoteEnd::default().is_undecided(4));
        // Probes that this host refused do not count as unanswered.
        let refused = RemoteEnd {
            refused: 15,
            refusal: Some(LocalSendFailure::from_errno(101, "10.0.0.2:5000".parse().unwrap())),
            address: far().address,
            ..RemoteEnd::default()
        };
        assert!(!refused.is_silent());
        let verdict = Verdict::FarEndRefused { far_end: far().address };
        assert_eq!(verdict.outcome(), Outcome::Unknown);
        assert_eq!(found(refused, 64), [verdict]);
    }

    #[test]
    fn a_check_that_was_cut_short_takes_no_silence_for_a_fault() {
        let mut check = CastCheck { ttl_max: 64, interrupted: true, ..CastCheck::default() };
        check.far = Some(RemoteEnd { group_back: 0, group_in_reach_back: 0, heard: 0, ..far() });
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
        let other = told.iter().find(|one| one.subject == Subject::Replies).unwrap();
        let replied = Evidence::Replied { addresses: vec!["10.0.0.2".to_owned()], more: 0 };
        assert_eq!(other.found.evidence, [replied, Evidence::Distance { routers_max: None }]);
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
        assert_eq!((told.outcome, told.subject), (Outcome::Ok, Subject::Replies));
        assert_eq!(told.interface.as_deref(), Some("eth0"));
        let replied = Evidence::Replied { addresses: vec!["10.0.0.9".to_owned()], more: 0 };
        assert_eq!(told.found.evidence, [replied, Evidence::Distance { routers_max: Some(2) }]);
    }
}
