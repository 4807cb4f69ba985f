//! What would help a throughput run.

use super::host_losses::LossPlace;
use super::{Refusal, RefusalCause};
use crate::batch::{LocalCause, LocalRefusal};
use serde::Serialize;

/// What would help a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ThroughputAdvice {
    /// A higher rate, to see what more the path carries.
    RaiseRate,
    /// Take a longer time, or let a capacity measurement climb faster.
    LongerTime,
    /// The search for the highest rate without loss.
    FindRate,
    /// The probe that tries the sizes.
    ProbeMtu,
    /// A lower rate, or a longer queue at the interface.
    LowerRateOrLongerQueue,
    /// Smaller datagrams.
    SmallerSize,
    /// A look at the sender's packet filter.
    CheckPacketFilter,
    /// A look at the sender's interfaces, addresses and routes.
    CheckRoutes,
    /// More streams, or larger datagrams.
    MoreStreams,
    /// More streams, larger datagrams, or a lower rate.
    MoreStreamsOrLowerRate,
    /// A larger receive buffer, or a lower rate.
    RaiseReceiveBuffer,
    /// A longer receive ring, or more queues of the card.
    LongerCardRing,
    /// A longer backlog.
    LongerBacklog,
    /// A look at the reverse path filter and the routes back.
    CheckReversePath,
    /// Datagrams that need no fragments.
    AvoidFragments,
    /// More memory for fragments, or datagrams that need none.
    MoreReassemblyMemory,
    /// A larger connection tracking table.
    LargerConntrackTable,
    /// A look at the receiver's routes.
    CheckReceiverRoutes,
    /// A look at the receiver's interface.
    CheckReceiverInterface,
    /// A look at what else the receiver's IP counters say.
    CheckReceiverDrops,
    /// A look at the sender's interface.
    CheckSenderInterface,
    /// A look at cables, cards and middleboxes.
    CheckForDamage,
    /// A look for what rewrites payloads.
    FindRewriter,
    /// A higher memory limit of UDP.
    RaiseUdpMemory,
    /// A look at what else runs on the sender.
    CheckSenderLoad,
    /// A look whether the server still runs.
    CheckServer,
}

impl ThroughputAdvice {
    /// Advice for what a host lost at a place.
    pub fn for_place(place: LossPlace) -> Option<Self> {
        place_advice(place)
    }
}

/// Advice for the most frequent refusal.
pub(super) fn host_advice(causes: &[Refusal]) -> Option<ThroughputAdvice> {
    let first = causes.first()?;
    if let RefusalCause::Host { reason } = &first.cause
        && matches!(reason.cause, LocalCause::ConntrackFull { .. })
    {
        return Some(ThroughputAdvice::LargerConntrackTable);
    }
    let errno = first.errno?;
    Some(match LocalRefusal::of(errno) {
        LocalRefusal::TooBig => ThroughputAdvice::SmallerSize,
        LocalRefusal::PacketFilter => ThroughputAdvice::CheckPacketFilter,
        LocalRefusal::NetworkUnreachable
        | LocalRefusal::HostUnreachable
        | LocalRefusal::InterfaceDown
        | LocalRefusal::AddressGone => ThroughputAdvice::CheckRoutes,
        _ => return None,
    })
}

/// Advice for what a host lost.
pub(super) fn place_advice(place: LossPlace) -> Option<ThroughputAdvice> {
    Some(match place {
        LossPlace::CardRing => ThroughputAdvice::LongerCardRing,
        LossPlace::Backlog => ThroughputAdvice::LongerBacklog,
        LossPlace::ReversePathFilter => ThroughputAdvice::CheckReversePath,
        LossPlace::Reassembly | LossPlace::Fragmentation => ThroughputAdvice::AvoidFragments,
        LossPlace::ReassemblyMemory => ThroughputAdvice::MoreReassemblyMemory,
        LossPlace::ConntrackFull => ThroughputAdvice::LargerConntrackTable,
        LossPlace::NoRoute => ThroughputAdvice::CheckReceiverRoutes,
        LossPlace::InterfaceDrop => ThroughputAdvice::CheckReceiverInterface,
        LossPlace::IpHeader | LossPlace::IpDiscard => ThroughputAdvice::CheckReceiverDrops,
        LossPlace::SendBuffer | LossPlace::Qdisc | LossPlace::OutDiscard => {
            ThroughputAdvice::LowerRateOrLongerQueue
        }
        LossPlace::CardTransmit => ThroughputAdvice::CheckSenderInterface,
        LossPlace::FrameDamage | LossPlace::UdpChecksum => ThroughputAdvice::CheckForDamage,
        LossPlace::UdpMemory => ThroughputAdvice::RaiseUdpMemory,
        LossPlace::SocketBuffer => ThroughputAdvice::RaiseReceiveBuffer,
        LossPlace::SocketOther => return None,
    })
}
