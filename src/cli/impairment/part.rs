//! One impairment as a value of the command line, and what it asks of the model.

use super::kind::Kind;
use super::tokens::quoted;
use crate::impair::{
    ArrivalOrder, Bottleneck, Capacity, Chance, Corruption, Delay, Duplication, EcnMarking,
    Forwarding, GilbertElliott, Impairments, Jitter, Loss, Outages, QueueLimit, Reordering,
};
use crate::units::{BitRate, Nanos, Percent};
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::RangeInclusive;

/// One impairment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Only(RangeInclusive<u32>),
    Mtu(u32),
    Blackout,
    Loss(LossPart),
    Duplicate { share: Percent, copies: NonZeroU32 },
    Rate { rate: BitRate, queue: QueuePart },
    Trace { file: String, queue: QueuePart },
    EcnAbove(Nanos),
    EcnShare(Percent),
    Corrupt(Percent),
    Cut { share: Percent, to: u32 },
    Rewrite(Percent),
    Delay(DelayPart),
    ReorderBy { share: Percent, by: NonZeroU32, within: Nanos },
    ReorderFor { share: Percent, hold: Nanos },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossPart {
    Share(Percent),
    Bursts { share: Percent, mean: NonZeroU32 },
    Every(NonZeroU64),
    Outages(Outages),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueuePart {
    pub limit: QueueLimit,
    pub overhead: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DelayPart {
    pub base: Nanos,
    pub jitter: JitterPart,
    pub order: ArrivalOrder,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JitterPart {
    None,
    Uniform(Nanos),
    Normal(Nanos),
    Pareto(Nanos),
    File(String),
}

impl QueuePart {
    /// Where none is given.
    pub(super) const DEFAULT: Self =
        Self { limit: QueueLimit::Time(Nanos::from_millis(100)), overhead: 0 };

    fn before(self, capacity: Capacity) -> Bottleneck {
        let Self { limit, overhead } = self;
        Bottleneck { capacity, queue: limit, overhead }
    }
}

/// How long the last ones wait for others to overtake them, where nothing is said.
pub(super) const REORDER_WITHIN: Nanos = Nanos::from_secs(1);

/// The largest payload, and more than any.
pub(super) const LARGEST: u32 = 65_535;

/// All of something.
pub(super) const ALL: Percent = Percent(1_000_000_000);

/// What reads the files that are named.
pub(super) trait Files {
    type Error;
    fn trace(&mut self, path: &str) -> Result<crate::impair::Trace, Self::Error>;
    fn delays(&mut self, path: &str) -> Result<crate::impair::DelayTable, Self::Error>;
}

fn chance(share: Percent) -> Chance {
    Chance::of(share.0, ALL.0)
}

impl Part {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Only(_) => Kind::Only,
            Self::Mtu(_) => Kind::Mtu,
            Self::Blackout => Kind::Blackout,
            Self::Loss(_) => Kind::Loss,
            Self::Duplicate { .. } => Kind::Duplicate,
            Self::Rate { .. } => Kind::Rate,
            Self::Trace { .. } => Kind::Trace,
            Self::EcnAbove(_) | Self::EcnShare(_) => Kind::Ecn,
            Self::Corrupt(_) => Kind::Corrupt,
            Self::Cut { .. } => Kind::Cut,
            Self::Rewrite(_) => Kind::Rewrite,
            Self::Delay(_) => Kind::Delay,
            Self::ReorderBy { .. } | Self::ReorderFor { .. } => Kind::Reorder,
        }
    }

    /// Adds it to what is done.
    pub(super) fn add<F: Files>(
        &self,
        to: &mut Impairments,
        files: &mut F,
    ) -> Result<(), F::Error> {
        match self {
            Self::Only(sizes) => to.only = Some(sizes.clone()),
            Self::Mtu(bytes) => to.mtu = Some(*bytes),
            Self::Blackout => to.loss = Loss::Blackout,
            Self::Loss(loss) => {
                to.loss = match *loss {
                    LossPart::Share(share) => Loss::Independent(chance(share)),
                    LossPart::Bursts { share, mean } => {
                        Loss::Bursts(GilbertElliott::bursts(chance(share), mean.get()))
                    }
                    LossPart::Every(number) => Loss::EveryNth(number),
                    LossPart::Outages(outages) => Loss::Outages(outages),
                }
            }
            Self::Duplicate { share, copies } => {
                to.duplication = Duplication { share: chance(*share), copies: copies.get() };
            }
            Self::Rate { rate, queue } => to.bottleneck = Some(queue.before(Capacity::Rate(*rate))),
            Self::Trace { file, queue } => {
                to.bottleneck = Some(queue.before(Capacity::Trace(files.trace(file)?)));
            }
            Self::EcnAbove(wait) => to.marking = EcnMarking::Above(*wait),
            Self::EcnShare(share) => to.marking = EcnMarking::Share(chance(*share)),
            Self::Corrupt(share) => to.corruption = Corruption { share: chance(*share) },
            Self::Cut { share, to: buffer } => {
                let (buffer, cut) = (*buffer, chance(*share));
                to.forwarding = Forwarding { buffer, cut, rewritten: Chance::NEVER };
            }
            Self::Rewrite(share) => to.forwarding.rewritten = chance(*share),
            Self::Delay(DelayPart { base, jitter, order }) => {
                let jitter = match jitter {
                    JitterPart::None => Jitter::None,
                    JitterPart::Uniform(most) => Jitter::Uniform(*most),
                    JitterPart::Normal(deviation) => Jitter::Normal(*deviation),
                    JitterPart::Pareto(deviation) => Jitter::Pareto(*deviation),
                    JitterPart::File(file) => Jitter::Table(files.delays(file)?),
                };
                to.delay = Delay { base: *base, jitter };
                to.order = *order;
            }
            Self::ReorderBy { share, by, within } => {
                to.reordering = Reordering { share: chance(*share), hold: *within, by: by.get() };
            }
            Self::ReorderFor { share, hold } => {
                to.reordering = Reordering { share: chance(*share), hold: *hold, by: 0 };
            }
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())?;
        match self {
            Self::Only(sizes) => {
                let (least, most) = (sizes.start(), sizes.end());
                match *most {
                    LARGEST => write!(f, " size {least}-"),
                    _ if least == most => write!(f, " size {least}"),
                    _ => write!(f, " size {least}-{most}"),
                }
            }
            Self::Mtu(bytes) => write!(f, " {bytes}"),
            Self::Blackout => Ok(()),
            Self::Loss(LossPart::Share(share)) | Self::Corrupt(share) | Self::Rewrite(share) => {
                write!(f, " {share}")
            }
            Self::Loss(LossPart::Bursts { share, mean }) => write!(f, " {share} bursts of {mean}"),
            Self::Loss(LossPart::Every(number)) => write!(f, " every {number}"),
            Self::Loss(LossPart::Outages(Outages { per_second, length })) => {
                write!(f, " burst {per_second}x{}", time(*length))
            }
            Self::Duplicate { share, copies } if copies.get() == 1 => write!(f, " {share}"),
            Self::Duplicate { share, copies } => write!(f, " {share} copies {copies}"),
            Self::Rate { rate, queue } => write!(f, " {}{queue}", rate_text(*rate)),
            Self::Trace { file, queue } => write!(f, " {}{queue}", quoted(file)),
            Self::EcnAbove(wait) => write!(f, " mark at {}", time(*wait)),
            Self::EcnShare(share) => write!(f, " mark {share}"),
            Self::Cut { share: ALL, to } => write!(f, " to {to}"),
            Self::Cut { share, to } => write!(f, " {share} to {to}"),
            Self::Delay(delay) => delay.fmt(f),
            Self::ReorderBy { share, by, within: REORDER_WITHIN } => write!(f, " {share} by {by}"),
            Self::ReorderBy { share, by, within } => {
                write!(f, " {share} by {by} within {}", time(*within))
            }
            Self::ReorderFor { share, hold } => write!(f, " {share} for {}", time(*hold)),
        }
    }
}

impl fmt::Display for DelayPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, jitter, order } = self;
        if *base > Nanos::ZERO || !matches!(jitter, JitterPart::File(_)) {
            write!(f, " {}", time(*base))?;
        }
        match jitter {
            JitterPart::None => {}
            JitterPart::Uniform(most) => write!(f, " ± {}", time(*most))?,
            JitterPart::Normal(deviation) => write!(f, " ± {} normal", time(*deviation))?,
            JitterPart::Pareto(deviation) => write!(f, " ± {} pareto", time(*deviation))?,
            JitterPart::File(file) => write!(f, " file {}", quoted(file))?,
        }
        match order {
            ArrivalOrder::Kept => Ok(()),
            ArrivalOrder::Free => f.write_str(" unordered"),
        }
    }
}

