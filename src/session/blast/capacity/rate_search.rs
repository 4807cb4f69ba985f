//! The sender's half of a search: its rate follows the receiver's reports.

use super::Course;
use super::trial_length;
use crate::pace::{
    AdjustmentParams, AdjustmentType, LAST_ROW, Pacer, RateAdjustment, SendingRates, Trial,
};
use crate::record::CoursePoint;
use crate::session::blast::plan::TestPlan;
use crate::units::{IpFamily, Nanos, udp_ip_bytes};
use crate::wire::{LoadReport, RateNotice};

/// The row that a search begins with: 1 Mbit/s. Row 0 has no datagram in many trials.
const FIRST_ROW: u32 = 1;
/// Errors per million datagrams that a trial may have, where that is more than ten: above the
/// losses by chance that paths have anyway, and far below those of an overload.
const ERRORS_PER_MILLION: u64 = 5_000;
/// Without a report for so long, the rate is halved; and again each time that half of it passes.
const SILENT: Nanos = Nanos::from_secs(1);

/// The schedule that follows a change of the rate.
#[derive(Clone, Debug)]
pub struct RateStep {
    /// The schedule from now on.
    pub pacer: Pacer,
    /// Datagrams that were due and are left out.
    pub skipped: u64,
}

/// What the sender has counted so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentSoFar {
    /// Datagrams that the kernel accepted.
    pub sent: u64,
    /// Datagrams that it refused.
    pub refused: u64,
}

/// The search of one stream.
#[derive(Clone, Debug)]
pub struct RateSearch {
    adjustment: RateAdjustment,
    rates: SendingRates,
    test: TestPlan,
    /// The last report, and what was sent when it came.
    last: Option<LoadReport>,
    counted: SentSoFar,
    /// Datagrams that were left out so far.
    skipped: u64,
    /// When to halve the rate if no report comes.
    silent_at: Nanos,
    notices: u32,
    is_notice_due: bool,
    /// `None` where nobody asks for it.
    course: Option<Course>,
}

impl RateSearch {
    /// The search of a stream of this run, with its course or without; `None` if the run has none.
    pub fn of(test: &TestPlan, course: Option<Course>) -> Option<Self> {
        let rates = SendingRates::default();
        let params = params_of(test.capacity?, highest_row(test));
        Some(Self {
            adjustment: RateAdjustment::new(params, FIRST_ROW),
            rates,
            test: *test,
            last: None,
            counted: SentSoFar::default(),
            skipped: 0,
            silent_at: Nanos::MAX,
            notices: 0,
            is_notice_due: true,
            course,
        })
    }

    /// The schedule at the beginning.
    pub fn start(&mut self, now: Nanos) -> Pacer {
        self.silent_at = now + SILENT;
        let (datagrams, span) = self.ratio();
        Pacer::new(now, datagrams, span, self.test.burst).with_bounded_catch_up()
    }

    /// Takes a report, when so much was counted. Returns the new schedule, if there is one.
    pub fn on_report(
        &mut self,
        now: Nanos,
        report: &LoadReport,
        counted: SentSoFar,
        pacer: &Pacer,
    ) -> Option<RateStep> {
        // Copies, and those that were overtaken, say nothing new.
        let last = self.last.map(|last| last.number);
        if last.is_some_and(|last| report.number.wrapping_sub(last).wrapping_sub(1) >= 1 << 31) {
            return None;
        }
        let kept = self.kept(pacer);
        let late = pacer.owed(now).saturating_sub(kept);
        let point = self.point(report, counted, late);
        (self.last, self.counted, self.is_notice_due) = (Some(*report), counted, true);
        self.silent_at = now + SILENT;
        let before = self.adjustment.row();
        let trial = trial_of(&point);
        // A sender that does not keep up learns nothing of the path by asking for more.
        if !point.is_sender_behind() || trial.lost > self.adjustment.params().errors {
            self.adjustment.observe(&trial);
        }
        if let Some(course) = &mut self.course {
            course.push(point);
        }
        (self.adjustment.row() != before || late > 0).then(|| self.step(now, pacer))
    }

    /// No report comes: halves the rate once that lasts. Returns the new schedule then.
    pub fn on_silence(&mut self, now: Nanos, pacer: &Pacer) -> Option<RateStep> {
        if now < self.silent_at {
            return None;
        }
        self.silent_at = now + Nanos(SILENT.0 / 2);
        let params = *self.adjustment.params();
        self.adjustment = RateAdjustment::new(params, self.adjustment.row() / 2);
        self.is_notice_due = true;
        Some(self.step(now, pacer))
    }

    /// When to look whether reports still come.
    pub fn silent_at(&self) -> Nanos {
        self.silent_at
    }

    /// This host was paused for so long: nothing could be read meanwhile.
    pub fn on_pause(&mut self, length: Nanos) {
        self.silent_at += length;
    }

