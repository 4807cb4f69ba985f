//! The largest payload that a datagram can carry.

use crate::wire::{IpFamily, max_payload};
use std::net::SocketAddr;

/// The largest payload that reaches every peer of a run whole.
///
/// A UDP length field holds 65,535 bytes with its header of 8 (RFC 768); an IPv4 packet is at most
/// 65,535 bytes with its own 20 (RFC 791 §3.1), an IPv6 packet's payload 65,535 without its header
/// (RFC 8200 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadLimit {
    v4: bool,
    /// Bytes of every datagram that are not content.
    header: usize,
}

impl PayloadLimit {
    /// The limit of the peers: one IPv4 address among them decides.
    pub fn for_peers(peers: &[SocketAddr]) -> Self {
        Self { v4: peers.iter().any(SocketAddr::is_ipv4), header: 0 }
    }

    /// The limit of what stands behind a header of so many bytes in each datagram.
    pub fn behind(self, header: usize) -> Self {
        Self { header, ..self }
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        max_payload(if self.v4 { IpFamily::V4 } else { IpFamily::V6 }) - self.header
    }

    /// The length of a payload that fits, or why it does not.
    pub fn check(self, len: u64) -> Result<usize, String> {
        usize::try_from(len).ok().filter(|len| *len <= self.bytes()).ok_or_else(|| self.refuse(len))
    }

    /// Why a payload of `len` bytes does not fit.
    pub fn refuse(self, len: u64) -> String {
        let family = if self.v4 { "IPv4" } else { "IPv6" };
        let most = self.bytes();
        let behind = match self.header {
            0 => String::new(),
            bytes => format!(" behind a header of {bytes} bytes"),
        };
        format!(
            "a payload of {len} bytes is over the limit of {most} bytes of UDP over {family}{behind}"
        )
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
        assert_eq!(PayloadLimit::for_peers(&[v6]).check(65_527), Ok(65_527));
        assert_eq!(
            PayloadLimit::for_peers(&[v4]).check(65_508).unwrap_err(),
            "a payload of 65508 bytes is over the limit of 65507 bytes of UDP over IPv4"
        );
        assert!(PayloadLimit::for_peers(&[v4]).check(u64::MAX).is_err());
        assert_eq!(
            PayloadLimit::for_peers(&[v4]).behind(16).check(65_492).unwrap_err(),
            "a payload of 65492 bytes is over the limit of 65491 bytes of UDP over IPv4 behind a \
             header of 16 bytes"
        );
    }
}
