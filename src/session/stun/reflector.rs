//! The STUN server: returns the address and port from which a request came, and answers from
//! another port or address if requested and available (RFC 5780), so that a client learns how the
//! NATs on its path map and filter.
//!
//! No answer is longer than its request, or than the operator allowed: the least important
//! attributes are left out first, and if not even the address fits there is no answer. Responses,
//! indications and packets to a group or broadcast address are not answered.

use crate::batch::{Datagram, RxMeta};
use crate::control::server::SourceLimit;
use crate::control::server::{LoopPrevention, print};
use crate::machine::Now;
use crate::session::serve::{Reflection, Reflector, Reload, is_askable};
use crate::session::stamp::ShortRequests;
use crate::units::Nanos;
use crate::wire::stun::{
    AttributeKind, BINDING, ChangeRequest, Fingerprint, StunClass, StunMessage, StunWriter,
    push_address,
};
use std::net::{IpAddr, SocketAddr};

/// Software name in answers.
const SOFTWARE: &str = concat!("udpkit ", env!("CARGO_PKG_VERSION"));
/// The longest answer to a short request: header, three IPv6 addresses, a fingerprint.
const SHORT: usize = 20 + 3 * 24 + StunWriter::FINGERPRINT;
/// Maximum unknown attributes listed in an error.
const UNKNOWN: usize = 16;

/// The socket besides the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StunAlternate {
    /// Its number in the server's loop.
    pub socket: usize,
    /// Its port.
    pub port: u16,
}

/// Configuration of a STUN server.
#[derive(Clone, Copy, Debug, Default)]
pub struct StunPolicy {
    /// Port of socket 0.
    pub port: u16,
    /// The other port; `None` if there is none.
    pub alternate: Option<StunAlternate>,
    /// Maximum answers per source: a number and the time in which they are allowed; `None` for no
    /// limit.
    pub rate: Option<(u64, Nanos)>,
    /// What to do with requests that are shorter than any answer.
    pub short: ShortRequests,
}

/// The server. `O` returns another address of this host from which a client could be answered,
/// given its request's metadata.
pub struct StunReflector<O> {
    policy: StunPolicy,
    others: O,
    limit: SourceLimit,
    restraint: LoopPrevention,
}

/// The four combinations of address and port from which a request can be answered.
struct Origins {
    /// The address that was contacted.
    ip: IpAddr,
    /// The host's other address; `None` if it has none.
    other_ip: Option<IpAddr>,
    /// Socket and port that were contacted.
    asked: (usize, u16),
    /// The other socket and port; `None` if there is none.
    other: Option<(usize, u16)>,
}

impl Origins {
    /// Source of an answer to a change request: socket, address, port; `None` if not available.
    fn changed(&self, change: ChangeRequest) -> Option<(usize, SocketAddr)> {
        let ip = if change.address { self.other_ip? } else { self.ip };
        let (socket, port) = if change.port { self.other? } else { self.asked };
        Some((socket, (ip, port).into()))
    }

    /// Value of OTHER-ADDRESS: the other port, on the other address if there is one.
    fn told(&self) -> Option<SocketAddr> {
        let (_, port) = self.other?;
        Some((self.other_ip.unwrap_or(self.ip), port).into())
    }
}

impl<O: FnMut(&RxMeta) -> Option<IpAddr>> StunReflector<O> {
    /// A server without state.
    pub fn new(policy: StunPolicy, others: O) -> Self {
        Self {
            limit: SourceLimit::new(policy.rate),
            restraint: LoopPrevention::default(),
            policy,
            others,
        }
    }

    fn origins(&mut self, meta: &RxMeta) -> Option<Origins> {
        let ip = meta.destination?;
        let first = (0, self.policy.port);
        let second = self.policy.alternate.map(|other| (other.socket, other.port));
        let (asked, other) = match second {
            Some(second) if second.0 == meta.socket => (second, Some(first)),
            _ if meta.socket == 0 => (first, second),
            // A probe's port, which has no alternate.
            _ => return None,
        };
        Some(Origins { ip, other_ip: (self.others)(meta), asked, other })
    }
}

impl<O: FnMut(&RxMeta) -> Option<IpAddr>> Reflector for StunReflector<O> {
    fn reload(&mut self, reload: &Reload<'_>) {
        if reload.rate != self.policy.rate {
            self.policy.rate = reload.rate;
            self.limit = SourceLimit::new(reload.rate);
        }
    }

