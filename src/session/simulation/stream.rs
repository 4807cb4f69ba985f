//! One stream over one link, run to its end and compared with the link's own log.

use super::expected_counts::Account;
use super::paths;
use crate::impair::{Impairments, Loss};
use crate::machine::Now;
use crate::netsim::{Clock, Host, Link, Mailbox, Network, Packet, SendFaults, Sent, SimSocket};
use crate::record::{BlastInterval, BlastReceived};
use crate::session::blast::{
    BlastReceiver, BlastSender, DataFormat, Direction, Marking, ReceiverEvent, ReceiverOrder,
    ReceiverPlan, SenderEvent, SenderPlan, SenderSummary, TestPlan,
};
use crate::stats::{OutageLength, WINDOW};
use crate::units::{Nanos, PacketRate, Rate};
use std::net::SocketAddr;
use std::ops::Range;

pub const TAG: u16 = 0xBEEF;
pub const PAYLOAD: usize = 64;
const DEADLINE: Nanos = Nanos::from_secs(60);

/// Parameters of a stream.
#[derive(Clone)]
pub struct Stream {
    pub count: u64,
    pub time: Nanos,
    /// Datagrams per second; 0 for as fast as possible.
    pub rate: u64,
    /// What the path does to the datagrams of the sender.
    pub path: Impairments,
    /// Datagrams that are certainly lost before that, by their order.
    pub lose: Vec<Range<u64>>,
    /// Interrupt moderation of the receiver; zero for none.
    pub moderation: Nanos,
    pub send_faults: SendFaults,
    pub late: Nanos,
    pub coalesces: bool,
    pub sender_clock: Clock,
    pub receiver_clock: Clock,
    pub interval: Nanos,
    /// Whether the control dialogue reports the total when the sender has ended.
    pub told: bool,
    pub strays: Vec<(Nanos, Vec<u8>)>,
    /// Whether every byte is compared, rather than samples.
    pub verify: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            count: 1_000,
            time: Nanos::ZERO,
            rate: 20_000,
            path: paths::clean(),
            lose: Vec::new(),
            moderation: Nanos::ZERO,
            send_faults: SendFaults::default(),
            late: Nanos::ZERO,
            coalesces: false,
            sender_clock: Clock::default(),
            receiver_clock: Clock { boot: Nanos::from_secs(77), ..Clock::default() },
            interval: Nanos::from_millis(20),
            told: false,
            strays: Vec::new(),
            verify: true,
        }
    }
}

/// The result.
pub struct Ran {
    pub sent: SenderSummary,
    pub received: BlastReceived,
    pub intervals: Vec<BlastInterval>,
    /// The correct counts by the link's log.
    pub account: Account,
    pub socket: Sent,
    /// When each numbered datagram was sent, and its number.
    pub departures: Vec<(Nanos, u32)>,
}

fn addresses() -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([192, 0, 2, 1], 4_000)), SocketAddr::from(([192, 0, 2, 2], 9_000)))
}

impl Stream {
    fn run(&self, seed: u64) -> Ran {
        let (from, to) = addresses();
        let mut network = Network::new(seed);
        let sure = Impairments { loss: Loss::Ranges(self.lose.clone()), ..Impairments::default() };
        let mut near = Host::at("192.0.2.1")
            .behind(Link::new(sure, Impairments::default()))
            .behind(Link::new(self.path.clone(), paths::clean()));
        (near.clock, near.send_faults, near.late) =
            (self.sender_clock, self.send_faults, self.late);
        let near = network.add(near);
        let mut far = Host::at("192.0.2.2");
        (far.clock, far.moderation, far.coalesces) =
            (self.receiver_clock, self.moderation, self.coalesces);
        let far = network.add(far);
        for (at, bytes) in &self.strays {
            network.inject(*at, Packet::udp(from, to, bytes.clone()));
        }
        let (orders, events) = (Mailbox::new(), Mailbox::new());
        let receiver = BlastReceiver::new(self.receiver(), None, orders.clone(), events.clone());
        let receiver = network.start(far, &[SimSocket::connected(to, from)], receiver);
        let sender = network.start(near, &[SimSocket::connected(from, to)], self.sender());
        for process in [receiver.id(), sender.id()] {
            network.set_tick(process, Nanos::from_millis(500));
        }
        network.run(&[sender.id()], DEADLINE);
        let socket = network.sent(sender.id());
        if self.told {
            orders.push(ReceiverOrder::Total(socket.accepted));
            network.wake(receiver.id());
        }
        network.run(&[receiver.id()], DEADLINE);
        let received = receiver.finish(network.now(receiver.id())).received;
        // The first link has every datagram that was sent, and every one that was taken.
        let link = &network.host(near).link().out;
        let departures = link
            .passages
            .iter()
            .filter_map(|passage| passage.sequence.map(|sequence| (passage.at, sequence)))
            .collect();
        let account = Account::of(link, received.sender_total.is_some());
        let intervals = events
            .drain()
            .into_iter()
            .filter_map(|event| match event {
                ReceiverEvent::Interval(interval) => Some(interval),
                _ => None,
            })
            .collect();
        let sent = sender.finish(Now::default());
        Ran { sent, received, intervals, account, socket, departures }
    }

