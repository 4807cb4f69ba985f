//! What limited a throughput run: judged here from a direction's facts; `verdict_words` has the
//! words.

use super::{DirectionReport, Losses, fell_short};
use crate::batch::LocalRefusal;
use crate::stats::{LossSample, is_beyond_chance};
use serde::Serialize;

/// Share of a core, in percent, from which a stream's thread counts as full.
const FULL: u64 = 90;
/// Loss, in datagrams of 10,000, from which it is what a run is about.
const NOTABLE: u64 = 10;
/// A pause or a lateness, in nanoseconds, from which a host did not keep its schedule.
const PAUSE: u64 = 100_000_000;
/// Payload bytes up to which a datagram is as small as those of the control dialogue.
const SMALL: u64 = 600;
/// Small datagrams that passed in a run that has its counts, beside two of each stream's opening:
/// HELO, its ticket, TEST and STAT.
const DIALOGUE: u64 = 4;

/// What a run came up against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// The rate that was asked for was sent, and arrived.
    Rate,
    /// The number of datagrams or bytes that was asked for was over.
    Count,
    /// The path between the two hosts lost datagrams.
    Network,
    /// This side of the path: the sender's own queue or interface took no more.
    SenderInterface,
    /// The sender's host refused to send: no route, an interface down, its own firewall, the size.
    SenderHost,
    /// The sender's processor.
    SenderCpu,
    /// The sender stood still, or was far behind its schedule.
    SenderPause,
    /// The receiver's processor: its socket overflowed while it worked all the time.
    ReceiverCpu,
    /// The receiver's socket buffer: it overflowed although there was time to read.
    ReceiverSocket,
    /// The user ended it.
    Interrupted,
    /// It failed, or some of its streams never began: it says nothing of a limit.
    BrokenOff,
    /// Too little is known.
    Unknown,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub part: u64,
    /// The whole.
    pub of: u64,
}

impl Share {
    fn is_notable(self) -> bool {
        self.part > 0 && self.part.saturating_mul(10_000) >= self.of.saturating_mul(NOTABLE)
    }
}

/// What is found about one direction, with the figures that say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The schedule was kept: what never left of what was offered, what was lost of what was sent.
    Kept {
        /// Never sent, of those offered.
        never: Share,
        /// Lost, of those sent.
        lost: Share,
    },
    /// All that was asked for was sent, so many datagrams.
    CountReached(u64),
    /// The path lost.
    PathLoss(Share),
    /// Nearly all was lost, although small datagrams pass the same path.
    OnlySmallPass {
        /// Lost, of those offered.
        lost: Share,
        /// Payload bytes of each.
        payload: u64,
    },
    /// The sender's host refused.
    Refused {
        /// Why; `None` where the sender did not tell its error number.
        kind: Option<LocalRefusal>,
        /// The reasons in words, with how many each has, the most frequent first.
        causes: Vec<(String, u64)>,
        /// Refused, of those offered.
        share: Share,
    },
    /// The sender's buffer was full so many times.
    SendBufferFull(u64),
    /// The sender's processors were full, in percent of a core.
    SenderBusy(u64),
    /// Both ends are on one host, whose processors were full.
    HostBusy(u64),
    /// The sender stood still, or was behind its schedule.
    SenderStoodStill {
        /// The longest standstill in nanoseconds, where one was seen.
        pause_ns: Option<u64>,
        /// The most that a send was late, in nanoseconds.
        late_ns: Option<u64>,
        /// Never sent, of those offered.
        never: Share,
    },
    /// A rate was not kept, and nothing shows why.
    FellBehind(Share),
    /// No rate was asked for, and nothing shows what held it.
    NothingShows,
    /// The receiver's socket overflowed while its processors were full.
    ReceiverBusy {
        /// Percent of a core.
        cpu: u64,
        /// Dropped there, of those offered.
        share: Share,
    },
    /// The receiver's socket overflowed.
    SocketOverflowed {
        /// Dropped there, of those offered.
        share: Share,
        /// How long the receiver stood still, in nanoseconds, where it did.
        pause_ns: Option<u64>,
    },
    /// The user ended it.
    Interrupted,
    /// It failed, or never began in part.
    BrokenOff {
        /// Streams that began, of those asked for; `None` where that is not known.
        begun: Option<Share>,
        /// Sent, of those offered; `None` where that is not known.
        sent: Option<Share>,
        /// Received, copies too; `None` where that is not known.
        received: Option<u64>,
    },
    /// Nothing was offered.
    NothingOffered,
    /// One end never told the whole of its counts.
    CountsMissing,
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
    /// What was found.
    #[serde(skip)]
    pub finding: Finding,
}

