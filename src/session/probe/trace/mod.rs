//! `probe trace`: the routers of a path, found with datagrams whose TTL expires on the way.
//!
//! All datagrams of one flow have the same addresses and ports, so that routers that balance load
//! per flow keep them on one path (Paris traceroute, Augustin et al. 2006); they are told apart by
//! the number that an ICMP message quotes. If a router quotes less, as RFC 792 allows, the flow
//! continues with one datagram at a time. A datagram with the full TTL tests the target itself.
//!
//! ```text
//! plan    parameters
//! flow    one flow: its hops, which are due, what was received for each
//! judge   the verdict
//! ```

mod flow;
mod judge;
mod plan;
#[cfg(test)]
mod tests;

pub use plan::TracePlan;
#[cfg(test)]
pub(in crate::session) use tests::TRACE;

use super::probe_batch::round_trip;
use crate::batch::{
    Datagram, Dest, ErrorOrigin, IcmpMeaning, NetworkError, SendOutcome, SendStop, TxBatch,
};
use crate::machine::{Next, Now, Session};
use crate::record::Findings;
use crate::record::probe::{TraceAnswer, TraceReport, TraceVerdict};
use crate::units::Nanos;
use crate::wire::pattern;
use crate::wire::stamp::{ErrorEstimate, StampReply, StampRequest, TimeFormat, Timestamp};
use flow::{Flow, Heard, Place};
use std::net::IpAddr;

/// Bytes of a probe returned by a host that echoes what it got.
const SIGNED: usize = 16;

/// State of `probe trace`.
pub struct TraceSession {
    plan: TracePlan,
    flows: Vec<Flow>,
    /// For each number: the flow and the place in it.
    numbers: Vec<(usize, Place)>,
    /// Contents of the current batch.
    written: Vec<(usize, Place)>,
    started: Option<Now>,
    stopped: bool,
}

impl TraceSession {
    /// A session at its start.
    pub fn new(plan: TracePlan) -> Self {
        let flows = plan.sources.iter().map(|port| Flow::new(&plan, *port)).collect();
        Self {
            plan,
            flows,
            numbers: Vec::new(),
            written: Vec::new(),
            started: None,
            stopped: false,
        }
    }

    /// Capacity of a batch: datagrams and their bytes.
    pub fn room(&self) -> (usize, usize) {
        let flows = self.flows.len().max(1);
        (flows, flows * self.plan.len)
    }

    fn request(&self, number: u32, sent: Nanos) -> StampRequest {
        StampRequest {
            seq: number,
            sent: Timestamp::of(sent, TimeFormat::Ntp),
            error: ErrorEstimate::default(),
            ssid: self.plan.ssid,
        }
    }

    /// The probe with this number, if it belongs to this flow.
    fn find(&self, flow: usize, number: u32) -> Option<Place> {
        let (of, place) = *self.numbers.get(number as usize)?;
        (of == flow).then_some(place)
    }

    /// The probe that an ICMP message quotes.
    fn quoted(&self, flow: usize, quote: &[u8]) -> Option<Place> {
        let number = u32::from_be_bytes(*quote.first_chunk()?);
        let ours = quote.get(14..16).is_none_or(|ssid| ssid == self.plan.ssid.to_be_bytes());
        self.find(flow, number).filter(|_| ours)
    }

    /// The probe that a datagram answers, and the reflector's hop count.
    fn answered(&self, flow: usize, payload: &[u8]) -> Option<(Place, Option<u8>)> {
        let number = u32::from_be_bytes(*payload.first_chunk()?);
        if let Some(place) = self.find(flow, number) {
            let sent = self.flows[flow].sent_at(place)?;
            let request = self.request(number, sent.real).encode();
            if payload.get(..SIGNED) == Some(&request[..SIGNED]) {
                return Some((place, None));
            }
        }
        let reply = StampReply::decode(payload).ok()?;
        let place = self.find(flow, reply.request.seq)?;
        let sent = self.flows[flow].sent_at(place)?;
        let ours = reply.request.sent.bits == Timestamp::of(sent.real, TimeFormat::Ntp).bits;
        // 255 means unknown to the reflector; a TTL larger than was sent is that of a relay.
        let hops = place.ttl.checked_sub(reply.ttl).filter(|_| reply.ttl < 255);
        ours.then_some((place, hops))
    }

    fn is_target(&self, from: Option<IpAddr>) -> bool {
        from == Some(self.plan.target.ip())
    }

    /// Whether nothing more can become known.
    fn is_over(&self, now: Now) -> bool {
        self.stopped || self.flows.iter().all(|flow| flow.is_done(now.mono, &self.plan))
    }
}

