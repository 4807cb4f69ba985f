//! A NAT or a stateful firewall, by the behaviours of RFC 4787.

use super::packet::{Content, Emitted, Icmp, Packet};
use super::router::QUOTED;
use super::way::Way;
use crate::record::probe::{Dependence, PortChoice};
use crate::units::Nanos;
use fastrand::Rng;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

/// Ports that no host of a simulation binds: one of these in place of a port that cannot be kept
/// takes no other host's.
const UNWANTED: Range<u16> = 10_000..20_000;

/// A NAT, or without a translation a firewall.
#[derive(Debug)]
pub struct Nat {
    /// How it translates; `None` leaves addresses as they are.
    pub translation: Option<Translation>,
    /// Whose datagrams it lets in (RFC 4787 §5).
    pub filtering: Dependence,
    /// How long it remembers.
    pub timers: NatTimers,
    /// Whether it turns what is sent to its own external addresses back inside (RFC 4787 §6).
    pub hairpin: bool,
    /// When it forgets, and what.
    pub losses: Vec<(Nanos, Forgotten)>,
    /// When it refuses by ICMP all that leaves.
    pub refusals: Vec<Range<Nanos>>,
    mappings: HashMap<(SocketAddr, Key), SocketAddr>,
    /// By external address, then by whom it may hear from.
    flows: HashMap<SocketAddr, HashMap<Key, Flow>>,
    inside: HashMap<SocketAddr, SocketAddr>,
    next: u16,
    rng: Rng,
}

/// What a NAT or firewall forgets at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// Everything: it starts anew, and new mappings have other ports.
    All,
    /// Everything, and its external address is another.
    Address,
    /// One inside address and port, whichever it is.
    One,
}

/// How a NAT translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The address that the outside sees.
    pub external: IpAddr,
    /// What a mapping depends on (RFC 4787 §4.1).
    pub mapping: Dependence,
    /// Which port a new mapping has (RFC 4787 §4.2).
    pub ports: PortChoice,
}

/// How long a NAT lets datagrams in for.
#[derive(Clone, Debug)]
pub struct NatTimers {
    /// After datagrams in one direction, or in both for a moment alone.
    pub first: Nanos,
    /// Once both directions have spanned two seconds, as in Linux.
    pub established: Nanos,
    /// Which datagrams start the timers anew (RFC 4787 §4.3, REQ-6).
    pub refresh: Refresh,
    /// Silences after which nothing is let in although the timers are not over.
    pub hole: Option<Range<Nanos>>,
}

/// Which direction keeps a NAT's state alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refresh {
    /// Datagrams from inside alone.
    Outbound,
    /// Both.
    #[default]
    Both,
}

impl Default for NatTimers {
    /// It remembers for ever.
    fn default() -> Self {
        let (first, established) = (Nanos::MAX, Nanos::MAX);
        Self { first, established, refresh: Refresh::Both, hole: None }
    }
}

/// What both directions must have spanned for the second timer to run.
const SPAN: Nanos = Nanos::from_secs(2);

/// What of the far end a rule looks at.
type Key = (Option<IpAddr>, Option<u16>);

fn key(dependence: Dependence, far: SocketAddr) -> Key {
    match dependence {
        Dependence::EndpointIndependent => (None, None),
        Dependence::AddressDependent => (Some(far.ip()), None),
        _ => (Some(far.ip()), Some(far.port())),
    }
}

/// What is remembered of an external address and those whom it may hear from.
#[derive(Clone, Copy, Debug)]
struct Flow {
    began: Nanos,
    refreshed: Nanos,
    is_answered: bool,
}

impl NatTimers {
    fn is_open(&self, flow: &Flow, now: Nanos) -> bool {
        let silence = now - flow.refreshed;
        let established = flow.is_answered && flow.refreshed - flow.began > SPAN;
        let timer = if established { self.established } else { self.first };
        let in_hole = self.hole.as_ref().is_some_and(|hole| hole.contains(&silence));
        silence < timer && !in_hole
    }
}

/// The address after this one.
fn neighbour(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() + 1).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() + 1).into(),
    }
}

/// The addresses from which a NAT or firewall refuses, by family.
pub const INSIDE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe)),
];

