//! `recv`: shows, counts and answers what arrives, and decides when to end.
//!
//! Constant memory however long it runs, and no work per datagram beyond counting unless datagrams
//! are shown.

mod answers;
mod intervals;
mod loop_detection;

pub use answers::Answering;

use super::{InterfaceLog, NetworkErrorLog};
use crate::batch::{
    Datagram, InterfaceChange, LocalSendFailure, NetworkError, SendOutcome, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::{
    Flow, GapRecord, Received, RecvEnd, RecvEvent, RecvInterval, RecvStanding, RecvSummary, Sink,
    SocketRecord, SourceRecord, UdpFields,
};
use crate::stats::{DelayHistogram, DropCount, TopSources};
use crate::units::Nanos;
use crate::wire::udp_checksum;
use answers::Answers;

use intervals::Intervals;
use std::net::SocketAddr;

/// Maximum senders kept apart; further ones are counted together.
const SOURCES: usize = 1024;
/// Maximum senders listed in the summary.
const LISTED: usize = 16;
/// Maximum delay of the end, to read what has already arrived.
const DRAIN: Nanos = Nanos::from_millis(200);

/// Which datagrams are passed to the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// None: counts only.
    Counts,
    /// Each, with its UDP header reconstructed.
    Each,
    /// Each with its UDP header worked out.
    EachWithHeader,
}

/// At most how many of the drops of an interval were of damaged datagrams.
type Damaged = dyn Fn(u64) -> u64 + Send;

/// Parameters of `recv`.
#[derive(Clone, Debug)]
pub struct RecvPlan {
    /// Local addresses of the sockets, by number.
    pub local: Vec<SocketAddr>,
    /// Which datagrams are passed on.
    pub show: Show,
    /// Ends after this many datagrams; `None` for no limit.
    pub count: Option<u64>,
    /// Ends after this time; `None` for no limit.
    pub timeout: Option<Nanos>,
    /// Ends after this much silence, from the start or the last datagram; `None` for no limit.
    pub idle: Option<Nanos>,
    /// The answer to datagrams.
    pub answering: Answering,
    /// Length of reporting intervals, which is the loop's tick; `None` for none.
    pub interval: Option<Nanos>,
    /// Explains by error number why this host refuses a destination.
    pub explain: fn(i32, SocketAddr) -> LocalSendFailure,
}

/// State of `recv`.
pub struct RecvSession<S> {
    plan: RecvPlan,
    sink: S,
    started: Option<Nanos>,
    /// Monotonic time of the last arrival.
    heard: Option<Nanos>,
    /// Real time of the first arrival and of the last.
    span: Option<(Nanos, Nanos)>,
    total: Count,
    truncated: u64,
    sockets: Vec<SocketState>,
    sources: TopSources,
    gaps: DelayHistogram,
    intervals: Option<Intervals>,
    damaged: Option<Box<Damaged>>,
    /// Drops already reported in intervals.
    drops_told: u64,
    /// Total length of this host's pauses.
    paused: Nanos,
    answers: Answers,
    troubles: NetworkErrorLog,
    interfaces: InterfaceLog,
    stage: Stage,
    news: bool,
}

/// Datagrams and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    datagrams: u64,
    bytes: u64,
}

/// One socket's counts.
#[derive(Clone, Copy, Debug, Default)]
struct SocketState {
    datagrams: u64,
    drops: DropCount,
    last: Option<Nanos>,
}

/// Stage of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Receiving.
    Open,
    /// Ends as soon as nothing more waits in the sockets, at this instant at the latest.
    Draining(RecvEnd, Nanos),
    /// Over.
    Over(RecvEnd),
}

/// Result of `recv`.
pub struct RecvDone<S> {
    /// The result.
    pub summary: RecvSummary,
    /// The sink, for its final output.
    pub sink: S,
}

