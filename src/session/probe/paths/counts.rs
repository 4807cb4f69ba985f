//! All flows of a run: their tracks in each phase, and the groups that they belong to.

use super::contradicts;
use super::split::Shares;
use super::track::{Reply, Track};
use crate::record::Contradiction;
use crate::record::probe::{Leg, NoAgent, ProbeCaveat};
use crate::stats::{LossSample, StreamGroups};
use crate::units::Nanos;
use crate::wire::Arrivals;
use std::collections::BTreeMap;

/// What datagrams are sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Some of every flow.
    Screening,
    /// Several of one flow at once.
    Train,
    /// Flows that are measured closely.
    Close,
    /// Other flows, to sort them into groups.
    Others,
}

impl Phase {
    pub const ALL: [Self; 4] = [Self::Screening, Self::Train, Self::Close, Self::Others];
    /// Those whose datagrams leave alone, and so are lost alone.
    pub const SINGLE: [Self; 3] = [Self::Screening, Self::Close, Self::Others];
}

/// How the loss of a flow compares in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LossClass {
    /// As low as that of most.
    #[default]
    Least,
    /// Worse, by the closer look.
    Worse,
    /// Worse, by the screening alone.
    Screened,
    /// Undecided.
    Open,
}

/// Datagrams that this host refused to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    pub errno: i32,
    pub datagrams: u64,
}

/// Everything that a run counted.
#[derive(Debug)]
pub(super) struct Counts {
    pub sources: Vec<u16>,
    tracks: Vec<[Track; 4]>,
    /// Classes of the flows in each direction that was split.
    classes: Vec<(Leg, Vec<LossClass>)>,
    /// Source ports as the agent saw them.
    pub seen: Vec<Option<u16>>,
    /// Flows in the order of their first datagrams.
    pub opened: Vec<usize>,
    /// Whether the agent has counted all that was sent so far.
    is_counted: bool,
    has_agent: bool,
    pub contradiction: Option<Contradiction>,
    pub refused: Vec<Refused>,
    /// The longest round trip; zero before the first.
    pub longest: Nanos,
    /// When the first datagram was due.
    pub began: Nanos,
    /// About how long it would take to decide; `None` if it is decided.
    pub needed: Option<Nanos>,
    pub withheld: u64,
    pub agent_caveats: Vec<ProbeCaveat>,
    pub agent_lost: Option<NoAgent>,
    pub interrupted: bool,
    pub duration: Nanos,
}

impl Counts {
    pub fn new(sources: &[u16], has_agent: bool) -> Self {
        Self {
            sources: sources.to_vec(),
            tracks: vec![Default::default(); sources.len()],
            classes: Vec::new(),
            seen: vec![None; sources.len()],
            opened: Vec::new(),
            is_counted: false,
            has_agent,
            contradiction: None,
            refused: Vec::new(),
            longest: Nanos::ZERO,
            began: Nanos::ZERO,
            needed: None,
            withheld: 0,
            agent_caveats: Vec::new(),
            agent_lost: None,
            interrupted: false,
            duration: Nanos::ZERO,
        }
    }

    pub fn flows(&self) -> usize {
        self.sources.len()
    }

    pub fn track(&self, phase: Phase, flow: usize) -> &Track {
        &self.tracks[flow][phase as usize]
    }

    /// A datagram left, on this host's real-time clock.
    pub fn sent_one(&mut self, phase: Phase, flow: usize, at: Nanos) {
        self.is_counted = false;
        self.tracks[flow][phase as usize].sent(at);
    }

    /// A reply to a datagram of this number came.
    pub fn hear(&mut self, phase: Phase, flow: usize, number: u32, reply: Reply) {
        self.longest = self.longest.max(reply.round_trip).max(Nanos(1));
        self.tracks[flow][phase as usize].hear(number, reply);
    }

    /// The tracks of a flow.
    pub fn of(&self, flow: usize) -> &[Track] {
        &self.tracks[flow]
    }

    /// The number by which the agent counts a track.
    pub fn item(&self, phase: Phase, flow: usize) -> u32 {
        (phase as usize * self.flows() + flow) as u32
    }

    pub fn of_item(&self, item: u32) -> Option<(Phase, usize)> {
        let flows = self.flows().max(1);
        Some((*Phase::ALL.get(item as usize / flows)?, item as usize % flows))
    }

    fn all(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().flatten()
    }

    /// Datagrams that left, of one flow or of all.
    pub fn sent(&self, flow: Option<usize>) -> u64 {
        let of = |tracks: &[Track; 4]| tracks.iter().map(|one| u64::from(one.left())).sum::<u64>();
        flow.map_or_else(|| self.tracks.iter().map(of).sum(), |flow| of(&self.tracks[flow]))
    }

