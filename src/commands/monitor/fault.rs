//! What can be wrong with a list of targets.

use crate::units::{Nanos, Nearest, ParseThresholdError};
use thiserror::Error;

/// A fault of a list.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Fault {
    /// No TOML.
    #[error("{0}")]
    Syntax(String),
    /// A key that there is not.
    #[error("{key} is not a key here: use {known}{}", .nearest)]
    Unknown { key: String, known: String, nearest: Nearest },
    /// A table in another form.
    #[error("write [{0}], and its keys below")]
    NoTable(String),
    /// A value of another kind.
    #[error("{0}: write a text in quotes, or a number")]
    NoText(String),
    /// No list of names.
    #[error("{0}: write names: [\"a\", \"b\"]")]
    NoNames(String),
    /// A value that cannot be read, and why.
    #[error("{key}: {why}")]
    Value { key: String, why: String },
    /// No port.
    #[error("port: {0} is no port; use 1 to 65535")]
    Port(String),
    /// Another protocol.
    #[error("protocol: {0} is no protocol here; use stamp or echo")]
    Protocol(String),
    /// No target at all.
    #[error("it has no [[target]]: write one with its address below")]
    NoTarget,
    /// More targets than there can be.
    #[error("{many} targets are too many; {most} at most")]
    TooMany { many: usize, most: usize },
    /// A target without an address.
    #[error("a target without an address: add address = \"HOST:PORT\"")]
    NoAddress,
    /// An address that is none.
    #[error("{0}")]
    Address(String),
    /// An empty name.
    #[error("a name has at least one character")]
    EmptyName,
    /// A name that another target has.
    #[error("{name}: target {number} has this name, too; each has one of its own")]
    SameName { name: String, number: usize },
    /// An interval that is too short.
    #[error("interval {interval} is too short; {least} at least")]
    Interval { interval: Nanos, least: Nanos },
    /// A time-out of more intervals than are remembered.
    #[error("--wait {wait} is more than {most} times the interval of {interval}")]
    Wait { wait: Nanos, most: u64, interval: Nanos },
    /// A size that an echo probe cannot have.
    #[error("size {size} does not fit: use {least} to {most}")]
    Size { size: usize, least: usize, most: usize },
    /// A size that a STAMP packet cannot have.
    #[error("size {size} is not the size of a STAMP packet: use {least}, or {padded} to {most}")]
    StampSize { size: usize, least: usize, padded: usize, most: usize },
    /// A key that cannot be read.
    #[error("{0}")]
    Key(String),
    /// A threshold without a condition.
    #[error("a threshold without a condition: add when = \"loss>1% for 1min\"")]
    NoCondition,
    /// A condition that is none.
    #[error("when: {0}")]
    Condition(ParseThresholdError),
    /// A condition without a time to judge it over.
    #[error("when: write over what time it is judged, such as {0} for 1min")]
    NoWindow(String),
    /// A target that is not on the list.
    #[error("targets: {0} is not the name of a target")]
    NoSuchTarget(String),
}
