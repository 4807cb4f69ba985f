//! Wire formats: encodes and decodes bytes, without sockets or clocks.

mod capacity;
mod class;
mod control;
mod control_mac;
mod datagram_filter;
mod dscp;
mod escape;
mod fanout;
mod header;
mod hex;
mod hops;
mod host;
mod http;
pub mod iperf3;
mod params;
pub mod pattern;
mod ports;
mod probe;
pub mod service;
pub mod stamp;
pub mod stun;
mod template;
mod ticket;
mod udp;
pub mod udpstp;

pub use capacity::{LOAD_REPORT_LEN, LoadReport, RATE_NOTICE_LEN, RateNotice};
pub use class::{Class, classify};
pub use control::{
    CONTROL_MAX, Code, Command, CommandError, HELO_LEN, NotAReply, Reply, Tag, TooLong, Verb,
};
pub use control_mac::{AuthenticationError, ControlKey, KEY_LEN, KeyLength, SEAL_LEN, Seal};
pub use datagram_filter::{DatagramFilter, Filtered, ParseFilterError};
pub use dscp::{Dscp, Ecn, ParseDscpError, ParseEcnError, split_tos, tos};
pub use escape::{EscapeError, escape, escape_into, harmless, is_harmful, unescape};
pub use fanout::{
    Announcement, HostCounts, LINE_LEN, MarkReport, REPORT_GAPS, ReceiverReport, fanout_tag,
};
pub use header::{END_LEN, Header, HeaderError, Kind, MAGIC, MOST_SENT, decode_end, encode_end};
pub use hex::{HexError, hex_into, parse_hex, to_hex};
pub use hops::Hops;
pub use host::HostId;
pub use http::{METRICS_PATH, PageForm, PageRefusal, PageRequest, page_head, read_page_request};
pub use params::{BadParam, Params};
pub use ports::{PortDenial, PortList, PortListError};
pub use probe::{Arrivals, Ask, Echo, ReplyError, Via};
pub use template::{Template, TemplateError};
pub use ticket::TicketKey;
pub use udp::udp_checksum;
