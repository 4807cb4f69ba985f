//! SSDP (`UPnP` Device Architecture 2.0 §1.3.2): a unicast search. The answer repeats nothing of
//! the question, and may come from any port.

use super::Ask;
use super::read::{first_line, header, shown};

pub(super) fn question(ask: &Ask) -> Vec<u8> {
    let (host, port) = (ask.host(), ask.target.port());
    format!(
        "M-SEARCH * HTTP/1.1\r\n\
         HOST: {host}:{port}\r\n\
         MAN: \"ssdp:discover\"\r\n\
         MX: 1\r\n\
         ST: upnp:rootdevice\r\n\r\n"
    )
    .into_bytes()
}

pub(super) fn answer(payload: &[u8]) -> Option<String> {
    let status = first_line(payload).strip_prefix(b"HTTP/1.1 ")?;
    status.get(..3)?.iter().all(u8::is_ascii_digit).then_some(())?;
    Some(shown(header(payload, "SERVER").unwrap_or(status)))
}
