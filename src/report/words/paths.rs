//! Sentences of `probe paths`.

use super::terms::{count_and_share, list, part, plural, share};
use crate::record::Worded;
use crate::record::probe::{
    Leg, NoAgent, Parting, PathsAlternative, PathsCaveat, PathsDifference, PathsEvidence,
    PathsVerdict,
};
use crate::units::{Nanos, group_digits};
use std::net::IpAddr;

/// Decimals of a share of loss.
const DECIMALS: usize = 2;

impl Worded for PathsVerdict {
    fn text(&self) -> String {
        match self {
            Self::FlowsDiffer { differences } => {
                let texts: Vec<String> = differences.iter().map(Worded::text).collect();
                texts.join("; ")
            }
            Self::PerPacket { direction, reordered_flows, of, sent, lost } => format!(
                "datagrams of one flow overtake each other {} in {}, and no flow is worse than \
                 others: routers spread single packets over several paths; lost: {}",
                on(*direction),
                part(*reordered_flows, *of, "flow"),
                loss(*lost, *sent)
            ),
            Self::FlowLimit { passing, of } => format!(
                "the number of flows is limited: the first {passing} of {} pass, and no later one \
                 does",
                plural(*of, "flow")
            ),
            Self::NoDifference { flows, sent, lost: 0 } => format!(
                "every flow looks the same: {}, {}, nothing lost",
                plural(*flows, "flow"),
                plural(*sent, "datagram")
            ),
            Self::NoDifference { flows, sent, lost } => format!(
                "every flow looks the same: {} lose {} in step",
                plural(*flows, "flow"),
                loss(*lost, *sent)
            ),
            Self::Undecided { lossy_flows, of, sent, lost } => format!(
                "{} lost something, {} in all: too little to tell whether they differ",
                part(*lossy_flows, *of, "flow"),
                loss(*lost, *sent)
            ),
            Self::NothingAnswered => "no datagram got a reply".to_owned(),
            Self::NothingSent => "no datagram left this host".to_owned(),
        }
    }
}

impl Worded for PathsDifference {
    fn text(&self) -> String {
        match self {
            Self::Loss {
                direction,
                worse_flows,
                worse_sent,
                worse_lost,
                better_flows,
                better_sent,
                better_lost,
                undecided_flows,
                ..
            } => {
                let of = worse_flows + better_flows + undecided_flows;
                let rest = match better_lost {
                    0 => format!("{better_flows} lose nothing"),
                    _ => format!("{better_flows} lose {}", loss(*better_lost, *better_sent)),
                };
                let verb = if *worse_flows == 1 { "loses" } else { "lose" };
                format!(
                    "{} {verb} {} {}, {rest}: one of several parallel paths is bad",
                    part(*worse_flows, of, "flow"),
                    loss(*worse_lost, *worse_sent),
                    on(*direction)
                )
            }
            Self::Delay { direction, slower_flows, slower_by_ns, faster_flows, .. } => format!(
                "{} take {} longer {} than {faster_flows}: several parallel paths",
                plural(*slower_flows, "flow"),
                Nanos(*slower_by_ns),
                on(*direction)
            ),
        }
    }
}

impl Worded for PathsEvidence {
    fn text(&self) -> String {
        match self {
            Self::Counted { direction, flows, sent, lost } => format!(
                "{}: {}, {}, {} lost",
                name(*direction),
                plural(*flows, "flow"),
                plural(*sent, "datagram"),
                count_and_share(*lost, *sent, DECIMALS)
            ),
            Self::Reordered { direction, reordered_flows, of } => format!(
                "reordering within {} {}, of datagrams sent one right after the other",
                part(*reordered_flows, *of, "flow"),
                on(*direction)
            ),
            Self::Traced { good_port, bad_port, parting } => {
                let ports = format!("source ports {good_port} (good) and {bad_port} (bad)");
                let behind = |router: &Option<IpAddr>| {
                    router.map_or_else(String::new, |router| format!(", behind {router}"))
                };
                match parting {
                    Parting::AtHop { hop, good_router, bad_router, common_router } => format!(
                        "{ports} part at hop {hop}{}: {good_router} and {bad_router}",
                        behind(common_router)
                    ),
                    Parting::BadEndsAfter { hop: 0, .. } => {
                        format!("{ports} part at the first hop, where the bad one gets no reply")
                    }
                    Parting::BadEndsAfter { hop, common_router } => format!(
                        "{ports} part after hop {hop}{}: the bad one gets no reply from beyond",
                        behind(common_router)
                    ),
                    Parting::SameRouters { hops } => format!(
                        "{ports}: the same routers reply at {}, so the paths part between two of \
                         them",
                        plural(*hops, "hop")
                    ),
                    Parting::Unknown => {
                        format!("{ports}: too few routers reply to see where they part")
                    }
                }
            }
            Self::DialogueMoved { silent_ports } => format!(
                "the server did not reply to {}, and did to another",
                plural(*silent_ports, "source port")
            ),
        }
    }
}