/// Administratively prohibited (RFC 1812 §5.2.7.1, RFC 4443 §3.1).
fn refusal(now: Nanos, packet: &Packet) -> Option<(Nanos, Packet)> {
    let is_v6 = packet.from.is_ipv6();
    let kind = if is_v6 { (1, 1) } else { (3, 13) };
    let router = INSIDE[usize::from(is_v6)];
    Packet::error(packet, router, kind, None, QUOTED).map(|error| (now, error))
}

impl Nat {
    /// A NAT with one mapping for all far ends that lets in only whom was sent to, and forgets
    /// nothing: what most homes have.
    pub fn at(external: IpAddr) -> Self {
        let mapping = Dependence::EndpointIndependent;
        let translation = Translation { external, mapping, ports: PortChoice::Kept };
        Self { translation: Some(translation), ..Self::firewall() }
    }

    /// A firewall that lets in only whom was sent to, and forgets nothing.
    pub fn firewall() -> Self {
        Self {
            translation: None,
            filtering: Dependence::AddressAndPortDependent,
            timers: NatTimers::default(),
            hairpin: false,
            losses: Vec::new(),
            refusals: Vec::new(),
            mappings: HashMap::new(),
            flows: HashMap::new(),
            inside: HashMap::new(),
            next: 0,
            rng: Rng::with_seed(0),
        }
    }

    pub(super) fn seed(&mut self, seed: u64) {
        self.rng = Rng::with_seed(seed);
    }

    /// It starts anew: all mappings are forgotten, and new ones have other ports.
    pub fn restart(&mut self) {
        self.mappings.clear();
        self.flows.clear();
        self.inside.clear();
        if let Some(translation) = &mut self.translation {
            translation.ports = PortChoice::Random;
        }
    }

    /// It forgets what it knows of one inside address and port, which gets another port.
    pub fn forget(&mut self, inside: SocketAddr) {
        let known: Vec<SocketAddr> = self
            .inside
            .iter()
            .filter(|(_, to)| **to == inside)
            .map(|(external, _)| *external)
            .collect();
        for external in known {
            self.inside.remove(&external);
            self.flows.remove(&external);
        }
        self.mappings.retain(|(of, _), _| *of != inside);
        if let Some(translation) = &mut self.translation {
            translation.ports = PortChoice::Random;
        }
    }

    fn lose(&mut self, forgotten: Forgotten) {
        match forgotten {
            Forgotten::All => self.restart(),
            Forgotten::Address => {
                self.restart();
                if let Some(translation) = &mut self.translation {
                    translation.external = neighbour(translation.external);
                }
            }
            Forgotten::One => {
                let inside: BTreeSet<_> = self.inside.values().copied().collect();
                if let Some(one) = self.rng.choice(&inside) {
                    self.forget(*one);
                }
            }
        }
    }

