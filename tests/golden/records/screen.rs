//! The live view, as a terminal shows it: every frame is painted as escape sequences, and what a
//! virtual terminal of 60, 80, 120 and 200 columns makes of them is compared.

use crate::hold_as;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use std::net::SocketAddr;
use std::num::NonZero;
use udpkit::record::{
    BlastInterval, FanoutReceiver, FanoutStanding, PingEvent, PingInterval, PingReply, PingTimeout,
    ReceiverState, RecvInterval, RelayCounts, RelayDestination, RelayDropped, RelayInterval,
    RelayRates, RelayRefused, ReplyKind,
};
use udpkit::report::live_view::{Look, Moment, Picture, Scene, Stage, Unit, draw, paint};
use udpkit::report::words::blast::{RunHeading, Ways};
use udpkit::report::{
    BlastScene, FanoutScene, FlowDirection, PingScene, RecvScene, RelayScene, ReplyLines,
};
use udpkit::stats::DelayHistogram;
use udpkit::units::{Nanos, Rate};

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;
/// Columns and rows of the terminals.
const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 30), (200, 50)];
const PLAIN: Look = Look { is_ascii: false, has_color: false };
const COLOR: Look = Look { is_ascii: false, has_color: true };
const ASCII: Look = Look { is_ascii: true, has_color: false };

fn buffer(picture: &Picture, look: Look, (columns, rows): (u16, u16)) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    draw(picture, look, &mut buffer);
    buffer
}

fn moment(now: u64, unit: Unit, (columns, rows): (u16, u16)) -> Moment {
    Moment { now: Nanos(now), unit, columns: columns.into(), rows: rows.into() }
}

/// What the terminal shows once it got all of the bytes.
fn shown(bytes: &[u8], size: (u16, u16)) -> vt100::Parser {
    let mut terminal = terminal(size);
    terminal.process(bytes);
    terminal
}

fn terminal((columns, rows): (u16, u16)) -> vt100::Parser {
    let some = |count: u16| NonZero::new(count).expect("a screen has room");
    vt100::Parser::new(some(rows), some(columns), 0)
}

