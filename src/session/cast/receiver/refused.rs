//! What a receiver meant to send and its own host refused: no silence of the sender's.

use crate::batch::{OwnFinding, SendOutcome, SendStop, TxBatch};

/// What became of a question to a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// There was none in the batch, or it waits for the socket.
    Nothing,
    /// It left.
    Left,
    /// This host refused it.
    Refused(OwnFinding),
}

/// What was refused so far.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// Reports in the batch that was written last; what is behind them was asked of a sender.
    written: usize,
    reports: u64,
    latest: Option<OwnFinding>,
}

impl Refused {
    /// The batch holds so many reports.
    pub fn wrote(&mut self, reports: usize) {
        self.written = reports;
    }

    /// What became of the batch, and of the question in it.
    pub fn take(&mut self, batch: &TxBatch, outcome: &SendOutcome) -> Asked {
        let nothing = if outcome.accepted > self.written { Asked::Left } else { Asked::Nothing };
        let Some(SendStop::Refused { datagrams, errno }) = outcome.stop else { return nothing };
        let first = batch.slots().get(outcome.accepted).and_then(|slot| batch.dest(slot.dest));
        let Some(first) = first else { return nothing };
        let finding = OwnFinding::from_errno(errno, first.addr);
        let reports = self.written.saturating_sub(outcome.accepted).min(datagrams);
        if reports == 0 {
            return Asked::Refused(finding);
        }
        self.reports += reports as u64;
        self.latest = Some(finding);
        nothing
    }

    /// Reports that were refused.
    pub fn reports(&self) -> u64 {
        self.reports
    }

    /// Why the latest was.
    pub fn why(&self) -> Option<String> {
        self.latest.as_ref().map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Dest;
    use std::net::SocketAddr;

    fn refused(accepted: usize, reports: usize) -> (u64, bool) {
        let mut batch = TxBatch::new(4, 64);
        let dest = batch.append_dest(Dest::from(SocketAddr::from(([192, 0, 2, 1], 9))));
        for _ in 0..3 {
            batch.push(dest, 1).unwrap();
        }
        let mut refused = Refused::default();
        refused.wrote(reports);
        let stop = Some(SendStop::Refused { datagrams: 1, errno: 1 });
        let asked = refused.take(&batch, &SendOutcome { accepted, stop });
        (refused.reports(), matches!(asked, Asked::Refused(_)))
    }

    #[test]
    fn a_refused_report_is_told_from_a_refused_question() {
        assert_eq!(refused(0, 2), (1, false));
        assert_eq!(refused(1, 2), (1, false));
        assert_eq!(refused(2, 2), (0, true));
        assert_eq!(refused(0, 0), (0, true));
        let nothing = Refused::default();
        assert_eq!((nothing.reports(), nothing.why()), (0, None));
    }
}
