//! A router: counts down the TTL, has an MTU, forbids or drops, and sends ICMP errors within a limit.

use super::packet::{Emitted, Packet};
use super::way::Way;
use crate::pace::{RateLimit, RateMeter};
use crate::units::Nanos;
use std::collections::HashMap;
use std::net::IpAddr;

/// Bytes of the payload that an error quotes, at the least 8 (RFC 792), here more (RFC 1812).
pub(super) const QUOTED: usize = 512;

/// A router on a line.
#[derive(Clone, Debug)]
pub struct Router {
    /// From which it sends its errors.
    pub address: IpAddr,
    /// Bytes of the largest packet that its links carry, out and back.
    pub mtu: [u32; 2],
    /// Whether it fragments what is longer and may be fragmented. IPv6 routers never do.
    pub fragments: bool,
    /// What it does with what it would pass on.
    pub rule: RouterRule,
    /// What it does instead with datagrams to these ports.
    pub exceptions: HashMap<u16, RouterRule>,
    /// How many errors it sends; `None` for none at all.
    pub errors: Option<ErrorBudget>,
    /// Bytes of the payload that its errors quote.
    pub quotes: usize,
}

/// What a router does with what it is to pass on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouterRule {
    /// It passes it on.
    #[default]
    Forward,
    /// It drops it without a word.
    Drop,
    /// It drops it, and says this ICMP type and code.
    Reject(u8, u8),
}

impl Router {
    /// A router without limits that speaks as a Linux host does.
    pub fn at(address: IpAddr) -> Self {
        Self {
            address,
            mtu: [u32::MAX; 2],
            fragments: true,
            rule: RouterRule::Forward,
            exceptions: HashMap::new(),
            errors: Some(ErrorBudget::unlimited()),
            quotes: QUOTED,
        }
    }

    /// The same with an MTU.
    #[must_use]
    pub fn with_mtu(self, mtu: u32) -> Self {
        self.with_mtus([mtu; 2])
    }

    /// The same with an MTU for each direction, out and back.
    #[must_use]
    pub fn with_mtus(self, mtu: [u32; 2]) -> Self {
        Self { mtu, ..self }
    }

    /// The same, without a word.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { errors: None, ..self }
    }

    /// The same with a rule of their own for datagrams to some ports.
    #[must_use]
    pub fn except(mut self, ports: impl IntoIterator<Item = (u16, RouterRule)>) -> Self {
        self.exceptions.extend(ports);
        self
    }

    /// The same with a rule.
    #[must_use]
    pub fn ruled(self, rule: RouterRule) -> Self {
        Self { rule, ..self }
    }

    pub(super) fn pass(&mut self, now: Nanos, way: Way, mut packet: Packet, emitted: &mut Emitted) {
        let is_v6 = packet.from.is_ipv6();
        if packet.ttl <= 1 {
            // Time exceeded (RFC 792, RFC 4443 §3.3).
            let kind = if is_v6 { (3, 0) } else { (11, 0) };
            return self.refuse(now, &packet, (kind, None), emitted);
        }
        packet.ttl -= 1;
        let rule = self.exceptions.get(&packet.to.port()).unwrap_or(&self.rule);
        match *rule {
            RouterRule::Forward => {}
            RouterRule::Drop => return,
            RouterRule::Reject(kind, code) => {
                return self.refuse(now, &packet, ((kind, code), None), emitted);
            }
        }
        let mtu = self.mtu[way as usize];
        if packet.fragment.unwrap_or(packet.ip_len()) > mtu {
            let may_fragment = packet.may_fragment && self.fragments && !is_v6;
            if !may_fragment {
                // Fragmentation needed (RFC 1191 §4), packet too big (RFC 4443 §3.2).
                let kind = if is_v6 { (2, 0) } else { (3, 4) };
                return self.refuse(now, &packet, (kind, Some(mtu)), emitted);
            }
            packet.fit(mtu);
        }
        emitted.on.push((now, packet));
    }

    fn refuse(
        &mut self,
        now: Nanos,
        packet: &Packet,
        (kind, mtu): ((u8, u8), Option<u32>),
        emitted: &mut Emitted,
    ) {
        let Some(budget) = &mut self.errors else { return };
        let error = Packet::error(packet, self.address, kind, mtu, self.quotes);
        if let Some(error) = error.filter(|_| budget.admits(now)) {
            emitted.back.push((now, error));
        }
    }
}

/// Routers that pass a packet to one another until its TTL is over.
#[derive(Clone, Debug)]
pub struct RoutingLoop {
    /// Them, in the order in which a packet meets them.
    pub routers: Vec<IpAddr>,
    /// What it takes from one to the next.
    pub hop_delay: Nanos,
}

