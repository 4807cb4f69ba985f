//! A host's line to the core, and what stands on it.

use super::packet::{Emitted, Packet};
use super::{Link, Nat, Policer, Router, RoutingLoop, Way};
use crate::units::Nanos;
use std::fmt;
use std::net::IpAddr;

/// A rule of a test's own: whether a packet passes, and what it changes of it.
pub type Rule = Box<dyn FnMut(Nanos, Way, &mut Packet) -> bool>;

/// Something on a line that packets pass; the first of a line is next to the host.
pub enum Element {
    /// Loses, delays, queues, and writes down what it did.
    Link(Box<Link>),
    /// Translates addresses, or filters alone.
    Nat(Box<Nat>),
    /// Counts down the TTL, has an MTU, forbids, and sends ICMP errors.
    Router(Box<Router>),
    /// Lets nothing out, and answers for the router where the TTL ends.
    Loop(RoutingLoop),
    /// Drops what comes above a rate.
    Policer(Box<Policer>),
    /// A rule of a test's own: changes the packet as it likes, and says whether it passes.
    Rule(Rule),
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(link) => link.fmt(f),
            Self::Nat(nat) => nat.fmt(f),
            Self::Router(router) => router.fmt(f),
            Self::Loop(routers) => routers.fmt(f),
            Self::Policer(policer) => policer.fmt(f),
            Self::Rule(_) => f.write_str("Rule"),
        }
    }
}

impl From<Link> for Element {
    fn from(link: Link) -> Self {
        Self::Link(Box::new(link))
    }
}

impl From<Nat> for Element {
    fn from(nat: Nat) -> Self {
        Self::Nat(Box::new(nat))
    }
}

impl From<Router> for Element {
    fn from(router: Router) -> Self {
        Self::Router(Box::new(router))
    }
}

impl From<RoutingLoop> for Element {
    fn from(routers: RoutingLoop) -> Self {
        Self::Loop(routers)
    }
}

impl From<Policer> for Element {
    fn from(policer: Policer) -> Self {
        Self::Policer(Box::new(policer))
    }
}

impl Element {
    /// Whether a packet passes, where the element neither delays nor answers it; `None` where it may.
    pub(super) fn admits(&mut self, now: Nanos, way: Way, packet: &mut Packet) -> Option<bool> {
        match self {
            Self::Policer(policer) => Some(policer.admits(now, way)),
            Self::Rule(rule) => Some(rule(now, way, packet)),
            Self::Link(link) => (!link.is_for(packet)).then_some(true),
            Self::Nat(_) | Self::Router(_) | Self::Loop(_) => None,
        }
    }

    /// Lets a packet pass at `now` that it did not admit at once.
    pub(super) fn pass(&mut self, now: Nanos, way: Way, packet: Packet) -> Emitted {
        let mut emitted = Emitted::default();
        match self {
            Self::Link(link) => link.pass(now, way, packet, &mut emitted),
            Self::Nat(nat) => nat.pass(now, way, packet, &mut emitted),
            Self::Router(router) => router.pass(now, way, packet, &mut emitted),
            Self::Loop(routers) => routers.pass(now, way, packet, &mut emitted),
            Self::Policer(_) | Self::Rule(_) => {}
        }
        emitted
    }

    /// The addresses that the core reaches the host by, where they are not its own.
    pub(super) fn external(&self) -> Option<IpAddr> {
        match self {
            Self::Nat(nat) => nat.translation.as_ref().map(|translation| translation.external),
            _ => None,
        }
    }
}
