//! Quantities with their unit in the type: parsing and printing only.

mod bytes;
mod change_limit;
mod datagram_sizes;
mod endpoint;
mod errno_text;
mod genome;
mod limit;
mod nanos;
mod parse;
mod percent;
mod rate;
mod size_choice;
mod suggest;
mod sweep;
mod threshold;
mod untrusted;
mod whole;

pub use bytes::{ByteCount, group_digits};
pub use change_limit::{ChangeLimit, ParseChangeError};
pub use datagram_sizes::{
    ETHERNET_MTU, ETHERNET_PAYLOAD, GSO_BYTES, GSO_SEGMENTS, GSO_SEGMENTS_BEFORE_6_9, IpFamily,
    MAX_PACKET, MAX_PAYLOAD, TCP_HEADER, UDP_HEADER, ethernet_wire_bytes, fragments, max_payload,
    udp_ip_bytes,
};
pub use endpoint::{Endpoint, any_address, name_zones, with_port};
pub use errno_text::errno_text;
pub use genome::{Genome, GenomeSize, ParseGenomeError};
pub use limit::{Bound, Extent, Limit, Measured, Metric, ParseLimitError, Standing, ValueFault};
pub use nanos::Nanos;
pub use parse::{ParseUnitError, Quantity};
pub use percent::Percent;
pub use rate::{BitRate, PacketRate, Rate};
pub use size_choice::{IMIX, MOST_SIZE_CYCLE, MOST_SIZE_PARTS, ParseSizeError, SizeChoice};
pub use suggest::{Nearest, nearest};
pub use sweep::{MOST_STEPS, ParseSweepError, Sweep};
pub use threshold::{Exceeding, ParseThresholdError, Threshold, Watched};
pub use untrusted::{MOST_COUNT, Untrusted};
pub use whole::{ParseWholeError, whole};
