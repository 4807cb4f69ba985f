//! Senders with reporting receivers over simulated links: the table compared with what the links
//! did.

use super::fanout_network::{FanoutNetwork, GROUP, Heard, Path, plan};
use super::feedback::{Feedback, Place, Reported};
use super::receiver_table::ReceiverTable;
use super::*;
use crate::batch::{Datagram, RxEntry, RxMeta, TxBatch};
use crate::machine::Now;
use crate::netsim::{Fault, runs};
use crate::record::{FanoutReceiver, KnownFanout, LossOrigin, ReceiverState};
use crate::session::HostMeter;
use crate::session::simulation::fault_matrix::{Machine, Trial};
use crate::stats::SocketDrops;
use crate::units::Nanos;
use crate::wire::{Announcement, Command, HostCounts, LINE_LEN, ReceiverReport};
use std::net::SocketAddr;

const EVERY: Nanos = Nanos::from_millis(1);

fn group() -> SocketAddr {
    GROUP.parse().unwrap()
}

fn lossy(loss: u64) -> Path {
    Path {
        extremes: 0,
        loss,
        line_loss: loss / 2,
        copies: 20,
        report_loss: 200,
        delay: Nanos::from_micros(500),
        jitter: Nanos::from_micros(2_500),
    }
}

fn row(network: &FanoutNetwork, sender: usize, receiver: usize) -> &FanoutReceiver {
    let end = network.senders[sender].end.as_ref().expect("the sender has ended");
    let name = network.receivers[receiver].addr.to_string();
    let all = &end.summary.sent.standing.receivers;
    all.iter().find(|row| row.receiver == name).unwrap_or_else(|| panic!("no {name} in {all:#?}"))
}

#[test]
fn the_table_is_what_the_links_did_even_if_reports_are_lost_copied_and_late() {
    for seed in 0..6 {
        let mut network = FanoutNetwork::new(seed);
        for loss in [0, 10, 50, 100, 500] {
            network.add_receiver(lossy(loss), None);
        }
        network.add_sender(plan(&[group()], EVERY, false), 3_000);
        network.run_until(network.now + Nanos::from_secs(60));
        for index in 0..5 {
            let row = row(&network, 0, index);
            let seat = &network.receivers[index];
            let came = seat.came(0).len() as u64;
            assert_eq!(row.lost, Some(3_000 - came), "seed {seed}: {row:#?}");
            assert_eq!(row.received, Some(seat.delivered(0)), "seed {seed}");
            assert_eq!(row.duplicates, Some(seat.delivered(0) - came), "seed {seed}");
            assert_eq!(row.state, ReceiverState::Done, "seed {seed}");
            assert!(row.reordered > Some(0) && row.reports >= 2, "seed {seed}: {row:#?}");
        }
        let worst = network.receivers[4].addr.to_string();
        let standing = &network.senders[0].end.as_ref().unwrap().summary.sent.standing;
        assert_eq!(standing.receivers[0].receiver, worst, "seed {seed}");
        let common = standing.common_loss.as_ref().unwrap();
        let origin = Some(LossOrigin::NearOneReceiver { receiver: worst });
        assert_eq!(common.origin, origin, "seed {seed}: {common:?}");
    }
}

#[test]
fn nobody_gets_more_bytes_back_than_it_sent() {
    for seed in 0..6 {
        let mut network = FanoutNetwork::new(seed);
        (0..4).for_each(|loss| network.add_receiver(lossy(loss * 250), None));
        network.add_sender(plan(&[group()], Nanos::from_millis(300), false), 20);
        let end = network.now + Nanos::from_secs(30);
        while network.now < end {
            network.run_on((network.now + Nanos::from_millis(100)).min(end));
            for receiver in &network.receivers {
                let (heard, said) = receiver.bytes(0);
                assert!(said <= heard, "seed {seed}: {said} of {heard}");
            }
        }
    }
}