    /// The notice that is due, if there is one, when so many datagrams were sent.
    pub fn notice(&mut self, sent: u64) -> Option<RateNotice> {
        if !std::mem::take(&mut self.is_notice_due) {
            return None;
        }
        let number = self.notices;
        self.notices = self.notices.wrapping_add(1);
        let behind = self.skipped.saturating_add(self.counted.refused);
        let report = self.last.map_or(0, |last| last.number);
        Some(RateNotice { number, rate: self.ip_rate(), sent, behind, report })
    }

    /// The course so far.
    pub fn into_course(self) -> Vec<CoursePoint> {
        self.course.map(Course::into_points).unwrap_or_default()
    }

    /// The share of this stream, in bits per second at the IP layer.
    fn ip_rate(&self) -> u64 {
        self.rates.ip_rate(self.adjustment.row()).0 / u64::from(self.test.streams.max(1))
    }

    /// Datagrams of this stream in a span.
    fn ratio(&self) -> (u64, Nanos) {
        let bits = ip_bits(&self.test);
        let streams = u64::from(self.test.streams.max(1));
        let span = bits.saturating_mul(1_000_000_000).saturating_mul(streams);
        (self.rates.ip_rate(self.adjustment.row()).0, Nanos(span))
    }

    /// How many late datagrams are still sent: those of a trial. A host that was away for
    /// longer is not made up for, or the path would meet a rate that nobody asked for.
    fn kept(&self, pacer: &Pacer) -> u64 {
        let trial = u128::from(trial_length(self.adjustment.params().kind).0);
        let (datagrams, span) = self.ratio();
        let in_trial = trial * u128::from(datagrams) / u128::from(span.0.max(1));
        u64::try_from(in_trial).unwrap_or(u64::MAX).max(pacer.quantum().saturating_mul(2))
    }

    fn step(&mut self, now: Nanos, pacer: &Pacer) -> RateStep {
        let (datagrams, span) = self.ratio();
        let new = Pacer::new(now, datagrams, span, self.test.burst);
        let (pacer, skipped) = pacer.continued_by(new, now, self.kept(pacer));
        self.skipped = self.skipped.saturating_add(skipped);
        RateStep { pacer: pacer.with_bounded_catch_up(), skipped }
    }

    fn point(&self, report: &LoadReport, counted: SentSoFar, late: u64) -> CoursePoint {
        let last = self.last.unwrap_or_default();
        let refused = counted.refused.saturating_sub(self.counted.refused);
        CoursePoint {
            asked: Some(self.ip_rate()),
            sent: Some(counted.sent.saturating_sub(self.counted.sent)),
            behind: Some(refused.saturating_add(late)),
            ..between(&last, report)
        }
    }
}

/// What the receiver counted between two of its reports.
pub(super) fn between(last: &LoadReport, report: &LoadReport) -> CoursePoint {
    let since = |now: u64, before: u64| now.saturating_sub(before);
    CoursePoint {
        start_ns: last.at.0,
        duration_ns: since(report.at.0, last.at.0),
        asked: None,
        sent: None,
        behind: None,
        received: since(report.received, last.received),
        lost: since(report.lost, last.lost),
        reordered: since(report.reordered, last.reordered),
        duplicates: since(report.duplicates, last.duplicates),
        socket_drops: since(report.socket_drops, last.socket_drops),
        delay_mean_ns: report.delay_mean.map(|delay| delay.0),
        delay_max_ns: report.delay_max.map(|delay| delay.0),
        receiver_pause_ns: report.pause.0,
    }
}

/// What a trial means for the rate.
fn trial_of(point: &CoursePoint) -> Trial {
    let sent = point.sent.unwrap_or(0);
    // Nothing came of what was sent: no gap shows that.
    let vanished = if point.received == 0 { sent } else { 0 };
    Trial {
        datagrams: point.received,
        lost: point.lost.max(vanished),
        reordered: point.reordered,
        duplicates: point.duplicates,
        delay_variation: point.delay_mean_ns.map(Nanos),
        is_marked: false,
    }
}

fn params_of(kind: AdjustmentType, highest: u32) -> AdjustmentParams {
    AdjustmentParams {
        kind,
        errors_per_million: ERRORS_PER_MILLION,
        highest,
        ..AdjustmentParams::default()
    }
}

/// Bits of a datagram at the IP layer; the table's rates are those of IPv4.
fn ip_bits(test: &TestPlan) -> u64 {
    8 * udp_ip_bytes(test.payload as usize, IpFamily::V4) as u64
}

/// The highest row within the run's rate.
fn highest_row(test: &TestPlan) -> u32 {
    let Some((datagrams, span)) = test.rate.ratio_for(u64::from(test.payload)) else {
        return LAST_ROW;
    };
    let most = u128::from(datagrams) * u128::from(ip_bits(test)) * 1_000_000_000;
    let most = most / u128::from(span.0.max(1));
    let rates = SendingRates::default();
    let fits = |row: &u32| u128::from(rates.ip_rate(*row).0) <= most;
    (0..=LAST_ROW).take_while(fits).last().unwrap_or(0)
}

/// The highest rate that a search of this run may ask for, in bits per second at the IP layer.
pub fn highest_rate(test: &TestPlan) -> u64 {
    SendingRates::default().ip_rate(highest_row(test)).0
}
