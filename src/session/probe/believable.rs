//! Whether what a helper tells of arrivals can be true of what was asked.

use super::rounds::Told;
use super::shots::ItemLog;
use crate::record::Contradiction;

/// Copies of one datagram that a path may make, for helpers that count them with the rest.
const MOST_COPIES: u64 = 1_000;

/// The helper's rows, held against what left this host. From a helper that counts copies with the
/// rest, what is beyond that is copies; one that tells them apart cannot have more first ones than
/// left.
pub(super) fn believe(told: &Told, items: &[ItemLog]) -> Result<Told, Contradiction> {
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
