//! One flow of a trace: its hops, which probe is due, and what was received for each.

use super::TracePlan;
use crate::batch::IcmpMeaning;
use crate::machine::Now;
use crate::record::probe::{TraceAnswer, TraceDistance, TraceFlow, TraceHop, TraceTry};
use crate::stats::{LossSample, is_beyond_chance};
use crate::units::Nanos;
use std::net::IpAddr;

/// The TTL that tests the target itself.
pub(super) const FULL: u8 = 255;
/// Hops beyond the last one that replied that are tested before the rest of the path counts as
/// silent.
const AHEAD: u8 = 6;
/// Time between two probes of a flow: on a short path the answer then arrives before the next TTL
/// is tried, and no host's ICMP rate limit (on Linux six at once) is used up for hops that do not
/// exist.
const PACE: Nanos = Nanos::from_millis(10);

/// A probe: its TTL, and the number of the try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub ttl: u8,
    pub number: usize,
}

/// The reply to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub from: Option<IpAddr>,
    pub answer: TraceAnswer,
    /// Type and code.
    pub icmp: Option<(u8, u8)>,
    pub meaning: Option<IcmpMeaning>,
    /// Whether the target itself replied.
    pub at_target: bool,
    pub rtt: Nanos,
}

impl Heard {
    /// Whether the path ends here.
    fn ends(&self) -> bool {
        self.answer != TraceAnswer::TimeExceeded
    }
}

#[derive(Clone, Copy, Debug)]
struct Try {
    sent: Now,
    /// Since when its answer is awaited.
    since: Nanos,
    heard: Option<Heard>,
    refused: bool,
    /// It was sent, but its result could not be told apart from others.
    void: bool,
}

/// The probes of one TTL.
#[derive(Clone, Debug)]
struct Cell {
    ttl: u8,
    tries: Vec<Try>,
}

impl Cell {
    fn counted(&self) -> usize {
        self.tries.iter().filter(|one| !one.void).count()
    }

    fn heard(&self) -> impl Iterator<Item = &Heard> {
        self.tries.iter().filter_map(|one| one.heard.as_ref())
    }

    fn ends(&self) -> bool {
        self.heard().any(Heard::ends)
    }

    /// When the current try times out.
    fn waits_until(&self, now: Nanos, wait: Nanos) -> Option<Nanos> {
        let last = self.tries.last()?;
        let until = last.since + wait;
        (last.heard.is_none() && !last.refused && !last.void && until > now).then_some(until)
    }

    fn wants_more(&self, plan: &TracePlan) -> bool {
        // The full TTL is used only to see whether the target answers.
        let enough = self.ttl == FULL && self.heard().next().is_some();
        !enough && self.counted() < plan.tries as usize
    }
}

/// One flow.
pub(super) struct Flow {
    port: u16,
    /// By TTL from 1; the last is the full one.
    cells: Vec<Cell>,
    next_at: Nanos,
    /// Whether only one probe is in flight at a time.
    one_by_one: bool,
    /// Hop count reported by the target's reflector.
    hops: Option<u8>,
    /// Duplicate answers.
    copies: u64,
    /// The system's error number of a probe that this host refused to send.
    errno: Option<i32>,
}

impl Flow {
    pub fn new(plan: &TracePlan, port: u16) -> Self {
        let cell = |ttl| Cell { ttl, tries: Vec::new() };
        Self {
            port,
            cells: (1..=plan.hops.min(FULL - 1)).chain([FULL]).map(cell).collect(),
            next_at: Nanos::ZERO,
            one_by_one: false,
            hops: None,
            copies: 0,
            errno: None,
        }
    }

