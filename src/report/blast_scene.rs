//! What the live view shows of a throughput run: rate, loss and delay of each direction, and a row
//! for each stream.

use super::interval::{FlowDirection, bits_of, fresh_of, is_scrap, is_tail, numbers_of};
use super::live_view::{Bar, Graph, History, Moment, Picture, Scene, Stage, Unit};
use super::number::span_or_dash;
use super::spark::sparkline;
use super::words::blast::{RunHeading, lost, waiting_for};
use super::words::live as words;
use crate::record::{BlastInterval, Worded};
use crate::units::{BitRate, ByteCount, Nanos, PacketRate, group_digits};

/// Columns of a stream's row before its graph.
const STREAM_FIGURES: usize = 60;
/// Values of a stream's graph.
const STREAM_VALUES: usize = 512;

/// A throughput run as its client sees it.
#[derive(Clone, Debug)]
pub struct BlastScene {
    heading: RunHeading,
    expected: Option<Nanos>,
    /// Length of each interval.
    every: Nanos,
    /// When the run itself began; `None` while the server is waited for.
    began: Option<Nanos>,
    /// The only way or that to the server, and the one from it.
    ways: [Way; 2],
    streams: Vec<Stream>,
}

/// One direction.
#[derive(Clone, Debug, Default)]
struct Way {
    bits: History,
    packets: History,
    loss: History,
    delay: History,
    longest: u64,
    received: u64,
    lost: u64,
    /// Sequence numbers accounted for.
    of: u64,
    /// Whether there is anything yet.
    is_used: bool,
}

/// A stream of this end.
#[derive(Clone, Debug)]
struct Stream {
    number: u32,
    way: FlowDirection,
    /// Datagrams received, or sent.
    datagrams: u64,
    /// `None` for one that sends: what was lost is not known of each.
    lost: Option<(u64, u64)>,
    rates: Vec<f64>,
    /// When the last rate was taken, and the datagrams until then.
    taken: (Nanos, u64),
}

impl BlastScene {
    /// A run that has not begun; `every` is the length of its intervals.
    pub fn new(heading: RunHeading, expected: Option<Nanos>, every: Nanos) -> Self {
        let ways = [Way::default(), Way::default()];
        Self { heading, expected, every, began: None, ways, streams: Vec::new() }
    }

    /// The server granted the run, and it begins.
    pub fn begin(&mut self, now: Nanos, heading: RunHeading) {
        (self.heading, self.began) = (heading, Some(now));
    }

    /// An interval of a direction has ended.
    pub fn interval(&mut self, way: FlowDirection, interval: &BlastInterval) {
        let after = self.expected.is_some_and(|time| is_tail(interval, time.0));
        let way = &mut self.ways[usize::from(way == FlowDirection::Down)];
        way.is_used = true;
        way.received = way.received.saturating_add(fresh_of(interval));
        way.lost = way.lost.saturating_add(interval.lost);
        way.of = way.of.saturating_add(numbers_of(interval));
        way.longest = way.longest.max(interval.duration_ns);
        if after || is_scrap(interval, way.longest) {
            return;
        }
        let is_trouble = interval.lost > 0;
        let bar = |value| Bar { value, is_trouble };
        let seconds = interval.duration_ns.max(1) as f64 / 1e9;
        way.bits.push(bar(Some(bits_of(interval))));
        way.packets.push(bar(Some(fresh_of(interval) as f64 / seconds)));
        way.loss.push(Bar::loss(interval.lost, numbers_of(interval)));
        way.delay.push(bar(interval.delay_max_ns.map(|delay| delay as f64)));
    }

    /// An interval of one of this end's receivers has ended.
    pub fn received(&mut self, number: u32, way: FlowDirection, interval: &BlastInterval) {
        let stream = self.stream(number, way);
        stream.datagrams = stream.datagrams.saturating_add(fresh_of(interval));
        let (lost, of) = stream.lost.unwrap_or_default();
        let of = of.saturating_add(numbers_of(interval));
        stream.lost = Some((lost.saturating_add(interval.lost), of));
        stream.rate(bits_of(interval));
    }

    /// One of this end's senders has sent so many datagrams.
    pub fn sent(&mut self, number: u32, way: FlowDirection, datagrams: u64, now: Nanos) {
        let (every, bits) = (self.every, u64::from(self.heading.payload_bytes) * 8);
        let stream = self.stream(number, way);
        stream.datagrams = datagrams;
        let (since, before) = stream.taken;
        if now >= since + every {
            stream.taken = (now, datagrams);
            let seconds = (now - since).as_secs_f64().max(1e-9);
            // The first span began when nobody knows.
            if since > Nanos::ZERO {
                stream.rate(datagrams.saturating_sub(before).saturating_mul(bits) as f64 / seconds);
            }
        }
    }

    fn stream(&mut self, number: u32, way: FlowDirection) -> &mut Stream {
        let place = self.streams.binary_search_by_key(&number, |stream| stream.number);
        let place = place.unwrap_or_else(|place| {
            let (rates, taken) = (Vec::new(), (Nanos::ZERO, 0));
            self.streams
                .insert(place, Stream { number, way, datagrams: 0, lost: None, rates, taken });
            place
        });
        &mut self.streams[place]
    }

