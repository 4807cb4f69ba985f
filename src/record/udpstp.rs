//! The result of a capacity test with an UDPSTP server (RFC 9946), and why one failed;
//! `report::words::udpstp` has the text.

use super::Way;
use crate::units::Endpoint;
use crate::wire::udpstp::SetupResponse;
use serde::{Serialize, Serializer};

/// What was received in a sub-interval, all connections together. Delay variations are above the
/// least of the connection so far, in whole milliseconds on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UdpstpInterval {
    /// Which, from 1.
    pub number: u32,
    /// When it ended, from the first Status PDU.
    pub end_ns: u64,
    /// Connections that it counts.
    pub connections: u8,
    /// IP-layer capacity: bits of the packets with their IP and UDP headers.
    pub ip_bits_per_second: u64,
    /// The same on Ethernet, with preamble, gap and frame check sequence.
    pub ethernet_bits_per_second: u64,
    /// Datagrams received, duplicates included.
    pub datagrams: u64,
    /// Their UDP payload.
    pub bytes: u64,
    /// Datagrams missing.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Datagrams that came late.
    pub reordered: u64,
    /// Datagrams that came again.
    pub duplicates: u64,
    /// Least one-way delay variation; null without a sample.
    pub delay_variation_min_ns: Option<u64>,
    /// Mean one-way delay variation.
    pub delay_variation_mean_ns: Option<u64>,
    /// Largest one-way delay variation.
    pub delay_variation_max_ns: Option<u64>,
    /// Least round-trip time variation; null without a sample.
    pub rtt_variation_min_ns: Option<u64>,
    /// Mean round-trip time variation since the test began.
    pub rtt_variation_mean_ns: Option<u64>,
    /// Largest round-trip time variation.
    pub rtt_variation_max_ns: Option<u64>,
}

/// What was received in all sub-intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UdpstpTotals {
    /// Datagrams received, duplicates included.
    pub datagrams: u64,
    /// Their UDP payload.
    pub bytes: u64,
    /// Datagrams missing.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// Datagrams that came late.
    pub reordered: u64,
    /// Datagrams that came again.
    pub duplicates: u64,
}

/// A test's parameters, as the server has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UdpstpParams {
    /// Length of the test.
    pub duration_ns: u64,
    /// Length of a sub-interval.
    pub sub_interval_ns: u64,
    /// Interval of Status PDUs.
    pub trial_ns: u64,
    /// Delay variation below which the rate rises.
    pub low_delay_variation_ns: u64,
    /// Delay variation above which it falls.
    pub upper_delay_variation_ns: u64,
    /// Sequence errors of a trial above which it falls.
    pub sequence_errors: u16,
    /// The algorithm that adjusts the rate: `b` or `c`.
    pub algorithm: &'static str,
    /// DSCP and ECN of the datagrams, as one byte.
    pub tos: u8,
}

/// The result of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UdpstpReport {
    /// The server's address for Setup Requests.
    pub target: Option<Endpoint>,
    /// The direction of the load.
    pub direction: Way,
    /// Connections of the test.
    pub connections: u8,
    /// Version of the protocol.
    pub version: u16,
    /// Whether the control dialogue was authenticated.
    pub authenticated: bool,
    /// UDP payload of the datagrams up to 1 Gbit/s, over IPv4.
    pub payload_bytes: u32,
    /// Whether datagrams are larger above 1 Gbit/s.
    pub jumbo: bool,
    /// The parameters; null if the test did not begin.
    pub params: Option<UdpstpParams>,
    /// The sub-interval with the highest rate, which is the result; null without any.
    pub maximum: Option<UdpstpInterval>,
    /// The highest rate of a sub-interval without loss; null if all had some.
    pub loss_free_ip_bits_per_second: Option<u64>,
    /// All sub-intervals.
    pub intervals: Vec<UdpstpInterval>,
    /// What they add up to; null without any.
    pub totals: Option<UdpstpTotals>,
    /// Least round-trip time; null if it is not known.
    pub rtt_min_ns: Option<u64>,
    /// Least one-way delay with the difference of both clocks; null if it is not known.
    pub clock_delta_min_ns: Option<i64>,
    /// Datagrams that this host sent; null if it received.
    pub sent: Option<u64>,
    /// Datagrams that were due and that this host did not send; null if it received.
    pub never_sent: Option<u64>,
    /// Datagrams that this host dropped at its sockets; null if it sent.
    pub socket_drops: Option<u64>,
    /// When the test began, seconds since 1970 on the real-time clock; null if it did not.
    pub began_unix_ns: Option<u64>,
    /// Whether the user ended it before its time.
    pub interrupted: bool,
    /// Why the test failed; null if it did not.
    #[serde(serialize_with = "super::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<UdpstpFailure>>"))]
    pub failure: Option<UdpstpFailure>,
}

