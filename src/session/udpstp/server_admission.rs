//! Whether a Setup Request gets a connection: its version, its signature, and what is left of
//! bandwidth and connections.

use super::server_policy::UdpstpPolicy;
use crate::wire::udpstp::{
    LEAST_VERSION, MOST_CONNECTIONS, PduKey, SessionKeys, SetupRequest, SetupResponse, Signature,
    VERSION,
};

/// The first version that derives keys.
const DERIVES: u16 = 20;

/// What is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InUse {
    /// Mbit/s stated in the request's direction.
    pub mbps: u64,
    /// Connections.
    pub connections: usize,
    /// Those of the client's address.
    pub of_source: usize,
    /// Those that wait for their activation.
    pub waiting: usize,
}

/// The keys of an admitted connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// It does not sign.
    None,
    /// Only its Setup Request was signed, as before version 20.
    SetupOnly,
    /// All PDUs of the dialogue are signed, with the shared key of this number.
    Derived(SessionKeys, u8),
}

impl Keys {
    /// Whether the client has proven that it has the key.
    pub fn are_proven(&self) -> bool {
        *self != Self::None
    }

    /// What this server signs with, at this time in seconds since 1970.
    pub fn seal(&self, time: u32) -> Option<(&PduKey, Signature)> {
        match self {
            Self::Derived(keys, key_id) => {
                Some((&keys.server, Signature { time, key_id: *key_id }))
            }
            _ => None,
        }
    }
}

/// Admits a request, whose bytes these are, at this time in seconds since 1970; or says what it is
/// answered, with the keys for that.
pub(super) fn admit(
    (request, pdu): (&SetupRequest, &[u8]),
    time: u32,
    in_use: InUse,
    policy: &UdpstpPolicy,
) -> Result<Keys, (SetupResponse, Keys)> {
    let keys = check_signature((request, pdu), time, policy)?;
    match check(request, in_use, policy) {
        None => Ok(keys),
        Some(refusal) => Err((refusal, keys)),
    }
}

fn check_signature(
    (request, pdu): (&SetupRequest, &[u8]),
    time: u32,
    policy: &UdpstpPolicy,
) -> Result<Keys, (SetupResponse, Keys)> {
    let refuse = |response| Err((response, Keys::None));
    let (mode, signature) = SetupRequest::signature(pdu);
    if !(LEAST_VERSION..=VERSION).contains(&request.version) {
        return refuse(SetupResponse::BadVersion);
    }
    let ring = match (&policy.keys, mode) {
        (None, 0) => return Ok(Keys::None),
        (None, _) => return refuse(SetupResponse::AuthNotConfigured),
        (Some(_), 0) => return refuse(SetupResponse::AuthRequired),
        (Some(ring), 1) => ring,
        (Some(_), _) => return refuse(SetupResponse::AuthModeInvalid),
    };
    let Some(shared) = ring.key(signature.key_id) else {
        return refuse(SetupResponse::AuthFailed);
    };
    let keys = if request.version >= DERIVES {
        Keys::Derived(shared.derive(signature.time), signature.key_id)
    } else {
        Keys::SetupOnly
    };
    let is_signed = match &keys {
        Keys::Derived(keys, _) => SetupRequest::is_signed(pdu, &keys.client),
        _ => SetupRequest::is_signed(pdu, &shared.as_it_is()),
    };
    if !is_signed {
        return refuse(SetupResponse::AuthFailed);
    }
    if !signature.is_of(time) {
        return Err((SetupResponse::AuthTimeInvalid, keys));
    }
    Ok(keys)
}

