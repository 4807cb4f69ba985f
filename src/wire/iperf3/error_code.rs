//! Error numbers of iperf3 (`iperf_api.h`), as a server sends them.

use super::Iperf3Version;
use serde::Serialize;

/// One of iperf's error numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Iperf3Error(
    /// The number, as in iperf's source.
    pub i32,
);

impl Iperf3Error {
    /// The duration is out of its range.
    pub const DURATION: Self = Self(5);
    /// Too many streams, or none.
    pub const STREAMS: Self = Self(6);
    /// The time that is not counted is out of its range.
    pub const OMIT: Self = Self(12);
    /// An option that the server does not have.
    pub const UNIMPLEMENTED: Self = Self(13);
    /// The burst is out of its range.
    pub const BURST: Self = Self(15);
    /// The payload is out of its range.
    pub const PAYLOAD: Self = Self(20);
    /// The type of service is out of its range.
    pub const TOS: Self = Self(21);
    /// The rate of all streams is above the server's limit.
    pub const TOTAL_RATE: Self = Self(27);
    /// The test is longer than the server allows, or has no end.
    pub const MAX_DURATION: Self = Self(37);
    /// A message of the control connection that does not belong there.
    pub const MESSAGE: Self = Self(110);
    /// The parameters cannot be read.
    pub const PARAMETERS: Self = Self(114);
    /// The results cannot be read.
    pub const RESULTS: Self = Self(117);
    /// User and password were not accepted.
    pub const AUTHORIZATION: Self = Self(142);
    /// A stream could not be opened.
    pub const STREAM: Self = Self(203);
    /// No data came for too long.
    pub const NO_DATA: Self = Self(144);
    /// The test ran longer than the server waits.
    pub const SERVER_TIMEOUT: Self = Self(160);
}

/// The first version that has a text for [`Iperf3Error::MAX_DURATION`].
const MAX_DURATION_SINCE: Iperf3Version = Iperf3Version { major: 3, minor: 20 };

impl Iperf3Error {
    /// The same error as a client of this version has words for it.
    #[must_use]
    pub fn known_to(self, version: Iperf3Version) -> Self {
        match self {
            Self::MAX_DURATION if version < MAX_DURATION_SINCE => Self::DURATION,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_what_its_version_has_words_for() {
        for (version, number) in
            [("3.1.3", 5), ("3.12", 5), ("", 5), ("3.20", 37), ("3.21+", 37), ("4.0", 37)]
        {
            let version = Iperf3Version::read(version);
            assert_eq!(Iperf3Error::MAX_DURATION.known_to(version).0, number, "{version:?}");
        }
        let oldest = Iperf3Version::default();
        assert_eq!(Iperf3Error::TOTAL_RATE.known_to(oldest).0, 27);
    }
}
