//! What a scan found: the ports of a host that has no helper.

use super::{HelperReport, Verdict};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};

/// What is known of a port by asking it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// Something answered.
    Open,
    /// The target itself said that nobody listens there.
    Closed,
    /// Another word of the network stopped the question, or somebody else said that the port is
    /// unreachable.
    Filtered,
    /// A router said that the question's TTL was over: a routing loop, or a very long way.
    TtlExceeded,
    /// No answer and no error, often enough, and at a time when an error could have come.
    Silent,
    /// Not found out: the time was over first, or nothing could be sent.
    Untold,
}

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedPort {
    /// Its number.
    pub port: u16,
    /// The service that the question was shaped for.
    pub service: &'static str,
    /// What is known.
    pub state: PortState,
    /// Time from the first question of the scan until that was known; `None` where it never was.
    pub settled_ns: Option<u64>,
    /// What a proper answer said; `None` where none came that was that service's.
    pub answer: Option<String>,
    /// Payload bytes of the first answer.
    pub answer_bytes: Option<u64>,
    /// Who answered, where it was not the address and port that were asked.
    pub answered_from: Option<SocketAddr>,
    /// Time from the question to the answer or the error; `None` where it was asked more than once
    /// before.
    pub round_trip_ns: Option<u64>,
    /// ICMP type and code, in the numbers of the target's family.
    pub icmp_type: Option<u8>,
    /// ICMP code.
    pub icmp_code: Option<u8>,
    /// The ICMP error in words.
    pub icmp: Option<String>,
    /// Who sent the ICMP error.
    pub said_by: Option<IpAddr>,
    /// Questions sent.
    pub asked: u64,
    /// Of these, those without answer at a time when an ICMP error could have come.
    pub silent_tries: u64,
    /// Answers that came.
    pub answers: u64,
    /// Why nothing could be sent.
    pub not_sent: Option<String>,
}

/// A whole scan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScanReport {
    /// The host as the user wrote it.
    pub host: String,
    /// Its address; `None` before it is known.
    pub target: Option<IpAddr>,
    /// Silent tries after which a port counts as open or silent.
    pub tries: u64,
    /// Time from the first question to the end.
    pub duration_ns: u64,
    /// Questions sent.
    pub sent: u64,
    /// Questions that this host refused to send.
    pub refused: u64,
    /// Answers that came.
    pub answers: u64,
    /// ICMP errors that came.
    pub icmp_errors: u64,
    /// Datagrams that came and answered nothing.
    pub strays: u64,
    /// Questions to ports that answered a later one, unanswered without an excuse.
    pub lost: u64,
    /// Whether ICMP errors were held back by a limit.
    pub icmp_limited: bool,
    /// Errors a second under that limit, in thousandths; `None` where it is not known.
    pub icmp_per_second_milli: Option<u64>,
    /// Ports in each state.
    pub open: u64,
    /// Ports that are closed.
    pub closed: u64,
    /// Ports that are filtered.
    pub filtered: u64,
    /// Ports whose questions had their TTL end on the way.
    pub ttl_exceeded: u64,
    /// Ports that are open or silent.
    pub silent: u64,
    /// Ports of which nothing is known.
    pub untold: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// Every port, upwards.
    pub ports: Vec<ScannedPort>,
    /// All of it in words.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A scan as the document of `probe ports` where there is no helper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScannedAlone {
    /// Null, as there is none.
    pub helper: Option<HelperReport>,
    /// Why there is none, in words; `None` where none was looked for.
    pub no_helper: Option<String>,
    /// What was found without one.
    #[serde(flatten)]
    pub scan: ScanReport,
}

impl PortState {
    /// The state in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Filtered => "filtered",
            Self::TtlExceeded => "TTL exceeded",
            Self::Silent => "open or silent",
            Self::Untold => "not told",
        }
    }
}
