//! How much memory a run gets of what is left, for itself and for kernel buffers.

use super::ServePolicy;
use super::source_shares::{Bound, Used};
use crate::session::blast::TestPlan;

/// Kernel buffer in bytes that each stream gets however many there are, as long as memory is not
/// short.
const LEAST_BUFFER: u64 = 1 << 20;
/// The same however short memory is; Linux's own default.
const SCARCE_BUFFER: u64 = 208 << 10;
/// Sessions for which memory is kept free, if so many are let in, and streams of each: as many as an
/// unlimited run has on a small host that is both ends.
const KEPT_SESSIONS: usize = 64;
const KEPT_STREAMS: u64 = 2;
/// Kernel buffer of each of these streams, in bytes.
const KEPT_BUFFER: u64 = 768 << 10;

/// What is left for a run and for sessions that may come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct Left {
    /// Bytes in all, and of the source's share.
    pub memory: [u64; 2],
    /// Sessions for which it must do, likewise, this one included.
    pub sessions: [u64; 2],
}

/// Resources of a granted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct RunResources {
    /// Maximum bytes that it may take.
    pub memory: u64,
    /// Kernel buffer to request for each stream, in bytes.
    pub buffer: u64,
}

impl Left {
    /// What a policy leaves where others have so many runs and so much memory.
    pub fn of(policy: &ServePolicy, sessions: Used, memory: Used) -> Self {
        let kept = policy.max_sessions.min(KEPT_SESSIONS);
        let most = Bound { all: kept as u64, percent: policy.source_share };
        Self { memory: Bound::of_memory(policy).left(memory), sessions: most.left(sessions) }
    }

    /// Bytes that the run may take.
    pub fn free(self) -> u64 {
        self.memory[0].min(self.memory[1])
    }
}

impl RunResources {
    /// The resources for a run; `Err` is the number of bytes needed.
    ///
    /// The first clients get large buffers, but leave enough for as many more as the policy lets
    /// in: of 64 clients at once, those that came last were refused, and those before them lost
    /// datagrams in buffers that were too small.
    pub fn within(left: Left, plan: &TestPlan, policy: &ServePolicy) -> Result<Self, u64> {
        let streams = u64::from(plan.all_streams()).max(1);
        let fair = policy.socket_buffer / u64::from(plan.streams.max(1));
        let wanted = fair.max(policy.socket_buffer.min(LEAST_BUFFER));
        let scarce = wanted.min(SCARCE_BUFFER);
        let own = plan.memory(policy.receives);
        let least = own.saturating_add(streams.saturating_mul(scarce));
        if least > left.free() {
            return Err(least);
        }
        let usual = streams.min(KEPT_STREAMS) * (own / streams + wanted.min(KEPT_BUFFER));
        let pools = left.memory.into_iter().zip(left.sessions);
        let room = pools.map(|(memory, sessions)| {
            let sessions = sessions.max(1);
            let each = usual.min(memory / sessions);
            let kept = each * (sessions - 1);
            // Of what nobody is expected to need, two thirds, then two thirds of what is left.
            let spare = memory.saturating_sub(own).saturating_sub(kept) / 3 * 2;
            spare.max(each.saturating_sub(own)) / streams
        });
        let buffer = room.min().map_or(scarce, |room| wanted.min(room).max(scarce));
        Ok(Self { memory: own + streams * buffer, buffer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxShape;
    use crate::units::Rate;
    use crate::wire::Params;

    fn plan(streams: u32) -> TestPlan {
        TestPlan { streams, rate: Rate::Max, ..TestPlan::read(&Params::default()).unwrap() }
    }

    /// The buffers of so many clients, one after the other, all of one source or each of its own.
    fn buffers(clients: u64, one_source: bool, plan: &TestPlan) -> Vec<u64> {
        let policy = ServePolicy::default();
        let (mut sessions, mut memory) = (Used::default(), Used::default());
        (0..clients)
            .map(|_| {
                let left = Left::of(&policy, sessions, memory);
                let room = RunResources::within(left, plan, &policy).unwrap();
                for (used, more) in [(&mut sessions, 1), (&mut memory, room.memory)] {
                    used.all += more;
                    used.source += if one_source { more } else { 0 };
                }
                room.buffer
            })
            .collect()
    }

    #[test]
    fn the_clients_behind_one_address_all_have_their_runs_and_the_first_a_large_buffer() {
        let buffers = buffers(16, true, &plan(1));
        assert!(buffers[0] == 32 << 20 && buffers[1] > 16 << 20, "{buffers:?}");
        assert!(buffers.iter().all(|buffer| *buffer >= KEPT_BUFFER * 9 / 10), "{buffers:?}");
    }

    #[test]
    fn as_many_clients_as_are_let_in_have_their_runs_with_buffers_that_are_not_small() {
        for streams in [1, 2] {
            let buffers = buffers(64, false, &plan(streams));
            let wanted = (32 << 20) / u64::from(streams);
            assert!(buffers[0] > wanted * 9 / 10 && buffers[1] > 4 << 20, "{buffers:?}");
            assert!(buffers.iter().all(|buffer| *buffer >= KEPT_BUFFER * 9 / 10), "{buffers:?}");
        }
    }

    #[test]
    fn a_client_alone_has_buffers_that_hold_what_comes_between_two_reads() {
        let policy = ServePolicy { receives: RxShape::Coalesced, ..ServePolicy::default() };
        for streams in [1, 2] {
            let left = Left::of(&policy, Used::default(), Used::default());
            let room = RunResources::within(left, &plan(streams), &policy).unwrap();
            assert!(room.buffer > 5 << 20, "{streams}: {room:?}");
        }
    }

    #[test]
    fn where_more_sessions_are_let_in_than_there_is_memory_for_the_first_still_gets_much() {
        let policy = ServePolicy { max_sessions: 100_000, ..ServePolicy::default() };
        let left = Left::of(&policy, Used::default(), Used::default());
        let room = RunResources::within(left, &plan(1), &policy).unwrap();
        assert!(room.buffer > 8 << 20, "{room:?}");
    }

    #[test]
    fn a_run_that_does_not_fit_says_what_it_takes() {
        let policy = ServePolicy::default();
        let plan = plan(1);
        let left = |memory| Left { memory: [memory, u64::MAX], sessions: [1, 1] };
        let need = RunResources::within(left(0), &plan, &policy).unwrap_err();
        assert_eq!(RunResources::within(left(need - 1), &plan, &policy), Err(need));
        let room = RunResources::within(left(need), &plan, &policy).unwrap();
        assert_eq!((room.memory, room.buffer), (need, SCARCE_BUFFER));
        let wide = TestPlan { streams: 64, ..plan };
        let whole = Left::of(&policy, Used::default(), Used::default());
        assert!(RunResources::within(whole, &wide, &policy).is_ok());
    }
}
