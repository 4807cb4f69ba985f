//! What cannot be right in the arguments of `send`, `recv` and `ping`, and which step of a run
//! failed.

use super::exit::{Usage, UsageError};
use crate::report::words::usage as hints;
use crate::units::{Endpoint, Limit, Metric, Nanos};
use thiserror::Error;

/// Arguments of `ping` that cannot be right.
#[derive(Debug, Error)]
pub(super) enum PingUsage {
    /// More targets than one run may have.
    #[error("{many} targets are too many; {most} at most")]
    TooManyTargets { many: usize, most: usize },
    /// Probes that are too close together.
    #[error("--interval {interval} is too short")]
    IntervalTooShort { interval: Nanos },
    /// A time of 0.
    #[error("{flag} must be longer than 0")]
    ZeroTime { flag: &'static str },
    /// A probe that no datagram holds.
    #[error("--size {size} is too large: use {least} to {most}")]
    TooLarge { size: u64, least: u64, most: u64 },
    /// A probe without room for what must be in it.
    #[error("--size {size} leaves no room for sequence number and time: use {least} to {most}")]
    TooSmall { size: u64, least: u64, most: u64 },
    /// A size between that of the bare packet and that with a TLV.
    #[error("--size {size} is no STAMP packet: use {least}, or {padded} to {most}")]
    NoStampPacket { size: u64, least: u64, padded: u64, most: u64 },
}

impl UsageError for PingUsage {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::IntervalTooShort { .. } => hints::SHORTEST_INTERVAL.to_owned(),
            _ => return None,
        })
    }
}

/// A limit on a figure that the command does not have.
#[derive(Debug, Error)]
#[error("--fail-if {limit}: {command} does not measure {}", limit.metric.name())]
pub(super) struct NotMeasured {
    limit: Limit,
    command: &'static str,
    metrics: &'static [Metric],
}

impl UsageError for NotMeasured {
    fn hint(&self) -> Option<String> {
        Some(hints::metrics(self.command, self.metrics))
    }
}

/// Checks that a command measures all that limits are set on.
pub(super) fn check_limits(
    command: &'static str,
    limits: &[Limit],
    metrics: &'static [Metric],
) -> Result<(), Usage> {
    match limits.iter().find(|limit| !metrics.contains(&limit.metric)) {
        Some(limit) => Err(NotMeasured { limit: limit.clone(), command, metrics }.into()),
        None => Ok(()),
    }
}

/// Arguments of `send` that cannot be right.
#[derive(Debug, Error)]
pub(super) enum SendUsage {
    /// Nobody to send to.
    #[error("a message, but no destination")]
    NoDestination,
    /// `--bind` with a port that is none.
    #[error("--bind {text}: the port is not a number from 0 to 65535")]
    BindPort { text: String },
    /// `--bind` with an address of the other family.
    #[error("--bind {text}: {peer} is of the other address family")]
    BindFamily { text: String, peer: Endpoint },
}

impl UsageError for SendUsage {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoDestination => hints::SEND_FORM.to_owned(),
            Self::BindFamily { .. } => hints::BIND_OF_FAMILY.to_owned(),
            Self::BindPort { .. } => return None,
        })
    }
}

/// Arguments of `recv` that cannot be right.
#[derive(Debug, Error)]
pub(super) enum RecvUsage {
    /// Reports without end.
    #[error("--report-every 0 would report without end; use 1ms or more")]
    ReportsWithoutEnd,
    /// The payloads on standard output.
    #[error("--out - names no file")]
    OutIsStandardOutput,
    /// More or less than a datagram holds.
    #[error("--buffer {bytes} is out of range: use 1 to 65535")]
    Buffer { bytes: u64 },
}

impl UsageError for RecvUsage {
    fn hint(&self) -> Option<String> {
        matches!(self, Self::OutIsStandardOutput).then(|| hints::RAW_TO_STANDARD_OUTPUT.to_owned())
    }
}

/// What is to be sent, and cannot be.
#[derive(Debug, Error)]
pub(super) enum PayloadUsage {
    /// Standard input again and again.
    #[error("--count 0 does not apply to standard input")]
    EndlessInput,
    /// Datagrams of nothing.
    #[error("--chunk 0 would never end; use 1 or more")]
    EmptyChunks,
    /// More than one datagram holds.
    #[error(
        "a payload of {len} bytes exceeds {most} bytes, the limit of UDP over {family}{}",
        behind(*.header)
    )]
    TooLarge { len: u64, most: usize, family: &'static str, header: usize },
    /// A file that is too large for one datagram.
    #[error("{too_large}")]
    FileTooLarge { too_large: Box<PayloadUsage> },
    /// A text that is not what the flags say it is.
    #[error("{0}")]
    Text(String),
    /// A folder where a file is wanted.
    #[error("cannot read {path}: it is a directory")]
    Directory { path: String },
}

fn behind(header: usize) -> String {
    let words = HeaderRoom { header };
    if header == 0 { String::new() } else { words.to_string() }
}

/// Room that a header takes.
#[derive(Debug, Error)]
#[error(" after a header of {header} bytes")]
struct HeaderRoom {
    header: usize,
}

impl UsageError for PayloadUsage {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::EndlessInput => hints::INPUT_ENDS_BY_ITSELF.to_owned(),
            Self::FileTooLarge { .. } => hints::CHUNK_CUTS.to_owned(),
            _ => return None,
        })
    }
}

/// Which step of a run failed.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum Step {
    /// Signals could not be taken over.
    #[error("cannot listen for signals")]
    Signals,
    /// The event loop did not start.
    #[error("cannot start the event loop")]
    Start,
    /// The event loop broke off.
    #[error("the event loop failed")]
    Run,
}
