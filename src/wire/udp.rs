//! The UDP checksum, over the pseudo-header of IPv4 or IPv6.

use std::net::{IpAddr, SocketAddr};

const PROTOCOL: u8 = 17;
const HEADER: usize = 8;

/// The checksum of a UDP header (RFC 768, RFC 8200 §8.1): never 0, which would mean no checksum.
/// `None` if the addresses differ in family or the payload is too long for a datagram.
pub fn udp_checksum(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Option<u16> {
    let length = u16::try_from(HEADER + payload.len()).ok()?;
    let mut sum = Sum::default();
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            sum.add(&from.octets());
            sum.add(&to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            sum.add(&from.octets());
            sum.add(&to.octets());
        }
        _ => return None,
    }
    sum.add(&[0, PROTOCOL]);
    // Once in the pseudo-header, once in the header.
    sum.add(&length.to_be_bytes());
    sum.add(&source.port().to_be_bytes());
    sum.add(&destination.port().to_be_bytes());
    sum.add(&length.to_be_bytes());
    sum.add(payload);
    Some(match sum.complement() {
        0 => 0xffff,
        checksum => checksum,
    })
}

/// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words.
#[derive(Default)]
struct Sum(u64);

impl Sum {
    /// Adds bytes, an odd one padded with zero; only the last may be odd.
    fn add(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(2);
        for word in &mut words {
            self.0 += u64::from(u16::from_be_bytes([word[0], word[1]]));
        }
        if let [last] = words.remainder() {
            self.0 += u64::from(*last) << 8;
        }
    }

    fn complement(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with its checksum in place sums to all ones: the receiver's rule.
    fn verifies(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> bool {
        let checksum = udp_checksum(source, destination, payload).unwrap();
        let mut bytes = Vec::new();
        for ip in [source.ip(), destination.ip()] {
            match ip {
                IpAddr::V4(ip) => bytes.extend(ip.octets()),
                IpAddr::V6(ip) => bytes.extend(ip.octets()),
            }
        }
        let length = (payload.len() + 8) as u16;
        bytes.extend([0, 17]);
        for word in [length, source.port(), destination.port(), length, checksum] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(payload);
        let mut sum = 0u32;
        for (index, byte) in bytes.iter().enumerate() {
            sum += u32::from(*byte) << if index % 2 == 0 { 8 } else { 0 };
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum == 0xffff
    }

    #[test]
    fn a_receiver_finds_every_checksum_right_and_none_is_zero() {
        let seed = 5;
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..5_000 {
            let len = random.usize(0..100);
            let payload: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
            let mut addr = || {
                if round % 2 == 0 {
                    SocketAddr::from((random.u32(..).to_be_bytes(), random.u16(..)))
                } else {
                    SocketAddr::from((random.u128(..).to_be_bytes(), random.u16(..)))
                }
            };
            let (from, to) = (addr(), addr());
            assert_ne!(udp_checksum(from, to, &payload), Some(0));
            assert!(verifies(from, to, &payload), "seed {seed}: {from} {to} {payload:?}");
        }
    }

    #[test]
    fn a_sum_of_all_ones_is_sent_as_all_ones() {
        // Chosen so that the words add up to 0xffff exactly, whose complement would be zero.
        let from = "0.0.0.0:0".parse().unwrap();
        let to = "0.0.0.0:0".parse().unwrap();
        let rest = 17 + 2 * 10;
        let payload = (0xffff - rest as u16).to_be_bytes();
        assert_eq!(udp_checksum(from, to, &payload), Some(0xffff));
    }

    #[test]
    fn two_families_have_no_checksum_in_common() {
        let v4 = "192.0.2.1:9".parse().unwrap();
        let v6 = "[2001:db8::1]:9".parse().unwrap();
        assert_eq!(udp_checksum(v4, v6, b""), None);
        assert_eq!(udp_checksum(v4, v4, &vec![0; 65_528]), None);
    }
}
