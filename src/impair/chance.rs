//! A probability as an integer.

use fastrand::Rng;

const BILLION: u32 = 1_000_000_000;

/// A probability in parts per billion, from never to always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self(0);
    /// It always happens.
    pub const ALWAYS: Self = Self(BILLION);

    /// So many in a billion; more than a billion is always.
    pub const fn per_billion(parts: u32) -> Self {
        Self(if parts > BILLION { BILLION } else { parts })
    }

    /// So many in a million; more than a million is always.
    pub const fn per_million(parts: u32) -> Self {
        Self::per_billion(parts.saturating_mul(1_000))
    }

    /// So many in a hundred; more than a hundred is always.
    pub const fn percent(parts: u32) -> Self {
        Self::per_billion(parts.saturating_mul(10_000_000))
    }

    /// `part` of `whole`, rounded to a billionth; a whole of 0 is never.
    pub const fn of(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::NEVER;
        }
        let (part, whole) = (part as u128, whole as u128);
        let parts = (part * BILLION as u128 + whole / 2) / whole;
        Self(if parts > BILLION as u128 { BILLION } else { parts as u32 })
    }

    /// Parts per billion, 0 to 1,000,000,000.
    pub const fn parts_per_billion(self) -> u32 {
        self.0
    }

    /// Whether it happens this time.
    pub fn draw(self, rng: &mut Rng) -> bool {
        match self.0 {
            0 => false,
            BILLION => true,
            parts => rng.u32(0..BILLION) < parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_happens_as_often_as_it_says() {
        let mut rng = Rng::with_seed(1);
        for (chance, expected) in [
            (Chance::NEVER, 0),
            (Chance::per_million(1_000), 1_000),
            (Chance::percent(30), 300_000),
            (Chance::of(1, 3), 333_333),
            (Chance::ALWAYS, 1_000_000),
        ] {
            let hits = (0..1_000_000).filter(|_| chance.draw(&mut rng)).count() as i64;
            // Four standard deviations of a million draws, at the most.
            assert!((hits - expected).abs() <= 2_000, "{chance:?}: {hits}");
        }
    }

    #[test]
    fn what_is_more_than_all_is_always() {
        assert_eq!(Chance::percent(500), Chance::ALWAYS);
        assert_eq!(Chance::per_million(u32::MAX), Chance::ALWAYS);
        assert_eq!(Chance::of(5, 2), Chance::ALWAYS);
        assert_eq!(Chance::of(5, 0), Chance::NEVER);
        assert_eq!(Chance::of(u64::MAX, u64::MAX), Chance::ALWAYS);
    }
}
