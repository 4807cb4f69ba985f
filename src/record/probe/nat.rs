//! The result of `probe nat`.

use super::ProbeCaveat;
use crate::record::{Findings, Trouble};
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// Which part of the remote endpoint a NAT's mapping, or its filtering, depends on (RFC 4787 §4.1,
/// §5). If the server has no second address, or does not answer from it, less is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Dependence {
    /// Independent of the remote endpoint.
    EndpointIndependent,
    /// On its address.
    AddressDependent,
    /// On its address and its port.
    AddressAndPortDependent,
    /// Not on its port; whether on its address is not known.
    EndpointIndependentOrAddressDependent,
    /// On its address, perhaps on its port too.
    AddressDependentOrAddressAndPortDependent,
}

/// How a NAT chooses ports for several sockets of one host (RFC 4787 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PortChoice {
    /// The socket's own port is kept.
    Kept,
    /// The socket's own port is kept for some sockets, and changed for others.
    KeptForSome,
    /// Other ports, in sequence.
    Sequential,
    /// Other ports, without order.
    Random,
    /// Another port; with one socket, no more is known.
    Changed,
}

/// Hairpinning: what happens to a datagram to the host's own mapped address (RFC 4787 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Hairpin {
    /// It arrives, from the sender's mapped address.
    Works,
    /// It arrives, from the sender's internal address: replies to it are not recognised.
    WorksFromInside,
    /// It does not arrive.
    Fails,
}

/// One socket and the address by which the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NatSocket {
    /// Its address here.
    pub local: Endpoint,
    /// Its address as the server sees it; `None` without an answer.
    pub seen: Option<Endpoint>,
    /// Whether the port is unchanged; `None` without an answer.
    pub port_kept: Option<bool>,
}

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NatQuestion {
    /// The address that the server sees.
    Mapping,
    /// Whether an answer from another address or port passes.
    Filtering,
    /// Whether answers from the server itself pass at the same time.
    Control,
    /// Whether a datagram to the host's own mapped address comes back.
    Hairpin,
}

/// What was received instead of the requested answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NatAnswer {
    /// A STUN error.
    Error {
        /// Its code (RFC 8489 §14.8).
        error_code: u16,
        /// Its reason, as the server gave it.
        #[serde(rename = "error_reason")]
        reason: String,
    },
    /// A STUN error without a code.
    ErrorWithoutCode,
    /// An answer from another address or port than requested.
    From {
        /// Its source.
        source: Endpoint,
    },
    /// An answer without an address.
    NoAddress,
}

/// One test, with all its tries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NatTest {
    /// The purpose of the request.
    pub about: NatQuestion,
    /// The sending socket: its index in `sockets`; `None` for the hairpin test's own.
    pub socket: Option<usize>,
    /// Destination of the requests.
    #[serde(rename = "destination")]
    pub to: Endpoint,
    /// The requested source of the answer; the server itself unless another was requested.
    pub answer_from: Endpoint,
    /// Requests that left this host.
    pub sent: u32,
    /// Requests that this host refused to send.
    pub refused: u32,
    /// Requests that were answered from the requested source.
    pub answered: u32,
    /// The address that the server saw; `None` without an answer.
    pub seen: Option<Endpoint>,
    /// Shortest time from a request to its answer; `None` without an answer.
    pub round_trip_ns: Option<u64>,
    /// What was received instead; `None` for nothing.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NatAnswer>>"))]
    pub instead: Option<NatAnswer>,
}

