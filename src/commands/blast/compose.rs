//! Both ends' facts put together into one report.

use super::plan::BlastPlan;
use super::streams::StreamEnd;
use crate::record::{
    BlastInterval, BlastReceived, BlastReport, BlastSent, HeaderShare, IoReport, Losses, Traffic,
};
use crate::session::blast::ControlSummary;
use crate::units::{BitRate, Nanos, PacketRate, Rate};
use crate::wire::{TCP_HEADER, UDP_HEADER, ethernet_wire_bytes, udp_ip_bytes};

/// Share of the goal below which the sender is what limited the run.
const GOAL_MET: f64 = 0.99;

/// The report of a run.
pub fn report(
    plan: &BlastPlan,
    control: &ControlSummary,
    sender: Option<StreamEnd>,
    intervals: Vec<BlastInterval>,
) -> BlastReport {
    let sent = sender.as_ref().map(|end| end.sent.clone()).unwrap_or_default();
    let received = control.received;
    let length = Nanos(sent.span_ns);
    let traffic = |datagrams, bytes, span| traffic(plan, datagrams, bytes, span);
    let payload = u64::from(plan.test.payload);
    BlastReport {
        target: plan.target.to_string(),
        loopback: plan.target.ip().is_loopback(),
        seen_as: control.seen.clone(),
        goal: plan.test.rate.to_string(),
        payload_bytes: payload,
        duration_ns: sent.span_ns,
        complete: control.complete,
        failure: control.broken.clone(),
        offered: traffic(sent.offered, sent.offered * payload, length),
        sent: traffic(sent.datagrams, sent.bytes, length),
        never_sent: sent.never_sent(),
        refused: sent.refused.clone(),
        unsent: sent.unsent,
        blocked: sent.blocked,
        sender_limited: sender_limited(plan, &sent),
        received: received
            .map(|counts| traffic(counts.datagrams, counts.bytes, receive_span(&counts, length))),
        delivered: received.map(|counts| counts.firsts),
        lost: received.map(|counts| losses(&counts, &sent, control.complete)),
        duplicates: received.map(|counts| counts.duplicates),
        reordered: received.map(|counts| counts.reordered),
        too_late: received.map(|counts| counts.too_late),
        corrupt: received.map(|counts| counts.corrupt),
        strays: received.map(|counts| counts.strays),
        jitter_ns: received.and_then(|counts| counts.jitter_ns),
        delay_above_min_ns: received.map(|counts| counts.delay).unwrap_or_default(),
        lateness_ns: sent.lateness,
        quantum: sent.quantum,
        header: HeaderShare {
            udp_bytes: UDP_HEADER as u64,
            wire_bytes: wire_bytes(plan),
            tcp_bytes: TCP_HEADER as u64,
        },
        io: io(plan, control, sender.as_ref()),
        sender_cpu_percent: sender.as_ref().map_or(0, |end| share(end.cpu, length)),
        receiver_cpu_percent: received
            .and_then(|counts| counts.cpu_ns)
            .map(|cpu| share(Nanos(cpu), length)),
        intervals,
    }
}

/// Lost is what was sent less what came, once the far end has drained; before that, what its gaps
/// show.
fn losses(counts: &BlastReceived, sent: &BlastSent, complete: bool) -> Losses {
    let total = if complete { sent.datagrams.saturating_sub(counts.firsts) } else { counts.lost };
    let receiver_socket = counts.socket_drops.min(total);
    Losses {
        total,
        path: total - receiver_socket,
        receiver_socket,
        bursts: counts.loss_bursts,
        longest_burst: counts.longest_burst,
    }
}

/// One datagram has no span of its own; the sender's serves.
fn receive_span(counts: &BlastReceived, length: Nanos) -> Nanos {
    if counts.span_ns == 0 { length } else { Nanos(counts.span_ns) }
}

fn traffic(plan: &BlastPlan, datagrams: u64, bytes: u64, span: Nanos) -> Traffic {
    let payload = u64::from(plan.test.payload);
    let bits = |bytes_each: u64| BitRate::of(datagrams.saturating_mul(bytes_each), span).0;
    Traffic {
        datagrams,
        bytes,
        bits_per_second: BitRate::of(bytes, span).0,
        datagrams_per_second: PacketRate::of(datagrams, span).0 / 1000,
        udp_ip_bits_per_second: bits(udp_ip_bytes(payload as usize, plan.ip_family()) as u64),
        ethernet_bits_per_second: bits(wire_bytes(plan)),
    }
}

/// What one datagram takes on Ethernet. Loopback's MTU is no Ethernet's, so 1500 stands for it.
fn wire_bytes(plan: &BlastPlan) -> u64 {
    let mtu = if plan.target.ip().is_loopback() { 1500 } else { plan.mtu };
    ethernet_wire_bytes(plan.test.payload as usize, plan.ip_family(), mtu as usize) as u64
}

fn sender_limited(plan: &BlastPlan, sent: &BlastSent) -> Option<bool> {
    match plan.test.rate {
        Rate::Max => None,
        _ if sent.offered == 0 => None,
        _ => {
            let in_time = (sent.offered - sent.unsent) as f64;
            Some(in_time < sent.offered as f64 * GOAL_MET)
        }
    }
}

fn io(plan: &BlastPlan, control: &ControlSummary, sender: Option<&StreamEnd>) -> IoReport {
    IoReport {
        tx: sender.map_or("", |end| end.io.tx).to_owned(),
        rx: control.far_io.clone(),
        batch: sender.map_or(0, |end| end.io.batch),
        send_buffer: sender.map_or(0, |end| end.send_buffer),
        receive_buffer_asked: plan.named.is_none().then_some(plan.stream.buffer as u64),
        receive_buffer_granted: control.far_buffer,
    }
}

/// Processor time in percent of one core.
fn share(cpu: Nanos, length: Nanos) -> u64 {
    if length == Nanos::ZERO {
        return 0;
    }
    (u128::from(cpu.0) * 100 / u128::from(length.0)) as u64
}
