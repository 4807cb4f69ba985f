//! The table of the connections that a host tracks, changed by ctnetlink.

use super::{Lab, run, secs};
use socket2::{Domain, Protocol, Socket, Type};
use std::env;

/// Does this to the table of `host`: `fill`, or `flush` of both families. Unlike an interface that goes
/// down, a flush is done once this returns, and is never left out: a masquerade's is work in the
/// background, which the kernel skips while it has 16 of them (`nf_nat_masquerade.c`).
pub fn change_table(lab: &Lab, host: &str, what: &str) {
    let mut command = lab.ignored_test(host, module_path!(), "does_as_requested");
    run(command.env("UDPKIT_CONNTRACK", what), secs(60)).expect_success();
}

#[test]
#[ignore = "a program for the other tests, which start it in a namespace"]
fn does_as_requested() {
    let (netlink, netfilter) = (Domain::from(16), Protocol::from(12));
    let socket = Socket::new(netlink, Type::RAW, Some(netfilter)).expect("root may use netlink");
    match env::var("UDPKIT_CONNTRACK").as_deref() {
        Ok("fill") => fill(&socket),
        Ok("flush") => {
            // A deletion without a flow deletes all, of every family where the version is 0.
            socket.send(&message(2, REQUEST, &[])).expect("the table is emptied");
        }
        // Run by hand with all ignored tests: do nothing.
        _ => {}
    }
}

const REQUEST: u16 = 0x1;
const CREATE: u16 = 0x600;

/// A message of ctnetlink (`linux/netfilter/nfnetlink_conntrack.h`) for IPv4.
fn message(kind: u16, flags: u16, attributes: &[u8]) -> Vec<u8> {
    let len = 20 + attributes.len() as u32;
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend((0x100 | kind).to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([2, 0, 0, 0]);
    bytes.extend(attributes);
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

const NESTED: u16 = 0x8000;

/// A UDP flow from one address to another.
fn tuple(kind: u16, from: u32, to: u32) -> Vec<u8> {
    let ip = [attribute(1, &from.to_be_bytes()), attribute(2, &to.to_be_bytes())].concat();
    let ports = [attribute(1, &[17]), attribute(2, &[9, 9]), attribute(3, &[9, 9])].concat();
    let both = [attribute(1 | NESTED, &ip), attribute(2 | NESTED, &ports)].concat();
    attribute(kind | NESTED, &both)
}

/// Puts flows into the table until it is full. They have been answered, so that the kernel does
/// not remove them for others.
fn fill(socket: &Socket) {
    let limit = std::fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_max");
    let most: u32 = limit.expect("a limit").trim().parse().expect("a number");
    let (assured, hour) = (14_u32.to_be_bytes(), 3_600_u32.to_be_bytes());
    let numbers: Vec<u32> = (0..most + 1_000).collect();
    for part in numbers.chunks(100) {
        let flows = part.iter().flat_map(|number| {
            let (from, to) = (0x0A64_0000 + number, 0x0A63_0001);
            let attributes = [
                tuple(1, from, to),
                tuple(2, to, from),
                attribute(3, &assured),
                attribute(7, &hour),
            ];
            message(0, REQUEST | CREATE, &attributes.concat())
        });
        socket.send(&flows.collect::<Vec<u8>>()).expect("a flow is added");
    }
}
