//! The loop of a relay: one thread, one poll, and a socket for each flow and destination.
//!
//! Unlike [`super::Loop`] it sends from many sockets, none of which may hold up another: each run of
//! datagrams for one socket is one call, a socket that is full keeps its own queue, and an idle one
//! costs nothing. Coalesced buffers (GRO) go on as such (GSO).

use super::clocks::read_clocks;
use super::{Handle, Signals, Tally};
use crate::batch::{Capability, Convenience, InterfaceChange, RxBatch, SendStop};
use crate::machine::Now;
use crate::net::{KeptSocket, Socket, SocketPlan, Upkeep};
use crate::net::{exact_timer, note_convenience, system_has};
use crate::record::{RelayEvent, Sink};
use crate::session::relay::{Header, Relay, RelayDone, RelayTarget, SocketOrder};
use crate::sys::{self, ErrorNumber, ReceiveCall, Timer, errno};
use crate::units::{Nanos, any_address};
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::Receiver;
use std::time::Duration;

const WAKER: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);
const INTERFACES: Token = Token(usize::MAX - 3);

/// Receive buffers of one call, each for the largest coalesced run. A little more than 64 KiB apart,
/// or what is short would share a few lines of the cache.
const BUFFERS: usize = 32;
const BUFFER_BYTES: usize = (1 << 16) + 2112;
/// Buffers of one call once they are long: more evict each other from the cache.
const LONG_BUFFERS: usize = 2;
/// From this length on a buffer is long.
const LONG: usize = 16 << 10;
/// How long before an instant the timer fires; the rest is busy-waited while still receiving.
const SPIN: Nanos = Nanos::from_micros(40);
/// If gaps between arrivals are shorter than this, the loop polls instead of sleeping, as
/// [`super::Loop`] does.
const CLOSE: Nanos = Nanos::from_micros(50);
/// How often sockets that take no more are tried again if they do not say that they do.
const BLOCKED: Nanos = Nanos::from_millis(10);
/// How often the drop counters are read.
const DROPS: Nanos = Nanos::from_millis(500);

/// How a relay's sockets are opened, and how its loop runs.
#[derive(Clone, Debug)]
pub struct RelayLoopConfig {
    /// Interval between reports; `None` for none.
    pub tick: Option<Nanos>,
    /// Interval between [`Relay::on_watch`]; `None` where nobody watches.
    pub watch: Option<Nanos>,
    /// How sockets towards destinations are opened, but for address and peer.
    pub towards: SocketPlan,
}

/// Reads the list of destinations again, beside the loop: names may take long to resolve.
pub struct Reload {
    /// Begins to read it.
    pub begin: Box<dyn FnMut()>,
    /// Where the lists come from, as soon as they are read.
    pub lists: Receiver<Vec<RelayTarget>>,
}

/// The loop of a relay.
pub struct RelayLoop {
    poll: Poll,
    events: Events,
    timer: Option<Timer>,
    timer_set: Nanos,
    /// When something last arrived.
    received: Nanos,
    /// The loop polls without sleeping until then.
    stay_until: Nanos,
    handle: Handle,
    signals: Option<Signals>,
    ports: Vec<Option<Port>>,
    listeners: usize,
    /// Sockets with something to receive.
    readable: VecDeque<usize>,
    /// Sockets of the events of one poll.
    woken: Vec<usize>,
    /// Sockets that took no more.
    blocked: Vec<usize>,
    retry_at: Nanos,
    upkeep: Option<Upkeep>,
    interfaces_changed: bool,
    interface_changes: Vec<InterfaceChange>,
    config: RelayLoopConfig,
    buffers: RxBatch,
    call: ReceiveCall,
    tally: Tally,
    reload: Option<Reload>,
}

/// A socket with what the loop knows of it.
struct Port {
    socket: Socket,
    /// What it has set.
    header: Header,
    is_readable: bool,
    is_erring: bool,
    /// Whether it is among those with something to receive.
    is_queued: bool,
}

