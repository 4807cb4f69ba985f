//! One client as the server keeps it: how far its control connection has come, and its test.

use super::admission::Asked;
use crate::record::{BlastReceived, BlastSent, Iperf3Stage, LocalFailure};
use crate::session::blast::{Direction, merge_received, merge_sent};
use crate::session::iperf3::inbox::Inbox;
use crate::session::iperf3::results::{Length, Processor};
use crate::session::serve::RunResources;
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use crate::wire::iperf3::Iperf3Version;
use std::net::SocketAddr;

/// How far a control connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The cookie is awaited.
    Cookie,
    /// The parameters are awaited.
    Parameters,
    /// The test can be had, and waits for its turn to open its streams.
    Waiting,
    /// User and password were not accepted, which the client learns after a while; until then it
    /// has its place.
    Rejected,
    /// The same of a client that has closed the connection.
    RejectedAndGone,
    /// A test was granted.
    Test(Iperf3Stage),
}

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    pub address: SocketAddr,
    pub state: State,
    /// When it connected.
    pub since: Nanos,
    /// When the state began.
    pub entered: Nanos,
    /// When the state is given up.
    pub until: Nanos,
    pub inbox: Inbox,
    /// Its version, once it has given it.
    pub version: Iperf3Version,
    pub test: Option<Test>,
}

impl Client {
    /// A client that has just connected, and has so long to send its cookie.
    pub fn new(address: SocketAddr, now: Nanos, patience: Nanos) -> Self {
        Self {
            address,
            state: State::Cookie,
            since: now,
            entered: now,
            until: now + patience,
            inbox: Inbox::default(),
            version: Iperf3Version::default(),
            test: None,
        }
    }

    /// The next state, which is given up after `patience`.
    pub fn enter(&mut self, state: State, now: Nanos, patience: Nanos) {
        self.state = state;
        (self.entered, self.until) = (now, now + patience);
    }

    pub fn is_at(&self, stage: Iperf3Stage) -> bool {
        self.state == State::Test(stage)
    }

    /// Streams that its test has or may still open.
    pub fn streams(&self) -> u64 {
        self.test.as_ref().map_or(0, |test| test.streams.len() as u64)
    }

    /// Maximum bytes that its test may take.
    pub fn memory(&self) -> u64 {
        self.test.as_ref().map_or(0, |test| test.room.memory)
    }
}

/// A test that can be had.
#[derive(Debug)]
pub(super) struct Test {
    pub asked: Asked,
    pub room: RunResources,
    /// All streams, those that the client sends first.
    pub streams: Vec<Stream>,
    /// When data began to flow.
    pub begun: Nanos,
    pub length: Length,
    pub cpu: Option<Processor>,
}

/// A stream of a test.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The client's address; `None` until it has greeted.
    pub peer: Option<SocketAddr>,
    pub opened: bool,
    pub ended: bool,
    /// Datagrams that the client says it has sent.
    pub told: Option<u64>,
    /// Of these, those of the omitted time; `None` if it does not say (before 3.14).
    pub told_omitted: Option<u64>,
    /// Datagrams sent in the omitted time.
    pub omitted: u64,
    /// Datagrams that it has sent so far, where that is told.
    pub sending: u64,
    pub sent: Option<Box<BlastSent>>,
    pub received: BlastReceived,
    pub delay: Option<Box<DelayHistogram>>,
    pub failure: Option<LocalFailure>,
}

impl Test {
    pub fn new(asked: Asked, room: RunResources) -> Self {
        let streams = (0..asked.plan.all_streams()).map(|_| Stream::default()).collect();
        let length = Length { omitted: asked.omit, counted: Nanos::ZERO };
        Self { asked, room, streams, begun: Nanos::ZERO, length, cpu: None }
    }

    /// The streams that the client sends, with their numbers.
    pub fn up(&self) -> impl Iterator<Item = (u32, &Stream)> {
        let plan = self.asked.plan;
        (0u32..).zip(&self.streams).filter(move |(stream, _)| plan.is_up(*stream))
    }

    /// The stream that the next greeting opens.
    pub fn next_stream(&self) -> Option<u32> {
        let next = self.streams.iter().position(|stream| stream.peer.is_none())?;
        u32::try_from(next).ok()
    }

    /// Streams that are open now.
    pub fn open_streams(&self) -> usize {
        self.streams.iter().filter(|stream| stream.opened && !stream.ended).count()
    }

    pub fn has_opened_all(&self) -> bool {
        self.streams.iter().all(|stream| stream.opened)
    }

    pub fn has_ended(&self) -> bool {
        self.streams.iter().all(|stream| stream.ended)
    }

    pub fn has_failed(&self) -> bool {
        self.streams.iter().any(|stream| stream.failure.is_some())
    }

    /// What was received, of all streams together; `None` if the client does not send.
    pub fn received(&self) -> Option<BlastReceived> {
        let sends = self.asked.plan.direction != Direction::Down;
        let parts = self.up().map(|(_, stream)| (&stream.received, stream.delay.as_deref()));
        sends.then(|| merge_received(parts))
    }

    /// What was sent, likewise; `None` if this end does not send, or nothing is known.
    pub fn sent(&self) -> Option<BlastSent> {
        let sent: Vec<_> =
            self.streams.iter().filter_map(|stream| stream.sent.as_deref()).collect();
        (!sent.is_empty()).then(|| merge_sent(sent))
    }
}
