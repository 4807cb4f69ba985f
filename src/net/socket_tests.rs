//! Sockets by Linux's own calls: their batches, the details of each datagram, and ICMP errors.

use super::{IoMode, Socket, SocketPlan};
use crate::batch::{
    Dest, DestId, Fragmentation, IcmpMeaning, SendOutcome, SendStop, TxBatch, TxCall,
};
use crate::sys::{self, errno};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

fn pair(io: IoMode, gro: bool) -> (Socket, Socket) {
    let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let receiver =
        SocketPlan { details: true, accounting: true, gro, io, ..SocketPlan::new(local) }
            .open()
            .unwrap();
    let connect = Some(receiver.local_addr());
    let sender = SocketPlan { connect, io, ..SocketPlan::new(local) }.open().unwrap();
    (sender, receiver)
}

/// Collects datagrams until there are `count` or a second has passed: (bytes, with details).
fn collect(receiver: &mut Socket, count: usize) -> Vec<(Vec<u8>, bool)> {
    let mut batch = receiver.rx_batch(65_535);
    let mut all = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(1);
    while all.len() < count && Instant::now() < deadline {
        receiver.receive(&mut batch).unwrap();
        all.extend(batch.datagrams().map(|datagram| {
            let meta = datagram.meta;
            let told = meta.kernel_stamp && meta.ttl.is_some() && meta.destination.is_some();
            (datagram.payload.to_vec(), told)
        }));
        batch.clear();
    }
    all
}

#[test]
fn every_mode_keeps_boundaries_and_control_data_from_batch_to_batch() {
    for (io, gro) in
        [(IoMode::Plain, false), (IoMode::Mmsg, false), (IoMode::Auto, false), (IoMode::Auto, true)]
    {
        let (mut sender, mut receiver) = pair(io, gro);
        let lens = [0, 1, 1472, 1472, 1472, 700, 1, 0, 9000, 65_507];
        // Twice: lengths and flags are updated by the call, and a header that is not reset
        // would lose them.
        for round in 0..2 {
            let mut batch = TxBatch::new(16, 1 << 20);
            for (index, len) in lens.into_iter().enumerate() {
                batch.push(DestId::CONNECTED, len).unwrap().fill(index as u8);
            }
            let outcome = sender.send(&batch, 0..batch.len());
            assert_eq!(outcome, SendOutcome { accepted: lens.len(), stop: None });
            let got = collect(&mut receiver, lens.len());
            for (index, (len, (bytes, told))) in lens.into_iter().zip(&got).enumerate() {
                assert_eq!(bytes, &vec![index as u8; len], "{io:?} {gro} round {round}");
                assert!(told, "{io:?} {gro} round {round}: no control data");
            }
            assert_eq!(got.len(), lens.len());
        }
        let tx = [TxCall::Plain, TxCall::Mmsg, TxCall::Gso][match (io, gro) {
            (IoMode::Plain, _) => 0,
            (IoMode::Mmsg, _) => 1,
            _ => 2,
        }];
        assert_eq!(sender.io_used().tx, tx);
    }
}

#[test]
fn each_datagram_leaves_with_its_own_ttl_and_tos() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let local: SocketAddr = local.parse().unwrap();
        let plan = SocketPlan { details: true, ..SocketPlan::new(local) };
        let mut receiver = plan.open().unwrap();
        let mut sender = SocketPlan { ttl: Some(99), ..SocketPlan::new(local) }.open().unwrap();
        let mut batch = TxBatch::new(4, 64);
        for ttl in [7, 0, 255] {
            let dest = Dest { ttl, tos: 0xb8, ..Dest::from(receiver.local_addr()) };
            let id = batch.add_dest(dest);
            batch.push(id, 9).unwrap();
        }
        let outcome = sender.send(&batch, 0..3);
        assert_eq!(outcome, SendOutcome { accepted: 3, stop: None });
        let mut got = receiver.rx_batch(100);
        let mut seen = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(5);
        while seen.len() < 3 && Instant::now() < deadline {
            receiver.receive(&mut got).unwrap();
            let told = |meta: crate::batch::RxMeta| (meta.ttl, meta.tos, meta.fragment);
            seen.extend(got.datagrams().map(|datagram| told(datagram.meta)));
            got.clear();
        }
        let wanted = [7, 99, 255].map(|ttl| (Some(ttl), Some(0xb8), None));
        assert_eq!(seen, wanted, "{local}");
    }
}

