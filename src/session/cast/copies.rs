//! Unicast copies beside a group (`--compare`): every receiver that reports on a group is sent the
//! same numbers by unicast as well, once it has proven its address.
//!
//! The proof is a name of the run that only this address was told: the receiver's reports on the
//! copies carry it. Before that an address is sent three lines and nothing else, so that nobody
//! who hears the group can turn the stream on a third party.

use super::Names;
use super::census::Census;
use super::subscribers::Change;
use crate::batch::{Dest, RxMeta};
use crate::record::{FanoutCopy, copy_verdict};
use crate::session::Now;
use crate::stats::LossSample;
use crate::units::Nanos;
use crate::wire::{Announcement, ReceiverReport, TicketKey};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Receivers that are sent copies.
const COPIES_MAX: usize = 1_024;
/// Lines to an address that has not proven itself.
const LINES_UNPROVEN: u32 = 3;
/// Silence after which copies end.
const DROPPED: Nanos = Nanos::from_secs(16);
/// Silence after which a last report is not waited for.
const SILENT: Nanos = Nanos::from_secs(5);
/// The slot that names runs of copies: neither a ticket's nor a session's.
const COPY_SLOT: u64 = u64::MAX - 1;

/// One receiver.
#[derive(Debug)]
struct Copy {
    addr: SocketAddr,
    from: Option<IpAddr>,
    lines: u32,
    /// What of the group it had by the time its copies began: first copies and lost; `None` while
    /// it is not proven.
    before: Option<(u64, u64)>,
    heard: Nanos,
    last: bool,
    /// Whether nothing is sent to it any more.
    ended: bool,
    firsts: u64,
    lost: u64,
}

/// All receivers of copies.
#[derive(Debug)]
pub(super) struct Copies {
    key: TicketKeyOf,
    all: Vec<Copy>,
    by_addr: HashMap<SocketAddr, usize>,
    changes: Vec<Change>,
}

/// The secret, which is not shown.
struct TicketKeyOf(TicketKey);

impl std::fmt::Debug for TicketKeyOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketKey")
    }
}

impl Copies {
    /// No receivers.
    pub fn new(key: TicketKey) -> Self {
        Self {
            key: TicketKeyOf(key),
            all: Vec::new(),
            by_addr: HashMap::new(),
            changes: Vec::new(),
        }
    }

    /// A receiver has reported on what was sent to a group or broadcast address; whether it is a new
    /// one, which should have a line soon.
    pub fn note(&mut self, meta: &RxMeta, report: &ReceiverReport) -> bool {
        let addr = meta.source;
        let single = report.to.is_none_or(|to| to.ip() == addr.ip());
        if single || report.last || self.all.len() == COPIES_MAX || self.by_addr.contains_key(&addr)
        {
            return false;
        }
        self.by_addr.insert(addr, self.all.len());
        self.all.push(Copy {
            addr,
            from: meta.destination,
            lines: 0,
            before: None,
            heard: Nanos::ZERO,
            last: false,
            ended: false,
            firsts: 0,
            lost: 0,
        });
        true
    }

    /// The announcement for each receiver, or for one alone.
    pub fn lines(
        &mut self,
        line: &Announcement,
        alone: Option<SocketAddr>,
    ) -> Vec<(Dest, Vec<u8>)> {
        let mut lines = Vec::new();
        for index in 0..self.all.len() {
            let copy = &self.all[index];
            let unproven = copy.before.is_none() && copy.lines >= LINES_UNPROVEN;
            if copy.ended || unproven || alone.is_some_and(|addr| addr != copy.addr) {
                continue;
            }
            let (addr, from) = (copy.addr, copy.from);
            let run = self.run_of(addr);
            self.all[index].lines += 1;
            lines.push((Dest { from, ..Dest::from(addr) }, Announcement { run, ..*line }.encode()));
        }
        lines
    }

    /// Takes a report on copies; whether it was one. A receiver that leaves before the run is `over`
    /// gets no more.
    pub fn take(
        &mut self,
        now: Now,
        meta: &RxMeta,
        report: &ReceiverReport,
        census: &Census,
        over: bool,
    ) -> bool {
        let Some(index) = self.by_addr.get(&meta.source).copied() else { return false };
        if report.run != self.run_of(meta.source) {
            return false;
        }
        let copy = &mut self.all[index];
        copy.heard = now.mono;
        if copy.before.is_none() {
            copy.before = Some(census.group_sums().remove(&copy.addr).unwrap_or_default());
            let dest = Dest { from: copy.from, ..Dest::from(copy.addr) };
            self.changes.push(Change::Copied(dest));
        }
        // One that was overtaken knows less than what is known.
        if report.firsts >= copy.firsts {
            copy.firsts = report.firsts;
            copy.lost = report.lost;
        }
        copy.last |= report.last;
        if report.last && !over && !copy.ended {
            copy.ended = true;
            self.changes.push(Change::Uncopied(copy.addr));
        }
        true
    }

    /// This host stood still for `length`: nobody was silent meanwhile.
    pub fn on_pause(&mut self, length: Nanos) {
        self.all.iter_mut().for_each(|copy| copy.heard += length);
    }

