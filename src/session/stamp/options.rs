//! How the reflector fills in the TLVs of a request on their way back (RFC 8972 §4).

use crate::wire::Dscp;
use crate::wire::split_tos;
use crate::wire::stamp::{
    ClassOfService, DirectMeasurement, FollowUp, HASH_LEN, ReversePath, StampKey, TLV_HEADER,
    TlvFlags, TlvKind, Tlvs, set_tlv_flags,
};
use std::ops::Range;

/// What the reflector knows and a TLV may request.
pub(super) struct Known<'a> {
    /// TOS with which the request arrived; 0 if unknown.
    pub tos: Option<u8>,
    /// Requests of the session that arrived and that were answered, including this one.
    pub received: u32,
    /// See `received`.
    pub reflected: u32,
    /// The previous reply.
    pub before: FollowUp,
    /// The key, if there is one.
    pub key: Option<&'a StampKey>,
    /// Sequence numbers of the request and of the reply, which the hashes cover.
    pub asked_seq: u32,
    /// See `asked_seq`.
    pub reply_seq: u32,
}

/// Position of one TLV.
struct Place {
    kind: TlvKind,
    offset: usize,
    value: Range<usize>,
    whole: bool,
}

/// Fills in the TLVs in place and returns the DSCP requested for the reply, if any.
pub(super) fn answer(tlvs: &mut [u8], known: &Known<'_>) -> Option<Dscp> {
    if !is_intact(tlvs, known) {
        let mut at = 0;
        while let Some(place) = place(tlvs, at) {
            set_tlv_flags(tlvs, place.offset, TlvFlags::INTEGRITY);
            at = place.value.end;
        }
        return None;
    }
    let mut wanted = None;
    let mut at = 0;
    while let Some(place) = place(tlvs, at) {
        let flags = if place.whole {
            answer_one(tlvs, &place, known, &mut wanted)
        } else {
            TlvFlags::MALFORMED
        };
        set_tlv_flags(tlvs, place.offset, flags);
        if flags == TlvFlags::MALFORMED {
            // The rest goes back unchanged.
            break;
        }
        at = place.value.end;
    }
    wanted
}

fn answer_one(
    tlvs: &mut [u8],
    place: &Place,
    known: &Known<'_>,
    wanted: &mut Option<Dscp>,
) -> TlvFlags {
    let value = &mut tlvs[place.value.clone()];
    match place.kind {
        TlvKind::Padding => TlvFlags::NONE,
        TlvKind::ClassOfService => {
            let Some(asked) = ClassOfService::decode(value) else { return TlvFlags::MALFORMED };
            *wanted = Some(asked.wanted);
            // A field that cannot be filled is one that is not understood (RFC 8972 §3).
            let Some((seen, ecn)) = known.tos.map(split_tos) else { return TlvFlags::UNRECOGNISED };
            let reverse = ReversePath::AsWanted;
            value.copy_from_slice(&ClassOfService { seen, ecn, reverse, ..asked }.encode());
            TlvFlags::NONE
        }
        TlvKind::DirectMeasurement => {
            let Some(asked) = DirectMeasurement::decode(value) else { return TlvFlags::MALFORMED };
            let Known { received, reflected, .. } = *known;
            value.copy_from_slice(&DirectMeasurement { received, reflected, ..asked }.encode());
            TlvFlags::NONE
        }
        TlvKind::FollowUp => {
            if value.len() != FollowUp::LEN {
                // RFC 8972 §4.7 requires these fields to be zero then.
                let fields = value.len().min(12);
                value[..fields].fill(0);
                return TlvFlags::MALFORMED;
            }
            value.copy_from_slice(&known.before.encode());
            TlvFlags::NONE
        }
        TlvKind::Hash => {
            let Some(key) = known.key else { return TlvFlags::INTEGRITY };
            let seq = known.reply_seq.to_be_bytes();
            let hash = key.hash(&[&seq, &tlvs[..place.offset]]);
            tlvs[place.value.clone()].copy_from_slice(&hash);
            TlvFlags::NONE
        }
        TlvKind::Location
        | TlvKind::TimestampInformation
        | TlvKind::AccessReport
        | TlvKind::Other(_) => TlvFlags::UNRECOGNISED,
    }
}

/// Whether the TLVs are unchanged (RFC 8972 §4.8): their hash is correct, or there is none and none
/// is needed, without a key or for padding alone.
fn is_intact(tlvs: &[u8], known: &Known<'_>) -> bool {
    let mut needs_hash = false;
    let mut hash = None;
    for tlv in Tlvs::new(tlvs) {
        match (tlv.kind, hash) {
            (TlvKind::Padding, _) => {}
            (TlvKind::Hash, None) => hash = Some(tlv),
            // Only padding may follow the hash.
            (_, Some(_)) => return false,
            (_, None) => needs_hash = true,
        }
    }
    match (known.key, hash) {
        (None, None) => true,
        (Some(_), None) => !needs_hash,
        (None, Some(_)) => false,
        (Some(key), Some(hash)) => {
            let seq = known.asked_seq.to_be_bytes();
            hash.value.len() == HASH_LEN && key.verify(&[&seq, &tlvs[..hash.offset]], hash.value)
        }
    }
}

fn place(tlvs: &[u8], at: usize) -> Option<Place> {
    let tlv = Tlvs::starting(tlvs, at).next()?;
    let start = tlv.offset + TLV_HEADER;
    let value = start..start + tlv.value.len();
    Some(Place { kind: tlv.kind, offset: tlv.offset, value, whole: tlv.whole })
}