    fn answer(&mut self, now: Now, datagram: &Datagram<'_>, reply: &mut Vec<u8>) -> Reflection {
        let meta = &datagram.meta;
        if datagram.truncated() || !is_askable(meta) {
            return Reflection::Silent;
        }
        let Some(request) = StunMessage::decode(datagram.payload).filter(is_wanted) else {
            return Reflection::Silent;
        };
        // A request repeated forever does not come from a client, which would give up.
        let transaction = print(&request.transaction.0);
        if !self.limit.admits(now.mono, meta.source.ip())
            || !self.restraint.admits_question(now.mono, meta.source, transaction)
        {
            return Reflection::Silent;
        }
        let limit = self.longest(datagram.true_len);
        let origins = self.origins(meta);
        let change = match understood(&request) {
            Ok(change) => change,
            Err(unknown) => return refuse(&request, &unknown, limit, reply),
        };
        let leaves = match &origins {
            Some(origins) => origins.changed(change),
            None => None,
        };
        if change.is_any() && leaves.is_none() {
            let not_here = [AttributeKind::ChangeRequest.number()];
            return refuse(&request, &not_here, limit, reply);
        }
        let other = origins.as_ref().and_then(Origins::told);
        let told = Addresses { seen: meta.source, origin: leaves.map(|(_, at)| at), other };
        if !tell(&request, &told, limit, reply) {
            return Reflection::Silent;
        }
        match leaves.filter(|_| change.is_any()) {
            Some((socket, from)) => Reflection::Elsewhere { socket, from: Some(from.ip()) },
            None => Reflection::Answered { tos: 0 },
        }
    }

    fn longest(&self, asked: usize) -> usize {
        match self.policy.short {
            ShortRequests::Ignored => asked,
            ShortRequests::Answered => asked.max(SHORT),
        }
    }
}

/// Whether it is a Binding request that arrived intact.
fn is_wanted(message: &StunMessage<'_>) -> bool {
    message.class == StunClass::Request
        && message.method == BINDING
        && message.fingerprint() != Fingerprint::Wrong
}

/// The requested source of the answer, or the unknown comprehension-required attributes.
fn understood(request: &StunMessage<'_>) -> Result<ChangeRequest, Vec<u16>> {
    let mut change = None;
    let mut unknown = Vec::new();
    for attribute in request.attributes() {
        match attribute.kind {
            // Of several the first counts.
            AttributeKind::ChangeRequest if change.is_none() => {
                change = Some(ChangeRequest::decode(attribute.value).unwrap_or_default());
            }
            kind @ AttributeKind::Other(number) => {
                let is_known = !kind.must_be_understood() || kind.is_credential();
                if !is_known && !unknown.contains(&number) && unknown.len() < UNKNOWN {
                    unknown.push(number);
                }
            }
            _ => {}
        }
    }
    if unknown.is_empty() { Ok(change.unwrap_or_default()) } else { Err(unknown) }
}

/// What an answer says.
struct Addresses {
    /// The source of the request.
    seen: SocketAddr,
    /// Where the answer is sent from; `None` if unknown.
    origin: Option<SocketAddr>,
    /// The alternate address; `None` without one.
    other: Option<SocketAddr>,
}

/// Writes the answer, the most important attributes first, as much as fits; returns whether the
/// address did.
fn tell(
    request: &StunMessage<'_>,
    &Addresses { seen, origin, other }: &Addresses,
    limit: usize,
    reply: &mut Vec<u8>,
) -> bool {
    let sealed = request.fingerprint() == Fingerprint::Right;
    let limit = limit.saturating_sub(if sealed { StunWriter::FINGERPRINT } else { 0 });
    let mut writer = StunWriter::begin(reply, StunClass::Success, request.transaction);
    let addresses = [
        (AttributeKind::XorMappedAddress, Some(seen)),
        (AttributeKind::OtherAddress, other),
        (AttributeKind::ResponseOrigin, origin),
        // Not XORed: if it differs, something on the path rewrites addresses in payloads.
        (AttributeKind::MappedAddress, Some(seen)),
    ];
    let mut told = false;
    for (kind, address) in addresses {
        let Some(address) = address else { continue };
        let size = StunWriter::size_of(if address.is_ipv4() { 8 } else { 20 });
        if writer.len() + size <= limit {
            push_address(&mut writer, kind, address);
            told |= kind == AttributeKind::XorMappedAddress;
        }
    }
    if writer.len() + StunWriter::size_of(SOFTWARE.len()) <= limit {
        writer.push(AttributeKind::Software, SOFTWARE.as_bytes());
    }
    // As long as the request, if it contains PADDING (RFC 5780 §6.2 wants a whole MTU: too much for
    // a client that did not send as much).
    let room = limit.saturating_sub(writer.len() + StunWriter::size_of(0));
    if request.find(AttributeKind::Padding).is_some() && room > 0 {
        writer.push(AttributeKind::Padding, &vec![b' '; room / 4 * 4]);
    }
    if sealed {
        writer.push_fingerprint();
    }
    writer.finish();
    told
}

/// Writes the error for unknown attributes (RFC 8489 §6.3.1), with text if it fits.
fn refuse(
    request: &StunMessage<'_>,
    unknown: &[u16],
    limit: usize,
    reply: &mut Vec<u8>,
) -> Reflection {
    let list: Vec<u8> = unknown.iter().flat_map(|number| number.to_be_bytes()).collect();
    let sealed = request.fingerprint() == Fingerprint::Right;
    for reason in ["Unknown Attribute", ""] {
        let mut writer = StunWriter::begin(reply, StunClass::Error, request.transaction);
        writer.push_error(420, reason);
        writer.push(AttributeKind::UnknownAttributes, &list);
        if sealed {
            writer.push_fingerprint();
        }
        writer.finish();
        if reply.len() <= limit {
            return Reflection::Answered { tos: 0 };
        }
    }
    reply.clear();
    Reflection::Silent
}
