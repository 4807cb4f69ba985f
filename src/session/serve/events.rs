//! What the server's control session has the engine do, what it tells of itself, and what the
//! engine reports about its streams.

use super::ServePolicy;
use super::{PortsOpened, PortsRequest, StreamIo};
use crate::batch::{HostChange, KeptDatagram};
use crate::machine::Executor;
use crate::record::{
    BlastInterval, BlastReceived, BlastSent, LocalFailure, ReloadFailure, ReloadFile, ServeRecord,
    ServeStanding, Sink,
};
use crate::session::blast::{Filling, SizeAccount, TestPlan};
use crate::stats::{DelayHistogram, OutageLog};
use crate::units::Nanos;
use crate::wire::ControlKey;
use crate::wire::iperf3::{Counters, Iperf3Users};
use crate::wire::udpstp::KeyRing;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A stream to be opened for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// The session that it belongs to.
    pub session: u64,
    /// Its number in the run; [`TestPlan::is_up`] says whether it is received or sent here.
    pub stream: u32,
    /// The client's address.
    pub peer: SocketAddr,
    /// The local address that the client contacted; `None` if unknown.
    pub local: Option<IpAddr>,
    /// Index of the interface by which the client's request came; 0 if unknown.
    pub interface: u32,
    /// The run's tag.
    pub tag: u16,
    /// The parameters from TEST.
    pub plan: TestPlan,
    /// Whether the client runs on this host.
    pub one_host: bool,
    /// Kernel socket buffer to request, in bytes.
    pub buffer: u64,
    /// The encoded reply that admits the stream, for repeats of DATA.
    pub go_ahead: Vec<u8>,
    /// What is different about the stream of an iperf3 client; `None` for one of the dialogue.
    pub iperf3: Option<Iperf3Stream>,
}

/// What is different about the stream of an iperf3 client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iperf3Stream {
    /// The reply to the client's greeting.
    pub reply: [u8; 4],
    /// The width of the numbers in its datagrams.
    pub counters: Counters,
    /// Time at the start that is not counted.
    pub omit: Nanos,
    /// What stands behind the header of what is sent here.
    pub filling: Filling,
    /// Type of service of what is sent here.
    pub tos: u8,
    /// Whether that must not be fragmented.
    pub dont_fragment: bool,
}

/// What the server's control session wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServeCommand {
    /// Open a stream; answer with [`StreamReport::Opened`].
    Open(Box<StreamRequest>),
    /// Open ports for a probe; answer with [`StreamReport::Ports`].
    OpenPorts(Box<PortsRequest>),
    /// Close ports that no probe uses any more.
    ClosePorts {
        /// The numbers of their sockets.
        sockets: Vec<usize>,
    },
    /// Tell a stream that its sender ended after sending this many datagrams.
    Total {
        /// The session.
        session: u64,
        /// The stream.
        stream: u32,
        /// The sender's total.
        total: u64,
    },
    /// A stream's client goes on from another address: send there, and receive from there.
    Move {
        /// The session.
        session: u64,
        /// The stream.
        stream: u32,
        /// The client's address from now on.
        peer: SocketAddr,
    },
    /// Read what this host counted during a session's run; answer with [`StreamReport::Host`].
    CountHost {
        /// The session.
        session: u64,
    },
    /// iperf3: all streams of a session are open; their data may flow.
    Begin {
        /// The session.
        session: u64,
    },
    /// iperf3: answer with [`StreamReport::Processor`].
    CountProcessor {
        /// The session.
        session: u64,
    },
    /// iperf3: so many tests are open, with so many streams.
    CountOpen {
        /// Tests that were granted.
        sessions: usize,
        /// Their open streams.
        streams: usize,
    },
    /// Programs watch the server: these are its counts.
    Count(Box<ServeStanding>),
    /// Have a session's senders end their run now.
    StopSenders {
        /// The session.
        session: u64,
    },
    /// End all streams of a session.
    Close {
        /// The session.
        session: u64,
    },
    /// Sessions have ended: return their memory to the system.
    GiveBack,
    /// Read the files of key, users and policy again; answer with [`StreamReport::Reloaded`] or
    /// [`StreamReport::NotReloaded`].
    Reload,
    /// What was read again is in force.
    ReloadDone,
    /// The server ends once its sessions have ended: none of iperf3 begins any more.
    Drain,
}

/// An event for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeEvent {
    /// When it happened, on the real-time clock.
    pub at: Nanos,
    /// What it was.
    pub record: ServeRecord,
}