/// A document of `probe nat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NatReport {
    /// The server.
    pub target: Endpoint,
    /// Its alternate port, on its alternate address if it has one; `None` if it announced none.
    pub other: Option<Endpoint>,
    /// The verdict with evidence, alternatives and caveats.
    #[serde(flatten)]
    pub findings: Findings<NatVerdict, NatEvidence, NatAlternative, NatCaveat>,
    /// Whether anything answered.
    #[serde(rename = "server_answered")]
    pub answered: bool,
    /// Whether the server sees another address or port than this host has; `None` without an
    /// answer.
    #[serde(rename = "behind_nat")]
    pub nat: Option<bool>,
    /// The mapping behaviour of the NAT (RFC 4787 §4.1); `None` when not known, or without a NAT.
    pub mapping: Option<Dependence>,
    /// The filtering behaviour of a NAT or firewall on the path (RFC 4787 §5); `None` when not
    /// known.
    pub filtering: Option<Dependence>,
    /// How ports are chosen; `None` when not known, or without a NAT.
    #[serde(rename = "port_choice")]
    pub ports: Option<PortChoice>,
    /// Addresses that the NAT used for this host, in the order in which they were seen.
    pub addresses: Vec<IpAddr>,
    /// Whether hosts behind the NAT reach each other by mapped address; `None` if not tested, not
    /// known, or without a NAT.
    pub hairpin: Option<Hairpin>,
    /// What this means for peer-to-peer connections; `None` when not known.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NatMeaning>>"))]
    pub means: Option<NatMeaning>,
    /// What could not be known, and why.
    #[serde(rename = "not_known", serialize_with = "crate::record::finding::all")]
    #[cfg_attr(test, schemars(with = "Vec<crate::record::schema::Told<NatUnknown>>"))]
    pub unknown: Vec<NatUnknown>,
    /// Each socket.
    #[serde(rename = "socket_rows")]
    pub sockets: Vec<NatSocket>,
    /// Each test.
    #[serde(rename = "test_rows")]
    pub tests: Vec<NatTest>,
    /// Plain requests sent, in tests that were answered at all.
    pub sent: u64,
    /// Of these, those that were answered.
    pub back: u64,
    /// Second and further answers to requests that had one: duplicates that the network made, of
    /// request or answer.
    pub copies: u64,
    /// Errors from the network or from this host, by kind.
    pub network_errors: Vec<Trouble>,
    /// Whether it was ended early.
    pub interrupted: bool,
    /// How long it took.
    pub duration_ns: u64,
}

/// The verdict of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NatVerdict {
    /// No NAT on the path to a relay's server, which sees this host's own address when it is
    /// contacted directly.
    NoNatBehindRelay {
        /// The address of the relay.
        server: Endpoint,
        /// The server behind it.
        behind: IpAddr,
    },
    /// The server's address forwards requests: a relay or a NAT, near it or near this host.
    RelayOrNat {
        /// The server's address.
        server: Endpoint,
    },
    /// This host is behind a NAT.
    Nat {
        /// How it chooses ports; `None` when not known.
        #[serde(rename = "port_choice")]
        ports: Option<PortChoice>,
        /// Its mapping behaviour; `None` when not known.
        mapping: Option<Dependence>,
        /// Its filtering behaviour; `None` when not known.
        filtering: Option<Dependence>,
    },
    /// The server sees this host's own addresses and ports.
    NoNat {
        /// The filtering behaviour of a firewall; `None` when not known.
        filtering: Option<Dependence>,
    },
    /// The user ended the run before an answer arrived.
    #[default]
    InterruptedBeforeReply,
    /// No STUN server answers.
    NoServer {
        /// The server's address.
        server: Endpoint,
    },
    /// This host let no request out.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// The address and port of the server from which an answer was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AnswerSource {
    /// From its other address and its other port.
    OtherAddressAndPort,
    /// From its other address.
    OtherAddress,
    /// From its other port.
    OtherPort,
}

/// The evidence for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NatEvidence {
    /// The first socket's address, and how many sockets keep their port.
    SeenAs {
        /// Its address here.
        local: Endpoint,
        /// Its address as the server sees it.
        seen: Endpoint,
        /// Sockets that the server saw.
        sockets: u32,
        /// Of these, those with the port unchanged.
        ports_kept: u32,
    },
    /// Answers requested from another address or port.
    AnswersFrom {
        /// The requested source.
        #[serde(rename = "answer_source")]
        source: AnswerSource,
        /// Number that arrived.
        answered: u32,
        /// Number requested.
        sent: u32,
        /// If none arrived: answers from the server's own address at the same time.
        control: Option<NatControl>,
    },
    /// To the server, requests appear to come from its own address.
    SeenAsTheServer,
    /// The server reports that it was contacted at another address (RESPONSE-ORIGIN).
    AskedElsewhere {
        /// That address.
        #[serde(rename = "asked_address")]
        origin: Endpoint,
    },
    /// A server behind the relay, contacted directly, sees this host's address unchanged.
    UnchangedBehindRelay {
        /// That server.
        behind: Endpoint,
    },
    /// What happened to a datagram to the host's own mapped address.
    Hairpin {
        /// The outcome.
        outcome: Hairpin,
    },
    /// No request was answered.
    Unanswered {
        /// Requests that left.
        sent: u32,
        /// Sockets that they left from.
        sockets: u32,
    },
    /// The server answered with something else.
    Refused {
        /// The answer.
        #[serde(rename = "instead")]
        answer: NatAnswer,
    },
}

