//! Finds a free port, and waits until a port is bound.

use super::{secs, wait_until};
use std::fs;
use std::net::UdpSocket;

/// A UDP port that is free now, over IPv4 and IPv6. Another program may take it before the caller
/// does, so port 0 is better if the program under test prints its port.
pub fn free_udp_port() -> u16 {
    UdpSocket::bind("[::]:0")
        .or_else(|_| UdpSocket::bind("0.0.0.0:0"))
        .and_then(|socket| socket.local_addr())
        .expect("a port is free")
        .port()
}

/// Waits until a socket of this machine is bound to the UDP port, for five seconds at most.
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

/// Whether a table in the form of `/proc/net/udp` lists a socket with this local port.
pub fn lists_port(table: &str, port: u16) -> bool {
    let wanted = format!("{port:04X}");
    table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1)?.rsplit_once(':'))
        .any(|(_, local)| local == wanted)
}
