//! Replies waiting to be sent, in bounded memory and for a bounded time; an older reply is useless,
//! since the client has asked again.
//!
//! Replies delayed by a full socket buffer must not all leave at one instant long afterwards: they
//! may have been requested by forged sources in a victim's name.

use crate::batch::{Dest, RxMeta, SendOutcome, SendStop, TxBatch};
use crate::machine::Now;
use crate::units::Nanos;
use crate::wire::{Class, Echo};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Maximum replies waiting: more than the loop receives between two rounds of sending.
const WAITING: usize = 2_048;
/// Maximum bytes of probe answers waiting.
const WAITING_BYTES: usize = 4 << 20;
/// Maximum waiting time: by then the client has asked again.
const STALE: Nanos = Nanos::from_secs(1);
/// Buffers kept for reuse.
const SPARE: usize = 2_048;
/// Larger spare buffers are freed, since many of them would take much memory.
const SPARE_BYTES: usize = 2_048;

/// One reply in the queue.
#[derive(Debug)]
struct Waiting {
    dest: Dest,
    /// The protocol that wrote it: [`Class::Control`] for the dialogue.
    class: Class,
    bytes: Vec<u8>,
    since: Nanos,
}

/// The queue of replies.
#[derive(Debug, Default)]
pub(super) struct ReplyQueue {
    waiting: VecDeque<Waiting>,
    /// Bytes of everything waiting.
    bytes: usize,
    spare: Vec<Vec<u8>>,
    /// For each datagram of the current batch, in order: the protocol that wrote it, and since when
    /// it waits.
    leaving: Vec<(Class, Nanos)>,
    /// Answers to probes that waited too long.
    stale: Vec<(SocketAddr, Vec<u8>)>,
    now: Nanos,
}

impl ReplyQueue {
    /// Sets the current time.
    pub fn set_time(&mut self, now: Nanos) {
        self.now = now;
    }

    /// The next answer to a probe that was dropped for waiting too long; `None` if there are no
    /// more.
    pub fn next_stale(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.stale.pop()
    }

    /// Queues a reply of the dialogue to the sender of the datagram in `meta`.
    pub fn reply(&mut self, meta: &RxMeta, bytes: Vec<u8>) {
        self.send(Dest::back_to(meta), Class::Control, bytes);
    }

    /// Queues a reply to this destination; `class` is the protocol that wrote it.
    pub fn send(&mut self, dest: Dest, class: Class, bytes: Vec<u8>) {
        if !self.has_room() || bytes.is_empty() {
            return self.give_back(bytes);
        }
        self.bytes += bytes.len();
        self.waiting.push_back(Waiting { dest, class, bytes, since: self.now });
    }

    /// Whether there is room for one more.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < WAITING && self.bytes < WAITING_BYTES
    }

    /// An empty buffer for writing a reply.
    pub fn spare(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Returns an unused buffer.
    pub fn give_back(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < SPARE && bytes.capacity() <= SPARE_BYTES {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// Requeues what the kernel did not try because an earlier datagram of the batch was refused or
    /// the socket buffer was full. A refused datagram is dropped.
    pub fn put_back(&mut self, batch: &TxBatch, outcome: &SendOutcome) {
        let gone = match outcome.stop {
            None => return,
            Some(SendStop::Blocked) => 0,
            Some(SendStop::Refused { datagrams, .. }) => datagrams,
        };
        let left = batch.slots().iter().zip(&self.leaving).skip(outcome.accepted + gone).rev();
        for (slot, (class, since)) in left {
            let (Some(dest), bytes) = (batch.dest(slot.dest), batch.payload(slot)) else {
                continue;
            };
            self.bytes += bytes.len();
            // The reflector already finished this reply.
            let class = match class {
                Class::Measurement => Class::Measurement,
                _ => Class::Control,
            };
            let (dest, bytes, since) = (*dest, bytes.to_vec(), *since);
            self.waiting.push_front(Waiting { dest, class, bytes, since });
        }
    }

    /// Moves as many replies into the batch as fit; returns whether any are left. `departing` has
    /// the last word on a reply that a reflector wrote.
    pub fn drain_into(
        &mut self,
        now: Now,
        out: &mut TxBatch,
        mut departing: impl FnMut(Class, &Dest, &mut [u8]),
    ) -> bool {
        // Clients keep changing: their addresses must not accumulate in the batch.
        out.reset();
        self.leaving.clear();
        self.drop_stale();
        while let Some(next) = self.waiting.front_mut() {
            let id = out.add_dest(next.dest);
            let first = out.is_empty();
            match out.push(id, next.bytes.len()) {
                Some(slot) => {
                    slot.copy_from_slice(&next.bytes);
                    self.leaving.push((next.class, next.since));
                    if next.class == Class::Measurement {
                        Echo::set_left(slot, now.real);
                    } else if next.class != Class::Control {
                        departing(next.class, &next.dest, slot);
                    }
                }
                // A reply that fits no batch must not block the front forever.
                None if first => {}
                None => return true,
            }
            if let Some(sent) = self.waiting.pop_front() {
                self.bytes -= sent.bytes.len();
                self.give_back(sent.bytes);
            }
        }
        false
    }

    /// Drops replies that waited too long; the oldest are at the front.
    fn drop_stale(&mut self) {
        while let Some(old) = self.waiting.pop_front_if(|one| self.now - one.since > STALE) {
            self.bytes -= old.bytes.len();
            match old.class {
                Class::Measurement => self.stale.push((old.dest.addr, old.bytes)),
                _ => self.give_back(old.bytes),
            }
        }
    }
}
