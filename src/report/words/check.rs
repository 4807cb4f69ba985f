//! Sentences of `cast check`: verdicts, their subjects, and progress.

use super::terms::{list, plural};
use crate::record::{
    CastCheckVerdict, CheckEvent, CheckOutcome, CheckSubject, CheckUndecided, CheckVerdict,
    HeldFlow, LinkKind, Worded,
};
use crate::units::{Nanos, group_digits};

/// Hint for an address that is not a group.
pub const GROUPS: &str = "groups are 224.0.0.0 to 239.255.255.255 and ff00::/8";
/// Hint for a zone that differs from `--interface`.
pub const ONE_INTERFACE: &str = "leave out one of the two";
/// Hint for a host without an interface that could carry the group.
pub const ANY_INTERFACE: &str = "name one with --interface; lo is possible too";

/// In the head of a report.
pub const INTERRUPTED: &str = "interrupted";
/// A row of the counts of `--answer`, as those below.
pub const PROBES_TO_GROUP: &str = "probes to the group";
/// Probes that came by unicast.
pub const UNICAST_PROBES: &str = "unicast probes";
/// Replies sent.
pub const REPLIES: &str = "replies";
/// Probes above the rate limit.
pub const NOT_ANSWERED: &str = "not answered (rate limit)";

/// The outcome in one word.
pub fn outcome(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Ok => "ok",
        CheckOutcome::Unknown => "unknown",
        CheckOutcome::Warning => "warning",
        CheckOutcome::Broken => "broken",
    }
}

/// What a finding is about, `eth0 querier`.
pub fn subject(subject: CheckSubject, interface: Option<&str>) -> String {
    let interface = interface.unwrap_or("interface");
    match subject {
        CheckSubject::Route => "route".to_owned(),
        CheckSubject::Interface => interface.to_owned(),
        CheckSubject::Querier => format!("{interface} querier"),
        CheckSubject::RpFilter => format!("{interface} rp_filter"),
        CheckSubject::OtherHosts => "other hosts".to_owned(),
        CheckSubject::ToFarEnd => "to remote".to_owned(),
        CheckSubject::FromFarEnd => "from remote".to_owned(),
        CheckSubject::Replies => format!("{interface} replies"),
        CheckSubject::Hold => "hold".to_owned(),
    }
}

/// The kind of an interface, `a tunnel`.
pub fn link_kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Tunnel => "tunnel",
        LinkKind::ContainerBridge => "container bridge",
    }
}

/// The first line of `--answer`.
pub fn answering(group: &str, interfaces: &[String]) -> String {
    format!("answering for {group} on {}", list(interfaces))
}

/// The line about pauses of this host.
pub fn paused(ns: u64) -> String {
    format!("this host was suspended or had no CPU time for {} in all", Nanos(ns))
}

/// The line about replies that this host refused to send.
pub fn refused_replies(count: u64, why: &str) -> String {
    let noun = if count == 1 { "reply" } else { "replies" };
    format!("the kernel refused {} {noun}: {why}", group_digits(count))
}

/// A measured time.
pub(super) fn seconds(ns: u64) -> String {
    format!("{:.1} s", Nanos(ns).as_secs_f64())
}

impl Worded for CheckEvent<'_> {
    fn text(&self) -> String {
        match self {
            Self::Answered(who) => format!("{who} receives the group"),
            Self::Asked(who) => format!("answering {who}"),
            Self::Heard(who) => format!("{who} sends to the group"),
            Self::Interface(event) => event.change.text(),
            Self::Held { held, asked, lively } => {
                let sources = plural(*lively as u64, "source");
                format!("held {held} of {asked}: {sources} heard since the last line")
            }
        }
    }
}

impl Worded for CastCheckVerdict {
    fn text(&self) -> String {
        match self {
            Self::NotJudged => "no verdict yet".to_owned(),
            Self::Interrupted => "no verdict: the check was interrupted".to_owned(),
            Self::WorksBothWays { far_end } => format!("works, to {far_end} and back"),
            Self::Works => "works, and other hosts receive the group".to_owned(),
            Self::WorksAsFarAsSeen => "works as far as this host can see".to_owned(),
            Self::Warning { subject: on, interface, finding } => {
                let on = subject(*on, interface.as_deref());
                format!("works as far as tested, with a warning ({on}): {}", finding.text())
            }
            Self::Broken { subject: on, interface, finding } => {
                let on = subject(*on, interface.as_deref());
                format!("broken ({on}): {}", finding.text())
            }
        }
    }
}

impl Worded for CheckUndecided {
    fn text(&self) -> String {
        match self {
            Self::Interrupted => "the check was interrupted".to_owned(),
            Self::PathLoses { sent, lost } => {
                let share = *lost as f64 * 100.0 / (*sent).max(1) as f64;
                format!("{share:.0}% of the unicast probes got no reply")
            }
            Self::TooFewProbes => "too few probes to rule out chance".to_owned(),
        }
    }
}

