//! Combines what both ends counted into one report.

use super::flow::{self, Flow};
use super::plan::BlastPlan;
use super::streams::Collected;
use crate::batch::{HostChange, RxCall};
use crate::net::explain;
use crate::record::{
    BURST_CLASSES, BlastInterval, BlastReceived, BlastReport, BlastSent, BurstLength,
    Circumstances, DirectionReport, Goal, HeaderShare, IoReport, KnownRun, LossFacts, LossShares,
    Losses, Refusal, RefusalCause, RunEnd, StreamCounts, Way, fell_short, hold_numbers,
    hold_sent_against_received, host_reports, share_losses, stream_rows,
};
use crate::session::blast::{ControlSummary, Direction, ReceiverPlan};
use crate::units::{Endpoint, Nanos, Rate, TCP_HEADER, UDP_HEADER};

/// Shorter runs do not allow a CPU percentage.
const SHORT: Nanos = Nanos::from_millis(100);

/// What the two ends of one direction reported.
struct Facts {
    direction: Way,
    sent: Option<BlastSent>,
    received: Option<BlastReceived>,
    /// The same of each stream; empty if not reported.
    received_streams: Vec<StreamCounts>,
    /// Streams that started; `None` if none was requested.
    begun: Option<u64>,
    io: IoReport,
    intervals: Vec<BlastInterval>,
    /// What the sender's host counted.
    sender: Option<HostChange>,
    /// What the receiver's host counted.
    receiver: Option<HostChange>,
}

/// Checks what the server claims as a sender against what this end received. Its claims as a
/// receiver were checked against what was sent during the run.
pub fn hold_claims(plan: &BlastPlan, control: &mut ControlSummary, found: &Collected) {
    if let Some((why, sent)) = control.contradiction.zip(found.sent.as_ref()) {
        control.disbelieve(why.beside(sent.datagrams));
    }
    let Some(received) = &found.received else { return };
    // Claims beyond this length are rejected with a wide margin anyway.
    let length = plan.test.time.max(Nanos(received.span_ns));
    let known = KnownRun {
        payload: u64::from(plan.test.payload),
        streams: u64::from(plan.test.streams),
        count: plan.test.count,
        length,
        sent: None,
    };
    let told = hold_numbers(received, &known).and_then(|()| match &control.sent {
        // If the run broke off, either end may not have reported on every stream.
        Some(sent) if control.complete => hold_sent_against_received(sent, received),
        _ => Ok(()),
    });
    if let Err(why) = told {
        control.disbelieve(why);
    }
}

/// The report of a run.
pub fn report(plan: &BlastPlan, control: &ControlSummary, found: Collected) -> BlastReport {
    let Collected {
        sent,
        received,
        received_streams,
        begun_up,
        begun_down,
        sender_io,
        receiver_io,
        host,
        up,
        down,
    } = found;
    let far = control.far_host.as_ref();
    let granted = control.streams.is_some();
    let (far_rx, far_tx) = (control.far_rx.as_ref(), control.far_tx.as_ref());
    let asked = Some(plan.stream.buffer as u64);
    let way_up = Facts {
        direction: Way::Up,
        sent: sent.map(|sent| explained(plan, sent)),
        received: control.received,
        received_streams: control.received_streams.clone(),
        begun: granted.then_some(begun_up),
        io: IoReport {
            tx: sender_io.map(|io| io.tx),
            rx: far_rx.and_then(|far| far.rx),
            batch: sender_io.map_or(0, |io| io.batch),
            send_buffer: sender_io.map(|io| io.send_buffer),
            receive_buffer_asked: asked.filter(|_| plan.named.is_none()),
            receive_buffer_granted: far_rx.map(|far| far.receive_buffer),
        },
        intervals: if control.contradiction.is_some() { Vec::new() } else { up },
        sender: host.clone(),
        receiver: far.cloned(),
    };
    let way_down = Facts {
        direction: Way::Down,
        sent: control.sent.clone(),
        received,
        received_streams,
        begun: granted.then_some(begun_down),
        io: IoReport {
            tx: far_tx.and_then(|far| far.tx),
            rx: receiver_io.map(|io| io.rx),
            batch: far_tx.map_or(0, |far| far.batch),
            send_buffer: far_tx.map(|far| far.send_buffer),
            receive_buffer_asked: asked,
            receive_buffer_granted: receiver_io.map(|io| io.receive_buffer),
        },
        intervals: down,
        sender: far.cloned(),
        receiver: host,
    };
    let (main, reverse) = match plan.test.direction {
        Direction::Up => (direction(plan, way_up, control), None),
        Direction::Down => (direction(plan, way_down, control), None),
        Direction::Both => {
            (direction(plan, way_up, control), Some(direction(plan, way_down, control)))
        }
    };
    let mut report = BlastReport {
        target: Endpoint::from(plan.target).to_string(),
        loopback: plan.target.ip().is_loopback(),
        one_host: control.one_host,
        seen_as: control.seen.clone(),
        goal: plan.test.rate,
        streams: plan.test.streams,
        payload_bytes: u64::from(plan.test.payload),
        complete: control.complete && !control.stopped,
        interrupted: control.stopped,
        failure: control.failure.clone(),
        failure_advice: None,
        contradiction: control.contradiction,
        probe: None,
        header: HeaderShare {
            udp_bytes: UDP_HEADER as u64,
            wire_bytes: flow::wire_bytes(plan),
            tcp_bytes: TCP_HEADER as u64,
        },
        main,
        reverse,
        limits: Vec::new(),
    };
    report.note_caveats();
    report
}

