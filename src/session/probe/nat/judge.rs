//! Derives what is known from the answers, the evidence for it, and what remains unknown.

use super::NatSession;
use super::stun_question::Ask;
use crate::record::probe::{
    AddressUnknown, Dependence, Hairpin, NatQuestion, NatReport, NatSocket, NatTest, NatUnknown,
    PortChoice,
};
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::Nanos;
use crate::wire::stun::ChangeRequest;
use std::net::{IpAddr, SocketAddr};

/// Ports count as sequential with up to this many others in between for each socket.
const NEXT_TO: u32 = 4;

const BOTH: ChangeRequest = ChangeRequest { address: true, port: true };
const ADDRESS: ChangeRequest = ChangeRequest { address: true, port: false };
const PORT: ChangeRequest = ChangeRequest { address: false, port: true };

/// The report of a finished run.
pub(super) fn report(session: NatSession, duration: Nanos) -> NatReport {
    let found = Found::of(&session);
    let findings = found.findings(&session);
    let means = found.means();
    let sockets = sockets(&session);
    let plain: Vec<&Ask> =
        session.asks.iter().filter(|ask| !ask.change.is_any() && ask.answered > 0).collect();
    NatReport {
        target: session.plan.server.into(),
        other: session.other.map(Into::into),
        findings,
        answered: found.seen.is_some(),
        nat: found.nat,
        mapping: found.mapping,
        filtering: found.filtering,
        ports: found.ports,
        addresses: found.addresses,
        hairpin: found.hairpin,
        means,
        unknown: found.unknown,
        sent: plain.iter().map(|ask| u64::from(ask.sent)).sum(),
        back: plain.iter().map(|ask| u64::from(ask.answered)).sum(),
        copies: session.asks.iter().map(|ask| u64::from(ask.copies)).sum(),
        tests: session.asks.iter().map(|ask| test(ask, &session)).collect(),
        sockets,
        network_errors: session.errors.into_kinds(),
        interrupted: session.stopped,
        duration_ns: duration.0,
    }
}

fn sockets(session: &NatSession) -> Vec<NatSocket> {
    let each = session.plan.locals.iter().enumerate();
    each.map(|(index, local)| {
        let seen = session.seen_by_server(index);
        let port_kept = seen.map(|seen| seen.port() == local.port());
        NatSocket { local: (*local).into(), seen: seen.map(Into::into), port_kept }
    })
    .collect()
}

fn test(ask: &Ask, session: &NatSession) -> NatTest {
    NatTest {
        about: ask.about,
        socket: Some(ask.socket).filter(|socket| *socket < session.plan.locals.len()),
        to: ask.to.into(),
        answer_from: ask.answer_from(session.other).into(),
        sent: ask.sent,
        refused: ask.refused,
        answered: ask.answered,
        seen: ask.seen.map(Into::into),
        round_trip_ns: ask.round_trip.map(Nanos::as_u64),
        instead: ask.instead.clone(),
    }
}

/// What is known.
pub(super) struct Found {
    /// Socket 0's local address, and as the server saw it.
    pub local: SocketAddr,
    pub seen: Option<SocketAddr>,
    pub nat: Option<bool>,
    pub mapping: Option<Dependence>,
    pub filtering: Option<Dependence>,
    pub ports: Option<PortChoice>,
    pub addresses: Vec<IpAddr>,
    pub hairpin: Option<Hairpin>,
    /// Evidence of a relay in front of the contacted address.
    pub relay: Option<RelaySign>,
    pub unknown: Vec<NatUnknown>,
}

