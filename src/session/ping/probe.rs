//! Probes in flight and recent ones, in a ring of bounded size.

use crate::units::Nanos;

/// Minimum and maximum probes remembered. The maximum takes 25 MiB.
const LEAST: usize = 1_024;
const MOST: usize = 1 << 18;

/// State of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Within its time-out, not answered yet.
    #[default]
    Waiting,
    /// Timed out; an answer now is late.
    TimedOut,
    /// Timed out, after ICMP had reported that it did not arrive.
    Refused,
    /// Answered in time.
    Back,
    /// Answered, but late.
    Late,
}

/// One probe.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Probe {
    /// Planned transmit time, on the monotonic clock.
    pub planned: Nanos,
    /// When it was handed to the kernel, on the monotonic clock.
    pub sent: Nanos,
    /// The same on the real-time clock, as written in the probe.
    pub sent_real: Nanos,
    /// When it was sent according to the kernel, on the monotonic clock; zero if unknown.
    pub left: Nanos,
    /// Extension of its time-out, for pauses of this host.
    pub extra: Nanos,
    /// This host was paused during the send: without the kernel's stamp, the transmit time is
    /// unknown.
    pub unsure: bool,
    pub state: State,
    /// ICMP reported that it did not arrive. An answer within the time-out overrules that.
    pub is_refused: bool,
    /// Duplicate answers.
    pub copies: u16,
    /// TTL of the answer; 0 if unknown.
    pub ttl: u8,
    /// When the answer arrived, on the monotonic and on the real-time clock.
    pub arrived: Nanos,
    pub arrived_real: Nanos,
    /// The reflector's receive and transmit times, zero if unknown.
    pub received: Nanos,
    pub answered: Nanos,
    /// The reflector's number in its answer; `None` without one.
    pub reflected: Option<u32>,
}

impl Probe {
    /// When it was sent: by the kernel's stamp, else when it was handed over.
    pub fn transmitted(&self) -> Nanos {
        if self.left == Nanos::ZERO { self.sent } else { self.left }
    }

    /// Whether its transmit time is known.
    pub fn is_timed(&self) -> bool {
        !self.unsure || self.left != Nanos::ZERO
    }
}

/// The latest probes by number. Three marks divide them: those below `settled` are dropped, those
/// below `expired` are answered or timed out, those from `next` on are not sent yet.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    ring: Box<[Probe]>,
    next: u64,
    expired: u64,
    settled: u64,
    /// Probes that may still be answered in time.
    waiting: u64,
}

impl Probes {
    /// Capacity for the probes of twice the time-out plus a quarter, within bounds.
    pub fn new(interval: Option<Nanos>, wait: Nanos) -> Self {
        let wanted = interval.map_or(1, |interval| {
            let within = u128::from(wait.0) * 5 / 2 / u128::from(interval.0.max(1));
            usize::try_from(within).unwrap_or(MOST)
        });
        let room = wanted.clamp(LEAST, MOST).next_power_of_two();
        let ring = vec![Probe::default(); room].into_boxed_slice();
        Self { ring, next: 0, expired: 0, settled: 0, waiting: 0 }
    }

    /// Number of probes sent so far, which is the next one's number.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Probes that may still be answered in time.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Whether one more probe needs the oldest one's place.
    pub fn is_full(&self) -> bool {
        self.next - self.settled == self.ring.len() as u64
    }

    /// One more was sent.
    pub fn push(&mut self, probe: Probe) {
        debug_assert!(!self.is_full());
        let place = self.place(self.next);
        self.ring[place] = probe;
        self.next += 1;
        self.waiting += 1;
    }

    /// The probe with this number, if it was sent and not dropped.
    pub fn find(&mut self, number: u64) -> Option<&mut Probe> {
        let known = (self.settled..self.next).contains(&number);
        let place = self.place(number);
        known.then(|| &mut self.ring[place])
    }

