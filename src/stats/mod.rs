//! Arithmetic over what arrived: sequences, delay, jitter, rates.

mod bursts;
mod delay;
mod jitter;
mod sequence;
mod top_sources;

pub use bursts::LossBursts;
pub use delay::{DelayAboveMin, DelayHistogram, Percentiles};
pub use jitter::Jitter;
pub use sequence::{Arrival, SequenceTracker, WINDOW};
pub use top_sources::{SourceCount, TopSources};