#[test]
fn what_all_lost_is_found_near_the_sender_and_what_each_lost_is_not() {
    for seed in 0..6 {
        let calm = Path { delay: EVERY, jitter: Nanos(1_000), ..Path::default() };
        let mut shared = FanoutNetwork::new(seed);
        (0..3).for_each(|_| shared.add_receiver(calm, None));
        shared.shared_loss = 20;
        shared.add_sender(plan(&[group()], EVERY, false), 6_000);
        shared.run_until(shared.now + Nanos::from_secs(60));
        let end = shared.senders[0].end.as_ref().unwrap();
        let common = end.summary.sent.standing.common_loss.as_ref().unwrap();
        assert_eq!(common.origin, Some(LossOrigin::NearSender), "seed {seed}: {common:?}");
        assert_eq!(common.compared, 6_000, "seed {seed}: {common:?}");
        let lost = 6_000 - shared.receivers[0].came(0).len() as u64;
        assert_eq!(common.lost_by_all, lost, "seed {seed}: {common:?}");

        let mut apart = FanoutNetwork::new(seed);
        (0..3).for_each(|_| apart.add_receiver(Path { loss: 300, ..calm }, None));
        apart.add_sender(plan(&[group()], EVERY, false), 6_000);
        apart.run_until(apart.now + Nanos::from_secs(60));
        let end = apart.senders[0].end.as_ref().unwrap();
        let common = end.summary.sent.standing.common_loss.as_ref().unwrap();
        let all = LossOrigin::NearSeveralReceivers { losing: 3, lossless: 0 };
        assert_eq!(common.origin, Some(all), "seed {seed}: {common:?}");

        let mut one_whole = FanoutNetwork::new(seed);
        for loss in [300, 0, 300] {
            one_whole.add_receiver(Path { loss, ..calm }, None);
        }
        one_whole.add_sender(plan(&[group()], EVERY, false), 6_000);
        one_whole.run_until(one_whole.now + Nanos::from_secs(60));
        let end = one_whole.senders[0].end.as_ref().unwrap();
        let common = end.summary.sent.standing.common_loss.as_ref().unwrap();
        let two = LossOrigin::NearSeveralReceivers { losing: 2, lossless: 1 };
        assert_eq!(common.origin, Some(two), "seed {seed}: {common:?}");
    }
}

#[test]
fn the_skew_is_that_of_the_paths_whatever_the_clocks_say() {
    let mut network = FanoutNetwork::new(4);
    for millis in [1, 3, 9] {
        let delay = Nanos::from_millis(millis);
        network.add_receiver(Path { delay, ..Path::default() }, None);
    }
    network.add_sender(plan(&[group()], EVERY, false), 5_000);
    network.run_until(network.now + Nanos::from_secs(60));
    let end = network.senders[0].end.as_ref().unwrap();
    let skew = end.summary.sent.standing.skew.as_ref().unwrap();
    let off = skew.last_ns.abs_diff(8_000_000);
    assert!(off < 50_000 && off <= skew.uncertainty_ns, "{skew:?}");
    assert_eq!(skew.first, network.receivers[0].addr.to_string());
    assert_eq!(skew.last, network.receivers[2].addr.to_string());
    assert_eq!(skew.receivers, 3);
}

#[test]
fn a_receiver_that_comes_late_counts_from_there_and_one_that_leaves_says_so() {
    for seed in 0..6 {
        let mut network = FanoutNetwork::new(seed);
        let link = Path { loss: 100, ..lossy(0) };
        network.add_receiver(link, None);
        network.add_sender(plan(&[group()], EVERY, false), 4_000);
        network.run_on(network.now + Nanos::from_millis(1_500));
        network.add_receiver(link, None);
        network.run_on(network.now + Nanos::from_millis(1_000));
        network.stop_receiver(0);
        network.run_until(network.now + Nanos::from_secs(60));
        let (early, late) = (row(&network, 0, 0), row(&network, 0, 1));
        assert_eq!(
            (early.state, late.state),
            (ReceiverState::Done, ReceiverState::Done),
            "seed {seed}: {early:#?}"
        );
        assert!(early.expected < Some(2_600) && early.expected > Some(2_300), "{early:#?}");
        // What was sent before the join is not lost; the very first may have been.
        let came = &network.receivers[1].came(0);
        let first = u64::from(*came.iter().min().unwrap());
        let missing = 4_000 - first - came.len() as u64;
        assert_eq!(late.lost, Some(missing), "seed {seed}: {late:#?}");
        let received = &network.receivers[0].end.as_ref().unwrap().received;
        assert_eq!(early.received, Some(received.received), "seed {seed}");
        assert_eq!(early.lost, received.lost, "seed {seed}");
    }
}

