//! `monitor`: probes many targets at a steady pace for a long time, in constant memory.
//!
//! ```text
//! plan        parameters, the list, what is asked and told outside
//! target      the accounting of one target, from all of these
//! probes      probes in flight, in a small ring
//! directions  in which direction probes were lost, in a few dozen bytes
//! outages     probes in a row that were not answered
//! changes     another TTL on arrival, a clock that was set
//! watch       a threshold on one target
//! addresses   which targets an address belongs to
//! targets     the table of targets, and when each is looked at next
//! reports     rows, intervals, the end
//! ```

mod addresses;
mod changes;
mod directions;
mod outages;
mod plan;
mod probes;
mod reports;
mod target;
mod targets;
#[cfg(test)]
mod tests;
mod watch;

pub use plan::{
    ListedTarget, MOST_TARGETS, MonitorCommand, MonitorList, MonitorOrder, MonitorPlan, Profile,
    SILENT_RESOLVE, WatchedThreshold,
};
pub use reports::MonitorEnd;

use crate::batch::{Datagram, Dest, HostFault, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::machine::{Executor, Next, Now, Orders, Session};
use crate::record::{Flow, MonitorChange, MonitorEvent, Sink};
use crate::session::ping::Clocks;
use crate::units::Nanos;
use reports::{Reports, standing};
use std::net::SocketAddr;
use target::{Told, wire_number};
use targets::Targets;

/// The least time between two batches: probes that are due within it leave together, at most this
/// late.
const TOGETHER: Nanos = Nanos::from_micros(500);
/// Most names that are being resolved at once.
const MOST_LOOKUPS: usize = 64;
/// Minimum wait for answers when the user ends the run.
const LEAST_LINGER: Nanos = Nanos::from_millis(20);
/// How often to look whether all answers are there, at the end.
const LAST_LOOK: Nanos = Nanos::from_millis(10);
/// Intervals' rows that are told at once: the datagrams wait meanwhile.
const ROWS_AT_ONCE: usize = 32;
/// Targets whose standing is told at once, likewise.
const STANDINGS_AT_ONCE: u32 = 32;

/// State of `monitor`.
pub struct MonitorSession<S, O> {
    plan: MonitorPlan,
    sink: S,
    orders: O,
    clocks: Clocks,
    started: Option<Now>,
    targets: Targets,
    reports: Reports,
    /// The slot whose standing is told next; `None` once all are told.
    standing: Option<u32>,
    /// The target of each probe in the current batch.
    written: Vec<u32>,
    spare: Vec<u8>,
    news: Vec<Told>,
    last_batch: Nanos,
    /// Questions for names that are not answered yet.
    lookups: usize,
    ticket: u32,
    /// Until when answers are awaited, once nothing more is sent.
    linger: Option<Nanos>,
    longest: Nanos,
    interrupted: bool,
    closed: bool,
}

impl<S, O> MonitorSession<S, O>
where
    S: Sink<MonitorEvent> + Executor<MonitorCommand>,
    O: Orders<MonitorOrder>,
{
    /// A session at its start.
    pub fn new(plan: MonitorPlan, sink: S, orders: O) -> Self {
        Self {
            reports: Reports::new(&plan),
            plan,
            sink,
            orders,
            clocks: Clocks::default(),
            started: None,
            targets: Targets::default(),
            standing: None,
            written: Vec::new(),
            spare: Vec::new(),
            news: Vec::new(),
            last_batch: Nanos::ZERO,
            lookups: 0,
            ticket: 0,
            linger: None,
            longest: Nanos::ZERO,
            interrupted: false,
            closed: false,
        }
    }

    fn start(&mut self, now: Now) {
        self.started = Some(now);
        self.reports.start(now.mono);
        let listed = std::mem::take(&mut self.plan.list.targets);
        for one in &listed {
            self.targets.add(one, &self.plan, now.mono);
        }
    }

    /// When the last probe is due, if that is known.
    fn end(&self) -> Option<Nanos> {
        self.plan.time.zip(self.started).map(|(time, started)| started.mono + time)
    }

    /// Tells what there is to tell of a target.
    fn tell(&mut self, now: Now, slot: u32) {
        if self.news.is_empty() {
            return;
        }
        let Some(target) = self.targets.get(slot) else { return };
        for told in self.news.drain(..) {
            let (event, ends) = self.reports.news(now, target, told, &self.plan);
            self.closed |= self.sink.take(event) == Flow::Closed;
            self.linger = if ends { Some(now.mono) } else { self.linger };
        }
    }

    fn handle_orders(&mut self, now: Now) {
        while let Some(order) = self.orders.next_order() {
            match order {
                MonitorOrder::Resolved { ticket, found } => self.resolved(now, ticket, found),
                MonitorOrder::List(list) => self.use_list(now, list),
            }
        }
    }

    fn resolved(&mut self, now: Now, ticket: u64, found: Result<Vec<SocketAddr>, HostFault>) {
        self.lookups = self.lookups.saturating_sub(1);
        let slot = (ticket >> 32) as u32;
        let Some(target) = self.targets.get_mut(slot) else { return };
        if target.lookup.asked != Some(ticket as u32) {
            return;
        }
        target.lookup.asked = None;
        let sockets = self.plan.sockets;
        let found = found.and_then(|mut found| {
            found.retain(|one| socket_of(sockets, *one).is_some());
            if found.is_empty() { Err(HostFault::NoAddress) } else { Ok(found) }
        });
        let before = (target.address, target.left);
        match found {
            Ok(found) => {
                target.lookup.has_failed = false;
                let known = found.iter().position(|one| Some(*one) == before.0);
                let chosen = match known {
                    // It may be that another one answers.
                    Some(place) if target.outages.is_down() => (place + 1) % found.len(),
                    Some(place) => place,
                    None => 0,
                };
                target.go_to(Some(found[chosen]));
            }
            Err(cause) => target.not_resolved(cause, &mut self.news),
        }
        let again = self.plan.resolve_every;
        let is_silent = target.outages.is_down() || target.address.is_none();
        let again = if is_silent { again.min(SILENT_RESOLVE) } else { again };
        target.lookup.next = now.mono + again;
        self.targets.moved(slot, before);
        self.tell(now, slot);
        self.targets.wake_at(slot, now.mono);
    }

    /// Uses a list that was read again.
    fn use_list(&mut self, now: Now, mut list: MonitorList) {
        let listed = std::mem::take(&mut list.targets);
        self.plan.thresholds = std::mem::take(&mut list.thresholds);
        self.reports.extend(&self.plan.thresholds);
        self.plan.list = list;
        let (added, removed) = self.targets.replace(&listed, &self.plan, now.mono);
        for (slot, target) in removed {
            self.lookups -= usize::from(target.lookup.asked.is_some()).min(self.lookups);
            let events = self.reports.gone(now, &target, &self.plan);
            self.targets.release(slot);
            for event in events {
                self.closed |= self.sink.take(event) == Flow::Closed;
            }
        }
        for slot in &added {
            self.news.push((MonitorChange::Added, None));
            self.tell(now, *slot);
        }
        let event = self.reports.reloaded(self.targets.len() as u64, added.len() as u64);
        self.closed |= self.sink.take(event) == Flow::Closed;
    }

    /// Looks at the targets whose time it is, until the batch is full.
    fn look(&mut self, now: Now, out: &mut TxBatch) -> bool {
        let end = self.end();
        while let Some(slot) = self.targets.due(now.mono) {
            let is_full = self.attend(now, slot, out);
            self.tell(now, slot);
            if is_full {
                self.targets.wake_at(slot, now.mono);
                return true;
            }
            let is_written = self.written.last() == Some(&slot);
            let Some(target) = self.targets.get_mut(slot) else { continue };
            if !is_written {
                let at = match self.linger {
                    Some(_) => target.last_wake(),
                    None => target.next_wake(now.mono, &self.plan, end),
                };
                self.targets.wake_at(slot, at);
            }
        }
        false
    }

    /// Does for a target what is due; returns whether the batch is too full for it.
    fn attend(&mut self, now: Now, slot: u32, out: &mut TxBatch) -> bool {
        let end = self.end();
        let Some(target) = self.targets.get_mut(slot) else { return false };
        target.expire(now.mono, &self.plan, &mut self.news);
        if self.linger.is_some() {
            return false;
        }
        if target.lookup.next <= now.mono && target.lookup.asked.is_none() {
            if self.lookups < MOST_LOOKUPS {
                self.lookups += 1;
                self.ticket = self.ticket.wrapping_add(1);
                target.lookup.asked = Some(self.ticket);
                let ticket = u64::from(slot) << 32 | u64::from(self.ticket);
                let host = target.host.clone();
                self.sink.execute(MonitorCommand::Resolve { ticket, host });
            } else {
                target.lookup.next = now.mono + LAST_LOOK;
            }
        }
        if target.planned > now.mono || end.is_some_and(|end| target.planned >= end) {
            return false;
        }
        target.skip_missed(now.mono);
        let address =
            target.address.and_then(|one| Some((one, socket_of(self.plan.sockets, one)?)));
        let Some((address, socket)) = address else {
            if target.address.is_none() && !target.lookup.has_failed {
                // It has not begun.
                target.planned += target.interval;
            } else {
                target.never_sent(&self.plan, &mut self.news);
            }
            return false;
        };
        let profile = &mut self.plan.list.profiles[target.profile];
        let dest = Dest { socket, tos: profile.tos, ..Dest::from(address) };
        let len = profile.protocol.probe_len();
        if out.room(len) == 0 {
            return true;
        }
        let dest = out.append_dest(dest);
        let Some(bytes) = out.push(dest, len) else { return true };
        profile.protocol.set_tag(target.tag);
        let seq = wire_number(target.probes.next());
        profile.protocol.write(seq, now.real, &mut self.spare, bytes);
        self.reports.note_late(now.mono - target.planned);
        self.written.push(slot);
        false
    }

    /// Whether everything is answered, or the wait for it is over.
    fn is_over(&mut self, now: Nanos) -> bool {
        let Some(linger) = self.linger else { return false };
        now >= linger || self.targets.iter().all(|(_, target)| target.probes.open() == 0)
    }

    /// Tells of the outages that are over and wait for another answer to show their direction.
    fn tell_last(&mut self, now: Now) {
        let slots: Vec<u32> = self.targets.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            if let Some(target) = self.targets.get_mut(slot) {
                target.tell_ended(&mut self.news);
                self.tell(now, slot);
            }
        }
    }

    /// Tells of an interval that is over, a few rows at once; returns whether there are more.
    fn tell_rows(&mut self) -> bool {
        for _ in 0..ROWS_AT_ONCE {
            let Some(event) = self.reports.next_event() else { return false };
            self.closed |= self.sink.take(event) == Flow::Closed;
        }
        self.reports.has_events()
    }

    /// Tells how the next few targets stand; returns whether there are more.
    fn tell_standings(&mut self) -> bool {
        let Some(first) = self.standing else { return false };
        let end = (first + STANDINGS_AT_ONCE).min(self.targets.slots());
        for slot in first..end {
            if let Some(target) = self.targets.get_mut(slot) {
                let event = MonitorEvent::Standing(Box::new(standing(target)));
                self.closed |= self.sink.take(event) == Flow::Closed;
            }
        }
        self.standing = (end < self.targets.slots()).then_some(end);
        self.standing.is_some()
    }
}

