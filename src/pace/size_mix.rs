//! The payload sizes of a stream whose datagrams differ: the size of every number, known to both ends
//! from the number alone.
//!
//! Sizes repeat after a cycle. Datagrams of one size that follow one another can be sent as one GSO
//! buffer, so that a mix of which the order is free is made of runs.

use crate::units::{MAX_PAYLOAD, MOST_SIZE_CYCLE, MOST_SIZE_PARTS};
use std::fmt;
use std::str::FromStr;

/// The seed of sizes at random: both ends, and every run, draw the same.
const SEED: u64 = 6_985;
/// Sizes until those at random begin anew: a power of two.
const DRAWN: usize = 4_096;
/// Most classes of sizes in a report.
pub const MOST_SIZE_CLASSES: usize = 16;
/// Classes of sizes at random, of equal width.
const DRAWN_CLASSES: u32 = 8;

/// Datagrams of one size that follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeRun {
    /// Payload bytes of each.
    pub size: u16,
    /// How many.
    pub count: u16,
}

/// The order of the sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// These runs, over and over.
    Runs([SizeRun; MOST_SIZE_PARTS], usize),
    /// Each size from the first to the second equally often, in an order that a seed decides.
    Drawn(u16, u16),
}

/// A mix of payload sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeMix(Order);

impl SizeMix {
    /// These runs in this order, over and over; `None` if they are none, too many, too long, or of
    /// too many sizes.
    pub fn of_runs(runs: &[SizeRun]) -> Option<Self> {
        let cycle: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
        let is_sound = runs.iter().all(|run| run.count > 0 && run.size > 0)
            && (1..=MOST_SIZE_PARTS).contains(&runs.len())
            && cycle <= MOST_SIZE_CYCLE;
        let mut kept = [SizeRun::default(); MOST_SIZE_PARTS];
        kept.get_mut(..runs.len())?.copy_from_slice(runs);
        let mix = Self(Order::Runs(kept, runs.len()));
        (is_sound && mix.sizes().len() <= MOST_SIZE_CLASSES).then_some(mix)
    }

    /// Sizes from `least` to `most` at random; `None` if these do not rise.
    pub fn drawn(least: u16, most: u16) -> Option<Self> {
        (least > 0 && least < most).then_some(Self(Order::Drawn(least, most)))
    }

