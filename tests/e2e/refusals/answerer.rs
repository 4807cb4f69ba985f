//! A host that refuses and answers: for each datagram to its port it sends "port unreachable" from
//! its own address, and then the datagram back. The test binary runs itself there, as an ignored
//! test controlled by `UDPKIT_ANSWERER`, the address to listen on.

use crate::common::Lab;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::env;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How long it takes to answer after the refusal.
const PAUSE: Duration = Duration::from_millis(20);

/// The command that refuses and answers on `host` at `address`; it prints `listening`.
pub fn answerer(lab: &Lab, host: &str, address: &str) -> Command {
    let mut command = lab.ignored_test(host, module_path!(), "refuses_and_answers");
    command.env("UDPKIT_ANSWERER", address);
    command
}

#[test]
#[ignore = "a program for the other tests, which start it in a namespace"]
fn refuses_and_answers() {
    // Run by hand with all ignored tests: do nothing.
    let Ok(address) = env::var("UDPKIT_ANSWERER") else { return };
    let socket = UdpSocket::bind(&address).expect("the address is free");
    let own = socket.local_addr().expect("it is bound");
    let (domain, protocol) = match own {
        SocketAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        SocketAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let icmp = Socket::new(domain, Type::RAW, Some(protocol)).expect("root may send ICMP");
    writeln!(std::io::stdout(), "\nlistening").expect("somebody reads it");
    let mut bytes = [0; 2_000];
    loop {
        let (len, from) = socket.recv_from(&mut bytes).expect("the socket stays open");
        let refusal = port_unreachable(from, own, &bytes[..len]);
        let to = SockAddr::from(SocketAddr::new(from.ip(), 0));
        icmp.send_to(&refusal, &to).expect("root may send ICMP");
        thread::sleep(PAUSE);
        socket.send_to(&bytes[..len], from).expect("it answers");
    }
}

/// An ICMP message (RFC 792, RFC 4443) about a datagram.
fn port_unreachable(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let udp_len = 8 + payload.len() as u16;
    let mut message = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut message = vec![3, 3, 0, 0, 0, 0, 0, 0, 0x45, 0];
            message.extend((20 + udp_len).to_be_bytes());
            message.extend([0, 0, 0, 0, 64, 17, 0, 0]);
            message.extend(from.octets());
            message.extend(to.octets());
            message
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut message = vec![1, 4, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0];
            message.extend(udp_len.to_be_bytes());
            message.extend([17, 64]);
            message.extend(from.octets());
            message.extend(to.octets());
            message
        }
        _ => panic!("{from} and {to} are of two families"),
    };
    message.extend(from.port().to_be_bytes());
    message.extend(to.port().to_be_bytes());
    message.extend(udp_len.to_be_bytes());
    message.extend([0, 0]);
    message.extend(payload);
    // The kernel fills in that of ICMPv6.
    if from.is_ipv4() {
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    let mut sum: u32 = words.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}
