//! STAMP packets, unauthenticated and authenticated, with TLVs; the reflector that answers them,
//! and the sender that reads the answers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::batch::{Datagram, RxEntry};
use udpkit::machine::Now;
use udpkit::session::ping::{Asked, Protocol, StampProbes};
use udpkit::session::serve::{Reflection, Reflector};
use udpkit::session::stamp::{ShortRequests, StampPolicy, StampReflector};
use udpkit::units::Nanos;
use udpkit::wire::stamp::{
    ClassOfService, DirectMeasurement, ErrorEstimate, FollowUp, PacketForm, StampKey, StampReply,
    StampRequest, Tlvs,
};

fuzz_target!(|data: &[u8]| {
    let key = StampKey::new(b"0123456789abcdef");
    let _ = (StampReply::decode(data), StampReply::decode_signed(data, &key));
    let _ = (StampRequest::decode(data), StampRequest::decode_signed(data, &key));
    for form in [PacketForm::Open, PacketForm::Signed] {
        let _ = StampReply::decode_unverified(data, form);
        let behind = Tlvs::behind(data, form.len());
        assert!(behind.count() <= data.len());
    }
    for tlv in Tlvs::new(data) {
        let _ = (ClassOfService::decode(tlv.value), DirectMeasurement::decode(tlv.value));
        let _ = FollowUp::decode(tlv.value);
    }
    let now = Now { mono: Nanos::from_secs(1), real: Nanos::from_secs(1_800_000_000) };
    let plain = Protocol::Plain { tag: 7, len: 44 };
    let _ = (plain.read(data, now.real), plain.quoted(data));
    for key in [None, Some(key)] {
        let (asked, error) = (Asked::default(), ErrorEstimate::from_bits(1));
        let probes = StampProbes { key: key.clone(), ssid: 7, error, asked, len: 44 };
        let probes = Protocol::Stamp(probes);
        let _ = (probes.read(data, now.real), probes.quoted(data));
        let policy = StampPolicy { key, rate: None, short: ShortRequests::Ignored };
        let mut reflector = StampReflector::new(policy, || ErrorEstimate::from_bits(1));
        let datagram =
            Datagram { payload: data, true_len: data.len(), meta: RxEntry::default().meta };
        let mut reply = Vec::new();
        if let Reflection::Answered { .. } = reflector.answer(now, &datagram, &mut reply) {
            assert!(reply.len() <= data.len(), "{} for {}", reply.len(), data.len());
        }
    }
});
