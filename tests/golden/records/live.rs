//! What stands on a terminal while a command runs: every live line, from fixed records.

use crate::{hold_as, hold_table, hold_text};
use std::net::SocketAddr;
use udpkit::record::probe::{IdleOutcome, IdleTimer, ProbeKind, TimeoutEvent};
use udpkit::record::{
    BlastInterval, CastInterval, DirectedInterval, Event, PingInterval, PingReply, PingTimeout,
    RecvInterval, ReplyKind, Way, Worded,
};
use udpkit::report::words::blast::waiting_for;
use udpkit::report::words::progress::{Doing, RunLength};
use udpkit::report::{
    Clock, FlowDirection, INTERVAL_COLUMNS, IntervalLines, LaneSoFar, Page, SoFar, Standing,
    TimeStyle, all_progress_line, blast_bar_text, cast_interval_line, event_line, ping_reply_line,
    ping_row, ping_timeout_line, progress_text, recv_interval_line, so_far_text,
};
use udpkit::stats::DelayHistogram;
use udpkit::units::{Nanos, Rate};

const SECOND: u64 = 1_000_000_000;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Holds lines on a page of 80 and of 120 columns.
#[track_caller]
fn hold_live(name: &str, lines: impl Fn(Page) -> Vec<String>) {
    for columns in [80, 120] {
        let text = lines(Page::new(columns));
        let text: Vec<&str> = text.iter().map(|line| line.trim_end()).collect();
        hold_text(&format!("live.{name}.{columns}"), columns, &text.join("\n"));
    }
}

fn doings() -> Vec<Doing> {
    let target = address("192.0.2.1:8620");
    let long = address("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:40000");
    let group = address("239.1.2.3:5000");
    let rate: Rate = "500M".parse().expect("a rate");
    let mut all: Vec<Doing> = [
        ProbeKind::Ports,
        ProbeKind::Nat,
        ProbeKind::Mtu,
        ProbeKind::Marks,
        ProbeKind::Shape,
        ProbeKind::Trace,
        ProbeKind::Timeout,
    ]
    .map(|kind| Doing::Probe { kind, target: target.into() })
    .to_vec();
    all.extend([
        Doing::Probe { kind: ProbeKind::Timeout, target: long.into() },
        Doing::Scan { host: "host.example".to_owned(), ports: 1_024 },
        Doing::CastCheck { group: group.into() },
        Doing::CastCheckAnswer { group: group.into() },
        Doing::Trial { number: 12, rate },
        Doing::Send { destinations: 1 },
        Doing::CastSend { destinations: 300 },
        Doing::Ping { targets: 1 },
        Doing::CastReceive { groups: 4 },
        Doing::Relay { destinations: 3 },
        Doing::Receive { sockets: 1 },
        Doing::Receive { sockets: 2 },
    ]);
    all
}

#[test]
fn progress_lines() {
    hold_live("progress", |page| {
        let stands = [
            (3_400, Some(RunLength::Known(Nanos::from_secs(10))), Some((1_400, 38))),
            (3_400, Some(RunLength::AtMost(Nanos::from_secs(60))), Some((1_400, 38))),
            (3_400, Some(RunLength::About(Nanos::from_secs(5))), None),
            (185_000, None, Some((1_234_567_890, 1_234_567_890))),
            (12_000, Some(RunLength::Known(Nanos::from_secs(10))), None),
        ];
        let line = |doing: Doing| {
            stands.map(|(elapsed, expected, counts)| {
                let elapsed = Nanos::from_millis(elapsed);
                progress_text(&Standing { doing: doing.clone(), elapsed, expected, counts }, page)
            })
        };
        doings().into_iter().flat_map(line).collect()
    });
}

