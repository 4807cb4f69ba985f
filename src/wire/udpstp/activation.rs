//! Test Activation Request and Response: the parameters of a test, as the client asks for them and
//! as the server has them. 104 bytes, 60 before version 20.

use super::authentication::{PduFault, PduKey, Signature, SignedPart};
use super::checksum::{is_sound, put_checksum};
use super::fields::{be16, put16};
use super::sending_rate::SendingRate;
use super::{Checksums, Pdu};

const LEN: usize = 104;
const OLD_LEN: usize = 60;
const OLD_CHECKSUM: usize = 58;
const AUTH: SignedPart = SignedPart(63);
const SENDING_RATE: usize = 28;
/// No row: the server searches.
const NO_ROW: u16 = u16::MAX;
const ROW_IS_START: u8 = 1;
const RANDOM_PAYLOAD: u8 = 2;
/// The first version whose PDUs have 104 bytes.
const LONG: u16 = 20;

/// Who sends the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectionAsked {
    /// The client.
    Upstream,
    /// The server.
    Downstream,
}

/// The answer to an activation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationResponse {
    /// The test begins.
    Accepted,
    /// The parameters are refused.
    BadParameter,
    /// A code that RFC 9946 does not have.
    Other(u8),
}

impl ActivationResponse {
    fn code(self) -> u8 {
        match self {
            Self::Accepted => 1,
            Self::BadParameter => 2,
            Self::Other(code) => code,
        }
    }
}

/// The parameters of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestParams {
    /// A delay variation below it is good, in milliseconds.
    pub low_ms: u16,
    /// One above it is bad, in milliseconds.
    pub upper_ms: u16,
    /// Interval of Status PDUs, and of decisions on the rate, in milliseconds.
    pub trial_ms: u16,
    /// Length of the test in seconds.
    pub time_s: u16,
    /// TOS or traffic class of the datagrams.
    pub tos: u8,
    /// A row of the table to send at, or to start from; `None` for a search from the first.
    pub row: Option<u16>,
    /// Whether the row is where a search starts.
    pub row_is_start: bool,
    /// Whether one-way delay variation decides, instead of that of round trips.
    pub one_way: bool,
    /// Rows of a fast step.
    pub high_speed_delta: u8,
    /// Bad trials that end fast steps.
    pub slow_threshold: u16,
    /// Sequence errors of a trial above which it is bad.
    pub error_threshold: u16,
    /// Whether reordered and duplicate datagrams are no errors.
    pub ignore_reordered: bool,
    /// Whether the payload is random, instead of zeros.
    pub random_payload: bool,
    /// The rate adjustment algorithm: 0 is B, 1 is C.
    pub algorithm: u8,
    /// Share of CE marks above which a trial is bad; 0 for off (obudpst).
    pub ce_threshold: u8,
    /// Sub-interval in milliseconds.
    pub sub_interval_ms: u16,
    /// Sub-intervals at the start in which the rate is not adjusted (obudpst).
    pub suppressed: u16,
}

impl Default for TestParams {
    fn default() -> Self {
        Self {
            low_ms: 30,
            upper_ms: 90,
            trial_ms: 50,
            time_s: 10,
            tos: 0,
            row: None,
            row_is_start: false,
            one_way: false,
            high_speed_delta: 10,
            slow_threshold: 3,
            error_threshold: 10,
            ignore_reordered: true,
            random_payload: false,
            algorithm: 0,
            ce_threshold: 0,
            sub_interval_ms: 1_000,
            suppressed: 0,
        }
    }
}

/// A request to begin a test, or the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestActivation {
    /// Version of the test.
    pub version: u16,
    /// Who sends the load.
    pub direction: DirectionAsked,
    /// `None` in a request.
    pub response: Option<ActivationResponse>,
    /// The parameters.
    pub params: TestParams,
    /// In a response to an upstream request, the rate to begin with; else zeros.
    pub sending_rate: SendingRate,
}

impl TestActivation {
    /// Bytes of a PDU of this version.
    pub fn len_of(version: u16) -> usize {
        if version >= LONG { LEN } else { OLD_LEN }
    }

