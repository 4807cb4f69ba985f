//! Datagrams larger than the path MTU, which must be fragmented: which of them arrive, out and
//! back.
//!
//! Losing any fragment loses the datagram, so on a lossy path large datagrams are lost more often,
//! without any filtering of fragments.

use super::super::AgentCounts;
use super::super::probe_batch::{AnswerPlan, Back, ItemLog, ProbeItem};
use super::super::question::{Chance, Question};
use crate::batch::Fragmentation;
use crate::record::probe::{FragmentRow, Outcome};
use crate::units::{IpFamily, max_payload};
use std::collections::VecDeque;

/// Payload sizes that need fragments, up to the largest of IPv4.
const PAYLOADS: [u32; 6] = [2_000, 4_000, 8_000, 16_000, 32_000, LARGEST];
const LARGEST: u32 = max_payload(IpFamily::V4) as u32;
/// Maximum questions about fragments in one run.
pub(super) const QUESTIONS: u64 = 14;
/// Tries in the first round, and in all rounds: these datagrams are long.
const FIRST: u32 = 6;
const MOST: u32 = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

#[derive(Debug)]
struct Row {
    way: Way,
    payload: u32,
    /// Maximum number of its packets.
    pieces: u64,
    question: Question,
}

impl Row {
    fn shot(&self, tries: u32) -> ProbeItem {
        let plain = ProbeItem::plain(tries);
        match self.way {
            Way::Out => {
                let fragmentation = Some(Fragmentation::Allow);
                ProbeItem { len: self.payload as usize, fragmentation, ..plain }
            }
            Way::Back => ProbeItem {
                answer: AnswerPlan { len: self.payload as u16, ..plain.answer },
                ..plain
            },
        }
    }

    fn largest(&self, chance: &Chance<'_>) -> Option<u32> {
        let of = |back: &Back| match self.way {
            Way::Out => back.echo.fragment.map(u32::from),
            Way::Back => back.fragment,
        };
        let told = chance.told.filter(|_| self.way == Way::Out);
        let rows = told.into_iter().flat_map(|told| self.question.rows(told));
        let told = rows.filter_map(|row| row.fragment.map(u32::from));
        self.question.backs().filter_map(of).chain(told).max()
    }

    /// Payload bytes with which a datagram arrived, if that is less than was sent.
    fn cut_to(&self, back: &Back) -> Option<u32> {
        let arrived = match self.way {
            Way::Out => u32::from(back.echo.len),
            Way::Back => back.len,
        };
        (arrived < self.payload).then_some(arrived)
    }

    /// The most payload bytes of those that arrived cut; `None` if none did.
    fn most_cut(&self, told: Option<&AgentCounts>) -> Option<u32> {
        let told = told.filter(|_| self.way == Way::Out);
        let rows = told.into_iter().flat_map(|told| self.question.rows(told));
        let rows = rows.filter(|row| row.count > 0).map(|row| u32::from(row.len));
        let rows = rows.filter(|len| *len < self.payload);
        self.question.backs().filter_map(|back| self.cut_to(back)).chain(rows).max()
    }

    fn row(&self, chance: &Chance<'_>) -> FragmentRow {
        let (question, told) = (&self.question, chance.told);
        let answered = question.answered();
        let (sent, came, outcome) = match self.way {
            Way::Out => {
                let arrived = question.arrived(told).unwrap_or(answered);
                (question.left(), arrived, chance.out(question, self.pieces))
            }
            Way::Back => {
                let sent = question.answers(told).unwrap_or(question.left());
                (sent, answered, chance.back(question, self.pieces))
            }
        };
        let cut_to_bytes = self.most_cut(told);
        let whole = question.backs().filter(|back| self.cut_to(back).is_none()).count() as u64;
        // Of those that were not answered, nobody knows which were cut.
        let arrived = if cut_to_bytes.is_some() { whole.min(came) } else { came };
        FragmentRow {
            payload_bytes: self.payload,
            sent: sent as u32,
            arrived: arrived as u32,
            cut: (came - arrived) as u32,
            cut_to_bytes,
            outcome: if came > 0 && arrived == 0 { Outcome::Cut } else { outcome },
            largest_fragment_bytes: self.largest(chance),
        }
    }
}

/// State of these rounds.
#[derive(Debug)]
pub(super) struct Fragments {
    rows: Vec<Row>,
    /// The rows tested in the current round, in order.
    asked: VecDeque<usize>,
}

impl Fragments {
    /// Initial state. `passed` is the largest unfragmented packet out and back, `interface` the MTU
    /// of this host.
    pub fn new(headers: u32, passed: [Option<u32>; 2], interface: Option<u32>) -> Self {
        let rows = [Way::Out, Way::Back].into_iter().zip(passed).flat_map(|(way, packet)| {
            let packet = packet.unwrap_or(0);
            // What a host fragments at its interface may be fragmented again on the path.
            let cuts = if interface.is_some_and(|most| packet < most) { 2 } else { 1 };
            let room = u64::from(packet.saturating_sub(headers + 20).max(1));
            payloads(packet, headers).into_iter().map(move |payload| Row {
                way,
                payload,
                pieces: u64::from(payload).div_ceil(room) * cuts,
                question: Question::default(),
            })
        });
        Self { rows: rows.collect(), asked: VecDeque::new() }
    }

    /// The items of the next round: at first all, then the undecided ones.
    pub fn round(&mut self, control: &Question) -> Vec<ProbeItem> {
        let chance = Chance { control, told: None, asked: QUESTIONS };
        self.asked.clear();
        let mut shots = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let tries = match row.question.attempts() {
                0 => FIRST,
                // If fewer fragments do not pass, more need not be tried.
                _ if self.is_decided(row, &chance) => 0,
                _ => chance.more_tries(&row.question, row.pieces, MOST),
            };
            if tries > 0 {
                self.asked.push_back(index);
                shots.push(row.shot(tries));
            }
        }
        shots
    }

    fn is_decided(&self, row: &Row, chance: &Chance<'_>) -> bool {
        let smaller = |other: &&Row| other.way == row.way && other.payload <= row.payload;
        let is_blocked = |other: &Row| match other.way {
            Way::Out => chance.out(&other.question, other.pieces) == Outcome::Blocked,
            Way::Back => chance.back(&other.question, other.pieces) == Outcome::Blocked,
        };
        self.rows.iter().filter(smaller).any(is_blocked)
    }

    /// Result of the next item of the round.
    pub fn take(&mut self, number: u32, item: &ItemLog) {
        if let Some(index) = self.asked.pop_front() {
            self.rows[index].question.add(number, item);
        }
    }

    /// The results, out and back.
    pub fn rows(&self, chance: &Chance<'_>) -> [Vec<FragmentRow>; 2] {
        [Way::Out, Way::Back].map(|way| {
            self.rows.iter().filter(|row| row.way == way).map(|row| row.row(chance)).collect()
        })
    }
}

/// Payload sizes above what passes unfragmented, the first just above it.
fn payloads(passed: u32, headers: u32) -> Vec<u32> {
    let Some(payload) = passed.checked_sub(headers).filter(|_| passed > 0) else {
        return Vec::new();
    };
    let just = (payload < LARGEST).then_some(payload + 1);
    just.into_iter().chain(PAYLOADS.into_iter().filter(|len| *len > payload + 1)).collect()
}
