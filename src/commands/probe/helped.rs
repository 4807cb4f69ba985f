//! Runs a probe that asks the remote agent in rounds, on a socket of its own.

pub use super::far_end::Target;

use super::error::ProbeError;
use crate::batch::TxBatch;
use crate::commands::Exit;
use crate::engine::{Loop, LoopConfig, Signals};
use crate::record::Document;
use crate::record::probe::{FailureReport, NoAgent, ProbeFailure};
use crate::report::{self, print_json, words};
use crate::session::probe::{Helped, HelpedEnd, Kind, Manner};
use crate::units::Nanos;
use crate::wire::PortList;
use anyhow::Context;
use std::net::SocketAddr;

/// Time between two tries of one datagram.
pub const SPACING: Nanos = Nanos::from_millis(60);
/// How long an answer to the last try is waited for.
pub const WAIT: Nanos = Nanos::from_millis(600);
/// How long the remote agent may keep silent at first; more where the round trip turns out long.
const PATIENCE: Nanos = Nanos::from_secs(5);
/// Datagrams that are handed to the socket at once, and their payload bytes.
const SLOTS: usize = 128;
const ARENA: usize = 1 << 20;

impl Target {
    /// How it is asked.
    pub fn manner(&self, ports: PortList) -> Manner {
        Manner { target: self.addr, ports, spacing: SPACING, wait: WAIT }
    }
}

/// Runs a kind to its end; `signals` end it early where they are given.
pub fn measure<K: Kind>(
    target: &Target,
    manner: Manner,
    kind: K,
    signals: Option<Signals>,
) -> anyhow::Result<HelpedEnd<K::Facts>> {
    let socket = target.socket()?;
    let mut far_end = target.far_end()?;
    far_end.be_patient(PATIENCE);
    let looped =
        Loop::new(vec![socket], signals, LoopConfig::default()).context(ProbeError::Start)?;
    let session = Helped::new(manner, kind, far_end);
    let ended = looped.run(session, TxBatch::new(SLOTS, ARENA)).context(ProbeError::Run)?;
    Ok(ended.summary)
}

/// Says why a probe has no facts, with what would help: on standard error, and with `json` in a
/// document of `command`, too.
pub fn no_agent(json: bool, command: &'static str, target: SocketAddr, why: &NoAgent) -> Exit {
    let (error, hint) = words::far_end::no_agent(target.into(), why);
    report::error(error, hint.as_deref());
    if json {
        let failure = ProbeFailure { reason: why.clone(), hint };
        print_json(&Document::new(command, FailureReport { target: target.into(), failure }));
    }
    Exit::Failed
}
