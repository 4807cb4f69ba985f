//! What both ends' results say of a test.
//!
//! iperf3's receiver counts gaps: what is lost after the last datagram that arrived is not in its
//! `errors`. What arrived is exact, though: `bytes` over the payload. So the loss with the tail is
//! what was sent less what arrived, if nothing was duplicated.

use super::Iperf3Plan;
use super::results::SentStream;
use crate::record::{BlastReceived, Contradiction, StreamCounts};
use crate::session::blast::ControlSummary;
use crate::units::Nanos;
use crate::wire::iperf3::StreamResults;

/// A test's results for what this end sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Datagrams sent after the omitted time, as the server's timer cut it; `None` if it does not
    /// tell.
    pub sent: Option<u64>,
    /// Lost datagrams as iperf3 shows them, without the tail; `None` likewise.
    pub lost_without_tail: Option<u64>,
}

/// Result of the control connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Iperf3Summary {
    /// What is known as after the dialogue with a udpkit server.
    pub control: ControlSummary,
    /// What this end sent, by the server's results; `None` without results, or if it did not send.
    pub up: Option<Upstream>,
    /// Datagrams that the server sent after the omitted time; `None` likewise.
    pub sent_there: Option<u64>,
    /// The server process's use of its processors over the test, in percent of a core.
    pub server_cpu_percent: Option<u64>,
    /// Greetings of streams that were repeated.
    pub repeated_greetings: u64,
}

/// Reads the server's results for the streams that this end sent; the error is why they cannot be
/// true.
pub(super) fn upstream(
    plan: &Iperf3Plan,
    streams: &[(SentStream, &StreamResults)],
) -> Result<(BlastReceived, Vec<StreamCounts>, Upstream), Contradiction> {
    let payload = u64::from(plan.test.payload).max(1);
    let mut whole = BlastReceived::default();
    let mut counts = Vec::new();
    let mut up = Upstream { sent: Some(0), lost_without_tail: Some(0) };
    let mut jitter = 0u128;
    for (sent, told) in streams {
        let highest = u64::try_from(told.packets).unwrap_or(u64::MAX);
        if highest > sent.numbers {
            return Err(Contradiction::MoreArrived { arrived: highest, sent: sent.numbers });
        }
        let bytes = u64::try_from(told.bytes).unwrap_or(0);
        let arrived = bytes / payload;
        // Where the server does not tell what it omitted, nothing was, or it cannot be told.
        let omitted = match (told.omitted_packets, plan.omit) {
            (Some(omitted), _) => Some((omitted, told.omitted_errors.unwrap_or(0))),
            (None, Nanos::ZERO) => Some((0, 0)),
            (None, _) => None,
        };
        let measured = omitted.map(|(packets, errors)| {
            let before = u64::try_from(packets).unwrap_or(0).min(sent.numbers);
            let gaps = u64::try_from(told.errors.saturating_sub(errors)).unwrap_or(0);
            (sent.numbers - before, gaps)
        });
        let here = measured.map_or(sent.numbers.saturating_sub(sent.omitted), |(sent, _)| sent);
        let firsts = arrived.min(here);
        let lost = here - firsts;
        up.sent = up.sent.zip(measured).map(|(sum, (sent, _))| sum.saturating_add(sent));
        up.lost_without_tail =
            up.lost_without_tail.zip(measured).map(|(sum, (_, gaps))| sum.saturating_add(gaps));
        let nanos = (told.jitter.clamp(0.0, 1e6) * 1e9).round() as u64;
        jitter += u128::from(nanos) * u128::from(arrived);
        whole.datagrams = whole.datagrams.saturating_add(arrived);
        whole.bytes = whole.bytes.saturating_add(bytes);
        whole.firsts = whole.firsts.saturating_add(firsts);
        whole.duplicates = whole.duplicates.saturating_add(arrived - firsts);
        whole.lost = whole.lost.saturating_add(lost);
        counts.push(StreamCounts {
            sent: measured.map(|(sent, _)| sent),
            delivered: firsts,
            lost,
            ..StreamCounts::default()
        });
    }
    whole.jitter_ns =
        jitter.checked_div(u128::from(whole.datagrams)).and_then(|mean| u64::try_from(mean).ok());
    whole.sender_total = up.sent;
    Ok((whole, counts, up))
}
