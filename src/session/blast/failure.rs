//! Why a run failed, as a fact that hints and verdicts are made from; its words stand beside it.

use crate::batch::LocalRefusal;
use crate::record::Contradiction;
use crate::wire::Code;

/// What ended a run before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFailure {
    /// Nothing came back from the far end.
    NoAnswer,
    /// Nothing came back, and the network said why (ICMP).
    StoppedOnTheWay,
    /// This host itself let nothing of the dialogue leave, for this error number of send(2): of the
    /// far end nothing is known.
    RefusedHere(i32),
    /// The far end's host says that nothing has the port.
    NobodyThere,
    /// The far end does not take what was asked for, or not now.
    FarEndRefuses(Code),
    /// Each end has another key, or one has none.
    Key,
    /// The far end answered before and then no more.
    WentSilent,
    /// The far end's port was there before and was closed.
    WentAway,
    /// The far end knows the run no more.
    LostRun,
    /// The far end did not finish counting in time.
    NotCounted,
    /// The far end did not end its streams when the user wanted an early end.
    NotStopped,
    /// The far end gave the run up while this side still sent.
    EndedThere,
    /// One of this side's streams broke off, or never began.
    Stream,
    /// The user ended it before it began.
    Interrupted,
    /// What the far end says of the run cannot be true.
    Contradiction(Contradiction),
}

impl RunFailure {
    /// What this host's refusal means; `None` where this host refused nothing.
    pub fn refused_here(self) -> Option<LocalRefusal> {
        match self {
            Self::RefusedHere(errno) => Some(LocalRefusal::of(errno)),
            _ => None,
        }
    }
}
