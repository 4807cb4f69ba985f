//! ECN fields of what arrived: how often a class of datagrams was marked, and how long it waited.

use super::{EcnCounts, StreamCounts};
use crate::wire::Ecn;
use serde::{Serialize, Serializer};
use std::cmp::Reverse;
use std::fmt::Display;

/// For serde: the name of a field, as it is typed.
fn name<T: Display, S: Serializer>(ecn: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(ecn)
}

fn names<S: Serializer>(fields: &[Ecn], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(fields.iter().map(Ecn::to_string))
}

/// Datagrams that were sent with one ECN field, and how they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EcnClass {
    /// The field with which they were sent.
    #[serde(serialize_with = "name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub sent_as: Ecn,
    /// Datagrams sent; `None` if unknown.
    pub sent_datagrams: Option<u64>,
    /// Datagrams lost.
    pub lost_datagrams: u64,
    /// Those that arrived, copies among them, by the field that they arrived with; `None` if the
    /// receiver did not report.
    pub arrived_as: Option<EcnCounts>,
    /// The smallest transit time, in nanoseconds, above that of the fastest class; `None` if nothing
    /// arrived.
    pub min_above_fastest_ns: Option<u64>,
    /// Median delay above the class's own minimum, in nanoseconds.
    pub delay_p50_ns: Option<u64>,
    /// 90th percentile of the same; `None` for fewer than a hundred datagrams.
    pub delay_p90_ns: Option<u64>,
    /// 99th percentile of the same; `None` for fewer than a thousand.
    pub delay_p99_ns: Option<u64>,
    /// Jitter by RFC 3550, in nanoseconds.
    pub jitter_ns: Option<u64>,
}

/// A delay, in nanoseconds, that hosts do not make by themselves.
const LONGER: u64 = 200_000;
/// Arrived datagrams of a class from which its delay is compared.
const ENOUGH: u64 = 50;

impl EcnClass {
    /// The classes of a run's streams, in their order; `sent_as` tells that of a stream.
    pub fn of_streams(streams: &[StreamCounts], sent_as: impl Fn(u32) -> Ecn) -> Vec<Self> {
        let fastest = streams.iter().filter_map(|one| one.min_transit_ns).min();
        let above = |of: Option<i64>| of.zip(fastest).map(|(of, fastest)| of.abs_diff(fastest));
        let class = |(stream, one): (u32, &StreamCounts)| Self {
            sent_as: sent_as(stream),
            sent_datagrams: one.sent,
            lost_datagrams: one.lost,
            arrived_as: one.ecn,
            min_above_fastest_ns: above(one.min_transit_ns),
            delay_p50_ns: one.delay_p50_ns,
            delay_p90_ns: one.delay_p90_ns,
            delay_p99_ns: one.delay_p99_ns,
            jitter_ns: one.jitter_ns,
        };
        (0..).zip(streams).map(class).collect()
    }

    /// Datagrams that arrived.
    pub fn arrived(&self) -> u64 {
        self.arrived_as.map_or(0, |arrived| arrived.total())
    }

    /// Those that were marked on the way: they arrived as CE and were not sent so.
    pub fn marked(&self) -> u64 {
        let is_marked = self.sent_as != Ecn::Ce;
        self.arrived_as.filter(|_| is_marked).map_or(0, |arrived| arrived.ce)
    }

    /// Those whose field was cleared on the way.
    pub fn cleared(&self) -> u64 {
        let is_cleared = self.sent_as != Ecn::NotEct;
        self.arrived_as.filter(|_| is_cleared).map_or(0, |arrived| arrived.not_ect)
    }

    /// Those that arrived with the other ECT codepoint, or with one where none was sent.
    pub fn rewritten(&self) -> u64 {
        let arrived = self.arrived_as.unwrap_or_default();
        let kept = arrived.of(self.sent_as);
        let known = [kept, self.marked(), self.cleared()];
        known.into_iter().fold(self.arrived(), u64::saturating_sub)
    }

    /// A quantile of its delay above the fastest datagram of all classes.
    fn above_all(&self, quantile: Option<u64>) -> Option<u64> {
        let enough = self.arrived() >= ENOUGH;
        Some(self.min_above_fastest_ns?.saturating_add(quantile.filter(|_| enough)?))
    }
}

/// What is to be said of the classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum EcnFinding {
    /// Something on the path cleared the field ("bleaching").
    Cleared {
        /// The field with which they were sent.
        #[serde(serialize_with = "name")]
        #[cfg_attr(test, schemars(with = "String"))]
        sent_as: Ecn,
        /// Datagrams that arrived as not-ECT.
        datagrams: u64,
        /// Of so many that arrived.
        of: u64,
    },
    /// Something marked what must not be marked (RFC 3168 §5: only ECN-capable transport).
    MarkedNotEct {
        /// Datagrams sent as not-ECT that arrived as CE.
        datagrams: u64,
        /// Of so many that arrived.
        of: u64,
    },
    /// Something on the path wrote a field that means neither congestion nor none.
    Rewritten {
        /// The field with which they were sent.
        #[serde(serialize_with = "name")]
        #[cfg_attr(test, schemars(with = "String"))]
        sent_as: Ecn,
        /// Datagrams that arrived with another ECT codepoint.
        datagrams: u64,
        /// Of so many that arrived.
        of: u64,
    },
    /// A class was queued apart from another: hardly any of it waited as long as half of the other.
    OwnQueue {
        /// The class that waited less.
        #[serde(serialize_with = "name")]
        #[cfg_attr(test, schemars(with = "String"))]
        class: Ecn,
        /// Nine tenths of it waited less than this, in nanoseconds above the fastest datagram of all.
        p90_ns: u64,
        /// The classes that waited longer.
        #[serde(serialize_with = "names")]
        #[cfg_attr(test, schemars(with = "Vec<String>"))]
        others: Vec<Ecn>,
        /// Half of each of these waited longer than this, likewise.
        others_p50_ns: u64,
    },
}