#[test]
fn a_receiver_that_is_killed_falls_silent_and_holds_nobody_up() {
    let mut network = FanoutNetwork::new(1);
    (0..2).for_each(|_| network.add_receiver(lossy(0), None));
    network.add_sender(plan(&[group()], EVERY, false), 12_000);
    network.run_on(network.now + Nanos::from_secs(3));
    network.kill(0);
    let came = network.receivers[0].came(0).len() as u64;
    network.run_until(network.now + Nanos::from_secs(60));
    let dead = row(&network, 0, 0);
    assert_eq!(dead.state, ReceiverState::Silent);
    assert!(dead.received.unwrap() <= came && dead.received > Some(1_000), "{dead:#?}");
    assert!(dead.last_heard_ns > Some(8_000_000_000));
    assert_eq!(row(&network, 0, 1).state, ReceiverState::Done);
    let over = network.senders[0].ended - Nanos::from_secs(100);
    assert!(over < Nanos::from_millis(12_500), "{over}");
}

#[test]
fn two_senders_to_one_group_each_have_their_own_table() {
    let mut network = FanoutNetwork::new(3);
    (0..3).for_each(|index| network.add_receiver(lossy(100 * index), None));
    for (tag, run, count) in [(7, 1, 2_000), (8, 2, 3_000)] {
        let mut config = plan(&[group()], EVERY, false);
        config.tag = Some(tag);
        config.ear.as_mut().unwrap().run = Some(run);
        network.add_sender(config, count);
    }
    network.run_until(network.now + Nanos::from_secs(60));
    for (sender, count) in [(0, 2_000), (1, 3_000)] {
        for receiver in 0..3 {
            let came = network.receivers[receiver].came(sender).len() as u64;
            assert_eq!(row(&network, sender, receiver).lost, Some(count - came));
        }
        let end = network.senders[sender].end.as_ref().unwrap();
        assert_eq!(end.summary.sent.standing.receivers.len(), 3);
    }
}

#[test]
fn a_receiver_that_hears_only_announcements_has_lost_all() {
    let mut network = FanoutNetwork::new(9);
    network.add_receiver(Path { loss: 1_000, line_loss: 500, ..Path::default() }, None);
    network.add_receiver(Path::default(), None);
    network.add_sender(plan(&[group()], EVERY, false), 6_000);
    network.run_until(network.now + Nanos::from_secs(60));
    let deaf = row(&network, 0, 0);
    assert_eq!((deaf.received, deaf.state), (Some(0), ReceiverState::Done));
    assert!(deaf.lost > Some(3_000) && deaf.lost == deaf.expected, "{deaf:#?}");
    assert_eq!(row(&network, 0, 1).lost, Some(0));
}

#[test]
fn a_sender_waits_for_its_receivers_and_gives_up_in_time() {
    let mut network = FanoutNetwork::new(5);
    let started = network.now;
    let config = CastSenderConfig {
        receivers: 3,
        wait: Some(Nanos::from_secs(5)),
        ..plan(&[group()], EVERY, false)
    };
    (0..2).for_each(|_| network.add_receiver(lossy(0), None));
    network.add_sender(config.clone(), 100);
    network.run_on(started + Nanos::from_secs(2));
    assert_eq!(network.senders[0].first_data(), None);
    network.add_receiver(lossy(0), None);
    network.run_until(started + Nanos::from_secs(20));
    assert!(network.senders[0].first_data() > Some(started + Nanos::from_secs(2)));
    assert_eq!(row(&network, 0, 2).lost, Some(0));
    let sink = &network.senders[0].end.as_ref().unwrap().sink;
    assert_eq!(sink.waited, [(0, 3), (1, 3), (2, 3)]);

    let mut alone = FanoutNetwork::new(5);
    alone.add_receiver(lossy(0), None);
    alone.add_sender(config, 100);
    alone.run_until(alone.now + Nanos::from_secs(20));
    let seat = &alone.senders[0];
    assert_eq!(seat.end.as_ref().unwrap().summary.too_few, Some(1));
    assert_eq!(seat.first_data(), None);
    assert_eq!(seat.ended, Nanos::from_secs(105));
}

