//! `probe paths`: whether flows to one host take different ways, and which of these is bad.
//!
//! Each flow has a socket, and so a source port, of its own. All send some datagrams (the
//! screening), which the agent counts and answers; then some flows send a train each, to see
//! whether datagrams overtake each other. If anything was lost, flows with losses are measured
//! closely beside flows without, and looked at again and again until chance is ruled out or the
//! time is over. Then the other flows are sorted into the groups that were found.
//!
//! Flows of which nothing arrives are first asked who is there: where several servers share an
//! address, it is another one than the agent, and no way is bad.
//!
//! Every round sends one datagram of each flow, in a new random order, so whatever the path does to
//! all flows falls on each alike. Without an agent, STAMP requests are sent, which STAMP reflectors
//! and echo services answer; losses are then those of round trips.
//!
//! ```text
//! plan    parameters
//! track   one flow in one phase: what was sent, what came back, what the agent counted
//! split   loss: which flows to look at, when it is enough, who belongs to which group
//! delay   groups by delay
//! counts  all flows with their groups
//! judge   the report
//! parting the traces of a good and a bad flow
//! ```

mod counts;
mod delay;
mod judge;
mod parting;
mod plan;
mod split;
#[cfg(test)]
pub(super) mod tests;
mod track;

pub use parting::{add_traces, flows_to_trace};
pub use plan::PathsPlan;

use super::{FarEnd, ProofState, sooner};
use crate::batch::{Datagram, Dest, InterfaceChange, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::record::Contradiction;
use crate::record::probe::{Leg, NoAgent, PathsReport};
use crate::stats::{LossSample, StreamGroups};
use crate::units::Nanos;
use crate::wire::stamp::{ErrorEstimate, StampReply, StampRequest, TimeFormat, Timestamp};
use crate::wire::{Ask, Echo, PortList, pattern};
use counts::{Counts, Phase, Refused};
use split::Shares;
use std::collections::VecDeque;
use track::Reply;

/// The shortest time that replies are waited for.
const LEAST_WAIT: Nanos = Nanos::from_millis(100);
/// How long the agent may be silent once it has answered: the dialogue may be on the bad path.
const PATIENCE: Nanos = Nanos::from_secs(8);
/// A late host makes up for so much of its lateness, in a burst of datagrams of different flows.
const CATCH_UP: Nanos = Nanos::from_millis(10);
/// Flows of which nothing arrived that are asked who is there.
const ASKED: usize = 3;
/// Bytes of a request that an echo service returns unchanged.
const SIGNED: usize = 16;

/// Stage of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waiting for the agent.
    Opening,
    /// Sending; the next datagram is due then.
    Sending(Nanos),
    /// Waiting for the last replies.
    Waiting(Nanos),
    /// Fetching the agent's counts.
    Counting,
    /// Asking who answers the flows of which nothing arrived, until then.
    Identifying(Nanos),
    /// The session is being closed.
    Closing,
}

/// Datagrams of one flow that leave together.
#[derive(Clone, Copy, Debug)]
struct Turn {
    phase: Phase,
    flow: usize,
    datagrams: u32,
}

/// `probe paths` as a state machine.
pub struct PathsSession {
    plan: PathsPlan,
    far: Option<FarEnd>,
    stage: Stage,
    counts: Counts,
    turns: VecDeque<Turn>,
    /// Flows that are measured closely.
    close: Vec<usize>,
    /// What the closer look found, by direction.
    groups: Vec<(Leg, StreamGroups)>,
    /// Datagrams of each close flow at the next look.
    look: u32,
    rng: fastrand::Rng,
    /// For each request without an agent: its phase, flow and number there.
    requests: Vec<(Phase, usize, u32)>,
    /// Dialogue datagrams in the current batch, which come first.
    ahead: usize,
    /// The flow's datagrams behind them.
    written: Option<Turn>,
    started: Option<Now>,
    /// Flows of which nothing arrived in the screening and that were asked who is there.
    identified: Option<Vec<usize>>,
    /// Another server than the agent answers a flow.
    several: Option<NoAgent>,
    granted: bool,
    stopped: bool,
}

/// Final result.
#[derive(Clone, Debug)]
pub enum PathsEnd {
    /// What was counted and what it means, without traces.
    Measured(Box<PathsReport>),
    /// There is no agent, or it refused.
    NoAgent(NoAgent),
}

