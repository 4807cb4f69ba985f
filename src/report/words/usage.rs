//! What to do about arguments that several commands take, in English.

use crate::units::{Endpoint, Metric};

/// Which processors there are.
pub fn processors(last: usize) -> String {
    format!("this host has processors 0 to {last}")
}

/// How a key is made.
pub const MAKE_A_KEY: &str =
    "create one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE)";

/// A warning of a key file, by its flag or variable, that others can read.
pub fn key_is_readable(name: &str) -> String {
    format!("{name}: other users of this host can read the file; restrict it with chmod 600")
}

/// For probes that are too close together.
pub const SHORTEST_INTERVAL: &str =
    "1us is the shortest; --flood sends each probe after the last reply";

/// What a command has figures of.
pub fn metrics(command: &str, metrics: &[Metric]) -> String {
    let names: Vec<_> = metrics.iter().map(|metric| metric.name()).collect();
    format!("{command} measures {}", names.join(", "))
}

/// How `send` is written.
pub const SEND_FORM: &str = "write udpkit send HOST:PORT -- MESSAGE";

/// For a local address of the wrong family.
pub const BIND_OF_FAMILY: &str = "name an address of the destination's family, or :PORT alone";

/// For payloads on standard output.
pub const RAW_TO_STANDARD_OUTPUT: &str = "--format raw writes payloads to standard output";

/// For `--count 0` with standard input.
pub const INPUT_ENDS_BY_ITSELF: &str =
    "standard input ends by itself; to repeat messages without end, put them behind --";

/// For a file that is too large for one datagram.
pub const CHUNK_CUTS: &str = "--chunk BYTES cuts a file into datagrams";

/// A batch call that was asked for and is not to be had.
pub fn stepped_down(used: &str) -> String {
    format!("--io gso is not available: datagrams were sent by {used}")
}

/// Where datagrams are awaited.
pub fn listening(local: &[Endpoint]) -> String {
    match local {
        [first, .., last] if local.len() > 8 => {
            format!("listening on {} ports, {first} to {last}", local.len())
        }
        _ => {
            let all: Vec<_> = local.iter().map(ToString::to_string).collect();
            format!("listening on {}", all.join(", "))
        }
    }
}

/// What a socket is like, for who wants to know.
pub fn socket(local: Endpoint, granted: usize, asked: usize) -> String {
    format!("socket {local}: receive buffer {granted} bytes, {asked} requested")
}
