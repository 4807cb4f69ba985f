//! Results for the datagrams of one item.

use super::{Pace, ProbeItem, Shape};
use crate::batch::IcmpMeaning;
use crate::machine::Now;
use crate::units::Nanos;
use crate::wire::Echo;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// `EMSGSIZE`: repeating does not help.
const TOO_LONG: i32 = 90;

/// The answer to one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    /// The agent's report on the datagram.
    pub echo: Echo,
    /// TTL or hop limit with which the answer arrived.
    pub ttl: Option<u8>,
    /// TOS or traffic class with which it arrived.
    pub tos: Option<u8>,
    /// Its payload bytes.
    pub len: u32,
    /// The largest fragment in which it arrived; `None` if it was not fragmented.
    pub fragment: Option<u32>,
    /// Whether the pattern behind the agent's report arrived unchanged.
    pub intact: bool,
    /// Time from sending to the answer.
    pub round_trip: Nanos,
}

/// One datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct One {
    /// When it was handed to the kernel.
    pub at: Now,
    /// The first answer to it.
    pub back: Option<Back>,
    /// The system's error number, if this host refused to send it.
    pub refused: Option<i32>,
}

/// A network error about a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpNote {
    /// Its sender.
    pub router: Option<IpAddr>,
    /// ICMP type.
    pub icmp_type: u8,
    /// ICMP code.
    pub icmp_code: u8,
    /// The next hop's MTU, if reported.
    pub mtu: Option<u32>,
    /// Meaning of type and code; `None` for rare ones.
    pub words: Option<IcmpMeaning>,
}

/// What became of the content of datagrams that arrived, out and back. One that was cut is not
/// altered as far as it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Requests that arrived shorter than they were sent.
    pub cut_out: u64,
    /// Answers that arrived shorter than was asked for.
    pub cut_back: u64,
    /// Requests whose pattern arrived altered.
    pub altered_out: u64,
    /// Answers whose pattern arrived altered.
    pub altered_back: u64,
}

/// An item and its datagrams.
#[derive(Clone, Debug)]
pub struct ItemLog {
    /// What was sent.
    pub shot: ProbeItem,
    /// When it was requested.
    pub began: Nanos,
    /// Each attempt to send it.
    pub sent: Vec<One>,
    /// Network errors about it.
    pub icmp: Vec<IcmpNote>,
    /// Answers duplicated on the way back. Answers to copies that were made on the way out are not
    /// included.
    pub copies_back: u64,
    /// Number of a datagram, and arrival time at the agent of a further copy that was answered as
    /// well.
    copies_answered: BTreeSet<(u32, Nanos)>,
    /// Length of this host's pauses meanwhile, which do not count as silence.
    pub(super) stood_still: Nanos,
}

impl ItemLog {
    pub(super) fn new(shot: ProbeItem, began: Nanos) -> Self {
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

    /// A further answer to a datagram, which was first answered for the arrival at `first`.
    pub(super) fn note_copy(&mut self, echo: &Echo, first: Nanos) {
        // What was answered again had arrived there again.
        let new =
            echo.arrived != first && self.copies_answered.insert((echo.sequence, echo.arrived));
        self.copies_back += u64::from(!new);
    }

    /// Payload bytes with which a request arrived, if that is less than was sent: something that
    /// forwards it has cut it.
    pub fn cut_out(&self, back: &Back) -> Option<u32> {
        let arrived = u32::from(back.echo.len);
        (self.shot.len > arrived as usize).then_some(arrived)
    }

    /// Payload bytes with which an answer arrived, if that is less than was asked for.
    pub fn cut_back(&self, back: &Back) -> Option<u32> {
        let asked = usize::from(self.shot.answer.len).max(Echo::LEN);
        (asked > back.len as usize).then_some(back.len)
    }

    /// What became of the content of its datagrams.
    pub fn changes(&self) -> Changes {
        // A request at the end of its payload says nothing of what is in front of it.
        let at_start = self.shot.shape == Shape::Ask;
        self.backs().fold(Changes::default(), |sum, back| Changes {
            cut_out: sum.cut_out + u64::from(self.cut_out(back).is_some()),
            cut_back: sum.cut_back + u64::from(self.cut_back(back).is_some()),
            altered_out: sum.altered_out + u64::from(at_start && !back.echo.intact),
            altered_back: sum.altered_back + u64::from(!back.intact),
        })
    }

    pub(super) fn attempts(&self) -> usize {
        self.sent.len()
    }

    /// Whether it was sent less often than allowed.
    pub(super) fn wants_more(&self) -> bool {
        let (Pace::UntilAnswered(most) | Pace::Train(most, _)) = self.shot.pace;
        self.attempts() < most as usize
    }

    /// The answers.
    pub fn backs(&self) -> impl Iterator<Item = &Back> {
        self.sent.iter().filter_map(|one| one.back.as_ref())
    }

    /// Datagrams sent.
    pub fn left(&self) -> usize {
        self.sent.iter().filter(|one| one.refused.is_none()).count()
    }

    /// Error numbers of sends that this host refused, except for their size.
    pub fn refusals(&self) -> impl Iterator<Item = i32> {
        self.sent.iter().filter_map(|one| one.refused).filter(|errno| *errno != TOO_LONG)
    }

    /// Whether this host finds it too long to be sent at all.
    pub fn refused_for_good(&self) -> bool {
        self.sent.iter().any(|one| one.refused == Some(TOO_LONG))
    }
}
