//! The client's side of the dialogue with a remote agent, embedded by every kind of probe.
//!
//! It opens the dialogue on one of the probe's sockets, requests a probe, verifies the addresses of
//! the probe's other sockets, fetches what arrived, keeps the session alive meanwhile, and closes
//! it. A kind requests these one after the other ([`FarEnd::probe`], [`FarEnd::prove`],
//! [`FarEnd::ask_rows`], [`FarEnd::close`]), polls it along with its own sends, passes it every
//! datagram, and reads the results: [`FarEnd::granted`], [`FarEnd::rows`], or [`FarEnd::lost`] with
//! the reason.

mod granted;
mod lane;

pub use granted::{Granted, Seen};
pub use lane::LaneState;

use crate::batch::{Datagram, Dest, ErrorOrigin, NetworkError, OwnCause, OwnFinding, TxBatch};
use crate::record::probe::{NoAgent, ProbeCaveat};
use crate::session::{Exchange, Next, Now, Sealer, SessionToken, Step, Tags, refusal};
use crate::units::Nanos;
use crate::wire::{Arrivals, Code, Command, HELO_LEN, PortList, Reply, Verb};
use lane::Lane;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// Silence of this side after which a NOOP keeps the session alive.
const KEEP_ALIVE: Nanos = Nanos::from_secs(5);
/// How often the dialogue's own socket is verified again, if probe requests are sent from it: a
/// verification is valid for a minute, and a command may be lost.
const PROVE_EVERY: Nanos = Nanos::from_secs(20);
/// Time-out of a step, in multiples of the longest round trip seen.
const PATIENT_ROUND_TRIPS: u64 = 4;
/// How long to wait for the reply to the closing QUIT.
const FAREWELL: Nanos = Nanos::from_millis(500);

/// Requests, handled one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Want {
    Probe(PortList),
    Rows { from: u32 },
    Seen(u32),
    Alive,
    Close,
}

#[derive(Debug)]
enum State {
    /// Not polled yet.
    New,
    Hello(Exchange),
    Ticket(Exchange),
    /// The session is open and nothing is in progress, since this instant.
    Idle(Nanos),
    Asked(Want, Exchange),
    Closed,
    Lost(NoAgent),
}

/// The dialogue with the remote agent.
#[derive(Debug)]
pub struct FarEnd {
    address: SocketAddr,
    socket: usize,
    patience: Nanos,
    sealer: Sealer,
    tags: Tags,
    state: State,
    session: SessionToken,
    wants: VecDeque<Want>,
    granted: Option<Granted>,
    lanes: BTreeMap<usize, Lane>,
    /// Whether the dialogue's own socket must stay verified, and when it shows the next ticket.
    stays_proven: bool,
    prove_at: Option<Nanos>,
    gathering: BTreeMap<u32, Arrivals>,
    rows: Option<BTreeMap<u32, Arrivals>>,
    seen: BTreeMap<u32, Seen>,
    withheld: u64,
    interface_mtu: Option<u32>,
    /// When the current request was first sent, and the longest time that an answer took.
    asked_at: Nanos,
    round_trip: Nanos,
    /// The last reason why this host refused to send.
    refused_here: Option<OwnFinding>,
    seen_as: Option<SocketAddr>,
    /// The address that answered instead of the one contacted.
    answered_from: Option<SocketAddr>,
}

impl FarEnd {
    /// A dialogue with `address` over the loop's socket number `socket`, given up after `patience`
    /// without an answer.
    pub fn new(address: SocketAddr, socket: usize, sealer: Sealer, patience: Nanos) -> Self {
        Self {
            address,
            socket,
            patience,
            sealer,
            tags: Tags::new("h"),
            state: State::New,
            session: SessionToken::default(),
            wants: VecDeque::new(),
            granted: None,
            lanes: BTreeMap::new(),
            stays_proven: false,
            prove_at: None,
            gathering: BTreeMap::new(),
            rows: None,
            seen: BTreeMap::new(),
            withheld: 0,
            interface_mtu: None,
            asked_at: Nanos::ZERO,
            round_trip: Nanos::ZERO,
            refused_here: None,
            seen_as: None,
            answered_from: None,
        }
    }

