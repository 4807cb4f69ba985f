//! STUN (RFC 8489): a binding request without attributes.

use super::Ask;
use crate::wire::stun::{BINDING, StunClass, StunMessage, StunWriter, TransactionId};

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let mut bytes = Vec::new();
    StunWriter::begin(&mut bytes, StunClass::Request, TransactionId(ask.secret())).finish();
    bytes
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let message = StunMessage::decode(payload)?;
    let ours = message.transaction.0 == ask.secret::<12>() && message.method == BINDING;
    match message.class {
        StunClass::Success if ours => Some("binding".to_owned()),
        StunClass::Error if ours => Some("binding refused".to_owned()),
        _ => None,
    }
}
