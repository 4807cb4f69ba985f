//! Which of a name's addresses answers first: one question to each, the next one a little later
//! (RFC 8305 §5, "Happy Eyeballs"), so that a dead address or a broken family costs a quarter of a
//! second. The loop has a connected socket for each address, in the same order.

use crate::batch::{Datagram, Dest, NetworkError, SendOutcome, SendStop, TxBatch};
use crate::machine::{Next, Now, Session};
use crate::units::Nanos;
use std::net::SocketAddr;

/// From the first question to one address to that to the next (RFC 8305 §8: 250 ms).
const STAGGER: Nanos = Nanos::from_millis(250);
/// From one question to its repeat at the same address, as either may be lost.
const REPEAT: Nanos = Nanos::from_millis(500);
/// How long to wait after the last address was first asked.
const PATIENCE: Nanos = Nanos::from_secs(2);

/// The addresses in the order in which they are asked: families in turn, each in the resolver's
/// order (RFC 8305 §4), beginning with the first.
pub fn in_turn(addrs: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addrs.first() else { return Vec::new() };
    let (same, other): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addrs.iter().copied().partition(|addr| addr.is_ipv4() == first.is_ipv4());
    let mut all = Vec::with_capacity(addrs.len());
    for index in 0..same.len().max(other.len()) {
        all.extend(same.get(index));
        all.extend(other.get(index));
    }
    all
}

/// What is known of one address.
#[derive(Clone, Copy, Debug, Default)]
struct Attempt {
    /// When it is asked next; `None` before its turn.
    due: Option<Nanos>,
    /// Whether an error said that nobody is there.
    refused: bool,
}

/// The race. Its result is the number of the address that answered.
#[derive(Debug)]
pub struct AddressRace {
    addrs: Vec<SocketAddr>,
    question: Vec<u8>,
    attempts: Vec<Attempt>,
    /// How many have had their turn.
    begun: usize,
    /// When the next one has it.
    next_turn: Option<Nanos>,
    /// When it is over without an answer; `None` before the last was asked.
    until: Option<Nanos>,
    winner: Option<usize>,
    over: bool,
}

impl AddressRace {
    /// A race between addresses, by this question. Anything that comes back is an answer.
    pub fn new(addrs: Vec<SocketAddr>, question: Vec<u8>) -> Self {
        let attempts = vec![Attempt::default(); addrs.len()];
        let (begun, next_turn, until) = (0, None, None);
        Self { addrs, question, attempts, begun, next_turn, until, winner: None, over: false }
    }

    /// Gives addresses their turn.
    fn begin_due(&mut self, now: Nanos) {
        while self.begun < self.attempts.len() && self.next_turn.is_none_or(|at| at <= now) {
            self.attempts[self.begun].due = Some(now);
            self.begun += 1;
            self.next_turn = Some(now + STAGGER);
            if self.begun == self.attempts.len() {
                self.until = Some(now + PATIENCE);
            }
        }
    }

    /// An address is not reachable, as far as is known: the next one has its turn at once.
    fn refuse(&mut self, index: usize, now: Nanos) {
        let Some(attempt) = self.attempts.get_mut(index) else { return };
        if std::mem::replace(&mut attempt.refused, true) {
            return;
        }
        self.next_turn = Some(now);
        if self.begun == self.attempts.len() && self.attempts.iter().all(|one| one.refused) {
            // An answer that is under way overrules a router's word.
            self.until = self.until.map(|until| until.min(now + STAGGER));
        }
    }
}

