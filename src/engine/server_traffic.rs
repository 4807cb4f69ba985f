//! What the streams of a server receive and send, counted for all threads that serve.

use crate::record::{BlastReceived, BlastSent};
use crate::session::serve::Traffic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of all streams.
#[derive(Debug, Default)]
pub(super) struct ServerTraffic(Counters);

#[derive(Debug, Default)]
struct Counters {
    received_datagrams: AtomicU64,
    received_bytes: AtomicU64,
    sent_datagrams: AtomicU64,
    sent_bytes: AtomicU64,
    socket_drops: AtomicU64,
}

/// The counts of one stream, which tells what it has counted so far.
#[derive(Debug)]
pub(super) struct StreamTraffic {
    all: Arc<ServerTraffic>,
    told: Counters,
    /// Payload of each datagram that it sends.
    payload: u64,
}

impl ServerTraffic {
    /// The counts now.
    pub fn read(&self) -> Traffic {
        let Counters { received_datagrams, received_bytes, .. } = &self.0;
        let Counters { sent_datagrams, sent_bytes, socket_drops, .. } = &self.0;
        let [received_datagrams, received_bytes, sent_datagrams, sent_bytes, socket_drops] =
            [received_datagrams, received_bytes, sent_datagrams, sent_bytes, socket_drops]
                .map(|counter| counter.load(Ordering::Relaxed));
        Traffic { received_datagrams, received_bytes, sent_datagrams, sent_bytes, socket_drops }
    }
}

impl StreamTraffic {
    /// A stream that sends datagrams with so much payload, if it sends.
    pub fn new(all: Arc<ServerTraffic>, payload: u32) -> Self {
        Self { all, told: Counters::default(), payload: payload.into() }
    }

    /// What it has received so far.
    pub fn received(&self, counts: &BlastReceived) {
        let (all, told) = (&self.all.0, &self.told);
        raise(&all.received_datagrams, &told.received_datagrams, counts.datagrams);
        raise(&all.received_bytes, &told.received_bytes, counts.bytes);
        raise(&all.socket_drops, &told.socket_drops, counts.socket_drops);
    }

    /// Datagrams that it has sent so far.
    pub fn sent_so_far(&self, datagrams: u64) {
        let (all, told) = (&self.all.0, &self.told);
        raise(&all.sent_datagrams, &told.sent_datagrams, datagrams);
        raise(&all.sent_bytes, &told.sent_bytes, datagrams.saturating_mul(self.payload));
    }

    /// What it has sent, now that it is over.
    pub fn sent(&self, counts: &BlastSent) {
        let (all, told) = (&self.all.0, &self.told);
        raise(&all.sent_datagrams, &told.sent_datagrams, counts.datagrams);
        raise(&all.sent_bytes, &told.sent_bytes, counts.bytes);
    }
}

/// Adds to a sum by how much a stream's count has risen.
fn raise(sum: &AtomicU64, told: &AtomicU64, now: u64) {
    let before = told.fetch_max(now, Ordering::Relaxed);
    sum.fetch_add(now.saturating_sub(before), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_added_up_whatever_they_tell_in_between() {
        let all = Arc::new(ServerTraffic::default());
        let streams = [10, 20].map(|payload| StreamTraffic::new(Arc::clone(&all), payload));
        for datagrams in [0, 5, 5, 9] {
            let bytes = datagrams * 100;
            let counts = BlastReceived { datagrams, bytes, ..BlastReceived::default() };
            for stream in &streams {
                stream.received(&counts);
            }
            streams[0].sent_so_far(datagrams);
        }
        streams[0].sent(&BlastSent { datagrams: 10, bytes: 100, ..BlastSent::default() });
        let counted = all.read();
        assert_eq!((counted.received_datagrams, counted.received_bytes), (18, 1_800));
        assert_eq!((counted.sent_datagrams, counted.sent_bytes), (10, 100));
    }
}
