//! The traces of a good and a bad flow: where they part.

use crate::record::probe::{
    Leg, Parting, PathsDifference, PathsEvidence, PathsReport, PathsVerdict, TraceFlow, TraceHop,
    TraceReport, WayRow,
};
use std::net::IpAddr;

/// The source ports of a good and a bad flow whose ways out differ; `None` if there are none.
pub fn flows_to_trace(report: &PathsReport) -> Option<(u16, u16)> {
    let PathsVerdict::FlowsDiffer { differences } = &report.findings.verdict else { return None };
    let traced = differences.iter().find(|one| one.direction() != Leg::Back)?;
    let leg = traced.direction();
    let bad = traced.ports().iter().next()?;
    let is_good = |row: &&WayRow| {
        let is_best = match traced {
            PathsDifference::Loss { .. } => row.loss_group == Some(0),
            PathsDifference::Delay { .. } => row.delay_group == Some(0),
        };
        row.direction == leg && is_best && !row.ports.contains(bad)
    };
    let good = report.way_rows.iter().find(is_good)?;
    Some((good.ports.iter().next()?, bad))
}

/// Adds both traces to a report, with where they part.
pub fn add_traces(report: &mut PathsReport, good: TraceReport, bad: TraceReport) {
    if let (Some(one), Some(other)) = (good.flows.first(), bad.flows.first()) {
        report.findings.evidence.push(PathsEvidence::Traced {
            good_port: one.source_port,
            bad_port: other.source_port,
            parting: parting(one, other),
        });
    }
    (report.good_trace, report.bad_trace) = (Some(good), Some(bad));
}

/// Where two flows part.
fn parting(good: &TraceFlow, bad: &TraceFlow) -> Parting {
    let routers = |flow: &TraceFlow, ttl: u8| -> Vec<IpAddr> {
        let hop = flow.hops.iter().find(|hop| hop.ttl == ttl);
        hop.map(TraceHop::routers).unwrap_or_default()
    };
    let last = good.hops.iter().map(|hop| hop.ttl).max().unwrap_or(0);
    let (mut hops, mut common, mut common_hop) = (0, None, 0);
    for ttl in 1..=last {
        let (of_good, of_bad) = (routers(good, ttl), routers(bad, ttl));
        let (Some(good_router), Some(bad_router)) = (of_good.first(), of_bad.first()) else {
            continue;
        };
        if let Some(both) = of_good.iter().find(|router| of_bad.contains(router)) {
            (hops, common, common_hop) = (hops + 1, Some(*both), ttl);
            continue;
        }
        return Parting::AtHop {
            hop: ttl,
            good_router: *good_router,
            bad_router: *bad_router,
            common_router: common,
        };
    }
    let ends = |flow: &TraceFlow| flow.last_heard.unwrap_or(0);
    if ends(bad) < ends(good) {
        return Parting::BadEndsAfter { hop: common_hop, common_router: common };
    }
    if hops > 0 { Parting::SameRouters { hops } } else { Parting::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::{TraceDistance, TraceTry};

    fn router(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    /// A flow whose hops have these routers; 0 for a silent one.
    fn flow(routers: &[u8]) -> TraceFlow {
        let hop = |(index, number): (usize, &u8)| TraceHop {
            ttl: index as u8 + 1,
            tries: vec![TraceTry {
                from: (*number > 0).then(|| router(*number)),
                answer: None,
                icmp_type: None,
                icmp_code: None,
                meaning: None,
                rtt_ns: None,
                at_target: false,
            }],
        };
        let last = routers.iter().rposition(|number| *number > 0);
        TraceFlow {
            source_port: 1,
            reached: false,
            distance: TraceDistance { hops: None, hops_at_most: None },
            last_heard: last.map(|at| at as u8 + 1),
            one_by_one: false,
            refused: None,
            hops: routers.iter().enumerate().map(hop).collect(),
            full_ttl: Vec::new(),
            routing_loop: None,
            copies: 0,
            silent_beyond: None,
        }
    }

    #[test]
    fn flows_part_where_other_routers_answer() {
        let at = |good: &[u8], bad: &[u8]| parting(&flow(good), &flow(bad));
        let second = Parting::AtHop {
            hop: 2,
            good_router: router(2),
            bad_router: router(3),
            common_router: Some(router(1)),
        };
        assert_eq!(at(&[1, 2, 9], &[1, 3, 9]), second);
        assert_eq!(at(&[1, 2, 9], &[1, 3, 0]), second);
        let ends = |hop, common_router| Parting::BadEndsAfter { hop, common_router };
        assert_eq!(at(&[1, 2, 9], &[1, 0, 0]), ends(1, Some(router(1))));
        assert_eq!(at(&[2, 9], &[0, 0]), ends(0, None));
        assert_eq!(at(&[1, 0, 9], &[1, 0, 9]), Parting::SameRouters { hops: 2 });
        assert_eq!(at(&[0, 0], &[0, 0]), Parting::Unknown);
        assert_eq!(at(&[], &[]), Parting::Unknown);
    }
}