    /// The smallest size and the largest.
    pub fn bounds(&self) -> (u16, u16) {
        match &self.0 {
            Order::Drawn(least, most) => (*least, *most),
            Order::Runs(runs, many) => {
                let sizes = || runs[..*many].iter().map(|run| run.size);
                (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0))
            }
        }
    }

    /// The mean size, rounded down.
    pub fn mean(&self) -> u64 {
        match &self.0 {
            Order::Drawn(least, most) => u64::midpoint(u64::from(*least), u64::from(*most)),
            Order::Runs(runs, many) => {
                let (mut bytes, mut cycle) = (0u64, 0u64);
                for run in &runs[..*many] {
                    bytes += u64::from(run.size) * u64::from(run.count);
                    cycle += u64::from(run.count);
                }
                bytes / cycle.max(1)
            }
        }
    }

    /// Whether its order is one at random.
    pub fn is_drawn(&self) -> bool {
        matches!(self.0, Order::Drawn(..))
    }

    /// The distinct sizes of runs, in rising order.
    fn sizes(&self) -> Vec<u16> {
        let Order::Runs(runs, many) = &self.0 else { return Vec::new() };
        let mut sizes: Vec<u16> = runs[..*many].iter().map(|run| run.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

impl fmt::Display for SizeMix {
    /// As the dialogue has it: `1472x1,548x4,16x7`, `64..1472`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Order::Drawn(least, most) => write!(f, "{least}..{most}"),
            Order::Runs(runs, many) => {
                for (index, SizeRun { size, count }) in runs[..*many].iter().enumerate() {
                    write!(f, "{}{size}x{count}", if index > 0 { "," } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for SizeMix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let size = |text: &str| {
            let size = text.parse::<u16>().ok()?;
            (usize::from(size) <= MAX_PAYLOAD).then_some(size)
        };
        if let Some((least, most)) = text.split_once("..") {
            return size(least).zip(size(most)).and_then(|(a, b)| Self::drawn(a, b)).ok_or(());
        }
        let run = |text: &str| {
            let (bytes, count) = text.split_once('x')?;
            Some(SizeRun { size: size(bytes)?, count: count.parse().ok()? })
        };
        let runs: Option<Vec<SizeRun>> = text.split(',').map(run).collect();
        runs.and_then(|runs| Self::of_runs(&runs)).ok_or(())
    }
}

/// A class of sizes: payload bytes from the first to the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeClass {
    /// The smallest.
    pub least: u16,
    /// The largest.
    pub most: u16,
}

/// The sizes of all numbers, as a table of one cycle.
#[derive(Clone, Debug)]
pub struct SizeSequence {
    sizes: Box<[u16]>,
    /// How many from here on, to the end of the cycle, have the size of this one.
    runs: Box<[u16]>,
    /// The class of each.
    class_of: Box<[u8]>,
    /// Bytes of all before each, and at last of all.
    before: Box<[u32]>,
    classes: Vec<SizeClass>,
}

impl SizeSequence {
    /// Most memory that one takes, in bytes.
    pub const BYTES: usize = MOST_SIZE_CYCLE as usize * (2 + 2 + 1 + 4) + 8 + MOST_SIZE_CLASSES * 8;

    /// The sizes of a mix.
    pub fn new(mix: &SizeMix) -> Self {
        let sizes: Box<[u16]> = match &mix.0 {
            Order::Runs(runs, many) => {
                let each = runs[..*many].iter();
                each.flat_map(|run| std::iter::repeat_n(run.size, usize::from(run.count))).collect()
            }
            Order::Drawn(least, most) => drawn(*least, *most),
        };
        let classes: Vec<SizeClass> = match &mix.0 {
            Order::Runs(..) => {
                mix.sizes().into_iter().map(|size| SizeClass { least: size, most: size }).collect()
            }
            Order::Drawn(least, most) => drawn_classes(*least, *most),
        };
        let class = |size: &u16| classes.partition_point(|class| class.most < *size) as u8;
        let mut runs: Box<[u16]> = vec![1; sizes.len()].into();
        for at in (0..sizes.len() - 1).rev() {
            if sizes[at] == sizes[at + 1] {
                runs[at] = runs[at + 1] + 1;
            }
        }
        let mut before = Vec::with_capacity(sizes.len() + 1);
        before.push(0u32);
        for size in &sizes {
            before.push(before[before.len() - 1] + u32::from(*size));
        }
        Self {
            class_of: sizes.iter().map(class).collect(),
            runs,
            before: before.into(),
            classes,
            sizes,
        }
    }

    /// The classes, by size.
    pub fn classes(&self) -> &[SizeClass] {
        &self.classes
    }

    /// Datagrams of a cycle, and their payload bytes.
    pub fn cycle(&self) -> (u64, u64) {
        (self.sizes.len() as u64, u64::from(self.before[self.sizes.len()]))
    }

    fn place(&self, sequence: u32) -> usize {
        sequence as usize % self.sizes.len()
    }

    /// The size of the datagram with this number, as on the wire.
    #[inline]
    pub fn size(&self, sequence: u32) -> usize {
        usize::from(self.sizes[self.place(sequence)])
    }

    /// The class of that.
    #[inline]
    pub fn class(&self, sequence: u32) -> usize {
        usize::from(self.class_of[self.place(sequence)])
    }

    /// How many datagrams from this number on have the same size; at least 1.
    #[inline]
    pub fn run(&self, sequence: u32) -> usize {
        let to_wrap = (u32::MAX - sequence) as usize;
        usize::from(self.runs[self.place(sequence)]).min(to_wrap.saturating_add(1))
    }

    /// Bytes of the first `numbers` numbers.
    pub fn bytes_to(&self, numbers: u64) -> u64 {
        // Numbers on the wire begin anew, and the cycle with them.
        let (wraps, rest) = (numbers >> 32, numbers & u64::from(u32::MAX));
        wraps.saturating_mul(self.bytes_below(1 << 32)).saturating_add(self.bytes_below(rest))
    }

    fn bytes_below(&self, numbers: u64) -> u64 {
        let (cycle, bytes) = self.cycle();
        let rest = (numbers % cycle) as usize;
        (numbers / cycle).saturating_mul(bytes).saturating_add(u64::from(self.before[rest]))
    }

    /// How many numbers from `first` on begin within so many bytes.
    pub fn numbers_within(&self, first: u64, bytes: u64) -> u64 {
        let (cycle, cycle_bytes) = self.cycle();
        let mut count = (bytes / cycle_bytes).saturating_sub(1).saturating_mul(cycle);
        let start = self.bytes_to(first);
        while self.bytes_to(first.saturating_add(count)).saturating_sub(start) < bytes {
            count += 1;
        }
        count
    }

    /// How many of the first `numbers` numbers are of each class.
    pub fn counts_to(&self, numbers: u64) -> Vec<u64> {
        let mut counts = vec![0u64; self.classes.len()];
        let (wraps, rest) = (numbers >> 32, numbers & u64::from(u32::MAX));
        for (times, numbers) in [(wraps, 1u64 << 32), (1, rest)] {
            let cycle = self.sizes.len() as u64;
            let (cycles, part) = (numbers / cycle, (numbers % cycle) as usize);
            for (place, class) in self.class_of.iter().enumerate() {
                let many = cycles + u64::from(place < part);
                let count = &mut counts[usize::from(*class)];
                *count = count.saturating_add(times.saturating_mul(many));
            }
        }
        counts
    }
}

/// A table of sizes in which each occurs equally often, or once more than others.
fn drawn(least: u16, most: u16) -> Box<[u16]> {
    let width = u64::from(most - least) + 1;
    let mut sizes: Vec<u16> =
        (0..DRAWN as u64).map(|at| least + (at * width / DRAWN as u64) as u16).collect();
    // Fisher and Yates, with SplitMix64 (Steele, Lea, Flood 2014).
    let mut state = SEED;
    for at in (1..sizes.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = state;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^= drawn >> 31;
        let other = ((u128::from(drawn) * (at as u128 + 1)) >> 64) as usize;
        sizes.swap(at, other);
    }
    sizes.into()
}

fn drawn_classes(least: u16, most: u16) -> Vec<SizeClass> {
    let (from, width) = (u32::from(least), u32::from(most - least) + 1);
    let many = DRAWN_CLASSES.min(width);
    let edge = |class: u32| from + class * width / many;
    (0..many)
        .map(|class| SizeClass { least: edge(class) as u16, most: (edge(class + 1) - 1) as u16 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixes() -> Vec<SizeMix> {
        ["1472x1,548x4,16x7", "18x4,82x2,210x1", "64..1472", "16..18", "100x3", "16..65507"]
            .map(|text| text.parse().unwrap_or_else(|()| panic!("{text}")))
            .to_vec()
    }

    #[test]
    fn a_mix_survives_the_dialogue_and_what_is_none_is_refused() {
        for mix in mixes() {
            assert_eq!(mix.to_string().parse(), Ok(mix));
        }
        let many = vec!["16x1"; MOST_SIZE_PARTS + 1].join(",");
        let sizes: Vec<String> = (100..117).map(|size| format!("{size}x1")).collect();
        for wrong in [
            "",
            "x",
            "16",
            "16x0",
            "0x1",
            "16x1,",
            "18..16",
            "16..16",
            "0..5",
            "99999x1",
            "16x4097",
            &many,
            &sizes.join(","),
            "16x-1",
            "16..70000",
        ] {
            assert_eq!(wrong.parse::<SizeMix>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn sizes_bytes_and_counts_are_those_of_the_numbers_one_by_one() {
        for mix in mixes() {
            let table = SizeSequence::new(&mix);
            let (mut bytes, mut counts) = (0u64, vec![0u64; table.classes().len()]);
            for number in 0..10_000u64 {
                assert_eq!(table.bytes_to(number), bytes, "{mix} {number}");
                if number % 997 == 0 {
                    assert_eq!(table.counts_to(number), counts, "{mix} {number}");
                }
                let (size, class) = (table.size(number as u32), table.class(number as u32));
                let SizeClass { least, most } = table.classes()[class];
                assert!((usize::from(least)..=usize::from(most)).contains(&size), "{mix}");
                let run = table.run(number as u32);
                assert!((0..run as u32).all(|more| table.size(number as u32 + more) == size));
                bytes += size as u64;
                counts[class] += 1;
            }
            let (cycle, in_cycle) = table.cycle();
            assert!((in_cycle / cycle).abs_diff(mix.mean()) <= 8, "{mix}");
            let all = 3u64 << 32;
            assert_eq!(table.counts_to(all + 5).iter().sum::<u64>(), all + 5, "{mix}");
            assert!(table.bytes_to(all) >= all * u64::from(mix.bounds().0), "{mix}");
        }
    }

    #[test]
    fn the_numbers_within_some_bytes_are_those_that_begin_there() {
        for mix in mixes() {
            let table = SizeSequence::new(&mix);
            for (first, bytes) in [(0, 0), (0, 1), (5, 16), (3, 17), (11, 5_000), (4_090, 300_000)]
            {
                let many = table.numbers_within(first, bytes);
                let begin = |count: u64| table.bytes_to(first + count) - table.bytes_to(first);
                assert!(many == 0 || begin(many - 1) < bytes, "{mix} {first} {bytes}");
                assert!(begin(many) >= bytes, "{mix} {first} {bytes}");
            }
        }
    }

    #[test]
    fn sizes_at_random_are_equally_frequent_and_the_same_at_both_ends() {
        let table = SizeSequence::new(&SizeMix::drawn(64, 1_472).unwrap());
        let counts = table.counts_to(4_096);
        assert_eq!(table.classes()[0], SizeClass { least: 64, most: 239 });
        assert_eq!(table.classes()[7].most, 1_472);
        assert!(counts.iter().all(|count| count.abs_diff(512) <= 8), "{counts:?}");
        // Golden: other ends rely on these.
        let first: Vec<usize> = (0..6).map(|number| table.size(number)).collect();
        assert_eq!(first, GOLDEN);
    }

    const GOLDEN: [usize; 6] = [1_199, 156, 383, 907, 1_338, 749];
}
