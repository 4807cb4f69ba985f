//! A sender that searches for its rate: it follows the receiver's reports.

use super::super::capacity::{Course, RateSearch, RateStep, SentSoFar};
use super::{BlastSender, SenderEvent, SenderPlan, State};
use crate::batch::{DestId, TxBatch};
use crate::machine::Now;
use crate::record::Sink;
use crate::units::Nanos;
use crate::wire::{LoadReport, RATE_NOTICE_LEN};

impl<K: Sink<SenderEvent>> BlastSender<K> {
    /// Halves the rate of a search whose reports do not come, and writes its notice; returns when to
    /// look again.
    pub(super) fn follow_search(&mut self, now: Now, out: &mut TxBatch) -> Option<Nanos> {
        let search = self.search.as_mut().filter(|_| !self.is_aside)?;
        if let Some(pacer) = &self.pacer
            && let Some(step) = search.on_silence(now.mono, pacer)
        {
            self.change_rate(step);
        }
        let search = self.search.as_mut()?;
        if let Some(notice) = search.notice(self.sent).filter(|_| !self.reopens)
            && let Some(bytes) = out.push(DestId::CONNECTED, RATE_NOTICE_LEN)
        {
            notice.encode(self.plan.tag, now.real, bytes);
            self.is_aside = true;
        }
        Some(search.silent_at())
    }

    /// The receiver reported a trial: the rate of a search follows.
    pub(super) fn take_report(&mut self, now: Now, report: &LoadReport) {
        if !matches!(self.state, State::Sending { .. }) {
            return;
        }
        let refused = self.refused.iter().map(|one| one.datagrams).sum();
        let counted = SentSoFar { sent: self.sent, refused };
        if let (Some(search), Some(pacer)) = (&mut self.search, &self.pacer)
            && let Some(step) = search.on_report(now.mono, report, counted, pacer)
        {
            self.change_rate(step);
        }
    }

    fn change_rate(&mut self, step: RateStep) {
        self.skipped = self.skipped.saturating_add(step.skipped);
        self.pacer = Some(step.pacer);
    }
}

/// What sets the rate of a run without one.
pub(super) fn search_of(plan: &SenderPlan) -> Option<Box<RateSearch>> {
    RateSearch::of(&plan.test, plan.keeps_course.then(Course::default)).map(Box::new)
}
