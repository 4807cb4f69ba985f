//! The correct counts of a receiver, computed from the link's log in the slow and obvious way.

use crate::impair::Change;
use crate::netsim::Direction;
use crate::stats::WINDOW;
use std::collections::HashSet;

/// What the link did to the numbered datagrams of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub sent: u64,
    pub received: u64,
    pub firsts: u64,
    pub duplicates: u64,
    pub reordered: u64,
    pub too_late: u64,
    pub lost: u64,
    pub bursts: u64,
    pub longest: u64,
    /// First of their numbers that arrived cut.
    pub cut: u64,
    /// First of their numbers that arrived rewritten.
    pub altered: u64,
    /// Changed copies of others.
    pub corrupt: u64,
}

impl Account {
    /// From the link's log. A receiver that never learns the total cannot know of a lost tail.
    pub fn of(link: &Direction, total_known: bool) -> Self {
        let mut numbers = Vec::new();
        let mut sent = 0;
        for passage in &link.passages {
            numbers.push(passage.sequence.map(|_| sent));
            sent += u64::from(passage.sequence.is_some());
        }
        let mut account = Self { sent, ..Self::default() };
        let mut seen = HashSet::new();
        let mut highest: Option<u64> = None;
        let arrivals = link.arrivals.iter().zip(&link.changes);
        for (number, change) in
            arrivals.filter_map(|(passage, change)| Some((numbers[*passage]?, *change)))
        {
            let is_whole = u64::from(change.is_none());
            account.received += is_whole;
            let below = highest.map_or(0, |highest| highest.saturating_sub(number));
            if below >= WINDOW {
                account.too_late += is_whole;
                account.corrupt += 1 - is_whole;
            } else if !seen.insert(number) {
                account.duplicates += is_whole;
                account.corrupt += 1 - is_whole;
            } else {
                match change {
                    None => account.firsts += 1,
                    Some(Change::Cut(_)) => account.cut += 1,
                    Some(Change::Rewritten) => account.altered += 1,
                }
                account.reordered += u64::from(below > 0);
            }
            highest = highest.max(Some(number));
        }
        let end = if total_known { sent } else { highest.map_or(0, |highest| highest + 1) };
        account.lost = end - account.firsts - account.cut - account.altered;
        let mut run = 0;
        for number in 0..end {
            run = if seen.contains(&number) { 0 } else { run + 1 };
            account.bursts += u64::from(run == 1);
            account.longest = account.longest.max(run);
        }
        account
    }
}
