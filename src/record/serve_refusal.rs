//! Why a server refuses a command: the reply code with its figures. The text is addressed to the
//! client, which reads it after the code; the server's log shows the same text.

use super::LocalFailure;
use crate::units::{ByteCount, Nanos, Rate, group_digits};
use crate::wire::{BadParam, Code, PortListError};
use serde::{Serialize, Serializer};
use std::net::IpAddr;
use thiserror::Error;

/// A resource of which a server has a limited number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServeResource {
    /// Sessions.
    Sessions,
    /// Streams of all sessions.
    Streams,
    /// Probes.
    Probes,
}

impl ServeResource {
    fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Streams => "streams",
            Self::Probes => "probes",
        }
    }

    /// `1 session`, `16 sessions`.
    fn counted(self, number: u64) -> String {
        let name = if number == 1 { self.name().trim_end_matches('s') } else { self.name() };
        format!("{} {name}", group_digits(number))
    }
}

/// A refusal, by the digits of its reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ServeRefusal {
    /// 421: the server accepts no new sessions because it is shutting down.
    #[error("this server is shutting down")]
    ShuttingDown,
    /// 421, 452: all are in use.
    #[error("{} of {} {} are in use", group_digits(*used), group_digits(*limit), resource.name())]
    AllInUse {
        /// The resource.
        resource: ServeResource,
        /// How many are in use.
        used: u64,
        /// How many there are.
        limit: u64,
    },
    /// 421, 452: the source address has its full share.
    #[error("one address or /64 network may use {} at most", resource.counted(*limit))]
    SourceShare {
        /// The resource.
        resource: ServeResource,
        /// The share of one source.
        limit: u64,
    },
    /// 421, 452: the rest is reserved for sources that have nothing yet.
    #[error(
        "only addresses without {} may use the last {}",
        resource.name(), group_digits(*reserved)
    )]
    Reserved {
        /// The resource.
        resource: ServeResource,
        /// How many are reserved.
        reserved: u64,
    },
    /// 450: two streams from one address and port cannot be distinguished.
    #[error("another stream from your address and port is open")]
    StreamFromThere,
    /// 451: the stream's socket could not be opened.
    #[error("{failure}")]
    NotOpened {
        /// Why.
        #[serde(serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalFailure>"))]
        failure: LocalFailure,
    },
    /// 452: the probe has reached its limit of addresses.
    #[error("this probe has no room for another address")]
    NoMoreAddresses,
    /// 452: memory.
    #[error(
        "this takes {} of memory and {} are free; the limit is {} in all and {} for one address or \
         /64 network",
        ByteCount(*needed_bytes), ByteCount(*free_bytes), ByteCount(*limit_bytes),
        ByteCount(*source_limit_bytes)
    )]
    Memory {
        /// What it would take.
        needed_bytes: u64,
        /// What the source may still have.
        free_bytes: u64,
        /// The limit in all.
        limit_bytes: u64,
        /// The limit for one source.
        source_limit_bytes: u64,
    },
    /// 454: the command does not return a `proof` value of the session, or one that is too old.
    #[error("return this proof=")]
    ProofNeeded,
    /// 454: the session has not returned a `proof` value for too long; no streams are sent to it.
    #[error("the session must return proof= first")]
    ProofFirst,
    /// 454: the command comes from another address than the session's, which has not returned this
    /// `ticket`.
    #[error("return this ticket=")]
    TicketNeeded,
    /// 500: not a verb, because it does not have four letters.
    #[error("not understood; HELP lists the verbs")]
    NotUnderstood,
    /// 501: a parameter without `=`.
    #[error("parameters are written key=value")]
    NotKeyValue,
    /// 501: a value that cannot be read.
    #[error("{key}={value} cannot be read")]
    Unreadable {
        /// The parameter.
        #[serde(rename = "parameter")]
        key: String,
        /// Its value, unchanged.
        #[serde(rename = "parameter_value")]
        value: String,
    },
    /// 501: `ports` is not a list of ports.
    #[error("{why}")]
    Ports {
        /// Why not.
        #[serde(rename = "error_text", serialize_with = "display")]
        #[cfg_attr(test, schemars(with = "String"))]
        why: PortListError,
    },
    /// 501: `sent` is not a list of numbers.
    #[error("sent must be numbers with commas between")]
    SentUnreadable,
    /// 501: with a key, each command must have a higher `nonce` than the one before.
    #[error("with a key, every command needs nonce=, larger each time")]
    NonceNeeded,
    /// 501: the run has no such stream.
    #[error("the run has no such stream")]
    NoSuchStream,
    /// 501: too small for the header of a measurement.
    #[error("size must be {least_bytes} to {most_bytes} bytes")]
    SizeOutOfRange {
        /// The smallest payload.
        least_bytes: u32,
        /// The largest payload.
        most_bytes: u32,
    },
    /// 501: the report interval is too short.
    #[error("interval_ns must be at least {least_ns}")]
    IntervalTooShort {
        /// The shortest.
        least_ns: u64,
    },
    /// 501: a run of no streams.
    #[error("streams must be at least 1")]
    NoStreams,
    /// 501: the run would have no end.
    #[error("the run has no end: give it a time or a count")]
    Endless,
    /// 502: no such verb.
    #[error("no such verb; HELP lists them")]
    UnknownVerb,
    /// 503: no session of that name from this address.
    #[error("no such session; HELO opens one")]
    NoSession,
    /// 503: no such session, or the ticket is for another address or too old.
    #[error("no such session or no valid ticket; HELO comes first")]
    NoSessionOrTicket,
    /// 503: this HELO already opened a session, which is closed by now.
    #[error("this HELO has already opened a session; send a new one")]
    HeloUsed,
    /// 503: no run was requested before.
    #[error("TEST comes first")]
    TestFirst,
    /// 503: no probe was requested before.
    #[error("TEST kind=probe comes first")]
    ProbeTestFirst,
    /// 503: the session has another run by now.
    #[error("that run is over")]
    RunOver,
    /// 503: the stream is open.
    #[error("the stream is open already")]
    StreamOpen,
    /// 504: an unknown kind of test.
    #[error("kind must be blast or probe")]
    UnknownKind,
    /// 504: an unknown direction.
    #[error("direction must be up, down or both")]
    UnknownDirection,
    /// 504: an unknown kind of counts.
    #[error("about must be received or sent")]
    UnknownAbout,
    /// 530: the server requires its key.
    #[error("a key is required")]
    KeyNeeded,
    /// 530: authenticated with another key.
    #[error("wrong key")]
    OtherKey,
    /// 550: the source is not in a permitted network.
    #[error("your address is not allowed")]
    AddressNotAllowed,
    /// 550: the server does not send.
    #[error("this server only receives")]
    OnlyReceives,
    /// 550: the server runs no probes.
    #[error("this server has no probe agent")]
    NoProbes,
    /// 550: streams to the client must go to the address that opened the session.
    #[error(
        "streams to the client go to the session's own address {session_address}, not to {address}"
    )]
    OtherAddress {
        /// The session's address.
        session_address: IpAddr,
        /// The client's address.
        address: IpAddr,
    },
    /// 550: no receivers can be added.
    #[error("this server has no list of receivers")]
    NoFanOut,
    /// 550: receivers are not listed.
    #[error("clients are not listed")]
    NotListed,
    /// 552: larger than any UDP datagram.
    #[error("size is above the limit of {limit_bytes} bytes")]
    SizeLimit {
        /// The limit.
        limit_bytes: u32,
    },
    /// 552: too many streams.
    #[error("more streams than this server's limit of {limit} in each direction")]
    StreamLimit {
        /// The limit.
        limit: u32,
    },
    /// 552: too wide a window of sequence numbers.
    #[error("window is above this server's limit of {limit} numbers")]
    WindowLimit {
        /// The limit.
        limit: u64,
    },
    /// 552: too high a rate.
    #[error("rate is above this server's limit of {limit}")]
    RateLimit {
        /// The limit.
        #[serde(flatten, serialize_with = "super::rates::limit")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::LimitRate"))]
        limit: Rate,
    },
    /// 552: too long a run.
    #[error("the run is longer than this server's limit of {}", Nanos(*limit_ns))]
    TimeLimit {
        /// The limit.
        limit_ns: u64,
    },
    /// 552: this number of datagrams would take too long at this rate.
    #[error("count is above this server's limit of {} at this rate: {}", group_digits(*limit), Nanos(*limit_ns))]
    CountLimit {
        /// The limit.
        limit: u64,
        /// The time that they take.
        limit_ns: u64,
    },
    /// 552: too many ports for one probe.
    #[error("ports is above this server's limit of {limit}")]
    PortLimit {
        /// The limit.
        limit: u64,
    },
    /// 552: the list of open ports does not fit a reply.
    #[error("the list of ports does not fit one reply; ask for fewer")]
    PortsTooScattered,
    /// 554: a stream of the run failed.
    #[error("{failure}")]
    StreamBroke {
        /// Why.
        #[serde(serialize_with = "super::finding::one")]
        #[cfg_attr(test, schemars(with = "crate::record::schema::Told<LocalFailure>"))]
        failure: LocalFailure,
    },
}

