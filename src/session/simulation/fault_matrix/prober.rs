//! The round trips alongside a load (`blast --probe`), with the server's STAMP reflector.

use super::{Machine, Scenario, Trial};
use crate::netsim::{Mailbox, SimSocket, Way};
use crate::session::stamp::{PhaseResults, ProbePhase, ProberPlan, StampProber};
use crate::units::Nanos;
use crate::wire::stamp::StampReply;
use std::collections::BTreeSet;
use std::fmt::Debug;

pub const PROBER: Machine = Machine {
    name: "blast --probe",
    against: "the server",
    seeds: 2,
    event_at: Nanos::from_millis(500),
    ends_within: Nanos::from_secs(12),
    may_fail: super::never_fails,
    never: "loses a probe whose reply came in time, or that this host kept",
    run,
};

/// Between the phases.
const PHASE: Nanos = Nanos::from_secs(2);

fn run(trial: &mut Trial<'_>) {
    let mut scenario = Scenario::of(trial);
    scenario.start_reflector();
    let plan = ProberPlan {
        interval: Nanos::from_millis(10),
        patience: Nanos::from_secs(3),
        key: None,
        ssid: 7,
    };
    let phases = Mailbox::new();
    let near = SimSocket::connected(Scenario::near(5_000), Scenario::server());
    let prober = scenario.start_near(&[near], StampProber::new(plan, phases.clone()));
    for (ends, next) in [(PHASE, ProbePhase::Loaded), (PHASE + PHASE, ProbePhase::Over)] {
        scenario.network.run_until(ends);
        phases.push(next);
        scenario.network.wake(prober.id());
    }
    let found = scenario.network.finish(&prober, trial.deadline());
    let (idle, loaded) = (&found.idle, &found.loaded);
    let left = scenario.at_near.count(Way::Out);
    trial.own_sum("left the host = sent idle + sent loaded", left, &[idle.sent, loaded.sent]);
    let is_down = trial.is_down();
    for PhaseResults { sent, never_sent, back, delay } in [idle, loaded] {
        trial.own_at_most("back <= sent, of each phase", *back, *sent);
        trial.own_at_most("delays <= back, of each phase", delay.percentiles().count, *back);
        trial.never("what this host refused", !is_down && *never_sent > 0);
    }
    let replies = scenario.at_near.payloads(Way::Back);
    let replies = replies.iter().filter_map(|bytes| StampReply::decode(bytes).ok());
    let answered: BTreeSet<u32> = replies.map(|reply| reply.request.seq).collect();
    let back = idle.back + loaded.back;
    trial.sum("back = probes whose answers came", answered.len() as u64, &[back]);
    let failure = (back == 0).then_some(&"no answer" as &dyn Debug);
    let verdict = [(idle.sent, idle.back), (loaded.sent, loaded.back)];
    trial.conclude(scenario.network.instant(), failure, &verdict, &found);
}
