//! Errors from the network, or from this host, for a datagram that was not delivered.

use super::{ErrorOrigin, IcmpMeaning, LocalAddresses, LocalCause, LocalSendFailure};
use crate::units::{any_address, errno_text};
use serde::{Serialize, Serializer};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use thiserror::Error;

/// Bytes of the quoted payload that are kept: enough for a measurement header and some text.
const QUOTE: usize = 64;
/// `ECONNREFUSED` of Linux (errno(3)).
const CONNECTION_REFUSED: i32 = 111;
/// `EHOSTUNREACH` of Linux (errno(3)).
const HOST_UNREACHABLE: i32 = 113;
/// `EPERM` of Linux (errno(3)).
const NOT_PERMITTED: i32 = 1;

/// Whether this host's packet filter has refused a socket's sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalFilter {
    /// It has refused none so far.
    #[default]
    Unseen,
    /// It refused a send (`EPERM`).
    Refuses,
}

/// One message of a socket's error queue (`IP_RECVERR`, ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkError {
    /// Where the error comes from.
    pub origin: ErrorOrigin,
    /// ICMP type; 0 when local, unless this host's own filter rejected with ICMP.
    pub icmp_type: u8,
    /// ICMP code, under the same conditions as the type.
    pub icmp_code: u8,
    /// The error number that the kernel maps it to.
    pub errno: i32,
    /// Where the datagram was going.
    pub destination: SocketAddr,
    /// The address that sent the error, this host's own if its filter rejected with ICMP; `None`
    /// when unknown.
    pub offender: Option<IpAddr>,
    /// The next hop's MTU in bytes, if the message carries it.
    pub mtu: Option<u32>,
    /// Index, from 0, of the loop's socket it belongs to.
    pub socket: usize,
    /// Number of identical errors it stands for, at least 1; more if there were too many to keep
    /// individually.
    pub times: u64,
    quote: [u8; QUOTE],
    quote_len: u8,
}

impl NetworkError {
    /// An error with the start of the payload that it quotes.
    pub fn new(
        origin: ErrorOrigin,
        icmp: (u8, u8),
        errno: i32,
        destination: SocketAddr,
        quoted: &[u8],
    ) -> Self {
        let len = quoted.len().min(QUOTE);
        let mut quote = [0; QUOTE];
        quote[..len].copy_from_slice(&quoted[..len]);
        Self {
            origin,
            icmp_type: icmp.0,
            icmp_code: icmp.1,
            errno,
            destination,
            offender: None,
            mtu: None,
            socket: 0,
            times: 1,
            quote,
            quote_len: len as u8,
        }
    }

    /// Whether the destination port is closed (`ECONNREFUSED`, udp(7)). A rejection by this host
    /// itself says nothing about the port.
    pub fn is_refusal(&self) -> bool {
        self.errno == CONNECTION_REFUSED && self.origin != ErrorOrigin::Local
    }

    /// Whether the destination itself sent the error, rather than a router on the way. Where the
    /// system does not tell who sent it, it is taken for the destination, whose word most are.
    pub fn is_from_destination(&self) -> bool {
        let own = self.destination.ip().to_canonical();
        self.offender.is_none_or(|offender| offender.to_canonical() == own)
    }

    /// Whether the destination or a router reports that datagrams cannot be delivered: port, host
    /// or network unreachable, or administratively prohibited. Excludes packet size and hop limit
    /// errors.
    pub fn is_delivery_failure(&self) -> bool {
        match self.origin {
            ErrorOrigin::Local => false,
            // Destination unreachable, except "fragmentation needed" (RFC 792).
            ErrorOrigin::Icmp => self.icmp_type == 3 && self.icmp_code != 4,
            // Destination unreachable (RFC 4443 §3.1).
            ErrorOrigin::Icmp6 => self.icmp_type == 1,
        }
    }