#[test]
fn a_datagram_that_must_stay_whole_is_refused_beside_one_that_need_not() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let local: SocketAddr = local.parse().unwrap();
        let plan = SocketPlan { details: true, ..SocketPlan::new(local) };
        let mut receiver = plan.open().unwrap();
        let mut sender = SocketPlan::new(local).open().unwrap();
        let to = Dest::from(receiver.local_addr());
        // Over IPv4 no datagram can exceed the 65,536 bytes of the loopback MTU.
        let len = if local.is_ipv4() { 65_507 } else { 65_527 };
        let mut batch = TxBatch::new(4, 1 << 18);
        for (fragmentation, len) in [(None, len), (Some(Fragmentation::Probe), 65_400), (None, len)]
        {
            let id = batch.add_dest(Dest { fragmentation, ..to });
            batch.push(id, len).unwrap();
        }
        let id = batch.add_dest(Dest { fragmentation: Some(Fragmentation::Probe), ..to });
        batch.push(id, len).unwrap();
        let outcome = sender.send(&batch, 0..4);
        let refused = SendStop::Refused { datagrams: 1, errno: errno::EMSGSIZE };
        let wanted = match local {
            SocketAddr::V4(_) => SendOutcome { accepted: 4, stop: None },
            // 40 + 8 + 65,527 bytes exceed the loopback MTU.
            SocketAddr::V6(_) => SendOutcome { accepted: 3, stop: Some(refused) },
        };
        assert_eq!(outcome, wanted, "{local}");
        let mut got = receiver.rx_batch(65_535);
        let mut seen = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(5);
        while seen.len() < outcome.accepted && Instant::now() < deadline {
            receiver.receive(&mut got).unwrap();
            let told = |datagram: crate::batch::Datagram<'_>| {
                (datagram.true_len, datagram.meta.fragment.is_some())
            };
            seen.extend(got.datagrams().map(told));
            got.clear();
        }
        let in_pieces = local.is_ipv6();
        let mut wanted = vec![(len, in_pieces), (65_400, false), (len, in_pieces)];
        if local.is_ipv4() {
            wanted.push((len, false));
        }
        assert_eq!(seen, wanted, "{local}");
    }
}

#[test]
fn a_closed_port_answers_and_does_not_stop_the_next_datagram() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let open = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut sender = SocketPlan::for_peers([&closed]).open().unwrap();
    let mut batch = TxBatch::new(4, 64);
    let (a, b) = (batch.add_dest(closed), batch.add_dest(open.local_addr().unwrap()));
    for dest in [a, b, a, b] {
        batch.push(dest, 3).unwrap().copy_from_slice(b"abc");
    }
    let outcome = sender.send(&batch, 0..4);
    assert_eq!(outcome, SendOutcome { accepted: 4, stop: None });
    sender.drain_errors();
    let error = sender.take_error().expect("loopback answers at once");
    assert_eq!(error.meaning(), Some(IcmpMeaning::PortUnreachable));
    assert_eq!(error.offender, "127.0.0.1".parse().ok());
    assert_eq!(error.destination, closed);
    assert_eq!(error.quoted(), b"abc");
    let mut bytes = [0; 8];
    assert_eq!(open.recv(&mut bytes).unwrap(), 3);
    assert_eq!(open.recv(&mut bytes).unwrap(), 3);
}

#[test]
fn however_often_a_closed_port_answers_its_neighbour_gets_everything() {
    for (ip, io) in ["127.0.0.1", "::1"].into_iter().flat_map(|ip| {
        [IoMode::Plain, IoMode::Mmsg, IoMode::Auto].map(|io| (ip.parse().unwrap(), io))
    }) {
        let local = SocketAddr::new(ip, 0);
        let closed = std::net::UdpSocket::bind(local).unwrap().local_addr().unwrap();
        let plan = SocketPlan { accounting: true, ..SocketPlan::new(local) };
        let mut open = plan.open().unwrap();
        let peers = [closed, open.local_addr()];
        let mut sender = SocketPlan { io, ..SocketPlan::for_peers(&peers) }.open().unwrap();
        let mut batch = TxBatch::new(200, 1 << 12);
        let dests = peers.map(|peer| batch.add_dest(peer));
        for index in 0..200 {
            batch.push(dests[index % 2], 3).unwrap();
        }
        let outcome = sender.send(&batch, 0..200);
        assert_eq!(outcome, SendOutcome { accepted: 200, stop: None }, "{ip} {io:?}");
        assert_eq!(collect(&mut open, 100).len(), 100, "{ip} {io:?}");
        sender.drain_errors();
        let charged: Vec<_> = std::iter::from_fn(|| sender.take_error()).collect();
        assert!(!charged.is_empty(), "{ip} {io:?}");
        assert!(charged.iter().all(|error| error.destination == closed), "{charged:?}");
    }
}

#[test]
fn each_datagram_is_stamped_when_it_leaves_and_one_refused_shifts_no_number() {
    let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let receiver = std::net::UdpSocket::bind(local).unwrap();
    let connect = receiver.local_addr().ok();
    let plan = SocketPlan { connect, transmit_stamps: true, ..SocketPlan::new(local) };
    let mut sender = plan.open().unwrap();
    assert!(sender.stamps_transmits());
    let before = sys::real_now();
    let mut batch = TxBatch::new(4, 1 << 17);
    for len in [10, 65_508, 10, 10] {
        batch.push(DestId::CONNECTED, len).unwrap();
    }
    let stop = SendStop::Refused { datagrams: 1, errno: errno::EMSGSIZE };
    let outcome = sender.send(&batch, 0..4);
    assert_eq!(outcome, SendOutcome { accepted: 1, stop: Some(stop) });
    assert_eq!(sender.send(&batch, 2..4), SendOutcome { accepted: 2, stop: None });
    assert!(sender.drain_errors());
    let stamps: Vec<_> = std::iter::from_fn(|| sender.take_stamp()).collect();
    let numbers: Vec<_> = stamps.iter().map(|stamp| stamp.number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let now = sys::real_now();
    assert!(stamps.iter().all(|stamp| (before..=now).contains(&stamp.at)), "{stamps:?}");
}
