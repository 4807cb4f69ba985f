//! Usage errors of `send`, `recv` and `ping`, and the steps of a run that can fail.

use super::exit::{Usage, UsageError};
use crate::report::words::usage as hints;
use crate::units::{Endpoint, IpFamily, Limit, Metric, Nanos};
use thiserror::Error;

/// Usage errors of `ping`.
#[derive(Debug, Error)]
pub(super) enum PingUsage {
    /// Too many targets.
    #[error("{many} targets are too many; {most} at most")]
    TooManyTargets { many: usize, most: usize },
    /// An interval that is too short.
    #[error("--interval {interval} is too short")]
    IntervalTooShort { interval: Nanos },
    /// A time of 0.
    #[error("{flag} must be longer than 0")]
    ZeroTime { flag: &'static str },
    /// `--size` above the maximum of a datagram.
    #[error("--size {size} is too large: use {least} to {most}")]
    TooLarge { size: u64, least: u64, most: u64 },
    /// `--size` below the length of the protocol's packet.
    #[error("--size {size} leaves no room for sequence number and time: use {least} to {most}")]
    TooSmall { size: u64, least: u64, most: u64 },
    /// `--size` between a packet without padding and one with the shortest padding TLV.
    #[error("--size {size} is not the size of a STAMP packet: use {least}, or {padded} to {most}")]
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

/// Usage errors of `send`.
#[derive(Debug, Error)]
pub(super) enum SendUsage {
    /// No destination.
    #[error("a message, but no destination")]
    NoDestination,
    /// `--bind` with an invalid port.
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

/// Usage errors of `recv`.
#[derive(Debug, Error)]
pub(super) enum RecvUsage {
    /// `--report-every 0`.
    #[error("--report-every 0 would report without end; use 1ms or more")]
    ReportsWithoutEnd,
    /// `--out` to standard output.
    #[error("--out - names no file")]
    OutIsStandardOutput,
    /// `--buffer` out of range.
    #[error("--buffer {bytes} is out of range: use 1 to {}", crate::units::MAX_PACKET)]
    Buffer { bytes: u64 },
}

impl UsageError for RecvUsage {
    fn hint(&self) -> Option<String> {
        matches!(self, Self::OutIsStandardOutput).then(|| hints::RAW_TO_STANDARD_OUTPUT.to_owned())
    }
}

/// Usage errors about the content to send.
#[derive(Debug, Error)]
pub(super) enum PayloadUsage {
    /// Standard input with `--count 0`.
    #[error("--count 0 does not apply to standard input")]
    EndlessInput,
    /// `--chunk 0`.
    #[error("--chunk 0 would never end; use 1 or more")]
    EmptyChunks,
    /// A payload above the maximum of a datagram.
    #[error(
        "a payload of {len} bytes exceeds {most} bytes, the limit of UDP over {family}{}",
        behind(*.header)
    )]
    TooLarge { len: u64, most: usize, family: IpFamily, header: usize },
    /// A file that is too large for one datagram.
    #[error("{too_large}")]
    FileTooLarge { too_large: Box<PayloadUsage> },
    /// A text that does not have the form that a flag requires.
    #[error("{0}")]
    Text(String),
    /// A directory instead of a file.
    #[error("cannot read {path}: it is a directory")]
    Directory { path: String },
}

fn behind(header: usize) -> String {
    let words = HeaderRoom { header };
    if header == 0 { String::new() } else { words.to_string() }
}

/// The bytes that a header takes.
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

/// The step of a run that failed.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum Step {
    /// The port of `--metrics` could not be opened, or not be served.
    #[error("cannot serve metrics")]
    Metrics,
    /// Signal handlers could not be installed.
    #[error("cannot listen for signals")]
    Signals,
    /// The event loop did not start.
    #[error("cannot start the event loop")]
    Start,
    /// The event loop failed.
    #[error("the event loop failed")]
    Run,
}
