//! Statistics of received datagrams: sequences, delay, jitter, loss.

mod bursts;
mod chance;
mod delay;
mod drift;
mod gap_log;
mod gaps;
mod jitter;
mod moments;
mod sequence;
mod timeline;
mod top_sources;

pub use bursts::LossBursts;
pub use chance::{LossSample, ODDS, is_beyond_chance, probability_of_chance, tries_to_tell};
pub use delay::{DelayAboveMin, DelayHistogram, Percentiles, Share};
pub use drift::ClockDrift;
pub use gap_log::{ClosedStretch, GapLog};
pub use jitter::Jitter;
pub use moments::Moments;
pub use sequence::{Arrival, ReorderExtents, SequenceTracker, WINDOW, WINDOWS};
pub use timeline::{Cell, Timeline};
pub use top_sources::{SourceCount, TopSources};
