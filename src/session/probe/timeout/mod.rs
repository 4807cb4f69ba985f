//! `probe timeout`: how long NATs and firewalls on the path keep an idle path open.
//!
//! ```text
//! plan     the idle times to test, and those in between for refinement
//! lane     one socket: verified, established or not, then idle until the far end's answers are due
//! judge    from the results of all lanes to a verdict
//! ```
//!
//! Every idle time has a socket of its own, and all start together: one datagram requests answers
//! from the far end after that time, so the whole run takes only as long as the longest. As soon as
//! the first idle time that is too long is known, those between it and the longest that was
//! survived are tested, again all at once. The far end reports what arrived and whether it sent its
//! answers, so that a lost request is not mistaken for a closed path.

mod idle_test;
mod judge;
mod plan;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use plan::{CANDIDATES, TimeoutPlan};

use super::{FarEnd, sooner};
use crate::batch::{
    Datagram, Dest, ErrorOrigin, InterfaceChange, LocalSendFailure, NetworkError, SendOutcome,
    SendStop, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::probe::{IdleOutcome, IdleTimer, IdleUnknown, TimeoutEvent, TimeoutReport};
use crate::record::{Flow, Sink};
use crate::stats::{LossSample, tries_for_significance};
use crate::units::{Nanos, with_port};
use crate::wire::{Ask, Echo, PortList};
use idle_test::{IdleTest, Proof, Stage, Step, WARM_ITEM};
use plan::{AGAIN, AGAIN_ANSWERS};
use std::net::SocketAddr;

/// How long after a request the far end is asked whether it arrived.
const CHECK: Nanos = Nanos::from_millis(700);
/// Maximum silence of the far end once the test has begun: it drops a session that is silent a
/// little longer.
const PATIENCE: Nanos = Nanos::from_secs(14);
/// Time between two inbound datagrams that should refresh the path, in hundredths of an idle time
/// that is survived.
const REFRESH_PART: u64 = 70;
/// Maximum of that time: what a probe request can encode, minus a margin.
const REFRESH_GAP: Nanos = Nanos::from_secs(65);

const TIMERS: [IdleTimer; 2] = [IdleTimer::OneDatagram, IdleTimer::Established];

/// State of `probe timeout`.
pub struct TimeoutSession<S> {
    plan: TimeoutPlan,
    sink: S,
    far: FarEnd,
    lanes: Vec<IdleTest>,
    started: Option<Now>,
    granted: bool,
    /// Whether a socket may be verified through another port of the far end, as far as known.
    beside: bool,
    refined: [bool; 2],
    refreshing: bool,
    closing: bool,
    /// When the far end was last asked for its counts; `None` if no request is pending.
    rows_asked: Option<Nanos>,
    closed: bool,
    interrupted: bool,
    /// Dialogue datagrams in the current batch, which come first.
    ahead: usize,
    /// The lanes behind them, and what each wrote.
    written: Vec<(usize, Step)>,
}

impl<S: Sink<TimeoutEvent>> TimeoutSession<S> {
    /// A session at its start; the dialogue uses the loop's first socket.
    pub fn new(plan: TimeoutPlan, mut far: FarEnd, sink: S) -> Self {
        // No ports besides the agent's own: the idle path is the lane's own.
        far.probe(PortList::default());
        Self {
            plan,
            sink,
            far,
            lanes: Vec::new(),
            started: None,
            granted: false,
            beside: true,
            refined: [false; 2],
            refreshing: false,
            closing: false,
            rows_asked: None,
            closed: false,
            interrupted: false,
            ahead: 0,
            written: Vec::new(),
        }
    }

    fn tell(&mut self, event: TimeoutEvent) {
        self.closed |= self.sink.take(event) == Flow::Closed;
    }

    fn add(&mut self, timer: IdleTimer, stage: Stage, silence: Nanos, now: Nanos) {
        // Socket 0 belongs to the dialogue.
        let socket = self.lanes.len() + 1;
        let mut lane = IdleTest::new(socket, timer, stage, (silence, now), self.plan.tries);
        if timer == IdleTimer::OneDatagram && self.beside && self.other_port().is_some() {
            lane.proof = Proof::Beside;
        }
        self.lanes.push(lane);
    }

    /// The far end's other port, through which a socket may be verified without touching the path
    /// under test.
    fn other_port(&self) -> Option<SocketAddr> {
        let port = self.far.granted()?.alternate?;
        Some(with_port(self.plan.server, port))
    }

    /// Starts the verifications that are due, and records finished ones.
    fn prove_lanes(&mut self, now: Nanos) {
        let (other, server, round_trip) =
            (self.other_port(), self.plan.server, self.far.round_trip());
        for lane in &mut self.lanes {
            lane.prove(&self.far.proof(lane.socket), now, round_trip);
            // What failed for one lane is not tried for later ones.
            self.beside &= lane.timer != IdleTimer::OneDatagram || lane.proof == Proof::Beside;
            if lane.begins_proof(now) {
                let by = other.filter(|_| lane.proof == Proof::Beside).unwrap_or(server);
                self.far.prove_at(lane.socket, by);
            }
        }
    }

    /// Begins all initial idle times, once the far end has granted the probe.
    fn begin(&mut self, now: Nanos) {
        if self.granted || self.far.granted().is_none() {
            return;
        }
        self.granted = true;
        self.far.be_patient(PATIENCE);
        for silence in self.plan.candidates.clone() {
            for timer in TIMERS {
                self.add(timer, Stage::Candidate, silence, now);
            }
        }
        let (sockets, longest_ns) = (self.lanes.len(), self.plan.longest().0);
        self.tell(TimeoutEvent::Begun { sockets, longest_ns });
    }

    /// The longest idle time that was survived and the shortest that was not, once everything up to
    /// the latter is decided.
    fn bracket(&self, timer: IdleTimer) -> Option<(Nanos, Nanos)> {
        let lanes = || {
            let first = |lane: &&IdleTest| lane.timer == timer && lane.stage == Stage::Candidate;
            self.lanes.iter().filter(first)
        };
        let closed = lanes().filter(|lane| lane.outcome == Some(IdleOutcome::Closed));
        let closed = closed.map(|lane| lane.silence).min()?;
        let below = || lanes().filter(|lane| lane.silence < closed);
        if below().any(|lane| lane.outcome.is_none()) {
            return None;
        }
        let open = below().filter(|lane| lane.outcome == Some(IdleOutcome::Open));
        Some((open.map(|lane| lane.silence).max().unwrap_or_default(), closed))
    }

    /// Tests the idle times in between, once for each timer.
    fn refine(&mut self, now: Nanos) {
        for (index, timer) in TIMERS.into_iter().enumerate() {
            if self.refined[index] {
                continue;
            }
            let Some((open, closed)) = self.bracket(timer) else { continue };
            self.refined[index] = true;
            let between = self.plan.between(open, closed);
            let sockets = between.len();
            for silence in between {
                self.add(timer, Stage::Refinement, silence, now);
            }
            if sockets > 0 {
                let (open_ns, closed_ns) = (open.0, closed.0);
                self.tell(TimeoutEvent::Refining { timer, open_ns, closed_ns, sockets });
            }
            if timer == IdleTimer::Established && self.plan.who_refreshes {
                self.refresh(open, closed, now);
            }
        }
    }

    /// Losses of the datagrams that established the paths, with which silence is compared.
    fn warming(&self) -> LossSample {
        self.lanes.iter().map(IdleTest::warming).fold(LossSample::default(), LossSample::with)
    }

    /// Repeats an idle time whose silence may be chance, once all others of its timer are decided.
    fn try_again(&mut self, now: Nanos) {
        for timer in TIMERS {
            let mut own = self.lanes.iter().filter(|lane| lane.timer == timer);
            let again = own.clone().filter(|lane| lane.stage == Stage::Again).count();
            if self.interrupted || again >= AGAIN || own.any(|lane| lane.outcome.is_none()) {
                continue;
            }
            if let Some(silence) = judge::in_question(self, timer) {
                self.add(timer, Stage::Again, silence, now);
                if let Some(lane) = self.lanes.last_mut() {
                    lane.answers = AGAIN_ANSWERS;
                }
                self.tell(TimeoutEvent::Again { timer, silence_ns: silence.0 });
            }
        }
    }

    /// Lets only the far end send over a path, each time before it would close.
    fn refresh(&mut self, open: Nanos, closed: Nanos, now: Nanos) {
        let gap = Nanos(open.0 / 100 * REFRESH_PART / 1_000_000 * 1_000_000).min(REFRESH_GAP);
        // Two more than needed to pass the idle time that is certainly too long, or as many as
        // needed to rule out chance.
        let whole = closed.0.checked_div(gap.0).unwrap_or(u64::MAX / 2);
        if whole + 2 > u64::from(Ask::MOST_ANSWERS) {
            return;
        }
        let beyond = tries_for_significance(self.warming(), 1).unwrap_or(u64::MAX / 2).max(2);
        let answers = (whole + beyond).min(Ask::MOST_ANSWERS.into());
        self.refreshing = true;
        self.add(IdleTimer::Established, Stage::Refresh { from: closed }, gap, now);
        if let Some(lane) = self.lanes.last_mut() {
            (lane.gap, lane.answers) = (gap, answers as u8);
            let duration_ns = lane.duration().0;
            self.tell(TimeoutEvent::Refreshing { duration_ns });
        }
    }

    /// Requests the far end's counts if a lane needs them, and passes on its report.
    fn ask_rows(&mut self, now: Nanos) {
        if let Some(asked) = self.rows_asked {
            let Some(rows) = self.far.rows() else { return };
            for lane in &mut self.lanes {
                lane.learn(rows.get(&lane.item()), asked, CHECK);
            }
            self.rows_asked = None;
        }
        let wanted = self.lanes.iter().filter_map(|lane| lane.wants_rows(CHECK)).min();
        if wanted.is_some_and(|at| at <= now) {
            self.far.ask_rows();
            self.rows_asked = Some(now);
        }
    }

    /// Writes what the lanes have to send; returns when they want to be polled again.
    fn poll_lanes(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let Some(granted) = self.far.granted() else { return Next::Idle };
        let plain = Ask::new(granted.tag, granted.key, WARM_ITEM, 0, now.real);
        let mut next = Next::Idle;
        let round_trip = self.far.round_trip();
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if !lane.is_proven() {
                let until = lane.proof_until(round_trip).map_or(Next::Idle, Next::WaitUntil);
                next = sooner(next, until);
                continue;
            }
            let step = lane.poll(now.mono);
            let ask = match step {
                Step::Warm => Ask { sequence: lane.warm_number(), ..plain },
                Step::Ask => lane.question(plain),
                Step::Wait(at) => {
                    let at = lane.wants_rows(CHECK).map_or(at, |rows| rows.min(at));
                    // While a request to the far end is pending, wait for its answer.
                    if at > now.mono || self.rows_asked.is_none() {
                        next = sooner(next, Next::WaitUntil(at));
                    }
                    continue;
                }
                Step::Over => continue,
            };
            let dest = Dest { socket: lane.socket, ..Dest::from(self.plan.server) };
            let id = out.add_dest(dest);
            let Some(slot) = out.push(id, Ask::PADDED) else { return Next::Send };
            ask.encode(slot);
            self.written.push((index, step));
            next = Next::Send;
        }
        next
    }

    /// Reports newly decided results to the sink.
    fn tell_decided(&mut self) {
        let decided: Vec<TimeoutEvent> = self
            .lanes
            .iter_mut()
            .filter(|lane| !matches!(lane.stage, Stage::Refresh { .. }))
            .filter_map(|lane| {
                let outcome = lane.outcome.filter(|_| !lane.told)?;
                lane.told = true;
                let (timer, silence_ns) = (lane.timer, lane.silence.0);
                Some(TimeoutEvent::Decided { timer, silence_ns, outcome })
            })
            .collect();
        for event in decided {
            self.tell(event);
        }
    }

    /// Whether nothing is in progress any more.
    fn is_decided(&self) -> bool {
        self.granted && self.lanes.iter().all(|lane| lane.outcome.is_some())
    }
}

