//! The result of holding a group membership: a stream that ends when memberships expire indicates
//! that there is no querier.
//!
//! A switch forgets a member it has not heard from for 2 × 125 s + 10 s (RFC 3376 §8.4), and hears
//! from it again only when a querier asks.

use crate::stats::{LossSample, is_beyond_chance};

use super::{
    CastCheck, CheckAdvice as Advice, CheckAlternative as Alternative, CheckEvidence as Evidence,
    CheckFinding, CheckStream, CheckSubject as Subject, CheckVerdict as Verdict, HeldFlow,
    HeldMembership, path,
};

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
/// Silence of up to this many usual gaps is not the end of a stream.
const GAPS: u64 = 10;
/// Silence of up to this length, in nanoseconds, is not an end either.
const SILENCE: u64 = 2 * SECOND;

/// The finding about the hold, if there was one.
pub(super) fn finding(check: &CastCheck) -> Option<CheckFinding> {
    let hold = check.hold.as_ref()?;
    Some(outward(check, hold).unwrap_or_else(|| inward(check, hold)))
}

fn found(verdict: Verdict) -> CheckFinding {
    CheckFinding::new(Subject::Hold, verdict)
}

/// The remote end's membership: its answers to the group end, those to unicast continue.
fn outward(check: &CastCheck, hold: &HeldMembership) -> Option<CheckFinding> {
    let (group, unicast) = (hold.far_group_last_ns?, hold.far_unicast_last_ns?);
    let age_ns = hold.far_membership_ns?;
    if unicast < group + SILENCE {
        return None;
    }
    let since = hold.far_since.unwrap_or_default();
    let control = LossSample::new(since.unicast_sent, since.unicast_back);
    if !is_beyond_chance(LossSample::new(since.group_sent, 0), control, check.asked()) {
        let verdict = Verdict::FarEndUndecided { why: path::undecided_by(control) };
        let evidence = Evidence::LastUnanswered { probes: since.group_sent };
        return Some(found(verdict).seen([evidence]).advise(Advice::HoldLonger));
    }
    let unicast_longer_ns = unicast - group;
    let evidence = Evidence::GroupAnswersEnded { age_ns, unicast_longer_ns };
    Some(ended(check, hold, (HeldFlow::FarEnd, age_ns), evidence))
}

/// This host's membership: what arrived because of it.
fn inward(check: &CastCheck, hold: &HeldMembership) -> CheckFinding {
    let (held_ns, membership_ns) = (hold.held_ns, hold.membership_ns);
    let Some(stream) = longest(&hold.streams) else {
        return found(Verdict::NothingReceived)
            .seen([Evidence::Held { held_ns }])
            .advise(Advice::SendStream);
    };
    let (source, datagrams) = (stream.source.clone(), stream.datagrams);
    if !is_over(check, hold, stream) {
        let arrives = Evidence::StreamArrives { source, datagrams, held_ns };
        if held_ns < membership_ns + membership_ns / 10 {
            return found(Verdict::StreamLastsSoFar)
                .seen([arrives, Evidence::MembershipLasts { membership_ns }])
                .advise(Advice::HoldPastMembership);
        }
        return found(Verdict::StreamOutlasts).seen([arrives]);
    }
    let evidence = Evidence::StreamEnded { source, datagrams, last_ns: stream.last_ns };
    if stream.ended {
        return found(Verdict::SenderEnded).seen([evidence]).advise(Advice::HoldDuringStream);
    }
    ended(check, hold, (HeldFlow::Stream, stream.last_ns), evidence)
}

