//! The key that clients need: the one of now, and those of sessions from before a reload.

use crate::wire::ControlKey;
use crate::wire::stamp::StampKey;

/// The keys of a server. A reload begins a generation: new clients need its key, and a session
/// goes on with the one by which it was opened.
#[derive(Debug, Default)]
pub(super) struct ServerKeys {
    current: Option<ControlKey>,
    generation: u32,
    /// Those before, as long as a session needs them.
    earlier: Vec<(u32, ControlKey)>,
}

impl ServerKeys {
    /// The first generation; `None` for a server that needs no key.
    pub fn new(key: Option<ControlKey>) -> Self {
        Self { current: key, ..Self::default() }
    }

    /// Whether clients need a key.
    pub fn is_required(&self) -> bool {
        self.current.is_some()
    }

    /// The generation of a session that is opened now.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The key of a generation; `None` without one.
    pub fn of(&self, generation: u32) -> Option<&ControlKey> {
        let earlier = self.earlier.iter().find(|(number, _)| *number == generation);
        earlier.map(|(_, key)| key).or(self.current.as_ref())
    }

    /// The keys of sessions from before, with their generations.
    pub fn earlier(&self) -> impl Iterator<Item = (u32, &ControlKey)> {
        self.earlier.iter().map(|(generation, key)| (*generation, key))
    }

    /// Begins a generation, if the key is another one.
    pub fn replace(&mut self, key: Option<ControlKey>) {
        if key == self.current {
            return;
        }
        self.earlier.extend(self.current.take().map(|key| (self.generation, key)));
        self.generation += 1;
        self.current = key;
    }

    /// Forgets the earlier keys that no session needs; whether there were any.
    pub fn forget(&mut self, needs: impl Fn(u32) -> bool) -> bool {
        let before = self.earlier.len();
        self.earlier.retain(|(generation, _)| needs(*generation));
        self.earlier.len() < before
    }

    /// The keys of STAMP's authenticated mode, that of new clients first.
    pub fn stamp(&self) -> Vec<StampKey> {
        let earlier = self.earlier.iter().map(|(_, key)| key);
        self.current.iter().chain(earlier).map(ControlKey::stamp).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_keeps_its_key_as_long_as_it_lasts() {
        let key = |letter: u8| ControlKey::new(&[letter; 16]).ok();
        let mut keys = ServerKeys::new(key(b'a'));
        let first = keys.generation();
        keys.replace(key(b'a'));
        assert_eq!((keys.generation(), keys.stamp().len()), (first, 1), "the same key");
        keys.replace(key(b'b'));
        let second = keys.generation();
        assert_eq!(keys.of(first), key(b'a').as_ref());
        assert_eq!(keys.of(second), key(b'b').as_ref());
        assert_eq!(keys.stamp().len(), 2);
        assert!(!keys.forget(|generation| generation == first));
        assert!(keys.forget(|generation| generation == second));
        assert_eq!(keys.of(first), key(b'b').as_ref());
        assert_eq!(keys.stamp().len(), 1);
    }
}
