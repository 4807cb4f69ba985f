//! Silences of a stream in which datagrams were lost, as far as neither this host's pauses nor its
//! socket explain them.

use crate::stats::{
    ArrivalGap, GapFinder, LossGap, LossGaps, OUTAGE_LEAST, OutageFinder, OutageLength, OutageLog,
};
use crate::units::Nanos;

/// Times of gaps in the dialogue are in whole ones.
const MICROSECOND: u64 = 1_000;

/// The silences so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Silences {
    finder: GapFinder,
    /// All that are longer than what was asked for.
    outages: OutageFinder,
    /// This host's latest pause, from and to.
    paused: (Nanos, Nanos),
    /// Lost datagrams at the end, and all numbers before them; `None` while the stream goes on.
    end: Option<(u64, u64)>,
    /// When the stream was opened: nothing was sent before.
    opened: Option<Nanos>,
    /// What was lost before the first arrival.
    head: Option<Head>,
}

/// A gap in the arrivals of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamGap {
    /// The stream's first arrival.
    pub first: Nanos,
    /// The last arrival before the gap.
    pub last: Nanos,
    /// The first one after it.
    pub at: Nanos,
    /// How much longer the sender sent nothing than its schedule says.
    pub unsent: Nanos,
    /// The mean time between two datagrams so far.
    pub mean: Nanos,
}

/// A lost beginning.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Datagrams lost.
    lost: u64,
    /// Its first number, as on the wire, and how many it had: some may still come.
    missing: (u32, u32),
    /// The first arrival.
    at: Nanos,
    /// This host's latest pause then.
    paused: (Nanos, Nanos),
}

impl Head {
    /// The beginning as a gap: it lasted as long as the spacing of the rest says, and no longer than
    /// the stream was open; `None` if that is unknown, or this host's own pause.
    fn gap(&self, opened: Option<Nanos>, spacing: Option<u64>, least: Nanos) -> Option<LossGap> {
        let open = opened.map(|opened| self.at.0.saturating_sub(opened.0));
        let sent = spacing.map(|spacing| spacing.saturating_mul(u64::from(self.missing.1)));
        let length_ns = match (open, sent) {
            (Some(open), Some(sent)) => open.min(sent),
            (open, sent) => open.or(sent)?,
        };
        let (from, to) = self.paused;
        let began = self.at.0.saturating_sub(length_ns);
        let paused = to.min(self.at).0.saturating_sub(from.0.max(began));
        let is_silence = length_ns.saturating_sub(paused) >= least.0;
        let gap = LossGap { start_ns: 0, length_ns, lost: self.lost, is_open: false };
        (is_silence && self.lost > 0).then_some(gap)
    }
}

impl Silences {
    /// None yet, of a stream whose outages are of this length.
    pub fn new(length: OutageLength) -> Self {
        Self { outages: OutageFinder::new(length), ..Self::default() }
    }

    /// The stream is being opened.
    pub fn open(&mut self, now: Nanos) {
        self.opened.get_or_insert(now);
    }

    /// `lost` numbers from `missing` on are missing before the first arrival.
    pub fn began_late(&mut self, at: Nanos, missing: u32, lost: u64) {
        let many = u32::try_from(lost).unwrap_or(u32::MAX);
        self.head = Some(Head { lost, missing: (missing, many), at, paused: self.paused });
    }

    /// This host paused for `length` until now.
    pub fn on_pause(&mut self, now: Nanos, length: Nanos) {
        self.paused = (now - length, now);
    }

    /// `lost` numbers from `missing` on were skipped by what arrived at `at`, after a silence since
    /// `last`, in a stream that began at `first`.
    pub fn skipped(&mut self, first: Nanos, (last, at): (Nanos, Nanos), missing: u32, lost: u64) {
        let (from, to) = self.paused;
        let paused = to.min(at).0.saturating_sub(from.max(last).0);
        if (at - last).0.saturating_sub(paused) >= OUTAGE_LEAST.0 {
            // What begins at 0 is the beginning.
            let from = (last - first).0.max(MICROSECOND);
            self.finder.skipped((from, (at - first).0), missing, lost);
        }
    }

    /// A gap in arrivals from `last` to `at`, in a stream that began at `first`, of which the sender
    /// did not send for `unsent` more than its schedule says.
    fn gap(&self, first: Nanos, (last, at): (Nanos, Nanos), unsent: Nanos) -> ArrivalGap {
        let (from, to) = self.paused;
        let paused_ns = to.min(at).0.saturating_sub(from.max(last).0).saturating_add(unsent.0);
        // What begins at 0 is the beginning.
        ArrivalGap { from_ns: (last - first).0.max(MICROSECOND), to_ns: (at - first).0, paused_ns }
    }

    /// The same as [`Self::skipped`] for the list of outages, in a stream whose datagrams followed
    /// one another by `mean` so far.
    pub fn broke_off(&mut self, gap: &StreamGap, (missing, lost): (u32, u64)) {
        let told = self.gap(gap.first, (gap.last, gap.at), gap.unsent);
        self.outages.skipped(told, (missing, lost), gap.mean);
    }

    /// Nothing arrived in this gap; unless [`Self::broke_off`] said so, nothing was lost in it.
    pub fn passed(&mut self, gap: &StreamGap) {
        let told = self.gap(gap.first, (gap.last, gap.at), gap.unsent);
        self.outages.passed(told, gap.mean);
    }

