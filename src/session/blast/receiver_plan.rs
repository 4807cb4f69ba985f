//! What a receiving end of a stream is to do, what it says meanwhile, and its result.

use super::data_format::DataFormat;
use super::plan::TestPlan;
use super::size_accounts::SizeAccount;
use crate::pace::{AdjustmentType, SizeMix};
use crate::record::{BlastInterval, BlastReceived, CoursePoint, RunFailure};
use crate::stats::{DelayHistogram, OutageLength, OutageLog};
use crate::units::{GSO_SEGMENTS, Nanos};

/// Silence after which a run is over once its sender has ended: longer than any queue on the path.
pub(super) const QUIET: Nanos = Nanos::from_millis(500);
/// The longest that a receiver waits for that silence before it reports what it has.
pub(super) const SETTLED: Nanos = Nanos::from_secs(3);
/// How long after its end an interval without further arrivals is closed: datagrams that arrived in
/// it may still be unread. After a longer pause of this host the sockets are drained before any
/// tick.
pub(super) const UNREAD: Nanos = Nanos::from_millis(100);

/// Orders to a running receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverOrder {
    /// The server of a stream that was greeted may send from now on.
    Begin,
    /// The sender was told to stop: report the counts once nothing more arrives.
    Settle,
    /// The sender has ended after sending this many datagrams.
    Total(u64),
    /// The sender has another address, and is received from there.
    Moved,
    /// This end has another address: be admitted again.
    Reopen {
        /// The session's latest value.
        proof: String,
    },
}

/// Events of a running receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverEvent {
    /// An iperf3 server replied to the greeting; the stream waits for [`ReceiverOrder::Begin`].
    Answered {
        /// How often the greeting was repeated before.
        repeats: u32,
    },
    /// After [`ReceiverOrder::Settle`], nothing has arrived for a while: these are the counts.
    Settled {
        /// The counts, without a loss after the last datagram that arrived.
        received: Box<BlastReceived>,
        /// Numbers before the first that is counted, all of the omitted time.
        omitted: u64,
    },
    /// A interval is over.
    Interval(BlastInterval),
    /// The counts so far.
    Progress(Box<BlastReceived>),
    /// This end receives at another address now, or has its address again; or nothing arrives, and
    /// the path may know it by another one.
    Moved,
    /// The stream goes on at another address; so many datagrams were lost meanwhile.
    LostInMove(u64),
}

/// Parameters of receiving one stream.
#[derive(Clone, Debug)]
pub struct ReceiverPlan {
    /// The run's tag.
    pub tag: u16,
    /// Payload bytes of every datagram.
    pub payload: usize,
    /// Reordering window: how far behind the highest number a late datagram still counts as
    /// reordered.
    pub window: u64,
    /// Whether every byte behind the header is verified.
    pub verify: bool,
    /// Length of the intervals.
    pub interval: Nanos,
    /// Maximum datagrams that one drop of the socket can stand for: 1, or
    /// [`ReceiverPlan::COALESCED`] with GRO.
    pub per_drop: u64,
    /// Silence after which a sender that did not announce its end is given up.
    pub patience: Nanos,
    /// How long the sender sends. A stream that exceeds this by more than the patience is
    /// abandoned. Zero for no bound.
    pub time: Nanos,
    /// The header of its datagrams.
    pub format: DataFormat,
    /// Time at the start that is received and not counted.
    pub omit: Nanos,
    /// Reply to a repeated DATA whose reply was lost; empty for none.
    pub go_ahead: Vec<u8>,
    /// How often something leaves so that the path stays open to this end; zero for never.
    pub keepalive: Nanos,
    /// How the sender searches for its rate, which needs reports; `None` if it does not.
    pub capacity: Option<AdjustmentType>,
    /// Whether the course of a search is kept.
    pub keeps_course: bool,
    /// From which length a gap in arrivals is listed as an outage.
    pub outage: OutageLength,
    /// The sizes of the datagrams, where they differ; `payload` is then the largest.
    pub sizes: Option<SizeMix>,
}

impl ReceiverPlan {
    /// Maximum datagrams in one coalesced buffer.
    pub const COALESCED: u64 = GSO_SEGMENTS as u64;

    /// The plan of one stream of a run, on a socket that does not coalesce, without a bound on its
    /// time.
    pub fn new(test: &TestPlan, tag: u16, patience: Nanos) -> Self {
        Self {
            tag,
            payload: test.payload as usize,
            window: test.window,
            verify: test.verify,
            interval: test.interval,
            per_drop: 1,
            patience,
            time: Nanos::ZERO,
            format: DataFormat::Udpkit,
            omit: Nanos::ZERO,
            go_ahead: Vec::new(),
            keepalive: Nanos::ZERO,
            capacity: test.capacity,
            keeps_course: false,
            outage: OutageLength { asked: test.outage, interval: test.interval_of_stream() },
            sizes: test.sizes,
        }
    }
}

/// Result of a stream.
#[derive(Clone, Debug)]
pub struct ReceiverSummary {
    /// The counts.
    pub received: BlastReceived,
    /// Delay above the stream's minimum, to be merged with other streams'.
    pub delay: DelayHistogram,
    /// Gaps in its arrivals.
    pub outages: OutageLog,
    /// What was received of each class of sizes; empty where all are the same.
    pub sizes: Vec<SizeAccount>,
    /// Keepalives that left.
    pub keepalives: u64,
    /// Why the stream failed; `None` if it did not.
    pub broken: Option<RunFailure>,
    /// The course of a search, where it is kept.
    pub course: Vec<CoursePoint>,
}
