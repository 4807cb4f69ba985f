//! What the reply to the request for a run grants.

use super::ecn_params::Marking;
use super::plan::TestPlan;
use crate::wire::{Code, Reply};

/// The tag of the run's datagrams; `None` if the reply does not grant all of the plan: an older
/// version knows no comparison of ECN fields.
pub(super) fn granted_tag(plan: &TestPlan, reply: &Reply) -> Option<u16> {
    let is_whole = Marking::read(&reply.params) == plan.marking;
    let tag = reply.params.parse::<u16>("tag").ok().flatten();
    tag.filter(|_| is_whole && reply.code == Code::OK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Params, Tag};

    #[test]
    fn a_version_that_knows_no_comparison_grants_no_run_that_compares() {
        let reply = |compares: bool| {
            let mut params = Params::default();
            params.push("tag", 7);
            let marking = if compares { Marking::EachItsOwn } else { Marking::Alike };
            marking.param().into_iter().for_each(|(key, value)| params.push(key, value));
            Reply { tag: Tag::default(), code: Code::OK, params, text: "ready".to_owned() }
        };
        let mut plan = TestPlan::read(&Params::default()).unwrap();
        assert_eq!(granted_tag(&plan, &reply(false)), Some(7));
        plan.marking = Marking::EachItsOwn;
        assert_eq!(granted_tag(&plan, &reply(true)), Some(7));
        assert_eq!(granted_tag(&plan, &reply(false)), None);
        let refused = Reply { code: Code::WRONG_ORDER, ..reply(true) };
        assert_eq!(granted_tag(&plan, &refused), None);
    }
}
