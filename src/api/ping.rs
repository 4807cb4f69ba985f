//! Round trips and loss each way.

use super::Error;
use crate::cli::{self, PingArgs};
use crate::commands;
use crate::record::PingSummary;
use crate::units::{ByteCount, Limit};
use std::path::PathBuf;
use std::time::Duration;

/// Probes to one or several STAMP reflectors (RFC 8762): `udpkit ping`.
///
/// ```no_run
/// use std::time::Duration;
/// use udpkit::Ping;
///
/// let summary = Ping::to("192.0.2.10")
///     .interval(Duration::from_millis(10))
///     .count(100)
///     .run()?;
/// for target in &summary.targets {
///     println!("{}: sent {}, duplicates {}", target.name, target.sent, target.duplicates);
/// }
/// # Ok::<(), udpkit::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it runs when `run` is called"]
pub struct Ping(PingArgs);

impl Ping {
    /// To `udpkit serve`, or any other reflector: a name or an address, with a port where it is not
    /// 8620.
    pub fn to(target: impl Into<String>) -> Self {
        Self(PingArgs { targets: vec![target.into()], ..arguments() })
    }

    /// To one more target, at the same times.
    pub fn and_to(mut self, target: impl Into<String>) -> Self {
        self.0.targets.push(target.into());
        self
    }

    /// The time from one probe to the next; 1 s without this.
    pub fn interval(self, interval: Duration) -> Self {
        Self(PingArgs { interval: interval.into(), ..self.0 })
    }

    /// So many probes to each target.
    pub fn count(self, count: u64) -> Self {
        Self(PingArgs { count: Some(count), ..self.0 })
    }

    /// For how long. Without this and without a count it has no end.
    pub fn time(self, time: Duration) -> Self {
        Self(PingArgs { time: Some(time.into()), ..self.0 })
    }

    /// How long the answer to a probe is waited for.
    pub fn wait(self, wait: Duration) -> Self {
        Self(PingArgs { wait: wait.into(), ..self.0 })
    }

    /// Payload bytes of a probe.
    pub fn payload(self, bytes: u64) -> Self {
        Self(PingArgs { size: Some(ByteCount(bytes)), ..self.0 })
    }

    /// The target is no reflector, but sends back what it gets (RFC 862).
    pub fn echo(self) -> Self {
        Self(PingArgs { echo: true, ..self.0 })
    }

    /// The file with the reflector's shared key.
    pub fn key_file(self, file: impl Into<PathBuf>) -> Self {
        Self(PingArgs { key: Some(file.into()), ..self.0 })
    }

    /// A limit such as `p99>20ms`; the summary says whether it held.
    pub fn fail_if(mut self, limit: Limit) -> Self {
        self.0.fail_if.push(limit);
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// When it cannot begin: no name resolves, no socket opens, something asked for is out of range.
    pub fn run(self) -> Result<PingSummary, Error> {
        Ok(commands::measure_ping(&self.0)?)
    }
}

fn arguments() -> PingArgs {
    cli::defaults(&["localhost"]).expect("ping requires a target alone")
}
