//! Destinations of the datagrams whose transmit time stamps may still arrive.

use std::collections::VecDeque;

/// Maximum datagrams whose stamps are awaited; stamps of older ones are ignored.
const MOST: usize = 4096;

/// Datagrams that the kernel accepted, by its numbers, each with its destination.
#[derive(Debug, Default)]
pub(super) struct PendingStamps {
    /// The number of the first.
    first: u32,
    waiting: VecDeque<usize>,
}

impl PendingStamps {
    /// The kernel accepted a datagram for this destination.
    pub fn note(&mut self, destination: usize) {
        if self.waiting.len() == MOST {
            self.waiting.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        self.waiting.push_back(destination);
    }

    /// The destination of the datagram with this number; earlier ones get no stamp any more.
    pub fn take(&mut self, number: u32) -> Option<usize> {
        let place = number.wrapping_sub(self.first) as usize;
        if place >= self.waiting.len() {
            return None;
        }
        self.first = number.wrapping_add(1);
        self.waiting.drain(..=place).next_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_finds_its_destination_though_others_are_missing() {
        let mut departures = PendingStamps::default();
        (0..5).for_each(|index| departures.note(index));
        assert_eq!(departures.take(0), Some(0));
        assert_eq!(departures.take(3), Some(3));
        assert_eq!(departures.take(2), None);
        assert_eq!(departures.take(9), None);
        assert_eq!(departures.take(4), Some(4));
        (0..MOST + 7).for_each(|index| departures.note(index));
        assert_eq!(departures.waiting.len(), MOST);
        assert_eq!(departures.take(5), None);
        assert_eq!(departures.take(5 + 7), Some(7));
    }
}
