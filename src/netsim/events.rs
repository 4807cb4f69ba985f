//! What happens on a path in the midst of a run: up to five events, drawn from a seed.

use super::Forgotten;
use super::faults::{Fault, Middlebox, Weather};
use crate::units::Nanos;
use fastrand::Rng;
use std::ops::Range;

/// Events of a run, at most.
const MOST: usize = 5;

/// In which time after the first moment they begin.
const SPAN: Nanos = Nanos::from_secs(4);

/// How long one lasts: less than what makes anybody give up.
const LASTS: Range<Nanos> = Nanos::from_millis(20)..Nanos::from_millis(700);

/// Something that happens to a path or a host at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The near host stands still.
    NearStandstill,
    /// The far host stands still.
    FarStandstill,
    /// Nothing passes, either way.
    Blackout,
    /// The firewall refuses all that leaves, and says so by ICMP.
    Refusal,
    /// The NAT has forgotten all, and gives other ports; or the firewall is loaded anew.
    Restart,
    /// The NAT has another address outside, as where a host changes networks.
    AnotherAddress,
    /// The NAT or firewall has forgotten one of the near host's sockets.
    OneForgotten,
    /// The near host's interface is down.
    InterfaceDown,
}

impl Event {
    const ALL: [Self; 8] = [
        Self::NearStandstill,
        Self::FarStandstill,
        Self::Blackout,
        Self::Refusal,
        Self::Restart,
        Self::AnotherAddress,
        Self::OneForgotten,
        Self::InterfaceDown,
    ];
}

impl Weather {
    /// A clean path behind a NAT or a firewall, with one to five events from `begin` on.
    pub fn eventful(seed: u64, begin: Nanos) -> Self {
        let mut rng = Rng::with_seed(seed);
        let is_nat = rng.bool();
        let middlebox = if is_nat { Middlebox::Nat } else { Middlebox::Firewall(Nanos::MAX) };
        let mut weather = Self { middlebox: Some(middlebox), ..Fault::Clean.weather() };
        for _ in 0..rng.usize(1..=MOST) {
            let at = Nanos(begin.0 + rng.u64(0..SPAN.0));
            let lasts = at..Nanos(at.0 + rng.u64(LASTS.start.0..LASTS.end.0));
            match Event::ALL[rng.usize(0..Event::ALL.len())] {
                Event::NearStandstill => weather.near_standstills.push(lasts),
                Event::FarStandstill => weather.far_standstills.push(lasts),
                Event::Refusal => weather.refusals.push(lasts),
                Event::Blackout => weather.blackouts.push(lasts),
                Event::InterfaceDown => weather.downs.push(lasts),
                Event::AnotherAddress if is_nat => weather.losses.push((at, Forgotten::Address)),
                Event::Restart | Event::AnotherAddress => {
                    weather.losses.push((at, Forgotten::All));
                }
                Event::OneForgotten => weather.losses.push((at, Forgotten::One)),
            }
        }
        weather
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(weather: &Weather) -> [usize; 8] {
        let Weather { near_standstills, far_standstills, blackouts, refusals, downs, .. } = weather;
        let lists = [near_standstills, far_standstills, blackouts, refusals, downs].map(Vec::len);
        let forgotten = [Forgotten::All, Forgotten::Address, Forgotten::One]
            .map(|which| weather.losses.iter().filter(|(_, what)| *what == which).count());
        let mut all = [0; 8];
        all.iter_mut().zip(lists.into_iter().chain(forgotten)).for_each(|(to, of)| *to = of);
        all
    }

    #[test]
    fn every_event_comes_one_to_five_a_run_and_the_same_for_a_seed() {
        let begin = Nanos::from_secs(1);
        let mut sums = [0; 8];
        for seed in 0..400 {
            let weather = Weather::eventful(seed, begin);
            let counts = counts(&weather);
            assert!((1..=MOST).contains(&counts.iter().sum()), "{counts:?}");
            let again = Weather::eventful(seed, begin);
            assert_eq!(format!("{weather:?}"), format!("{again:?}"));
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        assert!(sums.iter().all(|sum| *sum > 30), "{sums:?}");
    }
}