impl UdpstpReport {
    /// Takes the sub-intervals, and finds the largest among them.
    pub fn set_intervals(&mut self, intervals: Vec<UdpstpInterval>) {
        let highest = |of: &mut dyn Iterator<Item = &UdpstpInterval>| {
            // Of equal ones the first.
            of.copied().reduce(|best, next| {
                if next.ip_bits_per_second > best.ip_bits_per_second { next } else { best }
            })
        };
        self.maximum = highest(&mut intervals.iter());
        let loss_free = highest(&mut intervals.iter().filter(|interval| interval.lost == 0));
        self.loss_free_ip_bits_per_second = loss_free.map(|interval| interval.ip_bits_per_second);
        self.intervals = intervals;
    }
}

/// Why a server refuses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UdpstpRefusal(pub SetupResponse);

impl Serialize for UdpstpRefusal {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.0.code())
    }
}

#[cfg(test)]
impl schemars::JsonSchema for UdpstpRefusal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UdpstpRefusal".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 255 })
    }
}

/// Why a test with an UDPSTP server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum UdpstpFailure {
    /// No answer to the Setup Request.
    NoReply {
        /// The server's address.
        target: Endpoint,
        /// How long the client waited.
        waited_ns: u64,
        /// The error number of an ICMP error that came; null for none.
        errno: Option<i32>,
    },
    /// An ICMP error says that the port is closed.
    PortClosed {
        /// The server's address.
        target: Endpoint,
    },
    /// The server refuses the test.
    Refused {
        /// The code of its response.
        response_code: UdpstpRefusal,
        /// The version of the protocol in it.
        version: u16,
    },
    /// The server's answer is not signed with the key.
    NotAuthentic,
    /// No answer to the Activation Request, which goes to a port of the test's own.
    NotActivated {
        /// The address of the test.
        target: Endpoint,
        /// How long the client waited.
        waited_ns: u64,
    },
    /// The server refuses the parameters.
    ParametersRefused {
        /// The code of its response.
        response_code: u8,
    },
    /// Nothing came from the server for so long, and the test was not over.
    Silent {
        /// How long the client waited.
        waited_ns: u64,
    },
    /// The server ended the test before its time.
    EndedEarly,
    /// No sub-interval was completed.
    NoInterval,
}

/// What was counted of a connection at an UDPSTP server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UdpstpServed {
    /// The direction of the load, seen from the client.
    pub direction: Way,
    /// Datagrams that the receiver counted in whole sub-intervals.
    pub datagrams: u64,
    /// Datagrams missing among them.
    #[serde(rename = "lost_datagrams")]
    pub lost: u64,
    /// The largest sub-interval; null without any.
    pub max_ip_bits_per_second: Option<u64>,
}

/// How a connection at an UDPSTP server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum UdpstpEnd {
    /// The test is over.
    Done,
    /// The client ended it before its time.
    Early,
    /// Nothing came from the client for three seconds.
    Silent,
    /// The client did not activate it in time.
    NotActivated,
    /// The server was told to stop.
    ServerEnds,
}

impl UdpstpEnd {
    /// Whether it ended without either side's user asking for that.
    pub fn broke_off(self) -> bool {
        matches!(self, Self::Silent)
    }
}
