//! How many streams and how much memory a run gets, within the limits in total and per source.

use super::session_state::{Run, ServerSession};
use super::source_shares::Bound;
use super::{ServeControl, ServeEvent, ServeOrder, ServePolicy};
use crate::machine::Orders;
use crate::record::{ServeRefusal, ServeResource, Sink};
use crate::session::blast::TestPlan;
use std::net::SocketAddr;

/// Maximum bytes of a session without run or probe: its state and the replies that it keeps.
pub(super) const SESSION_BYTES: u64 = 32 << 10;
/// Kernel buffer in bytes that each stream gets however many there are and however short memory is;
/// Linux's own default.
const LEAST_BUFFER: u64 = 1 << 20;
const SCARCE_BUFFER: u64 = 208 << 10;
/// Divisor of a source's share that extra kernel buffers leave to its later runs, so that several
/// clients behind one address get theirs.
const LEFT: u64 = 3;
/// Maximum send buffer of a socket, in bytes.
const SEND_BUFFER: u64 = 4 << 20;

/// Resources of a granted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunResources {
    /// Maximum bytes that it may take.
    pub memory: u64,
    /// Kernel buffer to request for each stream, in bytes.
    pub buffer: u64,
}

impl RunResources {
    /// The resources for a run where `left` bytes of a source's `share` remain; `Err` is the number
    /// of bytes needed.
    fn within(left: u64, share: u64, plan: &TestPlan, policy: &ServePolicy) -> Result<Self, u64> {
        let streams = u64::from(plan.all_streams());
        let fair = policy.socket_buffer / u64::from(plan.streams.max(1));
        let wanted = fair.max(policy.socket_buffer.min(LEAST_BUFFER));
        let scarce = wanted.min(SCARCE_BUFFER);
        let own = plan.memory(policy.receives);
        let least = own.saturating_add(streams.saturating_mul(scarce));
        if least > left {
            return Err(least);
        }
        // Two thirds, then two thirds of what is left.
        let spare = (left - own).saturating_sub(share / LEFT) / 3 * 2 / streams.max(1);
        let buffer = wanted.min(spare).max(scarce);
        Ok(Self { memory: own + streams * buffer, buffer })
    }
}

/// The kernel buffer to request for one stream of a run.
pub(super) fn buffer_of(run: &Run, stream: u32) -> u64 {
    if run.plan.is_up(stream) { run.buffer } else { run.buffer.min(SEND_BUFFER) }
}

impl<O: Orders<ServeOrder>, K: Sink<ServeEvent>, R: FnMut() -> u64> ServeControl<O, K, R> {
    /// The resources for a session's next run, counting its own previous streams as free; or why
    /// there are none.
    pub(super) fn room_for(
        &self,
        id: u64,
        client: SocketAddr,
        plan: &TestPlan,
    ) -> Result<RunResources, ServeRefusal> {
        let used = self.used(client, Some(id), ServerSession::granted_streams);
        let bound = self.bound(self.policy.max_all_streams as u64);
        let streams = u64::from(plan.all_streams());
        bound.admit(used, streams).map_err(|full| full.refusal(ServeResource::Streams, used))?;
        let left = self.memory_left(id, client);
        let share = self.memory_bound().of_source();
        RunResources::within(left, share, plan, &self.policy)
            .map_err(|need| self.no_memory(need, left))
    }

    /// The memory limit. A source may have twice its share of other resources, though never
    /// everything: sessions and streams are many small things, but one wide run with large socket
    /// buffers takes much.
    fn memory_bound(&self) -> Bound {
        let percent = u16::from(self.policy.source_share.min(100));
        let percent = (2 * percent).min(u16::midpoint(100, percent)) as u8;
        Bound { all: self.policy.max_memory, percent }
    }

    /// Whether a session may have `need` bytes besides what others have.
    pub(super) fn admit_memory(
        &self,
        id: u64,
        client: SocketAddr,
        need: u64,
    ) -> Result<(), ServeRefusal> {
        let left = self.memory_left(id, client);
        if need <= left { Ok(()) } else { Err(self.no_memory(need, left)) }
    }

    /// Bytes that a session may have besides what others have.
    fn memory_left(&self, id: u64, client: SocketAddr) -> u64 {
        let mut used = self.used(client, Some(id), ServerSession::memory);
        used.all = used.all.saturating_add(self.sessions.len() as u64 * SESSION_BYTES);
        self.memory_bound().room(used)
    }

    fn no_memory(&self, needed_bytes: u64, free_bytes: u64) -> ServeRefusal {
        let bound = self.memory_bound();
        ServeRefusal::Memory {
            needed_bytes,
            free_bytes,
            limit_bytes: bound.all,
            source_limit_bytes: bound.of_source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Params;

    #[test]
    fn the_clients_behind_one_address_all_have_their_runs_and_the_first_a_large_buffer() {
        let policy = ServePolicy::default();
        let plan = TestPlan::read(&Params::default()).unwrap();
        let share = policy.max_memory / 2;
        let mut left = share;
        let buffers: Vec<u64> = (0..16)
            .map(|_| {
                let room = RunResources::within(left, share, &plan, &policy).unwrap();
                left -= room.memory;
                room.buffer
            })
            .collect();
        assert!(buffers[0] == 32 << 20 && buffers[1] > 16 << 20, "{buffers:?}");
        assert!(buffers.iter().all(|buffer| *buffer >= SCARCE_BUFFER), "{buffers:?}");
    }

    #[test]
    fn a_run_that_does_not_fit_says_what_it_takes() {
        let policy = ServePolicy::default();
        let plan = TestPlan::read(&Params::default()).unwrap();
        let need = RunResources::within(0, 1 << 20, &plan, &policy).unwrap_err();
        assert_eq!(RunResources::within(need - 1, 1 << 20, &plan, &policy), Err(need));
        let room = RunResources::within(need, 1 << 20, &plan, &policy).unwrap();
        assert_eq!((room.memory, room.buffer), (need, SCARCE_BUFFER));
        let wide = TestPlan { streams: 64, ..plan };
        assert!(RunResources::within(policy.max_memory / 2, 64 << 20, &wide, &policy).is_ok());
    }
}
