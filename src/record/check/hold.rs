//! What became of a membership that was held: a stream that ends when memberships do has no querier.
//!
//! A switch forgets a member that it has not heard for 2 × 125 s + 10 s (RFC 3376 §8.4), and hears it
//! again only when a querier asks.

use crate::stats::{LossSample, is_beyond_chance};

use super::{CastCheck, CheckFinding, CheckHold, CheckStream, Outcome};

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
/// Usual gaps of a stream that are no end of it.
const GAPS: u64 = 10;
/// Silence that is no end: gaps of a slow stream.
const SILENCE: u64 = 2 * SECOND;

/// The finding about the hold, if there was one.
pub(super) fn finding(check: &CastCheck) -> Option<CheckFinding> {
    let hold = check.hold.as_ref()?;
    Some(outward(check, hold).unwrap_or_else(|| inward(check, hold)))
}

/// The far end's membership: its answers to the group end, those to unicast go on.
fn outward(check: &CastCheck, hold: &CheckHold) -> Option<CheckFinding> {
    let (group, unicast) = (hold.far_group_last_ns?, hold.far_unicast_last_ns?);
    let age = hold.far_membership_ns?;
    if unicast < group + SILENCE {
        return None;
    }
    let since = hold.far_since.unwrap_or_default();
    let control = LossSample::new(since.unicast_sent, since.unicast_back);
    if !is_beyond_chance(LossSample::new(since.group_sent, 0), control, check.asked()) {
        let share = control.percent().filter(|_| control.lost > 0);
        let loss = share.map(|share| format!(": the path loses {share:.0} %"));
        return Some(verdict(
            Outcome::Unknown,
            format!(
                "whether the far end hears the group still is not told{}",
                loss.unwrap_or_default()
            ),
            format!("the last {} probes to the group were not answered", since.group_sent),
            Some("hold for longer"),
        ));
    }
    let evidence = format!(
        "its answers to the group ended {} after its join, those to unicast went on for {}",
        seconds(age),
        seconds(unicast - group)
    );
    Some(ended(check, hold, age, Subject::Far, evidence))
}

/// This host's membership: what came for it.
fn inward(check: &CastCheck, hold: &CheckHold) -> CheckFinding {
    let held = seconds(hold.held_ns);
    let Some(stream) = longest(&hold.streams) else {
        return verdict(
            Outcome::Unknown,
            "nothing came for the group while it was held".to_owned(),
            format!("held {held}"),
            Some("it needs a stream: udpkit cast send there, or --far with --answer"),
        );
    };
    let who = format!("{} datagrams from {}", stream.datagrams, stream.source);
    if !is_over(check, hold, stream) {
        if hold.held_ns < hold.membership_ns + hold.membership_ns / 10 {
            return verdict(
                Outcome::Unknown,
                "the stream lasts, so far".to_owned(),
                format!("{who}, held {held}; a membership ends at {}", seconds(hold.membership_ns)),
                Some("--hold 300 is longer than a membership without a querier"),
            );
        }
        return verdict(
            Outcome::Ok,
            "the stream outlasts a membership".to_owned(),
            format!("{who}, still heard after {held}"),
            None,
        );
    }
    let evidence = format!("{who}, the last {} after the join", seconds(stream.last_ns));
    if stream.ended {
        let says = "the stream ended because its sender did".to_owned();
        return verdict(Outcome::Unknown, says, evidence, Some("hold while a stream runs"));
    }
    ended(check, hold, stream.last_ns, Subject::Stream, evidence)
}

/// What ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// The far end's answers to the group, beside unicast that goes on.
    Far,
    /// A stream, with nothing beside it.
    Stream,
}

/// What an end at this age of a membership means.
fn ended(
    check: &CastCheck,
    hold: &CheckHold,
    age: u64,
    subject: Subject,
    evidence: String,
) -> CheckFinding {
    let membership = hold.membership_ns;
    let slack = (membership / 10).max(SECOND);
    let about = age + slack >= membership && age <= membership + slack + repeated(check);
    let heard = || check.interfaces.iter().filter_map(|one| one.queries_heard);
    let queries: u64 = heard().sum();
    let what = match subject {
        Subject::Far => "the far end hears the group no more",
        Subject::Stream => "the stream stopped",
    };
    // A stream may have ended by itself just then: only where queries would have been seen.
    let (listened, at) = (heard().next().is_some(), seconds(membership));
    if about && queries == 0 && (listened || subject == Subject::Far) {
        let querier = if listened { "no querier" } else { "nobody renews them" };
        return verdict(
            Outcome::Broken,
            format!("{what} when memberships end, {at}: {querier}"),
            evidence,
            Some(
                "a switch snoops and nobody queries: enable a querier on it or on a router, or \
                 turn snooping off; or the sender stopped just then",
            ),
        );
    }
    let seen = if queries > 0 { format!("; {queries} queries were heard") } else { String::new() };
    verdict(
        Outcome::Doubt,
        format!("{what} at {}, memberships end at {}", seconds(age), seconds(membership)),
        format!("{evidence}{seen}"),
        Some("the sender stopped, or the path changed; --membership says when a switch forgets"),
    )
}

