//! What the client's control session is told, what it tells, and what it brings home.

use crate::record::{BlastInterval, BlastReceived, BlastSent, Contradiction, RunFailure};
use crate::units::Nanos;

/// What the control session tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlEvent {
    /// The run was granted: streams may open.
    Granted {
        /// The session's name, for DATA.
        session: String,
        /// The run's tag, for every header.
        tag: u16,
        /// Whether the far end runs on this host.
        one_host: bool,
        /// Streams in each direction.
        streams: u32,
        /// How long the streams wait for the far end: longer where the round trip is long.
        patience: Nanos,
    },
    /// A stretch of the run as the far end saw it, of all its receivers together.
    Interval(BlastInterval),
    /// A stretch of one of this side's receivers.
    Stretch {
        /// The stream.
        stream: u32,
        /// The stretch.
        interval: BlastInterval,
    },
    /// The run is over early: this side's senders must end; its receivers will when the far end's
    /// senders have.
    StopSenders,
    /// The run is lost: every stream must end.
    Abort,
}

/// What the control session is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlOrder {
    /// One of this side's receivers has a stretch.
    Stretch {
        /// The stream.
        stream: u32,
        /// The stretch.
        interval: BlastInterval,
    },
    /// One of this side's streams has ended.
    StreamEnded {
        /// The stream.
        stream: u32,
        /// Datagrams that the kernel took; 0 where this side received.
        total: u64,
        /// Why it broke off; `None` when it ran to its end.
        broken: Option<RunFailure>,
    },
}

/// What the control session brings home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlSummary {
    /// What the far end received, as it told last; `None` when it never did, or only sends.
    pub received: Option<BlastReceived>,
    /// What the far end sent, once its senders have ended; `None` before, or when it only receives.
    pub sent: Option<BlastSent>,
    /// Whether those counts are the run's last word, and each of its streams ran to its end.
    pub complete: bool,
    /// Address and port as the far end saw them.
    pub seen: Option<String>,
    /// What the far end's receivers used; `None` until they ended.
    pub far_rx: Option<FarIo>,
    /// What the far end's senders used; `None` until they ended.
    pub far_tx: Option<FarIo>,
    /// Why the run failed; `None` when it did not.
    pub failure: Option<RunFailure>,
    /// What the far end said of the run that cannot be true; its counts are then not here.
    pub contradiction: Option<Contradiction>,
    /// The highest rate that the far end serves, as `--rate` takes it, where it refused a higher one.
    pub rate_limit: Option<String>,
    /// The longest that this host itself stood still while the dialogue was on.
    pub pause: Nanos,
    /// Whether the user ended it early.
    pub stopped: bool,
    /// Whether the far end runs on this host.
    pub one_host: bool,
    /// Streams in each direction that were granted; `None` when none were.
    pub streams: Option<u32>,
}

impl ControlSummary {
    /// What the far end says of the run cannot be true: its counts are dropped, so that nothing is
    /// computed from them, and the run has failed, if it had not before.
    pub fn disbelieve(&mut self, why: Contradiction) {
        (self.received, self.sent, self.complete) = (None, None, false);
        self.contradiction = Some(why);
        if matches!(self.failure, None | Some(RunFailure::CountsContradict { .. })) {
            self.failure = Some(RunFailure::CountsContradict { contradiction: why });
        }
    }
}

/// What the far end's sockets used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FarIo {
    /// Batch call of its senders.
    pub tx: String,
    /// Batch call of its receivers.
    pub rx: String,
    /// Most datagrams that one send call was given.
    pub batch: u32,
    /// Receive buffer granted, in bytes.
    pub receive_buffer: u64,
    /// Send buffer granted, in bytes.
    pub send_buffer: u64,
}
