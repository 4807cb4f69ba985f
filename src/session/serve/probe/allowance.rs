//! Rate limits for a remote agent's answers: per address and in total, for the client whose probe it
//! is and for the destination.
//!
//! An immediate answer is bounded by the request that it costs. Delayed answers, and further
//! answers to one request, are what an attacker could accumulate: their limits are much lower, and
//! apply when they are sent.

use crate::control::server::network;
use crate::pace::{RateLimit, RateMeter};
use crate::units::Nanos;
use std::collections::HashMap;
use std::net::IpAddr;

/// Limits of datagrams and of bytes.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    datagrams: RateLimit,
    bytes: RateLimit,
}

impl Allowance {
    /// The time per datagram and per byte, and how far ahead of these one may be.
    const fn new(datagram: Nanos, byte: Nanos, ahead: Nanos) -> Self {
        let datagrams = RateLimit::ahead_by(datagram, ahead);
        Self { datagrams, bytes: RateLimit::ahead_by(byte, ahead) }
    }
}

/// Immediate first answers to one address: 2,000 datagrams and 20 Mbit of payload a second, with a
/// burst of one second's worth. A train of `probe shape` has 1,000 a second by default; `probe mtu`
/// stays within 10 Mbit/s.
const AT_ONCE: Allowance = Allowance::new(Nanos::from_micros(500), Nanos(400), Nanos::from_secs(1));
/// The same in total: eight times as much.
const AT_ONCE_IN_ALL: Allowance = Allowance::new(Nanos(62_500), Nanos(50), Nanos::from_secs(1));
/// Delayed and further answers to one address: 200 datagrams and 2.4 Mbit a second, with a burst of
/// a third of a second's worth. `probe timeout` has two sockets for each idle time and 100 ms
/// between its answers; the finest refinement has 14 answers due within some milliseconds.
const LATER: Allowance = Allowance::new(Nanos::from_millis(5), Nanos(3_333), Nanos(333_333_333));
/// The same in total: ten times the rate and five times the burst.
const LATER_IN_ALL: Allowance =
    Allowance::new(Nanos::from_micros(500), Nanos(333), Nanos(166_666_666));
/// Addresses whose use is tracked.
const SOURCES: usize = 4_096;

/// When an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum When {
    /// Immediately, and the first to its request.
    AtOnce,
    /// Later, or after another answer to the same request.
    Later,
}

/// Whose limits an answer counts for.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Charged {
    /// The client whose probe it is.
    pub owner: IpAddr,
    /// The destination, if it is another.
    pub other: Option<IpAddr>,
}

/// Use of an allowance.
#[derive(Clone, Copy, Debug, Default)]
struct Meters {
    datagrams: RateMeter,
    bytes: RateMeter,
}

impl Meters {
    /// The meters after a datagram of `len` bytes; `None` if that exceeds a limit now.
    fn after(self, allowance: Allowance, len: usize, now: Nanos) -> Option<Self> {
        let datagrams = self.datagrams.after(allowance.datagrams, 1, now)?;
        let bytes = self.bytes.after(allowance.bytes, len as u64, now)?;
        Some(Self { datagrams, bytes })
    }

    fn is_idle(self, now: Nanos) -> bool {
        self.datagrams.is_idle(now) && self.bytes.is_idle(now)
    }
}

/// Both rates of one address, or of all.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    at_once: Meters,
    later: Meters,
}

/// Use of all limits of a server.
#[derive(Debug, Default)]
pub(in super::super) struct Limits {
    by_source: HashMap<IpAddr, Used>,
    all: Used,
}

impl Limits {
    /// Whether an answer of `len` bytes may be sent now; if so, it is counted for all of `charged`.
    pub fn takes(&mut self, when: When, charged: Charged, len: usize, now: Nanos) -> bool {
        let (each, in_all) = match when {
            When::AtOnce => (AT_ONCE, AT_ONCE_IN_ALL),
            When::Later => (LATER, LATER_IN_ALL),
        };
        let after = |used: &Used, rate: Allowance| {
            let mut used = *used;
            let meter = used.of(when);
            *meter = meter.after(rate, len, now)?;
            Some(used)
        };
        let Some(all) = after(&self.all, in_all) else { return false };
        let mut changed = [None; 2];
        let sources = [Some(charged.owner), charged.other].into_iter().flatten();
        for (source, slot) in sources.zip(&mut changed) {
            let source = network(source);
            let known = self.by_source.get(&source).copied();
            if known.is_none() && !self.has_room(now) {
                return false;
            }
            let Some(used) = after(&known.unwrap_or_default(), each) else { return false };
            *slot = Some((source, used));
        }
        self.all = all;
        self.by_source.extend(changed.into_iter().flatten());
        true
    }