impl Found {
    fn of(session: &NatSession) -> Self {
        let local = session.plan.locals[0];
        let pairs: Vec<(SocketAddr, SocketAddr)> = session
            .plan
            .locals
            .iter()
            .enumerate()
            .filter_map(|(index, local)| Some((*local, session.seen_by_server(index)?)))
            .collect();
        let seen = session.seen_by_server(0);
        let nat = (!pairs.is_empty()).then(|| pairs.iter().any(|(local, seen)| local != seen));
        let mut addresses = Vec::new();
        for (_, seen) in &pairs {
            if !addresses.contains(&seen.ip()) {
                addresses.push(seen.ip());
            }
        }
        let mut found = Self {
            local,
            seen,
            nat,
            mapping: None,
            filtering: None,
            ports: None,
            addresses,
            hairpin: None,
            relay: None,
            unknown: Vec::new(),
        };
        if nat.is_none() {
            return found;
        }
        if nat == Some(true) {
            found.relay = relay_sign(session, &found.addresses);
        }
        match found.relay {
            // What a relay shows of itself says nothing about a NAT.
            Some(RelaySign::SeenUnchangedBehind(_)) => found.nat = Some(false),
            Some(_) => {
                found.nat = None;
                found.miss(NatUnknown::NatBeforeRelay);
            }
            None => {}
        }
        if found.relay.is_some() {
            found.miss(NatUnknown::FilteringBehindRelay);
            return found;
        }
        if found.nat == Some(true) {
            found.ports = Some(port_choice(&pairs));
            found.find_mapping(session);
        }
        found.find_filtering(session);
        found.find_hairpin(session);
        found
    }

    fn miss(&mut self, what: NatUnknown) {
        self.unknown.push(what);
    }

    /// Mapping tests of RFC 5780 §4.3; the server's other port is also tested on its own.
    fn find_mapping(&mut self, session: &NatSession) {
        let Some(first) = self.seen else {
            return self.miss(NatUnknown::MappingFirstUnanswered);
        };
        let server = session.plan.server;
        let Some(other) = session.other else { return self.map_by_second(session, first) };
        let seen_by = |to: SocketAddr| {
            let asked =
                session.asks.iter().find(|ask| ask.about == NatQuestion::Mapping && ask.to == to);
            asked.and_then(|ask| ask.seen)
        };
        let at = |ip: SocketAddr, port: SocketAddr| {
            let mut at = ip;
            at.set_port(port.port());
            seen_by(at)
        };
        if other.ip() == server.ip() {
            self.mapping = at(server, other).map(|seen| {
                if seen == first {
                    Dependence::EndpointIndependentOrAddressDependent
                } else {
                    Dependence::AddressAndPortDependent
                }
            });
            return match self.mapping {
                None => self.miss(NatUnknown::MappingUnanswered { address: other.into() }),
                Some(Dependence::AddressAndPortDependent) => {}
                Some(_) => self.miss(NatUnknown::MappingByAddress),
            };
        }
        let (port, address, both) = (at(server, other), at(other, server), seen_by(other));
        self.mapping = match (port, address, both) {
            (Some(port), _, _) if port != first => Some(Dependence::AddressAndPortDependent),
            (_, _, Some(both)) if both == first => Some(Dependence::EndpointIndependent),
            (Some(_), Some(address), _) if address == first => {
                Some(Dependence::EndpointIndependent)
            }
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Some(Dependence::AddressDependent),
            (None, Some(address), Some(both)) if address == both => {
                Some(Dependence::AddressDependent)
            }
            (None, Some(_), Some(_)) => Some(Dependence::AddressAndPortDependent),
            (Some(_), None, None) => Some(Dependence::EndpointIndependentOrAddressDependent),
            (None, Some(address), None) if address != first => {
                Some(Dependence::AddressDependentOrAddressAndPortDependent)
            }
            (None, None, Some(_)) => Some(Dependence::AddressDependentOrAddressAndPortDependent),
            (None, _, None) => None,
        };
        if port.is_none() || address.is_none() || both.is_none() {
            self.miss(NatUnknown::MappingInPart { other: other.into() });
        }
    }

