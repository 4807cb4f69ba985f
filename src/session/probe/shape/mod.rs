//! `probe shape`: whether a path treats datagrams differently by their contents, their size or
//! their rate.
//!
//! First a train of datagrams, to find a rate limit: whatever is sent later must stay below it. If
//! there is one, a train of shorter datagrams shows what it counts, a slower train whether it is a
//! limit at all, and a train to several ports whether it applies per port. Then every kind of
//! payload at every size, each until it is answered or its silence is beyond chance compared with
//! plain datagrams to the same port. All answers look alike, so whatever is missing was blocked on
//! the way out.
//!
//! ```text
//! policer   rate and burst from a train
//! judge     the verdict
//! ```

mod judge;
mod policer;

pub use judge::judge;

use super::probe_batch::{AnswerPlan, Back, Grant, ItemLog, Pace, ProbeItem, Shape};
use super::question::{Chance, MOST_TRIES, Question};
use super::rounds::{AgentCounts, CONTROL, Kind, Round, RoundsEnd, control};
use crate::record::Findings;
use crate::record::probe::{
    Counted, Outcome, PayloadKind, PayloadRow, RateLimit, ShapeReport, TrainPurpose, TrainRow, Way,
};
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::{ETHERNET_MTU, ETHERNET_PAYLOAD, IpFamily, Nanos};
use policer::Bucket;
use std::net::SocketAddr;

/// Payload bytes of a train's datagrams, and of shorter ones.
const LONG: usize = 1_000;
const SHORT: usize = 250;
/// Time for a limit's bucket to refill.
const REST: Nanos = Nanos::from_millis(1_200);
/// Share of the found rate at which a train must pass without loss.
const BELOW: f64 = 0.8;
/// Maximum time for plain datagrams alongside the payloads, in seconds, if a limit slows them down.
const BESIDE: f64 = 2.0;
/// Number of questions about a limit in one run.
const LIMITS: u64 = 4;
/// Ratio of what passes of two trains above which they are not under the same limit.
const ALIKE: f64 = 1.25;
/// About how long the payloads take on a path that passes them.
const PAYLOAD_TIME: Nanos = Nanos::from_secs(1);
const KINDS: [Shape; 6] =
    [Shape::Random, Shape::Zeros, Shape::Dns, Shape::Quic, Shape::Sip, Shape::Stun];
const SIZES: [usize; 8] = [64, 128, 256, 512, 1_024, 1_200, 1_400, ETHERNET_PAYLOAD];

/// Parameters of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapePlan {
    /// The remote agent.
    pub target: SocketAddr,
    /// Minimum datagrams of one kind and size before it counts as blocked.
    pub tries: u32,
    /// Rate of a train in datagrams per second.
    pub rate: u32,
    /// Datagrams of a train.
    pub count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Search,
    Short,
    Below,
    Spread,
    Payloads,
    Done,
}

impl Step {
    fn next(self) -> Self {
        match self {
            Self::Search => Self::Short,
            Self::Short => Self::Below,
            Self::Below => Self::Spread,
            Self::Spread => Self::Payloads,
            Self::Payloads | Self::Done => Self::Done,
        }
    }
}

/// A finished train.
#[derive(Clone, Debug)]
struct Train {
    purpose: TrainPurpose,
    first: u32,
    items: Vec<ItemLog>,
}

impl Train {
    /// Its datagrams in the order of sending, and whether each was answered.
    fn pattern(&self) -> Vec<(Nanos, bool)> {
        let left = self.items.iter().flat_map(|item| &item.sent);
        let mut all: Vec<(Nanos, bool)> = left
            .filter(|one| one.refused.is_none())
            .map(|one| (one.at.mono, one.back.is_some()))
            .collect();
        all.sort_by_key(|(at, _)| *at);
        all
    }

