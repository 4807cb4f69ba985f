//! Capacity searches over simulated bottlenecks: what is found is what the path carries, or it is
//! said why not.

use super::paths;
use super::stream::TAG;
use crate::impair::{Bottleneck, Capacity, Chance, Impairments, Loss, QueueLimit};
use crate::netsim::{Host, Link, Mailbox, Network, Policer, SimSocket, Way};
use crate::pace::AdjustmentType;
use crate::record::{BlastInterval, CapacityLimit, CapacityNote, CapacityReport, SearchFacts};
use crate::session::blast::{
    BlastReceiver, BlastSender, Direction, Marking, ReceiverEvent, ReceiverOrder, ReceiverPlan,
    SenderEvent, SenderPlan, TestPlan, highest_rate,
};
use crate::stats::WINDOW;
use crate::units::{BitRate, IpFamily, Nanos, PacketRate, Rate, udp_ip_bytes};
use std::net::SocketAddr;

const SECOND: Nanos = Nanos::from_secs(1);
const BOTH: [AdjustmentType; 2] = [AdjustmentType::B, AdjustmentType::C];
const CROSS_TAG: u16 = TAG ^ 1;

/// A path, and how it is measured.
#[derive(Clone, Debug)]
struct Case {
    kind: AdjustmentType,
    /// Bits per second of the bottleneck at the IP layer; 0 for none.
    rate: u64,
    /// What its queue holds.
    queue: Nanos,
    payload: u32,
    /// Lost by chance, of a million.
    lost: u32,
    /// Other traffic through the bottleneck, in percent of its rate.
    cross: u64,
    /// A policer of this rate at the IP layer, with its burst in datagrams.
    policer: Option<(u64, u64)>,
    time: Nanos,
}

impl Case {
    fn of(kind: AdjustmentType, rate: u64, queue_ms: u64) -> Self {
        // Jumbo frames for the fastest: fewer datagrams to simulate.
        let payload = if rate < 1_000_000_000 { 1_222 } else { 8_972 };
        let queue = Nanos::from_millis(queue_ms);
        let time = Nanos::from_secs(10);
        Self { kind, rate, queue, payload, lost: 0, cross: 0, policer: None, time }
    }

    fn ip_bytes(&self) -> u64 {
        udp_ip_bytes(self.payload as usize, IpFamily::V4) as u64
    }

    fn test(&self, rate: Rate, capacity: Option<AdjustmentType>) -> TestPlan {
        TestPlan {
            direction: Direction::Up,
            streams: 1,
            payload: self.payload,
            rate,
            time: self.time,
            count: 0,
            window: WINDOW,
            verify: false,
            interval: SECOND,
            burst: None,
            capacity,
            marking: Marking::Alike,
            outage: None,
            sizes: None,
        }
    }

    fn path(&self) -> Impairments {
        let capacity = Capacity::Rate(BitRate(self.rate));
        let queue = QueueLimit::Time(self.queue);
        Impairments {
            loss: Loss::Independent(Chance::per_million(self.lost)),
            bottleneck: (self.rate > 0).then_some(Bottleneck { capacity, queue, overhead: 0 }),
            ..paths::with_delay(Nanos::from_millis(5))
        }
    }

