//! A run of the dialogue and its streams, in each direction.

use super::super::client_and_server::{ClientAndServer, Finished, plan};
use super::{Machine, Trial};
use crate::netsim::{Direction as LinkDirection, Fault};
use crate::pace::AdjustmentType;
use crate::session::blast::{Direction, TestPlan};
use crate::stats::DelayHistogram;
use crate::units::{Nanos, PacketRate, Rate};

pub const UP: Machine = Machine {
    name: "blast up",
    against: "the server",
    seeds: 1,
    event_at: Nanos::from_millis(1_500),
    ends_within: Nanos::from_secs(30),
    may_fail: |fault| fault.may_fail_a_run() && fault != Fault::ForgetfulFirewall,
    never: "counts a datagram as lost that the path did not lose",
    run: |trial| run(trial, Direction::Up, None),
};

pub const DOWN: Machine =
    Machine { name: "blast down", run: |trial| run(trial, Direction::Down, None), ..UP };

pub const BOTH: Machine =
    Machine { name: "blast both", run: |trial| run(trial, Direction::Both, None), ..UP };

pub const SEARCH: Machine = Machine {
    name: "blast --capacity",
    run: |trial| run(trial, Direction::Both, Some(AdjustmentType::C)),
    ..UP
};

/// Numbered datagrams that were handed in, and those of which no copy was let through.
fn logged(link: &LinkDirection) -> (u64, u64) {
    let numbered = || link.passages.iter().filter(|passage| passage.sequence.is_some());
    let lost = numbered().filter(|passage| passage.copies == 0).count();
    (numbered().count() as u64, lost as u64)
}

fn run(trial: &mut Trial<'_>, direction: Direction, capacity: Option<AdjustmentType>) {
    // A search begins with 1 Mbit/s, and may go to four times that.
    let pps = if capacity.is_some() { 5_500 } else { 500 };
    let rate = Rate::Packets(PacketRate(pps * 1_000));
    // Longer than a firewall remembers.
    let forgets = trial.fault == Fault::ForgetfulFirewall;
    let time = Nanos::from_secs(if forgets { 7 } else { 2 });
    let plan = TestPlan { direction, rate, capacity, ..plan(time) };
    let mut ends = ClientAndServer::under(trial.seed + 6, plan, &trial.weather());
    let finished = ends.finish(trial.deadline());
    let summary = &finished.summary;
    assert_eq!(summary.complete, summary.failure.is_none(), "{:?}", summary.failure);
    trial.hold_streams(&finished.near_sent, &finished.near_received);
    if summary.complete {
        hold_losses(trial, &mut ends, &finished, direction);
    }
    let (at, failure) = (ends.network.instant(), summary.failure.as_ref());
    let failure = failure.map(|failure| failure as &dyn std::fmt::Debug);
    trial.conclude(at, failure, &finished.summary.received, &finished);
}

/// A run that succeeds has lost what the network lost.
fn hold_losses(
    trial: &mut Trial<'_>,
    ends: &mut ClientAndServer,
    finished: &Finished,
    direction: Direction,
) {
    // A blackout and a refusal are not the link's.
    let is_logged = !matches!(trial.fault, Fault::Blackout | Fault::Events);
    let link = ends.network.host(ends.client_host).link();
    let (out, back) = (logged(&link.out), logged(&link.back));
    let summary = &finished.summary;
    let rule = "sent = firsts + changed + lost";
    if direction != Direction::Down {
        let received = summary.received.expect("a complete run has counts");
        trial.sum(rule, finished.sent, &[received.numbers(), received.lost]);
        if !trial.is_refused() {
            trial.sum("sent = passed to the path", finished.sent, &[out.0]);
        }
        trial.never(("lost", received.lost, out), is_logged && received.lost != out.1);
        let delays = summary.delay.as_ref().map_or(0, DelayHistogram::count);
        assert!(delays <= received.datagrams, "{delays} of {}", received.datagrams);
    }
    if direction != Direction::Up {
        let sent = summary.sent.as_ref().expect("a complete run has counts");
        let received = &finished.near_received[0].received;
        // Without the end messages the losses after the last datagram are not seen here.
        let unseen = match received.sender_total {
            Some(_) => 0,
            None => sent.datagrams.saturating_sub(received.numbers() + received.lost),
        };
        trial.sum(rule, sent.datagrams, &[received.numbers(), received.lost, unseen]);
        trial.never(("passed", sent.datagrams, back), is_logged && sent.datagrams != back.0);
        trial.never(("lost", received.lost, back), is_logged && received.lost != back.1);
    }
}
