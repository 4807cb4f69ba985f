//! What `cast send --jsonl` and `cast recv --jsonl` print as it happens.

use super::rows::{RecordLines, event_line};
use crate::record::finding::one;
use crate::record::{
    CastGap, CastInterval, CastNote, CastWarning, FanoutStanding, Flow, InterfaceEvent,
};
use serde::Serialize;

/// One event of a fan-out, at either end.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum CastLine<'a> {
    /// Something that belongs to the run: a source's first datagram, a receiver that subscribed.
    Note {
        /// What it is.
        #[serde(serialize_with = "one")]
        note: CastNote,
    },
    /// Something that is likely to be wrong.
    Warning {
        /// What it is.
        #[serde(serialize_with = "one")]
        warning: CastWarning,
    },
    /// Something is missing in the stream that is stored.
    Gap(CastGap),
    /// A membership or an address went or came back.
    Interface(&'a InterfaceEvent),
    /// A receiver's interval is over.
    Interval(CastInterval),
    /// How the receivers of a sender stand.
    Standing {
        /// Since the first datagram, or since the start if there is none yet.
        elapsed_ns: u64,
        /// Sequence numbers used so far.
        numbered: u64,
        /// The receivers.
        #[serde(flatten)]
        standing: &'a FanoutStanding,
    },
}

impl CastLine<'_> {
    /// Its name, which does not change within a schema.
    pub fn event(&self) -> &'static str {
        match self {
            Self::Note { .. } => "note",
            Self::Warning { .. } => "warning",
            Self::Gap(_) => "gap",
            Self::Interface(_) => "interface",
            Self::Interval(_) => "interval",
            Self::Standing { .. } => "standing",
        }
    }

    /// The line of `command`.
    pub fn text(&self, command: &'static str) -> String {
        event_line(self.event(), command, self)
    }

    /// Prints the line.
    pub fn print(&self, lines: &mut RecordLines) -> Flow {
        lines.event(self.event(), self)
    }
}
