//! Sentences of `probe timeout`.

use super::terms::{list, part, plural, plural_of};
use crate::record::Worded;
use crate::record::probe::{
    IdleLimit, IdleOutcome, IdleReplies, IdleTimer, IdleUnknown, RefreshUnknown, TimeoutCaveat,
    TimeoutEvent, TimeoutEvidence, TimeoutUnknown, TimeoutVerdict,
};
use crate::units::Nanos;

/// The timer's name as a column heading.
pub fn timer_name(timer: IdleTimer) -> &'static str {
    match timer {
        IdleTimer::OneDatagram => "one datagram out",
        IdleTimer::Established => "established",
    }
}

impl Worded for TimeoutVerdict {
    fn text(&self) -> String {
        match self {
            Self::NoAgent { reason } => format!("not measured: {reason}"),
            Self::KeepAlive { every_ns, one_datagram, established } => {
                let (every, closes) = (Nanos(*every_ns), closes(*one_datagram, *established));
                format!("send a keep-alive at least every {every}: {closes}")
            }
            Self::Closes { one_datagram, established } => closes(*one_datagram, *established),
            Self::NoneSafe { one_datagram, established } => {
                let closes = closes(*one_datagram, *established);
                format!("no tested idle time is safe: {closes}")
            }
            Self::StaysOpen { open_ns, every_ns } => {
                let (open, every) = (Nanos(*open_ns), Nanos(*every_ns));
                format!(
                    "the path is still open after {open} idle, the longest time tested; \
                     a keep-alive every {every} is enough"
                )
            }
            Self::OpenAtLeast { open_ns, every_ns } => {
                let (open, every) = (Nanos(*open_ns), Nanos(*every_ns));
                format!(
                    "the path is still open after {open} idle, and longer times are unknown; \
                     a keep-alive every {every} is enough"
                )
            }
            Self::OneTimerKnown => {
                "only one of the two timers is known, and it did not expire".to_owned()
            }
            Self::Interrupted => {
                "not measured: interrupted before an idle time was over".to_owned()
            }
            Self::NoReplies => "unknown: no reply arrived after any idle time".to_owned(),
        }
    }
}

/// The length of both timers, stated once if they are equal.
fn closes(one_datagram: IdleLimit, established: IdleLimit) -> String {
    if one_datagram == established {
        return format!("the idle timeout is {}", reach(one_datagram));
    }
    format!(
        "the idle timeout is {} after one datagram out, and {} once established",
        reach(one_datagram),
        reach(established)
    )
}

/// `28.5 s to 29 s`, or a one-sided limit.
fn reach(limit: IdleLimit) -> String {
    match (limit.open_ns, limit.closed_ns) {
        (Some(open), Some(closed)) => format!("{} to {}", Nanos(open), Nanos(closed)),
        (None, Some(closed)) => format!("less than {}", Nanos(closed)),
        (Some(open), None) => format!("more than {}", Nanos(open)),
        (None, None) => "unknown".to_owned(),
    }
}

impl Worded for TimeoutEvidence {
    fn text(&self) -> String {
        match self {
            Self::Replies { timer, after } => {
                let after: Vec<String> = after.iter().map(replies).collect();
                format!("{}: {}", timer_name(*timer), after.join(", "))
            }
            Self::InboundRefreshes => "inbound traffic alone keeps the path open".to_owned(),
            Self::InboundDoesNotRefresh => {
                "inbound traffic alone does not keep the path open: this side must send".to_owned()
            }
        }
    }
}

fn replies(one: &IdleReplies) -> String {
    let IdleReplies { silence_ns, replies, sent } = *one;
    let silence = Nanos(silence_ns);
    match sent {
        Some(sent) => {
            let replies = plural_part(replies.into(), sent.into());
            format!("{replies} arrived after {silence} idle")
        }
        None => format!("a reply arrived after {silence} idle"),
    }
}

/// `0 of 3 replies`.
fn plural_part(of_them: u64, all: u64) -> String {
    format!("{of_them} of {}", plural_of(all, "reply", "replies"))
}

impl Worded for TimeoutCaveat {
    fn text(&self) -> String {
        match self {
            Self::NotMonotonic { timer } => format!(
                "not monotonic ({}): closed after one idle time and open after a longer one, as \
                 with several devices on the path, or a full state table",
                timer_name(*timer)
            ),
            Self::ProvenByOwnPath => "the sockets for one datagram out first proved their address \
                                      over the same path, by two datagrams each way; a device may \
                                      keep such a flow longer"
                .to_owned(),
            Self::Shared(caveat) => caveat.text(),
        }
    }
}

