//! Runs a probe that asks a helper in rounds, on a socket of its own.

pub use super::far_end::Target;

use crate::batch::TxBatch;
use crate::commands::Exit;
use crate::engine::{Loop, LoopConfig, Signals};
use crate::record::Worded;
use crate::record::probe::NoAgent;
use crate::report;
use crate::session::probe::{Helped, HelpedEnd, Kind, Manner};
use crate::units::Nanos;
use crate::wire::PortList;
use anyhow::Context;
use std::net::SocketAddr;

/// Time between two tries of one datagram.
pub const SPACING: Nanos = Nanos::from_millis(60);
/// How long an answer to the last try is waited for.
pub const WAIT: Nanos = Nanos::from_millis(600);
/// How long the helper may keep silent at first; more where the round trip turns out long.
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
        Loop::new(vec![socket], signals, LoopConfig::default()).context("cannot start the loop")?;
    let session = Helped::new(manner, kind, far_end);
    let ended = looped.run(session, TxBatch::new(SLOTS, ARENA)).context("cannot probe")?;
    Ok(ended.summary)
}

/// Says why a probe has no facts, with what would help.
pub fn say_no_agent(target: SocketAddr, why: &NoAgent) -> Exit {
    let port = target.port();
    let hint = match why {
        NoAgent::Refused { .. } => {
            Some("this needs a `udpkit serve` there that helps probes".to_owned())
        }
        NoAgent::NotSent { found, .. } => found.hint().map(|hint| hint.text()),
        NoAgent::TtlExceeded { .. } => {
            Some(format!("`udpkit probe trace {}` shows the routers", target.ip()))
        }
        NoAgent::Interrupted => None,
        _ => Some(format!(
            "run `udpkit serve -p {port}` there, and let UDP port {port} through in both \
             directions; `udpkit probe trace` needs no helper"
        )),
    };
    report::error(why, hint.as_deref());
    Exit::Failed
}
