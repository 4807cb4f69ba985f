//! Events of a server, for its log and its JSON lines.

use super::finding::{all, one};
use super::{
    Iperf3End, Iperf3Received, Iperf3Refusal, Iperf3Sent, LocalFailure, LogLevel, ReloadFailure,
    ReloadFile, ServeRefusal, UdpstpEnd, UdpstpRefusal, UdpstpServed,
};
use crate::batch::MissingRestriction;
use crate::units::{Endpoint, Rate};
use crate::wire::PortList;
use serde::{Serialize, Serializer};

/// One event of a server. In JSON `event` names it; the names do not change within a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServeRecord {
    /// The port is open.
    Listening {
        /// Address and port.
        address: Endpoint,
        /// Whether clients need the key.
        #[serde(rename = "key_required")]
        key: bool,
    },
    /// STAMP is served on an additional port.
    StampPort {
        /// Address and port.
        address: Endpoint,
    },
    /// STAMP is not available on a port configured for it; everything else continues.
    NoStampPort {
        /// What failed, and on which port.
        #[serde(serialize_with = "one")]
        failure: LocalFailure,
    },
    /// STUN has its alternate port, for NAT behaviour discovery (RFC 5780).
    StunAlternate {
        /// Address and port.
        address: Endpoint,
    },
    /// STUN has no alternate port although one was configured; everything else continues.
    NoStunAlternate {
        /// What failed, and on which port.
        #[serde(serialize_with = "one")]
        failure: LocalFailure,
    },
    /// iperf3 clients are served.
    Iperf3Port {
        /// Address and port, of TCP and of UDP.
        address: Endpoint,
    },
    /// An iperf3 client's test was refused.
    Iperf3Refused {
        /// The client.
        client: Endpoint,
        /// iperf's error number that it was told; `None` if it was told that the server is busy.
        iperf_error: Option<i32>,
        /// What was refused, and why.
        #[serde(serialize_with = "one")]
        refusal: Iperf3Refusal,
    },
    /// An iperf3 client's test has ended.
    Iperf3Closed {
        /// The client.
        client: Endpoint,
        /// Its session.
        session: String,
        /// How it ended.
        #[serde(rename = "end", serialize_with = "one")]
        ended: Iperf3End,
        /// What was received; `None` if the client did not send.
        received: Option<Iperf3Received>,
        /// What was sent; `None` if the server did not send.
        sent: Option<Iperf3Sent>,
        /// How long the session was open.
        duration_ns: u64,
    },
    /// UDPSTP clients are served.
    UdpstpPort {
        /// Address and port for Setup Requests.
        address: Endpoint,
        /// Whether clients need a key.
        #[serde(rename = "key_required")]
        key: bool,
    },
    /// A UDPSTP client was refused.
    UdpstpRefused {
        /// The client.
        client: Endpoint,
        /// The version of the protocol in its request.
        version: u16,
        /// The code of the response (RFC 9946).
        #[serde(rename = "response_code")]
        refusal: UdpstpRefusal,
    },
    /// A connection of a UDPSTP client's test has ended.
    UdpstpClosed {
        /// The client.
        client: Endpoint,
        /// The number of the test.
        test: u16,
        /// Which of its connections, from 1.
        connection: u8,
        /// How many it has.
        connections: u8,
        /// How it ended.
        #[serde(rename = "end", serialize_with = "one")]
        ended: UdpstpEnd,
        /// What was counted; null if it was not activated.
        served: Option<UdpstpServed>,
        /// How long the connection was open.
        duration_ns: u64,
    },
    /// All ports are open, and privileges that the process no longer needs are dropped.
    Confined {
        /// The user that it runs as: a name, or the user ID of a user without one.
        user: String,
        /// The user ID; `None` on a system whose users have none.
        uid: Option<u32>,
        /// The group ID; `None` on a system whose users have none.
        gid: Option<u32>,
        /// Whether the user changed.
        #[serde(rename = "privileges_dropped")]
        dropped: bool,
        /// Capabilities that its threads keep, such as `CAP_NET_BIND_SERVICE`.
        capabilities: Vec<String>,
        /// Whether an additional thread keeps `CAP_NET_ADMIN`, only to set socket buffer sizes.
        large_buffers: bool,
        /// Whether programs it could start cannot gain privileges.
        no_new_privileges: bool,
        /// Landlock's ABI version; `None` if not in force.
        landlock_abi: Option<u32>,
        /// Whether the seccomp filter is in force.
        seccomp: bool,
        /// Directories whose files it can still read, for a reload.
        #[serde(rename = "readable_directories")]
        readable: Vec<String>,
        /// Restrictions that are not available, and why.
        #[serde(rename = "missing_restrictions", serialize_with = "all")]
        missing: Vec<MissingRestriction>,
    },
    /// A client has proven its address and has a session.
    SessionOpened {
        /// Its address.
        client: Endpoint,
        /// The session's identifier.
        session: String,
    },
    /// A client goes on from another address, which has proven itself.
    SessionMoved {
        /// The address until now.
        client: Endpoint,
        /// The address from now on.
        to: Endpoint,
        /// The session's identifier.
        session: String,
    },
    /// A run was requested and granted.
    TestGranted {
        /// The client.
        client: Endpoint,
        /// Its session.
        session: String,
        /// `up`, `down` or `both`, seen from the client.
        direction: &'static str,
        /// Streams in each direction.
        streams: u32,
        /// Payload of each datagram.
        payload_bytes: u32,
        /// The target rate: bits of payload or datagrams per second, both null for as fast as
        /// possible.
        #[serde(flatten, serialize_with = "super::rates::rate")]
        rate: Rate,
        /// Its duration; `None` for a run that is bounded by a count.
        duration_ns: Option<u64>,
        /// Datagrams in each direction; `None` for a run that is bounded by time.
        count: Option<u64>,
    },
    /// A stream that the server received has ended.
    StreamReceived {
        /// The client.
        client: Endpoint,
        /// Its session.
        session: String,
        /// Its number.
        stream: u32,
        /// Datagrams received, duplicates included.
        datagrams: u64,
        /// Datagrams lost.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
    },
    /// A stream that the server sent has ended.
    StreamSent {
        /// The client.
        client: Endpoint,
        /// Its session.
        session: String,
        /// Its number.
        stream: u32,
        /// Datagrams sent.
        datagrams: u64,
    },
    /// A stream could not be opened, or broke.
    StreamFailed {
        /// The client.
        client: Endpoint,
        /// Its session.
        session: String,
        /// Its number.
        stream: u32,
        /// Why.
        #[serde(serialize_with = "one")]
        failure: LocalFailure,
    },
    /// A request was refused.
    Refused {
        /// The client.
        client: Endpoint,
        /// The three digits of the reply.
        reply_code: u16,
        /// What was refused, and why.
        #[serde(serialize_with = "one")]
        refusal: ServeRefusal,
    },
    /// A probe was requested and granted.
    ProbeGranted {
        /// The client.
        client: Endpoint,
        /// Its session.
        session: String,
        /// Ports that are open for it, `5000-5100,8620`.
        #[serde(rename = "port_list", serialize_with = "port_list")]
        ports: PortList,
        /// Requested ports that were not opened.
        not_opened: u64,
    },
    /// A probe has ended.
    ProbeEnded {
        /// The client.
        client: Endpoint,
        /// Its session.
        session: String,
        /// Datagrams of it that arrived.
        arrived: u64,
        /// Answers that were sent.
        answered: u64,
        /// Answers that were withheld because of a limit.
        withheld: u64,
    },
    /// Ports were opened for probes.
    ProbePorts {
        /// Which, `5000-5100`.
        #[serde(rename = "port_list", serialize_with = "port_list")]
        ports: PortList,
    },
    /// A port could not be opened for probes; everything else continues.
    NoProbePort {
        /// Which.
        port: u16,
        /// Why.
        #[serde(serialize_with = "one")]
        failure: LocalFailure,
    },
    /// A session has ended.
    SessionClosed {
        /// The client.
        client: Endpoint,
        /// Which.
        session: String,
        /// How it ended.
        #[serde(rename = "end", serialize_with = "one")]
        ended: SessionEnd,
        /// Runs granted to it.
        tests: u64,
        /// How long it was open.
        duration_ns: u64,
    },
    /// The state of the server, requested by its operator (SIGQUIT).
    Status {
        /// Open sessions.
        sessions: usize,
        /// Running streams.
        streams: usize,
    },
    /// The server was told to end (SIGTERM): no new sessions, and open ones may end.
    Draining {
        /// Open sessions, iperf3's included.
        sessions: usize,
        /// How long they may take.
        grace_ns: u64,
    },
    /// The time for open sessions is over; the server ends.
    GraceOver {
        /// Sessions that are still open.
        sessions: usize,
    },
    /// Files were read again (SIGHUP) and are in force for new sessions.
    Reloaded {
        /// Which.
        files: Vec<ReloadFile>,
        /// Open sessions, which keep what they were granted.
        sessions: usize,
    },
    /// A file could not be read again: all that was in force stays.
    NotReloaded {
        /// Which file, and why.
        #[serde(serialize_with = "one")]
        failure: ReloadFailure,
    },
    /// With the privileges that it keeps, the server will not be able to read a file again.
    NotReloadable {
        /// Which file, and why.
        #[serde(serialize_with = "one")]
        failure: ReloadFailure,
    },
    /// The service manager's socket is of no use; everything else continues.
    NoServiceManager {
        /// The socket's address, as `NOTIFY_SOCKET` has it.
        #[serde(rename = "notify_socket")]
        socket: String,
        /// The system's error number; `None` if the address itself is wrong.
        errno: Option<i32>,
    },
    /// A client asked for the state of the server.
    StatusAsked {
        /// The client.
        client: Endpoint,
    },
    /// This host no longer has the server's address; everything else continues.
    AddressLost {
        /// Address and port.
        address: Endpoint,
    },
    /// This host has the server's address again.
    AddressBack {
        /// Address and port.
        address: Endpoint,
    },
    /// Waiting for the server's address, which this host does not have yet.
    WaitingForAddress {
        /// The address and port, as given.
        #[serde(rename = "wanted_address")]
        address: String,
    },
    /// Events were omitted because of the log's rate limit.
    NotShown {
        /// Events omitted since the last entry of this kind.
        events: u64,
    },
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SessionEnd {
    /// The client sent QUIT.
    Closed,
    /// No datagram from the client for too long.
    Expired,
    /// Its run lasted longer than granted.
    Overdue,
    /// Streams were sent to a client that stopped returning the `proof` values of replies.
    Unreturned,
    /// An ICMP error reported its client gone, and it returned no `proof` value since.
    Gone,
    /// The server was told to stop.
    ServerEnds,
}