/// What it means that something ended at this age of a membership.
fn ended(
    check: &CastCheck,
    hold: &HeldMembership,
    (what, age_ns): (HeldFlow, u64),
    evidence: Evidence,
) -> CheckFinding {
    let membership_ns = hold.membership_ns;
    let slack = (membership_ns / 10).max(SECOND);
    let about =
        age_ns + slack >= membership_ns && age_ns <= membership_ns + slack + repeated(check);
    let heard = || check.interfaces.iter().filter_map(|one| one.queries_heard);
    let queries: u64 = heard().sum();
    let queries_visible = heard().next().is_some();
    // This host sends what the remote end answers: its own stream cannot have stopped unnoticed.
    let stopped = (what == HeldFlow::Stream).then_some(Alternative::SenderStopped);
    // A stream may have ended by itself just then: only where queries would have been seen.
    if about && queries == 0 && (queries_visible || what == HeldFlow::FarEnd) {
        let verdict = Verdict::EndedWithMembership { what, membership_ns, queries_visible };
        return found(verdict)
            .seen([evidence])
            .or_else([Alternative::SnoopingWithoutQuerier])
            .or_else(stopped)
            .advise(Advice::EnableQuerier);
    }
    found(Verdict::Ended { what, age_ns, membership_ns })
        .seen([evidence])
        .seen((queries > 0).then_some(Evidence::QueriesHeard { queries }))
        .or_else(stopped)
        .or_else([Alternative::PathChanged])
        .advise(Advice::SetMembership)
}

/// Longest time after a join in which the report is repeated, as a switch counts from the last
/// report: 1 s with `IGMPv3` (RFC 3376 §8.11), 10 s with `IGMPv2` and `MLDv1` (RFC 2236 §8.10, RFC
/// 2710 §7.10).
fn repeated(check: &CastCheck) -> u64 {
    let mut versions = check.interfaces.iter().filter_map(|one| one.igmp_version);
    if check.is_v4() && versions.all(|version| version == 3) { SECOND } else { 10 * SECOND }
}

/// The stream of the most datagrams.
fn longest(streams: &[CheckStream]) -> Option<&CheckStream> {
    streams.iter().max_by_key(|stream| stream.datagrams)
}

/// Whether a stream has been silent for longer than its own gaps, its losses and this host's pauses
/// explain.
fn is_over(check: &CastCheck, hold: &HeldMembership, stream: &CheckStream) -> bool {
    let gaps = stream.datagrams.saturating_sub(1).max(1);
    let usual = (stream.last_ns - stream.first_ns) / gaps;
    let silence = hold.held_ns.saturating_sub(stream.last_ns + check.paused_ns);
    let explained = (GAPS * usual).max(2 * stream.longest_gap_ns).max(SILENCE);
    // The datagrams expected in that time, at the loss rate seen before.
    let lost = stream.lost.unwrap_or(0);
    let all = LossSample { sent: stream.datagrams + lost, lost };
    let period = (stream.last_ns - stream.first_ns) / (all.sent.saturating_sub(1)).max(1);
    let due = LossSample::new(silence / period.max(1), 0);
    silence > explained && is_beyond_chance(due, all, check.asked())
}

#[cfg(test)]
mod tests {
    use super::super::{CheckInterface, CheckSince, CheckUndecided, Outcome};
    use super::*;

    fn stream(first: u64, last: u64) -> CheckStream {
        CheckStream {
            source: "10.0.0.1:7000".to_owned(),
            datagrams: last - first + 1,
            first_ns: first * SECOND,
            last_ns: last * SECOND,
            ..CheckStream::default()
        }
    }

    fn held(secs: u64, streams: Vec<CheckStream>) -> CastCheck {
        let hold = HeldMembership {
            asked_ns: 300 * SECOND,
            held_ns: secs * SECOND,
            membership_ns: 260 * SECOND,
            streams,
            ..HeldMembership::default()
        };
        let listened = CheckInterface { queries_heard: Some(0), ..CheckInterface::default() };
        CastCheck { hold: Some(hold), interfaces: vec![listened], ..CastCheck::default() }
    }

    fn told(check: &CastCheck) -> (Outcome, Verdict) {
        let found = finding(check).unwrap();
        (found.outcome, found.found.verdict)
    }

    /// A stream that ended when a membership of 260 s does.
    fn with_membership(what: HeldFlow) -> Verdict {
        let membership_ns = 260 * SECOND;
        Verdict::EndedWithMembership { what, membership_ns, queries_visible: true }
    }