    /// Ends the wait for a probe; no effect if it has ended already.
    pub fn close(&mut self, number: u64, state: State) {
        if let Some(probe) = self.find(number) {
            let before = std::mem::replace(&mut probe.state, state);
            self.waiting -= u64::from(before == State::Waiting);
        }
    }

    /// Extends a sequence number on the wire to the nearest full number.
    pub fn extend(&self, seq: u32) -> Option<u64> {
        let behind = i64::from((self.next as u32).wrapping_sub(seq) as i32);
        self.next.checked_add_signed(-behind).filter(|number| *number < self.next)
    }

    /// The newest probe that is waited for and was not refused: the one that an error is about which
    /// does not say so, unless the path is longer than the probes are apart.
    pub fn newest_waiting(&self) -> Option<u64> {
        let of = |number: &u64| &self.ring[self.place(*number)];
        let open = |probe: &Probe| probe.state == State::Waiting && !probe.is_refused;
        (self.expired.max(self.settled)..self.next).rev().find(|number| open(of(number)))
    }

    /// When the oldest waiting probe times out; `None` if none waits.
    pub fn next_expiry(&mut self, wait: Nanos) -> Option<Nanos> {
        while self.expired < self.next {
            let probe = self.ring[self.place(self.expired)];
            if self.expired >= self.settled && probe.state == State::Waiting {
                return Some(probe.sent + wait + probe.extra);
            }
            self.expired += 1;
        }
        None
    }

    /// Times out the oldest probe whose time is over, and returns it.
    pub fn expire(&mut self, now: Nanos, wait: Nanos) -> Option<(u64, Probe)> {
        if self.next_expiry(wait).is_none_or(|at| now <= at) {
            return None;
        }
        let number = self.expired;
        let is_refused = self.ring[self.place(number)].is_refused;
        self.close(number, if is_refused { State::Refused } else { State::TimedOut });
        self.expired += 1;
        Some((number, self.ring[self.place(number)]))
    }

    /// Drops the oldest probe sent before `horizon`, or the oldest of all if room is needed, and
    /// returns its result.
    pub fn settle(&mut self, horizon: Nanos) -> Option<(u64, Probe)> {
        if self.settled == self.next {
            return None;
        }
        let probe = self.ring[self.place(self.settled)];
        if probe.sent >= horizon && !self.is_full() {
            return None;
        }
        let number = self.settled;
        if probe.state == State::Waiting {
            self.close(number, State::TimedOut);
        }
        self.settled += 1;
        self.expired = self.expired.max(self.settled);
        Some((number, probe))
    }

    /// This host was paused for `length`: time-outs are extended by that, and the transmit time of
    /// the probes handed over at `last` is unknown.
    pub fn extend_waits(&mut self, length: Nanos, last: Nanos) {
        for number in self.expired.max(self.settled)..self.next {
            let place = self.place(number);
            let probe = &mut self.ring[place];
            if probe.state == State::Waiting {
                probe.extra += length;
                probe.unsure |= probe.sent >= last;
            }
        }
    }

