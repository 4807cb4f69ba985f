//! What can be told of a run that failed beyond its own words, and done about it: looked up once it
//! is over.

use super::plan::BlastPlan;
use crate::engine::random_u64;
use crate::net::{self, who_answers};
use crate::record::Worded;
use crate::session::blast::{ControlSummary, RunFailure};
use crate::session::{Sealer, Step};
use crate::units::Nanos;
use crate::wire::{Command, HELO_LEN, Reply, Verb};
use std::net::SocketAddr;
use std::time::Duration;

/// How long another address has to answer where the one that was asked does not.
const ELSEWHERE: Duration = Duration::from_millis(900);

/// Says in the summary why the run failed, as far as this host's state and another answer show it;
/// what the user can do about it is returned.
pub fn explain(plan: &BlastPlan, control: &mut ControlSummary) -> Option<String> {
    let port = plan.target.port();
    match control.failure? {
        RunFailure::RefusedHere(errno) => {
            let found = net::explain(errno, plan.target);
            control.broken =
                Some(format!("no datagram to {} left this host: {found}", plan.target));
            found.hint().map(|hint| hint.text())
        }
        RunFailure::NoAnswer | RunFailure::NobodyThere if plan.named.is_none() => Some(
            "the far end is this process's own: `ip link show lo` and this host's packet filter \
             may say what keeps them apart"
                .to_owned(),
        ),
        RunFailure::NoAnswer => {
            let Some(from) = elsewhere(plan) else {
                return Some(format!(
                    "run `udpkit serve -p {port}` there, and let UDP port {port} through in both \
                     directions"
                ));
            };
            let asked = plan.target;
            control.broken =
                Some(format!("answers came from {from}, not from {asked} that was asked"));
            Some(format!(
                "`udpkit blast {from}` asks that address; a NAT on the way back, or a server that \
                 answers from another of its addresses, changes it"
            ))
        }
        RunFailure::StoppedOnTheWay => {
            Some(format!("`udpkit probe trace {}` shows where", plan.target))
        }
        RunFailure::NobodyThere => Some(format!("run `udpkit serve -p {port}` there")),
        _ => {
            let limit = control.rate_limit.as_ref()?;
            Some(format!("--rate {limit} or less is served there"))
        }
    }
}

/// The address that answers in the place of the target, where one does.
fn elsewhere(plan: &BlastPlan) -> Option<SocketAddr> {
    let mut sealer = Sealer::new(plan.key.clone(), random_u64().ok()?);
    let tag = crate::session::Tags::new("w").fresh();
    let hello = Command::new(tag, Verb::Helo);
    let mut exchange = sealer.exchange(&hello, HELO_LEN, Nanos::ZERO, Nanos::from_secs(1));
    let Step::Send(question) = exchange.poll(Nanos::ZERO) else { return None };
    let question = question.to_vec();
    let is_reply = |bytes: &[u8]| exchange.reply(bytes).is_some() || Reply::decode(bytes).is_ok();
    let bind = SocketAddr::new(plan.control_bind.ip(), 0);
    let from = who_answers(bind, plan.target, &question, ELSEWHERE, is_reply).ok()??;
    (from != plan.target).then_some(from)
}
