//! What is known of a run with an iperf3 server beside a throughput run's figures, and how its
//! control connection can fail; `report::words::iperf3` has the text.

use crate::units::Endpoint;
use serde::Serialize;

/// How far the control connection of an iperf3 test has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Iperf3Phase {
    /// The TCP connection is being opened.
    Connecting,
    /// The server was asked for a test, and has not asked for its parameters.
    Opening,
    /// The parameters were sent.
    Parameters,
    /// The streams are being opened.
    Streams,
    /// All streams are open, and the test has not begun.
    Starting,
    /// Data flows.
    Running,
    /// The test is over, and the server has not asked for the results.
    Ending,
    /// The results were sent, and the server's are awaited.
    Results,
}

/// Why a test with an iperf3 server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Iperf3Failure {
    /// The TCP port of the control connection is closed.
    PortClosed {
        /// The server's address.
        target: Endpoint,
    },
    /// The TCP connection was not accepted in time.
    NoReply {
        /// The server's address.
        target: Endpoint,
        /// How long the client waited.
        waited_ns: u64,
    },
    /// The TCP connection could not be opened.
    NotConnected {
        /// The server's address.
        target: Endpoint,
        /// The system's error number.
        errno: i32,
    },
    /// The server runs another test.
    Busy,
    /// The server refuses the test, or gave it up, and says why.
    Refused {
        /// iperf's error number.
        number: i32,
        /// The system's error number beside it; 0 for none.
        errno: i32,
    },
    /// The server closed the connection where a client's user and password are checked.
    NotAuthorized,
    /// The server was ended by its user.
    Terminated {
        /// How far the test had come.
        phase: Iperf3Phase,
    },
    /// The control connection was closed, or broke.
    Closed {
        /// How far the test had come.
        phase: Iperf3Phase,
        /// The system's error number; `None` if the server closed it.
        errno: Option<i32>,
    },
    /// The server says nothing more.
    Silent {
        /// How far the test had come.
        phase: Iperf3Phase,
        /// How long the client waited.
        waited_ns: u64,
    },
    /// A byte that does not belong there.
    Unexpected {
        /// How far the test had come.
        phase: Iperf3Phase,
        /// The byte.
        byte: u8,
    },
    /// The server began although streams were missing: it is older than 3.7 and knows one
    /// direction at a time.
    OneWayOnly,
    /// A stream's greeting got no reply: UDP to the server's port is filtered, or was lost.
    StreamNoReply {
        /// How long the client waited.
        waited_ns: u64,
    },
    /// The server's results cannot be read, or are not those of this test's streams.
    BadResults,
}

/// What is known of a run with an iperf3 server, beside the figures that every run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Iperf3Report {
    /// Payload bits per second of each stream, as iperf3 means a rate; `None` for as fast as
    /// possible.
    pub stream_rate_bps: Option<u64>,
    /// Time at the start that was sent and not counted, in nanoseconds.
    pub omit_ns: u64,
    /// Bits of the numbers in the datagrams, 32 or 64.
    pub counter_bits: u64,
    /// Whether the server was asked to send with GSO and receive with GRO, as it can from 3.21 on.
    pub gsro_requested: bool,
    /// Loss upstream as iperf3 shows it: without the datagrams after the last that arrived. `None`
    /// if this end did not send, or the server did not report it.
    #[serde(rename = "lost_without_tail_datagrams")]
    pub lost_without_tail: Option<u64>,
    /// Greetings of streams that were repeated: servers up to 3.20 may have counted one as data.
    pub repeated_greetings: u64,
}
