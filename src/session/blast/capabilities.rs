//! What a server can do beside what every version of it can, as its greeting says.

use super::ecn_params::Marking;
use super::plan::TestPlan;
use crate::record::RunFailure;
use crate::wire::Params;

/// The parameter of the greeting, with names separated by commas.
pub const CAPABILITIES: &str = "can";
/// Senders that search for their rate.
const CAPACITY: &str = "capacity";
/// Streams that are marked differently, and counts of marks.
const ECN: &str = "ecn";
/// Streams whose datagrams differ in size.
const SIZES: &str = "sizes";
/// What this version can do.
pub const ALL_CAPABILITIES: [&str; 3] = [CAPACITY, ECN, SIZES];

/// What a run needs that a server with this greeting cannot do; `None` if it can do all.
pub(super) fn beyond(plan: &TestPlan, greeting: &Params) -> Option<RunFailure> {
    let known = greeting.get(CAPABILITIES).unwrap_or_default();
    let lacks = |needed: bool, name: &str| needed && !known.split(',').any(|one| one == name);
    let needs = [
        (plan.sizes.is_some(), SIZES, RunFailure::SizesUnknown),
        (plan.capacity.is_some(), CAPACITY, RunFailure::NoCapacitySearch),
        (plan.marking == Marking::EachItsOwn, ECN, RunFailure::NoEcnComparison),
    ];
    needs.into_iter().find(|(needed, name, _)| lacks(*needed, name)).map(|(_, _, lack)| lack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::AdjustmentType;

    #[test]
    fn a_run_is_beyond_a_version_that_does_not_say_that_it_can_do_it() {
        let greeting = |can: &[&str]| {
            let mut params = Params::default();
            params.push(CAPABILITIES, can.join(","));
            params
        };
        let plain = TestPlan::read(&Params::default()).unwrap();
        let runs = [
            (TestPlan { capacity: Some(AdjustmentType::B), ..plain }, RunFailure::NoCapacitySearch),
            (TestPlan { marking: Marking::EachItsOwn, ..plain }, RunFailure::NoEcnComparison),
            (TestPlan { sizes: "64..1472".parse().ok(), ..plain }, RunFailure::SizesUnknown),
        ];
        assert_eq!(beyond(&plain, &Params::default()), None);
        for (index, (run, lack)) in runs.into_iter().enumerate() {
            assert_eq!(beyond(&run, &greeting(&ALL_CAPABILITIES)), None, "{lack:?}");
            let mut others = ALL_CAPABILITIES.to_vec();
            others.remove(index);
            assert_eq!(beyond(&run, &greeting(&others)), Some(lack.clone()));
            assert_eq!(beyond(&run, &Params::default()), Some(lack));
        }
    }
}
