//! The accounting of one target: what was sent, what came back, and what happened to the rest.

use super::PingTarget;
use super::answer_contents::AnswerContents;
use super::bursts::{Losses, outages};
use super::changed_replies::ChangedReplies;
use super::clocks::Clocks;
use super::delays::{Delays, Steps};
use super::directions::{Directions, LossByDirection};
use super::echo::Echo;
use super::extra_probe::{Question, Step};
use super::keepalives::Keepalives;
use super::outage_list::Numbering;
use super::probe::{Probe, Probes, State};
use super::rows::{over_time, row, steps};
use super::schedule::PingSchedule;
use crate::batch::{Datagram, DestId, ErrorOrigin, LocalSendFailure, NetworkError, TransmitStamp};
use crate::machine::Now;
use crate::record::{
    Outcome, PingDelay, PingInterval, PingLost, PingReply, PingRow, PingStanding, PingTargetReport,
    PingTimeout, ReplyKind, SendRefusal,
};
use crate::session::NetworkErrorLog;
use crate::stats::{Arrival, DelayHistogram, LEAST_OUTAGE, OutageLength, StreamLosses, Timeline};
use crate::units::Nanos;
use crate::wire::Hops;
use std::net::SocketAddr;

/// A kernel stamp that is later than the call by more than this belongs to another datagram: no
/// queue of this host delays that long.
const LONGEST_QUEUE: Nanos = Nanos::from_secs(1);
/// Length of the first intervals of the run over time.
const FIRST_STRETCH: Nanos = Nanos::from_millis(10);

/// One target.
pub(super) struct Target {
    pub index: usize,
    pub plan: PingTarget,
    pub dest: Option<DestId>,
    pub schedule: PingSchedule,
    pub probes: Probes,
    pub delays: Delays,
    /// Keepalives between the probes.
    pub keepalives: Keepalives,
    /// Slots used by probes that the kernel refused.
    pub never_sent: u64,
    /// Round trips since the last interval.
    pub round_trips: DelayHistogram,
    /// Datagrams that this host's socket dropped because its buffer was full.
    pub socket_drops: u32,
    given_up: u64,
    start: Nanos,
    ways: Directions,
    late: u64,
    open: u64,
    strays: u64,
    told: AnswerContents,
    changed: ChangedReplies,
    question: Question,
    transmit_stamps: u64,
    losses: Losses,
    /// Whether the user set the length of an outage.
    is_outage_asked: bool,
    timeline: Timeline,
    refused: Vec<SendRefusal>,
    troubles: NetworkErrorLog,
}

impl Target {
    pub fn new(
        index: usize,
        plan: PingTarget,
        schedule: PingSchedule,
        probes: Probes,
        start: Nanos,
    ) -> Self {
        Self {
            index,
            plan,
            dest: None,
            schedule,
            probes,
            delays: Delays::default(),
            keepalives: Keepalives::default(),
            never_sent: 0,
            round_trips: DelayHistogram::new(),
            socket_drops: 0,
            given_up: 0,
            start,
            ways: Directions::new(),
            late: 0,
            open: 0,
            strays: 0,
            told: AnswerContents::default(),
            changed: ChangedReplies::default(),
            question: Question::default(),
            transmit_stamps: 0,
            losses: Losses::new(LEAST_OUTAGE),
            is_outage_asked: false,
            timeline: Timeline::new(FIRST_STRETCH),
            refused: Vec::new(),
            troubles: NetworkErrorLog::default(),
        }
    }

    /// The same target, whose outages are of this length.
    #[must_use]
    pub fn listing(self, length: OutageLength) -> Self {
        let losses = Losses::new(length.least(Nanos::ZERO));
        Self { losses, is_outage_asked: length.asked.is_some(), ..self }
    }

    /// This host was paused for `length`; the last probes were handed over at `last`.
    pub fn paused(&mut self, length: Nanos, last: Nanos) {
        self.probes.extend_waits(length, last);
    }

    /// Slots used so far, by probes that were sent or refused.
    pub fn spent(&self) -> u64 {
        self.probes.next() + self.never_sent
    }

    /// The kernel accepted a probe.
    pub fn sent(&mut self, planned: Nanos, now: Now) {
        let (sent, sent_real) = (now.mono, now.real);
        self.probes.push(Probe { planned, sent, sent_real, ..Probe::default() });
    }

    /// The kernel refused a probe; returns the reason if it is new.
    pub fn refuse(
        &mut self,
        now: Now,
        errno: i32,
        explain: fn(i32, SocketAddr) -> LocalSendFailure,
    ) -> Option<&SendRefusal> {
        self.never_sent += 1;
        if let Some(known) = self.refused.iter_mut().find(|known| known.errno() == errno) {
            known.again(now.mono - self.start, 1);
            return None;
        }
        let refusal = SendRefusal::explained(&explain(errno, self.plan.addr));
        self.refused.push(refusal.at(now.mono - self.start));
        self.refused.last()
    }

