//! The client's side of the dialogue with a remote agent, embedded by every kind of probe.
//!
//! It opens the dialogue on one of the probe's sockets, requests a probe, verifies the addresses of
//! the probe's other sockets, fetches what arrived, keeps the session alive meanwhile, and closes
//! it. A kind requests these one after the other ([`FarEnd::probe`], [`FarEnd::prove`],
//! [`FarEnd::ask_rows`], [`FarEnd::close`]), polls it along with its own sends, passes it every
//! datagram, and reads the results: [`FarEnd::granted`], [`FarEnd::rows`], or [`FarEnd::lost`] with
//! the reason.

mod granted;
mod socket_proof;

pub use granted::{Granted, Seen};
pub use socket_proof::ProofState;

use crate::batch::{
    Datagram, Dest, ErrorOrigin, Fragmentation, InterfaceChange, LocalCause, LocalSendFailure,
    NetworkError, TxBatch,
};
use crate::control::{Client, ClientReply, Exchange, Refusals, Sealer, Step};
use crate::machine::{Next, Now};
use crate::record::probe::{NoAgent, ProbeCaveat};
use crate::session::NetworkErrorLog;
use crate::units::Nanos;
use crate::wire::{Arrivals, Code, Params, PortList, Reply, Verb};
use socket_proof::SocketProof;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// How often the dialogue's own socket is verified again, if probe requests are sent from it: a
/// verification is valid for a minute, and a command may be lost.
const PROVE_EVERY: Nanos = Nanos::from_secs(20);

/// A server keeps a session for longer than this without a command: one that it no longer knows was
/// lost with its process.
const KEPT: Nanos = Nanos::from_secs(10);

/// When a command is repeated whose port was closed; before that counts as confirmed.
const ONCE_MORE: Nanos = Nanos::from_millis(700);

/// Requests, handled one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AgentRequest {
    Probe(PortList),
    Rows { from: u32 },
    Seen(u32),
    Close,
}

/// The dialogue with the remote agent.
#[derive(Debug)]
pub struct FarEnd {
    address: SocketAddr,
    socket: usize,
    client: Client,
    /// Why there is no remote agent, or no longer one.
    lost: Option<NoAgent>,
    wants: VecDeque<AgentRequest>,
    /// What the outstanding command asks for.
    asked: Option<AgentRequest>,
    granted: Option<Granted>,
    proofs: BTreeMap<usize, SocketProof>,
    /// Whether the dialogue's own socket must stay verified, and when it shows the next ticket.
    stays_proven: bool,
    prove_at: Option<Nanos>,
    gathering: BTreeMap<u32, Arrivals>,
    rows: Option<BTreeMap<u32, Arrivals>>,
    seen: BTreeMap<u32, Seen>,
    withheld: u64,
    interface_mtu: Option<u32>,
    /// When the agent last replied.
    heard: Nanos,
    /// What the network says since then.
    refusals: Refusals,
    /// The last reason why this host refused to send.
    refused_here: Option<LocalSendFailure>,
    seen_as: Option<SocketAddr>,
    /// The address that answered instead of the one contacted.
    answered_from: Option<SocketAddr>,
    started: Option<Nanos>,
    /// What the network said of the probe's datagrams since then.
    errors: NetworkErrorLog,
}

impl FarEnd {
    /// A dialogue with `address` over the loop's socket number `socket`, given up after `patience`
    /// without an answer.
    pub fn new(address: SocketAddr, socket: usize, sealer: Sealer, patience: Nanos) -> Self {
        Self {
            address,
            socket,
            client: Client::new("h", sealer, patience),
            lost: None,
            wants: VecDeque::new(),
            asked: None,
            granted: None,
            proofs: BTreeMap::new(),
            stays_proven: false,
            prove_at: None,
            gathering: BTreeMap::new(),
            rows: None,
            seen: BTreeMap::new(),
            withheld: 0,
            interface_mtu: None,
            heard: Nanos::ZERO,
            refusals: Refusals::default(),
            refused_here: None,
            seen_as: None,
            answered_from: None,
            started: None,
            errors: NetworkErrorLog::default(),
        }
    }

