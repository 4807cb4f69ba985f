//! Explains the silence of ports: a filter of that port, a limit on flows or on the rate, or
//! chance. Ports are tested in random order, and silent ones again, spaced out and alongside what
//! passes, so that each cause becomes visible.

use crate::record::probe::{Inconclusive, PortPath, PortRow, PortsBeside};
use crate::stats::{LossSample, is_beyond_chance};
use std::collections::BTreeSet;

/// Control results alongside the ports, and the order of the ports.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    /// Datagrams to the remote agent's own port on the way out, and its replies on the way back,
    /// from the socket that tests the ports.
    pub out: LossSample,
    pub back: LossSample,
    /// The same port from a new socket: another flow to what passes.
    pub fresh: LossSample,
    /// Ports in the order of the first pass.
    pub order: Vec<u16>,
    /// Tries per port in the first pass.
    pub tries: u32,
    /// Ports that were silent in the first pass.
    pub silent_first: BTreeSet<u16>,
}

/// Whether nothing explains why a port is silent.
fn is_silent(row: &PortRow) -> bool {
    matches!(row.path, PortPath::FilteredOut | PortPath::FilteredBack)
}

/// Calls ports filtered only if nothing else explains their silence; returns what else was found.
pub(super) fn settle(rows: &mut [PortRow], beside: &Beside) -> PortsBeside {
    let flows = rows.iter().any(is_silent) && limits_flows(rows, beside);
    let (mut out, mut back) = (beside.out, beside.back);
    let recovers =
        |row: &PortRow| row.path == PortPath::Passes && beside.silent_first.contains(&row.port);
    for row in rows.iter().filter(|row| row.path == PortPath::Passes && !recovers(row)) {
        let arrived = row.arrived.unwrap_or(row.replies);
        out = out.with(LossSample::new(row.sent, arrived));
        back = back.with(LossSample::new(arrived, row.replies));
    }
    let asked = rows.iter().filter(|row| row.sent > 0).count() as u64;
    let both = LossSample::new(out.sent, back.sent - back.lost);
    let first = LossSample::new(beside.tries.into(), 0);
    let recovered = rows.iter().filter(|row| recovers(row)).count() as u64;
    let rate = recovered > 0 && is_beyond_chance(first, both, asked);
    for row in rows.iter_mut().filter(|row| is_silent(row)) {
        let by_chance = match row.path {
            PortPath::FilteredOut => !is_beyond_chance(LossSample::new(row.sent, 0), out, asked),
            _ => !is_beyond_chance(LossSample::new(row.arrived.unwrap_or(0), 0), back, asked),
        };
        let asked_once = row.sent <= u64::from(beside.tries);
        let why = match (flows, rate && asked_once, by_chance) {
            (true, ..) => Inconclusive::FlowLimit,
            (_, true, _) => Inconclusive::RateLimit,
            (.., true) => Inconclusive::Chance,
            _ => continue,
        };
        (row.path, row.inconclusive) = (PortPath::Inconclusive, Some(why));
    }
    let passing = rows.iter().filter(|row| row.path == PortPath::Passes).count() as u64;
    PortsBeside {
        sent: out.sent,
        arrived: out.sent - out.lost,
        replies: back.sent - back.lost,
        fresh_sent: beside.fresh.sent,
        fresh_replies: beside.fresh.sent - beside.fresh.lost,
        flows_passing: flows.then_some(passing),
        recovered: if rate { recovered } else { 0 },
    }
}

