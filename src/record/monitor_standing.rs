//! How a target of `monitor` stands while the run goes on.

use crate::units::Nanos;

/// The counts of one target, since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonitorStanding {
    /// Its name.
    pub target: String,
    /// Whether it answers: `None` as long as it never did and is in no outage.
    pub is_up: Option<bool>,
    /// Probes sent.
    pub sent: u64,
    /// Probes due and not sent: no address, refused by this host, or this host stood still.
    pub never_sent: u64,
    /// Probes answered, late ones included.
    pub back: u64,
    /// Of these, later than `--wait`.
    pub late: u64,
    /// Lost ones: fewer again once one is answered after all.
    pub lost: u64,
    /// Of these, on the way to the target; `None` if the target keeps no count.
    pub lost_out: Option<u64>,
    /// Of these, on the way back, likewise.
    pub lost_back: Option<u64>,
    /// Further answers to a probe.
    pub duplicates: u64,
    /// Answers that belong to no probe, or come too late to be known.
    pub strays: u64,
    /// Outages.
    pub outages: u64,
    /// Time in outages; of one that goes on, until the last probe that was missed.
    pub outage_ns: u64,
    /// How often the target's count began anew.
    pub reflector_restarts: u64,
    /// How often its clock was set.
    pub clock_steps: u64,
    /// How often the TTL on arrival changed, either way.
    pub hop_changes: u64,
    /// How often its name had another address.
    pub address_changes: u64,
    /// Errors from the network.
    pub network_errors: u64,
    /// TTL of probes on arrival there; `None` if unknown.
    pub ttl_out: Option<u8>,
    /// TTL of answers on arrival here; `None` if unknown.
    pub ttl_back: Option<u8>,
    /// Round trips since the last standing of it.
    pub round_trips: Vec<Nanos>,
}
