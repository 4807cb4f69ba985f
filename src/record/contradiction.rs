//! Counts reported by the remote end that cannot be true.

use super::Worded;
use crate::units::{Nanos, group_digits as n};
use serde::Serialize;
use thiserror::Error;

/// Kinds of counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Datagrams that arrived, duplicates included.
    #[error("datagrams received")]
    Arrived,
    /// First copies.
    #[error("datagrams without duplicates")]
    Firsts,
    /// Second and further copies.
    #[error("duplicates")]
    Duplicates,
    /// Datagrams older than the reorder window.
    #[error("datagrams beyond the reorder window")]
    TooLate,
    /// Datagrams lost.
    #[error("lost datagrams")]
    Lost,
    /// Sequence numbers that arrived or are missing.
    #[error("sequence numbers")]
    Numbers,
    /// Datagrams dropped by the receiver's socket.
    #[error("drops at its socket")]
    SocketDrops,
    /// Datagrams with a wrong checksum.
    #[error("damaged datagrams")]
    Damaged,
    /// Datagrams that arrived cut.
    #[error("cut datagrams")]
    Cut,
    /// Datagrams that arrived altered.
    #[error("altered datagrams")]
    Altered,
    /// Datagrams that cannot be counted.
    #[error("corrupt datagrams")]
    Corrupt,
    /// Datagrams of no run, or of another.
    #[error("stray datagrams")]
    Strays,
    /// Reordered datagrams (RFC 4737).
    #[error("reordered datagrams")]
    Reordered,
    /// Reordering extent.
    #[error("sequence numbers of reorder extent")]
    ReorderExtent,
    /// Datagrams at the first instant of a stream.
    #[error("datagrams in the first instant")]
    AtStart,
    /// Runs of lost datagrams.
    #[error("loss bursts")]
    LossBursts,
    /// The longest such run.
    #[error("datagrams in the longest loss burst")]
    LongestBurst,
    /// Times that a clock was set.
    #[error("clock steps")]
    ClockSteps,
    /// Datagrams that the schedule called for.
    #[error("scheduled datagrams")]
    Offered,
    /// Datagrams sent.
    #[error("datagrams sent")]
    Sent,
    /// Datagrams that were due but did not leave in time.
    #[error("scheduled datagrams never sent")]
    Unsent,
    /// Times that a send buffer was full.
    #[error("times that its send buffer was full")]
    Blocked,
    /// Times that a sender caught up.
    #[error("late bursts of its pacer")]
    CatchUps,
    /// The most datagrams sent at once.
    #[error("datagrams in one pacing burst")]
    Burst,
    /// Datagrams that a host refused to send.
    #[error("datagrams refused by its host")]
    Refused,
    /// What a counter of a host counted.
    #[error("packets on a counter of its host")]
    HostCounter,
}

/// Kinds of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Timed {
    /// First to last datagram.
    #[error("a time between first and last datagram")]
    Span,
    /// The longest time between two arrivals.
    #[error("an inter-arrival gap")]
    Silence,
    /// A pause of the host itself.
    #[error("a pause")]
    Pause,
    /// Processor time of a stream.
    #[error("a CPU time per stream")]
    Processor,
    /// A schedule.
    #[error("a schedule")]
    Schedule,
    /// From the first arrival to an interval's end.
    #[error("an elapsed time")]
    Interval,
    /// A one-way delay above the minimum, or a lateness.
    #[error("a delay")]
    Delay,
    /// From a join to the first datagram.
    #[error("a wait for the first datagram")]
    Wait,
}

