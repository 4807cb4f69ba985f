//! A run of the dialogue and its streams, in each direction, under every fault of the matrix: it
//! ends, and its counts are the link's own.

use super::client_and_server::{ClientAndServer, Finished, plan};
use crate::netsim::{Direction as LinkDirection, Fault};
use crate::session::blast::{Direction, TestPlan};
use crate::units::{Nanos, PacketRate, Rate};

const DEADLINE: Nanos = Nanos::from_secs(200);

/// Numbered datagrams that were handed in, and those of which no copy was let through.
fn logged(link: &LinkDirection) -> (u64, u64) {
    let numbered = || link.passages.iter().filter(|passage| passage.sequence.is_some());
    let lost = numbered().filter(|passage| passage.copies == 0).count();
    (numbered().count() as u64, lost as u64)
}

/// What holds under every fault.
fn check_identities(finished: &Finished, what: &str) {
    let summary = &finished.summary;
    assert!(!summary.complete || summary.failure.is_none(), "{what}: {:?}", summary.failure);
    assert!(summary.complete || summary.failure.is_some(), "{what}: it does not say why");
    for near in &finished.near_received {
        let near = &near.received;
        let all = near.firsts + near.duplicates + near.too_late;
        assert_eq!(near.datagrams, all, "{what}");
    }
}

/// What holds where the fault is none of the dialogue's: the run succeeds, and loses what the link
/// lost.
fn check_success(
    ends: &mut ClientAndServer,
    finished: &Finished,
    direction: Direction,
    what: &str,
) {
    let summary = &finished.summary;
    assert_eq!(summary.failure, None, "{what}");
    assert!(summary.complete, "{what}");
    let link = ends.network.host(ends.client_host).link();
    let (out, back) = (logged(&link.out), logged(&link.back));
    if direction != Direction::Down {
        let received = summary.received.expect("a complete run has counts");
        assert_eq!((finished.sent, received.lost), out, "{what}");
        assert_eq!(received.firsts + received.lost, finished.sent, "{what}");
    }
    if direction != Direction::Up {
        let sent = summary.sent.as_ref().expect("a complete run has counts");
        let received = &finished.near_received[0].received;
        assert_eq!((sent.datagrams, received.lost), back, "{what}");
        assert_eq!(received.firsts + received.lost, sent.datagrams, "{what}");
    }
}

#[test]
fn a_run_ends_under_every_fault_and_counts_what_the_link_did() {
    let rate = Rate::Packets(PacketRate(500_000));
    for fault in Fault::ALL {
        for direction in [Direction::Up, Direction::Down, Direction::Both] {
            let plan = TestPlan { direction, rate, ..plan(Nanos::from_secs(2)) };
            let mut ends = ClientAndServer::under(7, plan, fault);
            let finished = ends.finish(DEADLINE);
            let what = format!("{fault:?} {direction:?}");
            check_identities(&finished, &what);
            if !fault.may_fail_a_run() {
                check_success(&mut ends, &finished, direction, &what);
            }
            let ended = match &finished.summary.failure {
                None => "complete".to_owned(),
                Some(failure) => format!("{failure:?}"),
            };
            let (direction, fault) = (format!("{direction:?}"), format!("{fault:?}"));
            println!("blast {direction:<4} {fault:<17} {ended}");
        }
    }
}
