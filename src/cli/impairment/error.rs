//! What is wrong with the text of impairments, or with a file that it names.

use super::kind::Kind;
use crate::impair::{ParseDelayTableError, ParseTraceError};
use crate::sys::error_text::io_error_text;
use crate::units::{Nearest, ParseUnitError, ParseWholeError};
use std::io;
use thiserror::Error;

/// Why a text is no list of impairments.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseImpairmentError {
    /// The text is empty, or has nothing between two commas.
    #[error("an impairment is missing; write such as loss 1%, delay 40ms ± 10ms")]
    Missing,
    /// A name that no impairment has.
    #[error("{word} is not an impairment; use {}{nearest}", Kind::names())]
    Unknown {
        /// The word.
        word: String,
        /// The nearest name.
        nearest: Nearest,
    },
    /// Something is missing at the end.
    #[error("{part} is not complete; write {}", kind.form())]
    Incomplete {
        /// The impairment as given.
        part: String,
        /// Which it is.
        kind: Kind,
    },
    /// A word that does not belong there.
    #[error("{part}: {word} does not belong there; write {}", kind.form())]
    Unexpected {
        /// The impairment as given, up to the word.
        part: String,
        /// The word.
        word: String,
        /// Which it is.
        kind: Kind,
    },
    /// A value that is no such quantity.
    #[error("{part}: {fault}")]
    Quantity {
        /// The impairment as given, up to the value.
        part: String,
        /// What is wrong with the value.
        fault: ParseUnitError,
    },
    /// A value that is no whole number in its range.
    #[error("{part}: {fault}")]
    Whole {
        /// The impairment as given, up to the value.
        part: String,
        /// What is wrong with the value.
        fault: ParseWholeError,
    },
    /// A time without a unit.
    #[error("{part}: {number} has no unit; write {number}ms or {number}s")]
    NoUnit {
        /// The impairment as given, up to the value.
        part: String,
        /// The number.
        number: String,
    },
    /// A queue that is neither a time nor a size.
    #[error("{part}: {word} is no length of a queue; write a time (100ms) or a size (64KiB)")]
    NoQueue {
        /// The impairment as given, up to the value.
        part: String,
        /// The value.
        word: String,
    },
    /// A rate of 0.
    #[error("{part}: a rate of 0 lets nothing through; write blackout, or leave the rate out")]
    ZeroRate {
        /// The impairment as given.
        part: String,
    },
    /// A rate that is not in bits per second.
    #[error(
        "{part}: a link has a rate in bits per second, such as rate 20M; for none, leave it out"
    )]
    NoBitRate {
        /// The impairment as given.
        part: String,
    },
    /// Jitter larger than the delay.
    #[error("{part}: some would arrive before they are sent; the jitter is at most the delay")]
    JitterAboveDelay {
        /// The impairment as given.
        part: String,
    },
    /// Outages that leave nothing of a second.
    #[error("{part}: this fills the whole second; write fewer or shorter outages, or blackout")]
    OutagesFillSecond {
        /// The impairment as given.
        part: String,
    },
    /// An impairment given twice.
    #[error("{}: given twice for one time ({first} and {second}); leave one out", kind.name())]
    Twice {
        /// Which.
        kind: Kind,
        /// The first as given.
        first: String,
        /// The second as given.
        second: String,
    },
    /// A rate and a trace.
    #[error("{rate} and {trace} contradict: a link has a rate or a trace; leave one out")]
    TwoBottlenecks {
        /// The rate as given.
        rate: String,
        /// The trace as given.
        trace: String,
    },
    /// Sizes from a larger to a smaller one.
    #[error("{part}: no datagram has such a size; write the smaller one first")]
    NoSize {
        /// The impairment as given.
        part: String,
    },
    /// Two that change the content in ways that exclude each other.
    #[error("{cut} and {rewrite} contradict: a datagram is cut or rewritten; leave one out")]
    CutAndRewrite {
        /// The one as given.
        cut: String,
        /// The other as given.
        rewrite: String,
    },
    /// `clean` or `blackout` beside something else.
    #[error("{word} and {other} contradict: nothing stands beside {word}; leave one out")]
    Alone {
        /// The word.
        word: &'static str,
        /// What stands beside it.
        other: String,
    },
    /// Marks that depend on a queue where there is none.
    #[error("{part}: there is no queue to wait in; add a rate, such as rate 20M queue 100ms")]
    MarksWithoutQueue {
        /// The impairment as given.
        part: String,
    },
    /// A phase without a length, and another behind it.
    #[error(
        "{before} has no length, but {after} follows; write how long it lasts, such as 10s {before}"
    )]
    NoLength {
        /// The phase, or its beginning.
        before: String,
        /// The length of the next.
        after: String,
    },
    /// A phase of no length.
    #[error("{length}: a phase lasts longer than 0")]
    ZeroLength {
        /// The length as given.
        length: String,
    },
    /// A length where an impairment should stand.
    #[error("{length} begins a phase: write a comma before it")]
    LengthInside {
        /// The length as given.
        length: String,
    },
    /// A quote that does not end.
    #[error("\"{name} has no closing quote; end the name with \"")]
    OpenQuote {
        /// What stands behind it.
        name: String,
    },
}

/// Why a file that impairments name cannot be used.
#[derive(Debug, Error)]
pub enum ImpairmentFileError {
    /// It cannot be read.
    #[error("cannot read {path}: {}", io_error_text(.error))]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It is no trace.
    #[error("{path} is not a trace: {fault}")]
    Trace {
        /// The file.
        path: String,
        /// Why.
        fault: ParseTraceError,
    },
    /// It is no table of delays.
    #[error("{path} is not a table of delays: {fault}")]
    Delays {
        /// The file.
        path: String,
        /// Why.
        fault: ParseDelayTableError,
    },
}
