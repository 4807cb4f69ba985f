//! A constant-rate schedule of sends: absolute and in integers, so that it does not drift.

use super::{RateLimit, RateMeter};
use crate::units::Nanos;

/// Longest span of the schedule that is sent as one burst.
const QUANTUM: Nanos = Nanos::from_micros(100);

/// How many times the rate is sent while the schedule is caught up with. A host that slept for 3 ms
/// would else send 300 datagrams of 100,000 a second at once: more than the socket of a receiver
/// with this system's default buffer holds.
const CATCH_UP: u64 = 4;

/// Span of the schedule that is caught up with at once, and at least two bursts: timers are late by
/// less than that.
const AT_ONCE: Nanos = Nanos::from_micros(500);

/// No limit of what is caught up with.
const UNBOUNDED: RateLimit = RateLimit::ahead_by(Nanos::ZERO, Nanos::MAX);

/// An absolute schedule: slot `k` is planned at `start + k * span / datagrams`, rounded down. A
/// late slot is still sent and never skipped; the number sent at once is bounded, and, if asked,
/// the rate at which a late schedule is caught up with.
#[derive(Clone, Debug)]
pub struct Pacer {
    start: Nanos,
    /// Slots per `span`; 0 for no schedule.
    datagrams: u64,
    span: u64,
    /// Slots per burst.
    quantum: u64,
    /// Slots used so far.
    spent: u64,
    catch_up: RateLimit,
    used: RateMeter,
    /// So many slots count as one of that limit: whole nanoseconds are too coarse for small ones.
    grain: u64,
}

impl Pacer {
    /// `datagrams` slots in every `span`, beginning at `start`; both at least 1. `burst` is the
    /// number of slots sent together, at least 1; `None` for as many as 100 µs of the schedule
    /// hold.
    pub fn new(start: Nanos, datagrams: u64, span: Nanos, burst: Option<u32>) -> Self {
        let (datagrams, span) = (datagrams.max(1), span.0.max(1));
        let held = u128::from(QUANTUM.0) * u128::from(datagrams) / u128::from(span);
        let quantum = match burst {
            Some(burst) => u64::from(burst.max(1)),
            None => u64::try_from(held).unwrap_or(u64::MAX).max(1),
        };
        let (catch_up, used) = (UNBOUNDED, RateMeter::default());
        Self { start, datagrams, span, quantum, spent: 0, catch_up, used, grain: 1 }
    }

    /// The same schedule, caught up with at four times its rate at most, but for what timers are
    /// late by.
    #[must_use]
    pub fn with_bounded_catch_up(self) -> Self {
        // Rounded down: what is caught up with is never slower than that.
        let each = Nanos(self.span / self.datagrams.max(1) / CATCH_UP);
        let two_bursts = each.0.saturating_mul(self.quantum).saturating_mul(2);
        let catch_up = RateLimit::ahead_by(each, Nanos((AT_ONCE.0 / CATCH_UP).max(two_bursts)));
        Self { catch_up, ..self }
    }

    /// The same for slots that are parts of datagrams, `grain` of them each, at least 1.
    #[must_use]
    pub fn with_bounded_catch_up_of(self, grain: u64) -> Self {
        let grain = grain.max(1);
        let span = u128::from(self.span) * u128::from(grain) / u128::from(self.datagrams.max(1));
        let each = Nanos(u64::try_from(span).unwrap_or(u64::MAX) / CATCH_UP);
        let two_bursts = each.0.saturating_mul(self.quantum.div_ceil(grain)).saturating_mul(2);
        let catch_up = RateLimit::ahead_by(each, Nanos((AT_ONCE.0 / CATCH_UP).max(two_bursts)));
        Self { catch_up, grain, ..self }
    }

    /// No schedule: every slot is due at once.
    pub fn unlimited() -> Self {
        let (catch_up, used) = (UNBOUNDED, RateMeter::default());
        Self {
            start: Nanos::ZERO,
            datagrams: 0,
            span: 1,
            quantum: u64::MAX,
            spent: 0,
            catch_up,
            used,
            grain: 1,
        }
    }

    /// Whether there is no schedule.
    pub fn is_unlimited(&self) -> bool {
        self.datagrams == 0
    }

    /// Slots per burst; 0 without a schedule.
    pub fn quantum(&self) -> u64 {
        if self.is_unlimited() { 0 } else { self.quantum }
    }

    /// When slot `k` is planned.
    pub fn planned(&self, k: u64) -> Nanos {
        if self.is_unlimited() {
            return self.start;
        }
        let after = u128::from(k) * u128::from(self.span) / u128::from(self.datagrams);
        self.start + Nanos(u64::try_from(after).unwrap_or(u64::MAX))
    }

    /// Slots to send now: none before the next burst is complete, and never more than one burst per
    /// call, so that catching up is a series of bounded bursts.
    pub fn due(&self, now: Nanos) -> u64 {
        if self.is_unlimited() {
            return u64::MAX;
        }
        if now < self.next_at() {
            return 0;
        }
        self.owed(now).min(self.quantum)
    }