    /// Sets the silence after which the remote agent is given up from now on.
    pub fn be_patient(&mut self, patience: Nanos) {
        self.patience = patience;
    }

    /// The same, for a probe that also sends requests from the dialogue's own socket: that stays
    /// verified throughout the probe.
    #[must_use]
    pub fn asked_by_its_own_socket(self) -> Self {
        Self { stays_proven: true, ..self }
    }

    /// Requests a probe with these ports open, at most 256; earlier measurements are discarded.
    pub fn probe(&mut self, ports: PortList) {
        self.granted = None;
        self.rows = None;
        self.seen.clear();
        self.wants.push_back(Want::Probe(ports));
    }

    /// The granted probe; `None` until then.
    pub fn granted(&self) -> Option<&Granted> {
        self.granted.as_ref()
    }

    /// Verifies the address of one of the loop's sockets, so that for a minute it may request more
    /// than one immediate answer of its own length. Only after a probe is granted.
    pub fn prove(&mut self, socket: usize) {
        self.prove_at(socket, self.address);
    }

    /// The same through another port or address of the remote agent, towards which a NAT may have
    /// mapped the socket differently.
    pub fn prove_at(&mut self, socket: usize, to: SocketAddr) {
        let lane = Lane::new(Dest { socket, ..Dest::from(to) }, &mut self.tags);
        self.lanes.insert(socket, lane);
    }

    /// State of a socket's address verification.
    pub fn lane(&self, socket: usize) -> LaneState {
        self.lanes.get(&socket).map_or(LaneState::Waiting, |lane| lane.state().clone())
    }

    /// Requests the counts of what arrived.
    pub fn ask_rows(&mut self) {
        self.rows = None;
        self.wants.push_back(Want::Rows { from: 0 });
    }

    /// What arrived, by item, once [`FarEnd::ask_rows`] is completely answered; `None` before.
    pub fn rows(&self) -> Option<&BTreeMap<u32, Arrivals>> {
        self.rows.as_ref()
    }

    /// Requests the sequence numbers of an item that arrived.
    pub fn ask_seen(&mut self, item: u32) {
        self.seen.remove(&item);
        self.wants.push_back(Want::Seen(item));
    }

    /// The sequence numbers of an item that arrived, once [`FarEnd::ask_seen`] is answered; `None`
    /// before.
    pub fn seen(&self, item: u32) -> Option<&Seen> {
        self.seen.get(&item)
    }

    /// Answers that the remote agent withheld because of its limits, as last reported.
    pub fn withheld(&self) -> u64 {
        self.withheld
    }

    /// MTU of the remote agent's interface, if it refused a larger answer and reported that.
    pub fn interface_mtu(&self) -> Option<u32> {
        self.interface_mtu
    }

    /// The longest time that the remote agent took to answer a command; 0 before the first.
    pub fn round_trip(&self) -> Nanos {
        self.round_trip
    }

    /// Time-out of the next step: longer on longer paths.
    fn patience(&self) -> Nanos {
        self.patience.max(Nanos(self.round_trip.0.saturating_mul(PATIENT_ROUND_TRIPS)))
    }

    /// This host refused to send a command, which will be repeated.
    pub fn on_refused(&mut self, errno: i32) {
        self.note_refusal(OwnFinding::from_errno(errno, self.address));
    }

    /// A refusal by the packet filter is kept: later errors, such as port unreachable from this
    /// host, are its consequence.
    fn note_refusal(&mut self, found: OwnFinding) {
        let known = self.refused_here.as_ref();
        if known.is_none_or(|known| known.cause != OwnCause::PacketFilter) {
            self.refused_here = Some(found);
        }
    }

