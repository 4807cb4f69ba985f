//! A server, and commands typed one by one.

use super::Mailbox;
use super::client_and_server::{Serve, serve};
use crate::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use crate::machine::{Now, Session};
use crate::record::{ServeRecord, ServeRefusal, SessionEnd};
use crate::session::serve::{
    ServeCommand, ServeEvent, ServeOrder, ServePolicy, StreamReport, StreamRequest,
};
use crate::units::Nanos;
use crate::wire::{CONTROL_MAX, Code, Command, ControlKey, HELO_LEN, Reply};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

/// The client with this number, on a port of its own.
pub fn peer(number: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from(0x0A00_0000 + number), 4_000))
}

/// An instant this many seconds after the start.
pub fn at(seconds: u64) -> Now {
    Now { mono: Nanos::from_secs(seconds), real: Nanos::from_secs(1_700_000_000 + seconds) }
}

/// A server driven by typed commands.
pub struct ByHand {
    pub serve: Serve,
    pub orders: Mailbox<ServeOrder>,
    pub commands: Mailbox<ServeCommand>,
    pub events: Mailbox<ServeEvent>,
    pub now: Now,
    key: Option<ControlKey>,
    nonce: u64,
    /// For each session, the liveness value of its last reply.
    proofs: HashMap<String, String>,
}

impl ByHand {
    pub fn new(policy: ServePolicy) -> Self {
        let (serve, orders, (commands, events)) = serve(policy, 1);
        Self {
            serve,
            orders,
            commands,
            events,
            now: at(1),
            key: None,
            nonce: 0,
            proofs: HashMap::new(),
        }
    }

    /// A server with a key, with which the commands are sealed as well.
    pub fn with_key(policy: ServePolicy, key: &ControlKey) -> Self {
        let plain = Self::new(policy);
        let serve = plain.serve.with_key(Some(key.clone()));
        Self { serve, key: Some(key.clone()), ..plain }
    }

    /// Delivers one datagram and returns all answers.
    pub fn ask(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<Vec<u8>> {
        let meta = RxMeta { source: from, ..RxEntry::default().meta };
        let datagram = Datagram { payload: bytes, true_len: bytes.len(), meta };
        self.serve.on_datagram(self.now, &datagram);
        self.answers()
    }

    /// All waiting answers.
    pub fn answers(&mut self) -> Vec<Vec<u8>> {
        let mut out = TxBatch::new(64, 64 * CONTROL_MAX);
        Session::poll_transmit(&mut self.serve, self.now, &mut out);
        out.slots().iter().map(|slot| out.payload(slot).to_vec()).collect()
    }

    /// The answer to a typed command, which is padded; sealed both ways if there is a key.
    pub fn say(&mut self, from: SocketAddr, text: &str) -> Reply {
        let replies = self.say_raw(from, text);
        assert_eq!(replies.len(), 1, "{text}");
        replies.into_iter().next().unwrap()
    }

    /// All answers to it. Like every client, it returns the liveness value of its session's last
    /// reply.
    pub fn say_raw(&mut self, from: SocketAddr, text: &str) -> Vec<Reply> {
        let named = text.split(' ').find_map(|word| word.strip_prefix("session="));
        let proof = named.and_then(|session| self.proofs.get(session));
        let returned = proof.map(|proof| format!("{text} proof={proof}"));
        let replies = self.say_bare(from, returned.as_deref().unwrap_or(text));
        for params in replies.iter().map(|reply| &reply.params) {
            if let (Some(session), Some(proof)) =
                (params.get("session").or(named), params.get("proof"))
            {
                self.proofs.insert(session.to_owned(), proof.to_owned());
            }
        }
        replies
    }

    /// All answers to exactly this text.
    pub fn say_bare(&mut self, from: SocketAddr, text: &str) -> Vec<Reply> {
        self.nonce += 1;
        let text = match self.key {
            Some(_) => format!("{text} nonce={}", self.nonce),
            None => text.to_owned(),
        };
        let command = Command::decode(text.as_bytes()).unwrap().padded(HELO_LEN);
        let bytes = command.encode().unwrap();
        let Some(key) = self.key.clone() else {
            let replies = self.ask(from, &bytes);
            return replies.iter().map(|reply| Reply::decode(reply).unwrap()).collect();
        };
        let (bytes, seal) = key.sign_command(bytes);
        let replies = self.ask(from, &bytes);
        let open = |reply: &Vec<u8>| Reply::decode(key.verify_reply(reply, seal).unwrap()).unwrap();
        replies.iter().map(open).collect()
    }

    pub fn code(&mut self, from: SocketAddr, text: &str) -> Code {
        self.say(from, text).code
    }

    /// A ticket for an address.
    pub fn ticket(&mut self, from: SocketAddr) -> String {
        let ready = self.say(from, "t1 HELO");
        assert_eq!(ready.code, Code::READY);
        ready.params.get("ticket").unwrap().to_owned()
    }

    /// Opens a session; returns its name.
    pub fn open(&mut self, from: SocketAddr) -> Result<String, Code> {
        let ticket = self.ticket(from);
        let hello = self.say(from, &format!("t2 HELO ticket={ticket}"));
        hello.params.get("session").map(str::to_owned).ok_or(hello.code)
    }

    /// Requests a stream; returns the request to the engine, or the refusal.
    pub fn data(
        &mut self,
        from: SocketAddr,
        tag: &str,
        params: &str,
    ) -> Result<StreamRequest, Code> {
        let ticket = self.ticket(from);
        let replies = self.say_raw(from, &format!("{tag} DATA ticket={ticket} {params}"));
        if let [reply] = &replies[..] {
            return Err(reply.code);
        }
        let mut requests = self.commands.drain().into_iter().filter_map(|command| match command {
            ServeCommand::Open(request) => Some(*request),
            _ => None,
        });
        Ok(requests.next().expect("no answer means that a stream is asked for"))
    }

    /// Reports news of a stream to the server.
    pub fn tell(&mut self, request: &StreamRequest, news: StreamReport) {
        let StreamRequest { session, stream, .. } = *request;
        self.orders.push(ServeOrder { session, stream, news });
    }

    /// Lets time pass, tick by tick.
    pub fn wait(&mut self, time: Nanos) {
        let until = self.now.mono + time;
        while self.now.mono < until {
            let step = Nanos::from_millis(50);
            self.now = Now { mono: self.now.mono + step, real: self.now.real + step };
            Session::on_tick(&mut self.serve, self.now);
        }
    }

    /// The log so far.
    pub fn log(&mut self) -> Vec<ServeRecord> {
        self.events.drain().into_iter().map(|event| event.record).collect()
    }

    /// Refusals so far.
    pub fn refusals(&mut self) -> Vec<ServeRefusal> {
        let refused = |record| match record {
            ServeRecord::Refused { refusal, .. } => Some(refusal),
            _ => None,
        };
        self.log().into_iter().filter_map(refused).collect()
    }

    /// How sessions ended so far, each with its name.
    pub fn ends(&mut self) -> Vec<(String, SessionEnd)> {
        let closed = |record| match record {
            ServeRecord::SessionClosed { session, ended, .. } => Some((session, ended)),
            _ => None,
        };
        self.log().into_iter().filter_map(closed).collect()
    }
}
