//! The meaning of an ICMP error for a port.

use crate::batch::{ErrorOrigin, NetworkError};
use std::net::IpAddr;

/// The meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The host itself says that nothing listens.
    Closed,
    /// Something blocked the datagram, or rejected it on the host's behalf.
    Filtered,
    /// None: this host's own error, or about the datagram's size.
    Nothing,
}

pub(super) fn read(error: &NetworkError, target: IpAddr) -> Word {
    let kind = (error.icmp_type, error.icmp_code);
    let unreachable_port = match error.origin {
        ErrorOrigin::Local => return Word::Nothing,
        // Fragmentation needed: the next one is sent fragmented.
        ErrorOrigin::Icmp if kind == (3, 4) => return Word::Nothing,
        ErrorOrigin::Icmp6 if kind.0 == 2 => return Word::Nothing,
        ErrorOrigin::Icmp => kind == (3, 3),
        ErrorOrigin::Icmp6 => kind == (1, 4),
    };
    let own = error.offender.is_none_or(|offender| offender == target);
    if unreachable_port && own { Word::Closed } else { Word::Filtered }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_targets_own_word_closes_a_port() {
        let (target, router) = ([192, 0, 2, 9].into(), [192, 0, 2, 1].into());
        let said = |origin, icmp, by: Option<IpAddr>| {
            let mut error = NetworkError::new(origin, icmp, 111, (target, 9).into(), b"");
            error.offender = by;
            read(&error, target)
        };
        let (v4, v6) = (ErrorOrigin::Icmp, ErrorOrigin::Icmp6);
        assert_eq!(said(v4, (3, 3), Some(target)), Word::Closed);
        assert_eq!(said(v6, (1, 4), Some(target)), Word::Closed);
        assert_eq!(said(v4, (3, 3), Some(router)), Word::Filtered);
        for code in [0, 1, 2, 9, 10, 13] {
            assert_eq!(said(v4, (3, code), Some(router)), Word::Filtered);
            assert_eq!(said(v4, (3, code), Some(target)), Word::Filtered);
        }
        assert_eq!(said(v6, (1, 1), Some(router)), Word::Filtered);
        assert_eq!(said(v4, (11, 0), Some(router)), Word::Filtered);
        assert_eq!(said(v4, (3, 4), Some(router)), Word::Nothing);
        assert_eq!(said(v6, (2, 0), Some(router)), Word::Nothing);
        assert_eq!(said(ErrorOrigin::Local, (0, 0), None), Word::Nothing);
    }
}