impl Session for AddressRace {
    type Summary = Option<usize>;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        let now = now.mono;
        out.reset();
        if self.over || self.winner.is_some() || self.until.is_some_and(|until| until <= now) {
            return Next::Done;
        }
        self.begin_due(now);
        for (socket, attempt) in self.attempts.iter_mut().enumerate() {
            if attempt.due.is_some_and(|due| due <= now) {
                attempt.due = Some(now + REPEAT);
                let dest = out.append_dest(Dest { socket, ..Dest::from(self.addrs[socket]) });
                if let Some(slot) = out.push(dest, self.question.len()) {
                    slot.copy_from_slice(&self.question);
                }
            }
        }
        let turn = self.next_turn.filter(|_| self.begun < self.attempts.len());
        let due = self.attempts.iter().filter_map(|attempt| attempt.due);
        due.chain(turn).chain(self.until).min().map_or(Next::Idle, Next::WaitUntil)
    }

    fn on_sent(&mut self, now: Now, batch: &TxBatch, outcome: &SendOutcome) {
        let Some(SendStop::Refused { datagrams, .. }) = outcome.stop else { return };
        for (number, slot) in batch.slots().iter().enumerate().skip(outcome.accepted) {
            let socket = batch.socket_of(slot);
            if number < outcome.accepted + datagrams {
                self.refuse(socket, now.mono);
            } else if let Some(attempt) = self.attempts.get_mut(socket) {
                // What stands behind the refused ones was not tried.
                attempt.due = Some(now.mono);
            }
        }
    }

    fn on_datagram(&mut self, _now: Now, datagram: &Datagram<'_>) {
        let socket = datagram.meta.socket;
        if socket < self.addrs.len() {
            self.winner.get_or_insert(socket);
        }
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        if error.is_delivery_failure() {
            self.refuse(error.socket, now.mono);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.until = self.until.map(|until| until + length);
    }

    fn on_stop(&mut self, _now: Now) {
        self.over = true;
    }

    fn finish(self, _now: Now) -> Option<usize> {
        self.winner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn now(millis: u64) -> Now {
        let at = Nanos::from_secs(100) + Nanos::from_millis(millis);
        Now { mono: at, real: at }
    }

    /// Which sockets ask until the race is over or `end`, in milliseconds; `refuse` refuses some of
    /// them at once.
    fn asked(race: &mut AddressRace, end: u64, refuse: &[usize]) -> Vec<(u64, usize)> {
        let mut batch = TxBatch::new(8, 1024);
        let mut all = Vec::new();
        for millis in 0..=end {
            if race.poll_transmit(now(millis), &mut batch) == Next::Done {
                all.push((millis, usize::MAX));
                return all;
            }
            let sockets: Vec<usize> =
                batch.slots().iter().map(|slot| batch.socket_of(slot)).collect();
            for socket in &sockets {
                all.push((millis, *socket));
                if refuse.contains(socket) {
                    race.refuse(*socket, now(millis).mono);
                }
            }
            batch.clear();
        }
        all
    }

    #[test]
    fn families_take_turns_in_the_resolvers_order() {
        let all = addrs(&["[2001:db8::1]:9", "[2001:db8::2]:9", "[2001:db8::3]:9", "192.0.2.1:9"]);
        let order = in_turn(&all);
        assert_eq!(order, [all[0], all[3], all[1], all[2]]);
        assert_eq!(in_turn(&[]), []);
    }

    #[test]
    fn the_next_address_is_asked_after_a_quarter_of_a_second_or_a_refusal() {
        let all = addrs(&["192.0.2.1:9", "192.0.2.2:9", "192.0.2.3:9"]);
        let mut race = AddressRace::new(all.clone(), vec![7; 10]);
        assert_eq!(asked(&mut race, 600, &[]), [(0, 0), (250, 1), (500, 0), (500, 2)]);
        let mut race = AddressRace::new(all, vec![7; 10]);
        assert_eq!(asked(&mut race, 300, &[0]), [(0, 0), (1, 1), (251, 2)]);
    }

    #[test]
    fn silence_and_refusals_end_it_without_a_winner() {
        let all = addrs(&["192.0.2.1:9", "192.0.2.2:9"]);
        let mut race = AddressRace::new(all.clone(), vec![7; 10]);
        assert_eq!(asked(&mut race, 5_000, &[]).last(), Some(&(2_250, usize::MAX)));
        assert_eq!(race.finish(now(3_000)), None);
        let mut race = AddressRace::new(all, vec![7; 10]);
        assert_eq!(asked(&mut race, 5_000, &[0, 1]).last(), Some(&(251, usize::MAX)));
    }
}
