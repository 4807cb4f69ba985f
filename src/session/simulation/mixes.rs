//! Runs whose datagrams differ in size, on a path that loses, duplicates and reorders.

use super::client_and_server::{ClientAndServer, plan};
use super::paths::{clean, lossy};
use crate::impair::Impairments;
use crate::record::SizeCounts;
use crate::session::blast::{Direction, SizeAccount, TestPlan};
use crate::units::{BitRate, Nanos, Rate};

/// How long a run may take.
const DEADLINE: Nanos = Nanos::from_secs(120);

/// A run of a mix, both ways.
fn run_of(mix: &str, rate: Rate) -> TestPlan {
    let sizes = mix.parse().ok();
    let payload = sizes.map_or(0, |mix: crate::pace::SizeMix| u32::from(mix.bounds().1));
    let direction = Direction::Both;
    TestPlan { direction, payload, rate, sizes, verify: true, ..plan(Nanos::from_secs(2)) }
}

/// The classes add up to the whole, and each has the sizes that it says.
#[track_caller]
fn hold(what: &str, classes: &[SizeCounts], (sent, firsts, lost): (u64, u64, u64)) {
    let sum = |of: fn(&SizeCounts) -> u64| classes.iter().map(of).sum::<u64>();
    let sums = (sum(|one| one.sent), sum(|one| one.firsts), sum(|one| one.lost));
    assert_eq!(sums, (sent, firsts, lost), "{what}: {classes:?}");
    for class in classes {
        let bytes = class.firsts * class.least..=class.firsts * class.most;
        assert!(bytes.contains(&class.bytes), "{what}: {class:?}");
        assert_eq!(class.sent, class.firsts + class.lost, "{what}: {class:?}");
    }
}

#[test]
fn every_datagram_is_in_the_class_of_its_size_whatever_the_path_does() {
    for seed in 0..12u64 {
        let mix = ["1472x1,548x4,16x7", "64..1472", "18x4,82x2,210x1"][seed as usize % 3];
        let rate = BitRate(8_000_000);
        let path = Impairments { loss: lossy(10 * (seed % 2) as u32), ..clean() };
        let mut ends = ClientAndServer::of(seed, run_of(mix, Rate::Bits(rate)), &path);
        let finished = ends.finish(DEADLINE);
        let what = format!("seed {seed}, {mix}");
        let far = finished.summary.received.expect("the server told its counts");
        let total = far.sender_total.expect("it knows the total");
        hold(&what, &finished.summary.sizes, (total, far.firsts, far.lost));
        let near = finished.near_received.first().expect("this end received");
        let classes: Vec<SizeCounts> = near.sizes.iter().map(SizeAccount::counts).collect();
        let received = &near.received;
        let total = received.sender_total.expect("it knows the total");
        hold(&what, &classes, (total, received.firsts, received.lost));
        // A rate in bits: each datagram counts by its own size.
        let sent = finished.summary.sent.expect("the server told what it sent");
        let bits = sent.bytes * 8 / 2;
        assert!(bits.abs_diff(rate.0) <= rate.0 / 100, "{what}: {bits}");
    }
}
