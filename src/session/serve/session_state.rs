//! One client's session as the server keeps it, in bounded memory.

use super::ServePolicy;
use super::probe::Probe;
use super::received_command::ReplyTo;
use super::run_resources::RunResources;
use crate::batch::{HostChange, RxCall, TxCall};
use crate::control::server::Liveness;
use crate::control::server::UsedHelo;
use crate::record::{BlastReceived, BlastSent, LocalFailure, StreamCounts};
use crate::session::blast::{
    IntervalMerger, SizeAccount, TestPlan, merge_received, merge_sent, merge_sizes,
};
use crate::stats::{DelayHistogram, OutageLog};
use crate::units::Nanos;
use crate::wire::{PortList, Tag};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Maximum send buffer of a socket, in bytes.
const SEND_BUFFER: u64 = 4 << 20;
/// Replies of each kind kept for repeated commands.
const REMEMBERED: usize = 8;

/// The textual form of a session's name.
pub(super) fn session_name(id: u64) -> String {
    format!("{id:016x}")
}

/// Parses a session's name.
pub(super) fn session_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// One client's session.
#[derive(Debug)]
pub(super) struct ServerSession {
    /// The address of its control socket.
    pub client: SocketAddr,
    /// The HELO that opened it.
    pub helo: UsedHelo,
    /// When it was opened.
    pub opened: Nanos,
    /// When anything of it last arrived, control or data.
    pub heard: Nanos,
    /// Whether its client still receives.
    pub alive: Liveness,
    /// Which key it was opened with ([`super::keys`]).
    pub key: u32,
    /// With a key, the highest nonce received: nonces only rise, so one that does not is a replay.
    pub nonce: u64,
    /// Since when it has no granted test; `None` while it has one.
    pub idle_since: Nanos,
    /// Number of runs granted.
    pub tests: u64,
    /// The run that TEST asked for.
    pub run: Option<Run>,
    /// The probe that TEST requested, with the ports requested for it.
    pub probe: Option<(PortList, Box<Probe>)>,
    replies: VecDeque<(Tag, Vec<u8>)>,
    /// Replies to STAT and DATA, kept apart: they are so frequent that others would soon be pushed
    /// out, and a late copy of HELO or TEST would be executed again.
    frequent: VecDeque<(Tag, Vec<u8>)>,
}

/// A run, from TEST on.
#[derive(Debug)]
pub(super) struct Run {
    pub plan: TestPlan,
    pub tag: u16,
    /// Whether the client runs on this host.
    pub one_host: bool,
    /// When it was granted.
    pub granted: Nanos,
    /// Maximum bytes that it may take.
    pub memory: u64,
    /// Kernel buffer to request for each stream, in bytes.
    pub buffer: u64,
    pub streams: Vec<Stream>,
    /// Intervals of the streams received here.
    pub board: IntervalMerger,
    /// Delays as the client is told them, once it has asked.
    pub told_delays: Option<String>,
    /// Whether the client reported that its streams have ended.
    pub finished: bool,
    /// Whether this side's senders were told to stop.
    pub stopped: bool,
    /// When it must be over; `None` until its first stream is open.
    pub due: Option<Nanos>,
    /// Why one of its streams failed; `None` if none did.
    pub failed: Option<LocalFailure>,
    /// What this host counted during the run; `None` until that was read.
    pub host: Option<Box<HostChange>>,
    /// Datagrams lost here at each change of the client's address; `None` until a stream says.
    pub lost_in_moves: Vec<Option<u64>>,
    /// Streams that went on from another port, while the session stayed where it was.
    pub stream_moves: Vec<StreamMove>,
    /// Whether datagrams of the run come from an address that is no stream's.
    pub astray: bool,
}

/// A stream that went on from another port of its client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamMove {
    pub stream: u32,
    /// Its port before.
    pub from: u16,
    /// Its port since.
    pub to: u16,
    /// When, from the grant of the run.
    pub at: Nanos,
    /// Datagrams lost here meanwhile; `None` until that is known.
    pub lost: Option<u64>,
}

/// What a stream moved with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MovedWith {
    /// Its session.
    Session,
    /// Nothing else; the index of the move, if it is listed.
    Nothing(Option<usize>),
}

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunState {
    /// No stream was opened yet.
    Ready,
    /// Streams are open.
    Running,
    /// The client has finished, and streams are still open here.
    Draining,
    /// All streams have ended.
    Done,
}

impl RunState {
    /// Its name in the dialogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Done => "done",
        }
    }
}