    /// This host was paused for this long, which does not count as the remote agent's silence.
    pub fn on_pause(&mut self, length: Nanos) {
        self.asked_at += length;
        if let State::Hello(exchange) | State::Ticket(exchange) | State::Asked(_, exchange) =
            &mut self.state
        {
            exchange.on_pause(length);
        }
        self.lanes.values_mut().for_each(|lane| lane.on_pause(length));
    }

    /// The dialogue's own address as the remote agent sees it; `None` until it reported it.
    pub fn seen_as(&self) -> Option<SocketAddr> {
        self.seen_as
    }

    /// The address that replied instead of the one contacted; `None` if there was none.
    pub fn answered_from(&self) -> Option<SocketAddr> {
        self.answered_from
    }

    /// The caveat that another address replied than was contacted; `None` if not.
    pub fn answered_elsewhere(&self) -> Option<ProbeCaveat> {
        let from = self.answered_from?;
        Some(ProbeCaveat::RepliesFromElsewhere { asked: self.address.into(), from: from.into() })
    }

    /// Ends the session once all other requests are answered.
    pub fn close(&mut self) {
        self.wants.push_back(Want::Close);
    }

    /// The user interrupts the run: an open session is closed; one that is not open is not
    /// requested any more.
    pub fn stop(&mut self) {
        match self.state {
            State::New | State::Hello(_) | State::Ticket(_) => {
                self.state = State::Lost(NoAgent::Interrupted);
            }
            _ => self.close(),
        }
    }

