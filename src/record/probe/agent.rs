//! The remote agent of a probe (`udpkit serve`), for all kinds of probe: why there is none, and
//! caveats about its reports.

use super::RefusedHere;
use crate::batch::{InterfaceChange, LocalSendFailure, NetworkError};
use crate::record::{Contradiction, InterfaceEvent, LossPart, RemoteRefusal, ServerReply, Trouble};
use crate::units::{Endpoint, Nanos};
use serde::Serialize;
use std::net::IpAddr;
use thiserror::Error;

/// Why there is no remote agent, or not any more.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NoAgent {
    /// No reply.
    #[error("no reply from {target} within {}", Nanos(*.waited_ns))]
    NoReply {
        /// The agent's address.
        target: Endpoint,
        /// How long the probe waited for the reply.
        waited_ns: u64,
    },
    /// It answered at first, but stopped.
    #[error("{target} stopped replying; waited {}", Nanos(*.waited_ns))]
    StoppedReplying {
        /// The agent's address.
        target: Endpoint,
        /// How long the probe waited for the reply.
        waited_ns: u64,
    },
    /// An ICMP error reports that it is unreachable.
    #[error("no server at {target}: {error}")]
    Unreachable {
        /// The agent's address.
        target: Endpoint,
        /// ICMP or `ICMPv6` type.
        icmp_type: u8,
        /// ICMP or `ICMPv6` code.
        icmp_code: u8,
        /// The host or router that reported it; `None` if unknown.
        from: Option<IpAddr>,
        /// The message itself.
        #[serde(skip)]
        error: Box<NetworkError>,
    },
    /// A router reports that the TTL expired in transit.
    #[error("cannot reach {target}: {error}: a routing loop, or too many hops")]
    TtlExceeded {
        /// The agent's address.
        target: Endpoint,
        /// The router that reported it; `None` if unknown.
        from: Option<IpAddr>,
        /// The message itself.
        #[serde(skip)]
        error: Box<NetworkError>,
    },
    /// There is a server, but it refused.
    #[error("{reply}")]
    Refused {
        /// Its reply.
        reply: RemoteRefusal,
    },
    /// This host did not send the request.
    #[error("datagrams to {} do not leave this host: {found}", Endpoint::from(.found.destination))]
    NotSent {
        /// Why, according to the state of this host.
        #[serde(rename = "cause", serialize_with = "crate::record::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalSendFailure>"))]
        found: LocalSendFailure,
    },
    /// It no longer knows a session that it replied to a moment ago.
    #[error("{target} was restarted, within {} of its last reply: {reply}", Nanos(*.silent_ns))]
    Restarted {
        /// The agent's address.
        target: Endpoint,
        /// Time since its last reply.
        silent_ns: u64,
        /// What it replies now.
        #[serde(flatten)]
        reply: ServerReply,
    },
    /// A socket's datagrams reached another server than the session's: several share the address.
    #[error(
        "{target} is shared by several servers: the session is at server {session_server}, and \
         another flow reached server {other_server}"
    )]
    SeveralServers {
        /// The address.
        target: Endpoint,
        /// The identity of the session's server.
        session_server: String,
        /// The identity of the other.
        other_server: String,
    },
    /// The user ended the run before any reply.
    #[error("interrupted before the server replied")]
    Interrupted,
}

impl NoAgent {
    /// An ICMP error reporting that the agent is unreachable.
    pub fn from_network(target: Endpoint, error: &NetworkError) -> Self {
        let NetworkError { icmp_type, icmp_code, offender: from, .. } = *error;
        let error = Box::new(*error);
        if error.is_time_exceeded() {
            return Self::TtlExceeded { target, from, error };
        }
        Self::Unreachable { target, icmp_type, icmp_code, from, error }
    }

    /// This host's refusal.
    pub fn not_sent(found: LocalSendFailure) -> Self {
        Self::NotSent { found }
    }
}

/// The agent's part in `probe ports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AgentReport {
    /// Where it serves.
    pub address: Option<Endpoint>,
    /// The control connection's local address as the agent sees it.
    pub seen_as: Option<Endpoint>,
    /// Source of its replies, if it differs from the address it serves.
    pub answered_from: Option<Endpoint>,
    /// Replies that the agent withheld because of its limits.
    pub withheld: u64,
    /// Why it was lost before the end; `None` where it stayed.
    #[serde(rename = "lost_reason", serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<NoAgent>>"))]
    pub lost: Option<NoAgent>,
}

