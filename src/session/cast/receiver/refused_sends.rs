//! Sends that this host refused, which do not count as silence of a sender.

use crate::batch::{LocalSendFailure, SendOutcome, SendStop, TxBatch};
use crate::record::SendRefusal;

/// Maximum error numbers kept apart.
const ERRNOS: usize = 16;

/// What became of a question to a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// There was none in the batch, or it waits for the socket.
    Nothing,
    /// It was sent.
    Left,
    /// This host refused it.
    Refused(LocalSendFailure),
}

/// What was refused so far.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// Number of reports in the last batch; a question to a sender follows them.
    written: usize,
    reports: u64,
    /// Refused reports by error number; the latest is last.
    reasons: Vec<SendRefusal>,
}

impl Refused {
    /// The batch contains this many reports.
    pub fn wrote(&mut self, reports: usize) {
        self.written = reports;
    }

    /// Records the outcome of the batch; returns that of the question in it.
    pub fn take(&mut self, batch: &TxBatch, outcome: &SendOutcome) -> Asked {
        let nothing = if outcome.accepted > self.written { Asked::Left } else { Asked::Nothing };
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return nothing };
        let first = batch.slots().get(outcome.accepted).and_then(|slot| batch.dest(slot.dest));
        let Some(first) = first else { return nothing };
        let finding = LocalSendFailure::from_errno(errno, first.addr);
        let reports = self.written.saturating_sub(outcome.accepted).min(datagrams);
        if reports == 0 {
            return Asked::Refused(finding);
        }
        self.reports += reports as u64;
        self.note(&finding, reports as u64);
        nothing
    }

    /// Number of refused reports.
    pub fn reports(&self) -> u64 {
        self.reports
    }

    /// The reasons by error number; the latest is last.
    pub fn reasons(&self) -> &[SendRefusal] {
        &self.reasons
    }

    fn note(&mut self, finding: &LocalSendFailure, reports: u64) {
        if let Some(known) = self.reasons.iter().position(|one| one.errno() == finding.errno) {
            let mut known = self.reasons.remove(known);
            known.datagrams += reports;
            self.reasons.push(known);
        } else if self.reasons.len() < ERRNOS {
            self.reasons
                .push(SendRefusal { datagrams: reports, ..SendRefusal::explained(finding) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Dest;
    use std::net::SocketAddr;

    /// Number and reasons of refused reports, and whether the question was refused.
    fn refused(accepted: usize, reports: usize) -> (u64, Vec<(i32, u64)>, bool) {
        let mut batch = TxBatch::new(4, 64);
        let dest = batch.append_dest(Dest::from(SocketAddr::from(([192, 0, 2, 1], 9))));
        for _ in 0..3 {
            batch.push(dest, 1).unwrap();
        }
        let mut refused = Refused::default();
        refused.wrote(reports);
        let stop = Some(SendStop::Refused { datagrams: 1, errno: 1 });
        let asked = refused.take(&batch, &SendOutcome { accepted, stop });
        let reasons = refused.reasons().iter().map(|one| (one.errno(), one.datagrams)).collect();
        (refused.reports(), reasons, matches!(asked, Asked::Refused(_)))
    }

    #[test]
    fn a_refused_report_is_told_from_a_refused_question() {
        assert_eq!(refused(0, 2), (1, vec![(1, 1)], false));
        assert_eq!(refused(1, 2), (1, vec![(1, 1)], false));
        assert_eq!(refused(2, 2), (0, Vec::new(), true));
        assert_eq!(refused(0, 0), (0, Vec::new(), true));
        let nothing = Refused::default();
        assert_eq!((nothing.reports(), nothing.reasons()), (0, &[][..]));
    }
}
