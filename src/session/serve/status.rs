//! The reply to STAT: the state of a run in one datagram.

use super::session_state::{Run, StreamMove};
use crate::control::server::{Answer, LINE, ROOM};
use crate::session::blast::{
    DELAYS, GAPS, INTERVALS_A_REPLY, MARKS, Marking, OUTAGE_LIST, OUTAGES, STREAM_MOVES, class_key,
    class_text, delays_part, gaps_text, interval_text, marks_text, outage_list_text, outages_text,
    size_key, size_text, stream_key, stream_text, write_counts, write_host, write_sent,
};
use crate::wire::{Code, Params};

/// Room that a status leaves for its last lines.
const STATUS_SPARE: usize = 3 * LINE;

/// A stream's move as its client reads it: stream, port before and since, milliseconds since the
/// grant, and what was lost here, or nothing where that is unknown.
fn stream_move_text(moved: &StreamMove) -> String {
    let StreamMove { stream, from, to, at, lost } = *moved;
    let lost = lost.map(|lost| lost.to_string()).unwrap_or_default();
    format!("{stream}:{from}:{to}:{}:{lost}", at.as_u64() / 1_000_000)
}

/// Which counts of a run a STAT asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What was received here, with its intervals.
    Received,
    /// What was sent from here.
    Sent,
    /// What was received here, of each stream.
    Streams,
    /// What was received here of each class of sizes.
    Sizes,
    /// The delays of what was received here.
    Delays,
    /// What this host counted during the run.
    Host,
}

/// The counts of single streams from `from` on, as many as fit.
fn streams(run: &Run, mut answer: Answer, from: usize) -> Answer {
    for (stream, counts) in run.received_streams().enumerate().skip(from) {
        let (key, text) = (stream_key(stream), stream_text(&counts));
        let compared = run.plan.marking == Marking::EachItsOwn;
        let class = if compared { class_text(&counts) } else { None };
        let room = class.as_ref().map_or(0, |class| key.len() + class.len() + LINE);
        if answer.size() + key.len() + text.len() + room + STATUS_SPARE > ROOM {
            return answer.with("more", 1);
        }
        answer = answer.with(&key, text);
        if let Some(class) = class {
            answer = answer.with(&class_key(stream), class);
        }
    }
    answer
}

/// The classes of sizes from `from` on, as many as fit.
fn sizes(run: &Run, mut answer: Answer, from: usize) -> Answer {
    for (class, account) in run.sizes().iter().enumerate().skip(from) {
        let (key, text) = (size_key(class), size_text(&account.counts()));
        if answer.size() + key.len() + text.len() + STATUS_SPARE > ROOM {
            return answer.with("more", 1);
        }
        answer = answer.with(&key, text);
    }
    answer
}

/// The delays of the run from the character `from` on, as many as fit.
fn delays(run: &mut Run, answer: Answer, from: usize) -> Answer {
    let room = ROOM.saturating_sub(answer.size() + DELAYS.len() + STATUS_SPARE);
    match delays_part(run.told_delays(), from, room) {
        Some((part, false)) => answer.with(DELAYS, part),
        // Whether there is more comes first, so that it cannot be cut off.
        Some((part, true)) => answer.with("more", 1).with(DELAYS, part),
        None => answer,
    }
}

/// The outages of what was received here, once it is over, as far as they fit.
fn outages(run: &Run, answer: Answer) -> Answer {
    let Some(log) = run.outages() else { return answer };
    let text = outages_text(&log);
    let free = |answer: &Answer| ROOM.saturating_sub(answer.size() + STATUS_SPARE);
    if free(&answer) < OUTAGES.len() + text.len() {
        return answer;
    }
    let answer = answer.with(OUTAGES, text);
    let list = outage_list_text(&log, free(&answer).saturating_sub(OUTAGE_LIST.len()));
    if list.is_empty() { answer } else { answer.with(OUTAGE_LIST, list) }
}

/// The reply to STAT: the state of the run, and as many intervals (or streams) from `from` on as
/// fit.
pub(super) fn status(run: &mut Run, side: Side, from: usize) -> Answer {
    let mut answer = Answer::new(Code::STATUS, "status").with("state", run.state().as_str());
    if side == Side::Streams {
        return streams(run, answer, from);
    }
    if side == Side::Sizes {
        return sizes(run, answer, from);
    }
    if side == Side::Delays {
        return delays(run, answer, from);
    }
    let mut counts = Params::default();
    if side == Side::Host {
        if let Some(host) = &run.host {
            write_host(host, &mut counts);
        }
        answer.params.extend(counts.iter().map(|(key, value)| (key.into(), value.into())));
        return outages(run, answer);
    }
    let received = run.received().filter(|_| side == Side::Received);
    let up = received.is_some();
    if let Some(received) = received {
        write_counts(&received, &mut counts);
    } else if let Some(sent) = run.sent() {
        write_sent(&sent, &mut counts);
    }
    answer.params.extend(counts.iter().map(|(key, value)| (key.into(), value.into())));
    if let Some(io) = run.io(up) {
        answer = answer
            .with("tx", io.tx)
            .with("rx", io.rx)
            .with("batch", io.batch)
            .with("buffer", io.receive_buffer)
            .with("send_buffer", io.send_buffer);
    }
    if up && !run.lost_in_moves.is_empty() {
        let told = |lost: &Option<u64>| lost.map(|lost| lost.to_string()).unwrap_or_default();
        let lost: Vec<String> = run.lost_in_moves.iter().map(told).collect();
        answer = answer.with("move_lost", lost.join(","));
    }
    if !run.stream_moves.is_empty() {
        let moves: Vec<String> = run.stream_moves.iter().map(stream_move_text).collect();
        let moves = moves.join(",");
        if answer.size() + STREAM_MOVES.len() + moves.len() + STATUS_SPARE <= ROOM {
            answer = answer.with(STREAM_MOVES, moves);
        }
    }
    if run.astray {
        answer = answer.with("astray", 1);
    }
    if let Some(marks) = received.and_then(|received| received.ecn) {
        let marks = marks_text(&marks);
        if answer.size() + MARKS.len() + marks.len() + STATUS_SPARE <= ROOM {
            answer = answer.with(MARKS, marks);
        }
    }
    if let Some(received) = received {
        let room = ROOM.saturating_sub(answer.size() + GAPS.len() + STATUS_SPARE);
        let gaps = gaps_text(&received.gaps, room);
        if !gaps.is_empty() {
            answer = answer.with(GAPS, gaps);
        }
    }
    let complete = if up { run.board.complete() } else { 0 };
    if complete > from {
        // Whether there is more than fits comes first, so that it cannot be cut off.
        let more = complete > from + INTERVALS_A_REPLY;
        let intervals = (from..complete).take(INTERVALS_A_REPLY);
        for (index, interval) in intervals.filter_map(|i| run.board.get(i).map(|got| (i, got))) {
            let (key, text) = (format!("i{index}"), interval_text(&interval));
            if answer.size() + key.len() + text.len() + STATUS_SPARE > ROOM {
                return answer.with("more", 1);
            }
            answer = answer.with(&key, text);
        }
        if more {
            answer = answer.with("more", 1);
        }
    }
    answer
}
