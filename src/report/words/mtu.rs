//! Sentences of `probe mtu`.

use super::terms::{list, part};
use crate::record::Worded;
use crate::record::probe::{
    ControlLoss, FragmentMtu, MtuAlternative, MtuCaveat, MtuEvidence, MtuLimit, MtuVerdict,
    NoAgent, PathMtu, Way,
};
use std::net::IpAddr;

/// The note that there is no remote agent, and what is measured without one.
pub fn no_agent_note(why: &NoAgent) -> String {
    format!("{}; measuring without a remote agent, outbound only", why.text())
}

impl Worded for MtuVerdict {
    fn text(&self) -> String {
        let alone = |found: String| format!("without a remote agent: {found}");
        match self {
            Self::PathMtu { out, back, fragments_out, fragments_back } => {
                let fragments = fragments(fragments_out, fragments_back);
                if out == back {
                    return format!("{}; {fragments}", path_mtu(out, "each way", BOTH_ENDS));
                }
                let out = path_mtu(out, "out", ["the local", "the server's"]);
                let back = path_mtu(back, "back", ["the server's", "the local"]);
                format!("{out}; {back}; {fragments}")
            }
            Self::Replied { packet_bytes, payload_bytes, limit, routers, fragmented_replies } => {
                alone(format!(
                    "{} are answered, {}{}",
                    packets(*packet_bytes, *payload_bytes),
                    ended_by(*limit, routers),
                    in_fragments(*fragmented_replies)
                ))
            }
            Self::RepliedUpTo { packet_bytes, payload_bytes, fragmented_replies } => {
                alone(format!(
                    "packets of up to {} are answered, larger ones are not{}",
                    size(*packet_bytes, *payload_bytes),
                    in_fragments(*fragmented_replies)
                ))
            }
            Self::RepliedLargerUnknown {
                packet_bytes,
                payload_bytes,
                fragmented_replies,
                loss,
            } => alone(format!(
                "{} are answered, larger ones could not be determined: {}{}",
                packets(*packet_bytes, *payload_bytes),
                why_unknown(*loss),
                in_fragments(*fragmented_replies)
            )),
            Self::RefusedByTarget { packet_bytes, payload_bytes, limit, routers } => {
                alone(format!(
                    "{}, {}, reach the target, which refuses them by ICMP",
                    packets(*packet_bytes, *payload_bytes),
                    ended_by(*limit, routers)
                ))
            }
            Self::LargeUnanswered { packet_bytes, payload_bytes } => alone(format!(
                "the target refuses short datagrams by ICMP, but {} get no reply and no router \
                 reports them as too big",
                some_packets(*packet_bytes, *payload_bytes)
            )),
            Self::NoReply { packet_bytes, payload_bytes } => alone(format!(
                "no reply, and no router reports {} as too big",
                some_packets(*packet_bytes, *payload_bytes)
            )),
            Self::NoReplyRouterLimit { router, packet_bytes, payload_bytes } => {
                let router =
                    router.map_or_else(|| "a router".to_owned(), |ip| format!("router {ip}"));
                let most = match (packet_bytes, payload_bytes) {
                    (Some(packet), Some(payload)) => {
                        format!("forwards at most {}", size(*packet, *payload))
                    }
                    _ => "limits the packet size".to_owned(),
                };
                alone(format!("no reply, but {router} {most}"))
            }
            Self::NothingSent => alone("nothing was sent".to_owned()),
            Self::InterruptedBeforeReply => "interrupted before any reply".to_owned(),
            Self::Shared(refusal) => refusal.text(),
        }
    }
}

/// The two ends if both directions have the same result.
const BOTH_ENDS: [&str; 2] = ["the sender's", "the receiver's"];

fn size(packet: u32, payload: u32) -> String {
    format!("{packet} bytes (UDP payload {payload})")
}

fn packets(packet: u32, payload: u32) -> String {
    format!("packets of {}", size(packet, payload))
}

fn some_packets(packet: Option<u32>, payload: Option<u32>) -> String {
    match (packet, payload) {
        (Some(packet), Some(payload)) => packets(packet, payload),
        _ => "large packets".to_owned(),
    }
}

fn why_unknown(loss: Option<ControlLoss>) -> String {
    loss.map_or_else(|| "the run ended too early".to_owned(), |loss| loss.text())
}

