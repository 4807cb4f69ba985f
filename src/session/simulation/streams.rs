//! A stream's sender against its receiver: every count equals the link's own book.

use super::{Account, Clock, Faults, Mailbox, Network, Seat, SendFaults, Sent};
use crate::record::{BlastInterval, BlastReceived};
use crate::session::blast::{
    BlastReceiver, BlastSender, Direction, ReceiverEvent, ReceiverOrder, ReceiverPlan, SenderPlan,
    SenderSummary, TestPlan,
};
use crate::session::{Now, Session};
use crate::units::{Nanos, PacketRate, Rate};
use crate::wire::{END_LEN, Header, Kind, encode_end};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

const TAG: u16 = 0xBEEF;
const PAYLOAD: usize = 64;
const DEADLINE: Nanos = Nanos::from_secs(60);

/// A stream to be run.
#[derive(Clone)]
struct Stream {
    count: u64,
    time: Nanos,
    /// Datagrams a second; 0 for as fast as it goes.
    rate: u64,
    faults: Faults,
    send_faults: SendFaults,
    late: Nanos,
    coalesces: bool,
    sender_clock: Clock,
    receiver_clock: Clock,
    interval: Nanos,
    /// The control dialogue tells the total when the sender has ended.
    told: bool,
    strays: Vec<(Nanos, Vec<u8>)>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            count: 1_000,
            time: Nanos::ZERO,
            rate: 20_000,
            faults: Faults::default(),
            send_faults: SendFaults::default(),
            late: Nanos::ZERO,
            coalesces: false,
            sender_clock: Clock::default(),
            receiver_clock: Clock { boot: Nanos::from_secs(77), ..Clock::default() },
            interval: Nanos::from_millis(20),
            told: false,
            strays: Vec::new(),
        }
    }
}

/// What came of it.
struct Ran {
    sent: SenderSummary,
    received: BlastReceived,
    intervals: Vec<BlastInterval>,
    /// The receiver's counts by the link's book.
    account: Account,
    socket: Sent,
    /// When each numbered datagram left, and its number.
    departures: Vec<(Nanos, u32)>,
}

fn addresses() -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([192, 0, 2, 1], 4_000)), SocketAddr::from(([192, 0, 2, 2], 9_000)))
}

fn own<T>(shared: Rc<RefCell<T>>) -> T {
    Rc::into_inner(shared).expect("the network is gone").into_inner()
}

impl Stream {
    fn run(&self, seed: u64) -> Ran {
        let (from, to) = addresses();
        let mut network = Network::new(seed);
        network.coalesces = self.coalesces;
        network.link(from.ip(), to.ip()).faults = self.faults.clone();
        for (at, bytes) in &self.strays {
            network.inject(*at, from, to, bytes.clone());
        }
        let (orders, events) = (Mailbox::new(), Mailbox::new());
        let receiver = Rc::new(RefCell::new(BlastReceiver::new(
            ReceiverPlan {
                tag: TAG,
                payload: PAYLOAD,
                verify: true,
                interval: self.interval,
                patience: Nanos::from_secs(15),
                go_ahead: Vec::new(),
            },
            None,
            orders.clone(),
            events.clone(),
        )));
        let sender = Rc::new(RefCell::new(self.sender()));
        let there = network.seat(Seat {
            clock: self.receiver_clock,
            tick: Nanos::from_millis(500),
            ..Seat::new(to, Some(from), receiver.clone())
        });
        let here = network.seat(Seat {
            clock: self.sender_clock,
            send_faults: self.send_faults,
            late: self.late,
            tick: Nanos::from_millis(500),
            ..Seat::new(from, Some(to), sender.clone())
        });
        network.run(&[here], DEADLINE);
        let socket = network.sitting(here).sent;
        if self.told {
            orders.push(ReceiverOrder::Total(socket.accepted));
            network.wake(there);
        }
        network.run(&[there], DEADLINE);
        let end = network.sitting(there).clock.read(network.instant);
        let link = network.link(from.ip(), to.ip());
        let departures = link
            .passages
            .iter()
            .filter_map(|passage| passage.sequence.map(|sequence| (passage.at, sequence)))
            .collect();
        let link = std::mem::replace(link, super::Link::new(Faults::default(), 0));
        drop(network);
        let received = own(receiver).finish(end).received;
        let account = Account::of(&link, received.sender_total.is_some());
        let intervals = events
            .drain()
            .into_iter()
            .filter_map(|event| match event {
                ReceiverEvent::Interval(interval) => Some(interval),
                ReceiverEvent::Progress(_) => None,
            })
            .collect();
        let sent = own(sender).finish(Now::default());
        Ran { sent, received, intervals, account, socket, departures }
    }

