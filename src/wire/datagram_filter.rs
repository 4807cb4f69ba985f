//! Which datagrams pass a filter: by source network, size, DSCP, or bytes at an offset.

use super::{Dscp, HexError, ParseDscpError, parse_hex};
use crate::units::MAX_PACKET;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use thiserror::Error;

/// Conditions that a datagram must meet, all of them: `source=192.0.2.0/24,size=100-1200`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatagramFilter {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Source(IpNet),
    Size(RangeInclusive<usize>),
    Dscp(u8),
    Bytes { offset: usize, pattern: Vec<u8> },
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug)]
pub struct Filtered<'a> {
    /// The source address.
    pub source: IpAddr,
    /// TOS or traffic class; `None` if it is not known, which no DSCP matches.
    pub tos: Option<u8>,
    /// The payload.
    pub payload: &'a [u8],
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseFilterError {
    /// A condition without a value, or of an unknown name.
    #[error(
        "{text:?} is no condition; write source=NETWORK, size=FROM-TO, dscp=DSCP or \
         bytes=OFFSET:HEX, several with commas between them"
    )]
    Condition {
        /// The condition.
        text: String,
    },
    /// Not a network.
    #[error("source={text:?} is neither a network such as 192.0.2.0/24 nor an address")]
    Source {
        /// The text in place of the network.
        text: String,
    },
    /// Not a range of sizes.
    #[error("size={text:?} is neither a number of payload bytes nor a range such as 100-1200")]
    Size {
        /// The text in place of the range.
        text: String,
    },
    /// Not a DSCP.
    #[error("dscp={text:?}: {wrong}")]
    Dscp {
        /// The text in place of the DSCP.
        text: String,
        /// What is wrong with it.
        wrong: ParseDscpError,
    },
    /// Not an offset and hexadecimal digits.
    #[error("bytes={text:?} is not an offset and bytes in hexadecimal, such as 0:d601")]
    Bytes {
        /// The text in place of them.
        text: String,
    },
}

impl DatagramFilter {
    /// Whether a datagram meets all conditions.
    pub fn passes(&self, datagram: &Filtered<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(datagram))
    }
}

impl Condition {
    fn holds(&self, datagram: &Filtered<'_>) -> bool {
        match self {
            Self::Source(network) => network.contains(&datagram.source),
            Self::Size(sizes) => sizes.contains(&datagram.payload.len()),
            Self::Dscp(dscp) => datagram.tos.is_some_and(|tos| tos >> 2 == *dscp),
            Self::Bytes { offset, pattern } => {
                let behind = datagram.payload.get(*offset..);
                behind.is_some_and(|behind| behind.starts_with(pattern))
            }
        }
    }
}

impl FromStr for DatagramFilter {
    type Err = ParseFilterError;

    fn from_str(text: &str) -> Result<Self, ParseFilterError> {
        let conditions = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { conditions })
    }
}

impl FromStr for Condition {
    type Err = ParseFilterError;

    fn from_str(text: &str) -> Result<Self, ParseFilterError> {
        let unknown = || ParseFilterError::Condition { text: text.to_owned() };
        let (name, value) = text.trim().split_once('=').ok_or_else(unknown)?;
        let own = || value.to_owned();
        match name {
            "source" => {
                let alone = || value.parse::<IpAddr>().map(IpNet::from);
                let network = value.parse::<IpNet>().or_else(|_| alone());
                network.map(Self::Source).map_err(|_| ParseFilterError::Source { text: own() })
            }
            "size" => {
                sizes(value).map(Self::Size).ok_or_else(|| ParseFilterError::Size { text: own() })
            }
            "dscp" => match value.parse::<Dscp>() {
                Ok(dscp) => Ok(Self::Dscp(dscp.value())),
                Err(wrong) => Err(ParseFilterError::Dscp { text: own(), wrong }),
            },
            "bytes" => bytes(value).ok_or_else(|| ParseFilterError::Bytes { text: own() }),
            _ => Err(unknown()),
        }
    }
}

/// `100`, `100-1200`, `100-` or `-1200`.
fn sizes(text: &str) -> Option<RangeInclusive<usize>> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|size| *size <= MAX_PACKET);
    let Some((from, to)) = text.split_once('-') else {
        let size = number(text)?;
        return Some(size..=size);
    };
    let from = if from.is_empty() { 0 } else { number(from)? };
    let to = if to.is_empty() { MAX_PACKET } else { number(to)? };
    (from <= to && text != "-").then_some(from..=to)
}

/// `0:d601`.
fn bytes(text: &str) -> Option<Condition> {
    let (offset, digits) = text.split_once(':')?;
    let offset = offset.parse().ok().filter(|offset| *offset < MAX_PACKET)?;
    let pattern: Result<Vec<u8>, HexError> = parse_hex(digits.as_bytes());
    let pattern = pattern.ok().filter(|pattern| !pattern.is_empty())?;
    Some(Condition::Bytes { offset, pattern })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str, payload: &[u8]) -> bool {
        let source = "192.0.2.7".parse().unwrap();
        let filter: DatagramFilter = filter.parse().unwrap();
        filter.passes(&Filtered { source, tos: Some(0xb9), payload })
    }

    #[test]
    fn a_datagram_passes_if_it_meets_every_condition() {
        for (filter, expected) in [
            ("source=192.0.2.0/24", true),
            ("source=192.0.2.7", true),
            ("source=192.0.2.8", false),
            ("source=2001:db8::/32", false),
            ("size=4", true),
            ("size=5", false),
            ("size=3-", true),
            ("size=-3", false),
            ("size=0-65535", true),
            ("dscp=46", true),
            ("dscp=ef", true),
            ("dscp=0", false),
            ("bytes=0:6162", true),
            ("bytes=2:6364", true),
            ("bytes=3:6465", false),
            ("bytes=4:00", false),
            ("size=4,dscp=46,bytes=1:62", true),
            ("size=4,dscp=0,bytes=1:62", false),
        ] {
            assert_eq!(passes(filter, b"abcd"), expected, "{filter}");
        }
        let unknown = Filtered { source: "::1".parse().unwrap(), tos: None, payload: b"" };
        assert!(!"dscp=0".parse::<DatagramFilter>().unwrap().passes(&unknown));
    }

    #[test]
    fn what_is_no_filter_says_what_is_wrong() {
        for text in [
            "",
            "size",
            "size=",
            "size=-",
            "size=9-1",
            "size=65536",
            "size=x",
            "source=x",
            "source=192.0.2.0/33",
            "dscp=64",
            "bytes=0",
            "bytes=0:",
            "bytes=0:6",
            "bytes=x:61",
            "port=3",
            "size=4,",
        ] {
            assert!(text.parse::<DatagramFilter>().is_err(), "{text:?}");
        }
    }
}