impl Worded for PathsAlternative {
    fn text(&self) -> String {
        match self {
            Self::OnePath => "there is one path".to_owned(),
            Self::EqualPaths => "there are several paths, all equally good".to_owned(),
            Self::AddressHash => "routers choose the path by addresses only, so all flows between \
                                  two hosts take the same one: probe from or to another address"
                .to_owned(),
            Self::SlightLoss { of_paths, datagrams, loss_ppb } => format!(
                "one of {of_paths} paths loses less than about {:.1}%, which the {} that took it \
                 need not show",
                *loss_ppb as f64 / 1e7,
                plural(*datagrams, "datagram")
            ),
            Self::FlowRules => "one path with a device that treats flows differently by their \
                                ports, such as a firewall or a limit for each flow"
                .to_owned(),
            Self::HostQueues => {
                "one path, and flows on different queues or cores of a host".to_owned()
            }
            Self::ReorderingLink => {
                "one path that reorders, such as a radio link that retransmits".to_owned()
            }
        }
    }
}

impl Worded for PathsCaveat {
    fn text(&self) -> String {
        match self {
            Self::RoundTripsOnly => "without the agent, only round trips are counted: losses have \
                                     no direction, and two flows with the same path out may come \
                                     back by different ones"
                .to_owned(),
            Self::TimeOver { needed_ns } => format!(
                "the time was over before it was decided; try --time {}s",
                needed_ns.div_ceil(10_000_000_000) * 10
            ),
            Self::FlowsUndecided { undecided_flows, of } => format!(
                "{} were measured too little to know which path they take",
                part(*undecided_flows, *of, "flow")
            ),
            Self::BackNotTraced => "the way back cannot be traced from here: run udpkit probe \
                                    trace on the far host, from the server's port to this one"
                .to_owned(),
            Self::PortsRewritten { rewritten_flows, of } => format!(
                "a NAT rewrites the source port of {}: routers behind it see other ports",
                part(*rewritten_flows, *of, "flow")
            ),
            Self::Shared(shared) => shared.text(),
        }
    }
}

/// The note that round trips are counted instead.
pub fn no_agent_note(why: &NoAgent) -> String {
    format!("no remote agent ({why}); counting round trips instead")
}

/// In the heading of a table.
pub fn name(leg: Leg) -> &'static str {
    match leg {
        Leg::Out => "out",
        Leg::Back => "back",
        Leg::RoundTrip => "round trip",
    }
}

fn on(leg: Leg) -> &'static str {
    match leg {
        Leg::Out => "on the way out",
        Leg::Back => "on the way back",
        Leg::RoundTrip => "on the round trip",
    }
}

/// `20.31% (812 of 3 998)`.
fn loss(lost: u64, sent: u64) -> String {
    let (part, of) = (group_digits(lost), group_digits(sent));
    format!("{} ({part} of {of})", share(lost, sent, DECIMALS))
}

/// Ports, and how many more there are.
pub fn named(ports: &str, more: usize) -> String {
    match more {
        0 => ports.to_owned(),
        more => format!("{ports} and {more} more (all with -J)"),
    }
}

/// How a row of the table compares: `worse`, `12.1 ms slower`, `undecided`.
pub fn compared(loss_group: Option<u64>, above: Option<u64>, is_slower: bool) -> String {
    let loss = match loss_group {
        None => Some("undecided".to_owned()),
        Some(0) => None,
        Some(_) => Some("bad".to_owned()),
    };
    let slower = above.filter(|_| is_slower).map(|above| format!("{} slower", Nanos(above)));
    let words: Vec<String> = loss.into_iter().chain(slower).collect();
    if words.is_empty() { "best".to_owned() } else { list(&words) }
}
