//! One thread's loop: receive, tick, transmit, wait; never blocked in a socket call.

use super::adoption::Change;
use super::{Adoption, Handle, Signals, Tally};
use crate::batch::{RxBatch, SendOutcome, SendStop, TxBatch};
use crate::net::Socket;
use crate::session::{Next, Now, Session};
use crate::sys::{self, Timer, errno};
use crate::units::Nanos;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

const WAKER: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);

/// Buffers that the sockets share which a loop was given while it ran, and the largest datagram,
/// which they take whole.
const SHARED_BUFFERS: usize = 8;
const SHARED_LARGEST: usize = 65_535;
/// Buffers taken from one socket before the others, and sending, have their turn.
const RECEIVE_BUDGET: usize = 16;
/// Turns of a busy loop between two looks at the poll: a look costs 0.3 µs, a batch ten times that.
const BUSY_TURNS: u32 = 128;
/// Turns of a sender between two offers of its processor to the receiver beside it: at 64 KiB a
/// call they are what a second-level cache holds.
const SHARED_TURNS: u32 = 16;
/// How long before an exact instant the timer goes off; the rest is spun, still receiving. Waking
/// from a timer was measured to take 5 to 20 µs on a quiet core.
const SPIN: Nanos = Nanos::from_micros(30);

/// Data that comes in gaps shorter than this is waited for without sleeping: a wake-up costs the
/// sender as much as the receiver, and the next buffer is closer than it.
const CLOSE: Nanos = Nanos::from_micros(50);
/// A turn that ends so much later than it was meant to is a pause of this host: longer than a busy
/// machine keeps a thread waiting, shorter than any deadline that a session judges.
const PAUSE: Nanos = Nanos::from_millis(100);
/// Rounds over all sockets, at most, that take what they held through a pause: more than the largest
/// socket buffers hold, and a bound where datagrams come faster than they are read.
const PAUSE_ROUNDS: usize = 4096;

/// How long a full socket is waited for before the session is asked again: it may have to end.
const BLOCKED: Nanos = Nanos::from_millis(10);

/// How a loop runs.
#[derive(Clone, Copy, Debug)]
pub struct LoopConfig {
    /// Period of [`Session::on_tick`]; `None` for no ticks.
    pub tick: Option<Nanos>,
    /// Whether to keep the core busy instead of sleeping.
    pub spin: bool,
    /// Whether the processor is shared with the other end, so that a busy sender takes turns.
    pub shared: bool,
    /// Largest payload that is received whole, in bytes.
    pub largest: usize,
    /// Bytes that one receive call has room for, where its datagrams are large; see
    /// [`crate::batch::RxShape::room`].
    pub at_once: usize,
    /// Whether instants are waited for exactly, which takes a descriptor; else to the millisecond.
    pub exact: bool,
}

impl Default for LoopConfig {
    fn default() -> Self {
        let (largest, at_once) = (65_535, usize::MAX);
        Self { tick: None, spin: false, shared: false, largest, at_once, exact: true }
    }
}

/// What a loop leaves behind.
pub struct Ended<S> {
    /// What the session found.
    pub summary: S,
    /// The sockets, for what they have to tell.
    pub sockets: Vec<Socket>,
    /// Processor time that the loop's thread used.
    pub cpu: Nanos,
    /// Time that passed meanwhile.
    pub wall: Nanos,
}

/// A loop with its sockets, not yet running. Sockets are numbered in the order of the vector.
pub struct Loop {
    poll: Poll,
    events: Events,
    /// `None` where the poll's own time-out will do.
    timer: Option<Timer>,
    timer_set: Nanos,
    handle: Handle,
    signals: Option<Signals>,
    stop_told: bool,
    sockets: Vec<Port>,
    /// Sockets that came while it runs, by their numbers.
    adopted: BTreeMap<usize, Port>,
    adoption: Adoption,
    /// What the adopted ones receive into; made for the first of them.
    shared: Option<RxBatch>,
    config: LoopConfig,
    /// When something was last received.
    received: Nanos,
    /// Until when to try again without sleeping.
    stay_until: Nanos,
    turns: u32,
    /// When the turn at hand was meant to begin at the latest; `None` where it waits for an event
    /// alone.
    meant: Option<Nanos>,
}

/// A socket and what the poll last said of it.
struct Port {
    socket: Socket,
    /// `None` for those that share theirs.
    buffers: Option<RxBatch>,
    readable: bool,
    erring: bool,
}