/// Whether a rate was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// As fast as it goes.
    Unpaced,
    /// A rate.
    Paced,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// At its time or its count.
    Whole,
    /// By the user, before that.
    Interrupted,
    /// By a failure.
    Failed,
}

/// What a verdict needs to know beside a direction's facts.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Whether a rate was asked for.
    pub goal: Goal,
    /// How the run ended.
    pub end: RunEnd,
    /// Datagrams that were asked for; 0 for no bound.
    pub count: u64,
    /// Payload bytes of each.
    pub payload: u64,
    /// Streams of the direction.
    pub streams: u64,
    /// Whether both ends share this host's processors.
    pub one_host: bool,
}

/// The verdict on one direction.
pub fn verdict(way: &DirectionReport, circumstances: Circumstances) -> Verdict {
    let finding = judge(way, circumstances);
    Verdict {
        limited_by: finding.limited_by(),
        because: finding.because(),
        advice: finding.advice(),
        finding,
    }
}

fn judge(way: &DirectionReport, circumstances: Circumstances) -> Finding {
    let begun = way.streams_begun.map(|part| Share { part, of: circumstances.streams });
    let missing = begun.is_some_and(|begun| begun.part < begun.of);
    match circumstances.end {
        RunEnd::Failed => return broken_off(way, begun),
        RunEnd::Interrupted => {
            // What was lost until then was lost.
            let found = judge_counts(way, circumstances);
            let loss = found.as_ref().and_then(judge_loss);
            return loss.unwrap_or(Finding::Interrupted);
        }
        RunEnd::Whole if missing => return broken_off(way, begun),
        RunEnd::Whole => {}
    }
    let Some(counts) = judge_counts(way, circumstances) else { return Finding::CountsMissing };
    if counts.offered == 0 {
        return Finding::NothingOffered;
    }
    judge_loss(&counts).unwrap_or_else(|| judge_sender(&counts))
}

fn broken_off(way: &DirectionReport, begun: Option<Share>) -> Finding {
    let sent = way.sent.zip(way.offered);
    let sent = sent.map(|(sent, offered)| Share { part: sent.datagrams, of: offered.datagrams });
    let received = way.received.map(|received| received.datagrams);
    Finding::BrokenOff { begun, sent, received }
}

/// A direction whose counts are all known.
struct Counts<'a> {
    way: &'a DirectionReport,
    circumstances: Circumstances,
    offered: u64,
    sent: u64,
    lost: Losses,
}

fn judge_counts(way: &DirectionReport, circumstances: Circumstances) -> Option<Counts<'_>> {
    let (sent, lost) = (way.sent.filter(|_| way.counts_final)?.datagrams, way.lost?);
    let offered = way.offered.map_or(sent, |offered| offered.datagrams);
    Some(Counts { way, circumstances, offered, sent, lost })
}

impl Counts<'_> {
    fn of_offered(&self, part: u64) -> Share {
        Share { part, of: self.offered }
    }

    fn never(&self) -> Share {
        self.of_offered(self.offered.saturating_sub(self.sent))
    }

    /// A core for every stream, or none.
    fn full(&self, cpu: Option<u64>) -> Option<u64> {
        cpu.filter(|cpu| *cpu >= FULL.saturating_mul(self.circumstances.streams))
    }
}

