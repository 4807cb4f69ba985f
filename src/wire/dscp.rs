//! DSCP and ECN: the two halves of the TOS byte and the traffic class (RFC 2474, RFC 3168).

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A differentiated services code point, 0 to 63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dscp(u8);

/// Explicit congestion notification (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// The transport does not do ECN.
    #[default]
    NotEct,
    /// Capable, codepoint 1 (RFC 8311, L4S).
    Ect1,
    /// Capable, codepoint 0.
    Ect0,
    /// Congestion was experienced.
    Ce,
}

/// Text that is no DSCP.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot read DSCP {0:?}: expected 0 to 63, or a name such as EF, AF41, CS1, LE")]
pub struct ParseDscpError(String);

/// Text that is no ECN codepoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot read ECN {0:?}: expected not-ect, ect0, ect1, ce, or 0 to 3")]
pub struct ParseEcnError(String);

/// IANA's names that are not regular.
const NAMES: [(&str, u8); 4] = [("DF", 0), ("LE", 1), ("VA", 44), ("EF", 46)];

impl Dscp {
    /// A code point; `None` above 63.
    pub fn new(value: u8) -> Option<Self> {
        (value < 64).then_some(Self(value))
    }

    /// The code point's number.
    pub fn value(self) -> u8 {
        self.0
    }
}

impl FromStr for Dscp {
    type Err = ParseDscpError;

    fn from_str(text: &str) -> Result<Self, ParseDscpError> {
        let upper = text.to_ascii_uppercase();
        let digit = |byte: u8, low: u8, high: u8| {
            (low..=high).contains(&byte.wrapping_sub(b'0')).then(|| byte - b'0')
        };
        let named = NAMES.iter().find(|(name, _)| *name == upper).map(|(_, value)| *value);
        let value = named.or_else(|| match upper.as_bytes() {
            // Assured forwarding (RFC 2597): class 1 to 4, drop precedence 1 to 3.
            [b'A', b'F', class, drop] => Some(digit(*class, 1, 4)? * 8 + digit(*drop, 1, 3)? * 2),
            [b'C', b'S', class] => Some(digit(*class, 0, 7)? * 8),
            _ => upper.parse().ok(),
        });
        value.and_then(Self::new).ok_or_else(|| ParseDscpError(text.to_owned()))
    }
}

impl fmt::Display for Dscp {
    /// `EF(46)`, or the number alone where it has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if let Some((name, _)) = NAMES.iter().find(|(_, known)| *known == value) {
            return if value == 0 { write!(f, "0") } else { write!(f, "{name}({value})") };
        }
        match (value / 8, value % 8) {
            (class, 0) => write!(f, "CS{class}({value})"),
            (class @ 1..=4, drop @ (2 | 4 | 6)) => write!(f, "AF{class}{}({value})", drop / 2),
            _ => write!(f, "{value}"),
        }
    }
}

impl FromStr for Ecn {
    type Err = ParseEcnError;

    fn from_str(text: &str) -> Result<Self, ParseEcnError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "not-ect" | "0" => Self::NotEct,
            "ect1" | "1" => Self::Ect1,
            "ect0" | "2" => Self::Ect0,
            "ce" | "3" => Self::Ce,
            _ => return Err(ParseEcnError(text.to_owned())),
        })
    }
}

impl fmt::Display for Ecn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEct => "not-ect",
            Self::Ect1 => "ect1",
            Self::Ect0 => "ect0",
            Self::Ce => "ce",
        })
    }
}

/// The TOS byte or traffic class of both halves.
pub fn tos(dscp: Dscp, ecn: Ecn) -> u8 {
    dscp.0 << 2 | ecn as u8
}

/// The two halves of a TOS byte or traffic class.
pub fn split_tos(tos: u8) -> (Dscp, Ecn) {
    let ecn = match tos & 3 {
        0 => Ecn::NotEct,
        1 => Ecn::Ect1,
        2 => Ecn::Ect0,
        _ => Ecn::Ce,
    };
    (Dscp(tos >> 2), ecn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_ianas() {
        for (text, value) in
            [("EF", 46), ("af41", 34), ("AF13", 14), ("CS0", 0), ("cs7", 56), ("LE", 1), ("63", 63)]
        {
            assert_eq!(text.parse(), Ok(Dscp(value)), "{text}");
        }
        for text in ["", "64", "AF44", "AF51", "CS8", "-1", "XX"] {
            assert!(text.parse::<Dscp>().is_err(), "{text}");
        }
        assert_eq!(Dscp(46).to_string(), "EF(46)");
        assert_eq!(Dscp(34).to_string(), "AF41(34)");
        assert_eq!(Dscp(0).to_string(), "0");
    }

    #[test]
    fn a_tos_byte_has_both_halves() {
        assert_eq!(tos(Dscp(46), Ecn::Ce), 0xBB);
        for byte in 0..=255 {
            let (dscp, ecn) = split_tos(byte);
            assert_eq!(tos(dscp, ecn), byte);
            assert_eq!(ecn.to_string().parse(), Ok(ecn));
        }
        assert!("ect2".parse::<Ecn>().is_err());
    }
}