impl PathsSession {
    /// A probe at its start. The loop's first socket is for the dialogue, if there is an agent; the
    /// flows' sockets follow.
    pub fn new(plan: PathsPlan, far: Option<FarEnd>) -> Self {
        let far = far.map(|mut far| {
            far.probe(PortList::default());
            far
        });
        let mut session = Self {
            counts: Counts::new(&plan.sources, far.is_some()),
            rng: fastrand::Rng::with_seed(plan.seed),
            plan,
            far,
            stage: Stage::Opening,
            turns: VecDeque::new(),
            close: Vec::new(),
            groups: Vec::new(),
            look: PathsPlan::FIRST_LOOK,
            requests: Vec::new(),
            ahead: 0,
            written: None,
            started: None,
            identified: None,
            several: None,
            granted: false,
            stopped: false,
        };
        let all: Vec<usize> = (0..session.plan.sources.len()).collect();
        let rounds = session.plan.screening();
        session.add_rounds(Phase::Screening, &all, rounds);
        session.counts.opened =
            session.turns.iter().take(all.len()).map(|turn| turn.flow).collect();
        let trains = session.counts.opened.iter().take(PathsPlan::TRAINS);
        let train =
            |flow: &usize| Turn { phase: Phase::Train, flow: *flow, datagrams: PathsPlan::TRAIN };
        session.turns.extend(trains.map(train).collect::<Vec<_>>());
        session
    }

    /// Capacity that one batch needs: datagrams and their bytes.
    pub fn room(&self) -> (usize, usize) {
        (16, 16 * 1_200)
    }

    /// Number of the socket of the first flow.
    fn first_socket(&self) -> usize {
        usize::from(self.far.is_some())
    }

    /// Adds rounds of one datagram of each flow, each in another order.
    fn add_rounds(&mut self, phase: Phase, flows: &[usize], rounds: u32) {
        let mut order = flows.to_vec();
        for _ in 0..rounds {
            self.rng.shuffle(&mut order);
            let turns = order.iter().map(|flow| Turn { phase, flow: *flow, datagrams: 1 });
            self.turns.extend(turns);
        }
    }

    fn patience(&self) -> Nanos {
        match self.counts.longest {
            Nanos::ZERO => self.plan.wait,
            longest => Nanos(longest.0.saturating_mul(3)).max(LEAST_WAIT).min(self.plan.wait),
        }
    }

    fn go_on(&mut self, now: Now, out: &mut TxBatch) -> Next {
        match self.stage {
            Stage::Opening => {
                if self.far.as_ref().is_some_and(|far| far.granted().is_none()) {
                    return Next::Idle;
                }
                self.granted = true;
                if let Some(far) = &mut self.far {
                    far.be_patient(PATIENCE);
                }
                self.counts.began = now.mono;
                self.stage = Stage::Sending(now.mono);
                Next::Send
            }
            Stage::Sending(due) => self.send(now, due, out),
            Stage::Waiting(until) => {
                if now.mono < until && !self.counts.all_replied() {
                    return Next::WaitUntil(until);
                }
                let Some(far) = &mut self.far else {
                    self.advance(now);
                    return Next::Send;
                };
                far.ask_rows();
                self.stage = Stage::Counting;
                Next::Send
            }
            Stage::Counting => {
                let Some(rows) = self.far.as_ref().and_then(FarEnd::rows) else {
                    return Next::Idle;
                };
                self.counts.adopt(rows);
                if self.identified.is_none() && self.ask_who_is_there() {
                    self.stage = Stage::Identifying(now.mono + self.plan.wait);
                } else {
                    self.advance(now);
                }
                Next::Send
            }
            Stage::Identifying(until) => self.identify(now, until),
            Stage::Closing => {
                if self.far.is_some() {
                    Next::Idle
                } else {
                    Next::Done
                }
            }
        }
    }

    /// Asks some of the flows of which nothing arrived; `false` if there is none.
    fn ask_who_is_there(&mut self) -> bool {
        let nothing_arrived = |flow: &usize| {
            let loss = self.counts.track(Phase::Screening, *flow).loss(Leg::Out);
            loss.sent > 0 && loss.lost == loss.sent
        };
        let flows = self.counts.opened.iter().copied().filter(nothing_arrived);
        let flows: Vec<usize> = flows.take(ASKED).collect();
        for flow in &flows {
            if let Some(far) = &mut self.far {
                far.prove(1 + flow);
            }
        }
        let any = !flows.is_empty();
        self.identified = Some(flows);
        any
    }

