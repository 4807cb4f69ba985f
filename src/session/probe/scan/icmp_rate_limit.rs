//! Whether a host could have sent an ICMP error. Hosts and routers rate-limit errors, so silence
//! means something only when an error was possible.
//!
//! Linux answers six closed ports at once, then one a second for each prober (`icmp_ratelimit`,
//! icmp(7)): a token bucket that gains a token every second, and that a suppressed error leaves
//! unchanged. So if a question was sent and none of those sent within the second before it was
//! answered by an error, a token was available, and the port itself is silent. All times are
//! transmit times, since the answers to two questions may take different times. Every sender of
//! errors has its own bucket: a silent port may belong to any sender heard before.

use crate::units::Nanos;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Assumed time per error, before more is known: Linux's one second.
const USUAL: Nanos = Nanos::from_secs(1);
/// Errors that Linux sends at once.
const AT_ONCE: u64 = 6;
/// The longest and the shortest time per error that is learned.
const LONGEST: Nanos = Nanos::from_secs(6);
const SHORTEST: Nanos = Nanos::from_millis(100);
/// Allowance for delay variation of the path: the longest round trip, within these bounds.
const LEAST_ROOM: Nanos = Nanos::from_millis(20);
const MOST_ROOM: Nanos = Nanos::from_millis(100);
/// How far the time between two errors may deviate from the token interval, as questions are not
/// continuous.
const UNSURE: Nanos = Nanos::from_millis(25);
/// Waits between suppressed errors needed to derive a rate. The first may have begun before the
/// bucket was empty, or ended with saved tokens: with that and one more a bound is known, with all
/// of them the time of the next error.
const WAITS: usize = 3;
const BOUND: usize = 2;
/// Errors remembered; earlier ones are too old to matter at any rate of a scan.
const REMEMBERED: usize = 8_192;
/// Senders of errors kept apart; further ones share the last one's bucket.
const SENDERS: usize = 32;

/// The errors of a scan.
#[derive(Debug, Default)]
pub(super) struct IcmpRateLimit {
    buckets: Vec<(Option<IpAddr>, Bucket)>,
    longest_round_trip: Nanos,
}

/// One sender's errors, by the transmit times of the questions that they answer.
#[derive(Debug)]
struct Bucket {
    /// Time after an error in which silence means nothing, with the allowance for the path.
    span: Nanos,
    /// Number of errors.
    count: u64,
    /// Transmit times, in order.
    sent: Vec<Nanos>,
    /// When the last one arrived.
    last: Option<Nanos>,
    /// The latest waits: time from one error to the next suppressed one.
    waits: VecDeque<Nanos>,
    /// A longer span that was needed once.
    slower: Option<Nanos>,
    /// Whether the span had to grow.
    grown: bool,
    /// Whether a suppressed error arrived later than it was due.
    late: bool,
}

impl IcmpRateLimit {
    /// An error of `who` arrived at `now` for one of the questions sent at `sent`. It may have been
    /// `held_back` (suppressed) before.
    pub fn observe(
        &mut self,
        who: Option<IpAddr>,
        sent: impl Iterator<Item = Nanos>,
        now: Nanos,
        held_back: bool,
    ) {
        let room = self.room();
        let bucket = self.bucket(who);
        sent.for_each(|sent| bucket.remember(sent));
        bucket.count += 1;
        let before = bucket.last.replace(now);
        if held_back {
            let wait = before.map_or(LONGEST, |before| now - before);
            // Half-way to the next token.
            bucket.late |= before.is_some() && wait > Nanos(bucket.span.0 / 2 * 3) + room;
            bucket.observe_wait(wait);
        }
    }

    /// A question and its answer took this long.
    pub fn observe_round_trip(&mut self, round_trip: Nanos) {
        self.longest_round_trip = self.longest_round_trip.max(round_trip);
    }

