//! What the client asks a server for, request by request, at the end of a run.

use super::plan::{Direction, TestPlan};

/// What a status request is about: not everything fits one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// What the far end received, or, if it only sends, sent.
    Counts,
    /// What it sent, at the end of a bidirectional run.
    Sent,
    /// What it received of each stream, at the end of a run with several.
    Streams,
    /// What its host counted, at the end.
    Host,
}

impl About {
    /// What to ask for when this is known; `None` when all is.
    pub fn next(self, plan: &TestPlan) -> Option<Self> {
        let last = match plan.direction {
            Direction::Up | Direction::Both if plan.streams > 1 => Self::Streams,
            _ => Self::Host,
        };
        match self {
            Self::Counts if plan.direction == Direction::Both => Some(Self::Sent),
            Self::Counts | Self::Sent => Some(last),
            Self::Streams => Some(Self::Host),
            Self::Host => None,
        }
    }
}
