//! Round trips alongside a load: a STAMP session-sender that compares an idle path with a loaded
//! one.

use crate::batch::{Datagram, DestId, SendOutcome, SendStop, TransmitStamp, TxBatch};
use crate::machine::{Next, Now, Orders, Session};
use crate::pace::Pacer;
use crate::stats::DelayHistogram;
use crate::units::Nanos;
use crate::wire::stamp::{
    ErrorEstimate, PacketForm, StampKey, StampReply, StampRequest, TimeFormat, Timestamp,
};

/// Maximum probes awaiting an answer; beyond it the oldest is given up.
const OUTSTANDING: usize = 4_096;
/// Maximum overdue probes sent at once; older slots are skipped, since a late round trip says
/// nothing about its slot.
const CATCH_UP: u64 = 4;

/// Load of the path while probes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbePhase {
    /// Nothing.
    Idle,
    /// The load is running.
    Loaded,
    /// The following probes are not measured.
    Rest,
    /// The end, after a wait for answers in flight.
    Over,
}

/// How probes are sent.
#[derive(Clone, Debug)]
pub struct ProberPlan {
    /// Time between two probes.
    pub interval: Nanos,
    /// Time-out of an answer.
    pub patience: Nanos,
    /// The key of the authenticated mode.
    pub key: Option<StampKey>,
    /// The session identifier (SSID).
    pub ssid: u16,
}

/// Results of one phase's probes.
#[derive(Clone, Debug, Default)]
pub struct PhaseResults {
    /// Probes sent.
    pub sent: u64,
    /// Probes that this host refused to send.
    pub never_sent: u64,
    /// Of those sent, the number answered in time.
    pub back: u64,
    /// Their round trips from the actual transmission, without the time in the reflector.
    pub delay: DelayHistogram,
}

/// Result of the prober.
#[derive(Clone, Debug, Default)]
pub struct ProberSummary {
    /// Before the load.
    pub idle: PhaseResults,
    /// During the load.
    pub loaded: PhaseResults,
}

#[derive(Clone, Copy, Debug)]
struct Outstanding {
    seq: u32,
    /// When it was sent: by the kernel's stamp, or when it was handed over.
    sent: Nanos,
    /// Whether the transmit time is unknown: this host was paused, and there is no kernel stamp.
    unsure: bool,
    phase: ProbePhase,
}

/// The session-sender.
pub struct StampProber<O> {
    plan: ProberPlan,
    orders: O,
    phase: ProbePhase,
    /// Ring of probes by number.
    outstanding: Vec<Option<Outstanding>>,
    seq: u32,
    /// The schedule; `None` before the first probe.
    pacer: Option<Pacer>,
    /// Number of probes in the current batch.
    written: u32,
    /// When probes were last handed to the kernel.
    last_sent: Nanos,
    ends: Option<Nanos>,
    summary: ProberSummary,
}

impl<O: Orders<ProbePhase>> StampProber<O> {
    /// A prober that assumes an idle path until `orders` say otherwise.
    pub fn new(plan: ProberPlan, orders: O) -> Self {
        Self {
            plan,
            orders,
            phase: ProbePhase::Idle,
            outstanding: vec![None; OUTSTANDING],
            seq: 0,
            pacer: None,
            written: 0,
            last_sent: Nanos::ZERO,
            ends: None,
            summary: ProberSummary::default(),
        }
    }

    /// Length of a probe in bytes.
    pub fn probe_len(&self) -> usize {
        PacketForm::of(self.plan.key.as_ref()).len()
    }

    fn trips(&mut self, phase: ProbePhase) -> Option<&mut PhaseResults> {
        match phase {
            ProbePhase::Idle => Some(&mut self.summary.idle),
            ProbePhase::Loaded => Some(&mut self.summary.loaded),
            ProbePhase::Rest | ProbePhase::Over => None,
        }
    }