/// Whether the number of flows is limited: a new flow to a port that passes is not answered either,
/// or the ports tested first pass, in random order, and no later one does.
fn limits_flows(rows: &[PortRow], beside: &Beside) -> bool {
    let old = LossSample::new(beside.out.sent, beside.back.sent - beside.back.lost);
    if is_beyond_chance(beside.fresh, old, 1) {
        return true;
    }
    let fresh_passes = beside.fresh.lost < beside.fresh.sent;
    if fresh_passes {
        return false;
    }
    let silent: BTreeSet<u16> =
        rows.iter().filter(|row| is_silent(row)).map(|row| row.port).collect();
    let passes: BTreeSet<u16> =
        rows.iter().filter(|row| row.replies > 0).map(|row| row.port).collect();
    let order: Vec<bool> = beside
        .order
        .iter()
        .filter(|port| silent.contains(port) || passes.contains(port))
        .map(|port| silent.contains(port))
        .collect();
    let tail = order.iter().rev().take_while(|silent| **silent).count() as u64;
    let head_silent = order.iter().filter(|silent| **silent).count() as u64 - tail;
    let head = LossSample { sent: order.len() as u64 - tail, lost: head_silent };
    is_beyond_chance(LossSample::new(tail, 0), head, order.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::super::schedule::{Who, again, control_a_round};
    use super::*;
    use crate::netsim::runs;

    fn row(port: u16, path: PortPath) -> PortRow {
        let (arrived, replies) = match path {
            PortPath::Passes => (8, 8),
            PortPath::FilteredBack => (8, 0),
            _ => (0, 0),
        };
        PortRow {
            port,
            path,
            sent: 16,
            arrived: Some(2 * arrived),
            replies: 2 * replies,
            ..PortRow::default()
        }
    }

    fn sample(sent: u64, came: u64) -> LossSample {
        LossSample::new(sent, came)
    }

    fn beside(fresh: LossSample, order: impl Iterator<Item = u16>) -> Beside {
        let (out, back) = (sample(24, 24), sample(24, 24));
        Beside { out, back, fresh, order: order.collect(), tries: 8, ..Beside::default() }
    }

    #[test]
    fn a_filtered_port_beside_a_clean_control_is_filtered_also_alone() {
        for path in [PortPath::FilteredOut, PortPath::FilteredBack] {
            let mut rows = [row(5_000, path)];
            let found = settle(&mut rows, &beside(sample(8, 8), [5_000].into_iter()));
            assert_eq!((rows[0].path, rows[0].inconclusive), (path, None));
            assert_eq!((found.flows_passing, found.recovered), (None, 0));
        }
    }

    #[test]
    fn without_a_control_or_beside_a_lossy_one_nothing_is_called_filtered() {
        for control in [sample(0, 0), sample(24, 0), sample(24, 4)] {
            for path in [PortPath::FilteredOut, PortPath::FilteredBack] {
                let mut rows = [row(5_000, path)];
                let none = Beside { out: control, back: control, tries: 8, ..Beside::default() };
                settle(&mut rows, &none);
                assert_eq!(
                    (rows[0].path, rows[0].inconclusive),
                    (PortPath::Inconclusive, Some(Inconclusive::Chance))
                );
            }
        }
    }

    #[test]
    fn a_limit_on_flows_is_no_filter_of_ports() {
        let ports = || 5_000..5_100_u16;
        let rows = || -> Vec<PortRow> {
            let path = |port| if port < 5_040 { PortPath::Passes } else { PortPath::FilteredOut };
            ports().map(|port| row(port, path(port))).collect()
        };
        // By a new flow that gets no answer, or by the order alone.
        for fresh in [sample(8, 0), sample(0, 0)] {
            let mut rows = rows();
            let found = settle(&mut rows, &beside(fresh, ports()));
            assert_eq!(found.flows_passing, Some(40));
            assert!(rows[40..].iter().all(|row| row.inconclusive == Some(Inconclusive::FlowLimit)));
        }
        // A new flow passes: then the ports are the cause, whatever their order.
        let mut rows = rows();
        let found = settle(&mut rows, &beside(sample(8, 8), ports()));
        assert_eq!(found.flows_passing, None);
        assert!(rows[40..].iter().all(|row| row.path == PortPath::FilteredOut));
    }

    #[test]
    fn what_passes_when_it_is_asked_alone_shows_a_limit_on_the_rate() {
        let mut rows: Vec<PortRow> =
            (5_000..5_010).map(|port| row(port, PortPath::Passes)).collect();
        let mut with = beside(sample(8, 8), 5_000..5_010);
        with.silent_first = (5_005..5_010).collect();
        let found = settle(&mut rows, &with);
        assert_eq!((found.recovered, found.flows_passing), (5, None));
        assert!(rows.iter().all(|row| row.path == PortPath::Passes));
    }

    /// Ports behind a path with these loss rates out and back, tested by the schedule; those in
    /// `filtered` pass nothing.
    fn asked(seed: u64, loss: [f64; 2], ports: u16, filtered: u16) -> (Vec<PortRow>, Beside) {
        const TRIES: u32 = 8;
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut send = |port: u16, sent: u64| {
            let arrived = (0..sent).filter(|_| port >= filtered && rng.f64() >= loss[0]).count();
            let replies = (0..arrived).filter(|_| rng.f64() >= loss[1]).count();
            (arrived as u64, replies as u64)
        };
        let control_sent = u64::from(TRIES) * control_a_round(TRIES, ports.into());
        let (mut control, mut order) = (send(ports, control_sent), Vec::new());
        let mut beside = Beside { tries: TRIES, ..Beside::default() };
        let mut rows: Vec<PortRow> = Vec::new();
        for port in 0..ports {
            let (arrived, replies) = send(port, TRIES.into());
            let (sent, arrived) = (u64::from(TRIES), Some(arrived));
            rows.push(PortRow { port, sent, arrived, replies, ..PortRow::default() });
            order.push(port);
        }
        let silent: Vec<usize> =
            (0..rows.len()).filter(|index| rows[*index].replies == 0).collect();
        beside.silent_first = silent.iter().map(|index| rows[*index].port).collect();
        let known = sample(control_sent, control.1);
        let probes = again(&silent, TRIES, known, ports.into());
        let mut fresh = (0, 0);
        let mut sent_control = control_sent;
        for probe in probes.iter().filter(|_| !silent.is_empty()) {
            let port = if let Who::Port(index) = probe.who { index as u16 } else { ports };
            let (arrived, replies) = send(port, 1);
            match probe.who {
                Who::Port(index) => {
                    let row = &mut rows[index];
                    row.sent += 1;
                    row.arrived = row.arrived.map(|before| before + arrived);
                    row.replies += replies;
                }
                Who::Control => {
                    sent_control += 1;
                    control = (control.0 + arrived, control.1 + replies);
                }
                Who::Fresh => fresh = (fresh.0 + 1, fresh.1 + replies),
            }
        }
        for row in &mut rows {
            row.path = match (row.replies, row.arrived) {
                (1.., _) => PortPath::Passes,
                (_, Some(0)) => PortPath::FilteredOut,
                _ => PortPath::FilteredBack,
            };
        }
        rng.shuffle(&mut order);
        (beside.out, beside.back) = (sample(sent_control, control.0), sample(control.0, control.1));
        (beside.fresh, beside.order) = (sample(fresh.0, fresh.1), order);
        (rows, beside)
    }

    #[test]
    fn random_loss_filters_no_port_and_a_filter_is_found_through_a_tenth_of_it() {
        for share in [0.0, 0.01, 0.05, 0.1, 0.3, 0.5] {
            for loss in [[share; 2], [share, 0.0], [0.0, share]] {
                for seed in 0..runs(40) {
                    let ports = [1, 2, 13, 60][seed as usize % 4];
                    let (mut rows, beside) = asked(seed, loss, ports, 0);
                    let found = settle(&mut rows, &beside);
                    let accused = rows.iter().find(|row| is_silent(row));
                    assert_eq!(accused, None, "{loss:?} {seed}");
                    assert_eq!(found.flows_passing, None, "{loss:?} {seed}");
                    let (mut rows, beside) = asked(seed, loss, ports, 1);
                    settle(&mut rows, &beside);
                    let told = rows[0].path;
                    let known = told == PortPath::FilteredOut;
                    assert!(known || share > 0.1, "{loss:?} {seed}: {told:?} {beside:?}");
                    assert!(rows[1..].iter().all(|row| !is_silent(row)), "{loss:?} {seed}");
                }
            }
        }
    }
}
