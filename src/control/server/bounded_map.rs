//! A map bounded in size and in time that forgets old entries without scanning itself.

use crate::units::Nanos;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// Two generations. An entry that is looked up moves to the young one; when that is full, or half
/// the time has passed, it becomes the old one and the previous old one is dropped. So an entry in
/// use outlives all unused ones, and each insertion costs constant time even in a flood.
#[derive(Debug)]
pub(crate) struct BoundedMap<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
    turn: Nanos,
    turned: Nanos,
}

impl<K: Copy + Eq + Hash, V> BoundedMap<K, V> {
    /// Holds at most `most` entries; an entry not looked up is dropped after `silence` to twice
    /// `silence`.
    pub fn new(most: usize, silence: Nanos) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most: (most / 2).max(1),
            turn: silence,
            turned: Nanos::ZERO,
        }
    }

    /// The entry for `key`, created if missing.
    pub fn entry(&mut self, now: Nanos, key: K, new: impl FnOnce() -> V) -> &mut V {
        self.forget(now);
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_else(new);
            if self.young.len() >= self.most {
                self.turn_over(now);
            }
            return self.young.entry(key).or_insert(value);
        }
        self.young.entry(key).or_insert_with(new)
    }

    /// The entry for `key`, if there is one.
    pub fn find(&mut self, key: &K) -> Option<&mut V> {
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }

    /// Drops entries that were not looked up for too long.
    pub fn forget(&mut self, now: Nanos) {
        if now - self.turned >= self.turn {
            self.turn_over(now);
        }
    }

    /// Number of entries.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    fn turn_over(&mut self, now: Nanos) {
        self.turned = now;
        // Reuses the allocation of the dropped generation.
        self.old.clear();
        mem::swap(&mut self.young, &mut self.old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Nanos = Nanos(100);

    #[test]
    fn an_entry_that_is_used_outlives_a_flood_of_others() {
        let mut map = BoundedMap::new(64, SILENCE);
        *map.entry(Nanos(1), 0, || 0) = 7;
        for key in 1..10_000 {
            map.entry(Nanos(1), key, || 0);
            if key % 16 == 0 {
                assert_eq!(*map.entry(Nanos(1), 0, || 0), 7);
            }
            assert!(map.len() <= 64, "{}", map.len());
        }
        assert!(map.find(&1).is_none());
    }

    #[test]
    fn silence_is_forgotten_after_once_to_twice_its_time() {
        let mut map = BoundedMap::new(64, SILENCE);
        map.forget(Nanos(1000));
        map.entry(Nanos(1001), 'a', || 1);
        map.forget(Nanos(1100));
        assert!(map.find(&'a').is_some());
        map.forget(Nanos(1199));
        assert!(map.find(&'a').is_some());
        map.forget(Nanos(1200));
        assert!(map.find(&'a').is_none());
    }
}
