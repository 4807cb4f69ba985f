//! Searches for the largest size that passes, in rounds of several sizes at once.
//!
//! It follows RFC 8899 for probing the path MTU: a size is confirmed only by an acknowledgement. It
//! counts as too large only if so many probes of it were not acknowledged that chance is ruled out
//! at the path's loss rate, or if it arrived fragmented or cut. An ICMP report of a router (the PTB of RFC
//! 8899 §4.6) only suggests a size to try next and is not believed until that size is confirmed, so
//! that a forged or stale report cannot shrink the result, and a path that drops silently is
//! measured all the same.

use super::super::question::MOST_TRIES;
use std::collections::BTreeMap;

/// Common path MTUs in bytes, including the IP header: those of RFC 1191 §7.1 that still occur, and
/// today's tunnels and jumbo frames.
const PLATEAUS: [u32; 24] = [
    128, 256, 576, 1_006, 1_200, 1_240, 1_280, 1_320, 1_360, 1_380, 1_400, 1_420, 1_440, 1_454,
    1_468, 1_480, 1_492, 1_500, 2_002, 4_352, 7_981, 9_000, 9_216, 17_914,
];
/// Sizes that one round tries between the largest that passed and the smallest that did not.
const SECTIONS: u32 = 12;

/// Results of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tried {
    /// Probes sent.
    pub sent: u32,
    /// Of these, arrived unfragmented.
    pub arrived: u32,
    /// Probes that this host refused to send for a reason other than their size.
    pub refused: u32,
    /// The largest fragment of those that arrived fragmented; 0 if none did.
    pub in_pieces: u32,
    /// The largest of those that arrived cut, as a packet of what was left; 0 if none did.
    pub cut_to: u32,
}

/// The search, in one direction.
#[derive(Clone, Debug)]
pub(super) struct SizeSearch {
    least: u32,
    /// The largest size that can be sent at all.
    most: u32,
    tries: u32,
    tried: BTreeMap<u32, Tried>,
    /// Sizes reported by routers and by this host.
    named: Vec<u32>,
}

impl SizeSearch {
    /// A search between two packet sizes, both of which may pass; a size counts as too large after
    /// `tries` unacknowledged probes.
    pub fn new(least: u32, most: u32, tries: u32) -> Self {
        Self {
            least,
            most: most.max(least),
            tries: tries.max(1),
            tried: BTreeMap::new(),
            named: Vec::new(),
        }
    }

    /// Sets the number of unacknowledged probes after which a size counts as too large.
    pub fn expect(&mut self, tries: u32) {
        self.tries = tries.max(1);
    }

    /// How many more probes of a size to send.
    pub fn more_tries(&self, size: u32) -> u32 {
        (self.tries.min(MOST_TRIES)).saturating_sub(self.of(size).sent).max(1)
    }

    /// This host cannot send more than this unfragmented.
    pub fn limit(&mut self, most: u32) {
        self.most = self.most.min(most.max(self.least));
    }

    /// A router reported this MTU.
    pub fn name(&mut self, size: u32) {
        if (self.least..=self.most).contains(&size) && !self.named.contains(&size) {
            self.named.push(size);
        }
    }

    /// A probe of this size was sent.
    pub fn sent(&mut self, size: u32) {
        self.tried.entry(size).or_default().sent += 1;
    }

    /// A probe of this size arrived.
    pub fn arrived(&mut self, size: u32) {
        self.tried.entry(size).or_default().arrived += 1;
    }

    /// This host refused to send a probe of this size, for another reason than its size.
    pub fn refused(&mut self, size: u32) {
        self.tried.entry(size).or_default().refused += 1;
    }

    /// A probe of this size arrived fragmented; `piece` is its largest fragment in bytes.
    pub fn arrived_in_pieces(&mut self, size: u32, piece: u32) {
        let tried = self.tried.entry(size).or_default();
        tried.in_pieces = tried.in_pieces.max(piece);
        self.name(piece);
    }

