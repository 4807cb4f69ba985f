//! Tests of the server of iperf3 clients, fed byte by byte.

use super::simulated_client::{COOKIE, PAYLOAD, World, address, params, read_results, results};
use crate::machine::{ByteServer, ConnectionEnd, Next};
use crate::record::{
    BlastReceived, Iperf3End, Iperf3Objection, Iperf3Received, Iperf3Stage, LocalFailure,
    ServeRecord,
};
use crate::session::blast::Filling;
use crate::session::serve::{Lifetime, Reverse, ServeCommand, ServePolicy, StreamReport};
use crate::units::Nanos;
use crate::wire::iperf3::test_users::{KEY, LIST, NOW, sealed};
use crate::wire::iperf3::{
    CLIENT_GREETING, Iperf3Params, Iperf3Results, Iperf3Users, OldTokens, StreamResults,
    encode_message,
};
use std::sync::Arc;

const ERROR: u8 = 0xFE;
const BUSY: u8 = 0xFF;
/// The longest that a client which says nothing keeps its place.
const SECONDS: Nanos = Nanos::from_secs(25);

fn world() -> World {
    World::new(ServePolicy::default())
}

fn received(datagrams: u64, lost: u64, sender_total: u64) -> BlastReceived {
    BlastReceived {
        datagrams,
        firsts: datagrams,
        lost,
        sender_total: Some(sender_total),
        jitter_ns: Some(1_500),
        ..BlastReceived::default()
    }
}

fn closed(world: &World) -> Vec<Iperf3End> {
    let ended = |record| match record {
        ServeRecord::Iperf3Closed { ended, .. } => Some(ended),
        _ => None,
    };
    world.log().into_iter().filter_map(ended).collect()
}