    #[test]
    fn a_stream_that_dies_when_memberships_do_has_no_querier() {
        for last in [245, 260, 270] {
            let (outcome, verdict) = told(&held(300, vec![stream(1, last)]));
            assert_eq!(outcome, Outcome::Broken, "{last}");
            assert_eq!(verdict, with_membership(HeldFlow::Stream));
        }
    }

    #[test]
    fn a_stream_is_not_over_by_losses_by_a_slow_pace_or_by_a_pause_of_this_host() {
        let check = |change: fn(&mut CastCheck, &mut CheckStream)| {
            let mut stream = stream(1, 260);
            let mut all = held(300, Vec::new());
            change(&mut all, &mut stream);
            all.hold.as_mut().unwrap().streams = vec![stream];
            told(&all).0
        };
        assert_eq!(check(|_, _| {}), Outcome::Broken);
        assert_eq!(check(|all, _| all.paused_ns = 39 * SECOND), Outcome::Ok);
        assert_eq!(check(|_, one| one.datagrams = 50), Outcome::Ok);
        assert_eq!(check(|_, one| one.longest_gap_ns = 30 * SECOND), Outcome::Ok);
        // Queries could not have been seen: the time alone is not proof.
        assert_eq!(check(|all, _| all.interfaces.clear()), Outcome::Warning);
    }

    #[test]
    fn another_end_is_not_laid_to_the_querier() {
        let (outcome, verdict) = told(&held(300, vec![stream(1, 87)]));
        let (what, age_ns, membership_ns) = (HeldFlow::Stream, 87 * SECOND, 260 * SECOND);
        assert_eq!(outcome, Outcome::Warning);
        assert_eq!(verdict, Verdict::Ended { what, age_ns, membership_ns });
        let mut asked = held(300, vec![stream(1, 260)]);
        asked.interfaces =
            vec![CheckInterface { queries_heard: Some(2), ..CheckInterface::default() }];
        let found = finding(&asked).unwrap();
        assert_eq!(found.outcome, Outcome::Warning);
        assert_eq!(found.found.evidence[1], Evidence::QueriesHeard { queries: 2 });
        let mut over = held(300, vec![stream(1, 260)]);
        over.hold.as_mut().unwrap().streams[0].ended = true;
        assert_eq!(told(&over), (Outcome::Unknown, Verdict::SenderEnded));
    }

    #[test]
    fn a_stream_that_lasts_is_judged_only_once_a_membership_would_have_ended() {
        let early = told(&held(60, vec![stream(1, 60)]));
        assert_eq!(early, (Outcome::Unknown, Verdict::StreamLastsSoFar));
        let late = told(&held(300, vec![stream(1, 299)]));
        assert_eq!(late, (Outcome::Ok, Verdict::StreamOutlasts));
        let silent = told(&held(300, Vec::new()));
        assert_eq!(silent, (Outcome::Unknown, Verdict::NothingReceived));
        assert_eq!(finding(&CastCheck::default()), None);
    }

    #[test]
    fn the_far_ends_membership_is_judged_by_its_unicast_answers() {
        let mut check = held(300, vec![stream(1, 299)]);
        let hold = check.hold.as_mut().unwrap();
        hold.far_group_last_ns = Some(200 * SECOND);
        hold.far_membership_ns = Some(261 * SECOND);
        hold.far_unicast_last_ns = Some(299 * SECOND);
        let since = |unicast_back| CheckSince { group_sent: 40, unicast_sent: 40, unicast_back };
        hold.far_since = Some(since(40));
        assert_eq!(told(&check), (Outcome::Broken, with_membership(HeldFlow::FarEnd)));
        // Most of both kinds is lost, and the group's answers stopped for a while: chance.
        check.hold.as_mut().unwrap().far_since = Some(since(4));
        let why = CheckUndecided::PathLoses { sent: 40, lost: 36 };
        assert_eq!(told(&check), (Outcome::Unknown, Verdict::FarEndUndecided { why }));
        check.hold.as_mut().unwrap().far_group_last_ns = Some(299 * SECOND);
        assert_eq!(told(&check).0, Outcome::Ok);
    }
}
