//! `send` to `recv`, which answers everything, nothing, or ends with silence.

use super::{Machine, Scenario, Trial};
use crate::batch::LocalSendFailure;
use crate::netsim::{Fault, SimSocket, Way};
use crate::record::{Flow, RecvEnd, RecvEvent, RecvSummary, SendEvent, SendSummary, Sink};
use crate::session::{
    Answering, FixedMessages, Message, RecvPlan, RecvSession, SendPlan, SendSession, Show, Spacing,
};
use crate::units::Nanos;
use std::net::SocketAddr;

pub const SEND: Machine = Machine {
    name: "send --wait",
    against: "recv --echo",
    seeds: 2,
    event_at: Nanos::from_millis(1_500),
    ends_within: Nanos::from_secs(12),
    may_fail: super::never_fails,
    never: "takes a client for a loop, a reply for a stranger's, its own pause for silence",
    run: |trial| run(trial, Answering::Echo),
};

pub const RECV: Machine = Machine {
    name: "recv --idle",
    against: "send",
    run: |trial| run(trial, Answering::Silent),
    ..SEND
};

const PORT: u16 = 9_000;
/// More than the bottleneck carries.
const BYTES: usize = 3_500;
const EVERY: Nanos = Nanos::from_millis(5);
const COUNT: u64 = 700;
/// Shorter than a blackout.
const IDLE: Nanos = Nanos::from_millis(1_200);
const INTERVAL: Nanos = Nanos::from_millis(50);

/// Datagrams in intervals so far.
#[derive(Default)]
pub struct Intervals(u64);

impl Sink<RecvEvent<'_>> for Intervals {
    fn take(&mut self, event: RecvEvent<'_>) -> Flow {
        if let RecvEvent::Interval(interval) = event {
            self.0 += interval.datagrams;
        }
        Flow::Continue
    }
}

/// Replies by their sources: destinations, and others.
#[derive(Default)]
struct Replies([u64; 2]);

impl Sink<SendEvent<'_>> for Replies {
    fn take(&mut self, event: SendEvent<'_>) -> Flow {
        if let SendEvent::Reply(reply) = event {
            self.0[usize::from(!reply.asked)] += 1;
        }
        Flow::Continue
    }
}

fn recv(local: SocketAddr, answering: Answering, idle: Option<Nanos>) -> RecvSession<Intervals> {
    let plan = RecvPlan {
        local: vec![local],
        show: Show::Counts,
        count: None,
        timeout: None,
        idle,
        answering,
        interval: Some(INTERVAL),
        explain: LocalSendFailure::from_errno,
    };
    RecvSession::new(plan, Intervals::default())
}

/// `recv --echo`.
pub fn echo(local: SocketAddr) -> RecvSession<Intervals> {
    recv(local, Answering::Echo, None)
}

fn send() -> SendSession<FixedMessages, Replies> {
    let plan = SendPlan {
        dests: vec![Scenario::far(PORT).into()],
        spacing: Spacing::Every(EVERY),
        wait: Some(Nanos::from_secs(1)),
        enough: 0,
        explain: LocalSendFailure::from_errno,
    };
    let messages = FixedMessages::new(vec![Message::Bytes(vec![b'x'; BYTES])], Some(COUNT));
    SendSession::new(plan, messages, Replies::default())
}

