//! When each kind of probe expects to end, against when it does.

use super::marks::{MarksKind, MarksPlan};
use super::mtu::{MtuKind, MtuPlan};
use super::paths::{PathsPlan, PathsSession};
use super::ports::{PortsPlan, PortsSession};
use super::shape::{ShapeKind, ShapePlan};
use super::simulated::{PORTS, client, far_end, hosts, probed, server};
use super::trace::{TracePlan, TraceSession};
use super::{Kind, RoundDriver, RoundParameters};
use crate::batch::{
    Datagram, InterfaceChange, LocalSendFailure, NetworkError, SendOutcome, TransmitStamp, TxBatch,
};
use crate::impair::{Chance, Delay, Impairments, Loss};
use crate::machine::{Next, Now, Session};
use crate::netsim::{Host, Link};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn};
use std::cell::RefCell;
use std::rc::Rc;

/// What was expected, and when.
type Told = Rc<RefCell<Vec<(Nanos, Option<Nanos>)>>>;

/// A session that is asked when it expects to end whenever it is polled.
struct Asked<S> {
    session: S,
    told: Told,
}

impl<S: Session> Session for Asked<S> {
    type Summary = S::Summary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let next = self.session.poll_transmit(now, out);
        self.told.borrow_mut().push((now.mono, self.session.expected_end(now)));
        next
    }

    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        self.session.on_sent(now, batch, outcome);
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        self.session.on_datagram(now, datagram);
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        self.session.on_network_error(now, error);
    }

    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        self.session.on_transmit_stamp(now, stamp);
    }

    fn on_tick(&mut self, now: Now) {
        self.session.on_tick(now);
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        self.session.on_interface_change(now, change);
    }

    fn on_stop(&mut self, now: Now) {
        self.session.on_stop(now);
    }

    fn finish(self, now: Now) -> S::Summary {
        self.session.finish(now)
    }
}

/// The network between both hosts: a delay of 10 ms each way, and a loss.
fn between(loss: Loss) -> [Host; 2] {
    let path = Impairments {
        loss,
        delay: Delay { base: Nanos::from_millis(10), ..Delay::default() },
        ..Impairments::default()
    };
    let [near, far] = hosts();
    [near.behind(Link::both(&path)), far]
}

/// How long a run took, what it expected meanwhile, and so much of it that it told nothing.
#[derive(Debug)]
struct Run {
    took: Nanos,
    /// The largest of what was expected beyond the end, and short of it, by more than a second.
    too_long: Nanos,
    too_short: Nanos,
    untold: Nanos,
}

fn run<S: Session + 'static>(hosts: [Host; 2], sockets: u16, session: S) -> Run {
    let told = Told::default();
    let asked = Asked { session, told: Rc::clone(&told) };
    let (_, _) = probed(1, hosts, sockets, asked);
    let told = told.borrow();
    let began = told[0].0;
    let end = told.last().map_or(began, |last| last.0);
    let expected = || told.iter().filter_map(|(_, expected)| *expected);
    let first = told.iter().find(|(_, expected)| expected.is_some()).map(|(now, _)| *now);
    Run {
        took: end - began,
        too_long: expected().map(|at| at - end).max().unwrap_or_default(),
        too_short: expected().map(|at| end - at).max().unwrap_or_default(),
        untold: first.unwrap_or(end) - began,
    }
}

fn rounds<K: Kind + 'static>(hosts: [Host; 2], kind: K) -> Run {
    let (spacing, wait) = (Nanos::from_millis(60), Nanos::from_millis(600));
    let ports = PORTS[1..5].iter().copied().collect();
    let manner = RoundParameters { target: server(), ports, spacing, wait };
    run(hosts, 1, RoundDriver::new(manner, kind, far_end()))
}

fn ports() -> PortsSession {
    let plan = PortsPlan {
        target: server(),
        ports: PORTS[1..5].iter().copied().collect(),
        tries: 32,
        dscp: Dscp::default(),
        ecn: Ecn::default(),
        gap: Nanos::from_millis(1),
        spacing: Nanos::from_millis(100),
        wait: Nanos::from_secs(1),
        source: client(1),
        seed: 1,
    };
    PortsSession::new(plan, far_end())
}

fn paths() -> PathsSession {
    let plan = PathsPlan {
        target: server(),
        sources: (0..64).map(|flow| client(1 + flow).port()).collect(),
        gap: Nanos::from_millis(5),
        time: Nanos::from_secs(60),
        wait: Nanos::from_secs(1),
        ssid: 9,
        seed: 1,
    };
    PathsSession::new(plan, Some(far_end()))
}

fn trace(target: &str) -> TraceSession {
    TraceSession::new(TracePlan {
        target: target.parse().unwrap(),
        sources: vec![client(0).port()],
        tries: 3,
        hops: 30,
        wait: Nanos::from_secs(1),
        len: TracePlan::LEAST,
        fragmentation: None,
        ssid: 9,
        explain: LocalSendFailure::from_errno,
    })
}

#[test]
fn what_a_probe_expects_is_near_its_end_whether_the_path_loses_or_not() {
    for loss in [|| Loss::default(), || Loss::Independent(Chance::percent(10))] {
        let target = server();
        let marks = MarksKind::new(MarksPlan { target, tries: 8 });
        let mtu = MtuKind::new(MtuPlan { target, tries: 8 });
        let shape = ShapeKind::new(ShapePlan { target, tries: 8, rate: 500, count: 1_000 });
        for (name, run) in [
            ("marks", rounds(between(loss()), marks)),
            ("mtu", rounds(between(loss()), mtu)),
            ("shape", rounds(between(loss()), shape)),
            ("ports", run(between(loss()), 3, ports())),
            ("paths", run(between(loss()), 65, paths())),
            ("trace", run(between(loss()), 1, trace(&target.to_string()))),
        ] {
            // It is told as soon as the agent has answered, and assumes that nothing else does.
            assert!(run.untold <= Nanos::from_millis(500), "{name}: {run:?}");
            assert!(run.too_long <= Nanos::from_secs(4), "{name}: {run:?}");
            // What losses demand beyond that is not foreseen.
            let is_clean = loss() == Loss::default();
            let short = Nanos::from_millis(1_500);
            assert!(!is_clean || run.too_short <= short, "{name}: {run:?}");
        }
    }
}

#[test]
fn a_trace_to_nobody_expects_the_time_that_it_takes() {
    let run = run(hosts(), 1, trace("198.51.100.77:8620"));
    assert!(run.untold == Nanos::ZERO && run.took > Nanos::from_secs(2), "{run:?}");
    assert!(run.too_long.max(run.too_short) <= Nanos::from_millis(300), "{run:?}");
}