    fn identify(&mut self, now: Now, until: Nanos) -> Next {
        let (Some(far), Some(flows)) = (&mut self.far, &self.identified) else {
            return Next::Idle;
        };
        let states: Vec<ProofState> = flows.iter().map(|flow| far.proof(1 + flow)).collect();
        self.several = states.iter().find_map(|state| match state {
            ProofState::Failed(why @ NoAgent::SeveralServers { .. }) => Some(why.clone()),
            _ => None,
        });
        if self.several.is_none() && states.contains(&ProofState::Waiting) && now.mono < until {
            return Next::WaitUntil(until);
        }
        for flow in flows {
            far.leave_unproven(1 + flow);
        }
        match self.several {
            Some(_) => self.close(),
            None => self.advance(now),
        }
        Next::Send
    }

    /// Writes the datagrams that are due.
    fn send(&mut self, now: Now, due: Nanos, out: &mut TxBatch) -> Next {
        let silent = self.counts.longest == Nanos::ZERO
            && now.mono > self.counts.began + self.plan.wait
            && self.counts.sent(None) > 0;
        if silent {
            // Nobody is bothered who never answers.
            self.turns.clear();
        }
        let Some(turn) = self.turns.front().copied() else {
            self.stage = Stage::Waiting(now.mono + self.patience());
            return Next::Send;
        };
        if now.mono < due {
            return Next::WaitUntil(due);
        }
        let dest = Dest { socket: self.first_socket() + turn.flow, ..self.plan.target.into() };
        let dest = out.add_dest(dest);
        let mut datagrams = 0;
        for number in 0..turn.datagrams {
            let Some(slot) = out.push(dest, Ask::PADDED) else { break };
            self.write(turn, number, now, slot);
            datagrams += 1;
        }
        self.written = Some(Turn { datagrams, ..turn });
        Next::Send
    }

    /// Fills in the request `ahead` of those of this turn that have left.
    fn write(&self, turn: Turn, ahead: u32, now: Now, slot: &mut [u8]) {
        let Some(granted) = self.far.as_ref().and_then(FarEnd::granted) else {
            let number = self.requests.len() as u32 + ahead;
            let request = self.request(number, now.real).encode();
            let (head, rest) = slot.split_at_mut(request.len());
            head.copy_from_slice(&request);
            pattern::fill(request.len(), rest);
            return;
        };
        let number = self.counts.track(turn.phase, turn.flow).left() + ahead;
        let item = self.counts.item(turn.phase, turn.flow);
        Ask::new(granted.tag, granted.key, item, number, now.real).encode(slot);
    }

    fn request(&self, number: u32, sent: Nanos) -> StampRequest {
        StampRequest {
            seq: number,
            sent: Timestamp::of(sent, TimeFormat::Ntp),
            error: ErrorEstimate::default(),
            ssid: self.plan.ssid,
        }
    }

    /// Decides what to send next, from what is known.
    fn advance(&mut self, now: Now) {
        if self.stopped || self.counts.replies() == 0 {
            return self.close();
        }
        if self.close.is_empty() {
            self.choose(now);
        } else if self.groups.is_empty() {
            self.look_closer(now);
        } else {
            self.sort_others(now);
        }
        if self.turns.is_empty() {
            self.close();
        } else {
            self.stage = Stage::Sending(now.mono);
        }
    }

    fn close(&mut self) {
        if let Some(far) = &mut self.far {
            far.close();
        }
        self.stage = Stage::Closing;
    }

    /// After the screening: chooses the flows to measure closely.
    fn choose(&mut self, now: Now) {
        let legs = self.counts.legs();
        let screened = |leg: &Leg| self.counts.losses(&[Phase::Screening], *leg);
        let losses: Vec<Vec<LossSample>> = legs.iter().map(screened).collect();
        for (leg, losses) in legs.iter().zip(&losses) {
            if let Some(groups) = split::split(losses) {
                self.counts.set_screened(*leg, &groups);
            }
        }
        let mut order: Vec<usize> = self.counts.not_screened();
        self.rng.shuffle(&mut order);
        self.close = split::suspects(&losses, &order);
        if !self.close.is_empty() {
            self.look_again(now);
        }
    }

    /// Adds the datagrams up to the next look, as far as there is time; none if there is none.
    fn look_again(&mut self, now: Now) {
        let flows = self.close.clone();
        let sent = flows.first().map_or(0, |flow| self.counts.track(Phase::Close, *flow).left());
        let rounds = self.rounds_left(now, flows.len()).min((self.look - sent).into());
        self.add_rounds(Phase::Close, &flows, rounds as u32);
        self.look = (self.look * 2).min(PathsPlan::MOST);
    }

