//! Sockets of a system that lacks one thing, and of one that lacks all but the portable calls: each
//! still moves every datagram, and tells nothing that it cannot know.

use super::{IoMode, Socket, SocketPlan, capabilities};
use crate::batch::{Capabilities, Capability, DestId, RxMeta, TxBatch};
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
                let knows = can.has(Capability::PacketInfo);
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
        assert!(told.iter().all(|meta| meta.destination == Some(ip) && meta.source.ip() == ip));
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
    assert_eq!(socket.send(&batch, 0..1).accepted, 1);
    let mut buffers = socket.rx_batch(16);
    let deadline = Instant::now() + Duration::from_secs(20);
    let error = loop {
        assert_eq!(socket.receive(&mut buffers).unwrap(), 0);
        if let Some(error) = socket.take_error() {
            break error;
        }
        assert!(Instant::now() < deadline, "nothing is told");
    };
    assert_eq!((error.icmp_type, error.icmp_code, error.destination), (3, 3, nobody));
    assert_eq!(error.offender, None, "it is not known who said so");
}