    /// Slots that are due and not yet used; none without a schedule.
    pub fn owed(&self, now: Nanos) -> u64 {
        if self.is_unlimited() || now < self.start {
            return 0;
        }
        // Slot k is due when k * span / datagrams <= elapsed, rounded down.
        let elapsed = u128::from((now - self.start).0) + 1;
        let come = (elapsed * u128::from(self.datagrams)).div_ceil(u128::from(self.span));
        u64::try_from(come).unwrap_or(u64::MAX).saturating_sub(self.spent)
    }

    /// When the next burst may be sent: at the planned instant of its last slot, so that no slot is
    /// sent early, or later if too many were sent lately.
    pub fn next_at(&self) -> Nanos {
        self.complete_at().max(self.used.admits_at(self.catch_up, self.grains(self.quantum)))
    }

    /// When the next burst is complete.
    fn complete_at(&self) -> Nanos {
        self.complete_behind(0)
    }

    /// When the burst behind so many further slots is complete.
    pub fn complete_behind(&self, slots: u64) -> Nanos {
        self.planned(self.spent.saturating_add(slots).saturating_add(self.quantum - 1))
    }

    /// How late the oldest due slot is, counted from the end of its burst.
    pub fn late(&self, now: Nanos) -> Nanos {
        if self.is_unlimited() { Nanos::ZERO } else { now - self.complete_at() }
    }

    /// The schedule `next` in place of this one from `now` on: what is under way to the next slot
    /// counts, so that a rate may change at any time without an extra slot. Of the slots that are
    /// owed, `most` at most stay so; returns how many do not.
    pub fn continued_by(&self, next: Self, now: Nanos, most: u64) -> (Self, u64) {
        if self.is_unlimited() || next.is_unlimited() {
            return (next, 0);
        }
        let owed = self.owed(now);
        let kept = owed.min(most);
        // Time that is paid for the next slot, or still to come, as a part of the gap between two.
        let last = self.planned(self.spent.saturating_add(owed));
        let old_gap = self.span.checked_div(self.datagrams).unwrap_or(1).max(1);
        let gap = u128::from(next.span / next.datagrams.max(1));
        let to_come = u128::from((last - now).0.min(old_gap)) * gap / u128::from(old_gap);
        let ahead = u128::from(kept) * gap;
        let nanos = |wide: u128| Nanos(u64::try_from(wide).unwrap_or(u64::MAX));
        (Self { start: now + nanos(to_come) - nanos(ahead), spent: 0, ..next }, owed - kept)
    }

    /// Marks `slots` as used at `now`: they were sent, or finally refused. Blocked slots are not
    /// used.
    pub fn commit(&mut self, now: Nanos, slots: u64) {
        self.spent = self.spent.saturating_add(slots);
        self.used.count(self.catch_up, self.grains(slots), now);
    }

