//! A datagram that keeps a path open and asks for nothing: a Binding indication, as ICE keeps its
//! paths alive (RFC 8445 §11). Nobody answers an indication (RFC 8489 §6.3.2).

use super::message::{BINDING, STUN_HEADER, StunClass, StunMessage};

/// A keepalive: STUN's header, with no attributes. The transaction ID pairs nothing here, so it
/// says in a capture who sent it.
pub const KEEPALIVE: [u8; STUN_HEADER] = *b"\x00\x11\x00\x00\x21\x12\xA4\x42udpkit-alive";

/// Whether a datagram only keeps a path open: a Binding indication, whoever sent it, or nothing at
/// all, as RFC 6263 §4.1 allows where the far end may know no STUN.
pub fn is_keepalive(payload: &[u8]) -> bool {
    let is_indication = |message: StunMessage<'_>| {
        message.class == StunClass::Indication && message.method == BINDING
    };
    payload.is_empty() || StunMessage::decode(payload).is_some_and(is_indication)
}

#[cfg(test)]
mod tests {
    use super::super::{StunWriter, TransactionId};
    use super::*;
    use crate::wire::{Class, classify};

    #[test]
    fn it_is_a_binding_indication_without_attributes() {
        let mut bytes = Vec::new();
        let transaction = TransactionId(*b"udpkit-alive");
        StunWriter::begin(&mut bytes, StunClass::Indication, transaction).finish();
        assert_eq!(bytes, KEEPALIVE);
        assert_eq!(classify(&KEEPALIVE), Class::Stun);
    }

    #[test]
    fn requests_and_responses_and_everything_else_are_none() {
        assert!(is_keepalive(&KEEPALIVE) && is_keepalive(b""));
        for class in [StunClass::Request, StunClass::Success, StunClass::Error] {
            let mut bytes = Vec::new();
            StunWriter::begin(&mut bytes, class, TransactionId::default()).finish();
            assert!(!is_keepalive(&bytes), "{class:?}");
        }
        assert!(!is_keepalive(&KEEPALIVE[..19]) && !is_keepalive(b"a NOOP") && !is_keepalive(&[0]));
        let mut other_method = KEEPALIVE;
        other_method[1] |= 2;
        assert!(!is_keepalive(&other_method));
    }
}
