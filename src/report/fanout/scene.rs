//! What the live view shows of a fan-out's sender: what it sends, the loss of all receivers
//! together, the median delay of the worst, and the table of receivers.

use super::table::{closing_text, table_lines};
use crate::record::{CastNote, FanoutReceiver, FanoutStanding, Worded};
use crate::report::blast_scene::rate_graph;
use crate::report::live_view::{Bar, Graph, History, Moment, Picture, Scene, Stage, Unit};
use crate::report::number::span_or_dash;
use crate::report::page::Page;
use crate::report::words::cast as cast_words;
use crate::report::words::live as words;
use crate::report::words::terms::count_and_share;
use crate::units::{Nanos, group_digits};

/// A running sender.
#[derive(Clone, Debug)]
pub struct FanoutScene {
    expected: Option<Nanos>,
    every: Nanos,
    waiting: Option<String>,
    elapsed: Nanos,
    numbered: u64,
    standing: FanoutStanding,
    packets: History,
    bits: History,
    loss: History,
    delay: History,
    /// What all receivers lost and should have received, when it was last looked at.
    before: (u64, u64),
}

impl FanoutScene {
    /// A sender that has sent nothing; it says how it stands every so often.
    pub fn new(expected: Option<Nanos>, every: Nanos) -> Self {
        Self {
            expected,
            every,
            waiting: None,
            elapsed: Nanos::ZERO,
            numbered: 0,
            standing: FanoutStanding::default(),
            packets: History::default(),
            bits: History::default(),
            loss: History::default(),
            delay: History::default(),
            before: (0, 0),
        }
    }

    /// It waits for receivers.
    pub fn wait(&mut self, note: &CastNote) {
        self.waiting = Some(note.text());
    }

    /// How it stands: how many datagrams were sent to each destination, their mean payload bytes,
    /// and the receivers.
    pub fn stand(
        &mut self,
        elapsed: Nanos,
        (numbered, mean_bytes): (u64, u64),
        standing: &FanoutStanding,
    ) {
        let sent = numbered.saturating_sub(self.numbered);
        let seconds = (elapsed - self.elapsed).as_secs_f64();
        let (lost, of) = sums(&standing.receivers);
        self.standing.clone_from(standing);
        if numbered > 0 {
            self.waiting = None;
            if seconds > 0.0 {
                let packets = sent as f64 / seconds;
                self.packets.push(Bar::of(packets));
                self.bits.push(Bar::of(packets * mean_bytes as f64 * 8.0));
                let since = |now: u64, before: u64| now.saturating_sub(before);
                self.loss.push(Bar::loss(since(lost, self.before.0), since(of, self.before.1)));
                let value = self.worst(|one| one.delay_p50_ns).map(|delay| delay as f64);
                self.delay.push(Bar { value, is_trouble: false });
            }
        }
        self.before = (lost, of);
        (self.elapsed, self.numbered) = (elapsed, numbered);
    }

    /// The largest of a figure of the receivers; `None` if none has it.
    fn worst(&self, figure: impl Fn(&FanoutReceiver) -> Option<u64>) -> Option<u64> {
        self.standing.receivers.iter().filter_map(figure).max()
    }

    fn graphs(&self, unit: Unit) -> Vec<Graph> {
        let count = words::figure(&group_digits(self.numbered), words::SENT);
        let rate = rate_graph(words::RATE.to_owned(), unit, &self.bits, &self.packets, count);
        let high = |history: &History| history.extremes().map(|two| two.1);
        let (lost, of) = self.before;
        let worst = high(&self.loss).map_or_else(|| "-".to_owned(), |share| format!("{share:.3}%"));
        vec![
            rate,
            Graph {
                name: words::LOSS.to_owned(),
                figures: vec![
                    words::figure(&count_and_share(lost, of, 3), words::LOST),
                    words::figure(&worst, words::MAX),
                ],
                bars: self.loss.bars(),
            },
            Graph {
                name: words::DELAY.to_owned(),
                figures: vec![
                    words::figure(&span_or_dash(self.worst(|one| one.delay_p50_ns)), words::P50),
                    words::figure(&span_or_dash(self.worst(|one| one.delay_p99_ns)), words::P99),
                    words::figure(&span_or_dash(self.worst(|one| one.delay_max_ns)), words::MAX),
                ],
                bars: self.delay.bars(),
            },
        ]
    }
}

/// What all receivers lost, and what they should have received.
fn sums(receivers: &[FanoutReceiver]) -> (u64, u64) {
    let known = receivers.iter().filter_map(|one| Some((one.lost?, one.expected?)));
    known.fold((0, 0), |(lost, of), one| (lost + one.0, of + one.1))
}

impl Scene for FanoutScene {
    fn picture(&self, moment: &Moment) -> Picture {
        let room = (moment.rows / 2).max(3);
        let closing = closing_text(&self.standing, Page::new(moment.columns));
        let closing: Vec<String> = closing.lines().map(str::to_owned).collect();
        // The table has two lines of headings, and one about the receivers that it leaves out.
        let most = room.saturating_sub(3 + closing.len()).max(1);
        let mut table = table_lines(&self.standing, moment.columns, most);
        table.extend(closing);
        let receivers = self.standing.receivers.len() as u64;
        let stage = self.waiting.clone().map_or(Stage::Running, Stage::Waiting);
        Picture {
            heading: cast_words::live_heading(self.elapsed, self.numbered, receivers),
            stage,
            elapsed: self.elapsed,
            expected: self.expected,
            bar_time: self.every,
            graphs: self.graphs(moment.unit),
            table,
            messages: Vec::new(),
            unit: Some(moment.unit.name()),
        }
    }
}
