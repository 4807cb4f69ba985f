//! Conversions and checks that several commands share.

use super::Usage;
use super::exit::UsageError;
use crate::cli::{ColorArg, DatagramFormat, FamilyArgs, IoArg, TimestampArg};
use crate::engine::{ServerError, Signals};
use crate::net::{FamilyChoice, IoMode, Socket};
use crate::report::words::usage as words;
use crate::report::{self, Color, DatagramStyle, TimeStyle};
use thiserror::Error;

/// `--cpus` with a processor that this host does not have.
#[derive(Debug, Error)]
#[error("--cpus {cpu}: this host has no such processor")]
struct NoProcessor {
    cpu: usize,
    last: usize,
}

impl UsageError for NoProcessor {
    fn hint(&self) -> Option<String> {
        Some(words::processors(self.last))
    }
}

/// Checks that this host has the processors of `--cpus`.
pub fn check_cpus(cpus: &[usize]) -> Result<(), Usage> {
    let known = crate::sys::processors();
    match cpus.iter().find(|cpu| **cpu >= known) {
        None => Ok(()),
        Some(cpu) => Err(NoProcessor { cpu: *cpu, last: known - 1 }.into()),
    }
}

/// Whether files are read again on SIGHUP. Where a system has none, this is told.
pub fn can_reload() -> bool {
    let can = Signals::has_hangup();
    if !can {
        report::note(words::NO_RELOAD);
    }
    can
}

/// The failure of a server to open as a network error, which has a message and a hint.
pub fn server_error(error: ServerError) -> anyhow::Error {
    match error {
        ServerError::Net(error) => error.into(),
        ServerError::Confine(error) => error.into(),
        error @ ServerError::Loop(_) => error.into(),
    }
}

impl From<FamilyArgs> for FamilyChoice {
    fn from(args: FamilyArgs) -> Self {
        match (args.ipv4, args.ipv6) {
            (true, _) => Self::V4,
            (_, true) => Self::V6,
            _ => Self::Any,
        }
    }
}

impl From<IoArg> for IoMode {
    fn from(arg: IoArg) -> Self {
        match arg {
            IoArg::Auto => Self::Auto,
            IoArg::Gso => Self::Gso,
            IoArg::Mmsg => Self::Mmsg,
            IoArg::Plain => Self::Plain,
            IoArg::Portable => Self::Portable,
        }
    }
}

/// With `--verbose`, prints the properties of the sockets.
pub fn detail_sockets(sockets: &[Socket]) {
    for socket in sockets {
        let sizes = socket.buffer_sizes();
        let (granted, asked) = (sizes.receive_granted, sizes.receive_asked);
        report::detail(words::socket(socket.local_addr().into(), granted, asked));
    }
}

impl From<ColorArg> for Color {
    fn from(color: ColorArg) -> Self {
        match color {
            ColorArg::Auto => Self::Auto,
            ColorArg::Always => Self::Always,
            ColorArg::Never => Self::Never,
        }
    }
}

impl From<TimestampArg> for TimeStyle {
    fn from(timestamps: TimestampArg) -> Self {
        match timestamps {
            TimestampArg::Time => Self::Time,
            TimestampArg::Date => Self::Date,
            TimestampArg::Utc => Self::Utc,
            TimestampArg::Epoch => Self::Epoch,
        }
    }
}

impl From<DatagramFormat> for DatagramStyle {
    fn from(format: DatagramFormat) -> Self {
        match format {
            DatagramFormat::Text => Self::Text,
            DatagramFormat::Hex => Self::Hex,
            DatagramFormat::Hexdump => Self::Hexdump,
            DatagramFormat::Raw => Self::Raw,
            DatagramFormat::Json => Self::Json,
        }
    }
}
