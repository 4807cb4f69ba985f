//! The two directions of a host's line.

/// In which direction a packet passes a host's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the host.
    Out,
    /// Towards it.
    Back,
}

impl Way {
    /// The other direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Out => Self::Back,
            Self::Back => Self::Out,
        }
    }
}