impl RoutingLoop {
    pub(super) fn pass(&self, now: Nanos, way: Way, packet: Packet, emitted: &mut Emitted) {
        if way == Way::Back {
            emitted.on.push((now, packet));
            return;
        }
        let kind = if packet.from.is_ipv6() { (3, 0) } else { (11, 0) };
        let hops = u64::from(packet.ttl.max(1)) - 1;
        let router = self.routers[hops as usize % self.routers.len()];
        let at = now + Nanos(hops * self.hop_delay.0);
        let error = Packet::error(&packet, router, kind, None, QUOTED);
        emitted.back.extend(error.map(|error| (at, error)));
    }
}

/// How many ICMP errors a host or router sends: a credit of time, as Linux keeps it
/// (`inet_peer_xrlim_allow`). An error that is held back costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct ErrorBudget {
    /// Errors that may be sent at once.
    pub burst: u64,
    /// The time in which one more may be sent.
    pub refill: Nanos,
    sent: RateMeter,
}

impl ErrorBudget {
    /// So many at once, and one more each `refill`.
    pub fn new(burst: u64, refill: Nanos) -> Self {
        Self { burst, refill, sent: RateMeter::default() }
    }

    /// As many as wanted.
    pub fn unlimited() -> Self {
        Self::new(1, Nanos::ZERO)
    }

    /// What Linux sends: six at once, and one a second.
    pub fn linux() -> Self {
        Self::new(6, Nanos::from_secs(1))
    }

    /// The same, all spent just before `now`.
    #[must_use]
    pub fn spent(self, now: Nanos) -> Self {
        let sent = RateMeter::default().after(self.limit(), self.burst, now);
        Self { sent: sent.unwrap_or_default(), ..self }
    }

    fn limit(&self) -> RateLimit {
        RateLimit::with_burst(self.refill, self.burst)
    }

    /// Whether an error may be sent now.
    pub fn admits(&mut self, now: Nanos) -> bool {
        self.sent.admits(self.limit(), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netsim::Content;

    fn pass(router: &mut Router, packet: Packet) -> Emitted {
        let mut emitted = Emitted::default();
        router.pass(Nanos(5), Way::Out, packet, &mut emitted);
        emitted
    }

    fn packet(ttl: u8, len: usize) -> Packet {
        let addr = |text: &str| text.parse().unwrap();
        Packet { ttl, ..Packet::udp(addr("10.0.0.1:5"), addr("10.9.0.1:6"), vec![7; len]) }
    }

    fn said(emitted: &Emitted) -> Option<(u8, u8)> {
        assert_eq!(emitted.on.len() + emitted.back.len(), 1, "{emitted:?}");
        let (_, packet) = emitted.back.first()?;
        match &packet.content {
            Content::Icmp(icmp) => Some(icmp.kind),
            Content::Udp(_) => None,
        }
    }

    #[test]
    fn a_ttl_ends_at_the_router_that_counts_it_down_to_nothing() {
        let mut router = Router::at([10, 1, 0, 1].into());
        assert_eq!(said(&pass(&mut router, packet(1, 10))), Some((11, 0)));
        let passed = pass(&mut router, packet(2, 10));
        assert_eq!(passed.on[0].1.ttl, 1);
    }

    #[test]
    fn what_is_too_long_is_cut_or_refused_with_the_mtu() {
        let mut router = Router::at([10, 1, 0, 1].into()).with_mtu(1_280);
        assert_eq!(pass(&mut router, packet(9, 1_252)).on[0].1.pieces(), 1);
        let cut = pass(&mut router, packet(9, 1_253));
        assert_eq!((cut.on[0].1.fragment, cut.on[0].1.pieces()), (Some(1_280), 2));
        let whole = Packet { may_fragment: false, ..packet(9, 1_253) };
        let refused = pass(&mut router, whole.clone());
        assert_eq!(said(&refused), Some((3, 4)));
        let mut black_hole = router.silent();
        let dropped = pass(&mut black_hole, whole);
        assert!(dropped.on.is_empty() && dropped.back.is_empty());
    }

    #[test]
    fn a_loop_ends_at_the_router_where_the_ttl_does() {
        let routers = vec![[10, 1, 0, 1].into(), [10, 1, 0, 2].into()];
        let turns = RoutingLoop { routers, hop_delay: Nanos(10) };
        for (ttl, last, at) in [(1, 1, 5), (2, 2, 15), (255, 1, 2_545)] {
            let mut emitted = Emitted::default();
            turns.pass(Nanos(5), Way::Out, packet(ttl, 10), &mut emitted);
            assert_eq!(said(&emitted), Some((11, 0)));
            let (when, error) = &emitted.back[0];
            assert_eq!((*when, error.from.ip()), (Nanos(at), [10, 1, 0, last].into()));
        }
    }

    #[test]
    fn errors_keep_to_linuxs_limit() {
        let mut budget = ErrorBudget::linux();
        let tenths = (0..100).filter(|tenth| budget.admits(Nanos::from_millis(100 * tenth)));
        // Six at once, and one a second for the rest of ten seconds.
        assert_eq!(tenths.count(), 15);
        let mut unlimited = ErrorBudget::unlimited();
        assert!((0..100).all(|_| unlimited.admits(Nanos(1))));
    }
}