fn lines(terminal: &vt100::Parser) -> String {
    let text = terminal.screen().contents();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Holds the frames of a scene at every size.
#[track_caller]
fn hold_screen(name: &str, scene: &impl Scene, now: u64) {
    for size in SIZES {
        let picture = scene.picture(&moment(now, Unit::Bits, size));
        let terminal = shown(&paint(None, &buffer(&picture, PLAIN, size)), size);
        hold_as(&format!("screen.{name}.{}", size.0), &lines(&terminal));
    }
}

fn heading(streams: u32, ways: Ways) -> RunHeading {
    RunHeading {
        least_bytes: None,
        target: "192.0.2.10:8620".parse::<SocketAddr>().expect("an address").into(),
        own_server: false,
        payload_bytes: 1_472,
        capacity: None,
        rate: "1G".parse::<Rate>().expect("a rate"),
        time: Nanos::from_secs(10),
        count: 0,
        streams,
        ways,
    }
}

fn interval(index: u64, datagrams: u64, lost: u64) -> BlastInterval {
    BlastInterval {
        start_ns: index * SECOND,
        duration_ns: SECOND,
        datagrams,
        bytes: datagrams * 1_472,
        lost,
        delay_max_ns: (datagrams > 0).then_some(300_000 + lost * 9_000),
        ..BlastInterval::default()
    }
}

/// Datagrams and losses of each second.
const SECONDS: [(u64, u64); 7] = [
    (84_900, 0),
    (84_918, 12),
    (60_000, 8_000),
    (0, 25_000),
    (84_000, 0),
    (84_918, 897),
    (40_000, 0),
];

fn blast() -> BlastScene {
    let every = Nanos::from_secs(1);
    let mut scene = BlastScene::new(heading(1, Ways::Up), Some(Nanos::from_secs(10)), every);
    scene.begin(Nanos::from_millis(20), heading(1, Ways::Up));
    for (index, (datagrams, lost)) in (0..).zip(SECONDS) {
        scene.interval(FlowDirection::Only, &interval(index, datagrams, lost));
    }
    scene
}

#[test]
fn blast_waits_for_its_server_and_then_shows_rate_loss_and_delay() {
    let every = Nanos::from_secs(1);
    let waiting = BlastScene::new(heading(1, Ways::Up), Some(Nanos::from_secs(10)), every);
    let picture = waiting.picture(&moment(2 * SECOND, Unit::Bits, SIZES[1]));
    let terminal = shown(&paint(None, &buffer(&picture, PLAIN, SIZES[1])), SIZES[1]);
    hold_as("screen.blast_waiting.80", &lines(&terminal));
    hold_screen("blast", &blast(), 7 * SECOND + 20 * MILLI);
}

#[test]
fn blast_shows_both_directions_and_every_stream() {
    let every = Nanos::from_secs(1);
    let mut scene = BlastScene::new(heading(2, Ways::Both), Some(Nanos::from_secs(10)), every);
    scene.begin(Nanos::from_millis(20), heading(2, Ways::Both));
    for (index, (datagrams, lost)) in (0..).zip(SECONDS) {
        scene.interval(FlowDirection::Up, &interval(index, datagrams, lost));
        let at = |offset| Nanos(index * SECOND + offset * MILLI);
        for stream in 0..2 {
            scene.sent(stream, FlowDirection::Up, (index + 1) * 42_000, at(30));
        }
        for stream in 2..4 {
            let half = interval(index, datagrams / 2, lost / 4);
            scene.received(stream, FlowDirection::Down, &half);
        }
        scene.interval(FlowDirection::Down, &interval(index, datagrams, lost / 2));
    }
    hold_screen("blast_both", &scene, 7 * SECOND + 20 * MILLI);
}

fn reply(target: usize, seq: u64, trip: u64) -> PingReply {
    PingReply {
        target,
        source: "192.0.2.10:862".parse::<SocketAddr>().expect("an address").into(),
        seq,
        kind: ReplyKind::Back,
        bytes: 44,
        ttl: Some(57),
        round_trip_ns: Some(trip),
        as_planned_ns: Some(trip),
        server_ns: None,
        reflector_seq: None,
        change: None,
        arrival_ns: 0,
    }
}

/// Targets that answer, but for some, a probe each half a second for twenty seconds.
fn ping(names: &[&str], replies: ReplyLines) -> PingScene {
    let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
    let heading = format!("udpkit ping {} (STAMP)   44 B every 500 ms", names[0]);
    let every = Some(Nanos::from_millis(500));
    let mut scene = PingScene::new(heading, names.clone(), None, every, replies);
    for seq in 0..40 {
        let sent = seq * 500 * MILLI;
        for target in 0..names.len() {
            // The second answers nothing, the others lose some.
            if target == 1 || seq % 13 == 7 {
                let timeout = PingTimeout { target, seq, sent_ns: sent, waited_ns: 2 * SECOND };
                if seq < 36 {
                    scene.take(&PingEvent::TimedOut(&timeout), Nanos(sent + 2 * SECOND));
                }
                continue;
            }
            let trip = (10 + (seq * 7 + target as u64) % 30) * MILLI;
            scene.take(&PingEvent::Reply(&reply(target, seq, trip)), Nanos(sent + trip));
        }
    }
    let round_trips = DelayHistogram::new();
    for target in 0..names.len() {
        let (back, lost) = if target == 1 { (0, 36) } else { (37, 3) };
        let interval = PingInterval {
            target,
            elapsed: Nanos::from_secs(20),
            sent: 40,
            back,
            lost,
            start: Nanos::ZERO,
            duration: Nanos::from_secs(1),
            round_trips: &round_trips,
        };
        scene.take(&PingEvent::Interval(&interval), Nanos::from_secs(20));
    }
    scene
}

#[test]
fn ping_shows_one_target_with_its_replies_and_several_below_each_other() {
    hold_screen("ping", &ping(&["192.0.2.10:862"], ReplyLines::Shown), 20 * SECOND);
    let names = ["192.0.2.10:862", "silent.example:862", "[2001:db8::1]:862"];
    hold_screen("ping_targets", &ping(&names, ReplyLines::LeftOut), 20 * SECOND);
    let many: Vec<String> = (0..40).map(|number| format!("host{number}.example:862")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    hold_screen("ping_many", &ping(&many, ReplyLines::LeftOut), 20 * SECOND);
}

#[test]
fn cast_send_shows_the_receivers_below_what_is_sent() {
    let receiver = |number: u64, numbered: u64| FanoutReceiver {
        receiver: format!("192.0.2.{number}:48484"),
        destination: Some("239.1.2.3:5000".to_owned()),
        state: ReceiverState::Live,
        received: Some(numbered - number * 3),
        lost: Some(number * 3),
        expected: Some(numbered),
        delay_p50_ns: Some(12_345 * (number + 1)),
        delay_p99_ns: Some(1_234_567),
        delay_max_ns: Some(12_345_678),
        last_heard_ns: Some(60_000_000),
        reports: 9,
        ..FanoutReceiver::default()
    };
    let mut scene = FanoutScene::new(Some(Nanos::from_secs(8)), Nanos::from_millis(250));
    for frame in 1..=16 {
        let numbered = frame * 1_000 + (frame % 4) * 50;
        let standing = FanoutStanding {
            receivers: (0..30).rev().map(|number| receiver(number.min(frame), numbered)).collect(),
            ..FanoutStanding::default()
        };
        scene.stand(Nanos(frame * 250 * MILLI), (numbered, 1_000), &standing);
    }
    hold_screen("cast_send", &scene, 4 * SECOND);
}

#[test]
fn recv_shows_the_rate_and_what_its_sockets_dropped() {
    let heading = "listening on 0.0.0.0:9000".to_owned();
    let mut scene = RecvScene::new(heading, None, Nanos::from_millis(500));
    for (index, (datagrams, drops)) in (0..).zip(SECONDS) {
        scene.interval(&RecvInterval {
            start_ns: index * 500 * MILLI,
            duration_ns: 500 * MILLI,
            datagrams,
            bytes: datagrams * 1_000,
            drops: drops / 100,
            ..RecvInterval::default()
        });
    }
    hold_screen("recv", &scene, 3_500 * MILLI);
}

#[test]
fn a_paused_display_the_latest_messages_and_another_unit() {
    let size = SIZES[1];
    let picture = Picture {
        stage: Stage::Paused,
        messages: vec!["warning: no reports yet".to_owned(), "a\x1b[2Jb".to_owned()],
        ..blast().picture(&moment(7 * SECOND, Unit::Datagrams, size))
    };
    let terminal = shown(&paint(None, &buffer(&picture, PLAIN, size)), size);
    hold_as("screen.messages.80", &lines(&terminal));
}

#[test]
fn ascii_and_no_color_leave_neither_other_characters_nor_attributes() {
    for size in SIZES {
        let picture = blast().picture(&moment(7 * SECOND, Unit::Bytes, size));
        let bytes = paint(None, &buffer(&picture, ASCII, size));
        assert!(bytes.is_ascii());
        let terminal = shown(&bytes, size);
        hold_as(&format!("screen.ascii.{}", size.0), &lines(&terminal));
        for look in [ASCII, PLAIN] {
            let bytes =
                String::from_utf8(paint(None, &buffer(&picture, look, size))).expect("UTF-8");
            let is_code = |one: char| one.is_ascii_digit() || one == ';';
            for part in bytes.split("\x1b[").skip(1) {
                let (codes, rest) = part.split_at(part.find(|one| !is_code(one)).unwrap_or(0));
                assert!(!rest.starts_with('m') || codes == "0", "{look:?}: {part}");
            }
        }
    }
}

/// The characters that are red; no other colour is on the screen, and no background.
fn red(picture: &Picture, size: (u16, u16)) -> String {
    let terminal = shown(&paint(None, &buffer(picture, COLOR, size)), size);
    let mut red = String::new();
    for (row, column) in (0..size.1).flat_map(|row| (0..size.0).map(move |column| (row, column))) {
        let cell = terminal.screen().cell(row, column).expect("on the screen");
        assert_eq!(cell.bgcolor(), vt100::Color::Default, "{row}, {column}");
        match cell.fgcolor() {
            vt100::Color::Default => {}
            vt100::Color::Idx(1) => red.push_str(cell.contents()),
            other => panic!("{other:?} at {row}, {column}"),
        }
    }
    red
}

#[test]
fn colour_is_for_trouble_alone_and_no_background_is_set() {
    let size = SIZES[1];
    let at = moment(7 * SECOND, Unit::Bits, size);
    assert!(red(&blast().picture(&at), size).contains('×'));
    let mut calm = BlastScene::new(heading(1, Ways::Up), None, Nanos::from_secs(1));
    calm.begin(Nanos::ZERO, heading(1, Ways::Up));
    (0..7).for_each(|index| calm.interval(FlowDirection::Only, &interval(index, 84_000, 0)));
    assert_eq!(red(&calm.picture(&at), size), "");
    assert_eq!(red(&ping(&["a.example"], ReplyLines::LeftOut).picture(&at), size), "×××");
}

/// What is seen of each cell: a blank that was written is like one that was not.
fn seen(terminal: &vt100::Parser, size: (u16, u16)) -> Vec<(String, vt100::Color, [bool; 3])> {
    let places = (0..size.1).flat_map(|row| (0..size.0).map(move |column| (row, column)));
    let cells = places.filter_map(|(row, column)| terminal.screen().cell(row, column));
    let seen = cells.map(|cell| match cell.contents() {
        "" | " " => (String::new(), vt100::Color::Default, [false, false, cell.inverse()]),
        text => (text.to_owned(), cell.fgcolor(), [cell.bold(), cell.dim(), cell.inverse()]),
    });
    seen.collect()
}

#[test]
fn a_frame_painted_over_another_shows_the_same_as_one_painted_anew() {
    let scenes: [&dyn Scene; 2] = [&blast(), &ping(&["a.example", "b.example"], ReplyLines::Shown)];
    let size = SIZES[1];
    let mut terminal = terminal(size);
    let mut before: Option<Buffer> = None;
    for (step, now) in (0..40u64).map(|step| (step, step * 500 * MILLI)) {
        let mut picture =
            scenes[usize::from(step % 5 == 4)].picture(&moment(now, Unit::Bits, size));
        picture.heading = format!("übertragung 世界 {step}");
        let next = buffer(&picture, COLOR, size);
        let bytes = paint(before.as_ref(), &next);
        assert!(
            before.is_none() || !bytes.windows(4).any(|part| part == b"\x1b[2J"),
            "it flickers"
        );
        terminal.process(&bytes);
        let anew = shown(&paint(None, &next), size);
        assert_eq!(seen(&terminal, size), seen(&anew, size));
        assert_eq!(paint(Some(&next), &next), b"", "nothing changed");
        before = Some(next);
    }
}

#[test]
fn a_screen_of_any_size_is_filled_and_never_left() {
    let scenes: [&dyn Scene; 3] = [
        &blast(),
        &ping(&["a.example", "b.example", "c.example"], ReplyLines::LeftOut),
        &ping(&["a.example"], ReplyLines::Shown),
    ];
    for scene in scenes {
        for (columns, rows) in (0..60).flat_map(|columns| (0..30).map(move |rows| (columns, rows)))
        {
            let size = (columns, rows);
            let mut picture = scene.picture(&moment(7 * SECOND, Unit::Bits, size));
            picture.messages = vec!["one".to_owned(), "two".to_owned()];
            let drawn = buffer(&picture, COLOR, size);
            assert_eq!(drawn.content.len(), usize::from(columns) * usize::from(rows));
            if columns > 20 && rows > 1 {
                let first: String = (0..10).map(|x| drawn[(x, 0)].symbol()).collect();
                assert!(first.starts_with("udpkit "), "{first}");
                // The other size is painted from nothing.
                let bytes = paint(Some(&buffer(&picture, COLOR, (10, 10))), &drawn);
                assert!(lines(&shown(&bytes, size)).contains("udpkit"), "{size:?}");
            }
        }
    }
}

#[test]
fn relay_shows_both_directions_what_was_lost_and_the_destinations() {
    let heading = "relaying 0.0.0.0:9000 to 192.0.2.10:9000, 192.0.2.11:9000".to_owned();
    let mut scene = RelayScene::new(heading, None, Nanos::from_millis(500));
    let counts = |forwarded: u64, dropped| RelayCounts {
        forwarded,
        forwarded_bytes: forwarded * 1_000,
        dropped: RelayDropped { total: dropped, lost: dropped, ..RelayDropped::default() },
        ..RelayCounts::default()
    };
    let span = Nanos::from_millis(500);
    let nothing = RelayCounts::default();
    for (index, (datagrams, dropped)) in (0..).zip(SECONDS) {
        scene.interval(&RelayInterval {
            start_ns: index * span.0,
            duration_ns: span.0,
            flows: 3,
            up: RelayRates::between(&nothing, &counts(datagrams, dropped / 100), span),
            down: RelayRates::between(&nothing, &counts(datagrams / 2, 0), span),
        });
    }
    let destination = |text: &str, refused| RelayDestination {
        destination: text.parse().expect("an address"),
        is_current: true,
        forwarded: 12_345,
        forwarded_bytes: 12_345_000,
        refused: RelayRefused { total: refused, send_refused: refused, ..RelayRefused::default() },
        queued: 0,
        answers: 6_172,
        errors: refused.min(1),
    };
    scene.stand(vec![destination("192.0.2.10:9000", 0), destination("192.0.2.11:9000", 17)]);
    hold_screen("relay", &scene, 3_500 * MILLI);
}
