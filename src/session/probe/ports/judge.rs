//! Judges the counts of the ports.

use crate::record::probe::{
    IcmpError, Inconclusive, PathPorts, PortGroup, PortPath, PortRow, PortsAlternative,
    PortsCaveat, PortsEvidence, PortsFindings, PortsReport, PortsVerdict, ProbeCaveat, Way,
};
use crate::wire::PortList;

/// Fewer tries than this are few.
const FEW: u32 = 4;
/// Maximum redirected ports that are named.
const NAMED: usize = 3;

/// Order of the paths in the report: whatever stops datagrams comes first.
const ORDER: [PortPath; 10] = [
    PortPath::FilteredOut,
    PortPath::RejectedOut,
    PortPath::TtlExceeded,
    PortPath::FilteredBack,
    PortPath::RejectedBack,
    PortPath::Inconclusive,
    PortPath::NotSent,
    PortPath::Unknown,
    PortPath::Passes,
    PortPath::NotOpened,
];

/// Ports with the same path and the same errors.
struct Group<'a> {
    path: PortPath,
    icmp: Option<&'a IcmpError>,
    rows: Vec<&'a PortRow>,
}

impl Group<'_> {
    fn ports(&self) -> PortList {
        self.rows.iter().map(|row| row.port).collect()
    }

    fn sum(&self, of: impl Fn(&PortRow) -> u64) -> u64 {
        self.rows.iter().map(|row| of(row)).sum()
    }

    fn is_rejected_by(&self, target: Option<std::net::IpAddr>) -> bool {
        self.path == PortPath::RejectedOut && self.icmp.is_some_and(|icmp| icmp.from == target)
    }

    fn record(&self) -> PortGroup {
        let first = self.rows.first();
        let told = self.rows.iter().all(|row| row.arrived.is_some());
        PortGroup {
            path: self.path,
            ports: self.ports(),
            sent: self.sum(|row| row.sent),
            arrived: told.then(|| self.sum(|row| row.arrived.unwrap_or(0))),
            replies: self.sum(|row| row.replies),
            icmp: self.icmp.copied(),
            inconclusive: first.and_then(|row| row.inconclusive),
            not_opened: first.and_then(|row| row.not_opened),
            not_sent: first.and_then(|row| row.not_sent.clone()),
        }
    }
}

/// Fills in the verdict and evidence.
pub fn judge(report: &mut PortsReport) {
    let passing = || report.ports.iter().filter(|row| row.path == PortPath::Passes);
    let arrived = |row: &PortRow| row.arrived.unwrap_or(row.replies);
    report.lost_out = passing().map(|row| row.sent.saturating_sub(arrived(row))).sum();
    report.lost_back = passing().map(|row| arrived(row).saturating_sub(row.replies)).sum();
    report.findings = findings(report);
}

fn findings(report: &PortsReport) -> PortsFindings {
    let groups = groups(&report.ports);
    let mut found = PortsFindings::new(verdict(report, &groups));
    if groups.len() > 1 {
        let groups = groups.iter().map(Group::record);
        found.evidence.extend(groups.map(|group| PortsEvidence::Group { group }));
    }
    beside(report, &mut found.evidence);
    evidence(report, &groups, &mut found.evidence);
    alternatives(report, &groups, &mut found.alternatives);
    caveats(report, &mut found.caveats);
    found
}

