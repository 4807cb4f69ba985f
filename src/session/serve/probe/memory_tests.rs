//! Compares a probe's memory estimate with one that is filled to all its limits.

use super::Probe;
use super::pending::DueEcho;
use crate::batch::RxEntry;
use crate::units::Nanos;
use crate::wire::Ask;
use std::hint::black_box;
use std::net::SocketAddr;

#[test]
fn a_probe_never_holds_more_than_is_reckoned() {
    let held = allocation_counter::measure(|| {
        let mut probe = Box::new(Probe::new(1, 2, Nanos::ZERO));
        let meta = RxEntry::default().meta;
        for number in 0..5_000u32 {
            let ask = Ask::new(2, 1, number, 4_095, Nanos(3));
            probe.items.note(&ask, &meta, 64, 5_000);
            let lane = SocketAddr::from(([192, 0, 2, 1], number as u16 + 1));
            probe.lanes.prove(lane, Nanos::ZERO);
        }
        black_box(probe);
    });
    // A tree's nodes are at least half full.
    let waiting = 2 * 4_096 * (size_of::<DueEcho>() + size_of::<(Nanos, u64)>());
    let held = held.bytes_max + waiting as u64;
    assert!(held <= Probe::MOST_BYTES, "{held}");
    assert!(2 * held > Probe::MOST_BYTES, "{held} is far less than is reckoned");
}
