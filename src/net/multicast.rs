//! The kernel's view of multicast: interfaces, memberships, queries, filters.
//!
//! All of it is text under `/proc/net`, `/proc/sys/net` and `/sys/class/net`, readable without
//! privileges; a value that cannot be read is `None`. Only IGMP queries are not counted there: see
//! [`QuerierWatch`](super::QuerierWatch).

use crate::batch::LinkKind;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

/// State of an interface according to the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// Whether it is up (`IFF_UP`).
    pub up: Option<bool>,
    /// Whether it has a carrier.
    pub carrier: Option<bool>,
    /// Whether it supports multicast (`IFF_MULTICAST`).
    pub multicast: Option<bool>,
    /// Its kind, if multicast on it does not reach the physical network: a tunnel by its flags or
    /// name, a container bridge by its name.
    pub special: Option<LinkKind>,
    /// For a bridge, whether IGMP/MLD snooping is on.
    pub snooping: Option<bool>,
}

/// Reads the state of an interface from `/sys/class/net`.
pub fn link_state(name: &str) -> LinkState {
    let folder = Path::new("/sys/class/net").join(name);
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let flags = read("flags").and_then(|text| parse_flags(&text));
    let is_one = |text: String| text.trim() == "1";
    LinkState {
        up: flags.map(|flags| flags & IFF_UP != 0),
        // The carrier of an interface that is down cannot be read.
        carrier: read("carrier").map(is_one),
        multicast: flags.map(|flags| flags & (IFF_MULTICAST | IFF_LOOPBACK) != 0),
        special: special(name, flags.unwrap_or(0)),
        snooping: read("bridge/multicast_snooping").map(is_one),
    }
}

/// The reverse-path filter in force on an interface, the higher of its own setting and that of
/// `all` (`ip-sysctl`): 0 none, 1 strict, 2 loose.
pub fn rp_filter(name: &str) -> Option<u8> {
    let read = |name: &str| {
        let path = format!("/proc/sys/net/ipv4/conf/{}/rp_filter", name.replace('.', "/"));
        fs::read_to_string(path).ok()?.trim().parse::<u8>().ok()
    };
    Some(read("all")?.max(read(name)?))
}

/// Whether the kernel lists a membership on an interface.
pub fn lists_membership(group: IpAddr, index: u32) -> Option<bool> {
    let (path, wanted) = match group {
        IpAddr::V4(ip) => {
            // The address in memory order, printed as a native-endian number.
            ("/proc/net/igmp", format!("{:08X}", u32::from_ne_bytes(ip.octets())))
        }
        IpAddr::V6(ip) => ("/proc/net/igmp6", format!("{:032x}", u128::from(ip))),
    };
    let table = fs::read_to_string(path).ok()?;
    Some(if group.is_ipv4() {
        lists_v4(&table, index, &wanted)
    } else {
        lists_v6(&table, index, &wanted)
    })
}

/// The IGMP version in use on an interface, 1 to 3: a query of an older version selects that
/// version for a time (RFC 3376 §7.2.1).
pub fn igmp_version(index: u32) -> Option<u8> {
    version_of(&fs::read_to_string("/proc/net/igmp").ok()?, index)
}

/// MLD membership queries, of any version, received on an interface since it came up.
pub fn mld_queries(name: &str) -> Option<u64> {
    let text = fs::read_to_string(Path::new("/proc/net/dev_snmp6").join(name)).ok()?;
    queries_of(&text)
}

const IFF_UP: u32 = 0x1;
const IFF_LOOPBACK: u32 = 0x8;
const IFF_POINTOPOINT: u32 = 0x10;
const IFF_MULTICAST: u32 = 0x1000;

fn parse_flags(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

fn special(name: &str, flags: u32) -> Option<LinkKind> {
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if flags & IFF_POINTOPOINT != 0 || is(&["tun", "tap", "wg", "ppp", "tailscale"]) {
        return Some(LinkKind::Tunnel);
    }
    let bridges = ["docker", "br-", "virbr", "cni", "podman", "lxcbr", "lxdbr"];
    is(&bridges).then_some(LinkKind::ContainerBridge)
}

/// `1  lo  :  1  V3` begins an interface; the indented lines after it are its groups.
fn lists_v4(table: &str, index: u32, wanted: &str) -> bool {
    let mut here = false;
    for line in table.lines().skip(1) {
        let mut words = line.split_whitespace();
        if line.starts_with(char::is_whitespace) {
            if here && words.next() == Some(wanted) {
                return true;
            }
        } else {
            here = words.next().and_then(|word| word.parse().ok()) == Some(index);
        }
    }
    false
}

fn version_of(table: &str, index: u32) -> Option<u8> {
    let line = table.lines().skip(1).find(|line| {
        let first = line.split_whitespace().next().and_then(|word| word.parse().ok());
        !line.starts_with(char::is_whitespace) && first == Some(index)
    })?;
    line.split_whitespace().last()?.strip_prefix('V')?.parse().ok()
}

/// `2    eth0            ff02…     1 0000000C 0`: index, name, group, users, flags, timer.
fn lists_v6(table: &str, index: u32, wanted: &str) -> bool {
    table.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next().and_then(|word| word.parse().ok()) == Some(index)
            && words.nth(1) == Some(wanted)
    })
}

fn queries_of(table: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix("Icmp6InGroupMembQueries"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IGMP: &str = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
1\tlo        :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
3\teth0      :     2      V2
\t\t\t\t030201EF     1 0:00000000\t\t0
\t\t\t\t010000E0     1 0:00000000\t\t0
";

    #[test]
    fn the_kernels_tables_are_read_as_it_writes_them() {
        assert!(lists_v4(IGMP, 3, "030201EF") && !lists_v4(IGMP, 1, "030201EF"));
        assert!(!lists_v4("", 1, "030201EF"));
        assert_eq!(version_of(IGMP, 3), Some(2));
        assert_eq!(version_of(IGMP, 2), None);
        let igmp6 = "1    lo              ff020000000000000000000000000001     1 0000000C 0\n\
                     3    eth0            ff150000000000000000000000000001     1 00000004 0\n";
        assert!(lists_v6(igmp6, 3, "ff150000000000000000000000000001"));
        assert!(!lists_v6(igmp6, 1, "ff150000000000000000000000000001"));
        let snmp6 = "ifIndex  \t3\nIcmp6InGroupMembQueries         \t7\nIcmp6InMLDv2Reports  \t1\n";
        assert_eq!(queries_of(snmp6), Some(7));
        assert_eq!(queries_of("ifIndex 3"), None);
    }

    #[test]
    fn flags_and_names_tell_what_an_interface_is() {
        assert_eq!(parse_flags("0x1003\n"), Some(0x1003));
        assert_eq!(parse_flags("1003"), None);
        assert_eq!(special("wg0", 0), Some(LinkKind::Tunnel));
        assert_eq!(special("eth0", IFF_POINTOPOINT), Some(LinkKind::Tunnel));
        assert_eq!(special("docker0", IFF_MULTICAST), Some(LinkKind::ContainerBridge));
        assert_eq!(special("br0", IFF_MULTICAST), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_membership_of_this_host_is_found_in_its_list() {
        let index = super::super::find_interface("lo").unwrap();
        assert_eq!(lists_membership("224.0.0.1".parse().unwrap(), index), Some(true));
        assert_eq!(lists_membership("239.255.254.253".parse().unwrap(), index), Some(false));
        assert_eq!(link_state("lo").up, Some(true));
    }
}
