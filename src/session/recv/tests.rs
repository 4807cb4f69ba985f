//! `recv` driven by hand-made datagrams.

use super::*;
use crate::batch::RxEntry;

/// Collects the session's events.
#[derive(Default)]
struct Told {
    headers: Vec<Option<UdpFields>>,
    intervals: Vec<RecvInterval>,
    closed: bool,
}

impl<'a> Sink<RecvEvent<'a>> for Told {
    fn take(&mut self, event: RecvEvent<'a>) -> Flow {
        match event {
            RecvEvent::Datagram(received) => self.headers.push(received.header),
            RecvEvent::Interval(interval) => self.intervals.push(interval.clone()),
            RecvEvent::Trouble(_)
            | RecvEvent::Standing(_)
            | RecvEvent::Interface(_)
            | RecvEvent::Status { .. }
            | RecvEvent::Lull => {}
        }
        if self.closed { Flow::Closed } else { Flow::Continue }
    }
}

fn plan() -> RecvPlan {
    RecvPlan {
        local: vec!["192.0.2.9:9".parse().unwrap()],
        show: Show::Counts,
        count: None,
        timeout: None,
        idle: None,
        answering: Answering::Silent,
        interval: None,
        explain: LocalSendFailure::from_errno,
    }
}

fn at(nanos: u64) -> Now {
    Now { mono: Nanos(nanos), real: Nanos(nanos) }
}

fn arrive(session: &mut RecvSession<Told>, now: u64, payload: &[u8]) {
    let mut meta = RxEntry::default().meta;
    meta.source = "192.0.2.1:1".parse().unwrap();
    meta.destination = Some("192.0.2.9".parse().unwrap());
    meta.arrival = Nanos(now);
    session.on_datagram(at(now), &Datagram { payload, true_len: payload.len(), meta });
}

fn poll(session: &mut RecvSession<Told>, now: u64) -> Next {
    session.poll_transmit(at(now), &mut TxBatch::new(4, 1 << 17))
}

#[test]
fn a_count_is_exact_even_when_more_came_in_the_same_batch() {
    let mut session = RecvSession::new(RecvPlan { count: Some(2), ..plan() }, Told::default());
    assert_eq!(poll(&mut session, 0), Next::Idle);
    for now in 1..6 {
        arrive(&mut session, now, b"abc");
    }
    assert_eq!(poll(&mut session, 7), Next::Done);
    let summary = session.finish(at(8)).summary;
    assert_eq!((summary.datagrams, summary.bytes, summary.ended), (2, 6, RecvEnd::Count));
}

#[test]
fn silence_counts_from_the_last_datagram_and_time_from_the_start() {
    let ends = RecvPlan { idle: Some(Nanos(100)), timeout: Some(Nanos(250)), ..plan() };
    let mut session = RecvSession::new(ends, Told::default());
    assert_eq!(poll(&mut session, 1_000), Next::WaitUntil(Nanos(1_100)));
    arrive(&mut session, 1_090, b"");
    assert_eq!(poll(&mut session, 1_095), Next::WaitUntil(Nanos(1_190)));
    arrive(&mut session, 1_180, b"");
    assert_eq!(poll(&mut session, 1_185), Next::WaitUntil(Nanos(1_250)));
    // At the end the sockets are polled once more.
    assert_eq!(poll(&mut session, 1_250), Next::WaitUntil(Nanos(1_250)));
    assert_eq!(poll(&mut session, 1_251), Next::Done);
    assert_eq!(session.finish(at(1_251)).summary.ended, RecvEnd::Timeout);
}

#[test]
fn a_stop_takes_what_has_arrived_already_and_then_ends() {
    let mut session = RecvSession::new(plan(), Told::default());
    assert_eq!(poll(&mut session, 0), Next::Idle);
    session.on_stop(at(10));
    assert_eq!(poll(&mut session, 10), Next::WaitUntil(Nanos(10)));
    arrive(&mut session, 11, b"x");
    assert_eq!(poll(&mut session, 12), Next::WaitUntil(Nanos(12)));
    assert_eq!(poll(&mut session, 13), Next::Done);
    assert_eq!(session.finish(at(13)).summary.datagrams, 1);
}

#[test]
fn a_stop_in_an_endless_flood_ends_all_the_same() {
    let mut session = RecvSession::new(plan(), Told::default());
    poll(&mut session, 0);
    session.on_stop(at(10));
    let mut now = 10;
    loop {
        now += 1_000_000;
        arrive(&mut session, now, b"x");
        if poll(&mut session, now) == Next::Done {
            break;
        }
        assert!(now < 2 * DRAIN.0, "it does not end");
    }
}

#[test]
fn an_interval_holds_what_came_since_the_last_and_the_drops() {
    let interval = Some(Nanos::from_secs(1));
    let mut session = RecvSession::new(RecvPlan { interval, ..plan() }, Told::default());
    poll(&mut session, 0);
    arrive(&mut session, 5, b"abcd");
    session.on_socket_drops(0, 3);
    session.on_tick(at(1_000_000_000));
    session.on_socket_drops(0, 4);
    session.on_tick(at(2_000_000_000));
    let done = session.finish(at(2_000_000_000));
    let told = &done.sink.intervals;
    assert_eq!((told[0].datagrams, told[0].bits_per_second, told[0].drops), (1, Some(32), 3));
    assert_eq!((told[1].datagrams, told[1].start_ns, told[1].drops), (0, 1_000_000_000, 1));
    assert_eq!(done.summary.drops, 4);
}