    /// A probe of this size arrived cut to that of a packet of `left` bytes.
    pub fn arrived_cut(&mut self, size: u32, left: u32) {
        let tried = self.tried.entry(size).or_default();
        tried.cut_to = tried.cut_to.max(left);
        self.name(left);
    }

    /// The largest size that can be sent at all.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// Results of a size.
    pub fn of(&self, size: u32) -> Tried {
        self.tried.get(&size).copied().unwrap_or_default()
    }

    /// Whether enough probes of a size were unacknowledged for it to count as too large.
    fn failed(&self, tried: Tried) -> bool {
        let is_told = tried.in_pieces > 0 || tried.cut_to > 0;
        tried.arrived == 0 && (is_told || tried.sent >= self.tries)
    }

    /// Whether a size was tried the maximum number of times without a decision.
    fn is_given_up(&self, tried: Tried) -> bool {
        let enough = tried.sent >= MOST_TRIES || tried.refused > tried.sent;
        tried.arrived == 0 && !self.failed(tried) && enough
    }

    /// The smallest size above the largest that passed that was tried without a decision.
    pub fn not_told(&self) -> Option<u32> {
        let is_open = |tried: &Tried| tried.arrived == 0 && !self.failed(*tried);
        let above = self.passed().unwrap_or(0) + 1..self.stopped().unwrap_or(u32::MAX);
        // A search that is over tried nothing more above what failed.
        if above.is_empty() {
            return None;
        }
        self.tried.range(above).find(|(_, tried)| is_open(tried)).map(|(size, _)| *size)
    }

    /// The largest size that passed so far; `None` if none did.
    pub fn passed(&self) -> Option<u32> {
        self.tried.iter().rev().find(|(_, tried)| tried.arrived > 0).map(|(size, _)| *size)
    }

    /// The smallest larger size that did not.
    pub fn stopped(&self) -> Option<u32> {
        let passed = self.passed().unwrap_or(0);
        self.tried
            .range(passed + 1..)
            .find(|(_, tried)| self.failed(**tried))
            .map(|(size, _)| *size)
    }

    /// Sizes that failed below one that passed: not only size matters on this path.
    pub fn holes(&self) -> Vec<u32> {
        let passed = self.passed().unwrap_or(0);
        let holes = self.tried.range(..passed).filter(|(_, tried)| self.failed(**tried));
        holes.map(|(size, _)| *size).collect()
    }

    /// The sizes to try now, each until it arrives or fails; none when the result is known.
    pub fn round(&self) -> Vec<u32> {
        if self.tried.is_empty() {
            return self.plateaus();
        }
        let low = self.passed().unwrap_or(self.least - 1);
        let high = self.stopped().unwrap_or(self.most + 1);
        let between = self.tried.range(low + 1..high.max(low + 1));
        let (given_up, open): (Vec<_>, Vec<_>) = between
            .filter(|(_, tried)| tried.arrived == 0 && !self.failed(**tried))
            .partition(|(_, tried)| self.is_given_up(**tried));
        if !open.is_empty() || !given_up.is_empty() {
            return open.into_iter().map(|(size, _)| *size).collect();
        }
        let named: Vec<u32> =
            self.named.iter().copied().filter(|size| (low + 1..high).contains(size)).collect();
        if !named.is_empty() {
            // The reported size and one byte more, which together decide at once if the report is
            // true.
            let beside = named.iter().flat_map(|size| [*size, size + 1]);
            return dedup(beside.filter(|size| *size < high).collect());
        }
        if self.passed().is_none() && self.stopped() == Some(self.least) {
            return Vec::new();
        }
        sections(low, high)
    }

    /// Rounds behind the current one, about.
    pub fn rounds_ahead(&self) -> u32 {
        let low = self.passed().unwrap_or(self.least - 1);
        let high = self.stopped().unwrap_or(self.most + 1);
        let mut open = high.saturating_sub(low + 1);
        let mut rounds = 0;
        while open > 0 {
            open /= SECTIONS + 1;
            rounds += 1;
        }
        rounds
    }

    fn plateaus(&self) -> Vec<u32> {
        let inside = PLATEAUS.into_iter().filter(|size| (self.least..=self.most).contains(size));
        dedup(inside.chain([self.least, self.most]).collect())
    }
}

