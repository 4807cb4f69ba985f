//! Words about saved documents that are compared.

use super::terms::plural;
use crate::record::Worded;
use crate::record::saved::ComparisonCaveat;
use crate::units::group_digits;

impl Worded for ComparisonCaveat {
    fn text(&self) -> String {
        match self {
            Self::OtherTarget { base_target, other_target } => {
                format!("the runs had different targets: {base_target} and {other_target}")
            }
            Self::OtherSize { base_payload_bytes, other_payload_bytes } => format!(
                "the datagrams had different sizes: {} and {} of payload",
                group_digits(*base_payload_bytes),
                plural(*other_payload_bytes, "byte"),
            ),
        }
    }
}
