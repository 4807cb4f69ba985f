//! What `probe nat` found.

use super::Verdict;
use serde::Serialize;
use std::net::SocketAddr;

/// On what of the far end a NAT's mapping, or its filtering, depends (RFC 4787 §4.1, §5). Where the
/// far end has no second address, or is silent, less is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependence {
    /// On nothing.
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

impl Dependence {
    /// In words, RFC 5780's.
    pub fn words(self) -> &'static str {
        match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address- and port-dependent",
            Self::EndpointIndependentOrAddressDependent => {
                "endpoint-independent or address-dependent"
            }
            Self::AddressDependentOrAddressAndPortDependent => {
                "address-dependent or address- and port-dependent"
            }
        }
    }
}

/// How a NAT chooses ports for several sockets of one host (RFC 4787 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortChoice {
    /// The one that the socket has.
    Kept,
    /// The one that the socket has for some, another for others.
    KeptForSome,
    /// Others, next to one another.
    Sequential,
    /// Others, without order.
    Random,
    /// Another; of one socket more is not known.
    Changed,
}

/// What becomes of a datagram to the host's own mapped address (RFC 4787 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hairpin {
    /// It arrives, from the sender's mapped address.
    Works,
    /// It arrives, from the sender's inner address: who answers that is not understood.
    WorksFromInside,
    /// It does not arrive.
    Fails,
}

/// One socket and the address that it has at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NatSocket {
    /// Its address here.
    pub local: SocketAddr,
    /// Its address there; `None` when no answer came.
    pub seen: Option<SocketAddr>,
    /// Whether the port is the same; `None` when no answer came.
    pub port_kept: Option<bool>,
}

/// One question, with all its tries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NatTest {
    /// `mapping`, `filtering`, `control` or `hairpin`.
    pub about: &'static str,
    /// Which socket asked: its place in `sockets`; `None` for the hairpin's own.
    pub socket: Option<usize>,
    /// Where to.
    pub to: SocketAddr,
    /// From where the answer was wanted; the same where nothing else was asked for.
    pub answer_from: SocketAddr,
    /// Requests that left this host.
    pub sent: u32,
    /// Requests that this host refused to send.
    pub refused: u32,
    /// Requests that were answered from where it was wanted.
    pub answered: u32,
    /// The address that the far end saw; `None` when no answer came.
    pub seen: Option<SocketAddr>,
    /// From the request to its answer, the shortest; `None` when none came.
    pub round_trip_ns: Option<u64>,
    /// What was answered instead; `None` for nothing.
    pub instead: Option<String>,
}

/// A document of `probe nat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NatReport {
    /// The server that was asked.
    pub target: SocketAddr,
    /// Its other port, on its other address where it has one; `None` where it told of none.
    pub other: Option<SocketAddr>,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether anything answered.
    pub answered: bool,
    /// Whether the far end sees another address or port than this host has; `None` when no answer
    /// came.
    pub nat: Option<bool>,
    /// How the NAT maps; `None` when not known, or without a NAT.
    pub mapping: Option<Dependence>,
    /// What a NAT or firewall on the way lets in; `None` when not known.
    pub filtering: Option<Dependence>,
    /// How ports are chosen; `None` when not known, or without a NAT.
    pub ports: Option<PortChoice>,
    /// Addresses that the NAT used for this host, in the order in which they were seen.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether a host behind the NAT reaches another by its mapped address; `None` when it was not
    /// asked, not known, or without a NAT.
    pub hairpin: Option<Hairpin>,
    /// What it means for two hosts that want to reach each other; `None` when not known.
    pub means: Option<&'static str>,
    /// What could not be known, and why.
    pub not_known: Vec<String>,
    /// Each socket.
    pub sockets: Vec<NatSocket>,
    /// Each question.
    pub tests: Vec<NatTest>,
    /// Plain requests sent, of questions that were answered at all.
    pub sent: u64,
    /// Those of them that were answered.
    pub back: u64,
    /// Further answers to requests that had one: copies that the network made, of either.
    pub copies: u64,
    /// What the network answered instead, each kind once.
    pub network_errors: Vec<String>,
    /// Whether it was ended early.
    pub interrupted: bool,
    /// How long it took.
    pub duration_ns: u64,
}
