//! What a run is doing, for the line that stands on a terminal meanwhile and for SIGQUIT.

use super::terms::plural;
use crate::record::Worded;
use crate::record::probe::ProbeKind;
use crate::units::{Endpoint, Nanos, Rate, group_digits};

/// What goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// One kind of probe.
    Probe {
        /// The kind.
        kind: ProbeKind,
        /// The host that it is about.
        target: Endpoint,
    },
    /// Ports of a host without a remote agent.
    Scan {
        /// The host, as it was named.
        host: String,
        /// Ports to try.
        ports: u64,
    },
    /// A check of one group.
    CastCheck {
        /// The group.
        group: Endpoint,
    },
    /// A replier of checks.
    CastCheckAnswer {
        /// The group.
        group: Endpoint,
    },
    /// One of a series of throughput runs.
    Trial {
        /// Its number, from 1.
        number: u64,
        /// Its rate.
        rate: Rate,
    },
    /// Datagrams to these.
    Send {
        /// How many.
        destinations: u64,
    },
    /// Datagrams to groups or lists of hosts.
    CastSend {
        /// How many.
        destinations: u64,
    },
    /// Round trips to these.
    Ping {
        /// How many.
        targets: u64,
    },
    /// A receiver of groups.
    CastReceive {
        /// How many.
        groups: u64,
    },
    /// A monitor.
    Monitor {
        /// Its targets.
        targets: u64,
    },
    /// A relay.
    Relay {
        /// Its destinations.
        destinations: u64,
    },
    /// A receiver of datagrams.
    Receive {
        /// Its ports.
        sockets: u64,
    },
}

impl Worded for Doing {
    fn text(&self) -> String {
        match self {
            Self::Probe { kind, target } => format!("probe {kind} {target}"),
            Self::Scan { host, ports } => format!("scanning {} of {host}", plural(*ports, "port")),
            Self::CastCheck { group } => format!("cast check {group}"),
            Self::CastCheckAnswer { group } => format!("cast check --answer {group}"),
            Self::Trial { number, rate } => format!("run {number} at {rate}"),
            Self::Send { destinations } | Self::CastSend { destinations } => {
                format!("sending to {}", plural(*destinations, "destination"))
            }
            Self::Ping { targets } => format!("ping {}", plural(*targets, "target")),
            Self::CastReceive { groups } => format!("receiving {}", plural(*groups, "group")),
            Self::Monitor { targets } => format!("monitoring {}", plural(*targets, "target")),
            Self::Relay { destinations } => {
                format!("relaying to {}", plural(*destinations, "destination"))
            }
            Self::Receive { sockets: 1 } => "receiving".to_owned(),
            Self::Receive { sockets } => format!("receiving on {}", plural(*sockets, "socket")),
        }
    }
}

/// `12 s`, `3 min 5 s`: how long a run has taken, in whole seconds.
pub fn whole_seconds(time: Nanos) -> String {
    match time.0 / 1_000_000_000 {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// The remaining time of a run: `7 s left`.
pub fn time_left(expected: Nanos, elapsed: Nanos) -> String {
    let left = expected - elapsed;
    format!("{:.0} s left", left.as_secs_f64().ceil())
}

/// How long a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunLength {
    /// So long, unless somebody ends it.
    Known(Nanos),
    /// No longer than this.
    AtMost(Nanos),
    /// About so long, by what is known so far.
    About(Nanos),
}

/// `7 s left`, `at most 7 s left` or `about 7 s left`; `None` if that time is over.
pub fn left(length: RunLength, elapsed: Nanos) -> Option<String> {
    let (RunLength::Known(end) | RunLength::AtMost(end) | RunLength::About(end)) = length;
    (end > elapsed).then(|| match length {
        RunLength::Known(_) => time_left(end, elapsed),
        RunLength::AtMost(_) => at_most_left(end, elapsed),
        RunLength::About(_) => format!("about {}", time_left(end, elapsed)),
    })
}

/// `at most 7 s left`.
pub fn at_most_left(limit: Nanos, elapsed: Nanos) -> String {
    format!("at most {}", time_left(limit, elapsed))
}

/// `sent 40, received 38`; one alone where the other is not what the command is for.
pub fn counts(doing: &Doing, sent: u64, received: u64) -> String {
    let (out, back) = (group_digits(sent), group_digits(received));
    match doing {
        Doing::Receive { .. } | Doing::CastReceive { .. } if sent == 0 => {
            format!("received {back}")
        }
        Doing::Send { .. } | Doing::CastSend { .. } if received == 0 => format!("sent {out}"),
        _ => format!("sent {out}, received {back}"),
    }
}
