//! Errors of this host during a probe.

use crate::engine::StreamError;
use crate::net::NetError;
use crate::record::LocalFailure;
use crate::sys::ErrorNumber;
use std::io;
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

/// What this host could not do, for a report.
pub(super) fn local_failure(error: &anyhow::Error) -> LocalFailure {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<NetError>() {
            return error.into();
        }
        if let Some(error) = cause.downcast_ref::<StreamError>() {
            return error.into();
        }
    }
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    let errno = causes.find_map(ErrorNumber::errno);
    match error.downcast_ref::<ProbeError>() {
        Some(ProbeError::Signals) => LocalFailure::Signals { errno },
        Some(ProbeError::Start) => LocalFailure::EventLoop { errno },
        Some(ProbeError::Run) => LocalFailure::Run { errno },
        None => LocalFailure::Other { errno },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_kind_that_fails_names_what_failed_and_the_systems_number() {
        let too_many = || crate::sys::error_of(24);
        let address = "192.0.2.1:9".parse().unwrap();
        let bind = NetError::Bind { addr: address, source: too_many() };
        let of = |step: ProbeError| -> anyhow::Error {
            Err::<(), _>(too_many()).context(step).expect_err("it failed")
        };
        let errno = Some(24);
        for (error, failure) in [
            (anyhow::Error::from(bind), LocalFailure::Bind { address, errno }),
            (of(ProbeError::Signals), LocalFailure::Signals { errno }),
            (of(ProbeError::Start), LocalFailure::EventLoop { errno }),
            (of(ProbeError::Run), LocalFailure::Run { errno }),
            (too_many().into(), LocalFailure::Other { errno }),
            (anyhow::anyhow!("no number"), LocalFailure::Other { errno: None }),
        ] {
            assert_eq!(local_failure(&error), failure, "{error}");
        }
    }
}