    /// Sets the silence after which the remote agent is given up from now on.
    pub fn be_patient(&mut self, patience: Nanos) {
        self.client.patience_mut().rebase(patience);
    }

    /// The same, for a probe that also sends requests from the dialogue's own socket: that stays
    /// verified throughout the probe.
    #[must_use]
    pub fn asked_by_its_own_socket(self) -> Self {
        Self { stays_proven: true, ..self }
    }

    /// The same dialogue on a path that something must leave for this often to stay open; zero
    /// for a path that nothing is done for.
    #[must_use]
    pub fn with_keepalive(self, every: Nanos) -> Self {
        Self { client: self.client.with_keepalive(every), ..self }
    }

    /// Requests a probe with these ports open, at most 256; earlier measurements are discarded.
    pub fn probe(&mut self, ports: PortList) {
        self.granted = None;
        self.rows = None;
        self.seen.clear();
        self.wants.push_back(AgentRequest::Probe(ports));
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
        let proof = SocketProof::new(Dest { socket, ..unpinned(to) });
        self.proofs.insert(socket, proof);
    }

    /// Ends the verification of a socket, whatever its state.
    pub fn leave_unproven(&mut self, socket: usize) {
        self.proofs.remove(&socket);
    }

    /// State of a socket's address verification.
    pub fn proof(&self, socket: usize) -> ProofState {
        self.proofs.get(&socket).map_or(ProofState::Waiting, |proof| proof.state().clone())
    }

    /// Requests the counts of what arrived.
    pub fn ask_rows(&mut self) {
        self.rows = None;
        self.wants.push_back(AgentRequest::Rows { from: 0 });
    }

    /// What arrived, by item, once [`FarEnd::ask_rows`] is completely answered; `None` before.
    pub fn rows(&self) -> Option<&BTreeMap<u32, Arrivals>> {
        self.rows.as_ref()
    }

    /// Requests the sequence numbers of an item that arrived.
    pub fn ask_seen(&mut self, item: u32) {
        self.seen.remove(&item);
        self.wants.push_back(AgentRequest::Seen(item));
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
        self.client.patience().round_trip()
    }

    /// This host refused to send a command, which will be repeated.
    pub fn on_refused(&mut self, errno: i32) {
        self.note_refusal(LocalSendFailure::from_errno(errno, self.address));
    }

    /// A refusal by the packet filter is kept: later errors, such as port unreachable from this
    /// host, are its consequence.
    fn note_refusal(&mut self, found: LocalSendFailure) {
        let known = self.refused_here.as_ref();
        let is_filtered = |known: &LocalSendFailure| {
            matches!(known.cause, LocalCause::PacketFilter | LocalCause::ConntrackFull { .. })
        };
        if !known.is_some_and(is_filtered) {
            self.refused_here = Some(found);
        }
    }

    /// This host was paused for this long, which does not count as the remote agent's silence.
    pub fn on_pause(&mut self, length: Nanos) {
        self.client.on_pause(length);
        self.refusals.on_pause(length);
        self.proofs.values_mut().for_each(|proof| proof.on_pause(length));
    }

