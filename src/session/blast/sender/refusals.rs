//! What a sender does about datagrams that its host or the network refuses.

use super::super::opening::SOMEWHERE;
use super::{BlastSender, CAUSES, DEAD, HOPELESS, REFUSED_FOR, REFUSED_PAUSE, SenderEvent};
use crate::batch::{LocalRefusal, LocalSendFailure, NetworkError};
use crate::machine::Now;
use crate::record::{Occurrence, Refusal, RefusalCause, RunFailure, Sink};
use crate::units::Nanos;

impl<K: Sink<SenderEvent>> BlastSender<K> {
    /// A refused datagram uses up its slot in the schedule, but not its sequence number.
    pub(super) fn count_refused(&mut self, now: Now, datagrams: u64, errno: i32) {
        let slots = self.slots(self.sent, datagrams);
        if let Some(pacer) = &mut self.pacer {
            pacer.commit(now.mono, slots);
            if pacer.is_unlimited() {
                self.pause_until = now.mono + REFUSED_PAUSE;
            }
        }
        let at = self.since_first(now);
        let known = self.refused.iter_mut().find(|known| known.errno == Some(errno));
        if let Some(known) = known {
            known.again(at, datagrams);
        } else {
            let reason = LocalSendFailure::from_errno(errno, SOMEWHERE);
            let (cause, seen) = (RefusalCause::Host { reason }, Occurrence::once(at));
            self.refused.push(Refusal { cause, errno: Some(errno), datagrams, seen });
        }
        self.refused_in_a_row += 1;
        let is_full = LocalRefusal::of(errno) == LocalRefusal::QueueFull;
        self.queue_full_buffers += u64::from(is_full);
        let dead = self.sent > 0 && now.mono >= self.last_send + self.paused + DEAD;
        let is_final = LocalRefusal::of(errno) == LocalRefusal::TooBig || at >= REFUSED_FOR;
        if dead || is_final && self.is_hopeless() {
            self.break_off(self.not_sent(errno));
        }
    }

    /// Whether this host has refused all so far, and not only a few.
    pub(super) fn is_hopeless(&self) -> bool {
        self.sent == 0 && self.refused_in_a_row >= HOPELESS
    }

    /// Why a run failed of which this host refused all.
    pub(super) fn not_sent(&self, errno: i32) -> RunFailure {
        let payload_bytes = self.plan.payload as u64;
        let reason = LocalSendFailure::from_errno(errno, SOMEWHERE);
        RunFailure::DatagramsNotSent { payload_bytes, reason }
    }

    /// Since the first attempt to send.
    pub(super) fn since_first(&self, now: Now) -> Nanos {
        self.attempts.map_or(Nanos::ZERO, |(first, _)| now.mono - first)
    }

    /// Counts a network error; beyond a limit, further causes are not kept apart.
    pub(super) fn count_network_error(&mut self, now: Now, error: &NetworkError) {
        let at = self.since_first(now);
        let cause = RefusalCause::Network { error: *error };
        let mut known = self.network_errors.iter_mut();
        if let Some(known) = known.find(|known| known.cause.is_alike(&cause)) {
            known.again(at, 1);
        } else if self.network_errors.len() < CAUSES {
            let seen = Occurrence::once(at);
            self.network_errors.push(Refusal { cause, errno: None, datagrams: 1, seen });
        }
    }
}
