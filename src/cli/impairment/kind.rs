//! The names of impairments, and how each is written.

/// Which impairment, in the order in which a datagram meets them, which is that of printing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `only`.
    Only,
    /// `mtu`.
    Mtu,
    /// `blackout`.
    Blackout,
    /// `loss`.
    Loss,
    /// `duplicate`.
    Duplicate,
    /// `rate`.
    Rate,
    /// `trace`.
    Trace,
    /// `ecn`.
    Ecn,
    /// `corrupt`.
    Corrupt,
    /// `cut`.
    Cut,
    /// `rewrite`.
    Rewrite,
    /// `delay`.
    Delay,
    /// `reorder`.
    Reorder,
}

impl Kind {
    pub(super) const ALL: [Self; 13] = [
        Self::Loss,
        Self::Delay,
        Self::Reorder,
        Self::Duplicate,
        Self::Corrupt,
        Self::Cut,
        Self::Rewrite,
        Self::Rate,
        Self::Trace,
        Self::Ecn,
        Self::Mtu,
        Self::Only,
        Self::Blackout,
    ];

    /// The word that it begins with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Mtu => "mtu",
            Self::Blackout => "blackout",
            Self::Loss => "loss",
            Self::Duplicate => "duplicate",
            Self::Rate => "rate",
            Self::Trace => "trace",
            Self::Ecn => "ecn",
            Self::Corrupt => "corrupt",
            Self::Cut => "cut",
            Self::Rewrite => "rewrite",
            Self::Delay => "delay",
            Self::Reorder => "reorder",
        }
    }

    /// How it is written.
    pub fn form(self) -> &'static str {
        match self {
            Self::Only => "only size 1000, only size 500-, or only size 16-499",
            Self::Mtu => "mtu 1280",
            Self::Blackout => "blackout",
            Self::Loss => {
                "loss 1%, loss 1% bursts of 5, loss every 100, or loss burst 5x20ms (each second)"
            }
            Self::Duplicate => "duplicate 0.5%, or duplicate 0.5% copies 2",
            Self::Rate => "rate 20M, rate 20M queue 100ms, or rate 20M queue 64KiB overhead 28",
            Self::Trace => "trace FILE, or trace FILE queue 100ms",
            Self::Ecn => "ecn mark at 5ms, or ecn mark 10%",
            Self::Corrupt => "corrupt 0.1%",
            Self::Cut => "cut to 1000, or cut 1% to 1000",
            Self::Rewrite => "rewrite 1%",
            Self::Delay => {
                "delay 40ms, delay 40ms ± 10ms with uniform, normal or pareto behind it, or delay \
                 file FILE; and unordered if delays may change the order"
            }
            Self::Reorder => "reorder 1% by 3, reorder 1% by 3 within 50ms, or reorder 1% for 5ms",
        }
    }

    pub(super) fn names() -> String {
        let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
        format!("{} or clean", names.join(", "))
    }
}
