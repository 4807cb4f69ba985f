//! Unicast copies of a group (`--compare`): every receiver that reports on a group is also sent the
//! same numbers by unicast, once its address is verified and as long as it keeps proving that it is
//! there.
//!
//! The proof is a value recently sent only to this address, which the receiver's reports on the
//! copies return. Before that, a report is answered with one line that is no longer than the
//! report, and nothing is stored; so nobody who receives the group can direct traffic at a third
//! party.

use super::address_proofs::Proofs;
use super::names::is_same_but_for_zone;
use super::receiver_table::ReceiverTable;
use super::subscribers::Change;
use crate::batch::{Dest, RxMeta};
use crate::machine::Now;
use crate::record::{Contradiction, FanoutCopy, copy_verdict};
use crate::stats::LossSample;
use crate::units::{Endpoint, Nanos};
use crate::wire::{Announcement, ReceiverReport, TicketKey};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Maximum receivers of copies.
const COPIES_MAX: usize = 1_024;
/// Silence after which copies end.
const DROPPED: Nanos = Nanos::from_secs(16);
/// Silence after which a last report is no longer waited for.
const SILENT: Nanos = Nanos::from_secs(5);
/// After a port unreachable: the time to prove the contrary, in addition to two report intervals.
const CONFIRM: Nanos = Nanos::from_secs(1);

/// One receiver with a verified address.
#[derive(Debug)]
struct Copy {
    addr: SocketAddr,
    from: Option<IpAddr>,
    /// Its values are derived from this; a new number invalidates all earlier ones.
    values: u32,
    /// When its copies end unless it returns a value, after the network reported it gone.
    doubt: Option<Nanos>,
    /// First copies and losses in the group before its copies began.
    before: (u64, u64),
    heard: Nanos,
    last: bool,
    /// Whether copies to it have ended.
    ended: bool,
    firsts: u64,
    lost: u64,
    /// Whether its reports are impossible: it is then left out of the comparison.
    lied: bool,
}

/// All receivers of copies.
#[derive(Debug)]
pub(super) struct UnicastCopies {
    proofs: Proofs,
    all: Vec<Copy>,
    by_addr: HashMap<SocketAddr, usize>,
    changes: Vec<Change>,
}

/// A receiver's report on copies.
#[derive(Clone, Copy)]
pub(super) struct CopyReport<'a> {
    /// The datagram that it came in.
    pub meta: &'a RxMeta,
    pub report: &'a ReceiverReport,
    /// Whether it can be true.
    pub possible: Result<(), Contradiction>,
    /// Whether the run is over.
    pub is_over: bool,
}

impl UnicastCopies {
    /// No receivers.
    pub fn new(key: TicketKey) -> Self {
        let proofs = Proofs::new(key);
        Self { proofs, all: Vec::new(), by_addr: HashMap::new(), changes: Vec::new() }
    }

    /// Handles a report of this many bytes on a group or broadcast address. Returns the line with
    /// which the receiver can verify its address; `None` if it need not, or if the line would be
    /// longer than the report.
    pub fn invite(
        &self,
        now: Now,
        meta: &RxMeta,
        (report, bytes): (&ReceiverReport, usize),
        line: &Announcement,
    ) -> Option<Vec<u8>> {
        let addr = meta.source;
        let single = report.to.is_none_or(|to| to.ip() == addr.ip());
        let known = self.by_addr.contains_key(&addr);
        if single || report.last || line.over || known || self.all.len() == COPIES_MAX {
            return None;
        }
        let line =
            Announcement { at: now.real, ..self.line(now.mono, addr, 0, line) }.encode_short();
        (line.len() <= bytes).then_some(line)
    }

