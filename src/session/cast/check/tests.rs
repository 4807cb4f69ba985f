//! A check over a simulated path, in virtual time: routers, and a switch whose IGMP snooping ages
//! memberships out.

use super::probe::ECHO_LEN;
use super::*;
use crate::batch::{Datagram, RxEntry, RxMeta, SendOutcome, TxBatch};
use crate::impair::{Chance, Duplication, Impairments, Loss};
use crate::machine::{Next, Now, Session};
use crate::netsim::{Clock, Host, Link, Network, Router, SimSocket};
use crate::record::{CastCheck, CheckFinding, CheckOutcome, CheckSubject, CheckVerdict};
use crate::session::Names;
use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

/// Behaviour of the path.
#[derive(Clone, Copy)]
pub(super) struct Path {
    /// Routers between the ends.
    pub hops: u8,
    /// Whether group traffic passes at all.
    pub group: bool,
    /// When the far end's membership, and the near end's, ages out.
    pub forgotten: Option<Nanos>,
    /// Loss rate out and back.
    pub loss: [f64; 2],
    /// How many copies of each datagram arrive that is not lost.
    pub copies: u32,
    pub seed: u64,
}

impl Path {
    /// A path without loss.
    pub fn clean(hops: u8) -> Self {
        Self { hops, group: true, forgotten: None, loss: [0.0; 2], copies: 1, seed: 0 }
    }
}

const NEAR: &str = "10.0.0.1:7000";
const FAR: &str = "10.1.0.2:5000";
pub(super) const GROUP: &str = "239.1.2.3:5000";
/// The clocks of the ends differ.
const REAL: Nanos = Nanos::from_secs(1_000_000);

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn at(mono: Nanos) -> Now {
    Now { mono, real: REAL + mono }
}

fn deliver(
    session: &mut impl Session,
    mono: Nanos,
    bytes: &[u8],
    (source, to, socket, ttl): (&str, IpAddr, usize, u8),
) {
    let meta = RxMeta {
        source: addr(source),
        destination: Some(to),
        interface: 3,
        arrival: REAL + mono,
        ttl: Some(ttl),
        socket,
        ..RxEntry::default().meta
    };
    let datagram = Datagram { payload: bytes, true_len: bytes.len(), meta };
    session.on_datagram(at(mono), &datagram);
}

impl Path {
    /// The near host behind this path.
    fn near(&self) -> Host {
        let way = |share: f64| Impairments {
            loss: Loss::Independent(Chance::per_million((share * 1e6) as u32)),
            duplication: Duplication {
                share: if self.copies > 1 { Chance::ALWAYS } else { Chance::NEVER },
                copies: self.copies - 1,
            },
            ..Impairments::default()
        };
        let Self { group, forgotten, .. } = *self;
        let carries_group = move |now| group && forgotten.is_none_or(|end| now < end);
        let mut near = Host::at("10.0.0.1").behind_rule(move |now, _, packet| {
            !packet.to.ip().is_multicast() || carries_group(now)
        });
        near.loops = true;
        for hop in 0..self.hops {
            near = near.behind(Router::at([10, 9, 0, hop].into()));
        }
        near.behind(Link::new(way(self.loss[0]), way(self.loss[1])))
    }
}

fn names() -> Names {
    Names::new(vec![(3, "eth0".to_owned())])
}

/// A check of [`GROUP`] with this far end, which begins with the network.
pub(super) fn prober(far: SocketAddr, hold: Option<Nanos>, ttls: &[u8]) -> CheckConfig {
    CheckConfig {
        group: addr(GROUP),
        ways: vec![CheckedInterface { interface: 3, listens: Some(0) }],
        steps: ttls.iter().enumerate().map(|(index, ttl)| (*ttl, index + 1)).collect(),
        far: Some(far),
        tag: 7,
        wait: Nanos::from_secs(1),
        hold,
        membership: Nanos::from_secs(260),
        joined: Clock::default().boot,
        names: names(),
    }
}