    /// Compares what two independent servers saw.
    fn map_by_second(&mut self, session: &NatSession, first: SocketAddr) {
        let server = session.plan.server;
        let Some(second) = session.plan.second.filter(|second| second.ip() != server.ip()) else {
            return self.miss(NatUnknown::MappingOneAddress);
        };
        let mut asked = session.asks.iter().filter(|ask| ask.about == NatQuestion::Mapping);
        match asked.find(|ask| ask.to == second).and_then(|ask| ask.seen) {
            None => self.miss(NatUnknown::MappingUnanswered { address: second.into() }),
            Some(seen) if seen == first => self.mapping = Some(Dependence::EndpointIndependent),
            Some(_) => {
                self.mapping = Some(Dependence::AddressDependentOrAddressAndPortDependent);
                self.miss(NatUnknown::MappingByPort);
            }
        }
    }

    /// Filtering tests of RFC 5780 §4.4.
    fn find_filtering(&mut self, session: &NatSession) {
        let Some(other) = session.other else {
            return self.miss(if self.seen.is_none() {
                NatUnknown::FilteringFirstUnanswered
            } else {
                NatUnknown::FilteringOneAddress
            });
        };
        let plain = |to: SocketAddr| {
            session
                .asks
                .iter()
                .any(|ask| ask.about == NatQuestion::Mapping && ask.to == to && ask.answered > 0)
        };
        let alive = !session.stopped
            && session.asks.iter().any(|ask| ask.about == NatQuestion::Control && ask.answered > 0);
        let (control, questions) = (session.control(), session.filtering_questions());
        let mut by_chance = false;
        // Whether an answer arrived; `None` if its absence would prove nothing.
        let mut passes = |change: ChangeRequest| {
            let asked = session
                .asks
                .iter()
                .find(|ask| ask.about == NatQuestion::Filtering && ask.change == change)?;
            let from = asked.answer_from(Some(other));
            match asked.answered {
                0 if !alive || asked.instead.is_some() || !plain(from) => None,
                0 => {
                    let told = is_beyond_chance(asked.sample(), control, questions);
                    by_chance |= !told;
                    told.then_some(false)
                }
                _ => Some(true),
            }
        };
        let (both, address, port) = (passes(BOTH), passes(ADDRESS), passes(PORT));
        let elsewhere = if address == Some(true) { address } else { both.or(address) };
        self.filtering = match (elsewhere, port) {
            (Some(true), _) => Some(Dependence::EndpointIndependent),
            (Some(false), Some(true)) => Some(Dependence::AddressDependent),
            // A filter that blocks another port of the same address also blocks other addresses.
            (_, Some(false)) => Some(Dependence::AddressAndPortDependent),
            (None, Some(true)) => Some(Dependence::EndpointIndependentOrAddressDependent),
            (Some(false), None) => Some(Dependence::AddressDependentOrAddressAndPortDependent),
            (None, None) => None,
        };
        self.miss_filtering(session, other, (alive, by_chance));
    }

    /// What of the filtering stays unknown, and why; `alive` is whether the path carried anything,
    /// `by_chance` whether a silence may be loss.
    fn miss_filtering(
        &mut self,
        session: &NatSession,
        other: SocketAddr,
        (alive, by_chance): (bool, bool),
    ) {
        match self.filtering {
            None => {
                let refused = session.asks.iter().find_map(|ask| {
                    (ask.about == NatQuestion::Filtering).then(|| ask.instead.clone()).flatten()
                });
                self.miss(match refused {
                    Some(answer) => NatUnknown::FilteringRefused { answer },
                    None if by_chance => too_lossy(session),
                    None if session.stopped => NatUnknown::FilteringInterrupted,
                    None if !alive => NatUnknown::FilteringPathSilent,
                    None => NatUnknown::FilteringOtherSilent { other: other.into() },
                });
            }
            Some(Dependence::EndpointIndependentOrAddressDependent) => {
                let reason = match other.ip() == session.plan.server.ip() {
                    true => AddressUnknown::OneAddress,
                    false if by_chance => AddressUnknown::Chance,
                    false => AddressUnknown::OtherSilent,
                };
                self.miss(NatUnknown::FilteringByAddress { reason });
            }
            Some(Dependence::AddressDependentOrAddressAndPortDependent) => {
                self.miss(NatUnknown::FilteringByPort);
            }
            Some(_) => {}
        }
    }