    pub(super) fn pass(&mut self, now: Nanos, way: Way, packet: Packet, emitted: &mut Emitted) {
        for (_, forgotten) in self.losses.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            self.lose(forgotten);
        }
        match way {
            Way::Out if self.refuses(now) => emitted.back.extend(refusal(now, &packet)),
            Way::Out => self.pass_out(now, packet, emitted),
            Way::Back => {
                if let Some(packet) = self.pass_back(now, packet) {
                    emitted.on.push((now, packet));
                }
            }
        }
    }

    fn refuses(&self, now: Nanos) -> bool {
        self.refusals.iter().any(|at| at.contains(&now))
    }

    fn pass_out(&mut self, now: Nanos, mut packet: Packet, emitted: &mut Emitted) {
        if let Content::Icmp(icmp) = &mut packet.content {
            // About what came in: the far end knows the external address alone.
            icmp.to = self.mapped(now, icmp.to, icmp.from);
            packet.from.set_ip(icmp.to.ip());
            emitted.on.push((now, packet));
            return;
        }
        packet.from = self.mapped(now, packet.from, packet.to);
        self.refresh(now, packet.from, packet.to);
        let external = self.translation.map(|translation| translation.external);
        if external != Some(packet.to.ip()) {
            emitted.on.push((now, packet));
        } else if self.hairpin
            && let Some(packet) = self.pass_back(now, packet)
        {
            emitted.back.push((now, packet));
        }
    }

    /// The external address of `inside` towards `far`.
    fn mapped(&mut self, now: Nanos, inside: SocketAddr, far: SocketAddr) -> SocketAddr {
        let Some(translation) = self.translation else {
            self.inside.insert(inside, inside);
            return inside;
        };
        let key = (inside, key(translation.mapping, far));
        if let Some(known) = self.mappings.get(&key).copied() {
            let mut flows = self.flows.get(&known).into_iter().flat_map(HashMap::values);
            // One whose every flow is over is forgotten.
            if flows.any(|flow| self.timers.is_open(flow, now)) {
                return known;
            }
            self.inside.remove(&known);
            self.flows.remove(&known);
        }
        let port = self.free_port(translation, inside.port());
        let external = SocketAddr::new(translation.external, port);
        self.mappings.insert(key, external);
        self.inside.insert(external, inside);
        external
    }

    fn free_port(&mut self, translation: Translation, wanted: u16) -> u16 {
        let mut port = wanted;
        loop {
            match translation.ports {
                PortChoice::Kept => {}
                PortChoice::Sequential => {
                    self.next += 1;
                    port = 20_000 + self.next;
                }
                _ => port = self.other_port(wanted),
            }
            if !self.inside.contains_key(&SocketAddr::new(translation.external, port)) {
                return port;
            }
            // Where it cannot be kept, any that nobody wants to keep.
            port = self.rng.u16(UNWANTED);
        }
    }

    /// Any port but the `kept` one: by chance it would be that now and then.
    fn other_port(&mut self, kept: u16) -> u16 {
        let port = self.rng.u16(1_024..u16::MAX);
        if port < kept.max(1_024) { port } else { port + 1 }
    }

    /// Something leaves: the flow begins, or begins anew.
    fn refresh(&mut self, now: Nanos, external: SocketAddr, far: SocketAddr) {
        let key = key(self.filtering, far);
        let new = Flow { began: now, refreshed: now, is_answered: false };
        let flow = self.flows.entry(external).or_default().entry(key).or_insert(new);
        if !self.timers.is_open(flow, now) {
            *flow = new;
        }
        flow.refreshed = now;
    }

    fn pass_back(&mut self, now: Nanos, mut packet: Packet) -> Option<Packet> {
        if let Content::Icmp(icmp) = &mut packet.content {
            let inside = self.inside_of_error(now, icmp)?;
            icmp.from = inside;
            packet.to.set_ip(inside.ip());
            return Some(packet);
        }
        let inside = *self.inside.get(&packet.to)?;
        let flows = self.flows.get_mut(&packet.to)?;
        let flow = flows.get_mut(&key(self.filtering, packet.from))?;
        if !self.timers.is_open(flow, now) {
            return None;
        }
        flow.is_answered = true;
        if self.timers.refresh == Refresh::Both {
            flow.refreshed = now;
        }
        packet.to = inside;
        Some(packet)
    }

    /// Whose datagram an error is about, where that flow is still open.
    fn inside_of_error(&self, now: Nanos, icmp: &Icmp) -> Option<SocketAddr> {
        let flow = self.flows.get(&icmp.from)?.get(&key(self.filtering, icmp.to))?;
        let open = self.timers.is_open(flow, now);
        self.inside.get(&icmp.from).copied().filter(|_| open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTERNAL: [u8; 4] = [203, 0, 113, 1];
    const KINDS: [Dependence; 3] = [
        Dependence::EndpointIndependent,
        Dependence::AddressDependent,
        Dependence::AddressAndPortDependent,
    ];

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn secs(secs: u64) -> Nanos {
        Nanos::from_secs(secs)
    }

    fn out(nat: &mut Nat, now: Nanos, from: &str, to: &str) -> SocketAddr {
        let mut emitted = Emitted::default();
        nat.pass(now, Way::Out, Packet::udp(at(from), at(to), vec![1]), &mut emitted);
        emitted.on[0].1.from
    }

    fn back(nat: &mut Nat, now: Nanos, from: &str, to: SocketAddr) -> Option<SocketAddr> {
        let mut emitted = Emitted::default();
        nat.pass(now, Way::Back, Packet::udp(at(from), to, vec![1]), &mut emitted);
        emitted.on.first().map(|(_, packet)| packet.to)
    }

    #[test]
    fn mappings_and_filters_depend_on_what_they_are_told_to() {
        let (inside, far) = ("10.0.0.5:4000", "198.51.100.1:1");
        let others = ["198.51.100.1:1", "198.51.100.1:2", "198.51.100.2:1"];
        for (index, kind) in KINDS.into_iter().enumerate() {
            let mut nat = Nat::at(EXTERNAL.into());
            nat.translation.as_mut().unwrap().mapping = kind;
            let first = out(&mut nat, secs(1), inside, far);
            assert_eq!(first, (EXTERNAL, 4_000).into());
            let same = others.map(|other| out(&mut nat, secs(1), inside, other) == first);
            assert_eq!(same, [[true; 3], [true, true, false], [true, false, false]][index]);

            let mut nat = Nat::at(EXTERNAL.into());
            nat.filtering = kind;
            let mapped = out(&mut nat, secs(1), inside, far);
            let let_in = others.map(|other| back(&mut nat, secs(1), other, mapped));
            let expected = [[true; 3], [true, true, false], [true, false, false]][index];
            assert_eq!(let_in, expected.map(|is_in| is_in.then(|| at(inside))));
        }
    }

    #[test]
    fn a_random_port_is_any_but_the_one_inside() {
        let mut nat = Nat::at(EXTERNAL.into());
        for kept in [7, 1_024, 40_000, u16::MAX] {
            assert!((0..200_000).map(|_| nat.other_port(kept)).all(|port| port != kept));
        }
        let found: BTreeSet<u16> = (0..2_000_000).map(|_| nat.other_port(40_000)).collect();
        assert_eq!(
            (found.len(), found.first(), found.last()),
            (64_511, Some(&1_024), Some(&u16::MAX))
        );
    }

    #[test]
    fn what_cannot_be_kept_takes_no_port_that_another_would_keep() {
        let mut nat = Nat::at(EXTERNAL.into());
        nat.translation.as_mut().unwrap().mapping = Dependence::AddressDependent;
        let seen = |nat: &mut Nat, far: &str| out(nat, secs(1), "10.0.0.5:40000", far).port();
        assert_eq!(seen(&mut nat, "198.51.100.1:1"), 40_000);
        for far in 2..200 {
            assert!(UNWANTED.contains(&seen(&mut nat, &format!("198.51.100.{far}:1"))));
        }
    }

    #[test]
    fn ports_are_kept_or_in_a_row_or_random() {
        for (ports, expected) in [
            (PortChoice::Kept, Some([4_000, 4_001])),
            (PortChoice::Sequential, Some([20_001, 20_002])),
            (PortChoice::Random, None),
        ] {
            let mut nat = Nat::at(EXTERNAL.into());
            nat.translation.as_mut().unwrap().ports = ports;
            let found = ["10.0.0.5:4000", "10.0.0.5:4001"]
                .map(|inside| out(&mut nat, secs(1), inside, "198.51.100.1:1").port());
            match expected {
                Some(expected) => assert_eq!(found, expected),
                None => assert_ne!(found, [4_000, 4_001]),
            }
        }
    }

    #[test]
    fn a_flow_ends_by_its_timer_and_lives_by_what_refreshes_it() {
        let far = "198.51.100.1:1";
        for refresh in [Refresh::Outbound, Refresh::Both] {
            let mut nat = Nat::firewall();
            nat.timers = NatTimers {
                first: secs(30),
                established: secs(120),
                refresh,
                ..NatTimers::default()
            };
            let mapped = out(&mut nat, secs(1), "10.0.0.5:4000", far);
            assert_eq!(mapped, at("10.0.0.5:4000"));
            assert!(back(&mut nat, secs(30), far, mapped).is_some());
            // The timer runs from the second on, or from the answer on.
            let again = back(&mut nat, secs(45), far, mapped).is_some();
            assert_eq!(again, refresh == Refresh::Both);
            // From here on both directions have spanned two seconds.
            out(&mut nat, secs(46), "10.0.0.5:4000", far);
            assert!(back(&mut nat, secs(47), far, mapped).is_some());
            out(&mut nat, secs(49), "10.0.0.5:4000", far);
            assert!(back(&mut nat, secs(160), far, mapped).is_some());
        }
    }

    #[test]
    fn a_restart_forgets_and_gives_another_port() {
        let mut nat = Nat::at(EXTERNAL.into());
        let far = "198.51.100.1:1";
        let first = out(&mut nat, secs(1), "10.0.0.5:4000", far);
        nat.restart();
        assert_eq!(back(&mut nat, secs(1), far, first), None);
        assert_ne!(out(&mut nat, secs(1), "10.0.0.5:4000", far), first);
    }

    #[test]
    fn it_forgets_what_it_is_told_to_when_it_is_told_to() {
        let (ports, far) =
            ([4_000, 4_001].map(|port| format!("10.0.0.5:{port}")), "198.51.100.1:1");
        for (forgotten, moved) in
            [(Forgotten::All, 2), (Forgotten::Address, 2), (Forgotten::One, 1)]
        {
            let mut nat = Nat::at(EXTERNAL.into());
            nat.losses = vec![(secs(3), forgotten)];
            let mut mapped = |now| [0, 1].map(|index| out(&mut nat, now, &ports[index], far));
            let [first, same, other] = [1, 2, 3].map(|now| mapped(secs(now)));
            assert_eq!(first, same);
            let differ = first.iter().zip(&other).filter(|(was, is)| was != is).count();
            assert_eq!(differ, moved, "{forgotten:?}: {first:?}, {other:?}");
            let address = other[0].ip() != first[0].ip();
            assert_eq!(address, forgotten == Forgotten::Address, "{other:?}");
            assert!(nat.losses.is_empty());
        }
        // A firewall lets in again only whom was sent to since.
        let mut firewall = Nat::firewall();
        firewall.losses = vec![(secs(2), Forgotten::One)];
        let mapped = out(&mut firewall, secs(1), &ports[0], far);
        assert_eq!(back(&mut firewall, secs(2), far, mapped), None);
        out(&mut firewall, secs(2), &ports[0], far);
        assert!(back(&mut firewall, secs(2), far, mapped).is_some());
    }

    #[test]
    fn a_hairpin_leads_back_inside() {
        let mut nat = Nat::at(EXTERNAL.into());
        nat.filtering = Dependence::EndpointIndependent;
        let own = out(&mut nat, secs(1), "10.0.0.5:4000", "198.51.100.1:1");
        for hairpin in [false, true] {
            nat.hairpin = hairpin;
            let mut emitted = Emitted::default();
            let packet = Packet::udp(at("10.0.0.5:4001"), own, vec![1]);
            nat.pass(secs(1), Way::Out, packet, &mut emitted);
            assert!(emitted.on.is_empty());
            let turned = emitted.back.first().map(|(_, packet)| (packet.from, packet.to));
            let expected = ((EXTERNAL, 4_001).into(), at("10.0.0.5:4000"));
            assert_eq!(turned, hairpin.then_some(expected));
        }
    }

    #[test]
    fn an_error_finds_the_inside_that_it_is_about() {
        let mut nat = Nat::at(EXTERNAL.into());
        let far = "198.51.100.1:1";
        let external = out(&mut nat, secs(1), "10.0.0.5:4000", far);
        let datagram = Packet::udp(external, at(far), vec![1]);
        let error = Packet::error(&datagram, [198, 51, 100, 1].into(), (3, 3), None, 8).unwrap();
        let mut emitted = Emitted::default();
        nat.pass(secs(1), Way::Back, error.clone(), &mut emitted);
        let (_, packet) = &emitted.on[0];
        let Content::Icmp(icmp) = &packet.content else { panic!("{packet:?}") };
        assert_eq!((packet.to.ip(), icmp.from), (at("10.0.0.5:1").ip(), at("10.0.0.5:4000")));
        nat.restart();
        let mut emitted = Emitted::default();
        nat.pass(secs(1), Way::Back, error, &mut emitted);
        assert!(emitted.on.is_empty());
    }
}