#[test]
fn silence_of_all_is_told_once_after_two_seconds() {
    let mut network = FanoutNetwork::new(5);
    network.add_sender(plan(&[group()], EVERY, false), 5_000);
    network.run_until(network.now + Nanos::from_secs(20));
    let seat = &network.senders[0];
    assert_eq!(seat.end.as_ref().unwrap().sink.silences, 1);
    assert!(seat.ended < Nanos::from_millis(105_400), "{}", seat.ended);
}

#[test]
fn receivers_ask_to_be_sent_to_stay_and_leave_over_a_bad_link() {
    for seed in 0..3 {
        let mut network = FanoutNetwork::new(seed);
        let sender = SocketAddr::from(([10, 0, 0, 1], 7000));
        let link = Path { report_loss: 300, ..lossy(200) };
        (0..3).for_each(|_| network.add_receiver(link, Some(sender)));
        network.add_sender(plan(&[], Nanos::from_millis(4), true), 7_500);
        // Nobody can subscribe somebody else's address.
        let rcpt = b"a RCPT ticket=00112233445566778899aabbccddeeff";
        network.inject("10.9.9.9:9".parse().unwrap(), 0, rcpt);
        network.run_on(network.now + Nanos::from_secs(8));
        network.stop_receiver(0);
        network.run_on(network.now + Nanos::from_secs(1));
        network.kill(1);
        network.run_until(network.now + Nanos::from_secs(90));
        let end = network.senders[0].end.as_ref().unwrap();
        assert_eq!((end.sink.subscribed, end.sink.unsubscribed), (3, 2), "seed {seed}");
        let stayed = &network.receivers[2];
        let row = row(&network, 0, 2);
        assert_eq!(row.state, ReceiverState::Done, "seed {seed}: {row:#?}");
        let first = u64::from(*stayed.came(0).iter().min().unwrap());
        let missing = 7_500 - first - stayed.came(0).len() as u64;
        assert!(row.lost.unwrap() >= missing && row.lost.unwrap() < missing + 20, "{row:#?}");
        // It ended by itself, like its sender.
        network.run_on(network.now + Nanos::from_secs(2));
        assert!(network.receivers[2].end.is_some(), "seed {seed}");
    }
}

#[test]
fn a_subscriber_behind_a_nat_that_begins_anew_stays_one_row() {
    for seed in 0..20 {
        let mut network = FanoutNetwork::new(seed);
        network.weather = Some(Fault::Nat.weather());
        let sender = SocketAddr::from(([10, 0, 0, 1], 7000));
        let link = Path { copies: 0, line_loss: 50, report_loss: 50, ..lossy(0) };
        network.add_receiver(link, Some(sender));
        network.add_receiver(link, Some(sender));
        network.add_sender(plan(&[], Nanos::from_millis(10), true), 1_500);
        for pause in [4_000 + 50 * seed, 3_000] {
            network.run_on(network.now + Nanos::from_millis(pause));
            network.restart_nat(0);
        }
        network.run_until(network.now + Nanos::from_secs(60));
        let end = network.senders[0].end.as_ref().unwrap();
        let Heard { subscribed, moved, unsubscribed, .. } = &end.sink;
        assert_eq!((subscribed, moved, unsubscribed), (&2, &2, &0), "seed {seed}");
        let rows = &end.summary.sent.standing.receivers;
        assert_eq!(rows.len(), 2, "seed {seed}: {rows:#?}");
        let of_nat = rows.iter().find(|row| row.receiver.starts_with("203.0.113.1:")).unwrap();
        let came = network.receivers[0].came(0);
        let first = u64::from(*came.iter().min().unwrap());
        assert_eq!(of_nat.received, Some(came.len() as u64), "seed {seed}");
        let (lost, missing) = (of_nat.lost.unwrap(), 1_500 - first - came.len() as u64);
        assert!((missing..missing + 20).contains(&lost), "seed {seed}: {lost}, {missing}");
        // A sign of life a second tells of it, and the handshake takes a moment.
        assert!(lost < 2 * 250, "seed {seed}: {of_nat:#?}");
    }
}

