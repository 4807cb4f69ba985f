//! `cast check` and its answering side under the matrix of faults.

use super::tests::{GROUP, TTLS, answerer, prober, sockets};
use super::{CheckAnswerer, CheckProber};
use crate::netsim::{Fault, SimSocket, Way};
use crate::record::{
    CastCheck, CheckAnswered, CheckOutcome, CheckRoute, CheckSubject, CheckVerdict, HeldFlow,
};
use crate::session::simulation::fault_matrix::{Machine, Scenario, Tap, Trial};
use crate::units::Nanos;
use std::fmt::Debug;
use std::net::SocketAddr;

pub const CHECK: Machine = Machine {
    name: "cast check",
    against: "cast check --answer",
    seeds: 2,
    event_at: Nanos::from_millis(40),
    ends_within: Nanos::from_secs(60),
    // Neither a NAT nor a firewall lets in what the far end sends to the group.
    may_fail: |fault| {
        fault.may_fail_a_run() || matches!(fault, Fault::Nat | Fault::ForgetfulFirewall)
    },
    never: "says that the group does not pass, or not within a host",
    run: |trial| run(trial, None, Place::Prober),
};

/// Longer than the firewall remembers, and than any event.
const HELD: Nanos = Nanos::from_secs(9);

pub const HOLD: Machine = Machine {
    name: "cast check --hold",
    event_at: Nanos::from_secs(3),
    never: "says that the group does not pass, or that a membership ends",
    run: |trial| run(trial, Some(HELD), Place::Prober),
    ..CHECK
};

pub const ANSWER: Machine = Machine {
    name: "cast check --answer",
    against: "cast check",
    run: |trial| run(trial, None, Place::Answerer),
    ..CHECK
};

/// Who is at the host that meets the fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Prober,
    Answerer,
}

const PROBER_PORT: u16 = 7_000;
const ANSWERER_PORT: u16 = 5_000;

fn run(trial: &mut Trial<'_>, hold: Option<Nanos>, place: Place) {
    let mut scenario = Scenario::of(trial);
    let group: SocketAddr = GROUP.parse().unwrap();
    scenario.join(group.ip());
    let (own, far) = match place {
        Place::Prober => (Scenario::near(PROBER_PORT), Scenario::far(ANSWERER_PORT)),
        Place::Answerer => (Scenario::far(PROBER_PORT), Scenario::near(ANSWERER_PORT)),
    };
    let answering = [group, far].map(SimSocket::bound);
    let answering_side = CheckAnswerer::new(answerer(), ());
    let asking = sockets(own, &TTLS);
    let asking_side = CheckProber::new(prober(far, hold, &TTLS), ());
    let (asking_side, answering_side, [at_prober, at_answerer]) = match place {
        Place::Prober => (
            scenario.start_near(&asking, asking_side),
            scenario.start_at_far(&answering, answering_side),
            [scenario.at_near.clone(), scenario.at_far.clone()],
        ),
        Place::Answerer => (
            scenario.start_at_far(&asking, asking_side),
            scenario.start_near(&answering, answering_side),
            [scenario.at_far.clone(), scenario.at_near.clone()],
        ),
    };
    let mut check = scenario.network.finish(&asking_side, trial.deadline());
    let at = scenario.network.instant();
    // What is still under way is answered, too.
    scenario.network.run_until(at + Nanos::from_secs(3));
    scenario.network.stop(answering_side.id());
    let answered = scenario.network.finish(&answering_side, trial.deadline() + Nanos::from_secs(9));
    check.route = CheckRoute { source: Some("-".to_owned()), ..CheckRoute::default() };
    check.judge();
    hold_prober(trial, &check, &at_prober);
    hold_answerer(trial, &answered, &at_answerer);
    hold_findings(trial, &check, place);
    let is_broken = |check: &CastCheck| {
        check.findings.iter().any(|one| one.outcome == CheckOutcome::Broken)
            || check.far.as_ref().is_none_or(|far| far.unicast_back == 0)
    };
    let verdicts: Vec<_> =
        check.findings.iter().map(|one| (one.subject, &one.found.verdict)).collect();
    let failure = is_broken(&check).then_some(&verdicts as &dyn Debug);
    trial.conclude(at, failure, &check.verdict, &(&check, &answered));
}

fn hold_prober(trial: &mut Trial<'_>, check: &CastCheck, tap: &Tap) {
    let far = check.far.as_ref().expect("it was named");
    let parts = [far.group_sent, far.unicast_sent, far.asked];
    trial.own_sum("left the prober = to the group + unicast + asked", tap.count(Way::Out), &parts);
    trial.own_at_most("group back <= sent", far.group_back, far.group_sent);
    trial.own_at_most("unicast back <= sent", far.unicast_back, far.unicast_sent);
    trial.own_at_most("heard <= asked", far.heard, far.asked);
    let own = &check.interfaces[0];
    trial.own_sum("looped = sent", own.looped, &[own.sent]);
}

fn hold_answerer(trial: &mut Trial<'_>, told: &CheckAnswered, tap: &Tap) {
    let probes = told.group_probes + told.unicast_probes;
    let came = tap.count(Way::Back);
    trial.own_sum("came to the answerer = probes + others", came, &[probes, told.others]);
    let parts = [told.answers, told.refused, told.unanswered];
    trial.own_sum("probes = answered + refused + not answered", probes, &parts);
    trial.own_sum("answers = left the answerer", told.answers, &[tap.count(Way::Out)]);
}

fn hold_findings(trial: &mut Trial<'_>, check: &CastCheck, place: Place) {
    let is_filtered = trial.weather().middlebox.is_some();
    for one in &check.findings {
        let is_true = match one.subject {
            CheckSubject::FromFarEnd => is_filtered,
            CheckSubject::ToFarEnd | CheckSubject::OtherHosts => {
                is_filtered && place == Place::Answerer
            }
            _ => false,
        };
        let is_broken = one.outcome == CheckOutcome::Broken;
        trial.never((one.subject, &one.found.verdict), is_broken && !is_true);
        let is_end = matches!(
            one.found.verdict,
            CheckVerdict::Ended { what: HeldFlow::FarEnd, .. }
                | CheckVerdict::EndedWithMembership { what: HeldFlow::FarEnd, .. }
        );
        trial.never(&one.found.verdict, is_end);
    }
}