#[test]
fn the_bar_of_blast_and_what_it_says_when_asked() {
    hold_live("blast", |page| {
        let server = address("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:40000");
        let way = LaneSoFar { received: 849_185, lost: 897, changed: 0 };
        let none = LaneSoFar::default();
        let mut lines = vec![waiting_for(server.into(), Nanos::from_millis(2_300))];
        lines.extend([0, 2_700, 9_999, 12_000].map(|elapsed| {
            blast_bar_text(Nanos::from_secs(10), Nanos::from_millis(elapsed), page)
        }));
        let so_fars = [(None, None), (Some(way), None), (None, Some(none)), (Some(way), Some(way))];
        lines.extend(so_fars.map(|(up, down)| {
            let so_far = SoFar { up, down, ..SoFar::default() };
            so_far_text(&so_far, Nanos::from_millis(3_100))
        }));
        lines
    });
}

#[test]
fn the_line_of_probe_host() {
    hold_live("probe", |page| {
        let ended = [(ProbeKind::Ports, true), (ProbeKind::Mtu, true), (ProbeKind::Marks, false)];
        let first = [ProbeKind::Timeout, ProbeKind::Ports, ProbeKind::Nat, ProbeKind::Mtu];
        let last = [ProbeKind::Timeout, ProbeKind::Shape];
        let line = |ended, running, seconds| {
            let times = (Nanos::from_secs(seconds), Nanos::from_millis(9_800));
            all_progress_line("host.example", ended, running, times, page)
        };
        vec![line(&[], &first, 0), line(&ended, &last, 6)]
    });
}

fn reply() -> PingReply {
    PingReply {
        target: 0,
        source: address("192.0.2.10:862").into(),
        seq: 7,
        kind: ReplyKind::Back,
        bytes: 44,
        ttl: Some(57),
        round_trip_ns: Some(11_930_400),
        as_planned_ns: Some(11_950_000),
        server_ns: None,
        reflector_seq: Some(7),
        change: None,
        arrival_ns: 1_700_000_000_123_456_789,
    }
}

#[test]
fn the_lines_of_ping() {
    hold_live("ping", |page| {
        let copy = PingReply { kind: ReplyKind::Duplicate, ..reply() };
        let late = PingReply { kind: ReplyKind::Late, ttl: None, round_trip_ns: None, ..reply() };
        let timeout =
            PingTimeout { target: 0, seq: 3, sent_ns: 10 * SECOND, waited_ns: 2 * SECOND };
        let mut clock = Clock::new(TimeStyle::Epoch);
        let mut lines = [reply(), copy, late].map(|one| ping_reply_line(&one, None)).to_vec();
        lines.push(ping_reply_line(&reply(), Some(&mut clock)));
        lines.push(ping_timeout_line(&timeout, "192.0.2.10:862", None));
        lines.push(ping_timeout_line(&timeout, "192.0.2.10:862", Some(&mut clock)));
        let mut round_trips = DelayHistogram::new();
        let none = DelayHistogram::new();
        for trip in [11_930_400, 12_400_000, 80_490_000] {
            round_trips.record(Nanos(trip));
        }
        let interval = |sent, lost, trips| PingInterval {
            target: 0,
            elapsed: Nanos::from_secs(3_600),
            sent,
            back: sent - lost,
            lost,
            start: Nanos(1_700_000_000 * SECOND),
            duration: Nanos::from_secs(1),
            round_trips: trips,
        };
        let (some, all_lost) = (interval(3_000, 12, &round_trips), interval(3, 3, &none));
        let most = interval(123_456_789, 123_456, &round_trips);
        for one in [&some, &all_lost, &most] {
            lines.push(ping_row(one, None, None, page));
            for name in ["192.0.2.11:862", "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:862"] {
                lines.push(ping_row(one, Some(name), None, page));
            }
        }
        lines.push(ping_row(&some, Some("192.0.2.11:862"), Some(&mut clock), page));
        lines
    });
}

