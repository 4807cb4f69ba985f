//! Answers that wait to be sent, in bounded memory: beyond it an answer is as good as lost, and
//! whoever wants one asks again.

use super::reflect::Reflectors;
use crate::batch::{Dest, RxMeta, TxBatch};
use crate::session::Now;
use crate::wire::Class;
use std::collections::VecDeque;

/// Answers that wait at most: more than the loop receives between two looks at what is to be sent.
const WAITING: usize = 2_048;
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
    spare: Vec<Vec<u8>>,
}

impl Outbox {
    /// Queues a reply of the dialogue to whoever sent what `meta` tells of.
    pub fn reply(&mut self, meta: &RxMeta, bytes: Vec<u8>) {
        self.push(Dest::back_to(meta), Class::Control, bytes);
    }

    /// Queues an answer; `class` says who wrote it.
    pub fn push(&mut self, dest: Dest, class: Class, bytes: Vec<u8>) {
        if self.waiting.len() == WAITING || bytes.is_empty() {
            return self.give_back(bytes);
        }
        self.waiting.push_back(Waiting { dest, class, bytes });
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
                    if next.class != Class::Control {
                        reflectors.departing(next.class, now, &next.dest, slot);
                    }
                }
                // One that no batch can hold must not stay at the front for ever.
                None if first => {}
                None => return true,
            }
            if let Some(sent) = self.waiting.pop_front() {
                self.give_back(sent.bytes);
            }
        }
        false
    }
}
