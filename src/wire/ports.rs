//! Lists of UDP ports as they are written: `53,123,5000-5100`.

use crate::units::Nearest;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use thiserror::Error;

/// A set of ports, as ascending ranges that neither overlap nor touch; never contains port 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortList {
    ranges: Vec<RangeInclusive<u16>>,
}

/// Why a text is not a list of ports.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PortListError {
    /// A part that is not a number from 1 to 65535.
    #[error("{text} is not a port or a range: ports are numbers from 1 to 65535{nearest}")]
    NotAPort {
        /// The part as given.
        text: String,
        /// The nearest correct spelling.
        nearest: Nearest,
    },
    /// A range whose end is below its start.
    #[error("the range {from}-{to} runs backwards; did you mean {to}-{from}?")]
    Backwards {
        /// Its first port.
        from: u16,
        /// Its last.
        to: u16,
    },
    /// Nothing between two commas, or nothing at all.
    #[error(
        "a port is missing; write ports and ranges with commas between them, such as \
         53,123,5000-5100"
    )]
    Missing,
}

/// Why a server does not open a port for a probe, as named in the control protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortDenial {
    /// Another socket uses it.
    InUse,
    /// It is a privileged port, which the server may not bind.
    Privileged,
    /// It could not be opened for another reason.
    Failed,
    /// The server has reached its limit of open ports.
    Limit,
    /// The server is not configured to allow it.
    Policy,
}

impl PortDenial {
    const ALL: [(Self, &str); 5] = [
        (Self::InUse, "in-use"),
        (Self::Privileged, "privileged"),
        (Self::Failed, "failed"),
        (Self::Limit, "limit"),
        (Self::Policy, "policy"),
    ];

    /// As written in the control protocol.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(denial, _)| *denial == self).map_or("failed", |(_, text)| text)
    }
}

impl FromStr for PortDenial {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().find(|(_, known)| *known == text).map(|(denial, _)| *denial).ok_or(())
    }
}

impl PortList {
    /// Number of ports.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|range| usize::from(range.end() - range.start()) + 1).sum()
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a port is among them.
    pub fn contains(&self, port: u16) -> bool {
        self.ranges.iter().any(|range| range.contains(&port))
    }

    /// Every port, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.ranges.iter().flat_map(Clone::clone)
    }

    /// Adds a range; one that is empty adds nothing.
    pub fn insert(&mut self, range: RangeInclusive<u16>) {
        let (mut from, mut to) = (*range.start().max(&1), *range.end());
        if from > to {
            return;
        }
        // Ranges that overlap the new one or touch it become part of it.
        self.ranges.retain(|known| {
            let apart = u32::from(*known.end()) + 1 < u32::from(from)
                || u32::from(to) + 1 < u32::from(*known.start());
            if !apart {
                from = from.min(*known.start());
                to = to.max(*known.end());
            }
            apart
        });
        let at = self.ranges.partition_point(|known| *known.start() < from);
        self.ranges.insert(at, from..=to);
    }
}

impl FromIterator<u16> for PortList {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        let mut list = Self::default();
        ports.into_iter().for_each(|port| list.insert(port..=port));
        list
    }
}

impl FromStr for PortList {
    type Err = PortListError;

    fn from_str(text: &str) -> Result<Self, PortListError> {
        let mut list = Self::default();
        for part in text.split(',').map(str::trim) {
            if part.is_empty() {
                return Err(PortListError::Missing);
            }
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (Some(from), Some(to)) = (port(from), port(to)) else {
                let nearest = Nearest(suggestion(part));
                return Err(PortListError::NotAPort { text: part.to_owned(), nearest });
            };
            if from > to {
                return Err(PortListError::Backwards { from, to });
            }
            list.insert(from..=to);
        }
        Ok(list)
    }
}

fn port(text: &str) -> Option<u16> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// What was probably meant by a range that has another separator or lacks one of its ends.
fn suggestion(part: &str) -> Option<String> {
    if let Some(from) = part.strip_suffix('-') {
        return Some(format!("{}-65535", port(from)?));
    }
    if let Some(to) = part.strip_prefix('-') {
        return Some(format!("1-{}", port(to)?));
    }
    let both = |sign: &str| {
        let (from, to) = part.split_once(sign)?;
        port(from).zip(port(to))
    };
    if let Some((from, to)) = ["..=", "...", "..", ":", "\u{2013}"].into_iter().find_map(both) {
        return Some(format!("{from}-{to}"));
    }
    let (one, other) = [";", " ", "/"].into_iter().find_map(both)?;
    Some(format!("{one},{other}"))
}

impl fmt::Display for PortList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.ranges.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            if range.start() == range.end() {
                write!(f, "{}", range.start())?;
            } else {
                write!(f, "{}-{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_list_is_written_as_it_is_read_and_in_order() {
        for (text, shown, len) in [
            ("53", "53", 1),
            ("53,123,5000-5100", "53,123,5000-5100", 103),
            ("5000-5100,53", "53,5000-5100", 102),
            ("1-3,2-9,10", "1-10", 10),
            ("7,7,7-7", "7", 1),
            ("65535,1-65534", "1-65535", 65_535),
        ] {
            let list: PortList = text.parse().unwrap();
            assert_eq!((list.to_string().as_str(), list.len()), (shown, len), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_says_what_would_be() {
        let missing = "a port is missing; write ports and ranges with commas between them, such as \
                       53,123,5000-5100";
        let ports = "ports are numbers from 1 to 65535";
        for (text, told) in [
            ("", missing.to_owned()),
            ("53,,54", missing.to_owned()),
            ("0", format!("0 is not a port or a range: {ports}")),
            ("65536", format!("65536 is not a port or a range: {ports}")),
            ("+5", format!("+5 is not a port or a range: {ports}")),
            ("x", format!("x is not a port or a range: {ports}")),
            ("1-2-3", format!("1-2-3 is not a port or a range: {ports}")),
            ("5-", format!("5- is not a port or a range: {ports}; did you mean 5-65535?")),
            ("5..9", format!("5..9 is not a port or a range: {ports}; did you mean 5-9?")),
            ("53;54", format!("53;54 is not a port or a range: {ports}; did you mean 53,54?")),
            ("5100-5000", "the range 5100-5000 runs backwards; did you mean 5000-5100?".to_owned()),
        ] {
            assert_eq!(text.parse::<PortList>().unwrap_err().to_string(), told, "{text}");
        }
    }

    #[test]
    fn ranges_in_any_order_make_the_set_of_their_ports() {
        let seed = 7;
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..500 {
            let mut list = PortList::default();
            let mut set = BTreeSet::new();
            for _ in 0..rng.usize(1..8) {
                let from = rng.u16(1..60);
                let to = from + rng.u16(0..12);
                list.insert(from..=to);
                set.extend(from..=to);
            }
            let seen: Vec<_> = list.iter().collect();
            let expected: Vec<_> = set.iter().copied().collect();
            assert_eq!(seen, expected, "seed {seed}");
            assert_eq!(list.to_string().parse::<PortList>().unwrap(), list, "seed {seed}");
        }
    }
}