    fn sender(
        &self,
    ) -> BlastSender<
        Mailbox<crate::session::blast::SenderOrder>,
        Mailbox<crate::session::blast::SenderEvent>,
    > {
        let test = TestPlan {
            direction: Direction::Up,
            streams: 1,
            payload: PAYLOAD as u32,
            rate: match self.rate {
                0 => Rate::Max,
                rate => Rate::Packets(PacketRate(rate * 1000)),
            },
            time: self.time,
            count: self.count,
            verify: true,
            interval: self.interval,
            burst: None,
        };
        BlastSender::new(SenderPlan::new(test, 0, TAG), None, Mailbox::new(), Mailbox::new())
    }

    /// Runs it and holds every count against the books.
    fn check(&self, seed: u64) -> Ran {
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
        };
        assert_eq!(counted, *account, "seed {seed}");
        assert_eq!(received.bytes, account.received * PAYLOAD as u64, "seed {seed}");
        let BlastReceived { firsts, duplicates, too_late, lost, .. } = *received;
        assert_eq!(received.datagrams, firsts + duplicates + too_late, "seed {seed}");
        if received.sender_total.is_some() {
            assert_eq!(sent.sent.datagrams, firsts + lost, "seed {seed}");
        }
        assert_eq!(received.corrupt, 0, "seed {seed}");
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
        // What came late after all is taken off the total, not off a stretch.
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

    /// What must not change with the clocks, the buffers or the way of the total.
    fn counts(&self) -> (Account, u64) {
        (self.account.clone(), self.received.strays)
    }
}

fn bad_weather() -> Faults {
    Faults {
        loss: 0.05,
        duplication: 0.03,
        delay: Nanos::from_millis(5),
        jitter: Nanos::from_micros(80),
        held: 0.05,
        hold: Nanos::from_millis(8),
        ..Faults::default()
    }
}

#[test]
fn every_count_equals_the_links_own_book() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let faults = Faults {
            loss: [0.0, 0.01, 0.1, 0.5][rng.usize(..4)],
            duplication: [0.0, 0.02, 0.3][rng.usize(..3)],
            jitter: Nanos(rng.u64(0..400_000)),
            ..bad_weather()
        };
        let rate = [0, 5_000, 20_000, 1_000_000][rng.usize(..4)];
        let count = rng.u64(1..1_500);
        Stream { count, rate, faults, ..Stream::default() }.check(seed);
    }
}

#[test]
fn a_lost_tail_is_lost_and_so_is_a_lost_head() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (head, tail) = (rng.u64(0..50), rng.u64(1..200));
        let lose = vec![0..head, 1_000 - tail..1_000];
        let ran = Stream { faults: Faults { lose, ..Faults::default() }, ..Stream::default() };
        let received = ran.check(seed).received;
        assert_eq!(received.lost, head + tail);
        assert_eq!(received.longest_burst, head.max(tail));
    }
}

#[test]
fn the_end_alone_tells_that_everything_was_lost() {
    let faults = Faults { lose: std::iter::once(0..1_000).collect(), ..Faults::default() };
    let received = Stream { faults, ..Stream::default() }.check(0).received;
    assert_eq!((received.lost, received.loss_bursts, received.longest_burst), (1_000, 1, 1_000));
    assert_eq!(received.datagrams, 0);
}

#[test]
fn a_run_of_one_datagram_has_one_stretch() {
    let ran = Stream { count: 1, ..Stream::default() }.check(0);
    assert_eq!(ran.intervals.len(), 1);
}

#[test]
fn the_dialogue_tells_the_total_as_well_as_the_end_does() {
    for seed in 0..10 {
        // Five ends follow a thousand datagrams; the rest of the weather has its own numbers.
        let ends = std::iter::once(1_000..1_005).collect();
        let stream = Stream { faults: bad_weather(), ..Stream::default() };
        let deaf = Faults { lose: ends, ..bad_weather() };
        let told = Stream { faults: deaf, told: true, ..stream.clone() };
        assert_eq!(told.check(seed).counts(), stream.check(seed).counts(), "seed {seed}");
    }
}