    fn table(&self, moment: &Moment) -> Vec<String> {
        if self.streams.len() < 2 {
            return Vec::new();
        }
        let most = (moment.rows / 3).max(2);
        let cells = moment.columns.saturating_sub(STREAM_FIGURES + 1);
        let row = |stream: &Stream| stream.row(moment.unit, self.heading.payload_bytes, cells);
        let shown = if self.streams.len() > most { most - 1 } else { self.streams.len() };
        let mut lines = vec![stream_columns(["", words::RATE, words::DATAGRAMS, words::LOST])];
        lines.extend(self.streams.iter().take(shown).map(row));
        if self.streams.len() > shown {
            lines.push(words::more((self.streams.len() - shown) as u64));
        }
        lines
    }
}

impl Stream {
    fn rate(&mut self, bits: f64) {
        if self.rates.len() == STREAM_VALUES {
            self.rates.remove(0);
        }
        self.rates.push(bits);
    }

    fn row(&self, unit: Unit, payload_bytes: u32, cells: usize) -> String {
        let name = format!("{}{}", way_name(self.way), words::stream(self.number));
        let bits = self.rates.last().copied();
        let packets = bits.map(|bits| bits / (8.0 * f64::from(payload_bytes.max(1))));
        let rate = rate_text(unit, bits, packets);
        let counted = group_digits(self.datagrams);
        let missing = self.lost.map_or_else(|| "-".to_owned(), |(part, of)| lost(part, of));
        let shown = &self.rates[self.rates.len().saturating_sub(cells)..];
        let graph =
            if cells == 0 || shown.is_empty() { String::new() } else { sparkline(shown, cells) };
        let figures = stream_columns([&name, &rate, &counted, &missing]);
        if graph.is_empty() { figures } else { format!("{figures:<STREAM_FIGURES$}{graph}") }
    }
}

/// Name, rate, datagrams and loss of a stream, or what they are.
fn stream_columns([name, rate, datagrams, missing]: [&str; 4]) -> String {
    format!("  {name:<14} {rate:>11} {datagrams:>13}  {missing:<14}").trim_end().to_owned()
}

fn way_name(way: FlowDirection) -> &'static str {
    match way {
        FlowDirection::Only => "",
        FlowDirection::Up => words::UP,
        FlowDirection::Down => words::DOWN,
    }
}

/// A rate in the unit that the user chose; `-` if unknown.
pub(super) fn rate_text(unit: Unit, bits: Option<f64>, packets: Option<f64>) -> String {
    let text = match unit {
        Unit::Bits => bits.map(|bits| BitRate(bits as u64).to_string()),
        Unit::Bytes => bits.map(|bits| format!("{}/s", ByteCount((bits / 8.0) as u64))),
        Unit::Datagrams => packets.map(|packets| PacketRate((packets * 1e3) as u64).to_string()),
    };
    text.unwrap_or_else(|| "-".to_owned())
}

/// The graph of a rate.
pub(super) fn rate_graph(
    name: String,
    unit: Unit,
    bits: &History,
    packets: &History,
    count: String,
) -> Graph {
    let shown = if unit == Unit::Datagrams { packets } else { bits };
    let text = |value: Option<f64>| rate_text(unit, value, value);
    let (low, high) = shown.extremes().unzip();
    Graph {
        name,
        figures: vec![
            text(shown.last()),
            count,
            words::figure(&text(high), words::MAX),
            words::figure(&text(low), words::MIN),
        ],
        bars: shown.bars(),
    }
}

impl Way {
    fn graphs(&self, way: FlowDirection, unit: Unit) -> [Graph; 3] {
        let name = |what: &str| format!("{}{what}", way_name(way));
        let received = words::figure(&group_digits(self.received), words::RECEIVED);
        let percent = |share: Option<f64>| {
            share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}%"))
        };
        let span = |nanos: Option<f64>| span_or_dash(nanos.map(|nanos| nanos as u64));
        let (worst, longest) =
            (self.loss.extremes().map(|two| two.1), self.delay.extremes().map(|two| two.1));
        [
            rate_graph(name(words::RATE), unit, &self.bits, &self.packets, received),
            Graph {
                name: name(words::LOSS),
                figures: vec![
                    words::figure(&lost(self.lost, self.of), words::LOST),
                    words::figure(&percent(self.loss.last()), words::NOW),
                    words::figure(&percent(worst), words::MAX),
                ],
                bars: self.loss.bars(),
            },
            Graph {
                name: name(words::DELAY),
                figures: vec![
                    words::figure(&span(self.delay.last()), words::ABOVE_MINIMUM),
                    words::figure(&span(longest), words::MAX),
                ],
                bars: self.delay.bars(),
            },
        ]
    }
}

impl Scene for BlastScene {
    fn picture(&self, moment: &Moment) -> Picture {
        let (stage, elapsed) = match self.began {
            None => (Stage::Waiting(waiting_for(self.heading.target, moment.now)), moment.now),
            Some(began) => (Stage::Running, moment.now - began),
        };
        let [up, down] = &self.ways;
        let graphs = match (up.is_used, down.is_used) {
            (true, true) => {
                let both = [(up, FlowDirection::Up), (down, FlowDirection::Down)];
                both.iter().flat_map(|(way, name)| way.graphs(*name, moment.unit)).collect()
            }
            (false, true) => down.graphs(FlowDirection::Down, moment.unit).to_vec(),
            (_, false) => up.graphs(FlowDirection::Only, moment.unit).to_vec(),
        };
        Picture {
            heading: self.heading.text(),
            stage,
            elapsed,
            expected: self.expected,
            bar_time: self.every,
            graphs,
            table: self.table(moment),
            messages: Vec::new(),
            unit: Some(moment.unit.name()),
        }
    }
}