    pub fn replies(&self) -> u64 {
        self.all().map(Track::replies).sum()
    }

    pub fn all_replied(&self) -> bool {
        self.all().all(|track| track.replies() == u64::from(track.left()))
    }

    pub fn copies(&self) -> u64 {
        self.all().map(|track| track.copies).sum()
    }

    pub fn refuse(&mut self, refused: Refused) {
        match self.refused.iter_mut().find(|one| one.errno == refused.errno) {
            Some(one) => one.datagrams += refused.datagrams,
            None => self.refused.push(refused),
        }
    }

    /// Adopts the agent's counts.
    pub fn adopt(&mut self, rows: &BTreeMap<u32, Arrivals>) {
        for (item, row) in rows {
            let known = self.of_item(*item);
            let left = known.map_or(0, |(phase, flow)| self.track(phase, flow).left());
            let found = contradicts(row.count.into(), left.into());
            self.contradiction = self.contradiction.or(found);
            if let Some((_, flow)) = known {
                self.seen[flow] = Some(row.source.port());
            }
        }
        for phase in Phase::ALL {
            for flow in 0..self.flows() {
                let row = rows.get(&self.item(phase, flow));
                self.tracks[flow][phase as usize].tell(row);
            }
        }
        self.is_counted = true;
    }

    /// The directions in which losses are known.
    pub fn legs(&self) -> Vec<Leg> {
        let counted = self.has_agent && self.is_counted && self.contradiction.is_none();
        if counted { vec![Leg::Out, Leg::Back] } else { vec![Leg::RoundTrip] }
    }

    /// What a flow lost in some phases.
    pub fn loss(&self, phases: &[Phase], leg: Leg, flow: usize) -> LossSample {
        let of = |phase: &Phase| self.track(*phase, flow).loss(leg);
        phases.iter().map(of).fold(LossSample::default(), LossSample::with)
    }

    /// The same, of every flow.
    pub fn losses(&self, phases: &[Phase], leg: Leg) -> Vec<LossSample> {
        (0..self.flows()).map(|flow| self.loss(phases, leg, flow)).collect()
    }

    /// Classes of the flows in a direction.
    pub fn classes(&self, leg: Leg) -> Vec<LossClass> {
        let found = self.classes.iter().find(|(of, _)| *of == leg);
        found.map_or_else(|| vec![LossClass::Least; self.flows()], |(_, all)| all.clone())
    }

    fn classes_mut(&mut self, leg: Leg) -> &mut Vec<LossClass> {
        let at = self.classes.iter().position(|(of, _)| *of == leg);
        let at = at.unwrap_or_else(|| {
            self.classes.push((leg, vec![LossClass::Least; self.flows()]));
            self.classes.len() - 1
        });
        &mut self.classes[at].1
    }

    /// The screening found these worse.
    pub fn set_screened(&mut self, leg: Leg, groups: &StreamGroups) {
        let classes = self.classes_mut(leg);
        groups.worse.iter().for_each(|flow| classes[*flow] = LossClass::Screened);
    }

    /// Flows that no direction's screening found worse.
    pub fn not_screened(&self) -> Vec<usize> {
        let is_worse = |flow: usize| {
            self.classes.iter().any(|(_, classes)| classes[flow] == LossClass::Screened)
        };
        (0..self.flows()).filter(|flow| !is_worse(*flow)).collect()
    }

    /// The closer look found these worse; others are undecided until they are sorted.
    pub fn set_close(&mut self, leg: Leg, groups: &StreamGroups) {
        for (flow, class) in self.classes_mut(leg).iter_mut().enumerate() {
            if *class != LossClass::Screened {
                let is_worse = groups.worse.contains(&flow);
                *class = if is_worse { LossClass::Worse } else { LossClass::Open };
            }
        }
    }

    /// Sorts undecided flows by their losses; returns those that remain undecided.
    pub fn sort(&mut self, leg: Leg, shares: Shares) -> Vec<usize> {
        let losses = self.losses(&Phase::SINGLE, leg);
        let mut undecided = Vec::new();
        for (flow, class) in self.classes_mut(leg).iter_mut().enumerate() {
            if *class == LossClass::Open {
                match shares.is_worse(losses[flow]) {
                    Some(true) => *class = LossClass::Worse,
                    Some(false) => *class = LossClass::Least,
                    None => undecided.push(flow),
                }
            }
        }
        undecided
    }
}