/// Plain requests sent as a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NatControl {
    /// How many were answered.
    pub answered: u32,
    /// How many left.
    pub sent: u32,
}

/// What else could explain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NatAlternative {
    /// A firewall near the server does not let its other port or address send first.
    FirewallAtServer,
    /// A firewall, in either direction.
    Firewall,
    /// A server that has a key, or that does not answer STUN.
    StunDisabled,
}

/// Caveats about the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NatCaveat {
    /// Something rewrites addresses in payloads.
    AddressesRewritten {
        /// MAPPED-ADDRESS of one answer.
        plain: Endpoint,
        /// XOR-MAPPED-ADDRESS of the same answer.
        seen: Endpoint,
    },
    /// A socket's mapping changed.
    MappingChanged {
        /// The old mapping.
        #[serde(rename = "old_mapping")]
        from: Endpoint,
        /// The new mapping.
        #[serde(rename = "new_mapping")]
        to: Endpoint,
    },
    /// The NAT uses several addresses for this host.
    SeveralAddresses {
        /// How many.
        #[serde(rename = "address_count")]
        addresses: u32,
    },
    /// Plain requests were lost.
    RequestsLost {
        /// How many were lost, or their answers.
        #[serde(rename = "lost_datagrams")]
        lost: u32,
        /// How many left.
        sent: u32,
    },
    /// A statement common to all probes.
    #[serde(untagged)]
    Shared(ProbeCaveat),
}

/// What a NAT or firewall means for peer-to-peer connections (RFC 5128 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NatMeaning {
    /// Other hosts can send first.
    Reachable,
    /// Other hosts reach a port once it has sent to them.
    ReachableAfterSending,
    /// Hole punching works.
    HolePunching,
    /// Hole punching fails; a relay is needed.
    RelayNeeded,
}

/// What could not be known, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NatUnknown {
    /// Whether there is a NAT on the path: a relay seems to be in front of the server.
    NatBeforeRelay,
    /// The filtering: answers from elsewhere would have to pass the relay.
    FilteringBehindRelay,
    /// The mapping: the socket that would send to other addresses had no answer itself.
    MappingFirstUnanswered,
    /// The mapping: an address did not answer.
    MappingUnanswered {
        /// The address.
        address: Endpoint,
    },
    /// The mapping: the server has neither a second address nor port.
    MappingOneAddress,
    /// Part of the mapping: the server's other address or port did not answer.
    MappingInPart {
        /// That address.
        other: Endpoint,
    },
    /// Whether the mapping depends on the address: the server has only one.
    MappingByAddress,
    /// Whether the mapping depends on the port too: the server has only one.
    MappingByPort,
    /// The filtering: the socket that would learn another address had no answer.
    FilteringFirstUnanswered,
    /// The filtering: the server has neither a second address nor port.
    FilteringOneAddress,
    /// The filtering: the server does not answer from elsewhere.
    FilteringRefused {
        /// Its answer instead.
        #[serde(rename = "instead")]
        answer: NatAnswer,
    },
    /// The filtering: no reply to so few tries may be chance.
    FilteringTooFewTries {
        /// Plain requests sent at the same time, all of which were answered.
        sent: u64,
    },
    /// The filtering: the path loses too much.
    FilteringLossy {
        /// Plain requests that were lost, or whose answers were.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// Plain requests that left.
        sent: u64,
    },
    /// The filtering: plain requests were not answered either.
    FilteringPathSilent,
    /// The filtering: the run was ended early.
    FilteringInterrupted,
    /// The filtering: the server's alternate address does not answer even when contacted directly.
    FilteringOtherSilent {
        /// That address.
        other: Endpoint,
    },
    /// Whether the filtering depends on the address.
    FilteringByAddress {
        /// Why that is not known.
        reason: AddressUnknown,
    },
    /// Whether the filtering depends on the port too.
    FilteringByPort,
    /// The hairpin: the host's own mapped address is not known.
    HairpinNoAddress,
    /// The hairpin: the run was ended early.
    HairpinInterrupted,
}

/// Why it is not known whether answers from the server's other address pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AddressUnknown {
    /// The server has only one address.
    OneAddress,
    /// Answers from its other address may be lost by chance.
    Chance,
    /// Its other address does not answer plain requests either.
    OtherSilent,
}