impl ServeRefusal {
    /// The reply's three digits.
    pub fn code(&self) -> Code {
        match self {
            Self::ShuttingDown => Code::UNAVAILABLE,
            Self::AllInUse { resource, .. }
            | Self::SourceShare { resource, .. }
            | Self::Reserved { resource, .. } => match resource {
                ServeResource::Sessions => Code::UNAVAILABLE,
                ServeResource::Streams | ServeResource::Probes => Code::NO_ROOM,
            },
            Self::StreamFromThere => Code::BUSY,
            Self::NotOpened { .. } => Code::LOCAL_ERROR,
            Self::NoMoreAddresses | Self::Memory { .. } => Code::NO_ROOM,
            Self::ProofNeeded | Self::ProofFirst | Self::TicketNeeded => Code::STALE,
            Self::NotUnderstood => Code::NOT_UNDERSTOOD,
            Self::NotKeyValue
            | Self::Unreadable { .. }
            | Self::Ports { .. }
            | Self::SentUnreadable
            | Self::NonceNeeded
            | Self::NoSuchStream
            | Self::SizeOutOfRange { .. }
            | Self::IntervalTooShort { .. }
            | Self::NoStreams
            | Self::Endless => Code::BAD_PARAMETER,
            Self::UnknownVerb => Code::NO_SUCH_VERB,
            Self::NoSession
            | Self::NoSessionOrTicket
            | Self::HeloUsed
            | Self::TestFirst
            | Self::ProbeTestFirst
            | Self::RunOver
            | Self::StreamOpen => Code::WRONG_ORDER,
            Self::UnknownKind | Self::UnknownDirection | Self::UnknownAbout => Code::NOT_SUPPORTED,
            Self::KeyNeeded | Self::OtherKey => Code::KEY_NEEDED,
            Self::AddressNotAllowed
            | Self::OnlyReceives
            | Self::NoProbes
            | Self::OtherAddress { .. }
            | Self::NoFanOut
            | Self::NotListed => Code::POLICY,
            Self::SizeLimit { .. }
            | Self::StreamLimit { .. }
            | Self::WindowLimit { .. }
            | Self::RateLimit { .. }
            | Self::TimeLimit { .. }
            | Self::CountLimit { .. }
            | Self::PortLimit { .. }
            | Self::PortsTooScattered => Code::OVER_LIMIT,
            Self::StreamBroke { .. } => Code::FAILED,
        }
    }

