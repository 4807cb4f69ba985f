//! What this end counted, as the results that it sends.

use crate::record::BlastReceived;
use crate::units::Nanos;
use crate::wire::iperf3::{Iperf3Results, StreamResults, stream_id};

/// What this end counted of a stream that it sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SentStream {
    /// Datagrams, those of the omitted time included.
    pub numbers: u64,
    /// Of these, those of the omitted time.
    pub omitted: u64,
}

/// What this end counted of a stream that it received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReceivedStream {
    /// The counts after the omitted time.
    pub received: BlastReceived,
    /// Numbers of the omitted time.
    pub omitted: u64,
}

/// Processor time of this process over a test, in nanoseconds: in user mode, in kernel mode.
pub(super) type Processor = (u64, u64);

impl SentStream {
    /// The results of a stream with payloads of this size.
    pub fn results(self, payload: u64) -> StreamResults {
        StreamResults {
            bytes: whole(self.numbers.saturating_sub(self.omitted).saturating_mul(payload)),
            omitted_errors: Some(0),
            packets: whole(self.numbers),
            omitted_packets: Some(whole(self.omitted)),
            ..StreamResults::default()
        }
    }
}

impl ReceivedStream {
    /// The results of the stream. What is missing is counted up to the last number that is known to
    /// have been sent.
    pub fn results(&self) -> StreamResults {
        let counts = &self.received;
        let numbers = counts.firsts.saturating_add(counts.lost).saturating_add(self.omitted);
        StreamResults {
            bytes: whole(counts.bytes),
            jitter: Nanos(counts.jitter_ns.unwrap_or(0)).as_secs_f64(),
            errors: whole(counts.lost),
            omitted_errors: Some(0),
            packets: whole(numbers),
            omitted_packets: Some(whole(self.omitted)),
            ..StreamResults::default()
        }
    }
}

/// How long a test took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Length {
    /// Of it, the time at the start that is not counted.
    pub omitted: Nanos,
    /// The time after that.
    pub counted: Nanos,
}

/// The message of this end's results: its streams in the order of their opening, and whether it
/// sent any.
pub(super) fn message(
    streams: impl Iterator<Item = StreamResults>,
    sends: bool,
    cpu: Option<Processor>,
    length: Length,
) -> Iperf3Results {
    let secs = (length.counted + length.omitted).as_secs_f64().max(1e-3);
    let share = |nanos: u64| Nanos(nanos).as_secs_f64() * 100.0 / secs;
    let (user, system) = cpu.unwrap_or_default();
    let streams = (0u32..).zip(streams).map(|(stream, told)| StreamResults {
        id: stream_id(stream),
        retransmits: -1,
        end_time: length.counted.as_secs_f64(),
        ..told
    });
    Iperf3Results {
        cpu_util_total: share(user) + share(system),
        cpu_util_user: share(user),
        cpu_util_system: share(system),
        sender_has_retransmits: if sends { 0 } else { -1 },
        streams: streams.collect(),
        server_output_json: None,
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