    fn write(&mut self, now: Now, out: &mut TxBatch) -> bool {
        let request = StampRequest {
            seq: self.seq.wrapping_add(self.written),
            sent: Timestamp::of(now.real, TimeFormat::Ntp),
            // Only differences are used, so the error of this clock does not matter.
            error: ErrorEstimate::of(Nanos::from_secs(1), TimeFormat::Ntp),
            ssid: self.plan.ssid,
        };
        let Some(bytes) = out.push(DestId::CONNECTED, self.probe_len()) else { return false };
        self.written += 1;
        request.write_to(self.plan.key.as_ref(), bytes).is_some()
    }

    fn decode(&self, payload: &[u8]) -> Option<StampReply> {
        match &self.plan.key {
            None => StampReply::decode(payload).ok(),
            Some(key) => StampReply::decode_signed(payload, key).ok(),
        }
    }
}

impl<O: Orders<ProbePhase>> Session for StampProber<O> {
    type Summary = ProberSummary;

    fn poll_transmit(&mut self, now: Now, out: &mut TxBatch) -> Next {
        while let Some(phase) = self.orders.next_order() {
            self.phase = phase;
        }
        self.written = 0;
        if self.phase == ProbePhase::Over {
            let (waiting, patience) = (&self.outstanding, self.plan.patience);
            let end = *self.ends.get_or_insert_with(|| {
                let last = waiting.iter().flatten().map(|probe| probe.sent + patience).max();
                last.unwrap_or(now.mono)
            });
            return if now.mono >= end { Next::Done } else { Next::WaitUntil(end) };
        }
        let interval = self.plan.interval;
        let pacer = self.pacer.get_or_insert_with(|| Pacer::new(now.mono, 1, interval, Some(1)));
        let slots = pacer.owed(now.mono);
        // What is later than that is skipped.
        pacer.commit(now.mono, slots);
        let next = pacer.next_at();
        for _ in 0..slots.min(CATCH_UP) {
            if !self.write(now, out) {
                break;
            }
        }
        Next::WaitUntil(next)
    }

    fn on_sent(&mut self, now: Now, _batch: &TxBatch, outcome: &SendOutcome) {
        let accepted = outcome.accepted.min(self.written as usize);
        let phase = self.phase;
        for _ in 0..accepted {
            let probe = Outstanding { seq: self.seq, sent: now.mono, unsure: false, phase };
            self.outstanding[self.seq as usize % OUTSTANDING] = Some(probe);
            self.seq = self.seq.wrapping_add(1);
        }
        if let Some(trips) = self.trips(phase) {
            trips.sent += accepted as u64;
            if let Some(SendStop::Refused { datagrams, .. }) = outcome.stop {
                trips.never_sent += datagrams as u64;
            }
        }
        self.last_sent = now.mono;
    }

    fn on_transmit_stamp(&mut self, now: Now, stamp: &TransmitStamp) {
        // Probes have the numbers by which the socket counts them.
        let place = &mut self.outstanding[stamp.number as usize % OUTSTANDING];
        let Some(probe) = place.as_mut().filter(|probe| probe.seq == stamp.number) else { return };
        if let Some(left) = on_monotonic(now, stamp.at).filter(|left| *left >= probe.sent) {
            (probe.sent, probe.unsure) = (left, false);
        }
    }

    fn on_pause(&mut self, _now: Now, length: Nanos) {
        self.ends = self.ends.map(|end| end + length);
        for probe in self.outstanding.iter_mut().flatten() {
            probe.unsure |= probe.sent >= self.last_sent;
        }
    }

    fn on_datagram(&mut self, now: Now, datagram: &Datagram<'_>) {
        let Some(reply) = self.decode(datagram.payload) else { return };
        if reply.request.ssid != self.plan.ssid && reply.request.ssid != 0 {
            return;
        }
        let place = &mut self.outstanding[reply.request.seq as usize % OUTSTANDING];
        let Some(probe) = place.take_if(|probe| probe.seq == reply.request.seq) else { return };
        let whole = on_monotonic(now, datagram.meta.arrival)
            .and_then(|arrival| arrival.checked_since(probe.sent));
        if whole.is_some_and(|whole| whole > self.plan.patience) {
            return;
        }
        let (received, sent) = (reply.received, reply.sent);
        let inside = if received.is_unknown() || sent.is_unknown() {
            Some(Nanos::ZERO)
        } else {
            sent.near(now.real).checked_since(received.near(now.real))
        };
        // Unknown where a clock was set meanwhile, here or there: it came back, and that is all.
        let trip = whole.zip(inside).and_then(|(whole, inside)| whole.checked_since(inside));
        if let Some(trips) = self.trips(probe.phase) {
            trips.back += 1;
            if let Some(trip) = trip.filter(|_| !probe.unsure) {
                trips.delay.record(trip);
            }
        }
    }

