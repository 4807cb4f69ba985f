//! `ping` with the server's STAMP reflector, and with `recv --echo`.

use super::messages::echo;
use super::{Machine, Scenario, Tap, Trial};
use crate::batch::LocalSendFailure;
use crate::control::KEEPALIVE_EVERY;
use crate::netsim::{Fault, SimSocket, Way};
use crate::record::{Flow, PingEvent, PingTargetReport, Sink};
use crate::session::ping::{
    Asked, PingPlan, PingSession, PingSpacing, PingTarget, Protocol, StampProbes,
};
use crate::units::Nanos;
use crate::wire::Header;
use crate::wire::stamp::{ErrorEstimate, StampReply};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::SocketAddr;

pub const STAMP: Machine = Machine {
    name: "ping, STAMP",
    against: "the server",
    seeds: 2,
    event_at: Nanos::from_millis(1_500),
    ends_within: Nanos::from_secs(12),
    may_fail: super::never_fails,
    never: "names a direction that lost nothing, a reflector that began anew, a clock that was set",
    run: |trial| run(trial, STAMP_SHAPE),
};

pub const ECHO: Machine = Machine {
    name: "ping, echo",
    against: "recv --echo",
    run: |trial| run(trial, Shape::STEADY),
    ..STAMP
};

pub const FLOOD: Machine = Machine {
    name: "ping --flood",
    run: |trial| {
        let (count, time) = (None, Some(Nanos::from_secs(3)));
        let (is_plain, len, spacing) = (false, 100, PingSpacing::Flood);
        run(trial, Shape { is_plain, len, spacing, count, time });
    },
    event_at: Nanos::from_millis(600),
    ..STAMP
};

const TAG: u16 = 7;

const STAMP_SHAPE: Shape = Shape {
    is_plain: false,
    len: 100,
    spacing: PingSpacing::Every(Nanos::from_millis(10)),
    count: Some(400),
    time: None,
};

/// Parameters of a run.
struct Shape {
    is_plain: bool,
    len: usize,
    spacing: PingSpacing,
    count: Option<u64>,
    time: Option<Nanos>,
}

impl Shape {
    /// More than the bottleneck carries.
    const STEADY: Self = Self {
        is_plain: true,
        len: 3_500,
        spacing: PingSpacing::Every(Nanos::from_millis(5)),
        count: Some(700),
        time: None,
    };

    fn protocol(&self) -> Protocol {
        let (asked, error) = (Asked::default(), ErrorEstimate::default());
        if self.is_plain {
            return Protocol::Plain { tag: TAG, len: self.len };
        }
        Protocol::Stamp(StampProbes { key: None, ssid: TAG, error, asked, len: self.len })
    }

    fn plan(&self, addr: SocketAddr) -> PingPlan {
        PingPlan {
            targets: vec![PingTarget { name: "far".to_owned(), addr }],
            protocol: self.protocol(),
            spacing: self.spacing,
            count: self.count,
            time: self.time,
            wait: Nanos::from_millis(700),
            keepalive: KEEPALIVE_EVERY,
            outage: None,
            ttl: 255,
            explain: LocalSendFailure::from_errno,
        }
    }

    /// The number of a probe, or of the probe that is answered.
    fn number(&self, payload: &[u8], is_reply: bool) -> Option<u64> {
        let number = match (self.is_plain, is_reply) {
            (true, _) => Header::decode(payload).ok()?.sequence,
            (false, true) => StampReply::decode(payload).ok()?.request.seq,
            (false, false) => payload.first_chunk().map(|seq| u32::from_be_bytes(*seq))?,
        };
        Some(number.into())
    }

    /// The numbers that passed a tap, without those of extra probes.
    fn numbers(&self, tap: &Tap, way: Way, is_reply: bool, sent: u64) -> BTreeSet<u64> {
        let payloads = tap.payloads(way);
        let numbers = payloads.iter().filter_map(|payload| self.number(payload, is_reply));
        numbers.filter(|number| *number < sent).collect()
    }
}

/// The plan of a ping over STAMP.
pub fn plan(target: SocketAddr) -> PingPlan {
    STAMP_SHAPE.plan(target)
}

/// How many probes ended in each way, in the order of `Outcome`.
#[derive(Default)]
pub struct Rows([u64; 5]);

impl Sink<PingEvent<'_>> for Rows {
    fn take(&mut self, event: PingEvent<'_>) -> Flow {
        if let PingEvent::Settled(row) = event {
            self.0[row.outcome as usize] += 1;
        }
        Flow::Continue
    }
}

