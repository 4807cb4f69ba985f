//! What limited a throughput run, and what to do about it.

use super::{DirectionReport, Losses};
use serde::Serialize;

/// Share of a core, in percent, from which a stream's thread counts as full.
const FULL: u64 = 90;
/// Loss, in datagrams of 10,000, from which it is what a run is about.
const NOTABLE: u64 = 10;

/// What a run came up against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// The rate that was asked for was sent, and arrived.
    Rate,
    /// The path between the two hosts lost datagrams.
    Network,
    /// This side of the path: the sender's own queue or interface took no more.
    SenderInterface,
    /// The sender's processor.
    SenderCpu,
    /// The receiver's processor: its socket overflowed while it worked all the time.
    ReceiverCpu,
    /// The receiver's socket buffer: it overflowed although there was time to read.
    ReceiverSocket,
    /// Too little is known.
    Unknown,
}

/// What limited one direction of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The limit.
    pub limited_by: LimitedBy,
    /// The same in words, with the figures that say so.
    pub because: String,
    /// What would help; empty where nothing needs help.
    pub advice: &'static str,
}

/// What a verdict needs to know beside a direction's facts.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Whether a rate was asked for.
    pub paced: bool,
    /// Streams of the direction.
    pub streams: u64,
    /// Whether both ends share this host's processors.
    pub one_host: bool,
    /// Whether the far end had its last word.
    pub complete: bool,
}

/// The verdict on one direction.
pub fn verdict(way: &DirectionReport, circumstances: Circumstances) -> Verdict {
    let Circumstances { paced, streams, one_host, complete } = circumstances;
    let say = |limited_by, because: String, advice| Verdict { limited_by, because, advice };
    let (Some(sent), Some(lost), true) = (way.sent, way.lost, complete) else {
        let because = "one end never told the whole of its counts".to_owned();
        return say(LimitedBy::Unknown, because, "look whether the far end still runs");
    };
    let Losses { total, path, receiver_socket, .. } = lost;
    let notable =
        |part: u64, whole: u64| part > 0 && part.saturating_mul(10_000) >= whole * NOTABLE;
    let percent = |part: u64, whole: u64| part as f64 * 100.0 / whole.max(1) as f64;
    let full = |cpu: Option<u64>| cpu.filter(|cpu| *cpu >= FULL * streams);
    let refused: u64 = way.refused.iter().map(|refusal| refusal.datagrams).sum();
    let offered = way.offered.map_or(sent.datagrams, |offered| offered.datagrams);
    // Where most of them died is what the run came up against.
    let most = receiver_socket.max(path).max(refused);
    let share = format!("{:.3}%", percent(most, offered));
    if notable(most, offered) && most == receiver_socket {
        return match full(way.receiver_cpu_percent) {
            Some(cpu) => say(
                LimitedBy::ReceiverCpu,
                format!("at {cpu}%, its socket overflowed ({share})"),
                "more --streams, larger datagrams, or a lower --rate",
            ),
            None => say(
                LimitedBy::ReceiverSocket,
                format!("its buffer overflowed ({share})"),
                "raise net.core.rmem_max there, or lower the --rate",
            ),
        };
    }
    if notable(most, offered) && most == path {
        let because = format!("{share} were lost between the two hosts");
        return say(LimitedBy::Network, because, "--find-rate tells what passes without loss");
    }
    if notable(most, offered) {
        let because = format!("its own queue refused {share}");
        return say(LimitedBy::SenderInterface, because, "lower the --rate, or lengthen the queue");
    }
    let sender = way.sender_cpu_percent;
    let both = sender.zip(way.receiver_cpu_percent).map(|(one, other)| one + other);
    if !paced || way.sender_limited == Some(true) {
        if let Some(cpu) = full(sender) {
            let because = format!("it was at {cpu}% of a core");
            return say(LimitedBy::SenderCpu, because, "more --streams, or larger datagrams");
        }
        if one_host && let Some(cpu) = full(both) {
            let because = format!("both ends on it, {cpu}% of a core");
            return say(LimitedBy::SenderCpu, because, "");
        }
        if way.blocked > 0 {
            let because = format!("its send buffer was full {} times", way.blocked);
            return say(LimitedBy::SenderInterface, because, "");
        }
        let because = "it fell behind, and neither processor nor interface says why".to_owned();
        return say(LimitedBy::Unknown, because, "look at what else runs on the sender");
    }
    let because = match total {
        0 => "all of it left in time and arrived".to_owned(),
        _ => format!("it left in time, and {:.4}% were lost", percent(total, sent.datagrams)),
    };
    say(LimitedBy::Rate, because, "a higher --rate shows what more the path carries")
}