    /// The announcement for each receiver, or for one alone.
    pub fn lines(
        &self,
        now: Nanos,
        line: &Announcement,
        alone: Option<SocketAddr>,
    ) -> Vec<(Dest, Vec<u8>)> {
        let wanted = |copy: &&Copy| !copy.ended && alone.is_none_or(|addr| addr == copy.addr);
        let one = |copy: &Copy| {
            let dest = Dest { from: copy.from, ..Dest::from(copy.addr) };
            (dest, self.line(now, copy.addr, copy.values, line).encode())
        };
        self.all.iter().filter(wanted).map(one).collect()
    }

    fn line(&self, now: Nanos, addr: SocketAddr, number: u32, line: &Announcement) -> Announcement {
        let run = self.proofs.copy_run(addr);
        Announcement { run, value: Some(self.proofs.copy_value(addr, number, now)), ..*line }
    }

    /// Handles a report on copies; returns whether it was one, from the address that it names. A
    /// receiver that leaves before the run is over gets no more copies.
    pub fn take(&mut self, now: Now, told: &CopyReport<'_>, census: &ReceiverTable) -> bool {
        let CopyReport { meta, report, possible, is_over } = *told;
        let addr = meta.source;
        let known = self.by_addr.get(&addr).copied();
        let number = known.map_or(0, |index| self.all[index].values);
        let fresh = |value| self.proofs.is_copy_value(value, addr, number, now.mono);
        if report.run != self.proofs.copy_run(addr) || !report.value.is_some_and(fresh) {
            return false;
        }
        let index = match known {
            Some(index) => index,
            None if report.last => return true,
            None if self.all.len() == COPIES_MAX => return false,
            None => self.add(meta, census),
        };
        let copy = &mut self.all[index];
        copy.heard = now.mono;
        copy.doubt = None;
        // A report that was overtaken is out of date.
        if possible.is_ok() && report.firsts >= copy.firsts {
            copy.firsts = report.firsts;
            copy.lost = report.lost;
        }
        copy.lied |= possible.is_err();
        copy.last |= report.last;
        if report.last && !is_over && !copy.ended {
            copy.ended = true;
            self.changes.push(Change::Uncopied(copy.addr));
        }
        true
    }

    /// A receiver's address is verified: copies begin.
    fn add(&mut self, meta: &RxMeta, census: &ReceiverTable) -> usize {
        let (addr, from) = (meta.source, meta.destination);
        self.by_addr.insert(addr, self.all.len());
        self.all.push(Copy {
            addr,
            from,
            values: 0,
            doubt: None,
            before: census.group_sums().remove(&addr).unwrap_or_default(),
            heard: Nanos::ZERO,
            last: false,
            ended: false,
            firsts: 0,
            lost: 0,
            lied: false,
        });
        self.changes.push(Change::Copied(Dest { from, ..Dest::from(addr) }));
        self.all.len() - 1
    }

    /// The network reports port unreachable for a receiver that reports once in `every`; returns
    /// who should be sent a line with a new value.
    pub fn on_refusal(&mut self, now: Nanos, addr: SocketAddr, every: Nanos) -> Vec<SocketAddr> {
        let mut doubted = Vec::new();
        for copy in self.all.iter_mut().filter(|copy| is_same_but_for_zone(copy.addr, addr)) {
            if !copy.ended && !copy.last && copy.doubt.is_none() {
                copy.values += 1;
                copy.doubt = Some(now + CONFIRM + Nanos(every.0.saturating_mul(2)));
                doubted.push(copy.addr);
            }
        }
        doubted
    }

    /// This host was paused for `length`: nobody counts as silent for that time.
    pub fn on_pause(&mut self, length: Nanos) {
        for copy in &mut self.all {
            copy.heard += length;
            copy.doubt = copy.doubt.map(|until| until + length);
        }
    }

    /// Ends copies to receivers that were silent for too long or are gone.
    pub fn expire(&mut self, now: Nanos) {
        for copy in &mut self.all {
            let gone = copy.doubt.is_some_and(|until| until <= now);
            if !copy.ended && !copy.last && (gone || now - copy.heard > DROPPED) {
                copy.ended = true;
                self.changes.push(Change::Uncopied(copy.addr));
            }
        }
    }

