//! What the hosts that answer say, and what the named one does not.

use super::super::Names;
use super::probe::{BY_UNICAST, Echo};
use crate::record::{CheckAnswer, CheckFar};
use crate::units::Nanos;
use std::net::{IpAddr, SocketAddr};

/// Hosts that are told apart.
const HOSTS_MAX: usize = 64;

/// One host that heard the group.
struct Host {
    address: IpAddr,
    way: u8,
    answers: u64,
    ttl_least: u8,
    hops: Option<u8>,
    round_trip: Nanos,
}

/// Everybody who answered.
#[derive(Default)]
pub(super) struct Answers {
    hosts: Vec<Host>,
}

impl Answers {
    /// An answer to a probe that went to the group; whether the host is a new one.
    pub fn observe(&mut self, address: IpAddr, echo: &Echo, round_trip: Nanos) -> bool {
        let hops = echo.ttl.map(|ttl| echo.probe.ttl.saturating_sub(ttl));
        let same = |host: &&mut Host| host.address == address && host.way == echo.probe.way;
        if let Some(host) = self.hosts.iter_mut().find(same) {
            host.answers += 1;
            host.ttl_least = host.ttl_least.min(echo.probe.ttl);
            host.hops = hops.or(host.hops);
            host.round_trip = host.round_trip.min(round_trip);
            return false;
        }
        if self.hosts.len() == HOSTS_MAX {
            return false;
        }
        let Echo { probe, .. } = echo;
        let (way, ttl_least) = (probe.way, probe.ttl);
        self.hosts.push(Host { address, way, answers: 1, ttl_least, hops, round_trip });
        true
    }

    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// As facts; `ways` names the interfaces.
    pub fn record(&self, ways: &[String]) -> Vec<CheckAnswer> {
        let one = |host: &Host| CheckAnswer {
            address: host.address.to_string(),
            interface: ways.get(usize::from(host.way)).cloned().unwrap_or_default(),
            group_answers: host.answers,
            ttl_least: host.ttl_least,
            hops: host.hops,
            rtt_min_ns: host.round_trip.as_u64(),
        };
        self.hosts.iter().map(one).collect()
    }
}

/// The far end that was named.
pub(super) struct Far {
    pub addr: SocketAddr,
    told: CheckFar,
    /// Since the join: the last answer to the group, and by unicast.
    pub group_last: Option<Nanos>,
    pub unicast_last: Option<Nanos>,
    /// How old its membership was at the last answer to the group.
    pub membership: Option<Nanos>,
}

impl Far {
    pub fn new(addr: SocketAddr) -> Self {
        let told = CheckFar::default();
        Self { addr, told, group_last: None, unicast_last: None, membership: None }
    }

    /// A probe left, by unicast to it or to the group.
    pub fn sent(&mut self, way: u8) {
        if way == BY_UNICAST {
            self.told.unicast_sent += 1;
            self.told.asked += 1;
        } else {
            self.told.group_sent += 1;
        }
    }

    /// It answered, by unicast, `at` this long after the join.
    pub fn answered(&mut self, echo: &Echo, at: Nanos) {
        let hops = echo.ttl.map(|ttl| echo.probe.ttl.saturating_sub(ttl));
        if echo.by_group {
            self.told.group_back += 1;
            let least = self.told.ttl_least.unwrap_or(u8::MAX);
            self.told.ttl_least = Some(least.min(echo.probe.ttl));
            self.group_last = Some(at);
            self.membership = Some(echo.member);
        } else {
            self.told.unicast_back += 1;
            self.told.unicast_hops = hops.or(self.told.unicast_hops);
            self.unicast_last = Some(at);
        }
    }

    /// What it sent to the group came.
    pub fn heard(&mut self) {
        self.told.heard += 1;
    }

    /// The network answered in its place.
    pub fn unreachable(&mut self, why: String) {
        self.told.unreachable = Some(why);
    }

    pub fn record(&self, names: &Names) -> CheckFar {
        CheckFar { address: names.address(self.addr), ..self.told.clone() }
    }
}
