//! The hot loops do not allocate: checked with a counting allocator.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use udpkit::batch::TxBatch;
use udpkit::machine::{Next, Now, Session};
use udpkit::net::{IoMode, Socket, SocketPlan};
use udpkit::session::blast::{
    BlastReceiver, BlastSender, Direction, ReceiverPlan, SenderPlan, TestPlan,
};
use udpkit::stats::WINDOW;
use udpkit::sys;
use udpkit::units::{Nanos, PacketRate, Rate};

const TAG: u16 = 7;

/// Both ends of a stream on loopback, driven by the test so that nothing else runs.
struct Both {
    sender: BlastSender<()>,
    receiver: BlastReceiver<VecDeque<udpkit::session::blast::ReceiverOrder>, ()>,
    out: (Socket, TxBatch),
    into: Socket,
    received: u64,
}

fn now() -> Now {
    Now { mono: sys::monotonic_now(), real: sys::real_now() }
}

impl Both {
    fn new(io: IoMode, payload: usize, rate: Rate) -> Self {
        let local: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let plan = SocketPlan { accounting: true, gro: true, io, ..SocketPlan::new(local) };
        let into = plan.open().expect("a socket");
        let plan = SocketPlan { connect: Some(into.local_addr()), io, ..SocketPlan::new(local) };
        let out = plan.open().expect("a socket");
        let test = TestPlan {
            direction: Direction::Up,
            streams: 1,
            payload: payload as u32,
            rate,
            time: Nanos::from_secs(60),
            count: 0,
            window: WINDOW,
            verify: true,
            interval: Nanos::from_millis(20),
            burst: None,
            marking: udpkit::session::blast::Marking::default(),
            capacity: None,
            outage: None,
            sizes: None,
        };
        let plan = ReceiverPlan {
            outage: udpkit::stats::OutageLength::default(),
            sizes: None,
            format: udpkit::session::blast::DataFormat::Udpkit,
            omit: Nanos::ZERO,
            tag: TAG,
            payload,
            window: WINDOW,
            verify: true,
            interval: test.interval,
            per_drop: ReceiverPlan::COALESCED,
            patience: Nanos::from_secs(5),
            time: Nanos::ZERO,
            go_ahead: Vec::new(),
            keepalive: Nanos::ZERO,
            capacity: None,
            keeps_course: false,
        };
        Self {
            sender: BlastSender::new(SenderPlan::new(test, 0, TAG), None, ()),
            receiver: BlastReceiver::new(plan, None, VecDeque::new(), ()),
            out: (out, TxBatch::new(64, 64 * payload)),
            into,
            received: 0,
        }
    }

    /// Sends what is due and receives what arrived, until `datagrams` more have arrived.
    fn carry(&mut self, buffers: &mut udpkit::batch::RxBatch, datagrams: u64) {
        let goal = self.received + datagrams;
        let deadline = Instant::now() + Duration::from_secs(20);
        let (socket, batch) = &mut self.out;
        while self.received < goal {
            assert!(Instant::now() < deadline, "the datagrams do not come");
            let at = now();
            let next = self.sender.poll_transmit(at, batch);
            assert_ne!(next, Next::Done);
            if !batch.is_empty() {
                let outcome = socket.send(batch, 0..batch.len());
                self.sender.on_sent(at, batch, &outcome);
                batch.clear();
            }
            while self.into.receive(buffers).expect("a receive") > 0 {
                let at = now();
                for (entry, bytes) in buffers.entries() {
                    self.received += (bytes.len() / entry.stride.max(1)).max(1) as u64;
                    self.receiver.on_buffer(at, entry, bytes);
                }
            }
        }
    }
}

#[test]
fn sending_and_receiving_allocate_nothing_once_they_run() {
    let paced = Rate::Packets(PacketRate(20_000_000));
    for (io, payload, rate) in [
        (IoMode::Auto, 1472, Rate::Max),
        (IoMode::Auto, 64, Rate::Max),
        (IoMode::Mmsg, 512, Rate::Max),
        (IoMode::Plain, 64, Rate::Max),
        (IoMode::Auto, 1472, paced),
    ] {
        let mut both = Both::new(io, payload, rate);
        let mut buffers = both.into.rx_batch(payload + 1);
        both.carry(&mut buffers, 2_000);
        let counted = allocation_counter::measure(|| both.carry(&mut buffers, 10_000));
        assert_eq!(counted.count_total, 0, "{io:?} {payload} {rate}: {counted:?}");
    }
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1u8])));
    assert_eq!(counted.count_total, 1);
}