fn check(request: &SetupRequest, in_use: InUse, policy: &UdpstpPolicy) -> Option<SetupResponse> {
    let is_one = (1..=MOST_CONNECTIONS).contains(&request.count) && request.index < request.count;
    if !is_one {
        return Some(SetupResponse::BadConnection);
    }
    if let Some(bandwidth) = policy.bandwidth {
        let mbps = u64::from(request.bandwidth.mbps);
        if mbps == 0 {
            return Some(SetupResponse::BandwidthMissing);
        }
        if (in_use.mbps + mbps) * 1_000_000 > bandwidth.0 {
            return Some(SetupResponse::CapacityExceeded);
        }
    }
    let all = policy.most_connections();
    let share = usize::from(policy.serve.source_share.min(100));
    // A source has one whole test, whatever its share.
    let of_source = (all * share / 100).max(usize::from(MOST_CONNECTIONS)).min(all);
    // Half of them is for those that have shown that they get answers.
    let waiting = all.div_ceil(2).max(usize::from(MOST_CONNECTIONS)).min(all);
    let is_full =
        in_use.connections >= all || in_use.of_source >= of_source || in_use.waiting >= waiting;
    is_full.then_some(SetupResponse::NoConnection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::BitRate;
    use crate::wire::udpstp::{Bandwidth, Checksums, KeyRing, Modifiers};

    fn request() -> SetupRequest {
        SetupRequest {
            version: VERSION,
            index: 0,
            count: 1,
            ident: 7,
            bandwidth: Bandwidth { upstream: false, mbps: 100 },
            modifiers: Modifiers::default(),
        }
    }

    fn refusal(request: SetupRequest, in_use: InUse, policy: &UdpstpPolicy) -> Option<u8> {
        let pdu = request.encode(Checksums::Unused);
        let refused = admit((&request, &pdu), 1_000, in_use, policy).err();
        refused.map(|(response, _)| response.code())
    }

    #[test]
    fn a_request_without_a_key_is_refused_by_the_code_of_its_fault() {
        let free = UdpstpPolicy::default();
        let limited = UdpstpPolicy { bandwidth: Some(BitRate(250_000_000)), ..free.clone() };
        let none = InUse::default();
        let many =
            |connections, of_source, waiting| InUse { mbps: 0, connections, of_source, waiting };
        let stated = |mbps| {
            let bandwidth = Bandwidth { upstream: true, mbps };
            SetupRequest { bandwidth, ..request() }
        };
        let version = |version| SetupRequest { version, ..request() };
        let connection = |index, count| SetupRequest { index, count, ..request() };
        for (request, in_use, policy, code) in [
            (request(), none, &free, None),
            (version(11), none, &free, None),
            (version(10), none, &free, Some(2)),
            (version(21), none, &free, Some(2)),
            (connection(23, 24), none, &free, None),
            (connection(24, 25), none, &free, Some(12)),
            (connection(1, 1), none, &free, Some(12)),
            (connection(0, 0), none, &free, Some(12)),
            (stated(0), none, &free, None),
            (stated(0), none, &limited, Some(9)),
            (stated(250), none, &limited, None),
            (stated(251), none, &limited, Some(10)),
            (stated(50), InUse { mbps: 200, ..none }, &limited, None),
            (stated(51), InUse { mbps: 200, ..none }, &limited, Some(10)),
            (request(), many(511, 0, 0), &free, None),
            (request(), many(512, 0, 0), &free, Some(13)),
            (request(), many(128, 128, 0), &free, Some(13)),
            (request(), many(256, 0, 256), &free, Some(13)),
        ] {
            assert_eq!(refusal(request, in_use, policy), code, "{request:?} {in_use:?}");
        }
    }

    #[test]
    fn a_server_with_keys_takes_what_is_signed_with_one_of_them_now() {
        let keys = KeyRing::read("1,first\n2,second").unwrap();
        let policy = UdpstpPolicy { keys: Some(keys.clone()), ..UdpstpPolicy::default() };
        let signed = |version, with, key_id, time| {
            let request = SetupRequest { version, ..request() };
            let shared = keys.key(with).unwrap();
            let key = if version >= 20 { shared.derive(time).client } else { shared.as_it_is() };
            let pdu = request.encode_signed(&key, Signature { time, key_id }, Checksums::Unused);
            (request, pdu)
        };
        for (version, with, key_id, time, code) in [
            (20, 1, 1, 1_000, None),
            (20, 2, 2, 1_005, None),
            (11, 2, 2, 995, None),
            (20, 1, 2, 1_000, Some(7)),
            (11, 1, 2, 1_000, Some(7)),
            (20, 1, 3, 1_000, Some(7)),
            (20, 1, 1, 1_006, Some(8)),
            (11, 1, 1, 994, Some(8)),
        ] {
            let (request, pdu) = signed(version, with, key_id, time);
            let admitted = admit((&request, &pdu), 1_000, InUse::default(), &policy);
            assert_eq!(
                admitted.as_ref().err().map(|(one, _)| one.code()),
                code,
                "{version} {with}"
            );
            if let Ok(keys) = admitted {
                assert!(keys.are_proven());
                assert_eq!(keys.seal(9).is_some(), version >= 20);
            }
            let open = UdpstpPolicy::default();
            let refused = admit((&request, &pdu), 1_000, InUse::default(), &open).err();
            assert_eq!(refused.map(|(one, _)| one.code()), Some(4));
        }
        assert_eq!(refusal(request(), InUse::default(), &policy), Some(5));
        let mut pdu = request().encode(Checksums::Unused);
        pdu[15] = 2;
        let refused = admit((&request(), &pdu), 1_000, InUse::default(), &policy).err();
        assert_eq!(refused.map(|(one, _)| one.code()), Some(6));
    }
}
