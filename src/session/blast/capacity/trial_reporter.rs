//! The receiver's half of a search: it reports each trial.

use super::rate_search::between;
use super::{Course, trial_length};
use crate::pace::AdjustmentType;
use crate::record::CoursePoint;
use crate::units::Nanos;
use crate::wire::{LoadReport, RateNotice};

/// Counts of the stream so far, from its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountedSoFar {
    /// Datagrams that arrived, copies included.
    pub received: u64,
    /// Numbers missing.
    pub lost: u64,
    /// Datagrams out of order.
    pub reordered: u64,
    /// Copies beside the first.
    pub duplicates: u64,
    /// Of the lost, those that the socket dropped.
    pub socket_drops: u64,
    /// The least transit time so far.
    pub min_transit: Option<i64>,
}

/// The reports of one stream.
#[derive(Clone, Debug)]
pub struct TrialReporter {
    every: Nanos,
    /// When the next report is due; `None` before the first arrival.
    due: Option<Nanos>,
    number: u32,
    /// Transit times are summed up relative to the first.
    base: Option<i64>,
    sum: i64,
    count: u64,
    max: i64,
    pause: Nanos,
    last: LoadReport,
    /// The last notice of the sender.
    notice: Option<RateNotice>,
    /// The last trial, which waits for the sender's notice of what it sent meanwhile.
    open: Option<CoursePoint>,
    /// `None` where nobody asks for it.
    course: Option<Course>,
}

impl TrialReporter {
    /// Reports for a search, with the course or without.
    pub fn new(kind: AdjustmentType, course: Option<Course>) -> Self {
        Self {
            every: trial_length(kind),
            due: None,
            number: 0,
            base: None,
            sum: 0,
            count: 0,
            max: i64::MIN,
            pause: Nanos::ZERO,
            last: LoadReport::default(),
            notice: None,
            open: None,
            course,
        }
    }

    /// So many datagrams arrived with this transit time.
    #[inline]
    pub fn observe(&mut self, transit: i64, count: u64) {
        let above = transit.wrapping_sub(*self.base.get_or_insert(transit));
        self.sum = self.sum.saturating_add(above.saturating_mul(count as i64));
        self.count += count;
        self.max = self.max.max(transit);
    }

    /// The receiver left something unread for so long.
    #[inline]
    pub fn note_pause(&mut self, length: Nanos) {
        self.pause = self.pause.max(length);
    }

    /// The sender says what it sends from now on.
    pub fn on_notice(&mut self, notice: RateNotice) {
        let last = self.notice;
        let is_newer = |last: RateNotice| notice.number.wrapping_sub(last.number).wrapping_sub(1);
        if last.is_some_and(|last| is_newer(last) >= 1 << 31) {
            return;
        }
        // The first says nothing of a trial.
        if let (Some(last), Some(open)) = (last, &mut self.open)
            && notice.report == self.last.number
        {
            open.sent = Some(notice.sent.saturating_sub(last.sent));
            open.behind = Some(notice.behind.saturating_sub(last.behind));
        }
        self.notice = Some(notice);
    }

    /// When the next report is due, in a stream whose first datagram arrived at `first`.
    pub fn due(&mut self, first: Nanos) -> Nanos {
        *self.due.get_or_insert(first + self.every)
    }

    /// The report that is due now, so long after the first arrival.
    pub fn report(&mut self, now: Nanos, at: Nanos, counted: CountedSoFar) -> LoadReport {
        // A receiver that was late does not report twice in a row.
        let due = self.due.unwrap_or(now);
        self.due = Some((due + self.every).max(now + Nanos(self.every.0 / 2)));
        let above = |transit: i64| {
            let least = counted.min_transit?;
            Some(Nanos(transit.saturating_sub(least).max(0).unsigned_abs()))
        };
        let mean = i64::try_from(self.count).ok().filter(|count| *count > 0);
        let mean = mean.zip(self.base).map(|(count, base)| base.saturating_add(self.sum / count));
        let report = LoadReport {
            number: self.number,
            at,
            received: counted.received,
            lost: counted.lost,
            reordered: counted.reordered,
            duplicates: counted.duplicates,
            socket_drops: counted.socket_drops,
            delay_mean: mean.and_then(above),
            delay_max: (self.count > 0).then_some(self.max).and_then(above),
            pause: self.pause,
        };
        self.keep(&report);
        self.number = self.number.wrapping_add(1);
        (self.sum, self.count, self.max, self.pause) = (0, 0, i64::MIN, Nanos::ZERO);
        self.last = report;
        report
    }