/// Caveats about any probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ProbeCaveat {
    /// Replies came from another address.
    RepliesFromElsewhere {
        /// The agent's address.
        #[serde(rename = "target")]
        asked: Endpoint,
        /// The source of the replies.
        from: Endpoint,
    },
    /// This host's address changed meanwhile: what was measured before and after may differ.
    AddressChanged {
        /// The address before, with the port of the first socket.
        #[serde(rename = "from_address")]
        from: Endpoint,
        /// The address since.
        #[serde(rename = "to_address")]
        to: Endpoint,
    },
    /// This host dropped datagrams that arrived while replies were missing.
    LostHere {
        /// Where, and at most how many.
        losses: Vec<LossPart>,
    },
    /// The network duplicated datagrams; the copies are not counted.
    Duplicated {
        /// Duplicates on the way out.
        out: u64,
        /// Duplicates on the way back.
        back: u64,
    },
    /// Something that forwards the content of datagrams cut it.
    Cut {
        /// Requests that arrived shorter than they were sent.
        out: u64,
        /// Answers that arrived so.
        back: u64,
    },
    /// Something that forwards the content of datagrams altered it, and their checksums were right.
    Altered {
        /// Requests that arrived altered.
        out: u64,
        /// Answers that arrived so.
        back: u64,
    },
    /// Datagrams were duplicated in one direction: replies came more than once.
    RepliesDuplicated {
        /// Further replies.
        copies: u64,
    },
    /// The agent withheld replies because of its rate limits.
    AgentWithheld {
        /// How many.
        replies: u64,
    },
    /// Contact with the agent was lost before the end.
    AgentLost {
        /// Why.
        reason: NoAgent,
    },
    /// What the agent reported cannot be true and is left out.
    AgentContradicted {
        /// Why it cannot be true.
        contradiction: Contradiction,
    },
    /// Not even the short control datagrams of a round were answered.
    ControlUnanswered {
        /// How many left this host.
        sent: u64,
    },
    /// Not even the short control datagrams of a round left this host.
    ControlNotSent,
    /// This host refused to send some of its own datagrams.
    RefusedHere {
        /// Datagrams that it refused.
        refused: u64,
        /// Datagrams that it should have sent.
        of: u64,
        /// The reasons.
        refusals: Vec<RefusedHere>,
    },
    /// The network refused some datagrams, which ended nothing.
    NetworkErrors {
        /// The errors, by destination and kind.
        network_errors: Vec<Trouble>,
    },
    /// The user ended the run.
    Interrupted,
}

impl ProbeCaveat {
    /// The addresses of this host that were replaced, each once however many sockets had it.
    pub fn address_changes(events: &[InterfaceEvent]) -> Vec<Self> {
        let mut known: Vec<[IpAddr; 2]> = Vec::new();
        let mut told = Vec::new();
        for event in events {
            let InterfaceChange::AddressChanged { from, to } = &event.change else { continue };
            let pair = [from.ip(), to.ip()];
            if !known.contains(&pair) {
                known.push(pair);
                told.push(Self::AddressChanged { from: *from, to: *to });
            }
        }
        told
    }

    /// Duplicates made by the network, outbound and on the way back; `None` if there were none.
    pub fn duplicated(out: u64, back: u64) -> Option<Self> {
        (out > 0 || back > 0).then_some(Self::Duplicated { out, back })
    }

    /// Requests and answers that arrived cut; `None` if there were none.
    pub fn cut(out: u64, back: u64) -> Option<Self> {
        (out > 0 || back > 0).then_some(Self::Cut { out, back })
    }

    /// Requests and answers that arrived altered; `None` if there were none.
    pub fn altered(out: u64, back: u64) -> Option<Self> {
        (out > 0 || back > 0).then_some(Self::Altered { out, back })
    }

    /// Second and further replies to one request; `None` if there were none.
    pub fn replies_duplicated(copies: u64) -> Option<Self> {
        (copies > 0).then_some(Self::RepliesDuplicated { copies })
    }

    /// Replies that the agent withheld; `None` if there were none.
    pub fn withheld(replies: u64) -> Option<Self> {
        (replies > 0).then_some(Self::AgentWithheld { replies })
    }
}

/// The path's loss of short control datagrams, which a verdict of "blocked" is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ControlLoss {
    /// Loss in each direction, in hundredths of a percent.
    EachWay {
        /// On the way out.
        out_per_10000: u64,
        /// On the way back.
        back_per_10000: u64,
    },
    /// Both directions together, if the agent did not report arrivals.
    RoundTrip {
        /// Datagrams or their replies, in hundredths of a percent.
        per_10000: u64,
    },
}

/// How many of the short control datagrams were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ControlEvidence {
    /// Counts of control datagrams.
    ControlAnswered {
        /// Sent.
        sent: u64,
        /// Answered.
        answered: u64,
        /// Chance alone would give the same result in fewer than one in this many runs.
        one_in: u64,
    },
}
