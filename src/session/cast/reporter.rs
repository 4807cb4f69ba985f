//! When one receiver reports to one sender, and how much it may send.
//!
//! The rules are those of RTCP (RFC 3550 §6.2, §6.3): the sender chooses the interval, so that all
//! receivers together use a bounded share of the traffic; each receiver randomises it by half, and
//! when the time has come checks whether it would still be due (timer reconsideration), since the
//! sender may have found many more receivers meanwhile. A receiver reports only to a source whose
//! announcement it received, only while it still receives from it, and never with more bytes or
//! datagrams than recently arrived from there.

use super::SourceKey;
use super::credit::Credit;
use super::source_account::ReportCounts;
use crate::batch::Dest;
use crate::machine::Now;
use crate::stats::GapLog;
use crate::units::Nanos;
use crate::wire::{Announcement, HostCounts, LINE_LEN, MarkReport, ReceiverReport};
use fastrand::Rng;

/// The shortest and the longest interval that a sender can request.
const LEAST: Nanos = Nanos::from_millis(100);
const MOST: Nanos = Nanos::from_secs(600);
/// Twice the mean of the divisor of the randomised interval, e - 3/2 (RFC 3550 §6.3.1), in
/// thousandths: it compensates for the shortening by reconsideration.
const COMPENSATION: u64 = 1_218;
/// Datagrams of credit that a regular report leaves for the last one.
const RESERVE: u64 = 1;

/// State of the reporting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has never reported.
    New,
    /// It reports regularly.
    Regular,
    /// Its last report is due or unanswered.
    Last,
    /// Its last report was answered.
    Done,
}

/// What a report says of the receiver's own host.
#[derive(Debug, Default)]
pub(super) struct ReporterHost {
    /// The name of the receiving interface; empty if not known.
    pub by: String,
    /// Buffers that the socket dropped.
    pub drops: u64,
    /// What the host counted; `None` if not known.
    pub host: Option<HostCounts>,
}

/// One receiver's reports about one run, group and interface.
#[derive(Debug)]
pub(super) struct Reporter {
    pub key: SourceKey,
    /// The row that it reports on; `None` until a datagram arrives.
    pub row: Option<usize>,
    /// Destination of reports, and the socket to send from.
    pub dest: Dest,
    /// The socket whose drops are reported.
    pub listens: usize,
    /// Index of the credit that bounds its reports.
    pub credit: usize,
    id: u32,
    heard: Announcement,
    /// When the last announcement arrived, on the monotonic clock, which is never set.
    heard_at: Nanos,
    /// First number sent after the run was first heard of: earlier ones do not count as missing.
    since: u64,
    stage: Stage,
    due: Option<Nanos>,
    /// Arrival of the announcement that a first or last report answers.
    asked: Nanos,
    reported: Nanos,
    /// Whether anything arrived since the last report.
    fresh: bool,
    /// Whether it has ever reported.
    has_reported: bool,
    log: GapLog,
    /// Transit times of the datagram at the last mark, and at the first mark of the closed part.
    transits: [Option<i64>; 2],
}

impl Reporter {
    /// For a run that is heard of for the first time.
    pub fn new(
        key: SourceKey,
        dest: Dest,
        (listens, credit): (usize, usize),
        first: &Announcement,
        rng: &mut Rng,
    ) -> Self {
        Self {
            key,
            row: None,
            dest,
            listens,
            credit,
            id: rng.u32(..),
            heard: *first,
            heard_at: Nanos::ZERO,
            since: first.sent,
            stage: Stage::New,
            due: None,
            asked: Nanos::ZERO,
            reported: Nanos::ZERO,
            fresh: false,
            has_reported: false,
            log: GapLog::new(first.sent),
            transits: [None; 2],
        }
    }

    /// An announcement of the sender arrived.
    pub fn announced(&mut self, now: Now, arrival: Nanos, line: &Announcement, rng: &mut Rng) {
        self.heard = *line;
        self.heard_at = now.mono - (now.real - arrival);
        self.fresh = true;
        // At its end a run has one more mark: its total.
        let mark = if line.over { line.sent } else { line.mark };
        if mark > self.log.mark() {
            let before = self.log.closed_from();
            self.log.set_mark(mark);
            // When an interval grows, its first mark stays.
            let grew = before.is_some() && self.log.closed_from() == before;
            self.transits = [None, self.transits[usize::from(grew)]];
        }
        if line.over && self.stage != Stage::Done && self.stage != Stage::Last {
            self.stage = Stage::Last;
            self.due = None;
        }
        if self.due.is_none() && self.stage != Stage::Done {
            self.asked = now.mono;
            self.due = Some(now.mono + self.soon(rng));
        }
    }

    /// A datagram of the run arrived: its number and transit time.
    #[inline]
    pub fn observe(&mut self, sequence: u32, transit: i64) {
        self.fresh = true;
        let number = self.log.extend(sequence);
        if number == self.log.mark() {
            self.transits[0].get_or_insert(transit);
        }
        self.log.observe(number);
    }

    /// A number that arrived before this reporter existed.
    pub fn note(&mut self, sequence: u32) {
        self.log.observe(self.log.extend(sequence));
    }

    /// The last announcement received.
    pub fn heard(&self) -> &Announcement {
        &self.heard
    }

    /// Whether a reply with this run and `id` is for this reporter.
    pub fn is(&self, run: u64, id: u32) -> bool {
        self.heard.run == run && self.id == id
    }

    /// The last report has reached the sender.
    pub fn answered(&mut self) {
        if self.stage == Stage::Last {
            self.give_up();
        }
    }