fn limited_by(routers: &[IpAddr]) -> String {
    let addresses: Vec<String> = routers.iter().map(ToString::to_string).collect();
    match addresses.len() {
        0 => "limited by a router".to_owned(),
        1 => format!("limited by router {}", addresses[0]),
        _ => format!("limited by routers {}", list(&addresses)),
    }
}

fn ended_by(limit: MtuLimit, routers: &[IpAddr]) -> String {
    match limit {
        MtuLimit::Router => limited_by(routers),
        _ => "limited by the local interface MTU".to_owned(),
    }
}

fn in_fragments(replies: bool) -> &'static str {
    if replies { " (replies arrive in fragments, so requests may too)" } else { "" }
}

/// The path MTU of one direction; `ends` are its sender and its receiver.
fn path_mtu(found: &PathMtu, way: &str, ends: [&str; 2]) -> String {
    let [sender, receiver] = ends;
    let mtu = |packet: u32, payload: u32| format!("path MTU {way} {}", size(packet, payload));
    match found {
        PathMtu::SenderInterface { packet_bytes, payload_bytes } => {
            let mtu = mtu(*packet_bytes, *payload_bytes);
            format!("{mtu}, limited by {sender} interface MTU")
        }
        PathMtu::ReceiverInterface { packet_bytes, payload_bytes } => {
            let mtu = mtu(*packet_bytes, *payload_bytes);
            format!("{mtu}, limited by {receiver} interface MTU")
        }
        PathMtu::Router { packet_bytes, payload_bytes, routers } => {
            format!("{}, {}", mtu(*packet_bytes, *payload_bytes), limited_by(routers))
        }
        PathMtu::FragmentedDespiteDf { packet_bytes, payload_bytes, fragment_bytes } => format!(
            "{}, larger packets are fragmented despite don't-fragment (into at most \
             {fragment_bytes} bytes)",
            mtu(*packet_bytes, *payload_bytes)
        ),
        PathMtu::BlackHole { packet_bytes, payload_bytes, after } => {
            let place = after.map_or_else(String::new, |router| format!(" beyond {router}"));
            format!(
                "{}, black hole: larger packets are dropped silently{place}",
                mtu(*packet_bytes, *payload_bytes)
            )
        }
        PathMtu::Cut { packet_bytes, payload_bytes, cut_to_bytes } => format!(
            "path MTU {way} unknown beyond {}: larger datagrams arrive cut to {cut_to_bytes} bytes \
             of payload, by something that forwards their content (a relay or a gateway)",
            size(*packet_bytes, *payload_bytes)
        ),
        PathMtu::LargerUnknown { packet_bytes, payload_bytes, loss } => format!(
            "path MTU {way} at least {}, larger sizes could not be determined: {}",
            size(*packet_bytes, *payload_bytes),
            why_unknown(*loss)
        ),
        PathMtu::OnlyFragments { fragment_bytes } => format!(
            "path MTU {way} unknown: every packet is fragmented despite don't-fragment, into at \
             most {fragment_bytes} bytes"
        ),
        PathMtu::NothingArrives => format!("path MTU {way} unknown: no packet of any size arrives"),
        PathMtu::Unknown { loss } => {
            format!("path MTU {way} could not be determined: {}", why_unknown(*loss))
        }
    }
}

/// Whether fragmented datagrams pass.
fn fragments(out: &FragmentMtu, back: &FragmentMtu) -> String {
    if out == back {
        return format!("fragmented datagrams {}", fragments_of(out));
    }
    let [out, back] = [out, back].map(fragments_of);
    format!("outbound fragmented datagrams {out}, inbound ones {back}")
}

fn fragments_of(found: &FragmentMtu) -> String {
    match found {
        FragmentMtu::NotTested => "were not tested".to_owned(),
        FragmentMtu::Pass { payload_bytes } => format!("pass up to {payload_bytes} bytes"),
        FragmentMtu::PassUpTo { payload_bytes, blocked_bytes } => {
            format!("pass up to {payload_bytes} bytes but not from {blocked_bytes} bytes on")
        }
        FragmentMtu::LargerUnknown { payload_bytes, loss } => format!(
            "pass up to {payload_bytes} bytes, larger ones could not be determined ({})",
            why_unknown(*loss)
        ),
        FragmentMtu::Cut { payload_bytes: None, cut_to_bytes } => {
            format!("arrive cut to {cut_to_bytes} bytes")
        }
        FragmentMtu::Cut { payload_bytes: Some(payload_bytes), cut_to_bytes } => {
            format!("pass up to {payload_bytes} bytes, larger ones arrive cut to {cut_to_bytes}")
        }
        FragmentMtu::Blocked => "are blocked".to_owned(),
        FragmentMtu::NotSent => "could not be sent".to_owned(),
        FragmentMtu::Unknown { loss } => {
            format!("could not be determined ({})", why_unknown(*loss))
        }
    }
}

