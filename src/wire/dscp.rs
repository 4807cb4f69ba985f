//! DSCP and ECN: the two halves of the TOS byte and the traffic class (RFC 2474, RFC 3168).

use crate::units::{Nearest, nearest};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A differentiated services code point, 0 to 63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dscp(u8);

/// Explicit congestion notification (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// Not ECN-capable transport.
    #[default]
    NotEct,
    /// ECN-capable transport, codepoint 1 (used by L4S, RFC 9331).
    Ect1,
    /// ECN-capable transport, codepoint 0.
    Ect0,
    /// Congestion experienced: set by a router.
    Ce,
}

/// Why a text is not a DSCP.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseDscpError {
    /// A number above 63.
    #[error("{0} is not a DSCP: the numbers are from 0 to 63")]
    OutOfRange(String),
    /// An unknown name.
    #[error(
        "{text} is not a DSCP: use a number from 0 to 63 or a name: EF, VA, LE, DF, CS0 to CS7, \
         AF11 to AF43{nearest}"
    )]
    Unknown {
        /// The text as given.
        text: String,
        /// The nearest name.
        nearest: Nearest,
    },
}

/// Text that is not an ECN codepoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text} is not an ECN codepoint: use not-ect (0), ect1 (1), ect0 (2) or ce (3){nearest}")]
pub struct ParseEcnError {
    text: String,
    nearest: Nearest,
}

/// Names in IANA's registry that follow no pattern.
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

    /// `EF`, `46` or `0x2e`.
    fn from_str(text: &str) -> Result<Self, ParseDscpError> {
        let text = text.trim();
        let upper = text.to_ascii_uppercase();
        let digit = |byte: u8, low: u8, high: u8| {
            (low..=high).contains(&byte.wrapping_sub(b'0')).then(|| byte - b'0')
        };
        let named = NAMES.iter().find(|(name, _)| *name == upper).map(|(_, value)| *value);
        let value = named.or_else(|| match upper.as_bytes() {
            // Assured forwarding (RFC 2597): class 1 to 4, drop precedence 1 to 3.
            [b'A', b'F', class, drop] => Some(digit(*class, 1, 4)? * 8 + digit(*drop, 1, 3)? * 2),
            [b'C', b'S', class] => Some(digit(*class, 0, 7)? * 8),
            _ => match upper.strip_prefix("0X") {
                Some(digits) => u8::from_str_radix(digits, 16).ok(),
                None => upper.parse().ok(),
            },
        });
        value.and_then(Self::new).ok_or_else(|| {
            let text = text.to_owned();
            if text.parse::<i64>().is_ok() || value.is_some() {
                return ParseDscpError::OutOfRange(text);
            }
            let nearest = Nearest(nearest_name(&text));
            ParseDscpError::Unknown { text, nearest }
        })
    }
}

/// The name that a misspelt one is closest to.
fn nearest_name(text: &str) -> Option<String> {
    let named = |value: &u8| Dscp(*value).to_string().split('(').next().map(str::to_owned);
    let names: Vec<String> = (1..64).filter_map(|value| named(&value)).collect();
    let names = names.iter().filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    let meant = nearest(text, names.map(String::as_str)).map(str::to_owned);
    // AF44 is as far from AF41 as from AF43, and CS8 from all classes.
    meant.filter(|name| name.len() != text.trim().len())
}

impl fmt::Display for Dscp {
    /// `EF(46)`, or the number alone for 0 and for a code point without a name.
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
        Ok(match text.trim().to_ascii_lowercase().as_str() {
            "not-ect" | "0" => Self::NotEct,
            "ect1" | "ect(1)" | "1" => Self::Ect1,
            "ect0" | "ect(0)" | "2" => Self::Ect0,
            "ce" | "3" => Self::Ce,
            _ => {
                let names = ["not-ect", "ect0", "ect1", "ce"];
                let nearest = Nearest(nearest(text, names).map(str::to_owned));
                return Err(ParseEcnError { text: text.to_owned(), nearest });
            }
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

/// Joins the two halves to a TOS byte or traffic class.
pub fn tos(dscp: Dscp, ecn: Ecn) -> u8 {
    dscp.0 << 2 | ecn as u8
}

/// Splits a TOS byte or traffic class into its two halves.
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
        for (text, value) in [
            ("EF", 46),
            ("af41", 34),
            ("AF13", 14),
            ("CS0", 0),
            ("cs7", 56),
            ("LE", 1),
            ("63", 63),
            ("0x2e", 46),
        ] {
            assert_eq!(text.parse(), Ok(Dscp(value)), "{text}");
        }
        assert_eq!(Dscp(46).to_string(), "EF(46)");
        assert_eq!(Dscp(34).to_string(), "AF41(34)");
        assert_eq!(Dscp(0).to_string(), "0");
    }

    #[test]
    fn what_is_no_codepoint_says_what_would_be() {
        let form = "use a number from 0 to 63 or a name: EF, VA, LE, DF, CS0 to CS7, AF11 to AF43";
        for (text, told) in [
            ("64", "64 is not a DSCP: the numbers are from 0 to 63".to_owned()),
            ("-1", "-1 is not a DSCP: the numbers are from 0 to 63".to_owned()),
            ("0xff", "0xff is not a DSCP: the numbers are from 0 to 63".to_owned()),
            ("AF-41", format!("AF-41 is not a DSCP: {form}; did you mean AF41?")),
            ("EFF", format!("EFF is not a DSCP: {form}; did you mean EF?")),
            ("gold", format!("gold is not a DSCP: {form}")),
        ] {
            assert_eq!(text.parse::<Dscp>().unwrap_err().to_string(), told);
        }
        for text in ["", "AF44", "AF51", "CS8", "XX"] {
            assert!(text.parse::<Dscp>().is_err(), "{text}");
        }
        assert_eq!(
            ["ECT(0)", "ect(1)", "CE"].map(str::parse),
            [Ok(Ecn::Ect0), Ok(Ecn::Ect1), Ok(Ecn::Ce)]
        );
        let form = "use not-ect (0), ect1 (1), ect0 (2) or ce (3)";
        for (text, told) in [
            ("maybe", format!("maybe is not an ECN codepoint: {form}")),
            ("notect", format!("notect is not an ECN codepoint: {form}; did you mean not-ect?")),
        ] {
            assert_eq!(text.parse::<Ecn>().unwrap_err().to_string(), told);
        }
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
