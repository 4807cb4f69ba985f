//! Sends IPv4 datagrams with any source from a lab's host: the test binary runs itself there, as an
//! ignored test that sends what it reads.

use crate::common::{Lab, Running, require_lab, secs};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Marks forged packets for the firewall.
pub const TTL: u8 = 77;

/// A forger on one host.
pub struct Forger {
    program: Running,
}

impl Forger {
    /// Starts a forger and waits until it is ready.
    pub fn start(lab: &Lab, host: &str) -> Self {
        let mut command = lab.ignored_test(host, module_path!(), "forges_what_it_reads");
        command.env("UDPKIT_FORGE", "1");
        let program = Running::start_with_input(&mut command);
        program.wait_for_line("ready", secs(10));
        Self { program }
    }

    /// Sends a datagram as if from `source`.
    pub fn send(&mut self, source: &str, dest: &str, payload: &[u8]) {
        let mut line = format!("{source} {dest} ");
        for byte in payload {
            write!(line, "{byte:02x}").expect("a string takes it");
        }
        line.push('\n');
        self.program.write(line);
    }

    /// Waits until all of it has left.
    pub fn finish(mut self) {
        self.program.close_input();
        assert_eq!(self.program.wait(secs(30)).code(), Some(0));
    }
}

#[test]
fn what_is_forged_arrives_with_its_source() {
    require_lab!();
    let lab = Lab::pair();
    lab.nft(
        "b",
        "add table inet t\n\
         add counter inet t forged\n\
         add chain inet t in { type filter hook input priority 0; }\n\
         add rule inet t in ip saddr 192.0.2.1 udp sport 5 udp dport 9000 counter name forged",
    );
    let mut forger = Forger::start(&lab, "a");
    (0..100).for_each(|_| forger.send("192.0.2.1:5", "10.77.0.2:9000", b"hello"));
    forger.finish();
    assert_eq!(lab.counter("b", "inet t", "forged"), (100, 100 * 33));
}

#[test]
#[ignore = "a program for the other tests, which start it in a namespace"]
fn forges_what_it_reads() {
    if std::env::var("UDPKIT_FORGE").is_err() {
        // Run by hand with all ignored tests: do nothing.
        return;
    }
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP))
        .expect("root may send what it likes");
    socket.set_header_included_v4(true).expect("root may send what it likes");
    // After the line that the test runner has started.
    writeln!(std::io::stdout(), "\nready").expect("somebody reads it");
    for line in std::io::stdin().lines() {
        let line = line.expect("lines are text");
        let mut words = line.split(' ');
        let mut address = || words.next().and_then(|word| word.parse().ok()).expect("an address");
        let (source, dest): (SocketAddrV4, SocketAddrV4) = (address(), address());
        send(&socket, source, dest, &unhex(words.next().unwrap_or_default()));
    }
}

/// Decodes hexadecimal digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len() / 2).map(|at| &digits[2 * at..2 * at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

/// Sends one packet. The kernel sets IPv4's length and checksum; the UDP checksum is optional.
fn send(socket: &Socket, source: SocketAddrV4, dest: SocketAddrV4, payload: &[u8]) {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, TTL, 17, 0, 0];
    packet.extend(source.ip().octets());
    packet.extend(dest.ip().octets());
    packet.extend(source.port().to_be_bytes());
    packet.extend(dest.port().to_be_bytes());
    packet.extend((8 + payload.len() as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    let to: (Ipv4Addr, u16) = (*dest.ip(), 0);
    let to = SockAddr::from(SocketAddr::from(to));
    socket.send_to(&packet, &to).expect("root may send what it likes");
}
