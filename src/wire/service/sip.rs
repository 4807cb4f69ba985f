//! SIP (RFC 3261 §11): OPTIONS, which queries capabilities without ringing a phone.

use super::Ask;
use super::read::{first_line, header, shown};

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let (host, own, secret) = (ask.host(), ask.own(), ask.secret_hex());
    let port = ask.target.port();
    format!(
        "OPTIONS sip:{host}:{port} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {own};branch=z9hG4bK{secret};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:udpkit@{own}>;tag={secret}\r\n\
         To: <sip:{host}:{port}>\r\n\
         Call-ID: {secret}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Contact: <sip:udpkit@{own}>\r\n\
         Accept: application/sdp\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

pub(super) fn answer(ask: &Ask, payload: &[u8]) -> Option<String> {
    let status = first_line(payload).strip_prefix(b"SIP/2.0 ")?;
    // `i` is its short form (§7.3.3).
    let call = header(payload, "Call-ID").or_else(|| header(payload, "i"))?;
    let coded = status.get(..3)?.iter().all(u8::is_ascii_digit);
    (coded && call == ask.secret_hex().as_bytes()).then(|| shown(status))
}