    fn find_hairpin(&mut self, session: &NatSession) {
        if !session.asks.iter().any(|ask| ask.about == NatQuestion::Hairpin) {
            if session.plan.hairpin && self.nat == Some(true) {
                self.miss(NatUnknown::HairpinNoAddress);
            }
            return;
        }
        let inside = session.plan.locals[0].ip();
        self.hairpin = Some(match session.hairpin_from {
            None => Hairpin::Fails,
            Some(from) if from.ip() == inside => Hairpin::WorksFromInside,
            Some(_) => Hairpin::Works,
        });
        if self.hairpin == Some(Hairpin::Fails) && session.stopped {
            self.hairpin = None;
            self.miss(NatUnknown::HairpinInterrupted);
        }
    }
}

/// Evidence that the contacted address forwards to another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelaySign {
    /// The server says that it was contacted at another address, and when contacted there directly
    /// it sees this host's own address and port.
    SeenUnchangedBehind(SocketAddr),
    /// The server sees requests come from the very address that was contacted.
    SeenAsTheOneAsked,
    /// The server says that it was contacted at another address.
    AnswersAs(SocketAddr),
}

fn relay_sign(session: &NatSession, seen: &[IpAddr]) -> Option<RelaySign> {
    let (server, locals) = (session.plan.server, &session.plan.locals);
    if seen.contains(&server.ip()) && !locals.iter().any(|local| local.ip() == server.ip()) {
        return Some(RelaySign::SeenAsTheOneAsked);
    }
    let told = session.origin.filter(|origin| !origin.ip().is_unspecified());
    let origin = told.filter(|told| (told.ip(), told.port()) != (server.ip(), server.port()))?;
    let unchanged = session.asks.iter().find(|ask| {
        let local = locals.get(ask.socket);
        ask.about == NatQuestion::Mapping
            && ask.to.ip() == origin.ip()
            && ask.seen.as_ref() == local
    });
    if let Some(ask) = unchanged {
        return Some(RelaySign::SeenUnchangedBehind(ask.to));
    }
    // A public server behind port forwarding also says so; a packet from a private to a public
    // address has passed a NAT in any case.
    let translated = is_inner(locals[0].ip()) && !is_inner(server.ip());
    (!translated).then_some(RelaySign::AnswersAs(origin))
}