#[test]
fn a_sender_that_is_killed_is_asked_again_until_another_takes_its_place() {
    for seed in 0..6 {
        let mut network = FanoutNetwork::new(seed);
        let sender = SocketAddr::from(([10, 0, 0, 1], 7000));
        network.add_receiver(Path { line_loss: 50, ..lossy(0) }, Some(sender));
        network.add_sender(plan(&[], Nanos::from_millis(10), true), 10_000);
        network.run_on(network.now + Nanos::from_secs(4));
        network.kill_sender();
        // One that takes no subscriptions, then one that does.
        network.run_on(network.now + Nanos::from_secs(5 + 20 * seed));
        let other = |number: u16, targets: &[SocketAddr], open| {
            let mut config = plan(targets, Nanos::from_millis(10), open);
            let run = Some(u64::from(number));
            config.ear = config.ear.map(|ear| FeedbackConfig { run, ..ear });
            CastSenderConfig { tag: Some(number), ..config }
        };
        network.add_sender(other(8, &[network.receivers[0].addr], false), 300);
        network.run_on(network.now + Nanos::from_secs(2));
        network.kill_sender();
        network.add_sender(other(9, &[], true), 300);
        network.run_until(network.now + Nanos::from_secs(60));
        let end = network.senders[0].end.as_ref().unwrap();
        assert_eq!((end.sink.subscribed, end.sink.unsubscribed), (1, 0), "seed {seed}");
        let row = row(&network, 0, 0);
        assert_eq!(row.state, ReceiverState::Done, "seed {seed}: {row:#?}");
    }
}

#[test]
fn a_forged_refusal_drops_no_receiver_where_three_in_ten_of_all_are_lost() {
    for seed in 0..runs(50) {
        let mut network = FanoutNetwork::new(seed);
        let sender = SocketAddr::from(([10, 0, 0, 1], 7000));
        let link = Path { loss: 300, line_loss: 300, report_loss: 300, ..lossy(0) };
        network.add_receiver(link, Some(sender));
        network.add_receiver(link, Some(sender));
        network.add_sender(plan(&[], Nanos::from_millis(20), true), 500);
        network.run_on(network.now + Nanos::from_millis(4_000 + seed));
        network.refuse(0, 0);
        network.run_until(network.now + Nanos::from_secs(30));
        let end = network.senders[0].end.as_ref().unwrap();
        assert_eq!((end.sink.subscribed, end.sink.unsubscribed), (2, 0), "seed {seed}");
    }
}

#[test]
fn a_sender_that_does_not_answer_is_a_failure() {
    let mut network = FanoutNetwork::new(2);
    let sender = SocketAddr::from(([10, 0, 0, 1], 7000));
    network.add_receiver(Path { report_loss: 1_000, ..Path::default() }, Some(sender));
    network.add_sender(plan(&[], EVERY, true), 10);
    network.run_on(network.now + Nanos::from_secs(6));
    let end = network.receivers[0].end.as_ref().unwrap();
    let sender = "10.0.0.1:7000".parse().unwrap();
    assert_eq!(end.failed, Some(SubscribeError::NoReply { sender }));
}

