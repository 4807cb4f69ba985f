//! How a sender stands.

use super::{CastSender, Tally};
use crate::record::{CastSending, CastSendingTo, FanoutEvent, Sink};
use crate::units::Nanos;

impl<P, S> CastSender<P, S>
where
    S: for<'e> Sink<FanoutEvent<'e>>,
{
    /// Tells what was sent until now.
    pub(super) fn tell_sending(&mut self, now: Nanos) {
        let sum =
            |of: fn(&Tally) -> u64| self.tallies.iter().chain([&self.gone]).map(of).sum::<u64>();
        let names = &self.config.names;
        let row = |(dest, tally): (&crate::batch::Dest, &Tally)| CastSendingTo {
            destination: dest.addr.into(),
            interface: names.interface(dest.interface),
            sent: tally.sent,
            bytes: tally.bytes,
            refused: tally.refused,
        };
        let sending = CastSending {
            datagrams: sum(|one| one.sent),
            bytes: sum(|one| one.bytes),
            refused: sum(|one| one.refused),
            destinations: self.config.targets.iter().zip(&self.tallies).map(row).collect(),
            receivers: self.ear.as_ref().and_then(|ear| ear.sums(now)),
        };
        self.sink.take(FanoutEvent::Sending(&sending));
    }
}