/// Whether an address is not globally routable (RFC 1918, RFC 6598, RFC 4193, link-local).
fn is_inner(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xC0 == 64;
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

/// The lost plain requests, as the reason why something is unknown.
fn too_lossy(session: &NatSession) -> NatUnknown {
    let LossSample { sent, lost } = session.control();
    match lost {
        0 => NatUnknown::FilteringTooFewTries { sent },
        _ => NatUnknown::FilteringLossy { lost, sent },
    }
}

/// How a NAT chose ports, given the sockets in the order of their requests.
fn port_choice(pairs: &[(SocketAddr, SocketAddr)]) -> PortChoice {
    let kept = pairs.iter().filter(|(local, seen)| local.port() == seen.port()).count();
    if kept == pairs.len() {
        return PortChoice::Kept;
    }
    if kept > 0 {
        return PortChoice::KeptForSome;
    }
    if pairs.len() < 2 {
        return PortChoice::Changed;
    }
    let ports = || pairs.iter().map(|(_, seen)| u32::from(seen.port()));
    let span = ports().max().unwrap_or(0) - ports().min().unwrap_or(0);
    if span <= NEXT_TO * pairs.len() as u32 { PortChoice::Sequential } else { PortChoice::Random }
}

#[cfg(test)]
mod tests {
    use super::super::{NatPlan, RunId};
    use super::*;
    use crate::machine::Now;
    use crate::record::probe::NatVerdict;

    fn choice(ports: &[(u16, u16)]) -> PortChoice {
        let pair = |(local, seen): &(u16, u16)| {
            let at = |ip: [u8; 4], port: u16| SocketAddr::from((ip, port));
            (at([10, 0, 0, 1], *local), at([192, 0, 2, 1], *seen))
        };
        port_choice(&ports.iter().map(pair).collect::<Vec<_>>())
    }

    /// A run in which the server, contacted at `server`, saw every socket at `seen` and said that
    /// it was contacted at `origin`, and a server at `behind` saw socket 0 unchanged.
    fn through(server: &str, seen: &str, origin: &str, behind: Option<&str>) -> NatReport {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let plan = NatPlan {
            server: at(server),
            second: None,
            locals: vec![at("10.1.0.2:4000"), at("10.1.0.2:4001")],
            tries: 1,
            wait: Nanos(1),
            hairpin: false,
            run: RunId::default(),
        };
        let mut session = NatSession::new(plan);
        let now = Now::default();
        session.start(now);
        session.asks.iter_mut().for_each(|ask| {
            ask.went(now);
            ask.take(0, at(seen), now);
        });
        session.origin = Some(at(origin));
        if let Some(behind) = behind {
            session.put(NatQuestion::Mapping, 0, at(behind), ChangeRequest::default());
            let ask = session.asks.last_mut().unwrap();
            ask.went(now);
            ask.take(0, at("10.1.0.2:4000"), now);
        }
        report(session, Nanos(1))
    }

    #[test]
    fn a_relay_before_the_server_is_never_called_a_nat() {
        let proxy = "10.1.0.1:7777";
        let unchanged = through(proxy, "10.2.0.1:30000", "10.2.0.2:8620", Some("10.2.0.2:8621"));
        assert_eq!(
            (unchanged.nat, unchanged.filtering, unchanged.ports),
            (Some(false), None, None)
        );
        let behind = NatVerdict::NoNatBehindRelay {
            server: proxy.parse().unwrap(),
            behind: "10.2.0.2".parse().unwrap(),
        };
        assert_eq!(unchanged.findings.verdict, behind);
        for (seen, behind) in [("10.2.0.1:30000", None), ("10.1.0.1:30000", Some("10.9.0.2:8621"))]
        {
            let report = through(proxy, seen, "10.2.0.2:8620", behind);
            assert_eq!((report.nat, report.filtering), (None, None));
            let server = proxy.parse().unwrap();
            assert_eq!(report.findings.verdict, NatVerdict::RelayOrNat { server });
            assert_eq!((report.means, report.unknown.len()), (None, 2));
        }
        // Its own address was translated on the way to a public one, whatever is in front of the
        // server.
        let outer = through("198.51.100.1:8620", "203.0.113.7:30000", "10.9.0.2:8620", None);
        assert_eq!(outer.nat, Some(true));
        let plain = through("10.2.0.2:8620", "10.2.0.1:30000", "10.2.0.2:8620", None);
        assert_eq!(plain.nat, Some(true));
    }

    #[test]
    fn ports_are_kept_in_a_row_or_random() {
        assert_eq!(choice(&[(5, 5), (9, 9)]), PortChoice::Kept);
        assert_eq!(choice(&[(5, 5), (9, 1024)]), PortChoice::KeptForSome);
        assert_eq!(choice(&[(5, 1024)]), PortChoice::Changed);
        assert_eq!(choice(&[(5, 1024), (9, 1025), (7, 1026), (3, 1028)]), PortChoice::Sequential);
        assert_eq!(choice(&[(5, 1028), (9, 1026), (7, 1024), (3, 1030)]), PortChoice::Sequential);
        assert_eq!(choice(&[(5, 2024), (9, 61025), (7, 31026), (3, 11028)]), PortChoice::Random);
    }
}
