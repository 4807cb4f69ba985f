//! Usage errors and other errors of a throughput run before it starts.

use crate::commands::Usage;
use crate::stats::WINDOWS;
use crate::sys::error_text::io_error_text;
use crate::units::{Endpoint, Nanos, Rate};
use std::io;
use std::path::PathBuf;

/// Usage errors of `blast`.
#[derive(Debug, thiserror::Error)]
pub enum BlastUsage {
    /// Neither a target nor an own server.
    #[error("no target")]
    NoTarget,
    /// `--bind` with an invalid port.
    #[error("--bind {text}: the port is not a number from 0 to 65535")]
    BindPort {
        /// The argument as given.
        text: String,
    },
    /// `--bind` with an invalid address.
    #[error("--bind {text}: not an IP address")]
    BindAddress {
        /// The argument as given.
        text: String,
    },
    /// `--bind` with an address of the other family.
    #[error("--bind {text}: the target {target} belongs to the other address family")]
    BindFamily {
        /// The argument as given.
        text: String,
        /// The target.
        target: Endpoint,
    },
    /// `--size` above the maximum of a datagram.
    #[error("--size {size} is too large for a datagram to {target}: use {least} to {most}")]
    SizeTooLarge {
        /// The payload size given, in bytes.
        size: u64,
        /// The target.
        target: Endpoint,
        /// The minimum.
        least: u64,
        /// The maximum.
        most: u64,
    },
    /// `--size` too small for the measurement header.
    #[error("--size {size} leaves no room for the measurement header: use {least} to {most}")]
    SizeTooSmall {
        /// The payload size given, in bytes.
        size: u64,
        /// The minimum.
        least: u64,
        /// The maximum.
        most: u64,
    },
    /// A mix of sizes to an iperf3 server.
    #[error("{text}: iperf3 sends datagrams of one size; use --size BYTES")]
    MixToIperf3 {
        /// The mix as given.
        text: String,
    },
    /// A mix of sizes where the rate is searched for.
    #[error(
        "{text}: a capacity search sends datagrams of one size; give a --rate, such as 100M or max"
    )]
    MixSearched {
        /// The mix as given.
        text: String,
    },
    /// More sizes than are told apart.
    #[error("too many different sizes; {most} at most, or a range such as 64..1472")]
    TooManySizes {
        /// The maximum.
        most: usize,
    },
    /// `--count` or `--bytes` of 0.
    #[error("nothing to send: --count and --bytes must be at least 1")]
    NothingToSend,
    /// `--time` of 0.
    #[error("--time 0s sends nothing: use a time such as 10s")]
    NoTime,
    /// Report intervals that are too short.
    #[error("--report-every {every} is too short: use {least} or more")]
    ReportsTooOften {
        /// The value given.
        every: Nanos,
        /// The minimum.
        least: Nanos,
    },
    /// Number of streams out of range.
    #[error("--streams {streams} is out of range: use 1 to {most}")]
    Streams {
        /// The value given.
        streams: u32,
        /// The maximum.
        most: u32,
    },
    /// A reorder window that is too small or too large.
    #[error("--window {window} is out of range: use {} to {}", WINDOWS.start(), WINDOWS.end())]
    Window {
        /// The value given.
        window: u64,
    },
    /// A probe interval that is too short.
    #[error("--probe={every} is too short, as the probes would load the path: use {least} or more")]
    ProbesTooOften {
        /// The value given.
        every: Nanos,
        /// The minimum.
        least: Nanos,
    },
    /// `--size` of another datagram than UDPSTP's.
    #[error("--size {size}: UDPSTP has datagrams of 1222 or 1472 bytes")]
    UdpstpSize {
        /// The value given.
        size: String,
    },
    /// `--time` that UDPSTP does not take.
    #[error("--time {time}: a UDPSTP test takes whole seconds, 5s to 1h")]
    UdpstpTime {
        /// The value given.
        time: Nanos,
    },
    /// `--rate` that cannot be stated.
    #[error("--rate {rate}: a UDPSTP test states 1M to 32767M, in bits per second")]
    UdpstpRate {
        /// The value given.
        rate: Rate,
    },
    /// `--key-id` of a key that is not there.
    #[error("--key-id {key_id}: {} has no key of this number", file.display())]
    UdpstpKey {
        /// The value given.
        key_id: u8,
        /// The file.
        file: PathBuf,
    },
    /// `--bind` with a port for several connections.
    #[error("--bind :{port}: each connection needs a port of its own, so leave the port out")]
    UdpstpBindPort {
        /// The port.
        port: u16,
    },
    /// `--omit` with a time that iperf3 does not take.
    #[error("--omit {omit}: iperf3 takes whole seconds, up to {most} s")]
    Omit {
        /// The value given.
        omit: Nanos,
        /// The maximum, in seconds.
        most: u64,
    },
    /// A time that is longer than iperf3's.
    #[error("--time {time} is too long for iperf3: use at most {most} s")]
    TooLong {
        /// The value given.
        time: Nanos,
        /// The maximum, in seconds.
        most: u64,
    },
    /// More datagrams at once than iperf3 allows.
    #[error("--burst {burst} is too large for iperf3: use 1 to {most}")]
    Burst {
        /// The value given.
        burst: u32,
        /// The maximum.
        most: u32,
    },
    /// `--gsro` with datagrams that the server would have to fragment.
    #[error(
        "--gsro: datagrams of {size} bytes are fragmented, which GSO cannot do: use --size {most} or less"
    )]
    GsroFragments {
        /// The payload size, in bytes.
        size: u64,
        /// The maximum.
        most: u64,
    },
    /// `--user` without a password.
    #[error("--user: no password")]
    NoPassword,
    /// `--rsa-key` with a file that cannot be read.
    #[error("--rsa-key {}: {}", file.display(), io_error_text(error))]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// `--rsa-key` with a file that is no public key.
    #[error("--rsa-key {}: not an RSA public key in PEM form", file.display())]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// User and password do not fit the key.
    #[error("--user: user and password are too long for the key in --rsa-key")]
    TokenTooLong,
    /// `--burst 0`.
    #[error("--burst must be at least 1")]
    NoBurst,
    /// `--spin` without a rate that could be kept.
    #[error(
        "--spin sends at exact instants, which --rate max has none of: give a rate, such as 100M"
    )]
    NoInstants,
}

impl From<BlastUsage> for Usage {
    fn from(error: BlastUsage) -> Self {
        Self::new(error.to_string())
    }
}

/// Why a run could not start.
#[derive(Debug, thiserror::Error)]
pub enum BlastError {
    /// Signal handlers could not be installed.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}
