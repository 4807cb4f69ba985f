//! Sentences of `udpkit blast`: first lines, failures, series of runs.

use super::capacity::type_name;
use super::far_end;
use super::host_losses::lost_here;
use super::progress::whole_seconds;
use super::terms::{count_and_share, list, plural};
use crate::record::{
    AdjustmentType, FailureAdvice, FoundBound, RateVerdict, RefusalCause, RunFailure, SeriesCaveat,
    SizesAsked, Worded, plain_rate,
};
use crate::units::{BitRate, Endpoint, Nanos, Percent, Rate, Sweep, group_digits};
use crate::wire::iperf3::IPERF3_PORT;
use std::fmt::Display;

/// The directions of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// The client sends.
    Up,
    /// The server sends.
    Down,
    /// Both send.
    Both,
}

/// The content of a run's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHeading {
    /// The server.
    pub target: Endpoint,
    /// Whether it is the server of this process.
    pub own_server: bool,
    /// Payload bytes of each datagram, or of the largest.
    pub payload_bytes: u32,
    /// The target rate, or the highest of a search.
    /// The smallest, where they differ.
    pub least_bytes: Option<u32>,
    /// The target rate.
    pub rate: Rate,
    /// How the rate is searched for; `None` if it is not.
    pub capacity: Option<AdjustmentType>,
    /// The length; zero for no limit.
    pub time: Nanos,
    /// Datagrams to send; 0 for no limit.
    pub count: u64,
    /// Streams in each direction.
    pub streams: u32,
    /// The directions.
    pub ways: Ways,
}

impl Worded for RunHeading {
    fn text(&self) -> String {
        let rate = match (self.capacity, self.rate) {
            (Some(kind), Rate::Max) => format!("capacity (type {})", type_name(kind)),
            (Some(kind), rate) => format!("capacity (type {}) up to {rate}", type_name(kind)),
            (None, Rate::Max) => "as fast as possible".to_owned(),
            (None, rate) => format!("goal {rate}"),
        };
        let length = match (self.time, self.count) {
            (Nanos::ZERO, count) => plural(count, "datagram"),
            (time, 0) => time.to_string(),
            (time, count) => format!("{time} or {}", plural(count, "datagram")),
        };
        let streams = match (self.streams, self.ways) {
            (1, Ways::Up) => String::new(),
            (1, Ways::Down) => "   reverse".to_owned(),
            (1, Ways::Both) => "   both ways".to_owned(),
            (streams, Ways::Up) => format!("   {streams} streams"),
            (streams, Ways::Down) => format!("   {streams} streams, reverse"),
            (streams, Ways::Both) => format!("   {streams} streams each way"),
        };
        let first = first(self.target, self.own_server, self.payload_bytes);
        let first = match self.least_bytes {
            Some(least) => {
                let own = own_text(self.own_server);
                let most = self.payload_bytes;
                format!("udpkit blast {}{own}   {least} to {most} B mixed", self.target)
            }
            None => first,
        };
        format!("{first}   {rate}   {length}{streams}")
    }
}

fn first(target: Endpoint, own_server: bool, payload_bytes: u32) -> String {
    let own = own_text(own_server);
    format!("udpkit blast {target}{own}   {payload_bytes} B")
}

fn own_text(own_server: bool) -> &'static str {
    if own_server { " (own server)" } else { "" }
}

/// The line about a mix of sizes.
pub fn sizes_line(sizes: &SizesAsked) -> String {
    let SizesAsked { asked, sequence, cycle_datagrams, cycle_bytes, .. } = sizes;
    let mean = cycle_bytes / cycle_datagrams.max(&1);
    let (asked, sequence) = (asked.to_string(), sequence.to_string());
    let sent = if sequence == asked { String::new() } else { format!(", sent as {sequence}") };
    let larger = match (sizes.enlarged_from_ip_bytes, sizes.enlarged_to_ip_bytes) {
        (Some(from), Some(to)) => format!(
            "; packets of {from} B at IP have no room for the measurement header: {to} B in their place"
        ),
        _ => String::new(),
    };
    format!("{asked}{sent}: {mean} B of payload on average{larger}")
}

