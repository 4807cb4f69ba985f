//! Reasons why there is no remote agent, for every kind that needs one: actions of this host or of
//! the user never count as silence of the far end.

use super::marks::{MarksKind, MarksPlan};
use super::ports::{PortsEnd, PortsPlan, PortsSession};
use super::timeout::{TimeoutPlan, TimeoutSession};
use super::{FarEnd, RoundDriver, RoundParameters};
use crate::batch::{Datagram, ErrorOrigin, LocalCause, NetworkError, RxEntry, RxMeta, TxBatch};
use crate::control::Sealer;
use crate::machine::{Now, Session};
use crate::netsim::{Host, Network, SimSocket};
use crate::record::probe::{NoAgent, ProbeCaveat, TimeoutEvent, TimeoutReport};
use crate::units::Nanos;
use crate::wire::{Dscp, Ecn, PortList};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

/// Error number of a send that the packet filter drops, errno(3).
const EPERM: i32 = 1;

fn target() -> SocketAddr {
    "192.0.2.9:8620".parse().unwrap()
}

fn far_end() -> FarEnd {
    FarEnd::new(target(), 0, Sealer::new(None, 1), Nanos::from_secs(3))
}

fn ports() -> PortsSession {
    let plan = PortsPlan {
        target: target(),
        ports: (5_000..=5_003).collect(),
        tries: 4,
        dscp: Dscp::default(),
        ecn: Ecn::default(),
        gap: Nanos::from_millis(1),
        spacing: Nanos::from_millis(50),
        wait: Nanos::from_secs(1),
        source: "192.0.2.1:40000".parse().unwrap(),
        seed: 1,
    };
    PortsSession::new(plan, far_end())
}

fn timeout() -> TimeoutSession<Vec<TimeoutEvent>> {
    let plan = TimeoutPlan {
        server: target(),
        candidates: vec![Nanos::from_secs(1)],
        precision: Nanos::from_secs(1),
        tries: 3,
        who_refreshes: false,
    };
    TimeoutSession::new(plan, far_end(), Vec::new())
}

fn marks() -> RoundDriver<MarksKind> {
    let kind = MarksKind::new(MarksPlan { target: target(), tries: 3 });
    let manner = RoundParameters {
        target: target(),
        ports: PortList::default(),
        spacing: Nanos::from_millis(60),
        wait: Nanos::from_millis(600),
    };
    RoundDriver::new(manner, kind, far_end())
}

/// What happens to the session at every datagram.
#[derive(Clone, Copy)]
enum Event {
    Refused,
    Stopped,
}

/// Runs a session that gets no answers: nobody has the target's address.
fn run<S: Session + 'static>(session: S, event: Event) -> (S::Summary, Nanos) {
    let sent = Rc::new(Cell::new(false));
    let (asked, is_refused) = (Rc::clone(&sent), matches!(event, Event::Refused));
    let host = Host::at("192.0.2.1").refusing(move |_, _| {
        asked.set(true);
        is_refused.then_some(EPERM)
    });
    let mut network = Network::new(1);
    let host = network.add(host);
    let socket = |number: u16| SimSocket::bound(([192, 0, 2, 1], 40_000 + number).into());
    let sockets: Vec<_> = (0..64).map(socket).collect();
    let running = network.start_with(host, &sockets, session, TxBatch::new(128, 1 << 20));
    let deadline = Nanos::from_secs(60);
    while !sent.get() {
        assert!(network.step(deadline), "it sends nothing");
    }
    if matches!(event, Event::Stopped) {
        network.stop(running.id());
    }
    let summary = network.finish(&running, deadline);
    (summary, network.instant())
}

fn no_agent(end: PortsEnd) -> NoAgent {
    match end {
        PortsEnd::NoAgent(why) => why,
        PortsEnd::Helped(report) => panic!("an agent: {report:?}"),
    }
}

fn is_own_filter(why: &NoAgent) -> bool {
    matches!(why, NoAgent::NotSent { found, .. } if found.cause == LocalCause::PacketFilter)
}

