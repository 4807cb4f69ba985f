//! Combines what both ends counted into one report.

use super::flow::{self, Flow};
use super::iperf3_unknown::take_out_unknown;
use super::lost_tail::{Bursts, add_lost_tail};
use super::plan::BlastPlan;
use super::sizes::AskedMix;
use super::streams::Collected;
use crate::batch::{HostChange, LocalRefusal, RxCall, TxCall};
use crate::net::explain;
use crate::record::{
    ArrivalGaps, BURST_CLASSES, BlastHistograms, BlastInterval, BlastReceived, BlastReport,
    BlastSent, BurstLength, CapacityReport, ChangedContent, Circumstances, CoursePoint,
    DirectionReport, EcnClass, Goal, HeaderShare, IoReport, KnownHosts, KnownRun, LossFacts,
    Losses, Outage, PlacedLosses, Refusal, RefusalCause, RunEnd, SearchFacts, SendFailures,
    SizeCounts, SizeRow, StreamCounts, Way, ecn_findings, fell_short, hold_numbers,
    hold_sent_against_received, join_ways, stream_rows,
};
use crate::session::blast::{
    ControlSummary, Direction, Marking, ReceiverPlan, SizeAccount, highest_rate,
};
use crate::stats::{DelayHistogram, EncodedHistogram, OutageLog, StreamLosses};
use crate::units::{Endpoint, GSO_SEGMENTS, Nanos, Rate, TCP_HEADER, UDP_HEADER, udp_ip_bytes};
use crate::wire::split_tos;

/// Shorter runs do not allow a CPU percentage.
const SHORT: Nanos = Nanos::from_millis(100);