impl<S: Sink<TimeoutEvent>> Session for TimeoutSession<S> {
    type Summary = TimeoutReport;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now);
        if self.closed {
            return Next::Done;
        }
        out.reset();
        self.begin(now.mono);
        self.ask_rows(now.mono);
        self.refine(now.mono);
        self.try_again(now.mono);
        self.prove_lanes(now.mono);
        self.tell_decided();
        if !self.closing && (self.is_decided() || self.interrupted) {
            self.closing = true;
            if self.interrupted {
                self.far.stop();
            } else {
                self.far.close();
            }
        }
        self.written.clear();
        let far = self.far.poll(now, out);
        self.ahead = out.len();
        if self.far.is_over() {
            return Next::Done;
        }
        let lanes = if self.closing { Next::Idle } else { self.poll_lanes(now, out) };
        // Whatever was written is sent first.
        if out.is_empty() { sooner(far, lanes) } else { Next::WaitUntil(now.mono) }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        if let (Some(SendStop::Refused { errno, .. }), true) =
            (outcome.stop, outcome.accepted < self.ahead)
        {
            self.far.on_refused(errno);
        }
        let mut written = std::mem::take(&mut self.written).into_iter();
        let Some(accepted) = outcome.accepted.checked_sub(self.ahead) else { return };
        for (index, step) in written.by_ref().take(accepted) {
            match step {
                Step::Warm => self.lanes[index].warmed(now.mono),
                _ => self.lanes[index].asked(now.mono),
            }
        }
        // What was not tried is written again; what was refused waits a little.
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return };
        for (index, _) in written.take(datagrams) {
            let found = LocalSendFailure::from_errno(errno, self.plan.server);
            self.lanes[index].refused(now.mono, found);
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if self.far.on_datagram(now, datagram) {
            return;
        }
        let Some(granted) = self.far.granted() else { return };
        let Some(echo) = Echo::decode(datagram.payload).filter(|echo| echo.tag == granted.tag)
        else {
            return;
        };
        let lane = datagram.meta.socket.checked_sub(1).and_then(|at| self.lanes.get_mut(at));
        if let Some(lane) = lane {
            lane.take(&echo, now.mono);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if self.far.on_network_error(now, error) {
            return;
        }
        self.far.note_network_error(now, error);
        if error.origin != ErrorOrigin::Local {
            return;
        }
        // It did not leave this host.
        if let Some(lane) = error.socket.checked_sub(1).and_then(|at| self.lanes.get_mut(at)) {
            lane.refused(now.mono, LocalSendFailure::from_errno(error.errno, self.plan.server));
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        self.far.on_interface_change(now, change);
    }

    fn on_pause(&mut self, now: Now, length: Nanos) {
        self.far.on_pause(length);
        self.lanes.iter_mut().for_each(|lane| lane.pause(now.mono, length));
    }

    fn on_stop(&mut self, _now: Now) {
        self.interrupted = true;
    }

    fn finish(mut self, now: Now) -> TimeoutReport {
        let lost = self.far.lost().cloned();
        let why = lost.map_or(IdleUnknown::EndedEarly, |reason| IdleUnknown::AgentLost { reason });
        self.lanes.iter_mut().for_each(|lane| lane.give_up(why.clone()));
        let duration = now.mono - self.started.unwrap_or(now).mono;
        judge::report(self, duration)
    }
}
