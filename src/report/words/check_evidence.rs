//! Sentences beside the verdicts of `cast check`: evidence, alternatives, caveats and advice.

use super::check::{routers, seconds};
use super::terms::{list, part, plural};
use crate::record::{CheckAdvice, CheckAlternative, CheckCaveat, CheckEvidence, Worded};
use crate::units::{Nanos, group_digits};

impl Worded for CheckEvidence {
    #[expect(clippy::too_many_lines, reason = "one arm a piece of evidence, all in one place")]
    fn text(&self) -> String {
        let fixed = match self {
            Self::SourceAddress { source } => {
                return format!("a socket connected to the group gets source address {source}");
            }
            Self::NoSourceAddress => "a socket connected to the group gets no source address",
            Self::ConnectRefused { why } => {
                return format!("connecting a socket to the group fails: {why}");
            }

            Self::JoinRefused { why } => return format!("the kernel refused the join: {why}"),
            Self::ProbesRefused { refused, why } => {
                return format!("the kernel refused {}: {why}", plural(*refused, "probe"));
            }
            Self::NoProbes => "no probe was due before the check ended",
            Self::InterfaceDown => "the interface is down",
            Self::NoCarrier => "the interface has no carrier",
            Self::MulticastFlagOff => "its MULTICAST flag is off",
            Self::MembershipListed => "membership listed by the kernel",
            Self::MembershipNotListed => "the kernel's membership list in `/proc/net` lacks it",
            Self::OwnProbes { sent, looped } => {
                return format!("{} came back", part(*looped, *sent, "own probe"));
            }
            Self::IgmpVersion { version } => return format!("IGMPv{version}"),
            Self::SameNetwork { interfaces } => {
                return format!("also received on {}: the same network", list(interfaces));
            }

            Self::Queries { before, during, from } => {
                return queries(*before, *during, from.as_deref());
            }
            Self::IgmpFallback { version } => {
                return format!(
                    "the kernel fell back to IGMPv{version}, as it does after such a query"
                );
            }
            Self::NoQueryCounted => {
                "no query since the interface came up (`Icmp6InGroupMembQueries` is 0)"
            }
            Self::NoQuery { listened_ns, interval_ns } => {
                let (listened, interval) = (Nanos(*listened_ns), Nanos(*interval_ns));
                return format!("no query in {listened}; queriers send one every {interval}");
            }
            Self::NoQueryYet { interval_ns } => {
                let interval = Nanos(*interval_ns);
                return format!("no query so far; queriers send one every {interval}");
            }
            Self::QueriesNotCounted => {
                "IGMPv3 queries leave no counter that an unprivileged user can read"
            }

            Self::ReversePathFilter { interface, mode } => {
                let kind = if *mode == 1 { "strict" } else { "loose" };
                return format!(
                    "`rp_filter` is {mode} ({kind}), the larger of `all` and `{interface}` in \
                     `net.ipv4.conf`"
                );
            }
            Self::RouteToFarEnd { interface } => {
                return format!("the route to the remote host uses {interface}");
            }
            Self::SeveralInterfaces { interfaces } => {
                return format!("the group is joined on {}", plural(*interfaces, "interface"));
            }

            Self::NoReplies => {
                "no replies; only hosts that run `udpkit cast check GROUP --answer` reply"
            }
            Self::NoRepliesYet => "no replies by then",
            Self::Replied { addresses, more } => return replied(addresses, *more),
            Self::Distance { routers_max: None } => "distance unknown",
            Self::Distance { routers_max: Some(0) } => "all on this network",
            Self::Distance { routers_max: Some(away) } => {
                return format!("up to {} away", routers(*away));
            }

            Self::Answered { group_sent, group_back, unicast_sent, unicast_back } => {
                let group = part(*group_back, *group_sent, "probe");
                let unicast = part(*unicast_back, *unicast_sent, "unicast probe");
                return format!("it answered {group} to the group and {unicast}");
            }
            Self::BeyondChance { odds } => {
                let odds = group_digits(*odds);
                return format!("chance alone would do this in fewer than 1 in {odds} checks");
            }
            Self::Unreachable { error } => return format!("ICMP error: {error}"),
            Self::FarEndRefused { refused, why } => {
                let probes = plural(*refused, "unicast probe");
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                return format!("the kernel refused {probes}{why}");
            }
            Self::SentBack { asked, arrived } => {
                return format!("{} arrived", part(*arrived, *asked, "requested datagram"));
            }

            Self::LastUnanswered { probes } => {
                return format!("the last {} to the group got no reply", plural(*probes, "probe"));
            }
            Self::GroupAnswersEnded { age_ns, unicast_longer_ns } => {
                let (age, longer) = (seconds(*age_ns), seconds(*unicast_longer_ns));
                return format!(
                    "its replies to the group ended {age} after its join, those to unicast went \
                     on for {longer}"
                );
            }
            Self::Held { held_ns } => return format!("held for {}", seconds(*held_ns)),
            Self::MembershipLasts { membership_ns } => {
                let membership = Nanos(*membership_ns);
                return format!("without queries, a membership expires after {membership}");
            }
            Self::StreamArrives { source, datagrams, held_ns } => {
                let (datagrams, held) = (plural(*datagrams, "datagram"), seconds(*held_ns));
                return format!("{datagrams} from {source}, still arriving after {held}");
            }
            Self::StreamEnded { source, datagrams, last_ns } => {
                let (datagrams, last) = (plural(*datagrams, "datagram"), seconds(*last_ns));
                return format!("{datagrams} from {source}, the last {last} after the join");
            }
            Self::QueriesHeard { queries } => {
                return format!("{} heard meanwhile", quantity(*queries));
            }
        };
        fixed.to_owned()
    }
}

