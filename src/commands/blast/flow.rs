//! What moved in one direction, as rates: each over a span of its own.

use super::plan::BlastPlan;
use crate::record::{BlastReceived, BlastSent, Traffic, rates};
use crate::units::Nanos;
use crate::wire::{ethernet_wire_bytes, udp_ip_bytes};

/// One direction's counts.
pub struct Flow<'a> {
    /// What was planned.
    pub plan: &'a BlastPlan,
    /// What the sender told.
    pub sent: Option<&'a BlastSent>,
    /// What the receiver told.
    pub received: Option<&'a BlastReceived>,
}

/// Datagrams that moved in a span; those that begin it are no part of a rate over it.
#[derive(Clone, Copy, Debug)]
struct Moved {
    datagrams: u64,
    at_start: u64,
    span: Nanos,
}

impl Moved {
    /// Those that a rate over the span counts; `None` where all moved at its first instant, which
    /// has no rate.
    fn counted(self) -> Option<u64> {
        match self.datagrams {
            0 => Some(0),
            all => Some(all.saturating_sub(self.at_start)).filter(|counted| *counted > 0),
        }
    }
}

impl Flow<'_> {
    /// What the schedule called for, over the schedule's own length: a run that broke off did not
    /// offer it any faster.
    pub fn offered(&self) -> Option<Traffic> {
        let sent = self.sent?;
        let paced = self.plan.test.rate.ratio_for(1).is_some();
        let at_start = if paced && sent.offered_ns.is_some() { 0 } else { self.sent_at_start() };
        let span = Nanos(sent.offered_ns.unwrap_or(sent.span_ns));
        let moved = Moved { datagrams: sent.offered, at_start, span };
        Some(self.traffic(moved, moved))
    }

    /// What left, from the first send to the last.
    pub fn sent(&self) -> Option<Traffic> {
        let sent = self.sent?;
        let moved = Moved {
            datagrams: sent.datagrams,
            at_start: self.sent_at_start(),
            span: Nanos(sent.span_ns),
        };
        Some(self.traffic(moved, moved))
    }

    /// What arrived: payload and datagrams a second of first copies, the wire's bits of all.
    pub fn received(&self) -> Option<Traffic> {
        let counts = self.received?;
        let all = self.arrived(counts.datagrams)?;
        Some(self.traffic(all, self.arrived(counts.firsts)?))
    }

    /// Second and further copies.
    pub fn copies(&self) -> Option<Traffic> {
        let copies = self.arrived(self.received?.duplicates)?;
        Some(self.traffic(copies, copies))
    }

    /// A part of what arrived, with its share of what began the span. Where nothing arrived the
    /// sender's span serves: in it, none came.
    fn arrived(&self, part: u64) -> Option<Moved> {
        let counts = self.received?;
        let firsts = counts.firsts.max(1);
        let begin = counts.at_start.unwrap_or_else(|| self.streams().min(firsts));
        let at_start = u128::from(begin.min(firsts)) * u128::from(part) / u128::from(firsts);
        let none = counts.datagrams == 0;
        let span = if none { self.sent.map_or(0, |sent| sent.span_ns) } else { counts.span_ns };
        let at_start = u64::try_from(at_start).unwrap_or(part);
        Some(Moved { datagrams: part, at_start, span: Nanos(span) })
    }

    /// A sender that does not tell what left first: one datagram of each stream.
    fn sent_at_start(&self) -> u64 {
        self.sent.and_then(|sent| sent.at_start).unwrap_or_else(|| self.streams())
    }

    fn streams(&self) -> u64 {
        u64::from(self.plan.test.streams)
    }

    /// `all` is what was on the wire, `fresh` what was no copy.
    fn traffic(&self, all: Moved, fresh: Moved) -> Traffic {
        let payload = self.plan.test.payload as usize;
        let rate = |moved: Moved, each: u64| match moved.counted() {
            Some(count) => rates(count, count.saturating_mul(each), moved.span),
            None => (None, None),
        };
        let (bits, packets) = rate(fresh, payload as u64);
        let ip_bytes = udp_ip_bytes(payload, self.plan.ip_family()) as u64;
        Traffic {
            datagrams: all.datagrams,
            bytes: all.datagrams.saturating_mul(payload as u64),
            bits_per_second: bits,
            datagrams_per_second: packets,
            udp_ip_bits_per_second: rate(all, ip_bytes).0,
            ethernet_bits_per_second: rate(all, wire_bytes(self.plan)).0,
        }
    }
}

/// What one datagram takes on Ethernet. Loopback's MTU is no Ethernet's, so 1500 stands for it.
pub fn wire_bytes(plan: &BlastPlan) -> u64 {
    let mtu = if plan.target.ip().is_loopback() { 1500 } else { plan.mtu };
    ethernet_wire_bytes(plan.test.payload as usize, plan.ip_family(), mtu as usize) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::BlastArgs;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: BlastArgs,
    }

    fn plan(words: &str) -> BlastPlan {
        let line = Line::parse_from(["blast"].into_iter().chain(words.split(' ')));
        BlastPlan::resolve(&line.args, Some(([127, 0, 0, 1], 9).into())).unwrap()
    }

    /// Streams that each have `each` datagrams, one `gap` apart.
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
                let flow = Flow { plan: &plan, sent: Some(&sent), received: Some(&received) };
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
            let flow = Flow { plan: &plan, sent: Some(&sent), received: Some(&received) };
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
    fn a_run_that_broke_off_offered_no_more_than_was_asked() {
        let plan = plan("--rate 2M");
        // 1.5 s of 4 left.
        let sent = BlastSent {
            offered: 680,
            datagrams: 255,
            span_ns: 1_500_000_000,
            at_start: Some(1),
            offered_ns: Some(4_003_840_000),
            ..BlastSent::default()
        };
        let flow = Flow { plan: &plan, sent: Some(&sent), received: None };
        assert_eq!(flow.offered().unwrap().bits_per_second, Some(2_000_000));
        assert!(flow.sent().unwrap().bits_per_second.unwrap().abs_diff(1_994_000) < 1_000);
        assert_eq!(flow.received(), None);
    }

    #[test]
    fn one_datagram_has_no_rate_and_none_at_all_is_none_a_second() {
        let plan = plan("--rate 2M");
        let sent = BlastSent { datagrams: 9, span_ns: 1_000_000_000, ..BlastSent::default() };
        let flow = |received| Flow { plan: &plan, sent: Some(&sent), received: Some(received) };
        let none = BlastReceived { at_start: Some(0), ..BlastReceived::default() };
        assert_eq!(flow(&none).received().unwrap().bits_per_second, Some(0));
        let one = BlastReceived { datagrams: 1, firsts: 1, at_start: Some(1), ..none };
        assert_eq!(flow(&one).received().unwrap().bits_per_second, None);
    }
}