/// One stream of a run.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The DATA that waits for its socket: its tag, its source, and the reply to send.
    pub opening: Option<(Tag, ReplyTo, Vec<u8>)>,
    pub opened: bool,
    /// The client's address, once it asked to be admitted.
    pub peer: Option<SocketAddr>,
    /// Since when the session is at another address, and the client has not said where the stream
    /// is; `None` where it has.
    pub unproven: Option<Nanos>,
    /// With what it moved, until it is known what was lost meanwhile.
    pub moved_with: Option<MovedWith>,
    /// Whether it is over.
    pub ended: bool,
    pub received: BlastReceived,
    pub delay: Option<Box<DelayHistogram>>,
    pub outages: Option<Box<OutageLog>>,
    /// What was received of each class of sizes, once it is over; empty where all are the same.
    pub sizes: Vec<SizeAccount>,
    /// Datagrams that it has sent so far, where that is told.
    pub sending: u64,
    pub sent: Option<Box<BlastSent>>,
    pub io: Option<StreamIo>,
}

/// What a stream's socket used, known once it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamIo {
    /// The send call.
    pub tx: TxCall,
    /// The receive call.
    pub rx: RxCall,
    /// Maximum datagrams per send call.
    pub batch: u32,
    /// The receive buffer that the kernel granted, in bytes.
    pub receive_buffer: u64,
    /// The send buffer that the kernel granted, in bytes.
    pub send_buffer: u64,
}

impl ServerSession {
    pub fn new(helo: UsedHelo, nonce: u64, now: Nanos) -> Self {
        Self {
            client: helo.client,
            helo,
            opened: now,
            heard: now,
            alive: Liveness::new(now),
            key: 0,
            nonce,
            idle_since: now,
            tests: 0,
            run: None,
            probe: None,
            replies: VecDeque::new(),
            frequent: VecDeque::new(),
        }
    }

    /// Its streams that are open or being opened.
    pub fn open_streams(&self) -> impl Iterator<Item = &Stream> {
        self.run.iter().flat_map(|run| &run.streams).filter(|stream| stream.is_open())
    }

    /// Its streams that may still be opened or have not ended, as granted.
    pub fn granted_streams(&self) -> u64 {
        let streams = self.run.iter().flat_map(|run| &run.streams);
        streams.filter(|stream| !stream.ended).count() as u64
    }

    /// Maximum bytes of its run or probe.
    pub fn memory(&self) -> u64 {
        let run = self.run.as_ref().map_or(0, |run| run.memory);
        run + self.probe.as_ref().map_or(0, |_| Probe::MOST_BYTES)
    }

    /// When it is closed regardless of what arrives, because no test was granted or begun;
    /// `crowded` if others may be waiting.
    pub fn idle_until(&self, policy: &ServePolicy, crowded: bool) -> Option<Nanos> {
        match (&self.run, &self.probe) {
            (Some(run), _) => run.is_unbegun().then(|| run.granted + policy.start_limit),
            (None, Some(_)) => None,
            (None, None) if crowded => Some(self.idle_since + policy.idle_timeout),
            (None, None) => Some(self.idle_since + policy.idle_limit),
        }
    }

    /// Whether a stream is sent to its client.
    pub fn sends(&self) -> bool {
        self.run.as_ref().is_some_and(|run| {
            let mut streams = (0u32..).zip(&run.streams);
            streams.any(|(number, stream)| !run.plan.is_up(number) && stream.is_open())
        })
    }

    /// The server was paused for `length`: it received nothing meanwhile, which does not count as
    /// silence.
    pub fn on_pause(&mut self, length: Nanos) {
        self.heard += length;
        self.idle_since += length;
        if let Some(run) = &mut self.run {
            run.granted += length;
            let unproven = run.streams.iter_mut().filter_map(|stream| stream.unproven.as_mut());
            unproven.for_each(|since| *since += length);
        }
        self.alive.on_pause(length);
        if let Some(due) = self.run.as_mut().and_then(|run| run.due.as_mut()) {
            *due += length;
        }
        if let Some((_, probe)) = &mut self.probe {
            probe.due += length;
        }
    }

    /// Whether its probe has this key.
    pub fn has_probe_key(&self, key: u64) -> bool {
        self.probe.as_ref().is_some_and(|(_, probe)| probe.key == key)
    }

    /// The reply already given to a command with this tag.
    pub fn answered(&self, tag: &Tag) -> Option<&[u8]> {
        let mut all = self.replies.iter().chain(&self.frequent);
        all.find(|(known, _)| known == tag).map(|(_, reply)| reply.as_slice())
    }

    /// Keeps a reply for repeats of its command.
    pub fn remember(&mut self, tag: Tag, reply: Vec<u8>) {
        keep(&mut self.replies, tag, reply);
    }

    /// The same for frequent commands that are harmless to execute again.
    pub fn remember_frequent(&mut self, tag: Tag, reply: Vec<u8>) {
        keep(&mut self.frequent, tag, reply);
    }
}

