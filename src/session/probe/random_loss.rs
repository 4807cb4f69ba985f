//! Verdicts on paths with random loss, duplication and refusals: no false findings, and real faults
//! are found.
//!
//! `UDPKIT_TEST_RUNS=1000 cargo test --lib random_loss` makes a thousand runs of each.

use super::marks::{MarksKind, MarksPlan};
use super::mtu::{MtuKind, MtuPlan, judge};
use super::shape::{ShapeKind, ShapePlan};
use super::simulated::{World, run, server};
use crate::batch::LocalCause;
use crate::netsim::{self, runs};
use crate::record::probe::{
    FragmentMtu, MarkChange, MarkRow, MarksCaveat, MarksReport, MarksVerdict, MtuCaveat, MtuLimit,
    MtuReport, MtuVerdict, Outcome, PathMtu, PayloadFinding, PayloadKind, PayloadRow, ProbeCaveat,
    ProbeTraffic, ShapeCaveat, ShapeReport, ShapeVerdict, SizeSet, TrainPurpose, Way,
};

/// Loss rates, and the directions in which they apply.
const SHARES: [f64; 6] = [0.0, 0.01, 0.05, 0.1, 0.3, 0.5];
const WAYS: [[f64; 2]; 3] = [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]];

/// Every loss rate, in both directions and in one at a time, with a seed.
fn losses() -> impl Iterator<Item = ([f64; 2], u64)> {
    let paths = SHARES.into_iter().flat_map(|share| WAYS.map(|way| way.map(|on| on * share)));
    paths.flat_map(|loss| (0..runs(1)).map(move |seed| (loss, seed)))
}

fn mtu(world: &World) -> MtuReport {
    let mut report = run(MtuKind::new(MtuPlan { target: server(), tries: 3 }), &[], world);
    report.findings = judge(&report);
    report
}

fn marks(world: &World) -> MarksReport {
    run(MarksKind::new(MarksPlan { target: server(), tries: 4 }), &[], world)
}

fn shape(world: &World) -> ShapeReport {
    let plan = ShapePlan { target: server(), tries: 4, rate: 1_000, count: 1_000 };
    run(ShapeKind::new(plan), &[5_000, 5_001], world)
}

#[test]
fn no_size_is_called_too_large_because_it_was_lost_by_chance() {
    for (loss, seed) in losses() {
        let report = mtu(&World { loss, ..World::new(seed) });
        for way in [&report.out, &report.back] {
            let context = format!("{loss:?}, seed {seed}: {report:#?}");
            assert!(
                matches!(way.limit, Some(MtuLimit::Interface | MtuLimit::Unknown)),
                "{context}"
            );
            assert!(way.holes_bytes.is_empty(), "{context}");
            let blocked = way.fragments.iter().any(|row| row.outcome == Outcome::Blocked);
            assert!(!blocked, "{context}");
            if loss.iter().all(|share| *share <= 0.3) {
                assert_eq!(way.packet_bytes, Some(1_500), "{context}");
            }
        }
        let MtuVerdict::PathMtu { out, back, fragments_out, fragments_back } =
            &report.findings.verdict
        else {
            panic!("{:?}", report.findings.verdict)
        };
        assert!([out, back].iter().all(|way| is_no_fault(way)), "{:?}", report.findings.verdict);
        for fragments in [fragments_out, fragments_back] {
            let blocked = matches!(fragments, FragmentMtu::Blocked | FragmentMtu::PassUpTo { .. });
            assert!(!blocked, "{fragments:?}");
        }
    }
}

/// Whether a direction is limited only by the interfaces at its ends, or unknown.
fn is_no_fault(way: &PathMtu) -> bool {
    matches!(
        way,
        PathMtu::SenderInterface { .. } | PathMtu::LargerUnknown { .. } | PathMtu::Unknown { .. }
    )
}

#[test]
fn no_mark_is_called_lost_because_it_was_lost_by_chance() {
    for (loss, seed) in losses() {
        let report = marks(&World { loss, ..World::new(seed) });
        let lost = |row: &MarkRow| row.outcome == Outcome::Blocked;
        let context = format!("{loss:?}, seed {seed}: {:?}", report.findings);
        assert!(!report.out.iter().chain(&report.back).any(lost), "{context}");
        if loss.iter().all(|share| *share <= 0.1) {
            assert_eq!(report.findings.verdict, MarksVerdict::Unchanged, "{context}");
        }
    }
}

