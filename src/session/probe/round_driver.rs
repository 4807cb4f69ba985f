//! Drives a probe that asks its remote agent in rounds: opens the dialogue, sends the rounds,
//! fetches what arrived.

use super::plausibility::believe;
use super::probe_batch::{Changes, Grant, ItemLog, ProbeBatch, ProbeItem};
use super::{AgentCounts, FarEnd, Kind, Round, RoundsEnd, sooner};
use crate::batch::{Datagram, InterfaceChange, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::record::Contradiction;
use crate::record::probe::{NoAgent, ProbeCaveat, ProbeTraffic, RefusedHere};
use crate::units::Nanos;
use crate::wire::{PortDenial, PortList};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How often a round is repeated in which not even a short datagram was answered.
const REPEATS: u32 = 2;

/// Parameters of such a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundParameters {
    /// The remote agent.
    pub target: SocketAddr,
    /// Ports that it should open.
    pub ports: PortList,
    /// Time between two tries of one item.
    pub spacing: Nanos,
    /// How long to wait for an answer to the last try.
    pub wait: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Pausing(Nanos),
    Asking,
    Rows,
    Closing,
}

/// Result of such a probe.
pub struct RoundDriverEnd<F> {
    /// The findings; the reason if there was no remote agent.
    pub facts: Result<F, NoAgent>,
    /// The probe's ports that the remote agent did not open, and why.
    pub not_opened: Vec<(PortList, PortDenial)>,
    /// Caveats about the findings: the remote agent disappeared.
    pub caveats: Vec<ProbeCaveat>,
    /// Whether the user interrupted it.
    pub interrupted: bool,
    /// Duration of the run.
    pub duration: Nanos,
}

/// State of such a probe.
pub struct RoundDriver<K> {
    manner: RoundParameters,
    kind: K,
    far_end: FarEnd,
    phase: Phase,
    grant: Option<Grant>,
    shots: Option<ProbeBatch>,
    /// The current round, without the control datagrams.
    asked: Vec<ProbeItem>,
    first: usize,
    /// Item numbers of the control datagrams so far.
    controls: Vec<usize>,
    repeats: u32,
    told: Option<AgentCounts>,
    /// Set when the remote agent's claims are impossible; they are then dropped.
    contradiction: Option<Contradiction>,
    not_opened: Vec<(PortList, PortDenial)>,
    caveats: Vec<ProbeCaveat>,
    /// Dialogue datagrams in the current batch, which come first.
    ahead: usize,
    started: Option<Now>,
    stopped: bool,
}

impl<K: Kind> RoundDriver<K> {
    /// A probe at its start, with the dialogue on socket 0.
    pub fn new(manner: RoundParameters, kind: K, far_end: FarEnd) -> Self {
        let mut far_end = far_end.asked_by_its_own_socket();
        far_end.probe(manner.ports.clone());
        Self {
            manner,
            kind,
            far_end,
            phase: Phase::Opening,
            grant: None,
            shots: None,
            asked: Vec::new(),
            first: 0,
            controls: Vec::new(),
            repeats: 0,
            told: None,
            contradiction: None,
            not_opened: Vec::new(),
            caveats: Vec::new(),
            ahead: 0,
            started: None,
            stopped: false,
        }
    }

    fn open(&mut self, now: Now) {
        let Some(granted) = self.far_end.granted() else { return };
        let grant = Grant {
            helper: self.manner.target,
            tag: granted.tag,
            key: granted.key,
            ports: granted.ports.iter().collect(),
        };
        self.not_opened.clone_from(&granted.not_opened);
        let mut shots = ProbeBatch::new(grant.clone(), self.manner.spacing, self.manner.wait);
        shots.expect(self.far_end.round_trip());
        self.shots = Some(shots);
        self.grant = Some(grant);
        self.next_round(now);
    }

    /// Begins the next round, or requests the counts if there is none.
    fn next_round(&mut self, now: Now) {
        let Some(grant) = &self.grant else { return };
        self.asked = self.kind.round(grant);
        self.repeats = 0;
        if self.asked.is_empty() {
            self.far_end.ask_rows();
            self.phase = Phase::Rows;
            return;
        }
        match self.kind.pause() {
            Nanos::ZERO => self.begin(now),
            pause => self.phase = Phase::Pausing(now.mono + pause),
        }
    }