    /// Nothing correct can be reported: the receiver keeps no account of this run.
    pub fn give_up(&mut self) {
        self.stage = Stage::Done;
        self.due = None;
    }

    /// The receiver leaves: the last report is due at once, if the sender is still heard.
    pub fn leave(&mut self, now: Now) {
        let every = self.every();
        let silent = now.mono - self.heard_at > Nanos(every.0 * 5);
        if silent || self.stage == Stage::Done {
            self.stage = Stage::Done;
            self.due = None;
        } else {
            self.stage = Stage::Last;
            self.due = Some(now.mono);
        }
    }

    /// Whether the last report is due or unanswered.
    pub fn is_leaving(&self) -> bool {
        self.stage == Stage::Last
    }

    /// When it needs to be polled.
    pub fn due(&self) -> Option<Nanos> {
        self.due
    }

    /// Whether a report is due now; if so, the next one is scheduled.
    pub fn is_due(&mut self, now: Nanos, rng: &mut Rng) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        if self.stage == Stage::Last {
            self.due = None;
            return true;
        }
        if !self.fresh {
            // The sender is no longer heard: stop reporting.
            self.due = None;
            return false;
        }
        let due = match self.stage {
            Stage::New => self.asked + self.soon(rng),
            _ => self.reported + self.interval(rng),
        };
        if due > now {
            self.due = Some(due);
            return false;
        }
        self.stage = Stage::Regular;
        self.reported = now;
        self.fresh = false;
        self.due = Some(now + self.interval(rng));
        true
    }

    /// The report, or `None` if it would be more than was received. It counts as sent.
    pub fn write(
        &mut self,
        now: Now,
        found: Option<&ReportCounts>,
        local: ReporterHost,
        credit: &mut Credit,
    ) -> Vec<u8> {
        let regular = self.stage == Stage::Regular && self.has_reported;
        if regular && credit.datagrams(now.mono) <= RESERVE {
            return Vec::new();
        }
        let limit = usize::try_from(credit.bytes(now.mono)).unwrap_or(usize::MAX).min(LINE_LEN);
        let bytes = self.report(now, found, local).encode(limit);
        if !bytes.is_empty() {
            credit.spend(now.mono, bytes.len());
            self.has_reported = true;
            self.log.set_reported();
        }
        bytes
    }

    fn report(
        &self,
        now: Now,
        found: Option<&ReportCounts>,
        local: ReporterHost,
    ) -> ReceiverReport {
        let ReporterHost { by, drops, host } = local;
        let nothing = ReportCounts {
            lost: self.heard.sent.saturating_sub(self.since),
            ..ReportCounts::default()
        };
        let told = found.unwrap_or(&nothing);
        let nanos = |delay: Option<Nanos>| delay.map(Nanos::as_u64);
        let mark = self.log.closed().map(|closed| MarkReport {
            from: closed.from,
            upto: closed.upto,
            gaps: closed
                .gaps
                .iter()
                .filter(|(first, _)| *first < closed.upto)
                .map(|(first, last)| (*first, (*last).min(closed.upto - 1)))
                .collect(),
            transit: self.transits[1],
        });
        ReceiverReport {
            run: self.heard.run,
            id: self.id,
            last: self.stage == Stage::Last,
            to: Some(self.key.group),
            by,
            received: told.received,
            firsts: told.firsts,
            lost: told.lost,
            bursts: told.bursts.count,
            longest: told.bursts.longest,
            reordered: told.reordered,
            duplicates: told.duplicates,
            drops,
            dropped: Some(told.dropped),
            host,
            p50: nanos(told.delays.p50),
            p99: nanos(told.delays.p99),
            max: nanos(told.delays.max),
            join: found.and_then(|found| found.waited).map(Nanos::as_u64),
            echo: self.heard.at.0,
            held: (now.mono - self.heard_at).0,
            now: now.real.0,
            value: self.heard.value,
            mark,
        }
    }

    fn every(&self) -> Nanos {
        self.heard.every.clamp(LEAST, MOST)
    }

    /// Random delay before a first or a last report.
    fn soon(&self, rng: &mut Rng) -> Nanos {
        Nanos(rng.u64(0..=self.heard.within.min(MOST).0))
    }

    /// The interval: half to one and a half of what the sender requests.
    fn interval(&self, rng: &mut Rng) -> Nanos {
        let every = self.every().0;
        let random = every / 2 + rng.u64(0..=every);
        Nanos(random / COMPENSATION * 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_changes_nothing_of_how_long_an_announcement_was_held() {
        let source = "10.0.0.1:7000".parse().unwrap();
        let group = "239.1.2.3:5000".parse().unwrap();
        let key = SourceKey { source, group, interface: 1, tag: Some(7), beside: false };
        let line = Announcement { every: Nanos::from_secs(1), ..Announcement::default() };
        let mut rng = Rng::with_seed(1);
        let hour = Nanos::from_secs(3_600);
        let heard = Now { mono: Nanos::from_secs(50), real: Nanos::from_secs(1_000_000) };
        for real in [heard.real, heard.real + hour, heard.real - hour] {
            let mut reporter = Reporter::new(key, Dest::from(source), (0, 0), &line, &mut rng);
            reporter.announced(heard, heard.real - Nanos::from_millis(2), &line, &mut rng);
            let later = Nanos::from_millis(500);
            let now = Now { mono: heard.mono + later, real: real + later };
            let report = reporter.report(now, None, ReporterHost::default());
            assert_eq!(report.held, 502_000_000, "{real}");
            reporter.leave(now);
            assert!(reporter.is_leaving(), "{real}: it was heard half a second ago");
        }
    }
}
