//! The single bytes of the control connection (`iperf_api.h`, since 3.1), and the cookie before
//! them.

use super::Iperf3Error;

/// Bytes of the cookie, its final NUL included.
pub const COOKIE_LEN: usize = 37;
/// Characters of a cookie: RFC 4648's base 32, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Bytes after [`ControlState::ServerError`]: iperf's error number and `errno`.
pub const SERVER_ERROR_LEN: usize = 8;

/// A byte of the control connection, signed in iperf3's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ControlState {
    /// Server: the test has begun; both ends start their timers.
    TestStart = 1,
    /// Server: send data.
    TestRunning = 2,
    /// Client: the test is over, also when the server sends.
    TestEnd = 4,
    /// Server: send the parameters.
    ParamExchange = 9,
    /// Server: open the data streams.
    CreateStreams = 10,
    /// Server: it was interrupted.
    ServerTerminate = 11,
    /// Client: it was interrupted, and no results follow.
    ClientTerminate = 12,
    /// Server: send the results; its own follow.
    ExchangeResults = 13,
    /// Server: both ends have all results.
    DisplayResults = 14,
    /// Client: goodbye.
    Done = 16,
    /// Server: an error; [`SERVER_ERROR_LEN`] bytes follow.
    ServerError = 0xFE,
    /// Server: busy with another test. It is sent before the cookie is read.
    AccessDenied = 0xFF,
}

impl ControlState {
    const ALL: [Self; 12] = [
        Self::TestStart,
        Self::TestRunning,
        Self::TestEnd,
        Self::ParamExchange,
        Self::CreateStreams,
        Self::ServerTerminate,
        Self::ClientTerminate,
        Self::ExchangeResults,
        Self::DisplayResults,
        Self::Done,
        Self::ServerError,
        Self::AccessDenied,
    ];

    /// The byte on the wire.
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The state of a byte; `None` for one that iperf3 does not send.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.byte() == byte)
    }
}

/// [`ControlState::ServerError`] with iperf's error number, and no `errno` beside it.
pub fn encode_server_error(error: Iperf3Error) -> Vec<u8> {
    let mut bytes = vec![ControlState::ServerError.byte()];
    bytes.extend_from_slice(&error.0.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// The cookie made from 36 random bytes.
pub fn cookie(random: &[u8; COOKIE_LEN - 1]) -> [u8; COOKIE_LEN] {
    let mut cookie = [0; COOKIE_LEN];
    for (place, random) in cookie.iter_mut().zip(random) {
        *place = ALPHABET[usize::from(random % 32)];
    }
    cookie
}

/// The two numbers after [`ControlState::ServerError`]: iperf's error and the `errno` beside it, 0
/// for none.
pub fn decode_server_error(bytes: &[u8; SERVER_ERROR_LEN]) -> (Iperf3Error, i32) {
    let both = u64::from_be_bytes(*bytes);
    (Iperf3Error((both >> 32) as i32), both as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_the_byte_of_iperf_s_source() {
        let bytes = ControlState::ALL.map(ControlState::byte);
        assert_eq!(bytes, [1, 2, 4, 9, 10, 11, 12, 13, 14, 16, 0xFE, 0xFF]);
        for byte in 0..=u8::MAX {
            let known = ControlState::from_byte(byte).map(ControlState::byte);
            assert_eq!(known, bytes.contains(&byte).then_some(byte));
        }
    }

    #[test]
    fn a_cookie_is_36_characters_and_a_nul() {
        let random: [u8; 36] = std::array::from_fn(|index| index as u8);
        assert_eq!(&cookie(&random), b"abcdefghijklmnopqrstuvwxyz234567abcd\0");
        assert_eq!(&cookie(&[0xFF; 36]), b"777777777777777777777777777777777777\0");
    }

    #[test]
    fn a_server_error_is_two_numbers() {
        let bytes = [0, 0, 0, 27, 0, 0, 0, 0];
        assert_eq!(decode_server_error(&bytes), (Iperf3Error(27), 0));
        assert_eq!(encode_server_error(Iperf3Error(27)), [&[0xFE][..], &bytes].concat());
        let bytes = [0, 0, 0, 203, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(decode_server_error(&bytes), (Iperf3Error(203), -1));
    }
}
