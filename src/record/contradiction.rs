//! What a far end said that cannot be true, as a fact with its figures, and in words.

use crate::units::{Nanos, group_digits};
use serde::Serialize;
use std::fmt;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Datagrams that arrived, copies among them.
    Arrived,
    /// First copies.
    Firsts,
    /// Second and further copies.
    Duplicates,
    /// Older than the reorder window.
    TooLate,
    /// Missing.
    Lost,
    /// Numbers that came or are missing.
    Numbers,
    /// Dropped by the receiver's socket.
    SocketDrops,
    /// Wrong size or bytes.
    Corrupt,
    /// Of no run, or another.
    Strays,
    /// Late by RFC 4737.
    Reordered,
    /// How far they were late.
    ReorderExtent,
    /// Those that began a span.
    AtStart,
    /// Runs of lost datagrams.
    LossBursts,
    /// The longest of these.
    LongestBurst,
    /// Times that a clock was set.
    ClockSteps,
    /// What a schedule called for.
    Offered,
    /// What left.
    Sent,
    /// What was due and did not leave in time.
    Unsent,
    /// Times that a send buffer was full.
    Blocked,
    /// Times that a sender caught up.
    CatchUps,
    /// The most that leave at once.
    Burst,
    /// What a host refused to send.
    Refused,
}

impl Counted {
    /// The count as a sentence names it.
    fn words(self) -> &'static str {
        match self {
            Self::Arrived => "datagrams that arrived",
            Self::Firsts => "first copies",
            Self::Duplicates => "duplicates",
            Self::TooLate => "datagrams that came too late",
            Self::Lost => "lost datagrams",
            Self::Numbers => "numbers of the run",
            Self::SocketDrops => "drops at its socket",
            Self::Corrupt => "corrupt datagrams",
            Self::Strays => "stray datagrams",
            Self::Reordered => "reordered datagrams",
            Self::ReorderExtent => "places of reordering",
            Self::AtStart => "datagrams at the first instant",
            Self::LossBursts => "bursts of loss",
            Self::LongestBurst => "datagrams in one burst of loss",
            Self::ClockSteps => "steps of a clock",
            Self::Offered => "datagrams offered",
            Self::Sent => "datagrams sent",
            Self::Unsent => "datagrams that were left unsent",
            Self::Blocked => "times that its send buffer was full",
            Self::CatchUps => "times that it caught up",
            Self::Burst => "datagrams that leave at once",
            Self::Refused => "datagrams that its host refused",
        }
    }
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timed {
    /// First to last datagram.
    Span,
    /// The longest time between two arrivals.
    Silence,
    /// A host's own standstill.
    Pause,
    /// Processor time of a stream.
    Processor,
    /// A schedule.
    Schedule,
    /// From the first arrival to an interval's end.
    Interval,
    /// A one-way delay above the minimum, or a lateness.
    Delay,
    /// From a join to the first datagram.
    Wait,
}

impl Timed {
    /// The time as a sentence names it.
    fn words(self) -> &'static str {
        match self {
            Self::Span => "a span from the first datagram to the last",
            Self::Silence => "a silence",
            Self::Pause => "a pause",
            Self::Processor => "a stream's processor time",
            Self::Schedule => "a schedule",
            Self::Interval => "an interval's end",
            Self::Delay => "a delay",
            Self::Wait => "a wait for the first datagram",
        }
    }
}