impl<S> RecvSession<S>
where
    S: for<'a> Sink<RecvEvent<'a>>,
{
    /// A session at its start.
    pub fn new(plan: RecvPlan, sink: S) -> Self {
        Self {
            sink,
            started: None,
            heard: None,
            span: None,
            total: Count::default(),
            truncated: 0,
            sockets: vec![SocketState::default(); plan.local.len()],
            sources: TopSources::new(SOURCES),
            gaps: DelayHistogram::new(),
            intervals: plan.interval.map(Intervals::new),
            damaged: None,
            drops_told: 0,
            paused: Nanos::ZERO,
            answers: Answers::new(plan.answering.clone(), plan.explain),
            troubles: NetworkErrorLog::default(),
            interfaces: InterfaceLog::default(),
            stage: Stage::Open,
            news: false,
            plan,
        }
    }

    /// Has this tell how many of the drops of each interval were of damaged datagrams.
    #[must_use]
    pub fn with_damage(mut self, damaged: impl Fn(u64) -> u64 + Send + 'static) -> Self {
        self.damaged = Some(Box::new(damaged));
        self
    }

    fn drops(&self) -> u64 {
        self.sockets.iter().map(|socket| socket.drops.total()).sum()
    }

    fn tell(&mut self, event: RecvEvent<'_>) {
        if self.sink.take(event) == Flow::Closed {
            self.stage = Stage::Over(RecvEnd::Closed);
        }
    }

    fn show(&mut self, datagram: &Datagram<'_>) {
        let Some(local) = self.plan.local.get(datagram.meta.socket).copied() else { return };
        let header = match self.plan.show {
            Show::Counts => return,
            Show::Each => None,
            Show::EachWithHeader => Some(header_of(datagram, local)),
        };
        self.tell(RecvEvent::Datagram(&Received { datagram, local: local.into(), header }));
    }

    fn socket_rows(&self) -> Vec<SocketRecord> {
        let row = |(local, socket): (&SocketAddr, &SocketState)| SocketRecord {
            address: (*local).into(),
            datagrams: socket.datagrams,
            drops: socket.drops.total(),
        };
        self.plan.local.iter().zip(&self.sockets).map(row).collect()
    }

    /// When the run ends if nothing arrives; `None` if it does not.
    fn deadline(&self, now: Now) -> Option<(Nanos, RecvEnd)> {
        let started = self.started.unwrap_or(now.mono);
        let timeout = self.plan.timeout.map(|timeout| (started + timeout, RecvEnd::Timeout));
        let heard = self.heard.unwrap_or(started);
        let idle = self.plan.idle.map(|idle| (heard + idle, RecvEnd::Idle));
        timeout.into_iter().chain(idle).min_by_key(|(at, _)| *at)
    }

    /// The next finished interval; drops, whose time is unknown, count in the last one.
    fn close_interval(&mut self, now: Now) -> Option<RecvInterval> {
        let since_start = now.mono - self.started.unwrap_or(now.mono);
        let intervals = self.intervals.as_mut()?;
        let over = intervals.close(since_start)?;
        let drops = self.sockets.iter().map(|socket| socket.drops.total()).sum();
        let mut interval = RecvInterval {
            start_ns: over.start.0,
            duration_ns: over.duration.0,
            datagrams: over.came.datagrams,
            bytes: over.came.bytes,
            drops: drops - std::mem::replace(&mut self.drops_told, drops),
            ..RecvInterval::default()
        };
        interval.damaged = self.damaged.as_ref().map_or(0, |damaged| damaged(interval.drops));
        interval.set_rates();
        Some(interval)
    }

    /// Counts a datagram in the interval in which the kernel received it.
    fn count_in_interval(&mut self, now: Now, datagram: &Datagram<'_>) {
        let Some(intervals) = &mut self.intervals else { return };
        // The kernel's stamp is real time; its age holds on either clock.
        let read_late = now.real - datagram.meta.arrival;
        let arrived = now.mono - read_late;
        let started = *self.started.get_or_insert(arrived);
        intervals.observe(arrived - started, datagram.true_len as u64);
    }
}

