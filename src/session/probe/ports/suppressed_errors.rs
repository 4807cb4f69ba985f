//! Ports without an answer because ICMP errors were rate-limited: a router that rejects many sends
//! only a limited number of errors, and ports that it rejects without one look filtered.

use super::judge::judge;
use crate::record::probe::{
    PortPath, PortState, PortsAlternative, PortsCaveat, PortsEvidence, PortsReport, ProbeCaveat,
    ScanReport, ScannedPort,
};
use crate::wire::PortList;

/// What a run counted, before it is judged: ports in question may be scanned first.
#[derive(Clone, Debug)]
pub struct PortsCounts {
    report: PortsReport,
    slower: Option<SlowerScan>,
    caveats: Vec<ProbeCaveat>,
}

/// What a slower scan found.
#[derive(Clone, Debug)]
struct SlowerScan {
    /// Ports that turned out to be rejected.
    rejected: PortList,
    /// Ports that it could not decide.
    unknown: u64,
}

impl PortsCounts {
    /// Those of a report without findings.
    pub fn new(report: PortsReport) -> Self {
        Self { report, slower: None, caveats: Vec::new() }
    }

    /// Adds what happened to this host meanwhile.
    pub fn caution(&mut self, caveats: Vec<ProbeCaveat>) {
        self.caveats.extend(caveats);
    }

    /// The report, still without findings.
    pub fn report(&self) -> &PortsReport {
        &self.report
    }

    /// Ports that look filtered next to rejected ones for which fewer errors arrived than were due:
    /// they may be rejected as well. Empty if there are none.
    pub fn in_question(&self) -> PortList {
        let rows = &self.report.ports;
        let held_back = rows.iter().any(|row| {
            let errors = row.icmp_out.as_ref().map_or(row.sent, |icmp| icmp.count);
            row.path == PortPath::RejectedOut && errors < row.sent
        });
        let filtered = rows.iter().filter(|row| row.path == PortPath::FilteredOut);
        filtered.filter(|_| held_back).map(|row| row.port).collect()
    }

    /// Adopts the result of a slower scan of these ports, at the pace of the errors. Only senders
    /// that rejected other ports count: the agent's own host says closed for every port that is no
    /// longer open.
    pub fn heed(&mut self, scan: &ScanReport) {
        let report = &mut self.report;
        let rows = report.ports.iter().filter(|row| row.path == PortPath::RejectedOut);
        let senders: Vec<_> = rows.filter_map(|row| Some(row.icmp_out?.from)).collect();
        let mut rejected = PortList::default();
        let rejects = |port: &&ScannedPort| {
            let from = port.icmp.and_then(|icmp| icmp.from);
            senders.contains(&from) && port.state != PortState::TtlExceeded
        };
        for port in scan.ports.iter().filter(rejects) {
            let row = report.ports.iter_mut().find(|row| row.port == port.port);
            let (Some(row), Some(icmp)) = (row, port.icmp) else { continue };
            row.path = PortPath::RejectedOut;
            row.icmp_out = Some(icmp);
            rejected.insert(port.port..=port.port);
        }
        report.duration_ns += scan.duration_ns;
        self.slower = Some(SlowerScan { rejected, unknown: scan.unknown });
    }

    /// The report with its findings.
    pub fn judge(self) -> PortsReport {
        let Self { mut report, slower, caveats } = self;
        judge(&mut report);
        report.findings.caveats.extend(caveats.into_iter().map(PortsCaveat::Shared));
        let Some(SlowerScan { rejected, unknown }) = slower else { return report };
        let found = &mut report.findings;
        if !rejected.is_empty() {
            found.evidence.push(PortsEvidence::IcmpHeldBack { ports: rejected });
        }
        if unknown > 0 {
            found.caveats.push(PortsCaveat::IcmpHeldBack { ports: unknown });
        } else {
            found.alternatives.retain(|one| *one != PortsAlternative::RejectedWithoutIcmp);
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::{ErrorOrigin, IcmpError, PortRow};
    use std::net::{IpAddr, Ipv4Addr};

    const ROUTER: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));

    fn row(port: u16, path: PortPath, errors: u64) -> PortRow {
        let icmp = IcmpError::new(ErrorOrigin::Icmp, (3, 13), ROUTER, errors);
        let icmp_out = (errors > 0).then_some(icmp);
        PortRow { port, path, sent: 8, arrived: Some(0), icmp_out, ..PortRow::default() }
    }

    fn scanned(port: u16, icmp: Option<IcmpError>) -> ScannedPort {
        ScannedPort {
            port,
            service: "text",
            state: if icmp.is_some() { PortState::Filtered } else { PortState::Silent },
            settled_ns: None,
            answer: None,
            answer_bytes: None,
            answered_from: None,
            round_trip_ns: None,
            icmp,
            sent: 3,
            silent_tries: 0,
            answers: 0,
            not_sent: None,
        }
    }

    #[test]
    fn a_port_that_looks_filtered_is_in_question_where_errors_were_held_back() {
        let report = |ports: Vec<PortRow>| {
            PortsCounts::new(PortsReport { tries: 8, ports, ..PortsReport::default() })
        };
        let (filtered, rejected) = (PortPath::FilteredOut, PortPath::RejectedOut);
        let every = report(vec![row(5_000, rejected, 8), row(5_001, filtered, 0)]);
        assert!(every.in_question().is_empty(), "one for each datagram");
        assert!(report(vec![row(5_001, filtered, 0)]).in_question().is_empty());
        let ports = [(5_000, rejected, 2), (5_001, filtered, 0), (5_002, filtered, 0)];
        let mut held = report(ports.map(|(port, path, errors)| row(port, path, errors)).to_vec());
        assert_eq!(held.in_question().to_string(), "5001-5002");
        let limited = PortsAlternative::RejectedWithoutIcmp;
        assert!(held.clone().judge().findings.alternatives.contains(&limited));
        // A sender that rejected nothing else is the host of a port that was open only during the
        // probe.
        let closed = scanned(5_001, Some(IcmpError::new(ErrorOrigin::Icmp, (3, 3), None, 1)));
        held.heed(&ScanReport { ports: vec![closed], ..ScanReport::default() });
        assert_eq!(held.report().ports[1].path, filtered);
        let prohibited = IcmpError::new(ErrorOrigin::Icmp, (3, 13), ROUTER, 1);
        let ports = vec![scanned(5_001, Some(prohibited)), scanned(5_002, None)];
        let scan = ScanReport { ports, duration_ns: 7, ..ScanReport::default() };
        held.heed(&scan);
        let judged = held.clone().judge();
        let paths: Vec<_> = judged.ports.iter().map(|row| row.path).collect();
        assert_eq!(paths, [rejected, rejected, filtered]);
        assert_eq!(judged.duration_ns, 7);
        let told = PortsEvidence::IcmpHeldBack { ports: [5_001].into_iter().collect() };
        assert_eq!(judged.findings.evidence.last(), Some(&told));
        assert!(!judged.findings.alternatives.contains(&limited), "{:?}", judged.findings);
        assert!(judged.findings.caveats.is_empty(), "{:?}", judged.findings);
        // What is undecided stays in doubt.
        held.heed(&ScanReport { unknown: 1, ..ScanReport::default() });
        let judged = held.judge();
        assert!(judged.findings.alternatives.contains(&limited), "{:?}", judged.findings);
        assert_eq!(judged.findings.caveats, [PortsCaveat::IcmpHeldBack { ports: 1 }]);
    }
}