/// Where most of them were lost is what the run came up against; `None` where that is hardly any.
fn judge_loss(counts: &Counts<'_>) -> Option<Finding> {
    let way = counts.way;
    let Losses { path, receiver_socket, .. } = counts.lost;
    let refused = way.refused.iter().fold(0u64, |sum, one| sum.saturating_add(one.datagrams));
    let share = counts.of_offered(receiver_socket.max(path).max(refused));
    if !share.is_notable() {
        return None;
    }
    if share.part == receiver_socket {
        let pause_ns = way.receiver_pause_ns.filter(|pause| *pause >= PAUSE);
        return Some(match counts.full(way.receiver_cpu_percent).filter(|_| pause_ns.is_none()) {
            Some(cpu) => Finding::ReceiverBusy { cpu, share },
            None => Finding::SocketOverflowed { share, pause_ns },
        });
    }
    if share.part == path {
        return Some(judge_path(counts, share));
    }
    Some(refusals(way, share))
}

/// Loss on the path; whether it is of the large alone, beyond chance.
fn judge_path(counts: &Counts<'_>, lost: Share) -> Finding {
    let payload = counts.circumstances.payload;
    let nearly_all = lost.part.saturating_mul(100) >= counts.sent.saturating_mul(99);
    // As many again of the dialogue's may have been lost and repeated.
    let passed = DIALOGUE + 2 * counts.circumstances.streams;
    let small = LossSample::new(2 * passed, passed);
    let large = LossSample::new(counts.sent, counts.sent.saturating_sub(lost.part));
    if payload > SMALL && nearly_all && is_beyond_chance(large, small, 1) {
        return Finding::OnlySmallPass { lost, payload };
    }
    Finding::PathLoss(lost)
}

/// The refusals of the kind that most had.
fn refusals(way: &DirectionReport, share: Share) -> Finding {
    let mut causes: Vec<_> = way.refused.iter().collect();
    causes.sort_by_key(|refusal| std::cmp::Reverse(refusal.datagrams));
    let kind = causes.first().and_then(|most| most.errno).map(LocalRefusal::of);
    let causes = causes.into_iter().map(|one| (one.cause.clone(), one.datagrams)).collect();
    Finding::Refused { kind, causes, share }
}

/// Little was lost: what the sender came up against.
fn judge_sender(counts: &Counts<'_>) -> Finding {
    let Counts { way, circumstances, .. } = counts;
    let (pause_ns, late_ns) = (long(way.sender_pause_ns), long(way.lateness_ns.max));
    let stood_still = pause_ns.is_some() || late_ns.is_some();
    let still = Finding::SenderStoodStill { pause_ns, late_ns, never: counts.never() };
    let paced = circumstances.goal == Goal::Paced;
    let missing = counts.never().part;
    let streams = u32::try_from(circumstances.streams).unwrap_or(u32::MAX);
    let short = way.sender_limited == Some(true) || fell_short(counts.offered, missing, streams);
    if paced && !short {
        let lost = Share { part: counts.lost.total, of: counts.sent };
        return if stood_still { still } else { Finding::Kept { never: counts.never(), lost } };
    }
    if let Some(cpu) = counts.full(way.sender_cpu_percent) {
        return Finding::SenderBusy(cpu);
    }
    let both = way.sender_cpu_percent.zip(way.receiver_cpu_percent);
    let both = both.map(|(one, other)| one.saturating_add(other));
    if circumstances.one_host
        && let Some(cpu) = counts.full(both)
    {
        return Finding::HostBusy(cpu);
    }
    if stood_still {
        return still;
    }
    if way.blocked > 0 {
        return Finding::SendBufferFull(way.blocked);
    }
    if paced {
        return Finding::FellBehind(counts.never());
    }
    if circumstances.count > 0 && counts.sent >= circumstances.count {
        return Finding::CountReached(counts.sent);
    }
    Finding::NothingShows
}

fn long(span: Option<u64>) -> Option<u64> {
    span.filter(|span| *span >= PAUSE)
}

#[cfg(test)]
mod tests;
