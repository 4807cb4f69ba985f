//! Sentences of `ping`.

use super::host_losses::place_text;
use super::terms::{list, plural, plural_of};
use crate::record::{PingAsk, PingCaveat, PingProtocol, ReplyChange, Timestamped, Worded};
use crate::units::group_digits;

/// The protocol's name in the heading.
pub fn protocol(protocol: PingProtocol) -> &'static str {
    match protocol {
        PingProtocol::Stamp => "STAMP",
        PingProtocol::StampAuthenticated => "STAMP, authenticated",
        PingProtocol::Echo => "echo",
    }
}

/// The hint if no target replied and there was no error.
pub fn no_reply_hint(protocol: PingProtocol) -> &'static str {
    match protocol {
        PingProtocol::Echo => {
            "hint: --echo needs a service that sends every datagram back, such as `udpkit recv --echo`"
        }
        PingProtocol::Stamp | PingProtocol::StampAuthenticated => {
            "hint: start `udpkit serve` there (with a key, give --key FILE here); routers \
             reflect STAMP on port 862; --echo is for services that only echo"
        }
    }
}

/// The name of requested data, as in `--ask`.
pub fn asked(ask: PingAsk) -> &'static str {
    match ask {
        PingAsk::Class => "class",
        PingAsk::Counts => "counts",
        PingAsk::Departure => "departure",
    }
}

/// What was done to a reply or its probe, behind the line of the reply.
pub fn change(change: ReplyChange) -> &'static str {
    match change {
        ReplyChange::CutOut => "cut on the way out",
        ReplyChange::CutBack => "cut on the way back",
        ReplyChange::Cut => "cut",
        ReplyChange::Altered => "altered",
    }
}

/// Which time stamps are the kernel's, if any.
pub fn timed_by_kernel(by_program: Option<Timestamped>) -> Option<&'static str> {
    match by_program {
        None => Some("timestamps of sends and arrivals are the kernel's"),
        Some(Timestamped::Sends) => Some("timestamps of arrivals are the kernel's"),
        Some(Timestamped::Arrivals) => Some("timestamps of sends are the kernel's"),
        Some(Timestamped::Both) => None,
    }
}

impl Worded for PingCaveat {
    fn text(&self) -> String {
        match self {
            Self::RepliesFromElsewhere { from, replies } => {
                let replies = plural_of(*replies, "reply", "replies");
                format!("{replies} came from another address, {from}")
            }
            Self::RepliesCut { replies, out, back, cut_to_bytes } => {
                let unknown = replies.saturating_sub(*out).saturating_sub(*back);
                let ways = [(*out, "out"), (*back, "back"), (unknown, "in an unknown direction")];
                let ways = ways.into_iter().filter(|(count, _)| *count > 0);
                let ways: Vec<String> =
                    ways.map(|(count, way)| format!("{} {way}", group_digits(count))).collect();
                format!(
                    "{} came cut to {} bytes, by something that forwards datagrams (a relay or a \
                     gateway): {}",
                    plural_of(*replies, "reply", "replies"),
                    group_digits(*cut_to_bytes),
                    list(&ways)
                )
            }
            Self::RepliesAltered { replies } => format!(
                "{} had other bytes than were sent, and a right checksum: something on the path \
                 rewrites payloads",
                plural_of(*replies, "reply", "replies")
            ),
            Self::ReflectorRestarted { times } => {
                format!(
                    "the reflector began to count anew {}: a restart, or another address of this host",
                    plural(*times, "time")
                )
            }
            Self::ClockStepped => {
                "a clock was set during the run; the one-way delays start over from there"
                    .to_owned()
            }
            Self::ClockDrift { drift_ppb } => format!(
                "the clocks drift apart by {:+.1} ppm; the delays are corrected for it",
                *drift_ppb as f64 / 1e3
            ),
            Self::LostHere { place, lost } => {
                let replies = plural_of(*lost, "reply", "replies");
                format!("up to {replies} lost {}", place_text(*place))
            }
            Self::Strays { datagrams } => {
                format!("{} arrived that answer no probe", plural(*datagrams, "datagram"))
            }
            Self::TimedByProgram { what } => {
                let what = match what {
                    Timestamped::Sends => "sends",
                    Timestamped::Arrivals => "arrivals",
                    Timestamped::Both => "sends and arrivals",
                };
                format!("timestamps of {what} are this program's, not the kernel's")
            }
        }
    }
}
