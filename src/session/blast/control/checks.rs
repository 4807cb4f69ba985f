//! Whether what the far end tells of a run can be true.

use super::super::events::{ControlCommand, ControlEvent, ControlOrder};
use super::BlastControl;
use crate::machine::{Executor, Now, Orders};
use crate::record::{Contradiction, Sink, SizeCounts, believe_streams};

impl<O, E> BlastControl<O, E>
where
    O: Orders<ControlOrder>,
    E: Executor<ControlCommand> + Sink<ControlEvent>,
{
    /// Checks the intervals against the final counts.
    pub(super) fn check_intervals(&self, now: Now) -> Result<(), Contradiction> {
        let Some(received) = &self.summary.received else { return Ok(()) };
        self.interval_sums.hold_against(received, self.known(now).sent)
    }

    /// Checks the counts of single streams against those of all.
    pub(super) fn check_streams(&mut self) -> Result<(), Contradiction> {
        // A far end that reported on some only is no basis for a comparison.
        if let Some(whole) = &self.summary.received
            && self.streams.len() == self.plan.streams as usize
        {
            self.summary.received_streams = believe_streams(&self.streams, whole)?;
        }
        if let Some(whole) = &self.summary.received {
            let sizes = std::mem::take(&mut self.sizes);
            self.summary.sizes = SizeCounts::of_run(sizes, whole.firsts, whole.lost);
        }
        Ok(())
    }
}