    /// Attributes an ICMP error from one of this host's own addresses to this host, if the datagram
    /// was going elsewhere or if this host's packet filter is known to refuse the socket's sends:
    /// the datagram never left, and the error does not come from the destination.
    pub fn attribute_to_local_host(&mut self, own: &LocalAddresses, filter: LocalFilter) {
        let is_own = |ip: Option<IpAddr>| ip.is_some_and(|ip| own.contains(ip));
        let here = is_own(Some(self.destination.ip()));
        if is_own(self.offender) && (filter == LocalFilter::Refuses || !here) {
            self.origin = ErrorOrigin::Local;
        }
    }

    /// Whether another error is the same for the same destination, whatever it quotes.
    pub fn is_alike(&self, other: &Self) -> bool {
        let said = |error: &Self| (error.kind(), error.destination, error.offender, error.mtu);
        said(self) == said(other)
    }

    /// Origin, ICMP type and code, and the error number.
    fn kind(&self) -> (ErrorOrigin, u8, u8, i32) {
        (self.origin, self.icmp_type, self.icmp_code, self.errno)
    }

    /// The same error without destination and quote, for counting when there are too many to keep.
    #[must_use]
    pub fn without_destination(&self) -> Self {
        let unknown = any_address(self.destination);
        let icmp = (self.icmp_type, self.icmp_code);
        Self { times: self.times, ..Self::new(self.origin, icmp, self.errno, unknown, &[]) }
    }

    /// Whether a router reports that the TTL or hop limit expired: the path is too long, or a
    /// routing loop. This does not indicate a filter.
    pub fn is_time_exceeded(&self) -> bool {
        matches!(
            (self.origin, self.icmp_type, self.icmp_code),
            (ErrorOrigin::Icmp, 11, 0) | (ErrorOrigin::Icmp6, 3, 0)
        )
    }

    /// The equivalent error number of send(2) if this host itself caused the error; `None` if
    /// another host sent it.
    ///
    /// An ICMP error from this host is its packet filter's reject (`EPERM`), unless it means that
    /// the neighbour did not answer ARP or neighbour discovery (`EHOSTUNREACH`; arp(7)).
    pub fn refused_here(&self) -> Option<i32> {
        if self.origin != ErrorOrigin::Local {
            return None;
        }
        let is_icmp = self.offender.is_some();
        Some(if is_icmp && self.errno != HOST_UNREACHABLE { NOT_PERMITTED } else { self.errno })
    }

    /// The start of the quoted payload, up to 64 bytes; empty when nothing was quoted.
    pub fn quoted(&self) -> &[u8] {
        &self.quote[..usize::from(self.quote_len)]
    }

    /// Whether the system told nothing but its number: not who said it, nor of which datagram.
    pub fn is_number_alone(&self) -> bool {
        self.origin != ErrorOrigin::Local && self.offender.is_none() && self.quote_len == 0
    }

    /// The meaning of type and code; `None` for rare ones, and for errors that are not ICMP.
    pub fn meaning(&self) -> Option<IcmpMeaning> {
        let origin = match (self.origin, self.destination) {
            (ErrorOrigin::Local, _) if (self.icmp_type, self.icmp_code) == (0, 0) => return None,
            (ErrorOrigin::Local, SocketAddr::V4(_)) => ErrorOrigin::Icmp,
            (ErrorOrigin::Local, SocketAddr::V6(_)) => ErrorOrigin::Icmp6,
            (origin, _) => origin,
        };
        IcmpMeaning::of(origin, (self.icmp_type, self.icmp_code))
    }

    /// What the error means and where it comes from, without the datagram's destination.
    pub fn notice(&self) -> NetworkErrorSummary {
        let (icmp_type, icmp_code) = (self.icmp_type, self.icmp_code);
        let meaning = if self.origin == ErrorOrigin::Local && (icmp_type, icmp_code) == (0, 0) {
            let cause = LocalSendFailure::from_errno(self.errno, self.destination).cause;
            Meaning::Own { cause, errno: self.errno }
        } else {
            Meaning::Icmp { code: self.meaning(), icmp_type, icmp_code }
        };
        let from_this_host = self.origin == ErrorOrigin::Local;
        NetworkErrorSummary { meaning, from: self.offender, from_this_host, mtu: self.mtu }
    }
}

