//! Every reply code: a command that causes it, and the text that comes with it.

use super::client_and_server::IO;
use super::typed_commands::{ByHand, peer};
use crate::machine::Session;
use crate::record::{LocalFailure, ServeRecord, ServeRefusal, ServeResource, SessionEnd};
use crate::session::serve::{Lifetime, Reverse, ServePolicy, StreamReport};
use crate::units::Nanos;
use crate::wire::{Code, Reply};

fn desk() -> ByHand {
    ByHand::new(ServePolicy::default())
}

#[test]
fn code_211_tells_how_the_server_stands_and_how_a_run_does() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    desk.code(peer(9), "r RCPT");
    desk.ask(peer(9), b"GET / HTTP/1.0\r\n\r\n");
    desk.wait(Nanos::from_secs(3));
    let server = desk.say(peer(2), "a STAT");
    assert_eq!(server.code, Code::STATUS);
    for (key, value) in [("sessions", "1"), ("opened", "1"), ("strays", "1"), ("up_s", "3")] {
        assert_eq!(server.params.get(key), Some(value), "{key}");
    }
    assert_eq!(desk.code(peer(1), &format!("b TEST session={session}")), Code::OK);
    let run = desk.say(peer(1), &format!("c STAT session={session}"));
    assert_eq!((run.code, run.params.get("state")), (Code::STATUS, Some("ready")));
}

#[test]
fn code_214_says_what_fits_and_all_of_it_within_a_session() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    let mut said = Vec::new();
    for length in [6, 13, 30, 60, 120, 1_200] {
        let question = format!("{:<length$}", "a HELP");
        let replies = desk.ask(peer(2), question.as_bytes());
        assert!(replies.len() == 1 && replies[0].len() <= length);
        said.push(String::from_utf8(replies[0].clone()).unwrap());
    }
    assert_eq!(said[..2], ["a pad=", "a 214 pad=\r\n"]);
    assert_eq!(said[2], "a 214 add pad=xxxxx for more\r\n");
    assert_eq!(said[3], "a 214 HELO TEST DATA STAT RSET NOOP HELP QUIT\r\n");
    assert!(said[4].starts_with("a 214-helo=pad,ticket\r\n"), "{}", said[4]);
    for verb in ["helo", "test", "data", "stat", "rset", "noop", "help", "quit"] {
        assert!(said[5].contains(&format!("a 214-{verb}=")), "{verb}: {}", said[5]);
    }
    // The session's address is verified: six bytes more than the minimum are enough.
    let replies = desk.ask(peer(1), format!("a HELP session={session}").as_bytes());
    let told = String::from_utf8(replies[0].clone()).unwrap();
    let (proof, rest) = told.split_once("\r\n").unwrap();
    assert!(proof.starts_with("a 214-proof=") && rest == said[5], "{told}");
    assert!(!desk.ask(peer(2), format!("b HELP session={session}").as_bytes())[0].contains(&b'-'));
}

#[test]
fn codes_220_250_221_open_keep_and_close() {
    let mut desk = desk();
    let ready = desk.say(peer(1), "a HELO");
    assert_eq!(ready.code, Code::READY);
    let ticket = ready.params.get("ticket").unwrap().to_owned();
    let hello = desk.say(peer(1), &format!("b HELO ticket={ticket}"));
    assert_eq!((hello.code, hello.params.get("seen")), (Code::OK, Some("10.0.0.1:4000")));
    let session = hello.params.get("session").unwrap().to_owned();
    assert_eq!(desk.code(peer(1), &format!("c NOOP session={session}")), Code::OK);
    assert_eq!(desk.code(peer(1), &format!("d TEST session={session}")), Code::OK);
    assert_eq!(desk.code(peer(1), &format!("e RSET session={session}")), Code::OK);
    assert_eq!(desk.code(peer(1), &format!("f STAT session={session}")), Code::WRONG_ORDER);
    assert_eq!(desk.code(peer(1), &format!("g QUIT session={session}")), Code::CLOSING);
    assert_eq!(desk.serve.sessions(), 0);
}

#[test]
fn codes_252_and_550_answer_the_verbs_of_a_fan_out() {
    let mut desk = desk();
    assert_eq!(desk.code(peer(1), "a VRFY"), Code::CANNOT_VERIFY);
    assert_eq!(desk.code(peer(1), "a RCPT"), Code::POLICY);
    assert_eq!(desk.code(peer(1), "a EXPN"), Code::POLICY);
}

