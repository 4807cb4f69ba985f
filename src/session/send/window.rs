//! Payloads kept until the kernel has accepted them for every destination.

use std::collections::VecDeque;

/// A short queue of payloads, each going to all destinations in turn.
///
/// Buffers are reused, so that a long run does not allocate.
#[derive(Debug)]
pub(super) struct Window {
    destinations: usize,
    most: usize,
    waiting: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    /// Destinations that already have the oldest payload.
    served: usize,
}

impl Window {
    /// At most `most` payloads, each for `destinations` (at least 1).
    pub fn new(most: usize, destinations: usize) -> Self {
        let waiting = VecDeque::with_capacity(most);
        Self { destinations: destinations.max(1), most, waiting, spare: Vec::new(), served: 0 }
    }

    pub fn is_full(&self) -> bool {
        self.waiting.len() >= self.most
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Drops what no destination has got yet; a payload that some have still goes to the others.
    pub fn give_up(&mut self) {
        let keep = usize::from(self.served > 0);
        self.waiting.truncate(keep);
    }

    /// An empty buffer to write a payload into.
    pub fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Returns an unused buffer.
    pub fn put_back(&mut self, buffer: Vec<u8>) {
        self.spare.push(buffer);
    }

    /// Adds a payload.
    pub fn push(&mut self, payload: Vec<u8>) {
        self.waiting.push_back(payload);
    }

    /// The payloads, oldest first, each with the first destination that still lacks it.
    pub fn waiting(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let served = self.served;
        self.waiting.iter().enumerate().map(move |(index, payload)| {
            let from = if index == 0 { served } else { 0 };
            (payload.as_slice(), from)
        })
    }

    /// Index of the next datagram's destination, from 0.
    pub fn next_destination(&self) -> usize {
        self.served
    }

    /// The next datagram is done: accepted by the kernel, or refused for good.
    pub fn settle(&mut self) {
        self.served += 1;
        if self.served == self.destinations {
            self.served = 0;
            if let Some(done) = self.waiting.pop_front() {
                self.spare.push(done);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_leaves_the_window_when_every_destination_has_it() {
        let mut window = Window::new(2, 2);
        window.push(b"a".to_vec());
        window.push(b"b".to_vec());
        assert!(window.is_full());
        window.settle();
        let waiting: Vec<_> = window.waiting().collect();
        assert_eq!(waiting, [(&b"a"[..], 1), (&b"b"[..], 0)]);
        window.settle();
        assert_eq!(window.waiting().collect::<Vec<_>>(), [(&b"b"[..], 0)]);
        window.settle();
        window.push(b"c".to_vec());
        window.give_up();
        assert_eq!(window.waiting().collect::<Vec<_>>(), [(&b"b"[..], 1)]);
    }
}