impl fmt::Display for NetworkError {
    /// `port unreachable, from 192.0.2.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notice().fmt(f)
    }
}

/// The meaning of a network error and its source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkErrorSummary {
    /// What it means.
    #[serde(flatten)]
    pub meaning: Meaning,
    /// The address that it came from; `None` when unknown.
    pub from: Option<IpAddr>,
    /// Whether this host itself is the source.
    pub from_this_host: bool,
    /// The next hop's MTU in bytes, if the message carries it.
    #[serde(rename = "mtu_bytes")]
    pub mtu: Option<u32>,
}

/// What a network error means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Meaning {
    /// An ICMP message.
    Icmp {
        /// The meaning of type and code; `None` for rare ones.
        #[serde(serialize_with = "or_other")]
        #[cfg_attr(test, schemars(with = "String"))]
        code: Option<IcmpMeaning>,
        /// ICMP type.
        icmp_type: u8,
        /// ICMP code.
        icmp_code: u8,
    },
    /// An error number of this host.
    Own {
        /// The cause, as far as the number alone determines it.
        #[serde(flatten)]
        cause: LocalCause,
        /// The error number (errno(3)).
        errno: i32,
    },
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a field by reference"
)]
fn or_other<S: Serializer>(code: &Option<IcmpMeaning>, to: S) -> Result<S::Ok, S::Error> {
    match code {
        Some(code) => code.serialize(to),
        None => to.serialize_str("other_icmp"),
    }
}

impl fmt::Display for NetworkErrorSummary {
    /// `port unreachable, from 192.0.2.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.meaning {
            Meaning::Icmp { code: Some(meaning), .. } => meaning.fmt(f)?,
            Meaning::Icmp { code: None, icmp_type, icmp_code } => {
                write!(f, "ICMP {icmp_type}/{icmp_code}")?;
            }
            Meaning::Own { errno, .. } => f.write_str(&errno_text(*errno))?,
        }
        if let Some(mtu) = self.mtu {
            write!(f, " (MTU {mtu})")?;
        }
        match (self.from, self.from_this_host) {
            (Some(own), true) => NoticeOrigin::ThisHostAt(own).fmt(f),
            (None, true) => NoticeOrigin::ThisHost.fmt(f),
            (Some(router), false) => NoticeOrigin::Router(router).fmt(f),
            (None, false) => Ok(()),
        }
    }
}

impl std::error::Error for NetworkErrorSummary {}

impl std::error::Error for NetworkError {}

/// The source of a notice, printed after its meaning.
#[derive(Clone, Copy, Debug, Error)]
enum NoticeOrigin {
    #[error(", from this host ({0})")]
    ThisHostAt(IpAddr),
    #[error(", from this host")]
    ThisHost,
    #[error(", from {0}")]
    Router(IpAddr),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(origin: ErrorOrigin, icmp: (u8, u8)) -> NetworkError {
        NetworkError::new(origin, icmp, libc_econnrefused(), "192.0.2.9:9".parse().unwrap(), b"ab")
    }

    const fn libc_econnrefused() -> i32 {
        111
    }

    #[test]
    fn icmp_answers_become_words_with_the_address_that_spoke() {
        let mut refused = error(ErrorOrigin::Icmp, (3, 3));
        refused.offender = Some("192.0.2.1".parse().unwrap());
        assert_eq!(refused.to_string(), "port unreachable, from 192.0.2.1");
        let mut big = error(ErrorOrigin::Icmp6, (2, 0));
        big.mtu = Some(1280);
        assert_eq!(big.to_string(), "packet too big (MTU 1280)");
        assert_eq!(error(ErrorOrigin::Icmp, (40, 1)).to_string(), "ICMP 40/1");
        assert_eq!(
            error(ErrorOrigin::Local, (0, 0)).to_string(),
            "connection refused, from this host"
        );
    }

