//! What unicast did where a group was sent beside it (`cast send --compare`).

use serde::Serialize;

/// Datagrams of either below which nothing is said.
const ENOUGH: u64 = 50;

/// One receiver's losses of a group and of the unicast copies of the same numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FanoutCopy {
    /// Where its reports come from, and where the copies went to.
    pub receiver: String,
    /// Numbers of the group that did not come, since the copies began; over all of its groups.
    pub group_lost: u64,
    /// Numbers of the group that should have come since then.
    pub group_expected: u64,
    /// Copies that did not come.
    pub unicast_lost: u64,
    /// Copies that should have come.
    pub unicast_expected: u64,
    /// What that means.
    pub verdict: CopyVerdict,
}

/// What the losses of a group and of its copies mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyVerdict {
    /// Too few of one of them to say.
    #[default]
    TooFew,
    /// Both came whole.
    BothArrive,
    /// The group was lost and unicast was not: the switch, not the host.
    GroupLost,
    /// Unicast was lost and the group was not.
    UnicastLost,
    /// Both were lost alike: the path or the host.
    BothLost,
}

/// The verdict on (lost, expected) of the group and of unicast.
pub fn copy_verdict(group: (u64, u64), unicast: (u64, u64)) -> CopyVerdict {
    if group.1 < ENOUGH || unicast.1 < ENOUGH {
        return CopyVerdict::TooFew;
    }
    // Shares by their cross products. Four times as much is no chance once it is some ten.
    let mine = u128::from(group.0) * u128::from(unicast.1);
    let other = u128::from(unicast.0) * u128::from(group.1);
    match (group.0, unicast.0) {
        (0, 0) => CopyVerdict::BothArrive,
        (10.., _) if mine > 4 * other => CopyVerdict::GroupLost,
        (_, 10..) if other > 4 * mine => CopyVerdict::UnicastLost,
        (0..10, 0..10) => CopyVerdict::TooFew,
        _ => CopyVerdict::BothLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ((20, 40), (0, 1000), CopyVerdict::TooFew),
            ((1000, 1000), (0, 0), CopyVerdict::TooFew),
        ] {
            assert_eq!(copy_verdict(group, unicast), verdict, "{group:?} {unicast:?}");
        }
    }
}