fn direction(plan: &BlastPlan, facts: Facts, control: &ControlSummary) -> DirectionReport {
    let complete = control.complete;
    let Facts {
        direction,
        sent,
        received,
        received_streams,
        begun,
        io,
        intervals,
        sender,
        receiver,
    } = facts;
    let several = control.contradiction.is_none() && received_streams.len() > 1;
    let payload = u64::from(plan.test.payload);
    let flow = Flow { plan, sent: sent.as_ref(), received: received.as_ref() };
    let span = sent.as_ref().map_or(0, |sent| sent.span_ns);
    let length = match (span, received) {
        (0, Some(counts)) => Nanos(counts.span_ns),
        (span, _) => Nanos(span),
    };
    // This end's intervals are based on the remote sender's sequence numbers.
    let lost = received.filter(|_| control.contradiction.is_none()).map(|counts| {
        let missing = missing(&counts, sent.as_ref(), complete);
        let facts = loss_facts(plan, &counts, sent.as_ref(), missing, &io);
        let [at_sender, at_receiver] =
            [&sender, &receiver].map(|host| host.as_ref().map(|host| host.counted));
        let shares = share_losses(&facts, at_sender.as_ref(), at_receiver.as_ref());
        (losses(&counts, sent.as_ref(), missing, &shares), shares)
    });
    let (lost, shares) = lost.unzip();
    let shares = shares.unwrap_or_default();
    let reordering = received.filter(|counts| counts.reordered > 0);
    let mut report = DirectionReport {
        direction,
        duration_ns: length.0,
        offered: flow.offered(),
        sent: flow.sent(),
        never_sent: sent.as_ref().map(BlastSent::never_sent),
        refused: sent.as_ref().map(|sent| sent.refused.clone()).unwrap_or_default(),
        network_errors: sent.as_ref().map(|sent| sent.network_errors.clone()).unwrap_or_default(),
        unsent: sent.as_ref().map_or(0, |sent| sent.unsent),
        blocked: sent.as_ref().map_or(0, |sent| sent.blocked),
        sender_limited: sent.as_ref().and_then(|sent| sender_limited(plan, sent)),
        streams_begun: begun,
        stream_rows: if several { stream_rows(&received_streams) } else { Vec::new() },
        counts_final: complete && sent.is_some() && received.is_some(),
        received: flow.received(),
        delivered: received.map(|counts| counts.firsts),
        delivered_bytes: received.map(|counts| counts.firsts.saturating_mul(payload)),
        copies: flow.copies(),
        lost,
        hosts: host_reports(direction, &shares, sender.as_ref(), receiver.as_ref()),
        burst_lengths: received.map(|counts| burst_lengths(&counts)).unwrap_or_default(),
        silence_ns: received.map(|counts| counts.silence_ns),
        receiver_pause_ns: received.and_then(|counts| counts.reader_pause_ns),
        duplicates: received.map(|counts| counts.duplicates),
        reordered: received.map(|counts| counts.reordered),
        reorder_extent_max: reordering.map(|counts| counts.reorder_extent_max),
        reorder_extent_mean_milli: reordering
            .map(|counts| counts.reorder_extent_sum.saturating_mul(1_000) / counts.reordered),
        too_late: received.map(|counts| counts.too_late),
        corrupt: received.map(|counts| counts.corrupt),
        strays: received.map(|counts| counts.strays),
        jitter_ns: received.and_then(|counts| counts.jitter_ns),
        delay_above_min_ns: received.map(|counts| counts.delay).unwrap_or_default(),
        drift_ppb: received.and_then(|counts| counts.drift_ppb),
        clock_steps: received.map(|counts| counts.clock_steps),
        lateness_ns: sent.as_ref().map(|sent| sent.lateness).unwrap_or_default(),
        sender_pause_ns: sent.as_ref().and_then(|sent| sent.pause_ns),
        quantum: sent.as_ref().map_or(0, |sent| sent.quantum),
        catch_ups: sent.as_ref().map_or(0, |sent| sent.catch_ups),
        io,
        sender_cpu_percent: sent.as_ref().and_then(|sent| share(Nanos(sent.cpu_ns), length)),
        receiver_cpu_percent: received
            .and_then(|counts| counts.cpu_ns)
            .and_then(|cpu| share(Nanos(cpu), length)),
        intervals,
        ..DirectionReport::default()
    };
    if complete && let (Some(sent), Some(received)) = (&sent, &received) {
        check_sums(sent, received);
    }
    let circumstances = Circumstances {
        goal: if plan.test.rate == Rate::Max { Goal::Unpaced } else { Goal::Paced },
        end: match (&control.failure, control.stopped) {
            (_, true) => RunEnd::Interrupted,
            (Some(_), false) => RunEnd::Failed,
            (None, false) => RunEnd::Whole,
        },
        count: plan.test.count,
        payload,
        streams: u64::from(plan.test.streams),
        fragments: plan.fragments(),
        one_host: control.one_host,
    };
    report.conclude(circumstances);
    report
}

