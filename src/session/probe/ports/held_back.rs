//! Ports of which nobody spoke because ICMP errors were held back: a router that rejects many sends
//! only so many errors, and what it rejects without one looks filtered.

use super::judge::{LIMITED, judge, named};
use crate::record::probe::{
    IcmpWord, PortPath, PortState, PortsReport, ScanReport, ScannedPort, Verdict,
};
use crate::wire::PortList;

/// The ports that look filtered beside rejected ones for whose datagrams fewer errors came than
/// were due: each may be rejected as well. Empty where that is not so.
pub fn in_question(report: &PortsReport) -> PortList {
    let held_back = report.ports.iter().any(|row| {
        let errors = row.icmp_out.as_ref().map_or(row.sent, |word| word.count);
        row.path == PortPath::RejectedOut && errors < row.sent
    });
    let filtered = report.ports.iter().filter(|row| row.path == PortPath::FilteredOut);
    filtered.filter(|_| held_back).map(|row| row.port).collect()
}

/// Takes over what a scan of such ports was told, at the pace of the errors, and judges anew. Only
/// who rejected others is heeded: the helper's own host says of any port that is no longer open
/// that it is closed.
pub fn heed(report: &mut PortsReport, scan: &ScanReport) {
    let rejected = report.ports.iter().filter(|row| row.path == PortPath::RejectedOut);
    let words = rejected.filter_map(|row| row.icmp_out.as_ref());
    let senders: Vec<_> = words.map(|word| word.said_by).collect();
    let mut told = Vec::new();
    let rejects = |port: &&ScannedPort| {
        senders.contains(&port.said_by) && port.state != PortState::TtlExceeded
    };
    for port in scan.ports.iter().filter(rejects) {
        let row = report.ports.iter_mut().find(|row| row.port == port.port);
        let (Some(row), Some(icmp_type), Some(icmp_code)) = (row, port.icmp_type, port.icmp_code)
        else {
            continue;
        };
        row.path = PortPath::RejectedOut;
        let meaning = port.icmp.clone().unwrap_or_default();
        let said_by = port.said_by;
        row.icmp_out = Some(IcmpWord { icmp_type, icmp_code, meaning, said_by, count: 1 });
        told.push(port.port);
    }
    report.duration_ns += scan.duration_ns;
    judge(report);
    let Verdict { evidence, could_also_be, doubt, .. } = &mut report.verdict;
    if !told.is_empty() {
        let ports = named(told.into_iter());
        evidence.push(format!("ICMP errors are held back: {ports} had one when asked again"));
    }
    if scan.untold > 0 {
        let untold = scan.untold;
        doubt.push(format!(
            "ICMP errors are held back: some may have been to come when the asking ended (ports: \
             {untold})"
        ));
    } else {
        could_also_be.retain(|line| line != LIMITED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::probe::PortRow;
    use std::net::{IpAddr, Ipv4Addr};

    const ROUTER: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));

    fn row(port: u16, path: PortPath, errors: u64) -> PortRow {
        let word = IcmpWord {
            icmp_type: 3,
            icmp_code: 13,
            said_by: ROUTER,
            count: errors,
            ..IcmpWord::default()
        };
        let icmp_out = (errors > 0).then_some(word);
        PortRow { port, path, sent: 8, arrived: Some(0), icmp_out, ..PortRow::default() }
    }

    fn scanned(port: u16, icmp: Option<(u8, u8)>) -> ScannedPort {
        ScannedPort {
            port,
            service: "text",
            state: if icmp.is_some() { PortState::Filtered } else { PortState::Silent },
            settled_ns: None,
            answer: None,
            answer_bytes: None,
            answered_from: None,
            round_trip_ns: None,
            icmp_type: icmp.map(|(kind, _)| kind),
            icmp_code: icmp.map(|(_, code)| code),
            icmp: icmp.map(|_| "communication administratively prohibited".to_owned()),
            said_by: icmp.and(ROUTER),
            asked: 3,
            silent_tries: 0,
            answers: 0,
            not_sent: None,
        }
    }

    #[test]
    fn a_port_that_looks_filtered_is_in_question_where_errors_were_held_back() {
        let report =
            |ports: Vec<PortRow>| PortsReport { tries: 8, ports, ..PortsReport::default() };
        let (filtered, rejected) = (PortPath::FilteredOut, PortPath::RejectedOut);
        let every = report(vec![row(5_000, rejected, 8), row(5_001, filtered, 0)]);
        assert!(in_question(&every).is_empty(), "one for each datagram");
        assert!(in_question(&report(vec![row(5_001, filtered, 0)])).is_empty());
        let ports = [(5_000, rejected, 2), (5_001, filtered, 0), (5_002, filtered, 0)];
        let mut held = report(ports.map(|(port, path, errors)| row(port, path, errors)).to_vec());
        assert_eq!(in_question(&held).to_string(), "5001-5002");
        judge(&mut held);
        assert!(held.verdict.could_also_be.iter().any(|line| line == LIMITED));
        // Who rejected nothing else is the host of a port that was open only for the probe.
        let closed = ScannedPort { said_by: None, ..scanned(5_001, Some((3, 3))) };
        heed(&mut held, &ScanReport { ports: vec![closed], ..ScanReport::default() });
        assert_eq!(held.ports[1].path, filtered);
        let ports = vec![scanned(5_001, Some((3, 13))), scanned(5_002, None)];
        let scan = ScanReport { ports, duration_ns: 7, ..ScanReport::default() };
        heed(&mut held, &scan);
        let paths: Vec<_> = held.ports.iter().map(|row| row.path).collect();
        assert_eq!(paths, [rejected, rejected, filtered]);
        assert_eq!(held.duration_ns, 7);
        let Verdict { evidence, could_also_be, doubt, .. } = &held.verdict;
        let said = "ICMP errors are held back: 5001 had one when asked again";
        assert_eq!(evidence.last().map(String::as_str), Some(said));
        assert!(!could_also_be.iter().any(|line| line == LIMITED), "{could_also_be:?}");
        assert!(doubt.is_empty(), "{doubt:?}");
        // What could not be told stays in doubt.
        heed(&mut held, &ScanReport { untold: 1, ..ScanReport::default() });
        let Verdict { could_also_be, doubt, .. } = &held.verdict;
        assert!(could_also_be.iter().any(|line| line == LIMITED), "{could_also_be:?}");
        assert!(doubt[0].contains("when the asking ended (ports: 1)"), "{doubt:?}");
    }
}
