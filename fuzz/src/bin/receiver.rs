//! A stream's receiver under any sequence of buffers, drops and times: its sums always hold, and
//! datagrams that do not belong to the run count as stray or corrupt, never as received.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use udpkit::batch::{RxEntry, RxMeta, TxBatch};
use udpkit::machine::{Now, Session};
use udpkit::pace::AdjustmentType;
use udpkit::record::{Flow, Sink};
use udpkit::session::blast::{BlastReceiver, ReceiverEvent, ReceiverPlan};
use udpkit::units::Nanos;
use udpkit::wire::{Header, Kind, encode_end, pattern};

const TAG: u16 = 0xBEEF;

/// Datagrams in the reported intervals, and number of intervals.
#[derive(Clone, Default)]
struct Told(Rc<RefCell<(u64, u64)>>);

impl Sink<ReceiverEvent> for Told {
    fn take(&mut self, event: ReceiverEvent) -> Flow {
        match event {
            ReceiverEvent::Interval(interval) => {
                let mut told = self.0.borrow_mut();
                told.0 += interval.datagrams;
                told.1 += 1;
            }
            // Only streams that were greeted or that move say so.
            ReceiverEvent::Answered { .. }
            | ReceiverEvent::Settled { .. }
            | ReceiverEvent::Moved
            | ReceiverEvent::LostInMove(_) => {}
            ReceiverEvent::Progress(counts) => {
                assert_eq!(counts.datagrams, counts.firsts + counts.duplicates + counts.too_late);
            }
        }
        Flow::Continue
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((setup, mut rest)) = data.split_first_chunk::<2>() else { return };
    let payload = 16 + usize::from(setup[0] % 24);
    let plan = ReceiverPlan {
        outage: udpkit::stats::OutageLength::default(),
        sizes: None,
        format: udpkit::session::blast::DataFormat::Udpkit,
        omit: Nanos::ZERO,
        tag: TAG,
        payload,
        window: 1 << (6 + setup[1] % 12),
        verify: setup[1] & 1 == 1,
        interval: Nanos::from_millis(20 + 10 * u64::from(setup[1])),
        per_drop: if setup[1] & 2 == 2 { ReceiverPlan::COALESCED } else { 1 },
        patience: Nanos::from_secs(15),
        time: if setup[1] & 8 == 8 { Nanos::from_secs(1) } else { Nanos::ZERO },
        go_ahead: if setup[1] & 4 == 4 { b"a 354 go ahead".to_vec() } else { Vec::new() },
        keepalive: if setup[1] & 16 == 16 { Nanos::from_secs(2) } else { Nanos::ZERO },
        capacity: (setup[1] & 32 == 32).then_some(AdjustmentType::B),
        keeps_course: true,
    };
    let told = Told::default();
    let orders: VecDeque<_> = VecDeque::new();
    let mut receiver = BlastReceiver::new(plan, None, orders, told.clone());
    let mut out = TxBatch::new(8, 8 * 1_200);
    let mut now = Now { mono: Nanos::from_secs(1000), real: Nanos::from_secs(5_000_000) };
    let (mut regular, mut next, mut drops) = (0_u64, 0_u32, 0_u32);
    for _ in 0..200 {
        let Some(([what, a, b, c], behind)) = rest.split_first_chunk::<4>() else { break };
        rest = behind;
        let number = u32::from_le_bytes([*a, *b, *c, 0]);
        let mut meta = RxMeta { arrival: now.real, ..RxEntry::default().meta };
        match what % 10 {
            // A run in one buffer, as GRO delivers it.
            0..=2 => {
                let count = usize::from(*a % 50) + 1;
                let mut bytes = Vec::new();
                for _ in 0..count {
                    bytes.extend_from_slice(&data_of(next, payload, now));
                    next = next.wrapping_add(1);
                }
                regular += count as u64;
                receiver.on_buffer(now, &entry(&bytes, payload, meta), &bytes);
            }
            // Any number: earlier, repeated, far ahead.
            3 => {
                let bytes = data_of(number.wrapping_sub(1 << 23).wrapping_add(next), payload, now);
                regular += 1;
                receiver.on_buffer(now, &entry(&bytes, 0, meta), &bytes);
            }
            4 => next = next.wrapping_add(u32::from(*a)),
            5 => {
                now.mono += Nanos::from_micros(u64::from(number));
                now.real = Nanos(now.real.0.wrapping_add_signed(i64::from(*c as i8) << 40));
            }
            6 => {
                drops = drops.wrapping_add(number);
                meta.socket_drops = Some(drops);
                let bytes = data_of(next, payload, now);
                next = next.wrapping_add(1);
                regular += 1;
                receiver.on_buffer(now, &entry(&bytes, 0, meta), &bytes);
            }
            7 if *c & 1 == 1 => receiver.on_pause(now, Nanos::from_micros(u64::from(number))),
            7 => receiver.on_tick(now),
            8 => {
                let mut bytes = [0; 24];
                let header = Header { kind: Kind::End, tag: TAG, sequence: 0, sent: now.real };
                encode_end(&header, u64::from(number) << (*a % 40), &mut bytes);
                if payload != bytes.len() || *c != 0 {
                    receiver.on_buffer(now, &entry(&bytes, 0, meta), &bytes);
                }
            }
            // Raw bytes with any stride.
            _ => {
                let len = usize::from(*a).min(rest.len());
                let (bytes, behind) = rest.split_at(len);
                rest = behind;
                let stride = usize::from(*b % 64).min(len);
                let is_data = |part: &[u8]| {
                    part.len() == payload
                        && Header::decode(part)
                            .is_ok_and(|header| header.kind == Kind::Data && header.tag == TAG)
                };
                // Random input that happens to be valid data is too unlikely to consider.
                let stride_or_all = if stride == 0 { len.max(1) } else { stride };
                if !bytes.chunks(stride_or_all).any(is_data) {
                    receiver.on_buffer(now, &entry(bytes, stride, meta), bytes);
                }
            }
        }
        receiver.poll_transmit(now, &mut out);
        out.clear();
    }
    let received = receiver.finish(now).received;
    assert_eq!(received.datagrams, received.firsts + received.duplicates + received.too_late);
    assert_eq!(received.datagrams, regular, "only the run's own datagrams are counted");
    assert_eq!(received.bytes, regular * payload as u64);
    assert!(received.socket_drops <= received.lost + received.too_late + received.reordered);
    if let Some(total) = received.sender_total {
        assert!(received.firsts + received.lost >= total);
    }
    let (seen, _) = *told.0.borrow();
    assert_eq!(seen, received.datagrams, "the stretches add up to the whole");
});

fn data_of(sequence: u32, payload: usize, now: Now) -> Vec<u8> {
    let mut bytes = vec![0; payload];
    pattern::fill(Header::LEN, &mut bytes[Header::LEN..]);
    Header { kind: Kind::Data, tag: TAG, sequence, sent: now.real }.encode(&mut bytes);
    bytes
}

fn entry(bytes: &[u8], stride: usize, meta: RxMeta) -> RxEntry {
    RxEntry { len: bytes.len(), true_len: bytes.len(), stride, meta }
}