impl Worded for CheckVerdict {
    #[expect(clippy::too_many_lines, reason = "one arm a verdict, all of them in one place")]
    fn text(&self) -> String {
        let fixed = match self {
            Self::RouteFound { interface: Some(interface) } => {
                return format!("programs that do not choose an interface use {interface}");
            }
            Self::RouteFound { interface: None } => {
                "programs that do not choose an interface have a route to the group"
            }
            Self::RouteBySpecialLink { interface, kind } => {
                let kind = link_kind(*kind);
                return format!(
                    "programs that do not choose an interface use {interface}, a {kind}"
                );
            }
            Self::NoRoute => {
                "no route to the group: programs that do not choose an interface can neither send \
                 to it nor join it"
            }

            Self::LoopWorks => "joining, sending and receiving work within this host",
            Self::LoopUndecided => "cannot tell whether this host receives its own multicast",
            Self::LoopLoses => "this host receives only part of its own multicast",
            Self::LoopBroken => "this host does not receive its own multicast",
            Self::NotMulticast => "the interface is not marked as capable of multicast",
            Self::JoinRefused => "the group cannot be joined on this interface",
            Self::NotChecked => "not checked",
            Self::NothingSent => "no probe was sent to the group on this interface",
            Self::NotConnected => "the group is joined, but the interface is not connected",
            Self::MembershipGone => "the join succeeded, but the membership is gone",

            Self::QuerierHeard => "a querier keeps memberships alive",
            Self::OlderQuerier => "a querier with an older IGMP version was heard",
            Self::QuerierNotYetKnown => "too early to tell whether there is a querier",
            Self::QuerierHidden => "cannot tell whether there is a querier",
            Self::NoQuerier { forgotten_after_ns } => {
                return format!(
                    "no querier was heard: without one, a snooping switch ages the membership out \
                     after {}",
                    Nanos(*forgotten_after_ns)
                );
            }

            Self::FilterDropsUnrouted => "datagrams from sources without a route are dropped",
            Self::FilterDropsOtherRoutes => {
                "datagrams from sources routed through another interface are dropped"
            }
            Self::FilterDropsFarEnd { interface } => {
                return format!(
                    "datagrams from the remote host that arrive on {interface} are dropped silently"
                );
            }

            Self::OthersUnknown => "cannot tell from here whether other hosts receive the group",
            Self::OthersInterrupted => {
                "cannot tell whether other hosts receive the group: the check was interrupted"
            }
            Self::HostsReply { hosts: 1 } => "1 other host receives the group and replied",
            Self::HostsReply { hosts } => {
                return format!("{} receive the group and replied", plural(*hosts, "other host"));
            }

            Self::FarEndReceives { far_end, routers: Some(away @ 1..), ttl_least } => {
                let away = routers(*away);
                return format!(
                    "{far_end} receives the group, {away} away; TTL {ttl_least} is enough"
                );
            }
            Self::FarEndReceives { far_end, .. } => return format!("{far_end} receives the group"),
            Self::FarEndRefused { far_end } => {
                return format!("{far_end} cannot be probed from here");
            }
            Self::FarEndInterrupted { far_end } => {
                return format!("no reply from {far_end} before the check was interrupted");
            }
            Self::FarEndSilent { far_end } => return format!("no reply from {far_end}"),
            Self::GroupUndecided { why } => {
                return format!(
                    "cannot tell whether the group reaches the remote host: {}",
                    why.text()
                );
            }
            Self::TtlTooSmall { routers: away, ttl_max } => {
                let away = routers(*away);
                return format!(
                    "unicast reaches the remote host, the group does not: TTL {ttl_max} is too small \
                     for {away}"
                );
            }
            Self::GroupLost { routers: None } => {
                "unicast reaches the remote host, the group does not"
            }
            Self::GroupLost { routers: Some(0) } => {
                "unicast reaches the remote host on the same network, the group does not"
            }
            Self::GroupLost { routers: Some(away) } => {
                let away = routers(*away);
                return format!(
                    "unicast reaches the remote host through {away}, the group does not"
                );
            }

            Self::BackReceived => "what the remote host sends to the group arrives here",
            Self::BackUndecided { why } => {
                return format!(
                    "cannot tell whether what the remote host sends to the group arrives here: {}",
                    why.text()
                );
            }
            Self::BackLost => {
                "unicast from the remote host arrives here, what it sends to the group does not"
            }

            Self::StreamOutlasts => {
                "the stream lasted longer than a membership does without queries"
            }
            Self::StreamLastsSoFar => "the stream has lasted so far",
            Self::NothingReceived => "nothing arrived for the group while it was held",
            Self::SenderEnded => "the sender ended the stream",
            Self::FarEndUndecided { why } => {
                return format!(
                    "cannot tell whether the remote host still receives the group: {}",
                    why.text()
                );
            }
            Self::Ended { what, age_ns, membership_ns } => {
                let (age, membership) = (seconds(*age_ns), Nanos(*membership_ns));
                let what = stopped(*what);
                return format!("{what} after {age}; memberships expire after {membership}");
            }
            Self::EndedWithMembership { what, membership_ns, queries_visible } => {
                let (what, membership) = (stopped(*what), Nanos(*membership_ns));
                let why =
                    if *queries_visible { "no querier was heard" } else { "nothing renews them" };
                return format!("{what} when memberships expire ({membership}): {why}");
            }
        };
        fixed.to_owned()
    }
}

fn stopped(what: HeldFlow) -> &'static str {
    match what {
        HeldFlow::FarEnd => "the remote host stopped receiving the group",
        HeldFlow::Stream => "the stream stopped",
    }
}

/// `1 router`, `2 routers`.
pub(super) fn routers(hops: u8) -> String {
    plural(hops.into(), "router")
}
