//! Reports of a remote end about a run, as STAT lines and as numbers of any size: accepted ones
//! satisfy the accounting identities, and nothing computed from them overflows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::record::{BlastReceived, IntervalSums, KnownFanout, KnownRun, LossFacts, share_losses};
use udpkit::session::blast::{merge_received, read_counts, read_host, read_interval, read_sent};
use udpkit::stats::{ClockDrift, DelayAboveMin, GapLog, Jitter, SequenceTracker};
use udpkit::units::Nanos;
use udpkit::wire::{Command, ReceiverReport, Reply};

fuzz_target!(|data: &[u8]| {
    let Some((setup, rest)) = data.split_first_chunk::<4>() else { return };
    let known = KnownRun {
        least_payload: 16 + u64::from(setup[0]),
        payload: 16 + u64::from(setup[0]),
        streams: 1 + u64::from(setup[1] % 8),
        count: u64::from(setup[2]),
        length: Nanos::from_millis(u64::from(setup[3]) * 100),
        sent: (setup[2] & 1 == 1).then_some(u64::from(setup[3])),
    };
    status(rest, &known);
    if let Some(report) = Command::decode(rest).ok().as_ref().and_then(ReceiverReport::read) {
        let known = KnownFanout { numbered: u64::from(setup[3]), length: known.length };
        if known.check(&report).is_ok() {
            assert!(report.firsts + report.lost <= known.numbered);
            assert!(report.firsts + report.duplicates <= report.received);
        }
    }
    stamps(rest);
});

fn status(bytes: &[u8], known: &KnownRun) {
    let Ok(reply) = Reply::decode(bytes) else { return };
    let mut sums = IntervalSums::default();
    for (_, value) in reply.params.iter() {
        if let Some(Ok(interval)) = read_interval(value).map(|told| told.believe(known)) {
            assert_eq!(interval.bytes, interval.datagrams * known.payload);
            sums.add(&interval);
        }
    }
    let mut before: Option<BlastReceived> = None;
    for _ in 0..2 {
        let Some(Ok(told)) =
            read_counts(&reply.params).ok().map(|told| told.believe(known, before.as_ref()))
        else {
            break;
        };
        assert_eq!(told.datagrams, told.firsts + told.duplicates + told.too_late);
        assert_eq!(told.bytes, told.datagrams * known.payload);
        if let Some(sent) = known.sent {
            assert!(told.firsts + told.lost <= sent);
        }
        let whole = merge_received([(&told, None), (&told, None)]);
        assert_eq!(whole.datagrams, 2 * told.datagrams);
        let _ = sums.hold_against(&told, known.sent);
        before = Some(told);
    }
    if let Some(Ok(host)) = read_host(&reply.params).map(|told| told.believe(known)) {
        let facts =
            LossFacts { missing: 1_000, per_drop: 128, fragments: 3, ..LossFacts::default() };
        let shares = share_losses(&facts, Some(&host.counted), Some(&host.counted));
        let explained: u64 = shares.parts().map(|part| part.datagrams).sum();
        assert_eq!(explained + shares.path, facts.missing);
    }
    if let Ok(Some(told)) = read_sent(&reply.params)
        && let Ok(told) = told.believe(known)
    {
        assert_eq!(told.offered, told.never_sent() + told.datagrams);
    }
}

/// Arbitrary time stamps and numbers of a sender.
fn stamps(bytes: &[u8]) {
    let (mut drift, mut above, mut jitter) =
        (ClockDrift::new(), DelayAboveMin::new(), Jitter::new());
    let (mut log, mut tracker) = (GapLog::new(0), SequenceTracker::new());
    let mut now = Nanos::from_secs(9);
    for part in bytes.chunks_exact(12) {
        let Some((stamp, number)) = part.split_first_chunk::<8>() else { return };
        let transit = i64::from_be_bytes(*stamp);
        let number = u32::from_be_bytes([number[0], number[1], number[2], number[3]]);
        now += Nanos::from_millis(u64::from(number % 200));
        above.observe(drift.correct(now, transit), 1);
        jitter.observe(transit);
        tracker.observe(number);
        log.observe(log.extend(number));
        if number % 7 == 0 {
            log.set_mark(transit.unsigned_abs());
        }
    }
    tracker.finish(None);
    let _ = (above.percentiles(), drift.parts_per_billion(), jitter.nanos(), log.closed());
}
