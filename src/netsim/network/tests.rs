//! The network itself: what its hosts, lines and faults do, seen by a caller and an echo.

use super::*;
use crate::batch::{Datagram, Dest};
use crate::impair::{Chance, Delay, Impairments, Jitter, Loss};
use crate::netsim::{
    Clock, Direction, ErrorBudget, Fault, Link, Nat, Responder, Router, RouterRule, SendFaults,
};
use std::collections::VecDeque;

const SERVER: &str = "198.51.100.1:9000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Sends a numbered datagram each millisecond, and counts what comes back.
struct Caller {
    to: Dest,
    count: u64,
    len: usize,
    next: Nanos,
    sent: u64,
    back: Vec<(u64, Nanos)>,
    errors: Vec<NetworkError>,
    pauses: Vec<Nanos>,
    until: Nanos,
}

impl Caller {
    fn new(to: Dest, count: u64, len: usize) -> Self {
        Self {
            to,
            count,
            len,
            next: Nanos::ZERO,
            sent: 0,
            back: Vec::new(),
            errors: Vec::new(),
            pauses: Vec::new(),
            until: Nanos::MAX,
        }
    }
}

impl Session for Caller {
    type Summary = Self;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.sent == self.count {
            self.until = self.until.min(now.mono + Nanos::from_secs(1));
            let is_over = now.mono >= self.until;
            return if is_over { Next::Done } else { Next::WaitUntil(self.until) };
        }
        if now.mono < self.next {
            return Next::WaitUntil(self.next);
        }
        self.next = now.mono + Nanos::from_millis(1);
        let dest = out.add_dest(self.to);
        let payload = out.push(dest, self.len).unwrap();
        payload[..8].copy_from_slice(&self.sent.to_be_bytes());
        Next::WaitUntil(self.next)
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        self.sent += outcome.accepted as u64;
        if let Some(SendStop::Refused { datagrams, .. }) = outcome.stop {
            self.sent += datagrams as u64;
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let number = u64::from_be_bytes(datagram.payload[..8].try_into().unwrap());
        self.back.push((number, now.mono));
    }

    fn on_network_error(&mut self, _now: Now, error: &NetworkError) {
        self.errors.push(*error);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.pauses.push(length);
    }

    fn on_stop(&mut self, _now: Now) {}

    fn finish(self, _now: Now) -> Self {
        self
    }
}

fn echo(_now: Now, datagram: &Datagram<'_>, queue: &mut VecDeque<(Dest, Vec<u8>)>) {
    queue.push_back((Dest::back_to(&datagram.meta), datagram.payload.to_vec()));
}

/// Calls an echo through these hosts.
fn call(seed: u64, near: Host, far: Host, caller: Caller) -> (Caller, Network, HostId) {
    let mut network = Network::new(seed);
    let own = SocketAddr::new(near.addresses[0], 4_000);
    let (near, far) = (network.add(near), network.add(far));
    let caller = network.start(near, &[SimSocket::bound(own)], caller);
    network.start(far, &[SimSocket::bound(at(SERVER))], Responder::new(echo));
    let caller = network.finish(&caller, Nanos::from_secs(60));
    (caller, network, near)
}

fn near() -> Host {
    Host::at("10.0.0.5")
}

fn far() -> Host {
    Host::at("198.51.100.1")
}

fn lossy(percent: u32) -> Impairments {
    let delay = Delay { base: Nanos::from_millis(2), jitter: Jitter::None };
    let loss = Loss::Independent(Chance::percent(percent));
    Impairments { loss, delay, ..Impairments::default() }
}

#[test]
fn what_comes_back_is_what_the_links_let_through() {
    for seed in 0..5 {
        let link = Link::new(lossy(20), lossy(10));
        let caller = Caller::new(at(SERVER).into(), 2_000, 100);
        let (caller, mut network, near) = call(seed, near().behind(link), far(), caller);
        let link = network.host(near).link();
        let through = |direction: &Direction| -> usize {
            direction.passages.iter().map(|passage| passage.copies).sum()
        };
        assert_eq!(link.out.passages.len(), 2_000);
        assert_eq!(link.back.passages.len(), through(&link.out));
        assert_eq!(caller.back.len(), through(&link.back));
        assert_eq!(link.back.arrivals.len(), caller.back.len());
        assert!((1_340..1_540).contains(&caller.back.len()), "{}", caller.back.len());
    }
}

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let link = Link::both(&lossy(20));
        let caller = Caller::new(at(SERVER).into(), 500, 100);
        call(seed, near().behind(link), far(), caller).0.back
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_nat_lets_the_answers_back_in() {
    let nat = Nat::at([203, 0, 113, 1].into());
    let caller = Caller::new(at(SERVER).into(), 10, 100);
    let (caller, ..) = call(1, near().behind(nat), far(), caller);
    assert_eq!(caller.back.len(), 10);
}

