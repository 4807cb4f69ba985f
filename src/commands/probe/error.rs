//! Errors of this host during a probe.

use thiserror::Error;

/// What this host could not do; the source is the system's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// Signal handlers could not be installed.
    #[error("cannot listen for signals")]
    Signals,
    /// The event loop did not start.
    #[error("cannot start the event loop")]
    Start,
    /// The event loop failed.
    #[error("cannot run the probe")]
    Run,
}