    /// This host's address changed, or is there again: says so to the remote agent at once, and
    /// verifies the sockets anew.
    pub fn on_interface_change(&mut self, now: Now, change: &InterfaceChange) {
        if !change.is_recovery() {
            return;
        }
        self.client.repeat_after(now.mono, Nanos::ZERO);
        self.prove_at = self.prove_at.map(|_| now.mono);
        for proof in self.proofs.values_mut().filter(|proof| proof.state() == &ProofState::Proven) {
            *proof = proof.again();
        }
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

    /// The caveat that the network refused some datagrams; `None` if it did not.
    pub fn network_errors(&self) -> Option<ProbeCaveat> {
        let network_errors = self.errors.kinds().to_vec();
        let is_refused = !network_errors.is_empty();
        is_refused.then_some(ProbeCaveat::NetworkErrors { network_errors })
    }

    /// What makes every finding of this agent less reliable.
    pub fn caveats(&self) -> Vec<ProbeCaveat> {
        self.answered_elsewhere().into_iter().chain(self.network_errors()).collect()
    }

    /// Notes a network error about a datagram of the probe for the report.
    pub fn note_network_error(&mut self, now: Now, error: &NetworkError) {
        if error.is_delivery_failure() && error.destination.ip() == self.address.ip() {
            self.errors.observe(now.mono - self.started.unwrap_or(now.mono), error);
        }
    }

    /// Ends the session once all other requests are answered.
    pub fn close(&mut self) {
        self.wants.push_back(AgentRequest::Close);
    }

    /// The user interrupts the run: an open session is closed; one that is not open is not
    /// requested any more.
    pub fn stop(&mut self) {
        if self.client.is_open() {
            self.close();
        } else {
            self.lost.get_or_insert(NoAgent::Interrupted);
        }
    }

    /// Whether the session is over, or never existed.
    pub fn is_over(&self) -> bool {
        self.lost.is_some() || self.client.is_over()
    }

    /// Why there is no remote agent, or no longer one; `None` if there is one.
    pub fn lost(&self) -> Option<&NoAgent> {
        self.lost.as_ref()
    }

    /// Writes what is due into the batch, along with what the probe writes, and returns when to ask
    /// again: [`Next::Send`] if something was written, [`Next::Done`] when it is over.
    pub fn poll(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now.mono);
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
        let mut beside = self.client.beside();
        for proof in self.proofs.values_mut() {
            next = sooner(next, proof.poll(now, &mut beside, out));
        }
        next
    }

    fn poll_dialogue(&mut self, now: Now, out: &mut TxBatch) -> Next {
        if self.lost.is_some() {
            return Next::Done;
        }
        if let Some(error) = self.refusals.confirmed(now.mono, self.client.patience()) {
            self.lost = Some(NoAgent::from_network(self.address.into(), error));
            return Next::Send;
        }
        if self.client.is_idle()
            && let Some(want) = self.wants.pop_front()
        {
            self.ask(want, now);
        }
        let dest = Dest { socket: self.socket, ..unpinned(self.address) };
        let confirmed = self.refusals.due(self.client.patience()).unwrap_or(Nanos::MAX);
        match self.client.poll(now) {
            Some(Step::Send(bytes)) => write(dest, bytes, out),
            Some(Step::Wait(at)) => Next::WaitUntil(at.min(confirmed)),
            Some(Step::TimedOut) => {
                self.lost = Some(self.silence());
                Next::Send
            }
            None => Next::Done,
        }
    }

    fn ask(&mut self, want: AgentRequest, now: Now) {
        let mut params = Params::default();
        let verb = match &want {
            AgentRequest::Probe(_) => Verb::Test,
            AgentRequest::Rows { .. } | AgentRequest::Seen(_) => Verb::Stat,
            AgentRequest::Close => return self.client.quit(now),
        };
        params.push("kind", "probe");
        match &want {
            AgentRequest::Probe(ports) if !ports.is_empty() => params.push("ports", ports),
            AgentRequest::Rows { from } => params.push("from", from),
            AgentRequest::Seen(item) => params.push("seen", item),
            _ => {}
        }
        self.client.ask(now, verb, params);
        self.asked = Some(want);
    }

    /// Why the far end did not reply.
    fn silence(&mut self) -> NoAgent {
        let asked = self.client.exchange();
        let waited_ns = asked.map_or(Nanos::ZERO, Exchange::patience).0;
        let (target, is_first) = (self.address.into(), !self.client.is_answered());
        let unsealed = asked.and_then(Exchange::unsealed).filter(|_| is_first);
        match (unsealed, self.refused_here.take(), self.refusals.reason()) {
            (Some(unsealed), ..) => NoAgent::Refused { reply: unsealed.clone() },
            (None, Some(found), _) => NoAgent::not_sent(found),
            (None, None, Some(error)) => NoAgent::from_network(target, error),
            (None, None, None) if is_first => NoAgent::NoReply { target, waited_ns },
            (None, None, None) => NoAgent::StoppedReplying { target, waited_ns },
        }
    }

