//! `probe marks`: whether DSCP (RFC 2474) and ECN (RFC 3168) arrive as they were sent, each way.
//!
//! Each value goes out on a datagram of its own whose answer is unmarked, and comes back on an
//! answer to a datagram that is unmarked, so that what happens on one way is not taken for the
//! other's.

mod judge;

pub use judge::judge;

use super::rounds::{Kind, Told};
use super::shots::{AnswerPlan, Grant, ItemLog, Shot};
use crate::record::probe::{MarkRow, MarksReport, Verdict};
use crate::wire::split_tos;
use std::net::SocketAddr;

/// TTL of what is sent: hops are counted from it.
const TTL: u8 = 255;
/// What hosts send with.
const USUAL_TTLS: [u8; 3] = [64, 128, 255];

/// What is to be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarksPlan {
    /// The helper.
    pub target: SocketAddr,
    /// Most datagrams with one value.
    pub tries: u32,
}

/// The state of `probe marks`.
pub struct MarksKind {
    plan: MarksPlan,
    begun: bool,
    first: u32,
    items: Vec<ItemLog>,
}

/// Every DSCP without ECN, and every other ECN value without DSCP, as TOS bytes.
fn values() -> impl Iterator<Item = u8> {
    (0..64).map(|dscp| dscp << 2).chain(1..4)
}

impl MarksKind {
    /// A probe at its start.
    pub fn new(plan: MarksPlan) -> Self {
        Self { plan, begun: false, first: 0, items: Vec::new() }
    }

    fn out_row(value: u8, item: &ItemLog, number: u32, told: Option<&Told>) -> MarkRow {
        let told = told.and_then(|told| told.get(&number));
        let seen = item.backs().next().map(|back| back.echo.tos);
        let seen = seen.or(told.and_then(|row| row.tos));
        let arrived = told.map_or_else(|| item.backs().count() as u32, |row| row.count);
        row(value, item.left() as u32, arrived, seen)
    }

    fn back_row(value: u8, item: &ItemLog, number: u32, told: Option<&Told>) -> MarkRow {
        let told = told.and_then(|told| told.get(&number));
        // What never got there was not asked for.
        let asked = told.map_or(item.left() as u32, |row| row.answers);
        let back = item.backs().count() as u32;
        row(value, asked.max(back), back, item.backs().find_map(|back| back.tos))
    }
}

fn row(value: u8, sent: u32, arrived: u32, seen: Option<u8>) -> MarkRow {
    let (dscp, ecn) = split_tos(value);
    let seen = seen.map(split_tos);
    MarkRow {
        dscp: dscp.value(),
        ecn: ecn as u8,
        sent,
        arrived,
        dscp_arrived: seen.map(|(dscp, _)| dscp.value()),
        ecn_arrived: seen.map(|(_, ecn)| ecn as u8),
    }
}

impl Kind for MarksKind {
    type Facts = MarksReport;

    fn round(&mut self, _grant: &Grant) -> Vec<Shot> {
        if std::mem::replace(&mut self.begun, true) {
            return Vec::new();
        }
        let plain = Shot { ttl: TTL, ..Shot::plain(self.plan.tries) };
        let out = values().map(|tos| Shot { tos, ..plain });
        let back = values().map(|tos| Shot { answer: AnswerPlan { tos, ..plain.answer }, ..plain });
        out.chain(back).collect()
    }

    fn take(&mut self, first: u32, items: &[ItemLog], _local_mtu: Option<u32>) {
        self.first = first;
        self.items = items.to_vec();
    }

    fn finish(self, told: Option<&Told>) -> MarksReport {
        let count = values().count();
        let all = || values().chain(values()).zip(self.first..).zip(&self.items);
        let out = all()
            .take(count)
            .map(|((value, number), item)| Self::out_row(value, item, number, told))
            .collect();
        let back = all()
            .skip(count)
            .map(|((value, number), item)| Self::back_row(value, item, number, told))
            .collect();
        let backs = || self.items.iter().flat_map(ItemLog::backs);
        let from = |ttl: u8| USUAL_TTLS.into_iter().find(|usual| *usual >= ttl);
        let ttl = backs().filter_map(|back| back.ttl).max();
        let hops_back_from = ttl.and_then(from);
        let mut report = MarksReport {
            target: self.plan.target,
            tries: self.plan.tries,
            hops_out: backs().filter_map(|back| back.echo.ttl).max().map(|ttl| TTL - ttl),
            hops_back: ttl.zip(hops_back_from).map(|(ttl, from)| from - ttl),
            hops_back_from,
            out,
            back,
            duration_ns: 0,
            verdict: Verdict::default(),
        };
        report.verdict = judge(&report);
        report
    }
}