    /// The kernel reported when a probe was sent.
    pub fn left(&mut self, clocks: &Clocks, stamp: &TransmitStamp) {
        let Some(number) = self.keepalives.probe_at(stamp.number) else { return };
        let Some(number) = self.probes.extend(number) else { return };
        let Some(probe) = self.probes.find(number) else { return };
        let since = stamp.at.signed_since(probe.sent_real);
        // A longer time between the two was a pause of this host.
        if !(0..(LONGEST_QUEUE + probe.extra).0 as i64).contains(&since) {
            return;
        }
        probe.left = clocks.monotonic(stamp.at).max(probe.sent);
        self.transmit_stamps += 1;
    }

    /// Handles an answer. `None` if it does not belong to this run.
    pub fn answer(
        &mut self,
        clocks: &Clocks,
        wait: Nanos,
        echo: &Echo,
        datagram: &Datagram<'_>,
    ) -> Option<PingReply> {
        if self.question.is_answer(echo.seq, echo.sent) {
            self.conclude(echo);
            return None;
        }
        let Some(number) = self.probes.extend(echo.seq) else {
            self.stray();
            return None;
        };
        let meta = &datagram.meta;
        let arrived = clocks.monotonic(meta.arrival);
        let known = self.probes.find(number).copied();
        // It must contain the transmit time that was sent; otherwise somebody guessed the number.
        if known.is_some_and(|probe| probe.sent_real != echo.sent) {
            self.stray();
            return None;
        }
        let counted = echo.reflector.map(|told| told.number());
        let arrival = self.ways.observe(echo.seq, counted);
        if echo.reflector.is_some_and(|told| told.counts.is_some()) {
            self.ways.trust();
        }
        let first = matches!(arrival, Arrival::New | Arrival::Reordered { .. });
        let times = echo.reflector.and_then(|told| told.received.zip(told.sent));
        let steps = known.filter(Probe::is_timed).and_then(|probe| {
            let (planned, sent) = (probe.planned, probe.transmitted());
            Steps { planned, sent, reflector: times, arrived }.ordered()
        });
        let kind = match (first, known) {
            (false, _) => ReplyKind::Duplicate,
            (true, Some(probe)) if arrived - probe.sent <= wait + probe.extra => ReplyKind::Back,
            (true, _) => ReplyKind::Late,
        };
        self.told.observe(meta, self.plan.addr, echo);
        self.late += u64::from(kind == ReplyKind::Late);
        if first {
            self.changed.note(echo.change, datagram.true_len as u64);
        }
        // Read after the time-out: it was timed out and is not lost.
        if first && known.is_none_or(|probe| probe.state != State::Waiting) {
            self.given_up = self.given_up.saturating_sub(1);
        }
        if first && known.is_none() {
            self.losses.answered(number);
        }
        if first {
            let late = kind == ReplyKind::Late;
            self.probes.close(number, if late { State::Late } else { State::Back });
            self.first_answer(number, steps.as_ref(), datagram);
            if let Some(probe) = self.probes.find(number) {
                probe.reflected = counted;
            }
        } else if let Some(probe) = self.probes.find(number) {
            probe.copies = probe.copies.saturating_add(1);
        }
        let round_trip = steps.map(|steps| steps.round_trip().0);
        Some(PingReply {
            target: self.index,
            source: meta.source.into(),
            seq: number,
            kind,
            bytes: datagram.true_len as u64,
            ttl: meta.ttl,
            round_trip_ns: round_trip,
            as_planned_ns: steps.map(|steps| steps.as_planned().0),
            server_ns: steps.and_then(|steps| steps.server()).map(Nanos::as_u64),
            reflector_seq: echo.reflector.map(|told| told.seq),
            change: echo.change,
            arrival_ns: meta.arrival.0,
        })
    }

    /// Something arrived that is not an answer.
    pub fn stray(&mut self) {
        self.strays += 1;
    }

    /// A network error, about a probe if it quotes its number; returns whether it is new. This
    /// host's own errors occur for every attempt to send, and are new once. The probe is awaited
    /// all the same: its answer, or that of another path, may be on its way.
    pub fn trouble(&mut self, now: Now, number: Option<u64>, error: &NetworkError) -> bool {
        if let Some(probe) = number.and_then(|number| self.probes.find(number)) {
            probe.is_refused = true;
        }
        self.troubles.observe(now.mono - self.start, error).is_some()
            || error.origin != ErrorOrigin::Local
    }

