//! Contents of a target's answers other than times: hops, class of service in both directions, its
//! counters, and the actual transmit times of its answers.

use super::delays::Spread;
use super::echo::{Echo, Reflector};
use crate::batch::RxMeta;
use crate::units::Nanos;
use crate::wire::stamp::{ClassOfService, DirectMeasurement};
use crate::wire::{Hops, split_tos};
use std::net::{IpAddr, SocketAddr};

/// Number of answers whose time stamps are kept for the actual transmit time, which arrives in the
/// next answer.
const KEPT: usize = 64;

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerContents {
    ttl: Option<u8>,
    class: Option<ClassOfService>,
    tos_back: Option<u8>,
    counts: Option<DirectMeasurement>,
    departures: Departures,
    /// The first other source of answers, and the number of answers from other sources.
    elsewhere: (Option<SocketAddr>, u64),
    kernel_stamps: u64,
}

/// How long after their time stamps answers were actually sent.
#[derive(Clone, Debug, Default)]
struct Departures {
    /// Number and time stamp of the latest answers.
    stamps: Vec<(u32, Nanos)>,
    /// Allocated only if these are reported, as it takes 216 KiB.
    after: Option<Spread>,
}

impl AnswerContents {
    /// Records what one answer contains.
    pub fn observe(&mut self, meta: &RxMeta, target: SocketAddr, echo: &Echo) {
        self.kernel_stamps += u64::from(meta.kernel_stamp);
        self.tos_back = meta.tos.or(self.tos_back);
        if let Some(told) = &echo.reflector {
            self.ttl = Some(told.ttl);
            self.class = told.class.or(self.class);
            if let Some(counts) = told.counts {
                // Reordered answers have older counters.
                let newer = |before: DirectMeasurement| {
                    counts.received.wrapping_sub(before.received) as i32 >= 0
                };
                self.counts = Some(self.counts.filter(|before| !newer(*before)).unwrap_or(counts));
            }
            self.departures.observe(told);
        }
        if place(meta.source) != place(target) {
            self.elsewhere.0.get_or_insert(meta.source);
            self.elsewhere.1 += 1;
        }
    }

    /// Routers on the way out, for probes sent with this TTL; `None` if they arrived with a higher
    /// one, so that something on the path set it anew, or if the target reports no TTL.
    pub fn hops_out(&self, ttl: u8) -> Option<Hops> {
        self.ttl.filter(|left| *left <= ttl).map(|left| Hops::from_ttl(left, ttl))
    }

    /// TTL with which the probes arrived there.
    pub fn ttl_out(&self) -> Option<u8> {
        self.ttl
    }

    /// DSCP and ECN with which the probes arrived there.
    pub fn class_out(&self) -> Option<(u8, u8)> {
        self.class.map(|class| (class.seen.value(), class.ecn as u8))
    }

    /// DSCP and ECN with which the answers arrived here.
    pub fn class_back(&self) -> Option<(u8, u8)> {
        let (dscp, ecn) = split_tos(self.tos_back?);
        Some((dscp.value(), ecn as u8))
    }

    /// The target's counters when it sent its last answer.
    pub fn counts(&self) -> Option<DirectMeasurement> {
        self.counts
    }

    /// How long after their time stamps answers were actually sent.
    pub fn departures(&self) -> Option<&Spread> {
        self.departures.after.as_ref()
    }

    /// Another address that answered, and the number of such answers.
    pub fn elsewhere(&self) -> (Option<SocketAddr>, u64) {
        self.elsewhere
    }

    /// Answers with a kernel time stamp of arrival.
    pub fn kernel_stamps(&self) -> u64 {
        self.kernel_stamps
    }
}

impl Departures {
    fn observe(&mut self, told: &Reflector) {
        if let Some(departed) = told.departed
            && let Some((_, stamp)) = self.stamps.iter().find(|(seq, _)| *seq == departed.seq)
        {
            self.after.get_or_insert_default().record(departed.at - *stamp);
        }
        if let Some(sent) = told.sent {
            let place = told.seq as usize % KEPT;
            match self.stamps.get_mut(place) {
                Some(kept) => *kept = (told.seq, sent),
                None => self.stamps.push((told.seq, sent)),
            }
        }
    }
}

/// Address and port, without the scope and flow label, which only describe the route.
fn place(addr: SocketAddr) -> (IpAddr, u16) {
    (addr.ip().to_canonical(), addr.port())
}

#[cfg(test)]
mod tests {
    use super::super::echo::Departed;
    use super::*;
    use crate::batch::RxEntry;

    fn answer(seq: u32, counts: Option<DirectMeasurement>, departed: Option<Departed>) -> Echo {
        let sent = Some(Nanos(1_000 * u64::from(seq)));
        let (received, ttl, class) = (None, 250, None);
        let reflector = Reflector { seq, received, sent, ttl, class, counts, departed };
        Echo { seq, sent: Nanos(1), change: None, reflector: Some(reflector) }
    }

    #[test]
    fn a_departure_is_held_against_the_stamp_of_its_own_answer() {
        let target: SocketAddr = "192.0.2.1:862".parse().unwrap();
        let (mut told, meta) = (AnswerContents::default(), RxEntry::default().meta);
        for seq in 0..200_u32 {
            // The previous answer was lost: there is no stamp to compare with.
            let of = if seq % 10 == 0 { 500 + seq } else { seq.wrapping_sub(1) };
            let at = Nanos(1_000 * u64::from(of) + 70);
            told.observe(&meta, target, &answer(seq, None, Some(Departed { seq: of, at })));
        }
        let after = told.departures().unwrap().report(Some(0));
        assert_eq!((after.samples, after.min, after.max), (180, Some(70), Some(70)));
    }

    #[test]
    fn hops_are_known_only_where_nothing_may_have_sent_the_probes_anew() {
        let target: SocketAddr = "192.0.2.1:862".parse().unwrap();
        let meta = RxEntry::default().meta;
        for (came, left, hops) in [
            (250, 255, Some(Hops::Known(5))),
            (255, 255, Some(Hops::Known(0))),
            (64, 255, Some(Hops::Either(191, 0))),
            (60, 64, Some(Hops::Known(4))),
            // Higher than it was sent with.
            (64, 30, None),
            (255, 64, None),
        ] {
            let mut told = AnswerContents::default();
            assert_eq!(told.hops_out(left), None);
            let mut echo = answer(1, None, None);
            echo.reflector.as_mut().unwrap().ttl = came;
            told.observe(&meta, target, &echo);
            assert_eq!(told.hops_out(left), hops, "{came} of {left}");
        }
    }

    #[test]
    fn the_latest_counts_stay_whatever_is_reordered() {
        let target: SocketAddr = "192.0.2.1:862".parse().unwrap();
        let (mut told, meta) = (AnswerContents::default(), RxEntry::default().meta);
        for received in [u32::MAX, 3, 1] {
            let counts = DirectMeasurement { sent: 9, received, reflected: received };
            told.observe(&meta, target, &answer(0, Some(counts), None));
        }
        assert_eq!(told.counts().map(|counts| counts.received), Some(3));
        assert_eq!(told.elsewhere(), (Some(meta.source), 3));
    }
}
