//! What it means that the far end does not answer, or no longer knows the run.

use super::{BlastControl, KEPT, State};
use crate::batch::{LocalRefusal, LocalSendFailure, NetworkError};
use crate::machine::{Executor, Now, Orders};
use crate::record::{RemoteRefusal, RunFailure, Sink};
use crate::session::blast::{ControlCommand, ControlEvent, ControlOrder};
use crate::wire::{Code, Reply};

impl<O, E> BlastControl<O, E>
where
    O: Orders<ControlOrder>,
    E: Executor<ControlCommand> + Sink<ControlEvent>,
{
    /// What it means that the far end refuses a status request.
    pub(super) fn lost_run(&self, reply: &Reply, now: Now) -> RunFailure {
        let silent_ns = (now.mono - self.heard).0;
        if reply.code == Code::WRONG_ORDER && silent_ns < KEPT.0 {
            return RunFailure::ServerRestarted { silent_ns, reply: reply.into() };
        }
        RunFailure::LostRun { reply: reply.into() }
    }

    /// What it means that the far end's port is closed.
    pub(super) fn went_away(&self, error: NetworkError) -> RunFailure {
        if self.client.is_answered() {
            return RunFailure::WentAway { error };
        }
        RunFailure::PortClosed { target: self.target.into(), error }
    }

    /// Why no reply came; nothing about the far end if this host did not send.
    pub(super) fn silence(&self) -> RunFailure {
        let (target, error) = (self.target, self.refusals.reason().copied());
        let at_first = !self.client.is_answered();
        let watched = matches!(self.state, State::Watch(_));
        let own = self.rejected_here;
        let silent_ns = self.client.patience().base().0;
        let Some(exchange) = self.client.exchange() else {
            return RunFailure::SilentInDialogue { silent_ns, error };
        };
        match exchange.unsealed().filter(|_| at_first) {
            Some(RemoteRefusal::OtherKey) => return RunFailure::OtherKey,
            Some(RemoteRefusal::NoKey) => return RunFailure::NoKeyThere,
            _ => {}
        }
        // One may still be in flight. An unreachable neighbour is reported only once for all
        // datagrams that waited for it.
        let of_all = |(errno, times): &(i32, u32)| {
            let silent_neighbour = LocalRefusal::of(*errno) == LocalRefusal::HostUnreachable;
            (silent_neighbour && at_first) || times + 1 >= exchange.repeats()
        };
        let own = own.filter(of_all).map(|(errno, _)| errno);
        if let Some(errno) = exchange.refused_here().or(own) {
            return RunFailure::NotSent {
                target: target.into(),
                reason: LocalSendFailure::from_errno(errno, target),
            };
        }
        let waited_ns = exchange.patience().0;
        match (at_first, watched, error) {
            (true, _, None) => RunFailure::NoReply { target: target.into(), waited_ns },
            (true, _, Some(error)) => {
                RunFailure::PathError { target: target.into(), waited_ns, error }
            }
            (_, true, error) => RunFailure::WentSilent { silent_ns: waited_ns, error },
            (_, _, error) => RunFailure::SilentInDialogue { silent_ns: waited_ns, error },
        }
    }
}
