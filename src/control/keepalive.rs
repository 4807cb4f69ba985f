//! When whoever receives says something, so that the path stays open to him: many firewalls and
//! NATs let in only what outbound datagrams renewed (RFC 4787 REQ-6).
//!
//! What is said is [`KEEPALIVE`](crate::wire::stun::KEEPALIVE), which nobody answers. It is short,
//! and leaves only where nothing else did for long enough.

use crate::batch::{DestId, SendOutcome, TxBatch};
use crate::units::Nanos;

/// How often something leaves by default: well below the shortest time-outs seen (RFC 4787 REQ-5
/// asks for two minutes, firewalls for games and telephones are known with a few seconds).
pub const KEEPALIVE_EVERY: Nanos = Nanos::from_secs(2);

/// The keepalives of one socket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keepalive {
    /// Zero for none at all.
    every: Nanos,
    /// When something last left; `None` before anything did.
    left: Option<Nanos>,
    /// Whether the current batch has one.
    is_written: bool,
    sent: u64,
}

impl Keepalive {
    /// One wherever nothing left for `every`; zero for none.
    pub fn new(every: Nanos) -> Self {
        Self { every, ..Self::default() }
    }

    /// Something else leaves now, which keeps the path open as well.
    pub fn note_sent(&mut self, now: Nanos) {
        self.left = Some(now);
    }

    /// Writes one if it is due, and returns when the next is; `None` for never. The time counts
    /// from the first call, or from what left.
    pub fn poll(
        &mut self,
        now: Nanos,
        text: &[u8],
        to: DestId,
        out: &mut TxBatch,
    ) -> Option<Nanos> {
        if self.every == Nanos::ZERO {
            return None;
        }
        let left = *self.left.get_or_insert(now);
        let due = left + self.every;
        if now < due {
            return Some(due);
        }
        if let Some(bytes) = out.push(to, text.len()) {
            bytes.copy_from_slice(text);
            self.is_written = true;
        }
        self.left = Some(now);
        Some(now + self.every)
    }

    /// Records the outcome of the batch. One that this host refused is not made up for: the next is
    /// due in time.
    pub fn on_sent(&mut self, outcome: &SendOutcome) {
        let is_written = std::mem::take(&mut self.is_written);
        self.sent += u64::from(is_written && outcome.accepted > 0);
    }

    /// How many left.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::SendStop;

    const EVERY: Nanos = Nanos::from_secs(2);
    const START: Nanos = Nanos::from_secs(9);

    fn polled(keepalive: &mut Keepalive, now: Nanos) -> (Option<Nanos>, usize) {
        let mut out = TxBatch::new(4, 64);
        let next = keepalive.poll(now, b"hi", DestId::CONNECTED, &mut out);
        (next, out.len())
    }

    fn outcome(accepted: usize) -> SendOutcome {
        let refused = SendStop::Refused { datagrams: 1, errno: 1 };
        SendOutcome { accepted, stop: (accepted == 0).then_some(refused) }
    }

    #[test]
    fn one_leaves_where_nothing_else_did_and_what_left_is_counted() {
        let mut keepalive = Keepalive::new(EVERY);
        assert_eq!(polled(&mut keepalive, START), (Some(START + EVERY), 0));
        keepalive.on_sent(&outcome(1));
        keepalive.note_sent(START + Nanos(5));
        let due = START + Nanos(5) + EVERY;
        assert_eq!(polled(&mut keepalive, START + EVERY), (Some(due), 0));
        assert_eq!(polled(&mut keepalive, due), (Some(due + EVERY), 1));
        keepalive.on_sent(&outcome(1));
        assert_eq!(polled(&mut keepalive, due), (Some(due + EVERY), 0));
        keepalive.on_sent(&outcome(1));
        assert_eq!(polled(&mut keepalive, due + EVERY), (Some(due + EVERY + EVERY), 1));
        keepalive.on_sent(&outcome(0));
        assert_eq!(keepalive.sent(), 1);
    }

    #[test]
    fn zero_is_none() {
        let mut off = Keepalive::new(Nanos::ZERO);
        for now in [START, START + EVERY, Nanos::MAX] {
            assert_eq!(polled(&mut off, now), (None, 0));
        }
    }
}
