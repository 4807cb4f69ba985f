//! What `monitor` tells of its targets, and what makes its figures doubtful.

use super::terms::{plural, times};
use crate::record::{MonitorCaveat, MonitorChange, MonitorLost, MonitorReload, MonitorWay, Worded};
use crate::units::{Nanos, group_digits};

impl Worded for MonitorChange {
    fn text(&self) -> String {
        match self {
            Self::OutageBegan { probes, .. } => {
                format!("outage: {} in a row not answered", plural(*probes, "probe"))
            }
            Self::OutageEnded { length_ns, lost, never_sent, .. } => {
                let unsent = match never_sent {
                    0 => String::new(),
                    many => format!(", {} never sent", group_digits(*many)),
                };
                format!("answers again after {}: {}{unsent}", Nanos(*length_ns), losses(lost))
            }
            Self::HopsChanged { way, ttl_before, ttl } => format!(
                "the path {} changed: TTL on arrival {ttl}, {ttl_before} before",
                match way {
                    MonitorWay::Out => "to it",
                    MonitorWay::Back => "back",
                }
            ),
            Self::ClockStepped { step_ns } => {
                let sign = if *step_ns < 0 { "back" } else { "forward" };
                format!("its clock was set {sign} by {}", Nanos(step_ns.unsigned_abs()))
            }
            Self::ReflectorRestarted => {
                "counts anew: it was restarted, or a NAT has given this host another port"
                    .to_owned()
            }
            Self::AddressChanged { before, address } => match before {
                Some(before) => format!("its address is {address}, {before} before"),
                None => format!("its address is {address}"),
            },
            Self::NotResolved { host, cause } => {
                format!("cannot resolve {host}: {}; asking again", cause.text())
            }
            Self::NetworkError { error } => format!("error from the network: {}", error.text()),
            Self::SendRefused { cause } => cause.text(),
            Self::ThresholdBroken { condition, measured } => {
                let seen = match (measured.probes, measured.exceeding, measured.outage_ns) {
                    (Some(of), Some(part), _) => {
                        format!("{} of {}", group_digits(part), plural(of, "probe"))
                    }
                    (.., Some(outage)) => format!("no answer for {}", Nanos(outage)),
                    _ => "-".to_owned(),
                };
                format!("threshold broken: {condition}, {seen}")
            }
            Self::ThresholdHeld { condition, broken_ns } => {
                format!("threshold kept again after {}: {condition}", Nanos(*broken_ns))
            }
            Self::Added => "new on the list".to_owned(),
            Self::Removed => "gone from the list".to_owned(),
        }
    }
}

/// Losses with their directions, as far as these are known.
fn losses(lost: &MonitorLost) -> String {
    let all = format!("{} lost", group_digits(lost.lost));
    let ways = [
        (lost.lost_out, "on the way to it"),
        (lost.lost_back, "on the way back"),
        (lost.lost_unknown, "in an unknown direction"),
    ];
    let ways: Vec<String> = ways
        .into_iter()
        .filter_map(|(count, way)| {
            Some(format!("{} {way}", group_digits(count.filter(|one| *one > 0)?)))
        })
        .collect();
    if ways.is_empty() { all } else { format!("{all}, {}", ways.join(", ")) }
}

impl Worded for MonitorCaveat {
    fn text(&self) -> String {
        match self {
            Self::Paused { times: count, paused_ns } => format!(
                "this host stood still {}, {} in all: nothing was sent meanwhile",
                times(*count),
                Nanos(*paused_ns)
            ),
            Self::SocketDrops { datagrams } => format!(
                "this host's sockets dropped {}, which count as lost",
                plural(*datagrams, "answer")
            ),
            Self::Late { late_p99_ns } => format!(
                "probes left late, the 99th percentile by {}: this host is too busy",
                Nanos(*late_p99_ns)
            ),
            Self::CommandsSkipped { commands } => format!(
                "{} of thresholds not run, as too many were running",
                plural(*commands, "command")
            ),
        }
    }
}

/// A list that was read again.
pub fn reloaded(reload: &MonitorReload) -> String {
    let MonitorReload { targets, added, removed } = reload;
    format!("read the list again: {}, {added} added, {removed} removed", plural(*targets, "target"))
}

/// A list that was read again and has faults.
pub fn not_reloaded(faults: &str) -> String {
    format!("the list is not used, the one before stays: {faults}")
}

/// The start of a run.
pub fn monitoring(targets: u64) -> String {
    format!("monitoring {}", plural(targets, "target"))
}

/// A threshold's command that could not be run.
pub fn not_run(command: &str, why: &str) -> String {
    format!("cannot run {command}: {why}")
}

/// A thread that did not start.
pub fn no_threads(why: &str) -> String {
    format!("cannot start a thread: {why}")
}

/// Commands that were left out.
pub const TOO_MANY_COMMANDS: &str = "too many commands of thresholds are running: one is not run";
