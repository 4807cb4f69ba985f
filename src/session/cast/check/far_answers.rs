//! Answers of all hosts, and what the named far end did not answer.

use super::first_copies::FirstCopies;
use super::probe::{BY_UNICAST, Echo};
use crate::batch::{LocalSendFailure, NetworkError};
use crate::record::{CheckAnswer, CheckSince, RemoteEnd};
use crate::units::{Endpoint, Nanos};
use std::net::{IpAddr, SocketAddr};

/// Maximum hosts kept apart.
const HOSTS_MAX: usize = 64;

/// One host that received the group.
struct Host {
    address: IpAddr,
    way: u8,
    answers: u64,
    ttl_least: u8,
    hops: Option<u8>,
    round_trip: Option<Nanos>,
    seen: FirstCopies,
}

/// All hosts that answered.
#[derive(Default)]
pub(super) struct Answers {
    hosts: Vec<Host>,
}

impl Answers {
    /// Records an answer to a probe sent to the group; returns whether the host is new.
    pub fn observe(&mut self, address: IpAddr, echo: &Echo, round_trip: Option<Nanos>) -> bool {
        let hops = echo.ttl.map(|ttl| echo.probe.ttl.saturating_sub(ttl));
        let same = |host: &&mut Host| host.address == address && host.way == echo.probe.way;
        if let Some(host) = self.hosts.iter_mut().find(same) {
            host.answers += u64::from(host.seen.is_first(echo.probe.sequence));
            host.ttl_least = host.ttl_least.min(echo.probe.ttl);
            host.hops = hops.or(host.hops);
            host.round_trip = host.round_trip.into_iter().chain(round_trip).min();
            return false;
        }
        if self.hosts.len() == HOSTS_MAX {
            return false;
        }
        let Echo { probe, .. } = echo;
        let (way, ttl_least) = (probe.way, probe.ttl);
        let mut seen = FirstCopies::default();
        seen.is_first(probe.sequence);
        self.hosts.push(Host { address, way, answers: 1, ttl_least, hops, round_trip, seen });
        true
    }

    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The answers as data; `ways` names the interfaces.
    pub fn record(&self, ways: &[String]) -> Vec<CheckAnswer> {
        let one = |host: &Host| CheckAnswer {
            address: host.address.to_string(),
            interface: ways.get(usize::from(host.way)).cloned().unwrap_or_default(),
            group_answers: host.answers,
            ttl_least: host.ttl_least,
            hops: host.hops,
            rtt_min_ns: host.round_trip.map(Nanos::as_u64),
        };
        self.hosts.iter().map(one).collect()
    }
}

/// Probes sent to the group on one interface with one TTL, and the far end's answers.
#[derive(Clone, Copy)]
struct Step {
    way: u8,
    ttl: u8,
    sent: u64,
    back: u64,
}

/// Probes and answers in a period.
#[derive(Clone, Default)]
struct Counts {
    steps: Vec<Step>,
    unicast_sent: u64,
    unicast_back: u64,
}

impl Counts {
    fn step(&mut self, way: u8, ttl: u8) -> &mut Step {
        let known = self.steps.iter().position(|step| (step.way, step.ttl) == (way, ttl));
        let index = known.unwrap_or_else(|| {
            self.steps.push(Step { way, ttl, sent: 0, back: 0 });
            self.steps.len() - 1
        });
        &mut self.steps[index]
    }

    /// Probes to the group whose TTL is large enough by the hop count of unicast, and answers to
    /// them: of the interface with the most answers, or else of the one with the fewest probes. If
    /// the hop count is unknown, the largest TTL counts.
    fn in_reach(&self, hops: Option<u8>) -> (u64, u64) {
        let largest = self.steps.iter().map(|step| step.ttl).max().unwrap_or(0);
        let reaches = |step: &&Step| hops.map_or(step.ttl == largest, |hops| step.ttl > hops);
        let mut ways: Vec<u8> = self.steps.iter().map(|step| step.way).collect();
        ways.sort_unstable();
        ways.dedup();
        let of = |way: &u8| {
            let steps = self.steps.iter().filter(|step| step.way == *way).filter(reaches);
            steps.fold((0, 0), |(sent, back), step| (sent + step.sent, back + step.back))
        };
        let best = ways.iter().map(of).min_by_key(|(sent, back)| (u64::MAX - back, *sent));
        best.unwrap_or_default()
    }
}