    /// The longest round trip seen.
    pub fn longest_round_trip(&self) -> Nanos {
        self.longest_round_trip
    }

    /// Pause before the last tries, so that another error is possible if the last was lost. If
    /// silence was `missed` for an error, or one came late, some errors may go to a port from which
    /// none arrives: then wait for one more.
    pub fn lull(&self, missed: bool) -> Nanos {
        let longest = |also: bool| {
            let buckets = self.buckets.iter().map(|(_, bucket)| bucket);
            buckets.filter(|one| also || one.may_be_empty()).map(|one| one.span.min(USUAL)).max()
        };
        let Some(span) = longest(false).or_else(|| longest(true)) else { return Nanos::ZERO };
        let late = self.buckets.iter().any(|(_, bucket)| bucket.late);
        Nanos((span + self.room()).0 * if missed || late { 2 } else { 1 })
    }

    /// Whether some sender sent several errors, so that its burst is larger than one, but none sent
    /// so many that, with one more lost, Linux would have exhausted its burst.
    pub fn seems_ample(&self) -> bool {
        let several = self.buckets.iter().any(|(_, bucket)| bucket.count > 1);
        several && !self.buckets.iter().any(|(_, bucket)| bucket.may_be_empty())
    }

    /// When the next error may be available, shortly before it is due: a question before that is
    /// useless. `None` until a rate is known.
    pub fn opening(&self, now: Nanos) -> Option<Nanos> {
        let owing = self.buckets.iter().filter(|(_, bucket)| self.is_owing(bucket, now));
        // No need to wait for one sender while another's next error may come at any time.
        let openings: Option<Vec<Nanos>> = owing.map(|(_, bucket)| bucket.opening()).collect();
        openings.and_then(|openings| openings.into_iter().min())
    }

    /// Whether an error for a question sent at `sent` was possible, whichever sender's port it was.
    pub fn could_answer(&self, sent: Nanos) -> bool {
        self.buckets.iter().all(|(_, bucket)| {
            bucket.last_before(sent).is_none_or(|other| sent - other >= self.span(bucket))
        })
    }

    /// Whether errors arrived so recently that a question would be useless.
    pub fn owes(&self, now: Nanos) -> bool {
        self.buckets.iter().any(|(_, bucket)| self.is_owing(bucket, now))
    }

    /// A port that was silent to a question sent at `silent`, when an error was possible, now has
    /// one of `who` for a question sent at `sent`. That may be a loss, or a slower limit than
    /// assumed: the second time, the span grows to the time between two errors. Returns whether it
    /// grew.
    pub fn learn(&mut self, who: Option<IpAddr>, silent: Nanos, sent: Nanos) -> bool {
        self.bucket(who).learn(silent, sent)
    }

    fn bucket(&mut self, who: Option<IpAddr>) -> &mut Bucket {
        let known = self.buckets.iter().position(|(other, _)| *other == who);
        let index = known.unwrap_or_else(|| {
            if self.buckets.len() < SENDERS {
                self.buckets.push((who, Bucket::default()));
            }
            self.buckets.len() - 1
        });
        &mut self.buckets[index].1
    }

    fn is_owing(&self, bucket: &Bucket, now: Nanos) -> bool {
        bucket.last.is_some_and(|last| now < last + self.span(bucket))
    }

    fn span(&self, bucket: &Bucket) -> Nanos {
        bucket.span + self.room()
    }

    fn room(&self) -> Nanos {
        self.longest_round_trip.clamp(LEAST_ROOM, MOST_ROOM)
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            span: USUAL,
            count: 0,
            sent: Vec::new(),
            last: None,
            waits: VecDeque::with_capacity(WAITS),
            slower: None,
            grown: false,
            late: false,
        }
    }
}

impl Bucket {
    fn remember(&mut self, sent: Nanos) {
        let at = self.sent.partition_point(|other| *other <= sent);
        self.sent.insert(at, sent);
        if self.sent.len() > REMEMBERED {
            self.sent.drain(..REMEMBERED / 2);
        }
    }