impl SessionEnd {
    /// Whether it ended without either side requesting it.
    pub fn broke_off(self) -> bool {
        matches!(self, Self::Expired | Self::Overdue | Self::Unreturned | Self::Gone)
    }
}

impl ServeRecord {
    /// How serious it is.
    pub fn level(&self) -> LogLevel {
        match self {
            Self::NotReloaded { .. } | Self::StreamFailed { .. } => LogLevel::Error,
            Self::NoStampPort { .. }
            | Self::NoStunAlternate { .. }
            | Self::NoProbePort { .. }
            | Self::Iperf3Refused { .. }
            | Self::UdpstpRefused { .. }
            | Self::Refused { .. }
            | Self::AddressLost { .. }
            | Self::GraceOver { .. }
            | Self::NotReloadable { .. }
            | Self::NoServiceManager { .. }
            | Self::NotShown { .. } => LogLevel::Warn,
            Self::Confined { missing, .. } if !missing.is_empty() => LogLevel::Warn,
            Self::SessionClosed { ended, .. } if ended.broke_off() => LogLevel::Warn,
            Self::Iperf3Closed { ended, .. } if ended.broke_off() => LogLevel::Warn,
            Self::UdpstpClosed { ended, .. } if ended.broke_off() => LogLevel::Warn,
            Self::StatusAsked { .. } => LogLevel::Debug,
            _ => LogLevel::Info,
        }
    }

    /// Whether it reports a refusal.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::Iperf3Refused { .. } | Self::UdpstpRefused { .. }
        )
    }
}

fn port_list<S: Serializer>(ports: &PortList, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(ports)
}