/// What the two ends of one direction reported.
struct Facts {
    direction: Way,
    sent: Option<BlastSent>,
    received: Option<BlastReceived>,
    /// Its delays; `None` where they are not known.
    delay: Option<EncodedHistogram>,
    /// What was received of each class of sizes; empty where all are the same, or not told.
    sizes: Vec<SizeCounts>,
    /// Its outages; `None` where they are not told.
    outages: Option<OutageLog>,
    /// What each stream received; empty if not reported.
    received_streams: Vec<StreamCounts>,
    /// Streams that started; `None` if none was requested.
    begun: Option<u64>,
    io: IoReport,
    intervals: Vec<BlastInterval>,
    /// The course of a search.
    course: Vec<CoursePoint>,
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
        least_payload: u64::from(plan.test.least_payload()),
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

/// What is reported of the client's datagrams.
fn facts_up(plan: &BlastPlan, control: &ControlSummary, found: &mut Collected) -> Facts {
    let (own, far) = (found.sender_io, control.far_rx.as_ref());
    Facts {
        direction: Way::Up,
        sent: found.sent.take().map(|sent| explained(plan, sent)),
        received: control.received,
        delay: control.delay.as_ref().map(DelayHistogram::encoded),
        sizes: control.sizes.clone(),
        outages: control.outages.clone(),
        received_streams: control.received_streams.clone(),
        begun: control.streams.map(|_| found.begun_up),
        io: IoReport {
            tx: own.map(|io| io.tx),
            rx: far.and_then(|far| far.rx),
            batch: own.map_or(0, |io| io.batch),
            send_buffer: own.map(|io| io.send_buffer),
            receive_buffer_asked: plan.named.is_none().then_some(plan.stream.buffer as u64),
            receive_buffer_granted: far.map(|far| far.receive_buffer),
        },
        intervals: match control.contradiction {
            Some(_) => Vec::new(),
            None => std::mem::take(&mut found.up),
        },
        course: std::mem::take(&mut found.course_up),
        sender: found.host.clone(),
        receiver: control.far_host.clone(),
    }
}

/// What is reported of the server's.
fn facts_down(plan: &BlastPlan, control: &ControlSummary, found: &mut Collected) -> Facts {
    let (own, far) = (found.receiver_io, control.far_tx.as_ref());
    Facts {
        direction: Way::Down,
        sent: control.sent.clone(),
        received: found.received,
        delay: found.delay.take(),
        sizes: found.sizes.iter().map(SizeAccount::counts).collect(),
        outages: found.outages.take(),
        received_streams: std::mem::take(&mut found.received_streams),
        begun: control.streams.map(|_| found.begun_down),
        io: IoReport {
            tx: far.and_then(|far| far.tx),
            rx: own.map(|io| io.rx),
            batch: far.map_or(0, |far| far.batch),
            send_buffer: far.map(|far| far.send_buffer),
            receive_buffer_asked: Some(plan.stream.buffer as u64),
            receive_buffer_granted: own.map(|io| io.receive_buffer),
        },
        intervals: std::mem::take(&mut found.down),
        course: std::mem::take(&mut found.course_down),
        sender: control.far_host.clone(),
        receiver: found.host.clone(),
    }
}

/// The report of a run.
pub fn report(plan: &BlastPlan, control: &ControlSummary, mut found: Collected) -> BlastReport {
    let up = facts_up(plan, control, &mut found);
    let down = facts_down(plan, control, &mut found);
    let (main, reverse) = match plan.test.direction {
        Direction::Up => (direction(plan, up, control), None),
        Direction::Down => (direction(plan, down, control), None),
        Direction::Both => (direction(plan, up, control), Some(direction(plan, down, control))),
    };
    let outages = match (&main.outages, reverse.as_ref().map(|way| &way.outages)) {
        (Some(up), Some(Some(down))) => Some(join_ways(up, down)),
        (told, None) => told.clone(),
        _ => None,
    };
    let mut report = BlastReport {
        outages,
        target: Endpoint::from(plan.target).to_string(),
        loopback: plan.target.ip().is_loopback(),
        one_host: control.one_host,
        seen_as: control.seen.clone(),
        address_changes: control.moves.clone(),
        interface_events: control.interface_events.clone(),
        keepalives: found.keepalives,
        goal: plan.test.rate,
        streams: plan.test.streams,
        payload_bytes: u64::from(plan.test.payload),
        sizes: plan.mix.as_ref().map(AskedMix::record),
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
        iperf3: None,
    };
    report.note_caveats();
    report
}

/// What was lost at the end of streams that were cut off is in the receiver's counts, and in the
/// last interval.
fn end_streams(plan: &BlastPlan, facts: &mut Facts) -> Bursts {
    let (Some(sent), Some(received)) = (&facts.sent, &mut facts.received) else {
        return Bursts::Known;
    };
    let seen = received.lost;
    let streams = plan.test.streams;
    let bursts = add_lost_tail(received, &mut facts.received_streams, sent.datagrams, streams);
    if let Some(last) = facts.intervals.last_mut() {
        last.lost = last.lost.saturating_add(received.lost - seen);
    }
    bursts
}

fn direction(plan: &BlastPlan, mut facts: Facts, control: &ControlSummary) -> DirectionReport {
    let complete = control.complete;
    // An iperf3 server that does not tell of loss knows of none at the end either.
    let is_told = plan.iperf3.is_none() || facts.direction == Way::Down;
    let bursts = if complete && is_told && control.contradiction.is_none() {
        end_streams(plan, &mut facts)
    } else {
        Bursts::Known
    };
    let several = control.contradiction.is_none() && facts.received_streams.len() > 1;
    let payload = u64::from(plan.test.payload);
    let (sent, received) = (facts.sent.as_ref(), facts.received.as_ref());
    let counts_final = complete && sent.is_some() && received.is_some();
    let delivered = (!facts.sizes.is_empty())
        .then(|| facts.sizes.iter().fold(0u64, |sum, one| sum.saturating_add(one.bytes)));
    let flow = Flow { plan, sent, received, counts_final, delivered };
    let span = sent.map_or(0, |sent| sent.span_ns);
    let length = match (span, received) {
        (0, Some(counts)) => Nanos(counts.span_ns),
        (span, _) => Nanos(span),
    };
    // This end's intervals are based on the remote sender's sequence numbers.
    let lost = received.filter(|_| control.contradiction.is_none()).map(|counts| {
        let missing = missing(counts, sent, complete);
        let known = loss_facts(plan, counts, sent, missing, &facts.io);
        (losses(counts, sent, missing), known)
    });
    let hosts = KnownHosts {
        way: facts.direction,
        sender: facts.sender.as_ref(),
        receiver: facts.receiver.as_ref(),
    };
    let known = lost.map(|(_, known)| known).unwrap_or_default();
    let (places, hosts) = PlacedLosses::share(known, None, hosts);
    let lost = lost.map(|(lost, _)| lost.of_places(&places));
    let mut report = DirectionReport {
        direction: facts.direction,
        duration_ns: length.0,
        offered: flow.offered(),
        sent: flow.sent(),
        received: flow.received(),
        copies: flow.copies(),
        streams_begun: facts.begun,
        stream_rows: if several { stream_rows(&facts.received_streams) } else { Vec::new() },
        counts_final,
        lost,
        hosts,
        ..DirectionReport::default()
    };
    if is_told && control.contradiction.is_none() {
        report.ecn_classes = ecn_classes(plan, &facts);
        report.ecn_findings = ecn_findings(&report.ecn_classes);
    }
    if let Some(sent) = sent {
        add_sent(&mut report, plan, sent);
    }
    if let Some(received) = received {
        add_received(&mut report, plan, received);
    }
    // Ends on one host have one clock.
    if control.one_host || plan.target.ip().is_loopback() {
        report.drift_ppb = None;
    }
    if complete && let (Some(sent), Some(received)) = (sent, received) {
        check_sums(sent, received);
    }
    report.capacity = capacity(plan, &facts);
    (report.io, report.intervals) = (facts.io, facts.intervals);
    report.arrival_gaps = facts
        .outages
        .as_ref()
        .map(|log| ArrivalGaps::new(facts.direction, log).asked(plan.is_outage_asked));
    if delivered.is_some() {
        report.delivered_bytes = delivered;
    }
    let span = received.map_or(0, |counts| counts.span_ns).max(length.0);
    report.size_rows = facts.sizes.iter().map(|one| SizeRow::new(one, Nanos(span))).collect();
    report.histograms = BlastHistograms { delay_above_min_ns: facts.delay };
    let circumstances = Circumstances {
        goal: match (plan.test.rate, plan.test.capacity) {
            (Rate::Max, _) | (_, Some(_)) => Goal::Unpaced,
            _ => Goal::Paced,
        },
        end: match (&control.failure, control.stopped) {
            (_, true) => RunEnd::Interrupted,
            (Some(_), false) => RunEnd::Failed,
            (None, false) => RunEnd::Whole,
        },
        count: plan.test.count,
        // Only the greetings of an iperf3 test are small: too few to be compared with.
        payload: if plan.iperf3.is_some() { 0 } else { payload },
        streams: u64::from(plan.test.streams),
        fragments: plan.fragments(),
        one_host: control.one_host,
    };
    if plan.iperf3.is_some() && report.direction == Way::Up {
        take_out_unknown(&mut report, received);
    }
    if bursts == Bursts::Unknown {
        take_out_bursts(&mut report);
    }
    report.conclude(circumstances);
    report
}

/// What was sent with each ECN field, and how it arrived.
fn ecn_classes(plan: &BlastPlan, facts: &Facts) -> Vec<EcnClass> {
    let streams = &facts.received_streams;
    if plan.test.marking == Marking::EachItsOwn {
        let sent_as = |stream| plan.test.marking.of_stream(stream).unwrap_or_default();
        return EcnClass::of_streams(streams, sent_as);
    }
    let Some(received) = &facts.received else { return Vec::new() };
    // A server of udpkit does not mark, one of iperf3 does as its client.
    let own = plan.iperf3.is_some() || facts.direction == Way::Up;
    let tos = plan.stream.tos.filter(|_| own).unwrap_or_default();
    let whole = StreamCounts {
        sent: facts.sent.as_ref().map(|sent| sent.datagrams),
        ..StreamCounts::from(received)
    };
    let known = whole.ecn.is_some();
    if known { EcnClass::of_streams(&[whole], |_| split_tos(tos).1) } else { Vec::new() }
}

/// What a search found.
fn capacity(plan: &BlastPlan, facts: &Facts) -> Option<CapacityReport> {
    let payload = plan.test.payload as usize;
    Some(CapacityReport::of(SearchFacts {
        kind: plan.test.capacity?,
        intervals: &facts.intervals,
        length_ns: plan.test.interval.0,
        course: &facts.course,
        payload: payload as u64,
        ip_bytes: udp_ip_bytes(payload, plan.ip_family()) as u64,
        highest: highest_rate(&plan.test),
    }))
}

/// Nothing tells in which bursts the end of the streams was lost, nor which of them were interrupted.
fn take_out_bursts(report: &mut DirectionReport) {
    let unknown = |lost| Losses { bursts: None, longest_burst: None, ..lost };
    report.lost = report.lost.map(unknown);
    report.stream_rows.iter_mut().for_each(|row| row.loss_bursts = None);
    report.burst_lengths.clear();
    report.outages = None;
    report.arrival_gaps = None;
}

/// Adds what the sender counted.
fn add_sent(report: &mut DirectionReport, plan: &BlastPlan, sent: &BlastSent) {
    report.never_sent = Some(sent.never_sent());
    report.refused.clone_from(&sent.refused);
    report.network_errors.clone_from(&sent.network_errors);
    report.unsent = sent.unsent;
    report.blocked = sent.blocked;
    report.sender_limited = sender_limited(plan, sent);
    report.lateness_ns = sent.lateness;
    report.sender_pause_ns = sent.pause_ns;
    report.quantum = sent.quantum;
    report.catch_ups = sent.catch_ups;
    report.sender_cpu_percent = share(Nanos(sent.cpu_ns), Nanos(report.duration_ns));
}

/// Adds what the receiver counted.
fn add_received(report: &mut DirectionReport, plan: &BlastPlan, counts: &BlastReceived) {
    report.delivered = Some(counts.firsts);
    report.delivered_bytes = Some(counts.firsts.saturating_mul(plan.test.mean_payload()));
    report.burst_lengths = burst_lengths(counts);
    let all = counts.datagrams.saturating_add(counts.changed.datagrams());
    // Of more datagrams than streams, two came by one.
    let is_between = counts.silence_ns > 0 || all > u64::from(plan.test.streams);
    report.silence_ns = Some(counts.silence_ns).filter(|_| is_between);
    let (arrived, lost, bursts) = (counts.numbers(), counts.lost, counts.loss_bursts);
    let stream = StreamLosses { arrived, lost, bursts };
    report.outages = Some(Outage::among(report.direction, &counts.gaps, stream));
    report.receiver_pause_ns = counts.reader_pause_ns;
    report.duplicates = Some(counts.duplicates);
    report.reordered = Some(counts.reordered);
    let extents = counts.reorder_extent_sum.saturating_mul(1_000);
    if let Some(mean) = extents.checked_div(counts.reordered) {
        report.reorder_extent_max = Some(counts.reorder_extent_max);
        report.reorder_extent_mean_milli = Some(mean);
    }
    let ChangedContent { cut, cut_to_bytes, altered } = counts.changed;
    (report.cut, report.altered) = (Some(cut), Some(altered));
    report.cut_to_bytes = (cut > 0).then_some(cut_to_bytes);
    report.too_late = Some(counts.too_late);
    report.corrupt = Some(counts.corrupt);
    report.strays = Some(counts.strays);
    report.jitter_ns = counts.jitter_ns;
    report.delay_above_min_ns = counts.delay;
    report.drift_ppb = counts.drift_ppb;
    report.clock_steps = Some(counts.clock_steps);
    let length = Nanos(report.duration_ns);
    report.receiver_cpu_percent = counts.cpu_ns.and_then(|cpu| share(Nanos(cpu), length));
}

/// Checks the identities that hold for every run in which both ends sent their final counts.
fn check_sums(sent: &BlastSent, received: &BlastReceived) {
    let BlastReceived { datagrams, firsts, duplicates, too_late, lost, .. } = *received;
    let numbers = received.numbers();
    debug_assert_eq!(sent.offered, sent.never_sent() + sent.datagrams, "{sent:?}");
    debug_assert_eq!(datagrams, firsts + duplicates + too_late, "{received:?}");
    // A receiver that never got the sender's total cannot know of losses after the last datagram.
    let known = received.sender_total.is_some();
    debug_assert!(!known || sent.datagrams == numbers + lost, "{sent:?} {received:?}");
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
        Some(sent) if complete => sent.datagrams.saturating_sub(counts.numbers()),
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
    let is_iperf3 = plan.iperf3.is_some();
    let coalesced = match io.tx {
        Some(TxCall::Gso) | None => GSO_SEGMENTS as u64,
        Some(_) => 1,
    };
    LossFacts {
        missing,
        arrived: counts.datagrams.saturating_add(counts.changed.datagrams()),
        socket_drops: counts.socket_drops,
        drop_events: counts.drop_events,
        drops_known: true,
        per_drop: match io.rx {
            Some(RxCall::Gro) | None => ReceiverPlan::COALESCED,
            Some(_) => 1,
        },
        failures: sent.map(send_failures).unwrap_or_default(),
        // What is sent in iperf3's omitted time is counted by the host alone.
        accepted: sent.filter(|_| !is_iperf3).map(|sent| sent.datagrams),
        per_send: coalesced.min(u64::from(io.batch).max(1)),
        fragments: plan.fragments(),
    }
}

/// What a sender of which this is known did not send.
fn send_failures(sent: &BlastSent) -> SendFailures {
    let sum = |refused: &mut dyn Iterator<Item = &Refusal>| {
        refused.fold(0u64, |sum, one| sum.saturating_add(one.datagrams))
    };
    let is_full = |one: &&Refusal| one.errno.map(LocalRefusal::of) == Some(LocalRefusal::QueueFull);
    let queue_full = sum(&mut sent.refused.iter().filter(is_full));
    // A buffer of several datagrams is one failed call; elsewhere each datagram is.
    let queue_full_buffers = sent.queue_full_buffers.unwrap_or(queue_full).min(queue_full);
    let others = sum(&mut sent.refused.iter().filter(|one| !is_full(one)));
    let errors = sum(&mut sent.network_errors.iter());
    let calls = [queue_full_buffers, others, errors, sent.blocked];
    SendFailures {
        queue_full,
        queue_full_buffers,
        calls: calls.into_iter().fold(0, u64::saturating_add),
    }
}

fn losses(counts: &BlastReceived, sent: Option<&BlastSent>, total: u64) -> Losses {
    Losses {
        total,
        never_sent: sent.map(BlastSent::never_sent),
        bursts: Some(counts.loss_bursts),
        longest_burst: Some(counts.longest_burst),
        ..Losses::default()
    }
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
    if plan.test.rate == Rate::Max || plan.test.capacity.is_some() || sent.offered == 0 {
        return None;
    }
    Some(fell_short(sent.offered, sent.unsent, plan.test.streams))
}

/// CPU time in percent of one core; `None` for a short run. Starting and ending a thread costs
/// about a millisecond, which would look like load in a short run.
fn share(cpu: Nanos, length: Nanos) -> Option<u64> {
    (length >= SHORT).then(|| (u128::from(cpu.0) * 100 / u128::from(length.0)) as u64)
}