    /// Times out the probes whose time is over and returns the oldest that nothing was heard of: an
    /// error about a probe was reported when it came.
    pub fn expire(&mut self, now: Now, wait: Nanos) -> Option<PingTimeout> {
        loop {
            let (seq, probe) = self.probes.expire(now.mono, wait)?;
            self.given_up += 1;
            if probe.state == State::TimedOut {
                let (target, waited_ns) = (self.index, (wait + probe.extra).0);
                return Some(PingTimeout { target, seq, sent_ns: probe.sent_real.0, waited_ns });
            }
        }
    }

    /// Drops the oldest probe, if it was sent before `horizon` or its room is needed, and returns
    /// its result. `over` is the result of those still in flight at the end.
    pub fn settle(&mut self, horizon: Nanos, over: Outcome) -> Option<PingRow> {
        let (seq, probe) = self.probes.settle(horizon)?;
        let outcome = match probe.state {
            State::Waiting if probe.is_refused && over == Outcome::Lost => Outcome::Refused,
            State::Waiting => over,
            State::TimedOut => Outcome::Lost,
            State::Refused => Outcome::Refused,
            State::Back => Outcome::Back,
            State::Late => Outcome::Late,
        };
        self.open += u64::from(outcome == Outcome::Open);
        // Its room was needed before its time-out.
        let pushed_out = probe.state == State::Waiting && over == Outcome::Lost;
        self.given_up += u64::from(pushed_out);
        let planned = probe.planned - self.start;
        if matches!(outcome, Outcome::Lost | Outcome::Refused) {
            self.losses.lose(seq, planned, &mut self.timeline);
        } else {
            self.losses.close(seq, planned, probe.reflected);
        }
        if probe.is_timed() {
            self.delays.sent(probe.transmitted() - probe.planned);
        }
        if matches!(outcome, Outcome::Back | Outcome::Late)
            && let Some(steps) = steps(&probe)
        {
            self.delays.settled(seq, &steps);
        }
        Some(row(self.index, seq, outcome, &probe))
    }

