//! One question to a STUN server, repeated until it is answered or random loss is an unlikely
//! explanation.

use super::RunId;
use crate::machine::Now;
use crate::record::probe::{NatAnswer, NatQuestion};
use crate::stats::LossSample;
use crate::units::Nanos;
use crate::wire::stun::{AttributeKind, ChangeRequest, StunClass, StunWriter, TransactionId};
use std::net::SocketAddr;

/// Length of a request in bytes: that of the longest answer (header, four IPv6 addresses, a name, a
/// checksum), so that a server that never sends more than it received can answer completely.
pub(super) const REQUEST_LEN: usize = 148;
/// Padding of a request: SOFTWARE, which every server ignores. PADDING (RFC 5780 §7.6) is
/// comprehension-required, and most servers would reject it. Fewer than 128 characters (RFC 8489
/// §14.14).
const FILLING: &str = "udpkit-padding";

/// When a question is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// After its first answer.
    UntilAnswered,
    /// After all tries.
    Always,
}

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub about: NatQuestion,
    pub socket: usize,
    pub to: SocketAddr,
    pub change: ChangeRequest,
    repeat: Repeat,
    /// Requests that were sent.
    pub sent: u32,
    /// Requests that were answered, without duplicates.
    pub answered: u32,
    /// Further answers to tries that already had one.
    pub copies: u32,
    /// Tries that this host refused to send, or dropped itself.
    pub refused: u32,
    /// When each try was sent, and whether it was answered.
    tries: Vec<(Now, bool)>,
    /// Since when the next try, or the answer to the last, is waited for.
    since: Nanos,
    pub seen: Option<SocketAddr>,
    /// A different address in a later answer.
    pub also_seen: Option<SocketAddr>,
    /// MAPPED-ADDRESS, if it differs from XOR-MAPPED-ADDRESS.
    pub rewritten: Option<SocketAddr>,
    pub round_trip: Option<Nanos>,
    /// An error response or other reply that is not an answer.
    pub instead: Option<NatAnswer>,
    given_up: bool,
}

impl Ask {
    pub fn new(
        about: NatQuestion,
        socket: usize,
        to: SocketAddr,
        change: ChangeRequest,
        repeat: Repeat,
    ) -> Self {
        Self {
            about,
            socket,
            to,
            change,
            repeat,
            sent: 0,
            answered: 0,
            copies: 0,
            refused: 0,
            tries: Vec::new(),
            since: Nanos::ZERO,
            seen: None,
            also_seen: None,
            rewritten: None,
            round_trip: None,
            instead: None,
            given_up: false,
        }
    }

    fn is_over(&self) -> bool {
        self.given_up || (self.repeat == Repeat::UntilAnswered && self.answered > 0)
    }

    /// Stops trying.
    pub fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Tries so far, including those not sent.
    pub fn attempts(&self) -> u32 {
        self.tries.len() as u32
    }

    /// Whether its next try is due.
    pub fn is_due(&self, now: Nanos, gap: Nanos, tries: u32) -> bool {
        let waited = self.tries.is_empty() || self.since + gap <= now;
        !self.is_over() && self.attempts() < tries && waited
    }

    /// When it must be checked again; `None` if it is finished.
    pub fn next_at(&self, now: Nanos, gap: Nanos, tries: u32, wait: Nanos) -> Option<Nanos> {
        match self.attempts() {
            _ if self.is_over() => None,
            0 => Some(Nanos::ZERO),
            attempts if attempts < tries => Some(self.since + gap),
            // Wait for missing answers; if every try was answered, none is missing.
            _ if self.answered == self.sent => None,
            _ => Some(self.since + wait).filter(|end| now < *end),
        }
    }

    /// When it is over if no answer comes; `None` if it is.
    pub fn expected_end(&self, now: Nanos, gap: Nanos, tries: u32, wait: Nanos) -> Option<Nanos> {
        let next = self.next_at(now, gap, tries, wait)?;
        match tries.saturating_sub(self.attempts()) {
            0 => Some(next),
            left => Some(next.max(now) + Nanos(gap.0 * u64::from(left - 1)) + wait),
        }
    }

