//! What the network and the far end's host say against a far end that is silent.
//!
//! An ICMP error may be forged, may come from a router whose routes or filters change, and may be
//! overtaken by a reply: it ends nothing by itself. It explains a silence that lasts. Only a port
//! unreachable from the far end's own address shortens that: nothing serves there, unless
//! something replies within [`CONFIRMED`].

use super::Patience;
use crate::batch::NetworkError;
use crate::units::Nanos;

/// How long after a port unreachable from its own address a far end may still reply: a server that
/// is restarted, or a firewall that is reloaded, is back by then. On a long path, a round trip more.
const CONFIRMED: Nanos = Nanos::from_secs(1);

/// The errors since the far end last replied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refusals {
    latest: Option<NetworkError>,
    /// The first port unreachable from the far end's own address, and when it came.
    closed: Option<(Nanos, NetworkError)>,
}

impl Refusals {
    /// An error about a datagram to the far end. Neither a datagram that was too large nor a
    /// refusal by this host says anything about the far end.
    pub fn observe(&mut self, now: Nanos, error: &NetworkError) {
        if error.is_delivery_failure() || error.is_time_exceeded() {
            self.latest = Some(*error);
        }
        if error.is_refusal() && error.is_from_destination() {
            self.closed.get_or_insert((now, *error));
        }
    }

    /// The far end replied.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// This host was paused for `length`: a reply may have waited for it.
    pub fn on_pause(&mut self, length: Nanos) {
        if let Some((since, _)) = &mut self.closed {
            *since += length;
        }
    }

    /// The error that explains the far end's silence: that its port is closed, or the latest.
    pub fn reason(&self) -> Option<&NetworkError> {
        self.closed.as_ref().map(|(_, error)| error).or(self.latest.as_ref())
    }

    /// When a closed port counts as confirmed, unless a reply comes first; `None` without one.
    pub fn due(&self, patience: &Patience) -> Option<Nanos> {
        self.closed.map(|(since, _)| since + CONFIRMED + patience.round_trip())
    }

    /// The error that says that the far end's port is closed, once that is confirmed.
    pub fn confirmed(&self, now: Nanos, patience: &Patience) -> Option<&NetworkError> {
        let is_due = self.due(patience).is_some_and(|due| now >= due);
        self.closed.as_ref().filter(|_| is_due).map(|(_, error)| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ErrorOrigin;

    const START: Nanos = Nanos::from_secs(100);

    /// An ICMP error about a datagram to 192.0.2.9 from `from`.
    fn icmp(kind: (u8, u8), errno: i32, from: [u8; 4]) -> NetworkError {
        let to = ([192, 0, 2, 9], 8_620).into();
        let mut error = NetworkError::new(ErrorOrigin::Icmp, kind, errno, to, b"");
        error.offender = Some(from.into());
        error
    }

    #[test]
    fn a_closed_port_is_confirmed_by_a_second_of_silence_and_only_from_the_far_end() {
        let path = Patience::new(START);
        let mut refusals = Refusals::default();
        for (kind, errno, from) in
            [((3, 3), 111, [192, 0, 2, 1]), ((3, 1), 113, [192, 0, 2, 9]), ((3, 13), 113, [10; 4])]
        {
            refusals.observe(START, &icmp(kind, errno, from));
            assert_eq!(refusals.due(&path), None, "{kind:?}");
            assert_eq!(refusals.reason(), Some(&icmp(kind, errno, from)));
        }
        let closed = icmp((3, 3), 111, [192, 0, 2, 9]);
        refusals.observe(START, &closed);
        refusals.observe(START + Nanos(1), &closed);
        let due = START + CONFIRMED;
        assert_eq!(refusals.due(&path), Some(due));
        assert_eq!(refusals.confirmed(due - Nanos(1), &path), None);
        assert_eq!(refusals.confirmed(due, &path), Some(&closed));
        let mut long = path;
        long.observe(Nanos(7));
        assert_eq!(refusals.due(&long), Some(due + Nanos(7)));
        refusals.on_pause(CONFIRMED);
        assert_eq!(refusals.confirmed(due, &path), None);
        refusals.clear();
        assert_eq!((refusals.due(&path), refusals.reason()), (None, None));
    }

    #[test]
    fn what_is_too_large_and_what_this_host_refuses_says_nothing_of_the_far_end() {
        let path = Patience::new(START);
        let mut refusals = Refusals::default();
        refusals.observe(START, &icmp((3, 4), 90, [192, 0, 2, 1]));
        let mut own = icmp((3, 3), 111, [192, 0, 2, 2]);
        own.origin = ErrorOrigin::Local;
        refusals.observe(START, &own);
        assert_eq!((refusals.due(&path), refusals.reason()), (None, None));
    }
}
