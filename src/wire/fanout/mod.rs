//! Control messages between the two ends of a fan-out: lines in the control protocol's format, one
//! per datagram, that need no reply.
//!
//! ```text
//! sender    f STAT run=… tag=… at=… receivers=… every=… within=… sent=… mark=… pad=xxx…
//! receiver  f STAT run=… id=… received=… lost=… … echo=… now=… mark=… upto=… gaps=4,9-12
//! receiver  f QUIT run=… id=… …                       final report, answered with `f 221`
//! ```
//!
//! An announcement to a single address has a `value=`, which reports on that run return. It is
//! longer than any report about it, so that a receiver can report without sending more bytes than
//! it received. An announcement to an address that has not returned a value yet is as short as
//! possible, because it answers a report and must not amplify it. When to report, and what the
//! numbers mean, is left to the sessions.

mod announcement;
mod report;

pub use announcement::{Announcement, LINE_LEN};
pub use report::{HostCounts, MarkReport, REPORT_GAPS, ReceiverReport};

use super::{MOST_SENT, Params, Tag};
use crate::units::Untrusted;

const TAG: &str = "f";

/// The tag of every line.
pub fn fanout_tag() -> Tag {
    Tag::new(TAG).unwrap_or_default()
}

/// A run's identifier.
fn read_run(params: &Params) -> Option<u64> {
    read_hex(params, "run")
}

/// An optional value; an error if it cannot be parsed.
fn read_value(params: &Params) -> Result<Option<u64>, ()> {
    match params.get("value") {
        None => Ok(None),
        Some(_) => read_hex(params, "value").map(Some).ok_or(()),
    }
}

/// 16 hexadecimal digits.
fn read_hex(params: &Params, key: &str) -> Option<u64> {
    let text = params.get(key)?;
    let proper = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    proper.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// A required number; `None` if it is missing or cannot be parsed.
fn number<T: std::str::FromStr>(params: &Params, key: &str) -> Option<T> {
    params.parse(key).ok().flatten()
}

/// A required count; `None` if it is missing or implausibly large.
fn count(params: &Params, key: &str) -> Option<u64> {
    number::<Untrusted<u64>>(params, key)?.within(MOST_SENT)
}