#[test]
fn routers_and_closed_ports_speak_to_the_socket_that_sent() {
    let router = |hop| Router::at([192, 0, 2, hop].into());
    let path = || near().behind(router(1)).behind(router(2));
    let ends = [
        (Dest { ttl: 1, ..at(SERVER).into() }, (11, 0), [192, 0, 2, 1], 113),
        (Dest { ttl: 2, ..at(SERVER).into() }, (11, 0), [192, 0, 2, 2], 113),
        (at("198.51.100.1:1").into(), (3, 3), [198, 51, 100, 1], 111),
    ];
    for (dest, kind, offender, errno) in ends {
        let far = far().telling_closed_ports(ErrorBudget::unlimited());
        let (caller, ..) = call(1, path(), far, Caller::new(dest, 3, 100));
        assert_eq!((caller.back.len(), caller.errors.len()), (0, 3));
        let error = caller.errors[0];
        assert_eq!((error.icmp_type, error.icmp_code), kind);
        assert_eq!((error.offender, error.errno), (Some(offender.into()), errno));
        assert_eq!(error.quoted()[..8], 0_u64.to_be_bytes());
    }
    let forbids = router(1).ruled(RouterRule::Reject(3, 13));
    let caller = Caller::new(at(SERVER).into(), 3, 100);
    let (caller, ..) = call(1, near().behind(forbids), far(), caller);
    assert_eq!(caller.errors.len(), 3);
}

#[test]
fn a_fragmented_datagram_is_lost_with_any_of_its_fragments() {
    let link = Link::new(lossy(10), Impairments::default());
    let caller = Caller::new(at(SERVER).into(), 2_000, 14_000);
    let (caller, ..) = call(1, near().behind(link), far(), caller);
    // Ten fragments each: 0.9 ^ 10 arrive.
    assert!((620..780).contains(&caller.back.len()), "{}", caller.back.len());
}

#[test]
fn a_host_that_stands_still_holds_what_comes_and_says_for_how_long() {
    let mut network = Network::new(1);
    let (near, far) = (network.add(near()), network.add(far()));
    let caller = Caller::new(at(SERVER).into(), 1_000, 100);
    let caller = network.start(near, &[SimSocket::bound(at("10.0.0.5:4000"))], caller);
    network.start(far, &[SimSocket::bound(at(SERVER))], Responder::new(echo));
    let still = Nanos::from_millis(300)..Nanos::from_millis(800);
    network.stand_still(near, still.clone());
    let caller = network.finish(&caller, Nanos::from_secs(60));
    assert_eq!(caller.back.len(), 1_000);
    assert_eq!(caller.pauses.len(), 1);
    assert!(caller.pauses[0] >= Nanos::from_millis(490), "{:?}", caller.pauses);
    let boot = Clock::default().boot;
    let within = |(_, at): &&(u64, Nanos)| still.contains(&(*at - boot));
    assert_eq!(caller.back.iter().filter(within).count(), 0);
}

#[test]
fn sends_that_go_wrong_are_told_and_the_rest_arrives() {
    let mut near = near();
    near.send_faults = SendFaults { blocked: 0.1, refused: 0.1 };
    let (caller, ..) = call(1, near, far(), Caller::new(at(SERVER).into(), 2_000, 100));
    assert!((1_750..1_850).contains(&caller.back.len()), "{}", caller.back.len());
    let near = self::near().refusing(|at, _, _| (at < Nanos::from_millis(100)).then_some(1));
    let (caller, ..) = call(1, near, far(), Caller::new(at(SERVER).into(), 500, 100));
    assert!((395..=401).contains(&caller.back.len()), "{}", caller.back.len());
}

