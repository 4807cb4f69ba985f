//! What the client asks a server for, request by request, at the end of a run.

use super::plan::{Direction, TestPlan};

/// Whether the far end is asked for the distribution of delays, which takes a round trip or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delays {
    /// It is.
    Wanted,
    /// Nobody looks at it.
    #[default]
    LeftOut,
}

/// What a status request is about: not everything fits one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// What the far end received, or, if it only sends, sent.
    Counts,
    /// What it sent, at the end of a bidirectional run.
    Sent,
    /// What it received of each stream, at the end of a run with several.
    Streams,
    /// What it received of each class of sizes, where they differ.
    Sizes,
    /// The delays of all that it received, if somebody wants them.
    Delays,
    /// What its host counted, at the end.
    Host,
}

impl About {
    /// What to ask for when this is known; `None` when all is.
    pub fn next(self, plan: &TestPlan, wanted: Delays) -> Option<Self> {
        let receives = plan.direction != Direction::Down;
        let delays = receives && wanted == Delays::Wanted;
        let after_sizes = if delays { Self::Delays } else { Self::Host };
        let has_sizes = receives && plan.sizes.is_some();
        let after_streams = if has_sizes { Self::Sizes } else { after_sizes };
        let after_counts = if receives && plan.streams > 1 { Self::Streams } else { after_streams };
        match self {
            Self::Counts if plan.direction == Direction::Both => Some(Self::Sent),
            Self::Counts | Self::Sent => Some(after_counts),
            Self::Streams => Some(after_streams),
            Self::Sizes => Some(after_sizes),
            Self::Delays => Some(Self::Host),
            Self::Host => None,
        }
    }
}
