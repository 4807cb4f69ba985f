//! Statistics of received datagrams: sequences, delay, jitter, loss.

mod bursts;
mod coarse_histogram;
mod delay;
mod drift;
mod drop_count;
mod gap_log;
mod gaps;
mod hdr_form;
mod jitter;
mod loss_gaps;
mod loss_significance;
mod moments;
mod noise;
mod outage_log;
mod sequence;
mod socket_drops;
mod stream_groups;
mod timeline;
mod top_sources;

pub use bursts::LossBursts;
pub use coarse_histogram::CoarseHistogram;
pub use delay::{DelayAboveMin, DelayHistogram, EncodedHistogram, Percentiles, Share};
pub use drift::ClockDrift;
pub use drop_count::DropCount;
pub use gap_log::{ClosedInterval, GapLog};
pub use jitter::Jitter;
pub use loss_gaps::{GAPS_KEPT, GapFinder, LossGap, LossGaps, OUTAGE_LEAST, StreamLosses};
pub use loss_significance::{
    LossSample, ODDS, is_beyond_chance, probability_of_chance, tries_for_significance,
};
pub use moments::Moments;
pub use noise::{Noise, quantile_bounds, samples_that_count};
pub use outage_log::{
    ArrivalGap, LEAST_OUTAGE, OUTAGE_INTERVALS, OUTAGES_LISTED, OutageFinder, OutageLength,
    OutageLog,
};
pub use sequence::{Arrival, ReorderExtents, SequenceTracker, WINDOW, WINDOWS};
pub use socket_drops::SocketDrops;
pub use stream_groups::{StreamGroups, StreamLoss, split_by_loss, split_by_loss_among};
pub use timeline::{Cell, Timeline};
pub use top_sources::{SourceCount, TopSources};
