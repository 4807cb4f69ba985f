//! The table of targets, and when each is looked at next.

use super::addresses::Addresses;
use super::target::Target;
use super::{ListedTarget, MonitorPlan};
use crate::units::Nanos;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::ops::Range;

/// The golden section of 2^64: multiples of it are spread evenly, however many there are, so that
/// the targets' probes are, too.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The targets by number, and their order in time.
#[derive(Default)]
pub(super) struct Targets {
    slots: Vec<Option<Box<Target>>>,
    free: Vec<u32>,
    /// The slots in the order of the list.
    order: Vec<u32>,
    addresses: Addresses,
    /// When to look at which; an entry counts if its target still has that time.
    heap: BinaryHeap<Reverse<(Nanos, u32)>>,
    /// Targets so far, gone ones included.
    added: u64,
}

impl Targets {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// How many slots there are, free ones included.
    pub fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    pub fn get(&self, slot: u32) -> Option<&Target> {
        self.slots.get(slot as usize)?.as_deref()
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Target> {
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    /// All of them, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Target)> {
        self.order.iter().filter_map(|slot| Some((*slot, self.get(*slot)?)))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Target> {
        self.slots.iter_mut().filter_map(|slot| slot.as_deref_mut())
    }

    /// A target begins; its first probe is due within an interval.
    pub fn add(&mut self, listed: &ListedTarget, plan: &MonitorPlan, now: Nanos) -> u32 {
        let interval = plan.list.profiles[listed.profile].interval;
        let share = self.added.wrapping_mul(GOLDEN);
        let offset = (u128::from(share) * u128::from(interval.0)) >> 64;
        self.added += 1;
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        // Zero stands for none.
        let tag = (slot as u16).wrapping_add(plan.first_tag).max(1);
        let target = Target::new(listed, plan, tag, now + Nanos(offset as u64));
        if slot as usize == self.slots.len() {
            self.slots.push(None);
        }
        if let Some(address) = target.address {
            self.addresses.add(address, slot);
        }
        self.slots[slot as usize] = Some(Box::new(target));
        self.order.push(slot);
        self.wake_at(slot, now);
        slot
    }

    /// The list was read again: which slots are new, and which targets are gone.
    pub fn replace(
        &mut self,
        listed: &[ListedTarget],
        plan: &MonitorPlan,
        now: Nanos,
    ) -> (Vec<u32>, Vec<(u32, Box<Target>)>) {
        let mut known: HashMap<Box<str>, u32> =
            self.iter().map(|(slot, target)| (target.name.clone(), slot)).collect();
        let kept: Vec<Option<u32>> = listed.iter().map(|one| known.remove(&one.name)).collect();
        let mut gone = Vec::new();
        for slot in known.into_values() {
            if let Some(target) = self.slots[slot as usize].take() {
                for address in [target.address, target.left].into_iter().flatten() {
                    self.addresses.remove(address, slot);
                }
                gone.push((slot, target));
            }
        }
        gone.sort_unstable_by_key(|(slot, _)| *slot);
        self.order.clear();
        let mut added = Vec::new();
        for (one, slot) in listed.iter().zip(kept) {
            let Some(slot) = slot else {
                added.push(self.add(one, plan, now));
                continue;
            };
            self.order.push(slot);
            let Some(target) = self.get_mut(slot) else { continue };
            let before = (target.address, target.left);
            target.update(one, plan, now);
            self.moved(slot, before);
            self.wake_at(slot, now);
        }
        (added, gone)
    }

    /// The slot of a target that is gone may be used again.
    pub fn release(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// A target may have another address than these, the present one and that before.
    pub fn moved(&mut self, slot: u32, before: (Option<SocketAddr>, Option<SocketAddr>)) {
        let Some(target) = self.get(slot) else { return };
        let after = [target.address, target.left];
        if before.0 == after[0] {
            return;
        }
        for address in [before.0, before.1].into_iter().flatten() {
            self.addresses.remove(address, slot);
        }
        for address in after.into_iter().flatten() {
            self.addresses.add(address, slot);
        }
    }

    /// The places of the targets with this address; [`Targets::slot_at`] has their slots.
    pub fn places_of(&self, address: SocketAddr) -> Range<usize> {
        self.addresses.places_of(address)
    }

    pub fn slot_at(&self, place: usize) -> u32 {
        self.addresses.slot_at(place)
    }

    /// A target is to be looked at then.
    pub fn wake_at(&mut self, slot: u32, at: Nanos) {
        let Some(target) = self.get_mut(slot) else { return };
        if std::mem::replace(&mut target.wake, at) != at && at < Nanos::MAX {
            self.heap.push(Reverse((at, slot)));
        }
    }

    /// Removes the next target whose time it is.
    pub fn due(&mut self, now: Nanos) -> Option<u32> {
        while let Some(Reverse((at, slot))) = self.heap.peek().copied() {
            if at > now {
                return None;
            }
            self.heap.pop();
            if let Some(target) = self.get_mut(slot)
                && target.wake == at
            {
                target.wake = Nanos::MAX;
                return Some(slot);
            }
        }
        None
    }

    /// When the next one is to be looked at, at the earliest.
    pub fn next_at(&self) -> Nanos {
        self.heap.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at)
    }
}