fn verdict(report: &PortsReport, groups: &[Group<'_>]) -> PortsVerdict {
    let of = report.ports.len() as u64;
    if let Some(passing) = report.beside.flows_passing {
        return PortsVerdict::FlowLimit { passing, of };
    }
    if let [only] = groups {
        return PortsVerdict::SamePath { group: only.record() };
    }
    let pass = groups.iter().find(|group| group.path == PortPath::Passes);
    let others = ORDER.iter().filter(|path| **path != PortPath::Passes).map(|path| {
        let of_path = groups.iter().filter(|group| group.path == *path);
        let ports = of_path.flat_map(|group| &group.rows).map(|row| row.port).collect();
        PathPorts { path: *path, ports }
    });
    PortsVerdict::Mixed {
        passing: pass.map_or(0, |group| group.rows.len() as u64),
        of,
        others: others.filter(|other| !other.ports.is_empty()).collect(),
    }
}

fn groups(rows: &[PortRow]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in rows {
        let icmp = match row.path {
            PortPath::RejectedOut | PortPath::TtlExceeded => row.icmp_out.as_ref(),
            PortPath::RejectedBack => row.icmp_back.as_ref(),
            _ => None,
        };
        let alike = |group: &&mut Group<'_>| {
            let same_error = match (group.icmp, icmp) {
                (Some(a), Some(b)) => a.is_alike(b),
                (a, b) => a.is_none() && b.is_none(),
            };
            let reasons = |row: &PortRow| (row.not_opened, row.inconclusive);
            let first = group.rows.first().map(|first| reasons(first));
            group.path == row.path && same_error && first == Some(reasons(row))
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { path: row.path, icmp, rows: vec![row] }),
        }
    }
    groups.sort_by_key(|group| ORDER.iter().position(|path| *path == group.path));
    groups
}

/// Evidence from the requests alongside the ports, if anything depends on it.
fn beside(report: &PortsReport, evidence: &mut Vec<PortsEvidence>) {
    let beside = &report.beside;
    if beside.fresh_sent > 0 {
        evidence.push(PortsEvidence::ProbedAgain {
            fresh_sent: beside.fresh_sent,
            fresh_replies: beside.fresh_replies,
        });
    }
    if beside.recovered > 0 {
        let (ports, per_second) = (beside.recovered, report.per_second);
        evidence.push(PortsEvidence::PassedSlowly { ports, per_second });
    }
    let by_chance = |row: &PortRow| row.inconclusive == Some(Inconclusive::Chance);
    if report.ports.iter().any(by_chance) && beside.sent > beside.replies {
        let (sent, lost) = (beside.sent, beside.sent - beside.replies);
        evidence.push(PortsEvidence::PathLoss { sent, lost });
    }
}

