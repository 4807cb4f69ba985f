//! A host: its addresses, clocks, line, and the moods of its network stack.

use super::line::Element;
use super::packet::Packet;
use super::{Clock, ErrorBudget, Link};
use crate::batch::{Dest, SendOutcome, SendStop};
use crate::units::Nanos;
use fastrand::Rng;
use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::Range;

/// `ENOBUFS` as Linux numbers it: the local queue is full.
pub const ENOBUFS: i32 = 105;

/// What a host does with what comes to a port that nothing has.
#[derive(Clone, Copy, Debug)]
pub enum ClosedPorts {
    /// It says so by ICMP, within a budget.
    Unreachable(ErrorBudget),
    /// Nothing.
    Silent,
}

/// How often a send goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendFaults {
    /// Share of batches in whose midst the buffer is full, 0 to 1.
    pub blocked: f64,
    /// Share of batches in whose midst the kernel refuses with `ENOBUFS`, 0 to 1.
    pub refused: f64,
}

/// What a socket did with the numbered datagrams of its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Taken.
    pub accepted: u64,
    /// Refused for good.
    pub refused: u64,
    /// How often the buffer was full.
    pub blocked: u64,
}

type SendRule = Box<dyn FnMut(Nanos, &Dest, &[u8]) -> Option<i32>>;

/// A host and its line to the core.
pub struct Host {
    /// Its own addresses; the first of a family is the source of what names none.
    pub addresses: Vec<IpAddr>,
    /// Its line, from the host to the core.
    pub line: Vec<Element>,
    /// Its clocks.
    pub clock: Clock,
    /// Bytes of the largest packet of its interface.
    pub mtu: u32,
    /// What it says of ports that nothing has.
    pub closed_ports: ClosedPorts,
    /// How late at most it wakes a session.
    pub late: Nanos,
    /// Its card tells of arrivals at multiples of this alone; zero for at once.
    pub moderation: Nanos,
    /// Whether neighbours of one size that arrive together come in one buffer (GRO).
    pub coalesces: bool,
    /// Whether its sockets stamp what leaves (`SOF_TIMESTAMPING_TX_SCHED`).
    pub stamps: bool,
    /// How often a send goes wrong.
    pub send_faults: SendFaults,
    /// Groups that it has joined.
    pub groups: HashSet<IpAddr>,
    /// Whether it hears what it sends to a group that it has joined (`IP_MULTICAST_LOOP`).
    pub loops: bool,
    /// It runs for the second of these of each of the first, and stands still for the rest.
    pub runs: Option<(Nanos, Nanos)>,
    /// Whether it is there at all.
    pub is_up: bool,
    pub(super) send_rule: Option<SendRule>,
    pub(super) standstills: Vec<Range<Nanos>>,
}

impl Host {
    /// A host of one address on an Ethernet, with nothing on its line. It does not say what ports it
    /// has.
    ///
    /// # Panics
    /// When `address` is none.
    pub fn at(address: &str) -> Self {
        Self {
            addresses: vec![address.parse().expect("an IP address")],
            line: Vec::new(),
            clock: Clock::default(),
            mtu: 1_500,
            closed_ports: ClosedPorts::Silent,
            late: Nanos::ZERO,
            moderation: Nanos::ZERO,
            coalesces: false,
            stamps: false,
            send_faults: SendFaults::default(),
            groups: HashSet::new(),
            loops: false,
            runs: None,
            is_up: true,
            send_rule: None,
            standstills: Vec::new(),
        }
    }

    /// The same host with one more address.
    ///
    /// # Panics
    /// When `address` is none.
    #[must_use]
    pub fn and(mut self, address: &str) -> Self {
        self.addresses.push(address.parse().expect("an IP address"));
        self
    }

    /// The same host with this next on its line, towards the core.
    #[must_use]
    pub fn behind(mut self, element: impl Into<Element>) -> Self {
        self.line.push(element.into());
        self
    }

    /// The same host behind a rule of the test's own: it may change what passes, and says whether it
    /// does.
    #[must_use]
    pub fn behind_rule(
        mut self,
        rule: impl FnMut(Nanos, super::Way, &mut Packet) -> bool + 'static,
    ) -> Self {
        self.line.push(Element::Rule(Box::new(rule)));
        self
    }

    /// The same host, which refuses what this rule gives an error number for.
    #[must_use]
    pub fn refusing(
        mut self,
        rule: impl FnMut(Nanos, &Dest, &[u8]) -> Option<i32> + 'static,
    ) -> Self {
        self.send_rule = Some(Box::new(rule));
        self
    }

    /// The same host, which says by ICMP that nothing has a port.
    #[must_use]
    pub fn telling_closed_ports(mut self, budget: ErrorBudget) -> Self {
        self.closed_ports = ClosedPorts::Unreachable(budget);
        self
    }

    /// The first link of its line.
    ///
    /// # Panics
    /// When there is none.
    pub fn link(&mut self) -> &mut Link {
        let links = self.line.iter_mut().filter_map(|element| match element {
            Element::Link(link) => Some(&mut **link),
            _ => None,
        });
        links.into_iter().next().expect("a link on the line")
    }

    /// The NAT or firewall of its line.
    ///
    /// # Panics
    /// If there is none.
    pub fn nat(&mut self) -> &mut super::Nat {
        let nats = self.line.iter_mut().filter_map(|element| match element {
            Element::Nat(nat) => Some(&mut **nat),
            _ => None,
        });
        nats.into_iter().next().expect("a NAT on the line")
    }

    /// When it runs again, if it stands still at `instant`.
    pub(super) fn stands_until(&self, instant: Nanos) -> Option<Nanos> {
        if let Some((period, runs)) = self.runs
            && instant.0 % period.0 >= runs.0
        {
            return Some(Nanos(instant.0.next_multiple_of(period.0)));
        }
        let stands = self.standstills.iter().find(|at| at.contains(&instant));
        stands.map(|at| at.end)
    }

    /// Whether the core reaches it by this address.
    pub(super) fn is_reached_by(&self, address: IpAddr) -> bool {
        let mut external = self.line.iter().filter_map(Element::external).peekable();
        match external.peek() {
            Some(_) => external.any(|own| own == address),
            None => self.addresses.contains(&address),
        }
    }

    /// The source of what is sent to `to` by a socket without an address.
    pub(super) fn source_for(&self, to: IpAddr) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|own| own.is_ipv4() == to.is_ipv4())
    }

    /// What the socket does with a batch of so many datagrams, by its moods alone.
    pub(super) fn outcome(&self, slots: usize, rng: &mut Rng) -> SendOutcome {
        let whole = SendOutcome { accepted: slots, stop: None };
        let SendFaults { blocked, refused } = self.send_faults;
        if blocked + refused == 0.0 {
            return whole;
        }
        let mood = rng.f64();
        if mood >= blocked + refused {
            return whole;
        }
        let accepted = rng.usize(0..slots);
        let stop = if mood < blocked {
            SendStop::Blocked
        } else {
            let datagrams = rng.usize(1..=slots - accepted);
            SendStop::Refused { datagrams, errno: ENOBUFS }
        };
        SendOutcome { accepted, stop: Some(stop) }
    }
}
