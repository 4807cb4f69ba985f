//! The text of impairments: what is read, what is printed, what is refused.

use super::part::{ALL, DelayPart, JitterPart, LossPart, QueuePart};
use super::*;
use crate::impair::{
    ArrivalOrder, Bottleneck, Capacity, Chance, Corruption, Delay, Duplication, EcnMarking,
    Forwarding, Jitter, Loss, Outages, QueueLimit, Reordering,
};
use crate::units::{BitRate, Percent};
use fastrand::Rng;
use std::num::{NonZeroU32, NonZeroU64};

fn parsed(text: &str) -> Impairment {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fault(text: &str) -> String {
    match text.parse::<Impairment>() {
        Ok(value) => panic!("{text} is taken as {value}"),
        Err(error) => error.to_string(),
    }
}

/// The phases of a text that names no file.
fn phases(text: &str) -> Vec<Phase> {
    parsed(text).phases(|path| panic!("{path} is read")).expect("no file is named")
}

/// The impairments of a text without phases.
fn impairments(text: &str) -> Impairments {
    let mut phases = phases(text);
    let phase = phases.pop().expect("one phase");
    assert!(phases.is_empty() && phase.length.is_none(), "{text} has phases");
    phase.impairments
}

fn millis(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

#[test]
fn each_impairment_asks_the_model_for_what_it_says() {
    let none = Impairments::default;
    let loss = |loss| Impairments { loss, ..none() };
    let delay = |base, jitter| Impairments { delay: Delay { base, jitter }, ..none() };
    let reordering =
        |share, hold, by| Impairments { reordering: Reordering { share, hold, by }, ..none() };
    let per_mille = |parts: u32| Chance::per_million(parts * 1_000);
    let hundred = NonZeroU64::new(100).expect("100");
    for (text, expected) in [
        ("clean", none()),
        ("blackout", loss(Loss::Blackout)),
        ("loss 1%", loss(Loss::Independent(Chance::percent(1)))),
        ("loss 0.0000001%", loss(Loss::Independent(Chance::per_billion(1)))),
        ("loss every 100", loss(Loss::EveryNth(hundred))),
        ("every 100", loss(Loss::EveryNth(hundred))),
        ("loss burst 5x20ms", loss(Loss::Outages(Outages { per_second: 5, length: millis(20) }))),
        (
            "loss 4% bursts of 3",
            loss(Loss::Bursts(crate::impair::GilbertElliott::bursts(Chance::percent(4), 3))),
        ),
        ("delay 40ms", delay(millis(40), Jitter::None)),
        ("delay 40 ms", delay(millis(40), Jitter::None)),
        ("delay 40ms ± 10ms", delay(millis(40), Jitter::Uniform(millis(10)))),
        ("delay 40ms +- 10ms", delay(millis(40), Jitter::Uniform(millis(10)))),
        ("delay 40ms+/-10ms uniform", delay(millis(40), Jitter::Uniform(millis(10)))),
        ("delay 40ms±10ms normal", delay(millis(40), Jitter::Normal(millis(10)))),
        ("delay 40ms ± 10ms pareto", delay(millis(40), Jitter::Pareto(millis(10)))),
        (
            "delay 4ms ± 4ms unordered",
            Impairments {
                order: ArrivalOrder::Free,
                ..delay(millis(4), Jitter::Uniform(millis(4)))
            },
        ),
        ("reorder 1% by 3", reordering(Chance::percent(1), Nanos::from_secs(1), 3)),
        ("reorder 1% by 3 within 50ms", reordering(Chance::percent(1), millis(50), 3)),
        ("reorder 1 % for 5 ms", reordering(Chance::percent(1), millis(5), 0)),
        (
            "duplicate 0.5%",
            Impairments { duplication: Duplication { share: per_mille(5), copies: 1 }, ..none() },
        ),
        (
            "duplicate 0.5% copies 2",
            Impairments { duplication: Duplication { share: per_mille(5), copies: 2 }, ..none() },
        ),
        ("corrupt 0.1%", Impairments { corruption: Corruption { share: per_mille(1) }, ..none() }),
    ] {
        assert_eq!(impairments(text), expected, "{text}");
    }
}

#[test]
fn each_link_asks_the_model_for_what_it_says() {
    let none = Impairments::default;
    let limited = |rate, queue, overhead| Impairments {
        bottleneck: Some(Bottleneck { capacity: Capacity::Rate(BitRate(rate)), queue, overhead }),
        ..none()
    };
    let blackout = || Impairments { loss: Loss::Blackout, ..none() };
    let late = |base| Delay { base, jitter: Jitter::None };
    for (text, expected) in [
        ("rate 20M", limited(20_000_000, QueueLimit::Time(millis(100)), 0)),
        ("rate 20M queue 64KiB", limited(20_000_000, QueueLimit::Bytes(65_536), 0)),
        (
            "rate 1.5 Mbit/s queue 20 ms overhead 28",
            limited(1_500_000, QueueLimit::Time(millis(20)), 28),
        ),
        ("rate 1G queue 1m", limited(1_000_000_000, QueueLimit::Time(Nanos::from_secs(60)), 0)),
        ("rate 1G queue 1M", limited(1_000_000_000, QueueLimit::Bytes(1_000_000), 0)),
        (
            "ecn mark at 5ms, rate 20M",
            Impairments {
                marking: EcnMarking::Above(millis(5)),
                ..limited(20_000_000, QueueLimit::Time(millis(100)), 0)
            },
        ),
        ("ecn mark 10%", Impairments { marking: EcnMarking::Share(Chance::percent(10)), ..none() }),
        ("mtu 1280", Impairments { mtu: Some(1_280), ..none() }),
        (
            "cut to 1000",
            Impairments {
                forwarding: Forwarding {
                    buffer: 1_000,
                    cut: Chance::ALWAYS,
                    rewritten: Chance::NEVER,
                },
                ..none()
            },
        ),
        (
            "rewrite 10%",
            Impairments {
                forwarding: Forwarding { rewritten: Chance::percent(10), ..none().forwarding },
                ..none()
            },
        ),
        ("only size 500- blackout", Impairments { only: Some(500..=65_535), ..blackout() }),
        ("only size 1000", Impairments { only: Some(1_000..=1_000), ..none() }),
        ("only size 16-499", Impairments { only: Some(16..=499), ..none() }),
        (
            "loss 1%, delay 40ms",
            Impairments {
                loss: Loss::Independent(Chance::percent(1)),
                delay: late(millis(40)),
                ..none()
            },
        ),
        (
            "delay 40ms loss 1%",
            Impairments {
                loss: Loss::Independent(Chance::percent(1)),
                delay: late(millis(40)),
                ..none()
            },
        ),
    ] {
        assert_eq!(impairments(text), expected, "{text}");
    }
}

#[test]
fn a_length_begins_a_phase_and_commas_part_impairments() {
    let lossy = impairments("loss 5% delay 20ms");
    let phase = |secs: u64, impairments: &Impairments| Phase {
        length: Some(Nanos::from_secs(secs)),
        impairments: impairments.clone(),
    };
    let clean = Impairments::default();
    let expected = [phase(10, &clean), phase(2, &impairments("blackout")), phase(5, &lossy)];
    for text in [
        "10s clean, 2s blackout, 5s loss 5% delay 20ms",
        "10s clean,2s blackout,5s loss 5%,delay 20ms",
        "10 s clean, 2 s blackout, 5 s delay 20 ms, loss 5 %",
    ] {
        assert_eq!(phases(text), expected, "{text}");
    }
    let rest = phases("10s blackout, rest loss 5% delay 20ms");
    let last = Phase { length: None, impairments: lossy };
    assert_eq!(rest, [phase(10, &impairments("blackout")), last.clone()]);
    assert_eq!(phases("rest loss 5%, delay 20ms"), [last]);
}

#[test]
fn a_value_prints_in_one_way() {
    for (text, printed) in [
        ("delay 40ms+-10ms,loss 1 %", "loss 1%, delay 40ms ± 10ms"),
        ("every 100", "loss every 100"),
        ("rate 20M", "rate 20M queue 100ms"),
        ("rate 64kbit/s queue 65536", "rate 64k queue 64KiB"),
        ("reorder 1% by 3 within 1000ms", "reorder 1% by 3"),
        ("10s clean, 90s delay 1500us, rest mtu 1280", "10s clean, 90s delay 1.5ms, rest mtu 1280"),
        ("5s loss 1%, delay 2ms", "5s loss 1% delay 2ms"),
        ("rest clean", "clean"),
        ("trace \"a b.txt\" queue 3MiB", "trace \"a b.txt\" queue 3MiB"),
        ("delay file \"/x/y\"", "delay file /x/y"),
        ("delay 5ms file y", "delay 5ms file y"),
        ("cut 100% to 9", "cut to 9"),
    ] {
        let text = text.replace("queue 65536", "queue 65536B");
        assert_eq!(parsed(&text).to_string(), printed, "{text}");
        assert_eq!(parsed(printed), parsed(&text), "{text}");
    }
}

/// A value of the grammar.
fn any(rng: &mut Rng) -> Impairment {
    let count = rng.usize(1..5);
    let stage = |number| {
        let is_last = number + 1 == count;
        let length =
            if is_last && rng.bool() { None } else { Some(Nanos(rng.u64(1..20_000_000_000))) };
        Stage { length, parts: any_parts(rng) }
    };
    Impairment { stages: (0..count).map(stage).collect() }
}

fn any_parts(rng: &mut Rng) -> Vec<Part> {
    if rng.u32(0..8) == 0 {
        return vec![Part::Blackout];
    }
    let mut parts = Vec::new();
    let up_to = |rng: &mut Rng, most: [u64; 3]| {
        let most = most[rng.usize(0..3)];
        rng.u64(0..=most)
    };
    let share = |rng: &mut Rng| Percent(up_to(rng, [10, 100_000, ALL.0]));
    let time = |rng: &mut Rng| Nanos(up_to(rng, [5_000, 90_000_000, 1 << 40]));
    let some = |rng: &mut Rng| NonZeroU32::new(rng.u32(1..=1_000)).expect("above 0");
    let name = |rng: &mut Rng| {
        let letters = ['a', '9', '.', '/', ' ', ',', '"', '\\', '±', '+', '-', 'é', '\n'];
        (0..rng.usize(0..6)).map(|_| letters[rng.usize(0..letters.len())]).collect::<String>()
    };
    let queue = |rng: &mut Rng| QueuePart {
        limit: if rng.bool() {
            QueueLimit::Time(Nanos(rng.u64(0..1 << 40)))
        } else {
            QueueLimit::Bytes(rng.u64(0..1 << 40) >> rng.u32(0..30) << rng.u32(0..20))
        },
        overhead: rng.u32(0..3) * 21,
    };
    match rng.u32(0..4) {
        0 => parts.push(Part::Only(9..=9)),
        1 => parts.push(Part::Only(rng.u32(0..500)..=[500, 65_535][rng.usize(0..2)])),
        _ => {}
    }
    if rng.bool() {
        parts.push(Part::Mtu(rng.u32(68..=65_535)));
    }
    parts.extend(match rng.u32(0..6) {
        0 => Some(Part::Loss(LossPart::Share(share(rng)))),
        1 => Some(Part::Loss(LossPart::Bursts { share: share(rng), mean: some(rng) })),
        2 => Some(Part::Loss(LossPart::Every(some(rng).into()))),
        3 => {
            let outages =
                Outages { per_second: rng.u32(1..=100), length: Nanos(rng.u64(0..9_999_999)) };
            Some(Part::Loss(LossPart::Outages(outages)))
        }
        _ => None,
    });
    if rng.bool() {
        parts.push(Part::Duplicate { share: share(rng), copies: some(rng) });
    }
    let has_queue = rng.bool();
    if has_queue {
        parts.push(if rng.bool() {
            Part::Rate { rate: BitRate(rng.u64(1..1 << 40)), queue: queue(rng) }
        } else {
            Part::Trace { file: name(rng), queue: queue(rng) }
        });
    }
    match rng.u32(0..3) {
        0 if has_queue => parts.push(Part::EcnAbove(time(rng))),
        1 => parts.push(Part::EcnShare(share(rng))),
        _ => {}
    }
    if rng.bool() {
        parts.push(Part::Corrupt(share(rng)));
    }
    match rng.u32(0..3) {
        0 => parts.push(Part::Cut { share: share(rng), to: rng.u32(0..=65_535) }),
        1 => parts.push(Part::Rewrite(share(rng))),
        _ => {}
    }
    if rng.bool() {
        let base = time(rng);
        let spread = Nanos(rng.u64(0..=base.0));
        let jitter = match rng.u32(0..5) {
            0 => JitterPart::None,
            1 => JitterPart::Uniform(spread),
            2 => JitterPart::Normal(spread),
            3 => JitterPart::Pareto(spread),
            _ => JitterPart::File(name(rng)),
        };
        let order = if rng.bool() { ArrivalOrder::Kept } else { ArrivalOrder::Free };
        parts.push(Part::Delay(DelayPart { base, jitter, order }));
    }
    match rng.u32(0..3) {
        0 => parts.push(Part::ReorderBy { share: share(rng), by: some(rng), within: time(rng) }),
        1 => parts.push(Part::ReorderFor { share: share(rng), hold: time(rng) }),
        _ => {}
    }
    parts
}

#[test]
fn what_is_printed_reads_back_as_the_same_value() {
    for seed in 0..4_000 {
        let value = any(&mut Rng::with_seed(seed));
        let text = value.to_string();
        match text.parse::<Impairment>() {
            Ok(again) => assert_eq!(again, value, "seed {seed}: {text}"),
            Err(error) => panic!("seed {seed}: {text}: {error}"),
        }
    }
}

#[test]
fn any_words_are_read_or_refused_with_a_line_that_says_why() {
    let words = [
        "loss",
        "burst",
        "bursts",
        "of",
        "every",
        "delay",
        "file",
        "reorder",
        "by",
        "within",
        "for",
        "duplicate",
        "copies",
        "corrupt",
        "rewrite",
        "cut",
        "to",
        "rate",
        "queue",
        "overhead",
        "trace",
        "ecn",
        "mark",
        "at",
        "mtu",
        "only",
        "size",
        "blackout",
        "clean",
        "rest",
        "normal",
        "pareto",
        "uniform",
        "unordered",
        "±",
        "+-",
        ",",
        ",",
        "5%",
        "100%",
        "0",
        "1",
        "20ms",
        "10",
        "ms",
        "10s",
        "5x20ms",
        "20M",
        "64KiB",
        "9-5",
        "5-",
        "1280",
        "x",
        "\"a b\"",
        "\"",
        "-3ms",
        "×",
        "\n",
    ];
    let mut rng = Rng::with_seed(1);
    let mut read = 0;
    for _ in 0..20_000 {
        let text: Vec<_> = (0..rng.usize(1..8)).map(|_| words[rng.usize(0..words.len())]).collect();
        let text = text.join([" ", ""][rng.usize(0..2)]);
        match text.parse::<Impairment>() {
            Ok(value) => {
                read += 1;
                assert_eq!(value.to_string().parse(), Ok(value), "{text}");
            }
            Err(error) => {
                let told = error.to_string();
                assert!(!told.is_empty() && !told.contains('\n'), "{text}: {told}");
            }
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn what_is_wrong_names_the_impairment_and_says_what_would_be_right() {
    let names = "loss, delay, reorder, duplicate, corrupt, cut, rewrite, rate, trace, ecn, mtu, only, \
                 blackout or clean";
    let missing = "an impairment is missing; write such as loss 1%, delay 40ms ± 10ms";
    for (text, told) in [
        ("", missing.to_owned()),
        ("loss 1%,,delay 2ms", missing.to_owned()),
        ("10s", missing.to_owned()),
        ("los 1%", format!("los is not an impairment; use {names}; did you mean loss?")),
        ("jitter 10ms", format!("jitter is not an impairment; use {names}")),
        ("\"loss\" 1%", format!("loss is not an impairment; use {names}")),
        ("queue 100ms", format!("queue is not an impairment; use {names}")),
    ] {
        assert_eq!(fault(text), told, "{text}");
    }
}

#[test]
fn a_wrong_value_is_named_with_its_impairment() {
    for (text, told) in [
        (
            "loss",
            "loss is not complete; write loss 1%, loss 1% bursts of 5, loss every 100, or loss burst 5x20ms (each second)",
        ),
        ("corrupt x", "corrupt: x does not belong there; write corrupt 0.1%"),
        ("mtu 1280 1400", "1400 begins a phase: write a comma before it"),
        ("loss 5% 2s blackout", "2s begins a phase: write a comma before it"),
        ("loss 101%", "loss 101%: 101% is too large; the largest percentage is 100%"),
        ("loss -1%", "loss -1%: -1% is negative; use a percentage from 0 to 100, such as 0.1%"),
        ("every 0", "every 0: 0 is out of range; write a whole number from 1 to 1000000000"),
        (
            "loss burst 5",
            "loss burst: 5 does not belong there; write loss 1%, loss 1% bursts of 5, loss every 100, or loss burst 5x20ms (each second)",
        ),
        ("loss burst 5x20", "loss burst 5x20: 20 has no unit; write 20ms or 20s"),
        (
            "loss burst 50x20ms",
            "loss burst 50x20ms: this fills the whole second; write fewer or shorter outages, or blackout",
        ),
        ("delay 40", "delay 40: 40 has no unit; write 40ms or 40s"),
        (
            "delay 10ms ± 40ms",
            "delay 10ms ± 40ms: some would arrive before they are sent; the jitter is at most the delay",
        ),
        (
            "reorder 1% by 0",
            "reorder 1% by 0: 0 is out of range; write a whole number from 1 to 1000000000",
        ),
    ] {
        assert_eq!(fault(text), told, "{text}");
    }
    let long = fault(&format!("loss 1% {}\u{1b}[31m", "x".repeat(9_000)));
    assert!(long.len() < 300 && !long.contains('\u{1b}'), "{long}");
}

#[test]
fn what_contradicts_is_refused() {
    for (text, told) in [
        (
            "rate 0",
            "rate 0: a rate of 0 lets nothing through; write blackout, or leave the rate out",
        ),
        (
            "rate max",
            "rate max: a link has a rate in bits per second, such as rate 20M; for none, leave it out",
        ),
        (
            "rate 5kpps",
            "rate 5kpps: a link has a rate in bits per second, such as rate 20M; for none, leave it out",
        ),
        (
            "rate 20M queue 100",
            "rate 20M queue: 100 is no length of a queue; write a time (100ms) or a size (64KiB)",
        ),
        (
            "rate 20M, trace x",
            "rate 20M queue 100ms and trace x queue 100ms contradict: a link has a rate or a trace; leave one out",
        ),
        (
            "ecn mark at 5ms",
            "ecn mark at 5ms: there is no queue to wait in; add a rate, such as rate 20M queue 100ms",
        ),
        (
            "only size 9-5",
            "only size 9-5: no datagram has such a size; write the smaller one first",
        ),
        (
            "cut to 9, rewrite 1%",
            "cut to 9 and rewrite 1% contradict: a datagram is cut or rewritten; leave one out",
        ),
        ("mtu 10", "mtu 10: 10 is out of range; write a whole number from 68 to 65535"),
        ("trace \"x", "\"x has no closing quote; end the name with \""),
        ("loss 1%, loss 2%", "loss: given twice for one time (loss 1% and loss 2%); leave one out"),
        (
            "clean, loss 2%",
            "clean and loss 2% contradict: nothing stands beside clean; leave one out",
        ),
        (
            "loss 2% blackout",
            "blackout and loss 2% contradict: nothing stands beside blackout; leave one out",
        ),
        (
            "loss 1%, 5s clean",
            "loss 1% has no length, but 5s follows; write how long it lasts, such as 10s loss 1%",
        ),
        (
            "rest clean, rest clean",
            "clean has no length, but rest follows; write how long it lasts, such as 10s clean",
        ),
        ("0s clean", "0s: a phase lasts longer than 0"),
        (
            "5x clean",
            "5x: 5x is not a time: use ns, us, ms, s, m, h or d (100ms, 1.5s, 2h30m); a number alone is in seconds",
        ),
    ] {
        assert_eq!(fault(text), told, "{text}");
    }
}

#[test]
fn files_are_read_where_they_are_named_and_errors_name_the_line() {
    let text = "5s trace up.trace queue 64KiB, 5s delay 2ms file \"my delays\", 5s trace up.trace";
    let read = |path: &str| match path {
        "up.trace" => Ok("1\n5\n".to_owned()),
        "my delays" => Ok("10ms\n30ms\n".to_owned()),
        other => panic!("{other} is read"),
    };
    let phases = parsed(text).phases(read).expect("both are right");
    let trace: Trace = "1\n5\n".parse().expect("a trace");
    let table = DelayTable::new(vec![millis(10), millis(30)]).expect("two");
    let capacity = Capacity::Trace(trace);
    let queue = QueueLimit::Bytes(65_536);
    let bottleneck = Some(Bottleneck { capacity, queue, overhead: 0 });
    assert_eq!(phases[0].impairments.bottleneck, bottleneck);
    assert_eq!(
        phases[1].impairments.delay,
        Delay { base: millis(2), jitter: Jitter::Table(table) }
    );
    let told = |text: &str, content: &str| {
        let read = |_: &str| Ok(content.to_owned());
        parsed(text).phases(read).unwrap_err().to_string()
    };
    assert_eq!(
        told("trace x", "1\n2\nabc\n"),
        "x is not a trace: line 3: abc is not a time; write whole milliseconds since the start"
    );
    assert!(told("delay file x", "1ms\n2 km\n").starts_with("x is not a table of delays: line 2:"));
    let error = parsed("trace x").phases(|_| Err(io::ErrorKind::NotFound.into())).unwrap_err();
    assert_eq!(error.to_string(), "cannot read x: entity not found");
}