/// Its sockets: the group's, and one for each TTL, from this address on.
pub(super) fn sockets(near: SocketAddr, ttls: &[u8]) -> Vec<SimSocket> {
    let step = |(port, ttl): (u16, &u8)| {
        let bound = SimSocket::bound((near.ip(), port).into());
        SimSocket { group_ttl: *ttl, ..bound }
    };
    let steps = (near.port()..).zip(ttls).map(step);
    std::iter::once(SimSocket::bound(addr(GROUP))).chain(steps).collect()
}

/// An answerer that begins with the network.
pub(super) fn answerer() -> CheckAnswererConfig {
    CheckAnswererConfig {
        group: addr(GROUP),
        interfaces: vec![3],
        unicast: 1,
        joined: Clock::default().boot,
        time: None,
        names: names(),
    }
}

/// Runs a check with a far end over `path`; the far end answers immediately.
pub(super) fn run(path: &Path, hold: Option<Nanos>, ttls: &[u8]) -> CastCheck {
    let mut network = Network::new(path.seed);
    let hosts = [path.near(), Host::at("10.1.0.2")].map(|mut host| {
        host.groups.insert(addr(GROUP).ip());
        network.add(host)
    });
    let (near, far, bound) = (addr(NEAR), addr(FAR), SimSocket::bound);
    network.start(hosts[1], &[bound(addr(GROUP)), bound(far)], CheckAnswerer::new(answerer(), ()));
    let config = prober(far, hold, ttls);
    let prober = network.start(hosts[0], &sockets(near, ttls), CheckProber::new(config, ()));
    let mut check = network.finish(&prober, Nanos::from_secs(2_000));
    check.judge();
    check
}

pub(super) const TTLS: [u8; 5] = [0, 1, 2, 4, 8];

fn on(check: &CastCheck, subject: CheckSubject) -> &CheckFinding {
    let found = check.findings.iter().find(|one| one.subject == subject);
    found.unwrap_or_else(|| panic!("no {subject:?} in {:#?}", check.findings))
}

pub(super) fn outcome_of(check: &CastCheck, subject: CheckSubject) -> CheckOutcome {
    on(check, subject).outcome
}

pub(super) fn verdict_on(check: &CastCheck, subject: CheckSubject) -> &CheckVerdict {
    &on(check, subject).found.verdict
}

#[test]
fn the_least_ttl_and_the_hops_are_what_the_path_has() {
    for hops in 0..4 {
        let check = run(&Path::clean(hops), None, &TTLS);
        let far = check.far.as_ref().unwrap();
        let least = TTLS.into_iter().find(|ttl| *ttl > hops);
        assert_eq!(far.ttl_least, least);
        assert_eq!(far.unicast_hops, Some(hops));
        assert_eq!((far.unicast_sent, far.unicast_back, far.heard), (3, 3, 3));
        assert_eq!(far.group_sent, 12, "TTL 0 stays here");
        let reached = TTLS.into_iter().filter(|ttl| *ttl > hops).count() as u64;
        assert_eq!(far.group_back, 3 * reached);
        assert_eq!(check.answers[0].hops, Some(hops));
        assert_eq!(check.interfaces[0].looped, 15);
        assert_eq!(outcome_of(&check, CheckSubject::ToFarEnd), CheckOutcome::Ok);
    }
}

#[test]
fn a_path_that_carries_unicast_alone_is_broken() {
    let check = run(&Path { group: false, ..Path::clean(0) }, None, &TTLS);
    let far = check.far.as_ref().unwrap();
    // Repeated until chance is ruled out.
    assert_eq!((far.group_back, far.unicast_back, far.heard), (0, 15, 0));
    assert_eq!(outcome_of(&check, CheckSubject::ToFarEnd), CheckOutcome::Broken);
    assert_eq!(outcome_of(&check, CheckSubject::FromFarEnd), CheckOutcome::Broken);
}