fn queries(before: Option<u64>, during: u64, from: Option<&str>) -> String {
    let mut text = match before {
        Some(before) => {
            format!("{} before this check, {} during it", quantity(before), group_digits(during))
        }
        None => format!("{} during this check", quantity(during)),
    };
    if let Some(from) = from {
        text.push_str(&format!(", the last from {from}"));
    }
    text
}

/// `1 query`, `2 queries`.
fn quantity(queries: u64) -> String {
    let noun = if queries == 1 { "query" } else { "queries" };
    format!("{} {noun}", group_digits(queries))
}

fn replied(addresses: &[String], more: u64) -> String {
    let mut all = addresses.to_vec();
    if more > 0 {
        all.push(format!("{} more", group_digits(more)));
    }
    list(&all)
}

impl Worded for CheckAlternative {
    fn text(&self) -> String {
        match self {
            Self::OwnFirewall => "a firewall on this host",
            Self::HostBusy => "a busy host",
            Self::FirewallLimit => "a firewall with a rate limit",
            Self::IgmpVersionForced => {
                "the version is forced by `net.ipv4.conf.*.force_igmp_version`"
            }
            Self::QueriesHidden => "a firewall that hides queries",
            Self::LongerQueryInterval => "a longer query interval",
            Self::NotAnswering => "`udpkit cast check GROUP --answer` is not running there",
            Self::Firewall => "a firewall",
            Self::WrongAddress => "a wrong address",
            Self::NoMulticastRouting => {
                "no multicast routing there, or none for this group or source"
            }
            Self::SnoopingSwitch => "a snooping switch",
            Self::SnoopingSwitchMissedFarEnd => {
                "a snooping switch that missed its join or has no querier"
            }
            Self::FarEndOnOtherInterface => "the remote host joined on another interface",
            Self::FarEndFirewall => "a firewall on the remote host that drops the group",
            Self::SnoopingSwitchMissedThisHost => {
                "a snooping switch that missed this host's join or has no querier"
            }
            Self::OwnFilters => "`rp_filter` or a firewall on this host",
            Self::NoMulticastRoutingOnPath => "no multicast routing on the path",
            Self::SnoopingWithoutQuerier => "a snooping switch in a network without a querier",
            Self::SenderStopped => "the sender stopped",
            Self::PathChanged => "the path changed",
        }
        .to_owned()
    }
}

impl Worded for CheckCaveat {
    fn text(&self) -> String {
        match self {
            Self::MayBeChance => "with so few probes, this may be chance",
            Self::HarmlessWithoutSnooping => "harmless where no switch snoops",
            Self::UnicastUndecided => "cannot tell whether it answers unicast: too few replies",
            Self::UnicastUnanswered => {
                "it does not answer unicast: a firewall there may let in only the group"
            }
        }
        .to_owned()
    }
}

impl Worded for CheckAdvice {
    fn text(&self) -> String {
        let fixed = match self {
            Self::NameInterface => "name the group's interface with `--interface`",
            Self::AddRoute { ipv6: false } => {
                "name the interface with `--interface`, or add a route: `ip route add 224.0.0.0/4 \
                 dev eth0`"
            }
            Self::AddRoute { ipv6: true } => {
                "name the interface with `--interface`, or add a route: `ip -6 route add multicast \
                 ff00::/8 dev eth0 table local`"
            }
            Self::ListFirewallRules => "look at its rules: `nft list ruleset`, `iptables -L`",
            Self::SetMulticastFlag { interface } => {
                return format!("set the flag: `ip link set {interface} multicast on`");
            }
            Self::HoldWithStream => "`--hold 5min` to see whether a stream lasts",
            Self::HoldForQuery => "`--hold 5min` to listen long enough",
            Self::HoldAsRoot => {
                "`--hold 5min` as root to see queries; without root, it still shows whether a \
                 stream lasts"
            }
            Self::LoosenFilter { interface } => {
                return format!("`{}`, where sources are elsewhere", loosen(interface));
            }
            Self::LoosenFilterOrRoute { interface } => {
                let loosen = loosen(interface);
                return format!("`{loosen}`, or a route to the remote host by {interface}");
            }
            Self::RunAnswer => {
                "run that command on another host, and name the host here with `--far`"
            }
            Self::RaiseTtl => "a larger `--ttl`; senders need the larger TTL as well",
            Self::HoldLonger => "a longer `--hold`",
            Self::HoldPastMembership => {
                "`--hold 5min`, longer than a membership lasts without queries"
            }
            Self::SendStream => {
                "run `udpkit cast send` on another host, or name one that runs `--answer` with \
                 `--far`"
            }
            Self::HoldDuringStream => "`--hold` while a stream is running",
            Self::EnableQuerier => {
                "enable a querier on the switch or on a router, or turn snooping off"
            }
            Self::SetMembership => "`--membership` to set when the switch ages members out",
        };
        fixed.to_owned()
    }
}

/// The command that sets the filter of an interface to loose. In sysctl, a slash stands for a dot
/// in a name.
fn loosen(interface: &str) -> String {
    format!("sysctl net.ipv4.conf.{}.rp_filter=2", interface.replace('.', "/"))
}
