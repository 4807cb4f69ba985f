//! One end of a reliable byte stream over datagrams, as TCP is one over packets: numbered bytes,
//! cumulative acknowledgements, and repeats with back-off. What a fault changed is told by the
//! checksum and dropped; what it lost is repeated; a peer that stays silent ends it.

use crate::units::Nanos;

/// Marks segments, for whoever looks at what passes.
const MAGIC: u8 = 0xA5;
/// Bytes of a segment before its data.
const HEADER: usize = 18;
/// Data of one segment, at most.
const MOST_DATA: usize = 1_000;
/// Time until what was not acknowledged is sent again, at first and at most.
const REPEAT: [Nanos; 2] = [Nanos::from_millis(200), Nanos::from_secs(1)];
/// Repeats without an answer after which the connection is broken.
const REPEATS: u32 = 15;

/// What a segment says beside its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Signal {
    /// Nothing.
    None,
    /// A connection is asked for.
    Open,
    /// A connection is granted.
    Granted,
    /// The data ends with this segment.
    End,
    /// There is no such connection.
    Reset,
}

/// What travels in one datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it says beside its data.
    pub signal: Signal,
    /// The number of its first byte.
    number: u32,
    /// The number of the byte that is expected next.
    expected: u32,
    data: Vec<u8>,
}

impl Segment {
    /// One without data.
    pub fn bare(signal: Signal) -> Self {
        Self { signal, number: 0, expected: 0, data: Vec::new() }
    }

    /// Whether these bytes look like a segment.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.first() == Some(&MAGIC)
    }

    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        let mut rest = vec![self.signal as u8];
        rest.extend(self.number.to_be_bytes());
        rest.extend(self.expected.to_be_bytes());
        rest.extend(&self.data);
        let mut bytes = vec![MAGIC];
        bytes.extend(checksum(&rest).to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    /// The segment; `None` if these bytes are none, or not as they were sent.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, data) = bytes.split_at_checked(HEADER)?;
        let sum = u64::from_be_bytes(*header[1..].first_chunk()?);
        if header[0] != MAGIC || sum != checksum(&bytes[9..]) {
            return None;
        }
        let signals = [Signal::None, Signal::Open, Signal::Granted, Signal::End, Signal::Reset];
        Some(Self {
            signal: *signals.get(usize::from(header[9]))?,
            number: u32::from_be_bytes(*header[10..].first_chunk()?),
            expected: u32::from_be_bytes(*header[14..].first_chunk()?),
            data: data.to_vec(),
        })
    }
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// One end of a connection that is open.
#[derive(Debug, Default)]
pub struct ByteStream {
    /// The number of the first byte of `out`.
    acknowledged: u32,
    /// What was written and not yet acknowledged.
    out: Vec<u8>,
    /// Bytes of `out` that have been sent; one more with the end.
    sent: usize,
    /// Nothing more is written.
    ends: bool,
    is_end_acknowledged: bool,
    repeat_at: Option<Nanos>,
    repeats: u32,
    expected: u32,
    peer_ended: bool,
    answers: bool,
    failed: bool,
}

impl ByteStream {
    /// These bytes are to be sent.
    pub fn write(&mut self, bytes: &[u8]) {
        if !self.ends {
            self.out.extend_from_slice(bytes);
        }
    }

    /// Nothing more is written.
    pub fn end(&mut self) {
        self.ends = true;
    }

    /// Whether everything that was written has arrived, or never will.
    pub fn is_flushed(&self) -> bool {
        self.failed || (self.out.is_empty() && (!self.ends || self.is_end_acknowledged))
    }

    /// Whether the peer has written all, and it was read.
    pub fn peer_ended(&self) -> bool {
        self.peer_ended
    }

    /// Whether the peer does not answer any more.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// The bytes that can be sent, with one for the end.
    fn length(&self) -> usize {
        self.out.len() + usize::from(self.ends && !self.is_end_acknowledged)
    }