fn evidence(report: &PortsReport, groups: &[Group<'_>], evidence: &mut Vec<PortsEvidence>) {
    let told = [PortPath::RejectedOut, PortPath::TtlExceeded];
    for group in groups.iter().filter(|group| !told.contains(&group.path)) {
        let icmp = group.rows.iter().find_map(|row| row.icmp_out);
        let ports = group.ports();
        evidence.extend(icmp.map(|icmp| PortsEvidence::IcmpReceived { ports, icmp }));
    }
    let asked: Vec<&PortRow> = report.ports.iter().filter(|row| row.sent > 0).collect();
    let moved = asked
        .iter()
        .filter_map(|row| row.arrived_at.filter(|at| *at != row.port).zip(Some(row.port)));
    let moved = moved.map(|(arrived_at, port)| PortsEvidence::Redirected { port, arrived_at });
    evidence.extend(moved.take(NAMED));
    evidence.extend(source(report, &asked));
    if let Some(row) = asked.iter().find(|row| row.source_varied == Some(true)) {
        evidence.push(PortsEvidence::SourceVaried { port: row.port });
    }
    let elsewhere = asked.iter().find_map(|row| Some((row.port, row.answered_from?)));
    evidence
        .extend(elsewhere.map(|(port, from)| PortsEvidence::RepliesFromElsewhere { port, from }));
    marks(report, &asked, evidence);
}

/// Whether the source address arrived unchanged.
fn source(report: &PortsReport, asked: &[&PortRow]) -> Option<PortsEvidence> {
    let changed = asked.iter().find(|row| {
        row.source_port_changed == Some(true) || row.source_address_changed == Some(true)
    });
    if let (Some(row), Some(source)) = (changed, report.source)
        && let Some(seen) = row.source_seen
    {
        let all = asked.iter().all(|row| row.source_seen == Some(seen));
        let port = (!all).then_some(row.port);
        return Some(PortsEvidence::SourceChanged { port, source, seen });
    }
    let seen = asked.iter().any(|row| row.source_seen.is_some());
    seen.then_some(PortsEvidence::SourceUnchanged)
}

/// DSCP and ECN, if they did not arrive as sent.
fn marks(report: &PortsReport, asked: &[&PortRow], evidence: &mut Vec<PortsEvidence>) {
    let other = |of: fn(&PortRow) -> Option<u8>, sent: u8| {
        asked.iter().filter_map(|row| of(row)).find(|value| *value != sent)
    };
    let sent = report.dscp_sent;
    let dscp = [
        (Way::Out, other(|row| row.dscp_out, sent)),
        (Way::Back, other(|row| row.dscp_back, sent)),
    ];
    let changed = dscp.into_iter().filter_map(|(way, arrived)| Some((way, arrived?)));
    evidence.extend(changed.map(|(way, arrived)| PortsEvidence::DscpChanged {
        way,
        sent,
        arrived,
    }));
    let sent = report.ecn_sent;
    let ecn =
        [(Way::Out, other(|row| row.ecn_out, sent)), (Way::Back, other(|row| row.ecn_back, sent))];
    let changed = ecn.into_iter().filter_map(|(way, arrived)| Some((way, arrived?)));
    evidence.extend(changed.map(|(way, arrived)| PortsEvidence::EcnChanged { way, sent, arrived }));
}

fn alternatives(
    report: &PortsReport,
    groups: &[Group<'_>],
    alternatives: &mut Vec<PortsAlternative>,
) {
    let any = |path: PortPath| groups.iter().any(|group| group.path == path);
    let (filtered, rejected) = (any(PortPath::FilteredOut), any(PortPath::RejectedOut));
    let by_target = groups.iter().any(|group| group.is_rejected_by(report.target));
    let all = [
        (filtered, PortsAlternative::FilteredByAgentHost),
        (filtered && rejected, PortsAlternative::RejectedWithoutIcmp),
        (by_target, PortsAlternative::RejectedByAnotherHost),
        (any(PortPath::TtlExceeded), PortsAlternative::LongPath),
        (any(PortPath::FilteredBack), PortsAlternative::FilteredByThisHost),
    ];
    alternatives.extend(all.into_iter().filter(|(so, _)| *so).map(|(_, one)| one));
}

fn caveats(report: &PortsReport, caveats: &mut Vec<PortsCaveat>) {
    let (out, back) = (report.lost_out, report.lost_back);
    if out + back > 0 {
        caveats.push(PortsCaveat::LossOnPassing { out, back });
    }
    let copies = |of: fn(&PortRow) -> u64| report.ports.iter().map(of).sum();
    let duplicated = ProbeCaveat::duplicated(
        copies(|row| row.duplicates.unwrap_or(0)),
        copies(|row| row.duplicates_back),
    );
    caveats.extend(duplicated.map(PortsCaveat::Shared));
    if report.tries < FEW {
        caveats.push(PortsCaveat::FewTries { tries: report.tries });
    }
    let Some(agent) = &report.agent else { return };
    let withheld = ProbeCaveat::withheld(agent.withheld);
    let lost = agent.lost.clone().map(|reason| ProbeCaveat::AgentLost { reason });
    let stopped = report.interrupted.then_some(ProbeCaveat::Interrupted);
    let elsewhere = agent.address.zip(agent.answered_from);
    let elsewhere =
        elsewhere.map(|(asked, from)| ProbeCaveat::RepliesFromElsewhere { asked, from });
    let shared = [withheld, lost, stopped, elsewhere].into_iter().flatten();
    caveats.extend(shared.map(PortsCaveat::Shared));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::ErrorOrigin;

    fn row(port: u16, path: PortPath, arrived: u64, replies: u64) -> PortRow {
        PortRow { port, path, sent: 16, arrived: Some(arrived), replies, ..PortRow::default() }
    }

    fn judged(ports: Vec<PortRow>) -> PortsFindings {
        let mut report = PortsReport { tries: 16, ports, ..PortsReport::default() };
        judge(&mut report);
        report.findings
    }

    fn group(
        ports: &str,
        path: PortPath,
        [sent, arrived, replies]: [u64; 3],
        icmp: Option<IcmpError>,
    ) -> PortGroup {
        PortGroup {
            path,
            ports: ports.parse().unwrap(),
            sent,
            arrived: Some(arrived),
            replies,
            icmp,
            inconclusive: None,
            not_opened: None,
            not_sent: None,
        }
    }

    #[test]
    fn ports_that_are_all_alike_are_one_verdict() {
        let found = judged(vec![row(5_000, PortPath::FilteredBack, 16, 0)]);
        let group_of = |path, counts| group("5000", path, counts, None);
        let back = group_of(PortPath::FilteredBack, [16, 16, 0]);
        assert_eq!(found.verdict, PortsVerdict::SamePath { group: back });
        assert_eq!(found.alternatives, [PortsAlternative::FilteredByThisHost]);
        let found = judged(vec![row(5_000, PortPath::FilteredOut, 0, 0)]);
        let out = group_of(PortPath::FilteredOut, [16, 0, 0]);
        assert_eq!(found.verdict, PortsVerdict::SamePath { group: out });
    }

    #[test]
    fn ports_of_one_fate_are_told_together_and_the_stopped_first() {
        let icmp = IcmpError::new(ErrorOrigin::Icmp, (3, 13), "192.0.2.1".parse().ok(), 4);
        let rejected = PortRow { icmp_out: Some(icmp), ..row(5_002, PortPath::RejectedOut, 0, 0) };
        let found = judged(vec![
            row(5_000, PortPath::Passes, 16, 16),
            row(5_001, PortPath::Passes, 16, 15),
            rejected,
            row(5_003, PortPath::FilteredOut, 0, 0),
        ]);
        let others = [(PortPath::FilteredOut, "5003"), (PortPath::RejectedOut, "5002")];
        let others = others.map(|(path, ports)| PathPorts { path, ports: ports.parse().unwrap() });
        assert_eq!(
            found.verdict,
            PortsVerdict::Mixed { passing: 2, of: 4, others: others.to_vec() }
        );
        let groups = [
            group("5003", PortPath::FilteredOut, [16, 0, 0], None),
            group("5002", PortPath::RejectedOut, [16, 0, 0], Some(icmp)),
            group("5000-5001", PortPath::Passes, [32, 32, 31], None),
        ];
        assert_eq!(found.evidence, groups.map(|group| PortsEvidence::Group { group }));
        assert_eq!(found.caveats, [PortsCaveat::LossOnPassing { out: 0, back: 1 }]);
    }

    #[test]
    fn what_was_changed_on_the_way_is_evidence() {
        let mut changed = row(5_000, PortPath::Passes, 16, 16);
        changed.source_seen = "203.0.113.1:61000".parse().ok();
        changed.source_port_changed = Some(true);
        changed.arrived_at = Some(6_000);
        changed.dscp_out = Some(46);
        let mut report = PortsReport {
            tries: 3,
            source: "10.0.0.2:4000".parse().ok(),
            ports: vec![changed],
            ..PortsReport::default()
        };
        judge(&mut report);
        assert_eq!(
            report.findings.evidence,
            [
                PortsEvidence::Redirected { port: 5_000, arrived_at: 6_000 },
                PortsEvidence::SourceChanged {
                    port: None,
                    source: "10.0.0.2:4000".parse().unwrap(),
                    seen: "203.0.113.1:61000".parse().unwrap(),
                },
                PortsEvidence::DscpChanged { way: Way::Out, sent: 0, arrived: 46 },
            ]
        );
        assert_eq!(report.findings.caveats, [PortsCaveat::FewTries { tries: 3 }]);
    }
}