#[test]
fn code_354_comes_once_the_socket_is_open_and_451_when_it_cannot_be() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    desk.say(peer(1), &format!("c TEST session={session} streams=2"));
    let no_memory = LocalFailure::SetUp { errno: Some(12) };
    for (stream, news, code) in
        [(0, Ok(()), Code::GO_AHEAD), (1, Err(no_memory.clone()), Code::LOCAL_ERROR)]
    {
        let params = format!("session={session} stream={stream}");
        let request = desk.data(peer(10 + stream), &format!("d{stream}"), &params).unwrap();
        assert!(desk.answers().is_empty(), "nothing is promised yet");
        desk.tell(&request, StreamReport::Opened(news));
        let answers = desk.answers();
        assert_eq!(answers.len(), 1);
        assert_eq!(Reply::decode(&answers[0]).unwrap().code, code);
    }
    let log = desk.log();
    let failed = |record: &ServeRecord| matches!(record, ServeRecord::StreamFailed { failure, stream: 1, .. } if *failure == no_memory);
    assert!(log.iter().any(failed), "{log:?}");
}

#[test]
fn code_421_is_for_a_full_server_and_for_one_that_ends() {
    let mut desk = ByHand::new(ServePolicy { max_sessions: 1, ..ServePolicy::default() });
    let session = desk.open(peer(1)).unwrap();
    assert_eq!(desk.open(peer(2)), Err(Code::UNAVAILABLE));
    desk.say(peer(1), &format!("z QUIT session={session}"));
    assert!(desk.open(peer(2)).is_ok());
    let lifetime = Lifetime::OneSession;
    let mut once = ByHand::new(ServePolicy { lifetime, ..ServePolicy::default() });
    let first = once.open(peer(1)).unwrap();
    let second = once.open(peer(2)).unwrap();
    let looker = once.open(peer(3)).unwrap();
    once.say(peer(3), &format!("z QUIT session={looker}"));
    once.say(peer(1), &format!("y TEST session={first}"));
    once.say(peer(1), &format!("z QUIT session={first}"));
    assert_eq!(once.open(peer(4)), Err(Code::UNAVAILABLE));
    once.say(peer(2), &format!("z QUIT session={second}"));
    let summary = once.serve.finish(once.now);
    assert_eq!((summary.sessions, summary.tested, summary.broken), (3, 1, 0));
}

#[test]
fn code_450_keeps_a_second_stream_from_the_address_of_the_first() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    desk.say(peer(1), &format!("c TEST session={session} streams=2"));
    let request = desk.data(peer(10), "d0", &format!("session={session} stream=0")).unwrap();
    desk.tell(&request, StreamReport::Opened(Ok(())));
    desk.answers();
    let second = desk.data(peer(10), "d1", &format!("session={session} stream=1"));
    assert_eq!(second, Err(Code::BUSY));
    let ended = StreamReport::Received(Box::default(), Box::default(), IO);
    desk.tell(&request, ended);
    assert!(desk.data(peer(10), "d2", &format!("session={session} stream=1")).is_ok());
}

#[test]
fn code_452_is_for_streams_beyond_what_the_server_has_altogether() {
    let mut desk = ByHand::new(ServePolicy {
        max_all_streams: 3,
        source_share: 100,
        ..ServePolicy::default()
    });
    let (one, two) = (desk.open(peer(1)).unwrap(), desk.open(peer(2)).unwrap());
    desk.say(peer(1), &format!("c TEST session={one} streams=2"));
    for stream in 0..2 {
        let params = format!("session={one} stream={stream}");
        desk.data(peer(10 + stream), &format!("d{stream}"), &params).unwrap();
    }
    let both = desk.say(peer(2), &format!("c TEST session={two} direction=both"));
    assert_eq!(both.code, Code::NO_ROOM);
    let resource = ServeResource::Streams;
    let all = ServeRefusal::AllInUse { resource, used: 2, limit: 3 };
    assert_eq!(desk.refusals(), std::slice::from_ref(&all));
    assert_eq!(both.text, all.to_string());
    assert_eq!(desk.code(peer(2), &format!("d TEST session={two}")), Code::OK);
    // Granted streams count as in use before they are opened, or many clients could open them at
    // once.
    assert_eq!(desk.code(peer(1), &format!("e TEST session={one} streams=3")), Code::NO_ROOM);
    // A session's own streams make room for its next run.
    assert_eq!(desk.code(peer(1), &format!("f TEST session={one} streams=2")), Code::OK);
}