    /// The same by the agent's clock: when each arrived, or its answer was sent. Unanswered ones
    /// are assumed to have arrived with the spacing at which they were sent; their answers are
    /// assumed to have left then, but no earlier than the previous answer, since a delayed agent
    /// answers in a burst.
    fn seen(&self, way: Way) -> Vec<(Nanos, bool)> {
        let left = self.items.iter().flat_map(|item| &item.sent);
        let mut all: Vec<_> = left.filter(|one| one.refused.is_none()).collect();
        all.sort_by_key(|one| one.at.mono);
        let known = all.iter().find_map(|one| Some((one.back?.echo.arrived, one.at.mono)));
        let Some((mut there, mut here)) = known else { return self.pattern() };
        let mut answered = Nanos::ZERO;
        let mut seen = Vec::with_capacity(all.len());
        for one in all {
            let echo = one.back.map(|back| back.echo);
            if let Some(echo) = echo {
                (there, here) = (echo.arrived, one.at.mono);
                answered = answered.max(echo.left);
            }
            let at = match way {
                Way::Out => there + (one.at.mono - here),
                Way::Back => {
                    echo.map_or((there + (one.at.mono - here)).max(answered), |echo| echo.left)
                }
            };
            seen.push((at, one.back.is_some()));
        }
        seen
    }

    fn bucket(&self, way: Way) -> Option<Bucket> {
        policer::fit(&self.seen(way))
    }

    /// Whether its answers took much longer on the path after the limit applied than at first; the
    /// time that the agent kept them does not count.
    fn queues(&self) -> bool {
        let on_the_way = |back: &Back| back.round_trip - kept(back);
        let mut trips: Vec<Nanos> =
            self.items.iter().flat_map(ItemLog::backs).map(on_the_way).collect();
        let tail = trips.split_off(trips.len() / 2);
        let least = trips.iter().chain(&tail).min().copied().unwrap_or_default();
        let mut tail = tail;
        tail.sort_unstable();
        let median = tail.get(tail.len() / 2).copied().unwrap_or_default();
        median > least + Nanos::from_millis(8).max(Nanos(least.0 * 4))
    }

    /// The longest time that the agent kept an answer.
    fn agent_late(&self) -> Nanos {
        self.items.iter().flat_map(ItemLog::backs).map(kept).max().unwrap_or_default()
    }

    fn row(&self, told: Option<&AgentCounts>) -> TrainRow {
        let pattern = self.pattern();
        let span = match (pattern.first(), pattern.last()) {
            (Some(first), Some(last)) => (last.0 - first.0).as_secs_f64(),
            _ => 0.0,
        };
        let gaps = pattern.len().saturating_sub(1) as f64;
        let back = pattern.iter().filter(|(_, passed)| *passed).count() as u64;
        let numbers = (self.first..).take(self.items.len());
        // An item of which nothing arrived has no row.
        let arrived = told.map(|told| {
            let rows = numbers.filter_map(|item| told.get(&item));
            rows.map(|row| u64::from(row.count)).sum::<u64>().clamp(back, pattern.len() as u64)
        });
        let refused = self.items.iter().map(|item| item.sent.len() - item.left());
        TrainRow {
            purpose: self.purpose,
            payload_bytes: self.items.first().map_or(0, |item| item.shot.len as u32),
            ports: self.items.len() as u32,
            offered_per_s: if span > 0.0 { (gaps / span) as u64 } else { 0 },
            sent: pattern.len() as u64,
            refused_here: refused.sum::<usize>() as u64,
            arrived,
            back,
        }
    }

    /// Its loss, out and back together.
    fn sample(&self) -> LossSample {
        let pattern = self.pattern();
        let passed = pattern.iter().filter(|(_, passed)| *passed).count();
        LossSample::new(pattern.len() as u64, passed as u64)
    }

    /// Its loss in one direction.
    fn sample_of(&self, way: Way, told: Option<&AgentCounts>) -> Option<LossSample> {
        let row = self.row(told);
        let arrived = row.arrived?;
        Some(match way {
            Way::Out => LossSample::new(row.sent, arrived),
            Way::Back => LossSample::new(arrived, row.back),
        })
    }

    /// A sample without the weight that bursts of loss give it: datagrams lost together say as much
    /// about a rate as one. The lengths of the bursts are this train's.
    fn without_bursts(&self, sample: LossSample) -> LossSample {
        let pattern = self.pattern();
        let losses = || pattern.iter().map(|(_, passed)| !passed);
        let lost = losses().filter(|lost| *lost).count() as u64;
        let follows = std::iter::once(false).chain(losses());
        let bursts = losses().zip(follows).filter(|(lost, before)| *lost && !before).count();
        let part = |count: u64| count * bursts.max(1) as u64 / lost.max(1);
        LossSample::new(part(sample.sent), part(sample.sent - sample.lost))
    }

