//! The flows of a relay: each client with its sockets towards the destinations and its counts.

use super::gaps::FlowGaps;
use super::impaired::Delays;
use crate::record::{RelayCounts, RelayFlow, RelayFlowEnd, RelayOthers, Way};
use crate::units::Nanos;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Rows of ended flows that are kept.
const ROWS: usize = 256;

/// Who a flow belongs to: the socket that it arrived at, and its client, if each has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowKey {
    pub listener: usize,
    pub client: Option<SocketAddr>,
}

/// One flow.
#[derive(Debug)]
pub(super) struct Flow {
    pub key: FlowKey,
    /// The address of this host that the client sent to, from which answers go back; `None` leaves
    /// it to the socket.
    pub local: Option<IpAddr>,
    /// The number of the socket towards each destination, by the destination's number; `None` if it
    /// has none yet.
    pub sockets: Vec<Option<usize>>,
    /// When its first and its last datagram came.
    pub first: Nanos,
    pub last: Nanos,
    pub up: RelayCounts,
    pub down: RelayCounts,
    /// The delays of each direction, from the first datagram on that was delayed.
    pub up_delays: Option<Box<Delays>>,
    pub down_delays: Option<Box<Delays>>,
    /// The gaps in the arrivals of each direction, where they are asked for.
    pub up_gaps: Option<Box<FlowGaps>>,
    pub down_gaps: Option<Box<FlowGaps>>,
}

/// All flows, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct FlowTable {
    flows: Vec<Option<Flow>>,
    free: Vec<usize>,
    by_key: HashMap<FlowKey, usize>,
    /// The flow of the last datagram: datagrams of one client come in runs.
    recent: Option<(FlowKey, usize)>,
    /// Flows so far.
    pub opened: u64,
    /// Most flows at once.
    pub most: usize,
    ended: Vec<RelayFlow>,
    others: RelayOthers,
}

impl Flow {
    pub fn new(key: FlowKey, local: Option<IpAddr>, at: Nanos) -> Self {
        let (up, down) = (RelayCounts::default(), RelayCounts::default());
        let (up_delays, down_delays) = (None, None);
        Self {
            key,
            local,
            sockets: Vec::new(),
            first: at,
            last: at,
            up,
            down,
            up_delays,
            down_delays,
            up_gaps: None,
            down_gaps: None,
        }
    }

    /// The same flow, whose gaps in arrivals are listed if they are longer than this.
    #[must_use]
    pub fn listing(self, least: Option<Nanos>) -> Self {
        let gaps = || least.map(|least| Box::new(FlowGaps::longer_than(least)));
        Self { up_gaps: gaps(), down_gaps: gaps(), ..self }
    }

    /// Datagrams that are delayed or wait.
    pub fn queued(&self) -> u64 {
        self.up.queued + self.down.queued
    }

    /// Its row, with times since `start`.
    pub fn row(&self, listen: SocketAddr, start: Nanos, end: RelayFlowEnd) -> RelayFlow {
        RelayFlow {
            client: self.key.client.map(Into::into),
            listen: listen.into(),
            first_ns: (self.first - start).0,
            last_ns: (self.last - start).0,
            end,
            up: self.up,
            down: self.down,
            up_delay: self.up_delays.as_ref().and_then(|delays| delays.told()),
            down_delay: self.down_delays.as_ref().and_then(|delays| delays.told()),
            up_gaps: self.up_gaps.as_ref().map(|gaps| gaps.told(Way::Up)),
            down_gaps: self.down_gaps.as_ref().map(|gaps| gaps.told(Way::Down)),
        }
    }
}

impl FlowTable {
    /// Flows that are open.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The number of a client's flow.
    #[inline]
    pub fn find(&mut self, key: FlowKey) -> Option<usize> {
        if let Some((known, number)) = self.recent
            && known == key
        {
            return Some(number);
        }
        let number = *self.by_key.get(&key)?;
        self.recent = Some((key, number));
        Some(number)
    }

    /// Adds a flow and returns its number.
    pub fn add(&mut self, flow: Flow) -> usize {
        let key = flow.key;
        let number = self.free.pop().unwrap_or_else(|| {
            self.flows.push(None);
            self.flows.len() - 1
        });
        self.flows[number] = Some(flow);
        self.by_key.insert(key, number);
        self.opened += 1;
        self.most = self.most.max(self.by_key.len());
        number
    }

    /// Removes a flow; its number may be used again.
    pub fn remove(&mut self, number: usize) -> Option<Flow> {
        let flow = self.flows.get_mut(number)?.take()?;
        self.by_key.remove(&flow.key);
        self.recent = None;
        self.free.push(number);
        Some(flow)
    }

    pub fn get_mut(&mut self, number: usize) -> Option<&mut Flow> {
        self.flows.get_mut(number)?.as_mut()
    }