    /// Whether errors were suppressed, or may have been if one more was lost.
    fn may_be_empty(&self) -> bool {
        self.count + 1 >= AT_ONCE || !self.waits.is_empty()
    }

    /// If suppressed errors come fast, as a host sends them over IPv6, the span shrinks to the
    /// longest wait for one; if none ever came sooner, it grows.
    fn observe_wait(&mut self, wait: Nanos) {
        if self.waits.len() == WAITS {
            self.waits.pop_front();
        }
        self.waits.push_back(wait);
        if let Some(shortest) = self.shortest_wait() {
            let slower = shortest > self.span + UNSURE;
            self.grown |= slower;
            self.span = if slower { shortest.min(LONGEST) } else { self.span };
        }
        if self.waits.len() < BOUND || self.grown {
            return;
        }
        let longest = self.waits.iter().max().copied().unwrap_or(USUAL);
        self.span = Nanos(longest.0 / 10 * 11 + UNSURE.0).clamp(SHORTEST, USUAL);
    }

    fn opening(&self) -> Option<Nanos> {
        // A twentieth before it, so that a faster rate than assumed is noticed.
        let wait = Nanos(self.shortest_wait()?.0 / 20 * 19);
        self.last.map(|last| last + wait)
    }

    /// The shortest wait, once known: during a longer one some other prober may have got an error.
    fn shortest_wait(&self) -> Option<Nanos> {
        let known = self.waits.iter().skip(1).min().copied();
        known.filter(|_| self.waits.len() == WAITS)
    }

    fn learn(&mut self, silent: Nanos, sent: Nanos) -> bool {
        let Some(gap) = self.last_before(silent).map(|other| sent - other) else { return false };
        // A tenth longer, as questions are not sent at the exact moment.
        let longer = Nanos(gap.0 + gap.0 / 10);
        if longer <= self.span || longer > LONGEST {
            return false;
        }
        let Some(other) = self.slower.replace(longer) else { return false };
        self.span = longer.min(other);
        self.grown = true;
        true
    }