impl Loop {
    /// A loop over `sockets`; `signals` end it where they are given.
    pub fn new(
        sockets: Vec<Socket>,
        signals: Option<Signals>,
        config: LoopConfig,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let handle = Handle::new(Waker::new(registry, WAKER)?);
        let timer = if config.exact { Some(Timer::new()?) } else { None };
        if let Some(timer) = &timer {
            registry.register(&mut SourceFd(&timer.fd()), TIMER, Interest::READABLE)?;
        }
        let mut signals = signals;
        if let Some(signals) = &mut signals {
            registry.register(&mut signals.pipe, SIGNALS, Interest::READABLE)?;
        }
        let mut ports = Vec::with_capacity(sockets.len());
        for (index, mut socket) in sockets.into_iter().enumerate() {
            registry.register(
                &mut socket,
                Token(index),
                Interest::READABLE | Interest::WRITABLE,
            )?;
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
            stop_told: false,
            sockets: ports,
            adopted: BTreeMap::new(),
            adoption: Adoption::default(),
            shared: None,
            config,
            received: Nanos::ZERO,
            stay_until: Nanos::ZERO,
            turns: 0,
            meant: None,
        })
    }

    /// The means to end this loop from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The means to give it sockets while it runs.
    pub fn adoption(&self) -> Adoption {
        self.adoption.clone()
    }

    /// Runs until the session is done. Socket errors that are no answer of the network end it.
    pub fn run<S: Session>(
        mut self,
        mut session: S,
        mut batch: TxBatch,
    ) -> io::Result<Ended<S::Summary>> {
        sys::tighten_timer_slack();
        let (start, cpu) = (sys::monotonic_now(), sys::cpu_time());
        let mut next_tick = self.config.tick.map(|period| start + period);
        // It may have stood still since its sockets were opened.
        self.drain(&mut session)?;
        loop {
            let mut now = self.judge_pause(read_clocks(), &mut session)?;
            self.tell_stop(&mut session, now);
            if let (Some(at), Some(period)) = (next_tick, self.config.tick)
                && at <= now.mono
            {
                self.tell_drops(&mut session);
                session.on_tick(now);
                next_tick = Some(following_tick(at, period, now.mono));
            }
            self.adopt()?;
            if self.receive(&mut session)? {
                // It may have stood still within this very turn.
                now = self.judge_pause(read_clocks(), &mut session)?;
                let gap = now.mono - self.received;
                self.received = now.mono;
                self.stay_until = if gap < CLOSE { now.mono + CLOSE } else { Nanos::ZERO };
            }
            let next = session.poll_transmit(now, &mut batch);
            // Before anything is sent by one of them, and before it is waited for.
            self.adopt()?;
            let stop =
                if batch.is_empty() { None } else { self.transmit(&mut session, &batch, now) };
            let blocked = stop == Some(SendStop::Blocked);
            batch.clear();
            match next {
                // The session still owns what was blocked, unless it was told to give up.
                Next::Done if !blocked || self.stop_told => break,
                _ if blocked => self.wait(Some(now.mono + BLOCKED), next_tick)?,
                // What stood behind the datagram that was refused is the session's to send.
                Next::WaitUntil(_) | Next::Idle if stop.is_some() => self.glance()?,
                Next::Done | Next::Send => {
                    if self.config.shared && self.turns.is_multiple_of(SHARED_TURNS) {
                        std::thread::yield_now();
                    }
                    self.glance()?;
                }
                Next::WaitUntil(at) => self.wait(Some(at), next_tick)?,
                Next::Idle => self.wait(None, next_tick)?,
            }
        }
        self.tell_drops(&mut session);
        let now = read_clocks();
        Ok(Ended {
            summary: session.finish(now),
            sockets: self.sockets.into_iter().map(|port| port.socket).collect(),
            cpu: sys::cpu_time() - cpu,
            wall: now.mono - start,
        })
    }

    /// Tells the session of a pause that ended at `now`, and reads its sockets; the time after it.
    fn judge_pause(&mut self, now: Now, session: &mut impl Session) -> io::Result<Now> {
        let Some(length) = self.paused(now.mono) else { return Ok(now) };
        session.on_pause(now, length);
        self.drain(session)?;
        Ok(read_clocks())
    }

    /// How much later than meant this turn begins, where that is a pause of this host.
    fn paused(&mut self, now: Nanos) -> Option<Nanos> {
        let meant = self.meant.replace(now)?;
        Some(now - meant).filter(|length| *length >= PAUSE)
    }

    /// Takes all that the sockets held through a pause, before any deadline is judged.
    fn drain(&mut self, session: &mut impl Session) -> io::Result<()> {
        self.adopt()?;
        self.ports_mut().for_each(|port| (port.readable, port.erring) = (true, true));
        for _ in 0..PAUSE_ROUNDS {
            if !self.receive(session)? {
                break;
            }
        }
        self.meant = Some(sys::monotonic_now());
        Ok(())
    }

    fn tell_stop(&mut self, session: &mut impl Session, now: Now) {
        let signalled = self.signals.as_ref().is_some_and(Signals::arrived);
        if !self.stop_told && (signalled || self.handle.stopped()) {
            self.stop_told = true;
            session.on_stop(now);
        }
        if self.signals.as_ref().is_some_and(Signals::asked) {
            session.on_status(now);
        }
    }

    fn tell_drops(&self, session: &mut impl Session) {
        for (index, port) in self.sockets.iter().enumerate() {
            if let Some(drops) = port.socket.drops() {
                session.on_socket_drops(index, drops);
            }
        }
    }

    /// Takes what waits on every ready socket, within the budget; whether there was anything.
    fn receive(&mut self, session: &mut impl Session) -> io::Result<bool> {
        let mut any = false;
        let tally = self.signals.as_ref().map(|signals| &*signals.tally);
        for (index, port) in self.sockets.iter_mut().enumerate() {
            any |= port.receive(index, &mut self.shared, tally, session)?;
        }
        for (index, port) in &mut self.adopted {
            any |= port.receive(*index, &mut self.shared, tally, session)?;
        }
        Ok(any)
    }

    /// Takes up the sockets that came, and closes those that go.
    fn adopt(&mut self) -> io::Result<()> {
        for change in self.adoption.take() {
            match change {
                Change::Add(number, socket) => {
                    let mut socket = *socket;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    self.poll.registry().register(&mut socket, Token(number), both)?;
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

    /// Sends the batch, run by run of slots that share a socket; why it stopped, if it did.
    fn transmit(
        &mut self,
        session: &mut impl Session,
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
                // It closed after the session meant to send by it.
                None => SendOutcome {
                    accepted: 0,
                    stop: Some(SendStop::Refused { datagrams: end - start, errno: errno::EBADF }),
                },
            };
            total.accepted += outcome.accepted;
            total.stop = outcome.stop;
            if total.stop.is_some() {
                break;
            }
        }
        if let Some(signals) = &self.signals {
            signals.tally.add_sent(total.accepted);
        }
        session.on_sent(now, batch, &total);
        total.stop
    }

    /// Waits for an event, for the exact instant `at`, or for the tick.
    fn wait(&mut self, at: Option<Nanos>, tick: Option<Nanos>) -> io::Result<()> {
        if self.config.spin {
            // Trying costs less than asking the poll whether to try.
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
            return self.glance();
        }
        let spin = if self.timer.is_some() { SPIN } else { Nanos::ZERO };
        let wake = at.map(|at| at - spin).into_iter().chain(tick).min();
        let Some(wake) = wake else {
            // However long it takes until something comes, nobody was kept waiting.
            self.meant = None;
            return self.look(None);
        };
        if wake <= now {
            return self.look(Some(Duration::ZERO));
        }
        self.meant = Some(wake);
        let Some(timer) = &self.timer else {
            return self.look(Some(Duration::from_nanos((wake - now).0)));
        };
        if wake != self.timer_set {
            timer.set(wake)?;
            self.timer_set = wake;
        }
        self.look(None)
    }

    /// A look at the poll every few turns of a busy loop.
    fn glance(&mut self) -> io::Result<()> {
        self.turns = self.turns.wrapping_add(1);
        if self.turns.is_multiple_of(BUSY_TURNS) { self.look(Some(Duration::ZERO)) } else { Ok(()) }
    }

    /// One look at the poll: notes what is ready.
    fn look(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, timeout) {
            // A signal: its pipe shows at the next look, its flag now.
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

impl Port {
    /// Takes what waits, within the budget; whether there was anything.
    fn receive(
        &mut self,
        index: usize,
        shared: &mut Option<RxBatch>,
        tally: Option<&Tally>,
        session: &mut impl Session,
    ) -> io::Result<bool> {
        let Self { socket, buffers, readable, erring } = self;
        let mut any = false;
        if let Some(buffers) = buffers.as_mut().or(shared.as_mut()) {
            for _ in 0..RECEIVE_BUDGET {
                if !*readable {
                    break;
                }
                let filled = socket.receive(buffers)?;
                if filled == 0 {
                    *readable = false;
                    break;
                }
                any = true;
                if socket.stamps_transmits() {
                    // What is answered here left before: its stamp is there.
                    *erring = !socket.drain_errors();
                    tell_stamps(socket, index, session);
                }
                let now = read_clocks();
                for (entry, bytes) in buffers.entries() {
                    let mut entry = *entry;
                    entry.meta.socket = index;
                    if let Some(tally) = tally {
                        tally.add_received(entry.datagrams());
                    }
                    session.on_buffer(now, &entry, bytes);
                }
            }
        }
        if *erring {
            *erring = !socket.drain_errors();
            tell_stamps(socket, index, session);
        }
        while let Some(mut error) = socket.take_error() {
            any = true;
            error.socket = index;
            session.on_network_error(read_clocks(), &error);
        }
        Ok(any)
    }
}

/// Hands a socket's transmit time stamps to the session.
fn tell_stamps(socket: &mut Socket, index: usize, session: &mut impl Session) {
    while let Some(mut stamp) = socket.take_stamp() {
        stamp.socket = index;
        session.on_transmit_stamp(read_clocks(), &stamp);
    }
}

/// One instant on both clocks.
fn read_clocks() -> Now {
    Now { mono: sys::monotonic_now(), real: sys::real_now() }
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