    /// This host was paused for this long: deadlines move by that.
    pub fn pause(&mut self, length: Nanos) {
        self.since += length;
    }

    /// Tries that were sent, and how many of them were answered.
    pub fn sample(&self) -> LossSample {
        LossSample::new(self.sent.into(), self.answered.into())
    }

    /// Writes the next try.
    pub fn write(&self, run: RunId, index: usize, slot: &mut [u8]) {
        let id = run.transaction(index, self.attempts());
        let mut bytes = Vec::with_capacity(REQUEST_LEN);
        let mut writer = StunWriter::begin(&mut bytes, StunClass::Request, id);
        if self.change.is_any() {
            writer.push(AttributeKind::ChangeRequest, &self.change.encode());
        }
        let room = REQUEST_LEN - writer.len() - StunWriter::size_of(0);
        let mut filling = FILLING.as_bytes().to_vec();
        filling.resize(room, b'.');
        writer.push(AttributeKind::Software, &filling);
        writer.finish();
        slot.copy_from_slice(&bytes);
    }

    /// The written try was sent.
    pub fn went(&mut self, now: Now) {
        self.sent += 1;
        self.tries.push((now, false));
        self.since = now.mono;
    }

    /// This host refused the written try: it is not repeated at once.
    pub fn was_refused(&mut self, now: Now) {
        self.refused += 1;
        self.tries.push((now, false));
        self.since = now.mono;
    }

    /// This host itself dropped a try that had been accepted.
    pub fn was_rejected_here(&mut self) {
        if self.sent > 0 {
            self.sent -= 1;
            self.refused += 1;
        }
    }

    /// Records an answer to one of the tries, by its arrival; returns its round trip if it is the
    /// first to that try.
    pub fn take(&mut self, number: u32, seen: SocketAddr, arrival: Now) -> Option<Nanos> {
        match self.seen {
            None => self.seen = Some(seen),
            Some(first) if first != seen => _ = self.also_seen.get_or_insert(seen),
            Some(_) => {}
        }
        let (sent, answered) = self.tries.get_mut(number as usize)?;
        if std::mem::replace(answered, true) {
            self.copies += 1;
            return None;
        }
        self.answered += 1;
        // The kernel's stamp is of a clock that may be set meanwhile: then the time is unknown.
        let trip = arrival.mono.checked_since(sent.mono)?;
        self.round_trip = Some(self.round_trip.map_or(trip, |known| known.min(trip)));
        Some(trip)
    }

    /// Whether an answer came from the address that was asked for.
    pub fn is_from_where_it_was_wanted(&self, source: SocketAddr) -> bool {
        let other_ip = source.ip() != self.to.ip();
        let other_port = source.port() != self.to.port();
        match self.change {
            // A plain request accepts any source: the path may rewrite the server's address.
            ChangeRequest { address: false, port: false } => true,
            ChangeRequest { address, port } => address == other_ip && port == other_port,
        }
    }

    /// The source wanted for its answer, given the server's `other` address and port.
    pub fn answer_from(&self, other: Option<SocketAddr>) -> SocketAddr {
        let other = other.unwrap_or(self.to);
        let mut from = if self.change.address { other } else { self.to };
        from.set_port(if self.change.port { other.port() } else { self.to.port() });
        from
    }
}