#[test]
fn no_payload_and_no_rate_is_called_limited_because_of_chance() {
    for (loss, seed) in losses() {
        let report = shape(&World { loss, ..World::new(seed) });
        let context = format!("{loss:?}, seed {seed}: {:?} {:?}", report.limit, report.findings);
        assert_eq!(report.limit, None, "{context}");
        let blocked = |row: &PayloadRow| row.outcome == Outcome::Blocked;
        let rows = report.payloads.iter().chain(&report.replies).chain(&report.further_ports);
        assert!(!rows.into_iter().any(blocked) && report.port == Outcome::Passes, "{context}");
        if loss.iter().all(|share| *share <= 0.1) {
            assert_eq!(report.findings.verdict, only(PayloadFinding::AllPass), "{context}");
        }
    }
}

/// A path with exactly this finding.
fn only(found: PayloadFinding) -> ShapeVerdict {
    ShapeVerdict::Compared { limit: None, payloads: vec![found] }
}

fn sip_blocked() -> ShapeVerdict {
    only(PayloadFinding::KindBlocked { kind: PayloadKind::Sip, sizes: None })
}

/// Loss rates at which faults must still be found, with a seed.
fn little_loss() -> impl Iterator<Item = (f64, u64)> {
    [0.0, 0.01, 0.05, 0.1].into_iter().flat_map(|share| (0..runs(1)).map(move |seed| (share, seed)))
}

#[test]
fn a_black_hole_is_found_through_loss() {
    for (share, seed) in little_loss() {
        let world =
            World { mtu: [1_280, 1_400], speaks: false, loss: [share; 2], ..World::new(seed) };
        let report = mtu(&world);
        let found = [&report.out, &report.back].map(|way| (way.packet_bytes, way.limit));
        let hole = Some(MtuLimit::BlackHole);
        assert_eq!(found, [(Some(1_280), hole), (Some(1_400), hole)], "{share}, seed {seed}");
        let world = World { fragments: false, loss: [share; 2], ..World::new(seed) };
        let verdict = mtu(&world).findings.verdict;
        let blocked = matches!(
            verdict,
            MtuVerdict::PathMtu {
                fragments_out: FragmentMtu::Blocked,
                fragments_back: FragmentMtu::Blocked,
                ..
            }
        );
        assert!(blocked, "{share}, seed {seed}: {verdict:?}");
    }
}

#[test]
fn what_is_cut_although_it_must_not_be_did_not_pass_in_one_piece() {
    for (share, seed) in little_loss() {
        let world = World { mtu: [1_300, 1_500], clears_df: true, ..World::new(seed) };
        let report = mtu(&World { loss: [share; 2], ..world });
        let out = (report.out.packet_bytes, report.out.limit, report.out.fragmented_into_bytes);
        assert_eq!(out, (Some(1_300), Some(MtuLimit::Fragmented), Some(1_300)), "{share}, {seed}");
        assert_eq!(report.back.limit, Some(MtuLimit::Interface), "{share}, {seed}");
    }
}

#[test]
fn the_interface_at_the_other_end_is_no_hole() {
    let world =
        World { mtu: [1_400; 2], speaks: false, interfaces: [1_500, 1_400], ..World::new(1) };
    let report = mtu(&world);
    assert_eq!(report.far_interface_mtu, Some(1_400));
    assert_eq!(report.out.limit, Some(MtuLimit::FarInterface));
    assert_eq!(report.back.limit, Some(MtuLimit::Interface));
}

#[test]
fn a_mark_that_is_dropped_or_bleached_is_found_through_loss() {
    for (share, seed) in little_loss() {
        let loss = [share; 2];
        let ef_is_dropped = |tos: u8| tos >> 2 == 46;
        let report = marks(&World { loss, stops_tos: ef_is_dropped, ..World::new(seed) });
        let dropped = MarkChange::Dropped { way: Way::Out, dscp: vec![46], ecn: Vec::new() };
        let verdict = MarksVerdict::Changed { changes: vec![dropped] };
        assert_eq!(report.findings.verdict, verdict, "{share}, seed {seed}");
        let tos: [fn(u8) -> u8; 2] = [|tos| tos & !3, |tos| tos];
        let report = marks(&World { loss, tos, ..World::new(seed) });
        let cleared = MarkChange::EcnCleared { way: Way::Out, sent: vec![2, 1, 3] };
        let verdict = MarksVerdict::Changed { changes: vec![cleared] };
        assert_eq!(report.findings.verdict, verdict, "{share}, seed {seed}");
    }
}