    /// Whether loss continued from the first loss on, as with a limit, and not only for a while, as
    /// when the path is interrupted: each third of the rest lost its share.
    fn is_limited_throughout(&self) -> bool {
        let pattern = self.pattern();
        let Some(first) = pattern.iter().position(|(_, passed)| !passed) else { return false };
        let behind = &pattern[first..];
        let loss = |part: &[(Nanos, bool)]| {
            part.iter().filter(|(_, passed)| !passed).count() as f64 / part.len().max(1) as f64
        };
        let all = loss(behind);
        behind.chunks(behind.len().div_ceil(3).max(1)).all(|third| loss(third) >= all / 4.0)
    }
}

/// State of `probe shape`.
pub struct ShapeKind {
    plan: ShapePlan,
    headers: usize,
    ports: Vec<u16>,
    step: Step,
    asked: Step,
    trains: Vec<Train>,
    payloads: Vec<Payload>,
    /// The payloads tested in the current round.
    payloads_asked: Vec<usize>,
    /// Plain datagrams to the port of the payloads, and to the agent's own port.
    control: Question,
    path: Question,
}

/// One row of the table of payloads.
#[derive(Debug)]
struct Payload {
    shot: ProbeItem,
    question: Question,
}

impl ShapeKind {
    /// A probe at its start.
    pub fn new(plan: ShapePlan) -> Self {
        Self {
            plan,
            headers: IpFamily::of(plan.target).headers(),
            ports: Vec::new(),
            step: Step::Search,
            asked: Step::Search,
            trains: Vec::new(),
            payloads: Vec::new(),
            payloads_asked: Vec::new(),
            control: Question::default(),
            path: Question::default(),
        }
    }

    fn of(&self, purpose: TrainPurpose) -> Option<&Train> {
        self.trains.iter().find(|train| train.purpose == purpose)
    }

    /// The limit as the first train shows it, unless the same train again refutes it.
    fn bucket(&self) -> Option<Bucket> {
        let bucket = self.of(TrainPurpose::Search)?.bucket(Way::Out)?;
        let again = self.of(TrainPurpose::Again).map(|train| train.bucket(Way::Out));
        let is_refuted = again.is_some_and(|again| !again.is_some_and(|again| is_quota(&again)));
        (!is_refuted).then_some(bucket)
    }

    fn round_of(&mut self, step: Step) -> Vec<ProbeItem> {
        let Some(first) = self.ports.first().copied() else { return Vec::new() };
        let (count, gap) = (self.plan.count, Nanos(1_000_000_000 / u64::from(self.plan.rate)));
        match step {
            Step::Search if count == 0 => Vec::new(),
            Step::Search => vec![train(LONG, first, count, gap)],
            // Without a limit there is nothing more to find out about it.
            Step::Short | Step::Below | Step::Spread if self.bucket().is_none() => Vec::new(),
            Step::Short => vec![train(SHORT, first, count, gap)],
            Step::Below => {
                let Some(bucket) = self.bucket() else { return Vec::new() };
                // Nothing is left of a quota, also of the same train again. It would be if the
                // path or the agent had merely paused.
                if is_quota(&bucket) {
                    return vec![train(LONG, first, count, gap)];
                }
                let rate = bucket.rate * BELOW;
                let gap = Nanos((1e9 / rate) as u64);
                vec![train(LONG, first, ((rate * 1.5) as u32).clamp(10, count), gap)]
            }
            Step::Spread => {
                let ports = self.ports.len() as u32;
                if ports < 2 {
                    return Vec::new();
                }
                let gap = Nanos(gap.0 * u64::from(ports));
                self.ports.iter().map(|port| train(LONG, *port, count / ports, gap)).collect()
            }
            Step::Payloads => self.payload_round(first),
            Step::Done => Vec::new(),
        }
    }

    /// Sizes that fit an IP packet of 1500 bytes.
    fn sizes(&self) -> impl Iterator<Item = usize> + use<> {
        let most = ETHERNET_MTU - self.headers;
        SIZES.into_iter().map(move |size| size.min(most))
    }

