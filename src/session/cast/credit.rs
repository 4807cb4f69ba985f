//! What recently arrived from an address bounds what may be sent to it: addresses can be forged, so
//! no more datagrams and bytes are sent than arrived, and arrivals soon expire.

use crate::units::Nanos;

/// Seconds that count: the current one and those before.
const SECONDS: usize = 5;

/// What arrived in one second and was not answered yet.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    second: u64,
    datagrams: u64,
    bytes: u64,
}

/// What arrived in the last seconds and was not answered yet. Headers need not be counted: there
/// are no more datagrams sent than received.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Credit {
    spans: [Span; SECONDS],
}

impl Credit {
    /// A datagram of this many bytes arrived.
    #[inline]
    pub fn earn(&mut self, now: Nanos, bytes: usize) {
        let second = second(now);
        let span = &mut self.spans[(second % SECONDS as u64) as usize];
        if span.second != second {
            *span = Span { second, ..Span::default() };
        }
        span.datagrams += 1;
        span.bytes += bytes as u64;
    }

    /// Number of datagrams that may be sent.
    pub fn datagrams(&self, now: Nanos) -> u64 {
        self.recent(now).map(|span| span.datagrams).sum()
    }

    /// Number of bytes that may be sent, if a datagram may.
    pub fn bytes(&self, now: Nanos) -> u64 {
        if self.datagrams(now) == 0 { 0 } else { self.recent(now).map(|span| span.bytes).sum() }
    }

    /// A datagram of this many bytes is sent; it is charged to the oldest arrivals.
    pub fn spend(&mut self, now: Nanos, bytes: usize) {
        let (mut datagrams, mut bytes) = (1, bytes as u64);
        let first = (second(now) + 1).saturating_sub(SECONDS as u64);
        for second in first..=second(now) {
            let span = &mut self.spans[(second % SECONDS as u64) as usize];
            if span.second != second {
                continue;
            }
            for (left, taken) in
                [(&mut span.datagrams, &mut datagrams), (&mut span.bytes, &mut bytes)]
            {
                let part = (*left).min(*taken);
                *left -= part;
                *taken -= part;
            }
        }
    }

    fn recent(&self, now: Nanos) -> impl Iterator<Item = &Span> {
        let second = second(now);
        self.spans.iter().filter(move |span| second.saturating_sub(span.second) < SECONDS as u64)
    }
}

fn second(now: Nanos) -> u64 {
    now.0 / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_goes_than_came_in_the_last_seconds() {
        for seed in 0..50 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut credit = Credit::default();
            // The oracle: every datagram that arrived, with what is left of it.
            let mut came: Vec<(u64, u64, u64)> = Vec::new();
            let mut now = Nanos(rng.u64(0..10_000_000_000));
            for _ in 0..2_000 {
                now += Nanos(rng.u64(0..400_000_000));
                if rng.bool() {
                    let bytes = rng.usize(0..2_000);
                    credit.earn(now, bytes);
                    came.push((second(now), 1, bytes as u64));
                }
                came.retain(|(at, ..)| at + SECONDS as u64 > second(now));
                let datagrams: u64 = came.iter().map(|one| one.1).sum();
                let bytes: u64 = came.iter().map(|one| one.2).sum();
                assert_eq!(credit.datagrams(now), datagrams, "seed {seed}");
                let bytes = if datagrams == 0 { 0 } else { bytes };
                assert_eq!(credit.bytes(now), bytes, "seed {seed}");
                if datagrams > 0 && rng.bool() {
                    let sent = rng.u64(0..=bytes);
                    credit.spend(now, sent as usize);
                    let (mut one, mut rest) = (1, sent);
                    for (_, left, size) in &mut came {
                        let (part, of) = (one.min(*left), rest.min(*size));
                        (*left, *size, one, rest) =
                            (*left - part, *size - of, one - part, rest - of);
                    }
                }
            }
        }
    }
}
