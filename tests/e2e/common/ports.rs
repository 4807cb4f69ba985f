//! Finds a free port, and waits until a port is bound.

use super::{secs, wait_until};
use std::fs;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that the kernel gives to nobody who does not ask for them
/// (`net.ipv4.ip_local_port_range`): another test's client cannot have one by chance.
const ASKED_FOR: std::ops::Range<u16> = 10_000..32_000;
/// Ports from one to the next: programs take those behind theirs, too.
const APART: u16 = 8;

/// A UDP port that is free now, over IPv4 and IPv6, and that no other call of this process returns.
pub fn free_udp_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let many = ASKED_FOR.len() as u16 / APART;
    // Another run of the tests begins elsewhere.
    let begin = (std::process::id() % u32::from(many)) as u16;
    // Not by binding it: a process that another test starts meanwhile has that socket, too, for as
    // long as it takes to begin.
    let bound = bound_here();
    let is_free = |port: &u16| !lists_port(&bound, *port);
    (0..many)
        .map(|_| (begin + TAKEN.fetch_add(1, Ordering::Relaxed) % many) % many)
        .map(|place| ASKED_FOR.start + place * APART)
        .find(is_free)
        .expect("a port is free")
}

/// Waits until a socket of this machine is bound to the UDP port, for five seconds at most.
pub fn wait_bound(port: u16) {
    wait_until_bound("this machine", port, bound_here);
}

/// The tables of this machine's UDP sockets.
fn bound_here() -> String {
    ["/proc/net/udp", "/proc/net/udp6"]
        .map(|table| fs::read_to_string(table).unwrap_or_default())
        .concat()
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