impl Worded for TimeoutUnknown {
    fn text(&self) -> String {
        match self {
            Self::Silences { timer, silences_ns, reason } => {
                let silences: Vec<String> =
                    silences_ns.iter().map(|silence| Nanos(*silence).to_string()).collect();
                let (timer, silences) = (timer_name(*timer), list(&silences));
                format!("{timer}, after {silences} idle: {}", reason.text())
            }
            Self::InboundRefresh { reason } => {
                format!("whether inbound traffic alone keeps the path open: {}", reason.text())
            }
        }
    }
}

impl Worded for RefreshUnknown {
    fn text(&self) -> String {
        match self {
            Self::NeverClosed => "no idle time was long enough to close the path".to_owned(),
            Self::NoneSurvived => {
                "the path was not open after any idle time short enough to test this".to_owned()
            }
            Self::MayBeLoss => "the missing replies may be random loss".to_owned(),
            Self::Tried(reason) => reason.text(),
        }
    }
}

impl Worded for IdleUnknown {
    fn text(&self) -> String {
        match self {
            Self::SlowProof { took_ns } => format!(
                "the socket proved its address over the same path, which took {}: the flow may \
                 count as established",
                Nanos(*took_ns)
            ),
            Self::NotProven { reason } => {
                format!("the socket could not prove its address to the server: {reason}")
            }
            Self::NotSent { found, .. } => format!("the request did not leave this host: {found}"),
            Self::NotEstablished => "the datagrams to establish the flow got no reply".to_owned(),
            Self::RequestLost { requests } => format!(
                "the request did not reach the server, sent {}",
                plural_of(u64::from(*requests), "time", "times")
            ),
            Self::RepliesWithheld => "the server's limits suppressed its replies".to_owned(),
            Self::NoReplySent => "the server sent no reply".to_owned(),
            Self::HostPaused => "this host stalled when the replies were due".to_owned(),
            Self::NothingCame => {
                "no reply arrived, not even one that an open path would have let in".to_owned()
            }
            Self::AgentLost { reason } => format!("the server was lost before that: {reason}"),
            Self::EndedEarly => "the run ended before that".to_owned(),
            Self::LossUnknown { replies } => {
                format!("{}, and the loss of the path is unknown", none_arrived(*replies))
            }
            Self::LossyPath { replies, control_lost, control_sent } => {
                let lost = part(*control_lost, *control_sent, "datagram");
                format!(
                    "{}, which may be random loss: {lost} that need an immediate reply got none",
                    none_arrived(*replies)
                )
            }
            Self::TooFewReplies { replies } => {
                format!("{}, which does not rule out random loss", none_arrived(*replies))
            }
        }
    }
}

fn none_arrived(replies: u64) -> String {
    match replies {
        1 => "the only reply did not arrive".to_owned(),
        _ => format!("none of {} arrived", plural_of(replies, "reply", "replies")),
    }
}

impl Worded for TimeoutEvent {
    fn text(&self) -> String {
        match self {
            Self::Begun { sockets, longest_ns } => {
                let (sockets, longest) = (plural(*sockets as u64, "socket"), Nanos(*longest_ns));
                format!("testing idle times up to {longest} on {sockets}")
            }
            Self::Decided { timer, silence_ns, outcome } => {
                let (timer, silence) = (timer_name(*timer), Nanos(*silence_ns));
                match outcome {
                    IdleOutcome::Open => format!("{timer}: open after {silence} idle"),
                    IdleOutcome::Closed => format!("{timer}: no reply after {silence} idle"),
                    IdleOutcome::Unknown => format!("{timer}: unknown after {silence} idle"),
                }
            }
            Self::Refining { timer, open_ns, closed_ns, sockets } => {
                let (timer, times) = (timer_name(*timer), plural(*sockets as u64, "idle time"));
                let (open, closed) = (Nanos(*open_ns), Nanos(*closed_ns));
                format!("{timer}: testing {times} between {open} and {closed}")
            }
            Self::Again { timer, silence_ns } => {
                let (timer, silence) = (timer_name(*timer), Nanos(*silence_ns));
                format!("{timer}: no reply after {silence} idle may be random loss; testing again")
            }
            Self::Refreshing { duration_ns } => {
                let duration = Nanos(*duration_ns);
                format!("testing for {duration} whether inbound traffic alone keeps the path open")
            }
        }
    }
}
