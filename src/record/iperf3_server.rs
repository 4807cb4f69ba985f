//! What a server has to say of its iperf3 clients: why a test is refused, how one ended, and what
//! was counted.

use super::finding::Worded;
use super::{BlastReceived, BlastSent, ServeRefusal};
use crate::wire::iperf3::{Iperf3Error, LoginFault, MOST_SKEW_SECS};
use serde::Serialize;

/// Why an iperf3 client's test is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Iperf3Refusal {
    /// As a client of the dialogue would be.
    Policy(ServeRefusal),
    /// For a reason of iperf3's protocol.
    Protocol(Iperf3Objection),
}

/// What is wrong with an iperf3 client's test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Iperf3Objection {
    /// Streams of other tests were opened from the same address for too long, and could not have been
    /// told from this test's.
    AddressBusy,
    /// A test of TCP or SCTP.
    NotUdp,
    /// It has a user and a password, which this server cannot check.
    Credentials,
    /// It has no user and no password, which this server asks for.
    CredentialsNeeded,
    /// Its user and password are not encrypted for this server, or not with this padding.
    CredentialsUnreadable,
    /// They are of another time: the clocks differ, or somebody says again what another one said.
    CredentialsStale {
        /// How far that time is from this host's, in seconds.
        skew_secs: u64,
        /// How far it may be, in seconds.
        most_secs: u64,
    },
    /// There is no such user, or the password is another one.
    CredentialsWrong,
    /// Its parameters cannot be read.
    Unreadable,
    /// The time that is not counted is too long.
    OmitTooLong {
        /// The longest, in seconds.
        most_secs: u64,
    },
    /// The burst is too long.
    BurstTooLong {
        /// The longest, in datagrams.
        most: u32,
    },
    /// The type of service has more than eight bits.
    TosOutOfRange,
}

impl Iperf3Refusal {
    /// The error that the client is told; `None` if it is told that the server is busy.
    pub fn error(&self) -> Option<Iperf3Error> {
        use Iperf3Objection as Wrong;
        let refusal = match self {
            Self::Policy(refusal) => refusal,
            Self::Protocol(objection) => {
                return match objection {
                    Wrong::AddressBusy => None,
                    Wrong::NotUdp => Some(Iperf3Error::UNIMPLEMENTED),
                    Wrong::Credentials
                    | Wrong::CredentialsNeeded
                    | Wrong::CredentialsUnreadable
                    | Wrong::CredentialsStale { .. }
                    | Wrong::CredentialsWrong => Some(Iperf3Error::AUTHORIZATION),
                    Wrong::Unreadable => Some(Iperf3Error::PARAMETERS),
                    Wrong::OmitTooLong { .. } => Some(Iperf3Error::OMIT),
                    Wrong::BurstTooLong { .. } => Some(Iperf3Error::BURST),
                    Wrong::TosOutOfRange => Some(Iperf3Error::TOS),
                };
            }
        };
        match refusal {
            ServeRefusal::RateLimit { .. } => Some(Iperf3Error::TOTAL_RATE),
            ServeRefusal::TimeLimit { .. }
            | ServeRefusal::CountLimit { .. }
            | ServeRefusal::Endless => Some(Iperf3Error::MAX_DURATION),
            ServeRefusal::StreamLimit { .. } | ServeRefusal::NoStreams => {
                Some(Iperf3Error::STREAMS)
            }
            ServeRefusal::SizeLimit { .. } | ServeRefusal::SizeOutOfRange { .. } => {
                Some(Iperf3Error::PAYLOAD)
            }
            ServeRefusal::AddressNotAllowed | ServeRefusal::OnlyReceives => {
                Some(Iperf3Error::AUTHORIZATION)
            }
            // However long it waits: fewer streams would fit.
            ServeRefusal::Memory { needed_bytes, source_limit_bytes, .. }
                if needed_bytes > source_limit_bytes =>
            {
                Some(Iperf3Error::STREAMS)
            }
            // Later there may be room.
            _ => None,
        }
    }
}

impl From<ServeRefusal> for Iperf3Refusal {
    fn from(refusal: ServeRefusal) -> Self {
        Self::Policy(refusal)
    }
}

