//! Sockets of a system that lacks one thing, and of one that lacks all but the portable calls: each
//! still moves every datagram, and tells nothing that it cannot know.

use super::{IoMode, Socket, SocketPlan, capabilities};
use crate::batch::{Capabilities, Capability, DestId, RxMeta, SendOutcome, SendStop, TxBatch};
use crate::sys::PortableCall;
use crate::sys::errno;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const LENS: [usize; 8] = [0, 1, 1472, 1472, 1472, 700, 9000, 65_507];

/// A receiver that asks for everything, and a sender connected to it.
fn pair(io: IoMode, can: Capabilities, local: &str) -> (Socket, Socket) {
    let local: SocketAddr = local.parse().unwrap();
    let receiver =
        SocketPlan { details: true, accounting: true, gro: true, io, ..SocketPlan::new(local) };
    let receiver = receiver.open_with(can).unwrap();
    let connect = Some(receiver.local_addr());
    let sender = SocketPlan { connect, io, ..SocketPlan::new(local) }.open_with(can).unwrap();
    (sender, receiver)
}

/// Whether the system tells the destinations of datagrams: Wine refuses to, over IPv4.
fn tells_destinations(local: &str) -> bool {
    let local: SocketAddr = local.parse().unwrap();
    let socket = std::net::UdpSocket::bind(local).unwrap();
    let told = PortableCall::new(&socket).1;
    assert!(told.is_ok() || cfg!(windows), "{told:?}");
    told.is_ok()
}

/// Sends datagrams of all lengths, and returns what the receiver was told of them.
fn exchange(io: IoMode, can: Capabilities, local: &str) -> Vec<RxMeta> {
    let (mut sender, mut receiver) = pair(io, can, local);
    let mut batch = TxBatch::new(16, 1 << 20);
    for (index, len) in LENS.into_iter().enumerate() {
        batch.push(DestId::CONNECTED, len).unwrap().fill(index as u8);
    }
    assert_eq!(sender.send(&batch, 0..batch.len()).accepted, LENS.len());
    let (mut got, mut told) = (Vec::new(), Vec::new());
    let mut buffers = receiver.rx_batch(65_535);
    let deadline = Instant::now() + Duration::from_secs(20);
    while got.len() < LENS.len() && Instant::now() < deadline {
        receiver.receive(&mut buffers).unwrap();
        for datagram in buffers.datagrams() {
            got.push(datagram.payload.to_vec());
            told.push(datagram.meta);
        }
        buffers.clear();
    }
    let sent: Vec<Vec<u8>> =
        LENS.into_iter().enumerate().map(|(index, len)| vec![index as u8; len]).collect();
    assert_eq!(got, sent, "{io:?}");
    told
}

#[test]
fn without_any_one_capability_every_datagram_arrives_and_what_is_unknown_is_not_told() {
    let tells = tells_destinations("127.0.0.1:0");
    for io in [IoMode::Auto, IoMode::Mmsg, IoMode::Plain, IoMode::Portable, IoMode::PortablePlain] {
        for what in Capability::ALL {
            let can = capabilities(io).without(what);
            for meta in exchange(io, can, "127.0.0.1:0") {
                let known = [
                    (Capability::TimeToLive, meta.ttl.is_some()),
                    (Capability::ReceiveTimeStamps, meta.kernel_stamp),
                    (Capability::TrafficClass, meta.tos.is_some()),
                    (Capability::FragmentSizes, meta.fragment.is_some()),
                ];
                for (capability, is_told) in known {
                    assert!(!is_told || can.has(capability), "{io:?} {what:?} {meta:?}");
                }
                let knows = can.has(Capability::PacketInfo) && tells;
                assert!(!knows || meta.destination == Some([127, 0, 0, 1].into()), "{io:?}");
            }
        }
    }
}

#[test]
fn the_portable_calls_know_destinations_of_either_family_and_both_on_one_socket() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let told = exchange(IoMode::Portable, capabilities(IoMode::Portable), local);
        let ip = local.parse::<SocketAddr>().unwrap().ip();
        let destination = tells_destinations(local).then_some(ip);
        assert!(told.iter().all(|meta| meta.destination == destination && meta.source.ip() == ip));
    }
}

#[test]
fn a_port_that_nobody_has_is_told_to_a_connected_socket_without_an_error_queue() {
    let nobody = SocketPlan::new("127.0.0.1:0".parse().unwrap()).open().unwrap().local_addr();
    let plan = SocketPlan {
        connect: Some(nobody),
        io: IoMode::Portable,
        ..SocketPlan::new("127.0.0.1:0".parse().unwrap())
    };
    let mut socket = plan.open().unwrap();
    let mut batch = TxBatch::new(1, 16);
    batch.push(DestId::CONNECTED, 4).unwrap();
    let mut buffers = socket.rx_batch(16);
    let deadline = Instant::now() + Duration::from_secs(20);
    let error = loop {
        // Some are told where they send again, not where they receive.
        assert_eq!(socket.send(&batch, 0..1).accepted, 1);
        assert_eq!(socket.receive(&mut buffers).unwrap(), 0);
        if let Some(error) = socket.take_error() {
            break error;
        }
        assert!(Instant::now() < deadline, "nothing is told");
    };
    assert_eq!((error.icmp_type, error.icmp_code, error.destination), (3, 3, nobody));
    assert_eq!(error.offender, None, "it is not known who said so");
}

#[test]
fn what_is_too_long_is_refused_and_what_came_before_it_left() {
    for io in [IoMode::Mmsg, IoMode::Portable] {
        let (mut sender, _receiver) = pair(io, capabilities(io), "127.0.0.1:0");
        let mut batch = TxBatch::new(4, 1 << 20);
        for len in [10, 65_508, 10] {
            batch.push(DestId::CONNECTED, len).unwrap();
        }
        let stop = SendStop::Refused { datagrams: 1, errno: errno::EMSGSIZE };
        let outcome = sender.send(&batch, 0..3);
        assert_eq!(outcome, SendOutcome { accepted: 1, stop: Some(stop) }, "{io:?}");
    }
}

#[test]
fn one_peer_is_connected_to_where_others_are_not_told_of_a_closed_port() {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let (host, group) = ("127.0.0.1:9".parse().unwrap(), "239.1.1.1:9".parse().unwrap());
    let plan =
        |io, towards: SocketAddr| SocketPlan { io, towards: Some(towards), ..SocketPlan::new(any) };
    let portable = |towards| plan(IoMode::Portable, towards);
    assert_eq!(portable(host).open().unwrap().peer(), Some(host));
    assert_eq!(portable(group).open().unwrap().peer(), None, "anyone may answer");
    let broadcast = SocketPlan { broadcast: true, ..portable(host) };
    assert_eq!(broadcast.open().unwrap().peer(), None, "anyone may answer");
    let unreachable = portable("[::1]:9".parse().unwrap());
    assert_eq!(unreachable.open().unwrap().peer(), None, "who sends there is told why");
    let queues = capabilities(IoMode::Auto).has(Capability::NetworkErrors);
    assert_eq!(plan(IoMode::Auto, host).open().unwrap().peer().is_none(), queues);
}
