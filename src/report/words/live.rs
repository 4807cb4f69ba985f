//! Words of the live view.

use super::terms::plural;
use crate::units::{Nanos, group_digits};

/// A frame that does not change.
pub const PAUSED: &str = "display paused";
/// The user ended the run.
pub const ENDING: &str = "ending";
/// The end of a graph whose latest value is at the right, and the latest value.
pub const NOW: &str = "now";
/// Names of graphs.
pub const RATE: &str = "rate";
/// Lost datagrams as a share.
pub const LOSS: &str = "loss";
/// The delay of a run's intervals.
pub const DELAY: &str = "delay";
/// Round trips of a single target.
pub const ROUND_TRIP: &str = "round trip";
/// Buffers that a socket dropped.
pub const DROPS: &str = "drops";
/// Directions, before the name of a graph or a stream.
pub const UP: &str = "up ";
/// From the server.
pub const DOWN: &str = "down ";
/// Before figures.
pub const RECEIVED: &str = "received";
/// Datagrams that did not arrive.
pub const LOST: &str = "lost";
/// Datagrams that left.
pub const SENT: &str = "sent";
/// What a stream has received, or sent.
pub const DATAGRAMS: &str = "datagrams";
/// Probes that were answered.
pub const BACK: &str = "back";
/// Buffers that this host's sockets dropped.
pub const DROPPED: &str = "dropped";
/// The smallest value.
pub const MIN: &str = "min";
/// The largest value.
pub const MAX: &str = "max";
/// The largest delay of an interval, above the smallest of the run.
pub const ABOVE_MINIMUM: &str = "PDV max";

/// The median, of the worst receiver where there are several.
pub const P50: &str = "p50";
/// What 1 % of the delays exceed.
pub const P99: &str = "p99";

/// The keys, and what they do; `unit` is the one that a key changes, where there is one.
pub fn keys(unit: Option<&str>) -> String {
    let unit = unit.map_or_else(String::new, |unit| format!("   u unit: {unit}"));
    format!("  q quit   p pause{unit}")
}

/// Graphs or rows for which there is no room.
pub fn more(count: u64) -> String {
    format!("  and {} more", group_digits(count))
}

/// A stream's name.
pub fn stream(number: u32) -> String {
    format!("stream {number}")
}

/// The beginning of a graph whose latest value is at the right.
pub fn ago(time: Nanos) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 120.0 {
        return format!("{seconds:.0} s ago");
    }
    format!("{:.0} min ago", seconds / 60.0)
}

/// Lines that were printed meanwhile, and are too many to be shown afterwards.
pub fn lines_left_out(count: u64) -> String {
    format!("({} printed meanwhile left out)", plural(count, "earlier line"))
}

/// A figure behind its name: `received 849 185`.
pub fn figure(value: &str, name: &str) -> String {
    format!("{name} {value}")
}