#[test]
fn codes_500_501_502_part_what_cannot_be_read() {
    let mut desk = desk();
    let mut code = |text: &str| {
        let text = format!("{text:<40}");
        let replies = desk.ask(peer(1), text.as_bytes());
        replies.first().map(|reply| Reply::decode(reply).unwrap().code)
    };
    assert_eq!(code("a HELLO"), Some(Code::NOT_UNDERSTOOD));
    assert_eq!(code("a XXXX"), Some(Code::NO_SUCH_VERB));
    assert_eq!(code("a NOOP nonsense"), Some(Code::BAD_PARAMETER));
    // Two servers would answer each other forever if somebody forged their addresses.
    for reply in ["a 500 not understood", "a 502 no such verb", "a 214-helo=ticket", "a pad="] {
        assert_eq!(code(reply), None, "{reply}");
    }
    let session = desk.open(peer(1)).unwrap();
    for (tag, params) in [("c", "size=x"), ("d", "size=15"), ("e", "time_ns=0"), ("f", "rate=0")] {
        let reply = desk.say(peer(1), &format!("{tag} TEST session={session} {params}"));
        assert_eq!(reply.code, Code::BAD_PARAMETER, "{params}");
    }
}

#[test]
fn code_503_says_what_comes_first() {
    let mut desk = desk();
    for verb in ["TEST", "STAT session=00", "RSET", "QUIT", "DATA session=00"] {
        assert_eq!(desk.code(peer(1), &format!("a {verb}")), Code::WRONG_ORDER, "{verb}");
    }
    let session = desk.open(peer(1)).unwrap();
    // An address without a ticket of its own does not count.
    assert_eq!(desk.data(peer(3), "c", &format!("session={session}")), Err(Code::WRONG_ORDER));
    let tag = desk.say(peer(1), &format!("d TEST session={session}"));
    let run: u16 = tag.params.parse("tag").unwrap().unwrap();
    let other = format!("session={session} run={}", run.wrapping_add(1));
    assert_eq!(desk.data(peer(3), "e", &other), Err(Code::WRONG_ORDER));
    assert!(desk.data(peer(3), "f", &format!("session={session} run={run}")).is_ok());
}

#[test]
fn code_504_names_what_is_supported() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    let test = desk.say(peer(1), &format!("c TEST session={session} direction=sideways"));
    let text = ServeRefusal::UnknownDirection.to_string();
    assert_eq!((test.code, test.text), (Code::NOT_SUPPORTED, text));
    desk.say(peer(1), &format!("d TEST session={session}"));
    assert_eq!(
        desk.code(peer(1), &format!("e STAT session={session} about=me")),
        Code::NOT_SUPPORTED
    );
}

#[test]
fn code_550_refuses_by_policy_and_552_names_the_limit() {
    let policy = ServePolicy {
        reverse: Reverse::Refused,
        max_rate: "100M".parse().unwrap(),
        allow: vec!["10.0.0.0/30".parse().unwrap()],
        ..ServePolicy::default()
    };
    let mut desk = ByHand::new(policy);
    assert_eq!(desk.code(peer(5), "a HELO"), Code::POLICY);
    assert!(desk.ask(peer(5), &[0; 44]).is_empty());
    let session = desk.open(peer(1)).unwrap();
    let down = desk.say(peer(1), &format!("c TEST session={session} direction=down rate=1M"));
    assert_eq!(down.code, Code::POLICY);
    let fast = desk.say(peer(1), &format!("d TEST session={session} rate=max"));
    assert_eq!((fast.code, fast.params.get("rate")), (Code::OVER_LIMIT, Some("100000000")));
    assert_eq!(desk.code(peer(1), &format!("e TEST session={session} rate=100M")), Code::OK);
    let limit = "100M".parse().unwrap();
    let expected = [
        ServeRefusal::AddressNotAllowed,
        ServeRefusal::OnlyReceives,
        ServeRefusal::RateLimit { limit },
    ];
    assert_eq!(desk.refusals(), expected);
    assert_eq!(fast.text, expected[2].to_string());
}

#[test]
fn code_454_asks_for_the_value_that_the_last_reply_carried() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    assert_eq!(desk.code(peer(1), &format!("a TEST session={session}")), Code::OK);
    assert_eq!(desk.code(peer(1), &format!("b STAT session={session}")), Code::STATUS);
    // With the name alone one gets the value, sent to the session's address, and no action.
    for verb in ["TEST", "STAT", "RSET", "NOOP", "QUIT"] {
        let bare = desk.say_bare(peer(1), &format!("c{verb} {verb} session={session}"));
        let codes: Vec<Code> = bare.iter().map(|reply| reply.code).collect();
        assert_eq!(codes, [Code::STALE], "{verb}");
        assert!(bare[0].params.get("proof").is_some(), "{verb}");
    }
    assert_eq!(desk.serve.sessions(), 1);
    let told = desk.say(peer(1), &format!("d STAT session={session}"));
    assert_eq!((told.code, told.params.get("state")), (Code::STATUS, Some("ready")));
    // From another address the name brings a ticket, and has no other effect.
    let elsewhere = desk.say_bare(peer(2), &format!("e STAT session={session}"));
    let codes: Vec<Code> = elsewhere.iter().map(|reply| reply.code).collect();
    assert_eq!((codes, elsewhere[0].params.get("proof")), (vec![Code::STALE], None));
}

