//! Totals of a probe's datagrams: refused by this host, duplicated by the network, and the loss of
//! short control datagrams sent in between.

use super::{ControlEvidence, ControlLoss, ProbeCaveat, RefusedHere};
use crate::record::Contradiction;
use serde::Serialize;

/// Whether something passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one datagram of the kind arrived.
    Passes,
    /// None did, and chance explains that in fewer than 1 in 10,000 runs.
    Blocked,
    /// Some arrived, all of them cut.
    Cut,
    /// None did, and the path loses too much, or too few were sent, to tell the cause.
    #[default]
    Inconclusive,
    /// None left this host.
    NotSent,
}

/// All datagrams of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbeTraffic {
    /// Datagrams that left this host.
    pub sent: u64,
    /// Datagrams that it refused to send, except those too large for its interface.
    #[serde(rename = "refusals")]
    pub refused_here: Vec<RefusedHere>,
    /// Duplicates that arrived at the remote agent; `None` if not reported.
    pub copies_out: Option<u64>,
    /// Duplicates of answers.
    pub copies_back: u64,
    /// Requests that arrived shorter than they were sent: something that forwards them cut them.
    pub cut_out: u64,
    /// Answers that arrived so.
    pub cut_back: u64,
    /// Requests whose content arrived altered, with a right checksum: it was rewritten.
    pub altered_out: u64,
    /// Answers that arrived so.
    pub altered_back: u64,
    /// Short control datagrams sent in between, to measure the path's normal loss.
    pub control_sent: u64,
    /// How many of these arrived at the remote agent; `None` if not reported.
    pub control_arrived: Option<u64>,
    /// How many of these were answered.
    pub control_back: u64,
    /// Why the remote agent's counts cannot be true; they are then treated as not reported.
    #[serde(serialize_with = "crate::record::finding::maybe")]
    #[cfg_attr(test, schemars(with = "Option<crate::record::schema::Told<Contradiction>>"))]
    pub contradiction: Option<Contradiction>,
}

impl ProbeTraffic {
    /// Datagrams that this host refused to send.
    pub fn refused(&self) -> u64 {
        self.refused_here.iter().map(|refused| refused.datagrams).sum()
    }

    /// The path's loss of short datagrams; `None` if unknown.
    pub fn control_loss(&self) -> Option<ControlLoss> {
        let lost = |sent: u64, arrived: u64| {
            (sent > 0).then(|| sent.saturating_sub(arrived).saturating_mul(10_000) / sent)
        };
        if let Some(arrived) = self.control_arrived
            && let (Some(out_per_10000), Some(back_per_10000)) =
                (lost(self.control_sent, arrived), lost(arrived, self.control_back))
        {
            return Some(ControlLoss::EachWay { out_per_10000, back_per_10000 });
        }
        let per_10000 = lost(self.control_sent, self.control_back)?;
        Some(ControlLoss::RoundTrip { per_10000 })
    }

    /// The control measurement that a verdict of "blocked" relies on; `None` without one.
    pub fn control_evidence(&self) -> Option<ControlEvidence> {
        let Self { control_sent: sent, control_back: answered, .. } = *self;
        (sent > 0).then_some(ControlEvidence::ControlAnswered {
            sent,
            answered,
            one_in: crate::stats::ODDS,
        })
    }

    /// The caveat that this host refused to send some datagrams; `None` if it sent all.
    pub fn own_refusal(&self) -> Option<ProbeCaveat> {
        let refused = self.refused();
        (refused > 0).then(|| ProbeCaveat::RefusedHere {
            refused,
            of: refused + self.sent,
            refusals: self.refused_here.clone(),
        })
    }

    /// What the path or this host did that makes the counts less reliable.
    pub fn caveats(&self) -> Vec<ProbeCaveat> {
        let copies = ProbeCaveat::duplicated(self.copies_out.unwrap_or(0), self.copies_back);
        let cut = ProbeCaveat::cut(self.cut_out, self.cut_back);
        let altered = ProbeCaveat::altered(self.altered_out, self.altered_back);
        self.own_refusal().into_iter().chain(copies).chain(cut).chain(altered).collect()
    }
}
