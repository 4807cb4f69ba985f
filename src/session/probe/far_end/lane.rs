//! Address verification of one of a probe's sockets: HELO, ticket, DATA, 354.

use super::write;
use crate::batch::{Dest, TxBatch};
use crate::record::probe::NoAgent;
use crate::session::{Exchange, Next, Now, Sealer, Step, Tags, refusal};
use crate::units::Nanos;
use crate::wire::{Code, Command, HELO_LEN, Tag, Verb};

/// State of a socket's address verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneState {
    /// In progress.
    Waiting,
    /// Verified: it may get delayed and repeated answers, from other addresses, with more bytes
    /// than it sends.
    Proven,
    /// Failed, and why.
    Failed(NoAgent),
}

/// One socket.
#[derive(Debug)]
pub(super) struct Lane {
    dest: Dest,
    hello: Tag,
    data: Tag,
    ticket: Option<String>,
    exchange: Option<Exchange>,
    state: LaneState,
}

impl Lane {
    pub fn new(dest: Dest, tags: &mut Tags) -> Self {
        let (hello, data) = (tags.fresh(), tags.fresh());
        Self { dest, hello, data, ticket: None, exchange: None, state: LaneState::Waiting }
    }

    pub fn state(&self) -> &LaneState {
        &self.state
    }

    /// Writes what is due; nothing as long as there is no session.
    pub fn poll(
        &mut self,
        now: Now,
        session: &str,
        sealer: &mut Sealer,
        patience: Nanos,
        out: &mut TxBatch,
    ) -> Next {
        if self.state != LaneState::Waiting || session.is_empty() {
            return Next::Idle;
        }
        let (ticket, hello, data) = (&self.ticket, &self.hello, &self.data);
        let exchange = self.exchange.get_or_insert_with(|| match ticket {
            None => {
                let hello = Command::new(hello.clone(), Verb::Helo);
                sealer.exchange(&hello, HELO_LEN, now.mono, patience)
            }
            Some(ticket) => {
                let mut data = Command::new(data.clone(), Verb::Data);
                data.params.push("session", session);
                data.params.push("ticket", ticket);
                sealer.exchange(&data, 0, now.mono, patience)
            }
        });
        match exchange.poll(now.mono) {
            Step::Send(bytes) => write(self.dest, bytes, out),
            Step::Wait(at) => Next::WaitUntil(at),
            Step::TimedOut => {
                let (target, waited_ns) = (self.dest.addr, patience.0);
                self.state =
                    LaneState::Failed(NoAgent::NoReply { target: target.into(), waited_ns });
                Next::Send
            }
        }
    }

    /// This host was paused for this long.
    pub fn on_pause(&mut self, length: Nanos) {
        if let Some(exchange) = &mut self.exchange {
            exchange.on_pause(length);
        }
    }

    /// Handles a reply to this socket.
    pub fn take(&mut self, payload: &[u8]) -> bool {
        let Some(reply) = self.exchange.as_ref().and_then(|exchange| exchange.reply(payload))
        else {
            return false;
        };
        self.exchange = None;
        match (&self.ticket, reply.code, reply.params.get("ticket")) {
            (None, Code::READY, Some(ticket)) => self.ticket = Some(ticket.to_owned()),
            (Some(_), Code::GO_AHEAD, _) => self.state = LaneState::Proven,
            _ => self.state = LaneState::Failed(NoAgent::Refused { reply: refusal(&reply) }),
        }
        true
    }
}