    fn on_stop(&mut self, _now: Now) {
        self.phase = ProbePhase::Over;
    }

    fn finish(self, _now: Now) -> ProberSummary {
        self.summary
    }
}

/// A kernel's stamp, which is on the real-time clock, on the monotonic one; `None` if it lies in
/// the future or before the monotonic clock's zero, because the real-time clock was set.
fn on_monotonic(now: Now, stamp: Nanos) -> Option<Nanos> {
    now.mono.checked_since(now.real.checked_since(stamp)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{RxEntry, RxMeta};
    use crate::impair::{Delay, Impairments, Jitter};
    use crate::netsim::{Host, Link, Mailbox, Network, Responder, SimSocket, Way};
    use std::collections::VecDeque;

    fn at(micros: u64) -> Now {
        Now {
            mono: Nanos::from_micros(micros),
            real: Nanos::from_micros(1_800_000_000_000_000 + micros),
        }
    }

    fn plan(key: Option<StampKey>) -> ProberPlan {
        let (interval, patience) = (Nanos::from_millis(10), Nanos::from_secs(1));
        ProberPlan { interval, patience, key, ssid: 9 }
    }

    fn reflected(key: Option<&StampKey>, now: Now, bytes: &[u8]) -> Vec<u8> {
        let request = match key {
            None => StampRequest::decode(bytes),
            Some(key) => StampRequest::decode_signed(bytes, key),
        };
        let at = Timestamp::of(now.real, TimeFormat::Ntp);
        let request = request.unwrap();
        let reply = StampReply { request, received: at, sent: at, ..StampReply::default() };
        key.map_or_else(|| reply.encode().to_vec(), |key| reply.encode_signed(key).to_vec())
    }

    /// A path of 50 µs in each direction, of 500 µs while it is loaded; every `lose`th probe is lost.
    fn run(key: Option<StampKey>, lose: u64) -> ProberSummary {
        let path = |micros| {
            let delay = Delay { base: Nanos::from_micros(micros), jitter: Jitter::None };
            Impairments { delay, ..Impairments::default() }
        };
        let mut count = 0;
        let near = Host::at("192.0.2.1").behind_rule(move |_, way, _| {
            count += u64::from(way == Way::Out);
            way == Way::Back || !count.is_multiple_of(lose)
        });
        let mut network = Network::new(1);
        let near = network.add(near.behind(Link::both(&path(50))));
        let far = network.add(Host::at("198.51.100.1"));
        let (own, target) = (([192, 0, 2, 1], 5_000).into(), ([198, 51, 100, 1], 862).into());
        let orders = Mailbox::new();
        let prober = StampProber::new(plan(key.clone()), orders.clone());
        let reflector = Responder::new(move |now, datagram, queue| {
            let reply = reflected(key.as_ref(), now, datagram.payload);
            queue.push_back((datagram.meta.source.into(), reply));
        });
        network.start(far, &[SimSocket::bound(target)], reflector);
        let prober = network.start(near, &[SimSocket::connected(own, target)], prober);
        for (millis, phase) in [(999, ProbePhase::Loaded), (1_999, ProbePhase::Over)] {
            network.run_until(Nanos::from_millis(millis));
            let link = network.host(near).link();
            link.out.impose(path(500));
            link.back.impose(path(500));
            orders.push(phase);
            network.wake(prober.id());
        }
        network.finish(&prober, Nanos::from_secs(10))
    }

    /// A prober that wrote one probe, which the socket accepted unless it stopped there.
    fn with_one_sent(stop: Option<SendStop>) -> (StampProber<VecDeque<ProbePhase>>, StampRequest) {
        let mut prober = StampProber::new(plan(None), VecDeque::new());
        let mut batch = TxBatch::new(8, 2_048);
        prober.poll_transmit(at(0), &mut batch);
        let request = StampRequest::decode(batch.payload(&batch.slots()[0])).unwrap();
        let accepted = if stop.is_none() { batch.len() } else { 0 };
        prober.on_sent(at(0), &batch, &SendOutcome { accepted, stop });
        (prober, request)
    }

    /// How many came back, and the round trip in microseconds, when this reply comes at the real
    /// time `arrival` and is read at `now`.
    fn replied(
        mut prober: StampProber<VecDeque<ProbePhase>>,
        now: Now,
        arrival: Nanos,
        reply: StampReply,
    ) -> (u64, Option<u64>) {
        let bytes = reply.encode();
        let meta = RxMeta { arrival, ..RxEntry::default().meta };
        prober.on_datagram(now, &Datagram { payload: &bytes, true_len: bytes.len(), meta });
        let idle = prober.finish(now).idle;
        (idle.back, idle.delay.min().map(|least| (least.0 + 500) / 1_000))
    }

    #[test]
    fn idle_and_loaded_round_trips_are_told_apart_and_losses_counted() {
        for key in [None, Some(StampKey::new(b"0123456789abcdef"))] {
            let found = run(key, 10);
            assert_eq!((found.idle.sent, found.loaded.sent), (100, 100));
            assert_eq!((found.idle.back, found.loaded.back), (90, 90));
            let p50 = |trips: &PhaseResults| trips.delay.quantile(0.5).map(|p50| p50.0 / 1_000);
            assert_eq!((p50(&found.idle), p50(&found.loaded)), (Some(100), Some(1000)));
        }
    }

    /// One probe, with this host `held` up after its clock reading, with or without a kernel stamp,
    /// on a path of 200 µs; returns its round trip in microseconds.
    fn held_up(held: u64, stamped: bool) -> (u64, Option<u64>) {
        let (mut prober, request) = with_one_sent(None);
        let (left, came) = (held, held + 200);
        prober.on_pause(at(came), Nanos::from_micros(held));
        if stamped {
            let stamp = TransmitStamp { socket: 0, number: 0, at: at(left).real };
            prober.on_transmit_stamp(at(came + 9), &stamp);
        }
        replied(
            prober,
            at(came + 9),
            at(came).real,
            StampReply { request, ..StampReply::default() },
        )
    }

    #[test]
    fn what_this_host_held_up_is_no_delay_of_the_path() {
        assert_eq!(held_up(500_000, true), (1, Some(200)));
        assert_eq!(held_up(500_000, false), (1, None), "nobody knows when it left");
    }

    /// One probe of 200 µs, after which this host's clock is set by so many microseconds before
    /// the reply is read, and the reflector's between its two stamps; its round trip.
    fn with_a_set_clock(here: i64, inside: i64) -> (u64, Option<u64>) {
        let (prober, request) = with_one_sent(None);
        let stamp = |micros: i64| {
            let real = at(100).real.0.saturating_add_signed(micros * 1_000);
            Timestamp::of(Nanos(real), TimeFormat::Ntp)
        };
        let (received, sent) = (stamp(0), stamp(inside));
        let mut now = at(209);
        now.real = Nanos(now.real.0.saturating_add_signed(here * 1_000));
        let reply = StampReply { sent, received, request, ..StampReply::default() };
        replied(prober, now, at(200).real, reply)
    }

    #[test]
    fn a_clock_that_is_set_makes_no_round_trip_of_zero() {
        assert_eq!(with_a_set_clock(0, 5), (1, Some(195)));
        for (here, inside) in [(3_600_000_000, 5), (-3_600_000_000, 5), (0, -5), (0, 1_000)] {
            assert_eq!(with_a_set_clock(here, inside), (1, None), "{here} {inside}");
        }
    }

    #[test]
    fn what_this_host_refused_was_not_sent() {
        let (prober, _) = with_one_sent(Some(SendStop::Refused { datagrams: 1, errno: 1 }));
        let idle = prober.finish(at(0)).idle;
        assert_eq!((idle.sent, idle.never_sent, idle.back), (0, 1, 0));
    }
}
