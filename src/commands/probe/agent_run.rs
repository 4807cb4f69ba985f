//! Runs a probe with the remote agent on its own socket.

pub use super::far_end::Target;

use super::error::ProbeError;
use crate::batch::TxBatch;
use crate::commands::Exit;
use crate::engine::{Loop, LoopConfig, Signals};
use crate::record::probe::NoAgent;
use crate::record::{Document, LossPart};
use crate::report::{self, FailureReport, ProbeFailure, print_json, words};
use crate::session::probe::{Kind, RoundDriver, RoundDriverEnd, RoundParameters};
use crate::units::Nanos;
use crate::wire::PortList;
use anyhow::Context;

/// Time between two tries of the same datagram.
pub const SPACING: Nanos = Nanos::from_millis(60);
/// How long to wait for a reply to the last try.
pub const WAIT: Nanos = Nanos::from_millis(600);
/// How long the remote agent may be silent at first; longer if the round trip is long.
const PATIENCE: Nanos = Nanos::from_secs(5);
/// Most datagrams of one batch, and their payload bytes.
const SLOTS: usize = 128;
const ARENA: usize = 1 << 20;

impl Target {
    /// How the agent is asked.
    pub fn manner(&self, ports: PortList) -> RoundParameters {
        RoundParameters { target: self.addr, ports, spacing: SPACING, wait: WAIT }
    }

    /// What this host dropped, if the agent was silent: it may have been the replies.
    pub fn lost_here(&self, why: &NoAgent) -> Vec<LossPart> {
        match why {
            NoAgent::NoReply { .. } | NoAgent::StoppedReplying { .. } => {
                self.own_losses.explain(self.addr.ip(), u64::MAX)
            }
            _ => Vec::new(),
        }
    }

    /// Notes what this host dropped, if the agent was silent.
    pub fn note_own_losses(&self, no_agent: Option<&NoAgent>) {
        let losses = no_agent.map(|why| self.lost_here(why)).unwrap_or_default();
        words::host_losses::lost_here(&losses).iter().for_each(report::note);
    }
}

/// Runs a probe to its end; `signals`, if given, end it early.
pub fn measure<K: Kind>(
    target: &Target,
    manner: RoundParameters,
    kind: K,
    signals: Option<Signals>,
) -> anyhow::Result<RoundDriverEnd<K::Facts>> {
    let sockets = vec![target.socket()?];
    let kept = target.kept(&sockets);
    let mut far_end = target.far_end()?;
    far_end.be_patient(PATIENCE);
    let looped = Loop::new(sockets, signals, LoopConfig::default());
    let looped = looped.and_then(|looped| looped.keeping(kept)).context(ProbeError::Start)?;
    let session = RoundDriver::new(manner, kind, far_end);
    let mut ended = looped.run(session, TxBatch::new(SLOTS, ARENA)).context(ProbeError::Run)?;
    let caveats = target.own_losses.probe_caveats(target.addr.ip(), &ended);
    ended.summary.caveats.extend(caveats);
    Ok(ended.summary)
}

/// Reports why a probe has no result, with a hint: on standard error, and with `json` also as a
/// document of `command`.
pub fn no_agent(json: bool, command: &'static str, target: &Target, why: &NoAgent) -> Exit {
    let losses = target.lost_here(why);
    let target = target.addr;
    let (error, hint) = words::far_end::no_agent(target.into(), why);
    let hint = words::host_losses::lost_here(&losses).or(hint);
    report::error(error, hint.as_deref());
    let failure = ProbeFailure { reason: why.clone(), losses, hint };
    let report = FailureReport { target: target.into(), failure };
    report::keep_page(command, &report);
    if json {
        print_json(&Document::new(command, report));
    }
    Exit::Failed
}