fn keep(replies: &mut VecDeque<(Tag, Vec<u8>)>, tag: Tag, reply: Vec<u8>) {
    if replies.len() == REMEMBERED {
        replies.pop_front();
    }
    replies.push_back((tag, reply));
}

impl Stream {
    /// Whether it has, or is about to have, a socket.
    pub fn is_open(&self) -> bool {
        (self.opened && !self.ended) || self.opening.is_some()
    }
}

impl Run {
    pub fn new(plan: TestPlan, tag: u16, one_host: bool, room: RunResources, now: Nanos) -> Self {
        let streams = plan.all_streams();
        let up = (0..streams).filter(|stream| plan.is_up(*stream)).count();
        Self {
            plan,
            tag,
            one_host,
            granted: now,
            memory: room.memory,
            buffer: room.buffer,
            streams: (0..streams).map(|_| Stream::default()).collect(),
            board: IntervalMerger::new(up),
            finished: false,
            stopped: false,
            due: None,
            failed: None,
            host: None,
            lost_in_moves: Vec::new(),
            stream_moves: Vec::new(),
            told_delays: None,
            astray: false,
        }
    }

    /// The kernel buffer to request for one of its streams.
    pub fn buffer_of(&self, stream: u32) -> u64 {
        if self.plan.is_up(stream) { self.buffer } else { self.buffer.min(SEND_BUFFER) }
    }

    /// Whether no stream was opened yet or is about to be.
    fn is_unbegun(&self) -> bool {
        !self.streams.iter().any(|stream| stream.opened || stream.ended || stream.opening.is_some())
    }

    /// The state of the run.
    pub fn state(&self) -> RunState {
        let opened = self.streams.iter().filter(|stream| stream.opened);
        // A stream that was never opened need not be waited for once the client has finished.
        let open = opened.clone().filter(|stream| !stream.ended).count();
        match (opened.count(), open, self.finished) {
            (0, _, false) => RunState::Ready,
            (count, 0, finished) if finished || count == self.streams.len() => RunState::Done,
            (_, _, true) => RunState::Draining,
            (_, _, false) => RunState::Running,
        }
    }

    /// What was received here, of all streams together; `None` if it only sends.
    pub fn received(&self) -> Option<BlastReceived> {
        let up: Vec<&Stream> = self.up().map(|(_, stream)| stream).collect();
        let parts = up.iter().map(|stream| (&stream.received, stream.delay.as_deref()));
        (!up.is_empty()).then(|| merge_received(parts))
    }

    /// The delays of all that was received here, for the client, once it is over; empty before, and
    /// without any.
    pub fn told_delays(&mut self) -> &str {
        let is_done = self.state() == RunState::Done;
        let delays = self.streams.iter().filter_map(|stream| stream.delay.as_deref());
        if is_done && self.told_delays.is_none() {
            let whole = delays.cloned().reduce(|mut whole, delay| {
                whole.merge(&delay);
                whole
            });
            self.told_delays = Some(whole.map_or_else(String::new, |whole| whole.told()));
        }
        self.told_delays.as_deref().unwrap_or_default()
    }

    /// The outages of all that was received here, once every stream is over; `None` before, and if
    /// it only sends.
    pub fn outages(&self) -> Option<OutageLog> {
        let logs: Option<Vec<&OutageLog>> =
            self.up().map(|(_, stream)| stream.outages.as_deref()).collect();
        logs?.into_iter().cloned().reduce(|mut whole, log| {
            whole.merge(&log);
            whole
        })
    }

    /// What was received here of each class of sizes, of all streams together; empty where all are
    /// the same.
    pub fn sizes(&self) -> Vec<SizeAccount> {
        merge_sizes(self.up().map(|(_, stream)| stream.sizes.as_slice()))
    }

    /// What was received here, of each stream.
    pub fn received_streams(&self) -> impl Iterator<Item = StreamCounts> {
        self.up().map(|(_, stream)| StreamCounts::from(&stream.received))
    }

    /// What was sent from here, of all streams together, once they have ended; `None` before, or if
    /// it only receives.
    pub fn sent(&self) -> Option<BlastSent> {
        let sent: Vec<&BlastSent> =
            self.streams.iter().filter_map(|stream| stream.sent.as_deref()).collect();
        (!sent.is_empty()).then(|| merge_sent(sent))
    }

    /// What the first stream of one direction used, once it is over.
    pub fn io(&self, up: bool) -> Option<StreamIo> {
        let plan = self.plan;
        let mut streams = (0u32..).zip(&self.streams);
        streams.find_map(|(number, stream)| stream.io.filter(|_| plan.is_up(number) == up))
    }

    /// The streams received here.
    fn up(&self) -> impl Iterator<Item = (u32, &Stream)> {
        let plan = self.plan;
        (0u32..).zip(&self.streams).filter(move |(stream, _)| plan.is_up(*stream))
    }
}