    /// Whether two more addresses can be tracked.
    fn has_room(&mut self, now: Nanos) -> bool {
        if self.by_source.len() + 2 > SOURCES {
            self.forget(now);
        }
        self.by_source.len() + 2 <= SOURCES
    }

    /// Drops addresses that use nothing now.
    pub(in super::super) fn forget(&mut self, now: Nanos) {
        self.by_source.retain(|_, used| !(used.at_once.is_idle(now) && used.later.is_idle(now)));
    }
}

impl Used {
    fn of(&mut self, when: When) -> &mut Meters {
        match when {
            When::AtOnce => &mut self.at_once,
            When::Later => &mut self.later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(owner: IpAddr) -> Charged {
        Charged { owner, other: None }
    }

    fn host(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn a_burst_may_leave_at_once_and_then_the_rate_holds() {
        use When::{AtOnce, Later};
        for (when, len, at_once, a_second) in [
            (AtOnce, 64, 2_000, 2_000),
            (AtOnce, 10_000, 250, 250),
            (Later, 64, 66, 200),
            (Later, 3_000, 33, 100),
        ] {
            let mut limits = Limits::default();
            let start = Nanos::from_secs(10);
            let burst = (0..5_000).filter(|_| limits.takes(when, of(host(1)), len, start)).count();
            assert_eq!(burst, at_once, "{when:?}, {len} bytes");
            let later = (0..100_000u64)
                .map(|step| start + Nanos::from_micros(100 * step))
                .filter(|at| limits.takes(when, of(host(1)), len, *at))
                .count();
            // Ten seconds of requesting more than allowed.
            assert!((10 * a_second - 1..=10 * a_second + 1).contains(&later), "{later}");
        }
    }

    #[test]
    fn neither_many_addresses_nor_many_of_a_network_get_more_than_all_may() {
        let start = Nanos::from_secs(10);
        for (when, of_all) in [(When::AtOnce, 16_000), (When::Later, 333)] {
            let mut limits = Limits::default();
            let sources = (0..200).map(host);
            let taken = |limits: &mut Limits, source: IpAddr| {
                (0..3_000).filter(|_| limits.takes(when, of(source), 64, start)).count()
            };
            let sum: usize = sources.map(|source| taken(&mut limits, source)).sum();
            assert_eq!(sum, of_all, "{when:?}");
            let mut limits = Limits::default();
            let network = (0..100).map(|n| format!("2001:db8:0:1::{n:x}").parse().unwrap());
            let sum: usize = network.map(|source| taken(&mut limits, source)).sum();
            assert_eq!(sum, if when == When::AtOnce { 2_000 } else { 66 });
        }
    }

    #[test]
    fn an_answer_counts_for_whose_it_is_and_for_where_it_goes() {
        let (mut limits, now) = (Limits::default(), Nanos::from_secs(1));
        let to = |limits: &mut Limits, owner: u8, dest: u8| {
            let charged = Charged { owner: host(owner), other: Some(host(dest)) };
            (0..500).filter(|_| limits.takes(When::Later, charged, 64, now)).count()
        };
        assert_eq!(to(&mut limits, 1, 9), 66);
        assert_eq!(to(&mut limits, 2, 9), 0, "whoever else asks for it");
        assert_eq!(to(&mut limits, 1, 8), 0, "whomever else it is for");
        assert_eq!(to(&mut limits, 2, 8), 66);
    }

    #[test]
    fn memory_is_bounded_and_who_is_idle_makes_room() {
        let (mut limits, now) = (Limits::default(), Nanos::from_secs(1));
        let source = |number: u32| IpAddr::V4(number.into());
        for number in 0..20_000 {
            limits.takes(When::AtOnce, of(source(number)), 64, now + Nanos(u64::from(number)));
        }
        assert!(limits.by_source.len() <= SOURCES);
        assert!(limits.takes(When::AtOnce, of(source(1 << 20)), 64, now + Nanos::from_secs(2)));
        assert_eq!(limits.by_source.len(), 1);
    }
}
