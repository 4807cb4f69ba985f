//! Reads the kernel's counters from the text of `/proc/net`: bytes in, counters out.

use crate::batch::{HostCounter, HostCounters};

/// The counters of a file that names each with its section (`proc_pid_net(5)`): the place of each
/// wanted one, by section and name.
type Names = &'static [(&'static str, &'static str, HostCounter)];

/// Of `/proc/net/snmp`, IPv4.
const SNMP: Names = &[
    ("Ip", "InHdrErrors", HostCounter::IpInHdrErrors),
    ("Ip", "InAddrErrors", HostCounter::IpInAddrErrors),
    ("Ip", "InDiscards", HostCounter::IpInDiscards),
    ("Ip", "OutDiscards", HostCounter::IpOutDiscards),
    ("Ip", "OutNoRoutes", HostCounter::IpOutNoRoutes),
    ("Ip", "ReasmReqds", HostCounter::IpReasmReqds),
    ("Ip", "ReasmOKs", HostCounter::IpReasmOks),
    ("Ip", "ReasmFails", HostCounter::IpReasmFails),
    ("Ip", "ReasmTimeout", HostCounter::IpReasmTimeout),
    ("Ip", "FragFails", HostCounter::IpFragFails),
    ("Udp", "InDatagrams", HostCounter::UdpInDatagrams),
    ("Udp", "NoPorts", HostCounter::UdpNoPorts),
    ("Udp", "RcvbufErrors", HostCounter::UdpRcvbufErrors),
    ("Udp", "SndbufErrors", HostCounter::UdpSndbufErrors),
    ("Udp", "InCsumErrors", HostCounter::UdpInCsumErrors),
    ("Udp", "MemErrors", HostCounter::UdpMemErrors),
];

/// Of `/proc/net/netstat`, IPv4.
const NETSTAT: Names = &[
    ("IpExt", "InNoRoutes", HostCounter::IpInNoRoutes),
    ("IpExt", "InTruncatedPkts", HostCounter::IpInTruncated),
    ("TcpExt", "IPReversePathFilter", HostCounter::IpReversePathFilter),
];

/// Of `/proc/net/snmp6`, IPv6, where the section is part of the name.
const SNMP6: Names = &[
    ("Ip6", "InHdrErrors", HostCounter::IpInHdrErrors),
    ("Ip6", "InAddrErrors", HostCounter::IpInAddrErrors),
    ("Ip6", "InTruncatedPkts", HostCounter::IpInTruncated),
    ("Ip6", "InDiscards", HostCounter::IpInDiscards),
    ("Ip6", "InNoRoutes", HostCounter::IpInNoRoutes),
    ("Ip6", "OutDiscards", HostCounter::IpOutDiscards),
    ("Ip6", "OutNoRoutes", HostCounter::IpOutNoRoutes),
    ("Ip6", "ReasmReqds", HostCounter::IpReasmReqds),
    ("Ip6", "ReasmOKs", HostCounter::IpReasmOks),
    ("Ip6", "ReasmFails", HostCounter::IpReasmFails),
    ("Ip6", "ReasmTimeout", HostCounter::IpReasmTimeout),
    ("Ip6", "FragFails", HostCounter::IpFragFails),
    ("Udp6", "InDatagrams", HostCounter::UdpInDatagrams),
    ("Udp6", "NoPorts", HostCounter::UdpNoPorts),
    ("Udp6", "RcvbufErrors", HostCounter::UdpRcvbufErrors),
    ("Udp6", "SndbufErrors", HostCounter::UdpSndbufErrors),
    ("Udp6", "InCsumErrors", HostCounter::UdpInCsumErrors),
    ("Udp6", "MemErrors", HostCounter::UdpMemErrors),
];

/// Of `/proc/net/stat/nf_conntrack`, a column each.
const CONNTRACK: &[(&str, HostCounter)] = &[
    ("drop", HostCounter::ConntrackDrop),
    ("early_drop", HostCounter::ConntrackEarlyDrop),
    ("insert_failed", HostCounter::ConntrackInsertFailed),
    ("search_restart", HostCounter::ConntrackSearchRestart),
];

/// Of `/proc/net/softnet_stat`, in the order of its columns.
const SOFTNET: [HostCounter; 3] =
    [HostCounter::SoftnetProcessed, HostCounter::SoftnetDropped, HostCounter::SoftnetTimeSqueeze];

/// Adds the counters of `/proc/net/snmp`.
pub fn read_snmp(text: &str, into: &mut HostCounters) {
    read_sections(text, SNMP, into);
}