#[test]
fn a_quota_is_found_and_lets_nothing_more_through() {
    for (way, seed) in [(netsim::Way::Out, 1), (netsim::Way::Back, 2)] {
        let report = shape(&World { policer: Some((0, 300, way)), ..World::new(seed) });
        let limit = report.limit.unwrap_or_else(|| panic!("{way:?}: {:#?}", report.trains));
        assert_eq!(limit.datagrams_per_1000_s, 0, "{way:?}: {limit:?}");
        assert!(limit.burst_datagrams.abs_diff(300) < 10, "{way:?}: {limit:?}");
        assert!(report.trains.iter().any(|train| train.purpose == TrainPurpose::Again));
    }
}

#[test]
fn a_payload_that_is_dropped_and_a_policer_are_found_through_loss() {
    for (share, seed) in little_loss() {
        let loss = [share; 2];
        let stops = |payload: &[u8]| payload.starts_with(b"OPTIONS sip:");
        let report = shape(&World { loss, stops, ..World::new(seed) });
        assert_eq!(report.findings.verdict, sip_blocked(), "{share}, {seed}");
        let stops_back = |len: usize| len == 1_024;
        let report = shape(&World { loss, stops_back, ..World::new(seed) });
        let sizes = SizeSet::These { sizes_bytes: vec![1_024] };
        let blocked = only(PayloadFinding::RepliesBlocked { sizes });
        assert_eq!(report.findings.verdict, blocked, "{share}, {seed}");
        for (at, way) in [(netsim::Way::Out, Way::Out), (netsim::Way::Back, Way::Back)] {
            let policer = Some((300, 20, at));
            let report = shape(&World { loss, policer, ..World::new(seed) });
            let limit = report.limit.unwrap_or_else(|| panic!("{share}, {seed}: {report:#?}"));
            assert_eq!(limit.way, Some(way), "{share}, seed {seed}: {report:#?}");
            let rate = limit.datagrams_per_1000_s;
            // The policer's rate, reduced by the loss in both directions.
            let least = 300_000.0 * (1.0 - share).powi(2) * 0.9;
            let told = (least as u64..=345_000).contains(&rate);
            assert!(told, "{share}, seed {seed}: {rate}");
        }
    }
}

#[test]
fn copies_are_no_datagrams() {
    for copies in [[2, 1], [1, 2], [2, 2], [3, 1], [3, 3]] {
        for share in [0.0, 0.1] {
            let world = || World { copies, loss: [share; 2], ..World::new(7) };
            let policed = World { policer: Some((300, 20, netsim::Way::Out)), ..world() };
            let told = |traffic: &ProbeTraffic| {
                let (out, back) = (traffic.copies_out.unwrap_or(0), traffic.copies_back);
                assert_eq!([out > 0, back > 0], copies.map(|copies| copies > 1), "{copies:?}");
                assert!(traffic.control_back <= traffic.control_arrived.unwrap_or(0));
                assert!(traffic.control_arrived <= Some(traffic.control_sent), "{traffic:?}");
            };
            for report in [shape(&world()), shape(&policed)] {
                told(&report.traffic);
                for train in &report.trains {
                    assert!(train.arrived <= Some(train.sent), "{train:?}");
                    assert!(Some(train.back) <= train.arrived, "{train:?}");
                }
                let rows = report.payloads.iter().chain(&report.replies);
                for row in rows {
                    assert!(row.arrived <= Some(row.sent.max(row.arrived.unwrap_or(0))), "{row:?}");
                    assert!(row.back <= row.sent, "{row:?}");
                }
                let ways = report.limit.map(|limit| limit.way);
                assert!(matches!(ways, None | Some(Some(Way::Out))), "{copies:?}: {ways:?}");
            }
            let report = marks(&world());
            told(&report.traffic);
            let sane = |row: &MarkRow| row.arrived <= row.sent && row.outcome != Outcome::Blocked;
            assert!(report.out.iter().chain(&report.back).all(sane), "{report:#?}");
            let report = mtu(&world());
            told(&report.traffic);
            let mut rows = report.out.fragments.iter().chain(&report.back.fragments);
            assert!(rows.all(|row| row.arrived <= row.sent), "{report:#?}");
            let caveats = &report.findings.caveats;
            let is_copies = |caveat: &MtuCaveat| {
                matches!(caveat, MtuCaveat::Shared(ProbeCaveat::Duplicated { .. }))
            };
            assert!(caveats.iter().any(is_copies), "{caveats:?}");
        }
    }
}