    /// The interval that ends now, as of now.
    pub fn interval(&self, start: Nanos, duration: Nanos, elapsed: Nanos) -> PingInterval<'_> {
        PingInterval {
            target: self.index,
            elapsed,
            sent: self.probes.next(),
            back: self.ways.back().firsts(),
            lost: self.given_up,
            start,
            duration,
            round_trips: &self.round_trips,
        }
    }

    /// How it stands now.
    pub fn standing(&self, ttl: u8) -> PingStanding {
        let (sent, open, back) = (self.probes.next(), self.probes.waiting(), self.ways.back());
        let ways = self.ways.lost(sent, open).ok();
        PingStanding {
            target: self.index,
            sent,
            never_sent: self.never_sent,
            back: back.firsts(),
            late: self.late,
            lost: back.lost_of(sent).saturating_sub(open),
            lost_out: ways.map(|ways| ways.out),
            lost_back: ways.map(|ways| ways.back),
            duplicates: back.duplicates(),
            reordered: back.reordered(),
            strays: self.strays + back.too_late(),
            socket_drops: u64::from(self.socket_drops),
            routers_out: self.told.hops_out(ttl).and_then(Hops::known),
            reflector_restarts: self.ways.restarts(),
        }
    }

    /// The final report, once everything is decided.
    pub fn report(mut self, ttl: u8, ended: Nanos) -> PingTargetReport {
        let losses = std::mem::replace(&mut self.losses, Losses::new(LEAST_OUTAGE));
        let (bursts, gaps) = losses.end(ended - self.start, &mut self.timeline);
        let sent = self.probes.next();
        let back = self.ways.back();
        // A probe that may still be answered is not lost, even if a later one was answered.
        let open = self.open.min(back.lost_of(sent));
        let lost = back.lost_of(sent) - open;
        debug_assert_eq!(sent, back.firsts() + lost + open, "{}", self.plan.name);
        let ways = self.ways.lost(sent, open);
        let (out, behind) = match ways {
            Ok(LossByDirection { out, back, unknown: 0 }) => (Some(out), Some(back)),
            Ok(_) | Err(_) => (None, None),
        };
        let stream = StreamLosses { arrived: back.firsts(), lost, bursts: bursts.bursts };
        let numbering = if ways.is_ok() { Numbering::Good } else { Numbering::Doubtful };
        let mut outages = outages(&gaps.longest, stream, numbering);
        let gaps = gaps.listed.told(numbering, u64::from(self.socket_drops));
        // What this host's socket may have dropped is no outage of the path.
        outages.retain(|outage| outage.lost > u64::from(self.socket_drops));
        let untold = ways.err().filter(|_| lost > 0);
        let copies = self.ways.copies();
        let hops = self.told.hops_out(ttl);
        let (seen, came_back) = (self.told.class_out(), self.told.class_back());
        let counts = self.told.counts();
        let (answered_by, answered_elsewhere) = self.told.elsewhere();
        let has_ways = self.delays.server().samples > 0;
        let way = |told: PingDelay| if has_ways { told } else { PingDelay::default() };
        let mut report = PingTargetReport {
            address: Some(self.plan.addr.into()),
            sent,
            never_sent: self.never_sent,
            back: back.firsts(),
            late: self.late,
            open,
            lost: PingLost {
                total: lost,
                out: ways.ok().map(|ways| ways.out),
                back: ways.ok().map(|ways| ways.back),
                unknown: ways.ok().map(|ways| ways.unknown),
                untold,
                ..bursts
            },
            outages,
            arrival_gaps: Some(gaps.asked(self.is_outage_asked)),
            cut: self.changed.cut(),
            cut_out: self.changed.out,
            cut_back: self.changed.back,
            cut_to_bytes: self.changed.most,
            altered: self.changed.altered,
            duplicates: back.duplicates(),
            duplicates_out: copies.map(|(out, _)| out),
            duplicates_back: copies.map(|(_, back)| back),
            reordered: back.reordered(),
            reorder_extent_max: back.extents().max,
            strays: self.strays + back.too_late(),
            socket_drops: u64::from(self.socket_drops),
            socket_damaged: 0,
            hops_out: hops.and_then(Hops::known),
            hops_out_readings: hops.and_then(Hops::readings),
            ttl_out: self.told.ttl_out(),
            ttl_sent: ttl,
            error: None,
            answered_by: answered_by.map(Into::into),
            answered_elsewhere,
            reflector_counts: self.ways.counts(),
            reflector_restarts: self.ways.restarts(),
            questions: self.question.sent(),
            keepalives: self.keepalives.sent(),
            target_received: counts.map(|counts| counts.received),
            target_reflected: counts.map(|counts| counts.reflected),
            dscp_seen: seen.map(|(dscp, _)| dscp),
            ecn_seen: seen.map(|(_, ecn)| ecn),
            dscp_back: came_back.map(|(dscp, _)| dscp),
            ecn_back: came_back.map(|(_, ecn)| ecn),
            round_trip_ns: self.delays.round_trip(lost),
            as_planned_ns: self.delays.as_planned(lost),
            out_above_min_ns: way(self.delays.out(out)),
            back_above_min_ns: way(self.delays.back(behind)),
            server_ns: self.delays.server(),
            departure_ns: self
                .told
                .departures()
                .map(|after| after.report(Some(0)))
                .unwrap_or_default(),
            send_late_ns: self.delays.late(),
            drift_ppb: self.delays.drift(),
            clock_steps: self.delays.clock_steps(),
            transmit_stamps: self.transmit_stamps,
            receive_stamps: self.told.kernel_stamps(),
            histogram: self.delays.buckets(),
            histograms: Some(self.delays.histograms()),
            over_time: over_time(&self.timeline),
            refused: self.refused,
            network_errors: self.troubles.into_kinds(),
            limits: Vec::new(),
            name: self.plan.name,
            caveats: Vec::new(),
        };
        report.judge();
        report
    }

    fn first_answer(&mut self, number: u64, steps: Option<&Steps>, datagram: &Datagram<'_>) {
        if let Some(probe) = self.probes.find(number) {
            probe.arrived_real = datagram.meta.arrival;
            probe.ttl = datagram.meta.ttl.unwrap_or(0);
            if let Some(steps) = steps {
                probe.arrived = steps.arrived;
                (probe.received, probe.answered) = steps.reflector.unwrap_or_default();
            }
        }
        let Some(steps) = steps else { return };
        self.delays.answered(steps);
        self.round_trips.record(steps.round_trip());
        self.timeline.record(steps.planned - self.start, steps.round_trip());
    }

    fn conclude(&mut self, echo: &Echo) {
        let Some(told) = echo.reflector else { return };
        let number = told.number();
        self.ways.conclude(echo.seq, number);
        // Probes in flight may have been answered after the reported count.
        if self.question.answer() && self.probes.waiting() == 0 {
            self.ways.close(number);
        }
    }

    /// How many extra probes were sent.
    pub fn extra_probes(&self) -> u64 {
        self.question.sent()
    }

    /// What is left to ask after the last probe.
    pub fn question(&self, now: Nanos, patience: Nanos) -> Step {
        let next = self.probes.next();
        if self.ways.in_doubt(next) {
            return self.question.step(now, next, patience);
        }
        Step::Over
    }

    /// This host sent the extra probe.
    pub fn note_extra_probe_sent(&mut self) {
        self.question.note_sent();
    }

    /// The extra probe that [`Target::question`] requested was handed over.
    pub fn ask(&mut self, number: u64, now: Now) {
        self.question.ask(number, now.mono, now.real);
    }
}