impl fmt::Display for QueuePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            QueueLimit::Time(most) => write!(f, " queue {}", time(most))?,
            QueueLimit::Bytes(most) => write!(f, " queue {}", size(most))?,
        }
        if self.overhead > 0 { write!(f, " overhead {}", self.overhead) } else { Ok(()) }
    }
}

/// A time without rounding: `1.5ms`.
pub(super) fn time(span: Nanos) -> String {
    exact(span.0, &[("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)])
}

fn rate_text(rate: BitRate) -> String {
    let prefixes =
        [("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000), ("", 1)];
    exact(rate.0, &prefixes)
}

fn size(bytes: u64) -> String {
    let whole = |factor: u64| bytes > 0 && bytes.is_multiple_of(factor);
    match bytes {
        _ if whole(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if whole(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes}B"),
    }
}

/// A number in the largest unit in which it is at least one, with all its decimals.
fn exact(value: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| value >= *factor;
    let (unit, factor) = units.iter().find(fits).or(units.first()).copied().unwrap_or(("", 1));
    let digits = factor.ilog10() as usize;
    let fraction = format!("{:0digits$}", value % factor);
    match fraction.trim_end_matches('0') {
        "" => format!("{}{unit}", value / factor),
        decimals => format!("{}.{decimals}{unit}", value / factor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_without_rounding() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5us"),
            (20_000_000, "20ms"),
            (1_000_000_001, "1.000000001s"),
            (90_000_000_000, "90s"),
        ] {
            assert_eq!(time(Nanos(nanos)), text);
            assert_eq!(text.parse(), Ok(Nanos(nanos)));
        }
        for (bits, text) in [(20_000_000, "20M"), (7_777_777, "7.777777M"), (500, "500")] {
            assert_eq!(rate_text(BitRate(bits)), text);
        }
        for (bytes, text) in [(65_536, "64KiB"), (3 << 20, "3MiB"), (1_500, "1500B"), (0, "0B")] {
            assert_eq!(size(bytes), text);
        }
    }
}
