//! `stat`: the question for a server's state.

use super::{Machine, Scenario, Trial};
use crate::control::Sealer;
use crate::netsim::{SimSocket, Way};
use crate::session::stat::StatSession;
use crate::units::Nanos;
use std::fmt::Debug;

pub const STAT: Machine = Machine {
    name: "stat",
    against: "the server",
    seeds: 4,
    event_at: Nanos::from_millis(1),
    ends_within: Nanos::from_secs(30),
    may_fail: super::never_fails,
    never: "tells the state of a server that did not answer, or opens a session",
    run,
};

/// Longer than a standstill or a blackout, with the loss that a fault may add.
const PATIENCE: Nanos = Nanos::from_secs(8);

fn run(trial: &mut Trial<'_>) {
    let mut scenario = Scenario::of(trial);
    scenario.start_reflector();
    let session = StatSession::new(Scenario::server(), Sealer::new(None, 1), PATIENCE);
    let near = SimSocket::bound(Scenario::near(5_000));
    let asking = scenario.start_near(&[near], session);
    let found = scenario.network.finish(&asking, trial.deadline());
    let [asked, came] = [Way::Out, Way::Back].map(|way| scenario.at_near.count(way));
    if let Ok(state) = &found {
        // A ticket, then the state.
        trial.own_at_most("two replies came, if it is told", 2, came);
        trial.own_at_most("two questions left, if it is told", 2, asked);
        trial.sum("sessions opened: none", state.sessions_opened.unwrap_or(0), &[]);
    }
    let failure = found.as_ref().err().map(|why| why as &dyn Debug);
    trial.conclude(scenario.network.instant(), failure, &found.is_ok(), &found);
}
