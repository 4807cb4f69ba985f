//! When to send to which port: a first pass over all ports at the full rate, and a slow one over
//! those that were silent, each alongside the remote agent's own port.

use super::{MOST_TRIES, PortsPlan};
use crate::stats::{LossSample, is_beyond_chance, tries_for_significance};
use crate::units::Nanos;

/// Maximum silent ports that are repeated, chosen at random.
const AGAIN_PORTS: usize = 64;
/// Duration of the second pass, and the bounds of the time between two of its datagrams.
const AGAIN_TIME: Nanos = Nanos::from_millis(1_500);
const AGAIN_GAPS: (Nanos, Nanos) = (Nanos::from_millis(4), Nanos::from_millis(40));
/// Maximum datagrams to the remote agent's own port per round.
const MOST_CONTROL: u64 = 16;

/// Target of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A tested port, by its track.
    Port(usize),
    /// The remote agent's own port, from the socket that also sends to the others.
    Control,
    /// The remote agent's own port, from a new socket.
    Fresh,
}

/// One datagram to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    /// Time since the start of the pass.
    pub at: Nanos,
    pub who: Who,
}

/// Datagrams to the remote agent's own port in each round: enough to tell silence from chance with
/// this number of tries on a path without loss.
pub(super) fn control_a_round(tries: u32, ports: usize) -> u64 {
    let tries = u64::from(tries);
    let tells = |control: u64| {
        is_beyond_chance(LossSample::new(tries, 0), LossSample::new(control, control), ports as u64)
    };
    // At most the 64 sequence numbers of a run.
    let most = MOST_CONTROL.min(u64::from(MOST_TRIES) / 2 / tries.max(1)).max(1);
    (1..=most).find(|a_round| tells(a_round * tries)).unwrap_or(most)
}

/// Every port once per round, with the remote agent's own port spread among them.
pub(super) fn first_pass(plan: &PortsPlan, order: &[usize], control: u64) -> Vec<Probe> {
    let of_round = plan.spacing.0.max(plan.gap.0 * (order.len() as u64 + control));
    let mut probes = Vec::new();
    for round in 0..u64::from(plan.tries) {
        let start = of_round * round;
        let ports = order.iter().enumerate().map(|(place, index)| Probe {
            at: Nanos(start + plan.gap.0 * place as u64),
            who: Who::Port(*index),
        });
        probes.extend(ports);
        let beside = (0..control).map(|number| Probe {
            at: Nanos(start + of_round * number / control),
            who: Who::Control,
        });
        probes.extend(beside);
    }
    probes.sort_by_key(|probe| probe.at);
    probes
}

/// Silent ports one after the other, with the remote agent's own in between from the established
/// and from a new flow; as often as needed to rule out chance with that control.
pub(super) fn again(silent: &[usize], tries: u32, control: LossSample, asked: u64) -> Vec<Probe> {
    let silent = &silent[..silent.len().min(AGAIN_PORTS)];
    let needed = tries_for_significance(control, asked).unwrap_or(u64::from(tries));
    let left = u64::from(MOST_TRIES.saturating_sub(tries));
    let rounds = needed.max(u64::from(tries)).min(left).min(u64::from(MOST_TRIES) / 2);
    if rounds == 0 {
        return Vec::new();
    }
    let mut who = Vec::new();
    for _ in 0..rounds {
        who.push(Who::Control);
        who.extend(silent.iter().map(|index| Who::Port(*index)));
        who.push(Who::Fresh);
    }
    let gap = Nanos(AGAIN_TIME.0 / who.len() as u64).clamp(AGAIN_GAPS.0, AGAIN_GAPS.1);
    let at = |place: usize| Nanos(gap.0 * place as u64);
    who.into_iter().enumerate().map(|(place, who)| Probe { at: at(place), who }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_is_enough_for_the_tries_or_as_much_as_there_may_be() {
        for (tries, ports, expected) in [(8, 1, 1), (8, 100, 3), (4, 10, 8), (1, 1, 16), (64, 1, 1)]
        {
            let control = control_a_round(tries, ports);
            assert_eq!(control, expected, "{tries} tries, {ports} ports");
        }
    }

    #[test]
    fn what_is_silent_is_asked_again_beside_both_flows_and_never_beyond_the_numbers_there_are() {
        let control = LossSample::new(16, 16);
        for (count, tries) in [(1, 8), (60, 8), (200, 4), (3, 64)] {
            let silent: Vec<usize> = (0..count).collect();
            let probes = again(&silent, tries, control, count as u64);
            let of = |who: Who| probes.iter().filter(|probe| probe.who == who).count();
            assert_eq!(of(Who::Fresh), of(Who::Control));
            assert_eq!(of(Who::Port(0)), of(Who::Control));
            assert!(of(Who::Port(0)) + tries as usize <= 64, "{count}");
            assert_eq!(of(Who::Port(AGAIN_PORTS)), 0);
        }
    }
}
