//! STUN messages, and the server that answers them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use udpkit::batch::{Datagram, RxEntry, RxMeta};
use udpkit::machine::Now;
use udpkit::session::serve::{Reflection, Reflector};
use udpkit::session::stamp::ShortRequests;
use udpkit::session::stun::{StunAlternate, StunPolicy, StunReflector};
use udpkit::units::Nanos;
use udpkit::wire::stun::{
    AttributeKind, ChangeRequest, StunMessage, address, error_code, unknown_attributes,
};

fuzz_target!(|data: &[u8]| {
    if let Some(message) = StunMessage::decode(data) {
        let _ = message.fingerprint();
        for attribute in message.attributes() {
            let _ = address(attribute.kind, attribute.value, message.transaction);
            let _ = address(AttributeKind::XorMappedAddress, attribute.value, message.transaction);
            let _ = (ChangeRequest::decode(attribute.value), error_code(attribute.value));
            assert!(unknown_attributes(attribute.value).count() <= data.len());
        }
    }
    let meta = RxMeta {
        source: ([192, 0, 2, 1], 5000).into(),
        destination: Some([192, 0, 2, 9].into()),
        ..RxEntry::default().meta
    };
    for (other, short, most) in [
        (None, ShortRequests::Ignored, 0),
        (Some([192, 0, 2, 10].into()), ShortRequests::Answered, 100),
    ] {
        let alternate = Some(StunAlternate { socket: 1, port: 8621 });
        let policy = StunPolicy { port: 8620, alternate, rate: None, short };
        let mut server = StunReflector::new(policy, move |_: &RxMeta| other);
        let now = Now { mono: Nanos::from_secs(1), real: Nanos::from_secs(1_800_000_000) };
        let datagram = Datagram { payload: data, true_len: data.len(), meta };
        let mut reply = Vec::new();
        if server.answer(now, &datagram, &mut reply) != Reflection::Silent {
            assert!(reply.len() <= data.len().max(most), "{} for {}", reply.len(), data.len());
            assert!(StunMessage::decode(&reply).is_some(), "not an answer: {reply:02x?}");
        }
    }
});