fn named(way: Way) -> &'static str {
    match way {
        Way::Out => "out",
        Way::Back => "back",
    }
}

fn who(router: Option<IpAddr>) -> String {
    router.map_or_else(|| "a router".to_owned(), |router| format!("router {router}"))
}

fn sizes(bytes: &[u32]) -> String {
    let each: Vec<String> = bytes.iter().map(ToString::to_string).collect();
    format!("{} bytes", list(&each))
}

impl Worded for MtuEvidence {
    fn text(&self) -> String {
        match self {
            Self::SizeLost { way, packet_bytes, sent } => format!(
                "{}: {} of {packet_bytes} bytes arrived",
                named(*way),
                part(0, u64::from(*sent), "packet")
            ),
            Self::ArrivedCut { way, payload_bytes, cut_to_bytes } => format!(
                "{}: a payload of {payload_bytes} bytes arrived with {cut_to_bytes}",
                named(*way)
            ),
            Self::TooBigReport { way, router, mtu_bytes } => {
                let mtu = mtu_bytes.map_or_else(String::new, |mtu| format!(" (MTU {mtu})"));
                format!("{}: {} reports that packets are too big{mtu}", named(*way), who(*router))
            }
            Self::FragmentsSeen { way, largest_bytes } => {
                let largest = if largest_bytes.len() == 1 { "fragment" } else { "fragments" };
                format!("{}: largest {largest} seen: {}", named(*way), sizes(largest_bytes))
            }
            Self::FragmentsLost { way, payloads_bytes } => format!(
                "{}: no fragmented datagram with a payload of {} arrived",
                named(*way),
                alternatives(payloads_bytes)
            ),
            Self::RepliesFragmented { largest_bytes } => {
                format!("back: replies arrived in fragments of at most {largest_bytes} bytes")
            }
            Self::SizeUnanswered { packet_bytes, sent } => format!(
                "{} of {packet_bytes} bytes were answered",
                part(0, u64::from(*sent), "packet")
            ),
            Self::Shared(control) => control.text(),
        }
    }
}

/// `2000, 4000 or 8000 bytes`.
fn alternatives(bytes: &[u32]) -> String {
    let each: Vec<String> = bytes.iter().map(ToString::to_string).collect();
    match each.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last} bytes", rest.join(", ")),
        _ => sizes(bytes),
    }
}

impl Worded for MtuAlternative {
    fn text(&self) -> String {
        match self {
            Self::Firewall => {
                "a firewall drops large packets, or drops the ICMP errors that report them"
            }
            Self::HiddenMtu => {
                "a tunnel or switch has a smaller MTU than the router in front of it knows"
            }
            Self::RepliesLost => {
                "the replies, equally large, are lost on the way back, not the requests"
            }
            Self::BlackHole => "a hop drops large packets silently (black hole)",
            Self::TargetIgnoresSize => {
                "the target receives datagrams of this size but does not reply to them"
            }
        }
        .to_owned()
    }
}

impl Worded for MtuCaveat {
    fn text(&self) -> String {
        match self {
            Self::SmallerLost { way, packets_bytes } => format!(
                "{}: packets of {} were lost although larger ones arrived",
                named(*way),
                sizes(packets_bytes)
            ),
            Self::FragmentsMeetBlackHole { way } => format!(
                "{}: over IPv6 only the sender fragments, to its own interface MTU, so the black \
                 hole drops the fragments as well",
                named(*way)
            ),
            Self::WrongMtuReport { way, router, mtu_bytes } => format!(
                "{}: {} reports an MTU of {mtu_bytes} bytes, which is not what passes",
                named(*way),
                who(*router)
            ),
            Self::ReturnPathUnknown => {
                "the return path can only be measured with a remote agent (`udpkit serve`)"
                    .to_owned()
            }
            Self::Shared(caveat) => caveat.text(),
        }
    }
}