/// Adds the counters of `/proc/net/netstat`.
pub fn read_netstat(text: &str, into: &mut HostCounters) {
    read_sections(text, NETSTAT, into);
}

/// Adds the counters of `/proc/net/snmp6`: a name and its value on each line.
pub fn read_snmp6(text: &str, into: &mut HostCounters) {
    for line in text.lines() {
        let mut parts = line.split_whitespace();
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        let wanted = SNMP6.iter().find(|(section, counter, _)| {
            name.strip_prefix(section).is_some_and(|rest| rest == *counter)
        });
        if let Some((_, _, counter)) = wanted {
            into.set(*counter, value.parse().ok());
        }
    }
}

/// Adds the counters of `/proc/net/softnet_stat`: a line for each processor, in hexadecimal.
pub fn read_softnet(text: &str, into: &mut HostCounters) {
    read_columns(text.lines(), |column| SOFTNET.get(column).copied(), into);
}

/// Adds the counters of `/proc/net/stat/nf_conntrack`: names, then a line for each processor, in
/// hexadecimal.
pub fn read_conntrack(text: &str, into: &mut HostCounters) {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    let counter = |column: usize| {
        let name = names.get(column)?;
        CONNTRACK.iter().find(|(wanted, _)| wanted == name).map(|(_, counter)| *counter)
    };
    read_columns(lines, counter, into);
}

/// A line of names and a line of values for each section, both after the section's name.
fn read_sections(text: &str, wanted: Names, into: &mut HostCounters) {
    let mut lines = text.lines();
    while let Some((names, values)) = lines.next().zip(lines.next()) {
        let (Some((section, names)), Some((again, values))) =
            (names.split_once(':'), values.split_once(':'))
        else {
            continue;
        };
        if section != again {
            continue;
        }
        for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
            let found = wanted.iter().find(|(of, counter, _)| *of == section && *counter == name);
            if let Some((_, _, counter)) = found {
                into.set(*counter, value.parse().ok());
            }
        }
    }
}

