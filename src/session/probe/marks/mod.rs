//! `probe marks`: whether DSCP (RFC 2474) and ECN (RFC 3168) arrive as sent, in each direction.
//!
//! Each value is sent on a datagram whose answer is unmarked, and requested on an answer to an
//! unmarked datagram, so that the two directions are not confused.

mod judge;

pub use judge::judge;

use super::probe_batch::{AnswerPlan, Grant, ProbeItem};
use super::question::{Chance, MOST_TRIES, Question};
use super::rounds::{AgentCounts, Kind, Round, RoundsEnd};
use crate::record::probe::{MarkRow, MarksFindings, MarksReport, MarksVerdict, Outcome};
use crate::wire::{Hops, split_tos};
use std::net::SocketAddr;

/// TTL of sent datagrams: hops are counted from it.
const TTL: u8 = 255;
/// Initial TTLs that hosts use.
const USUAL_TTLS: [u8; 3] = [64, 128, 255];

/// Parameters of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarksPlan {
    /// The remote agent.
    pub target: SocketAddr,
    /// Minimum datagrams with one value before it counts as not arriving.
    pub tries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

/// One value in one direction.
#[derive(Debug)]
struct Mark {
    way: Way,
    value: u8,
    question: Question,
}

/// State of `probe marks`.
pub struct MarksKind {
    plan: MarksPlan,
    marks: Vec<Mark>,
    /// The marks tested in the current round.
    asked: Vec<usize>,
    control: Question,
}

/// Every DSCP without ECN, and every other ECN value without DSCP, as TOS bytes.
fn values() -> impl Iterator<Item = u8> {
    (0..64).map(|dscp| dscp << 2).chain(1..4)
}

impl MarksKind {
    /// A probe at its start.
    pub fn new(plan: MarksPlan) -> Self {
        let all =
            |way| values().map(move |value| Mark { way, value, question: Question::default() });
        let marks = all(Way::Out).chain(all(Way::Back)).collect();
        Self { plan, marks, asked: Vec::new(), control: Question::default() }
    }

    fn chance<'a>(&'a self, told: Option<&'a AgentCounts>) -> Chance<'a> {
        Chance { control: &self.control, told, asked: self.marks.len() as u64 }
    }

    fn rows(&self, way: Way, told: Option<&AgentCounts>) -> Vec<MarkRow> {
        let chance = self.chance(told);
        self.marks.iter().filter(|mark| mark.way == way).map(|mark| mark.row(&chance)).collect()
    }
}

impl Mark {
    fn shot(&self, tries: u32) -> ProbeItem {
        let plain = ProbeItem { ttl: TTL, ..ProbeItem::plain(tries) };
        match self.way {
            Way::Out => ProbeItem { tos: self.value, ..plain },
            Way::Back => {
                ProbeItem { answer: AnswerPlan { tos: self.value, ..plain.answer }, ..plain }
            }
        }
    }

    fn row(&self, chance: &Chance<'_>) -> MarkRow {
        let (question, told) = (&self.question, chance.told);
        let answered = question.answered();
        match self.way {
            Way::Out => {
                let arrived = question.arrived(told).unwrap_or(answered);
                let seen = self.seen_there(told);
                row(self.value, [question.left(), arrived], chance.out(question, 1), seen)
            }
            Way::Back => {
                // A request that never arrived there did not ask for an answer.
                let asked = question.answers(told).unwrap_or(question.left());
                let seen = question.backs().find_map(|back| back.tos);
                row(self.value, [asked, answered], chance.back(question, 1), seen)
            }
        }
    }

    /// The value that the far end saw: by its own count, or by echoes if it did not report.
    fn seen_there(&self, told: Option<&AgentCounts>) -> Option<u8> {
        let first = told.and_then(|told| self.question.rows(told).next());
        match first {
            Some(row) => row.tos,
            None => self.question.backs().next().and_then(|back| back.echo.tos),
        }
    }
}

fn row(value: u8, [sent, arrived]: [u64; 2], outcome: Outcome, seen: Option<u8>) -> MarkRow {
    let (dscp, ecn) = split_tos(value);
    let seen = seen.map(split_tos);
    MarkRow {
        dscp: dscp.value(),
        ecn: ecn as u8,
        sent: sent as u32,
        arrived: arrived as u32,
        outcome,
        dscp_arrived: seen.map(|(dscp, _)| dscp.value()),
        ecn_arrived: seen.map(|(_, ecn)| ecn as u8),
    }
}

impl Kind for MarksKind {
    type Facts = MarksReport;

    fn round(&mut self, _grant: &Grant) -> Vec<ProbeItem> {
        let chance = self.chance(None);
        let tries = |mark: &Mark| match mark.question.attempts() {
            0 => self.plan.tries,
            _ => chance.more_tries(&mark.question, 1, MOST_TRIES.max(self.plan.tries)),
        };
        let wanted = self.marks.iter().enumerate().map(|(index, mark)| (index, tries(mark)));
        let wanted: Vec<(usize, u32)> = wanted.filter(|(_, tries)| *tries > 0).collect();
        self.asked = wanted.iter().map(|(index, _)| *index).collect();
        wanted.into_iter().map(|(index, tries)| self.marks[index].shot(tries)).collect()
    }

    fn take(&mut self, round: &Round<'_>) {
        if let Some((number, item)) = round.control {
            self.control.add(number, item);
        }
        for (number, (index, item)) in (round.first..).zip(self.asked.iter().zip(round.items)) {
            self.marks[*index].question.add(number, item);
        }
    }

    fn finish(self, end: RoundsEnd) -> MarksReport {
        let told = end.told.as_ref();
        let backs = || self.marks.iter().flat_map(|mark| mark.question.backs());
        let from = |ttl: u8| USUAL_TTLS.into_iter().find(|usual| *usual >= ttl);
        let ttl = backs().filter_map(|back| back.ttl).max();
        let hops_back_from = ttl.and_then(from);
        let there = backs().filter_map(|back| back.echo.ttl).max();
        let mut report = MarksReport {
            target: self.plan.target.into(),
            tries: self.plan.tries,
            hops_out: there.and_then(|ttl| Hops::from_ttl(ttl, TTL).known()),
            hops_back: ttl.zip(hops_back_from).map(|(ttl, from)| from - ttl),
            hops_back_from,
            out: self.rows(Way::Out, told),
            back: self.rows(Way::Back, told),
            traffic: end.traffic,
            interrupted: false,
            duration_ns: 0,
            findings: MarksFindings::new(MarksVerdict::NothingAnswered),
        };
        report.findings = judge(&report);
        report
    }
}
