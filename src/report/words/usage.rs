//! Hints for usage errors of several commands.

use crate::batch::TxCall;
use crate::units::{Endpoint, Metric};

/// The processors of this host.
pub fn processors(last: usize) -> String {
    format!("this host has processors 0 to {last}")
}

/// How a key is made.
pub const MAKE_A_KEY: &str =
    "create one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE)";

/// The warning that others can read a key file, given by `name`.
pub fn key_is_readable(name: &str) -> String {
    format!("{name}: other users of this host can read the file; restrict it with chmod 600")
}

/// For a probe interval that is too short.
pub const SHORTEST_INTERVAL: &str =
    "1us is the shortest; --flood sends each probe after the last reply";

/// For an outage of no length.
pub const OUTAGE_LENGTH: &str =
    "use a length that is longer than the interval, such as --outage 50ms";

/// For a limit on outages that are not listed.
pub const LOWER_OUTAGE: &str = "lower --outage, or leave it out";

/// What a command has figures of.
pub fn metrics(command: &str, metrics: &[Metric]) -> String {
    let names: Vec<_> = metrics.iter().map(|metric| metric.name()).collect();
    format!("{command} measures {}", names.join(", "))
}

/// The usage of `send`.
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

/// The note of a program with files to be read again, on a system without a signal for it.
pub const NO_RELOAD: &str = "files are read at the start alone: this system has no SIGHUP";

/// The warning that a requested system call is not available.
pub fn stepped_down(used: TxCall) -> String {
    format!("--io gso is not available: datagrams were sent by {used}")
}

/// The note with the listening addresses.
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

/// The properties of a socket, for `--verbose`.
pub fn socket(local: Endpoint, granted: usize, asked: usize) -> String {
    format!("socket {local}: receive buffer {granted} bytes, {asked} requested")
}
