//! `monitor` with the server's STAMP reflector.

use super::{Machine, Scenario, Trial, ping};
use crate::batch::LocalSendFailure;
use crate::netsim::{Fault, SimSocket, Way};
use crate::record::{MonitorEvent, MonitorTarget};
use crate::session::monitor::{
    ListedTarget, MonitorCommand, MonitorList, MonitorOrder, MonitorPlan, MonitorSession, Profile,
};
use crate::units::Nanos;
use crate::wire::stamp::StampReply;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::net::SocketAddr;

pub const MONITOR: Machine = Machine {
    name: "monitor",
    against: "the server",
    seeds: 2,
    event_at: Nanos::from_millis(1_500),
    ends_within: Nanos::from_secs(12),
    may_fail: super::never_fails,
    never: "names a direction that lost nothing, a target that began anew, a clock that was set, an \
            outage without a loss",
    run,
};

fn plan(address: SocketAddr) -> MonitorPlan {
    let profile = Profile {
        protocol: ping::plan(address).protocol,
        tos: 0,
        interval: Nanos::from_millis(20),
    };
    let target = ListedTarget {
        name: "far".into(),
        host: "far".into(),
        address: Some(address),
        profile: 0,
        thresholds: Box::default(),
    };
    MonitorPlan {
        list: MonitorList {
            profiles: vec![profile],
            targets: vec![target],
            thresholds: Vec::new(),
        },
        thresholds: Vec::new(),
        limits: Vec::new(),
        sockets: [Some(0), None],
        wait: Nanos::from_millis(700),
        outage_probes: 3,
        resolve_every: Nanos::from_secs(300),
        report_every: Nanos::from_secs(1),
        rows: true,
        watched: true,
        time: Some(Nanos::from_secs(4)),
        first_tag: 7,
        explain: LocalSendFailure::from_errno,
    }
}

/// The numbers that the probes of this many have.
fn is_probe(number: u32, sent: u64) -> bool {
    u64::from(number) <= sent && number != 1
}

fn run(trial: &mut Trial<'_>) {
    let mut scenario = Scenario::of(trial);
    scenario.start_reflector();
    let sink = (Vec::<MonitorCommand>::new(), Vec::<MonitorEvent>::new());
    let orders = VecDeque::<MonitorOrder>::new();
    let session = MonitorSession::new(plan(Scenario::server()), sink, orders);
    let near = SimSocket::bound(Scenario::near(5_000));
    let session = scenario.start_near(&[near], session);
    let end = scenario.network.finish(&session, trial.deadline());
    let told = &end.summary.target_rows[0];
    hold(trial, told, &scenario);
    let failure = (told.back == 0).then_some(&"no answer" as &dyn Debug);
    trial.conclude(scenario.network.instant(), failure, &told.lost, told);
}

fn hold(trial: &mut Trial<'_>, told: &MonitorTarget, scenario: &Scenario) {
    let left = scenario.at_near.count(Way::Out);
    trial.own_sum("left the host = sent", left, &[told.sent]);
    let lost = &told.lost;
    trial.own_sum("sent = back + lost + open", told.sent, &[told.back, lost.lost, told.open]);
    let missed = lost.lost + told.never_sent + told.late;
    trial.never(("outages", told), told.outages > 0 && missed == 0);
    let payloads = scenario.at_far.payloads(Way::Back);
    let number = |payload: &Vec<u8>| payload.first_chunk().map(|seq| u32::from_be_bytes(*seq));
    let reached: BTreeSet<u32> =
        payloads.iter().filter_map(number).filter(|one| is_probe(*one, told.sent)).collect();
    let payloads = scenario.at_near.payloads(Way::Back);
    let answers = payloads.iter().filter_map(|payload| StampReply::decode(payload).ok());
    let returned: BTreeSet<u32> =
        answers.map(|one| one.request.seq).filter(|one| is_probe(*one, told.sent)).collect();
    let came = returned.len() as u64;
    trial.at_most("back <= probes whose answers came", told.back, came);
    trial.at_most("probes whose answers came <= back + strays", came, told.back + told.strays);
    let lost_out = told.sent - (reached.len() as u64).min(told.sent);
    let lost_back = reached.difference(&returned).count() as u64;
    trial.at_most("lost out <= those that did not reach it", lost.lost_out.unwrap_or(0), lost_out);
    // Those that came too late to be known are lost as well.
    let lost_back = lost_back + came.saturating_sub(told.back);
    trial.at_most("lost back <= those that it answered", lost.lost_back.unwrap_or(0), lost_back);
    if let (Some(out), Some(back), Some(unknown)) =
        (lost.lost_out, lost.lost_back, lost.lost_unknown)
    {
        trial.own_sum("lost = lost out + lost back + unknown", lost.lost, &[out, back, unknown]);
    }
    let anew = trial.weather().losses.len() as u64;
    trial.at_most("restarts <= those of the NAT", told.reflector_restarts, anew);
    trial.never("a clock that was set", told.clock_steps > 0);
    trial.never("another path", told.hop_changes > 0);
    let copies = trial.fault != Fault::Duplication && told.duplicates > 0;
    trial.never("copies", copies);
    trial.never("errors of the network", !trial.is_refused() && told.network_errors > 0);
}
