//! Error numbers of iperf3 (`iperf_api.h`), as a server sends them.

use serde::Serialize;

/// One of iperf's error numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Iperf3Error(
    /// The number, as in iperf's source.
    pub i32,
);

impl Iperf3Error {
    /// The rate of all streams is above the server's limit.
    pub const TOTAL_RATE: Self = Self(27);
    /// The test is longer than the server allows, or has no end.
    pub const MAX_DURATION: Self = Self(37);
    /// User and password were not accepted.
    pub const AUTHORIZATION: Self = Self(142);
    /// No data came for too long.
    pub const NO_DATA: Self = Self(144);
    /// The test ran longer than the server waits.
    pub const SERVER_TIMEOUT: Self = Self(160);
}