/// A thousand receivers that get the same announcements: reports per second at the sender.
fn reports_of_a_thousand(bits_per_second: u64, seconds: u64) -> Vec<u64> {
    let mut census = ReceiverTable::new(1);
    let mut receivers: Vec<Feedback> = (0..1_000).map(Feedback::new).collect();
    let mut out = TxBatch::new(64, 1 << 16);
    let mut per_second = vec![0; seconds as usize];
    let group = group();
    for millis in (0..seconds * 1_000).step_by(10) {
        let mono = Nanos::from_secs(50) + Nanos::from_millis(millis);
        let now = Now { mono, real: mono };
        if millis % 1_000 == 0 {
            let every = census.pace(mono, bits_per_second);
            let line = Announcement {
                run: 1,
                tag: 7,
                at: now.real,
                receivers: census.len() as u64,
                every,
                within: census.within(),
                sent: millis,
                ..Announcement::default()
            };
            let source = "10.0.0.1:7000".parse().unwrap();
            let meta = RxMeta { source, arrival: now.real, ..RxEntry::default().meta };
            let key = SourceKey { source, group, interface: 1, tag: Some(7), beside: false };
            for receiver in &mut receivers {
                let place = Place { meta: &meta, listens: 0, answers: 0 };
                receiver.announced(now, key, place, (&line, LINE_LEN));
            }
        }
        for (index, receiver) in receivers.iter_mut().enumerate() {
            if receiver.next_due().is_none_or(|due| due > mono) {
                continue;
            }
            out.reset();
            let (names, host) = (Names::default(), HostMeter::default());
            let drops = [SocketDrops::of_up_to(1)];
            let known = Reported { rows: &[], names: &names, drops: &drops, host: &host };
            receiver.poll(now, &known, &mut out);
            for slot in out.slots() {
                per_second[(millis / 1_000) as usize] += 1;
                let command = Command::decode(out.payload(slot)).unwrap();
                let report = ReceiverReport::read(&command).unwrap();
                let port = 1_000 + index as u16;
                let source = SocketAddr::from(([10, 0, 1, 1], port));
                let known = KnownFanout { numbered: millis, length: mono };
                let meta = RxMeta { source, arrival: now.real, ..RxEntry::default().meta };
                assert!(census.take(now, &meta, &report, &known));
            }
        }
    }
    assert_eq!(census.len(), 1_000);
    per_second
}

#[test]
fn a_thousand_receivers_keep_to_a_share_of_the_stream() {
    // A slow stream: 256 kbit/s of reports are 60 a second. All of them arrive.
    let slow = reports_of_a_thousand(1_000_000, 60);
    let settled: u64 = slow[20..].iter().sum::<u64>() / 40;
    assert!((30..=75).contains(&settled), "{slow:?}");
    // A fast one: one report per receiver every second is enough.
    let fast = reports_of_a_thousand(1_000_000_000, 20);
    let settled: u64 = fast[10..].iter().sum::<u64>() / 10;
    assert!((600..=1_500).contains(&settled), "{fast:?}");
}

#[test]
fn a_receiver_costs_its_sender_less_than_a_kibibyte() {
    const COUNT: usize = 1_000;
    let targets: Vec<SocketAddr> = (0..COUNT)
        .map(|index| SocketAddr::from(([10, 1, (index / 250) as u8, (index % 250) as u8], 5000)))
        .collect();
    let report = ReceiverReport {
        run: 0xC0_FFEE,
        by: "a-long-name-eth".to_owned(),
        to: Some(group()),
        host: Some(HostCounts {
            listed: 39,
            counts: (0..12).map(|place| (place, Some(1 << 40))).collect(),
        }),
        ..ReceiverReport::default()
    };
    // Whatever one receiver has that the others do not.
    let held = |count: usize| {
        let mut kept = None;
        let measured = allocation_counter::measure(|| {
            let mut batch = TxBatch::new(1, 1);
            let config = plan(&targets[..count], EVERY, false);
            let messages = crate::session::FixedMessages::new(Vec::new(), None);
            let mut sender = CastSender::new(config, messages, Heard::default(), &mut batch);
            for (index, source) in targets[..count].iter().enumerate() {
                let line = ReceiverReport { id: index as u32, ..report.clone() }.encode(600);
                let meta = RxMeta { source: *source, ..RxEntry::default().meta };
                let datagram = Datagram { payload: &line, true_len: line.len(), meta };
                crate::machine::Session::on_datagram(&mut sender, Now::default(), &datagram);
            }
            kept = Some((sender, batch));
        });
        drop(kept);
        measured.bytes_current
    };
    let each = (held(COUNT) - held(1)) / (COUNT as i64 - 1);
    assert!((200..1_024).contains(&each), "{each} bytes a receiver");
}

