//! Whether a loss can be chance: the one test by which a size, a port, a payload, a mark or an idle
//! time is judged to be blocked.
//!
//! The suspect (datagrams of the kind in question) is compared with a control (datagrams of kinds
//! that pass, sent over the same path at the same time). If both were lost at the same random rate,
//! the losses would be distributed between them like balls drawn from one urn: Fisher's exact test
//! gives the probability that as many or more of them hit the suspect. No loss rate has to be
//! assumed, and few samples give weak evidence by themselves. Losses in bursts are not independent:
//! spread the samples in time.

use statrs::distribution::{DiscreteCDF, Hypergeometric};

/// Chance is ruled out if its probability is below 1 in this number, over all tests of a run.
pub const ODDS: u64 = 10_000;
/// Most tries that [`tries_for_significance`] returns; a path that needs more is undecided.
const MOST_TRIES: u64 = 1_000;

/// Datagrams of one kind that were sent, and how many were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossSample {
    /// Datagrams sent, without duplicates.
    pub sent: u64,
    /// Datagrams of these that were lost; at most `sent`.
    pub lost: u64,
}

impl LossSample {
    /// A sample of `sent` datagrams of which `arrived` arrived, without duplicates.
    pub fn new(sent: u64, arrived: u64) -> Self {
        Self { sent, lost: sent.saturating_sub(arrived) }
    }

    /// Both samples combined.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, lost: self.lost + other.lost }
    }

    /// Loss in percent; `None` if nothing was sent.
    pub fn percent(self) -> Option<f64> {
        (self.sent > 0).then(|| self.lost as f64 * 100.0 / self.sent as f64)
    }
}

/// The probability, from 0 to 1, that by chance at least `suspect.lost` of all losses hit the
/// suspect, if each datagram of both samples was equally likely to be lost.
pub fn probability_of_chance(suspect: LossSample, control: LossSample) -> f64 {
    let all = suspect.with(control);
    if suspect.lost == 0 || suspect.sent == 0 {
        return 1.0;
    }
    match Hypergeometric::new(all.sent, all.lost, suspect.sent) {
        // `sf(x)` is the probability of more than x.
        Ok(urn) => urn.sf(suspect.lost - 1).clamp(0.0, 1.0),
        Err(_) => 1.0,
    }
}

/// Whether the suspect's losses exceed chance, if `asked` such tests are made in one run: the
/// probability is below 1 in [`ODDS`] over all of them (Bonferroni correction).
pub fn is_beyond_chance(suspect: LossSample, control: LossSample, asked: u64) -> bool {
    probability_of_chance(suspect, control) * (asked.max(1) as f64) < 1.0 / ODDS as f64
}

/// How many datagrams of a suspect must all be lost before [`is_beyond_chance`] holds against this
/// control; `None` if up to 1,000 are not enough: the control is too small or the path loses too
/// much, and the result is undecided.
pub fn tries_for_significance(control: LossSample, asked: u64) -> Option<u64> {
    let enough = |tries: &u64| is_beyond_chance(LossSample::new(*tries, 0), control, asked);
    // More tries, all lost, only make chance less likely.
    let mut most = 1;
    while !enough(&most) {
        most *= 2;
        if most > MOST_TRIES {
            return None;
        }
    }
    (most / 2 + 1..=most).find(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: LossSample = LossSample { sent: 60, lost: 0 };

    /// The same probability by enumerating all distributions of the losses.
    fn by_enumeration(suspect: LossSample, control: LossSample) -> f64 {
        let (sent, lost) = (suspect.sent + control.sent, suspect.lost + control.lost);
        let (mut all, mut as_many) = (0_u64, 0_u64);
        for fate in 0_u64..1 << sent {
            if u64::from(fate.count_ones()) == lost {
                let on_suspect = (fate & ((1 << suspect.sent) - 1)).count_ones();
                all += 1;
                as_many += u64::from(u64::from(on_suspect) >= suspect.lost);
            }
        }
        as_many as f64 / all as f64
    }

    #[test]
    fn the_probability_is_that_of_all_ways_counted_one_by_one() {
        for (sent, lost, others, others_lost) in
            [(3, 3, 9, 0), (3, 2, 9, 4), (5, 5, 8, 1), (4, 1, 10, 7), (6, 6, 10, 5), (1, 1, 1, 0)]
        {
            let suspect = LossSample { sent, lost };
            let control = LossSample { sent: others, lost: others_lost };
            let (fast, slow) =
                (probability_of_chance(suspect, control), by_enumeration(suspect, control));
            assert!((fast - slow).abs() < 1e-9, "{suspect:?} {control:?}: {fast}, not {slow}");
        }
    }

    #[test]
    fn three_lost_tries_beside_a_lossy_control_are_chance() {
        let control = LossSample { sent: 60, lost: 18 };
        assert!(!is_beyond_chance(LossSample::new(3, 0), control, 1));
        assert!(is_beyond_chance(LossSample::new(12, 0), control, 1));
        // Many tests make a rare accident likely.
        assert!(!is_beyond_chance(LossSample::new(9, 0), control, 100));
    }

    #[test]
    fn nothing_lost_or_nothing_sent_accuses_nobody() {
        assert!(!is_beyond_chance(LossSample::default(), CLEAN, 1));
        assert!(!is_beyond_chance(LossSample::new(9, 9), CLEAN, 1));
        assert!(!is_beyond_chance(LossSample::new(9, 0), LossSample::default(), 1));
        assert!(!is_beyond_chance(LossSample::new(9, 0), LossSample { sent: 20, lost: 20 }, 1));
    }

    #[test]
    fn the_tries_that_are_needed_are_the_fewest_that_tell() {
        for control in
            [CLEAN, LossSample { sent: 60, lost: 6 }, LossSample { sent: 200, lost: 100 }]
        {
            let tries = tries_for_significance(control, 20).unwrap();
            assert!(is_beyond_chance(LossSample::new(tries, 0), control, 20), "{control:?}");
            assert!(!is_beyond_chance(LossSample::new(tries - 1, 0), control, 20), "{control:?}");
        }
        assert_eq!(tries_for_significance(LossSample { sent: 60, lost: 60 }, 1), None);
        assert_eq!(tries_for_significance(LossSample { sent: 2, lost: 0 }, 1), Some(140));
    }

    #[test]
    fn a_thousand_clean_suspects_on_a_lossy_path_are_never_accused() {
        let mut random = fastrand::Rng::with_seed(15);
        for share in [0.01, 0.05, 0.1, 0.3, 0.5] {
            for run in 0..1_000 {
                let mut draw = |sent: u64| {
                    let lost = (0..sent).filter(|_| random.f64() < share).count() as u64;
                    LossSample { sent, lost }
                };
                let control = draw(60);
                let tries = tries_for_significance(control, 20).unwrap_or(20).min(20);
                let suspect = draw(tries);
                assert!(!is_beyond_chance(suspect, control, 20), "share {share}, run {run}");
            }
        }
    }
}
