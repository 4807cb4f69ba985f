//! Answers that wait to be sent, in bounded memory: beyond it an answer is as good as lost, and
//! whoever wants one asks again.

use super::reflect::Reflectors;
use crate::batch::{Dest, RxMeta, SendOutcome, SendStop, TxBatch};
use crate::session::Now;
use crate::wire::{Class, Echo};
use std::collections::VecDeque;

/// Answers that wait at most: more than the loop receives between two looks at what is to be sent.
const WAITING: usize = 2_048;
/// Bytes of probes' answers that wait at most.
const WAITING_BYTES: usize = 4 << 20;
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
}

/// The queue of answers.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    /// Bytes of what waits.
    bytes: usize,
    spare: Vec<Vec<u8>>,
}

impl Outbox {
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
        self.waiting.push_back(Waiting { dest, class, bytes });
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
        let left = batch.slots().iter().skip(outcome.accepted + gone).rev();
        for (dest, bytes) in
            left.filter_map(|slot| Some((batch.dest(slot.dest)?, batch.payload(slot))))
        {
            self.bytes += bytes.len();
            let class =
                if Echo::decode(bytes).is_some() { Class::Measurement } else { Class::Control };
            self.waiting.push_front(Waiting { dest: *dest, class, bytes: bytes.to_vec() });
        }
    }

    /// Moves answers into the batch, as many as fit; whether any are left.
    pub fn drain_into(&mut self, now: Now, reflectors: &mut Reflectors, out: &mut TxBatch) -> bool {
        // Whoever asks is ever new: addresses must not pile up in the batch.
        out.reset();
        while let Some(next) = self.waiting.front_mut() {
            let id = out.add_dest(next.dest);
            let first = out.is_empty();
            match out.push(id, next.bytes.len()) {
                Some(slot) => {
                    slot.copy_from_slice(&next.bytes);
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
}