/// The question and the try that a transaction ID belongs to, if it is of this run.
pub(super) fn ask_of(run: RunId, transaction: TransactionId) -> Option<(usize, u32)> {
    let behind = transaction.0.strip_prefix(&run.0)?;
    let [ask @ .., high, low] = behind else { return None };
    let ask = u16::from_be_bytes(ask.try_into().ok()?);
    Some((usize::from(ask), u32::from(u16::from_be_bytes([*high, *low]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stun::StunMessage;

    fn at(mono: u64) -> Now {
        Now { mono: Nanos(mono), real: Nanos(mono) }
    }

    #[test]
    fn a_request_is_as_long_as_the_longest_answer_and_names_its_try() {
        let run = RunId(*b"12345678");
        for change in [ChangeRequest::default(), ChangeRequest { address: true, port: true }] {
            let to = "192.0.2.1:3478".parse().unwrap();
            let mut ask = Ask::new(NatQuestion::Mapping, 0, to, change, Repeat::UntilAnswered);
            ask.went(at(1));
            let mut slot = [0; REQUEST_LEN];
            ask.write(run, 7, &mut slot);
            let message = StunMessage::decode(&slot).unwrap();
            assert_eq!(ask_of(run, message.transaction), Some((7, 1)));
            assert_eq!(ask_of(RunId(*b"another!"), message.transaction), None);
            assert!(message.find(AttributeKind::Software).unwrap().len() < 128);
            let wanted = message.find(AttributeKind::ChangeRequest).map(ChangeRequest::decode);
            assert_eq!(wanted.flatten().unwrap_or_default(), change);
        }
    }

    #[test]
    fn a_question_is_repeated_until_it_is_answered_and_then_no_more() {
        let to = "192.0.2.1:3478".parse().unwrap();
        let change = ChangeRequest::default();
        let mut ask = Ask::new(NatQuestion::Mapping, 0, to, change, Repeat::UntilAnswered);
        let (gap, wait) = (Nanos(10), Nanos(100));
        assert!(ask.is_due(Nanos(0), gap, 2));
        ask.went(at(0));
        assert!(!ask.is_due(Nanos(9), gap, 2) && ask.is_due(Nanos(10), gap, 2));
        ask.went(at(10));
        assert!(!ask.is_due(Nanos(50), gap, 2));
        assert_eq!(ask.next_at(Nanos(50), gap, 2, wait), Some(Nanos(110)));
        assert_eq!(ask.next_at(Nanos(110), gap, 2, wait), None);
        assert_eq!(ask.take(1, to, at(30)), Some(Nanos(20)));
        assert_eq!(ask.take(1, to, at(31)), None, "the same answer again");
        assert_eq!(ask.next_at(Nanos(50), gap, 2, wait), None);
        assert_eq!((ask.sent, ask.answered), (2, 1));
    }

    #[test]
    fn an_answer_that_a_set_clock_places_before_its_question_has_no_time() {
        let to = "192.0.2.1:3478".parse().unwrap();
        let change = ChangeRequest::default();
        let mut ask = Ask::new(NatQuestion::Mapping, 0, to, change, Repeat::Always);
        ask.went(at(100));
        assert_eq!(ask.take(0, to, at(99)), None);
        assert_eq!((ask.answered, ask.round_trip), (1, None));
        ask.went(at(200));
        assert_eq!(ask.take(1, to, at(230)), Some(Nanos(30)));
        assert_eq!((ask.answered, ask.round_trip), (2, Some(Nanos(30))));
    }

    #[test]
    fn a_pause_of_this_host_moves_what_is_waited_for_and_a_refused_try_is_not_sent() {
        let to = "192.0.2.1:3478".parse().unwrap();
        let mut ask =
            Ask::new(NatQuestion::Mapping, 0, to, ChangeRequest::default(), Repeat::Always);
        let (gap, wait) = (Nanos(10), Nanos(100));
        ask.went(at(0));
        ask.pause(Nanos(1_000));
        assert!(!ask.is_due(Nanos(1_009), gap, 2) && ask.is_due(Nanos(1_010), gap, 2));
        ask.was_refused(at(1_010));
        assert_eq!(ask.next_at(Nanos(1_050), gap, 2, wait), Some(Nanos(1_110)));
        assert_eq!((ask.sent, ask.refused, ask.attempts()), (1, 1, 2));
        assert_eq!(ask.take(0, to, at(7)), Some(Nanos(7)), "by its arrival");
        assert_eq!(ask.sample(), LossSample { sent: 1, lost: 0 });
    }
}
