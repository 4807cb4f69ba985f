//! What can be wrong with a throughput run before it begins.

use crate::commands::Usage;
use crate::stats::WINDOWS;
use crate::units::{Endpoint, Nanos};
use std::io;

/// Arguments that cannot be right.
#[derive(Debug, thiserror::Error)]
pub enum BlastUsage {
    /// Neither a target nor a server of this process's own.
    #[error("no target")]
    NoTarget,
    /// `--bind` with a port that is none.
    #[error("--bind {text}: the port is not a number from 0 to 65535")]
    BindPort {
        /// As it was written.
        text: String,
    },
    /// `--bind` with what is no address.
    #[error("--bind {text}: not an IP address")]
    BindAddress {
        /// As it was written.
        text: String,
    },
    /// `--bind` with an address of the other family.
    #[error("--bind {text}: the target {target} belongs to the other address family")]
    BindFamily {
        /// As it was written.
        text: String,
        /// The target.
        target: Endpoint,
    },
    /// `--size` beyond what a datagram holds.
    #[error("--size {size} is too large for a datagram to {target}: use {least} to {most}")]
    SizeTooLarge {
        /// Payload bytes that were asked for.
        size: u64,
        /// Where to.
        target: Endpoint,
        /// The least that would do.
        least: u64,
        /// The most.
        most: u64,
    },
    /// `--size` without room for the header.
    #[error("--size {size} leaves no room for the measurement header: use {least} to {most}")]
    SizeTooSmall {
        /// Payload bytes that were asked for.
        size: u64,
        /// The least that would do.
        least: u64,
        /// The most.
        most: u64,
    },
    /// `--count` or `--bytes` of 0.
    #[error("nothing to send: --count and --bytes must be at least 1")]
    NothingToSend,
    /// `--time` of 0.
    #[error("--time 0s sends nothing: use a time such as 10s")]
    NoTime,
    /// Report stretches that are too short.
    #[error("--report-every {every} is too short: use {least} or more")]
    ReportsTooOften {
        /// What was asked for.
        every: Nanos,
        /// The least that would do.
        least: Nanos,
    },
    /// More or fewer streams than there may be.
    #[error("--streams {streams} is out of range: use 1 to {most}")]
    Streams {
        /// What was asked for.
        streams: u32,
        /// The most.
        most: u32,
    },
    /// A reorder window that is too small or too large.
    #[error("--window {window} is out of range: use {} to {}", WINDOWS.start(), WINDOWS.end())]
    Window {
        /// What was asked for.
        window: u64,
    },
    /// Probes too often.
    #[error("--probe={every} is too short, as the probes would load the path: use {least} or more")]
    ProbesTooOften {
        /// What was asked for.
        every: Nanos,
        /// The least that would do.
        least: Nanos,
    },
    /// A burst of nothing.
    #[error("--burst must be at least 1")]
    NoBurst,
}

impl From<BlastUsage> for Usage {
    fn from(error: BlastUsage) -> Self {
        Self::new(error.to_string())
    }
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum BlastError {
    /// Interrupts cannot be noticed.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}
