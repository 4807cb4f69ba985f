//! When something was first and last seen.

use super::terms::plural;
use crate::record::{Occurrence, Trouble};
use crate::units::Nanos;

/// `192.0.2.1:9: port unreachable, from 192.0.2.1, 2 times, from 1.200 s to 2.190 s`.
pub fn trouble_text(one: &Trouble) -> String {
    let (times, when) = (plural(one.times, "time"), occurrence_text(one.seen));
    format!("{}: {}, {times}{when}", one.destination, one.error)
}

/// ` at 1.200 s`, or `, from 1.200 s to 2.190 s`; nothing if it is unknown.
pub fn occurrence_text(seen: Occurrence) -> String {
    let seconds = |at: u64| format!("{:.3} s", Nanos(at).as_secs_f64());
    match (seen.first_ns, seen.last_ns) {
        (Some(first), Some(last)) if last > first => {
            format!(", from {} to {}", seconds(first), seconds(last))
        }
        (Some(at), _) | (None, Some(at)) => format!(", at {}", seconds(at)),
        (None, None) => String::new(),
    }
}