impl<S> Session for RecvSession<S>
where
    S: for<'a> Sink<RecvEvent<'a>>,
{
    type Summary = RecvDone<S>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now.mono);
        self.tell(RecvEvent::Lull);
        let quiet = !std::mem::take(&mut self.news);
        if let Stage::Draining(why, until) = self.stage
            && (quiet || until <= now.mono)
        {
            self.stage = Stage::Over(why);
        }
        if !self.answers.is_empty() && self.stage != Stage::Over(RecvEnd::Closed) {
            self.answers.write(out);
            return Next::Send;
        }
        match (self.stage, self.deadline(now)) {
            (Stage::Over(_), _) => Next::Done,
            // An instant in the past: the loop polls the sockets and comes straight back.
            (Stage::Draining(..), _) => Next::WaitUntil(now.mono),
            (Stage::Open, Some((at, why))) if at <= now.mono => {
                self.stage = Stage::Draining(why, now.mono);
                Next::WaitUntil(now.mono)
            }
            (Stage::Open, Some((at, _))) => Next::WaitUntil(at),
            (Stage::Open, None) => Next::Idle,
        }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        if !self.answers.is_empty() {
            let at = now.mono - *self.started.get_or_insert(now.mono);
            self.answers.settle(at, outcome);
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if matches!(self.stage, Stage::Over(_)) {
            return;
        }
        self.news = true;
        self.heard = Some(now.mono);
        let arrival = datagram.meta.arrival;
        let (first, last) = self.span.unwrap_or((arrival, arrival));
        // Sockets are read one after the other, so arrivals are in order only within each.
        self.span = Some((first.min(arrival), last.max(arrival)));
        self.total.datagrams += 1;
        self.total.bytes += datagram.true_len as u64;
        self.truncated += u64::from(datagram.truncated());
        if let Some(socket) = self.sockets.get_mut(datagram.meta.socket) {
            socket.datagrams += 1;
            // The clock may be set meanwhile: then the gap is unknown.
            let before = socket.last.replace(arrival);
            if let Some(gap) = before.and_then(|before| arrival.checked_since(before)) {
                self.gaps.record(gap);
            }
        }
        self.count_in_interval(now, datagram);
        self.sources.observe(datagram.meta.source, datagram.true_len as u64);
        self.show(datagram);
        let port = self.plan.local.get(datagram.meta.socket).map_or(0, SocketAddr::port);
        self.answers.answer(now.mono, datagram, port);
        if self.plan.count.is_some_and(|count| self.total.datagrams >= count)
            && matches!(self.stage, Stage::Open | Stage::Draining(..))
        {
            self.stage = Stage::Over(RecvEnd::Count);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let at = now.mono - *self.started.get_or_insert(now.mono);
        if let Some(trouble) = self.troubles.observe(at, error) {
            // Borrowed apart from the sink, so `tell` cannot be used here.
            if self.sink.take(RecvEvent::Trouble(trouble)) == Flow::Closed {
                self.stage = Stage::Over(RecvEnd::Closed);
            }
        }
    }

    fn on_tick(&mut self, now: Now) {
        while let Some(interval) = self.close_interval(now) {
            self.tell(RecvEvent::Interval(&interval));
        }
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        if let Some(state) = self.sockets.get_mut(socket) {
            state.drops.observe(drops);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.paused += length;
        // This host did not receive during the pause; the senders were not silent.
        if let Some(heard) = self.heard.or(self.started) {
            self.heard = Some(heard + length);
        }
        if let Stage::Draining(_, until) = &mut self.stage {
            *until += length;
            self.news = true;
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        let at = now.mono - *self.started.get_or_insert(now.mono);
        if let Some(event) = self.interfaces.observe(at, change) {
            self.tell(RecvEvent::Interface(&event));
        }
    }

    fn on_status(&mut self, now: Now) {
        let Count { datagrams, bytes } = self.total;
        let elapsed = now.mono - self.started.unwrap_or(now.mono);
        self.tell(RecvEvent::Status { datagrams, bytes, elapsed });
    }

    fn on_watch(&mut self, _now: Now) {
        let standing = RecvStanding {
            bytes: self.total.bytes,
            truncated: self.truncated,
            answered: self.answers.sent,
            unanswered: self.answers.lost,
            suspected_loop: self.answers.left_out,
            sockets: self.socket_rows(),
        };
        self.tell(RecvEvent::Standing(&standing));
    }

    fn on_stop(&mut self, now: Now) {
        if self.stage == Stage::Open {
            // The sockets must be polled once before silence means that nothing waits.
            self.news = true;
            self.stage = Stage::Draining(RecvEnd::Stopped, now.mono + DRAIN);
        }
    }

    fn finish(mut self, now: Now) -> Self::Summary {
        let started = self.started.unwrap_or(now.mono);
        let (top, others) = self.sources.top(LISTED);
        let sources = top
            .into_iter()
            .map(|(address, count)| SourceRecord {
                address: address.into(),
                datagrams: count.datagrams,
                bytes: count.bytes,
            })
            .collect();
        let ended = match self.stage {
            Stage::Over(why) | Stage::Draining(why, _) => why,
            Stage::Open => RecvEnd::Stopped,
        };
        let sockets = self.socket_rows();
        let mut summary = RecvSummary {
            datagrams: self.total.datagrams,
            bytes: self.total.bytes,
            truncated: self.truncated,
            drops: self.drops(),
            duration_ns: (now.mono - started).0,
            active_ns: self.span.map_or(0, |(first, last)| (last - first).0),
            ended,
            interrupted: ended == RecvEnd::Stopped,
            paused_ns: self.paused.0,
            sources,
            other_datagrams: others.datagrams,
            other_bytes: others.bytes,
            gaps_ns: gap_record(&self.gaps),
            sockets,
            answered: self.answers.sent,
            unanswered: self.answers.lost,
            suspected_loop: self.answers.left_out,
            ..RecvSummary::default()
        };
        summary.set_rates();
        summary.refused = self.answers.refused;
        summary.interface_events = self.interfaces.events().to_vec();
        summary.other_network_errors = self.troubles.others();
        summary.network_errors = std::mem::take(&mut self.troubles).into_kinds();
        RecvDone { summary, sink: self.sink }
    }
}

/// The UDP header with which the datagram arrived. The kernel has removed and checked it; all
/// fields but the checksum are known, and that is recomputed.
fn header_of(datagram: &Datagram<'_>, local: SocketAddr) -> UdpFields {
    let (source, port) = (datagram.meta.source, local.port());
    let length = (datagram.true_len + 8).min(usize::from(u16::MAX)) as u16;
    let whole = datagram.meta.destination.filter(|_| !datagram.truncated());
    let checksum = whole.and_then(|destination| {
        udp_checksum(source, SocketAddr::new(destination, port), datagram.payload)
    });
    UdpFields { source_port: source.port(), destination_port: port, length, checksum }
}

fn gap_record(gaps: &DelayHistogram) -> Option<GapRecord> {
    let nanos = |gap: Option<Nanos>| gap.map(|gap| gap.0);
    let shares = gaps.percentiles();
    (shares.count > 0).then(|| GapRecord {
        samples: shares.count,
        min: nanos(gaps.min()),
        p50: nanos(shares.p50),
        p90: nanos(shares.p90),
        p99: nanos(shares.p99),
        p999: nanos(shares.p999),
        max: nanos(shares.max),
    })
}

#[cfg(test)]
mod tests;