    fn place(&self, number: u64) -> usize {
        number as usize & (self.ring.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Nanos = Nanos(100);

    fn sent(at: u64) -> Probe {
        Probe { sent: Nanos(at), ..Probe::default() }
    }

    #[test]
    fn the_room_follows_rate_and_wait_within_bounds() {
        for (interval, wait, room) in [
            (Some(Nanos::from_secs(1)), Nanos::from_secs(2), LEAST),
            (Some(Nanos::from_millis(1)), Nanos::from_secs(2), 8_192),
            (Some(Nanos(1)), Nanos::from_secs(3_600), MOST),
            (None, Nanos::from_secs(2), LEAST),
        ] {
            assert_eq!(Probes::new(interval, wait).ring.len(), room, "{interval:?}");
        }
        assert!(size_of::<Probe>() * MOST <= 25 << 20, "{}", size_of::<Probe>());
    }

    #[test]
    fn the_oldest_is_given_up_first_and_only_while_it_waits() {
        let mut probes = Probes::new(None, WAIT);
        (0..4).for_each(|at| probes.push(sent(at)));
        probes.close(1, State::Back);
        assert_eq!(probes.next_expiry(WAIT), Some(Nanos(100)));
        assert!(probes.expire(Nanos(100), WAIT).is_none());
        let given_up: Vec<_> = std::iter::from_fn(|| probes.expire(Nanos(103), WAIT))
            .map(|(number, _)| number)
            .collect();
        assert_eq!((given_up, probes.waiting()), (vec![0, 2], 1));
        probes.close(3, State::Refused);
        assert_eq!((probes.next_expiry(WAIT), probes.waiting()), (None, 0));
        // Late, and no longer awaited.
        probes.close(0, State::Late);
        assert_eq!(probes.waiting(), 0);
    }

    #[test]
    fn an_error_that_names_no_probe_is_about_the_newest_that_was_not_refused() {
        let mut probes = Probes::new(None, WAIT);
        assert_eq!(probes.newest_waiting(), None);
        (0..4).for_each(|at| probes.push(sent(at)));
        probes.close(3, State::Back);
        probes.find(2).unwrap().is_refused = true;
        assert_eq!(probes.newest_waiting(), Some(1));
        while probes.expire(Nanos(200), WAIT).is_some() {}
        assert_eq!(probes.newest_waiting(), None, "none is waited for");
    }

    #[test]
    fn a_refused_probe_is_awaited_like_any_other_and_an_answer_overrules_the_refusal() {
        let mut probes = Probes::new(None, WAIT);
        (0..2).for_each(|at| probes.push(sent(at)));
        for number in 0..2 {
            probes.find(number).unwrap().is_refused = true;
        }
        assert_eq!((probes.waiting(), probes.next_expiry(WAIT)), (2, Some(Nanos(100))));
        probes.close(0, State::Back);
        let (number, expired) = probes.expire(Nanos(102), WAIT).unwrap();
        assert_eq!((number, expired.state), (1, State::Refused));
        assert_eq!(probes.find(0).unwrap().state, State::Back);
    }

    #[test]
    fn what_waits_through_a_pause_of_this_host_is_waited_for_longer() {
        let mut probes = Probes::new(None, WAIT);
        (0..3).for_each(|at| probes.push(sent(at)));
        probes.close(0, State::Back);
        probes.extend_waits(Nanos(500), Nanos(2));
        probes.push(sent(600));
        assert_eq!(probes.next_expiry(WAIT), Some(Nanos(601)));
        assert!(probes.expire(Nanos(601), WAIT).is_none());
        let timed: Vec<bool> =
            (0..4).map(|number| probes.find(number).unwrap().is_timed()).collect();
        assert_eq!(timed, [true, true, false, true]);
        probes.find(2).unwrap().left = Nanos(7);
        assert!(probes.find(2).unwrap().is_timed());
    }

    #[test]
    fn a_full_ring_forgets_the_oldest_and_no_number_is_lost() {
        let mut probes = Probes::new(None, WAIT);
        let mut settled = Vec::new();
        for at in 0..5_000 {
            if probes.is_full() {
                settled.extend(probes.settle(Nanos::ZERO).map(|(number, _)| number));
            }
            probes.push(sent(at));
        }
        assert_eq!(probes.waiting(), LEAST as u64);
        settled.extend(std::iter::from_fn(|| probes.settle(Nanos::MAX)).map(|(number, _)| number));
        assert!(settled.iter().copied().eq(0..5_000));
        assert_eq!((probes.waiting(), probes.next_expiry(WAIT)), (0, None));
    }

    #[test]
    fn wire_numbers_are_extended_about_the_next() {
        let mut probes = Probes::new(None, WAIT);
        probes.next = (1 << 32) + 5;
        probes.settled = probes.next;
        assert_eq!(probes.extend(3), Some((1 << 32) + 3));
        assert_eq!(probes.extend(u32::MAX), Some(u64::from(u32::MAX)));
        assert_eq!(probes.extend(5), None, "not sent yet");
    }
}
