//! Both ends of every dialogue while numbers are replaced by arbitrary ones: no panic, no hang, and
//! nothing impossible is counted.

use super::client_and_server::{ClientAndServer, plan};
use super::paths::{held, jittery};
use super::runs;
use crate::impair::{Chance, Impairments};
use crate::record::RunFailure;
use crate::session::blast::{Direction, TestPlan};
use crate::units::Nanos;

/// Longer than any requested run with all its time-outs.
const DEADLINE: Nanos = Nanos::from_secs(1 << 20);

#[test]
fn a_run_whose_numbers_are_changed_on_the_way_ends_and_tells_nothing_that_cannot_be() {
    let (mut whole, mut named) = (0, 0);
    for seed in 0..runs(60) {
        let direction = [Direction::Up, Direction::Down, Direction::Both][seed as usize % 3];
        let streams = 1 + seed as u32 % 3;
        let plan = TestPlan { direction, streams, ..plan(Nanos::from_millis(300)) };
        let share = Chance::per_million([2_000, 20_000, 200_000][seed as usize / 3 % 3]);
        let path = Impairments {
            delay: jittery(Nanos::from_millis(1), Nanos::from_micros(500)),
            reordering: held(300, Nanos::from_micros(400)),
            ..Impairments::default()
        };
        let mut ends = ClientAndServer::of(seed, plan, &path);
        ends.set_extremes(share);
        let came = ends.finish(DEADLINE);
        let summary = came.summary;
        if let Some(counts) = summary.received.filter(|_| summary.complete) {
            assert!(counts.firsts + counts.lost <= came.sent, "seed {seed}: {counts:?}");
            whole += 1;
        }
        named += u64::from(matches!(summary.failure, Some(RunFailure::CountsContradict { .. })));
        if let Some(why) = summary.contradiction {
            assert!(summary.failure.is_some() && !summary.complete, "seed {seed}: {why}");
            assert_eq!((summary.received, summary.sent), (None, None), "seed {seed}: {why}");
        }
    }
    assert!(whole > 0 && named > 0, "{whole} whole, {named} named");
}