    fn payload_shots(&self, first: u16) -> Vec<ProbeItem> {
        let plain = ProbeItem { port: Some(first), ..ProbeItem::plain(self.plan.tries) };
        let looks = KINDS
            .into_iter()
            .flat_map(|shape| self.sizes().map(move |len| ProbeItem { len, shape, ..plain }));
        let answers = self.sizes().map(|len| ProbeItem {
            answer: AnswerPlan { len: len as u16, ..plain.answer },
            ..plain
        });
        let ports = self.ports.iter().skip(1).map(|port| ProbeItem { port: Some(*port), ..plain });
        looks.chain(answers).chain(ports).collect()
    }

    /// Payloads that are undecided: at first all.
    fn payload_round(&mut self, first: u16) -> Vec<ProbeItem> {
        if self.payloads.is_empty() {
            let shots = self.payload_shots(first).into_iter();
            let payloads = shots.map(|shot| Payload { shot, question: Question::default() });
            self.payloads = payloads.collect();
        }
        let most = MOST_TRIES.max(self.plan.tries);
        let tries = |payload: &Payload| match payload.question.attempts() {
            0 => self.plan.tries,
            _ => self.chance_of(payload, None).more_tries(&payload.question, 1, most),
        };
        let wanted: Vec<(usize, ProbeItem)> = self
            .payloads
            .iter()
            .enumerate()
            .map(|(index, payload)| (index, payload.shot, tries(payload)))
            .filter(|(.., tries)| *tries > 0)
            .map(|(index, shot, tries)| {
                (index, ProbeItem { pace: Pace::UntilAnswered(tries), ..shot })
            })
            .collect();
        self.payloads_asked = wanted.iter().map(|(index, _)| *index).collect();
        let mut shots: Vec<ProbeItem> = wanted.into_iter().map(|(_, shot)| shot).collect();
        if !shots.is_empty() {
            // The path itself, alongside the port.
            shots.push(control(None, CONTROL / 2, self.beside()));
        }
        shots
    }

    /// The control for a payload: plain datagrams to the same port; for another port, those to the
    /// agent's own.
    fn chance_of<'a>(&'a self, payload: &Payload, told: Option<&'a AgentCounts>) -> Chance<'a> {
        let same = payload.shot.port == self.ports.first().copied();
        let control = if same { &self.control } else { &self.path };
        Chance { control, told, asked: self.payloads.len() as u64 + 1 }
    }

    /// Time between plain datagrams alongside the payloads: they use a quarter of a limit.
    fn beside(&self) -> Nanos {
        match self.bucket() {
            Some(bucket) => Nanos((4e9 / bucket.rate.max(4.0)) as u64),
            None => Nanos::ZERO,
        }
    }

    /// Whether plain datagrams reach the port.
    fn port(&self, told: Option<&AgentCounts>) -> Outcome {
        let chance = Chance { control: &self.path, told, asked: self.payloads.len() as u64 + 1 };
        chance.out(&self.control, 1)
    }

    /// Whether there is a limit: the loss of the train is beyond chance compared with that of a
    /// slower one.
    fn is_limit(&self, search: &Train) -> bool {
        if !search.is_limited_throughout() {
            return false;
        }
        if let Some(below) = self.of(TrainPurpose::Below) {
            // The train under test was chosen for its high loss: so the others that the same limit
            // would have affected are counted with it.
            let all = search.sample().with(self.alike(search));
            let usual = below.without_bursts(below.sample());
            let beyond = |sample| is_beyond_chance(below.without_bursts(sample), usual, LIMITS);
            return beyond(search.sample()) && beyond(all);
        }
        // Nothing passes any more once the burst is used up.
        let pattern = search.pattern();
        let burst = pattern.iter().position(|(_, passed)| !passed).unwrap_or(0);
        let passed = pattern.iter().skip(burst).filter(|(_, passed)| *passed).count();
        let behind = LossSample::new((pattern.len() - burst) as u64, passed as u64);
        is_beyond_chance(behind, LossSample::new(burst as u64, burst as u64), LIMITS)
    }