/// The purpose of a series of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesKind {
    /// Runs at rising rates.
    Sweep(Sweep),
    /// The search for the highest rate.
    FindRate {
        /// Accepted losses, in parts per billion, rising.
        losses_allowed_ppb: Vec<u64>,
    },
}

/// The content of a series' first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesHeading {
    /// The server.
    pub target: Endpoint,
    /// Whether it is the server of this process.
    pub own_server: bool,
    /// Payload bytes of each datagram.
    pub payload_bytes: u32,
    /// The purpose.
    pub kind: SeriesKind,
    /// Length of each run.
    pub time: Nanos,
}

impl Worded for SeriesHeading {
    fn text(&self) -> String {
        let first = first(self.target, self.own_server, self.payload_bytes);
        let what = match &self.kind {
            SeriesKind::Sweep(sweep) => steps_of(*sweep),
            SeriesKind::FindRate { losses_allowed_ppb } => match losses_allowed_ppb[..] {
                [allowed] => format!("highest rate {}", within(allowed)),
                ref several => format!("highest rates with at most {} loss", losses(several)),
            },
        };
        format!("{first}   {what}   {} each", self.time)
    }
}

/// `25.0 Mbit/s to 200 Mbit/s in 8 steps`.
fn steps_of(sweep: Sweep) -> String {
    let rates: Vec<_> = sweep.rates().collect();
    match &rates[..] {
        [first, .., last] => format!("{first} to {last} in {} steps", rates.len()),
        _ => sweep.to_string(),
    }
}

/// `without loss`, `with at most 0.1% loss`.
fn within(loss_allowed_ppb: u64) -> String {
    match loss_allowed_ppb {
        0 => "without loss".to_owned(),
        ppb => format!("with at most {}% loss", ppb as f64 / 1e7),
    }
}

/// `0%, 0.1% and 0.5%`.
fn losses(allowed: &[u64]) -> String {
    let losses: Vec<String> = allowed.iter().map(|ppb| Percent(*ppb).to_string()).collect();
    list(&losses)
}

impl Worded for RateVerdict {
    fn text(&self) -> String {
        match *self {
            Self::Found { rate_bps, datagrams_per_second, loss_allowed_ppb, bound } => {
                let rate = rate(rate_bps, datagrams_per_second);
                let within = within(loss_allowed_ppb);
                let bound = match bound {
                    FoundBound::Network => "the next higher rate lost more on the path",
                    FoundBound::ChangedContent => {
                        "at the next higher rate datagrams arrived cut or altered, which is no loss"
                    }
                    FoundBound::Host => {
                        "the path may carry more, but beyond this rate a host was the limit"
                    }
                    FoundBound::Ceiling => {
                        "the path may carry more: this was the highest rate allowed"
                    }
                };
                format!("highest rate {within}: {rate}; {bound}")
            }
            Self::SoFar { rate_bps, datagrams_per_second, loss_allowed_ppb } => format!(
                "highest rate so far {}, not confirmed: {}",
                within(loss_allowed_ppb),
                rate(rate_bps, datagrams_per_second)
            ),
            Self::LossAtLowest { lowest_bps, loss_allowed_ppb: 0 } => {
                format!("no rate found: even {} lost datagrams", BitRate(lowest_bps))
            }
            Self::LossAtLowest { lowest_bps, loss_allowed_ppb } => format!(
                "no rate found: even {} lost more than {}%",
                BitRate(lowest_bps),
                loss_allowed_ppb as f64 / 1e7
            ),
            Self::ChangedAtLowest { lowest_bps, loss_allowed_ppb } => {
                let more = match loss_allowed_ppb {
                    0 => "datagrams".to_owned(),
                    allowed => format!("more than {}% of the datagrams", allowed as f64 / 1e7),
                };
                format!(
                    "no rate found: even at {} {more} arrived cut or altered, which is no loss on \
                     the path",
                    BitRate(lowest_bps)
                )
            }
            Self::HostLimitAtLowest { lowest_bps } => {
                format!("no rate found: a host was the limit even at {}", BitRate(lowest_bps))
            }
            Self::NothingYet => "no rate found before the search ended".to_owned(),
        }
    }
}

