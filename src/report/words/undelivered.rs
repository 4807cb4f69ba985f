//! Sentences about ICMP errors.

use crate::record::Worded;
use crate::record::probe::{ErrorOrigin, IcmpError};

impl Worded for IcmpError {
    /// `port unreachable (ICMP 3/3) from 192.0.2.1`.
    fn text(&self) -> String {
        let from = self.from.map_or_else(String::new, |from| format!(" from {from}"));
        format!("{}{from}", icmp_kind(self))
    }
}

/// `port unreachable (ICMP 3/3)`.
pub fn icmp_kind(error: &IcmpError) -> String {
    let protocol = match error.origin {
        ErrorOrigin::Local => return "refused by the sending host itself".to_owned(),
        ErrorOrigin::Icmp => "ICMP",
        ErrorOrigin::Icmp6 => "ICMPv6",
    };
    let numbers = format!("{protocol} {}/{}", error.icmp_type, error.icmp_code);
    match error.meaning {
        Some(meaning) => format!("{meaning} ({numbers})"),
        None => numbers,
    }
}