    /// Takes a segment, and returns the bytes that are read by it.
    pub fn take(&mut self, segment: &Segment) -> Vec<u8> {
        let news = segment.expected.wrapping_sub(self.acknowledged) as usize;
        if (1..=self.length()).contains(&news) {
            let bytes = news.min(self.out.len());
            self.is_end_acknowledged |= news > bytes;
            self.out.drain(..bytes);
            self.acknowledged = segment.expected;
            self.sent = self.sent.saturating_sub(news);
            (self.repeat_at, self.repeats) = (None, 0);
        }
        let is_end = segment.signal == Signal::End;
        if segment.data.is_empty() && !is_end {
            return Vec::new();
        }
        self.answers = true;
        let known = self.expected.wrapping_sub(segment.number) as usize;
        if known > segment.data.len() || self.peer_ended {
            return Vec::new();
        }
        let data = segment.data[known..].to_vec();
        self.expected = self.expected.wrapping_add(data.len() as u32 + u32::from(is_end));
        self.peer_ended = is_end;
        data
    }

    /// The segments that are due.
    pub fn due(&mut self, now: Nanos) -> Vec<Segment> {
        if self.repeat_at.is_some_and(|at| at <= now) && !self.failed {
            self.repeats += 1;
            (self.sent, self.repeat_at) = (0, None);
            self.failed = self.repeats > REPEATS;
        }
        let mut due = Vec::new();
        while self.sent < self.length() && !self.failed {
            let end = (self.sent + MOST_DATA).min(self.out.len());
            let data = self.out[self.sent..end].to_vec();
            let is_end = self.ends && end == self.out.len();
            let signal = if is_end { Signal::End } else { Signal::None };
            let number = self.acknowledged.wrapping_add(self.sent as u32);
            self.sent = end + usize::from(is_end);
            due.push(Segment { signal, number, expected: self.expected, data });
        }
        if due.is_empty() && self.answers {
            let number = self.acknowledged.wrapping_add(self.sent as u32);
            let (signal, expected) = (Signal::None, self.expected);
            due.push(Segment { signal, number, expected, data: Vec::new() });
        }
        self.answers = false;
        if self.repeat_at.is_none() && self.sent > 0 && !self.failed {
            self.repeat_at = Some(now + pause(self.repeats));
        }
        due
    }

    /// When something is due next.
    pub fn due_at(&self) -> Option<Nanos> {
        self.repeat_at.filter(|_| !self.failed)
    }
}

/// The pause after so many repeats.
pub fn pause(repeats: u32) -> Nanos {
    let [first, most] = REPEAT;
    Nanos(first.0 << repeats.min(8)).min(most)
}

/// Whether a peer that was asked so often is given up.
pub fn is_given_up(repeats: u32) -> bool {
    repeats > REPEATS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries what is due from one end to the other, if `passes`; returns what was read.
    fn carry(
        now: Nanos,
        from: &mut ByteStream,
        to: &mut ByteStream,
        mut passes: impl FnMut() -> bool,
    ) -> Vec<u8> {
        let mut read = Vec::new();
        for segment in from.due(now) {
            let bytes = segment.encode();
            assert!(Segment::is_one(&bytes));
            assert_eq!(Segment::decode(&bytes), Some(segment.clone()));
            if passes() {
                read.extend(to.take(&segment));
            }
        }
        read
    }

    #[test]
    fn every_byte_arrives_once_and_in_order_whatever_is_lost() {
        for seed in 0..50 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (mut near, mut far) = (ByteStream::default(), ByteStream::default());
            let text: Vec<u8> = (0..5_000u32).map(|at| at as u8).collect();
            let (mut there, mut here) = (Vec::new(), Vec::new());
            far.write(b"hello");
            for chunk in text.chunks(700) {
                near.write(chunk);
            }
            near.end();
            for turn in 0..1_000 {
                let now = Nanos::from_millis(100 * turn);
                there.extend(carry(now, &mut near, &mut far, || rng.u8(..10) < 7));
                here.extend(carry(now, &mut far, &mut near, || rng.u8(..10) < 7));
            }
            assert_eq!((there, here), (text, b"hello".to_vec()), "seed {seed}");
            assert!(near.is_flushed() && far.peer_ended() && !near.has_failed(), "seed {seed}");
        }
    }

    #[test]
    fn a_changed_segment_is_none_and_a_silent_peer_ends_the_stream() {
        let mut near = ByteStream::default();
        near.write(b"text");
        let mut bytes = near.due(Nanos::ZERO)[0].encode();
        bytes[12] ^= 1;
        assert_eq!(Segment::decode(&bytes), None);
        while let Some(at) = near.due_at() {
            near.due(at);
        }
        assert!(near.has_failed() && near.is_flushed());
    }
}