#[test]
fn a_receiver_that_never_hears_an_end_gives_up_and_counts_what_it_can() {
    let lose = vec![500..510, 990..2_000];
    let stream = Stream { faults: Faults { lose, ..Faults::default() }, ..Stream::default() };
    let received = stream.check(0).received;
    assert_eq!((received.sender_total, received.lost), (None, 10));
}

#[test]
fn clocks_hours_apart_that_drift_and_jump_change_no_count() {
    for seed in 0..10 {
        let stream = Stream { faults: bad_weather(), ..Stream::default() };
        let plain = stream.check(seed).counts();
        let apart = |hours: u64, drift_ppm, step| Clock {
            epoch: Nanos::from_secs(1_700_000_000 + hours * 3_600),
            drift_ppm,
            step,
            ..Clock::default()
        };
        let jump = |by| Some((Nanos::from_millis(25), by));
        for (sender_clock, receiver_clock) in [
            (apart(5, 0, None), apart(0, 0, None)),
            (apart(0, 100, None), apart(9, -100, None)),
            (apart(0, 0, jump(1_000_000_000)), apart(0, 0, None)),
            (apart(0, 0, None), apart(0, 0, jump(-1_000_000_000))),
        ] {
            let odd = Stream { sender_clock, receiver_clock, ..stream.clone() };
            assert_eq!(odd.check(seed).counts(), plain, "seed {seed}");
        }
    }
}

#[test]
fn partial_batches_and_full_buffers_never_skip_or_reuse_a_number() {
    let mut blocked = 0;
    for seed in 0..30 {
        let rate = [0, 10_000, 2_000_000][seed as usize % 3];
        let send_faults = SendFaults { blocked: 0.3, refused: 0.0 };
        let ran = Stream { rate, send_faults, ..Stream::default() }.check(seed);
        assert_eq!((ran.socket.accepted, ran.received.lost), (1_000, 0), "seed {seed}");
        blocked += ran.socket.blocked;
    }
    assert!(blocked > 100);
}

#[test]
fn what_the_kernel_refused_is_never_sent_and_never_lost_on_the_path() {
    for seed in 0..30 {
        let rate = [0, 10_000, 2_000_000][seed as usize % 3];
        let send_faults = SendFaults { blocked: 0.1, refused: 0.2 };
        let ran = Stream { rate, send_faults, ..Stream::default() }.check(seed);
        assert!(ran.socket.refused > 0, "seed {seed}");
        assert_eq!(ran.received.lost, 0, "seed {seed}");
    }
}

#[test]
fn a_paced_run_keeps_its_rate_over_every_second() {
    for (seed, rate) in [(0, 3_000), (1, 7_919), (2, 25_000)] {
        let late = Nanos::from_micros(300);
        let time = Nanos::from_secs(2);
        let stream = Stream { rate, count: 0, time, late, ..Stream::default() };
        let ran = stream.check(seed);
        for second in 0..2u64 {
            let of = |(at, _): &&(Nanos, u32)| at.0 / 1_000_000_000 == second;
            let left = ran.departures.iter().filter(of).count() as u64;
            let slack = rate / 1_000 + rate * late.0 / 1_000_000_000;
            assert!(left.abs_diff(rate) <= slack + 1, "{left} of {rate} in second {second}");
        }
    }
}

#[test]
fn a_run_on_time_offers_what_its_rate_and_time_say_and_sends_all_of_it() {
    for rate in [1, 10, 999, 25_001, 29_999] {
        let stream = Stream { rate, count: 0, time: Nanos::from_secs(1), ..Stream::default() };
        let sent = stream.check(0).sent.sent;
        assert_eq!((sent.offered, sent.datagrams, sent.unsent), (rate, rate, 0), "{rate} pps");
    }
}

