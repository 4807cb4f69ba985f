//! What a throughput run has counted so far, for a user who asks.

use super::interval::{FlowDirection, fresh_of};
use super::words::blast::lost;
use super::words::progress::whole_seconds;
use super::words::terms::plural;
use crate::record::BlastInterval;
use crate::units::Nanos;
use std::time::Instant;

/// What came by one way so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneSoFar {
    /// Datagrams received, without further copies.
    pub received: u64,
    /// Datagrams lost.
    pub lost: u64,
    /// Datagrams that arrived cut or altered.
    pub changed: u64,
}

/// What is known of a run that goes on: the sums of its stretches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// The only way, or that to the server.
    pub up: Option<LaneSoFar>,
    /// The way from the server, where the run has two.
    pub down: Option<LaneSoFar>,
    /// When the run itself began; `None` while the server is waited for.
    pub began: Option<Instant>,
}

impl SoFar {
    /// Adds an interval.
    pub(super) fn add(&mut self, lane: FlowDirection, interval: &BlastInterval) {
        let way = match lane {
            FlowDirection::Only | FlowDirection::Up => &mut self.up,
            FlowDirection::Down => &mut self.down,
        };
        let sums = way.get_or_insert_default();
        sums.received = sums.received.saturating_add(fresh_of(interval));
        sums.lost = sums.lost.saturating_add(interval.lost);
        let changed = interval.cut.saturating_add(interval.altered);
        sums.changed = sums.changed.saturating_add(changed);
    }
}

/// `after 3 s: received 1 234 datagrams, lost 5 (0.404%)`, a line for each way.
pub fn so_far_text(so_far: &SoFar, elapsed: Nanos) -> String {
    let of = |sums: &LaneSoFar| {
        let of = sums.received.saturating_add(sums.changed).saturating_add(sums.lost);
        let received = plural(sums.received, "datagram");
        let changed = match sums.changed {
            0 => String::new(),
            changed => format!(", cut or altered {}", lost(changed, of)),
        };
        format!("received {received}{changed}, lost {}", lost(sums.lost, of))
    };
    let after = whole_seconds(elapsed);
    match (&so_far.up, &so_far.down) {
        (None, None) => format!("after {after}: no counts from the receiver yet"),
        (Some(only), None) => format!("after {after}: {}", of(only)),
        (None, Some(down)) => format!("after {after}: down: {}", of(down)),
        (Some(up), Some(down)) => {
            format!("after {after}: up: {}\nafter {after}: down: {}", of(up), of(down))
        }
    }
}