fn run(trial: &mut Trial<'_>, answering: Answering) {
    let mut scenario = Scenario::of(trial);
    let is_silent = answering == Answering::Silent;
    let far = recv(Scenario::far(PORT), answering, is_silent.then_some(IDLE));
    let far = scenario.start_far(PORT, far);
    let near = SimSocket::bound(Scenario::near(5_000));
    let near = scenario.start_near(&[near], send());
    let sent = scenario.network.finish(&near, trial.deadline());
    let at_end = scenario.network.instant();
    if is_silent {
        scenario.network.run(&[far.id()], trial.deadline());
    } else {
        scenario.network.stop(far.id());
        scenario.network.run(&[far.id()], trial.deadline());
    }
    let ended = scenario.network.instant();
    let received = far.finish(scenario.network.now(far.id()));
    hold_sent(trial, &sent.summary, &sent.sink, &scenario);
    hold_received(trial, &received.summary, &received.sink, &scenario);
    if is_silent {
        hold_silence(trial, &received.summary, at_end, ended);
    }
    let report = (&sent.summary, &received.summary);
    let verdict = (sent.summary.datagrams, received.summary.datagrams, sent.summary.replies);
    trial.conclude(ended, None, &verdict, &report);
}

fn hold_sent(trial: &mut Trial<'_>, told: &SendSummary, replies: &Replies, scenario: &Scenario) {
    let refused = told.refused_datagrams();
    trial.own_sum("planned = sent + refused", COUNT, &[told.datagrams, refused]);
    trial.own_sum("sent = left the host", told.datagrams, &[scenario.at_near.count(Way::Out)]);
    let of_each = told.destinations.iter().map(|one| one.datagrams);
    trial.own_sum("sent = sum of destinations", told.datagrams, &of_each.collect::<Vec<_>>());
    let came = scenario.at_near.count(Way::Back);
    let [asked, foreign] = replies.0;
    trial.own_sum("replies = came to the host", told.replies.unwrap_or(0), &[came]);
    trial.own_sum("replies = from destinations + from others", came, &[asked, foreign]);
    trial.own_sum("replies from others", told.foreign_replies.unwrap_or(0), &[foreign]);
    trial.never("foreign replies", foreign > 0);
    let refused = trial.is_refused();
    trial.never("errors of the network", !refused && !told.network_errors.is_empty());
}

fn hold_received(
    trial: &mut Trial<'_>,
    told: &RecvSummary,
    intervals: &Intervals,
    scenario: &Scenario,
) {
    let came = scenario.at_far.count(Way::Back);
    let answers = [told.answered, told.unanswered, told.suspected_loop];
    let is_answering = told.answered > 0;
    if is_answering {
        trial.own_sum("received = answered + not + loop", told.datagrams, &answers);
        trial.own_sum(
            "answered = left the host",
            told.answered,
            &[scenario.at_far.count(Way::Out)],
        );
    }
    let of_sources: Vec<_> = told.sources.iter().map(|source| source.datagrams).collect();
    let of_sources = [&of_sources[..], &[told.other_datagrams]].concat();
    trial.own_sum("received = sum of sources", told.datagrams, &of_sources);
    let of_sockets: Vec<_> = told.sockets.iter().map(|socket| socket.datagrams).collect();
    trial.own_sum("received = sum of sockets", told.datagrams, &of_sockets);
    trial.own_sum("bytes = datagrams times length", told.bytes, &[told.datagrams * BYTES as u64]);
    // It may end, by silence, before all has come.
    let is_cut = told.ended == RecvEnd::Idle;
    trial.never(("not received", came, told.datagrams), !is_cut && came != told.datagrams);
    trial.at_most("in intervals <= received", intervals.0, told.datagrams);
    trial.never("a loop", told.suspected_loop > 0);
    trial.never("answers not sent", told.unanswered > 0);
    let refused = trial.is_refused();
    trial.never("errors of the network", !refused && !told.network_errors.is_empty());
}

/// It ends by silence, and by its own standstill only where it heard nothing otherwise.
fn hold_silence(trial: &mut Trial<'_>, told: &RecvSummary, sender: Nanos, ended: Nanos) {
    trial.never(told.ended, told.ended != RecvEnd::Idle);
    let is_silenced =
        matches!(trial.fault, Fault::Blackout | Fault::NearStandstill | Fault::Events);
    let is_early = ended + Nanos::from_secs(1) < sender;
    trial.never(("silence", ended), is_early && !is_silenced);
}