    /// Whether the session is over, or never existed.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Lost(_))
    }

    /// Why there is no remote agent, or no longer one; `None` if there is one.
    pub fn lost(&self) -> Option<&NoAgent> {
        match &self.state {
            State::Lost(why) => Some(why),
            _ => None,
        }
    }

    /// Writes what is due into the batch, along with what the probe writes, and returns when to ask
    /// again: [`Next::Send`] if something was written, [`Next::Done`] when it is over.
    pub fn poll(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let mut next = self.poll_dialogue(now, out);
        if self.is_over() {
            return Next::Done;
        }
        if let Some(at) = self.prove_at.filter(|_| self.stays_proven) {
            if at <= now.mono {
                self.prove(self.socket);
                self.prove_at = Some(now.mono + PROVE_EVERY);
            }
            next = sooner(next, Next::WaitUntil(at.max(now.mono)));
        }
        let patience = self.patience();
        for lane in self.lanes.values_mut() {
            next =
                sooner(next, lane.poll(now, self.session.name(), &mut self.sealer, patience, out));
        }
        next
    }

    fn poll_dialogue(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.go_on(now);
        let dest = Dest { socket: self.socket, ..Dest::from(self.address) };
        let exchange = match &mut self.state {
            State::Hello(exchange) | State::Ticket(exchange) | State::Asked(_, exchange) => {
                exchange
            }
            State::Idle(since) => return Next::WaitUntil(*since + KEEP_ALIVE),
            State::New | State::Closed | State::Lost(_) => return Next::Done,
        };
        match exchange.poll(now.mono) {
            Step::Send(bytes) => write(dest, bytes, out),
            Step::Wait(at) => Next::WaitUntil(at),
            Step::TimedOut => {
                self.timed_out();
                Next::Send
            }
        }
    }

    /// Starts the next request, if nothing is in progress.
    fn go_on(&mut self, now: Now) {
        match self.state {
            State::New => {
                let hello = Command::new(self.tags.fresh(), Verb::Helo);
                let patience = self.patience();
                let exchange = self.sealer.exchange(&hello, HELO_LEN, now.mono, patience);
                self.asked_at = now.mono;
                self.state = State::Hello(exchange);
            }
            State::Idle(since) => {
                let alive = || (now.mono >= since + KEEP_ALIVE).then_some(Want::Alive);
                if let Some(want) = self.wants.pop_front().or_else(alive) {
                    let exchange = self.ask(&want, now);
                    self.asked_at = now.mono;
                    self.state = State::Asked(want, exchange);
                }
            }
            _ => {}
        }
    }

    fn ask(&mut self, want: &Want, now: Now) -> Exchange {
        let verb = match want {
            Want::Probe(_) => Verb::Test,
            Want::Rows { .. } | Want::Seen(_) => Verb::Stat,
            Want::Alive => Verb::Noop,
            Want::Close => Verb::Quit,
        };
        let mut command = Command::new(self.tags.fresh(), verb);
        self.session.write(&mut command.params);
        if matches!(verb, Verb::Test | Verb::Stat) {
            command.params.push("kind", "probe");
        }
        match want {
            Want::Probe(ports) if !ports.is_empty() => command.params.push("ports", ports),
            Want::Rows { from } => command.params.push("from", from),
            Want::Seen(item) => command.params.push("seen", item),
            _ => {}
        }
        let patience = match want {
            Want::Close => FAREWELL.max(Nanos(self.round_trip.0.saturating_mul(2))),
            _ => self.patience(),
        };
        self.sealer.exchange(&command, 0, now.mono, patience)
    }

    fn timed_out(&mut self) {
        let patience = self.patience();
        let why = match &self.state {
            // It is gone, or its last reply is lost: the session ends by itself.
            State::Asked(Want::Close, _) => {
                self.state = State::Closed;
                return;
            }
            State::Hello(exchange) if let Some(unsealed) = exchange.unsealed() => {
                NoAgent::Refused { reply: unsealed.clone() }
            }
            state => match (self.refused_here.take(), state) {
                (Some(found), _) => NoAgent::not_sent(found),
                (None, State::Hello(_)) => {
                    NoAgent::NoReply { target: self.address.into(), waited_ns: patience.0 }
                }
                _ => {
                    NoAgent::StoppedReplying { target: self.address.into(), waited_ns: patience.0 }
                }
            },
        };
        self.state = State::Lost(why);
    }

    /// Handles a datagram that belongs to the dialogue, on whichever socket; `false` for any other.
    pub fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) -> bool {
        let payload = datagram.payload;
        let socket = datagram.meta.socket;
        if let Some(lane) = self.lanes.get_mut(&socket)
            && lane.take(payload)
        {
            return true;
        }
        if socket != self.socket {
            return false;
        }
        let source = datagram.meta.source;
        let (State::Hello(exchange) | State::Ticket(exchange) | State::Asked(_, exchange)) =
            &mut self.state
        else {
            return Reply::decode(payload).is_ok();
        };
        // The tag, or the seal, identifies the answer: a NAT on the way back may change both the
        // address and the port.
        if let Some(reply) = exchange.reply(payload) {
            let source = SocketAddr::new(source.ip(), source.port());
            let asked = SocketAddr::new(self.address.ip(), self.address.port());
            self.answered_from = self.answered_from.or((source != asked).then_some(source));
            self.on_reply(&reply, now);
            return true;
        }
        exchange.note_unsealed(payload, now.mono);
        Reply::decode(payload).is_ok()
    }

    /// Handles a network error about the dialogue's own datagrams; `false` for any other.
    pub fn on_network_error(&mut self, error: &NetworkError) -> bool {
        let ours = error.socket == self.socket
            && error.destination == self.address
            && error.quoted().first().is_none_or(u8::is_ascii_alphanumeric);
        // A network error is believed only before the session is open: later, an answer may well be
        // on its way.
        if ours && error.origin != ErrorOrigin::Local && matches!(self.state, State::Hello(_)) {
            self.state = State::Lost(NoAgent::from_network(self.address.into(), error));
        }
        if let Some(errno) = error.refused_here().filter(|_| ours) {
            self.note_refusal(OwnFinding::from_errno(errno, self.address));
        }
        ours
    }

    fn on_reply(&mut self, reply: &Reply, now: Now) {
        self.round_trip = self.round_trip.max(now.mono - self.asked_at);
        self.asked_at = now.mono;
        self.refused_here = None;
        let state = std::mem::replace(&mut self.state, State::Idle(now.mono));
        let again = self.session.note(reply);
        let refused = || State::Lost(NoAgent::Refused { reply: refusal(reply) });
        self.state = match state {
            State::Hello(_) => match (reply.code, reply.params.get("ticket")) {
                (Code::READY, Some(ticket)) => {
                    let mut hello = Command::new(self.tags.fresh(), Verb::Helo);
                    hello.params.push("ticket", ticket);
                    let patience = self.patience();
                    State::Ticket(self.sealer.exchange(&hello, 0, now.mono, patience))
                }
                _ => refused(),
            },
            State::Ticket(_) => match (reply.code, reply.params.get("session")) {
                (Code::OK, Some(session)) => {
                    self.session.open(session);
                    self.seen_as = reply.params.parse("seen").ok().flatten();
                    State::Idle(now.mono)
                }
                _ => refused(),
            },
            // The liveness value was too old; the request is repeated with the new one.
            State::Asked(want, _) if again => {
                self.wants.push_front(want);
                State::Idle(now.mono)
            }
            State::Asked(Want::Close, _) => State::Closed,
            State::Asked(want, _) => match self.learn(want, reply, now) {
                Some(()) => State::Idle(now.mono),
                None => refused(),
            },
            other => other,
        };
    }

    /// Handles the answer to a request; `None` if it is a refusal or cannot be parsed.
    fn learn(&mut self, want: Want, reply: &Reply, now: Now) -> Option<()> {
        match want {
            Want::Probe(ports) => {
                let granted = Granted::read(reply, &ports)?;
                self.granted = Some(granted);
                // The key was sent to the dialogue's own socket, which is thereby verified.
                self.prove_at = Some(now.mono + PROVE_EVERY);
            }
            Want::Rows { from } => {
                if reply.code != Code::STATUS {
                    return None;
                }
                if from == 0 {
                    self.gathering.clear();
                }
                self.withheld = reply.params.parse("withheld").ok()?.unwrap_or(0);
                self.interface_mtu = reply.params.parse("interface_mtu").ok()?;
                self.gathering.extend(granted::rows(reply)?);
                match reply.params.parse::<u32>("next").ok()? {
                    // Only forwards: a far end that makes no progress would be asked forever.
                    Some(next) if next > from => self.wants.push_front(Want::Rows { from: next }),
                    _ => self.rows = Some(std::mem::take(&mut self.gathering)),
                }
            }
            Want::Seen(item) => {
                let seen = reply.params.get("seen").filter(|_| reply.code == Code::STATUS)?;
                self.seen.insert(item, Seen::read(seen)?);
            }
            Want::Alive if reply.code != Code::OK => return None,
            Want::Alive | Want::Close => {}
        }
        Some(())
    }
}

/// Writes one datagram; poll again at once if it was written, soon if the batch is full.
fn write(dest: Dest, bytes: &[u8], out: &mut TxBatch) -> Next {
    let id = out.add_dest(dest);
    if let Some(slot) = out.push(id, bytes.len()) {
        slot.copy_from_slice(bytes);
    }
    Next::Send
}

/// The earlier of two wake-up times.
pub fn sooner(one: Next, other: Next) -> Next {
    match (one, other) {
        (Next::Send, _) | (_, Next::Send) => Next::Send,
        (Next::WaitUntil(a), Next::WaitUntil(b)) => Next::WaitUntil(a.min(b)),
        (Next::WaitUntil(at), _) | (_, Next::WaitUntil(at)) => Next::WaitUntil(at),
        (Next::Idle, _) | (_, Next::Idle) => Next::Idle,
        (Next::Done, Next::Done) => Next::Done,
    }
}
