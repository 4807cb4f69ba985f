//! Answers that wait to be sent, in bounded memory and for a bounded time: beyond it an answer is as
//! good as lost, and whoever wants one asks again.
//!
//! What waited while a socket was full must not leave at one instant, long after it was asked for:
//! it may be what forged sources asked for in a victim's name.

use super::reflect::Reflectors;
use crate::batch::{Dest, RxMeta, SendOutcome, SendStop, TxBatch};
use crate::session::Now;
use crate::units::Nanos;
use crate::wire::{Class, Echo};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Answers that wait at most: more than the loop receives between two looks at what is to be sent.
const WAITING: usize = 2_048;
/// Bytes of probes' answers that wait at most.
const WAITING_BYTES: usize = 4 << 20;
/// How long one waits at most: whoever asked has asked again by then.
const STALE: Nanos = Nanos::from_secs(1);
/// Buffers kept for the answers to come.
const SPARE: usize = 2_048;
/// A spare buffer that is larger is not kept: many of them would be much memory.
const SPARE_BYTES: usize = 2_048;

/// One answer on its way.
#[derive(Debug)]
struct Waiting {
    dest: Dest,
    /// Who wrote it: [`Class::Control`] for the dialogue.
    class: Class,
    bytes: Vec<u8>,
    since: Nanos,
}

/// The queue of answers.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    /// Bytes of what waits.
    bytes: usize,
    spare: Vec<Vec<u8>>,
    /// Of what stands in the batch at hand, in its order: who wrote it, and since when it waits.
    leaving: Vec<(Class, Nanos)>,
    /// Answers of probes that waited too long.
    stale: Vec<(SocketAddr, Vec<u8>)>,
    now: Nanos,
}

impl Outbox {
    /// It is now so late.
    pub fn set_time(&mut self, now: Nanos) {
        self.now = now;
    }

    /// An answer of a probe that waited too long and is gone; `None` when there are no more.
    pub fn next_stale(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.stale.pop()
    }

    /// Queues a reply of the dialogue to whoever sent what `meta` tells of.
    pub fn reply(&mut self, meta: &RxMeta, bytes: Vec<u8>) {
        self.send(Dest::back_to(meta), Class::Control, bytes);
    }

    /// Queues an answer for this destination; `class` says who wrote it.
    pub fn send(&mut self, dest: Dest, class: Class, bytes: Vec<u8>) {
        if !self.has_room() || bytes.is_empty() {
            return self.give_back(bytes);
        }
        self.bytes += bytes.len();
        self.waiting.push_back(Waiting { dest, class, bytes, since: self.now });
    }

    /// Whether one more can wait.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < WAITING && self.bytes < WAITING_BYTES
    }

    /// An empty buffer to write an answer into.
    pub fn spare(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a buffer back that is not needed.
    pub fn give_back(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < SPARE && bytes.capacity() <= SPARE_BYTES {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// Puts back what the kernel was not even offered, as one datagram of the batch was refused or
    /// its socket was full; the one that was refused is gone.
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
            // A reflector has had its last look.
            let class = match class {
                Class::Measurement => Class::Measurement,
                _ => Class::Control,
            };
            let (dest, bytes, since) = (*dest, bytes.to_vec(), *since);
            self.waiting.push_front(Waiting { dest, class, bytes, since });
        }
    }

    /// Moves answers into the batch, as many as fit; whether any are left.
    pub fn drain_into(&mut self, now: Now, reflectors: &mut Reflectors, out: &mut TxBatch) -> bool {
        // Whoever asks is ever new: addresses must not pile up in the batch.
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
                        reflectors.departing(next.class, now, &next.dest, slot);
                    }
                }
                // One that no batch can hold must not stay at the front for ever.
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

    /// Drops what waited too long: the oldest stand first.
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
