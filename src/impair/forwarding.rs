//! What something that forwards the content of datagrams, such as a relay, does to it. Unlike damage
//! in transit it leaves with a right checksum.

use super::Chance;
use fastrand::Rng;

/// A relay with a buffer of so many bytes. Shorter datagrams pass as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Bytes of its buffer.
    pub buffer: u32,
    /// The share of longer datagrams that it cuts to its buffer.
    pub cut: Chance,
    /// The share of longer datagrams, of those that are not cut, whose last byte it changes.
    pub rewritten: Chance,
}

/// What was done to the content of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was cut to so many bytes.
    Cut(u32),
    /// Its last byte was changed.
    Rewritten,
}

impl Forwarding {
    /// What becomes of the next datagram, of `payload` bytes.
    pub(super) fn draw(self, payload: usize, rng: &mut Rng) -> Option<Change> {
        // Drawn for short ones, too: the fates of others do not depend on their length.
        let (is_cut, is_rewritten) = (self.cut.draw(rng), self.rewritten.draw(rng));
        if payload <= self.buffer as usize {
            return None;
        }
        match (is_cut, is_rewritten) {
            (true, _) => Some(Change::Cut(self.buffer)),
            (false, true) => Some(Change::Rewritten),
            (false, false) => None,
        }
    }
}

impl Change {
    /// The same, for a payload behind headers that were counted, too.
    #[must_use]
    pub fn without(self, headers: u32) -> Self {
        match self {
            Self::Cut(bytes) => Self::Cut(bytes.saturating_sub(headers)),
            Self::Rewritten => self,
        }
    }

    /// Does it.
    pub fn apply(self, payload: &mut Vec<u8>) {
        match self {
            Self::Cut(bytes) => payload.truncate(bytes as usize),
            Self::Rewritten => {
                if let Some(last) = payload.last_mut() {
                    *last = !*last;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_the_buffer_is_changed_as_often_as_asked_for() {
        let relay =
            Forwarding { buffer: 1_000, cut: Chance::percent(30), rewritten: Chance::percent(20) };
        let mut rng = Rng::with_seed(5);
        let (mut cut, mut rewritten) = (0, 0);
        for number in 0..30_000_usize {
            let sent: Vec<u8> = vec![7; [999, 1_000, 1_001, 1_400][number % 4]];
            let change = relay.draw(sent.len(), &mut rng);
            let mut arrived = sent.clone();
            if let Some(change) = change {
                change.apply(&mut arrived);
            }
            // The oracle: the bytes themselves.
            match change {
                _ if sent.len() <= 1_000 => assert_eq!((change, &arrived), (None, &sent)),
                None => assert_eq!(arrived, sent),
                Some(Change::Cut(_)) => {
                    assert_eq!(arrived, sent[..1_000]);
                    cut += 1;
                }
                Some(Change::Rewritten) => {
                    let differ = arrived.iter().zip(&sent).filter(|(one, other)| one != other);
                    assert_eq!((arrived.len(), differ.count()), (sent.len(), 1));
                    rewritten += 1;
                }
            }
        }
        // Half of them are long enough.
        assert!((4_300..4_700).contains(&cut), "{cut}");
        assert!((1_900..2_300).contains(&rewritten), "{rewritten}");
        Change::Rewritten.apply(&mut Vec::new());
    }
}