    /// Whether every receiver that is not silent has sent its last report.
    pub fn is_whole(&self, now: Nanos) -> bool {
        let told = |copy: &Copy| copy.last || copy.ended || now - copy.heard > SILENT;
        self.all.iter().all(told)
    }

    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Results of the copies compared with the groups.
    pub fn record(&self, census: &ReceiverTable) -> Vec<FanoutCopy> {
        let sums = census.group_sums();
        let compared = self.all.iter().filter(|copy| !copy.lied).count() as u64;
        let one = |copy: &Copy| {
            let before = copy.before;
            let (firsts, lost) = sums.get(&copy.addr).copied().unwrap_or_default();
            let (firsts, lost) = (firsts.saturating_sub(before.0), lost.saturating_sub(before.1));
            let group = LossSample { sent: firsts + lost, lost };
            let unicast = LossSample { sent: copy.firsts + copy.lost, lost: copy.lost };
            FanoutCopy {
                receiver: Endpoint::from(copy.addr).to_string(),
                group_lost: group.lost,
                group_expected: group.sent,
                unicast_lost: unicast.lost,
                unicast_expected: unicast.sent,
                verdict: copy_verdict(group, unicast, compared),
            }
        };
        self.all.iter().filter(|copy| !copy.lied).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;
    use crate::record::KnownFanout;
    use crate::wire::{Command, fanout_tag};

    fn during_the_run<'a>(meta: &'a RxMeta, report: &'a ReceiverReport) -> CopyReport<'a> {
        CopyReport { meta, report, possible: Ok(()), is_over: false }
    }

    const RUN: u64 = 7;
    const KNOWN: KnownFanout = KnownFanout { numbered: 10_000, length: Nanos::ZERO };

    fn report(run: u64, to: &str, lost: u64) -> ReceiverReport {
        let to = to.parse().ok();
        ReceiverReport { run, id: 1, to, received: 1_000, firsts: 1_000, lost, ..<_>::default() }
    }

    fn line() -> Announcement {
        Announcement {
            run: RUN,
            tag: 3,
            at: Nanos(1),
            began: None,
            receivers: 1,
            every: Nanos::from_secs(1),
            within: Nanos(1),
            sent: 0,
            mark: 0,
            over: false,
            value: None,
        }
    }

    fn read(bytes: &[u8]) -> Announcement {
        let command = Command::decode(bytes).unwrap();
        assert_eq!(command.tag, fanout_tag());
        Announcement::read(&command).unwrap()
    }

    #[test]
    fn nobody_is_sent_copies_before_the_address_has_told_what_only_it_was_told() {
        let meta = RxMeta { source: "10.0.0.2:40000".parse().unwrap(), ..RxEntry::default().meta };
        let other = RxMeta { source: "10.0.0.3:40000".parse().unwrap(), ..meta };
        let (now, mut census) = (Now::default(), ReceiverTable::new(RUN));
        let mut copies = UnicastCopies::new(TicketKey([5; 32]));
        let invite =
            |copies: &UnicastCopies, meta: &RxMeta, report: &ReceiverReport, bytes: usize| {
                copies.invite(now, meta, (report, bytes), &line())
            };
        let own = report(RUN, "10.0.0.2:5000", 0);
        assert_eq!(invite(&copies, &meta, &own, 600), None, "a host of its own");
        let first = report(RUN, "239.1.2.3:5000", 10);
        assert!(census.take(now, &meta, &first, &KNOWN));
        let invitation = invite(&copies, &meta, &first, 600).unwrap();
        assert_eq!(invite(&copies, &meta, &first, invitation.len() - 1), None, "no longer");
        let to_other = invite(&copies, &other, &first, 600).unwrap();
        assert!(copies.lines(now.mono, &line(), None).is_empty(), "nothing of its own accord");
        let (told, told_other) = (read(&invitation), read(&to_other));
        // The group's run, and that of another address, prove nothing; nor does the name alone.
        for (run, value) in [
            (RUN, told.value),
            (told_other.run, told_other.value),
            (told.run, None),
            (told.run, Some(7)),
        ] {
            let told = ReceiverReport { value, ..report(run, "10.0.0.2:0", 0) };
            assert!(!copies.take(now, &during_the_run(&meta, &told), &census));
        }
        assert!(!copies.has_changes() && copies.record(&census).is_empty());
        let told = ReceiverReport { value: told.value, ..report(told.run, "10.0.0.2:0", 0) };
        assert!(copies.take(now, &during_the_run(&meta, &told), &census));
        assert!(
            matches!(copies.take_changes()[..], [Change::Copied(dest)] if dest.addr == meta.source)
        );
        assert_eq!(invite(&copies, &meta, &first, 600), None, "it is known");
        assert_eq!(copies.lines(now.mono, &line(), None).len(), 1);
        // Only losses in the group from then on are compared.
        let later =
            ReceiverReport { received: 3_000, firsts: 3_000, ..report(RUN, "239.1.2.3:5000", 510) };
        census.take(now, &meta, &later, &KNOWN);
        let record = &copies.record(&census)[0];
        assert_eq!((record.group_lost, record.group_expected), (500, 2_500));
        assert_eq!((record.unicast_lost, record.unicast_expected), (0, 1_000));
        // A receiver that leaves gets no more.
        let last = ReceiverReport { last: true, ..told };
        assert!(copies.take(now, &during_the_run(&meta, &last), &census));
        assert!(matches!(copies.take_changes()[..], [Change::Uncopied(_)]));
        assert!(copies.lines(now.mono, &line(), None).is_empty() && copies.is_whole(now.mono));
    }

    #[test]
    fn copies_end_where_the_value_does_not_come_back() {
        let meta = RxMeta { source: "10.0.0.2:40000".parse().unwrap(), ..RxEntry::default().meta };
        let (every, census) = (Nanos::from_secs(1), ReceiverTable::new(RUN));
        let at = |secs: u64| Now { mono: Nanos::from_secs(secs), real: Nanos::ZERO };
        for refused in [false, true] {
            let mut copies = UnicastCopies::new(TicketKey([5; 32]));
            let group = report(RUN, "239.1.2.3:5000", 10);
            let invitation = copies.invite(at(0), &meta, (&group, 600), &line()).unwrap();
            let mut heard = read(&invitation);
            // It is there and returns its values.
            for secs in 0..40 {
                let told =
                    ReceiverReport { value: heard.value, ..report(heard.run, "10.0.0.2:0", 0) };
                assert!(copies.take(at(secs), &during_the_run(&meta, &told), &census), "{secs}");
                // Forged, and without effect.
                copies.on_refusal(at(secs).mono, meta.source, every);
                copies.expire(at(secs).mono);
                heard = read(&copies.lines(at(secs).mono, &line(), None)[0].1);
            }
            assert!(matches!(copies.take_changes()[..], [Change::Copied(_)]));
            // It is gone; somebody else keeps sending what it knew.
            let told = ReceiverReport { value: heard.value, ..report(heard.run, "10.0.0.2:0", 0) };
            let mut secs = 40;
            while !copies.has_changes() {
                secs += 1;
                if refused {
                    copies.on_refusal(at(secs).mono, meta.source, every);
                }
                copies.take(at(secs), &during_the_run(&meta, &told), &census);
                copies.expire(at(secs).mono);
            }
            // What it knew is valid for four seconds.
            let most = 40 + 4 + if refused { 4 } else { 17 };
            assert!(secs <= most, "refused {refused}: {secs}");
            assert!(matches!(copies.take_changes()[..], [Change::Uncopied(_)]));
        }
    }
}