    fn keep(&mut self, report: &LoadReport) {
        let Some(course) = &mut self.course else { return };
        let asked = self.notice.map(|notice| notice.rate);
        let point = CoursePoint { asked, ..between(&self.last, report) };
        if let Some(over) = self.open.replace(point) {
            course.push(over);
        }
    }

    /// The course so far.
    pub fn into_course(mut self) -> Vec<CoursePoint> {
        if let (Some(course), Some(open)) = (&mut self.course, self.open) {
            course.push(open);
        }
        self.course.map(Course::into_points).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_mean_and_the_largest_delay_of_its_trial() {
        let mut reporter = TrialReporter::new(AdjustmentType::B, Some(Course::default()));
        let first = Nanos::from_secs(9);
        assert_eq!(reporter.due(first), first + Nanos::from_millis(50));
        reporter.observe(-1_000, 3);
        reporter.observe(3_000, 1);
        let counted =
            CountedSoFar { received: 4, min_transit: Some(-1_000), ..CountedSoFar::default() };
        let at = Nanos::from_millis(50);
        let report = reporter.report(first + at, at, counted);
        assert_eq!((report.delay_mean, report.delay_max), (Some(Nanos(1_000)), Some(Nanos(4_000))));
        assert_eq!(reporter.due(first), first + Nanos::from_millis(100));
        // Nothing came in the next trial.
        let at = Nanos::from_millis(130);
        let report = reporter.report(first + at, at, counted);
        assert_eq!((report.number, report.delay_mean, report.delay_max), (1, None, None));
        // This report was late.
        assert_eq!(reporter.due(first), first + Nanos::from_millis(155));
        let course = reporter.into_course();
        let received: Vec<u64> = course.iter().map(|point| point.received).collect();
        assert_eq!(received, [4, 0]);
        assert_eq!((course[1].start_ns, course[1].duration_ns), (50_000_000, 80_000_000));
    }

    #[test]
    fn the_course_has_what_the_sender_says() {
        let mut reporter = TrialReporter::new(AdjustmentType::C, Some(Course::default()));
        let notice = |number, (rate, sent), report| RateNotice {
            number,
            rate,
            sent,
            behind: sent / 10,
            report,
        };
        reporter.on_notice(notice(u32::MAX, (7, 0), 0));
        let at = Nanos::from_millis(25);
        reporter.report(at, at, CountedSoFar::default());
        reporter.on_notice(notice(0, (8, 10), 0));
        // Overtaken on the way.
        reporter.on_notice(notice(u32::MAX - 1, (9, 5), 0));
        reporter.report(at + at, at + at, CountedSoFar::default());
        reporter.on_notice(notice(1, (9, 30), 1));
        reporter.report(at + at + at, at + at + at, CountedSoFar::default());
        let course = reporter.into_course();
        let told: Vec<_> =
            course.iter().map(|point| (point.asked, point.sent, point.behind)).collect();
        let unknown = (Some(9), None, None);
        assert_eq!(told, [(Some(7), Some(10), Some(1)), (Some(8), Some(20), Some(2)), unknown]);
    }

    #[test]
    fn transit_times_of_any_size_do_not_overflow() {
        let mut reporter = TrialReporter::new(AdjustmentType::B, None);
        for transit in [i64::MIN, i64::MAX, 0, i64::MIN] {
            reporter.observe(transit, u64::from(u32::MAX));
        }
        let counted = CountedSoFar { min_transit: Some(i64::MIN), ..CountedSoFar::default() };
        reporter.report(Nanos::MAX, Nanos::MAX, counted);
    }
}
