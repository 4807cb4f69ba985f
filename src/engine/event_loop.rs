//! One thread's loop: receive, tick, transmit, wait; never blocked in a socket call.

use super::any_session::AnySession;
use super::clocks::read_clocks;
use super::loop_config::{LoopConfig, SPIN, WakePrecision};
use super::moderation::{LEAST_CHARGE, Moderation, REST};
use super::pause_watch::PauseWatch;
use super::port::Port;
use super::socket_registry::Change;
use super::{Handle, ServiceManager, Signals, SocketRegistry, Tally};
use crate::batch::{
    Capability, Convenience, InterfaceChange, RxBatch, SendOutcome, SendStop, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::net::{KeptSocket, Socket, Upkeep};
use crate::net::{exact_timer, note_convenience, system_has};
use crate::record::InterfaceEvent;
use crate::sys::{self, ErrorNumber, Timer, errno};
use crate::units::{MAX_PACKET, Nanos};
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

const WAKER: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);
const INTERFACES: Token = Token(usize::MAX - 3);

/// Receive buffers shared by all sockets added while the loop runs. Each buffer holds the largest
/// datagram whole.
const SHARED_BUFFERS: usize = 8;
const SHARED_LARGEST: usize = MAX_PACKET;
/// Turns of a busy loop between two polls: a poll costs 0.3 µs, a batch ten times that.
const BUSY_TURNS: u32 = 128;
/// Turns of a sender between two yields of the processor it shares with the receiver: at 64 KiB a
/// call, this much data fits a second-level cache.
const SHARED_TURNS: u32 = 16;
/// If gaps between arrivals are shorter than this, the loop polls instead of sleeping: a wake-up
/// costs the sender as much as the receiver, and takes longer than the next buffer to arrive.
const CLOSE: Nanos = Nanos::from_micros(50);
/// The same where rests lie between reads.
const CLOSE_WITH_RESTS: Nanos = Nanos::from_micros(200);
/// A yield of the processor that takes no longer gave it to nobody: the sender, if it is on this host,
/// runs on another one.
const ALONE: Nanos = Nanos::from_micros(2);

/// A loop that may read later sleeps if it expects so many buffers meanwhile.
const WORTH_SLEEPING: u64 = 8;

/// Most changes of interfaces that are kept to the end.
const CHANGES: usize = 256;
/// So much later than planned is the tick of a session where nothing is going on: twenty wake-ups a
/// second would be all that an idle server costs.
const IDLE_REST: Nanos = Nanos::from_millis(200);
/// How often a session is asked when it expects to end.
const FORECAST: Nanos = Nanos::from_millis(100);
/// How long to wait for a full socket before asking the session again, since it may have to end.
const BLOCKED: Nanos = Nanos::from_millis(10);

/// What a finished loop returns.
pub struct Ended<S> {
    /// The session's summary.
    pub summary: S,
    /// The sockets, for their counters.
    pub sockets: Vec<Socket>,
    /// What became of the sockets with this host's interfaces and addresses, the first of it.
    pub changes: Vec<InterfaceEvent>,
    /// Datagrams that it has sent and received.
    pub tally: Tally,
    /// Processor time used by the loop's thread.
    pub cpu: Nanos,
    /// Elapsed time.
    pub wall: Nanos,
}

/// A loop with its sockets, not yet running. Sockets are numbered in the order of the vector.
pub struct Loop {
    poll: Poll,
    events: Events,
    /// `None` if the poll's own timeout is precise enough.
    timer: Option<Timer>,
    timer_set: Nanos,
    handle: Handle,
    signals: Option<Signals>,
    /// What SIGHUP begins, where it is heeded.
    reload: Option<Box<dyn FnMut() + Send>>,
    stop_told: bool,
    terminate_told: bool,
    tally: Tally,
    /// Restores what sockets lose with an interface; `None` leaves it lost.
    upkeep: Option<Upkeep>,
    /// What the session is still to be told of that.
    interface_changes: Vec<InterfaceChange>,
    /// What it was told, for the end.
    changes_told: Vec<InterfaceEvent>,
    /// When the loop began to run.
    began: Nanos,
    /// Whether interfaces changed since the last look at them.
    interfaces_changed: bool,
    sockets: Vec<Port>,
    /// Sockets added while the loop runs, by their numbers.
    adopted: BTreeMap<usize, Port>,
    adoption: SocketRegistry,
    /// Receive buffers of the added sockets; allocated for the first of them.
    shared: Option<RxBatch>,
    config: LoopConfig,
    /// When something was last received.
    received: Nanos,
    /// The loop polls without sleeping until then.
    stay_until: Nanos,
    /// The socket whose buffer was full, while the loop waits for room.
    full: Option<usize>,
    /// Whether so much arrives that the loop sleeps without being woken by it.
    batches: bool,
    /// When it last asked what is ready.
    looked: Nanos,
    moderation: Moderation,
    watched: Watched,
    turns: u32,
    /// When the session is asked again when it expects to end.
    forecast_at: Nanos,
    pauses: PauseWatch,
    /// Whom to tell that the loop turns.
    manager: ServiceManager,
}