    /// Rounds of so many flows for which there is time.
    fn rounds_left(&self, now: Now, flows: usize) -> u64 {
        let left = (self.counts.began + self.plan.time) - now.mono;
        left.0 / (self.plan.gap.0 * flows as u64).max(1)
    }

    /// After a look: either it is enough, or there will be another.
    fn look_closer(&mut self, now: Now) {
        let legs = self.counts.legs();
        let of_close = |leg: Leg| -> Vec<LossSample> {
            let loss = |flow: &usize| self.counts.track(Phase::Close, *flow).loss(leg);
            self.close.iter().map(loss).collect()
        };
        let losses: Vec<(Leg, Vec<LossSample>)> =
            legs.iter().map(|leg| (*leg, of_close(*leg))).collect();
        if !losses.iter().all(|(_, losses)| split::is_settled(losses)) {
            self.look_again(now);
            if !self.turns.is_empty() {
                return;
            }
            let open = losses.iter().filter(|(_, losses)| !split::is_settled(losses));
            let needed = open.filter_map(|(_, losses)| split::needed(losses)).max();
            let flows = self.close.len() as u64;
            self.counts.needed =
                needed.map(|each| Nanos((each * flows).saturating_mul(self.plan.gap.0)));
        }
        for (leg, losses) in losses {
            let Some(mut groups) = split::split(&losses) else { continue };
            groups.worse.iter_mut().for_each(|flow| *flow = self.close[*flow]);
            self.counts.set_close(leg, &groups);
            self.groups.push((leg, groups));
        }
        self.sort_others(now);
    }

    /// Sorts the flows of which it is not known yet into the groups that were found, with more
    /// datagrams of those that are undecided where the time suffices.
    fn sort_others(&mut self, now: Now) {
        let mut undecided: Vec<usize> = Vec::new();
        let mut needed = 0;
        for (leg, groups) in &self.groups {
            let shares = Shares::of(groups);
            needed = needed.max(shares.needed());
            for flow in self.counts.sort(*leg, shares) {
                if !undecided.contains(&flow) {
                    undecided.push(flow);
                }
            }
        }
        let rounds = self.rounds_left(now, undecided.len());
        let enough = u64::from(PathsPlan::SCREENING);
        if undecided.is_empty() || rounds < enough || rounds + enough < needed {
            return;
        }
        undecided.sort_unstable();
        self.add_rounds(Phase::Others, &undecided, PathsPlan::SCREENING);
    }

    /// The agent's echo of a request, with the request's phase, flow and number.
    fn echoed(&self, flow: usize, payload: &[u8]) -> Option<(Phase, u32, Nanos)> {
        let granted = self.far.as_ref()?.granted()?;
        let echo = Echo::decode(payload).filter(|echo| echo.tag == granted.tag)?;
        let (phase, of) = self.counts.of_item(echo.item)?;
        (of == flow).then_some((phase, echo.sequence, echo.arrived))
    }

    /// The request that a reply without an agent is about.
    fn answered(&self, flow: usize, payload: &[u8]) -> Option<(Phase, u32)> {
        let own = |number: u32| {
            let (phase, of, place) = *self.requests.get(number as usize)?;
            let sent = self.counts.track(phase, of).sent_at(place).filter(|_| of == flow)?;
            Some((phase, place, sent))
        };
        let number = u32::from_be_bytes(*payload.first_chunk()?);
        if let Some((phase, place, sent)) = own(number) {
            let request = self.request(number, sent).encode();
            if payload.get(..SIGNED) == Some(&request[..SIGNED]) {
                return Some((phase, place));
            }
        }
        let reply = StampReply::decode(payload).ok()?;
        let (phase, place, sent) = own(reply.request.seq)?;
        let is_ours = reply.request.sent.bits == Timestamp::of(sent, TimeFormat::Ntp).bits;
        is_ours.then_some((phase, place))
    }
}

