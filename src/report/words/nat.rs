//! Sentences of `probe nat`.

use super::terms::{part, plural, plural_of};
use crate::record::Worded;
use crate::record::probe::{
    AddressUnknown, AnswerSource, Dependence, Hairpin, NatAlternative, NatAnswer, NatCaveat,
    NatEvidence, NatMeaning, NatQuestion, NatUnknown, NatVerdict, PortChoice,
};
use crate::units::group_digits;

/// What a mapping or filtering depends on, in the terms of RFC 4787.
pub fn dependence(found: Dependence) -> &'static str {
    match found {
        Dependence::EndpointIndependent => "endpoint-independent",
        Dependence::AddressDependent => "address-dependent",
        Dependence::AddressAndPortDependent => "address- and port-dependent",
        Dependence::EndpointIndependentOrAddressDependent => {
            "endpoint-independent or address-dependent"
        }
        Dependence::AddressDependentOrAddressAndPortDependent => {
            "address-dependent or address- and port-dependent"
        }
    }
}

/// How ports are chosen, in the row `ports`.
pub fn port_choice(ports: PortChoice) -> &'static str {
    match ports {
        PortChoice::Kept => "preserved",
        PortChoice::KeptForSome => "partly preserved",
        PortChoice::Sequential => "sequential",
        PortChoice::Random => "random",
        PortChoice::Changed => "changed",
    }
}

/// Filtering without a NAT, in the row `filtering`; only what was observed.
pub fn filtering_without_nat(found: Dependence) -> &'static str {
    match found {
        Dependence::EndpointIndependent => "none seen",
        Dependence::EndpointIndependentOrAddressDependent => "none seen; by address unknown",
        found => dependence(found),
    }
}

/// The name of a test.
pub fn question(about: NatQuestion) -> &'static str {
    match about {
        NatQuestion::Mapping => "mapping",
        NatQuestion::Filtering => "filtering",
        NatQuestion::Control => "control",
        NatQuestion::Hairpin => "hairpin",
    }
}

impl Worded for NatVerdict {
    fn text(&self) -> String {
        match self {
            Self::NoNatBehindRelay { server, behind } => format!(
                "no NAT on the path to the relay at {server}: {behind} behind it, queried directly, \
                 sees this host's own address and port"
            ),
            Self::RelayOrNat { server } => format!(
                "a relay or a NAT at {server} forwards requests; whether this host \
                 itself is behind a NAT is unknown"
            ),
            Self::Nat { ports, mapping, filtering } => {
                let ports = match ports {
                    Some(PortChoice::Kept) => "preserves ports",
                    Some(PortChoice::KeptForSome) => "preserves some ports",
                    Some(PortChoice::Sequential) => "allocates ports sequentially",
                    Some(PortChoice::Random) => "allocates ports randomly",
                    Some(PortChoice::Changed) | None => "changes ports",
                };
                let [mapping, filtering] =
                    [mapping, filtering].map(|found| found.map_or("unknown", dependence));
                format!("behind a NAT that {ports}: {mapping} mapping, {filtering} filtering")
            }
            Self::NoNat { filtering } => format!(
                "no NAT: the server sees this host's own addresses and ports; {}",
                without_nat(*filtering)
            ),
            Self::InterruptedBeforeReply => "interrupted before any reply".to_owned(),
            Self::NoServer { server } => format!("no STUN server replies at {server}"),
            Self::Shared(refusal) => refusal.text(),
        }
    }
}

/// Filtering without a NAT, as part of the verdict.
fn without_nat(filtering: Option<Dependence>) -> String {
    match filtering {
        Some(Dependence::EndpointIndependent) => {
            "datagrams from other addresses reach an open port".to_owned()
        }
        Some(Dependence::EndpointIndependentOrAddressDependent) => {
            "no filtering seen: replies from the server's other port arrive, filtering by address \
             is unknown"
                .to_owned()
        }
        Some(found) => format!("a firewall applies {} filtering", dependence(found)),
        None => "firewall filtering is unknown".to_owned(),
    }
}

impl Worded for NatAnswer {
    fn text(&self) -> String {
        match self {
            Self::Error { error_code, reason } if reason.is_empty() => {
                format!("STUN error {error_code}")
            }
            Self::Error { error_code, reason } => format!("STUN error {error_code} ({reason})"),
            Self::ErrorWithoutCode => "a STUN error without a code".to_owned(),
            Self::From { source } => format!("a reply from {source}"),
            Self::NoAddress => "a reply without an address".to_owned(),
        }
    }
}

impl Worded for NatEvidence {
    fn text(&self) -> String {
        match self {
            Self::SeenAs { local, seen, sockets, ports_kept } => format!(
                "{local} is seen as {seen}; {} {} port",
                part(u64::from(*ports_kept), u64::from(*sockets), "socket"),
                if *sockets == 1 { "keeps its" } else { "keep their" }
            ),
            Self::AnswersFrom { source, answered, sent, control } => {
                let source = match source {
                    AnswerSource::OtherAddressAndPort => "other address and port",
                    AnswerSource::OtherAddress => "other address",
                    AnswerSource::OtherPort => "other port",
                };
                let of = |answered: u32, sent: u32| {
                    format!("{} of {}", group_digits(answered.into()), group_digits(sent.into()))
                };
                let control = control.map_or_else(String::new, |control| {
                    format!(", {} from the address queried", of(control.answered, control.sent))
                });
                format!(
                    "{} replies from the server's {source} arrived{control}",
                    of(*answered, *sent)
                )
            }
            Self::SeenAsTheServer => {
                "the server sees requests arrive from the address they were sent to".to_owned()
            }
            Self::AskedElsewhere { origin } => {
                format!("the server reports its own address as {origin}")
            }
            Self::UnchangedBehindRelay { behind } => {
                format!("{behind}, queried directly, sees this host's address and port unchanged")
            }
            Self::Hairpin { outcome } => match outcome {
                Hairpin::Works => "hairpinning works".to_owned(),
                Hairpin::WorksFromInside => {
                    "hairpinning works, but shows the sender's internal address".to_owned()
                }
                Hairpin::Fails => {
                    "hairpinning fails: nothing came back from this host's own mapped address"
                        .to_owned()
                }
            },
            Self::Unanswered { sent, sockets } => format!(
                "{} from {} were answered",
                part(0, u64::from(*sent), "request"),
                plural(u64::from(*sockets), "socket")
            ),
            Self::Refused { answer } => format!("the server sent {}", answer.text()),
        }
    }
}

