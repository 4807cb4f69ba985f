//! What became of the datagrams of each class of sizes, in a run with several.

use super::DelayQuantiles;
use super::rates::rates;
use crate::pace::SizeMix;
use crate::units::{Genome, Nanos, SizeChoice};
use serde::{Serialize, Serializer};
use std::fmt;

/// What a receiver counted of a class, as the dialogue carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeCounts {
    /// The smallest payload, in bytes.
    pub least: u64,
    /// The largest.
    pub most: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that arrived whole, copies among them.
    pub datagrams: u64,
    /// First copies.
    pub firsts: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Datagrams lost.
    pub lost: u64,
    /// Delay above the smallest of the class.
    pub delay: DelayQuantiles,
}

impl SizeCounts {
    /// The classes, if they can be parts of a run with these counts of first copies and losses.
    pub fn of_run(classes: Vec<Self>, firsts: u64, lost: u64) -> Vec<Self> {
        let sum = |of: fn(&Self) -> u64| {
            classes.iter().fold(0u64, |sum, class| sum.saturating_add(of(class)))
        };
        let is_sound = sum(|class| class.firsts) <= firsts
            && sum(|class| class.lost) <= lost
            && classes.iter().all(|class| {
                let bytes = u128::from(class.bytes);
                let of = |size: u64| u128::from(class.firsts) * u128::from(size);
                (of(class.least)..=of(class.most)).contains(&bytes)
            });
        if is_sound { classes } else { Vec::new() }
    }
}

/// A class of sizes in a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizeRow {
    /// The smallest payload, in bytes.
    pub least_payload_bytes: u64,
    /// The largest; the same where every datagram of the class has one size.
    pub most_payload_bytes: u64,
    /// Datagrams sent.
    #[serde(rename = "sent_datagrams")]
    pub sent: u64,
    /// Datagrams that arrived whole, copies among them.
    #[serde(rename = "received_datagrams")]
    pub received: u64,
    /// First copies.
    pub delivered: u64,
    /// Their payload bytes.
    pub delivered_bytes: u64,
    /// Datagrams lost.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Payload bits of first copies per second; `None` if the run was too short.
    pub bits_per_second: Option<u64>,
    /// First copies per second.
    pub datagrams_per_second: Option<u64>,
    /// One-way delay above the smallest of the class, to a sixteenth.
    pub delay_above_min_ns: DelayQuantiles,
}

impl SizeRow {
    /// The row of a class, in a direction that took so long.
    pub fn new(counts: &SizeCounts, span: Nanos) -> Self {
        let (bits, datagrams) = rates(counts.firsts, counts.bytes, span);
        Self {
            least_payload_bytes: counts.least,
            most_payload_bytes: counts.most,
            sent: counts.sent,
            received: counts.datagrams,
            delivered: counts.firsts,
            delivered_bytes: counts.bytes,
            lost: counts.lost,
            bits_per_second: bits,
            datagrams_per_second: datagrams,
            delay_above_min_ns: counts.delay,
        }
    }
}

/// What the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedSizes {
    /// `--size`.
    Size(SizeChoice),
    /// `--genome`.
    Genome(Genome),
}

impl fmt::Display for AskedSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(choice) => choice.fmt(f),
            Self::Genome(genome) => genome.fmt(f),
        }
    }
}

fn as_written<S: Serializer>(sizes: &impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(sizes)
}

/// The sizes that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizesAsked {
    /// As the user wrote them.
    #[serde(serialize_with = "as_written")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub asked: AskedSizes,
    /// What was sent: runs of payload bytes and datagrams, over and over (`1472x1,548x4,16x7`), or
    /// a range (`64..1472`), each size equally likely.
    #[serde(serialize_with = "as_written")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub sequence: SizeMix,
    /// Datagrams until the sizes begin anew.
    pub cycle_datagrams: u64,
    /// Their payload bytes.
    pub cycle_bytes: u64,
    /// The smallest IP packet that was asked for, in bytes, where the measurement header does not fit
    /// in it; `None` if all fit.
    pub enlarged_from_ip_bytes: Option<u64>,
    /// The packet that was sent in its place; likewise.
    pub enlarged_to_ip_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_cannot_be_parts_of_the_run_are_left_out() {
        let class =
            SizeCounts { least: 64, most: 64, firsts: 9, bytes: 576, lost: 1, ..<_>::default() };
        let told =
            |class: SizeCounts, firsts, lost| SizeCounts::of_run(vec![class], firsts, lost).len();
        assert_eq!(told(class, 9, 1), 1);
        assert_eq!(told(class, 8, 1), 0);
        assert_eq!(told(class, 9, 0), 0);
        assert_eq!(told(SizeCounts { bytes: 577, ..class }, 9, 1), 0);
    }

    #[test]
    fn a_row_has_the_rate_of_its_first_copies() {
        let counts = SizeCounts { firsts: 1_000, bytes: 100_000, ..SizeCounts::default() };
        let row = SizeRow::new(&counts, Nanos::from_secs(2));
        assert_eq!((row.bits_per_second, row.datagrams_per_second), (Some(400_000), Some(500)));
    }
}