    fn last_before(&self, sent: Nanos) -> Option<Nanos> {
        self.sent[..self.sent.partition_point(|other| *other < sent)].last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Nanos = Nanos::from_millis;
    const HOST: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)));
    const WALL: Option<IpAddr> = None;

    /// An error of the host, for a question sent at `sent`.
    fn error(debt: &mut IcmpRateLimit, sent: Nanos, now: Nanos) {
        debt.observe(HOST, [sent].into_iter(), now, false);
    }

    fn held_back(debt: &mut IcmpRateLimit, now: Nanos) {
        debt.observe(HOST, [now].into_iter(), now, true);
    }

    #[test]
    fn silence_says_something_only_where_no_error_was_sent_just_before() {
        let mut debt = IcmpRateLimit::default();
        assert!(debt.could_answer(MS(500)));
        assert!(!debt.owes(MS(500)));
        error(&mut debt, MS(1_000), MS(1_010));
        // Sent before the answered one: then the token was still available.
        assert!(debt.could_answer(MS(999)));
        assert!(!debt.could_answer(MS(1_001)));
        assert!(!debt.could_answer(MS(2_019)));
        assert!(debt.could_answer(MS(2_020)));
        assert!(debt.owes(MS(2_029)) && !debt.owes(MS(2_030)));
        // The longer the path, the more its delay may vary.
        debt.observe_round_trip(MS(60));
        assert!(!debt.could_answer(MS(2_059)) && debt.could_answer(MS(2_060)));
        // A late error, to an earlier question, makes later silence useless.
        error(&mut debt, MS(500), MS(2_500));
        assert!(!debt.could_answer(MS(999)));
    }

    #[test]
    fn a_slower_limit_is_learned_up_to_a_bound_and_a_loss_is_none() {
        let mut debt = IcmpRateLimit::default();
        assert!(!debt.learn(HOST, MS(900), MS(1_500)), "no error came before it");
        error(&mut debt, MS(1_000), MS(1_010));
        assert!(debt.could_answer(MS(2_500)));
        assert!(!debt.learn(WALL, MS(2_500), MS(3_000)), "that is another's");
        assert!(!debt.learn(HOST, MS(2_500), MS(3_000)), "once may be a loss");
        assert!(debt.learn(HOST, MS(2_500), MS(3_100)));
        assert!(!debt.could_answer(MS(3_219)) && debt.could_answer(MS(3_220)));
        assert!(!debt.learn(HOST, MS(2_500), MS(2_900)), "that is known by now");
        assert!(!debt.learn(HOST, MS(2_500), MS(11_000)), "who is silent for so long has lost it");
    }

    #[test]
    fn where_errors_come_fast_the_span_shrinks_and_the_next_is_foretold() {
        let mut debt = IcmpRateLimit::default();
        error(&mut debt, MS(0), MS(0));
        for turn in 1..=4 {
            held_back(&mut debt, MS(turn * 100));
            let foretold = (turn >= 3).then(|| MS(turn * 100 + 95));
            assert_eq!(debt.opening(MS(turn * 100)), foretold, "turn {turn}");
            let silent = if turn < 2 { 1_020 } else { 155 };
            assert!(debt.could_answer(MS(turn * 100 + silent)));
            assert!(!debt.could_answer(MS(turn * 100 + silent - 1)));
        }
        assert_eq!(debt.lull(false), MS(155));
        // Two saved tokens, then Linux's rate: no reason to shrink.
        let mut debt = IcmpRateLimit::default();
        error(&mut debt, MS(0), MS(0));
        for at in [2_500, 2_501, 3_000, 4_000] {
            held_back(&mut debt, MS(at));
            assert!(!debt.could_answer(MS(at + 1_019)));
        }
        // That was late because the question was late.
        assert_eq!(debt.lull(false), MS(2_040));
        let mut debt = IcmpRateLimit::default();
        for at in [0, 1_000, 2_000, 3_000] {
            held_back(&mut debt, MS(at));
        }
        assert_eq!(debt.opening(MS(3_000)), Some(MS(3_950)));
        assert_eq!((debt.lull(false), debt.lull(true)), (MS(1_020), MS(2_040)));
        // One that was lost, or went elsewhere, is missing.
        held_back(&mut debt, MS(5_000));
        assert_eq!(debt.lull(false), MS(2_040));
    }

    #[test]
    fn everybody_who_sends_errors_has_a_pace_of_his_own() {
        let mut debt = IcmpRateLimit::default();
        for turn in 0..8 {
            let at = MS(turn * 500);
            let who = if turn % 2 == 0 { HOST } else { WALL };
            debt.observe(who, [at].into_iter(), at, true);
        }
        assert_eq!(debt.lull(false), MS(1_020));
        // The host's last was at 3,000, the firewall's at 3,500.
        assert!(!debt.could_answer(MS(4_519)) && debt.could_answer(MS(4_520)));
        assert_eq!(debt.opening(MS(3_500)), Some(MS(3_950)));
        // With any number of senders.
        for who in 0..100_u32 {
            debt.observe(Some(IpAddr::V4(who.into())), [MS(9_000)].into_iter(), MS(9_000), false);
        }
        assert!(debt.owes(MS(9_100)) && !debt.could_answer(MS(9_001)));
        assert!(debt.buckets.len() == SENDERS && !debt.seems_ample());
        let mut debt = IcmpRateLimit::default();
        for turn in 0..AT_ONCE {
            assert_eq!(debt.seems_ample(), (2..=4).contains(&turn), "{turn} errors");
            error(&mut debt, MS(turn), MS(turn));
        }
        assert!(!debt.seems_ample());
    }
}