impl Worded for NatAlternative {
    fn text(&self) -> String {
        match self {
            Self::FirewallAtServer => {
                "a firewall near the server blocks unrequested datagrams from its other address \
                 or port"
            }
            Self::Firewall => "a firewall drops the requests or the replies",
            Self::StunDisabled => "the server requires a key, or STUN is disabled on it",
        }
        .to_owned()
    }
}

impl Worded for NatCaveat {
    fn text(&self) -> String {
        match self {
            Self::AddressesRewritten { plain, seen } => format!(
                "something on the path rewrites addresses in payloads: one reply contains both \
                 {plain} and {seen}"
            ),
            Self::MappingChanged { from, to } => {
                format!("the mapping changed during the run, from {from} to {to}")
            }
            Self::SeveralAddresses { addresses } => format!(
                "the NAT uses {} for this host, which some protocols do not tolerate",
                plural_of(u64::from(*addresses), "external address", "external addresses")
            ),
            Self::RequestsLost { lost, sent } => format!(
                "{} or their replies were lost",
                part(u64::from(*lost), u64::from(*sent), "plain request")
            ),
            Self::Shared(caveat) => caveat.text(),
        }
    }
}

impl Worded for NatMeaning {
    fn text(&self) -> String {
        match self {
            Self::Reachable => {
                "other hosts can send to this host first, once they know its address"
            }
            Self::ReachableAfterSending => {
                "other hosts can reach a port of this host only after it has sent to them"
            }
            Self::HolePunching => {
                "hole punching works: peers can use the mapped address that a server sees"
            }
            Self::RelayNeeded => {
                "hole punching fails between two such peers; they need a relay (TURN)"
            }
        }
        .to_owned()
    }
}

impl Worded for NatUnknown {
    fn text(&self) -> String {
        match self {
            Self::NatBeforeRelay => {
                "whether there is a NAT: a relay seems to be in front of the server".to_owned()
            }
            Self::FilteringBehindRelay => {
                "filtering: replies from other addresses would have to pass the relay".to_owned()
            }
            Self::MappingFirstUnanswered => "mapping: the first socket got no reply".to_owned(),
            Self::MappingUnanswered { address } => format!("mapping: no reply from {address}"),
            Self::MappingOneAddress => {
                "mapping: the server has no second address or port; try one that has both, such as \
                 `udpkit serve`, or name a second server"
                    .to_owned()
            }
            Self::MappingInPart { other } => format!(
                "the full mapping: some requests to the server's other address or port ({other}) \
                 got no reply"
            ),
            Self::MappingByAddress => {
                "whether mapping depends on the remote address: the server has only one".to_owned()
            }
            Self::MappingByPort => {
                "whether mapping also depends on the remote port: the server has only one"
                    .to_owned()
            }
            Self::FilteringFirstUnanswered => "filtering: the first socket got no reply".to_owned(),
            Self::FilteringOneAddress => {
                "filtering: the server has no second address or port".to_owned()
            }
            Self::FilteringRefused { answer } => match answer {
                NatAnswer::From { source } => format!(
                    "filtering: the server replies from {source}, not from its other address or \
                     port"
                ),
                NatAnswer::NoAddress => {
                    "filtering: the server's reply contains no address".to_owned()
                }
                answer => format!(
                    "filtering: the server refuses to reply from its other address or port ({})",
                    answer.text()
                ),
            },
            Self::FilteringTooFewTries { sent } => format!(
                "filtering: no reply to so few tries may be chance (all {} sent alongside were \
                 answered)",
                plural(*sent, "plain request")
            ),
            Self::FilteringLossy { lost, sent } => format!(
                "filtering: too much loss on the path: {} ({:.0}%)",
                part(*lost, *sent, "plain request"),
                *lost as f64 * 100.0 / (*sent).max(1) as f64
            ),
            Self::FilteringPathSilent => {
                "filtering: plain requests were not answered either".to_owned()
            }
            Self::FilteringInterrupted => "filtering: the run was interrupted".to_owned(),
            Self::FilteringOtherSilent { other } => {
                format!("filtering: {other} does not answer direct requests either")
            }
            Self::FilteringByAddress { reason } => {
                let reason = match reason {
                    AddressUnknown::OneAddress => "the server has only one",
                    AddressUnknown::Chance => {
                        "replies from the server's other address may have been lost by chance"
                    }
                    AddressUnknown::OtherSilent => {
                        "the server's other address does not answer plain requests either"
                    }
                };
                format!("whether filtering depends on the remote address: {reason}")
            }
            Self::FilteringByPort => "whether filtering also depends on the remote port".to_owned(),
            Self::HairpinNoAddress => {
                "hairpinning: this host's own mapped address is unknown".to_owned()
            }
            Self::HairpinInterrupted => "hairpinning: the run was interrupted".to_owned(),
        }
    }
}
