//! `probe ports` with a remote agent: several datagrams to each port, and the agent reports which
//! arrived.
//!
//! Every port gets as many datagrams as there are tries, never two in a row, so that a burst of
//! loss hits each of them at most once. The final result is the agent's list of what arrived, sent
//! over the control dialogue, which a filter of the tested ports does not affect. Ports are tested
//! in portions that a remote agent can open at once.

mod judge;
mod port_state;
mod portions;
mod schedule;
mod silence_causes;
mod suppressed_errors;

pub use suppressed_errors::PortsCounts;

use super::{FarEnd, sooner};
use crate::batch::{Datagram, Dest, InterfaceChange, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::record::probe::{AgentReport, NoAgent, PortsReport};
use crate::stats::LossSample;
use crate::units::Nanos;
use crate::wire::{Ask, Dscp, Echo, Ecn, PortList, tos};
use port_state::Track;
use portions::portions;
use schedule::{Probe, Who, again, control_a_round, first_pass};
use silence_causes::{Beside, settle};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Number of the loop's socket that sends to the ports.
pub const ASKING: usize = 1;
/// Number of the loop's socket for new flows.
pub const FRESH: usize = 2;
/// TTL of requests and replies.
pub const TTL: u8 = 255;
/// Maximum tries of one run: one bit each.
pub const MOST_TRIES: u32 = 64;

/// Parameters of the probe.
#[derive(Clone, Debug)]
pub struct PortsPlan {
    /// Address of the remote agent.
    pub target: SocketAddr,
    /// The ports.
    pub ports: PortList,
    /// Datagrams to each port, 1 to 64.
    pub tries: u32,
    /// DSCP of requests and replies.
    pub dscp: Dscp,
    /// ECN of requests and replies.
    pub ecn: Ecn,
    /// Time between two datagrams, to any port.
    pub gap: Nanos,
    /// Time between two datagrams to the same port.
    pub spacing: Nanos,
    /// How long to wait for the last replies.
    pub wait: Nanos,
    /// Local address of the sending socket; unspecified if unknown.
    pub source: SocketAddr,
    /// Seed for the order of the ports.
    pub seed: u64,
}

/// Stage of the run.
#[derive(Debug)]
enum Stage {
    /// Opening the next portion's ports.
    Opening,
    /// Sending to the portion: the next datagram, and the start.
    Asking { next: usize, start: Nanos },
    /// Waiting for the last replies, until this instant.
    Waiting(Nanos),
    /// Requesting the counts from the remote agent.
    Telling,
    /// The session is being closed.
    Closing,
}

/// `probe ports` as a state machine.
pub struct PortsSession {
    plan: PortsPlan,
    far: FarEnd,
    stage: Stage,
    portions: VecDeque<PortList>,
    tracks: Vec<Track>,
    /// Tracks of the current portion, in the order of sending.
    asked: Vec<usize>,
    /// The datagrams of the current pass, with their times.
    probes: Vec<Probe>,
    /// Whether the portion's silent ports are being repeated.
    again: bool,
    /// The remote agent's own port, tested alongside the current portion and from a new socket.
    control: Track,
    fresh: Track,
    beside: Beside,
    rng: fastrand::Rng,
    /// Dialogue datagrams in the current batch, which come first.
    ahead: usize,
    /// The port of the probe request at the end of the batch.
    written: Option<Who>,
    started: Option<Nanos>,
    granted: bool,
    stopped: bool,
}

/// Final result.
#[derive(Clone, Debug)]
pub enum PortsEnd {
    /// With a remote agent.
    Helped(Box<PortsCounts>),
    /// There is no agent, or it refused.
    NoAgent(NoAgent),
}

impl PortsSession {
    /// A probe at its start; `far` uses socket 0 of the loop.
    pub fn new(plan: PortsPlan, far: FarEnd) -> Self {
        let mut session = Self {
            portions: portions(&plan.ports),
            tracks: plan.ports.iter().map(Track::new).collect(),
            control: Track::new(plan.target.port()),
            fresh: Track::new(plan.target.port()),
            beside: Beside { tries: plan.tries, ..Beside::default() },
            rng: fastrand::Rng::with_seed(plan.seed),
            plan,
            far,
            stage: Stage::Opening,
            asked: Vec::new(),
            probes: Vec::new(),
            again: false,
            ahead: 0,
            written: None,
            started: None,
            granted: false,
            stopped: false,
        };
        session.open_next();
        session
    }

    /// Capacity that one batch needs: datagrams and their bytes.
    pub fn room(&self) -> (usize, usize) {
        (8, 8 * 1_200)
    }

    fn open_next(&mut self) {
        if let Some(ports) = self.portions.front() {
            self.far.probe(ports.clone());
            self.stage = Stage::Opening;
            return;
        }
        self.far.close();
        self.stage = Stage::Closing;
    }

    fn go_on(&mut self, now: Now, out: &mut TxBatch) -> Next {
        match self.stage {
            Stage::Opening => {
                if !self.begin_portion(now) {
                    return Next::Idle;
                }
                Next::Send
            }
            Stage::Asking { next, start } => self.ask(now, next, start, out),
            Stage::Waiting(until) => {
                let all_back = self.asked.iter().all(|index| self.tracks[*index].all_replied());
                if now.mono < until && !all_back {
                    return Next::WaitUntil(until);
                }
                self.far.ask_rows();
                self.stage = Stage::Telling;
                Next::Send
            }
            Stage::Telling => {
                let Some(rows) = self.far.rows() else { return Next::Idle };
                for index in &self.asked {
                    self.tracks[*index].tell(rows.get(&(*index as u32)));
                }
                let control = self.tracks.len() as u32;
                self.control.tell(rows.get(&control));
                self.fresh.tell(rows.get(&(control + 1)));
                if self.again || !self.ask_again(now.mono) {
                    self.end_portion();
                }
                Next::Send
            }
            Stage::Closing => Next::Idle,
        }
    }

    /// Records the open ports; returns whether they are open.
    fn begin_portion(&mut self, now: Now) -> bool {
        let Some(granted) = self.far.granted() else { return false };
        self.granted = true;
        let Some(portion) = self.portions.front() else { return false };
        self.asked.clear();
        let of_portion = |track: &Track| portion.contains(track.port());
        let tracks = self.tracks.iter_mut().enumerate().filter(|(_, track)| of_portion(track));
        for (index, track) in tracks {
            match granted.why_not(track.port()) {
                Some(why) => track.not_opened(why.into()),
                None => self.asked.push(index),
            }
        }
        self.rng.shuffle(&mut self.asked);
        let ports = self.asked.iter().map(|index| self.tracks[*index].port());
        self.beside.order.extend(ports);
        self.again = false;
        let control = control_a_round(self.plan.tries, self.asked.len());
        self.probes = first_pass(&self.plan, &self.asked, control);
        self.stage = Stage::Asking { next: 0, start: now.mono };
        true
    }

    /// Repeats silent ports slowly, alongside the remote agent's own port from the established and
    /// from a new flow; `false` if there are none.
    fn ask_again(&mut self, now: Nanos) -> bool {
        let silent: Vec<usize> =
            self.asked.iter().copied().filter(|index| self.tracks[*index].is_silent()).collect();
        let ports = silent.iter().map(|index| self.tracks[*index].port());
        self.beside.silent_first.extend(ports);
        if silent.is_empty() {
            return false;
        }
        let (out, back) = self.control.ways();
        let control = LossSample::new(out.sent, back.sent - back.lost);
        self.again = true;
        self.probes = again(&silent, self.plan.tries, control, self.tracks.len() as u64);
        self.stage = Stage::Asking { next: 0, start: now };
        true
    }

    /// Records the control results of the portion, and goes on to the next.
    fn end_portion(&mut self) {
        let port = self.plan.target.port();
        let (out, back) = std::mem::replace(&mut self.control, Track::new(port)).ways();
        let (asked, came) = std::mem::replace(&mut self.fresh, Track::new(port)).ways();
        let beside = &mut self.beside;
        (beside.out, beside.back) = (beside.out.with(out), beside.back.with(back));
        let came = came.sent - came.lost;
        beside.fresh = beside.fresh.with(LossSample::new(asked.sent, came));
        self.asked.clear();
        self.portions.pop_front();
        self.open_next();
    }

    /// Writes the probe request that is due.
    fn ask(&mut self, now: Now, next: usize, start: Nanos, out: &mut TxBatch) -> Next {
        let Some(probe) = self.probes.get(next).copied() else {
            self.stage = Stage::Waiting(now.mono + self.plan.wait);
            return Next::Send;
        };
        let due = start + probe.at;
        if now.mono < due {
            return Next::WaitUntil(due);
        }
        let Some(granted) = self.far.granted() else { return Next::Idle };
        let items = self.tracks.len() as u32;
        let (item, socket) = match probe.who {
            Who::Port(index) => (index as u32, ASKING),
            Who::Control => (items, ASKING),
            Who::Fresh => (items + 1, FRESH),
        };
        let marks = tos(self.plan.dscp, self.plan.ecn);
        let (tag, key) = (granted.tag, granted.key);
        let track = self.of(probe.who);
        let (port, number) = (track.port(), track.tries());
        let ask = Ask { answer_tos: marks, ..Ask::new(tag, key, item, number, now.real) };
        let mut target = self.plan.target;
        target.set_port(port);
        let id = out.add_dest(Dest { socket, tos: marks, ttl: TTL, ..Dest::from(target) });
        if let Some(slot) = out.push(id, Ask::PADDED) {
            ask.encode(slot);
            self.written = Some(probe.who);
        }
        Next::Send
    }

    fn of(&mut self, who: Who) -> &mut Track {
        match who {
            Who::Port(index) => &mut self.tracks[index],
            Who::Control => &mut self.control,
            Who::Fresh => &mut self.fresh,
        }
    }

    /// The track of an echo or an error, by the socket and its item or port.
    fn whose(&self, socket: usize, item: usize) -> Option<Who> {
        let items = self.tracks.len();
        match socket {
            FRESH => (item == items + 1).then_some(Who::Fresh),
            ASKING if item == items => Some(Who::Control),
            ASKING => self.asked.contains(&item).then_some(Who::Port(item)),
            _ => None,
        }
    }

    fn track_of(&mut self, port: u16) -> Option<&mut Track> {
        let index = self.tracks.binary_search_by_key(&port, Track::port).ok()?;
        self.tracks.get_mut(index)
    }
}

impl Session for PortsSession {
    type Summary = PortsEnd;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now.mono);
        self.written = None;
        out.reset();
        let far = self.far.poll(now, out);
        self.ahead = out.len();
        if far == Next::Done {
            return Next::Done;
        }
        sooner(far, self.go_on(now, out))
    }

    fn on_sent(&mut self, _now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        if let (Some(SendStop::Refused { errno, .. }), true) =
            (outcome.stop, outcome.accepted < self.ahead)
        {
            self.far.on_refused(errno);
        }
        // The probe request is the last of its batch.
        let Some(who) = self.written.take() else { return };
        match outcome.stop {
            None => self.of(who).sent(),
            Some(SendStop::Refused { errno, .. }) if outcome.accepted + 1 == batch.len() => {
                self.of(who).refused(errno);
            }
            // It was not tried: repeat it.
            Some(_) => return,
        }
        if let Stage::Asking { next, .. } = &mut self.stage {
            *next += 1;
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        if self.far.on_datagram(now, datagram) {
            return;
        }
        let Some(echo) = Echo::decode(datagram.payload) else { return };
        let tag = self.far.granted().map(|granted| granted.tag);
        let whose = self.whose(datagram.meta.socket, echo.item as usize);
        let (Some(who), true) = (whose, tag == Some(echo.tag)) else { return };
        let mut expected = self.plan.target;
        let track = self.of(who);
        expected.set_port(track.port());
        track.replied(&echo, &datagram.meta, expected);
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if self.far.on_network_error(now, error) || error.socket != ASKING {
            return;
        }
        let port = error.destination.port();
        if let Some(track) = self.track_of(port) {
            track.spoken_of(error);
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        self.far.on_interface_change(now, change);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.far.on_pause(length);
        match &mut self.stage {
            Stage::Waiting(until) => *until += length,
            Stage::Asking { start, .. } => *start += length,
            Stage::Opening | Stage::Telling | Stage::Closing => {}
        }
    }

    fn expected_end(&self, now: Now) -> Option<Nanos> {
        let current = match self.stage {
            Stage::Opening => now.mono,
            Stage::Asking { start, .. } => {
                let last = self.probes.last().map_or(Nanos::ZERO, |probe| probe.at);
                start + last + self.plan.wait
            }
            Stage::Waiting(until) => until,
            Stage::Telling | Stage::Closing => return Some(now.mono).filter(|_| self.granted),
        };
        // The current one is the first until it is over.
        let asked = usize::from(!matches!(self.stage, Stage::Opening));
        let ahead = self.portions.iter().skip(asked).map(|portion| {
            let round = self.plan.spacing.max(Nanos(self.plan.gap.0 * portion.len() as u64));
            round.0 * u64::from(self.plan.tries)
        });
        self.granted.then(|| current.max(now.mono) + Nanos(ahead.sum()))
    }

    fn on_stop(&mut self, _now: Now) {
        self.stopped = true;
        self.portions.clear();
        self.far.stop();
        self.stage = Stage::Closing;
    }

    fn finish(self, now: Now) -> PortsEnd {
        let lost = self.far.lost();
        if let (Some(why), false) = (lost, self.granted) {
            return PortsEnd::NoAgent(why.clone());
        }
        let plan = &self.plan;
        let row = |track: &Track| {
            let mut target = plan.target;
            target.set_port(track.port());
            track.row(plan.source, target)
        };
        let mut ports: Vec<_> = self.tracks.iter().map(row).collect();
        let beside = settle(&mut ports, &self.beside);
        let report = PortsReport {
            target: Some(plan.target.ip()),
            agent: Some(AgentReport {
                address: Some(plan.target.into()),
                seen_as: self.far.seen_as().map(Into::into),
                answered_from: self.far.answered_from().map(Into::into),
                withheld: self.far.withheld(),
                lost: lost.cloned(),
            }),
            tries: plan.tries,
            source: Some(plan.source.into()),
            dscp_sent: plan.dscp.value(),
            ecn_sent: plan.ecn as u8,
            duration_ns: (now.mono - self.started.unwrap_or(now.mono)).0,
            interrupted: self.stopped,
            per_second: 1_000_000_000_u64.checked_div(plan.gap.0).unwrap_or(0),
            beside,
            ports,
            ..PortsReport::default()
        };
        let mut counts = PortsCounts::new(report);
        // Of the ports that are probed, the rows tell.
        counts.caution(self.far.network_errors().into_iter().collect());
        PortsEnd::Helped(Box::new(counts))
    }
}
