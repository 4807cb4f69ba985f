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
    let host = Host::at("192.0.2.1").refusing(move |_, _, _| {
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

/// An ICMP error about the first datagram of [`asked`], from `from`.
fn icmp(kind: (u8, u8), errno: i32, from: [u8; 4]) -> NetworkError {
    let mut error = NetworkError::new(ErrorOrigin::Icmp, kind, errno, target(), b"");
    error.offender = Some(from.into());
    error
}

fn at(millis: u64) -> Now {
    Now { mono: Nanos::from_millis(millis), real: Nanos::from_millis(millis) }
}

/// When the dialogue is given up after an error in its first millisecond, and why.
fn given_up(error: &NetworkError) -> (u64, NoAgent) {
    let (mut far, _) = asked();
    assert!(far.on_network_error(at(1), error));
    for millis in 1..10_000 {
        far.poll(at(millis), &mut TxBatch::new(8, 1 << 14));
        if let Some(why) = far.lost() {
            return (millis, why.clone());
        }
    }
    panic!("never given up");
}

const ROUTER: [u8; 4] = [192, 0, 2, 1];
const FAR_END: [u8; 4] = [192, 0, 2, 9];
const ERRORS: [((u8, u8), i32, [u8; 4]); 5] = [
    ((3, 1), 113, ROUTER),
    ((3, 3), 111, ROUTER),
    ((3, 3), 111, FAR_END),
    ((3, 4), 90, ROUTER),
    ((11, 0), 113, ROUTER),
];

#[test]
fn an_answer_overrules_whatever_the_network_said_before_it() {
    for (kind, errno, from) in ERRORS {
        let (mut far, reply) = asked();
        assert!(far.on_network_error(at(1), &icmp(kind, errno, from)));
        assert_eq!(far.lost(), None, "{kind:?}");
        let meta = RxMeta { source: target(), ..RxEntry::default().meta };
        let datagram = Datagram { payload: &reply, true_len: reply.len(), meta };
        assert!(far.on_datagram(at(990), &datagram));
        far.poll(at(1_500), &mut TxBatch::new(8, 1 << 14));
        assert_eq!(far.lost(), None, "{kind:?}");
    }
}

#[test]
fn an_error_explains_a_silence_and_only_the_far_ends_closed_port_shortens_it() {
    for (kind, errno, from) in ERRORS {
        let (when, why) = given_up(&icmp(kind, errno, from));
        let is_closed = (kind, from) == ((3, 3), FAR_END);
        assert_eq!(when, if is_closed { 1_001 } else { 3_001 }, "{kind:?} {from:?}");
        match kind {
            (11, 0) => assert!(matches!(why, NoAgent::TtlExceeded { .. }), "{why:?}"),
            (3, 4) => assert!(matches!(why, NoAgent::NoReply { .. }), "{why:?}"),
            _ => assert!(
                matches!(why, NoAgent::Unreachable { icmp_code, .. } if icmp_code == kind.1),
                "{why:?}"
            ),
        }
    }
}

#[test]
fn the_own_filters_icmp_word_is_the_filters() {
    let (mut far, _) = asked();
    let mut error = NetworkError::new(ErrorOrigin::Local, (3, 3), 111, target(), b"");
    error.offender = Some([192, 0, 2, 1].into());
    far.on_network_error(at(1), &error);
    let late = Nanos::from_secs(10);
    far.poll(Now { mono: late, real: late }, &mut TxBatch::new(8, 1 << 14));
    let why = far.lost().unwrap();
    assert!(is_own_filter(why), "{why:?}");
}
