//! What can go wrong around a probe.

use thiserror::Error;

/// What this host could not do for a probe; the system's reason stands beneath it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// No signals can be heard.
    #[error("cannot listen for signals")]
    Signals,
    /// The event loop did not start.
    #[error("cannot start the event loop")]
    Start,
    /// The event loop failed.
    #[error("cannot run the probe")]
    Run,
}
