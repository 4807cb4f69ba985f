//! Ports: a free one, and waiting until one is taken.

use super::{secs, wait_until};
use std::fs;
use std::net::UdpSocket;

/// A UDP port that nobody has now, over IPv4 and IPv6. Somebody may take it before the caller
/// does: port 0 is better wherever the program says which port it got.
pub fn free_udp_port() -> u16 {
    UdpSocket::bind("[::]:0")
        .or_else(|_| UdpSocket::bind("0.0.0.0:0"))
        .and_then(|socket| socket.local_addr())
        .expect("a port is free")
        .port()
}

/// Waits until a socket of this machine has the UDP port, five seconds at most.
pub fn wait_bound(port: u16) {
    wait_until_bound("this machine", port, || {
        ["/proc/net/udp", "/proc/net/udp6"]
            .map(|table| fs::read_to_string(table).unwrap_or_default())
            .concat()
    });
}

/// As [`wait_bound`], on a host whose tables `sockets` reads.
pub fn wait_until_bound(host: &str, port: u16, sockets: impl Fn() -> String) {
    let what = format!("a socket on {host} with UDP port {port}");
    wait_until(&what, secs(5), || lists_port(&sockets(), port));
}

/// Whether a table in the form of `/proc/net/udp` has a socket with that local port.
pub fn lists_port(table: &str, port: u16) -> bool {
    let wanted = format!("{port:04X}");
    table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1)?.rsplit_once(':'))
        .any(|(_, local)| local == wanted)
}
