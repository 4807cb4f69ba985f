//! The families: what each is called, counts in, and means. `docs/reference/metrics.md` is made of
//! this table.
//!
//! Names and units follow Prometheus's conventions: base units, `_total` behind what only rises.
//! Labels have few values, all known from the command line or from udpkit itself: never an address
//! of a stranger.

use FamilyUnit::{Datagrams, None as Plain, Seconds};

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
            Seconds => number as f64 / 1e9,
            Datagrams | FamilyUnit::Bytes | Plain => number as f64,
        }
    }

    /// A counter.
    const fn counter(
        name: &'static str,
        unit: FamilyUnit,
        labels: &'static [&'static str],
        commands: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        let kind = FamilyKind::Counter;
        Self { name, kind, unit, labels, commands, is_known_at_once: true, help }
    }

    /// A gauge.
    const fn gauge(
        name: &'static str,
        unit: FamilyUnit,
        labels: &'static [&'static str],
        commands: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        let kind = FamilyKind::Gauge;
        Self { name, kind, unit, labels, commands, is_known_at_once: false, help }
    }
}

const TARGET: &[&str] = &["target"];
const PING: &[&str] = &["ping"];

/// When the process began.
pub static STARTED: Family = Family::gauge(
    "start_time",
    Seconds,
    &["command", "version"],
    &["serve", "ping", "recv", "cast send", "cast recv", "relay", "blast"],
    "When the run began, since 1970",
);
/// Probes that were sent.
pub static SENT: Family =
    Family::counter("sent", Datagrams, TARGET, PING, "Probes that the kernel accepted");
/// Probes that were refused.
pub static NEVER_SENT: Family =
    Family::counter("never_sent", Datagrams, TARGET, PING, "Probes that the kernel refused");
/// Probes that were answered.
pub static BACK: Family = Family::counter(
    "back",
    Datagrams,
    TARGET,
    PING,
    "Probes that were answered, late ones included",
);
/// Probes that were answered late.
pub static LATE: Family = Family::counter(
    "late",
    Datagrams,
    TARGET,
    PING,
    "Probes that were answered after the time-out",
);
/// Probes that were lost.
pub static LOST: Family = Family::counter(
    "lost",
    Datagrams,
    TARGET,
    PING,
    "Probes whose time-out passed without an answer, in either direction",
);
/// Probes that were lost, by direction.
pub static LOST_ONE_WAY: Family = Family {
    is_known_at_once: false,
    ..Family::counter(
        "one_way_lost",
        Datagrams,
        &["target", "direction"],
        PING,
        "Lost probes whose direction the reflector's numbers tell: out or back",
    )
};
/// Further replies.
pub static DUPLICATES: Family = Family::counter(
    "duplicate",
    Datagrams,
    TARGET,
    PING,
    "Second and further replies to one probe",
);
/// Replies out of order.
pub static REORDERED: Family = Family::counter(
    "reordered",
    Datagrams,
    TARGET,
    PING,
    "Replies that arrived after one to a later probe (RFC 4737)",
);
/// Datagrams that are no reply.
pub static STRAYS: Family =
    Family::counter("stray", Datagrams, TARGET, PING, "Datagrams that are no reply to any probe");
/// Datagrams that the socket dropped.
pub static SOCKET_DROPS: Family = Family::counter(
    "socket_dropped",
    Datagrams,
    TARGET,
    PING,
    "Datagrams that this host's socket dropped, as the kernel counts them",
);
/// Round trips.
pub static ROUND_TRIP: Family = Family {
    name: "round_trip",
    kind: FamilyKind::Histogram,
    unit: Seconds,
    labels: TARGET,
    commands: PING,
    is_known_at_once: true,
    help: "Round trips, without the time in the reflector",
};
/// Routers on the way.
pub static ROUTERS_OUT: Family = Family::gauge(
    "routers_out",
    Plain,
    TARGET,
    PING,
    "Routers on the way out, by the TTL that the reflector reports",
);
/// Whether the target answers.
pub static UP: Family = Family::gauge(
    "target_up",
    Plain,
    TARGET,
    PING,
    "1 if the target answers, 0 once three probes in a row were lost",
);
/// How often a target was lost.
pub static TARGET_LOST: Family = Family::counter(
    "target_outages",
    Plain,
    TARGET,
    PING,
    "Times that the target stopped answering: three probes in a row were lost",
);
/// How often a target came back.
pub static TARGET_BACK: Family = Family::counter(
    "target_recoveries",
    Plain,
    TARGET,
    PING,
    "Times that the target answered again after that",
);
/// How often a reflector began anew.
pub static RESTARTS: Family = Family::counter(
    "reflector_restarts",
    Plain,
    TARGET,
    PING,
    "Times that the reflector's own count began anew",
);

/// All families, in the order of the page.
pub static FAMILIES: &[&Family] = &[
    &STARTED,
    &SENT,
    &NEVER_SENT,
    &BACK,
    &LATE,
    &LOST,
    &LOST_ONE_WAY,
    &DUPLICATES,
    &REORDERED,
    &STRAYS,
    &SOCKET_DROPS,
    &ROUND_TRIP,
    &ROUTERS_OUT,
    &UP,
    &TARGET_LOST,
    &TARGET_BACK,
    &RESTARTS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prometheus_wants_and_each_is_there_once_to_a_command() {
        let mut all = Vec::new();
        for family in FAMILIES {
            let name = family.full_name();
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(name.bytes().all(is_plain), "{name}");
            assert!(!family.help.ends_with('.') && !family.help.contains('\n'), "{name}");
            assert!(family.labels.iter().all(|label| label.bytes().all(is_plain)), "{name}");
            assert!(!family.commands.is_empty(), "{name}");
            all.extend(family.commands.iter().map(|command| (*command, name.clone())));
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "a name is there twice");
    }
}