#[test]
fn what_finds_no_row_is_not_reported_as_lost() {
    let mut network = FanoutNetwork::new(1);
    network.add_receiver(Path::default(), None);
    for tag in 0..=ROWS_MAX as u16 + 1 {
        let mut config = plan(&[group()], EVERY, false);
        config.tag = Some(tag);
        config.ear.as_mut().unwrap().run = Some(u64::from(tag));
        network.add_sender(config, 1);
        // One at a time; in this environment their addresses differ only by their number.
        network.run_until(network.now + Nanos::from_millis(600));
        let rows = &network.senders.last().unwrap().end.as_ref().unwrap().summary.sent.standing;
        let lost: Vec<_> = rows.receivers.iter().map(|row| row.lost).collect();
        assert!(lost.is_empty() || lost == [Some(0)], "{tag}: {rows:#?}");
        let told = rows.receivers.iter().filter(|row| row.received == Some(1)).count();
        assert_eq!(told, usize::from(usize::from(tag) < ROWS_MAX), "{tag}: {rows:#?}");
        network.forget_senders();
    }
}

#[test]
fn numbers_of_any_size_in_any_line_end_nobody_and_a_lie_is_in_no_sum() {
    let mut named = 0;
    for seed in 0..runs(20) {
        let mut network = FanoutNetwork::new(seed);
        let extremes = [2, 20, 200][seed as usize % 3];
        for _ in 0..3 {
            network.add_receiver(Path { extremes, ..lossy(20) }, None);
        }
        network.add_sender(plan(&[group()], EVERY, seed % 2 == 0), 1_500);
        network.run_on(network.now + Nanos::from_secs(60));
        let end = network.senders[0].end.as_ref().expect("it has an end");
        let standing = &end.summary.sent.standing;
        for one in &standing.receivers {
            assert!(one.expected.is_none_or(|expected| expected <= 1_501), "seed {seed}: {one:?}");
            let figures = [one.received, one.lost, one.longest_burst, one.delay_max_ns];
            assert!(one.contradiction.is_none() || figures == [None; 4], "seed {seed}: {one:?}");
            named += u64::from(one.contradiction.is_some());
        }
        let compared = standing.common_loss.as_ref().map_or(0, |common| common.compared);
        assert!(compared <= 1_501, "seed {seed}: {standing:?}");
        // Its table is not computed from numbers that cannot be added.
        let held = standing.hold(&["loss>99%".parse().expect("a limit")]);
        assert_eq!(held.len(), 1);
    }
    assert!(named > 0, "no lie was seen");
}

pub const CAST: Machine = Machine {
    name: "cast, group",
    against: "one receiver that meets the fault and one that does not",
    seeds: 1,
    event_at: Nanos::from_millis(1_500),
    ends_within: Nanos::from_secs(60),
    // Neither lets a group through, to which nobody sends from inside.
    may_fail: |fault| {
        fault.may_fail_a_run() || matches!(fault, Fault::Nat | Fault::ForgetfulFirewall)
    },
    never: "says that the sound receiver lost anything, or the other more than it did",
    run: meet_fault_as_group,
};

