//! How much memory a run gets of what is left, for itself and for kernel buffers.

use super::ServePolicy;
use crate::session::blast::TestPlan;

/// Kernel buffer in bytes that each stream gets however many there are and however short memory is;
/// Linux's own default.
const LEAST_BUFFER: u64 = 1 << 20;
const SCARCE_BUFFER: u64 = 208 << 10;
/// Divisor of a source's share that extra kernel buffers leave to its later runs, so that several
/// clients behind one address get theirs.
const LEFT: u64 = 3;
/// Resources of a granted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct RunResources {
    /// Maximum bytes that it may take.
    pub memory: u64,
    /// Kernel buffer to request for each stream, in bytes.
    pub buffer: u64,
}

impl RunResources {
    /// The resources for a run where `left` bytes of a source's `share` remain; `Err` is the number
    /// of bytes needed.
    pub fn within(
        left: u64,
        share: u64,
        plan: &TestPlan,
        policy: &ServePolicy,
    ) -> Result<Self, u64> {
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