/// What a server runs on: it carries out the commands and is told the events.
pub trait ServeEngine: Executor<ServeCommand> + Sink<ServeEvent> {}

impl<T: Executor<ServeCommand> + Sink<ServeEvent>> ServeEngine for T {}

/// What the files of a server contain now.
#[derive(Clone, Debug)]
pub struct ServeReload {
    /// Which files were read.
    pub files: Vec<ReloadFile>,
    /// Limits and permissions. Of socket buffers, ports for probes and the server's end it says
    /// nothing.
    pub policy: ServePolicy,
    /// The key that new clients need; `None` as at the start.
    pub key: Option<ControlKey>,
    /// STAMP replies per source: a number and the time in which they are allowed; `None` for no
    /// limit.
    pub stamp_rate: Option<(u64, Nanos)>,
    /// The same of STUN.
    pub stun_rate: Option<(u64, Nanos)>,
    /// The users that iperf3 clients must be; `None` as at the start.
    pub users: Option<Arc<Iperf3Users>>,
    /// The shared keys of UDPSTP clients; `None` as at the start.
    pub udpstp_keys: Option<KeyRing>,
}

/// What the engine says of itself when it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineState {
    /// What all streams have received and sent.
    pub traffic: Traffic,
    /// Memory that the process occupies, in bytes; `None` if the kernel does not say.
    pub resident_bytes: Option<u64>,
    /// Open tests of iperf3 clients.
    pub iperf3_sessions: usize,
    /// Their open streams.
    pub iperf3_streams: usize,
    /// Connections of UDPSTP clients.
    pub udpstp_connections: usize,
}

/// What streams have received and sent since the server's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams received.
    pub received_datagrams: u64,
    /// Their payload.
    pub received_bytes: u64,
    /// Datagrams sent.
    pub sent_datagrams: u64,
    /// Their payload.
    pub sent_bytes: u64,
    /// Datagrams that the streams' sockets dropped.
    pub socket_drops: u64,
}

/// News about a stream or a probe's ports.
#[derive(Clone, Debug)]
pub struct ServeOrder {
    /// The session.
    pub session: u64,
    /// The stream; 0 for a probe's ports.
    pub stream: u32,
    /// What became of it.
    pub news: StreamReport,
}

/// What became of a stream or of a probe's ports.
#[derive(Clone, Debug)]
pub enum StreamReport {
    /// The stream's socket is open, or could not be opened.
    Opened(Result<(), LocalFailure>),
    /// A probe's ports are open, or could not be opened.
    Ports(Box<PortsOpened>),
    /// Datagrams of others that came to the stream's socket before it was connected: for the
    /// server's own.
    Astray(Vec<KeptDatagram>),
    /// The stream failed after it was open.
    Failed(LocalFailure),
    /// The network reports port unreachable for what the stream sends: the client's port seems
    /// closed.
    Refused,
    /// A interval is over.
    Interval(BlastInterval),
    /// The counts so far.
    Progress(Box<BlastReceived>),
    /// Datagrams sent so far, where programs watch the server.
    Sending(u64),
    /// The stream goes on at another address; so many datagrams were lost meanwhile.
    LostInMove(u64),
    /// What this host counted during the run.
    Host(Box<HostChange>),
    /// Files were read again; of no session.
    Reloaded(Box<ServeReload>),
    /// A file could not be read again; of no session.
    NotReloaded(ReloadFailure),
    /// No test begins any more; of no session.
    Drain,
    /// iperf3: datagrams that the stream sent in the time that is not counted; before
    /// [`StreamReport::Sent`].
    Omitted(u64),
    /// iperf3: processor time that this process used since [`ServeCommand::Begin`].
    Processor {
        /// In user mode, in nanoseconds.
        user_ns: u64,
        /// In kernel mode.
        system_ns: u64,
    },
    /// The outages of a stream that was received to its end; before [`StreamReport::Received`].
    Outages(Box<OutageLog>),
    /// What was received of each class of sizes; before [`StreamReport::Received`].
    Sizes(Vec<SizeAccount>),
    /// The stream was received to its end: final counts and delays.
    Received(Box<BlastReceived>, Box<DelayHistogram>, StreamIo),
    /// The stream was sent to its end: final counts.
    Sent(Box<BlastSent>, StreamIo),
}

/// Totals of a server at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServeSummary {
    /// Sessions that have ended.
    pub sessions: u64,
    /// Of these, sessions that were granted a run.
    pub tested: u64,
    /// Of those, sessions that expired or overran.
    pub broken: u64,
}
