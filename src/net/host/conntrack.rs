//! Whether this host's connection tracking table is full: then sends fail with the error number of
//! a packet filter's rule.

use super::text::read_conntrack;
use crate::batch::{HostCounter, HostCounters};
use std::fs;
use std::path::Path;

/// Percentage of the limit from which a table that has dropped packets counts as full: flows end
/// between a refused send and this look.
const FULL: u64 = 95;

/// A full connection tracking table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullTable {
    /// Flows in it.
    pub entries: u64,
    /// The most that it takes (`net.netfilter.nf_conntrack_max`).
    pub most: u64,
}

/// The table of this network namespace, if it is full and has dropped packets for that.
pub fn full_table() -> Option<FullTable> {
    full_table_below(Path::new("/proc"))
}

fn full_table_below(proc: &Path) -> Option<FullTable> {
    let number = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(proc.join("sys/net/netfilter").join(name)).ok()?;
        text.trim().parse().ok()
    };
    let table =
        FullTable { entries: number("nf_conntrack_count")?, most: number("nf_conntrack_max")? };
    let mut counters = HostCounters::default();
    read_conntrack(&fs::read_to_string(proc.join("net/stat/nf_conntrack")).ok()?, &mut counters);
    let has_dropped = counters.get(HostCounter::ConntrackDrop).is_some_and(|drops| drops > 0);
    // No limit is written as 0.
    let is_full =
        table.most > 0 && table.entries.saturating_mul(100) >= table.most.saturating_mul(FULL);
    (has_dropped && is_full).then_some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_table_that_is_full_and_has_dropped_packets_is_a_cause() {
        let proc = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = proc.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(full_table_below(proc.path()), None, "no connection tracking");
        for (entries, most, drops, is_full) in [
            (1_000, 1_000, 1, true),
            (951, 1_000, 1, true),
            (949, 1_000, 1, false),
            (1_000, 1_000, 0, false),
            (1_000, 0, 1, false),
        ] {
            write("sys/net/netfilter/nf_conntrack_count", &format!("{entries}\n"));
            write("sys/net/netfilter/nf_conntrack_max", &format!("{most}\n"));
            let stat = format!("entries found drop early_drop\n0000000a 00000000 {drops:08x} 0\n");
            write("net/stat/nf_conntrack", &stat);
            let found = full_table_below(proc.path());
            assert_eq!(found, is_full.then_some(FullTable { entries, most }), "{entries} {drops}");
        }
    }
}
