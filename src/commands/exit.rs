//! How a run ends: the exit code, and errors that the user can correct.

use crate::batch::HostHint;
use crate::cli::OutputKind;
use crate::engine::StreamError;
use crate::net::{NetError, interfaces};
use crate::record::{Document, Event, Worded};
use crate::report::{self, words};
use crate::sys::ConfineError;
use crate::sys::error_text::io_error_text;
use serde::Serialize;
use std::net::IpAddr;
use std::{fmt, io};

/// Addresses of this host that a hint names at most.
const NAMED_ADDRESSES: usize = 8;

/// The exit code of a run that reached its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: ran, and failed; the report says why.
    Failed,
    /// 3: ran, and broke a limit of `--fail-if`; the report says which.
    LimitBroken,
}

impl Exit {
    /// The code of usage errors; no run ends with it.
    pub const USAGE: u8 = 2;

    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::LimitBroken => 3,
        }
    }
}

/// Arguments that clap accepted but the plan does not: exit code 2, before any socket opens.
#[derive(Debug)]
pub struct Usage {
    /// What is wrong, with the value.
    pub wrong: String,
    /// How to correct it; `None` if `wrong` says so.
    pub hint: Option<String>,
}

impl Usage {
    /// A usage error without a hint.
    pub fn new(wrong: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), hint: None }
    }

    /// A usage error with a hint.
    pub fn with_hint(wrong: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), hint: Some(hint.into()) }
    }
}

/// The usage errors of a command, as an enum.
pub trait UsageError: std::error::Error {
    /// How to correct it; `None` if the message says so.
    fn hint(&self) -> Option<String> {
        None
    }
}

impl<E: UsageError> From<E> for Usage {
    fn from(error: E) -> Self {
        Self { wrong: error.to_string(), hint: error.hint() }
    }
}

/// A failure with a hint of its own: exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Hinted {
    /// What failed.
    pub error: anyhow::Error,
    /// What the user can do about it.
    pub hint: &'static str,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wrong)
    }
}

impl std::error::Error for Usage {}

/// The exit code of an error: 2 for usage errors, else 1.
pub fn code_of(error: &anyhow::Error) -> u8 {
    let usage = error.downcast_ref::<Usage>().is_some()
        || matches!(
            error.downcast_ref::<NetError>(),
            Some(NetError::Address { .. } | NetError::Interface { .. })
        );
    if usage { Exit::USAGE } else { 1 }
}

/// Reports why nothing ran: on standard error, and as JSON if standard output is for JSON.
pub fn show_failure(error: &anyhow::Error, output: OutputKind) {
    let failure = Failed { failure: Failure::new(error) };
    match output {
        OutputKind::Text => {}
        OutputKind::Document(command) => {
            // What was asked for stands beside it, on the command line.
            report::print_json(&Document { run: None, ..Document::new(command, &failure) });
        }
        OutputKind::Lines(command) => {
            report::print_json_line(&Event::new("failure", command, &failure));
        }
    }
    report::error(&failure.failure.text, failure.failure.hint.as_deref());
}

/// A document that contains only the reason why nothing ran.
#[derive(Serialize)]
struct Failed {
    failure: Failure,
}

/// Why nothing ran.
#[derive(Serialize)]
struct Failure {
    code: &'static str,
    text: String,
    hint: Option<String>,
}

impl Failure {
    fn new(error: &anyhow::Error) -> Self {
        Self { code: failure_code(error), text: message_of(error), hint: hint_of(error) }
    }
}

/// The code of an error in JSON.
fn failure_code(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<NetError>() {
        Some(error) => net_code(error),
        None if error.is::<Usage>() => "usage",
        None => "failed",
    }
}

fn net_code(error: &NetError) -> &'static str {
    match error {
        NetError::Address { .. } => "address",
        NetError::Host { .. } => "name_not_resolved",
        NetError::Interface { .. } => "no_such_interface",
        NetError::Interfaces(_) => "interfaces_not_listed",
        NetError::Bind { .. } => "bind",
        NetError::Connect { .. } => "connect",
        NetError::Option { .. } => "socket_option",
        NetError::Join { .. } => "join",
    }
}

/// An error with its causes, up to the first one whose text includes the rest.
pub fn message_of(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        if !message.is_empty() {
            message.push_str(": ");
        }
        match cause.downcast_ref::<io::Error>() {
            Some(error) => message.push_str(&io_error_text(error)),
            None => message.push_str(&cause.to_string()),
        }
        if cause.is::<NetError>() || cause.is::<StreamError>() {
            break;
        }
    }
    message
}

/// The hint for an error.
pub fn hint_of(error: &anyhow::Error) -> Option<String> {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        return usage.hint.clone();
    }
    if error.is::<ConfineError>() {
        return Some(words::serve::OTHER_USER.to_owned());
    }
    if let Some(hinted) = error.downcast_ref::<Hinted>() {
        return Some(hinted.hint.to_owned());
    }
    let hint = error.downcast_ref::<NetError>().and_then(NetError::hint);
    hint.map(with_addresses).map(|hint| hint.text())
}

/// The hint for an address that is not of this host.
pub fn own_addresses_hint() -> String {
    with_addresses(HostHint::ForeignAddress { addresses: Vec::new() }).text()
}

/// The hint with addresses of this host to choose from, where that is what helps.
fn with_addresses(hint: HostHint) -> HostHint {
    let HostHint::ForeignAddress { .. } = hint else { return hint };
    let all = interfaces().unwrap_or_default().into_iter().flat_map(|one| one.addresses);
    HostHint::ForeignAddress { addresses: first_of(all) }
}

/// The first addresses, each once; several interfaces may have the same.
fn first_of(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut first = Vec::new();
    for address in addresses {
        if !first.contains(&address) && first.len() < NAMED_ADDRESSES {
            first.push(address);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_number_is_left_out() {
        let error = anyhow::Error::from(crate::sys::error_of(2)).context("cannot read x");
        assert_eq!(message_of(&error), "cannot read x: no such file or directory");
        let strange = anyhow::anyhow!("a file called (os error x)");
        assert_eq!(message_of(&strange), "a file called (os error x)");
    }

    #[test]
    fn a_hint_names_the_first_addresses_and_each_once() {
        let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
        assert_eq!(first_of([1, 2, 1, 3, 2].into_iter().map(ip)), [1, 2, 3].map(ip));
        assert_eq!(first_of((0..20).map(ip)), (0..8).map(ip).collect::<Vec<_>>());
    }

    #[test]
    fn the_systems_text_appears_once() {
        let source = io::Error::from(io::ErrorKind::AddrInUse);
        let addr = "0.0.0.0:9000".parse().unwrap();
        let error = anyhow::Error::from(NetError::Bind { addr, source }).context("no server");
        let message = message_of(&error);
        assert_eq!(message, "no server: cannot bind 0.0.0.0:9000: address in use");
        let plain = anyhow::anyhow!("inner").context("outer");
        assert_eq!(message_of(&plain), "outer: inner");
    }
}
