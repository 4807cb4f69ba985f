//! iperf3's protocol for UDP tests: the bytes and JSON messages of its control connection, the
//! greeting that opens a stream, and the header of its datagrams. Which message follows which is
//! left to `session::iperf3`.

mod error_code;
mod greeting;
mod header;
mod message;
mod params;
mod results;
mod state;
#[cfg(test)]
pub(crate) mod test_users;
mod token;
mod users;
mod version;

pub use error_code::Iperf3Error;
pub use greeting::{CLIENT_GREETING, greeting_reply, is_greeting, is_greeting_reply};
pub use header::Counters;
pub use message::{MAX_MESSAGE, MessageFault, decode_message, encode_message, message_length};
pub use params::{CLIENT_VERSION, Iperf3Params};
pub use results::{Iperf3Results, StreamResults, stream_id};
pub use state::{
    COOKIE_LEN, ControlState, SERVER_ERROR_LEN, cookie, decode_server_error, encode_server_error,
};
pub use token::token_text;
pub use users::{Iperf3Users, LoginFault, MOST_SKEW_SECS, OldTokens, UsersFault};
pub use version::Iperf3Version;

/// TCP port of the control connection, and UDP port of the data.
pub const IPERF3_PORT: u16 = 5201;
/// Smallest payload that iperf3 accepts, in bytes.
pub const LEAST_PAYLOAD: u64 = 16;
/// Largest payload that iperf3 accepts, in bytes, whatever the address family.
pub const MOST_PAYLOAD: u64 = 65_507;
/// Most streams in each direction.
pub const MOST_STREAMS: u32 = 128;
/// Longest time during which nothing is counted, in seconds.
pub const MOST_OMIT_SECS: u64 = 600;
/// Longest test, in seconds.
pub const MOST_TIME_SECS: u64 = 86_400;
/// Longest parameters that are read, in bytes: iperf3 itself reads 8,192 since 3.18.
pub const MOST_PARAMS: usize = 1 << 16;
/// Longest results that are read, in bytes: those of 128 streams in both directions take 80 KB.
pub const MOST_RESULTS: usize = 1 << 18;
/// Most datagrams between two checks of the rate.
pub const MOST_BURST: u32 = 1_000;
