//! The rates of one direction, each over its own time span.

use super::plan::BlastPlan;
use crate::pace::SizeSequence;
use crate::record::{BlastReceived, BlastSent, Traffic, rates};
use crate::units::{ETHERNET_MTU, Nanos, ethernet_wire_bytes};

/// One direction's counts.
pub struct Flow<'a> {
    /// The plan of the run.
    pub plan: &'a BlastPlan,
    /// The sender's counts.
    pub sent: Option<&'a BlastSent>,
    /// The receiver's counts.
    pub received: Option<&'a BlastReceived>,
    /// Whether both are final: interim counts are from different times.
    pub counts_final: bool,
    /// Payload bytes of first copies, where sizes differ; `None` where they do not, or it is unknown.
    pub delivered: Option<u64>,
}

/// Datagrams in a time span. Those at its first instant do not count towards the rate.
#[derive(Clone, Copy, Debug)]
struct Moved {
    datagrams: u64,
    /// Their payload bytes.
    bytes: u64,
    at_start: u64,
    span: Nanos,
}

impl Moved {
    /// The datagrams that count towards the rate; `None` if all are at the first instant, as there
    /// is no rate then.
    fn counted(self) -> Option<u64> {
        match self.datagrams {
            0 => Some(0),
            all => Some(all.saturating_sub(self.at_start)).filter(|counted| *counted > 0),
        }
    }

    /// The payload bytes of so many of them.
    fn bytes_of(self, datagrams: u64) -> u64 {
        let share = u128::from(self.bytes) * u128::from(datagrams);
        u64::try_from(share / u128::from(self.datagrams.max(1))).unwrap_or(u64::MAX)
    }
}