    /// Limits that the reply states besides its text, for programs: parameter name and value, as
    /// written in the protocol.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Memory { limit_bytes, source_limit_bytes, .. } => vec![
                ("max_memory", limit_bytes.to_string()),
                ("source_memory", source_limit_bytes.to_string()),
            ],
            Self::SizeLimit { limit_bytes } => vec![("size", limit_bytes.to_string())],
            Self::StreamLimit { limit } => vec![("streams", limit.to_string())],
            Self::WindowLimit { limit } => vec![("window", limit.to_string())],
            Self::RateLimit { limit } => vec![("rate", plain_rate(*limit))],
            Self::TimeLimit { limit_ns } => vec![("time_ns", limit_ns.to_string())],
            Self::CountLimit { limit, .. } => vec![("count", limit.to_string())],
            Self::PortLimit { limit } => vec![("ports", limit.to_string())],
            _ => Vec::new(),
        }
    }
}

impl From<BadParam> for ServeRefusal {
    fn from(bad: BadParam) -> Self {
        Self::Unreadable { key: bad.key, value: bad.value }
    }
}

/// A rate without spaces, as `--rate` takes it: `20000000`, `10000pps`, `max`.
pub fn plain_rate(rate: Rate) -> String {
    match rate {
        Rate::Max => "max".to_owned(),
        Rate::Bits(rate) => rate.0.to_string(),
        Rate::Packets(rate) if rate.0 % 1000 == 0 => format!("{}pps", rate.0 / 1000),
        Rate::Packets(rate) => format!("{}.{:03}pps", rate.0 / 1000, rate.0 % 1000),
    }
}

fn display<S: Serializer>(text: &PortListError, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(text)
}