    fn begin(&mut self, now: Now) {
        let Some(shots) = &mut self.shots else { return };
        if let Some(gap) = self.kind.gap() {
            shots.slow_down(gap);
        }
        let control = self.kind.control();
        self.first = shots.begin(now, self.asked.iter().copied().chain(control));
        self.controls.extend(control.map(|_| self.first + self.asked.len()));
        self.phase = Phase::Asking;
    }

    fn end_round(&mut self, now: Now) {
        let Some(shots) = &self.shots else { return };
        let control = shots.round().get(self.asked.len());
        let unanswered = control.filter(|control| control.backs().next().is_none());
        if unanswered.is_some() && self.repeats < REPEATS {
            self.repeats += 1;
            return self.begin(now);
        }
        match unanswered.map(ItemLog::left) {
            None => {}
            Some(0) => self.caveats.push(ProbeCaveat::ControlNotSent),
            Some(left) => {
                self.caveats.push(ProbeCaveat::ControlUnanswered { sent: left as u64 });
            }
        }
        self.hand_over();
        self.next_round(now);
    }

    /// Passes the result of the current round to the kind.
    fn hand_over(&mut self) {
        let Some(shots) = &self.shots else { return };
        let (items, control) = shots.round().split_at(self.asked.len());
        let first = self.first as u32;
        let control = control.first().map(|log| (first + items.len() as u32, log));
        self.kind.take(&Round { first, items, control, local_mtu: shots.local_mtu });
    }

    /// Counts of all datagrams.
    fn traffic(&self) -> ProbeTraffic {
        let items = self.shots.as_ref().map_or(&[][..], ProbeBatch::items);
        let mut refused = BTreeMap::<i32, u64>::new();
        for errno in items.iter().flat_map(ItemLog::refusals) {
            *refused.entry(errno).or_default() += 1;
        }
        let target = self.manner.target;
        let refused_here = refused
            .into_iter()
            .map(|(errno, datagrams)| RefusedHere::new(errno, target.into(), datagrams));
        let controls =
            || self.controls.iter().filter_map(|number| Some((number, items.get(*number)?)));
        let arrived = |told: &AgentCounts| {
            let rows = controls().filter_map(|(number, _)| told.get(&(*number as u32)));
            rows.map(|row| u64::from(row.count)).sum()
        };
        let told = self.told.as_ref();
        let changes: Vec<Changes> = items.iter().map(ItemLog::changes).collect();
        let changed = |of: fn(&Changes) -> u64| changes.iter().map(of).sum();
        ProbeTraffic {
            sent: items.iter().map(|item| item.left() as u64).sum(),
            refused_here: refused_here.collect(),
            copies_out: told.map(|told| told.values().map(|row| u64::from(row.copies)).sum()),
            copies_back: items.iter().map(|item| item.copies_back).sum(),
            cut_out: changed(|of| of.cut_out),
            cut_back: changed(|of| of.cut_back),
            altered_out: changed(|of| of.altered_out),
            altered_back: changed(|of| of.altered_back),
            control_sent: controls().map(|(_, item)| item.left() as u64).sum(),
            control_arrived: told.map(arrived),
            contradiction: self.contradiction,
            control_back: controls().map(|(_, item)| item.backs().count() as u64).sum(),
        }
    }

    /// One step of the current phase; returns when to ask again.
    fn step(&mut self, now: Now, out: &mut TxBatch) -> Next {
        match self.phase {
            Phase::Opening => {
                self.open(now);
                if self.phase == Phase::Opening { Next::Idle } else { Next::Send }
            }
            Phase::Pausing(until) if until > now.mono => Next::WaitUntil(until),
            Phase::Pausing(_) => {
                self.begin(now);
                Next::Send
            }
            Phase::Asking => {
                let Some(shots) = &mut self.shots else { return Next::Idle };
                if shots.is_over(now) {
                    self.end_round(now);
                    return Next::Send;
                }
                let at = shots.write_due(now, out);
                if at <= now.mono { Next::Send } else { Next::WaitUntil(at) }
            }
            Phase::Rows => {
                let Some(rows) = self.far_end.rows() else { return Next::Idle };
                let items = self.shots.as_ref().map_or(&[][..], ProbeBatch::items);
                match believe(rows, items) {
                    Ok(told) => self.told = Some(told),
                    Err(why) => {
                        self.contradiction = Some(why);
                        self.caveats.push(ProbeCaveat::AgentContradicted { contradiction: why });
                    }
                }
                self.far_end.close();
                self.phase = Phase::Closing;
                Next::Send
            }
            Phase::Closing => Next::Idle,
        }
    }
}

