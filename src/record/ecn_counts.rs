//! Datagrams by their ECN field.

use crate::wire::Ecn;
use serde::Serialize;

/// Datagrams by the ECN field with which they arrived (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EcnCounts {
    /// Not ECN-capable transport.
    pub not_ect: u64,
    /// ECN-capable transport, codepoint 0.
    pub ect0: u64,
    /// ECN-capable transport, codepoint 1 (L4S, RFC 9331).
    pub ect1: u64,
    /// Congestion experienced.
    pub ce: u64,
}

impl EcnCounts {
    /// So many datagrams arrived with this field.
    #[inline]
    pub fn note(&mut self, ecn: Ecn, datagrams: u64) {
        let count = match ecn {
            Ecn::NotEct => &mut self.not_ect,
            Ecn::Ect0 => &mut self.ect0,
            Ecn::Ect1 => &mut self.ect1,
            Ecn::Ce => &mut self.ce,
        };
        *count = count.wrapping_add(datagrams);
    }

    /// Those with this field.
    pub fn of(&self, ecn: Ecn) -> u64 {
        match ecn {
            Ecn::NotEct => self.not_ect,
            Ecn::Ect0 => self.ect0,
            Ecn::Ect1 => self.ect1,
            Ecn::Ce => self.ce,
        }
    }

    /// All.
    pub fn total(&self) -> u64 {
        [self.not_ect, self.ect0, self.ect1, self.ce].into_iter().fold(0, u64::saturating_add)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            not_ect: self.not_ect.saturating_add(other.not_ect),
            ect0: self.ect0.saturating_add(other.ect0),
            ect1: self.ect1.saturating_add(other.ect1),
            ce: self.ce.saturating_add(other.ce),
        }
    }
}