#[test]
fn a_pause_of_this_host_is_no_silence_and_what_came_meanwhile_counts_where_it_arrived() {
    let seconds = |secs: u64| secs * 1_000_000_000;
    let (idle, interval) = (Some(Nanos::from_secs(1)), Some(Nanos::from_secs(1)));
    let mut session = RecvSession::new(RecvPlan { idle, interval, ..plan() }, Told::default());
    poll(&mut session, 0);
    session.on_pause(at(seconds(3)), Nanos::from_secs(3));
    // The sockets held one for every 100 ms.
    for tenth in 0..30 {
        let mut meta = RxEntry::default().meta;
        meta.arrival = Nanos(tenth * 100_000_000);
        session.on_datagram(at(seconds(3)), &Datagram { payload: b"x", true_len: 1, meta });
    }
    session.on_tick(at(seconds(3)));
    assert_eq!(poll(&mut session, seconds(3)), Next::WaitUntil(Nanos(seconds(4))));
    let done = session.finish(at(seconds(3)));
    let told: Vec<_> = done.sink.intervals.iter().map(|one| one.datagrams).collect();
    assert_eq!(told, [10, 10, 10]);
    let gaps = done.summary.gaps_ns.unwrap();
    assert!(gaps.max.unwrap() < 110_000_000, "{gaps:?}");
    assert_eq!((done.summary.datagrams, done.summary.paused_ns), (30, seconds(3)));
}

#[test]
fn a_clock_that_is_set_back_makes_no_gap_of_zero() {
    let mut session = RecvSession::new(plan(), Told::default());
    poll(&mut session, 0);
    for arrival in [1_000_000, 2_000_000, 500_000, 1_500_000] {
        let mut meta = RxEntry::default().meta;
        meta.arrival = Nanos(arrival);
        session.on_datagram(at(arrival), &Datagram { payload: b"x", true_len: 1, meta });
    }
    let gaps = session.finish(at(3_000_000)).summary.gaps_ns.unwrap();
    assert!(gaps.min.is_some_and(|min| min > 990_000), "{gaps:?}");
    assert_eq!(gaps.samples, 2, "{gaps:?}");
}

#[test]
fn a_pause_in_silence_puts_the_idle_end_off_by_as_much() {
    let idle = RecvPlan { idle: Some(Nanos(100)), ..plan() };
    let mut session = RecvSession::new(idle, Told::default());
    assert_eq!(poll(&mut session, 1_000), Next::WaitUntil(Nanos(1_100)));
    session.on_pause(at(5_000), Nanos(3_950));
    assert_eq!(poll(&mut session, 5_000), Next::WaitUntil(Nanos(5_050)));
}

#[test]
fn only_an_early_end_is_an_interruption() {
    for stopped in [true, false] {
        let timed = RecvPlan { timeout: Some(Nanos(100)), ..plan() };
        let mut session = RecvSession::new(timed, Told::default());
        poll(&mut session, 0);
        if stopped {
            session.on_stop(at(10));
        }
        (0..4).for_each(|turn| {
            poll(&mut session, 100 + turn);
        });
        assert_eq!(session.finish(at(110)).summary.interrupted, stopped);
    }
}

#[test]
fn a_header_is_worked_out_and_a_cut_payload_has_no_checksum() {
    let headers = RecvPlan { show: Show::EachWithHeader, ..plan() };
    let mut session = RecvSession::new(headers, Told::default());
    arrive(&mut session, 1, b"abc");
    let mut meta = RxEntry::default().meta;
    meta.source = "192.0.2.1:1".parse().unwrap();
    meta.destination = Some("192.0.2.9".parse().unwrap());
    session.on_datagram(at(2), &Datagram { payload: b"ab", true_len: 3, meta });
    let done = session.finish(at(3));
    let fields = done.sink.headers[0].unwrap();
    assert_eq!((fields.source_port, fields.destination_port, fields.length), (1, 9, 11));
    assert!(fields.checksum.is_some());
    let cut = done.sink.headers[1].unwrap();
    assert_eq!((cut.length, cut.checksum), (11, None));
    assert_eq!(done.summary.truncated, 1);
}

#[test]
fn memory_does_not_grow_with_the_number_of_senders() {
    let seed = 9;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut session = RecvSession::new(plan(), Told::default());
    for now in 0..50_000 {
        let mut meta = RxEntry::default().meta;
        meta.source = (random.u32(..).to_be_bytes(), random.u16(1..)).into();
        session.on_datagram(at(now), &Datagram { payload: b"x", true_len: 1, meta });
    }
    assert_eq!(session.sources.known(), SOURCES, "seed {seed}");
    let summary = session.finish(at(50_000)).summary;
    let listed: u64 = summary.sources.iter().map(|source| source.datagrams).sum();
    assert_eq!(listed + summary.other_datagrams, 50_000);
}

#[test]
fn nobody_reading_ends_the_run_quietly() {
    let told = Told { closed: true, ..Told::default() };
    let mut session = RecvSession::new(RecvPlan { show: Show::Each, ..plan() }, told);
    arrive(&mut session, 1, b"x");
    assert_eq!(poll(&mut session, 2), Next::Done);
    assert_eq!(session.finish(at(3)).summary.ended, RecvEnd::Closed);
}