impl<K: Kind> Session for RoundDriver<K> {
    type Summary = RoundDriverEnd<K::Facts>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now);
        out.reset();
        let dialogue = self.far_end.poll(now, out);
        self.ahead = out.len();
        if self.far_end.is_over() {
            return Next::Done;
        }
        sooner(dialogue, self.step(now, out))
    }

    fn on_sent(&mut self, _now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        if let (Some(SendStop::Refused { errno, .. }), true) =
            (outcome.stop, outcome.accepted < self.ahead)
        {
            self.far_end.on_refused(errno);
        }
        let Some(shots) = &mut self.shots else { return };
        // A refused command is repeated by the dialogue; datagrams behind it were not tried.
        let accepted = outcome.accepted.checked_sub(self.ahead);
        let outcome = match accepted {
            Some(accepted) => SendOutcome { accepted, stop: outcome.stop },
            None => SendOutcome { accepted: 0, stop: Some(SendStop::Blocked) },
        };
        shots.on_sent(&outcome);
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let taken = self.shots.as_mut().is_some_and(|shots| shots.on_datagram(now, datagram));
        if !taken {
            self.far_end.on_datagram(now, datagram);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if self.far_end.on_network_error(now, error) {
            return;
        }
        self.far_end.note_network_error(now, error);
        if let Some(shots) = &mut self.shots {
            shots.on_network_error(error);
        }
    }

    fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        self.far_end.on_interface_change(now, change);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.far_end.on_pause(length);
        if let Some(shots) = &mut self.shots {
            shots.on_pause(length);
        }
        if let Phase::Pausing(until) = &mut self.phase {
            *until += length;
        }
    }

    fn expected_end(&self, now: Now) -> Option<Nanos> {
        let shots = self.shots.as_ref()?;
        let end = match self.phase {
            Phase::Opening => return None,
            Phase::Pausing(until) => until.max(now.mono) + shots.length_of(&self.asked),
            Phase::Asking => shots.expected_end(now.mono),
            Phase::Rows | Phase::Closing => return Some(now.mono),
        };
        Some(end + self.kind.ahead())
    }

    fn on_stop(&mut self, now: Now) {
        self.stopped = true;
        if self.shots.is_some() && self.phase != Phase::Closing {
            self.end_round_early(now);
        } else {
            self.far_end.stop();
            self.phase = Phase::Closing;
        }
    }

    fn finish(mut self, now: Now) -> RoundDriverEnd<K::Facts> {
        let lost = self.far_end.lost().cloned();
        self.caveats.extend(self.far_end.caveats());
        let facts = match (&self.shots, lost) {
            (None, lost) => Err(lost.unwrap_or(NoAgent::Interrupted)),
            (Some(_), lost) => {
                self.caveats.extend(lost.map(|reason| ProbeCaveat::AgentLost { reason }));
                self.caveats.extend(ProbeCaveat::withheld(self.far_end.withheld()));
                let traffic = self.traffic();
                let helper_mtu = self.far_end.interface_mtu();
                Ok(self.kind.finish(RoundsEnd { told: self.told, helper_mtu, traffic }))
            }
        };
        let started = self.started.unwrap_or(now);
        RoundDriverEnd {
            facts,
            not_opened: self.not_opened,
            caveats: self.caveats,
            interrupted: self.stopped,
            duration: now.mono - started.mono,
        }
    }
}

impl<K: Kind> RoundDriver<K> {
    /// Ends the current round with what it has so far.
    fn end_round_early(&mut self, _now: Now) {
        if self.phase == Phase::Asking {
            self.hand_over();
        }
        self.far_end.ask_rows();
        self.phase = Phase::Rows;
    }
}
