//! Datagrams whose bits change on the way.

use super::Chance;
use fastrand::Rng;

/// How often a bit of a datagram changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corruption {
    /// The share of datagrams in which one bit is flipped.
    pub share: Chance,
}

/// The bit that is flipped, of a datagram whose length need not be known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip(u64);

impl Corruption {
    /// The bit that is flipped in the next datagram, if one is.
    pub(super) fn draw(self, rng: &mut Rng) -> Option<Flip> {
        self.share.draw(rng).then(|| Flip(rng.u64(..)))
    }
}

impl Flip {
    /// Flips one bit of the payload; an empty one has none.
    pub fn apply(self, payload: &mut [u8]) {
        let bits = payload.len() as u64 * 8;
        if bits > 0 {
            let bit = self.0 % bits;
            payload[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_is_flipped_and_each_bit_as_often_as_another() {
        let mut rng = Rng::with_seed(5);
        let always = Corruption { share: Chance::ALWAYS };
        let mut flipped = [0_u32; 64];
        for _ in 0..64_000 {
            let mut payload = [0_u8; 8];
            always.draw(&mut rng).expect("always").apply(&mut payload);
            let bits = u64::from_le_bytes(payload);
            assert_eq!(bits.count_ones(), 1);
            flipped[bits.trailing_zeros() as usize] += 1;
        }
        assert!(flipped.iter().all(|times| (850..1_150).contains(times)), "{flipped:?}");
        Flip(9).apply(&mut []);
    }

    #[test]
    fn as_many_datagrams_as_asked_for_are_changed() {
        let mut rng = Rng::with_seed(5);
        let some = Corruption { share: Chance::percent(10) };
        let changed = (0..10_000).filter(|_| some.draw(&mut rng).is_some()).count();
        assert!((900..1_100).contains(&changed), "{changed}");
    }
}