impl From<Iperf3Objection> for Iperf3Refusal {
    fn from(objection: Iperf3Objection) -> Self {
        Self::Protocol(objection)
    }
}

impl From<LoginFault> for Iperf3Objection {
    fn from(fault: LoginFault) -> Self {
        match fault {
            LoginFault::Unreadable => Self::CredentialsUnreadable,
            LoginFault::Stale { skew_secs } => {
                Self::CredentialsStale { skew_secs, most_secs: MOST_SKEW_SECS }
            }
            LoginFault::Wrong => Self::CredentialsWrong,
        }
    }
}

impl Worded for Iperf3Refusal {
    fn text(&self) -> String {
        match self {
            Self::Policy(refusal) => refusal.text(),
            Self::Protocol(objection) => objection.text(),
        }
    }
}

/// How far an iperf3 client's test has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Iperf3Stage {
    /// Its streams are being opened.
    Streams,
    /// Data flows.
    Running,
    /// It is over, and the client's results are awaited.
    Results,
    /// The client's results are here, and the last datagrams are awaited.
    Settling,
    /// The results were sent, and the client's goodbye is awaited.
    Goodbye,
}

/// How an iperf3 client's test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Iperf3End {
    /// Both ends have all results.
    Done,
    /// The client's user interrupted it.
    Terminated {
        /// How far it had come.
        stage: Iperf3Stage,
    },
    /// The client closed the connection, or it broke.
    Closed {
        /// How far it had come.
        stage: Iperf3Stage,
        /// The system's error number; `None` if the client closed it.
        errno: Option<i32>,
    },
    /// The client did not go on in time.
    Silent {
        /// How far it had come.
        stage: Iperf3Stage,
        /// How long the server waited.
        waited_ns: u64,
    },
    /// A byte that does not belong there.
    Unexpected {
        /// How far it had come.
        stage: Iperf3Stage,
        /// The byte.
        byte: u8,
    },
    /// Its results cannot be read, or are not those of its streams.
    BadResults,
    /// It ran longer than granted.
    Overdue,
    /// One of its streams could not be opened, or broke.
    StreamFailed,
    /// The server was told to stop.
    ServerEnds,
}

impl Iperf3End {
    /// Whether it ended without results and without either side's user asking for that.
    pub fn broke_off(self) -> bool {
        !matches!(self, Self::Done | Self::Terminated { .. } | Self::ServerEnds)
    }
}

/// What was received of an iperf3 client's test, all streams together, without the omitted time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Iperf3Received {
    /// Datagrams, duplicates included.
    pub datagrams: u64,
    /// Their payload.
    pub bytes: u64,
    /// Datagrams lost, up to the client's own count once that is known.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Datagrams that arrived again.
    pub duplicates: u64,
    /// Datagrams that arrived behind a later one.
    pub reordered: u64,
    /// Of those lost, the ones dropped at this host's sockets.
    pub socket_drops: u64,
    /// Datagrams of another size than the test's.
    pub other_size: u64,
    /// Jitter (RFC 3550); `None` with fewer than two datagrams.
    pub jitter_ns: Option<u64>,
}

impl From<&BlastReceived> for Iperf3Received {
    fn from(received: &BlastReceived) -> Self {
        Self {
            datagrams: received.datagrams,
            bytes: received.bytes,
            lost: received.lost,
            duplicates: received.duplicates,
            reordered: received.reordered,
            socket_drops: received.socket_drops,
            other_size: received.corrupt,
            jitter_ns: received.jitter_ns,
        }
    }
}

/// What was sent in an iperf3 client's test, all streams together, without the omitted time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Iperf3Sent {
    /// Datagrams that the kernel accepted.
    pub datagrams: u64,
    /// Their payload.
    pub bytes: u64,
    /// Datagrams that were due and not sent.
    pub never_sent: u64,
}

impl From<&BlastSent> for Iperf3Sent {
    fn from(sent: &BlastSent) -> Self {
        Self { datagrams: sent.datagrams, bytes: sent.bytes, never_sent: sent.never_sent() }
    }
}
