//! Errors from the network about datagrams of `send` and `recv`.

use super::number::plural;
use super::words::occurrence::occurrence_text;
use crate::record::Trouble;
use crate::units::Endpoint;

/// A line for each error, and one for those that are not listed.
pub(super) fn error_lines(errors: &[Trouble], others: u64) -> Vec<String> {
    let line = |error: &Trouble| {
        let when = occurrence_text(error.seen);
        format!("  {}, {}{when}", send_trouble_line(error), plural(error.times, "time"))
    };
    let mut lines: Vec<String> = errors.iter().map(line).collect();
    if others > 0 {
        lines.push(format!("  and {} of other kinds", plural(others, "error")));
    }
    lines
}

/// The warning about an error from the network.
pub fn send_trouble_line(trouble: &Trouble) -> String {
    format!("{}: {}", place(trouble.destination), trouble.error)
}

/// The warning about an error from the network for an answer.
pub fn recv_trouble_line(trouble: &Trouble) -> String {
    format!("reply to {}", send_trouble_line(trouble))
}

/// The destination that an error is about; the kernel's own errors have no port.
fn place(destination: Endpoint) -> String {
    match destination.port() {
        0 => destination.ip().to_string(),
        _ => destination.to_string(),
    }
}
