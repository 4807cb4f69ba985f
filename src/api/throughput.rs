//! Throughput to a `udpkit serve`, or of this host.

use super::Error;
use crate::cli::{self, BlastArgs};
use crate::commands;
use crate::record::BlastReport;
use crate::units::{ByteCount, Limit, Rate, SizeChoice};
use std::path::PathBuf;
use std::time::Duration;

/// A throughput run: `udpkit blast`.
///
/// ```
/// use std::time::Duration;
/// use udpkit::Throughput;
///
/// let report = Throughput::of_this_host()
///     .rate("20M".parse()?)
///     .time(Duration::from_millis(200))
///     .run()?;
/// assert!(report.failure.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "it runs when `run` is called"]
pub struct Throughput(BlastArgs);

impl Throughput {
    /// To a host that runs `udpkit serve`: a name or an address, with a port where it is not 8620.
    pub fn to(server: impl Into<String>) -> Self {
        Self(BlastArgs { target: Some(server.into()), ..arguments() })
    }

    /// Between two ends on this host's loopback; the server is in this process.
    pub fn of_this_host() -> Self {
        Self(arguments())
    }

    /// What is sent each second, of all streams together; [`Rate::Max`] for as much as there is.
    /// Without this, the capacity of the path to another host is measured.
    pub fn rate(self, rate: Rate) -> Self {
        Self(BlastArgs { rate: Some(rate), ..self.0 })
    }

    /// For how long; 10 s without this.
    pub fn time(self, time: Duration) -> Self {
        Self(BlastArgs { time: Some(time.into()), ..self.0 })
    }

    /// So many datagrams instead of a time.
    pub fn count(self, count: u64) -> Self {
        Self(BlastArgs { count: Some(count), ..self.0 })
    }

    /// Payload bytes of a datagram; what fits into one packet without this.
    pub fn payload(self, bytes: u64) -> Self {
        Self(BlastArgs { size: Some(SizeChoice::One(ByteCount(bytes))), ..self.0 })
    }

    /// Streams in each direction, 1 to 64.
    pub fn streams(self, streams: u32) -> Self {
        Self(BlastArgs { streams: Some(streams), ..self.0 })
    }

    /// The server sends, this host receives.
    pub fn reverse(self) -> Self {
        Self(BlastArgs { reverse: true, bidir: false, ..self.0 })
    }

    /// Both ends send at once.
    pub fn both_ways(self) -> Self {
        Self(BlastArgs { bidir: true, reverse: false, ..self.0 })
    }

    /// Every byte is checked where it arrives.
    pub fn verify(self) -> Self {
        Self(BlastArgs { verify: true, ..self.0 })
    }

    /// The file with the server's shared key.
    pub fn key_file(self, file: impl Into<PathBuf>) -> Self {
        Self(BlastArgs { key: Some(file.into()), ..self.0 })
    }

    /// A limit such as `loss>0.1%`; the report says whether it held.
    pub fn fail_if(mut self, limit: Limit) -> Self {
        self.0.fail_if.push(limit);
        self
    }

    /// Runs it to its end. A run that began and failed is a report with a `failure`.
    ///
    /// # Errors
    ///
    /// When it cannot begin: the name does not resolve, a socket does not open, something asked for
    /// is out of range.
    pub fn run(self) -> Result<BlastReport, Error> {
        Ok(commands::measure_throughput(&self.0)?)
    }
}

fn arguments() -> BlastArgs {
    cli::defaults(&[]).expect("blast requires no argument")
}