    /// Handles a datagram that belongs to the dialogue, on whichever socket; `false` for any other.
    pub fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) -> bool {
        let payload = datagram.payload;
        let socket = datagram.meta.socket;
        let patience = *self.client.patience();
        if let Some(proof) = self.proofs.get_mut(&socket)
            && proof.on_datagram(now, payload, patience)
        {
            return true;
        }
        if socket != self.socket {
            return false;
        }
        let waited = self.client.exchange().map(|asked| asked.waited(now.mono));
        // The tag, or the seal, identifies the answer: a NAT on the way back may change both the
        // address and the port.
        let taken = if self.lost.is_none() { self.client.on_datagram(now, payload) } else { None };
        let Some(reply) = taken else { return Reply::decode(payload).is_ok() };
        self.client.patience_mut().observe(waited.unwrap_or_default());
        self.refused_here = None;
        self.refusals.clear();
        let source = datagram.meta.source;
        let source = SocketAddr::new(source.ip(), source.port());
        let asked = SocketAddr::new(self.address.ip(), self.address.port());
        self.answered_from = self.answered_from.or((source != asked).then_some(source));
        self.on_reply(&reply, now);
        self.heard = now.mono;
        true
    }

    /// Handles a network error about the dialogue's own datagrams; `false` for any other. It
    /// explains a silence, and ends nothing that is answered.
    pub fn on_network_error(&mut self, now: Now, error: &NetworkError) -> bool {
        // What this host finds too big, and quotes nothing of, is a probe: the dialogue is short.
        let is_too_big = error.origin == ErrorOrigin::Local && error.mtu.is_some();
        let ours = error.socket == self.socket
            && error.destination == self.address
            && !is_too_big
            && error.quoted().first().is_none_or(u8::is_ascii_alphanumeric);
        if ours {
            self.note_network_error(now, error);
            let was_closed = self.refusals.due(self.client.patience()).is_some();
            self.refusals.observe(now.mono, error);
            if !was_closed && self.refusals.due(self.client.patience()).is_some() {
                // Hosts limit their ICMP errors, which other probes need.
                self.client.repeat_after(now.mono, ONCE_MORE);
            }
        }
        if let Some(errno) = error.refused_here().filter(|_| ours) {
            self.note_refusal(LocalSendFailure::from_errno(errno, self.address));
        }
        ours
    }

    fn on_reply(&mut self, reply: &ClientReply, now: Now) {
        let refused = match reply {
            ClientReply::Proceeds | ClientReply::Closed => return,
            ClientReply::Opened(reply) => {
                self.seen_as = reply.params.parse("seen").ok().flatten();
                return;
            }
            ClientReply::Answered(reply) => {
                let Some(want) = self.asked.take() else { return };
                if self.learn(want, reply, now).is_some() {
                    return;
                }
                reply
            }
            ClientReply::Refused(reply) => reply,
        };
        let silent_ns = (now.mono - self.heard).0;
        let is_unknown = self.client.is_open() && refused.code == Code::WRONG_ORDER;
        self.lost = Some(if is_unknown && silent_ns < KEPT.0 {
            let target = self.address.into();
            NoAgent::Restarted { target, silent_ns, reply: refused.into() }
        } else {
            NoAgent::Refused { reply: refused.into() }
        });
    }

    /// Handles the answer to a request; `None` if it is a refusal or cannot be parsed.
    fn learn(&mut self, want: AgentRequest, reply: &Reply, now: Now) -> Option<()> {
        match want {
            AgentRequest::Probe(ports) => {
                let granted = Granted::read(reply, &ports)?;
                self.granted = Some(granted);
                // The key was sent to the dialogue's own socket, which is thereby verified.
                self.prove_at = Some(now.mono + PROVE_EVERY);
            }
            AgentRequest::Rows { from } => {
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
                    Some(next) if next > from => {
                        self.wants.push_front(AgentRequest::Rows { from: next });
                    }
                    _ => self.rows = Some(std::mem::take(&mut self.gathering)),
                }
            }
            AgentRequest::Seen(item) => {
                let seen = reply.params.get("seen").filter(|_| reply.code == Code::STATUS)?;
                self.seen.insert(item, Seen::read(seen)?);
            }
            AgentRequest::Close => {}
        }
        Some(())
    }
}

/// The agent's address, for datagrams of the dialogue: routers may fragment them, so that they
/// arrive over paths that are smaller than this host knows yet.
fn unpinned(address: SocketAddr) -> Dest {
    Dest { fragmentation: Some(Fragmentation::Allow), ..Dest::from(address) }
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
