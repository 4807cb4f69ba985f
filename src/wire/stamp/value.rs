//! The contents of the TLVs that udpkit supports.

use super::packet::{u16_at, u32_at, u64_at};
use crate::wire::{Dscp, Ecn, split_tos, tos};

/// Class of service, 4 bytes (RFC 8972 §4.4).
///
/// ```text
/// DSCP1 6 bits | DSCP2 6 bits | ECN 2 bits | RP 2 bits | 16 bits zero
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassOfService {
    /// DSCP1: the DSCP that the session-sender requests for the reply.
    pub wanted: Dscp,
    /// DSCP2: DSCP of the request on arrival at the reflector; a sender writes 0.
    pub seen: Dscp,
    /// ECN of the request on arrival; a sender writes 0.
    pub ecn: Ecn,
    /// RP: whether the reply was sent with the DSCP wanted.
    pub reverse: ReversePath,
}

/// A reflector's result for the requested DSCP (the RP field).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReversePath {
    /// 0: the reply was sent with it.
    #[default]
    AsWanted,
    /// 1: refused by policy: the reply was sent with the request's DSCP on arrival.
    Refused,
    /// 2 or 3: undefined.
    Undefined(u8),
}

impl ReversePath {
    fn bits(self) -> u8 {
        match self {
            Self::AsWanted => 0,
            Self::Refused => 1,
            Self::Undefined(bits) => bits & 3,
        }
    }
}

impl ClassOfService {
    /// Bytes of the value.
    pub const LEN: usize = 4;

    /// Writes the value.
    pub fn encode(self) -> [u8; Self::LEN] {
        let bits = u16::from(self.wanted.value()) << 10
            | u16::from(tos(self.seen, self.ecn)) << 2
            | u16::from(self.reverse.bits());
        let [high, low] = bits.to_be_bytes();
        [high, low, 0, 0]
    }

    /// Reads a value; `None` where its length is wrong.
    pub fn decode(value: &[u8]) -> Option<Self> {
        if value.len() != Self::LEN {
            return None;
        }
        let bits = u16_at(value, 0);
        let (wanted, _) = split_tos((bits >> 8) as u8);
        let (seen, ecn) = split_tos((bits >> 2) as u8);
        let reverse = match bits as u8 & 3 {
            0 => ReversePath::AsWanted,
            1 => ReversePath::Refused,
            other => ReversePath::Undefined(other),
        };
        Some(Self { wanted, seen, ecn, reverse })
    }
}

/// Direct measurement, 12 bytes: counters of datagrams, each wraps at 2^32 (RFC 8972 §4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectMeasurement {
    /// What the session-sender sent so far.
    pub sent: u32,
    /// What the reflector received of them; a sender writes 0.
    pub received: u32,
    /// What the reflector sent back; a sender writes 0.
    pub reflected: u32,
}

impl DirectMeasurement {
    /// Bytes of the value.
    pub const LEN: usize = 12;

    /// Writes the value.
    pub fn encode(self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[..4].copy_from_slice(&self.sent.to_be_bytes());
        out[4..8].copy_from_slice(&self.received.to_be_bytes());
        out[8..].copy_from_slice(&self.reflected.to_be_bytes());
        out
    }

    /// Reads a value; `None` where its length is wrong.
    pub fn decode(value: &[u8]) -> Option<Self> {
        (value.len() == Self::LEN).then(|| Self {
            sent: u32_at(value, 0),
            received: u32_at(value, 4),
            reflected: u32_at(value, 8),
        })
    }
}

/// How a time stamp was taken (RFC 8972 §4.3, IANA's registry of STAMP time stamping methods).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StampingMethod {
    /// 0, reserved: unknown.
    #[default]
    Unknown,
    /// 1: hardware assisted.
    Hardware,
    /// 2: by software, in the kernel or near it.
    Software,
    /// 3: in the control plane.
    ControlPlane,
    /// Any other.
    Other(u8),
}

impl StampingMethod {
    fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Hardware => 1,
            Self::Software => 2,
            Self::ControlPlane => 3,
            Self::Other(number) => number,
        }
    }
}

/// Follow-up telemetry, 16 bytes (RFC 8972 §4.7); a sender writes zeros.
///
/// ```text
/// sequence u32 | time stamp u64 | method u8 | 3 bytes zero
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowUp {
    /// The reply before this one, by the reflector's sequence number.
    pub seq: u32,
    /// When that reply actually left, as 64 bits in the format of the packet's own stamps; 0 if not
    /// known to the reflector.
    pub sent_bits: u64,
    /// How that time stamp was taken.
    pub method: StampingMethod,
}

impl FollowUp {
    /// Bytes of the value.
    pub const LEN: usize = 16;

    /// Writes the value.
    pub fn encode(self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[..4].copy_from_slice(&self.seq.to_be_bytes());
        out[4..12].copy_from_slice(&self.sent_bits.to_be_bytes());
        out[12] = self.method.number();
        out
    }

    /// Reads a value; `None` where its length is wrong.
    pub fn decode(value: &[u8]) -> Option<Self> {
        if value.len() != Self::LEN {
            return None;
        }
        let method = match value[12] {
            0 => StampingMethod::Unknown,
            1 => StampingMethod::Hardware,
            2 => StampingMethod::Software,
            3 => StampingMethod::ControlPlane,
            other => StampingMethod::Other(other),
        };
        Some(Self { seq: u32_at(value, 0), sent_bits: u64_at(value, 4), method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::to_hex;

    fn dscp(text: &str) -> Dscp {
        text.parse().unwrap()
    }

    #[test]
    fn class_of_service_has_known_bytes() {
        let cos = ClassOfService {
            wanted: dscp("EF"),
            seen: dscp("AF41"),
            ecn: Ecn::Ce,
            reverse: ReversePath::Refused,
        };
        // 101110 100010 11 01, then zeros.
        assert_eq!(to_hex(&cos.encode()), "ba2d0000");
        for bits in 0..=u16::MAX {
            let [high, low] = bits.to_be_bytes();
            let value = [high, low, 0, 0];
            assert_eq!(ClassOfService::decode(&value).unwrap().encode(), value);
        }
    }

    #[test]
    fn counters_and_follow_up_have_known_bytes() {
        let counters = DirectMeasurement { sent: 1, received: 0x0203, reflected: u32::MAX };
        assert_eq!(to_hex(&counters.encode()), "0000000100000203ffffffff");
        assert_eq!(DirectMeasurement::decode(&counters.encode()), Some(counters));
        let follow =
            FollowUp { seq: 9, sent_bits: 0xE9A1_B2C3_8000_0000, method: StampingMethod::Software };
        assert_eq!(to_hex(&follow.encode()), "00000009e9a1b2c38000000002000000");
        assert_eq!(FollowUp::decode(&follow.encode()), Some(follow));
    }

    #[test]
    fn a_value_of_another_length_is_none() {
        for len in 0..40 {
            let value = vec![0xAB; len];
            assert_eq!(ClassOfService::decode(&value).is_some(), len == 4);
            assert_eq!(DirectMeasurement::decode(&value).is_some(), len == 12);
            assert_eq!(FollowUp::decode(&value).is_some(), len == 16);
        }
    }
}