/// Whether the kernel reports events of the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    Yes,
    No,
}

impl Loop {
    /// A loop over `sockets`; `signals`, if given, end it.
    pub fn new(
        sockets: Vec<Socket>,
        signals: Option<Signals>,
        config: LoopConfig,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let handle = Handle::new(Waker::new(registry, WAKER)?);
        // Without one, an instant is kept to the millisecond.
        let is_exact = config.precision != WakePrecision::Millisecond;
        let mut timer = is_exact.then(exact_timer).flatten();
        if let Some(timer) = &mut timer {
            registry.register(timer, TIMER, Interest::READABLE)?;
        }
        let mut signals = signals;
        if let Some(signals) = &mut signals {
            registry.register(&mut signals.pipe, SIGNALS, Interest::READABLE)?;
        }
        let mut ports = Vec::with_capacity(sockets.len());
        let room = sockets.first().filter(|_| config.rests);
        let room = room.map(|socket| socket.buffer_sizes().receive_granted);
        for (index, mut socket) in sockets.into_iter().enumerate() {
            registry.register(&mut socket, Token(index), Interest::READABLE)?;
            let buffers = Some(socket.rx_batch_within(config.largest, config.at_once));
            ports.push(Port { socket, buffers, readable: true, erring: true });
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(256),
            timer,
            timer_set: Nanos::MAX,
            handle,
            signals,
            reload: None,
            stop_told: false,
            terminate_told: false,
            tally: Tally::default(),
            upkeep: None,
            interface_changes: Vec::new(),
            changes_told: Vec::new(),
            began: Nanos::ZERO,
            interfaces_changed: false,
            sockets: ports,
            adopted: BTreeMap::new(),
            adoption: SocketRegistry::default(),
            shared: None,
            config,
            received: Nanos::ZERO,
            stay_until: Nanos::ZERO,
            full: None,
            batches: false,
            looked: Nanos::ZERO,
            moderation: Moderation::of_room(room.unwrap_or_default()),
            watched: Watched::Yes,
            turns: 0,
            forecast_at: Nanos::ZERO,
            pauses: PauseWatch::default(),
            manager: ServiceManager::default(),
        })
    }

    /// Tells a service manager that watches, at each tick, that the loop turns.
    #[must_use]
    pub fn watched_by(self, manager: ServiceManager) -> Self {
        Self { manager, ..self }
    }

    /// Keeps the sockets' memberships and addresses when this host's interfaces change; `kept` says
    /// what each must have. Where the kernel does not tell of changes, the session is told that.
    pub fn keeping(mut self, kept: Vec<KeptSocket>) -> io::Result<Self> {
        match Upkeep::open(kept) {
            Ok(mut upkeep) => {
                let registry = self.poll.registry();
                registry.register(upkeep.watch(), INTERFACES, Interest::READABLE)?;
                self.upkeep = Some(upkeep);
                // They may have changed since the sockets were opened.
                self.interfaces_changed = true;
            }
            // Where no system of its kind tells of them, it is nothing to be told.
            Err(_) if !system_has(Capability::InterfaceNotices) => {}
            Err(error) => {
                let errno = error.errno();
                self.interface_changes.push(InterfaceChange::NotFollowed { errno });
            }
        }
        Ok(self)
    }

    /// The same loop, which calls this on SIGHUP: what takes long belongs into a thread, which gives
    /// its result to the session and wakes the loop.
    pub fn reloading(mut self, begin: impl FnMut() + Send + 'static) -> io::Result<Self> {
        if let Some(signals) = &self.signals {
            signals.heed_hangup()?;
        }
        self.reload = Some(Box::new(begin));
        Ok(self)
    }

    /// A handle to end this loop from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// A handle to add sockets to this loop while it runs.
    pub fn adoption(&self) -> SocketRegistry {
        self.adoption.clone()
    }

    /// Runs until the session is done. A socket error ends it, unless it is the network's answer to
    /// an earlier datagram.
    pub fn run<S: Session>(
        mut self,
        mut session: S,
        mut batch: TxBatch,
    ) -> io::Result<Ended<S::Summary>> {
        let (start, cpu) = (sys::monotonic_now(), sys::cpu_time());
        self.began = start;
        self.run_to_end(&mut session, &mut batch)?;
        let now = read_clocks();
        Ok(Ended {
            summary: session.finish(now),
            changes: self.changes_told,
            tally: self.tally,
            sockets: self.sockets.into_iter().map(|port| port.socket).collect(),
            cpu: sys::cpu_time() - cpu,
            wall: now.mono - start,
        })
    }

    fn run_to_end(&mut self, session: &mut dyn AnySession, batch: &mut TxBatch) -> io::Result<()> {
        note_convenience(Convenience::TimerSlack, &sys::tighten_timer_slack());
        let mut next_tick = self.config.tick.map(|period| self.began + period);
        let mut next_watch = self.config.watch.map(|period| self.began + period);
        // The process may have been paused since its sockets were opened.
        self.drain(session)?;
        loop {
            let mut now = self.handle_pause(read_clocks(), session)?;
            self.tell_stop(session, now);
            self.keep_sockets(session, now)?;
            let rest = if session.is_idle() { IDLE_REST } else { Nanos::ZERO };
            if let (Some(at), Some(period)) = (next_tick, self.config.tick)
                && at + rest <= now.mono
            {
                self.tell_drops(session);
                session.on_tick(now);
                self.manager.alive(now.mono);
                next_tick = Some(following_tick(at, period, now.mono));
            }
            if let (Some(at), Some(period)) = (next_watch, self.config.watch)
                && at <= now.mono
            {
                self.tell_drops(session);
                session.on_watch(now);
                next_watch = Some(following_tick(at, period, now.mono));
            }
            let wake = next_tick.map(|at| at + rest).into_iter().chain(next_watch).min();
            self.adopt()?;
            let read = self.receive(session)?;
            if read > 0 {
                // The process may have been paused within this very turn.
                now = self.handle_pause(read_clocks(), session)?;
            }
            self.note_read(now.mono, read);
            let next = session.poll_transmit(now, batch);
            // Before the session sends through a new socket, and before the loop waits for it.
            self.adopt()?;
            let stop = if batch.is_empty() { None } else { self.transmit(session, batch, now) };
            let blocked = stop == Some(SendStop::Blocked);
            batch.clear();
            self.tell_expected_end(session, now);
            match next {
                // The session still owns what was blocked, unless it was asked to stop.
                Next::Done if !blocked || self.stop_told || self.terminate_told => break,
                _ if blocked => self.wait_for_room(now.mono + BLOCKED, wake)?,
                // The session decides whether to send the datagrams behind the refused one.
                Next::WaitUntil(_) | Next::Idle if stop.is_some() => self.glance()?,
                Next::Done | Next::Send => {
                    if self.config.shared && self.turns.is_multiple_of(SHARED_TURNS) {
                        std::thread::yield_now();
                    }
                    self.glance()?;
                }
                Next::WaitUntil(at) => self.wait(Some(at), wake)?,
                Next::Idle => self.wait(None, wake)?,
            }
        }
        self.tell_drops(session);
        if self.config.watch.is_some() {
            session.on_watch(read_clocks());
        }
        Ok(())
    }

    /// Reports a pause that ended at `now` to the session and reads its sockets; returns the time
    /// afterwards.
    fn handle_pause(&mut self, now: Now, session: &mut dyn AnySession) -> io::Result<Now> {
        let Some(length) = self.pauses.pause(now.mono) else { return Ok(now) };
        session.on_pause(now, length);
        self.drain(session)?;
        Ok(read_clocks())
    }

    /// Reads everything the sockets queued during a pause, before any deadline is judged. What
    /// arrives meanwhile waits for its turn: under a flood, nothing would ever be sent.
    fn drain(&mut self, session: &mut dyn AnySession) -> io::Result<()> {
        self.adopt()?;
        self.ports_mut().for_each(|port| (port.readable, port.erring) = (true, true));
        let charged: usize = self.ports_mut().map(|port| port.socket.queued()).sum();
        let mut left = charged / LEAST_CHARGE + 1;
        while left > 0 {
            match self.receive(session)? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        self.pauses.begin_at(sys::monotonic_now());
        Ok(())
    }

    fn tell_stop(&mut self, session: &mut dyn AnySession, now: Now) {
        let signals = self.signals.as_ref();
        let is_told = self.stop_told || self.terminate_told;
        if !is_told && signals.is_some_and(Signals::terminated) {
            self.terminate_told = true;
            session.on_terminate(now);
        }
        // After SIGTERM it is a second signal, which has a thread of its own.
        let interrupted = !self.terminate_told && signals.is_some_and(Signals::interrupted);
        if !self.stop_told && (interrupted || self.handle.stopped()) {
            self.stop_told = true;
            session.on_stop(now);
        }
        if self.signals.as_ref().is_some_and(Signals::hung_up) {
            match &mut self.reload {
                Some(reload) => reload(),
                None => session.on_reload(now),
            }
        }
        if self.signals.as_ref().is_some_and(Signals::asked) {
            session.on_status(now);
        }
    }

    /// Tells whoever shows the run when it will be over.
    fn tell_expected_end(&mut self, session: &dyn AnySession, now: Now) {
        if let Some(signals) = self.signals.as_ref().filter(|_| self.forecast_at <= now.mono) {
            signals.tally.expect_end(session.expected_end(now));
            self.forecast_at = now.mono + FORECAST;
        }
    }

    /// Restores what the sockets lost with an interface, and tells the session.
    fn keep_sockets(&mut self, session: &mut dyn AnySession, now: Now) -> io::Result<()> {
        if self.interfaces_changed {
            self.set_watched(Watched::Yes)?;
        }
        if std::mem::take(&mut self.interfaces_changed)
            && let Some(upkeep) = &mut self.upkeep
        {
            let mut sockets: Vec<&mut Socket> =
                self.sockets.iter_mut().map(|port| &mut port.socket).collect();
            let done = upkeep.renew(&mut sockets);
            for (number, mut new) in done.replaced {
                let Some(port) = self.sockets.get_mut(number) else { continue };
                let registry = self.poll.registry();
                registry.deregister(&mut port.socket)?;
                registry.register(&mut new, Token(number), Interest::READABLE)?;
                port.socket = new;
                (port.readable, port.erring) = (true, true);
            }
            self.interface_changes.extend(done.changes);
        }
        for change in self.interface_changes.drain(..) {
            session.on_interface_change(now, &change);
            let is_event = !matches!(change, InterfaceChange::Renumbered { .. });
            if is_event && self.changes_told.len() < CHANGES {
                let at_ns = (now.mono - self.began).0;
                self.changes_told.push(InterfaceEvent { at_ns, change });
            }
        }
        Ok(())
    }

    fn tell_drops(&self, session: &mut dyn AnySession) {
        for (index, port) in self.sockets.iter().enumerate() {
            if let Some(drops) = port.socket.drops() {
                session.on_socket_drops(index, drops);
            }
        }
    }

    /// Reads the queued datagrams of every ready socket, within the budget; returns how many
    /// buffers and errors there were.
    fn receive(&mut self, session: &mut dyn AnySession) -> io::Result<usize> {
        let mut read = 0;
        let shown = self.signals.as_ref().map(|signals| &*signals.tally);
        let tallies = (&self.tally, shown);
        let own = self.sockets.iter_mut().enumerate();
        for (index, port) in own.chain(self.adopted.iter_mut().map(|(index, port)| (*index, port)))
        {
            let loop_state = (&mut self.shared, &mut self.pauses, &mut self.moderation);
            read += port.receive(index, loop_state, tallies, session)?;
        }
        Ok(read)
    }

    /// Adds and removes the queued sockets.
    fn adopt(&mut self) -> io::Result<()> {
        for change in self.adoption.take() {
            match change {
                Change::Add(number, socket) => {
                    let mut socket = *socket;
                    let registry = self.poll.registry();
                    registry.register(&mut socket, Token(number), Interest::READABLE)?;
                    let room = || RxBatch::new(SHARED_BUFFERS, SHARED_LARGEST);
                    self.shared.get_or_insert_with(room);
                    let port = Port { socket, buffers: None, readable: true, erring: true };
                    self.adopted.insert(number, port);
                }
                Change::Remove(number) => {
                    if let Some(mut port) = self.adopted.remove(&number) {
                        self.poll.registry().deregister(&mut port.socket)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn socket_mut(&mut self, number: usize) -> Option<&mut Socket> {
        let own = self.sockets.get_mut(number);
        own.or_else(|| self.adopted.get_mut(&number)).map(|port| &mut port.socket)
    }

    fn ports_mut(&mut self) -> impl Iterator<Item = &mut Port> {
        self.sockets.iter_mut().chain(self.adopted.values_mut())
    }

    /// Sends the batch, one run of slots per socket; returns why it stopped, if it did.
    fn transmit(
        &mut self,
        session: &mut dyn AnySession,
        batch: &TxBatch,
        now: Now,
    ) -> Option<SendStop> {
        let mut total = SendOutcome::default();
        let slots = batch.slots();
        while total.accepted < slots.len() {
            let start = total.accepted;
            let socket = batch.socket_of(&slots[start]);
            let other = |slot| batch.socket_of(slot) != socket;
            let run = if batch.is_uniform() { None } else { slots[start..].iter().position(other) };
            let end = run.map_or(slots.len(), |run| start + run);
            let outcome = match self.socket_mut(socket) {
                Some(sender) => sender.send(batch, start..end),
                // The socket was closed after the session queued this datagram.
                None => SendOutcome {
                    accepted: 0,
                    stop: Some(SendStop::Refused { datagrams: end - start, errno: errno::EBADF }),
                },
            };
            total.accepted += outcome.accepted;
            total.stop = outcome.stop;
            if total.stop.is_some() {
                self.full = Some(socket).filter(|_| total.stop == Some(SendStop::Blocked));
                break;
            }
        }
        self.tally.add_sent(total.accepted);
        if let Some(signals) = &self.signals {
            signals.tally.add_sent(total.accepted);
        }
        session.on_sent(now, batch, &total);
        total.stop
    }

    /// So many buffers were read in this turn: how the loop waits for the next ones.
    fn note_read(&mut self, now: Nanos, read: usize) {
        if read == 0 {
            self.batches = false;
            return;
        }
        let gap = now - self.received;
        self.received = now;
        let slack = self.config.read_slack;
        // A wake-up by a timer costs as much as several by arrivals.
        let expected = slack.0.saturating_mul(read as u64);
        self.batches = gap.0.saturating_mul(WORTH_SLEEPING) < expected;
        let close = if self.config.rests { CLOSE_WITH_RESTS } else { CLOSE };
        let stays = gap < close && slack == Nanos::ZERO;
        self.stay_until = if stays { now + close } else { Nanos::ZERO };
    }

    /// Until when the loop sleeps without a look at what arrives: there is a slot before the next
    /// look is due, or so much arrives that it is read together.
    fn sleeps_until(&self, now: Nanos, wake: Option<Nanos>) -> Option<Nanos> {
        let slack = self.config.read_slack;
        if slack == Nanos::ZERO || self.full.is_some() {
            return None;
        }
        if self.batches {
            return Some(wake.map_or(now + slack, |wake| wake.min(now + slack)));
        }
        wake.filter(|wake| *wake <= self.looked + slack)
    }

    /// Waits until the socket that was full has room. Only then is it asked for: each datagram that
    /// leaves makes room, and would wake a loop that waits for something else.
    fn wait_for_room(&mut self, at: Nanos, tick: Option<Nanos>) -> io::Result<()> {
        self.set_watched(Watched::Yes)?;
        self.ask_for_room(Interest::READABLE | Interest::WRITABLE)?;
        self.wait(Some(at), tick)?;
        self.ask_for_room(Interest::READABLE)?;
        self.full = None;
        Ok(())
    }

    fn ask_for_room(&mut self, interest: Interest) -> io::Result<()> {
        let Some(number) = self.full else { return Ok(()) };
        let own = self.sockets.get_mut(number);
        match own.or_else(|| self.adopted.get_mut(&number)) {
            Some(port) => {
                self.poll.registry().reregister(&mut port.socket, Token(number), interest)
            }
            None => Ok(()),
        }
    }

    /// Waits for an event, for the exact instant `at`, or for the tick.
    fn wait(&mut self, at: Option<Nanos>, tick: Option<Nanos>) -> io::Result<()> {
        if self.config.precision == WakePrecision::Busy {
            // A receive attempt costs less than a poll.
            self.ports_mut().for_each(|port| port.readable = true);
            return self.glance();
        }
        if self.ports_mut().any(|port| port.readable || port.erring) {
            return self.look(Some(Duration::ZERO));
        }
        let now = sys::monotonic_now();
        if now < self.stay_until {
            self.ports_mut().for_each(|port| port.readable = true);
            std::thread::yield_now();
            if self.moderation.may_rest(now) && sys::monotonic_now() - now < ALONE {
                self.set_watched(Watched::No)?;
                std::thread::sleep(REST);
            }
            return self.glance();
        }
        self.set_watched(Watched::Yes)?;
        let is_exact = self.config.precision == WakePrecision::Exact && self.timer.is_some();
        let spin = if is_exact { SPIN } else { Nanos::ZERO };
        let wake = at.map(|at| at - spin).into_iter().chain(tick).min();
        if let Some(until) = self.sleeps_until(now, wake)
            && until > now
        {
            self.pauses.wait_until(until);
            sys::sleep_until(until);
            if std::mem::take(&mut self.batches) {
                self.ports_mut().for_each(|port| port.readable = true);
                return self.look(Some(Duration::ZERO));
            }
            return Ok(());
        }
        let Some(wake) = wake else {
            // An unlimited wait cannot be late.
            self.pauses.wait_for_events();
            return self.look(None);
        };
        if wake <= now {
            let looked_lately = now < self.looked + self.config.read_slack;
            return if looked_lately { Ok(()) } else { self.look(Some(Duration::ZERO)) };
        }
        self.pauses.wait_until(wake);
        let Some(timer) = &self.timer else {
            return self.look(Some(Duration::from_nanos((wake - now).0)));
        };
        if wake != self.timer_set {
            timer.set(wake)?;
            self.timer_set = wake;
        }
        self.look(None)
    }

    /// Has the kernel report events of the loop's own sockets, or not, while it polls them anyway:
    /// each arrival then costs the kernel a twentieth less. What is ready is reported as soon as it is
    /// watched again.
    fn set_watched(&mut self, watched: Watched) -> io::Result<()> {
        if self.watched == watched {
            return Ok(());
        }
        let registry = self.poll.registry();
        for (number, port) in self.sockets.iter_mut().enumerate() {
            match watched {
                Watched::Yes => {
                    registry.register(&mut port.socket, Token(number), Interest::READABLE)?;
                }
                Watched::No => registry.deregister(&mut port.socket)?,
            }
        }
        self.watched = watched;
        Ok(())
    }

    /// Polls once every few turns of a busy loop.
    fn glance(&mut self) -> io::Result<()> {
        self.turns = self.turns.wrapping_add(1);
        if self.turns.is_multiple_of(BUSY_TURNS) { self.look(Some(Duration::ZERO)) } else { Ok(()) }
    }

    /// Polls once and notes which sockets are ready.
    fn look(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let polled = self.poll.poll(&mut self.events, timeout);
        if self.config.read_slack > Nanos::ZERO {
            self.looked = sys::monotonic_now();
        }
        if let Err(error) = polled {
            // A signal: its flag is set now, its pipe becomes readable at the next poll.
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        for event in &self.events {
            match event.token() {
                WAKER => {}
                TIMER => self.timer_set = Nanos::MAX,
                SIGNALS => {
                    if let Some(signals) = &mut self.signals {
                        signals.drain();
                    }
                }
                INTERFACES => self.interfaces_changed = true,
                Token(index) => {
                    let own = self.sockets.get_mut(index);
                    let Some(port) = own.or_else(|| self.adopted.get_mut(&index)) else { continue };
                    port.readable |= event.is_readable();
                    port.erring |= event.is_error();
                }
            }
        }
        Ok(())
    }
}

/// The first tick of the absolute schedule that lies after `now`.
fn following_tick(at: Nanos, period: Nanos, now: Nanos) -> Nanos {
    let period = period.0.max(1);
    Nanos(at.0 + ((now - at).0 / period + 1) * period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_tick_does_not_shift_the_schedule() {
        assert_eq!(following_tick(Nanos(100), Nanos(10), Nanos(100)), Nanos(110));
        assert_eq!(following_tick(Nanos(100), Nanos(10), Nanos(137)), Nanos(140));
    }
}