/// How long after a join it is said again, at most; a switch counts from the last that it heard: 1 s
/// of `IGMPv3` (RFC 3376 §8.11), 10 s of `IGMPv2` and `MLDv1` (RFC 2236 §8.10, RFC 2710 §7.10).
fn repeated(check: &CastCheck) -> u64 {
    let is_v3 = |version: &str| version == "V3";
    let mut versions = check.interfaces.iter().filter_map(|one| one.igmp_version.as_deref());
    if check.is_v4() && versions.all(is_v3) { SECOND } else { 10 * SECOND }
}

/// The stream of the most datagrams.
fn longest(streams: &[CheckStream]) -> Option<&CheckStream> {
    streams.iter().max_by_key(|stream| stream.datagrams)
}

/// Whether a stream has been silent for longer than its own gaps, its losses and this host's pauses
/// explain.
fn is_over(check: &CastCheck, hold: &CheckHold, stream: &CheckStream) -> bool {
    let gaps = stream.datagrams.saturating_sub(1).max(1);
    let usual = (stream.last_ns - stream.first_ns) / gaps;
    let silence = hold.held_ns.saturating_sub(stream.last_ns + check.paused_ns);
    let explained = (GAPS * usual).max(2 * stream.longest_gap_ns).max(SILENCE);
    // As many as the silence would have held, had the path lost what it lost before.
    let lost = stream.lost.unwrap_or(0);
    let all = LossSample { sent: stream.datagrams + lost, lost };
    let period = (stream.last_ns - stream.first_ns) / (all.sent.saturating_sub(1)).max(1);
    let due = LossSample::new(silence / period.max(1), 0);
    silence > explained && is_beyond_chance(due, all, check.asked())
}

fn seconds(nanos: u64) -> String {
    format!("{}.{} s", nanos / SECOND, nanos % SECOND / (SECOND / 10))
}

fn verdict(
    outcome: Outcome,
    says: String,
    evidence: String,
    otherwise: Option<&str>,
) -> CheckFinding {
    super::finding("hold", outcome, says, evidence, otherwise)
}

#[cfg(test)]
mod tests {
    use super::super::{CheckInterface, CheckSince};
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
        let hold = CheckHold {
            asked_ns: 300 * SECOND,
            held_ns: secs * SECOND,
            membership_ns: 260 * SECOND,
            streams,
            ..CheckHold::default()
        };
        let listened = CheckInterface { queries_heard: Some(0), ..CheckInterface::default() };
        CastCheck { hold: Some(hold), interfaces: vec![listened], ..CastCheck::default() }
    }

    fn told(check: &CastCheck) -> (Outcome, String) {
        let found = finding(check).unwrap();
        (found.outcome, found.says)
    }

    #[test]
    fn a_stream_that_dies_when_memberships_do_has_no_querier() {
        for last in [245, 260, 270] {
            let (outcome, says) = told(&held(300, vec![stream(1, last)]));
            assert_eq!(outcome, Outcome::Broken, "{last}");
            assert_eq!(says, "the stream stopped when memberships end, 260.0 s: no querier");
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
        // Nobody could have seen a query: the time alone is no proof.
        assert_eq!(check(|all, _| all.interfaces.clear()), Outcome::Doubt);
    }

    #[test]
    fn another_end_is_not_laid_to_the_querier() {
        let (outcome, says) = told(&held(300, vec![stream(1, 87)]));
        assert_eq!(outcome, Outcome::Doubt);
        assert_eq!(says, "the stream stopped at 87.0 s, memberships end at 260.0 s");
        let mut asked = held(300, vec![stream(1, 260)]);
        asked.interfaces =
            vec![CheckInterface { queries_heard: Some(2), ..CheckInterface::default() }];
        assert_eq!(told(&asked).0, Outcome::Doubt);
        let mut over = held(300, vec![stream(1, 260)]);
        over.hold.as_mut().unwrap().streams[0].ended = true;
        assert_eq!(told(&over).0, Outcome::Unknown);
    }

    #[test]
    fn a_stream_that_lasts_is_judged_only_once_a_membership_would_have_ended() {
        assert_eq!(told(&held(60, vec![stream(1, 60)])).0, Outcome::Unknown);
        assert_eq!(told(&held(300, vec![stream(1, 299)])).0, Outcome::Ok);
        assert_eq!(told(&held(300, Vec::new())).0, Outcome::Unknown);
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
        assert_eq!(told(&check).0, Outcome::Broken);
        // Most of either is lost, and no answer to the group came for a while: chance.
        check.hold.as_mut().unwrap().far_since = Some(since(4));
        assert_eq!(told(&check).0, Outcome::Unknown);
        check.hold.as_mut().unwrap().far_group_last_ns = Some(299 * SECOND);
        assert_eq!(told(&check).0, Outcome::Ok);
    }
}
