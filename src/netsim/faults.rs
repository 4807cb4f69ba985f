//! The matrix of faults: what every state machine meets, by name.

use super::unproven::Accounts;
use super::{Forgotten, Link, Nat, NatTimers, Refresh, Way};
use crate::impair::{
    Bottleneck, Capacity, Chance, Corruption, Delay, Duplication, GilbertElliott, Impairments,
    Jitter, Loss, QueueLimit, Reordering,
};
use crate::units::{BitRate, Nanos};
use std::net::IpAddr;
use std::ops::Range;

/// One fault of a path or of a host, by its name in the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// None: a millisecond each way.
    Clean,
    /// 1 % is lost each way, independently.
    LittleLoss,
    /// 10 % is lost each way, independently.
    Loss,
    /// 30 % is lost each way, independently.
    HeavyLoss,
    /// 5 % is lost each way in bursts of five, over after 100 ms of silence.
    Bursts,
    /// A quarter comes twice.
    Duplication,
    /// A tenth is overtaken.
    Reordering,
    /// Delays of 20 ms differ by up to 20 ms.
    Jitter,
    /// 150 ms each way.
    LongPath,
    /// A hundredth has a bit flipped that no checksum caught.
    Corruption,
    /// 5 Mbit/s each way with a queue of 100 ms.
    Bottleneck,
    /// 1 % has an extreme number in the place of one that was sent.
    Extremes,
    /// A NAT that lets in only whom was sent to.
    Nat,
    /// A firewall that forgets after three seconds without outbound traffic.
    ForgetfulFirewall,
    /// The near host stands still for two seconds.
    NearStandstill,
    /// The far host stands still for two seconds.
    FarStandstill,
    /// Nothing passes for two seconds, either way.
    Blackout,
    /// The near host wakes sessions up to 5 ms late.
    LateHost,
    /// One to five of: standstills, outages, refusals, a NAT that forgets or moves, a new firewall.
    Events,
}

/// What a fault means for the two hosts of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// What the link of the near host does, out and back.
    pub path: [Impairments; 2],
    /// Extreme numbers, either way.
    pub extremes: Chance,
    /// What stands before the near host, by its external address.
    pub middlebox: Option<Middlebox>,
    /// When the near host stands still.
    pub near_standstills: Vec<Range<Nanos>>,
    /// When the far host stands still.
    pub far_standstills: Vec<Range<Nanos>>,
    /// When nothing passes.
    pub blackouts: Vec<Range<Nanos>>,
    /// When the middlebox refuses what leaves.
    pub refusals: Vec<Range<Nanos>>,
    /// When the middlebox forgets, and what.
    pub losses: Vec<(Nanos, Forgotten)>,
    /// When the near host's interface is down.
    pub downs: Vec<Range<Nanos>>,
    /// How late at most the near host wakes sessions.
    pub late: Nanos,
}

/// What stands between the near host and the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middlebox {
    /// A NAT, as most homes have.
    Nat,
    /// A firewall with this timer, started anew by outbound traffic alone.
    Firewall(Nanos),
}

impl Middlebox {
    /// The element, by the address that a NAT has outside.
    pub fn build(self, external: IpAddr) -> Nat {
        match self {
            Self::Nat => Nat::at(external),
            Self::Firewall(timer) => {
                let refresh = Refresh::Outbound;
                let mut firewall = Nat::firewall();
                firewall.timers =
                    NatTimers { first: timer, established: timer, refresh, hole: None };
                firewall
            }
        }
    }
}

/// `ENETDOWN` as Linux numbers it: the interface is down.
const ENETDOWN: i32 = 100;

/// A burst of loss is over where nothing comes for so long: otherwise the repeats of a dialogue,
/// seconds apart, would all fall into one.
const BURST_ENDS: Nanos = Nanos::from_millis(100);

/// When a standstill or a blackout is.
const EVENT: Range<Nanos> = Nanos::from_millis(1_500)..Nanos::from_millis(3_500);