/// `95.7 Mbit/s of payload (8 127 datagrams/s)`.
fn rate(bits: u64, datagrams: u64) -> String {
    format!("{} of payload ({} datagrams/s)", BitRate(bits), group_digits(datagrams))
}

impl Worded for SeriesCaveat {
    fn text(&self) -> String {
        match self {
            Self::Loopback => "loopback measures this host's memory and kernel, not a link",
            Self::Interrupted => "interrupted before the end",
            Self::BrokenOff => "a run failed, so the remaining runs were skipped",
        }
        .to_owned()
    }
}

impl Worded for RefusalCause {
    fn text(&self) -> String {
        match self {
            Self::Host { reason } => reason.to_string(),
            Self::Network { error } => error.to_string(),
            Self::Reported { words } => words.clone(),
        }
    }
}

impl Worded for RunFailure {
    fn text(&self) -> String {
        match self {
            Self::NoReply { target, waited_ns } => {
                format!("{} within {}", far_end::no_reply(*target).0, Nanos(*waited_ns))
            }
            Self::PathError { target, waited_ns, error } => {
                format!("{} within {}: {error}", far_end::no_reply(*target).0, Nanos(*waited_ns))
            }
            Self::OtherAddress { target, from } => {
                format!("replies came from {from}, not from {target}")
            }
            Self::NotSent { target, reason } => {
                format!("nothing could be sent to {target}: {reason}")
            }
            Self::PortClosed { target, error } => {
                format!("{}: {error}", far_end::port_closed(*target).0)
            }
            Self::SizesUnknown => {
                "the server does not know mixes of sizes: it is an older version of udpkit"
                    .to_owned()
            }
            Self::KeyNeeded => "the server requires a key".to_owned(),
            Self::OtherKey => "the server has a different key".to_owned(),
            Self::NoKeyThere => "the server has no key".to_owned(),
            Self::NoCapacitySearch => {
                "the server's version of udpkit cannot measure capacity".to_owned()
            }
            Self::Refused { reply } => format!("the server refused the run: {reply}"),
            Self::SilentInDialogue { silent_ns, error } => silent("", *silent_ns, error.as_ref()),
            Self::WentSilent { silent_ns, error } => {
                silent(" during the run,", *silent_ns, error.as_ref())
            }
            Self::WentAway { error } => format!("the server went away during the run: {error}"),
            Self::ServerRestarted { silent_ns, reply } => format!(
                "the server was restarted during the run, within {} of its last reply: {reply}",
                Nanos(*silent_ns)
            ),
            Self::LostRun { reply } => {
                format!("the server no longer knows the run: {reply}")
            }
            Self::NotCounted => "the server did not finish counting in time".to_owned(),
            Self::NotStopped => "the server's streams did not stop after the interrupt".to_owned(),
            Self::EndedThere => "the server ended the run before the sender was done".to_owned(),
            Self::Interrupted => "interrupted before the run began".to_owned(),
            Self::CountsContradict { contradiction } => {
                format!("the server's counts cannot be true: {contradiction}")
            }
            Self::StreamNotSent { reason } => {
                format!("nothing could be sent to open a stream: {reason}")
            }
            Self::StreamNoReply { command, waited_ns } => {
                format!("no reply to a stream's {command} within {}", Nanos(*waited_ns))
            }
            Self::StreamUnreachable { error } => format!("a stream could not be opened: {error}"),
            Self::SeveralServers { session_server, stream_server } => {
                far_end::several_servers(session_server, stream_server)
            }
            Self::StreamRefused { reply } => {
                format!("the server refused a stream: {reply}")
            }
            Self::DatagramsNotSent { payload_bytes, reason } => {
                format!("no {payload_bytes}-byte datagram could be sent: {reason}")
            }
            Self::StillSending { over_ns, time_ns } => format!(
                "the server was still sending {} after the end of the {} run",
                Nanos(*over_ns),
                Nanos(*time_ns)
            ),
            Self::StreamFailed { cause } => cause.to_string(),
            Self::TrialOutages { trials } => format!(
                "the network was interrupted in each of {trials} runs at one rate, which says \
                 nothing of that rate"
            ),
            Self::NoEcnComparison => {
                "the server does not compare ECN fields: its version is older".to_owned()
            }
            Self::TrialCountsMissing => "the final counts of a run are missing".to_owned(),
            Self::Iperf3 { cause } => cause.text(),
        }
    }
}

