//! What a datagram to a remote agent looks like to a device on the path that inspects payloads.

use crate::record::probe::PayloadKind;
use crate::wire::service::{self, Service};
use crate::wire::{Ask, pattern};
use std::net::SocketAddr;

/// Appearance of a payload. The probe request is in the last 40 bytes, except for the first kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// The probe request first, followed by the measurement pattern.
    Ask,
    /// Random bytes.
    Random,
    /// Zeros.
    Zeros,
    /// A DNS query for an address (RFC 1035).
    Dns,
    /// A QUIC version 1 Initial packet, long header (RFC 9000 §17.2.2).
    Quic,
    /// A SIP OPTIONS request (RFC 3261).
    Sip,
    /// A STUN Binding request (RFC 8489).
    Stun,
}

/// Long header, Initial, version 1, two connection IDs of 8 bytes, no token.
const QUIC: &[u8] = b"\xc3\x00\x00\x00\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\x08\x11\x22\x33\x44\x55\x66\x77\x88\x00\x44\x9e";
/// Binding request with the magic cookie and a transaction ID; its length is filled in.
const STUN: &[u8] =
    b"\x00\x01\x00\x00\x21\x12\xa4\x42\x75\x64\x70\x6b\x69\x74\x70\x72\x6f\x62\x65\x21";

impl Shape {
    /// Its kind in reports.
    pub fn kind(self) -> PayloadKind {
        match self {
            Self::Ask => PayloadKind::Plain,
            Self::Random => PayloadKind::Random,
            Self::Zeros => PayloadKind::Zeros,
            Self::Dns => PayloadKind::Dns,
            Self::Quic => PayloadKind::Quic,
            Self::Sip => PayloadKind::Sip,
            Self::Stun => PayloadKind::Stun,
        }
    }

    /// Writes a payload of this appearance, as if for `to`, that contains the probe request. `out`
    /// has at least 40 bytes.
    pub fn write(self, ask: &Ask, to: SocketAddr, out: &mut [u8]) {
        if self == Self::Ask {
            return ask.encode(out);
        }
        let room = out.len() - Ask::LEN;
        let body = &mut out[..room];
        match self {
            Self::Ask | Self::Random => scramble(body, u64::from(ask.item) << 32 | 1),
            Self::Zeros => body.fill(0),
            Self::Dns => start_with(&question(Service::Dns, ask, to), body),
            Self::Quic => start_with(QUIC, body),
            Self::Sip => start_with(&question(Service::Sip, ask, to), body),
            Self::Stun => {
                start_with(STUN, body);
                // Everything behind the header, including the probe request, is one unknown
                // attribute.
                let rest = (room + Ask::LEN).saturating_sub(20) as u16 & !3;
                put(body, 2, rest);
                put(body, 20, 0x8022);
                put(body, 22, rest.saturating_sub(4));
            }
        }
        ask.encode_at_end(out);
    }
}

/// The request of a service.
fn question(service: Service, ask: &Ask, to: SocketAddr) -> Vec<u8> {
    service.question(&service::Ask::new(ask.key ^ u64::from(ask.item), to))
}

fn put(body: &mut [u8], at: usize, value: u16) {
    if let Some(field) = body.get_mut(at..at + 2) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

/// The head as far as there is room, followed by the measurement pattern.
fn start_with(head: &[u8], body: &mut [u8]) {
    let len = head.len().min(body.len());
    let (start, rest) = body.split_at_mut(len);
    start.copy_from_slice(&head[..len]);
    pattern::fill(len, rest);
}

/// xorshift64* (Vigna 2014), so that the bytes differ between items.
fn scramble(body: &mut [u8], seed: u64) {
    let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
    for byte in body {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        *byte = (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;
    use crate::wire::{Class, classify};

    #[test]
    fn every_look_carries_its_ask_at_every_length() {
        let ask = Ask::new(7, 9, 3, 4, Nanos(5));
        let to = "192.0.2.1:5060".parse().unwrap();
        for shape in [
            Shape::Ask,
            Shape::Random,
            Shape::Zeros,
            Shape::Dns,
            Shape::Quic,
            Shape::Sip,
            Shape::Stun,
        ] {
            for len in [40, 41, 64, 300, 1_472] {
                let mut out = vec![0xFF; len];
                shape.write(&ask, to, &mut out);
                let found = match shape {
                    Shape::Ask => Ask::decode(&out),
                    _ => Ask::decode_at_end(&out),
                };
                assert_eq!(found, Some(ask), "{shape:?} {len}");
            }
        }
    }

    #[test]
    fn looks_are_what_they_say() {
        let ask = Ask::new(7, 9, 3, 4, Nanos(5));
        let to = "192.0.2.1:5060".parse().unwrap();
        let written = |shape: Shape, len: usize| {
            let mut out = vec![0; len];
            shape.write(&ask, to, &mut out);
            out
        };
        let stun = written(Shape::Stun, 128);
        assert_eq!(classify(&stun), Class::Stun);
        assert_eq!(u16::from_be_bytes([stun[2], stun[3]]), 108, "RFC 8489: length behind 20 bytes");
        assert!(written(Shape::Sip, 512).starts_with(b"OPTIONS sip:"));
        assert_eq!(written(Shape::Dns, 128)[2..6], [1, 0, 0, 1]);
        assert_eq!(written(Shape::Quic, 1_200)[..5], [0xC3, 0, 0, 0, 1]);
        assert_eq!(written(Shape::Zeros, 64)[..24], [0; 24]);
        assert_ne!(written(Shape::Random, 64)[..24], [0; 24]);
    }
}