    fn cell(&self, ttl: u8) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.ttl == ttl)
    }

    fn one(&mut self, place: Place) -> Option<&mut Try> {
        let cell = self.cells.iter_mut().find(|cell| cell.ttl == place.ttl)?;
        cell.tries.get_mut(place.number)
    }

    fn walked(&self) -> &[Cell] {
        &self.cells[..self.cells.len() - 1]
    }

    fn asked_target(&self) -> &Cell {
        &self.cells[self.cells.len() - 1]
    }

    pub fn sent_at(&self, place: Place) -> Option<Now> {
        self.cell(place.ttl)?.tries.get(place.number).map(|one| one.sent)
    }

    /// The first TTL that reached the end of the path, wherever that is.
    fn end(&self) -> Option<u8> {
        self.walked().iter().find(|cell| cell.ends()).map(|cell| cell.ttl)
    }

    /// The highest TTL worth testing, by the results so far.
    fn horizon(&self) -> u8 {
        let all = self.walked().last().map_or(0, |cell| cell.ttl);
        if let Some(end) = self.end().or(self.hops.filter(|hops| *hops < all)) {
            // A reflector's hop count is the number of routers: the target is the next.
            return if self.end().is_some() { end } else { end + 1 };
        }
        let spoke = self.walked().iter().rev().find(|cell| cell.heard().next().is_some());
        let beyond = spoke.map_or(0, |cell| cell.ttl).saturating_add(AHEAD);
        if let Some(again) = self.loops_at() {
            return again;
        }
        // The target exists, so the silent part ends somewhere.
        if self.asked_target().heard().any(Heard::ends) { all } else { beyond.min(all) }
    }

    /// The hop at which a router replied for the third time, at equal distances: a routing loop,
    /// beyond which nothing more can be learnt.
    fn loops_at(&self) -> Option<u8> {
        let spoke = |cell: &Cell| Some((cell.ttl, cell.heard().next()?.from?));
        let all: Vec<(u8, IpAddr)> = self.walked().iter().filter_map(spoke).collect();
        all.iter().find_map(|(ttl, router)| {
            let mut hops = all.iter().filter(|(_, other)| other == router).map(|(ttl, _)| *ttl);
            let (first, second, third) = (hops.next()?, hops.next()?, hops.next()?);
            (first == *ttl && second - first == third - second).then_some(third)
        })
    }

    /// The probes that still matter.
    fn within(&self) -> impl Iterator<Item = &Cell> {
        let horizon = self.horizon();
        self.cells.iter().filter(move |cell| cell.ttl <= horizon || cell.ttl == FULL)
    }

    /// The probe that is due, or when to ask again.
    pub fn due(&self, now: Nanos, plan: &TracePlan) -> Result<Place, Nanos> {
        let busy = self.within().filter_map(|cell| cell.waits_until(now, plan.wait)).min();
        if self.one_by_one
            && let Some(until) = busy
        {
            return Err(until);
        }
        let wants =
            |cell: &&Cell| cell.wants_more(plan) && cell.waits_until(now, plan.wait).is_none();
        // Each hop once before any hop again; the target first, as it shows how far to look.
        let next = self
            .within()
            .filter(wants)
            .min_by_key(|cell| (cell.counted(), cell.ttl != FULL, cell.ttl));
        match next {
            None => Err(busy.unwrap_or(Nanos::MAX)),
            Some(_) if self.next_at > now => Err(self.next_at),
            Some(cell) => Ok(Place { ttl: cell.ttl, number: cell.tries.len() }),
        }
    }

    pub fn is_done(&self, now: Nanos, plan: &TracePlan) -> bool {
        self.within()
            .all(|cell| !cell.wants_more(plan) && cell.waits_until(now, plan.wait).is_none())
    }

    /// When it is done if hops that have not answered stay silent, and no more of them show up.
    pub fn expected_end(&self, now: Nanos, plan: &TracePlan) -> Nanos {
        let (mut probes, mut longest, mut in_all) = (0, Nanos::ZERO, Nanos::ZERO);
        for cell in self.within() {
            let wanted =
                if cell.wants_more(plan) { plan.tries as usize - cell.counted() } else { 0 };
            let answers = cell.heard().next().is_some();
            let each = if answers { PACE } else { plan.wait.max(PACE) };
            let waits = cell.waits_until(now, plan.wait).map_or(Nanos::ZERO, |until| until - now);
            let needs = waits + Nanos(each.0.saturating_mul(wanted as u64));
            probes += wanted as u64;
            longest = longest.max(needs);
            in_all += needs;
        }
        let sending = Nanos(PACE.0 * probes);
        now + if self.one_by_one { in_all } else { longest.max(sending) }
    }

    pub fn sent(&mut self, place: Place, now: Now) {
        self.push(
            place,
            Try { sent: now, since: now.mono, heard: None, refused: false, void: false },
        );
        self.next_at = now.mono + PACE;
    }

    pub fn refused(&mut self, place: Place, now: Now, errno: i32) {
        self.push(
            place,
            Try { sent: now, since: now.mono, heard: None, refused: true, void: false },
        );
        self.next_at = now.mono + PACE;
        self.errno.get_or_insert(errno);
    }

    /// This host itself dropped a probe, or reported an error without naming it.
    pub fn rejected_here(&mut self, place: Option<Place>, errno: i32) {
        self.errno.get_or_insert(errno);
        if let Some(one) = place.and_then(|place| self.one(place)) {
            one.refused = true;
        }
    }

    /// This host was paused for this long: deadlines move by that.
    pub fn pause(&mut self, length: Nanos) {
        for one in self.cells.iter_mut().flat_map(|cell| &mut cell.tries) {
            one.since += length;
        }
    }

    fn push(&mut self, place: Place, one: Try) {
        if let Some(cell) = self.cells.iter_mut().find(|cell| cell.ttl == place.ttl) {
            cell.tries.push(one);
        }
    }

    /// Records an answer; the first to a probe counts, others are copies.
    pub fn hear(&mut self, place: Place, heard: Heard) {
        let Some(one) = self.one(place) else { return };
        if one.heard.is_some() {
            self.copies += 1;
        } else {
            one.heard = Some(heard);
        }
    }

    /// Records a reflector's hop count; the lowest, as a relay that sets its own TTL increases it.
    pub fn note_hops(&mut self, hops: Option<u8>) {
        self.hops = [self.hops, hops].into_iter().flatten().min();
    }

    /// The hops to the target if known, else the lowest TTL that reached it.
    fn distance(&self, reached: bool) -> TraceDistance {
        let known = |hops| TraceDistance { hops, hops_at_most: None };
        let counted = self.hops.map(|hops| hops.saturating_add(1));
        let Some(end) = self.end().filter(|_| reached) else { return known(counted) };
        if let Some(counted) = counted.filter(|counted| *counted <= end) {
            return known(Some(counted));
        }
        if self.cell(end - 1).is_none_or(|cell| self.is_another_hop(cell)) {
            return known(Some(end));
        }
        TraceDistance { hops: None, hops_at_most: Some(end) }
    }

    /// Whether a hop before the one that reached the target is a different host: it replied, or was
    /// silent beyond chance.
    fn is_another_hop(&self, cell: &Cell) -> bool {
        let sample =
            |cell: &Cell| LossSample::new(cell.counted() as u64, cell.heard().count() as u64);
        let speaks = |cell: &&Cell| cell.heard().next().is_some();
        let others = self.cells.iter().filter(speaks).map(sample);
        let control = others.fold(LossSample::default(), LossSample::with);
        speaks(&cell) || is_beyond_chance(sample(cell), control, 1)
    }

    /// The probe in flight, if there is only one.
    pub fn only_waiting(&self, now: Nanos, plan: &TracePlan) -> Option<Place> {
        let mut waiting = self
            .cells
            .iter()
            .filter(|cell| cell.waits_until(now, plan.wait).is_some())
            .map(|cell| Place { ttl: cell.ttl, number: cell.tries.len() - 1 });
        let first = waiting.next()?;
        waiting.next().is_none().then_some(first)
    }

    /// An answer could not be attributed: from now on send one probe at a time, beginning with
    /// those in flight, after a pause to let their answers pass.
    pub fn go_one_by_one(&mut self, now: Nanos) {
        if self.one_by_one {
            return;
        }
        self.one_by_one = true;
        self.next_at = now + Nanos::from_millis(500);
        for cell in &mut self.cells {
            for one in cell.tries.iter_mut().filter(|one| one.heard.is_none() && !one.refused) {
                one.void = true;
            }
        }
    }

    /// The result of the flow.
    pub fn report(self, plan: &TracePlan) -> TraceFlow {
        let tell = |one: &Try| TraceTry {
            from: one.heard.and_then(|heard| heard.from),
            answer: one.heard.map(|heard| heard.answer),
            icmp_type: one.heard.and_then(|heard| heard.icmp).map(|icmp| icmp.0),
            icmp_code: one.heard.and_then(|heard| heard.icmp).map(|icmp| icmp.1),
            meaning: one.heard.and_then(|heard| heard.meaning),
            rtt_ns: one.heard.map(|heard| heard.rtt.0),
            at_target: one.heard.is_some_and(|heard| heard.at_target),
        };
        let row = |cell: &Cell| TraceHop {
            ttl: cell.ttl,
            tries: cell.tries.iter().filter(|one| !one.void).map(tell).collect(),
        };
        let horizon = self.horizon();
        let end = self.end();
        let target = row(self.asked_target());
        let hops: Vec<TraceHop> = self
            .walked()
            .iter()
            .filter(|cell| cell.ttl <= horizon && cell.counted() > 0)
            .map(row)
            .collect();
        let answered = hops.iter().flat_map(|hop| &hop.tries).chain(&target.tries);
        let reached = answered.clone().any(|one| one.at_target);
        let heard_at = |hop: &&TraceHop| hop.tries.iter().any(|one| one.answer.is_some());
        let mut flow = TraceFlow {
            source_port: self.port,
            reached,
            distance: self.distance(reached),
            last_heard: hops.iter().rev().find(heard_at).map(|hop| hop.ttl),
            one_by_one: self.one_by_one,
            refused: self.errno.map(|errno| (plan.explain)(errno, plan.target)),
            routing_loop: None,
            copies: self.copies,
            full_ttl: target.tries,
            silent_beyond: (!reached && end.is_none() && horizon < plan.hops).then_some(AHEAD),
            hops,
        };
        flow.routing_loop = flow.find_loop();
        flow
    }
}