impl LimitedBy {
    /// The limit in words, as `limited by …` goes on.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rate => "the rate asked for",
            Self::Network => "the network",
            Self::SenderInterface => "the sender's interface",
            Self::SenderCpu => "the sender's processor",
            Self::ReceiverCpu => "the receiver's processor",
            Self::ReceiverSocket => "the receiver's socket",
            Self::Unknown => "something that did not show",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Refusal, Traffic};

    const PACED: Circumstances =
        Circumstances { paced: true, streams: 1, one_host: false, complete: true };
    const UNPACED: Circumstances = Circumstances { paced: false, ..PACED };

    fn way(sent: u64, path: u64, socket: u64, cpu: (u64, u64)) -> DirectionReport {
        let traffic = Traffic { datagrams: sent, ..Traffic::default() };
        DirectionReport {
            offered: Some(traffic),
            sent: Some(traffic),
            lost: Some(Losses {
                total: path + socket,
                path,
                receiver_socket: socket,
                ..Losses::default()
            }),
            sender_limited: Some(false),
            sender_cpu_percent: Some(cpu.0),
            receiver_cpu_percent: Some(cpu.1),
            ..DirectionReport::default()
        }
    }

    #[test]
    fn each_limit_is_told_from_its_signs() {
        let refused = DirectionReport {
            refused: vec![Refusal { cause: "no buffer space".to_owned(), datagrams: 500 }],
            ..way(10_000, 0, 0, (10, 10))
        };
        let path_loss = way(10_000, 300, 0, (9, 9)).lost;
        let behind = DirectionReport { sender_limited: Some(true), ..way(9_000, 0, 0, (99, 9)) };
        let blocked = DirectionReport { blocked: 9, ..way(9_000, 0, 0, (20, 9)) };
        let silent = DirectionReport { lost: None, ..way(9_000, 0, 0, (20, 9)) };
        let one_host = Circumstances { one_host: true, ..UNPACED };
        let cases = [
            (LimitedBy::Rate, PACED, way(10_000, 0, 0, (10, 10))),
            (LimitedBy::Rate, PACED, way(10_000, 9, 0, (10, 10))),
            (LimitedBy::Network, PACED, way(10_000, 10, 0, (99, 99))),
            (LimitedBy::Network, UNPACED, way(10_000, 900, 300, (99, 99))),
            (LimitedBy::ReceiverSocket, UNPACED, way(10_000, 300, 900, (99, 40))),
            (LimitedBy::ReceiverCpu, UNPACED, way(10_000, 0, 900, (99, 97))),
            (LimitedBy::SenderInterface, PACED, refused.clone()),
            (LimitedBy::SenderInterface, PACED, DirectionReport { lost: path_loss, ..refused }),
            (LimitedBy::SenderCpu, PACED, behind),
            (LimitedBy::SenderCpu, UNPACED, way(10_000, 0, 0, (95, 40))),
            (LimitedBy::SenderCpu, one_host, way(10_000, 0, 0, (55, 40))),
            (LimitedBy::Unknown, UNPACED, way(10_000, 0, 0, (55, 40))),
            (LimitedBy::SenderInterface, UNPACED, blocked),
            (LimitedBy::Unknown, PACED, silent),
            (LimitedBy::Unknown, Circumstances { complete: false, ..PACED }, way(9, 0, 0, (1, 1))),
        ];
        for (number, (limit, circumstances, way)) in cases.into_iter().enumerate() {
            let told = verdict(&way, circumstances);
            assert_eq!(told.limited_by, limit, "case {number}: {told:?}");
        }
    }

    #[test]
    fn a_core_is_full_for_every_stream_or_for_none() {
        let two = Circumstances { streams: 2, ..UNPACED };
        assert_eq!(verdict(&way(9, 0, 0, (120, 30)), two).limited_by, LimitedBy::Unknown);
        assert_eq!(verdict(&way(9, 0, 0, (185, 30)), two).limited_by, LimitedBy::SenderCpu);
    }
}
