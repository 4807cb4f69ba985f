//! Probes in flight and recent ones of one target, in a ring of a few dozen bytes each.

use crate::units::Nanos;

/// Room for the probes of twice the time-out and two more, within these bounds.
const LEAST: usize = 4;
const MOST: usize = 4_096;

/// State of a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Within its time-out.
    #[default]
    Waiting,
    /// Answered.
    Back,
    /// Given up.
    Lost,
}

/// One probe.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Probe {
    /// When it was sent, on the monotonic clock.
    pub sent: Nanos,
    /// The same on the real-time clock, as written in the probe: who does not know it guesses.
    pub sent_real: Nanos,
    /// Until when an answer is in time.
    pub deadline: Nanos,
    /// The target's count in the answer.
    pub reflected: Option<u32>,
    /// From the send to the answer; zero without one.
    pub round_trip: Nanos,
    /// Whether the answer came from an address before the present one.
    pub is_elsewhere: bool,
    pub state: State,
}

/// The latest probes by number: those below `decided` are answered or given up, in order.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    ring: Box<[Probe]>,
    next: u64,
    decided: u64,
}

impl Probes {
    pub fn new(interval: Nanos, wait: Nanos) -> Self {
        let within = wait.0.saturating_mul(2) / interval.0.max(1) + 2;
        let room = usize::try_from(within).unwrap_or(MOST).clamp(LEAST, MOST);
        Self { ring: vec![Probe::default(); room].into_boxed_slice(), next: 0, decided: 0 }
    }

    /// The same probes with room for another interval.
    pub fn resize(&mut self, interval: Nanos, wait: Nanos) {
        let mut new = Self { next: self.next, decided: self.decided, ..Self::new(interval, wait) };
        let kept = (self.ring.len().min(new.ring.len()) as u64).min(self.next);
        for number in self.next - kept..self.next {
            let place = new.place(number);
            new.ring[place] = self.ring[self.place(number)];
        }
        *self = new;
    }

    /// Number of probes sent so far, which is the next one's number.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Probes that may still be answered in time.
    pub fn open(&self) -> u64 {
        let open = (self.decided..self.next)
            .filter(|one| self.ring[self.place(*one)].state == State::Waiting);
        open.count() as u64
    }

    /// Whether one more probe needs the place of one that is not decided.
    pub fn is_full(&self) -> bool {
        self.next - self.decided >= self.ring.len() as u64
    }

    /// One more was sent.
    pub fn push(&mut self, probe: Probe) {
        let place = self.place(self.next);
        self.ring[place] = probe;
        self.next += 1;
    }

    /// The probe with this number, if it is still known.
    pub fn find(&mut self, number: u64) -> Option<&mut Probe> {
        let is_known = number < self.next && number + self.ring.len() as u64 >= self.next;
        let place = self.place(number);
        is_known.then(|| &mut self.ring[place])
    }

    /// Whether the fate of this probe has been told.
    pub fn is_decided(&self, number: u64) -> bool {
        number < self.decided
    }

    /// When the oldest open probe times out; `None` if none is open.
    pub fn next_deadline(&self) -> Option<Nanos> {
        let mut open = (self.decided..self.next).map(|one| &self.ring[self.place(one)]);
        open.find(|probe| probe.state == State::Waiting).map(|probe| probe.deadline)
    }

    /// The oldest probe that is not told yet, if its fate is known by now; one without an answer is
    /// given up. At an instant of `Nanos::MAX`, all are.
    pub fn decide(&mut self, now: Nanos) -> Option<(u64, Probe)> {
        if self.decided == self.next {
            return None;
        }
        let (number, place) = (self.decided, self.place(self.decided));
        let probe = &mut self.ring[place];
        if probe.state == State::Waiting {
            if now <= probe.deadline {
                return None;
            }
            probe.state = State::Lost;
        }
        self.decided += 1;
        Some((number, self.ring[place]))
    }

    /// This host was paused: answers may come so much later.
    pub fn extend(&mut self, length: Nanos) {
        for number in self.decided..self.next {
            let place = self.place(number);
            self.ring[place].deadline += length;
        }
    }

    /// Memory beside itself, in bytes.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.ring.len() * size_of::<Probe>()
    }

    fn place(&self, number: u64) -> usize {
        (number % self.ring.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = Nanos::from_secs(1);

    fn probes(count: u64) -> Probes {
        let mut probes = Probes::new(SECOND, Nanos::from_secs(2));
        for number in 0..count {
            let sent = Nanos::from_secs(number);
            probes.push(Probe { sent, deadline: sent + SECOND + SECOND, ..Probe::default() });
        }
        probes
    }

    #[test]
    fn probes_are_decided_in_order_and_not_before_their_time() {
        let mut probes = probes(4);
        probes.find(1).unwrap().state = State::Back;
        assert!(probes.decide(Nanos::from_secs(2)).is_none(), "the first is in time");
        let (number, first) = probes.decide(Nanos::from_secs(3)).unwrap();
        assert_eq!((number, first.state), (0, State::Lost));
        assert_eq!(probes.decide(Nanos::from_secs(3)).unwrap().1.state, State::Back);
        assert!(probes.decide(Nanos::from_secs(4)).is_none());
        assert_eq!((probes.open(), probes.next_deadline()), (2, Some(Nanos::from_secs(4))));
        probes.extend(SECOND);
        assert_eq!(probes.next_deadline(), Some(Nanos::from_secs(5)));
    }

    #[test]
    fn the_ring_follows_the_interval_and_keeps_the_latest() {
        let mut probes = probes(6);
        assert_eq!(probes.ring.len(), 6);
        while probes.decide(Nanos::MAX).is_some() {}
        probes.resize(Nanos::from_millis(100), Nanos::from_secs(2));
        assert_eq!((probes.ring.len(), probes.next()), (42, 6));
        assert_eq!(probes.find(3).unwrap().sent, Nanos::from_secs(3));
        probes.resize(Nanos::from_secs(60), Nanos::from_secs(2));
        assert_eq!(probes.ring.len(), LEAST);
        assert_eq!(probes.find(5).unwrap().sent, Nanos::from_secs(5));
        assert!(probes.find(1).is_none() && probes.find(6).is_none());
    }
}
