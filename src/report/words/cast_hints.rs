//! Hints for errors of `cast send` and `cast recv`.

use std::net::IpAddr;

/// For more addresses than one run may have.
pub const FEWER_ADDRESSES: &str = "name fewer addresses, or narrow the ranges";
/// For a destination without an address.
pub const ADDRESS_AND_PORT: &str = "write ADDRESS:PORT";
/// For a zone that differs from `--interface`.
pub const ONE_INTERFACE: &str = "leave out one of the two";
/// For `--interface` with unicast only.
pub const UNICAST_BY_ROUTE: &str = "unicast follows the routing table";
/// For an address that cannot be a destination.
pub const DESTINATIONS: &str = "name a group, a broadcast address or a host";
/// For a source that is a group.
pub const SENDERS_ADDRESS: &str = "name the unicast address that the sender sends from";
/// For a source without a group.
pub const SOURCES_ARE_JOINED: &str = "a source is part of a multicast join";
/// For JSON and content, both on standard output.
pub const CONTENT_TO_A_FILE: &str = "write the content to a file";
/// For `--repeat` with standard input.
pub const MESSAGES_OR_FILE: &str = "give the messages after --, or use --file";
/// For receivers that cannot report.
pub const HEADER_OR_OPEN: &str = "leave out --no-header, or add --open and let receivers subscribe";
/// For an address of `--open` that cannot reach all destinations.
pub const OPEN_EVERYWHERE: &str = "leave the address out: --open=:PORT";
/// For receivers that did not report in time.
pub const START_RECEIVERS: &str = "start `udpkit cast recv` first, or wait longer (--wait)";
/// For a `--sender` that does not reply or refuses.
pub const START_OPEN_SENDER: &str =
    "run `udpkit cast send --open` there, and let its UDP port through any firewall";
/// For a group without a route.
pub const CHOOSE_INTERFACE: &str = "name the interface with --interface";
/// For an interface without a route for IPv6 groups.
pub const ADD_MULTICAST_ROUTE: &str =
    "that interface has no route for ff00::/8 (see `ip -6 route show table local`)";

/// For a link-local group without an interface.
pub fn zone_or_interface(group: IpAddr) -> String {
    format!("name the interface: [{group}%eth0] or --interface eth0")
}
