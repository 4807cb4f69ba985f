//! What a receiver has counted of each class of sizes, and its form as STAT parameters.

use super::stat_params::text_of;
use crate::pace::SizeClass;
use crate::record::{DelayQuantiles, SizeCounts};
use crate::stats::{CoarseHistogram, Percentiles};
use crate::units::Nanos;
use crate::wire::Params;

/// Delays above the smallest, to a sixteenth, in little memory.
#[derive(Clone, Debug, Default)]
pub struct ClassDelays {
    least: Option<i64>,
    above: CoarseHistogram,
}

impl ClassDelays {
    /// A transit time, of any two clocks.
    pub fn observe(&mut self, transit: i64) {
        let least = *self.least.get_or_insert(transit);
        if transit < least {
            self.above.raise(Nanos(least.abs_diff(transit)));
            self.least = Some(transit);
        }
        self.above.record(Nanos(transit.abs_diff(least.min(transit))));
    }

    /// Adds those of another stream, above its own smallest.
    pub fn merge(&mut self, other: &Self) {
        self.above.merge(&other.above);
    }

    /// The percentiles; those with fewer than ten samples beyond are unknown.
    fn quantiles(&self) -> DelayQuantiles {
        let of = |per_mille| self.above.quantile(per_mille, 0);
        Percentiles {
            p50: of(500),
            p90: of(900),
            p99: of(990),
            p999: of(999),
            max: self.above.max(),
            count: self.above.count(),
        }
        .into()
    }
}

/// One class.
#[derive(Clone, Debug)]
pub struct SizeAccount {
    /// Its sizes.
    pub class: SizeClass,
    /// Datagrams sent; up to the highest number that arrived where the total is unknown.
    pub sent: u64,
    /// Datagrams that arrived whole, copies among them.
    pub datagrams: u64,
    /// First copies.
    pub firsts: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Datagrams that arrived cut or altered.
    pub changed: u64,
    /// Delays above the smallest of the class.
    pub delays: ClassDelays,
}

impl SizeAccount {
    /// Nothing yet.
    pub fn new(class: SizeClass) -> Self {
        let delays = ClassDelays::default();
        Self { class, sent: 0, datagrams: 0, firsts: 0, bytes: 0, changed: 0, delays }
    }

    /// Adds that of another stream of the run.
    pub fn merge(&mut self, other: &Self) {
        let add = |whole: &mut u64, part: u64| *whole = whole.saturating_add(part);
        add(&mut self.sent, other.sent);
        add(&mut self.datagrams, other.datagrams);
        add(&mut self.firsts, other.firsts);
        add(&mut self.bytes, other.bytes);
        add(&mut self.changed, other.changed);
        self.delays.merge(&other.delays);
    }

    /// The account as a record.
    pub fn counts(&self) -> SizeCounts {
        let SizeAccount { class, sent, datagrams, firsts, bytes, changed, .. } = *self;
        SizeCounts {
            least: class.least.into(),
            most: class.most.into(),
            sent,
            datagrams,
            firsts,
            bytes,
            lost: sent.saturating_sub(firsts).saturating_sub(changed),
            delay: self.delays.quantiles(),
        }
    }
}

/// The accounts of several streams as one; empty without any.
pub fn merge_sizes<'a>(streams: impl IntoIterator<Item = &'a [SizeAccount]>) -> Vec<SizeAccount> {
    let mut whole: Vec<SizeAccount> = Vec::new();
    for accounts in streams {
        if whole.len() == accounts.len() {
            whole.iter_mut().zip(accounts).for_each(|(whole, part)| whole.merge(part));
        } else if whole.is_empty() {
            whole = accounts.to_vec();
        }
    }
    whole
}

/// The parameter of a class.
pub fn size_key(class: usize) -> String {
    format!("z{class}")
}

/// One class as a parameter value: twelve numbers separated by colons, `-` for an unknown one.
pub fn size_text(counts: &SizeCounts) -> String {
    let SizeCounts { least, most, sent, datagrams, firsts, bytes, lost, delay } = *counts;
    let DelayQuantiles { p50, p90, p99, p999, max } = delay;
    let delays = [p50, p90, p99, p999, max].map(text_of).join(":");
    format!("{least}:{most}:{sent}:{datagrams}:{firsts}:{bytes}:{lost}:{delays}")
}

/// Reads [`size_text`]; `None` for anything else.
fn read_size(text: &str) -> Option<SizeCounts> {
    let parts: Vec<Option<u64>> = text
        .split(':')
        .map(|part| match part {
            "-" => Some(None),
            part => part.parse().ok().map(Some),
        })
        .collect::<Option<_>>()?;
    let [least, most, sent, datagrams, firsts, bytes, lost, p50, p90, p99, p999, max] = parts[..]
    else {
        return None;
    };
    Some(SizeCounts {
        least: least?,
        most: most?,
        sent: sent?,
        datagrams: datagrams?,
        firsts: firsts?,
        bytes: bytes?,
        lost: lost?,
        delay: DelayQuantiles { p50, p90, p99, p999, max },
    })
}

/// Asks for the classes from `next` on.
pub(super) fn ask_sizes(params: &mut Params, next: usize) {
    params.push("about", "sizes");
    params.push("from", next);
}

/// The classes from `next` on.
pub(super) fn sizes_from(params: &Params, next: usize) -> Vec<SizeCounts> {
    (next..).map_while(|class| read_size(params.get(&size_key(class))?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_survives_the_dialogue_and_the_unknown_stays_unknown() {
        let delay = DelayQuantiles { p50: Some(5), max: Some(9), ..DelayQuantiles::default() };
        let counts = SizeCounts {
            least: 64,
            most: 239,
            sent: 100,
            datagrams: 99,
            firsts: 98,
            bytes: 9_800,
            lost: 2,
            delay,
        };
        let mut params = Params::default();
        params.push(&size_key(3), size_text(&counts));
        assert_eq!(params.get("z3"), Some("64:239:100:99:98:9800:2:5:-:-:-:9"));
        assert_eq!(sizes_from(&params, 3), [counts]);
        assert_eq!(sizes_from(&params, 0), []);
        for wrong in ["", "1:2", "-:1:1:1:1:1:1:1:1:1:1:1", "1:1:1:1:1:1:1:1:1:1:1:x"] {
            assert_eq!(read_size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn delays_count_above_the_smallest_whenever_that_comes() {
        let mut delays = ClassDelays::default();
        for transit in [5_000_000, 6_000_000, 1_000_000, 9_000_000] {
            delays.observe(transit);
        }
        assert_eq!(delays.above.max(), Some(Nanos(8_000_000)));
        (0..100).for_each(|_| delays.observe(3_000_000));
        let p50 = delays.quantiles().p50.unwrap();
        assert!(p50.abs_diff(2_000_000) < 130_000, "{p50}");
    }

    #[test]
    fn streams_add_up_by_class() {
        let class = SizeClass { least: 16, most: 16 };
        let one = SizeAccount {
            sent: 10,
            datagrams: 8,
            firsts: 7,
            bytes: 112,
            ..SizeAccount::new(class)
        };
        let other = SizeAccount { sent: 5, datagrams: 5, firsts: 5, bytes: 80, ..one.clone() };
        let whole = merge_sizes([&[one][..], &[other]]);
        let counts = whole[0].counts();
        assert_eq!((counts.sent, counts.firsts, counts.lost, counts.bytes), (15, 12, 3, 192));
        assert!(merge_sizes([]).is_empty());
    }
}