    /// Writes it, signed where there is a key; versions before 20 are never signed.
    pub fn encode(&self, seal: Option<(&PduKey, Signature)>, checksums: Checksums) -> Vec<u8> {
        let mut pdu = vec![0; LEN];
        let params = &self.params;
        put16(&mut pdu, 0, Pdu::Activation.id());
        put16(&mut pdu, 2, self.version);
        pdu[4] = match self.direction {
            DirectionAsked::Upstream => 1,
            DirectionAsked::Downstream => 2,
        };
        pdu[5] = self.response.map_or(0, ActivationResponse::code);
        put16(&mut pdu, 6, params.low_ms);
        put16(&mut pdu, 8, params.upper_ms);
        put16(&mut pdu, 10, params.trial_ms);
        put16(&mut pdu, 12, params.time_s);
        pdu[15] = params.tos;
        put16(&mut pdu, 16, params.row.unwrap_or(NO_ROW));
        pdu[18] = u8::from(params.one_way);
        pdu[19] = params.high_speed_delta;
        put16(&mut pdu, 20, params.slow_threshold);
        put16(&mut pdu, 22, params.error_threshold);
        pdu[24] = u8::from(params.ignore_reordered);
        pdu[25] = if params.row_is_start { ROW_IS_START } else { 0 }
            | if params.random_payload { RANDOM_PAYLOAD } else { 0 };
        pdu[26] = params.algorithm;
        self.sending_rate.put(&mut pdu, SENDING_RATE);
        if self.version < LONG {
            pdu[14] = u8::try_from(params.sub_interval_ms / 1_000).unwrap_or(u8::MAX);
            pdu.truncate(OLD_LEN);
            if checksums == Checksums::Written {
                put_checksum(&mut pdu, OLD_CHECKSUM);
            }
            return pdu;
        }
        pdu[27] = params.ce_threshold;
        put16(&mut pdu, 56, params.sub_interval_ms);
        put16(&mut pdu, 60, params.suppressed);
        if let Some((key, signature)) = seal {
            AUTH.sign(&mut pdu, key, signature);
        }
        if checksums == Checksums::Written {
            put_checksum(&mut pdu, AUTH.checksum());
        }
        pdu
    }

    /// Reads a PDU of a test of this version; its signature is not checked.
    pub fn decode(pdu: &[u8], version: u16) -> Result<Self, PduFault> {
        if pdu.len() != Self::len_of(version) {
            return Err(PduFault::Length);
        }
        if Pdu::of(pdu) != Some(Pdu::Activation) {
            return Err(PduFault::Kind);
        }
        let is_long = version >= LONG;
        let checksum = if is_long { AUTH.checksum() } else { OLD_CHECKSUM };
        if !is_sound(pdu, checksum) {
            return Err(PduFault::Checksum);
        }
        let direction = match pdu[4] {
            1 => DirectionAsked::Upstream,
            2 => DirectionAsked::Downstream,
            _ => return Err(PduFault::Value),
        };
        let response = match pdu[5] {
            0 => None,
            1 => Some(ActivationResponse::Accepted),
            2 => Some(ActivationResponse::BadParameter),
            code => Some(ActivationResponse::Other(code)),
        };
        let row = be16(pdu, 16);
        let params = TestParams {
            low_ms: be16(pdu, 6),
            upper_ms: be16(pdu, 8),
            trial_ms: be16(pdu, 10),
            time_s: be16(pdu, 12),
            tos: pdu[15],
            row: (row != NO_ROW).then_some(row),
            row_is_start: pdu[25] & ROW_IS_START != 0,
            one_way: pdu[18] == 1,
            high_speed_delta: pdu[19],
            slow_threshold: be16(pdu, 20),
            error_threshold: be16(pdu, 22),
            ignore_reordered: pdu[24] != 0,
            random_payload: pdu[25] & RANDOM_PAYLOAD != 0,
            algorithm: pdu[26],
            ce_threshold: if is_long { pdu[27] } else { 0 },
            sub_interval_ms: if is_long {
                be16(pdu, 56)
            } else {
                u16::from(pdu[14]).saturating_mul(1_000)
            },
            suppressed: if is_long { be16(pdu, 60) } else { 0 },
        };
        let sending_rate = SendingRate::read(pdu, SENDING_RATE);
        Ok(Self { version: be16(pdu, 2), direction, response, params, sending_rate })
    }

