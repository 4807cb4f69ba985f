//! Looks up, after a failed run, what the session could not see: the state of this host, and
//! whether another address replies. The advice follows from that.

use super::plan::BlastPlan;
use crate::batch::{HostChange, LocalSendFailure};
use crate::control::{Handshake, Issuer, Patience, Sealer, Step};
use crate::engine::random_u64;
use crate::net::{self, ConnectionPlan, find_reply_source, split_host_port};
use crate::record::{FailureAdvice, Iperf3Failure, RunFailure, ServerReply, thrown_away};
use crate::session::blast::ControlSummary;
use crate::units::{Nanos, Rate, with_port};
use crate::wire::iperf3::{IPERF3_PORT, Iperf3Error};
use crate::wire::{Reply, Verb};
use std::net::SocketAddr;
use std::time::Duration;

/// How long to wait for a reply from another address than the target.
const ELSEWHERE: Duration = Duration::from_millis(900);

/// How long an iperf3 server may take to accept a connection.
const ACCEPTED: Duration = Duration::from_millis(500);

/// Stores in the summary why the run failed, as far as this host's state or a reply from another
/// address shows it, and returns what the user can do about it.
pub fn explain(
    plan: &BlastPlan,
    control: &mut ControlSummary,
    host: Option<&HostChange>,
) -> Option<FailureAdvice> {
    let (target, rate_limit) = (plan.target, control.rate_limit);
    match control.failure.as_mut()? {
        RunFailure::NotSent { reason, .. }
        | RunFailure::StreamNotSent { reason }
        | RunFailure::DatagramsNotSent { reason, .. } => {
            *reason = net::explain(reason.errno, target);
            mend(reason)
        }
        RunFailure::NoReply { .. } | RunFailure::PortClosed { .. } if plan.named.is_none() => {
            Some(FailureAdvice::CheckLoopback)
        }
        RunFailure::NoReply { .. }
        | RunFailure::PathError { .. }
        | RunFailure::PortClosed { .. }
            if plan.named.is_some() && has_iperf3(plan) =>
        {
            let host = plan.named.as_deref().and_then(|named| split_host_port(named).ok())?.host;
            Some(FailureAdvice::UseIperf3 { host, port: IPERF3_PORT })
        }
        RunFailure::Iperf3 { cause } => of_iperf3(cause, plan),
        failure @ RunFailure::NoReply { .. } => {
            let Some(from) = elsewhere(plan) else {
                let losses = host.map(|host| thrown_away(&host.counted, u64::MAX));
                if let Some(losses) = losses.filter(|losses| !losses.is_empty()) {
                    return Some(FailureAdvice::LostHere { losses });
                }
                return Some(FailureAdvice::StartServerAndOpenPort { target: target.into() });
            };
            *failure = RunFailure::OtherAddress { target: target.into(), from: from.into() };
            Some(FailureAdvice::AskAddress { from: from.into() })
        }
        RunFailure::PathError { .. } => Some(FailureAdvice::TracePath { target: target.into() }),
        RunFailure::PortClosed { .. } => Some(FailureAdvice::StartServer { target: target.into() }),
        RunFailure::SeveralServers { .. } => Some(FailureAdvice::AskOneServer),
        RunFailure::NoCapacitySearch => Some(FailureAdvice::GiveRate),
        RunFailure::KeyNeeded => Some(FailureAdvice::GiveKey),
        RunFailure::OtherKey => Some(FailureAdvice::SameKey),
        RunFailure::NoKeyThere => Some(FailureAdvice::NoKey),
        RunFailure::Refused { reply }
        | RunFailure::StreamRefused { reply }
        | RunFailure::LostRun { reply } => refused(reply, rate_limit),
        _ => None,
    }
}

fn mend(reason: &LocalSendFailure) -> Option<FailureAdvice> {
    reason.hint().map(|_| FailureAdvice::MendThisHost { reason: reason.clone() })
}

fn refused(reply: &ServerReply, rate_limit: Option<Rate>) -> Option<FailureAdvice> {
    match rate_limit {
        Some(rate) => Some(FailureAdvice::LowerRate { rate }),
        None => reply.is_temporary().then_some(FailureAdvice::TryLater),
    }
}

/// Whether something accepts connections on the port of iperf3's servers.
fn has_iperf3(plan: &BlastPlan) -> bool {
    let connection = ConnectionPlan {
        bind: plan.control_bind,
        connect: with_port(plan.target, IPERF3_PORT),
        device: plan.stream.device,
    };
    connection.is_accepted(ACCEPTED)
}

fn of_iperf3(cause: &Iperf3Failure, plan: &BlastPlan) -> Option<FailureAdvice> {
    let target = plan.target.into();
    Some(match cause {
        Iperf3Failure::PortClosed { .. } | Iperf3Failure::NoReply { .. } => {
            FailureAdvice::StartIperf3 { target }
        }
        Iperf3Failure::Busy => FailureAdvice::TryLater,
        Iperf3Failure::NotAuthorized => FailureAdvice::CheckCredentials,
        Iperf3Failure::StreamNoReply { .. } => FailureAdvice::OpenUdpPort { target },
        Iperf3Failure::OneWayOnly => FailureAdvice::OneWayAtATime,
        Iperf3Failure::Refused { number, .. } => match Iperf3Error(*number) {
            Iperf3Error::TOTAL_RATE => FailureAdvice::LowerTotalRate,
            Iperf3Error::MAX_DURATION | Iperf3Error::SERVER_TIMEOUT => FailureAdvice::ShorterTime,
            Iperf3Error::AUTHORIZATION => FailureAdvice::CheckCredentials,
            Iperf3Error::NO_DATA => FailureAdvice::OpenUdpPort { target },
            _ => return None,
        },
        _ => return None,
    })
}

/// The address that replies instead of the target, if one does.
fn elsewhere(plan: &BlastPlan) -> Option<SocketAddr> {
    let mut issuer = Issuer::new("w", Sealer::new(plan.key.clone(), random_u64().ok()?));
    let mut handshake = Handshake::new(Verb::Helo, 0);
    let patience = Patience::new(Nanos::from_secs(1));
    let step = handshake.poll(Nanos::ZERO, &mut issuer, &patience, |_, _| {});
    let Step::Send(question) = step else { return None };
    let question = question.to_vec();
    let asked = handshake.exchange()?;
    let is_reply = |bytes: &[u8]| asked.reply(bytes).is_some() || Reply::decode(bytes).is_ok();
    let bind = with_port(plan.control_bind, 0);
    let from = find_reply_source(bind, plan.target, &question, ELSEWHERE, is_reply).ok()??;
    (from != plan.target).then_some(from)
}
