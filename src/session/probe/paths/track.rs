//! What one flow sent in one phase of the probe, and what became of it.

use super::Leg;
use crate::stats::LossSample;
use crate::units::Nanos;
use crate::wire::Arrivals;

/// What the agent counted of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// Datagrams that arrived, without copies.
    pub arrived: u64,
    /// Replies that it sent.
    pub answers: u64,
}

/// A reply, on the clocks of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// When the agent got the request; `None` without an agent.
    pub at_agent: Option<Nanos>,
    /// When the reply arrived.
    pub arrival: Nanos,
    /// The round trip.
    pub round_trip: Nanos,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Nanos,
    reply: Option<Reply>,
}

/// One flow in one phase.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    sent: Vec<Sent>,
    /// Numbers whose reply has come, in the order in which they did.
    order: Vec<u32>,
    /// Further copies of replies.
    pub copies: u64,
    /// What the agent counted; `None` if it has not said.
    pub counted: Option<Counted>,
}

impl Track {
    /// How many datagrams left: the number of the next.
    pub fn left(&self) -> u32 {
        self.sent.len() as u32
    }

    /// A datagram left, on this host's real-time clock.
    pub fn sent(&mut self, at: Nanos) {
        self.sent.push(Sent { at, reply: None });
    }

    /// When a datagram left; `None` if it did not.
    pub fn sent_at(&self, number: u32) -> Option<Nanos> {
        self.sent.get(number as usize).map(|one| one.at)
    }

    /// A reply to a datagram of this number came.
    pub fn hear(&mut self, number: u32, reply: Reply) {
        let Some(one) = self.sent.get_mut(number as usize) else { return };
        if one.reply.is_some() {
            self.copies += 1;
            return;
        }
        one.reply = Some(reply);
        self.order.push(number);
    }

    /// How many were answered.
    pub fn replies(&self) -> u64 {
        self.order.len() as u64
    }

    /// Adopts the agent's counts; no row means that nothing arrived.
    pub fn tell(&mut self, row: Option<&Arrivals>) {
        let arrived = row.map_or(0, |row| u64::from(row.count));
        let arrived = arrived.clamp(self.replies(), self.left().into());
        let answers = row.map_or(0, |row| u64::from(row.answers));
        let answers = answers.clamp(self.replies(), arrived);
        self.counted = Some(Counted { arrived, answers });
    }

    /// What one direction lost; nothing was sent there, as far as is known, without counts.
    pub fn loss(&self, leg: Leg) -> LossSample {
        let sent = u64::from(self.left());
        match (leg, self.counted) {
            (Leg::RoundTrip, _) => LossSample::new(sent, self.replies()),
            (Leg::Out, Some(counted)) => LossSample::new(sent, counted.arrived),
            (Leg::Back, Some(counted)) => LossSample::new(counted.answers, self.replies()),
            (_, None) => LossSample::default(),
        }
    }

    /// The time that each answered datagram took in a direction, between two clocks, so any value
    /// but for round trips.
    pub fn transits(&self, leg: Leg) -> Vec<i64> {
        let between = |from: Nanos, to: Nanos| (to.0 as i64).wrapping_sub(from.0 as i64);
        let transit = |one: &Sent| {
            let reply = one.reply?;
            Some(match leg {
                Leg::Out => between(one.at, reply.at_agent?),
                Leg::Back => between(reply.at_agent?, reply.arrival),
                Leg::RoundTrip => reply.round_trip.0 as i64,
            })
        };
        self.sent.iter().filter_map(transit).collect()
    }

    /// Whether datagrams overtook each other in a direction; `None` if too few were answered.
    pub fn is_reordered(&self, leg: Leg) -> Option<bool> {
        if self.order.len() < 2 {
            return None;
        }
        let at_agent = |number: u32| self.sent.get(number as usize)?.reply?.at_agent;
        let descends = |pair: &[Option<Nanos>]| pair[1] < pair[0];
        let mut numbers = self.order.clone();
        numbers.sort_unstable();
        let arrived: Vec<_> = numbers.iter().map(|number| at_agent(*number)).collect();
        Some(match leg {
            Leg::Out => arrived.windows(2).any(descends),
            Leg::RoundTrip => self.order.windows(2).any(|pair| pair[1] < pair[0]),
            Leg::Back => {
                // In the order in which they came back, by the kernel's stamps.
                let reply = |number: &u32| self.sent.get(*number as usize)?.reply;
                let mut back: Vec<Reply> = numbers.iter().filter_map(reply).collect();
                back.sort_by_key(|reply| reply.arrival);
                back.windows(2).any(|pair| pair[1].at_agent < pair[0].at_agent)
            }
        })
    }

    /// The shortest round trip; `None` without a reply.
    pub fn round_trip(&self) -> Option<Nanos> {
        self.sent.iter().filter_map(|one| Some(one.reply?.round_trip)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(at_agent: u64, arrival: u64) -> Reply {
        let at_agent = Some(Nanos(at_agent));
        Reply { at_agent, arrival: Nanos(arrival), round_trip: Nanos(7) }
    }

    fn answered(replies: &[(u32, u64, u64)]) -> Track {
        let mut track = Track::default();
        (0..4).for_each(|at| track.sent(Nanos(at)));
        for (number, at_agent, arrival) in replies {
            track.hear(*number, reply(*at_agent, *arrival));
        }
        track
    }

    #[test]
    fn losses_have_a_direction_where_the_agent_counts() {
        let mut track = answered(&[(0, 10, 20), (2, 12, 22), (2, 12, 23)]);
        assert_eq!((track.replies(), track.copies), (2, 1));
        assert_eq!(track.loss(Leg::RoundTrip), LossSample { sent: 4, lost: 2 });
        assert_eq!(track.loss(Leg::Out), LossSample::default());
        // An agent that claims less than it answered, or more than was sent, is held to that.
        track.tell(None);
        assert_eq!(track.counted, Some(Counted { arrived: 2, answers: 2 }));
        assert_eq!(track.loss(Leg::Out), LossSample { sent: 4, lost: 2 });
        assert_eq!(track.loss(Leg::Back), LossSample { sent: 2, lost: 0 });
        assert_eq!(track.transits(Leg::Out), [10, 10]);
        assert_eq!(track.transits(Leg::Back), [10, 10]);
    }

    #[test]
    fn overtaking_is_seen_in_the_direction_in_which_it_happens() {
        let is = |track: &Track| [Leg::Out, Leg::Back].map(|leg| track.is_reordered(leg));
        assert_eq!(is(&answered(&[(0, 10, 20)])), [None; 2]);
        let in_order = [(0, 10, 20), (1, 11, 21), (3, 12, 22)];
        assert_eq!(is(&answered(&in_order)), [Some(false); 2]);
        assert_eq!(is(&answered(&[(1, 10, 20), (0, 11, 21)])), [Some(true), Some(false)]);
        assert_eq!(is(&answered(&[(1, 11, 20), (0, 10, 21)])), [Some(false), Some(true)]);
    }
}
