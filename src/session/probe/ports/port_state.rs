//! What is known about one port during the test.

use super::TTL;
use crate::batch::{ErrorOrigin, LocalSendFailure, NetworkError, RxMeta};
use crate::record::probe::{IcmpError, NotOpened, PortPath, PortRow};
use crate::stats::LossSample;
use crate::units::Nanos;
use crate::wire::{Arrivals, Echo, Hops, ReplyError, split_tos};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// The remote agent's report.
#[derive(Debug, PartialEq)]
enum AgentReport {
    /// Not requested yet.
    NotYet,
    /// Nothing arrived.
    Nothing,
    /// What arrived.
    Came(Arrivals),
}

/// One port.
#[derive(Debug)]
pub(super) struct Track {
    port: u16,
    not_opened: Option<NotOpened>,
    sent: u32,
    refused: Option<i32>,
    /// Tries, including those that this host refused.
    tried: u32,
    /// Arrival time at the agent of each answered datagram, by its number.
    firsts: BTreeMap<u32, Nanos>,
    /// Further arrivals there, known from replies.
    copies_out: BTreeSet<(u32, Nanos)>,
    /// Duplicate replies.
    copies_back: u64,
    /// One bit for each answered number.
    replies: u64,
    round_trip: Option<Nanos>,
    echo: Option<Echo>,
    answered_from: Option<SocketAddr>,
    ttl_back: Option<u8>,
    tos_back: Option<u8>,
    icmp: Option<IcmpError>,
    told: AgentReport,
}