/// What is to be said of the classes of one run.
pub fn ecn_findings(classes: &[EcnClass]) -> Vec<EcnFinding> {
    let mut found = Vec::new();
    for class in classes {
        let (sent_as, of) = (class.sent_as, class.arrived());
        if let datagrams @ 1.. = class.cleared() {
            found.push(EcnFinding::Cleared { sent_as, datagrams, of });
        }
        match class.marked() {
            datagrams @ 1.. if sent_as == Ecn::NotEct => {
                found.push(EcnFinding::MarkedNotEct { datagrams, of });
            }
            _ => {}
        }
        if let datagrams @ 1.. = class.rewritten() {
            found.push(EcnFinding::Rewritten { sent_as, datagrams, of });
        }
    }
    found.extend(own_queue(classes));
    found
}

/// The class that is apart from most others, and of those that are so the fastest.
fn own_queue(classes: &[EcnClass]) -> Option<EcnFinding> {
    let apart = classes.iter().filter_map(|one| {
        let (class, p90_ns) = (one.sent_as, one.above_all(one.delay_p90_ns)?);
        let slower = classes.iter().filter_map(|other| {
            let p50 = other.above_all(other.delay_p50_ns)?;
            (p50.saturating_sub(p90_ns) >= LONGER).then_some((other.sent_as, p50))
        });
        let (others, p50s): (Vec<Ecn>, Vec<u64>) = slower.unzip();
        let others_p50_ns = p50s.into_iter().min()?;
        let rank = (others.len(), Reverse(p90_ns));
        Some((rank, EcnFinding::OwnQueue { class, p90_ns, others, others_p50_ns }))
    });
    apart.max_by_key(|(rank, _)| *rank).map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(sent_as: Ecn, arrived: EcnCounts) -> EcnClass {
        EcnClass {
            sent_as,
            sent_datagrams: Some(arrived.total()),
            lost_datagrams: 0,
            arrived_as: Some(arrived),
            min_above_fastest_ns: Some(1_000),
            delay_p50_ns: Some(20_000),
            delay_p90_ns: Some(60_000),
            delay_p99_ns: Some(90_000),
            jitter_ns: Some(5_000),
        }
    }

    fn whole(ecn: Ecn) -> EcnClass {
        let mut arrived = EcnCounts::default();
        arrived.note(ecn, 1_000);
        class(ecn, arrived)
    }

    const SENT: [Ecn; 3] = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1];

    #[test]
    fn nothing_is_said_of_classes_that_arrived_as_they_were_sent() {
        for sent in SENT.into_iter().chain([Ecn::Ce]) {
            let one = whole(sent);
            assert_eq!((one.arrived(), one.marked(), one.cleared()), (1_000, 0, 0));
            assert_eq!(one.rewritten(), 0);
        }
        assert_eq!(ecn_findings(&SENT.map(whole)), []);
        // Marks are what ECN is for.
        let arrived = EcnCounts { ect1: 900, ce: 100, ..EcnCounts::default() };
        let marked = class(Ecn::Ect1, arrived);
        assert_eq!((marked.marked(), ecn_findings(&[marked])), (100, vec![]));
    }

    #[test]
    fn what_was_cleared_marked_or_rewritten_against_the_rules_is_named() {
        let arrived = EcnCounts { not_ect: 7, ect0: 2, ect1: 990, ce: 1 };
        let of = 1_000;
        let found = ecn_findings(&[class(Ecn::Ect1, arrived)]);
        let sent_as = Ecn::Ect1;
        assert_eq!(
            found,
            [
                EcnFinding::Cleared { sent_as, datagrams: 7, of },
                EcnFinding::Rewritten { sent_as, datagrams: 2, of },
            ]
        );
        let found = ecn_findings(&[class(Ecn::NotEct, arrived)]);
        let sent_as = Ecn::NotEct;
        assert_eq!(
            found,
            [
                EcnFinding::MarkedNotEct { datagrams: 1, of },
                EcnFinding::Rewritten { sent_as, datagrams: 992, of },
            ]
        );
    }

    #[test]
    fn a_queue_of_its_own_shows_where_hardly_any_waited_as_long_as_half_of_the_others() {
        let waiting = |ecn, p50: u64| EcnClass {
            delay_p50_ns: Some(p50),
            delay_p90_ns: Some(p50 + 3_000_000),
            ..whole(ecn)
        };
        let slow = waiting(Ecn::Ect0, 15_000_000);
        let found = ecn_findings(&[slow, whole(Ecn::Ect1)]);
        let own = EcnFinding::OwnQueue {
            class: Ecn::Ect1,
            p90_ns: 61_000,
            others: vec![Ecn::Ect0],
            others_p50_ns: 15_001_000,
        };
        assert_eq!(found, [own]);
        // One queue, in which both wait.
        assert_eq!(ecn_findings(&[slow, waiting(Ecn::Ect1, 15_000_000)]), []);
        // Too few to tell, and too small a difference.
        let few = EcnClass {
            arrived_as: Some(EcnCounts { ect1: 49, ..EcnCounts::default() }),
            ..whole(Ecn::Ect1)
        };
        assert_eq!(ecn_findings(&[slow, few]), []);
        let near = waiting(Ecn::Ect0, 250_000);
        assert_eq!(ecn_findings(&[near, whole(Ecn::Ect1)]), []);
    }
}