    fn run(&self, seed: u64) -> CapacityReport {
        let mut network = Network::new(seed);
        let back = paths::with_delay(Nanos::from_millis(5));
        let mut near = Host::at("192.0.2.1").behind(Link::new(self.path(), back));
        if let Some((rate, burst)) = self.policer {
            let per_1000_s = rate * 1_000 / (8 * self.ip_bytes());
            near = near.behind(Policer::new(Some(Way::Out), per_1000_s, burst));
        }
        near.mtu = 9_000;
        let (near, far) = (network.add(near), network.add(Host::at("192.0.2.2")));
        let address = |host: u8, port: u16| SocketAddr::from(([192, 0, 2, host], port));
        let mut start = |port: u16, test: TestPlan, tag: u16| {
            let (from, to) = (address(1, port), address(2, port));
            let events: Mailbox<ReceiverEvent> = Mailbox::new();
            let plan = ReceiverPlan::new(&test, tag, Nanos::from_secs(5));
            let orders: Mailbox<ReceiverOrder> = Mailbox::new();
            let receiver = BlastReceiver::new(plan, None, orders, events.clone());
            let receiver = network.start(far, &[SimSocket::connected(to, from)], receiver);
            let plan = SenderPlan { keeps_course: true, ..SenderPlan::new(test, 0, tag) };
            let sender = BlastSender::new(plan, None, Mailbox::<SenderEvent>::new());
            let sender = network.start(near, &[SimSocket::connected(from, to)], sender);
            for process in [receiver.id(), sender.id()] {
                network.set_tick(process, Nanos::from_millis(50));
            }
            (sender, receiver, events)
        };
        if self.cross > 0 {
            let pps = self.rate * self.cross * 10 / (8 * self.ip_bytes());
            start(5_000, self.test(Rate::Packets(PacketRate(pps)), None), CROSS_TAG);
        }
        let test = self.test(Rate::Max, Some(self.kind));
        let (sender, receiver, events) = start(4_000, test, TAG);
        network.run(&[sender.id(), receiver.id()], Nanos::from_secs(60));
        let sent = sender.finish(network.now(sender.id()));
        assert_eq!(sent.broken, None, "{self:?}");
        let interval = |event| match event {
            ReceiverEvent::Interval(interval) => Some(interval),
            _ => None,
        };
        let intervals: Vec<BlastInterval> =
            events.drain().into_iter().filter_map(interval).collect();
        CapacityReport::of(SearchFacts {
            kind: self.kind,
            intervals: &intervals,
            length_ns: SECOND.0,
            course: &sent.course,
            payload: u64::from(self.payload),
            ip_bytes: self.ip_bytes(),
            highest: highest_rate(&test),
        })
    }

    /// Runs it; the capacity must be within so many percent below and above the truth.
    fn finds(&self, below: u64, above: u64) -> CapacityReport {
        let found = self.run(7);
        let truth = self.policer.map_or(self.rate, |(rate, _)| rate);
        let capacity = found.ip_bits_per_second.unwrap_or(0);
        let range = truth * (100 - below) / 100..=truth * (100 + above) / 100;
        let course = &found.course;
        assert!(
            range.contains(&capacity),
            "{self:?}: {capacity}, limit {:?}, {:?}, {} trials, {:?}",
            found.limit,
            found.sub_intervals,
            course.len(),
            course.last(),
        );
        assert_eq!(found.limit, CapacityLimit::Path, "{self:?}");
        found
    }
}

fn is_coarse(note: &CapacityNote) -> bool {
    matches!(note, CapacityNote::CoarseSteps { .. })
}

/// Bottlenecks of this rate with queues of so many milliseconds.
fn is_found_behind(queues: &[u64], kinds: &[AdjustmentType], rate: u64) {
    for kind in kinds.iter().copied() {
        for queue in queues.iter().copied() {
            Case::of(kind, rate, queue).finds(3, 3);
        }
    }
}

#[test]
fn a_bottleneck_of_1_mbit_s_is_found() {
    for queue in [10, 50] {
        Case::of(AdjustmentType::B, 1_000_000, queue).finds(3, 3);
    }
    // A step is as much as the path carries: while a long queue drains, it is not filled.
    for queue in [200, 500] {
        let found = Case::of(AdjustmentType::B, 1_000_000, queue).finds(15, 0);
        assert!(found.notes.iter().any(is_coarse), "{:?}", found.notes);
    }
}

#[test]
fn a_bottleneck_of_10_mbit_s_is_found() {
    is_found_behind(&[10, 50, 200, 500], &[AdjustmentType::B], 10_000_000);
}

#[test]
fn a_bottleneck_of_100_mbit_s_is_found() {
    is_found_behind(&[10, 50, 200, 500], &BOTH, 100_000_000);
}