    #[test]
    fn a_notice_has_a_code_whoever_gave_it() {
        let json = |error: &NetworkError| serde_json::to_value(error.notice()).unwrap();
        let mut big = error(ErrorOrigin::Icmp6, (2, 0));
        (big.mtu, big.offender) = (Some(1280), "2001:db8::1".parse().ok());
        assert_eq!(
            json(&big),
            serde_json::json!({
                "code": "packet_too_big", "icmp_type": 2, "icmp_code": 0, "from": "2001:db8::1", "from_this_host": false,
                "mtu_bytes": 1280,
            })
        );
        assert_eq!(json(&error(ErrorOrigin::Icmp, (40, 1)))["code"], "other_icmp");
        assert_eq!(
            json(&error(ErrorOrigin::Local, (0, 0))),
            serde_json::json!({
                "code": "earlier_refused", "errno": 111, "from": null, "from_this_host": true,
                "mtu_bytes": null,
            })
        );
    }

    #[test]
    fn an_own_reject_is_this_hosts_word_and_closes_no_port_elsewhere() {
        let own: LocalAddresses = ["10.9.0.1".parse().unwrap()].into_iter().collect();
        let said = |by: &str, to: &str, filter| {
            let to = to.parse().unwrap();
            let mut error = NetworkError::new(ErrorOrigin::Icmp, (3, 3), 111, to, b"");
            error.offender = by.parse().ok();
            error.attribute_to_local_host(&own, filter);
            error
        };
        let rejected = said("10.9.0.1", "10.9.0.2:9", LocalFilter::Unseen);
        assert_eq!(rejected.origin, ErrorOrigin::Local);
        assert_eq!(rejected.to_string(), "port unreachable, from this host (10.9.0.1)");
        assert!(!rejected.is_refusal());
        // A datagram to this host itself reached a closed port here; so did one sent elsewhere.
        for (by, to) in [("10.9.0.1", "10.9.0.1:9"), ("10.9.0.2", "10.9.0.2:9"), ("", "10.9.0.2:9")]
        {
            let error = said(by, to, LocalFilter::Unseen);
            assert_eq!(error.origin, ErrorOrigin::Icmp, "{by} {to}");
            assert!(error.is_refusal(), "{by} {to}");
        }
        assert!(!said("10.9.0.1", "10.9.0.1:9", LocalFilter::Refuses).is_refusal());
        assert!(said("10.9.0.2", "10.9.0.2:9", LocalFilter::Refuses).is_refusal());
    }

    #[test]
    fn an_own_reject_is_the_filters_and_a_silent_neighbour_is_not() {
        let own = |icmp, errno| {
            let to = "192.0.2.9:9".parse().unwrap();
            let mut error = NetworkError::new(ErrorOrigin::Local, icmp, errno, to, b"");
            error.offender = Some("192.0.2.1".parse().unwrap());
            error
        };
        assert_eq!(own((3, 3), 111).refused_here(), Some(1));
        assert_eq!(own((3, 1), 113).refused_here(), Some(113));
        let local = NetworkError { offender: None, ..own((0, 0), 90) };
        assert_eq!(local.refused_here(), Some(90));
        assert_eq!(error(ErrorOrigin::Icmp, (3, 3)).refused_here(), None);
    }

    #[test]
    fn a_long_quote_is_cut_and_a_short_one_is_whole() {
        assert_eq!(error(ErrorOrigin::Icmp, (3, 3)).quoted(), b"ab");
        let long = NetworkError::new(
            ErrorOrigin::Icmp,
            (3, 3),
            111,
            "192.0.2.9:9".parse().unwrap(),
            &[1; 500],
        );
        assert_eq!(long.quoted(), [1; QUOTE]);
    }
}