    fn receiver(&self) -> ReceiverPlan {
        ReceiverPlan {
            outage: OutageLength::default(),
            sizes: None,
            format: DataFormat::Udpkit,
            omit: Nanos::ZERO,
            tag: TAG,
            payload: PAYLOAD,
            window: WINDOW,
            verify: self.verify,
            interval: self.interval,
            patience: Nanos::from_secs(15),
            time: Nanos::ZERO,
            per_drop: ReceiverPlan::COALESCED,
            go_ahead: Vec::new(),
            keepalive: Nanos::ZERO,
            capacity: None,
            keeps_course: false,
        }
    }

    fn sender(&self) -> BlastSender<Mailbox<SenderEvent>> {
        let rate = match self.rate {
            0 => Rate::Max,
            rate => Rate::Packets(PacketRate(rate * 1_000)),
        };
        let test = TestPlan {
            direction: Direction::Up,
            streams: 1,
            payload: PAYLOAD as u32,
            rate,
            time: self.time,
            count: self.count,
            window: WINDOW,
            verify: true,
            interval: self.interval,
            burst: None,
            marking: Marking::default(),
            capacity: None,
            outage: None,
            sizes: None,
        };
        BlastSender::new(SenderPlan::new(test, 0, TAG), None, Mailbox::new())
    }

    /// Runs it and compares every count with the logs.
    pub fn check(&self, seed: u64) -> Ran {
        let ran = self.run(seed);
        let Ran { sent, received, account, socket, departures, .. } = &ran;
        let counted = Account {
            sent: sent.sent.datagrams,
            received: received.datagrams,
            firsts: received.firsts,
            duplicates: received.duplicates,
            reordered: received.reordered,
            too_late: received.too_late,
            lost: received.lost,
            bursts: received.loss_bursts,
            longest: received.longest_burst,
            cut: received.changed.cut,
            altered: received.changed.altered,
            corrupt: received.corrupt,
        };
        assert_eq!(counted, *account, "seed {seed}");
        assert_eq!(received.bytes, account.received * PAYLOAD as u64, "seed {seed}");
        let BlastReceived { firsts, duplicates, too_late, lost, .. } = *received;
        assert_eq!(received.datagrams, firsts + duplicates + too_late, "seed {seed}");
        if received.sender_total.is_some() {
            let changed = received.changed.datagrams();
            assert_eq!(sent.sent.datagrams, firsts + changed + lost, "seed {seed}");
        }
        let numbers = departures.iter().map(|(_, number)| u64::from(*number));
        assert!(numbers.eq(0..socket.accepted), "seed {seed}: a number was skipped or used twice");
        assert_eq!(sent.sent.datagrams, socket.accepted, "seed {seed}");
        let refused: u64 = sent.sent.refused.iter().map(|refusal| refusal.datagrams).sum();
        assert_eq!(refused, socket.refused, "seed {seed}");
        assert_eq!(sent.sent.blocked, socket.blocked, "seed {seed}");
        assert_eq!(sent.sent.never_sent(), refused + sent.sent.unsent, "seed {seed}");
        assert_eq!(sent.sent.offered, sent.sent.never_sent() + socket.accepted, "seed {seed}");
        ran.check_intervals(seed);
        ran
    }
}

impl Ran {
    fn check_intervals(&self, seed: u64) {
        let sum = |of: fn(&BlastInterval) -> u64| self.intervals.iter().map(of).sum::<u64>();
        let total = &self.received;
        assert_eq!(sum(|i| i.datagrams), total.datagrams, "seed {seed}");
        assert_eq!(sum(|i| i.bytes), total.bytes, "seed {seed}");
        assert_eq!(sum(|i| i.duplicates), total.duplicates, "seed {seed}");
        assert_eq!(sum(|i| i.reordered), total.reordered, "seed {seed}");
        assert_eq!(sum(|i| i.socket_drops), total.socket_drops, "seed {seed}");
        assert_eq!(sum(|i| i.cut), total.changed.cut, "seed {seed}");
        assert_eq!(sum(|i| i.altered), total.changed.altered, "seed {seed}");
        // What arrived late after all is subtracted from the total, not from an interval.
        if total.datagrams > 0 {
            let lost = sum(|i| i.lost);
            let most = total.lost + total.reordered;
            assert!((total.lost..=most).contains(&lost), "seed {seed}: {lost} of {}", total.lost);
        }
        let mut end = 0;
        for interval in &self.intervals {
            assert_eq!(interval.start_ns, end, "seed {seed}: stretches follow on each other");
            end += interval.duration_ns;
        }
    }

    /// What must not depend on the clocks, the buffers or how the total is reported.
    pub fn counts(&self) -> (Account, u64) {
        (self.account.clone(), self.received.strays)
    }
}