    pub fn get(&self, number: usize) -> Option<&Flow> {
        self.flows.get(number)?.as_ref()
    }

    /// Every open flow with its number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Flow)> {
        let numbered = self.flows.iter().enumerate();
        numbered.filter_map(|(number, flow)| flow.as_ref().map(|flow| (number, flow)))
    }

    /// The flow that has been silent for the longest time and has nothing queued.
    pub fn longest_silent(&self) -> Option<(usize, Nanos)> {
        let idle = self.iter().filter(|(_, flow)| flow.queued() == 0);
        idle.map(|(number, flow)| (number, flow.last)).min_by_key(|(_, last)| *last)
    }

    /// Keeps the row of a flow that has ended; beyond a number of rows, those with the fewest
    /// datagrams are counted together.
    pub fn keep(&mut self, row: RelayFlow) {
        self.ended.push(row);
        if self.ended.len() >= 2 * ROWS {
            self.ended.sort_by_key(|row| std::cmp::Reverse(weight(row)));
            for row in self.ended.split_off(ROWS) {
                merge(&mut self.others, &row);
            }
        }
    }

    /// Counts of the ended flows, to add those of the open ones to.
    pub fn ended_counts(&self) -> (RelayCounts, RelayCounts) {
        let (mut up, mut down) = (self.others.up, self.others.down);
        for row in &self.ended {
            up.add(&row.up);
            down.add(&row.down);
        }
        (up, down)
    }

    /// All rows, those with the most datagrams first, and what is in none of them.
    pub fn rows(mut self, open: Vec<RelayFlow>) -> (Vec<RelayFlow>, RelayOthers) {
        let mut rows = open;
        rows.append(&mut self.ended);
        rows.sort_by_key(|row| (std::cmp::Reverse(weight(row)), row.first_ns));
        for row in rows.split_off(rows.len().min(ROWS)) {
            merge(&mut self.others, &row);
        }
        (rows, self.others)
    }
}

fn weight(row: &RelayFlow) -> u64 {
    row.up.received + row.down.received
}

fn merge(others: &mut RelayOthers, row: &RelayFlow) {
    others.flows += 1;
    others.up.add(&row.up);
    others.down.add(&row.down);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16) -> FlowKey {
        FlowKey { listener: 0, client: Some(([192, 0, 2, 1], port).into()) }
    }

    fn flow(port: u16, last: u64) -> Flow {
        let mut flow = Flow::new(key(port), None, Nanos(1));
        flow.last = Nanos(last);
        flow.up.received = u64::from(port);
        flow.up.forwarded = u64::from(port);
        flow
    }

    #[test]
    fn a_flow_is_found_until_it_is_removed_and_its_number_is_used_again() {
        let mut table = FlowTable::default();
        let first = table.add(flow(1, 10));
        let second = table.add(flow(2, 20));
        assert_eq!((table.find(key(1)), table.find(key(2))), (Some(first), Some(second)));
        assert_eq!(table.find(key(2)), Some(second));
        assert_eq!(table.find(FlowKey { listener: 1, ..key(1) }), None);
        table.find(key(1));
        assert!(table.remove(first).is_some());
        assert_eq!((table.find(key(1)), table.len()), (None, 1));
        assert_eq!(table.add(flow(3, 30)), first);
        assert_eq!((table.opened, table.most), (3, 2));
    }

    #[test]
    fn the_longest_silent_goes_first_unless_something_of_it_is_queued() {
        let mut table = FlowTable::default();
        for (port, last) in [(1, 30), (2, 10), (3, 20)] {
            table.add(flow(port, last));
        }
        assert_eq!(table.longest_silent(), Some((1, Nanos(10))));
        table.get_mut(1).unwrap().down.queued = 1;
        assert_eq!(table.longest_silent(), Some((2, Nanos(20))));
    }

    #[test]
    fn rows_are_bounded_and_no_count_is_lost() {
        let mut table = FlowTable::default();
        let listen = ([192, 0, 2, 9], 5).into();
        let many = 5 * ROWS as u64;
        for port in 1..=many {
            table.keep(flow(port as u16, 9).row(listen, Nanos(1), RelayFlowEnd::Idle));
        }
        let total = many * (many + 1) / 2;
        assert_eq!(table.ended_counts().0.received, total);
        let open = flow(60_000, 5).row(listen, Nanos(1), RelayFlowEnd::Open);
        let (rows, others) = table.rows(vec![open]);
        assert_eq!(rows.len(), ROWS);
        assert_eq!(rows[0].up.received, 60_000);
        let listed: u64 = rows.iter().map(|row| row.up.received).sum();
        assert_eq!(listed + others.up.received, total + 60_000);
        assert_eq!(rows.len() as u64 + others.flows, many + 1);
    }
}
