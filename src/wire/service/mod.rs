//! The question to send to a port so that its usual service answers, and whether an answer
//! is that service's.
//!
//! Questions change nothing at the remote end, do not log in, and request little, so that answers
//! are seldom longer than questions. Where its protocol allows, each carries a secret that the
//! answer must repeat, so that other hosts cannot answer in the service's place. Timing, repetition
//! and the meaning of missing answers are left to the session.

mod ber;
mod coap;
mod dhcp;
mod dns;
#[cfg(test)]
mod golden;
mod ike;
mod memcached;
mod netbios;
mod noise;
mod ntp;
mod query;
mod quic;
mod radius;
mod read;
mod rpc;
mod sip;
mod snmp;
mod ssdp;
mod stun;
mod tftp;

pub use query::Ask;

use crate::units::{Nearest, nearest};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A service whose usual question can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Domain names (RFC 1035): who serves the root.
    Dns,
    /// BOOTP and DHCP (RFC 2131): an INFORM.
    Dhcp,
    /// Trivial file transfer (RFC 1350): requests a file that does not exist.
    Tftp,
    /// ONC RPC (RFC 5531): the null procedure of the port mapper, or of NFS on its port.
    Rpc,
    /// Network time (RFC 5905): a client's packet.
    Ntp,
    /// `NetBIOS` name service (RFC 1002): a node status request.
    Netbios,
    /// SNMP: engine discovery (RFC 3414), then `sysDescr` of the community `public`, v2c and v1.
    Snmp,
    /// QUIC (RFC 9000 §6): an unsupported version, so that the server lists its own.
    Quic,
    /// IKE (RFC 7296): the opening `IKE_SA_INIT`; with the non-ESP marker on port 4500.
    Ike,
    /// RADIUS (RFC 2865): an access request with a random password.
    Radius,
    /// SSDP (`UPnP` Device Architecture §1.3): a unicast search for root devices.
    Ssdp,
    /// STUN (RFC 8489): a binding request.
    Stun,
    /// SIP (RFC 3261): OPTIONS.
    Sip,
    /// Multicast DNS (RFC 6762 §6.7): a one-shot query for the kinds of service.
    Mdns,
    /// `CoAP` (RFC 7252): the first 16 bytes of `/.well-known/core`.
    Coap,
    /// memcached's UDP frame: `version`.
    Memcached,
    /// Random bytes as long as `WireGuard`'s handshake initiation; a peer does not answer unknown
    /// keys.
    Wireguard,
    /// A short line of text, for ports without a usual service.
    Text,
}

/// A name that is not that of a service.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name} is not a known service; use one of {}{nearest}", names())]
pub struct UnknownService {
    name: String,
    nearest: Nearest,
}

impl Service {
    /// Every service, in the order of their usual ports.
    pub const ALL: [Self; 18] = [
        Self::Dns,
        Self::Dhcp,
        Self::Tftp,
        Self::Rpc,
        Self::Ntp,
        Self::Netbios,
        Self::Snmp,
        Self::Quic,
        Self::Ike,
        Self::Radius,
        Self::Ssdp,
        Self::Stun,
        Self::Sip,
        Self::Mdns,
        Self::Coap,
        Self::Memcached,
        Self::Wireguard,
        Self::Text,
    ];

    /// The usual service of a port (IANA's registry, and common additional ports);
    /// [`Service::Text`] if there is none.
    pub fn of_port(port: u16) -> Self {
        match port {
            53 => Self::Dns,
            67 => Self::Dhcp,
            69 => Self::Tftp,
            111 | 2049 => Self::Rpc,
            123 => Self::Ntp,
            137 => Self::Netbios,
            161 => Self::Snmp,
            // HTTP/3, and DNS over QUIC (RFC 9250).
            443 | 853 | 4433 | 8443 => Self::Quic,
            500 | 4500 => Self::Ike,
            1645 | 1812 => Self::Radius,
            1900 => Self::Ssdp,
            3478 | 3479 | 19302 => Self::Stun,
            5060 => Self::Sip,
            5353 => Self::Mdns,
            5683 => Self::Coap,
            11_211 => Self::Memcached,
            51_820 => Self::Wireguard,
            _ => Self::Text,
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Dhcp => "DHCP",
            Self::Tftp => "TFTP",
            Self::Rpc => "RPC",
            Self::Ntp => "NTP",
            Self::Netbios => "NetBIOS",
            Self::Snmp => "SNMP",
            Self::Quic => "QUIC",
            Self::Ike => "IKE",
            Self::Radius => "RADIUS",
            Self::Ssdp => "SSDP",
            Self::Stun => "STUN",
            Self::Sip => "SIP",
            Self::Mdns => "mDNS",
            Self::Coap => "CoAP",
            Self::Memcached => "memcached",
            Self::Wireguard => "WireGuard",
            Self::Text => "text",
        }
    }