impl Fault {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Clean,
        Self::LittleLoss,
        Self::Loss,
        Self::HeavyLoss,
        Self::Bursts,
        Self::Duplication,
        Self::Reordering,
        Self::Jitter,
        Self::LongPath,
        Self::Corruption,
        Self::Bottleneck,
        Self::Extremes,
        Self::Nat,
        Self::ForgetfulFirewall,
        Self::NearStandstill,
        Self::FarStandstill,
        Self::Blackout,
        Self::LateHost,
        Self::Events,
    ];

    /// Whether datagrams may be lost, cut off or forged by it, so that a run need not succeed.
    pub fn may_fail_a_run(self) -> bool {
        matches!(
            self,
            Self::HeavyLoss
                | Self::Corruption
                | Self::Extremes
                | Self::FarStandstill
                | Self::Blackout
        )
    }

    /// Whether numbers may arrive that nobody sent.
    pub fn forges(self) -> bool {
        matches!(self, Self::Corruption | Self::Extremes)
    }

    /// Whether datagrams are lost at random.
    pub fn loses_by_chance(self) -> bool {
        matches!(self, Self::LittleLoss | Self::Loss | Self::HeavyLoss | Self::Bursts)
    }

    /// Whether it is at one time only.
    pub fn is_event(self) -> bool {
        matches!(self, Self::NearStandstill | Self::FarStandstill | Self::Blackout)
    }

    /// What it means.
    pub fn weather(self) -> Weather {
        let millis = Nanos::from_millis;
        let base = Delay { base: millis(1), jitter: Jitter::None };
        let calm = Impairments { delay: base, ..Impairments::default() };
        let with_loss = |loss| Impairments { loss, ..calm.clone() };
        let both = |path: Impairments| Weather { path: [path.clone(), path], ..Weather::default() };
        let clean = || both(calm.clone());
        let independent = |percent| both(with_loss(Loss::Independent(Chance::percent(percent))));
        match self {
            Self::Clean => clean(),
            Self::LittleLoss => independent(1),
            Self::Loss => independent(10),
            Self::HeavyLoss => independent(30),
            Self::Bursts => {
                let model = GilbertElliott::bursts(Chance::percent(5), 5);
                both(with_loss(Loss::Bursts(model)))
            }
            Self::Duplication => {
                let duplication = Duplication { share: Chance::percent(25), copies: 1 };
                both(Impairments { duplication, ..calm.clone() })
            }
            Self::Reordering => {
                let reordering = Reordering { share: Chance::percent(10), hold: millis(15), by: 0 };
                both(Impairments { reordering, ..calm.clone() })
            }
            Self::Jitter => {
                let delay = Delay { base: millis(20), jitter: Jitter::Above(millis(20)) };
                both(Impairments { delay, ..calm.clone() })
            }
            Self::LongPath => {
                let delay = Delay { base: millis(150), jitter: Jitter::None };
                both(Impairments { delay, ..calm.clone() })
            }
            Self::Corruption => {
                let corruption = Corruption { share: Chance::percent(1) };
                both(Impairments { corruption, ..calm.clone() })
            }
            Self::Bottleneck => {
                let queue = QueueLimit::Time(millis(100));
                let rate = BitRate(5_000_000);
                let bottleneck =
                    Some(Bottleneck { capacity: Capacity::Rate(rate), queue, overhead: 0 });
                both(Impairments { bottleneck, ..calm.clone() })
            }
            Self::Extremes => Weather { extremes: Chance::percent(1), ..clean() },
            Self::Nat => Weather { middlebox: Some(Middlebox::Nat), ..clean() },
            Self::ForgetfulFirewall => {
                let middlebox = Some(Middlebox::Firewall(Nanos::from_secs(3)));
                Weather { middlebox, ..clean() }
            }
            Self::NearStandstill => Weather { near_standstills: vec![EVENT], ..clean() },
            Self::FarStandstill => Weather { far_standstills: vec![EVENT], ..clean() },
            Self::Blackout => Weather { blackouts: vec![EVENT], ..clean() },
            Self::LateHost => Weather { late: millis(5), ..clean() },
            Self::Events => Weather::eventful(1, EVENT.start),
        }
    }
}

impl Weather {
    /// The same with its standstill or blackout at this time.
    #[must_use]
    pub fn with_event_at(mut self, event: &Range<Nanos>) -> Self {
        let events = [&mut self.near_standstills, &mut self.far_standstills, &mut self.blackouts];
        events.into_iter().flatten().for_each(|own| *own = event.clone());
        self
    }

    /// The same from this time on, which is then its beginning.
    #[must_use]
    pub fn after(&self, time: Nanos) -> Self {
        let later = |ranges: &[Range<Nanos>]| {
            let ahead = ranges.iter().filter(|range| range.end > time);
            ahead.map(|range| range.start - time..range.end - time).collect()
        };
        let losses = self.losses.iter().filter(|(at, _)| *at >= time);
        Self {
            near_standstills: later(&self.near_standstills),
            far_standstills: later(&self.far_standstills),
            blackouts: later(&self.blackouts),
            refusals: later(&self.refusals),
            losses: losses.map(|(at, what)| (*at - time, *what)).collect(),
            downs: later(&self.downs),
            ..self.clone()
        }
    }

    /// The near host under this weather: what stands on its line is added, nearest first the
    /// middlebox, then the path.
    #[must_use]
    pub fn near(&self, mut host: super::Host, external: IpAddr) -> super::Host {
        host.late = self.late;
        host.standstills.extend(self.near_standstills.clone());
        if let Some(middlebox) = self.middlebox {
            let mut middlebox = middlebox.build(external);
            middlebox.refusals.clone_from(&self.refusals);
            middlebox.losses.clone_from(&self.losses);
            host = host.behind(middlebox);
        }
        if !self.downs.is_empty() {
            let is_down = |downs: &[Range<Nanos>], now| downs.iter().any(|at| at.contains(&now));
            let [sending, receiving] = [self.downs.clone(), self.downs.clone()];
            host = host
                .refusing(move |now, _, _| is_down(&sending, now).then_some(ENETDOWN))
                .behind_rule(move |now, way, _| way == Way::Out || !is_down(&receiving, now));
        }
        let [out, back] = self.path.clone();
        let link = Link::new(out, back).with_extremes(self.extremes);
        host = host.behind(link.with_bursts_that_end(BURST_ENDS));
        if !self.blackouts.is_empty() {
            let blackouts = self.blackouts.clone();
            host = host.behind_rule(move |now, _, _| !blackouts.iter().any(|at| at.contains(&now)));
        }
        host
    }

    /// The far host under this weather; what it sends to addresses that have not proved themselves
    /// is held against what came from there.
    #[must_use]
    pub fn far(&self, host: super::Host) -> super::Host {
        let mut accounts = Accounts::default();
        self.far_of_tcp(host).behind_rule(move |_, way, packet| {
            accounts.hold(way, packet);
            true
        })
    }

    /// The far host under this weather, where TCP's handshake proves addresses.
    #[must_use]
    pub fn far_of_tcp(&self, mut host: super::Host) -> super::Host {
        host.standstills.extend(self.far_standstills.clone());
        host
    }
}
