//! Attribution of losses among several receivers: none for chance, the right receiver otherwise.

use super::receiver_table::ReceiverTable;
use super::sender_losses::{SendCounts, SenderLosses};
use crate::batch::{RxEntry, RxMeta};
use crate::machine::Now;
use crate::record::{CommonLoss, FanoutStanding, KnownFanout, LossOrigin};
use crate::session::HostMeter;
use crate::units::Nanos;
use crate::wire::{MarkReport, ReceiverReport};

const NUMBERS: u64 = 600;

/// The state of a run of which the sender knows nothing of its own.
fn standing_of(census: &mut ReceiverTable) -> FanoutStanding {
    let host = HostMeter::default();
    let sent = SendCounts::default();
    let losses = SenderLosses { targets: &[], tallies: &[], sent: &sent, host: &host };
    census.standing(Nanos::ZERO, &[], &losses)
}

/// The sender's conclusion for receivers that lost these numbers.
fn judged(losses: &[Vec<u64>]) -> CommonLoss {
    let (now, mut census) = (Now::default(), ReceiverTable::new(7));
    let known = KnownFanout { numbered: NUMBERS, ..KnownFanout::default() };
    census.begin_interval(0, NUMBERS);
    for (index, lost) in losses.iter().enumerate() {
        let source = format!("10.0.0.{}:5000", index + 1).parse().unwrap();
        let meta = RxMeta { source, ..RxEntry::default().meta };
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        for number in lost {
            match gaps.last_mut() {
                Some(gap) if gap.1 + 1 == *number => gap.1 = *number,
                _ => gaps.push((*number, *number)),
            }
        }
        let firsts = NUMBERS - lost.len() as u64;
        let report = ReceiverReport {
            run: 7,
            id: index as u32,
            received: firsts,
            firsts,
            lost: lost.len() as u64,
            mark: Some(MarkReport { from: 0, upto: NUMBERS, gaps, transit: None }),
            ..ReceiverReport::default()
        };
        assert!(census.take(now, &meta, &report, &known));
    }
    let standing = standing_of(&mut census);
    standing.common_loss.expect("several receivers")
}

fn drawn(random: &mut fastrand::Rng, share: f64) -> Vec<u64> {
    (0..NUMBERS).filter(|_| random.f64() < share).collect()
}

#[test]
fn losses_that_chance_shares_out_are_laid_to_nobody() {
    for share in [0.0, 0.01, 0.05, 0.1, 0.3, 0.5] {
        let mut random = fastrand::Rng::with_seed(15);
        for run in 0..150 {
            let receivers = 2 + run % 3;
            let losses: Vec<_> = (0..receivers).map(|_| drawn(&mut random, share)).collect();
            let found = judged(&losses);
            let blamed = matches!(
                found.origin,
                Some(LossOrigin::NearSender | LossOrigin::NearOneReceiver { .. })
            );
            assert!(!blamed, "share {share}, run {run}: {found:?}");
        }
    }
    // One lost datagram at one receiver is no evidence of a problem near it.
    assert_eq!(judged(&[vec![7], Vec::new()]).origin, Some(LossOrigin::Undetermined));
    assert_eq!(judged(&[vec![7], vec![7]]).origin, Some(LossOrigin::Undetermined));
    assert_eq!(judged(&[Vec::new(), Vec::new()]).origin, None);
}

#[test]
fn what_all_lost_and_what_one_lost_are_found_beside_the_losses_of_chance() {
    for share in [0.0, 0.01, 0.05] {
        let mut random = fastrand::Rng::with_seed(15);
        for run in 0..50 {
            let common = drawn(&mut random, 0.1);
            let mut with_common = |_| {
                let mut own = drawn(&mut random, share);
                own.extend(&common);
                own.sort_unstable();
                own.dedup();
                own
            };
            let losses: Vec<_> = (0..3).map(&mut with_common).collect();
            let found = judged(&losses);
            assert_eq!(found.origin, Some(LossOrigin::NearSender), "share {share}, run {run}");
            let mut losses: Vec<_> = (0..3).map(|_| drawn(&mut random, share)).collect();
            losses[1] = drawn(&mut random, 0.5);
            let found = judged(&losses);
            let receiver = "10.0.0.2:5000".to_owned();
            let expected = Some(LossOrigin::NearOneReceiver { receiver });
            assert_eq!(found.origin, expected, "share {share}, run {run}");
        }
    }
}
