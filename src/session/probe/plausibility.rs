//! Whether a remote agent's claims about arrivals are possible, given what was sent.

use super::probe_batch::ItemLog;
use super::rounds::AgentCounts;
use crate::record::Contradiction;

/// Copies of one datagram that a path may make, for remote agents that count copies with the rest.
const MOST_COPIES: u64 = 1_000;

/// Checks the remote agent's rows against what left this host. If the agent counts copies with the
/// rest, any excess counts as copies; if it tells them apart, it cannot have more first copies than
/// were sent.
pub(super) fn believe(told: &AgentCounts, items: &[ItemLog]) -> Result<AgentCounts, Contradiction> {
    let mut believed = told.clone();
    for (number, row) in &mut believed {
        let left = items.get(*number as usize).map_or(0, ItemLog::left) as u64;
        let all = u64::from(row.count).saturating_add(u64::from(row.copies));
        let first = u64::from(row.count);
        if all > left.saturating_mul(MOST_COPIES) || (row.copies > 0 && first > left) {
            let arrived = if first > left { first } else { all };
            return Err(Contradiction::MoreArrived { arrived, sent: left });
        }
        if first > left {
            (row.count, row.copies) = (left as u32, (first - left) as u32);
        }
    }
    Ok(believed)
}