fn silent(when: &str, silent_ns: u64, error: Option<&impl Display>) -> String {
    let mut text = format!("the server stopped replying{when} {} ago", Nanos(silent_ns));
    if let Some(error) = error {
        text.push_str(&format!("; the network reported: {error}"));
    }
    text
}

impl Worded for FailureAdvice {
    fn text(&self) -> String {
        match self {
            Self::LostHere { losses } => lost_here(losses).unwrap_or_default(),
            Self::StartServerAndOpenPort { target } => far_end::no_reply(*target).1,
            Self::StartServer { target } => far_end::port_closed(*target).1,
            Self::CheckLoopback => "the server is this process's own: check `ip link show lo` and \
                                    this host's firewall"
                .to_owned(),
            Self::AskAddress { from } => format!(
                "try `udpkit blast {from}`: a NAT on the return path, or a server with several \
                 addresses, may reply from another address"
            ),
            Self::TracePath { target } => far_end::trace_path(*target),
            Self::MendThisHost { reason } => {
                reason.hint().map_or_else(String::new, |hint| hint.text())
            }
            Self::GiveKey => "give its key with --key FILE".to_owned(),
            Self::SameKey => "give both ends the same key with --key FILE".to_owned(),
            Self::NoKey => "start the server with --key FILE, or leave --key out".to_owned(),
            Self::LowerRate { rate } => {
                format!("the server allows --rate {} or less", plain_rate(*rate))
            }
            Self::GiveRate => "update udpkit there, or say at which rate to send: --rate 100M, or \
                               --rate max for as fast as possible"
                .to_owned(),
            Self::AskOneServer => far_end::ASK_ONE_SERVER.to_owned(),
            Self::TryLater => "try again later".to_owned(),
            Self::UseIperf3 { host, port } => {
                let at = iperf3_at(host, *port);
                format!(
                    "an iperf3 server may be there (TCP port {port} accepts connections): try `udpkit blast --iperf3 {at}`"
                )
            }
            Self::StartIperf3 { target } => {
                let (iperf3, udpkit) = iperf3_port(target.port());
                format!(
                    "start `iperf3 -s{iperf3}` or `udpkit serve --iperf3{udpkit}` there, and allow \
                     TCP and UDP port {} in both directions",
                    target.port()
                )
            }
            Self::ShorterTime => "give a shorter --time".to_owned(),
            Self::LowerTotalRate => {
                "lower --rate: it is for each stream, and the limit for all together".to_owned()
            }
            Self::CheckCredentials => "check --user, the password, --rsa-key and both clocks; a \
                                       server before 3.17 needs --pkcs1-padding"
                .to_owned(),
            Self::OpenUdpPort { target } => format!(
                "allow UDP port {} in both directions: TCP passes, datagrams do not",
                target.port()
            ),
            Self::OneWayAtATime => "run without --bidir, and again with --reverse".to_owned(),
        }
    }
}

/// An iperf3 server's address for the command line; its default port is left out.
fn iperf3_at(host: &str, port: u16) -> String {
    match port {
        IPERF3_PORT => host.to_owned(),
        port => format!("{host}:{port}"),
    }
}

/// What iperf3's server and `serve --iperf3` are told for a port other than iperf3's own.
fn iperf3_port(port: u16) -> (String, String) {
    match port {
        IPERF3_PORT => Default::default(),
        port => (format!(" -p {port}"), format!("=:{port}")),
    }
}

/// That the server has not agreed yet.
pub fn waiting_for(server: Endpoint, elapsed: Nanos) -> String {
    format!("waiting for {server}   {}", whole_seconds(elapsed))
}

/// `897 (0.106%)`; `-` for the share of 0.
pub fn lost(lost: u64, of: u64) -> String {
    count_and_share(lost, of, 3)
}