    /// What a decoded PDU says of its signature.
    pub fn signature(pdu: &[u8]) -> Signature {
        if pdu.len() == LEN { AUTH.read(pdu) } else { Signature::default() }
    }

    /// Whether a PDU was signed with this key.
    pub fn is_signed(pdu: &[u8], key: &PduKey) -> bool {
        pdu.len() == LEN && AUTH.verify(pdu, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::udpstp::{SharedKey, Size};

    fn activation(version: u16) -> TestActivation {
        TestActivation {
            version,
            direction: DirectionAsked::Upstream,
            response: Some(ActivationResponse::Accepted),
            params: TestParams {
                tos: 0xB8,
                row: Some(300),
                row_is_start: true,
                algorithm: 1,
                sub_interval_ms: 2_000,
                ..TestParams::default()
            },
            sending_rate: SendingRate {
                interval1_us: 100,
                size1: Size { payload: 1222, random: false },
                burst1: 3,
                interval2_us: 50_000,
                size2: Size::default(),
                burst2: 0,
                addon2: Size { payload: 1222, random: true },
            },
        }
    }

    const HEAD: [u8; 28] = [
        0xAC, 0xE2, 0, 20, 1, 1, 0, 30, 0, 90, 0, 50, 0, 10, 0, 0xB8, 0x01, 0x2C, 0, 10, 0, 3, 0,
        10, 1, 1, 1, 0,
    ];
    const RATE: [u8; 28] = [
        0, 0, 0, 100, 0, 0, 0x04, 0xC6, 0, 0, 0, 3, 0, 0, 0xC3, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,
        0, 0x04, 0xC6,
    ];

    #[test]
    fn a_response_of_version_20_has_these_bytes() {
        let pdu = activation(20).encode(None, Checksums::Unused);
        assert_eq!(pdu[..28], HEAD);
        assert_eq!(pdu[28..56], RATE);
        assert_eq!(pdu[56..58], [0x07, 0xD0]);
        assert_eq!(pdu[58..], [0; 46]);
    }

    #[test]
    fn one_of_version_11_is_shorter_and_has_whole_seconds() {
        let pdu = activation(11).encode(None, Checksums::Unused);
        let mut head = HEAD;
        (head[3], head[14]) = (11, 2);
        assert_eq!((pdu.len(), &pdu[..28], &pdu[56..]), (60, &head[..], &[0; 4][..]));
    }

    #[test]
    fn what_is_written_is_read() {
        let key = SharedKey::new(b"key").unwrap().derive(5).client;
        let signature = Signature { time: 5, key_id: 3 };
        for version in [11, 12, 19, 20] {
            for checksums in [Checksums::Unused, Checksums::Written] {
                for (response, direction) in [
                    (None, DirectionAsked::Downstream),
                    (Some(ActivationResponse::BadParameter), DirectionAsked::Upstream),
                    (Some(ActivationResponse::Other(9)), DirectionAsked::Upstream),
                ] {
                    let whole = TestActivation { direction, response, ..activation(version) };
                    let pdu = whole.encode(Some((&key, signature)), checksums);
                    assert_eq!(TestActivation::decode(&pdu, version), Ok(whole));
                    assert_eq!(TestActivation::is_signed(&pdu, &key), version == 20);
                }
            }
        }
    }

    #[test]
    fn what_is_no_activation_is_refused() {
        let pdu = activation(20).encode(None, Checksums::Written);
        assert_eq!(TestActivation::decode(&pdu, 11), Err(PduFault::Length));
        for (at, byte, fault) in [(0, 0, PduFault::Kind), (7, 31, PduFault::Checksum)] {
            let mut changed = pdu.clone();
            changed[at] = byte;
            assert_eq!(TestActivation::decode(&changed, 20), Err(fault), "{at}");
        }
        let mut pdu = activation(20).encode(None, Checksums::Unused);
        pdu[4] = 3;
        assert_eq!(TestActivation::decode(&pdu, 20), Err(PduFault::Value));
    }
}
