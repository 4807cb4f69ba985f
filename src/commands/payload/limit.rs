//! The largest payload that a datagram can carry.

use crate::commands::usage::PayloadUsage;
use crate::units::{IpFamily, max_payload};
use std::net::SocketAddr;

/// The largest payload that one datagram can carry to every peer of a run.
///
/// The UDP length is at most 65,535 bytes, including 8 of header (RFC 768); an IPv4 packet is at
/// most 65,535 bytes, including 20 of header (RFC 791 §3.1); the payload of an IPv6 packet is at
/// most 65,535 bytes without its header (RFC 8200 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadLimit {
    family: IpFamily,
    /// Bytes of every datagram before the content.
    header: usize,
}

impl PayloadLimit {
    /// The limit for these peers: that of IPv4 if any of them is IPv4.
    pub fn for_peers(peers: &[SocketAddr]) -> Self {
        let is_v4 = peers.iter().any(SocketAddr::is_ipv4);
        Self { family: if is_v4 { IpFamily::V4 } else { IpFamily::V6 }, header: 0 }
    }

    /// The limit for the content after a header of this many bytes.
    pub fn behind(self, header: usize) -> Self {
        Self { header, ..self }
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        max_payload(self.family) - self.header
    }

    /// The length of the payload if it fits, or the error.
    pub fn check(self, len: u64) -> Result<usize, PayloadUsage> {
        usize::try_from(len).ok().filter(|len| *len <= self.bytes()).ok_or_else(|| self.refuse(len))
    }

    /// The error for a payload of `len` bytes that does not fit.
    pub fn refuse(self, len: u64) -> PayloadUsage {
        let Self { family, header } = self;
        PayloadUsage::TooLarge { len, most: self.bytes(), family, header }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ipv4_peer_among_many_lowers_the_limit() {
        let v4 = "192.0.2.1:9".parse().unwrap();
        let v6 = "[2001:db8::1]:9".parse().unwrap();
        assert_eq!(PayloadLimit::for_peers(&[v6]).bytes(), 65_527);
        assert_eq!(PayloadLimit::for_peers(&[v6, v4]).bytes(), 65_507);
        let fits = |limit: PayloadLimit, len| limit.check(len).ok();
        assert_eq!(fits(PayloadLimit::for_peers(&[v6]), 65_527), Some(65_527));
        for (header, len, limit) in [(0, 65_508, 65_507), (16, 65_492, 65_491)] {
            let wrong = PayloadLimit::for_peers(&[v4]).behind(header).check(len).unwrap_err();
            let PayloadUsage::TooLarge { len: told, most, family, header: behind } = wrong else {
                panic!("{wrong}")
            };
            assert_eq!((told, most, family, behind), (len, limit, IpFamily::V4, header));
        }
    }
}