impl Flow<'_> {
    /// What the schedule called for, over the schedule's whole length: a run that broke off did not
    /// offer it faster.
    pub fn offered(&self) -> Option<Traffic> {
        let sent = self.sent?;
        let paced = self.plan.test.rate.ratio_for(1).is_some();
        let at_start = if paced && sent.offered_ns.is_some() { 0 } else { self.sent_at_start() };
        let span = Nanos(sent.offered_ns.unwrap_or(sent.span_ns));
        let bytes = self.bytes_beside(sent.offered, (sent.datagrams, sent.bytes));
        let moved = Moved { datagrams: sent.offered, bytes, at_start, span };
        Some(self.traffic(moved, moved))
    }

    /// What was sent, from the first send to the last.
    pub fn sent(&self) -> Option<Traffic> {
        let sent = self.sent?;
        let moved = Moved {
            datagrams: sent.datagrams,
            bytes: self.bytes_beside(sent.datagrams, (sent.datagrams, sent.bytes)),
            at_start: self.sent_at_start(),
            span: Nanos(sent.span_ns),
        };
        Some(self.traffic(moved, moved))
    }

    /// What arrived: goodput and datagram rate of first copies, wire rate of all datagrams.
    pub fn received(&self) -> Option<Traffic> {
        let counts = self.received?;
        let came = (counts.datagrams, counts.bytes);
        let all = self.arrived(counts.datagrams, self.bytes_beside(counts.datagrams, came))?;
        let firsts = self.delivered.unwrap_or_else(|| self.bytes_beside(counts.firsts, came));
        Some(self.traffic(all, self.arrived(counts.firsts, firsts)?))
    }

    /// Second and further copies.
    pub fn copies(&self) -> Option<Traffic> {
        let counts = self.received?;
        let bytes = self.bytes_beside(counts.duplicates, (counts.datagrams, counts.bytes));
        let copies = self.arrived(counts.duplicates, bytes)?;
        Some(self.traffic(copies, copies))
    }

    /// A part of what arrived, with its share of the datagrams at the start of the span. The span is
    /// the sender's where that is longer, and where nothing arrived: what was lost at either end of
    /// the run took its time.
    fn arrived(&self, part: u64, bytes: u64) -> Option<Moved> {
        let counts = self.received?;
        let firsts = counts.firsts.max(1);
        let begin = counts.at_start.unwrap_or_else(|| self.streams().min(firsts));
        let at_start = u128::from(begin.min(firsts)) * u128::from(part) / u128::from(firsts);
        let is_sender_told = self.counts_final || counts.datagrams == 0;
        let sending =
            self.sent.filter(|_| is_sender_told).map_or(0, |sent| self.first_to_last(sent));
        let span = counts.span_ns.max(sending);
        let at_start = u64::try_from(at_start).unwrap_or(part);
        Some(Moved { datagrams: part, bytes, at_start, span: Nanos(span) })
    }

    /// From the first send to the last. A sender that does not tell what it sent at the first instant
    /// may tell the length of its schedule, which ends one datagram of each stream later.
    fn first_to_last(&self, sent: &BlastSent) -> u64 {
        if sent.at_start.is_some() {
            return sent.span_ns;
        }
        let later = u128::from(sent.span_ns) * u128::from(self.streams())
            / u128::from(sent.datagrams.max(1));
        sent.span_ns.saturating_sub(u64::try_from(later).unwrap_or(u64::MAX))
    }

    /// Datagrams sent at the first instant; one per stream if the sender does not report it.
    fn sent_at_start(&self) -> u64 {
        self.sent.and_then(|sent| sent.at_start).unwrap_or_else(|| self.streams())
    }

    fn streams(&self) -> u64 {
        u64::from(self.plan.test.streams)
    }

    /// `all` is what was on the wire, `fresh` only the first copies.
    fn traffic(&self, all: Moved, fresh: Moved) -> Traffic {
        let rate = |moved: Moved, beside: u64| match moved.counted() {
            Some(count) => {
                let bytes = moved.bytes_of(count).saturating_add(count.saturating_mul(beside));
                rates(count, bytes, moved.span)
            }
            None => (None, None),
        };
        let (bits, packets) = rate(fresh, 0);
        let ip_bytes = self.plan.ip_family().headers() as u64;
        let beside = wire_bytes(self.plan).saturating_sub(self.plan.test.mean_payload());
        Traffic {
            datagrams: all.datagrams,
            bytes: all.bytes,
            bits_per_second: bits,
            datagrams_per_second: packets,
            udp_ip_bits_per_second: rate(all, ip_bytes).0,
            ethernet_bits_per_second: rate(all, beside).0,
        }
    }

    /// The payload bytes of so many datagrams, beside others of which datagrams and bytes are known.
    fn bytes_beside(&self, datagrams: u64, (known, bytes): (u64, u64)) -> u64 {
        let test = &self.plan.test;
        if test.sizes.is_none() {
            return datagrams.saturating_mul(u64::from(test.payload));
        }
        if datagrams >= known {
            let more = (datagrams - known).saturating_mul(test.mean_payload());
            return bytes.saturating_add(more);
        }
        let share = u128::from(bytes) * u128::from(datagrams) / u128::from(known.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

/// Bytes of one datagram on Ethernet, of several sizes on average. For loopback, that of Ethernet is assumed.
pub fn wire_bytes(plan: &BlastPlan) -> u64 {
    let mtu = if plan.target.ip().is_loopback() { ETHERNET_MTU } else { plan.mtu as usize };
    let wire = |payload: usize| ethernet_wire_bytes(payload, plan.ip_family(), mtu) as u64;
    let Some(mix) = &plan.test.sizes else { return wire(plan.test.payload as usize) };
    let table = SizeSequence::new(mix);
    let (cycle, _) = table.cycle();
    let all: u64 = (0..cycle as u32).map(|number| wire(table.size(number))).sum();
    all / cycle.max(1)
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    fn plan(words: &str) -> BlastPlan {
        BlastPlan::resolve(&parsed(words), Some(([127, 0, 0, 1], 9).into())).unwrap()
    }

    /// Counts of `streams` streams of `each` datagrams, sent every `gap`.
    fn counts(streams: u64, each: u64, gap: u64) -> (BlastSent, BlastReceived) {
        let (datagrams, span_ns) = (streams * each, (each - 1) * gap);
        let at_start = Some(streams);
        let sent = BlastSent {
            offered: datagrams,
            datagrams,
            span_ns,
            at_start,
            offered_ns: Some(each * gap),
            ..BlastSent::default()
        };
        let received =
            BlastReceived { datagrams, firsts: datagrams, span_ns, at_start, ..Default::default() };
        (sent, received)
    }

    #[test]
    fn few_datagrams_have_the_rate_of_their_schedule_whatever_the_streams() {
        for (words, streams, each, gap, bits) in [
            ("--rate 64pps --streams 64", 64, 5, 1_000_000_000, 753_664),
            ("--rate 2pps", 1, 10, 500_000_000, 23_552),
            ("--rate 2pps", 1, 2, 500_000_000, 23_552),
            ("--rate 2kpps", 1, 10_000, 500_000, 23_552_000),
        ] {
            let plan = plan(words);
            let (sent, received) = counts(streams, each, gap);
            let old = (
                BlastSent { at_start: None, ..sent.clone() },
                BlastReceived { at_start: None, ..received },
            );
            for (sent, received) in [(sent, received), old] {
                let flow = Flow {
                    plan: &plan,
                    sent: Some(&sent),
                    received: Some(&received),
                    counts_final: true,
                    delivered: None,
                };
                let rows = [flow.offered(), flow.sent(), flow.received()].map(Option::unwrap);
                for row in rows {
                    assert_eq!(row.bits_per_second, Some(bits), "{words}");
                    let wire = row.ethernet_bits_per_second.unwrap();
                    assert_eq!(wire / 1538, bits / 1472, "{words}");
                }
            }
        }
    }

    #[test]
    fn copies_are_no_goodput_and_have_a_rate_of_their_own() {
        let plan = plan("--rate 2kpps");
        let (sent, once) = counts(1, 1_001, 500_000);
        for copies in [1u64, 2] {
            let received = BlastReceived {
                datagrams: once.firsts * (1 + copies),
                duplicates: once.firsts * copies,
                ..once
            };
            let flow = Flow {
                plan: &plan,
                sent: Some(&sent),
                received: Some(&received),
                counts_final: true,
                delivered: None,
            };
            let (all, apart) = (flow.received().unwrap(), flow.copies().unwrap());
            assert_eq!(all.datagrams, 1_001 * (1 + copies));
            assert_eq!(all.bits_per_second, Some(23_552_000));
            assert_eq!(all.datagrams_per_second, Some(2_000));
            assert_eq!(apart.bits_per_second, Some(23_552_000 * copies));
            let wire = (all.ethernet_bits_per_second, apart.ethernet_bits_per_second);
            assert_eq!(wire, (Some(24_608_000 * (1 + copies)), Some(24_608_000 * copies)));
        }
    }

    #[test]
    fn what_was_lost_at_the_end_took_its_time() {
        let plan = plan("--rate 4M --size 1250");
        let (sent, all) = counts(1, 1_201, 2_500_000);
        // Nothing came through after 1.7 of 3 s.
        let cut = BlastReceived { datagrams: 681, firsts: 681, span_ns: 1_700_000_000, ..all };
        // As an iperf3 server tells it.
        let span_ns = sent.offered_ns.unwrap();
        let schedule = BlastSent { at_start: None, span_ns, ..sent.clone() };
        for (sent, received, counts_final, bits) in [
            (&sent, all, true, 4_000_000),
            (&schedule, all, true, 4_000_000),
            (&sent, cut, true, 2_266_666),
            (&schedule, cut, true, 2_266_666),
            (&sent, cut, false, 4_000_000),
        ] {
            let (sent, received) = (Some(sent), Some(&received));
            let flow = Flow { plan: &plan, sent, received, counts_final, delivered: None };
            let told = flow.received().unwrap().bits_per_second;
            assert!(told.unwrap().abs_diff(bits) <= 1, "{told:?}");
        }
    }

    #[test]
    fn a_failed_run_offered_no_more_than_requested() {
        let plan = plan("--rate 2M");
        // The run broke off after 1.5 of 4 s.
        let sent = BlastSent {
            offered: 680,
            datagrams: 255,
            span_ns: 1_500_000_000,
            at_start: Some(1),
            offered_ns: Some(4_003_840_000),
            ..BlastSent::default()
        };
        let flow = Flow {
            plan: &plan,
            sent: Some(&sent),
            received: None,
            counts_final: false,
            delivered: None,
        };
        assert_eq!(flow.offered().unwrap().bits_per_second, Some(2_000_000));
        assert!(flow.sent().unwrap().bits_per_second.unwrap().abs_diff(1_994_000) < 1_000);
        assert_eq!(flow.received(), None);
    }

    #[test]
    fn one_datagram_has_no_rate_and_none_at_all_is_none_a_second() {
        let plan = plan("--rate 2M");
        let sent = BlastSent { datagrams: 9, span_ns: 1_000_000_000, ..BlastSent::default() };
        let flow = |received| Flow {
            plan: &plan,
            sent: Some(&sent),
            received: Some(received),
            counts_final: true,
            delivered: None,
        };
        let none = BlastReceived { at_start: Some(0), ..BlastReceived::default() };
        assert_eq!(flow(&none).received().unwrap().bits_per_second, Some(0));
        let one = BlastReceived { datagrams: 1, firsts: 1, at_start: Some(1), ..none };
        assert_eq!(flow(&one).received().unwrap().bits_per_second, None);
    }
}