/// The named far end.
pub(super) struct FarEndAnswers {
    pub addr: SocketAddr,
    told: RemoteEnd,
    all: Counts,
    /// Counts since its last answer to a group probe.
    since: Counts,
    by_group: FirstCopies,
    by_unicast: FirstCopies,
    to_group: FirstCopies,
    /// Time since the join of the last answer: to a group probe, and by unicast.
    pub group_last: Option<Nanos>,
    pub unicast_last: Option<Nanos>,
    /// Age of its membership at its last answer to a group probe.
    pub membership: Option<Nanos>,
}

impl FarEndAnswers {
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            told: RemoteEnd::default(),
            all: Counts::default(),
            since: Counts::default(),
            by_group: FirstCopies::default(),
            by_unicast: FirstCopies::default(),
            to_group: FirstCopies::default(),
            group_last: None,
            unicast_last: None,
            membership: None,
        }
    }

    /// A probe was sent, to the far end by unicast or to the group with this TTL.
    pub fn sent(&mut self, way: u8, ttl: u8) {
        for counts in [&mut self.all, &mut self.since] {
            if way == BY_UNICAST {
                counts.unicast_sent += 1;
            } else {
                counts.step(way, ttl).sent += 1;
            }
        }
        if way == BY_UNICAST {
            self.told.unicast_sent += 1;
        } else {
            self.told.group_sent += 1;
        }
    }

    /// It was asked to answer to the group.
    pub fn asked(&mut self) {
        self.told.asked += 1;
    }

    /// This host refused to send it a unicast probe.
    pub fn refused(&mut self, errno: i32) {
        self.told.refused += 1;
        self.told.refusal = Some(LocalSendFailure::from_errno(errno, self.addr));
    }

    /// It answered by unicast, `at` this time after the join.
    pub fn answered(&mut self, echo: &Echo, at: Nanos) {
        let hops = echo.ttl.map(|ttl| echo.probe.ttl.saturating_sub(ttl));
        let probe = &echo.probe;
        if echo.by_group {
            if !self.by_group.is_first(probe.sequence) {
                return;
            }
            self.told.group_back += 1;
            self.all.step(probe.way, probe.ttl).back += 1;
            self.since = Counts::default();
            let least = self.told.ttl_least.unwrap_or(u8::MAX);
            self.told.ttl_least = Some(least.min(probe.ttl));
            self.group_last = Some(at);
            self.membership = Some(echo.member);
        } else if self.by_unicast.is_first(probe.sequence) {
            self.told.unicast_back += 1;
            // The answer to a question sent before the last group answer may come after it.
            self.since.unicast_back = self.since.unicast_sent.min(self.since.unicast_back + 1);
            self.told.unicast_hops = hops.or(self.told.unicast_hops);
            self.unicast_last = Some(at);
        }
    }

    /// Its datagram to the group arrived.
    pub fn heard(&mut self, sequence: u32) {
        self.told.heard += u64::from(self.to_group.is_first(sequence));
    }

    /// The network reported it unreachable.
    pub fn unreachable(&mut self, error: &NetworkError) {
        self.told.unreachable = Some(error.notice());
    }

    /// Probes and answers since its last answer to a group probe.
    pub fn since(&self) -> CheckSince {
        CheckSince {
            group_sent: self.since.in_reach(self.told.unicast_hops).0,
            unicast_sent: self.since.unicast_sent,
            unicast_back: self.since.unicast_back,
        }
    }

    pub fn record(&self) -> RemoteEnd {
        let in_reach = self.all.in_reach(self.told.unicast_hops);
        RemoteEnd {
            address: Endpoint::from(self.addr).to_string(),
            group_in_reach_sent: in_reach.0,
            group_in_reach_back: in_reach.1,
            ..self.told.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::Probe;
    use super::*;

    #[test]
    fn an_answer_stamped_before_its_probe_has_no_round_trip() {
        let sent = Nanos(9);
        let probe = Probe { tag: 7, sequence: 1, sent, ttl: 1, way: 0, back: false };
        let echo = Echo { probe, by_group: true, to_group: false, ttl: None, member: Nanos(5) };
        let mut answers = Answers::default();
        let host = IpAddr::from([10, 0, 0, 2]);
        assert!(answers.observe(host, &echo, Nanos(3).checked_since(sent)));
        assert_eq!(answers.record(&[])[0].rtt_min_ns, None);
        answers.observe(host, &echo, Some(Nanos(40)));
        answers.observe(host, &echo, None);
        assert_eq!(answers.record(&[])[0].rtt_min_ns, Some(40));
    }
}
