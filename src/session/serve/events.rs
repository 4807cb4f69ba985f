//! What the server's control session asks of the engine, and what it is told of its streams.

use super::{PortsOpened, PortsRequest, StreamIo};
use crate::record::{BlastInterval, BlastReceived, BlastSent, LocalFailure, ServeRecord};
use crate::session::blast::TestPlan;
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

/// A stream that a client is let in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// The session that it belongs to.
    pub session: u64,
    /// Its number in the run; [`TestPlan::is_up`] tells whether it is received or sent here.
    pub stream: u32,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address of this host that the client asked; `None` if not told.
    pub local: Option<IpAddr>,
    /// The run's tag.
    pub tag: u16,
    /// What was asked for in TEST.
    pub plan: TestPlan,
    /// Whether the client runs on this host.
    pub one_host: bool,
    /// Kernel buffer to ask for, in bytes.
    pub buffer: u64,
    /// The reply that opens the stream, as it is sent, for a DATA that comes again.
    pub go_ahead: Vec<u8>,
}

/// What the server's control session asks for and tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServeEvent {
    /// Open a stream; answer with [`StreamNews::Opened`].
    Open(Box<StreamRequest>),
    /// Open ports for a probe; answer with [`StreamNews::Ports`].
    OpenPorts(Box<PortsRequest>),
    /// Close ports that no probe needs any more.
    ClosePorts {
        /// The numbers of their sockets.
        sockets: Vec<usize>,
    },
    /// Tell a stream that its sender ended after this many datagrams.
    Total {
        /// The session.
        session: u64,
        /// The stream.
        stream: u32,
        /// The sender's total.
        total: u64,
    },
    /// Have a session's senders end their run now.
    StopSenders {
        /// The session.
        session: u64,
    },
    /// End a session's streams, if any run.
    Close {
        /// The session.
        session: u64,
    },
    /// Sessions are over: what they had is given back to the system.
    GiveBack,
    /// Something that an operator wants to read.
    Log {
        /// When it happened, on the real-time clock.
        at: Nanos,
        /// What it was.
        record: ServeRecord,
    },
}

/// What the server's control session is told of a stream, or of a probe's ports.
#[derive(Clone, Debug)]
pub struct ServeOrder {
    /// The session.
    pub session: u64,
    /// The stream; 0 for a probe's ports.
    pub stream: u32,
    /// What became of it.
    pub news: StreamNews,
}

/// What became of a stream.
#[derive(Clone, Debug)]
pub enum StreamNews {
    /// The stream's socket is open, or could not be opened.
    Opened(Result<(), LocalFailure>),
    /// A probe's ports are open, or could not be opened.
    Ports(Box<PortsOpened>),
    /// The stream was open and broke.
    Failed(LocalFailure),
    /// The network refused what the stream sends: nobody has the client's port any more, or so it
    /// says.
    Refused,
    /// A stretch is over.
    Interval(BlastInterval),
    /// The counts so far.
    Progress(Box<BlastReceived>),
    /// The stream was received to its end: its last counts, and its delays.
    Received(Box<BlastReceived>, Box<DelayHistogram>, StreamIo),
    /// The stream was sent to its end.
    Sent(Box<BlastSent>, StreamIo),
}

/// What a server has done by the end of its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServeSummary {
    /// Sessions that are over.
    pub sessions: u64,
    /// Those among them that were granted a run.
    pub tested: u64,
    /// Those among these that broke off: they expired, or ran on too long.
    pub broken: u64,
}
