//! Counts reported by the remote end that cannot be true.

use super::Worded;
use crate::units::{Nanos, group_digits as n};
use serde::Serialize;
use thiserror::Error;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Datagrams that arrived, copies among them.
    #[error("datagrams received")]
    Arrived,
    /// First copies.
    #[error("datagrams without duplicates")]
    Firsts,
    /// Second and further copies.
    #[error("duplicates")]
    Duplicates,
    /// Older than the reorder window.
    #[error("datagrams beyond the reorder window")]
    TooLate,
    /// Missing.
    #[error("lost datagrams")]
    Lost,
    /// Numbers that arrived or are missing.
    #[error("sequence numbers")]
    Numbers,
    /// Dropped by the receiver's socket.
    #[error("drops at its socket")]
    SocketDrops,
    /// Wrong size or bytes.
    #[error("corrupt datagrams")]
    Corrupt,
    /// Of no run, or another.
    #[error("stray datagrams")]
    Strays,
    /// Late by RFC 4737.
    #[error("reordered datagrams")]
    Reordered,
    /// Reordering extent.
    #[error("sequence numbers of reorder extent")]
    ReorderExtent,
    /// Those that began a span.
    #[error("datagrams in the first instant")]
    AtStart,
    /// Runs of lost datagrams.
    #[error("loss bursts")]
    LossBursts,
    /// The longest of these.
    #[error("datagrams in the longest loss burst")]
    LongestBurst,
    /// Times that a clock was set.
    #[error("clock steps")]
    ClockSteps,
    /// What a schedule called for.
    #[error("scheduled datagrams")]
    Offered,
    /// Datagrams sent.
    #[error("datagrams sent")]
    Sent,
    /// What was due and did not leave in time.
    #[error("scheduled datagrams never sent")]
    Unsent,
    /// Times that a send buffer was full.
    #[error("times that its send buffer was full")]
    Blocked,
    /// Times that a sender caught up.
    #[error("late bursts of its pacer")]
    CatchUps,
    /// The most that leave at once.
    #[error("datagrams in one pacing burst")]
    Burst,
    /// What a host refused to send.
    #[error("datagrams refused by its host")]
    Refused,
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum Timed {
    /// First to last datagram.
    #[error("a time between first and last datagram")]
    Span,
    /// The longest time between two arrivals.
    #[error("an inter-arrival gap")]
    Silence,
    /// A host's own standstill.
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
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Contradiction {
    /// More first copies than were sent.
    #[error("it reports {} datagrams received, but only {} were sent", n(*arrived), n(*sent))]
    MoreArrived {
        /// So many received, by its report.
        arrived: u64,
        /// So many were sent.
        sent: u64,
    },
    /// What arrived and what was lost are not what was sent.
    #[error("it reports {} datagrams received and {} lost, but {} were sent",
 n(*arrived), n(*lost), n(*sent))]
    SumDiffers {
        /// So many received, by its report.
        arrived: u64,
        /// And so many are missing.
        lost: u64,
        /// So many were sent.
        sent: u64,
    },
    /// It reports another number sent.
    #[error("it reports {} datagrams sent, but {} were", n(*told), n(*sent))]
    OtherTotal {
        /// The reported number.
        told: u64,
        /// So many were sent.
        sent: u64,
    },
    /// The parts of what arrived do not add up to the total.
    #[error("it reports {} datagrams received, but {} first copies, {} duplicates and {} beyond the reorder window", n(*datagrams), n(*firsts), n(*duplicates), n(*too_late))]
    PartsDiffer {
        /// The total.
        datagrams: u64,
        /// First copies.
        firsts: u64,
        /// Further copies.
        duplicates: u64,
        /// Too late for either.
        too_late: u64,
    },
    /// Bytes that are not those of so many datagrams.
    #[error("it reports {} datagrams of {} bytes each, but {} bytes in total", n(*datagrams), n(*payload), n(*bytes))]
    BytesDiffer {
        /// The bytes.
        bytes: u64,
        /// The datagrams.
        datagrams: u64,
        /// What each has.
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
    /// More than any link carries in the time.
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
    /// A drift of clocks that no clock has.
    #[error("it reports a clock drift of {ppb} parts per billion, which no clock has")]
    Drift {
        /// In parts per billion.
        ppb: i64,
    },
    /// A count that only grows became smaller.
    #[error("it first reported {} {counted} and later {}", n(*before), n(*after))]
    Shrank {
        /// What.
        counted: Counted,
        /// The first figure.
        before: u64,
        /// The later one.
        after: u64,
    },
    /// Intervals that are more than the run.
    #[error("it reports {} {counted} in its intervals, but {} in total", n(*sum), n(*whole))]
    IntervalsBeyond {
        /// What.
        counted: Counted,
        /// All intervals together.
        sum: u64,
        /// The duration of the run.
        #[serde(rename = "total")]
        whole: u64,
    },
    /// A remote sender sent more than requested.
    #[error("it reports {} datagrams sent, but {} were requested", n(*sent), n(*count))]
    BeyondAsked {
        /// So many, by its report.
        sent: u64,
        /// The requested number.
        count: u64,
    },
    /// A remote sender reports fewer sent datagrams than arrived.
    #[error("it reports {} datagrams sent, but {} arrived here", n(*sent), n(*arrived))]
    FewerSent {
        /// The number that arrived.
        arrived: u64,
        /// So many, by its report.
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
    /// The same contradiction with what was sent, once that is known: more meaningful than the
    /// run's duration.
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
