//! The families: what each is called, counts in, and means. `docs/reference/metrics.md` is made of
//! this table.
//!
//! Names and units follow Prometheus's conventions: base units, `_total` behind what only rises.
//! Labels have few values, all known from the command line or from udpkit itself: never an address
//! of a stranger.

/// What a family's values do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// Rises, from 0.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Delays in buckets.
    Histogram,
}

impl FamilyKind {
    /// As the formats call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a family counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyUnit {
    /// Datagrams.
    Datagrams,
    /// Bytes of payload.
    Bytes,
    /// Seconds; kept in nanoseconds.
    Seconds,
    /// Something that the name says.
    None,
}

impl FamilyUnit {
    /// The unit as the end of a name.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Datagrams => Some("datagrams"),
            Self::Bytes => Some("bytes"),
            Self::Seconds => Some("seconds"),
            Self::None => None,
        }
    }
}

/// A family of series.
#[derive(Debug)]
pub struct Family {
    /// Its name, without `udpkit_`, unit and `_total`.
    pub name: &'static str,
    /// What its values do.
    pub kind: FamilyKind,
    /// What it counts in.
    pub unit: FamilyUnit,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The commands that have it.
    pub commands: &'static [&'static str],
    /// Whether a counter is 0 at the start; otherwise it is left out until it is known.
    pub is_known_at_once: bool,
    /// Whether a counter may fall again at once, and is shown once it has stood for a while.
    pub settles: bool,
    /// What it means; a full stop is added.
    pub help: &'static str,
}

/// Before every name.
pub const PREFIX: &str = "udpkit";

impl Family {
    /// Its whole name in the formats without units of their own.
    pub fn full_name(&self) -> String {
        let unit = self.unit.name().map(|unit| format!("_{unit}")).unwrap_or_default();
        let total = if self.kind == FamilyKind::Counter { "_total" } else { "" };
        format!("{PREFIX}_{}{unit}{total}", self.name)
    }

    /// A number of it as it is shown: in base units.
    pub fn shown(&self, number: u64) -> f64 {
        match self.unit {
            FamilyUnit::Seconds => number as f64 / 1e9,
            FamilyUnit::Datagrams | FamilyUnit::Bytes | FamilyUnit::None => number as f64,
        }
    }

    /// A counter, from 0.
    pub(super) const fn counter(
        name: &'static str,
        unit: FamilyUnit,
        labels: &'static [&'static str],
        commands: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        let kind = FamilyKind::Counter;
        Self { name, kind, unit, labels, commands, is_known_at_once: true, settles: false, help }
    }

    /// A histogram of delays.
    pub(super) const fn delays(
        name: &'static str,
        labels: &'static [&'static str],
        commands: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        let (kind, unit) = (FamilyKind::Histogram, FamilyUnit::Seconds);
        Self { name, kind, unit, labels, commands, is_known_at_once: true, settles: false, help }
    }

    /// A counter of losses, which late datagrams undo.
    pub(super) const fn settled(self) -> Self {
        Self { settles: true, ..self }
    }

    /// A counter that is left out until it is known.
    pub(super) const fn known_later(self) -> Self {
        Self { is_known_at_once: false, ..self }
    }

    /// A gauge.
    pub(super) const fn gauge(
        name: &'static str,
        unit: FamilyUnit,
        labels: &'static [&'static str],
        commands: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        let kind = FamilyKind::Gauge;
        Self { name, kind, unit, labels, commands, is_known_at_once: false, settles: false, help }
    }
}

/// When the process began.
pub static STARTED: Family = Family::gauge(
    "start_time",
    FamilyUnit::Seconds,
    &["command", "version"],
    &["serve", "ping", "monitor", "recv", "cast send", "cast recv", "relay", "blast"],
    "When the run began, since 1970",
);