#[test]
fn what_is_longer_than_the_interface_takes_is_refused_here() {
    let dest = Dest { fragmentation: Some(Fragmentation::Probe), ..at(SERVER).into() };
    let (caller, ..) = call(1, near(), far(), Caller::new(dest, 2, 1_473));
    assert_eq!(caller.errors.len(), 2);
    assert_eq!((caller.errors[0].mtu, caller.errors[0].errno), (Some(1_500), EMSGSIZE));
    let (caller, ..) = call(1, near(), far(), Caller::new(dest, 2, 1_472));
    assert_eq!((caller.errors.len(), caller.back.len()), (0, 2));
}

#[test]
fn neighbours_that_arrive_together_come_in_one_buffer() {
    let mut network = Network::new(1);
    let mut far = far();
    far.coalesces = true;
    far.moderation = Nanos::from_millis(10);
    let (near, far) = (network.add(near()), network.add(far));
    let caller = Caller::new(at(SERVER).into(), 1_000, 100);
    let caller = network.start(near, &[SimSocket::bound(at("10.0.0.5:4000"))], caller);
    network.start(far, &[SimSocket::bound(at(SERVER))], Responder::new(echo));
    let caller = network.finish(&caller, Nanos::from_secs(60));
    let numbers: Vec<u64> = caller.back.iter().map(|(number, _)| *number).collect();
    assert!(numbers.iter().copied().eq(0..1_000), "{numbers:?}");
}

#[test]
fn a_group_reaches_all_that_joined_and_nobody_else() {
    let group = at("239.1.2.3:9000");
    let mut network = Network::new(1);
    let near = network.add(near());
    let heard = Rc::new(RefCell::new([0_u32; 3]));
    for (index, address) in ["10.0.1.1", "10.0.1.2", "10.0.1.3"].into_iter().enumerate() {
        let mut host = Host::at(address);
        if index < 2 {
            host.groups.insert(group.ip());
        }
        let host = network.add(host);
        let heard = Rc::clone(&heard);
        let listener =
            Responder::new(move |_: Now, _: &Datagram<'_>, _: &mut VecDeque<(Dest, Vec<u8>)>| {
                heard.borrow_mut()[index] += 1;
            });
        network.start(host, &[SimSocket::bound(at("0.0.0.0:9000"))], listener);
    }
    let caller = Caller::new(group.into(), 7, 100);
    let caller = network.start(near, &[SimSocket::bound(at("10.0.0.5:4000"))], caller);
    network.finish(&caller, Nanos::from_secs(60));
    assert_eq!(*heard.borrow(), [7, 7, 0]);
}

#[test]
fn every_fault_of_the_matrix_does_what_it_says() {
    for fault in Fault::ALL {
        let weather = fault.weather();
        let external = IpAddr::from([203, 0, 113, 1]);
        let near = weather.near(near(), external);
        let caller = Caller::new(at(SERVER).into(), 5_000, 1_000);
        let (caller, ..) = call(3, near, weather.far(far()), caller);
        let share = caller.back.len() as f64 / 5_000.0;
        let expected = match fault {
            Fault::LittleLoss => 0.97..0.99,
            Fault::Loss => 0.79..0.83,
            Fault::HeavyLoss => 0.46..0.52,
            Fault::Bursts => 0.85..0.95,
            Fault::Duplication => 1.5..1.62,
            // 8 Mbit/s by 5, and once more on the way back.
            Fault::Bottleneck => 0.55..0.68,
            Fault::Blackout => 0.59..0.61,
            // What comes when differs by seed; some of it takes something.
            Fault::Events => 0.5..1.001,
            _ => 0.999..1.001,
        };
        assert!(expected.contains(&share), "{fault:?}: {share}");
        let numbers = || caller.back.iter().map(|(number, _)| *number);
        let overtaken = numbers().zip(numbers().skip(1)).filter(|(a, b)| a > b).count();
        // A changed number may be any.
        if !matches!(fault, Fault::Extremes | Fault::Corruption) {
            assert_eq!(overtaken > 0, fault == Fault::Reordering, "{fault:?}: {overtaken}");
        }
        let stands = !weather.near_standstills.is_empty();
        assert_eq!(!caller.pauses.is_empty(), stands, "{fault:?}");
    }
}
