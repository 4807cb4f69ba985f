//! Contents of a probe's answer, whatever its protocol.

use crate::record::ReplyChange;
use crate::units::Nanos;
use crate::wire::stamp::{ClassOfService, DirectMeasurement};

/// Contents of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The probe's sequence number on the wire.
    pub seq: u32,
    /// The probe's transmit time on the wire.
    pub sent: Nanos,
    /// What was done to the content on the way; `None` if nothing is known to.
    pub change: Option<ReplyChange>,
    /// What the reflector added; `None` for a plain echo.
    pub reflector: Option<Reflector>,
}

/// Contents added by a STAMP reflector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reflector {
    /// Its own count of answers, or the probe's number if it keeps none.
    pub seq: u32,
    /// When the probe arrived, by its clock; `None` if unknown.
    pub received: Option<Nanos>,
    /// When the answer was sent, by its clock; `None` if unknown.
    pub sent: Option<Nanos>,
    /// TTL with which the probe arrived; 255 also means unknown.
    pub ttl: u8,
    /// DSCP and ECN with which the probe arrived, if requested and answered.
    pub class: Option<ClassOfService>,
    /// Its counts including this answer, if requested and answered.
    pub counts: Option<DirectMeasurement>,
    /// When an earlier answer was actually sent, if requested and answered.
    pub departed: Option<Departed>,
}

impl Reflector {
    /// How many answers it sent before this one, or the probe's number if it keeps no count.
    pub(super) fn number(&self) -> u32 {
        self.counts.map_or(self.seq, |counts| counts.reflected.wrapping_sub(1))
    }
}

/// When an answer was actually sent (RFC 8972 §4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departed {
    /// The answer, by the reflector's number.
    pub seq: u32,
    /// The time, by the reflector's clock.
    pub at: Nanos,
}
