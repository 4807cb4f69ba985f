//! Which flows lose more than others: what is looked at more closely, and what follows from it.
//!
//! The flows are sent in random order, round by round, so whatever loss the path has for all of
//! them falls on each alike. The screening sends few datagrams of every flow. Flows that lost some
//! are measured closely beside flows that lost none; the test ([`split_by_loss_among`]) counts what
//! was sent since they were chosen, and nothing that they were chosen for.

use super::PathsPlan;
use crate::stats::{LossSample, StreamGroups, StreamLoss, split_by_loss_among};

/// The logarithm of the odds from which a flow is assigned to the worse group: 1 in 10,000, over a
/// thousand flows.
const SURELY_WORSE: f64 = 16.2;
/// The same for the better group: 1 in 10,000, for each flow.
const SURELY_BETTER: f64 = 9.3;

/// Losses of a flow from which a closer look would have told it from the others.
const PLENTY: u64 = 30;

/// Datagrams without any loss after which a closer look is over.
const QUIET: u64 = 1_024;

/// Groups of flows by loss, as one of the tests of a run.
pub(super) fn split(losses: &[LossSample]) -> Option<StreamGroups> {
    // Each loss is an event of its own: no two datagrams of a flow leave together.
    let stream =
        |loss: &LossSample| StreamLoss { sent: loss.sent, lost: loss.lost, bursts: loss.lost };
    let streams: Vec<StreamLoss> = losses.iter().map(stream).collect();
    split_by_loss_among(&streams, 1, PathsPlan::TESTS)
}

/// The flows to measure closely: in each direction those that lost the most, and as controls some
/// that lost the least. Empty if nothing was lost. `losses` are those of each direction, by flow;
/// `order` has the flows to choose from, in random order.
pub(super) fn suspects(losses: &[Vec<LossSample>], order: &[usize]) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    for of_leg in losses {
        let mut lossy: Vec<usize> =
            order.iter().copied().filter(|flow| of_leg[*flow].lost > 0).collect();
        lossy.sort_by_key(|flow| std::cmp::Reverse(of_leg[*flow].lost));
        for flow in lossy.into_iter().take(PathsPlan::SUSPECTS) {
            if !chosen.contains(&flow) {
                chosen.push(flow);
            }
        }
    }
    if chosen.is_empty() {
        return chosen;
    }
    let lost = |flow: &usize| losses.iter().map(|of_leg| of_leg[*flow].lost).sum::<u64>();
    let mut others: Vec<usize> =
        order.iter().copied().filter(|flow| !chosen.contains(flow)).collect();
    others.sort_by_key(lost);
    chosen.extend(others.into_iter().take(PathsPlan::CONTROLS));
    chosen
}

/// Whether more datagrams of these flows would tell nothing new of a direction.
pub(super) fn is_settled(losses: &[LossSample]) -> bool {
    let all = losses.iter().fold(LossSample::default(), |sum, one| sum.with(*one));
    let plenty = losses.iter().all(|one| one.sent == 0 || one.lost >= PLENTY);
    split(losses).is_some() || plenty || (all.lost == 0 && all.sent >= QUIET)
}

/// Datagrams of each flow after which a group would be known, about: twenty losses of those that
/// lose; `None` if nothing was lost.
pub(super) fn needed(losses: &[LossSample]) -> Option<u64> {
    let all = losses.iter().fold(LossSample::default(), |sum, one| sum.with(*one));
    (all.lost > 0).then(|| 20 * all.sent / all.lost)
}

/// Both groups' shares of loss, by which other flows are assigned to one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    worse: f64,
    better: f64,
}

impl Shares {
    pub fn of(groups: &StreamGroups) -> Self {
        // The rule of succession, at half a loss: neither share is 0 or 1.
        let share = |loss: LossSample| (loss.lost as f64 + 0.5) / (loss.sent as f64 + 1.0);
        Self { worse: share(groups.worse_loss), better: share(groups.better_loss) }
    }