#[test]
fn a_test_upstream_ends_with_the_loss_up_to_the_client_s_own_count() {
    let mut world = world();
    let client = world.ending(address(1, 4_000), &params(2));
    let opened = world.opened();
    assert_eq!(opened.iter().map(|stream| stream.stream).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(opened[1].peer, address(1, 50_001));
    assert!(opened.iter().all(|stream| stream.plan.is_up(stream.stream)));
    assert!(world.feed(client, &results(&[1_000, 500])).is_empty(), "the receivers have not ended");
    let totals: Vec<_> = world
        .commands()
        .into_iter()
        .filter_map(|command| match command {
            ServeCommand::Total { session, stream, total } => Some((session, stream, total)),
            _ => None,
        })
        .collect();
    assert_eq!(totals, [(client, 0, 1_000), (client, 1, 500)]);
    // Ten in the middle and five at the end; of the other stream nothing arrived.
    world.received(client, 0, &received(985, 15, 1_000));
    world.received(client, 1, &received(0, 500, 500));
    let told = world.told(client);
    let (results, rest) = read_results(&told);
    assert_eq!(rest, [14]);
    assert_eq!(results.sender_has_retransmits, -1);
    let found: Vec<_> =
        results.streams.iter().map(|one| (one.id, one.bytes, one.errors, one.packets)).collect();
    assert_eq!(found, [(1, 98_500, 15, 1_000), (3, 0, 500, 500)]);
    assert_eq!((results.streams[0].jitter, results.streams[0].end_time), (0.000_001_5, 2.0));
    assert!(world.feed(client, &[16]).is_empty() && world.closed.contains(&client));
    let log = world.log();
    let [.., ServeRecord::Iperf3Closed { ended, received: Some(received), sent: None, .. }] =
        &log[..]
    else {
        panic!("{log:?}")
    };
    assert_eq!(*ended, Iperf3End::Done);
    let Iperf3Received { datagrams, bytes, lost, .. } = *received;
    assert_eq!((datagrams, bytes, lost), (985, 98_500, 515));
    assert_eq!(world.next, Next::Idle);
}

#[test]
fn the_results_have_iperf3_s_bytes() {
    let mut world = world();
    let client = world.ending(address(1, 4_000), &params(1));
    world.report(client, 0, StreamReport::Processor { user_ns: 100_000_000, system_ns: 0 });
    world.feed(client, &results(&[10]));
    world.received(client, 0, &received(9, 1, 10));
    let told = world.told(client);
    let text = concat!(
        r#"{"cpu_util_total":5.0,"cpu_util_user":5.0,"cpu_util_system":0.0,"#,
        r#""sender_has_retransmits":-1,"streams":[{"id":1,"bytes":900,"retransmits":-1,"#,
        r#""jitter":1.5e-6,"errors":1,"omitted_errors":0,"packets":10,"omitted_packets":0,"#,
        r#""start_time":0.0,"end_time":2.0}]}"#,
    );
    let length = (text.len() as u32).to_be_bytes();
    assert_eq!(told, [&length[..], text.as_bytes(), &[14]].concat());
}

#[test]
fn a_client_that_asks_for_the_server_s_report_gets_what_the_results_leave_out() {
    let mut world = world();
    let asked = Iperf3Params {
        get_server_output: 1,
        repeating_payload: 1,
        bidirectional: true,
        ..params(1)
    };
    let client = world.ending(address(1, 4_000), &asked);
    let fillings = world.opened().into_iter().filter_map(|stream| stream.iperf3);
    assert!(fillings.map(|iperf3| iperf3.filling).all(|filling| filling == Filling::Digits));
    world.sent(client, 1, 20);
    world.feed(client, &results(&[10, 0]));
    let counts = BlastReceived { duplicates: 2, reordered: 1, ..received(11, 1, 10) };
    world.received(client, 0, &counts);
    let told = String::from_utf8_lossy(&world.told(client)).into_owned();
    let (_, report) = told.split_once(r#""server_output_json":"#).expect("a report");
    for part in [r#""duplicates":2"#, r#""reordered":1"#, r#""sent":{"bytes":2000"#] {
        assert!(report.contains(part), "{report}");
    }
}

#[test]
fn a_test_downstream_is_stopped_by_its_client_and_says_what_was_sent() {
    let mut world = world();
    let down = Iperf3Params { reverse: true, ..params(1) };
    let client = world.ending(address(1, 4_000), &down);
    let commands = world.commands();
    assert!(commands.contains(&ServeCommand::Begin { session: client }));
    assert!(commands.contains(&ServeCommand::StopSenders { session: client }));
    world.sent(client, 0, 700);
    let told = world.feed(client, &results(&[690]));
    let (results, rest) = read_results(&told);
    assert_eq!((rest, results.sender_has_retransmits), (&[14][..], 0));
    let one = &results.streams[0];
    assert_eq!((one.id, one.bytes, one.packets, one.errors), (1, 70_000, 700, 0));
}

#[test]
fn both_ways_the_first_streams_are_those_that_the_client_sends() {
    let mut world = world();
    let both = Iperf3Params { bidirectional: true, ..params(2) };
    let client = world.ending(address(1, 4_000), &both);
    let up: Vec<_> = world.opened().iter().map(|stream| stream.plan.is_up(stream.stream)).collect();
    assert_eq!(up, [true, true, false, false]);
    for stream in [2, 3] {
        world.sent(client, stream, 50);
    }
    world.feed(client, &results(&[60, 60, 0, 0]));
    world.received(client, 1, &received(60, 0, 60));
    world.received(client, 0, &received(59, 1, 60));
    let told = world.told(client);
    let (results, _) = read_results(&told);
    let found: Vec<_> = results.streams.iter().map(|one| (one.id, one.packets)).collect();
    assert_eq!(found, [(1, 60), (3, 60), (4, 50), (5, 50)]);
    assert_eq!(results.sender_has_retransmits, 0);
}

#[test]
fn what_was_sent_in_the_omitted_time_is_told_apart_in_either_direction() {
    let mut world = world();
    let both = Iperf3Params { omit: 1, bidirectional: true, ..params(1) };
    let client = world.ending(address(1, 4_000), &both);
    assert_eq!(world.opened()[0].iperf3.unwrap().omit, Nanos::from_secs(1));
    world.report(client, 1, StreamReport::Omitted(30));
    world.sent(client, 1, 70);
    world.feed(client, &results(&[100, 0]));
    // Of 100 numbers, 34 were of the omitted time.
    world.received(client, 0, &received(60, 6, 66));
    let told = world.told(client);
    let streams = read_results(&told).0.streams;
    assert_eq!((streams[0].packets, streams[0].omitted_packets), (100, Some(34)));
    assert_eq!((streams[0].errors, streams[0].omitted_errors), (6, Some(0)));
    assert_eq!((streams[1].packets, streams[1].omitted_packets), (100, Some(30)));
    assert_eq!((streams[1].bytes, streams[1].end_time), (7_000, 2.0));
}

#[test]
fn of_a_stream_of_which_nothing_arrived_the_omitted_time_is_left_out() {
    for (told_omitted, lost) in [(Some(110), 190), (None, 200)] {
        let mut world = world();
        let asked = Iperf3Params { omit: 1, window: 5_000, ..params(1) };
        let client = world.ending(address(1, 4_000), &asked);
        assert_eq!(world.opened()[0].buffer, 5_000);
        let one = StreamResults {
            id: 1,
            bytes: 20_000,
            packets: 300,
            omitted_packets: told_omitted,
            ..StreamResults::default()
        };
        let told = Iperf3Results { streams: vec![one], ..Iperf3Results::default() };
        world.feed(client, &encode_message(&told));
        world.received(client, 0, &received(0, 300, 300));
        let told = world.told(client);
        let one = &read_results(&told).0.streams[0];
        assert_eq!((one.errors, one.packets), (lost, 300));
        assert_eq!(one.omitted_packets, Some(300 - lost));
    }
}

#[test]
fn a_client_that_numbered_datagrams_and_sent_none_has_lost_none() {
    for (omit, omitted, total) in
        [(0, Some(0), 0), (0, None, 0), (1, Some(40), 40), (1, None, 1_022)]
    {
        let mut world = world();
        let client = world.ending(address(1, 4_000), &Iperf3Params { omit, ..params(1) });
        let one = StreamResults {
            id: 1,
            packets: 1_022,
            omitted_packets: omitted,
            ..StreamResults::default()
        };
        world.commands();
        let told = Iperf3Results { streams: vec![one], ..Iperf3Results::default() };
        world.feed(client, &encode_message(&told));
        let expected = ServeCommand::Total { session: client, stream: 0, total };
        assert!(world.commands().contains(&expected), "{omit} {omitted:?}");
    }
}

/// A world with a client in each stage, and how often it is asked.
fn at_each_stage() -> Vec<(&'static str, World, u64)> {
    let client = address(1, 4_000);
    let at = |name, bring: &dyn Fn(&mut World) -> u64| {
        let mut world = world();
        let connection = bring(&mut world);
        world.commands();
        world.told(connection);
        (name, world, connection)
    };
    let settling = |world: &mut World| {
        let connection = world.ending(client, &params(1));
        world.feed(connection, &results(&[10]));
        connection
    };
    vec![
        at("cookie", &|world| world.connect(client)),
        at("parameters", &|world| {
            let connection = world.connect(client);
            world.feed(connection, COOKIE);
            connection
        }),
        at("waiting", &|world| {
            world.asking(client, &params(1));
            world.asking(client, &params(1))
        }),
        at("streams", &|world| world.asking(client, &params(1))),
        at("running", &|world| world.running(client, &params(1))),
        at("results", &|world| world.ending(client, &params(1))),
        at("settling", &settling),
        at("goodbye", &|world| {
            let connection = settling(world);
            world.received(connection, 0, &received(10, 0, 10));
            connection
        }),
    ]
}

#[test]
fn a_client_that_says_nothing_more_frees_its_place_in_every_stage() {
    for (name, mut world, client) in at_each_stage() {
        let took = world.wait_for_nothing();
        assert!(world.closed.contains(&client), "{name}");
        // A running test has its time, and as much more as iperf3 grants.
        let most = if name == "running" { Nanos::from_secs(32) } else { SECONDS };
        assert!(took <= most, "{name} took {took}");
        let told = world.told(client);
        let error = |number: u8| vec![ERROR, 0, 0, 0, number, 0, 0, 0, 0];
        match name {
            "cookie" | "parameters" => assert!(told.is_empty()),
            // The first client's place was free by then.
            "waiting" => assert_eq!(told, [&[10][..], &error(203)].concat()),
            "streams" => assert_eq!(told, error(203)),
            "running" => assert_eq!(told, error(160)),
            "settling" => assert!(told.ends_with(&error(110)), "after the results"),
            _ => assert_eq!(told, error(110), "{name}"),
        }
        let tested = name != "cookie" && name != "parameters";
        let close = ServeCommand::Close { session: client };
        assert_eq!(world.commands().contains(&close), tested, "{name}");
        let ends = closed(&world);
        assert!(!tested || ends.iter().all(|ended| ended.broke_off()), "{name}: {ends:?}");
    }
}

#[test]
fn a_client_that_is_gone_frees_its_place_at_once_in_every_stage() {
    for end in [ConnectionEnd::Closed, ConnectionEnd::Failed(104)] {
        for (name, mut world, client) in at_each_stage() {
            world.end(client, end);
            assert!(world.closed.contains(&client), "{name}");
            assert!(world.told(client).is_empty(), "{name}: nobody reads it");
            let ends = closed(&world);
            match (name, &ends[..]) {
                ("cookie" | "parameters" | "waiting", []) | ("goodbye", [Iperf3End::Done]) => {}
                (_, [Iperf3End::Closed { errno, .. }]) => {
                    assert_eq!(errno.is_none(), end == ConnectionEnd::Closed);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_server_with_users_serves_these_alone_and_is_slow_to_reject_others() {
    let users = || {
        let users = Iperf3Users::read(&KEY, LIST, OldTokens::Refused).unwrap();
        let mut world = World::new(ServePolicy { max_sessions: 1, ..ServePolicy::default() });
        world.now = Nanos::from_secs(NOW);
        world.server = world.server.for_users(Some(Arc::new(users)));
        world
    };
    let asking = |world: &mut World, token: Option<String>| {
        let client = world.connect(address(1, 4_000));
        world.feed(client, COOKIE);
        let params = Iperf3Params { authtoken: token, ..params(1) };
        let told = world.feed(client, &encode_message(&params));
        (client, told)
    };
    let authorization = [ERROR, 0, 0, 0, 142, 0, 0, 0, 0];
    let mut world = users();
    let (client, told) = asking(&mut world, Some(sealed("mario", "rossi", NOW)));
    assert_eq!((&told[..], world.closed.contains(&client)), (&[10][..], false));

    let mut world = users();
    let (client, told) = asking(&mut world, None);
    assert_eq!((&told[..], world.closed.contains(&client)), (&authorization[..], true));

    for is_gone in [false, true] {
        let mut world = users();
        let (client, told) = asking(&mut world, Some(sealed("mario", "bianchi", NOW)));
        assert!(told.is_empty() && world.closed.is_empty(), "not yet");
        assert!(world.feed(client, &[12; 100]).is_empty());
        if is_gone {
            world.end(client, ConnectionEnd::Closed);
        }
        let other = world.connect(address(1, 4_001));
        assert_eq!(world.told(other), [BUSY], "its place is not free");
        assert_eq!(world.wait_for_nothing(), Nanos::from_secs(1));
        let told = world.told(client);
        assert_eq!(told, if is_gone { &[][..] } else { &authorization });
        assert!(world.closed.contains(&client));
        let next = world.connect(address(1, 4_002));
        assert!(!world.closed.contains(&next), "its place is free");
        let log = world.log();
        let refused = |record: &&ServeRecord| {
            let refusal = Iperf3Objection::CredentialsWrong.into();
            matches!(record, ServeRecord::Iperf3Refused { refusal: found, .. } if *found == refusal)
        };
        assert_eq!(log.iter().filter(refused).count(), 1, "{log:?}");
    }
}

#[test]
fn an_interrupted_client_is_told_nothing_and_what_arrived_is_logged() {
    let mut world = world();
    let client = world.running(address(1, 4_000), &params(1));
    let progress = BlastReceived { datagrams: 7, ..BlastReceived::default() };
    world.report(client, 0, StreamReport::Progress(Box::new(progress)));
    assert!(world.feed(client, &[12]).is_empty());
    assert!(world.closed.contains(&client));
    let log = world.log();
    let stage = Iperf3Stage::Running;
    let told = log.iter().any(|record| {
        matches!(record, ServeRecord::Iperf3Closed { ended, received: Some(received), .. }
            if *ended == Iperf3End::Terminated { stage } && received.datagrams == 7)
    });
    assert!(told, "{log:?}");
}

#[test]
fn a_byte_out_of_place_ends_the_test() {
    for (name, mut world, client) in at_each_stage() {
        if ["cookie", "parameters", "waiting", "results"].contains(&name) {
            continue;
        }
        let told = world.feed(client, &[9]);
        assert_eq!(told, [ERROR, 0, 0, 0, 110, 0, 0, 0, 0], "{name}");
        assert!(world.closed.contains(&client), "{name}");
    }
}

#[test]
fn results_that_are_not_those_of_the_streams_end_the_test() {
    let junk = b"\0\0\0\x02[]".to_vec();
    let long = [0xFF; 4].to_vec();
    for message in [junk, long, results(&[]), results(&[-1])] {
        let mut world = world();
        let client = world.ending(address(1, 4_000), &params(1));
        let told = world.feed(client, &message);
        assert_eq!(told[..5], [ERROR, 0, 0, 0, 117], "{message:?}");
        assert_eq!(closed(&world), [Iperf3End::BadResults]);
    }
}

#[test]
fn every_limit_has_its_number_and_a_refused_client_takes_no_place() {
    let policy = ServePolicy {
        max_streams: 4,
        max_duration: Nanos::from_secs(10),
        max_rate: "4M".parse().unwrap(),
        reverse: Reverse::Refused,
        ..ServePolicy::default()
    };
    let of = |change: &dyn Fn(&mut Iperf3Params)| {
        let mut asked = params(1);
        change(&mut asked);
        asked
    };
    for (asked, number) in [
        (of(&|asked| asked.udp = false), 13),
        (of(&|asked| asked.authtoken = Some("QUJD".to_owned())), 142),
        (of(&|asked| asked.parallel = 5), 6),
        (of(&|asked| asked.parallel = 0), 6),
        (of(&|asked| asked.len = 15), 20),
        (of(&|asked| asked.len = 65_508), 20),
        (of(&|asked| asked.omit = 601), 12),
        (of(&|asked| asked.burst = 1_001), 15),
        (of(&|asked| asked.tos = 256), 21),
        (of(&|asked| asked.bandwidth = 0), 27),
        (of(&|asked| asked.bandwidth = 4_000_001), 27),
        (of(&|asked| (asked.bandwidth, asked.parallel) = (1_000_001, 4)), 27),
        (of(&|asked| asked.time = 11), 37),
        (of(&|asked| (asked.time, asked.omit) = (9, 2)), 37),
        (of(&|asked| asked.time = u64::MAX), 37),
        (of(&|asked| asked.time = 0), 37),
        (of(&|asked| asked.reverse = true), 142),
        (of(&|asked| asked.bidirectional = true), 142),
    ] {
        let mut world = World::new(policy.clone());
        let client = world.asking(address(1, 4_000), &asked);
        assert_eq!(world.told(client), [ERROR, 0, 0, 0, number, 0, 0, 0, 0], "{asked:?}");
        assert!(world.closed.contains(&client) && world.next == Next::Idle);
        let log = world.log();
        let error = Some(i32::from(number));
        assert!(
            matches!(&log[..], [ServeRecord::Iperf3Refused { iperf_error, .. }]
                if *iperf_error == error),
            "{log:?}"
        );
    }
    for asked in [
        params(4),
        of(&|asked| asked.bandwidth = 4_000_000),
        of(&|asked| (asked.time, asked.omit) = (9, 1)),
        of(&|asked| (asked.time, asked.num) = (0, 100_000)),
        of(&|asked| (asked.bandwidth, asked.fqrate) = (0, 1_000_000)),
    ] {
        let mut world = World::new(policy.clone());
        let client = world.asking(address(1, 4_000), &asked);
        assert_eq!(world.told(client), [10], "{asked:?}");
    }
}

#[test]
fn a_test_that_never_fits_the_memory_is_refused_and_one_that_fits_later_is_told_to_wait() {
    let policy = ServePolicy { max_memory: 64 << 20, max_streams: 128, ..ServePolicy::default() };
    let mut world = World::new(policy);
    let wide = world.asking(address(1, 4_000), &params(128));
    assert_eq!(world.told(wide)[..5], [ERROR, 0, 0, 0, 6]);
    let one = world.running(address(1, 4_000), &params(16));
    let other = world.asking(address(1, 4_001), &params(30));
    assert_eq!(world.told(other), [BUSY]);
    world.end(one, ConnectionEnd::Closed);
    let again = world.asking(address(1, 4_002), &params(30));
    assert_eq!(world.told(again), [10]);
}

#[test]
fn parameters_that_cannot_be_read_are_refused() {
    for message in [&b"\0\0\0\x017"[..], b"\0\x01\0\x01", b"\xFF\xFF\xFF\xFF", b"\0\0\0\0"] {
        let mut world = world();
        let client = world.connect(address(1, 4_000));
        world.feed(client, COOKIE);
        assert_eq!(world.feed(client, message)[..5], [ERROR, 0, 0, 0, 114], "{message:?}");
        assert!(world.closed.contains(&client));
    }
}

#[test]
fn only_allowed_networks_are_served() {
    let allow = vec!["192.0.2.0/31".parse().unwrap()];
    let mut world = World::new(ServePolicy { allow, ..ServePolicy::default() });
    let other = world.connect(address(2, 4_000));
    assert_eq!(world.told(other)[..5], [ERROR, 0, 0, 0, 142]);
    world.running(address(1, 4_000), &params(1));
}

#[test]
fn clients_of_one_address_open_their_streams_in_turn_and_others_at_once() {
    let mut world = world();
    let first = world.asking(address(1, 4_000), &params(2));
    let second = world.asking(address(1, 4_001), &params(1));
    let other = world.asking(address(2, 4_000), &params(1));
    assert_eq!([first, second, other].map(|one| world.told(one).len()), [1, 0, 1]);
    world.datagram(address(2, 60_000), &CLIENT_GREETING);
    assert_eq!(world.told(other), [1, 2]);
    for port in [50_000, 50_001] {
        world.datagram(address(1, port), &CLIENT_GREETING);
    }
    assert_eq!(world.told(first), [1, 2]);
    assert_eq!(world.told(second), [10]);
    world.datagram(address(1, 50_002), &CLIENT_GREETING);
    assert_eq!(world.told(second), [1, 2]);
    let sessions: Vec<_> = world.opened().iter().map(|stream| stream.session).collect();
    assert_eq!(sessions, [other, first, first, second]);
}

#[test]
fn a_client_that_has_waited_for_its_turn_too_long_is_told_that_the_server_is_busy() {
    let mut world = world();
    let slow = world.asking(address(1, 4_000), &params(64));
    let waiting = world.asking(address(1, 4_001), &params(1));
    let mut port = 50_000;
    while !world.closed.contains(&waiting) {
        // One stream every second.
        world.datagram(address(1, port), &CLIENT_GREETING);
        port += 1;
        world.now += Nanos::from_secs(1);
        world.poll();
    }
    assert_eq!(world.told(waiting), [BUSY]);
    assert!(!world.closed.contains(&slow));
}

#[test]
fn one_source_gets_its_share_of_places_and_a_newcomer_one_of_the_last() {
    let mut world = world();
    let many: Vec<_> = (0..40).map(|port| world.connect(address(1, port))).collect();
    let refused: Vec<_> = many.iter().filter(|one| world.told(**one) == [BUSY]).collect();
    assert_eq!(refused.len(), 24);
    assert!(refused.iter().all(|one| world.closed.contains(one)));
    world.running(address(2, 4_000), &params(1));
    // Those that said nothing are gone after seconds.
    world.now += Nanos::from_secs(5);
    world.poll();
    world.running(address(1, 4_000), &params(1));
}

#[test]
fn strangers_and_repeated_greetings_open_nothing() {
    let mut world = world();
    world.datagram(address(1, 50_000), &CLIENT_GREETING);
    let client = world.asking(address(1, 4_000), &params(2));
    world.told(client);
    world.datagram(address(2, 50_000), &CLIENT_GREETING);
    world.datagram(address(1, 50_000), &[0; PAYLOAD as usize]);
    world.datagram(address(1, 50_000), b"");
    assert!(world.opened().is_empty());
    for _ in 0..3 {
        world.datagram(address(1, 50_000), &CLIENT_GREETING);
    }
    assert_eq!(world.opened().len(), 1);
    // A client of 3.11 is told what it waits for.
    world.datagram(address(1, 50_001), &123_456_789u32.to_le_bytes());
    let reply = world.opened()[0].iperf3.unwrap().reply;
    assert_eq!(reply, 987_654_321u32.to_le_bytes());
    assert_eq!(world.told(client), [1, 2]);
}

#[test]
fn a_stream_that_cannot_be_opened_or_breaks_ends_the_test() {
    let failure = LocalFailure::SetUp { errno: Some(24) };
    for news in [StreamReport::Opened(Err(failure.clone())), StreamReport::Failed(failure)] {
        let mut world = world();
        let client = world.running(address(1, 4_000), &params(1));
        world.report(client, 0, news);
        assert_eq!(world.told(client)[..5], [ERROR, 0, 0, 0, 203]);
        assert_eq!(closed(&world), [Iperf3End::StreamFailed]);
    }
}

#[test]
fn a_server_that_is_stopped_tells_every_test() {
    let mut world = world();
    let running = world.running(address(1, 4_000), &params(1));
    let opening = world.asking(address(2, 4_000), &params(1));
    let cookie = world.connect(address(3, 4_000));
    world.told(opening);
    let now = world.now();
    world.server.on_stop(now);
    world.poll();
    assert_eq!((world.told(running), world.told(opening)), (vec![11], vec![11]));
    assert_eq!((world.next, world.closed.len()), (Next::Done, 3));
    assert!(world.told(cookie).is_empty());
    let summary = world.server.finish(now);
    assert_eq!((summary.tested, summary.broken), (2, 0));
}

#[test]
fn a_server_for_one_session_is_over_after_the_first_test() {
    for (bytes, broken) in [(&[16][..], 0), (&[9], 1)] {
        let lifetime = Lifetime::OneSession;
        let mut world = World::new(ServePolicy { lifetime, ..ServePolicy::default() });
        let client = world.ending(address(1, 4_000), &params(1));
        world.feed(client, &results(&[10]));
        world.received(client, 0, &received(10, 0, 10));
        assert_ne!(world.next, Next::Done);
        world.feed(client, bytes);
        assert_eq!(world.next, Next::Done);
        let now = world.now();
        assert_eq!(world.server.finish(now).broken, broken);
    }
}

#[test]
fn whatever_clients_send_the_server_stays_within_its_limits_and_is_empty_again() {
    let mut random = 7u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let good = encode_message(&params(1));
    let mut world = world();
    let mut open = Vec::new();
    for _ in 0..20_000 {
        let host = next(4) as u8;
        match next(8) {
            0 => open.push(world.connect(address(host, next(60_000) as u16))),
            1 => world.datagram(address(host, next(100) as u16), &CLIENT_GREETING),
            2 => world.now += Nanos::from_millis(next(500)),
            3 if !open.is_empty() => {
                let index = next(open.len() as u64) as usize;
                let one = open.swap_remove(index);
                world.end(one, ConnectionEnd::Closed);
            }
            _ if !open.is_empty() => {
                let one = open[next(open.len() as u64) as usize];
                let states = [1, 2, 4, 12, 16, 0];
                let bytes = match next(5) {
                    0 | 1 => [&COOKIE[..], &good].concat(),
                    2 => COOKIE.to_vec(),
                    3 => results(&[next(1_000) as i64]),
                    _ => vec![states[next(6) as usize]],
                };
                if !world.closed.contains(&one) {
                    let now = world.now();
                    world.server.on_bytes(now, one, &bytes);
                }
            }
            _ => {}
        }
        world.poll();
        assert!(world.server.clients.len() <= 64);
        open.retain(|one| !world.closed.contains(one));
    }
    assert!(world.opened().len() > 50, "some of them ran");
    world.wait_for_nothing();
    assert!(world.server.clients.is_empty());
}