/// Checks the identities that hold for every run in which both ends sent their final counts.
fn check_sums(sent: &BlastSent, received: &BlastReceived) {
    let BlastReceived { datagrams, firsts, duplicates, too_late, lost, .. } = *received;
    debug_assert_eq!(sent.offered, sent.never_sent() + sent.datagrams, "{sent:?}");
    debug_assert_eq!(datagrams, firsts + duplicates + too_late, "{received:?}");
    // A receiver that never got the sender's total cannot know of losses after the last datagram.
    let known = received.sender_total.is_some();
    debug_assert!(!known || sent.datagrams == firsts + lost, "{sent:?} {received:?}");
}

/// Loss bursts by length, without the lengths that did not occur.
fn burst_lengths(counts: &BlastReceived) -> Vec<BurstLength> {
    let classes = (0u32..).zip(counts.burst_lengths).filter(|(_, bursts)| *bursts > 0);
    classes
        .map(|(class, bursts)| {
            let last = class as usize == BURST_CLASSES - 1;
            let to = (!last).then(|| (2 << class) - 1);
            BurstLength { from: 1 << class, to, bursts }
        })
        .collect()
}

/// Lost is sent minus delivered once the receiver has finished; before that, the gaps that the
/// receiver saw.
fn missing(counts: &BlastReceived, sent: Option<&BlastSent>, complete: bool) -> u64 {
    match sent {
        Some(sent) if complete => sent.datagrams.saturating_sub(counts.firsts),
        _ => counts.lost,
    }
}

/// What is known of the missing datagrams.
fn loss_facts(
    plan: &BlastPlan,
    counts: &BlastReceived,
    sent: Option<&BlastSent>,
    missing: u64,
    io: &IoReport,
) -> LossFacts {
    let failed_sends = sent.map_or(0, |sent| {
        let errors = sent.refused.iter().chain(&sent.network_errors);
        errors.fold(sent.blocked, |sum, one| sum.saturating_add(one.datagrams))
    });
    LossFacts {
        missing,
        arrived: counts.datagrams,
        socket_drops: counts.socket_drops,
        drop_events: counts.drop_events,
        per_drop: match io.rx {
            Some(RxCall::Gro) | None => ReceiverPlan::COALESCED,
            Some(_) => 1,
        },
        failed_sends,
        fragments: plan.fragments(),
    }
}

fn losses(
    counts: &BlastReceived,
    sent: Option<&BlastSent>,
    total: u64,
    shares: &LossShares,
) -> Losses {
    let whole = Losses {
        total,
        never_sent: sent.map(BlastSent::never_sent),
        bursts: counts.loss_bursts,
        longest_burst: counts.longest_burst,
        ..Losses::default()
    };
    whole.of_shares(shares)
}

/// Adds to each refusal of this host the cause that the host's state shows.
fn explained(plan: &BlastPlan, sent: BlastSent) -> BlastSent {
    let explain = |refusal: Refusal| match refusal.errno {
        Some(errno) => {
            let cause = RefusalCause::Host { reason: explain(errno, plan.target) };
            Refusal { cause, ..refusal }
        }
        None => refusal,
    };
    BlastSent { refused: sent.refused.into_iter().map(explain).collect(), ..sent }
}

fn sender_limited(plan: &BlastPlan, sent: &BlastSent) -> Option<bool> {
    if plan.test.rate == Rate::Max || sent.offered == 0 {
        return None;
    }
    Some(fell_short(sent.offered, sent.unsent, plan.test.streams))
}

/// CPU time in percent of one core; `None` for a short run. Starting and ending a thread costs
/// about a millisecond, which would look like load in a short run.
fn share(cpu: Nanos, length: Nanos) -> Option<u64> {
    (length >= SHORT).then(|| (u128::from(cpu.0) * 100 / u128::from(length.0)) as u64)
}