#[test]
fn a_bottleneck_of_1_gbit_s_is_found() {
    is_found_behind(&[10, 500], &BOTH, 1_000_000_000);
}

#[test]
fn a_bottleneck_of_10_gbit_s_is_found() {
    for (kind, queue) in [(AdjustmentType::B, 10), (AdjustmentType::C, 100)] {
        Case::of(kind, 10_000_000_000, queue).finds(3, 3);
    }
}

#[test]
fn losses_by_chance_of_one_in_a_thousand_do_not_hide_the_capacity() {
    for rate in [1_000_000, 10_000_000, 100_000_000, 1_000_000_000] {
        let kinds = if rate < 100_000_000 { &BOTH[..1] } else { &BOTH[..] };
        for kind in kinds.iter().copied() {
            let case = Case { lost: 1_000, ..Case::of(kind, rate, 50) };
            case.finds(3, 3);
        }
    }
}

#[test]
fn beside_other_traffic_what_that_leaves_is_found() {
    for rate in [10_000_000, 100_000_000] {
        let kinds = if rate < 100_000_000 { &BOTH[..1] } else { &BOTH[..] };
        for kind in kinds.iter().copied() {
            // It gets its share of the queue, which is more than what the other traffic leaves.
            let found = Case { cross: 30, ..Case::of(kind, rate, 50) }.finds(33, 0);
            assert!(found.ip_bits_per_second > Some(rate * 68 / 100), "{found:?}");
        }
    }
}

#[test]
fn a_policer_is_found_and_named() {
    for rate in [10_000_000, 100_000_000] {
        let kinds = if rate < 100_000_000 { &BOTH[..1] } else { &BOTH[..] };
        for kind in kinds.iter().copied() {
            let policer = Some((rate, 10));
            let found = Case { rate: 0, policer, ..Case::of(kind, rate, 0) }.finds(3, 3);
            let is_named = |note: &CapacityNote| matches!(note, CapacityNote::NoQueue { .. });
            assert!(found.notes.iter().any(is_named), "{:?}", found.notes);
        }
    }
}

#[test]
fn a_policer_with_a_deep_bucket_lets_more_through_once_and_that_is_said() {
    // A bucket of half a second.
    let rate = 100_000_000;
    let burst = rate / 2 / (8 * 1_250);
    let case = Case::of(AdjustmentType::C, rate, 0);
    let found = Case { rate: 0, policer: Some((rate, burst)), ..case }.run(7);
    assert!(found.ip_bits_per_second > Some(rate * 110 / 100), "{:?}", found.sub_intervals);
    let typical = found.notes.iter().find_map(|note| match note {
        CapacityNote::Burst { typical_ip_bits_per_second } => Some(*typical_ip_bits_per_second),
        _ => None,
    });
    assert!(typical.is_some_and(|of| of.abs_diff(rate) < rate * 3 / 100), "{:?}", found.notes);
}

#[test]
fn type_c_is_coarse_on_slow_paths_and_says_so() {
    let found = Case::of(AdjustmentType::C, 10_000_000, 10).finds(40, 1);
    assert!(found.notes.iter().any(is_coarse), "{:?}", found.notes);
}

#[test]
fn a_path_that_carries_all_is_not_accused() {
    let case = Case { time: Nanos::from_secs(2), ..Case::of(AdjustmentType::B, 0, 0) };
    let found = Case { payload: 8_972, ..case }.run(7);
    assert_eq!((found.limit, found.ip_bits_per_second), (CapacityLimit::Time, None));
}

#[test]
fn type_c_asks_for_10_gbit_s_within_3_s() {
    let case = Case { time: Nanos::from_secs(3), ..Case::of(AdjustmentType::C, 0, 0) };
    let found = Case { payload: 8_972, ..case }.run(7);
    let reached = found.course.iter().find(|point| point.asked >= Some(10_000_000_000));
    assert!(reached.is_some_and(|point| point.start_ns < 3 * SECOND.0), "{reached:?}");
}
