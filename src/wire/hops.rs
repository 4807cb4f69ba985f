//! Estimates the number of routers on a path from the TTL or hop limit on arrival.

use std::fmt;

/// Common default TTLs of operating systems, ascending (IANA's 64; 128 elsewhere).
const DEFAULTS: [u8; 2] = [64, 128];

/// How many routers a datagram passed.
///
/// A relay or proxy on the path sends with its own system's TTL, so a TTL that could have started
/// from either default is ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hops {
    /// An unambiguous count.
    Known(u8),
    /// The first if the datagram is the sender's own, the second if a relay resent it.
    Either(u8, u8),
}

impl Hops {
    /// Routers passed by a datagram that its first sender gave a TTL of `sent`, and that arrived
    /// with `ttl`.
    pub fn from_ttl(ttl: u8, sent: u8) -> Self {
        let hops = sent.saturating_sub(ttl);
        match DEFAULTS.into_iter().find(|default| ttl <= *default && *default < sent) {
            Some(default) => Self::Either(hops, default - ttl),
            None => Self::Known(hops),
        }
    }

    /// Both counts if ambiguous; `None` otherwise.
    pub fn readings(self) -> Option<[u8; 2]> {
        match self {
            Self::Known(_) => None,
            Self::Either(hops, relayed) => Some([hops, relayed]),
        }
    }

    /// The count if unambiguous; `None` otherwise.
    pub fn known(self) -> Option<u8> {
        match self {
            Self::Known(hops) => Some(hops),
            Self::Either(..) => None,
        }
    }
}

impl fmt::Display for Hops {
    /// `3`, or `191 or 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(hops) => write!(f, "{hops}"),
            Self::Either(hops, relayed) => write!(f, "{hops} or {relayed}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_that_a_relay_could_have_begun_with_is_read_both_ways() {
        assert_eq!(Hops::from_ttl(252, 255), Hops::Known(3));
        assert_eq!(Hops::from_ttl(255, 255), Hops::Known(0));
        assert_eq!(Hops::from_ttl(129, 255), Hops::Known(126));
        assert_eq!(Hops::from_ttl(64, 255), Hops::Either(191, 0));
        assert_eq!(Hops::from_ttl(61, 255).to_string(), "194 or 3");
        assert_eq!(Hops::from_ttl(127, 255), Hops::Either(128, 1));
        assert_eq!(Hops::from_ttl(60, 64), Hops::Known(4));
        assert_eq!(Hops::from_ttl(60, 128), Hops::Either(68, 4));
        assert_eq!(
            (Hops::from_ttl(250, 255).known(), Hops::from_ttl(2, 255).known()),
            (Some(5), None)
        );
    }
}