impl Track {
    pub fn new(port: u16) -> Self {
        Self {
            port,
            not_opened: None,
            sent: 0,
            refused: None,
            tried: 0,
            firsts: BTreeMap::new(),
            copies_out: BTreeSet::new(),
            copies_back: 0,
            replies: 0,
            round_trip: None,
            echo: None,
            answered_from: None,
            ttl_back: None,
            tos_back: None,
            icmp: None,
            told: AgentReport::NotYet,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The remote agent does not listen there.
    pub fn not_opened(&mut self, why: NotOpened) {
        self.not_opened = Some(why);
    }

    pub fn sent(&mut self) {
        self.sent += 1;
        self.tried += 1;
    }

    /// This host refused to send.
    pub fn refused(&mut self, errno: i32) {
        self.refused = Some(errno);
        self.tried += 1;
    }

    /// The number of its next datagram.
    pub fn tries(&self) -> u32 {
        self.tried
    }

    /// Replies that arrived, without duplicates.
    pub fn came(&self) -> u32 {
        self.replies.count_ones()
    }

    /// Whether nothing was heard, from the remote agent or anybody else.
    pub fn is_silent(&self) -> bool {
        self.replies == 0 && self.icmp.is_none() && self.sent > 0
    }

    /// Losses of its datagrams on the way out, and of the replies on the way back.
    pub fn ways(&self) -> (LossSample, LossSample) {
        let arrived = match &self.told {
            AgentReport::Came(arrivals) => arrivals.count.min(self.sent).max(self.came()),
            AgentReport::NotYet | AgentReport::Nothing => self.came(),
        };
        let out = LossSample::new(self.sent.into(), arrived.into());
        (out, LossSample::new(arrived.into(), self.came().into()))
    }

    /// Whether all replies have arrived.
    pub fn all_replied(&self) -> bool {
        self.replies.count_ones() >= self.sent
    }

    /// A reply arrived; `expected` is the source that it should have.
    pub fn replied(&mut self, echo: &Echo, meta: &RxMeta, expected: SocketAddr) {
        let bit = 1u64.checked_shl(echo.sequence).unwrap_or(0);
        if self.replies & bit != 0 {
            // What was answered again had arrived there again.
            let first = self.firsts.get(&echo.sequence) == Some(&echo.arrived);
            let new = !first && self.copies_out.insert((echo.sequence, echo.arrived));
            self.copies_back += u64::from(!new);
        } else {
            self.firsts.insert(echo.sequence, echo.arrived);
        }
        self.replies |= bit;
        // A clock that was set in between leaves it unknown.
        let there = echo.left.checked_since(echo.arrived);
        let whole = meta.arrival.checked_since(echo.sent);
        let round_trip = there.and_then(|there| whole?.checked_since(there));
        self.round_trip = self.round_trip.into_iter().chain(round_trip).min();
        self.echo = Some(*echo);
        if (meta.source.ip(), meta.source.port()) != (expected.ip(), expected.port()) {
            self.answered_from = Some(meta.source);
        }
        self.ttl_back = meta.ttl;
        self.tos_back = meta.tos;
    }

    /// A network error about one of its datagrams.
    pub fn spoken_of(&mut self, error: &NetworkError) {
        if error.origin == ErrorOrigin::Local {
            // The kernel had accepted it, but it did not leave this host.
            self.refused = Some(error.errno);
            self.sent = self.sent.saturating_sub(1);
            return;
        }
        let count = self.icmp.map_or(0, |before| before.count) + 1;
        self.icmp = Some(IcmpError { count, ..IcmpError::from_network(error) });
    }

    /// The remote agent's report on it.
    pub fn tell(&mut self, arrivals: Option<&Arrivals>) {
        self.told = arrivals.map_or(AgentReport::Nothing, |arrivals| AgentReport::Came(*arrivals));
    }

    /// The row of the report; `source` is the local address of the datagrams, as this host knows
    /// it.
    pub fn row(&self, source: SocketAddr, target: SocketAddr) -> PortRow {
        let told = match self.told {
            AgentReport::Came(arrivals) => Some(arrivals),
            AgentReport::NotYet | AgentReport::Nothing => None,
        };
        let is_told = self.told != AgentReport::NotYet;
        let replies = u64::from(self.replies.count_ones());
        let count = is_told.then(|| told.map_or(0, |told| u64::from(told.count)));
        // If the agent counts copies with the rest, the number of first copies is known only from
        // replies.
        let told_copies = told.map_or(0, |told| u64::from(told.copies));
        let copied = count.is_some_and(|count| count > u64::from(self.sent))
            || (told_copies == 0 && !self.copies_out.is_empty());
        let first = |count: u64| count.min(u64::from(self.sent)).max(replies);
        let arrived =
            if copied && replies > 0 { count.and(Some(replies)) } else { count.map(first) };
        let seen = told.map(|told| told.source).or(self.echo.map(|echo| echo.source));
        let tos_out = told.and_then(|told| told.tos).or(self.echo.and_then(|echo| echo.tos));
        let ttl_out = told.and_then(|told| told.ttl).or(self.echo.and_then(|echo| echo.ttl));
        let hops = |ttl: u8| Hops::from_ttl(ttl, TTL).known();
        let mut row = PortRow {
            port: self.port,
            path: PortPath::Unknown,
            inconclusive: None,
            not_opened: self.not_opened,
            sent: u64::from(self.sent),
            arrived,
            duplicates: count.map(|count| told_copies + count.saturating_sub(u64::from(self.sent))),
            answered: is_told.then(|| {
                told.map_or(0, |told| u64::from(told.answers.min(told.count).min(self.sent)))
            }),
            replies,
            duplicates_back: self.copies_back,
            round_trip_ns: self.round_trip.map(|nanos| nanos.0),
            source_seen: seen.map(Into::into),
            source_port_changed: seen.map(|seen| seen.port() != source.port()),
            source_address_changed: seen.and_then(|seen| {
                (!source.ip().is_unspecified()).then(|| seen.ip() != source.ip().to_canonical())
            }),
            source_varied: told.map(|told| told.moved),
            arrived_at: told.map(|told| told.port).or(self.echo.map(|echo| echo.port)),
            answered_from: self.answered_from.map(Into::into),
            ttl_out,
            hops_out: ttl_out.and_then(hops),
            dscp_out: tos_out.map(|tos| split_tos(tos).0.value()),
            ecn_out: tos_out.map(|tos| split_tos(tos).1 as u8),
            ttl_back: self.ttl_back,
            hops_back: self.ttl_back.and_then(hops),
            dscp_back: self.tos_back.map(|tos| split_tos(tos).0.value()),
            ecn_back: self.tos_back.map(|tos| split_tos(tos).1 as u8),
            icmp_out: self.icmp,
            icmp_back: told.and_then(|told| told.error).map(|error| error_back(error, source.ip())),
            not_sent: self
                .refused
                .filter(|_| self.sent == 0)
                .map(|errno| LocalSendFailure::from_errno(errno, target)),
        };
        row.path = path_of(&row);
        row
    }
}

fn path_of(row: &PortRow) -> PortPath {
    if row.not_opened.is_some() {
        return PortPath::NotOpened;
    }
    match (row.sent, row.replies, row.arrived) {
        (0, ..) if row.not_sent.is_some() => PortPath::NotSent,
        (0, ..) | (_, 0, None) => PortPath::Unknown,
        (_, 1.., _) => PortPath::Passes,
        (_, 0, Some(0)) if row.icmp_out.is_some_and(|icmp| icmp.is_hops_exceeded()) => {
            PortPath::TtlExceeded
        }
        (_, 0, Some(0)) if row.icmp_out.is_some() => PortPath::RejectedOut,
        (_, 0, Some(0)) => PortPath::FilteredOut,
        (_, 0, Some(_)) if row.icmp_back.is_some() => PortPath::RejectedBack,
        (_, 0, Some(_)) => PortPath::FilteredBack,
    }
}

/// A network error that reached the agent; without a router's address its type numbers are
/// interpreted by the address family that this host uses.
fn error_back(error: ReplyError, ours: IpAddr) -> IcmpError {
    let ReplyError { icmp_type, icmp_code, router } = error;
    let origin = match (icmp_type, router.unwrap_or(ours)) {
        (0, _) => ErrorOrigin::Local,
        (_, IpAddr::V4(_)) => ErrorOrigin::Icmp,
        (_, IpAddr::V6(_)) => ErrorOrigin::Icmp6,
    };
    IcmpError::new(origin, (icmp_type, icmp_code), router, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;
    use crate::netsim::runs;

    const SENT: u32 = 16;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    /// A port with duplication and loss in both directions. Returns its track, the number of datagrams
    /// of which at least one copy arrived, and the number of further copies.
    fn copied(seed: u64, copies: [u32; 2], loss: [f64; 2]) -> (Track, u32, u32) {
        let target = address("192.0.2.9:5000");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut come = |way: usize| (0..copies[way]).filter(|_| random.f64() >= loss[way]).count();
        let mut track = Track::new(5_000);
        let (mut count, mut further) = (0, 0);
        for sequence in 0..SENT {
            track.sent();
            let arrivals = come(0) as u32;
            count += arrivals.min(1);
            further += arrivals.saturating_sub(1);
            for arrival in 0..arrivals {
                let arrived = Nanos::from_millis((10 * sequence + arrival + 1).into());
                let sent = Nanos::from_millis((10 * sequence).into());
                let source = address("192.0.2.1:4000");
                let echo = Echo { sequence, sent, arrived, left: arrived, source, ..ECHO };
                for _ in 0..come(1) {
                    let meta =
                        RxMeta { source: target, arrival: arrived, ..RxEntry::default().meta };
                    track.replied(&echo, &meta, target);
                }
            }
        }
        (track, count, further)
    }

    const ECHO: Echo = Echo {
        tag: 1,
        sequence: 0,
        sent: Nanos::ZERO,
        arrived: Nanos::ZERO,
        left: Nanos::ZERO,
        item: 0,
        number: 0,
        ttl: Some(255),
        tos: Some(0),
        intact: true,
        len: 64,
        fragment: None,
        port: 5_000,
        source: SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1),
    };

    #[test]
    fn a_clock_that_was_set_back_leaves_the_round_trip_unknown() {
        let target = address("192.0.2.9:5000");
        let trip = |arrival: u64, left: u64| {
            let mut track = Track::new(5_000);
            let echo = Echo { sent: Nanos(100), arrived: Nanos(7), left: Nanos(left), ..ECHO };
            let arrival = Nanos(arrival);
            track.replied(&echo, &RxMeta { arrival, ..RxEntry::default().meta }, target);
            track.round_trip
        };
        assert_eq!(trip(150, 17), Some(Nanos(40)));
        assert_eq!(trip(90, 17), None);
        assert_eq!(trip(150, 3), None);
        assert_eq!(trip(150, 90), None);
    }

    fn arrivals(count: u32, copies: u32) -> Arrivals {
        Arrivals {
            count,
            copies,
            first: Nanos::ZERO,
            last: Nanos::ZERO,
            source: address("192.0.2.1:4000"),
            moved: false,
            ttl: Some(255),
            tos: Some(0),
            len: 64,
            fragment: None,
            port: 5_000,
            answers: count + copies,
            withheld: 0,
            error: None,
        }
    }

    #[test]
    fn copies_are_counted_beside_what_arrived_and_what_came_back() {
        for copies in [[1, 1], [2, 1], [1, 2], [2, 2], [3, 3]] {
            for loss in [[0.0, 0.0], [0.3, 0.0], [0.0, 0.3], [0.3, 0.3]] {
                for seed in 0..runs(10) {
                    let (mut track, count, further) = copied(seed, copies, loss);
                    if count == 0 {
                        continue;
                    }
                    track.tell(Some(&arrivals(count, further)));
                    let row = track.row(address("192.0.2.1:4000"), address("192.0.2.9:5000"));
                    let context = || format!("{copies:?} {loss:?} {seed}: {row:?}");
                    assert_eq!(row.sent, u64::from(SENT), "{}", context());
                    let told = (row.arrived, row.duplicates);
                    let truth = (Some(count.into()), Some(further.into()));
                    assert_eq!(told, truth, "{}", context());
                    assert!(row.answered <= row.arrived, "{}", context());
                    assert!(Some(row.replies) <= row.arrived, "{}", context());
                    let is_clean = loss.iter().all(|share| *share <= 0.0);
                    let back = u64::from((count + further) * (copies[1] - 1));
                    assert!(row.duplicates_back == back || !is_clean, "{}", context());
                    assert!(copies[1] > 1 || row.duplicates_back == 0, "{}", context());
                    assert_eq!(row.path == PortPath::Passes, row.replies > 0, "{}", context());
                }
            }
        }
    }

    #[test]
    fn a_helper_that_counts_copies_with_the_rest_is_not_believed_beyond_what_was_sent() {
        let (mut track, count, further) = copied(1, [2, 1], [0.0, 0.0]);
        track.tell(Some(&arrivals(count + further, 0)));
        let row = track.row(address("192.0.2.1:4000"), address("192.0.2.9:5000"));
        let sent = u64::from(SENT);
        assert_eq!((row.arrived, row.duplicates, row.replies), (Some(sent), Some(sent), sent));
        assert!(row.answered <= row.arrived, "{row:?}");
    }
}
