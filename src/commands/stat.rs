//! `udpkit stat`: from arguments to a run.

use super::address_race::{choose, hello};
use super::misread::{check_hosts, check_zones, device};
use super::{Exit, Usage, key};
use crate::batch::TxBatch;
use crate::cli::StatArgs;
use crate::control::Sealer;
use crate::engine::{Loop, LoopConfig, Signals, random_u64};
use crate::net::{FamilyChoice, Resolved, SocketPlan, resolve_all, split_host_port};
use crate::record::Worded as _;
use crate::report::{self, Shown, server_state_text};
use crate::session::stat::StatSession;
use crate::units::any_address;
use crate::wire::CONTROL_MAX;
use anyhow::Context as _;
use thiserror::Error;

/// What this host could not do; the source is the system's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum StatError {
    /// Signal handlers could not be installed.
    #[error("cannot listen for signals")]
    Signals,
    /// The event loop did not start, or failed.
    #[error("cannot run the event loop")]
    Run,
}

/// Runs `udpkit stat`.
pub fn run(args: StatArgs) -> anyhow::Result<Exit> {
    check_hosts(std::slice::from_ref(&args.host)).map_err(Usage::from)?;
    let device = device(args.interface.as_deref())?;
    let family = FamilyChoice::from(args.family);
    let Resolved { addrs, .. } = resolve_all(&args.host, Some(args.port), family)?;
    check_zones(&addrs, device).map_err(Usage::from)?;
    let key = key::read(args.key.as_deref())?;
    let name = split_host_port(&args.host)?.host;
    let plan = SocketPlan { device, ..SocketPlan::new(any_address(addrs[0])) };
    let target = choose(&name, &addrs, &plan, || hello(key.as_ref()));
    // Connected, since not every system tells errors of others.
    let connect = Some(target);
    let plan = SocketPlan { connect, device, ..SocketPlan::for_peers([&target]) };
    let signals = Signals::listen().context(StatError::Signals)?;
    let looped = Loop::new(vec![plan.open()?], Some(signals), LoopConfig::default());
    let session = StatSession::new(target, Sealer::new(key, random_u64()?), args.wait);
    let ended = looped.and_then(|looped| looped.run(session, TxBatch::new(1, CONTROL_MAX)));
    match ended.context(StatError::Run)?.summary {
        Ok(state) => {
            let shown = Shown { json: args.json, quiet: false };
            shown.print("stat", &state, server_state_text);
            Ok(Exit::Done)
        }
        Err(why) => {
            report::error(why.text(), None);
            Ok(Exit::Failed)
        }
    }
}