    /// Ends copies to whoever was silent for too long.
    pub fn expire(&mut self, now: Nanos) {
        for copy in &mut self.all {
            if copy.before.is_some() && !copy.ended && !copy.last && now - copy.heard > DROPPED {
                copy.ended = true;
                self.changes.push(Change::Uncopied(copy.addr));
            }
        }
    }

    /// Whether everyone that is not silent has told its last.
    pub fn is_whole(&self, now: Nanos) -> bool {
        let told = |copy: &Copy| copy.last || copy.ended || now - copy.heard > SILENT;
        self.all.iter().filter(|copy| copy.before.is_some()).all(told)
    }

    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// How the copies stand beside the groups.
    pub fn record(&self, census: &Census, names: &Names) -> Vec<FanoutCopy> {
        let sums = census.group_sums();
        let compared = self.all.iter().filter(|copy| copy.before.is_some()).count() as u64;
        let one = |copy: &Copy| {
            let before = copy.before?;
            let (firsts, lost) = sums.get(&copy.addr).copied().unwrap_or_default();
            let (firsts, lost) = (firsts.saturating_sub(before.0), lost.saturating_sub(before.1));
            let group = LossSample { sent: firsts + lost, lost };
            let unicast = LossSample { sent: copy.firsts + copy.lost, lost: copy.lost };
            Some(FanoutCopy {
                receiver: names.address(copy.addr),
                group_lost: group.lost,
                group_expected: group.sent,
                unicast_lost: unicast.lost,
                unicast_expected: unicast.sent,
                verdict: copy_verdict(group, unicast, compared),
            })
        };
        self.all.iter().filter_map(one).collect()
    }

    /// The name of the run in what goes to this address alone.
    fn run_of(&self, addr: SocketAddr) -> u64 {
        let hash = self.key.0.issue(addr, COPY_SLOT);
        hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;
    use crate::wire::{Command, fanout_tag};

    const RUN: u64 = 7;

    fn report(run: u64, to: &str, lost: u64) -> ReceiverReport {
        let to = to.parse().ok();
        ReceiverReport { run, id: 1, to, firsts: 1_000, lost, ..ReceiverReport::default() }
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
        }
    }

    fn run_in(bytes: &[u8]) -> u64 {
        let command = Command::decode(bytes).unwrap();
        assert_eq!(command.tag, fanout_tag());
        Announcement::read(&command).unwrap().run
    }

    #[test]
    fn nobody_is_sent_copies_before_the_address_has_told_what_only_it_was_told() {
        let meta = RxMeta { source: "10.0.0.2:40000".parse().unwrap(), ..RxEntry::default().meta };
        let other = RxMeta { source: "10.0.0.3:40000".parse().unwrap(), ..meta };
        let (now, mut census) = (Now::default(), Census::new(RUN));
        let mut copies = Copies::new(TicketKey([5; 32]));
        assert!(!copies.note(&meta, &report(RUN, "10.0.0.2:5000", 0)), "a host of its own");
        let first = report(RUN, "239.1.2.3:5000", 10);
        assert!(census.take(now, &meta, &first) && copies.note(&meta, &first));
        assert!(copies.note(&other, &first) && !copies.note(&meta, &first));
        let lines: Vec<_> = (0..9).flat_map(|_| copies.lines(&line(), None)).collect();
        assert_eq!(lines.len(), 2 * LINES_UNPROVEN as usize);
        let run_of = |addr: SocketAddr| {
            let (_, bytes) = lines.iter().find(|(dest, _)| dest.addr == addr).unwrap();
            run_in(bytes)
        };
        // The run of the group, and that of another address, prove nothing.
        for run in [RUN, run_of(other.source)] {
            let told = report(run, "10.0.0.2:0", 0);
            assert!(!copies.take(now, &meta, &told, &census, false));
        }
        assert!(!copies.has_changes() && copies.record(&census, &Names::default()).is_empty());
        let told = report(run_of(meta.source), "10.0.0.2:0", 0);
        assert!(copies.take(now, &meta, &told, &census, false));
        assert!(
            matches!(copies.take_changes()[..], [Change::Copied(dest)] if dest.addr == meta.source)
        );
        assert_eq!(copies.lines(&line(), None).len(), 1);
        // Only what the group lost from then on is compared.
        let later =
            ReceiverReport { received: 3_000, firsts: 3_000, ..report(RUN, "239.1.2.3:5000", 510) };
        census.take(now, &meta, &later);
        let record = &copies.record(&census, &Names::default())[0];
        assert_eq!((record.group_lost, record.group_expected), (500, 2_500));
        assert_eq!((record.unicast_lost, record.unicast_expected), (0, 1_000));
        // Whoever leaves gets no more.
        let last = ReceiverReport { last: true, ..told };
        assert!(copies.take(now, &meta, &last, &census, false));
        assert!(matches!(copies.take_changes()[..], [Change::Uncopied(_)]));
        assert!(copies.lines(&line(), None).is_empty() && copies.is_whole(now.mono));
    }
}