#[test]
fn the_lines_of_recv() {
    hold_live("recv", |_| {
        let mut busy = RecvInterval {
            start_ns: 3_599 * SECOND,
            duration_ns: SECOND,
            datagrams: 1_234_567,
            bytes: 1_234_567 * 1_472,
            drops: 1_234,
            ..RecvInterval::default()
        };
        let mut silent = RecvInterval { duration_ns: SECOND, ..RecvInterval::default() };
        busy.set_rates();
        silent.set_rates();
        let harmed = RecvInterval { damaged: 234, ..busy.clone() };
        let lines = [&silent, &busy, &harmed].map(|one| Event::new("interval", "recv", one));
        let lines = lines.map(|line| serde_json::to_string(&line).expect("a record"));
        hold_as("live.recv.json", &lines.join("\n"));
        [silent, busy, harmed].map(|one| recv_interval_line(&one)).to_vec()
    });
}

#[test]
fn the_lines_of_blast() {
    hold_live("blast_intervals", |page| {
        let usual = BlastInterval {
            duration_ns: SECOND,
            datagrams: 84_918,
            bytes: 84_918 * 1_472,
            ..BlastInterval::default()
        };
        let all = [
            usual,
            BlastInterval {
                start_ns: 3_598 * SECOND,
                lost: 897,
                socket_drops: 17,
                damaged: 5,
                reordered: 12,
                ..usual
            },
            BlastInterval {
                start_ns: 3_599 * SECOND,
                datagrams: 12_345_678,
                bytes: 12_345_678 * 1_472,
                lost: 1_234_567,
                duplicates: 123_456,
                reordered: 123_456,
                ..usual
            },
            BlastInterval { datagrams: 0, bytes: 0, lost: 12_345, ..usual },
        ];
        let directed = [(Way::Up, all[1]), (Way::Down, all[2])]
            .map(|(direction, interval)| DirectedInterval { direction, interval });
        let lines = directed.map(|interval| event_line("interval", "blast", &interval));
        hold_as("live.blast.json", &lines.join("\n"));
        hold_table("live.blast.table", INTERVAL_COLUMNS, &directed);
        let one_way = (FlowDirection::Only, FlowDirection::Only);
        let mut lines = Vec::new();
        for (first, second) in [one_way, (FlowDirection::Up, FlowDirection::Down)] {
            let mut shown = IntervalLines::new(None, page);
            for one in &all {
                lines.extend([first, second].into_iter().filter_map(|lane| shown.next(lane, one)));
            }
        }
        lines
    });
}

#[test]
fn the_lines_of_cast_recv() {
    hold_live("cast_recv", |page| {
        let silent = CastInterval {
            elapsed: Nanos::from_secs(1),
            span: Nanos::from_secs(1),
            ..CastInterval::default()
        };
        let busy = CastInterval {
            elapsed: Nanos::from_secs(3_600),
            received: 1_234_567,
            bytes: 1_234_567 * 1_472,
            lost: 12_345,
            duplicates: 1_234,
            sources: 300,
            ..silent
        };
        let filled = CastInterval { lost: -2_345, ..busy };
        let bare = CastInterval { without_header: 1_234, sources: 0, ..silent };
        [silent, busy, filled, bare].map(|one| cast_interval_line(&one, page)).to_vec()
    });
}

#[test]
fn the_lines_of_probe_timeout() {
    hold_live("timeout", |_| {
        let longest_ns = 300 * SECOND;
        let mut events = vec![
            TimeoutEvent::Begun { sockets: 130, longest_ns },
            TimeoutEvent::Refreshing { duration_ns: 640 * SECOND },
        ];
        for timer in [IdleTimer::OneDatagram, IdleTimer::Established] {
            let silence_ns = longest_ns;
            let outcomes = [IdleOutcome::Open, IdleOutcome::Closed, IdleOutcome::Unknown];
            events.extend(outcomes.map(|outcome| TimeoutEvent::Decided {
                timer,
                silence_ns,
                outcome,
            }));
            let (open_ns, closed_ns) = (180 * SECOND, 300 * SECOND);
            events.push(TimeoutEvent::Refining { timer, open_ns, closed_ns, sockets: 7 });
            events.push(TimeoutEvent::Again { timer, silence_ns });
        }
        events.iter().map(Worded::text).collect()
    });
}