impl Session for PathsSession {
    type Summary = PathsEnd;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now);
        self.written = None;
        out.reset();
        let far = self.far.as_mut().map(|far| far.poll(now, out));
        self.ahead = out.len();
        if far == Some(Next::Done) {
            return Next::Done;
        }
        let own = self.go_on(now, out);
        far.map_or(own, |far| sooner(far, own))
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let refused = match outcome.stop {
            Some(SendStop::Refused { datagrams, errno }) => Some((datagrams, errno)),
            _ => None,
        };
        if let (Some((_, errno)), Some(far), true) =
            (refused, &mut self.far, outcome.accepted < self.ahead)
        {
            far.on_refused(errno);
        }
        let Some(turn) = self.written.take() else { return };
        let accepted = outcome.accepted.saturating_sub(self.ahead).min(turn.datagrams as usize);
        for _ in 0..accepted {
            let number = self.counts.track(turn.phase, turn.flow).left();
            self.requests.push((turn.phase, turn.flow, number));
            self.counts.sent_one(turn.phase, turn.flow, now.real);
        }
        let mut done = accepted as u32;
        if let (Some((datagrams, errno)), true) = (refused, outcome.accepted >= self.ahead) {
            let refused = (datagrams as u32).min(turn.datagrams - done);
            self.counts.refuse(Refused { errno, datagrams: refused.into() });
            done += refused;
        }
        if let Some(front) = self.turns.front_mut() {
            front.datagrams -= done.min(front.datagrams);
            if front.datagrams == 0 {
                self.turns.pop_front();
            }
        }
        if let Stage::Sending(due) = &mut self.stage {
            let gap = Nanos(self.plan.gap.0 * u64::from(done));
            *due = (*due + gap).max(now.mono - CATCH_UP);
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if let Some(far) = &mut self.far
            && far.on_datagram(now, datagram)
        {
            return;
        }
        let Some(flow) = datagram.meta.socket.checked_sub(self.first_socket()) else { return };
        if flow >= self.plan.sources.len() || datagram.truncated() {
            return;
        }
        let found = match self.far {
            Some(_) => self
                .echoed(flow, datagram.payload)
                .map(|(phase, number, at)| (phase, number, Some(at))),
            None => {
                self.answered(flow, datagram.payload).map(|(phase, number)| (phase, number, None))
            }
        };
        let Some((phase, number, at_agent)) = found else { return };
        let Some(sent) = self.counts.track(phase, flow).sent_at(number) else { return };
        let arrival = if datagram.meta.arrival > sent { datagram.meta.arrival } else { now.real };
        let round_trip = arrival - sent;
        self.counts.hear(phase, flow, number, Reply { at_agent, arrival, round_trip });
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if let Some(far) = &mut self.far
            && !far.on_network_error(now, error)
        {
            far.note_network_error(now, error);
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        if let Some(far) = &mut self.far {
            far.on_interface_change(now, change);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        if let Some(far) = &mut self.far {
            far.on_pause(length);
        }
        self.counts.began += length;
        match &mut self.stage {
            Stage::Waiting(until) | Stage::Sending(until) | Stage::Identifying(until) => {
                *until += length;
            }
            Stage::Opening | Stage::Counting | Stage::Closing => {}
        }
    }

    fn expected_end(&self, now: Now) -> Option<Nanos> {
        let current = match self.stage {
            Stage::Opening => return None,
            Stage::Sending(due) => {
                due + Nanos(self.plan.gap.0 * self.turns.len() as u64) + self.patience()
            }
            Stage::Waiting(until) | Stage::Identifying(until) => until,
            Stage::Counting | Stage::Closing => now.mono,
        };
        // A closer look goes on until chance is ruled out or the time is over.
        let is_looking = !self.close.is_empty() && self.groups.is_empty();
        let limit = self.counts.began + self.plan.time + self.patience();
        Some(if is_looking { current.max(limit) } else { current })
    }

    fn on_stop(&mut self, now: Now) {
        self.stopped = true;
        self.turns.clear();
        match (&mut self.far, self.stage) {
            (Some(far), Stage::Opening) => far.stop(),
            // The agent's counts are still fetched.
            (_, Stage::Sending(_)) => self.stage = Stage::Waiting(now.mono + LEAST_WAIT),
            _ => {}
        }
    }

    fn finish(self, now: Now) -> PathsEnd {
        let lost = self.far.as_ref().and_then(|far| far.lost().cloned());
        if let (Some(why), false) = (&lost, self.granted) {
            return PathsEnd::NoAgent(why.clone());
        }
        if let Some(why) = self.several {
            return PathsEnd::NoAgent(why);
        }
        let mut counts = self.counts;
        counts.interrupted = self.stopped;
        counts.agent_lost = lost;
        if let Some(far) = &self.far {
            counts.withheld = far.withheld();
            counts.agent_caveats = far.caveats();
        }
        counts.duration = now.mono - self.started.unwrap_or(now).mono;
        PathsEnd::Measured(Box::new(judge::report(&self.plan, &counts)))
    }
}

/// What the agent cannot have counted.
fn contradicts(arrived: u64, sent: u64) -> Option<Contradiction> {
    (arrived > sent).then_some(Contradiction::MoreArrived { arrived, sent })
}
