//! The receiver alone, with datagrams that no sender would produce within the length of a test.

use super::Mailbox;
use super::stream::{PAYLOAD, TAG};
use crate::batch::{InterfaceChange, RxEntry, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::record::{ChangedContent, RunFailure};
use crate::session::blast::{
    BlastReceiver, DataFormat, Opening, ReceiverEvent, ReceiverOrder, ReceiverPlan,
};
use crate::stats::{OutageLength, WINDOW};
use crate::units::Nanos;
use crate::wire::{END_LEN, Header, Kind, encode_end, pattern};

fn crafted(kind: Kind, number: u64) -> Vec<u8> {
    let header = Header { kind, tag: TAG, sequence: number as u32, sent: Nanos(9) };
    let mut bytes = vec![0; if kind == Kind::End { END_LEN } else { PAYLOAD }];
    if kind == Kind::End {
        encode_end(&header, number, &mut bytes);
    } else {
        header.encode(&mut bytes);
        pattern::fill(Header::LEN, &mut bytes[Header::LEN..]);
    }
    bytes
}

fn feed(receiver: &mut impl Session, mono: u64, bytes: &[u8]) {
    let entry = RxEntry { len: bytes.len(), true_len: bytes.len(), ..RxEntry::default() };
    Session::on_buffer(receiver, Now { mono: Nanos(mono), real: Nanos(mono) }, &entry, bytes);
}

fn bare_receiver() -> BlastReceiver<Mailbox<ReceiverOrder>, Vec<ReceiverEvent>> {
    receiver_that_answers(b"")
}

fn receiver_that_answers(
    go_ahead: &[u8],
) -> BlastReceiver<Mailbox<ReceiverOrder>, Vec<ReceiverEvent>> {
    receiver(None, go_ahead)
}

fn receiver(
    opening: Option<Opening>,
    go_ahead: &[u8],
) -> BlastReceiver<Mailbox<ReceiverOrder>, Vec<ReceiverEvent>> {
    BlastReceiver::new(plan(go_ahead), opening.map(Into::into), Mailbox::new(), Vec::new())
}

fn plan(go_ahead: &[u8]) -> ReceiverPlan {
    let interval = Nanos::from_secs(1);
    ReceiverPlan {
        outage: OutageLength::default(),
        sizes: None,
        format: DataFormat::Udpkit,
        omit: Nanos::ZERO,
        tag: TAG,
        payload: PAYLOAD,
        window: WINDOW,
        verify: false,
        interval,
        patience: interval,
        time: Nanos::ZERO,
        per_drop: ReceiverPlan::COALESCED,
        go_ahead: go_ahead.to_vec(),
        keepalive: Nanos::ZERO,
        capacity: None,
        keeps_course: false,
    }
}

#[test]
fn numbers_that_wrap_at_two_to_the_32_are_one_stream() {
    let mut receiver = bare_receiver();
    let near = (1u64 << 32) - 50;
    // Each step is below half of the number space, so that it counts as forward (RFC 1982).
    let numbers = [0, 1_500_000_000, 3_000_000_000].into_iter().chain(near..near + 100);
    for (index, number) in numbers.enumerate() {
        feed(&mut receiver, index as u64, &crafted(Kind::Data, number));
    }
    feed(&mut receiver, 200, &crafted(Kind::Data, near));
    feed(&mut receiver, 201, &crafted(Kind::End, near + 110));
    let ended = receiver.finish(Now::default()).received;
    assert_eq!((ended.firsts, ended.duplicates), (103, 1));
    assert_eq!(ended.lost, near + 110 - 103);
}

#[test]
fn drops_after_the_last_datagram_explain_a_lost_tail() {
    let mut receiver = bare_receiver();
    (0..10).for_each(|number| feed(&mut receiver, number, &crafted(Kind::Data, number)));
    Session::on_socket_drops(&mut receiver, 0, 4);
    feed(&mut receiver, 20, &crafted(Kind::End, 14));
    let ended = receiver.finish(Now::default()).received;
    assert_eq!((ended.lost, ended.socket_drops), (4, 4));
}

#[test]
fn what_is_almost_the_runs_own_is_told_apart_and_changes_no_count() {
    let mut receiver = receiver_that_answers(b"a7 354 go ahead\r\n");
    (0..3).for_each(|number| feed(&mut receiver, number, &crafted(Kind::Data, number)));
    // A truncated end message, and a datagram of the run with nothing but a header: corrupt.
    feed(&mut receiver, 4, &crafted(Kind::End, 9)[..END_LEN - 1]);
    feed(&mut receiver, 5, &crafted(Kind::Data, 7)[..Header::LEN + 7]);
    // Another stream's DATA is a stray, this stream's own is answered.
    feed(&mut receiver, 6, b"a DATA session=1");
    feed(&mut receiver, 7, b"a77 DATA session=1");
    let mut out = TxBatch::new(4, 4_000);
    receiver.poll_transmit(Now::default(), &mut out);
    assert_eq!(out.len(), 0);
    feed(&mut receiver, 8, b"a7 DATA session=1");
    receiver.poll_transmit(Now::default(), &mut out);
    assert_eq!(out.len(), 1);
    let ended = receiver.finish(Now::default()).received;
    assert_eq!((ended.firsts, ended.lost, ended.sender_total), (3, 0, None));
    assert_eq!((ended.corrupt, ended.strays), (2, 2));
}

#[test]
fn a_cut_datagram_is_neither_lost_nor_received() {
    let mut receiver = bare_receiver();
    (0..3).for_each(|number| feed(&mut receiver, number, &crafted(Kind::Data, number)));
    feed(&mut receiver, 3, &crafted(Kind::Data, 3)[..PAYLOAD - 1]);
    feed(&mut receiver, 4, &crafted(Kind::Data, 4)[..40]);
    // Longer than it was sent.
    let longer = [crafted(Kind::Data, 5), Vec::new()].concat();
    let mut longer: Vec<u8> = longer.into_iter().chain([0; 9]).collect();
    pattern::fill(Header::LEN, &mut longer[Header::LEN..]);
    feed(&mut receiver, 5, &longer);
    // Copies of what is known, cut: these are nothing new.
    feed(&mut receiver, 6, &crafted(Kind::Data, 1)[..40]);
    feed(&mut receiver, 7, &crafted(Kind::Data, 4)[..40]);
    // Only the header is right.
    let mut forged = crafted(Kind::Data, 9)[..40].to_vec();
    forged[30] ^= 1;
    feed(&mut receiver, 8, &forged);
    feed(&mut receiver, 9, &crafted(Kind::End, 7));
    let ended = receiver.finish(Now::default()).received;
    let ChangedContent { cut, cut_to_bytes, altered } = ended.changed;
    assert_eq!((cut, cut_to_bytes, altered), (2, PAYLOAD as u64 - 1, 1));
    assert_eq!((ended.datagrams, ended.firsts, ended.lost, ended.corrupt), (3, 3, 1, 3));
    assert_eq!((ended.span_ns, ended.silence_ns), (5, 1));
}

#[test]
fn a_sender_that_goes_on_beyond_its_time_is_given_up_and_nothing_is_called_lost() {
    let tenth = 100_000_000;
    for (paused, ends) in [(0, 20..=21), (40, 60..=61)] {
        let plan = ReceiverPlan { time: Nanos::from_secs(1), ..plan(b"") };
        let (over_ns, time_ns) = (plan.patience.0, plan.time.0);
        let mut receiver = BlastReceiver::new(plan, None, Mailbox::new(), Vec::new());
        let end = (0..1_000).find(|number| {
            let now = Now { mono: Nanos(number * tenth), real: Nanos(number * tenth) };
            if *number == 5 {
                Session::on_pause(&mut receiver, now, Nanos(paused * tenth));
            }
            feed(&mut receiver, number * tenth, &crafted(Kind::Data, *number));
            receiver.poll_transmit(now, &mut TxBatch::new(4, 4_000)) == Next::Done
        });
        assert!(end.is_some_and(|end| ends.contains(&end)), "{end:?}");
        let ended = receiver.finish(Now::default());
        assert_eq!((ended.received.lost, ended.received.sender_total), (0, None));
        assert_eq!(ended.broken, Some(RunFailure::StillSending { over_ns, time_ns }));
    }
}

#[test]
fn a_datagram_counts_from_its_stamp_and_a_clock_that_is_set_is_no_pause() {
    let mut receiver = bare_receiver();
    let second = 1_000_000_000;
    let mut at = |mono: u64, real: u64, arrival: u64, number| {
        let mut entry = RxEntry { len: PAYLOAD, true_len: PAYLOAD, ..RxEntry::default() };
        (entry.meta.arrival, entry.meta.kernel_stamp) = (Nanos(arrival), true);
        let now = Now { mono: Nanos(mono), real: Nanos(real) };
        Session::on_buffer(&mut receiver, now, &entry, &crafted(Kind::Data, number));
    };
    at(10 * second, 20 * second, 20 * second, 0);
    // Three that arrived half a second apart, read together.
    (1..=3)
        .for_each(|number| at(12 * second, 22 * second, 20 * second + number * second / 2, number));
    // The clock is set forward by a minute.
    at(12 * second + 9, 82 * second + 9, 22 * second, 4);
    let ended = receiver.finish(Now::default()).received;
    assert_eq!((ended.silence_ns, ended.span_ns), (second / 2 + 9, 2 * second + 9));
    assert_eq!(ended.reader_pause_ns, Some(3 * second / 2));
}

#[test]
fn a_second_reply_to_the_streams_own_opening_is_no_stray() {
    let opening = Opening::new("ab".to_owned(), 3, Nanos::from_secs(1));
    let mut receiver = receiver(Some(opening), b"");
    (0..3).for_each(|number| feed(&mut receiver, number, &crafted(Kind::Data, number)));
    // The first datagram of the run also admitted the stream: the dialogue is over.
    receiver.poll_transmit(Now::default(), &mut TxBatch::new(4, 4_000));
    feed(&mut receiver, 4, b"s3x2 354 go ahead\r\n");
    feed(&mut receiver, 5, b"s4x2 354 go ahead\r\n");
    assert_eq!(receiver.finish(Now::default()).received.strays, 1);
}

#[test]
fn a_hello_that_was_repeated_before_its_reply_came_is_no_stray() {
    let mut receiver = receiver(None, b"s3x2 354 go ahead\r\n");
    feed(&mut receiver, 0, b"s3x1 HELO pad=xx\r\n");
    feed(&mut receiver, 1, &crafted(Kind::Data, 0));
    feed(&mut receiver, 2, b"s3x9 NOOP\r\n");
    assert_eq!(receiver.finish(Now::default()).received.strays, 1);
}

#[test]
fn what_a_move_at_the_end_lost_is_told_where_the_total_is_known_and_else_unknown() {
    for (total, told) in [(Some(10), Some(8)), (None, None)] {
        let (orders, events) = (Mailbox::new(), Mailbox::new());
        let mut receiver = BlastReceiver::new(plan(b""), None, orders.clone(), events.clone());
        for number in [0, 1] {
            feed(&mut receiver, 10 + number, &crafted(Kind::Data, number));
        }
        let [from, to] = ["192.0.2.1:4000", "192.0.2.9:4000"]
            .map(|at| at.parse::<std::net::SocketAddr>().unwrap().into());
        let now = Now { mono: Nanos(20), real: Nanos(20) };
        receiver.on_interface_change(now, &InterfaceChange::AddressChanged { from, to });
        if let Some(total) = total {
            orders.push(ReceiverOrder::Total(total));
            receiver.poll_transmit(now, &mut TxBatch::new(4, 4_000));
        }
        receiver.finish(Now { mono: Nanos(30), real: Nanos(30) });
        let lost = events.drain().into_iter().find_map(|event| match event {
            ReceiverEvent::LostInMove(lost) => Some(lost),
            _ => None,
        });
        assert_eq!(lost, told, "{total:?}");
    }
}
