//! Who is told the counts of a server while it runs.

use crate::record::ServeStanding;
use crate::units::Nanos;
use std::fmt;
use std::sync::Arc;

/// How often the counts are told.
pub(super) const WATCH: Nanos = Nanos::from_millis(500);

/// Is told the counts by each thread that serves.
#[derive(Clone)]
pub struct ServerWatch(Arc<dyn Fn(&ServeStanding) + Send + Sync>);

impl ServerWatch {
    /// A watcher that does this with the counts.
    pub fn new(tell: impl Fn(&ServeStanding) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, standing: &ServeStanding) {
        (self.0)(standing);
    }
}

impl fmt::Debug for ServerWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerWatch").finish_non_exhaustive()
    }
}