#[test]
fn what_this_host_refuses_is_said_of_it_and_is_no_loss() {
    let world = || World { own_limit: Some((300, 20)), ..World::new(3) };
    let report = shape(&world());
    assert_eq!(report.limit, None, "{report:#?}");
    let search = &report.trains[0];
    assert_eq!((search.sent + search.refused_here, Some(search.sent)), (1_000, search.arrived));
    assert!(search.refused_here > 600, "{search:?}");
    let refused = search.refused_here;
    let is_told = |caveat: &ShapeCaveat| match caveat {
        ShapeCaveat::Shared(ProbeCaveat::RefusedHere { refused: told, refusals, .. }) => {
            *told >= refused
                && refusals.iter().all(|one| one.cause.cause == LocalCause::PacketFilter)
        }
        _ => false,
    };
    assert!(report.findings.caveats.iter().any(is_told), "{:?}", report.findings);

    let none = || World { own_limit: Some((0, 0)), ..World::new(3) };
    let found = marks(&none()).findings;
    assert_eq!(found.verdict, MarksVerdict::NothingSent);
    let refused =
        |one: &MarksCaveat| matches!(one, MarksCaveat::Shared(ProbeCaveat::RefusedHere { .. }));
    assert!(found.caveats.iter().any(refused), "{found:?}");
    let found = mtu(&none()).findings;
    let own = |verdict: &MtuVerdict| match verdict {
        MtuVerdict::Shared(caveat) => is_all_refused(caveat),
        _ => false,
    };
    assert!(own(&found.verdict) && found.caveats.is_empty(), "{found:?}");
    let found = shape(&none()).findings;
    let ShapeVerdict::Shared(refusal) = &found.verdict else { panic!("{found:?}") };
    assert!(is_all_refused(refusal), "{found:?}");
}

/// Whether this host's own packet filter dropped everything.
fn is_all_refused(caveat: &ProbeCaveat) -> bool {
    let ProbeCaveat::RefusedHere { refused, of, refusals } = caveat else { return false };
    *refused > 0
        && refused == of
        && refusals.iter().all(|one| one.cause.cause == LocalCause::PacketFilter)
}

#[test]
fn without_the_far_ends_counts_nobody_is_accused_and_faults_are_found_all_the_same() {
    for share in [0.0, 0.3] {
        let world = || World { tells: false, loss: [share; 2], ..World::new(5) };
        let report = mtu(&world());
        let limits = [report.out.limit, report.back.limit];
        let is_fair = |limit: &Option<MtuLimit>| {
            !matches!(limit, None | Some(MtuLimit::BlackHole | MtuLimit::Router))
        };
        assert!(limits.iter().all(is_fair), "{report:#?}");
        assert_eq!(report.traffic.control_arrived, None);
        let report = marks(&world());
        assert!(report.out.iter().all(|row| row.outcome != Outcome::Blocked), "{report:#?}");
        let report = shape(&world());
        assert_eq!((report.limit, report.port), (None, Outcome::Passes));
    }
    let stops = |payload: &[u8]| payload.starts_with(b"OPTIONS sip:");
    let report = shape(&World { tells: false, stops, ..World::new(5) });
    assert_eq!(report.findings.verdict, sip_blocked());
}

#[test]
fn a_path_that_is_silent_is_told_as_such_and_nothing_is_blocked() {
    let world = || World { loss: [1.0; 2], ..World::new(5) };
    let report = mtu(&world());
    let unknown = |way: &PathMtu| matches!(way, PathMtu::Unknown { .. });
    let MtuVerdict::PathMtu { out, back, .. } = &report.findings.verdict else {
        panic!("{:?}", report.findings)
    };
    assert!(unknown(out) && unknown(back), "{:?}", report.findings);
    assert_eq!(marks(&world()).findings.verdict, MarksVerdict::NothingAnswered);
    let report = shape(&world());
    assert_ne!(report.port, Outcome::Blocked, "{report:#?}");
    let ShapeVerdict::Compared { limit: None, payloads } = &report.findings.verdict else {
        panic!("{:?}", report.findings)
    };
    let unknown = |found: &PayloadFinding| matches!(found, PayloadFinding::Unknown { .. });
    assert!(payloads.iter().all(unknown), "{payloads:?}");
}
