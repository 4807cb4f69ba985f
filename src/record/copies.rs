//! Comparison of multicast with unicast copies sent in parallel (`cast send --compare`).

use super::finding::one;
use crate::stats::{LossSample, is_beyond_chance};
use serde::Serialize;

/// Fewest datagrams of either kind for a verdict.
const ENOUGH: u64 = 50;

/// One receiver's losses of multicast and of the unicast copies of the same numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FanoutCopy {
    /// Source of its reports, and destination of the copies.
    pub receiver: String,
    /// Multicast datagrams lost since the copies began; over all of its groups.
    pub group_lost: u64,
    /// Multicast datagrams expected since then.
    pub group_expected: u64,
    /// Unicast copies lost.
    pub unicast_lost: u64,
    /// Unicast copies expected.
    pub unicast_expected: u64,
    /// The verdict.
    #[serde(serialize_with = "one")]
    #[cfg_attr(test, schemars(with = "crate::record::schema::Told<CopyVerdict>"))]
    pub verdict: CopyVerdict,
}

/// What the losses of multicast and of its unicast copies mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CopyVerdict {
    /// Too few datagrams of one kind.
    #[default]
    TooFew,
    /// Nothing was lost.
    BothArrive,
    /// Multicast was lost and unicast was not: the cause is the switch, not the host.
    GroupLost,
    /// Unicast was lost and multicast was not.
    UnicastLost,
    /// Both were lost similarly: the path or the host.
    BothLost,
}

/// The verdict on losses of multicast and its unicast copies, for one of `receivers` being
/// compared: a loss is attributed to one kind only if it is much larger than the other's, and
/// chance is ruled out.
pub fn copy_verdict(group: LossSample, unicast: LossSample, receivers: u64) -> CopyVerdict {
    if group.sent < ENOUGH || unicast.sent < ENOUGH {
        return CopyVerdict::TooFew;
    }
    // Shares compared by cross products. Losses in bursts are not independent, so a factor of four
    // is required.
    let mine = u128::from(group.lost) * u128::from(unicast.sent);
    let other = u128::from(unicast.lost) * u128::from(group.sent);
    let asked = receivers.saturating_mul(2);
    if mine > 4 * other && is_beyond_chance(group, unicast, asked) {
        return CopyVerdict::GroupLost;
    }
    if other > 4 * mine && is_beyond_chance(unicast, group, asked) {
        return CopyVerdict::UnicastLost;
    }
    match (group.lost, unicast.lost) {
        (0, 0) => CopyVerdict::BothArrive,
        // Too few datagrams on either side allow no comparison.
        (0..10, 0..10) | (0, _) | (_, 0) => CopyVerdict::TooFew,
        _ => CopyVerdict::BothLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict_of(group: (u64, u64), unicast: (u64, u64)) -> CopyVerdict {
        let sample = |(lost, sent)| LossSample { sent, lost };
        copy_verdict(sample(group), sample(unicast), 3)
    }

    #[test]
    fn the_group_alone_lost_is_told_from_both_and_from_chance() {
        for (group, unicast, verdict) in [
            ((0, 1000), (0, 1000), CopyVerdict::BothArrive),
            ((100, 1000), (0, 900), CopyVerdict::GroupLost),
            ((1000, 1000), (1, 1000), CopyVerdict::GroupLost),
            ((100, 1000), (95, 1000), CopyVerdict::BothLost),
            ((100, 1000), (30, 1000), CopyVerdict::BothLost),
            ((0, 1000), (50, 1000), CopyVerdict::UnicastLost),
            ((3, 1000), (0, 1000), CopyVerdict::TooFew),
            ((12, 1000), (0, 1000), CopyVerdict::TooFew),
            ((20, 40), (0, 1000), CopyVerdict::TooFew),
            ((1000, 1000), (0, 0), CopyVerdict::TooFew),
            ((0, 0), (0, 0), CopyVerdict::TooFew),
        ] {
            assert_eq!(verdict_of(group, unicast), verdict, "{group:?} {unicast:?}");
        }
    }

    #[test]
    fn a_path_that_loses_both_alike_accuses_neither() {
        for share in [0.0, 0.01, 0.05, 0.1, 0.3, 0.5] {
            let mut random = fastrand::Rng::with_seed(6);
            for run in 0..1_000 {
                let mut draw = |sent: u64| {
                    let lost = (0..sent).filter(|_| random.f64() < share).count() as u64;
                    (lost, sent)
                };
                let sent = 50 + run % 200;
                let verdict = verdict_of(draw(sent), draw(sent));
                assert!(
                    !matches!(verdict, CopyVerdict::GroupLost | CopyVerdict::UnicastLost),
                    "share {share}, run {run}: {verdict:?}"
                );
            }
        }
    }
}
