//! What became of the datagrams of one item.

use super::{Pace, Shot};
use crate::batch::IcmpMeaning;
use crate::session::Now;
use crate::units::Nanos;
use crate::wire::Echo;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// `EMSGSIZE`: it does not get smaller by being sent again.
const TOO_LONG: i32 = 90;

/// The answer to one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    /// What the agent says of the datagram.
    pub echo: Echo,
    /// TTL or hop limit that the answer arrived with.
    pub ttl: Option<u8>,
    /// TOS or traffic class that it arrived with.
    pub tos: Option<u8>,
    /// Its payload bytes.
    pub len: u32,
    /// The largest fragment that it came in; `None` when it came whole.
    pub fragment: Option<u32>,
    /// From the sending to the answer.
    pub round_trip: Nanos,
}

/// One datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct One {
    /// When it was handed to the kernel.
    pub at: Now,
    /// The first answer to it.
    pub back: Option<Back>,
    /// The system's error number, where this host did not send it.
    pub refused: Option<i32>,
}

/// What the network said of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpNote {
    /// Who spoke.
    pub router: Option<IpAddr>,
    /// ICMP type.
    pub icmp_type: u8,
    /// ICMP code.
    pub icmp_code: u8,
    /// The next hop's MTU, where it tells it.
    pub mtu: Option<u32>,
    /// What type and code mean; `None` for rare ones.
    pub words: Option<IcmpMeaning>,
}

/// An item and its datagrams.
#[derive(Clone, Debug)]
pub struct ItemLog {
    /// What was sent.
    pub shot: Shot,
    /// When it was asked for.
    pub began: Nanos,
    /// Each time that it was handed to the kernel.
    pub sent: Vec<One>,
    /// What the network said of it.
    pub icmp: Vec<IcmpNote>,
    /// Answers that came once more than they were sent: copies that the network made on the way
    /// back. Answers to copies that it made on the way out are not among them.
    pub copies_back: u64,
    /// Number of a datagram, and when a copy of it came to the agent that was answered, too.
    copies_answered: BTreeSet<(u32, Nanos)>,
    /// Time that this host stood still meanwhile, which is not the answers'.
    pub(super) stood_still: Nanos,
}

impl ItemLog {
    pub(super) fn new(shot: Shot, began: Nanos) -> Self {
        Self {
            shot,
            began,
            sent: Vec::new(),
            icmp: Vec::new(),
            copies_back: 0,
            copies_answered: BTreeSet::new(),
            stood_still: Nanos::ZERO,
        }
    }

    /// A further answer to a datagram that was answered at `first`.
    pub(super) fn note_copy(&mut self, echo: &Echo, first: Nanos) {
        // What is answered once more there came once more there.
        let new =
            echo.arrived != first && self.copies_answered.insert((echo.sequence, echo.arrived));
        self.copies_back += u64::from(!new);
    }

    pub(super) fn attempts(&self) -> usize {
        self.sent.len()
    }

    /// Whether it was handed to the kernel less often than it may be.
    pub(super) fn wants_more(&self) -> bool {
        let (Pace::UntilAnswered(most) | Pace::Train(most, _)) = self.shot.pace;
        self.attempts() < most as usize
    }

    /// The answers.
    pub fn backs(&self) -> impl Iterator<Item = &Back> {
        self.sent.iter().filter_map(|one| one.back.as_ref())
    }

    /// Datagrams that left.
    pub fn left(&self) -> usize {
        self.sent.iter().filter(|one| one.refused.is_none()).count()
    }

    /// The error numbers of those that this host refused to send, but for those that it found too
    /// long.
    pub fn refusals(&self) -> impl Iterator<Item = i32> {
        self.sent.iter().filter_map(|one| one.refused).filter(|errno| *errno != TOO_LONG)
    }

    /// Whether this host finds it too long to be sent at all.
    pub fn refused_for_good(&self) -> bool {
        self.sent.iter().any(|one| one.refused == Some(TOO_LONG))
    }
}