fn meet_fault_as_group(trial: &mut Trial<'_>) {
    let mut network = FanoutNetwork::new(trial.seed);
    network.weather = Some(trial.weather());
    let begun = network.now;
    (0..2).for_each(|_| network.add_receiver(Path::default(), None));
    network.add_sender(plan(&[group()], Nanos::from_millis(2), false), 2_500);
    network.run_until(begun + trial.deadline());
    let end = network.senders[0].end.as_ref().expect("it ends in time");
    let standing = &end.summary.sent.standing;
    let sound = row(&network, 0, 1);
    // Nothing that is forged reaches the sound one.
    let is_whole =
        (sound.state, sound.lost, sound.received) == (ReceiverState::Done, Some(0), Some(2_500));
    assert!(is_whole, "{:?}: {sound:#?}", trial.fault);
    let name = network.receivers[0].addr.to_string();
    let met = standing.receivers.iter().find(|row| row.receiver == name);
    let (came, delivered) = (network.receivers[0].came(0), network.receivers[0].delivered(0));
    let lost = 2_500 - came.len().min(2_500) as u64;
    if let Some(met) = met {
        trial.at_most("received <= came", met.received.unwrap_or(0), delivered);
        trial.at_most("expected <= sent", met.expected.unwrap_or(0), 2_500);
        let is_done = met.state == ReceiverState::Done;
        trial.never(("lost", met.lost, lost), is_done && met.lost != Some(lost));
    }
    let states: Vec<_> =
        standing.receivers.iter().map(|row| (row.state, row.lost, row.received)).collect();
    let is_done = met.is_some_and(|met| met.state == ReceiverState::Done);
    let failure = (!is_done).then_some(&states as &dyn std::fmt::Debug);
    trial.conclude(network.senders[0].ended - begun, failure, &states, standing);
}

pub const SUBSCRIPTION: Machine = Machine {
    name: "cast, subscribers",
    run: meet_fault_as_subscriber,
    ends_within: Nanos::from_secs(120),
    may_fail: Fault::may_fail_a_run,
    never: "refuses a subscriber, or says that the sound one lost anything",
    ..CAST
};

fn meet_fault_as_subscriber(trial: &mut Trial<'_>) {
    let mut network = FanoutNetwork::new(trial.seed);
    network.weather = Some(trial.weather());
    let begun = network.now;
    let sender = SocketAddr::from(([10, 0, 0, 1], 7000));
    (0..2).for_each(|_| network.add_receiver(Path::default(), Some(sender)));
    network.add_sender(plan(&[], Nanos::from_millis(4), true), 2_000);
    network.run_until(begun + Nanos::from_secs(60));
    network.run_on(network.now + Nanos::from_secs(60));
    let end = network.senders[0].end.as_ref().expect("it ends in time");
    let ends: Vec<_> = network.receivers.iter().map(|one| one.end.as_ref()).collect();
    let failed: Vec<_> = ends.iter().map(|end| end.map(|end| &end.failed)).collect();
    let (subscribed, unsubscribed) = (end.sink.subscribed as u64, end.sink.unsubscribed as u64);
    trial.own_at_most("unsubscribed <= subscribed", unsubscribed, subscribed);
    assert_eq!(failed[1], Some(&None), "{:?}", trial.fault);
    assert_eq!(row(&network, 0, 1).lost, Some(0), "{:?}", trial.fault);
    let is_served = failed[0] == Some(&None);
    let failure = (!is_served).then_some(&failed as &dyn std::fmt::Debug);
    let verdict = (subscribed, unsubscribed);
    trial.conclude(network.senders[0].ended - begun, failure, &verdict, &failed);
}

#[test]
fn a_subscription_ends_with_its_sender_though_tags_and_end_marks_are_corrupted() {
    for seed in 0..runs(30) {
        let mut network = FanoutNetwork::new(seed);
        network.weather = Some(Fault::Corruption.weather());
        let sender = SocketAddr::from(([10, 0, 0, 1], 7000));
        network.add_receiver(Path::default(), Some(sender));
        network.add_sender(plan(&[], Nanos::from_millis(2), true), 2_000);
        network.run_until(network.now + Nanos::from_secs(60));
        network.run_on(network.now + Nanos::from_secs(60));
        assert!(network.receivers[0].end.is_some(), "seed {seed}: the receiver waits on");
    }
}