/// Sums the columns of all processors. A value that cannot be read makes its sum unknown.
fn read_columns<'a>(
    lines: impl Iterator<Item = &'a str>,
    counter: impl Fn(usize) -> Option<HostCounter>,
    into: &mut HostCounters,
) {
    let mut sums = HostCounters::default();
    let mut broken = Vec::new();
    for line in lines {
        for (column, value) in line.split_whitespace().enumerate() {
            let Some(counter) = counter(column) else { continue };
            match u64::from_str_radix(value, 16) {
                Ok(value) => sums.add(counter, value),
                Err(_) => broken.push(counter),
            }
        }
    }
    for (counter, sum) in sums.iter().filter(|(_, sum)| sum.is_some()) {
        into.set(counter, sum.filter(|_| !broken.contains(&counter)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use HostCounter as C;

    fn read(reader: fn(&str, &mut HostCounters), text: &str) -> HostCounters {
        let mut counters = HostCounters::default();
        reader(text, &mut counters);
        counters
    }

    /// Linux 6.18.
    const SNMP_TEXT: &str = "\
Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits
Ip: 2 64 297901324 1 2 0 0 3 297897302 297897479 25119 4 5 1928 964 6 0 7 0 297897480
Icmp: InMsgs InErrors InCsumErrors
Icmp: 118699 1 77
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 0 74 88
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 251741865 118687 48476670 297770705 48476670 8 87 18 9
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 1 1 1 1 1 1 1 1 1
";

    #[test]
    fn ipv4s_counters_are_read_by_section_and_name() {
        let counters = read(read_snmp, SNMP_TEXT);
        let told: Vec<_> = [
            C::IpInHdrErrors,
            C::IpInAddrErrors,
            C::IpInDiscards,
            C::IpOutDiscards,
            C::IpOutNoRoutes,
            C::IpReasmTimeout,
            C::IpReasmReqds,
            C::IpReasmOks,
            C::IpReasmFails,
            C::IpFragFails,
            C::UdpNoPorts,
            C::UdpRcvbufErrors,
            C::UdpSndbufErrors,
            C::UdpInCsumErrors,
            C::UdpMemErrors,
        ]
        .into_iter()
        .map(|counter| counters.get(counter).unwrap())
        .collect();
        assert_eq!(told, [1, 2, 3, 25_119, 4, 5, 1_928, 964, 6, 7, 118_687, 48_476_670, 8, 87, 9]);
        assert_eq!(counters.get(C::RxMissed), None);
    }

    #[test]
    fn an_older_kernel_lacks_some_and_those_are_unknown_not_zero() {
        // Linux 4.19: no MemErrors.
        let text = "\
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti
Udp: 10 2 3 4 5 6 7 8
";
        let counters = read(read_snmp, text);
        assert_eq!(counters.get(C::UdpInCsumErrors), Some(7));
        assert_eq!(counters.get(C::UdpMemErrors), None);
        assert_eq!(counters.get(C::IpInDiscards), None);
    }

    #[test]
    fn odd_texts_are_unknown_and_never_shifted() {
        let texts = [
            "",
            "\n\n",
            "Udp",
            "Udp: InDatagrams NoPorts\n",
            "Udp: InCsumErrors\nIp: 5\n",
            "Udp: NoPorts InCsumErrors\nUdp: 5\n",
            "Udp: InCsumErrors\nUdp: -1\n",
            "Udp: InCsumErrors\nUdp: 18446744073709551616\n",
            "Udp: InCsumErrors\nUdp: x\n",
        ];
        for text in texts {
            assert_eq!(read(read_snmp, text).get(C::UdpInCsumErrors), None, "{text:?}");
        }
        let whole = read(read_snmp, "Udp: InCsumErrors\nUdp: 18446744073709551615");
        assert_eq!(whole.get(C::UdpInCsumErrors), Some(u64::MAX));
    }

    #[test]
    fn the_reverse_path_filter_is_in_the_section_of_tcp() {
        let text = "\
TcpExt: SyncookiesSent IPReversePathFilter TCPTimeouts
TcpExt: 1 206 3
IpExt: InNoRoutes InTruncatedPkts InMcastPkts
IpExt: 4 5 6
MPTcpExt: MPCapableSYNRX
MPTcpExt: 0
";
        let counters = read(read_netstat, text);
        let told = [C::IpReversePathFilter, C::IpInNoRoutes, C::IpInTruncated];
        assert_eq!(told.map(|counter| counters.get(counter)), [Some(206), Some(4), Some(5)]);
    }

    #[test]
    fn ipv6s_counters_are_a_line_each() {
        let text = "\
Ip6InReceives                   \t1611421
Ip6InNoRoutes                   \t3
Ip6ReasmReqds                   \t1928
Icmp6InCsumErrors               \t9
Udp6InCsumErrors                \t86
Udp6RcvbufErrors                \tmany
UdpLite6InCsumErrors            \t4
";
        let counters = read(read_snmp6, text);
        let told = [C::IpInNoRoutes, C::IpReasmReqds, C::UdpInCsumErrors, C::UdpRcvbufErrors];
        let told = told.map(|counter| counters.get(counter));
        assert_eq!(told, [Some(3), Some(1_928), Some(86), None]);
    }

    #[test]
    fn the_backlogs_counters_are_summed_over_processors() {
        let text = "\
0ca2c380 00000010 0000003e 00000000 00000000 00000000 00000000 00000000 00000000
0bef9cee 0000000f 00000043 00000000 00000000
";
        let counters = read(read_softnet, text);
        assert_eq!(counters.get(C::SoftnetDropped), Some(31));
        assert_eq!(counters.get(C::SoftnetTimeSqueeze), Some(0x3e + 0x43));
        let broken = read(read_softnet, "0ca2c380 00000010 x\n0bef9cee 0000000f 00000043\n");
        assert_eq!(broken.get(C::SoftnetDropped), Some(31));
        assert_eq!(broken.get(C::SoftnetTimeSqueeze), None);
        assert!(!read(read_softnet, "").is_known());
    }

    #[test]
    fn the_columns_of_connection_tracking_are_found_by_name() {
        let new = "\
entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00000000  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000020 00000003 00000000  00000000 00000000 00000000 00000004
00000000  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000  00000000 00000000 00000000 00000000
";
        let counters = read(read_conntrack, new);
        let wanted = [C::ConntrackDrop, C::ConntrackEarlyDrop, C::ConntrackInsertFailed];
        let told = wanted.map(|counter| counters.get(counter));
        assert_eq!(told, [Some(33), Some(3), Some(1)]);
        // An older kernel has other columns in their place.
        let old = "entries  searched found new drop early_drop\n0000000a 00000000 1 2 5 6\n";
        let counters = read(read_conntrack, old);
        let told = wanted.map(|counter| counters.get(counter));
        assert_eq!(told, [Some(5), Some(6), None]);
    }
}