fn dedup(mut sizes: Vec<u32>) -> Vec<u32> {
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Sizes between two bounds, exclusive, that divide the range into equal parts.
fn sections(low: u32, high: u32) -> Vec<u32> {
    let gap = high.saturating_sub(low);
    let count = SECTIONS.min(gap.saturating_sub(1));
    // Also just above what passes: the first sizes tried are common path MTUs.
    let above = std::iter::once(low + 1);
    dedup(above.chain((1..=count).map(|part| low + gap * part / (count + 1))).collect())
        .into_iter()
        .filter(|size| *size > low && *size < high)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a search over a path with path MTU `mtu`; routers report `named`. Returns the number of
    /// rounds.
    fn run(search: &mut SizeSearch, mtu: u32, named: Option<u32>) -> u32 {
        for round in 0..20 {
            let sizes = search.round();
            if sizes.is_empty() {
                return round;
            }
            for size in sizes {
                search.sent(size);
                match named {
                    _ if size <= mtu => search.arrived(size),
                    Some(named) => search.name(named),
                    None => {}
                }
            }
        }
        panic!("no end: {search:?}");
    }

    #[test]
    fn every_size_is_found_to_the_byte_with_and_without_a_word_from_a_router() {
        let mut seed = fastrand::Rng::with_seed(7);
        for case in 0..400 {
            let most = [1_500, 9_000, 65_535][case % 3];
            let mtu = seed.u32(92..=most);
            for named in [None, Some(mtu)] {
                let mut search = SizeSearch::new(92, most, 3);
                let rounds = run(&mut search, mtu, named);
                assert_eq!(search.passed(), Some(mtu), "{most} {named:?}");
                assert_eq!(search.stopped(), (mtu < most).then_some(mtu + 1));
                assert!(rounds <= 19, "{rounds} rounds for {mtu} of {most}");
                assert!(search.holes().is_empty());
            }
        }
    }

    #[test]
    fn a_size_that_arrives_cut_is_too_large_at_once() {
        let mut search = SizeSearch::new(92, 65_535, 64);
        for _ in 0..20 {
            for size in search.round() {
                search.sent(size);
                match size {
                    ..=1_028 => search.arrived(size),
                    _ => search.arrived_cut(size, 1_028),
                }
            }
        }
        assert_eq!((search.passed(), search.stopped()), (Some(1_028), Some(1_029)));
        assert_eq!((search.of(1_029).cut_to, search.of(1_029).sent), (1_028, 1));
        assert!(search.round().is_empty());
    }

    #[test]
    fn a_false_word_is_not_believed() {
        for false_word in [600, 1_499, 40_000] {
            let mut search = SizeSearch::new(92, 1_500, 3);
            run(&mut search, 1_280, Some(false_word));
            assert_eq!(search.passed(), Some(1_280));
        }
    }

    #[test]
    fn a_path_that_lets_nothing_through_has_no_size() {
        let mut search = SizeSearch::new(92, 1_500, 2);
        run(&mut search, 0, None);
        assert_eq!((search.passed(), search.stopped()), (None, Some(92)));
    }

    #[test]
    fn one_lost_probe_is_no_limit() {
        let mut search = SizeSearch::new(92, 1_500, 3);
        let mut lost = false;
        for _ in 0..20 {
            for size in search.round() {
                search.sent(size);
                // The first probe of 1400 bytes is lost.
                if size == 1_400 && !std::mem::replace(&mut lost, true) {
                    continue;
                }
                search.arrived(size);
            }
        }
        assert_eq!((search.passed(), search.stopped(), lost), (Some(1_500), None, true));
    }

    #[test]
    fn a_size_that_fails_below_one_that_passes_is_a_hole() {
        let mut search = SizeSearch::new(92, 1_500, 1);
        for _ in 0..20 {
            for size in search.round() {
                search.sent(size);
                if size != 1_280 {
                    search.arrived(size);
                }
            }
        }
        assert_eq!((search.passed(), search.holes()), (Some(1_500), vec![1_280]));
    }
}
