//! What the network, or this host, said of a datagram that did not arrive.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Bytes of the quoted payload that are kept: a measurement header and some text.
const QUOTE: usize = 64;
/// `ECONNREFUSED` of Linux (errno(3)).
const CONNECTION_REFUSED: i32 = 111;

/// Who spoke (`ee_origin`, ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorOrigin {
    /// This host: a route, a limit or a filter of its own.
    Local,
    /// An ICMP message (RFC 792).
    Icmp,
    /// An `ICMPv6` message (RFC 4443).
    Icmp6,
}

/// One message of a socket's error queue (`IP_RECVERR`, ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkError {
    /// Who spoke.
    pub origin: ErrorOrigin,
    /// ICMP type; 0 when local.
    pub icmp_type: u8,
    /// ICMP code; 0 when local.
    pub icmp_code: u8,
    /// The system's error number that it was turned into.
    pub errno: i32,
    /// Where the datagram was going.
    pub destination: SocketAddr,
    /// The address that spoke; `None` when local or not told.
    pub offender: Option<IpAddr>,
    /// The next hop's MTU in bytes where the message tells it; `None` otherwise.
    pub mtu: Option<u32>,
    /// Which of the loop's sockets it concerns, counted from 0.
    pub socket: usize,
    quote: [u8; QUOTE],
    quote_len: u8,
}

impl NetworkError {
    /// A message with the start of the payload that it quotes.
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
            quote,
            quote_len: len as u8,
        }
    }

    /// Whether nothing has the port that was asked (`ECONNREFUSED`, udp(7)).
    pub fn is_refusal(&self) -> bool {
        self.errno == CONNECTION_REFUSED
    }

    /// The start of the payload as quoted, up to 64 bytes; empty when the router quoted none.
    pub fn quoted(&self) -> &[u8] {
        &self.quote[..usize::from(self.quote_len)]
    }

    /// What the type and code mean (IANA ICMP and `ICMPv6` parameters); `None` for rare ones.
    pub fn meaning(&self) -> Option<&'static str> {
        let kind = (self.icmp_type, self.icmp_code);
        match self.origin {
            ErrorOrigin::Local => None,
            ErrorOrigin::Icmp => Some(match kind {
                (3, 0) => "network unreachable",
                (3, 1) => "host unreachable",
                (3, 2) => "protocol unreachable",
                (3, 3) => "port unreachable",
                (3, 4) => "fragmentation needed",
                (3, 5) => "source route failed",
                (3, 6) => "network unknown",
                (3, 7) => "host unknown",
                (3, 9) => "network administratively prohibited",
                (3, 10) => "host administratively prohibited",
                (3, 13) => "communication administratively prohibited",
                (11, 0) => "time to live exceeded",
                (11, 1) => "fragment reassembly time exceeded",
                (12, _) => "parameter problem",
                _ => return None,
            }),
            ErrorOrigin::Icmp6 => Some(match kind {
                (1, 0) => "no route to destination",
                (1, 1) => "communication administratively prohibited",
                (1, 2) => "beyond the scope of the source address",
                (1, 3) => "address unreachable",
                (1, 4) => "port unreachable",
                (1, 5) => "source address failed policy",
                (1, 6) => "route rejected",
                (2, 0) => "packet too big",
                (3, 0) => "hop limit exceeded",
                (3, 1) => "fragment reassembly time exceeded",
                (4, _) => "parameter problem",
                _ => return None,
            }),
        }
    }
}

impl fmt::Display for NetworkError {
    /// `port unreachable, said by 192.0.2.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.meaning(), self.origin) {
            (Some(meaning), _) => f.write_str(meaning)?,
            (None, ErrorOrigin::Local) => {
                let text = std::io::Error::from_raw_os_error(self.errno).to_string();
                let words = text.split(" (os error").next().unwrap_or(&text);
                f.write_str(&words.to_lowercase())?;
            }
            (None, _) => write!(f, "ICMP type {} code {}", self.icmp_type, self.icmp_code)?,
        }
        if let Some(mtu) = self.mtu {
            write!(f, " (MTU {mtu})")?;
        }
        match self.offender {
            Some(offender) => write!(f, ", said by {offender}"),
            None if self.origin == ErrorOrigin::Local => f.write_str(", said by this host"),
            None => Ok(()),
        }
    }
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
        assert_eq!(refused.to_string(), "port unreachable, said by 192.0.2.1");
        let mut big = error(ErrorOrigin::Icmp6, (2, 0));
        big.mtu = Some(1280);
        assert_eq!(big.to_string(), "packet too big (MTU 1280)");
        assert_eq!(error(ErrorOrigin::Icmp, (40, 1)).to_string(), "ICMP type 40 code 1");
        assert_eq!(
            error(ErrorOrigin::Local, (0, 0)).to_string(),
            "connection refused, said by this host"
        );
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
