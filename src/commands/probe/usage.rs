//! Arguments of `probe` that clap takes and no run can have.

use crate::commands::Usage;
use crate::units::Nanos;
use thiserror::Error;

/// What is wrong with them, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeUsage {
    /// There is no time to wait in.
    #[error("{flag} must be longer than 0 s")]
    NoTime {
        /// The option.
        flag: &'static str,
    },
    /// The flows would need ports beyond the last.
    #[error(
        "{flows} flows from port {port} on need ports above 65535; the first port can be {highest} at most"
    )]
    TooFewPorts {
        /// How many flows.
        flows: u16,
        /// The first port.
        port: u16,
        /// The highest first port for so many.
        highest: u16,
    },
    /// An idle time that cannot be tried.
    #[error("--candidates {given} is out of range; an idle time is {least} to {most}")]
    IdleTime {
        /// The idle time.
        given: Nanos,
        /// The shortest.
        least: Nanos,
        /// The longest.
        most: Nanos,
    },
    /// All idle times are too long.
    #[error("--up-to {up_to} leaves no idle time to try; the shortest candidate is {shortest}")]
    NoIdleTime {
        /// The longest that may be tried.
        up_to: Nanos,
        /// The shortest candidate.
        shortest: Nanos,
    },
    /// Too many idle times.
    #[error("--candidates lists {given} idle times; {most} at most")]
    TooManyIdleTimes {
        /// How many.
        given: usize,
        /// How many may be.
        most: usize,
    },
}

impl From<ProbeUsage> for Usage {
    fn from(wrong: ProbeUsage) -> Self {
        Self::new(wrong.to_string())
    }
}
