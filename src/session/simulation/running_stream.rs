//! One stream of a simulated host: its state machine, its mailboxes, and its end.

use crate::machine::Session;
use crate::netsim::{HostId, Mailbox, Network, ProcessId, Running, SimSocket};
use crate::session::blast::{
    BlastReceiver, BlastSender, ReceiverEvent, ReceiverOrder, ReceiverPlan, ReceiverSummary,
    SenderEvent, SenderOrder, SenderPlan, SenderSummary, StreamOpening,
};
use crate::units::Nanos;

const TICK: Nanos = Nanos::from_millis(50);

type Receiver = BlastReceiver<Mailbox<ReceiverOrder>, Mailbox<ReceiverEvent>>;
type Sender = BlastSender<Mailbox<SenderEvent>>;

/// What a stream does, and its mailboxes.
pub(super) enum Role {
    Sends(Running<Sender>, Mailbox<SenderOrder>, Mailbox<SenderEvent>),
    Receives(Running<Receiver>, Mailbox<ReceiverOrder>, Mailbox<ReceiverEvent>),
}

/// One stream of either host.
pub(super) struct Stream {
    /// The server's session; 0 at the client.
    pub session: u64,
    pub number: u32,
    pub process: ProcessId,
    pub role: Role,
    /// Whether its end was reported.
    pub over: bool,
}

/// How a stream ended.
pub(super) enum End {
    Sent(Box<SenderSummary>),
    Received(Box<ReceiverSummary>),
}

impl Stream {
    pub fn reopen(&self, network: &mut Network, proof: String) {
        match &self.role {
            Role::Sends(_, orders, _) => orders.push(SenderOrder::Reopen { proof }),
            Role::Receives(_, orders, _) => orders.push(ReceiverOrder::Reopen { proof }),
        }
        network.wake(self.process);
    }

    /// Data may flow on a stream that waits for it.
    pub fn begin(&self, network: &mut Network) {
        match &self.role {
            Role::Sends(_, orders, _) => orders.push(SenderOrder::Begin),
            Role::Receives(_, orders, _) => orders.push(ReceiverOrder::Begin),
        }
        network.wake(self.process);
    }

    /// An order that receivers alone know.
    pub fn order(&self, network: &mut Network, order: ReceiverOrder) {
        if let Role::Receives(_, orders, _) = &self.role {
            orders.push(order);
            network.wake(self.process);
        }
    }

    pub fn sends(&self) -> bool {
        matches!(self.role, Role::Sends(..))
    }

    /// What a receiver has told.
    pub fn events(&self) -> Vec<ReceiverEvent> {
        match &self.role {
            Role::Sends(..) => Vec::new(),
            Role::Receives(_, _, events) => events.drain(),
        }
    }

    /// What a sender has told.
    pub fn sender_events(&self) -> Vec<SenderEvent> {
        match &self.role {
            Role::Sends(_, _, events) => events.drain(),
            Role::Receives(..) => Vec::new(),
        }
    }

    /// Its final counts, once.
    pub fn end(&mut self, network: &Network) -> Option<End> {
        if self.over || !network.is_over(self.process) {
            return None;
        }
        self.over = true;
        let now = network.now(self.process);
        Some(match &self.role {
            Role::Sends(session, ..) => End::Sent(Box::new(session.finish(now))),
            Role::Receives(session, ..) => End::Received(Box::new(session.finish(now))),
        })
    }
}

/// Where a stream runs, and its socket.
pub(super) type StreamPlace<'a> = (&'a mut Network, HostId, SimSocket);

/// Starts a session with one socket.
pub(super) fn start<S: Session + 'static>(
    network: &mut Network,
    host: HostId,
    socket: SimSocket,
    session: S,
) -> Running<S> {
    let running = network.start(host, &[socket], session);
    network.set_tick(running.id(), TICK);
    running
}

pub(super) fn sender(
    (network, host, socket): StreamPlace<'_>,
    plan: SenderPlan,
    opening: Option<StreamOpening>,
) -> (ProcessId, Role) {
    let (orders, events) = (Mailbox::new(), Mailbox::new());
    let session = BlastSender::new(plan, opening, events.clone()).with_orders(orders.clone());
    let session = start(network, host, socket, session);
    (session.id(), Role::Sends(session, orders, events))
}

pub(super) fn receiver(
    (network, host, socket): StreamPlace<'_>,
    plan: ReceiverPlan,
    opening: Option<StreamOpening>,
) -> (ProcessId, Role) {
    let (orders, events) = (Mailbox::new(), Mailbox::new());
    let session = BlastReceiver::new(plan, opening, orders.clone(), events.clone());
    let session = start(network, host, socket, session);
    (session.id(), Role::Receives(session, orders, events))
}
