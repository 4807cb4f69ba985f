//! One message to many: groups, broadcast addresses, lists of hosts.

use super::Error;
use crate::cli::{self, CastSendArgs};
use crate::commands;
use crate::record::CastSent;
use crate::units::{ByteCount, Limit, Rate};
use std::ffi::OsString;
use std::time::Duration;

/// Datagrams to many receivers, whose reports come back: `udpkit cast send`.
///
/// ```
/// use udpkit::Fanout;
///
/// let sent = Fanout::to("239.255.77.1:9477").message("hello").run()?;
/// assert_eq!(sent.destinations.len(), 1);
/// # Ok::<(), udpkit::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it runs when `run` is called"]
pub struct Fanout(CastSendArgs);

impl Fanout {
    /// To a group, a broadcast address, a host, or a list or range of them, with the port.
    pub fn to(destination: impl Into<String>) -> Self {
        Self(CastSendArgs { groups: vec![destination.into()], ..arguments() })
    }

    /// To one more of them.
    pub fn and_to(mut self, destination: impl Into<String>) -> Self {
        self.0.groups.push(destination.into());
        self
    }

    /// A message: one datagram to each destination. Several are sent in their order.
    pub fn message(mut self, message: impl Into<OsString>) -> Self {
        self.0.payload.messages.push(message.into());
        self
    }

    /// Datagrams of so many bytes instead of messages.
    pub fn payload(mut self, bytes: u64) -> Self {
        self.0.payload.size = Some(ByteCount(bytes));
        self
    }

    /// How often all messages are sent; 0 for without end, 1 without this.
    pub fn count(mut self, count: u64) -> Self {
        self.0.payload.count = Some(count);
        self
    }

    /// For how long.
    pub fn time(self, time: Duration) -> Self {
        Self(CastSendArgs { time: Some(time.into()), ..self.0 })
    }

    /// The time from one datagram to the next.
    pub fn interval(self, interval: Duration) -> Self {
        Self(CastSendArgs { interval: Some(interval.into()), rate: None, ..self.0 })
    }

    /// The rate to each destination.
    pub fn rate(self, rate: Rate) -> Self {
        Self(CastSendArgs { rate: Some(rate), interval: None, ..self.0 })
    }

    /// The interface that groups and broadcasts leave by; with several, by each.
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.0.interface.push(name.into());
        self
    }

    /// How many routers it may pass; 1 without this.
    pub fn ttl(self, ttl: u8) -> Self {
        Self(CastSendArgs { ttl: Some(ttl), ..self.0 })
    }

    /// Waits for so many receivers before it sends.
    pub fn receivers(self, receivers: u64) -> Self {
        Self(CastSendArgs { receivers: Some(receivers), ..self.0 })
    }

    /// Messages go as they are: without the header that receivers count by.
    pub fn without_header(self) -> Self {
        Self(CastSendArgs { no_header: true, ..self.0 })
    }

    /// A limit such as `loss>0.1%`; the report says whether it held.
    pub fn fail_if(mut self, limit: Limit) -> Self {
        self.0.fail_if.push(limit);
        self
    }

    /// Sends all, and waits for the receivers' last reports.
    ///
    /// # Errors
    ///
    /// When it cannot begin: a destination is none, a socket does not open, too few receivers came.
    pub fn run(self) -> Result<CastSent, Error> {
        Ok(commands::measure_fanout(self.0)?)
    }
}

fn arguments() -> CastSendArgs {
    cli::defaults(&["127.0.0.1:1"]).expect("cast send requires a destination alone")
}
