//! One datagram of a fan-out on its way to every target.

/// What became of a datagram to one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    Refused,
}

/// One datagram for all targets.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Space for the header, if there is one, and the payload.
    pub bytes: Vec<u8>,
    pub kind: RoundKind,
    /// Number of targets already handled.
    pub done: usize,
    /// Whether any target's datagram was accepted.
    pub taken: bool,
    /// Targets whose datagram this host refused.
    pub refused: Vec<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RoundKind {
    #[default]
    Data,
    End,
    /// An announcement.
    Line,
}
