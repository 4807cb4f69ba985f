//! Sends datagrams with any source from a lab's host: the test binary runs itself there, as an
//! ignored test controlled by `UDPKIT_FORGE`.

use crate::common::Lab;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::env;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Datagrams of one flood.
pub const FLOOD: u64 = 2_000;
/// HELOs of one round, each from its own address.
pub const HELLOS: u64 = 10_000;

/// Marks forged packets for the firewall.
const TTL: u8 = 77;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const PORT: u16 = 8620;

/// The command that forges on `host`: `flood` or `hellos`.
pub fn forger(lab: &Lab, host: &str, what: &str) -> Command {
    let mut command = lab.ignored_test(host, module_path!(), "forges_as_requested");
    command.env("UDPKIT_FORGE", what);
    command
}

#[test]
#[ignore = "a program for the other tests, which start it in a namespace"]
fn forges_as_requested() {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP))
        .expect("root may send what it likes");
    socket.set_header_included_v4(true).expect("root may send what it likes");
    match env::var("UDPKIT_FORGE").as_deref() {
        Ok("flood") => flood(&socket),
        Ok("hellos") => hellos(&socket),
        // Run by hand with all ignored tests: do nothing.
        _ => {}
    }
}

/// Reads the dialogue until it knows the run's tag and the stream's port, then floods the
/// stream from the client's own address.
fn flood(socket: &Socket) {
    say("listening");
    let (tag, port) = overhear(socket);
    let seed = fastrand::u64(..);
    say(&format!("seed {seed}"));
    let mut rng = fastrand::Rng::with_seed(seed);
    for index in 0..FLOOD {
        let mut payload = vec![0_u8; 1000];
        rng.fill(&mut payload);
        match index % 5 {
            0 => payload.truncate(rng.usize(..1000)),
            // A correct header and size, but another tag.
            1 => header(&mut payload, 0x10, tag ^ (1 << rng.u32(..16)), rng.u32(..)),
            // The run's own header at a wrong size.
            2 => {
                header(&mut payload, 0x10, tag, rng.u32(..));
                payload.truncate(rng.usize(16..1000));
            }
            // The sender's end message, truncated.
            3 => {
                header(&mut payload, 0x11, tag, 0);
                payload.truncate(rng.usize(16..24));
            }
            _ => {
                payload = b"nobody0000000000 DATA session=0123456789abcdef ticket=00".to_vec();
                payload.truncate(rng.usize(1..payload.len()));
            }
        }
        // Random bytes that start like a measurement header would be parsed as one.
        if index % 5 == 0 && payload.first() == Some(&0xD6) {
            payload[0] = 0xFF;
        }
        send(socket, CLIENT, port, &payload);
        // A rate that the stream's socket can handle, so that the flood itself causes no loss.
        if index % 20 == 19 {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Writes directly to standard output, after the line that the test runner has started.
fn say(line: &str) {
    writeln!(std::io::stdout(), "\n{line}").expect("somebody reads it");
}

fn header(payload: &mut [u8], form: u8, tag: u16, sequence: u32) {
    payload[0] = 0xD6;
    payload[1] = form;
    payload[2..4].copy_from_slice(&tag.to_be_bytes());
    payload[4..8].copy_from_slice(&sequence.to_be_bytes());
}

/// The tag from the reply to TEST and the stream's port from the reply to DATA.
fn overhear(mut socket: &Socket) -> (u16, u16) {
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("root may send what it likes");
    let mut tag = None;
    let mut packet = [0; 2000];
    loop {
        let len = socket.read(&mut packet).expect("the dialogue is heard");
        let port = u16::from_be_bytes([packet[22], packet[23]]);
        let text = String::from_utf8_lossy(&packet[28..len]).into_owned();
        if let Some((_, rest)) = text.split_once("-tag=") {
            tag = rest.lines().next().and_then(|digits| digits.trim().parse().ok());
        }
        if let (Some(tag), true) = (tag, text.contains(" 354")) {
            return (tag, port);
        }
    }
}

fn hellos(socket: &Socket) {
    let payload = format!("a HELO pad={}", "x".repeat(100));
    for index in 0..HELLOS {
        let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 1)) + index as u32);
        send(socket, source, 1024 + index as u16, payload.as_bytes());
        // A pace that the server's socket can follow.
        if index % 50 == 49 {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Sends one packet. The kernel sets IPv4's length and checksum; the UDP checksum is optional.
fn send(socket: &Socket, source: Ipv4Addr, port: u16, payload: &[u8]) {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, TTL, 17, 0, 0];
    packet.extend(source.octets());
    packet.extend(SERVER.octets());
    packet.extend(port.to_be_bytes());
    packet.extend(PORT.to_be_bytes());
    packet.extend((8 + payload.len() as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    let to = SockAddr::from(SocketAddr::from((SERVER, 0)));
    socket.send_to(&packet, &to).expect("root may send what it likes");
}
