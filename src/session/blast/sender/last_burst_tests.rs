//! The last burst before the end, for a loop that is woken a little late, or much.

use super::{BlastSender, SenderPlan};
use crate::batch::{SendOutcome, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::session::blast::TestPlan;
use crate::units::Nanos;
use crate::wire::Params;

/// Datagrams that were sent of 200,000 a second in a second, and those that were due and not, by a
/// loop that is woken this late.
fn sent_by_a_loop_late_by(late: Nanos) -> (u64, u64) {
    let given = TestPlan::read(&Params::default()).unwrap();
    let rate = "200kpps".parse().unwrap();
    let test = TestPlan { rate, payload: 64, time: Nanos::from_secs(1), count: 0, ..given };
    let mut sender = BlastSender::new(SenderPlan::new(test, 0, 7), None, ());
    let mut batch = TxBatch::new(64, 64 * 64);
    let mut mono = Nanos::from_secs(1);
    loop {
        let now = Now { mono, real: mono };
        let next = sender.poll_transmit(now, &mut batch);
        if !batch.is_empty() {
            let outcome = SendOutcome { accepted: batch.len(), stop: None };
            sender.on_sent(now, &batch, &outcome);
            batch.clear();
        }
        match next {
            Next::Done => break,
            Next::WaitUntil(at) => mono = mono.max(at + late),
            Next::Send | Next::Idle => {}
        }
    }
    let sent = sender.finish(Now { mono, real: mono }).sent;
    (sent.datagrams, sent.offered - sent.datagrams)
}

#[test]
fn what_a_timer_is_late_by_leaves_nothing_out() {
    for micros in [0, 1, 20, 60, 99] {
        assert_eq!(sent_by_a_loop_late_by(Nanos::from_micros(micros)), (200_000, 0), "{micros}");
    }
}

#[test]
fn what_a_host_could_not_send_in_time_is_told() {
    let (sent, unsent) = sent_by_a_loop_late_by(Nanos::from_millis(3));
    assert!(unsent >= 20, "{sent} {unsent}");
    assert_eq!(sent + unsent, 200_000);
}