impl Port {
    /// A socket that may have received something before it was registered.
    fn new(socket: Socket) -> Self {
        let header = Header::default();
        Self { socket, header, is_readable: true, is_erring: false, is_queued: false }
    }

    /// Sets what the next datagrams leave with. A refusal leaves it as it was: the datagram matters
    /// more.
    fn set_header(&mut self, wanted: Header) {
        if wanted.tos != self.header.tos && self.socket.set_tos(wanted.tos).is_ok() {
            self.header.tos = wanted.tos;
        }
        let is_other = wanted.ttl != 0 && wanted.ttl != self.header.ttl;
        if is_other && self.socket.set_ttl(wanted.ttl).is_ok() {
            self.header.ttl = wanted.ttl;
        }
    }
}

impl RelayLoop {
    /// A loop over the sockets that clients send to, numbered in order; `signals`, if given, end it.
    pub fn new(
        listeners: Vec<Socket>,
        signals: Option<Signals>,
        config: RelayLoopConfig,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let handle = Handle::new(Waker::new(registry, WAKER)?);
        let mut timer = exact_timer();
        if let Some(timer) = &mut timer {
            registry.register(timer, TIMER, Interest::READABLE)?;
        }
        let mut signals = signals;
        if let Some(signals) = &mut signals {
            registry.register(&mut signals.pipe, SIGNALS, Interest::READABLE)?;
        }
        let mut own = Self {
            poll,
            events: Events::with_capacity(1024),
            timer,
            timer_set: Nanos::MAX,
            received: Nanos::ZERO,
            stay_until: Nanos::ZERO,
            handle,
            signals,
            ports: Vec::new(),
            listeners: listeners.len(),
            readable: VecDeque::new(),
            woken: Vec::new(),
            blocked: Vec::new(),
            retry_at: Nanos::MAX,
            upkeep: None,
            interfaces_changed: false,
            interface_changes: Vec::new(),
            config,
            buffers: RxBatch::new(BUFFERS, BUFFER_BYTES),
            call: ReceiveCall::new(BUFFERS),
            tally: Tally::default(),
            reload: None,
        };
        for (number, socket) in listeners.into_iter().enumerate() {
            own.add(number, socket)?;
        }
        Ok(own)
    }