    /// What slots count as in the limit of catching up.
    #[inline]
    fn grains(&self, slots: u64) -> u64 {
        if self.grain == 1 { slots } else { slots.div_ceil(self.grain) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_due_when_they_are_planned_and_never_before() {
        let pacer = Pacer::new(Nanos(1000), 3, Nanos(100), Some(1));
        for (k, at) in [(0, 1000), (1, 1033), (2, 1066), (3, 1100), (300, 11_000)] {
            assert_eq!(pacer.planned(k), Nanos(at));
            assert_eq!(pacer.owed(Nanos(at)), k + 1);
            assert_eq!(pacer.owed(Nanos(at - 1)), k);
        }
    }

    #[test]
    fn a_rate_holds_exactly_over_every_second_however_the_caller_is_late() {
        // Against a direct count: how many k have k * span / datagrams <= elapsed.
        let seed = 7;
        let mut rng = fastrand::Rng::with_seed(seed);
        for (datagrams, span) in
            [(1, 2_000_000_000), (1, 1_000_000_000), (999_983, 1_000_000_000), (20, 1_000)]
        {
            let mut pacer =
                Pacer::new(Nanos(5), datagrams, Nanos(span), None).with_bounded_catch_up();
            let (mut now, mut sent) = (5u64, 0u64);
            for second in 1..=4u64 {
                let end = 5 + second * 1_000_000_000;
                while now < end {
                    let due = pacer.due(Nanos(now));
                    assert!(due <= pacer.quantum());
                    let took = if due > 1 && rng.u8(..) < 8 { rng.u64(1..=due) } else { due };
                    pacer.commit(Nanos(now), took);
                    sent += took;
                    if took > 0 {
                        assert!(pacer.planned(sent - 1) <= Nanos(now), "seed {seed}: early");
                    }
                    let next = pacer.next_at().0.max(now + 1);
                    now = (next + rng.u64(0..20_000)).min(end);
                }
                let ideal = (u128::from(end - 5) * u128::from(datagrams) / u128::from(span)) as u64;
                let slack = 2 * pacer.quantum() + ideal / 1000;
                assert!(sent.abs_diff(ideal) <= slack, "{datagrams}/{span}: {sent} of {ideal}");
            }
        }
    }

    #[test]
    fn what_is_blocked_stays_owed() {
        let mut pacer = Pacer::new(Nanos(0), 1, Nanos(10), Some(4));
        assert_eq!(pacer.due(Nanos(29)), 0);
        assert_eq!(pacer.due(Nanos(30)), 4);
        pacer.commit(Nanos(30), 1);
        assert_eq!((pacer.owed(Nanos(30)), pacer.due(Nanos(30))), (3, 0));
        assert_eq!(pacer.due(Nanos(1_000)), 4);
        assert_eq!(pacer.late(Nanos(1_000)), Nanos(960));
    }

    #[test]
    fn the_quantum_is_100_us_of_the_rate_and_at_least_one() {
        let quantum =
            |datagrams, span| Pacer::new(Nanos(0), datagrams, Nanos(span), None).quantum();
        assert_eq!(quantum(1_000_000, 1_000_000_000), 100);
        assert_eq!(quantum(10, 1_000_000_000), 1);
        assert_eq!(Pacer::unlimited().due(Nanos(0)), u64::MAX);
    }

    #[test]
    fn a_host_that_slept_catches_up_at_a_bounded_rate() {
        // 100,000 a second; 5 ms late: 501 datagrams are owed.
        let mut pacer =
            Pacer::new(Nanos(0), 1, Nanos::from_micros(10), None).with_bounded_catch_up();
        let woke = Nanos::from_millis(5);
        assert_eq!((pacer.quantum(), pacer.owed(woke)), (10, 501));
        let (mut now, mut sent, mut at_once) = (woke, 0, 0);
        while pacer.late(now) > Nanos::ZERO {
            let due = pacer.due(now);
            pacer.commit(now, due);
            sent += due;
            at_once += if now == woke { due } else { 0 };
            now = pacer.next_at().max(now);
            let most = 50 + 4 * (now - woke).0 / 10_000 + 10;
            assert!(sent <= most, "{sent} of {most} at {now:?}");
        }
        // Half a millisecond of the schedule at once, the rest at four times the rate.
        assert_eq!(at_once, 50);
        let took = now - woke;
        assert!(
            (Nanos::from_micros(1_400)..=Nanos::from_micros(1_700)).contains(&took),
            "{took:?}"
        );
    }

    #[test]
    fn timers_that_are_late_by_less_than_half_a_millisecond_never_wait_for_that() {
        let mut pacer =
            Pacer::new(Nanos(0), 1, Nanos::from_micros(10), None).with_bounded_catch_up();
        for wake in 1..1_000u64 {
            let now = Nanos(wake * 400_000);
            while pacer.owed(now) >= pacer.quantum() {
                let due = pacer.due(now);
                assert!(due > 0, "at {now:?}");
                pacer.commit(now, due);
            }
        }
    }

    #[test]
    fn a_rate_that_changes_all_the_time_is_kept_without_bursts() {
        for seed in 0..20 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let second = Nanos::from_secs(1);
            let mut rate = rng.u64(10..50_000);
            let mut now = Nanos::from_secs(1);
            let mut pacer = Pacer::new(now, rate, second, None);
            // What the rates add up to, in slots times 10^9.
            let (mut ideal, mut sent, mut largest) = (0u128, 0u64, 0u64);
            for _ in 0..2_000 {
                let until = now + Nanos(rng.u64(1..20_000_000));
                while pacer.next_at() <= until {
                    let at = pacer.next_at().max(now);
                    let due = pacer.due(at);
                    largest = largest.max(due);
                    pacer.commit(at, due);
                    sent += due;
                }
                ideal += u128::from((until - now).0) * u128::from(rate);
                now = until;
                rate = rng.u64(10..50_000);
                let next = Pacer::new(now, rate, second, None);
                let skipped;
                (pacer, skipped) = pacer.continued_by(next, now, u64::MAX);
                assert_eq!(skipped, 0, "seed {seed}");
                let whole = (ideal / 1_000_000_000) as u64;
                let ahead = sent.abs_diff(whole);
                assert!(ahead <= 10 + whole / 1_000, "seed {seed}: {sent} of {whole}");
            }
            assert!(largest <= 6, "seed {seed}: {largest} at once");
        }
    }

    #[test]
    fn of_what_is_owed_when_the_rate_changes_only_so_much_stays_owed() {
        let second = Nanos::from_secs(1);
        let pacer = Pacer::new(Nanos::from_secs(100), 1_000, second, None);
        let now = Nanos::from_millis(100_099);
        assert_eq!(pacer.owed(now), 100);
        let (next, skipped) = pacer.continued_by(Pacer::new(now, 10, second, None), now, 30);
        assert_eq!((next.owed(now), skipped), (30, 70));
    }

    #[test]
    fn numbers_beyond_every_run_do_not_overflow() {
        let mut pacer = Pacer::new(Nanos(0), u64::MAX, Nanos(1), None).with_bounded_catch_up();
        pacer.commit(Nanos::MAX, u64::MAX);
        pacer.commit(Nanos::ZERO, 1);
        assert_eq!(pacer.owed(Nanos::MAX), 0);
        assert!(pacer.next_at() >= Nanos(0));
    }
}
