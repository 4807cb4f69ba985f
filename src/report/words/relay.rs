//! What `relay` tells while it runs, and what makes its figures doubtful.

use super::terms::plural;
use crate::record::{RelayCaveat, RelayNote, RelayRefusal, RelayWay, Worded};
use crate::units::errno_text;
use crate::units::{Endpoint, Nanos};

/// Datagrams that left.
pub const FORWARDED: &str = "forwarded";
/// Datagrams that were not forwarded, and that no impairment took.
pub const REFUSED: &str = "refused";
/// Datagrams that are delayed, or wait for their destination.
pub const QUEUED: &str = "queued";
/// Open flows.
pub const FLOWS: &str = "flows";

/// Destinations and addresses that a line names at most.
const NAMED: usize = 4;

impl Worded for RelayNote {
    fn text(&self) -> String {
        match self {
            Self::Relaying { listen, destinations } => {
                format!("relaying {} to {}", listed(listen), targets(destinations))
            }
            Self::Seed { seed } => {
                format!("impairments use seed {seed}; --seed {seed} repeats them")
            }
            Self::SourceNotKept { errno } => format!(
                "destinations see this host's address, not the clients': {}; --transparent needs \
                 CAP_NET_ADMIN",
                errno_text(*errno)
            ),
            Self::Loop { source } => format!(
                "refusing datagrams from {source}: this relay sent them itself, and forwarding them \
                 would be a loop"
            ),
            Self::FlowReplaced { most, client, silent_ns } => format!(
                "--max-flows {most} is reached: ended the flow of {client}, silent for {}",
                Nanos(*silent_ns)
            ),
            Self::FlowsFull { most, client } => format!(
                "--max-flows {most} is reached and every flow is active: refusing datagrams from \
                 {client}"
            ),
            Self::Reloaded { destinations, added, removed } => format!(
                "read the list again: {}, {added} added, {removed} removed",
                plural(*destinations, "destination")
            ),
        }
    }
}

impl Worded for RelayCaveat {
    fn text(&self) -> String {
        match self {
            Self::Late { way, late_p99_ns, most_ns } => format!(
                "{} left up to {} later than asked for (99th percentile); at most {} is usual: this \
                 host was busy, or the rate is more than it can delay",
                match way {
                    RelayWay::Up => "delayed datagrams to destinations",
                    RelayWay::Down => "delayed answers",
                },
                Nanos(*late_p99_ns),
                Nanos(*most_ns)
            ),
            Self::SocketDrops { buffers } => format!(
                "the relay's sockets dropped {} before it could read them; these datagrams are in \
                 none of its counts",
                plural(*buffers, "buffer")
            ),
            Self::FlowsReplaced { flows, most } => format!(
                "{} ended early to make room for others: only {most} were allowed at once \
                 (--max-flows)",
                plural(*flows, "flow")
            ),
            Self::Loop { datagrams } => format!(
                "{} that this relay had sent came back to it and went no further: a loop",
                plural(*datagrams, "datagram")
            ),
        }
    }
}

/// A list of destinations that was not read again.
pub fn not_reloaded(wrong: &str) -> String {
    format!("the destinations stay as they are: {wrong}")
}

/// The reason of a refusal, behind its count.
pub fn refusal(why: RelayRefusal) -> &'static str {
    match why {
        RelayRefusal::NotAllowed => "source not allowed (--allow)",
        RelayRefusal::Filtered => "no filter let them pass (--filter)",
        RelayRefusal::OwnDatagram => "sent by this relay itself (loop)",
        RelayRefusal::TtlExpired => "TTL used up (--ttl sets it)",
        RelayRefusal::FlowsFull => "too many active flows (--max-flows)",
        RelayRefusal::NoDestination => "no destination",
        RelayRefusal::QueueFull => "queue before the destination full",
        RelayRefusal::DelayMemoryFull => "memory for delayed datagrams full",
        RelayRefusal::AnswerUnwanted => "answer not wanted (--answers, --one-way)",
        RelayRefusal::SendRefused => "this host refused to send them",
    }
}

/// A destination; one without a port gets datagrams at the port of their arrival.
pub fn target(destination: Endpoint) -> String {
    match destination.port() {
        0 => format!("{} (port of arrival)", destination.ip()),
        _ => destination.to_string(),
    }
}

/// Addresses, the first few by name.
fn listed(addresses: &[Endpoint]) -> String {
    joined(addresses.iter().map(ToString::to_string).collect())
}

fn targets(addresses: &[Endpoint]) -> String {
    joined(addresses.iter().copied().map(target).collect())
}

fn joined(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

/// A line about gaps in the arrivals of a client's flow, one way.
pub fn gap(way: &str, client: &str, line: &str) -> String {
    format!("gaps {way}, {client}: {line}")
}

/// What can be listened on.
pub const LISTEN_FORMS: &str = "use a port, an address and port, or a group: 9000, 127.0.0.1:9000, \
                                239.1.2.3:9000; several with commas between them";
/// What can be a destination.
pub const DESTINATIONS: &str = "use HOST:PORT, a range such as 10.0.0.1-9:PORT, a multicast group, \
                                or a broadcast address, or list them in a file (--to-file)";
/// How to relay between interfaces without a loop.
pub const BREAK_THE_LOOP: &str = "use another port or address; a group is passed from one interface \
                                  to another with --interface and --out-interface";