/// Why the remote end's report cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Error)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Contradiction {
    /// More first copies than were sent.
    #[error("it reports {} datagrams received, but only {} were sent", n(*arrived), n(*sent))]
    MoreArrived {
        /// Reported as received.
        arrived: u64,
        /// Sent by this end.
        sent: u64,
    },
    /// What arrived and what was lost are not what was sent.
    #[error("it reports {} datagrams received and {} lost, but {} were sent",
 n(*arrived), n(*lost), n(*sent))]
    SumDiffers {
        /// Reported as received.
        arrived: u64,
        /// Reported as lost.
        #[serde(rename = "lost_datagrams")]
        lost: u64,
        /// Sent by this end.
        sent: u64,
    },
    /// It reports another number sent.
    #[error("it reports {} datagrams sent, but {} were", n(*told), n(*sent))]
    OtherTotal {
        /// The reported number.
        told: u64,
        /// Sent by this end.
        sent: u64,
    },
    /// The parts of the datagrams received do not add up to the total.
    #[error("it reports {} datagrams received, but {} first copies, {} duplicates and {} beyond the reorder window", n(*datagrams), n(*firsts), n(*duplicates), n(*too_late))]
    PartsDiffer {
        /// The total.
        datagrams: u64,
        /// First copies.
        firsts: u64,
        /// Further copies.
        duplicates: u64,
        /// Older than the reorder window.
        too_late: u64,
    },
    /// The bytes do not match the number of datagrams.
    #[error("it reports {} datagrams of {} bytes each, but {} bytes in total", n(*datagrams), n(*payload), n(*bytes))]
    BytesDiffer {
        /// The bytes.
        bytes: u64,
        /// The datagrams.
        datagrams: u64,
        /// Payload bytes of each.
        payload: u64,
    },
    /// A part larger than its whole.
    #[error("it reports {} {counted}, but only {} {whole}", n(*claimed), n(*most))]
    BeyondWhole {
        /// The part.
        counted: Counted,
        /// Its figure.
        claimed: u64,
        /// The whole.
        whole: Counted,
        /// Its figure.
        most: u64,
    },
    /// More than any link carries in that time.
    #[error("it reports {} {counted} in a run of {}, which is impossible", n(*claimed), Nanos(*length_ns))]
    TooMany {
        /// What.
        counted: Counted,
        /// How many.
        claimed: u64,
        /// The duration, in nanoseconds.
        length_ns: u64,
    },
    /// Much longer than the run.
    #[error("it reports {timed} of {}, but the run took {}", Nanos(*claimed_ns), Nanos(*length_ns))]
    TooLong {
        /// What.
        timed: Timed,
        /// How long.
        claimed_ns: u64,
        /// The run's length.
        length_ns: u64,
    },
    /// An implausible clock drift.
    #[error("it reports a clock drift of {ppb} parts per billion, which no clock has")]
    Drift {
        /// In parts per billion.
        ppb: i64,
    },
    /// A count that can only grow became smaller.
    #[error("it first reported {} {counted} and later {}", n(*before), n(*after))]
    Shrank {
        /// What.
        counted: Counted,
        /// The first figure.
        before: u64,
        /// The later one.
        after: u64,
    },
    /// The intervals add up to more than the run.
    #[error("it reports {} {counted} in its intervals, but {} in total", n(*sum), n(*whole))]
    IntervalsBeyond {
        /// What.
        counted: Counted,
        /// All intervals together.
        sum: u64,
        /// The same count for the whole run.
        #[serde(rename = "total")]
        whole: u64,
    },
    /// A remote sender sent more than requested.
    #[error("it reports {} datagrams sent, but {} were requested", n(*sent), n(*count))]
    BeyondAsked {
        /// Reported as sent.
        sent: u64,
        /// The requested number.
        count: u64,
    },
    /// A remote sender reports fewer sent datagrams than arrived.
    #[error("it reports {} datagrams sent, but {} arrived here", n(*sent), n(*arrived))]
    FewerSent {
        /// The number that arrived.
        arrived: u64,
        /// Reported as sent.
        sent: u64,
    },
    /// A remote sender's end message and its report differ.
    #[error("it first reported {} datagrams sent and then {}", n(*told), n(*sent))]
    TwoTotals {
        /// Total in its end message.
        told: u64,
        /// Its report.
        sent: u64,
    },
    /// A number that cannot be read.
    #[error("one of its figures cannot be read")]
    Unreadable,
}

impl Contradiction {
    /// The same contradiction, compared with the number sent once that is known: more meaningful
    /// than a comparison with the run's duration.
    #[must_use]
    pub fn beside(self, sent: u64) -> Self {
        match self {
            Self::TooMany { counted: Counted::Arrived, claimed: arrived, .. } if arrived > sent => {
                Self::MoreArrived { arrived, sent }
            }
            Self::TooMany { counted: Counted::Sent, claimed: told, .. } => {
                Self::OtherTotal { told, sent }
            }
            other => other,
        }
    }
}

impl Worded for Contradiction {
    fn text(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_and_the_figures_stand_beside_the_text() {
        let why = Contradiction::MoreArrived { arrived: 1_200, sent: 1_000 };
        assert_eq!(
            serde_json::to_value(why).expect("JSON"),
            serde_json::json!({ "code": "more_arrived", "arrived": 1_200, "sent": 1_000 })
        );
        assert_eq!(why.text(), "it reports 1 200 datagrams received, but only 1 000 were sent");
    }
}