    /// Whether a flow belongs to the worse group; `None` if its losses do not tell.
    pub fn is_worse(self, loss: LossSample) -> Option<bool> {
        let arrived = loss.sent.saturating_sub(loss.lost) as f64;
        let lost = loss.lost as f64 * (self.worse / self.better).ln();
        let odds = lost + arrived * ((1.0 - self.worse) / (1.0 - self.better)).ln();
        match odds {
            _ if odds >= SURELY_WORSE => Some(true),
            _ if odds <= -SURELY_BETTER => Some(false),
            _ => None,
        }
    }

    /// Datagrams without a loss that tell a flow of the better group.
    pub fn needed(self) -> u64 {
        let each = ((1.0 - self.better) / (1.0 - self.worse)).ln();
        (SURELY_BETTER / each).ceil().clamp(1.0, 1e9) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(sent: u64, lost: u64) -> LossSample {
        LossSample { sent, lost }
    }

    #[test]
    fn lossy_flows_of_either_direction_are_chosen_beside_as_many_without_a_loss() {
        let mut losses = vec![vec![loss(8, 0); 64]; 2];
        losses[0][3] = loss(8, 2);
        losses[1][60] = loss(8, 1);
        let order: Vec<usize> = (0..64).rev().collect();
        let chosen = suspects(&losses, &order);
        assert_eq!(chosen[..2], [3, 60]);
        assert_eq!(chosen.len(), 2 + PathsPlan::CONTROLS);
        assert_eq!(suspects(&[vec![loss(8, 0); 64]], &order), [0; 0]);
    }

    /// The screening and the looks of a run whose flows all lose this share.
    fn is_anybody_accused(random: &mut fastrand::Rng, share: f64) -> bool {
        let mut send = |sent: u64| {
            let lost = (0..sent).filter(|_| random.f64() < share).count() as u64;
            LossSample { sent, lost }
        };
        let screening: Vec<LossSample> = (0..256).map(|_| send(8)).collect();
        if split(&screening).is_some() {
            return true;
        }
        let order: Vec<usize> = (0..256).collect();
        let close = suspects(&[screening], &order);
        let mut counts = vec![LossSample::default(); close.len()];
        for rounds in [16, 16, 32, 64, 128, 256] {
            for count in &mut counts {
                *count = count.with(send(rounds));
            }
            if split(&counts).is_some() {
                return true;
            }
        }
        false
    }

    #[test]
    fn runs_at_one_loss_rate_accuse_no_flow() {
        let mut random = fastrand::Rng::with_seed(19);
        for run in 0..crate::netsim::runs(300) as usize {
            let share = [0.0, 0.002, 0.01, 0.05, 0.2, 0.5][run % 6];
            assert!(!is_anybody_accused(&mut random, share), "run {run}, {share}");
        }
    }

    #[test]
    fn a_closer_look_ends_where_it_has_found_something_or_nothing() {
        assert!(!is_settled(&[loss(16, 0); 16]));
        assert!(is_settled(&[loss(64, 0); 16]));
        assert!(!is_settled(&[loss(64, 1); 16]));
        assert!(is_settled(&[loss(64, 30); 16]));
        let mut one = [loss(64, 0); 16];
        one[4] = loss(64, 20);
        assert!(is_settled(&one));
        assert_eq!(needed(&[loss(1_000, 10); 4]), Some(2_000));
        assert_eq!(needed(&[loss(1_000, 0)]), None);
    }

    #[test]
    fn other_flows_follow_the_group_that_their_losses_fit() {
        let groups =
            StreamGroups { worse: vec![0], worse_loss: loss(200, 40), better_loss: loss(2_000, 0) };
        let shares = Shares::of(&groups);
        let needed = shares.needed();
        assert!((35..50).contains(&needed), "{needed}");
        assert_eq!(shares.is_worse(loss(needed, 0)), Some(false));
        assert_eq!(shares.is_worse(loss(needed - 2, 0)), None);
        assert_eq!(shares.is_worse(loss(16, 3)), Some(true));
    }
}