    /// Loss of the trains at the same rate that a limit would treat like the first: shorter
    /// datagrams if it counts datagrams, several ports if it does not count per port.
    fn alike(&self, search: &Train) -> LossSample {
        let passed = |sample: LossSample| (sample.sent - sample.lost) as f64;
        let first = passed(search.sample());
        [TrainPurpose::Short, TrainPurpose::Spread]
            .into_iter()
            .filter_map(|purpose| Some(self.of(purpose)?.sample()))
            .filter(|sample| passed(*sample) <= first * ALIKE)
            .fold(LossSample::default(), LossSample::with)
    }

    /// The direction in which the train lost more than the usual loss; `None` if unknown, or if
    /// both did.
    fn way(&self, search: &Train, told: Option<&AgentCounts>) -> Option<Way> {
        let limited = |way: Way| -> Option<bool> {
            let suspect = search.sample_of(way, told)?;
            let below = self.of(TrainPurpose::Below).and_then(|train| train.sample_of(way, told));
            Some(match below {
                Some(below) => is_beyond_chance(suspect, below, LIMITS),
                None => suspect.lost * 2 > search.sample().lost,
            })
        };
        match (limited(Way::Out)?, limited(Way::Back)?) {
            (true, false) => Some(Way::Out),
            (false, true) => Some(Way::Back),
            _ => None,
        }
    }

    fn limit(&self, told: Option<&AgentCounts>) -> Option<RateLimit> {
        let search = self.of(TrainPurpose::Search)?;
        self.bucket()?;
        // What is lost at any rate is loss, not a limit.
        if !self.is_limit(search) {
            return None;
        }
        let way = self.way(search, told);
        let bucket = search.bucket(way.unwrap_or(Way::Out))?;
        // Answers are short.
        let payload = if way == Some(Way::Back) { crate::wire::Echo::LEN } else { LONG };
        let packet = (payload + self.headers) as f64;
        let each_port = self.of(TrainPurpose::Spread).map(|spread| {
            let one = search.row(told).back as f64;
            spread.row(told).back as f64 > one * 1.5
        });
        Some(RateLimit {
            way,
            datagrams_per_1000_s: (bucket.rate * 1e3).round() as u64,
            bits_per_s: (bucket.rate * packet * 8.0).round() as u64,
            burst_datagrams: bucket.burst.round() as u64,
            burst_bytes: (bucket.burst * packet).round() as u64,
            counts: self.counts(way, bucket, packet),
            each_port,
            queues: search.queues(),
            agent_late_ns: search.agent_late().0,
        })
    }

    /// What a limit counts, by how many shorter datagrams pass.
    fn counts(&self, way: Option<Way>, bucket: Bucket, packet: f64) -> Option<Counted> {
        let short = self.of(TrainPurpose::Short).filter(|_| way != Some(Way::Back))?;
        let ratio = short.bucket(Way::Out).map_or(f64::INFINITY, |found| found.rate / bucket.rate);
        let by_bytes = packet / (SHORT + self.headers) as f64;
        match ratio {
            _ if bucket.rate < 1.0 => None,
            ratio if (0.8..=1.25).contains(&ratio) => Some(Counted::Datagrams),
            ratio if ratio > by_bytes * 0.75 => Some(Counted::Bytes),
            _ => None,
        }
    }

    fn payload_row(&self, payload: &Payload, told: Option<&AgentCounts>) -> PayloadRow {
        let (shot, question) = (&payload.shot, &payload.question);
        let chance = self.chance_of(payload, told);
        let answered = question.answered();
        let answer = u32::from(shot.answer.len);
        let (kind, len, sent, outcome) = if answer > 0 {
            let asked = question.answers(told).unwrap_or(question.left());
            (PayloadKind::Reply, answer, asked, chance.back(question, 1))
        } else {
            let outcome = chance.out(question, 1);
            (shot.shape.kind(), shot.len as u32, question.left(), outcome)
        };
        PayloadRow {
            kind,
            payload_bytes: len,
            port: shot.port.unwrap_or(0),
            sent: sent as u32,
            arrived: question.arrived(told).map(|arrived| arrived as u32),
            back: answered as u32,
            outcome,
        }
    }
}

/// Whether nothing passes once the burst is used up.
fn is_quota(bucket: &Bucket) -> bool {
    bucket.rate * BELOW < 2.0
}

/// How long the agent kept a datagram before it answered.
fn kept(back: &Back) -> Nanos {
    back.echo.left - back.echo.arrived
}