fn run(trial: &mut Trial<'_>, shape: Shape) {
    let mut scenario = Scenario::of(trial);
    if shape.is_plain {
        scenario.start_far(Scenario::server().port(), echo(Scenario::server()));
    } else {
        scenario.start_reflector();
    }
    let session = PingSession::new(shape.plan(Scenario::server()), Rows::default());
    let near = SimSocket::bound(Scenario::near(5_000));
    let session = scenario.start_near(&[near], session);
    let end = scenario.network.finish(&session, trial.deadline());
    let report = &end.summary.targets[0];
    hold_own(trial, &shape, report, &end.sink, scenario.at_near.count(Way::Out));
    hold_truth(trial, &shape, report, &scenario);
    let is_silent = report.back == 0 && !is_lost_by_chance(trial.fault, &scenario);
    let failure = is_silent.then_some(&"no answer" as &dyn Debug);
    let verdict = (report.sent, report.back, report.late, &report.lost);
    trial.conclude(scenario.network.instant(), failure, &verdict, report);
}

/// Whether random loss took every exchange, which is no failure of either end: after a loss the
/// closed loop waits, so that a run of few probes may lose all of them (1 of 30 at 30 % each way).
fn is_lost_by_chance(fault: Fault, scenario: &Scenario) -> bool {
    let Scenario { at_near, at_far, .. } = scenario;
    let is_answering = at_far.count(Way::Out) == at_far.count(Way::Back);
    fault.loses_by_chance() && is_answering && at_near.count(Way::Back) == 0
}

/// What no datagram can change.
fn hold_own(trial: &mut Trial<'_>, shape: &Shape, told: &PingTargetReport, rows: &Rows, left: u64) {
    let lost = &told.lost;
    if let Some(count) = shape.count {
        trial.own_sum("planned = sent + never sent", count, &[told.sent, told.never_sent]);
    }
    trial.own_sum("left the host = sent + extra probes", left, &[told.sent, told.questions]);
    trial.own_sum("sent = back + lost + open", told.sent, &[told.back, lost.total, told.open]);
    let [back, late, lost_rows, refused, open] = rows.0;
    trial.own_sum("back = rows back + late", told.back, &[back, told.late]);
    // Some are answered after their rows.
    let after_row = told.late - late.min(told.late);
    trial.own_sum("late = rows late + after their rows", told.late, &[late, after_row]);
    let not_back = lost_rows + refused;
    trial.own_sum("rows lost = lost + late after them", not_back, &[lost.total, after_row]);
    let over_time: Vec<_> = told.over_time.iter().map(|slice| slice.lost).collect();
    trial.own_sum("lost = lost over time", lost.total, &over_time);
    trial.never(("bursts", lost), (lost.total == 0) != (lost.bursts == 0));
    trial.at_most("longest burst <= lost", lost.longest, lost.total);
    trial.own_sum("open = rows open", told.open, &[open]);
    if let (Some(out), Some(back), Some(unknown)) = (lost.out, lost.back, lost.unknown) {
        trial.sum("lost = lost out + lost back + unknown", lost.total, &[out, back, unknown]);
    }
}

/// What really happened, by the taps.
fn hold_truth(trial: &mut Trial<'_>, shape: &Shape, told: &PingTargetReport, scenario: &Scenario) {
    let reached = shape.numbers(&scenario.at_far, Way::Back, false, told.sent);
    let returned = shape.numbers(&scenario.at_near, Way::Back, true, told.sent);
    trial.sum("back = probes whose answers came", told.back, &[returned.len() as u64]);
    let lost_out = told.sent - (reached.len() as u64).min(told.sent);
    let lost_back = reached.difference(&returned).count() as u64;
    let lost = &told.lost;
    trial.at_most("lost out <= those that did not reach it", lost.out.unwrap_or(0), lost_out);
    trial.at_most("lost back <= those that it answered", lost.back.unwrap_or(0), lost_back);
    trial.never("a reflector that does not count", told.reflector_counts == Some(false));
    // Behind a NAT that starts anew the probes are another session to the reflector.
    let anew = trial.weather().losses.len() as u64;
    trial.at_most("restarts <= those of the NAT", told.reflector_restarts, anew);
    trial.never("a clock that was set", told.clock_steps > 0);
    trial.never("strays", told.strays > 0);
    trial.never("answers from elsewhere", told.answered_elsewhere > 0);
    let refused = trial.is_refused();
    trial.never("errors of the network", !refused && !told.network_errors.is_empty());
    trial.never("what this host refused", !trial.is_down() && !told.refused.is_empty());
    let copies = trial.fault != Fault::Duplication && told.duplicates > 0;
    trial.never("copies", copies);
    let overtakes = [Fault::Reordering, Fault::Jitter].contains(&trial.fault);
    trial.never("reordering", !overtakes && told.reordered > 0);
}