impl Session for TraceSession {
    type Summary = TraceReport;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        self.started.get_or_insert(now);
        out.reset();
        self.written.clear();
        if self.is_over(now) {
            return Next::Done;
        }
        let mut at = Nanos::MAX;
        for index in 0..self.flows.len() {
            match self.flows[index].due(now.mono, &self.plan) {
                Ok(place) => {
                    let number = (self.numbers.len() + self.written.len()) as u32;
                    let request = self.request(number, now.real).encode();
                    let dest = Dest {
                        socket: index,
                        ttl: place.ttl,
                        fragmentation: self.plan.fragmentation,
                        ..self.plan.target.into()
                    };
                    let dest = out.add_dest(dest);
                    let Some(bytes) = out.push(dest, self.plan.len) else {
                        return Next::Send;
                    };
                    let (head, rest) = bytes.split_at_mut(request.len());
                    head.copy_from_slice(&request);
                    pattern::fill(request.len(), rest);
                    self.written.push((index, place));
                }
                Err(later) => at = at.min(later),
            }
        }
        if !out.is_empty() {
            return Next::Send;
        }
        if at == Nanos::MAX { Next::Idle } else { Next::WaitUntil(at) }
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let written = std::mem::take(&mut self.written);
        let refused = match outcome.stop {
            Some(SendStop::Refused { datagrams, errno }) => Some((datagrams, errno)),
            _ => None,
        };
        for (index, (flow, place)) in written.into_iter().enumerate() {
            let behind = index.checked_sub(outcome.accepted);
            match (behind, refused) {
                (None, _) => self.flows[flow].sent(place, now),
                (Some(behind), Some((datagrams, errno))) if behind < datagrams => {
                    self.flows[flow].refused(place, now, errno);
                }
                // Not tried: its flow makes it due again, with another number.
                _ => continue,
            }
            self.numbers.push((flow, place));
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let flow = datagram.meta.socket;
        if flow >= self.flows.len() || datagram.truncated() {
            return;
        }
        let Some((place, hops)) = self.answered(flow, datagram.payload) else { return };
        let Some(sent) = self.flows[flow].sent_at(place) else { return };
        let heard = Heard {
            from: Some(datagram.meta.source.ip()),
            answer: TraceAnswer::Answer,
            icmp: None,
            meaning: None,
            at_target: true,
            rtt: round_trip(sent, now, datagram.meta.arrival),
        };
        self.flows[flow].hear(place, heard);
        self.flows[flow].note_hops(hops);
    }

    fn on_network_error(&mut self, now: Now, error: &NetworkError) {
        let flow = error.socket;
        if flow >= self.flows.len() {
            return;
        }
        if error.origin == ErrorOrigin::Local {
            let place = self.quoted(flow, error.quoted());
            self.flows[flow].rejected_here(place, error.errno);
            return;
        }
        let Some(place) = self.quoted(flow, error.quoted()) else {
            // The quote is too short: the probe is known only if there is just one in flight.
            if error.quoted().len() < SIGNED {
                let only = self.flows[flow].only_waiting(now.mono, &self.plan);
                match only {
                    Some(place) => self.hear_error(flow, place, now, error),
                    None => self.flows[flow].go_one_by_one(now.mono),
                }
            }
            return;
        };
        self.hear_error(flow, place, now, error);
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.flows.iter_mut().for_each(|flow| flow.pause(length));
    }

    fn expected_end(&self, now: Now) -> Option<Nanos> {
        self.flows.iter().map(|flow| flow.expected_end(now.mono, &self.plan)).max()
    }

    fn on_stop(&mut self, _now: Now) {
        self.stopped = true;
    }

    fn finish(self, now: Now) -> TraceReport {
        let started = self.started.unwrap_or(now);
        let flows = self.flows.into_iter().map(|flow| flow.report(&self.plan)).collect();
        let mut report = TraceReport {
            target: self.plan.target.into(),
            payload_bytes: self.plan.len as u64,
            tries: self.plan.tries,
            hop_limit: self.plan.hops,
            wait_ns: self.plan.wait.0,
            duration_ns: (now.mono - started.mono).0,
            interrupted: self.stopped,
            flows,
            findings: Findings::new(TraceVerdict::NoFlow),
        };
        report.findings = judge::judge(&report);
        report
    }
}

impl TraceSession {
    fn hear_error(&mut self, flow: usize, place: Place, now: Now, error: &NetworkError) {
        let Some(sent) = self.flows[flow].sent_at(place) else { return };
        let kind = (error.origin, error.icmp_type, error.icmp_code);
        let exceeded = matches!(kind, (ErrorOrigin::Icmp, 11, 0) | (ErrorOrigin::Icmp6, 3, 0));
        let heard = Heard {
            from: error.offender,
            answer: if exceeded { TraceAnswer::TimeExceeded } else { TraceAnswer::Unreachable },
            icmp: Some((error.icmp_type, error.icmp_code)),
            meaning: IcmpMeaning::of(error.origin, (error.icmp_type, error.icmp_code)),
            at_target: !exceeded && self.is_target(error.offender),
            rtt: now.mono - sent.mono,
        };
        self.flows[flow].hear(place, heard);
    }
}
