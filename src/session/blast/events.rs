//! Commands, events, orders and results of the client's control session.

use crate::batch::{HostChange, NetworkError, RxCall, TxCall};
use crate::pace::AdjustmentType;
use crate::record::{
    AddressMove, BlastInterval, BlastReceived, BlastSent, Contradiction, InterfaceEvent,
    RunFailure, SizeCounts, StreamCounts,
};
use crate::stats::{DelayHistogram, OutageLog};
use crate::units::{Nanos, Rate};

/// What the control session wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlCommand {
    /// The run was granted: start the streams.
    Start {
        /// The session's name, for the DATA command.
        session: String,
        /// The identity of its server; empty if it gives none.
        server: String,
        /// The run's tag, for every header.
        tag: u16,
        /// Whether the far end runs on this host.
        one_host: bool,
        /// Streams in each direction.
        streams: u32,
        /// How the rate is searched for; `None` if it is not.
        capacity: Option<AdjustmentType>,
        /// How long the streams wait for the far end; longer where the round trip is long.
        patience: Nanos,
    },
    /// This end has another address than before: the streams are admitted again from where they are.
    Reopen {
        /// The stream; `None` for all.
        stream: Option<u32>,
        /// The session's latest liveness value, which DATA returns.
        proof: String,
    },
    /// iperf3: open this stream with a greeting.
    Greet {
        /// The stream.
        stream: u32,
    },
    /// iperf3: every stream is open, and data may flow.
    Begin,
    /// iperf3: the server stops sending; report what was received.
    Settle,
    /// iperf3: the server has sent so many datagrams of a stream.
    Total {
        /// The stream.
        stream: u32,
        /// Datagrams, those of the omitted time included.
        datagrams: u64,
    },
    /// The run ends early: this side's senders must stop; its receivers end when the far end's
    /// senders have.
    StopSenders,
    /// The run failed: every stream must end.
    Abort,
}

/// What the control session tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlEvent {
    /// One interval as the far end measured it, summed over its receivers.
    Interval(BlastInterval),
    /// What the far end has received so far.
    SoFar(Box<BlastReceived>),
    /// One interval of one of this side's receivers.
    Stretch {
        /// The stream.
        stream: u32,
        /// The interval.
        interval: BlastInterval,
    },
}

/// Orders to the control session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlOrder {
    /// One of this side's receivers completed an interval.
    Stretch {
        /// The stream.
        stream: u32,
        /// The interval.
        interval: BlastInterval,
    },
    /// The network reports that one of this side's senders cannot deliver.
    Refused(NetworkError),
    /// The socket of one of this side's streams has another address, or has its address again.
    StreamMoved {
        /// The stream.
        stream: u32,
    },
    /// iperf3: the server answered a stream's greeting.
    Answered {
        /// The stream.
        stream: u32,
        /// How often the greeting was repeated.
        repeats: u32,
    },
    /// iperf3: what a receiver of this side has counted so far.
    Progress {
        /// The stream.
        stream: u32,
        /// Datagrams received.
        datagrams: u64,
    },
    /// iperf3: what a receiver of this side has counted, now that the server has stopped.
    Settled {
        /// The stream.
        stream: u32,
        /// The counts, without a loss after the last datagram that arrived.
        received: Box<BlastReceived>,
        /// Numbers before the first that is counted.
        omitted: u64,
    },
    /// iperf3: datagrams that a sender of this side sent in the omitted time; sent before
    /// [`ControlOrder::StreamEnded`].
    Omitted {
        /// The stream.
        stream: u32,
        /// Datagrams.
        datagrams: u64,
    },
    /// iperf3: processor time that this process used between [`ControlCommand::Begin`] and
    /// [`ControlCommand::Settle`], or the end of its streams.
    Processor {
        /// In user mode, in nanoseconds.
        user_ns: u64,
        /// In kernel mode.
        system_ns: u64,
    },
    /// One of this side's receivers lost so many datagrams while this end's address changed.
    LostInMove {
        /// The stream.
        stream: u32,
        /// Datagrams.
        datagrams: u64,
    },
    /// One of this side's streams has ended.
    StreamEnded {
        /// The stream.
        stream: u32,
        /// Datagrams that the kernel accepted; 0 if this side received.
        total: u64,
        /// Why it failed; `None` if it completed.
        broken: Option<RunFailure>,
    },
}

/// Result of the control session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ControlSummary {
    /// The far end's last receive counts; `None` if it sent none, or only sends.
    pub received: Option<BlastReceived>,
    /// The far end's receive counts of each stream, where there are several; empty if it reported
    /// none.
    pub received_streams: Vec<StreamCounts>,
    /// The delays of what it received, above the minimum; `None` if that was not asked or not told.
    pub delay: Option<DelayHistogram>,
    /// What it received of each class of sizes; empty if it did not tell, or all are the same.
    pub sizes: Vec<SizeCounts>,
    /// The outages of what it received; `None` if it does not tell them.
    pub outages: Option<OutageLog>,
    /// The far end's send counts, once its senders have ended; `None` before, or if it only
    /// receives.
    pub sent: Option<BlastSent>,
    /// What the far end's host counted during the run; `None` if it did not say.
    pub far_host: Option<HostChange>,
    /// Index of the interface by which the far end's replies arrived; 0 if unknown.
    pub interface: u32,
    /// Whether those counts are final and every stream completed.
    pub complete: bool,
    /// Address and port of this host as the far end sees them.
    pub seen: Option<String>,
    /// When that changed during the run.
    pub moves: Vec<AddressMove>,
    /// What this host's interfaces said of its address meanwhile.
    pub interface_events: Vec<InterfaceEvent>,
    /// What the far end's receivers used; `None` until they ended.
    pub far_rx: Option<FarIo>,
    /// What the far end's senders used; `None` until they ended.
    pub far_tx: Option<FarIo>,
    /// Why the run failed; `None` if it did not.
    pub failure: Option<RunFailure>,
    /// Why the far end's counts are impossible; they are then left out.
    pub contradiction: Option<Contradiction>,
    /// The highest rate that the far end allows, if it refused a higher one.
    pub rate_limit: Option<Rate>,
    /// The longest pause of this host during the dialogue.
    pub pause: Nanos,
    /// Whether the user interrupted it.
    pub stopped: bool,
    /// Whether the far end runs on this host.
    pub one_host: bool,
    /// Streams in each direction that were granted; `None` when none were.
    pub streams: Option<u32>,
    /// How the rate was searched for; `None` if it was not.
    pub capacity: Option<AdjustmentType>,
}

impl ControlSummary {
    /// Drops the far end's counts because they are impossible, so that nothing is computed from
    /// them, and marks the run as failed unless it already is.
    pub fn disbelieve(&mut self, why: Contradiction) {
        (self.received, self.sent, self.complete) = (None, None, false);
        self.received_streams.clear();
        self.delay = None;
        self.outages = None;
        self.sizes.clear();
        self.far_host = None;
        self.contradiction = Some(why);
        if matches!(self.failure, None | Some(RunFailure::CountsContradict { .. })) {
            self.failure = Some(RunFailure::CountsContradict { contradiction: why });
        }
    }
}

/// What the far end's sockets used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FarIo {
    /// The send call; `None` for one that this version does not know.
    pub tx: Option<TxCall>,
    /// The receive call, likewise.
    pub rx: Option<RxCall>,
    /// Maximum number of datagrams per send call.
    pub batch: u32,
    /// Receive buffer granted, in bytes.
    pub receive_buffer: u64,
    /// Send buffer granted, in bytes.
    pub send_buffer: u64,
}