    /// Keeps the memberships and addresses of the sockets that clients send to.
    pub fn keeping(mut self, kept: Vec<KeptSocket>) -> io::Result<Self> {
        match Upkeep::open(kept) {
            Ok(mut upkeep) => {
                self.poll.registry().register(upkeep.watch(), INTERFACES, Interest::READABLE)?;
                self.upkeep = Some(upkeep);
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

    /// Has SIGHUP read the list of destinations again.
    #[must_use]
    pub fn reloading(mut self, reload: Reload) -> Self {
        self.reload = Some(reload);
        self
    }

    /// A handle to end this loop from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until the relay is over.
    pub fn run<S: Sink<RelayEvent>>(mut self, mut relay: Relay<S>) -> io::Result<RelayDone<S>> {
        note_convenience(Convenience::TimerSlack, &sys::tighten_timer_slack());
        let start = read_clocks();
        relay.on_start(start);
        let mut next_tick = self.config.tick.map(|period| start.mono + period);
        let mut next_watch = self.config.watch.map(|period| start.mono + period);
        let mut next_drops = start.mono + DROPS;
        loop {
            let now = read_clocks();
            self.heed_signals(&mut relay, now);
            self.keep_sockets(&mut relay, now)?;
            if relay.is_over(now) {
                break;
            }
            if now.mono >= next_drops || next_tick.is_some_and(|at| at <= now.mono) {
                self.tell_drops(&mut relay);
                next_drops = now.mono + DROPS;
            }
            if let (Some(at), Some(period)) = (next_tick, self.config.tick)
                && at <= now.mono
            {
                relay.on_tick(now);
                let periods = (now.mono - at).0 / period.0.max(1) + 1;
                next_tick = Some(Nanos(at.0 + periods * period.0));
            }
            if let (Some(at), Some(period)) = (next_watch, self.config.watch)
                && at <= now.mono
            {
                self.tell_drops(&mut relay);
                relay.on_watch();
                next_watch = Some(now.mono + period);
            }
            self.receive(&mut relay)?;
            self.retry(&mut relay, now)?;
            let now = read_clocks();
            let mut is_done = relay.release(now);
            self.flush(&mut relay, now)?;
            while !is_done {
                is_done = relay.release(now);
                self.flush(&mut relay, now)?;
            }
            let retry = (self.retry_at != Nanos::MAX).then_some(self.retry_at);
            let others = next_tick.into_iter().chain(next_watch).chain(retry).min();
            self.wait(relay.next(), others)?;
        }
        self.tell_drops(&mut relay);
        for number in self.listeners..self.ports.len() {
            relay.on_answer_drops(drops_of(self.ports.get(number)));
        }
        if self.config.watch.is_some() {
            relay.on_watch();
        }
        Ok(relay.finish(read_clocks()))
    }

    fn heed_signals<S: Sink<RelayEvent>>(&mut self, relay: &mut Relay<S>, now: Now) {
        let signalled = self.signals.as_ref().is_some_and(Signals::arrived);
        if signalled || self.handle.stopped() {
            relay.on_stop();
        }
        if self.signals.as_ref().is_some_and(Signals::asked) {
            relay.on_status(now);
        }
        let Some(reload) = &mut self.reload else { return };
        if self.signals.as_ref().is_some_and(Signals::hung_up) {
            (reload.begin)();
        }
        while let Ok(targets) = reload.lists.try_recv() {
            relay.replace_targets(&targets);
        }
    }

    /// Restores what the sockets lost with an interface, and tells the relay.
    fn keep_sockets<S: Sink<RelayEvent>>(
        &mut self,
        relay: &mut Relay<S>,
        now: Now,
    ) -> io::Result<()> {
        if std::mem::take(&mut self.interfaces_changed)
            && let Some(upkeep) = &mut self.upkeep
        {
            let listeners = self.ports.iter_mut().take(self.listeners).flatten();
            let mut sockets: Vec<&mut Socket> = listeners.map(|port| &mut port.socket).collect();
            let done = upkeep.renew(&mut sockets);
            for (number, new) in done.replaced {
                self.remove(number)?;
                self.add(number, new)?;
            }
            self.interface_changes.extend(done.changes);
        }
        for change in self.interface_changes.drain(..) {
            relay.on_interface_change(now, &change);
        }
        Ok(())
    }

    fn tell_drops<S: Sink<RelayEvent>>(&self, relay: &mut Relay<S>) {
        for (number, port) in self.ports.iter().take(self.listeners).enumerate() {
            if let Some(drops) = port.as_ref().and_then(|port| port.socket.drops()) {
                relay.on_socket_drops(number, drops);
            }
        }
    }

    /// Gives every readable socket one turn: one call, what it brought, and the sends that follow.
    fn receive<S: Sink<RelayEvent>>(&mut self, relay: &mut Relay<S>) -> io::Result<()> {
        for _ in 0..self.readable.len() {
            let Some(number) = self.readable.pop_front() else { break };
            let Some(port) = self.ports.get_mut(number).and_then(Option::as_mut) else { continue };
            port.is_queued = false;
            let mut filled = 0;
            if port.is_readable {
                filled = match port.socket.receive_by(&mut self.call, &mut self.buffers) {
                    Ok(filled) => filled,
                    // A socket towards one destination is one of many, and memory comes back.
                    Err(error)
                        if number >= self.listeners || error.errno() == Some(errno::ENOMEM) =>
                    {
                        0
                    }
                    Err(error) => return Err(error),
                };
                port.is_readable = filled > 0;
            }
            if port.is_erring || !port.is_readable {
                drain_errors(port, number, relay);
            }
            self.queue(number);
            if filled > 0 {
                let now = read_clocks();
                let gap = now.mono - self.received;
                self.received = now.mono;
                self.stay_until = if gap < CLOSE { now.mono + CLOSE } else { Nanos::ZERO };
                self.hand_over(number, now, relay);
                self.flush(relay, now)?;
            }
        }
        Ok(())
    }

    /// Notes that a socket has something to receive, or an error to tell.
    fn queue(&mut self, number: usize) {
        let Some(port) = self.ports.get_mut(number).and_then(Option::as_mut) else { return };
        if (port.is_readable || port.is_erring) && !port.is_queued {
            port.is_queued = true;
            self.readable.push_back(number);
        }
    }

    /// Hands what a call brought to the relay.
    fn hand_over<S: Sink<RelayEvent>>(&mut self, number: usize, now: Now, relay: &mut Relay<S>) {
        let (mut longest, mut received) = (0, 0);
        for (entry, bytes) in self.buffers.entries() {
            let mut entry = *entry;
            entry.meta.socket = number;
            longest = longest.max(entry.len);
            received += entry.datagrams();
            relay.on_buffer(now, &entry, bytes);
        }
        self.buffers.use_buffers(if longest >= LONG { LONG_BUFFERS } else { BUFFERS });
        self.tally.add_received(received);
        if let Some(signals) = &self.signals {
            signals.tally.add_received(received);
        }
    }

    /// Carries out the orders and sends every run.
    fn flush<S: Sink<RelayEvent>>(&mut self, relay: &mut Relay<S>, now: Now) -> io::Result<()> {
        self.carry_out(relay, now)?;
        while let Some(run) = relay.next_run() {
            let Some(port) = self.ports.get_mut(run.socket).and_then(Option::as_mut) else {
                let stop =
                    SendStop::Refused { datagrams: relay.batch().len(), errno: errno::EBADF };
                let outcome = crate::batch::SendOutcome { accepted: 0, stop: Some(stop) };
                relay.on_sent(now, run.socket, &outcome);
                continue;
            };
            if let Some(header) = run.header {
                port.set_header(header);
            }
            let batch = relay.batch();
            let outcome = port.socket.send(batch, 0..batch.len());
            if outcome.stop == Some(SendStop::Blocked) {
                let both = Interest::READABLE | Interest::WRITABLE;
                let registry = self.poll.registry();
                registry.reregister(&mut port.socket, Token(run.socket), both)?;
                self.blocked.push(run.socket);
                self.retry_at = self.retry_at.min(now.mono + BLOCKED);
            }
            self.tally.add_sent(outcome.accepted);
            if let Some(signals) = &self.signals {
                signals.tally.add_sent(outcome.accepted);
            }
            relay.on_sent(read_clocks(), run.socket, &outcome);
        }
        Ok(())
    }

    /// Tries the sockets again that took no more. Only meanwhile is it asked whether they have room:
    /// each datagram that leaves makes some, and would wake the loop.
    fn retry<S: Sink<RelayEvent>>(&mut self, relay: &mut Relay<S>, now: Now) -> io::Result<()> {
        if now.mono < self.retry_at {
            return Ok(());
        }
        self.retry_at = Nanos::MAX;
        for number in std::mem::take(&mut self.blocked) {
            if let Some(port) = self.ports.get_mut(number).and_then(Option::as_mut) {
                let registry = self.poll.registry();
                registry.reregister(&mut port.socket, Token(number), Interest::READABLE)?;
            }
            relay.on_writable(number);
        }
        Ok(())
    }

    fn carry_out<S: Sink<RelayEvent>>(&mut self, relay: &mut Relay<S>, now: Now) -> io::Result<()> {
        while let Some(order) = relay.next_order() {
            match order {
                SocketOrder::Close { number } => {
                    relay.on_answer_drops(drops_of(self.ports.get(number)));
                    self.remove(number)?;
                }
                SocketOrder::Open { number, .. } => match self.open(&order) {
                    Ok(socket) => {
                        let port = socket.local_addr().port();
                        self.add(number, socket)?;
                        relay.on_opened(number, port);
                    }
                    Err(errno) => relay.on_open_failed(now, number, errno),
                },
            }
        }
        Ok(())
    }

    /// A socket towards a destination; the error is its number.
    fn open(&self, order: &SocketOrder) -> Result<Socket, i32> {
        let SocketOrder::Open { to, interface, is_shared, from, .. } = *order else {
            return Err(errno::EINVAL);
        };
        let plan = SocketPlan {
            bind: from.unwrap_or_else(|| any_address(to)),
            // A client has a socket for each destination, all with its own address and port.
            share_port: from.is_some(),
            transparent: from.is_some(),
            connect: (!is_shared).then_some(to),
            broadcast: is_shared,
            device: None,
            ..self.config.towards.clone()
        };
        let number = |error: &crate::net::NetError| error.errno().unwrap_or(errno::EIO);
        let mut socket = plan.open().map_err(|error| number(&error))?;
        if is_shared && to.ip().is_multicast() && interface != 0 {
            socket.set_multicast_interface(interface).map_err(|error| number(&error))?;
        }
        Ok(socket)
    }

    fn add(&mut self, number: usize, mut socket: Socket) -> io::Result<()> {
        self.poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        if self.ports.len() <= number {
            self.ports.resize_with(number + 1, || None);
        }
        self.ports[number] = Some(Port::new(socket));
        self.queue(number);
        Ok(())
    }

    fn remove(&mut self, number: usize) -> io::Result<()> {
        if let Some(mut port) = self.ports.get_mut(number).and_then(Option::take) {
            self.poll.registry().deregister(&mut port.socket)?;
        }
        Ok(())
    }

    /// Waits for an event, for the exact instant `at`, or for another about then.
    fn wait(&mut self, at: Option<Nanos>, about: Option<Nanos>) -> io::Result<()> {
        if !self.readable.is_empty() {
            return self.look(Some(Duration::ZERO));
        }
        let now = sys::monotonic_now();
        if now < self.stay_until {
            // Without giving up the processor: whoever floods the relay may have it for long.
            return self.look(Some(Duration::ZERO));
        }
        let spin = if self.timer.is_some() { SPIN } else { Nanos::ZERO };
        let Some(wake) = at.map(|at| at - spin).into_iter().chain(about).min() else {
            return self.look(None);
        };
        if wake <= now {
            return self.look(Some(Duration::ZERO));
        }
        let Some(timer) = &self.timer else {
            return self.look(Some(Duration::from_nanos((wake - now).0)));
        };
        if wake != self.timer_set {
            timer.set(wake)?;
            self.timer_set = wake;
        }
        self.look(None)
    }

    /// Polls once and notes which sockets are ready.
    fn look(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, timeout) {
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
                Token(number) => {
                    let port = self.ports.get_mut(number).and_then(Option::as_mut);
                    let Some(port) = port else { continue };
                    port.is_readable |= event.is_readable();
                    port.is_erring |= event.is_error();
                    self.woken.push(number);
                    if event.is_writable() && self.blocked.contains(&number) {
                        self.retry_at = Nanos::ZERO;
                    }
                }
            }
        }
        while let Some(number) = self.woken.pop() {
            self.queue(number);
        }
        Ok(())
    }
}

/// Buffers that a socket has dropped.
fn drops_of(port: Option<&Option<Port>>) -> u64 {
    let port = port.and_then(Option::as_ref);
    port.and_then(|port| port.socket.drops()).map_or(0, u64::from)
}

/// Passes the errors of a socket to the relay.
fn drain_errors<S: Sink<RelayEvent>>(port: &mut Port, number: usize, relay: &mut Relay<S>) {
    port.is_erring = !port.socket.drain_errors();
    while let Some(mut error) = port.socket.take_error() {
        error.socket = number;
        relay.on_network_error(read_clocks(), &error);
    }
}