#[test]
fn code_550_keeps_streams_down_from_any_other_address_than_the_session_s() {
    let mut desk = desk();
    let refused = Some(Code::POLICY);
    for (number, direction, code) in [(1, "up", None), (2, "down", refused), (3, "both", refused)] {
        let session = desk.open(peer(number)).unwrap();
        let test = format!("c TEST session={session} direction={direction}");
        assert_eq!(desk.code(peer(number), &test), Code::OK);
        let asked = desk.data(peer(10 + number), "d", &format!("session={session}"));
        assert_eq!(asked.err(), code, "{direction}");
    }
}

#[test]
fn code_554_tells_of_a_stream_that_broke() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    desk.say(peer(1), &format!("c TEST session={session}"));
    let request = desk.data(peer(2), "d", &format!("session={session}")).unwrap();
    desk.tell(&request, StreamReport::Opened(Ok(())));
    let failure = LocalFailure::Broke { errno: Some(12) };
    desk.tell(&request, StreamReport::Failed(failure.clone()));
    desk.answers();
    let stat = desk.say(peer(1), &format!("e STAT session={session}"));
    assert_eq!(stat.code, Code::FAILED);
    assert_eq!(stat.text, ServeRefusal::StreamBroke { failure }.to_string());
    // The next run is not affected.
    assert_eq!(desk.code(peer(1), &format!("f TEST session={session}")), Code::OK);
    assert_eq!(desk.code(peer(1), &format!("g STAT session={session}")), Code::STATUS);
}

#[test]
fn a_helo_that_is_played_again_after_quit_opens_nothing() {
    let mut desk = desk();
    let ticket = desk.ticket(peer(1));
    let helo = format!("t2 HELO ticket={ticket}");
    let session = desk.say(peer(1), &helo).params.get("session").unwrap().to_owned();
    desk.say(peer(1), &format!("q QUIT session={session}"));
    let mut answers = 0;
    for seconds in 0..100 {
        // Now and then at most.
        let again = desk.say_raw(peer(1), &helo);
        assert!(again.iter().all(|reply| reply.code != Code::OK), "after {seconds} s");
        answers += again.len();
        assert_eq!(desk.serve.sessions(), 0);
        desk.wait(Nanos::from_secs(1));
    }
    assert!(answers >= 24, "{answers}");
    // A new one with the same ticket is another.
    let ticket = desk.ticket(peer(1));
    assert_eq!(desk.code(peer(1), &format!("t3 HELO ticket={ticket}")), Code::OK);
}

#[test]
fn a_silent_session_expires_and_one_that_talks_does_not() {
    let mut desk = desk();
    let (silent, talker) = (desk.open(peer(1)).unwrap(), desk.open(peer(2)).unwrap());
    desk.say(peer(2), &format!("t TEST session={talker}"));
    let request = desk.data(peer(3), "d", &format!("session={talker}")).unwrap();
    desk.tell(&request, StreamReport::Opened(Ok(())));
    desk.answers();
    for number in 0..4 {
        desk.wait(Nanos::from_secs(10));
        assert_eq!(desk.code(peer(2), &format!("n{number} NOOP session={talker}")), Code::OK);
    }
    assert_eq!(desk.serve.sessions(), 1);
    assert_eq!(desk.code(peer(1), &format!("n NOOP session={silent}")), Code::OK);
    assert_eq!(desk.code(peer(1), &format!("s STAT session={silent}")), Code::WRONG_ORDER);
    assert_eq!(desk.ends(), [(silent, SessionEnd::Expired)]);
    desk.wait(Nanos::from_secs(15));
    let summary = desk.serve.finish(desk.now);
    assert_eq!((summary.sessions, summary.tested, summary.broken), (2, 1, 1));
}

#[test]
fn a_run_that_goes_on_beyond_its_time_is_closed_although_it_talks() {
    let mut desk = desk();
    let session = desk.open(peer(1)).unwrap();
    desk.say(peer(1), &format!("c TEST session={session} time_ns=5000000000"));
    let request = desk.data(peer(2), "d", &format!("session={session}")).unwrap();
    desk.tell(&request, StreamReport::Opened(Ok(())));
    assert_eq!(desk.answers().len(), 1);
    for second in 0..64 {
        desk.wait(Nanos::from_secs(1));
        desk.tell(&request, StreamReport::Progress(Box::default()));
        desk.say(peer(1), &format!("n{second} STAT session={session}"));
        assert_eq!(desk.serve.sessions(), 1, "{second}");
    }
    desk.wait(Nanos::from_secs(2));
    assert_eq!(desk.serve.sessions(), 0);
    assert_eq!(desk.ends(), [(session, SessionEnd::Overdue)]);
}