fn socket_of(sockets: [Option<usize>; 2], address: SocketAddr) -> Option<usize> {
    sockets[usize::from(address.is_ipv6())]
}

impl<S, O> Session for MonitorSession<S, O>
where
    S: Sink<MonitorEvent> + Executor<MonitorCommand>,
    O: Orders<MonitorOrder>,
{
    type Summary = MonitorEnd<S>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.started.is_none() {
            self.start(now);
        }
        self.clocks.observe(now);
        self.handle_orders(now);
        let has_rows = self.tell_rows() | self.tell_standings();
        if self.closed {
            return Next::Done;
        }
        if self.linger.is_none() && self.end().is_some_and(|end| now.mono >= end) {
            self.linger = Some(now.mono + self.plan.wait);
        }
        out.reset();
        self.written.clear();
        if self.last_batch + TOGETHER <= now.mono || self.linger.is_some() {
            self.last_batch = now.mono;
            let is_full = self.look(now, out);
            if !out.is_empty() {
                return if is_full { Next::Send } else { Next::WaitUntil(now.mono) };
            }
        }
        if self.linger.is_some() {
            if self.is_over(now.mono) {
                self.tell_last(now);
                return Next::Done;
            }
            return Next::WaitUntil(now.mono + LAST_LOOK);
        }
        if has_rows {
            return Next::Send;
        }
        let end = self.end().unwrap_or(Nanos::MAX);
        let next = self.targets.next_at().min(end).max(self.last_batch + TOGETHER);
        if next == Nanos::MAX { Next::Idle } else { Next::WaitUntil(next) }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let written = std::mem::take(&mut self.written);
        let (refused, errno) = match outcome.stop {
            Some(SendStop::Refused { datagrams, errno }) => (datagrams, errno),
            _ => (0, 0),
        };
        let end = self.end();
        for (place, slot) in written.iter().enumerate() {
            let Some(target) = self.targets.get_mut(*slot) else { continue };
            if place < outcome.accepted {
                target.sent(now, &self.plan, &mut self.news);
            } else if place < outcome.accepted + refused {
                target.refuse(errno, &self.plan, &mut self.news);
            }
            let at = target.next_wake(now.mono, &self.plan, end);
            self.targets.wake_at(*slot, at);
            self.tell(now, *slot);
        }
        self.written = written;
        self.written.clear();
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        self.clocks.observe(now);
        let mut is_known = false;
        for place in self.targets.places_of(datagram.meta.source) {
            let slot = self.targets.slot_at(place);
            let Some(target) = self.targets.get_mut(slot) else { continue };
            let protocol = &mut self.plan.list.profiles[target.profile].protocol;
            protocol.set_tag(target.tag);
            let echo = protocol.read(datagram.payload, now.real);
            let Some(echo) = echo.filter(|_| !datagram.truncated()) else { continue };
            let times = (now, &self.clocks);
            if target.answer(times, &self.plan, (&echo, datagram), &mut self.news) {
                is_known = true;
                self.longest = self.longest.max(target.round_trips.max().unwrap_or_default());
                self.tell(now, slot);
                break;
            }
            target.counts.strays += 1;
        }
        self.reports.strays += u64::from(!is_known);
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        for place in self.targets.places_of(error.destination) {
            let slot = self.targets.slot_at(place);
            if let Some(target) = self.targets.get_mut(slot) {
                target.trouble(error, &mut self.news);
                self.tell(now, slot);
            }
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.reports.note_pause(length);
        self.linger = self.linger.map(|until| until + length);
        self.targets.iter_mut().for_each(|target| target.probes.extend(length));
    }

    fn on_socket_drops(&mut self, socket: usize, drops: u32) {
        self.reports.note_drops(socket, drops);
    }

    fn on_tick(&mut self, now: Now) {
        if self.started.is_some() {
            self.reports.tick(now, &mut self.targets);
        }
    }

    fn on_watch(&mut self, _now: Now) {
        // As long as there are some to tell, it goes on with these.
        self.standing.get_or_insert(0);
    }

    fn on_status(&mut self, now: Now) {
        if let Some(status) = self.reports.status(now, &self.targets) {
            self.closed |= self.sink.take(status) == Flow::Closed;
        }
    }

    fn expected_end(&self, _now: Now) -> Option<Nanos> {
        self.end()
    }

    fn on_stop(&mut self, now: Now) {
        self.interrupted = true;
        // Answers in flight are worth a short wait, but not the whole time-out.
        let linger = (self.longest + LEAST_LINGER).min(self.plan.wait);
        self.linger = Some(now.mono + linger);
    }

    fn finish(self, now: Now) -> MonitorEnd<S> {
        self.end_report(now)
    }
}