#[test]
fn a_membership_that_is_forgotten_after_260_s_is_named_and_one_that_lasts_is_not() {
    let hold = Some(Nanos::from_secs(300));
    let forgotten = Some(Nanos::from_secs(260));
    let check = run(&Path { forgotten, ..Path::clean(1) }, hold, &TTLS);
    let held = check.hold.as_ref().unwrap();
    assert!(held.held_ns >= 300_000_000_000);
    assert_eq!(held.far_group_last_ns.unwrap() / 1_000_000_000, 259);
    assert_eq!(outcome_of(&check, CheckSubject::Hold), CheckOutcome::Broken);
    let lasting = run(&Path::clean(1), hold, &TTLS);
    assert_eq!(outcome_of(&lasting, CheckSubject::Hold), CheckOutcome::Ok);
    let early = Some(Nanos::from_secs(100));
    let early = run(&Path { forgotten: early, ..Path::clean(1) }, hold, &TTLS);
    assert_eq!(outcome_of(&early, CheckSubject::Hold), CheckOutcome::Warning);
}

#[test]
fn one_probe_is_answered_once_wherever_the_answer_goes() {
    let config = CheckAnswererConfig { joined: Nanos::ZERO, ..answerer() };
    let mut far = CheckAnswerer::new(config, ());
    let own = addr(FAR).ip();
    let mut batch = TxBatch::new(1024, 1 << 16);
    for (number, back) in (0..150u32).map(|number| (number, number % 2 == 1)) {
        let probe = Probe { tag: 1, sequence: number, sent: REAL, ttl: 4, way: 255, back };
        let mono = Nanos(u64::from(number));
        deliver(&mut far, mono, &probe.encode(), (NEAR, own, 1, 4));
        far.poll_transmit(at(mono), &mut batch);
        let to: Vec<SocketAddr> =
            batch.slots().iter().map(|slot| batch.dest(slot.dest).unwrap().addr).collect();
        let group_is_full = back && number > 100;
        let expected = [addr(if back { GROUP } else { NEAR })];
        assert_eq!(to, expected[..usize::from(!group_is_full)], "{number}");
        far.on_sent(at(mono), &batch, &SendOutcome { accepted: batch.len(), stop: None });
    }
}

#[test]
fn an_answerer_keeps_to_its_rate_and_to_probes() {
    let time = Some(Nanos::from_secs(9));
    let config = CheckAnswererConfig { joined: Nanos::ZERO, time, ..answerer() };
    let mut far = CheckAnswerer::new(config, ());
    let to = addr(GROUP).ip();
    let probe = Probe { tag: 1, sequence: 0, sent: REAL, ttl: 4, way: 0, back: false };
    for number in 0..500 {
        let probe = Probe { sequence: number, ..probe };
        deliver(&mut far, Nanos(number.into()), &probe.encode(), (NEAR, to, 0, 4));
    }
    deliver(&mut far, Nanos(1), b"hello", (NEAR, to, 0, 4));
    deliver(&mut far, Nanos(1), &probe.encode()[..63], (NEAR, to, 0, 4));
    let mut batch = TxBatch::new(1024, 1 << 16);
    assert_eq!(far.poll_transmit(at(Nanos(2)), &mut batch), Next::Send);
    assert_eq!(batch.len(), 200);
    assert!(batch.slots().iter().all(|slot| slot.len as usize <= ECHO_LEN));
    far.on_sent(at(Nanos(2)), &batch, &SendOutcome { accepted: 200, stop: None });
    assert_eq!(far.poll_transmit(at(Nanos::from_secs(9)), &mut batch), Next::Done);
    let told = far.finish(at(Nanos::from_secs(9)));
    assert_eq!((told.group_probes, told.answers, told.unanswered, told.others), (500, 200, 300, 2));
}