#[test]
fn what_this_hosts_firewall_stops_is_told_of_this_host_by_every_kind() {
    let why = no_agent(run(ports(), Event::Refused).0);
    assert!(is_own_filter(&why), "{why:?}");
    let why = run(marks(), Event::Refused).0.facts.unwrap_err();
    assert!(is_own_filter(&why), "{why:?}");
    let report: TimeoutReport = run(timeout(), Event::Refused).0;
    assert!(is_own_filter(report.no_agent.as_ref().unwrap()), "{report:?}");
}

#[test]
fn a_run_that_the_user_ends_at_once_is_interrupted_and_no_silence() {
    let (end, took) = run(ports(), Event::Stopped);
    assert_eq!(no_agent(end), NoAgent::Interrupted);
    assert!(took < Nanos::from_secs(1), "{took}");
    let (end, took) = run(marks(), Event::Stopped);
    assert_eq!((end.facts.unwrap_err(), end.interrupted), (NoAgent::Interrupted, true));
    assert!(took < Nanos::from_secs(1), "{took}");
    let (report, took) = run(timeout(), Event::Stopped);
    assert_eq!((report.no_agent, report.interrupted), (Some(NoAgent::Interrupted), true));
    assert!(took < Nanos::from_secs(1), "{took}");
}

/// A dialogue that has sent a command, and the reply that it waits for.
fn asked() -> (FarEnd, Vec<u8>) {
    let mut far = far_end();
    let mut out = TxBatch::new(8, 1 << 14);
    far.poll(Now { mono: Nanos(1), real: Nanos(1) }, &mut out);
    let question = out.payload(&out.slots()[0]);
    let end = question.iter().position(|byte| *byte == b' ').unwrap();
    let tag = String::from_utf8_lossy(&question[..end]).into_owned();
    let reply = format!("{tag} 220-ticket=00\r\n{tag} 220 ready\r\n").into_bytes();
    (far, reply)
}

fn answered_by(source: &str) -> Option<ProbeCaveat> {
    let (mut far, reply) = asked();
    let meta = RxMeta { source: source.parse().unwrap(), ..RxEntry::default().meta };
    let datagram = Datagram { payload: &reply, true_len: reply.len(), meta };
    assert!(far.on_datagram(Now { mono: Nanos(2), real: Nanos(2) }, &datagram));
    assert_eq!(far.lost(), None);
    far.answered_elsewhere()
}

#[test]
fn an_answer_from_another_address_or_port_is_taken_and_told() {
    assert_eq!(answered_by("192.0.2.9:8620"), None);
    for other in ["192.0.2.10:8620", "192.0.2.9:40000"] {
        let from = other.parse().unwrap();
        let expected = ProbeCaveat::RepliesFromElsewhere { asked: target().into(), from };
        assert_eq!(answered_by(other), Some(expected));
    }
}

#[test]
fn a_ttl_that_was_over_on_the_way_is_nobodys_closed_port() {
    for (icmp, exceeded) in [((11, 0), true), ((3, 3), false)] {
        let (mut far, _) = asked();
        let mut error = NetworkError::new(ErrorOrigin::Icmp, icmp, 113, target(), b"");
        error.offender = Some([192, 0, 2, 1].into());
        assert!(far.on_network_error(&error));
        let why = far.lost().unwrap();
        assert_eq!(matches!(why, NoAgent::TtlExceeded { .. }), exceeded, "{why:?}");
    }
}

#[test]
fn the_own_filters_icmp_word_is_the_filters() {
    let (mut far, _) = asked();
    let mut error = NetworkError::new(ErrorOrigin::Local, (3, 3), 111, target(), b"");
    error.offender = Some([192, 0, 2, 1].into());
    far.on_network_error(&error);
    let late = Nanos::from_secs(10);
    far.poll(Now { mono: late, real: late }, &mut TxBatch::new(8, 1 << 14));
    let why = far.lost().unwrap();
    assert!(is_own_filter(why), "{why:?}");
}
