//! One client's session as the server keeps it, in bounded memory.

use crate::batch::RxMeta;
use crate::record::{BlastInterval, BlastReceived};
use crate::session::blast::TestPlan;
use crate::units::Nanos;
use crate::wire::Tag;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Replies kept for commands that come again.
const REMEMBERED: usize = 8;
/// Stretches kept: an hour of seconds; a client that never asks loses the rest, not the totals.
const INTERVALS: usize = 3_600;

/// One client's session.
#[derive(Debug)]
pub(super) struct ServerSession {
    /// The address of its control socket.
    pub client: SocketAddr,
    /// When it was last heard, by control or by data.
    pub heard: Nanos,
    /// The run that TEST asked for.
    pub run: Option<Run>,
    replies: VecDeque<(Tag, Vec<u8>)>,
}

/// A run from TEST on.
#[derive(Debug)]
pub(super) struct Run {
    pub plan: TestPlan,
    pub tag: u16,
    /// The DATA that waits for its socket: its tag, where it came from, and the reply to give.
    pub opening: Option<(Tag, RxMeta, Vec<u8>)>,
    pub opened: bool,
    pub received: BlastReceived,
    pub intervals: Vec<BlastInterval>,
    pub total_told: bool,
    pub end: Option<StreamEnd>,
}

/// What is known of a stream once it is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamEnd {
    pub rx: &'static str,
    pub buffer: u64,
}

impl ServerSession {
    pub fn new(client: SocketAddr, now: Nanos) -> Self {
        Self { client, heard: now, run: None, replies: VecDeque::with_capacity(REMEMBERED) }
    }

    /// The reply that a command was given before.
    pub fn answered(&self, tag: &Tag) -> Option<&[u8]> {
        self.replies.iter().find(|(known, _)| known == tag).map(|(_, reply)| reply.as_slice())
    }

    /// Keeps a reply for a command that comes again.
    pub fn remember(&mut self, tag: Tag, reply: Vec<u8>) {
        if self.replies.len() == REMEMBERED {
            self.replies.pop_front();
        }
        self.replies.push_back((tag, reply));
    }
}

impl Run {
    pub fn new(plan: TestPlan, tag: u16) -> Self {
        Self {
            plan,
            tag,
            opening: None,
            opened: false,
            received: BlastReceived::default(),
            intervals: Vec::new(),
            total_told: false,
            end: None,
        }
    }

    pub fn add_interval(&mut self, interval: BlastInterval) {
        if self.intervals.len() < INTERVALS {
            self.intervals.push(interval);
        }
    }
}