#[test]
fn strays_change_nothing_but_their_own_count() {
    for seed in 0..10 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let stream = Stream { faults: bad_weather(), ..Stream::default() };
        let strays: Vec<_> = (0..100)
            .map(|index| {
                let len = [0, 1, 15, 16, END_LEN, PAYLOAD, 200][rng.usize(..7)];
                let mut bytes: Vec<u8> = (0..len).map(|_| rng.u8(..)).collect();
                if index % 2 == 0 && len >= Header::LEN {
                    let kind = if len == END_LEN { Kind::End } else { Kind::Data };
                    let header =
                        Header { kind, tag: TAG ^ 1, sequence: rng.u32(..), sent: Nanos(7) };
                    header.encode(&mut bytes);
                }
                (Nanos(rng.u64(0..50_000_000)), bytes)
            })
            .collect();
        let ran = Stream { strays, ..stream.clone() }.check(seed);
        assert_eq!(ran.counts(), (stream.check(seed).account, 100), "seed {seed}");
    }
}

#[test]
fn coalesced_buffers_give_the_counts_of_single_ones() {
    for seed in 0..20 {
        let faults = Faults { moderation: Nanos::from_micros(500), ..bad_weather() };
        let single = Stream { faults, ..Stream::default() };
        let coalesced = Stream { coalesces: true, ..single.clone() };
        let (one, many) = (single.check(seed), coalesced.check(seed));
        assert_eq!(one.counts(), many.counts(), "seed {seed}");
        assert_eq!(one.received.jitter_ns.is_some(), many.received.jitter_ns.is_some());
    }
}

#[test]
fn what_comes_from_below_the_window_is_too_late() {
    let faults = Faults { held: 0.001, hold: Nanos::from_millis(400), ..Faults::default() };
    let stream = Stream { count: 120_000, rate: 400_000, faults, ..Stream::default() };
    let ran = Stream { interval: Nanos::from_millis(100), ..stream }.check(3);
    assert!(ran.account.too_late > 0);
}

fn crafted(kind: Kind, number: u64) -> Vec<u8> {
    let header = Header { kind, tag: TAG, sequence: number as u32, sent: Nanos(9) };
    let mut bytes = vec![0; if kind == Kind::End { END_LEN } else { PAYLOAD }];
    match kind {
        Kind::End => encode_end(&header, number, &mut bytes),
        _ => header.encode(&mut bytes),
    }
    bytes
}

fn feed(receiver: &mut impl Session, mono: u64, bytes: &[u8]) {
    let entry =
        crate::batch::RxEntry { len: bytes.len(), true_len: bytes.len(), ..Default::default() };
    Session::on_buffer(receiver, Now { mono: Nanos(mono), real: Nanos(mono) }, &entry, bytes);
}

fn bare_receiver() -> BlastReceiver<Mailbox<ReceiverOrder>, Vec<ReceiverEvent>> {
    let interval = Nanos::from_secs(1);
    let plan = ReceiverPlan {
        tag: TAG,
        payload: PAYLOAD,
        verify: false,
        interval,
        patience: DEADLINE,
        go_ahead: vec![],
    };
    BlastReceiver::new(plan, None, Mailbox::new(), Vec::new())
}

#[test]
fn numbers_that_wrap_at_two_to_the_32_are_one_stream() {
    let mut receiver = bare_receiver();
    let near = (1u64 << 32) - 50;
    // Each leap is below half of the numbers, so that it is a leap ahead (RFC 1982).
    let numbers = [0, 1_500_000_000, 3_000_000_000].into_iter().chain(near..near + 100);
    for (index, number) in numbers.enumerate() {
        feed(&mut receiver, index as u64, &crafted(Kind::Data, number));
    }
    feed(&mut receiver, 200, &crafted(Kind::Data, near));
    feed(&mut receiver, 201, &crafted(Kind::End, near + 110));
    let received = receiver.finish(Now::default()).received;
    assert_eq!((received.firsts, received.duplicates), (103, 1));
    assert_eq!(received.lost, near + 110 - 103);
}

#[test]
fn drops_after_the_last_datagram_explain_a_lost_tail() {
    let mut receiver = bare_receiver();
    (0..10).for_each(|number| feed(&mut receiver, number, &crafted(Kind::Data, number)));
    Session::on_socket_drops(&mut receiver, 0, 4);
    feed(&mut receiver, 20, &crafted(Kind::End, 14));
    let received = receiver.finish(Now::default()).received;
    assert_eq!((received.lost, received.socket_drops), (4, 4));
}