    /// The question, at most 1,200 bytes. The same `ask` always gives the same bytes.
    pub fn question(self, ask: &Ask) -> Vec<u8> {
        match self {
            Self::Dns => dns::question(ask),
            Self::Dhcp => dhcp::question(ask),
            Self::Tftp => tftp::question(),
            Self::Rpc => rpc::question(ask),
            Self::Ntp => ntp::question(ask),
            Self::Netbios => netbios::question(ask),
            Self::Snmp => snmp::question(ask),
            Self::Quic => quic::question(ask),
            Self::Ike => ike::question(ask),
            Self::Radius => radius::question(ask),
            Self::Ssdp => ssdp::question(ask),
            Self::Stun => stun::question(ask),
            Self::Sip => sip::question(ask),
            Self::Mdns => dns::multicast_question(ask),
            Self::Coap => coap::question(ask),
            Self::Memcached => memcached::question(ask),
            Self::Wireguard => noise::wireguard_question(ask),
            Self::Text => noise::text_question(ask),
        }
    }

    /// A short meaning of a proper answer to `ask`, for any attempt (`NOERROR`); `None` when the
    /// payload is not this service's answer to this question.
    pub fn answer(self, ask: &Ask, payload: &[u8]) -> Option<String> {
        match self {
            Self::Dns => dns::answer(ask, payload),
            Self::Dhcp => dhcp::answer(ask, payload),
            Self::Tftp => tftp::answer(payload),
            Self::Rpc => rpc::answer(ask, payload),
            Self::Ntp => ntp::answer(ask, payload),
            Self::Netbios => netbios::answer(ask, payload),
            Self::Snmp => snmp::answer(ask, payload),
            Self::Quic => quic::answer(ask, payload),
            Self::Ike => ike::answer(ask, payload),
            Self::Radius => radius::answer(ask, payload),
            Self::Ssdp => ssdp::answer(payload),
            Self::Stun => stun::answer(ask, payload),
            Self::Sip => sip::answer(ask, payload),
            Self::Mdns => dns::multicast_answer(ask, payload),
            Self::Coap => coap::answer(ask, payload),
            Self::Memcached => memcached::answer(ask, payload),
            Self::Wireguard => noise::wireguard_answer(ask, payload),
            Self::Text => noise::text_answer(ask, payload),
        }
    }

    /// Whether answers repeat a secret of the question, so that they may come from any address. A
    /// multicast DNS responder may send the ID 0 instead.
    pub fn repeats_secret(self) -> bool {
        !matches!(self, Self::Tftp | Self::Ssdp)
    }

    /// Whether a working service may still not answer: it ignores unknown clients or other
    /// networks, or answers from another port.
    pub fn is_silent_to_strangers(self) -> bool {
        matches!(
            self,
            Self::Dhcp | Self::Tftp | Self::Snmp | Self::Radius | Self::Mdns | Self::Wireguard
        )
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, UnknownService> {
        let named = |service: &Self| service.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(named).ok_or_else(|| {
            let names = Self::ALL.map(|service| service.name().to_lowercase());
            let meant = nearest(text, names.iter().map(String::as_str)).map(str::to_owned);
            UnknownService { name: text.to_owned(), nearest: Nearest(meant) }
        })
    }
}

fn names() -> String {
    Service::ALL.map(|service| service.name().to_lowercase()).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_by_its_name_and_a_stranger_is_told_the_names() {
        for service in Service::ALL {
            assert_eq!(service.name().to_uppercase().parse(), Ok(service));
        }
        let error = "gopher".parse::<Service>().unwrap_err().to_string();
        assert!(
            error.starts_with("gopher is not a known service; use one of dns, dhcp"),
            "{error}"
        );
        let error = "wiregaurd".parse::<Service>().unwrap_err().to_string();
        assert!(error.ends_with("; did you mean wireguard?"), "{error}");
    }

    #[test]
    fn no_question_is_longer_than_a_path_carries_and_each_repeats_itself() {
        for service in Service::ALL {
            for attempt in 0..4 {
                let ask = Ask { attempt, ..Ask::new(7, "[2001:db8::9]:4500".parse().unwrap()) };
                let question = service.question(&ask);
                assert!((1..=1_200).contains(&question.len()), "{service}: {}", question.len());
                assert_eq!(question, service.question(&ask), "{service}");
            }
        }
    }

    #[test]
    fn a_question_is_no_answer_to_itself_but_from_an_echo() {
        let ask = Ask::new(7, "192.0.2.9:9".parse().unwrap());
        for service in Service::ALL {
            let told = service.answer(&ask, &service.question(&ask));
            assert_eq!(told.is_some(), service == Service::Text, "{service}: {told:?}");
        }
    }

    #[test]
    fn every_port_of_the_table_has_a_service_that_is_in_it() {
        let shaped = (1..=u16::MAX).filter(|port| Service::of_port(*port) != Service::Text);
        let found: std::collections::HashSet<_> = shaped.map(Service::of_port).collect();
        assert_eq!(found.len(), Service::ALL.len() - 1);
    }
}