    /// The list of outages of a stream that is over, whose arrivals took `span` and followed one
    /// another by `mean`.
    pub fn outages(&self, span: Nanos, mean: Nanos) -> OutageLog {
        let (lost, _) = self.end.unwrap_or_default();
        let log = self.outages.log(lost, span.0, mean);
        let spacing = Some(mean.0).filter(|mean| *mean > 0);
        let least = log.least() + Nanos(1);
        match self.head.and_then(|head| head.gap(self.opened, spacing, least)) {
            Some(head) => log.behind(head),
            None => log,
        }
    }

    /// So many skipped numbers from `number` on arrived after all.
    pub fn filled(&mut self, number: u32, count: u64) {
        self.finder.filled(number, count);
        self.outages.filled(number, count);
        if let Some(head) = &mut self.head
            && number.wrapping_sub(head.missing.0) < head.missing.1
        {
            head.lost = head.lost.saturating_sub(count);
        }
    }

    /// The stream is over: `lost` datagrams are missing after its first `seen` numbers.
    pub fn end(&mut self, lost: u64, seen: u64) {
        self.end = Some((lost, seen));
    }

    /// The silences, in a stream whose arrivals took `span`; while it goes on, `numbers` is how many
    /// it has up to the highest that arrived. Where its beginning was lost, times count from that.
    pub fn gaps(&self, span: Nanos, numbers: u64) -> LossGaps {
        let missing = self.head.map_or(0, |head| u64::from(head.missing.1));
        let (lost, numbers) = self.end.unwrap_or((0, numbers));
        let rest = numbers.saturating_sub(missing);
        let gaps = self.finder.gaps(lost, rest, span.0);
        let spacing = (rest > 1).then(|| span.0 / (rest - 1));
        match self.head.and_then(|head| head.gap(self.opened, spacing, OUTAGE_LEAST)) {
            Some(head) => gaps.behind(head),
            None => gaps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = Nanos::from_millis(1);

    fn told(pause: Option<(u64, u64)>) -> usize {
        let at = |ms: u64| Nanos(ms * MS.0);
        let mut silences = Silences::default();
        if let Some((until, length)) = pause {
            silences.on_pause(at(until), at(length));
        }
        silences.skipped(at(1_000), (at(2_000), at(2_500)), 7, 50);
        silences.gaps(at(4_000), 1_000).as_slice().len()
    }

    #[test]
    fn what_was_lost_while_this_host_paused_is_no_outage() {
        assert_eq!(told(None), 1);
        assert_eq!(told(Some((2_450, 420))), 0, "all but a little");
        assert_eq!(told(Some((2_300, 150))), 1, "the path was silent for longer");
        assert_eq!(told(Some((1_900, 500))), 1, "before it");
    }

    /// A stream of a datagram each 10 ms that was opened at 1 s; `lost` are missing before its first
    /// arrival at 2 s, after which it goes on for two seconds and is silent for half a second.
    fn begun_late(pause: Option<(u64, u64)>, lost: u64) -> Silences {
        let at = |ms: u64| Nanos(ms * MS.0);
        let mut silences = Silences::default();
        silences.open(at(1_000));
        silences.open(at(1_500));
        if let Some((until, length)) = pause {
            silences.on_pause(at(until), at(length));
        }
        silences.began_late(at(2_000), 0, lost);
        silences.skipped(at(2_000), (at(2_000), at(2_500)), lost as u32 + 1, 49);
        silences
    }

    #[test]
    fn a_lost_beginning_is_a_silence_before_all_others() {
        let gap = |start: u64, length: u64, lost| LossGap {
            start_ns: start,
            length_ns: length * MS.0,
            lost,
            is_open: false,
        };
        let span = Nanos(2_000 * MS.0);
        let told = begun_late(None, 60).gaps(span, 261);
        let next = LossGap { length_ns: 500 * MS.0 - 1_000, ..gap(600 * MS.0 + 1_000, 0, 49) };
        assert_eq!(told.as_slice(), [gap(0, 600, 60), next]);
        // It was not open for longer.
        let told = begun_late(None, 160).gaps(span, 361);
        assert_eq!(told.as_slice()[0], gap(0, 1_000, 160));
        // What comes after all is not lost; too little of it is no silence.
        let mut late = begun_late(None, 60);
        late.filled(3, 2);
        assert_eq!(late.gaps(span, 261).as_slice()[0].lost, 58);
        assert_eq!(begun_late(None, 9).gaps(span, 210).as_slice().len(), 1);
        // This host's own pause.
        assert_eq!(begun_late(Some((1_990, 550)), 60).gaps(span, 261).as_slice().len(), 1);
        assert_eq!(begun_late(Some((1_700, 300)), 60).gaps(span, 261).as_slice().len(), 2);
    }

    #[test]
    fn the_end_of_a_stream_whose_beginning_was_lost_lies_behind_both() {
        let mut silences = Silences::default();
        silences.began_late(Nanos(2_000 * MS.0), 0, 100);
        silences.end(50, 301);
        let told = silences.gaps(Nanos(2_000 * MS.0), 301);
        let [head, tail] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((head.start_ns, head.end_ns()), (0, 1_000 * MS.0));
        assert_eq!((tail.start_ns, tail.length_ns), (3_000 * MS.0, 500 * MS.0));
        assert!(tail.is_open);
    }
}