fn train(len: usize, port: u16, count: u32, gap: Nanos) -> ProbeItem {
    let pace = Pace::Train(count.max(1), gap);
    ProbeItem { port: Some(port), len, pace, ..ProbeItem::plain(1) }
}

impl Kind for ShapeKind {
    type Facts = ShapeReport;

    fn round(&mut self, grant: &Grant) -> Vec<ProbeItem> {
        if self.ports.is_empty() {
            self.ports.clone_from(&grant.ports);
        }
        while self.step != Step::Done {
            let step = self.step;
            let shots = self.round_of(step);
            // Payloads are tested until they are decided.
            if step != Step::Payloads || shots.is_empty() {
                self.step = step.next();
            }
            if !shots.is_empty() {
                self.asked = step;
                return shots;
            }
        }
        Vec::new()
    }

    fn take(&mut self, round: &Round<'_>) {
        let purpose = match self.asked {
            Step::Search => TrainPurpose::Search,
            Step::Short => TrainPurpose::Short,
            Step::Below if self.bucket().as_ref().is_some_and(is_quota) => TrainPurpose::Again,
            Step::Below => TrainPurpose::Below,
            Step::Spread => TrainPurpose::Spread,
            Step::Payloads | Step::Done => return self.take_payloads(round),
        };
        self.trains.push(Train { purpose, first: round.first, items: round.items.to_vec() });
    }

    fn pause(&self) -> Nanos {
        let limited = self.asked != Step::Search && self.bucket().is_some();
        if limited { REST } else { Nanos::ZERO }
    }

    fn gap(&self) -> Option<Nanos> {
        let rate = self.bucket().filter(|_| self.asked == Step::Payloads)?.rate;
        // At half of the limit, and bounded in time.
        Some(Nanos((2e9 / rate.max(4.0)) as u64))
    }

    fn control(&self) -> Option<ProbeItem> {
        let port = self.ports.first().copied().filter(|_| self.asked == Step::Payloads)?;
        let gap = self.beside();
        let most = BESIDE / gap.as_secs_f64().max(1e-3);
        Some(control(Some(port), (most as u32).clamp(10, CONTROL), gap))
    }

    fn ahead(&self) -> Nanos {
        // Without a limit there are no more trains.
        let trains = match self.asked {
            _ if self.bucket().is_none() => 0,
            Step::Search => 3,
            Step::Short => 2,
            Step::Below => 1,
            Step::Spread | Step::Payloads | Step::Done => 0,
        };
        let train = u64::from(self.plan.count) * 1_000_000_000 / u64::from(self.plan.rate.max(1));
        let payloads = match self.asked {
            Step::Payloads | Step::Done => Nanos::ZERO,
            _ => PAYLOAD_TIME,
        };
        Nanos((train + REST.0) * trains) + payloads
    }

    fn finish(self, end: RoundsEnd) -> ShapeReport {
        let told = end.told.as_ref();
        let looks = KINDS.len() * SIZES.len();
        let rows = |from: usize, count: usize| {
            let some = self.payloads.iter().skip(from).take(count);
            some.map(|payload| self.payload_row(payload, told)).collect()
        };
        let mut report = ShapeReport {
            target: self.plan.target.into(),
            ports: self.ports.clone(),
            tries: self.plan.tries,
            trains: self.trains.iter().map(|train| train.row(told)).collect(),
            limit: self.limit(told),
            port: self.port(told),
            payloads: rows(0, looks),
            replies: rows(looks, SIZES.len()),
            further_ports: rows(looks + SIZES.len(), usize::MAX),
            traffic: end.traffic,
            interrupted: false,
            duration_ns: 0,
            findings: Findings::default(),
        };
        report.findings = judge(&report);
        report
    }
}

impl ShapeKind {
    /// Handles a round of payloads; its last item is the control for the path itself.
    fn take_payloads(&mut self, round: &Round<'_>) {
        if let Some((number, item)) = round.control {
            self.control.add(number, item);
        }
        let asked = &self.payloads_asked;
        for (number, (position, item)) in (round.first..).zip(round.items.iter().enumerate()) {
            match asked.get(position) {
                Some(index) => self.payloads[*index].question.add(number, item),
                None => self.path.add(number, item),
            }
        }
    }
}