/// Why what a far end said cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Contradiction {
    /// More first copies than were sent.
    MoreArrived {
        /// It says so many arrived.
        arrived: u64,
        /// So many were sent.
        sent: u64,
    },
    /// What arrived and what was lost are not what was sent.
    SumDiffers {
        /// It says so many arrived.
        arrived: u64,
        /// And so many are missing.
        lost: u64,
        /// So many were sent.
        sent: u64,
    },
    /// It says that another number was sent.
    OtherTotal {
        /// Its number.
        told: u64,
        /// So many were sent.
        sent: u64,
    },
    /// The parts of what arrived are not the whole.
    PartsDiffer {
        /// The whole.
        datagrams: u64,
        /// First copies.
        firsts: u64,
        /// Further copies.
        duplicates: u64,
        /// Too late for either.
        too_late: u64,
    },
    /// Bytes that are not those of so many datagrams.
    BytesDiffer {
        /// The bytes.
        bytes: u64,
        /// The datagrams.
        datagrams: u64,
        /// What each has.
        payload: u64,
    },
    /// A part that is larger than its whole.
    BeyondWhole {
        /// The part.
        counted: Counted,
        /// What was said of it.
        claimed: u64,
        /// The whole.
        whole: Counted,
        /// What was said of that.
        most: u64,
    },
    /// More than any link carries in the time.
    TooMany {
        /// What.
        counted: Counted,
        /// How many.
        claimed: u64,
        /// In so long.
        length_ns: u64,
    },
    /// Longer than the run by far.
    TooLong {
        /// What.
        timed: Timed,
        /// How long.
        claimed_ns: u64,
        /// The run's length.
        length_ns: u64,
    },
    /// A drift of clocks that no clock has.
    Drift {
        /// In parts per billion.
        ppb: i64,
    },
    /// A count that only grows became smaller.
    Shrank {
        /// What.
        counted: Counted,
        /// What was said first.
        before: u64,
        /// What was said later.
        after: u64,
    },
    /// Intervals that are more than the run.
    IntervalsBeyond {
        /// What.
        counted: Counted,
        /// All intervals together.
        sum: u64,
        /// The run.
        whole: u64,
    },
    /// A far sender sent more than was asked for.
    BeyondAsked {
        /// It says so many.
        sent: u64,
        /// So many were asked for.
        count: u64,
    },
    /// A far sender says that it sent less than came.
    FewerSent {
        /// So many came.
        arrived: u64,
        /// It says so many.
        sent: u64,
    },
    /// A far sender's last word and its report differ.
    TwoTotals {
        /// Its last word.
        told: u64,
        /// Its report.
        sent: u64,
    },
    /// A number that cannot be read.
    Unreadable,
}

impl Contradiction {
    /// The same beside what was sent, once that is known: it says more than how long a run took.
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

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = group_digits;
        match *self {
            Self::MoreArrived { arrived, sent } => {
                write!(f, "it says that {} datagrams arrived of {} sent", n(arrived), n(sent))
            }
            Self::SumDiffers { arrived, lost, sent } => write!(
                f,
                "it says that {} datagrams arrived and {} were lost of {} sent",
                n(arrived),
                n(lost),
                n(sent)
            ),
            Self::OtherTotal { told, sent } => {
                write!(f, "it says that {} datagrams were sent, and {} were", n(told), n(sent))
            }
            Self::PartsDiffer { datagrams, firsts, duplicates, too_late } => write!(
                f,
                "it says that {} datagrams arrived, which are not {} first copies, {} duplicates \
                 and {} too late",
                n(datagrams),
                n(firsts),
                n(duplicates),
                n(too_late)
            ),
            Self::BytesDiffer { bytes, datagrams, payload } => write!(
                f,
                "it says that {} datagrams of {payload} bytes are {} bytes",
                n(datagrams),
                n(bytes)
            ),
            Self::BeyondWhole { counted, claimed, whole, most } => write!(
                f,
                "it tells of {} {} and of {} {}",
                n(claimed),
                counted.words(),
                n(most),
                whole.words()
            ),
            Self::TooMany { counted, claimed, length_ns } => write!(
                f,
                "it tells of {} {} in a run of {}",
                n(claimed),
                counted.words(),
                Nanos(length_ns)
            ),
            Self::TooLong { timed, claimed_ns, length_ns } => write!(
                f,
                "it tells of {} of {} in a run of {}",
                timed.words(),
                Nanos(claimed_ns),
                Nanos(length_ns)
            ),
            Self::Drift { ppb } => {
                write!(f, "it tells of clocks that drift by {ppb} parts per billion")
            }
            Self::Shrank { counted, before, after } => {
                write!(f, "it told of {} {} and later of {}", n(before), counted.words(), n(after))
            }
            Self::IntervalsBeyond { counted, sum, whole } => write!(
                f,
                "its intervals have {} {}, and the run {}",
                n(sum),
                counted.words(),
                n(whole)
            ),
            Self::BeyondAsked { sent, count } => write!(
                f,
                "it says that it sent {} datagrams, and {} were asked for",
                n(sent),
                n(count)
            ),
            Self::FewerSent { arrived, sent } => write!(
                f,
                "it says that it sent {} datagrams, and {} arrived here",
                n(sent),
                n(arrived)
            ),
            Self::TwoTotals { told, sent } => {
                write!(f, "it said that it sent {} datagrams, and then {}", n(told), n(sent))
            }
            Self::Unreadable => f.write_str("one of its numbers cannot be read"),
        }
    }
}
