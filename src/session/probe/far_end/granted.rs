//! Contents of the remote agent's replies: the granted probe, and what arrived.

use crate::wire::{Arrivals, Code, PortDenial, PortList, Reply};
use std::net::IpAddr;

/// A granted probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The secret key in every probe request.
    pub key: u64,
    /// The tag of probe requests and echoes.
    pub tag: u16,
    /// Open ports.
    pub ports: PortList,
    /// Requested ports that are not open, and why; a reason that this version does not know is
    /// [`PortDenial::Failed`].
    pub not_opened: Vec<(PortList, PortDenial)>,
    /// The port that answers "from another port" come from; `None` if there is none.
    pub alternate: Option<u16>,
    /// The address that answers "from another address" come from; `None` if there is none.
    pub other: Option<IpAddr>,
}

impl Granted {
    /// Parses the reply to a TEST for `asked`; `None` if it is a refusal.
    pub(super) fn read(reply: &Reply, asked: &PortList) -> Option<Self> {
        if reply.code != Code::OK {
            return None;
        }
        let params = &reply.params;
        let key = u64::from_str_radix(params.get("key")?, 16).ok()?;
        let list = |text: &str| match text {
            "" => Some(PortList::default()),
            text => text.parse().ok(),
        };
        let ports = list(params.get("ports").unwrap_or(""))?;
        let mut not_opened = Vec::new();
        for part in
            params.get("not_opened").unwrap_or("").split(';').filter(|part| !part.is_empty())
        {
            let (ports, why) = part.split_once(':')?;
            not_opened.push((list(ports)?, why.parse().unwrap_or(PortDenial::Failed)));
        }
        // Ports for which the reply had no room are not open either.
        let told = |port: u16| {
            ports.contains(port) || not_opened.iter().any(|(known, _)| known.contains(port))
        };
        let untold: PortList = asked.iter().filter(|port| !told(*port)).collect();
        if !untold.is_empty() {
            not_opened.push((untold, PortDenial::Failed));
        }
        Some(Self {
            key,
            tag: params.parse("tag").ok()??,
            ports,
            not_opened,
            alternate: params.parse("alternate").ok()?,
            other: params.parse("other").ok()?,
        })
    }

    /// Why a port is not open; `None` if it is open or was not requested.
    pub fn why_not(&self, port: u16) -> Option<PortDenial> {
        let found = self.not_opened.iter().find(|(ports, _)| ports.contains(port));
        found.map(|(_, why)| *why)
    }
}

/// The rows of one STAT; `None` if one cannot be parsed.
pub(super) fn rows(reply: &Reply) -> Option<Vec<(u32, Arrivals)>> {
    let is_row = |key: &str| {
        key.strip_prefix('i')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?
            .parse()
            .ok()
    };
    let rows = reply.params.iter().filter_map(|(key, value)| Some((is_row(key)?, value)));
    let read = |(item, value): (u32, &str)| {
        let mut row: Arrivals = value.parse().ok()?;
        row.split(reply.params.parse(&format!("c{item}")).ok()?.unwrap_or(0));
        row.withheld = reply.params.parse(&format!("w{item}")).ok()?.unwrap_or(0);
        Some((item, row))
    };
    rows.map(read).collect()
}

/// Which sequence numbers of an item arrived, of the first 4,096.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Four numbers per digit; the highest bit is the lowest number.
    digits: Vec<u8>,
}

impl Seen {
    pub(super) fn read(text: &str) -> Option<Self> {
        let digit = |c: char| c.to_digit(16).map(|digit| digit as u8);
        Some(Self { digits: text.chars().map(digit).collect::<Option<_>>()? })
    }

    /// Whether a number arrived.
    pub fn contains(&self, number: u32) -> bool {
        let digit = self.digits.get(number as usize / 4);
        digit.is_some_and(|digit| digit & (8 >> (number % 4)) != 0)
    }

    /// How many arrived.
    pub fn count(&self) -> u32 {
        self.digits.iter().map(|digit| digit.count_ones()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_tells_every_port_s_fate() {
        let text = b"a 250-key=00000000000000ff\r\na 250-tag=7\r\na 250-alternate=49999\r\n\
            a 250-ports=5000-5002\r\na 250-not_opened=80,443:policy;5003:in-use;5005:other\r\na 250 ready\r\n";
        let asked = "80,443,5000-5005".parse().unwrap();
        let granted = Granted::read(&Reply::decode(text).unwrap(), &asked).unwrap();
        assert_eq!((granted.key, granted.tag), (255, 7));
        assert_eq!((granted.alternate, granted.other), (Some(49_999), None));
        let why = [80, 443, 5_000, 5_003, 5_004, 5_005, 6_000].map(|port| granted.why_not(port));
        let (policy, failed) = (Some(PortDenial::Policy), Some(PortDenial::Failed));
        let expected = [policy, policy, None, Some(PortDenial::InUse), failed, failed, None];
        assert_eq!(why, expected);
        let refused = Reply::decode(b"a 550 no\r\n").unwrap();
        assert_eq!(Granted::read(&refused, &asked), None);
        let keyless = Reply::decode(b"a 250-tag=7\r\na 250 ready\r\n").unwrap();
        assert_eq!(Granted::read(&keyless, &asked), None);
    }

    #[test]
    fn numbers_are_read_from_their_digits() {
        let seen = Seen::read("98001").unwrap();
        let numbers: Vec<u32> = (0..40).filter(|number| seen.contains(*number)).collect();
        assert_eq!((numbers, seen.count()), (vec![0, 3, 4, 19], 4));
        assert_eq!(Seen::read("9g"), None);
        assert_eq!(Seen::read("").unwrap().count(), 0);
    }
}
