//! Options of the kernel that a run does without where they are refused, and which of them this
//! process was refused: a property of the process, as a sandbox is, and so kept for all of it.

use serde::Serialize;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// What is asked of the kernel for one row or one figure of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Convenience {
    /// `IP_RECVERR`, `IPV6_RECVERR`: errors of the network.
    NetworkErrors,
    /// `SO_TIMESTAMPNS`: when datagrams arrived.
    ReceiveTimeStamps,
    /// `SO_TIMESTAMPING`: when datagrams left.
    TransmitTimeStamps,
    /// `SO_RXQ_OVFL`: what this host's sockets dropped.
    SocketDrops,
    /// `UDP_GRO`: several datagrams in one buffer.
    CoalescedReceive,
    /// `IP_PKTINFO`, `IPV6_RECVPKTINFO`: to which address datagrams came.
    PacketInfo,
    /// `IP_RECVTTL`, `IPV6_RECVHOPLIMIT`: with which TTL datagrams came.
    TimeToLive,
    /// `IP_RECVTOS`, `IPV6_RECVTCLASS`: with which DSCP datagrams came.
    TrafficClass,
    /// `IP_MTU_DISCOVER`, `IPV6_MTU_DISCOVER`: datagrams that must not be fragmented.
    DontFragment,
    /// `IP_RECVFRAGSIZE`, `IPV6_RECVFRAGSIZE`: whether datagrams came in fragments.
    FragmentSizes,
    /// `IP_RECVTOS`, `IPV6_RECVTCLASS`: how datagrams were marked.
    Marks,
    /// `timerfd_create(2)`: sends on time to less than a millisecond.
    ExactTimer,
    /// `prctl(2)`, `PR_SET_TIMERSLACK`: sends on time to less than 50 µs.
    TimerSlack,
    /// `SO_RCVBUF`, `SO_SNDBUF`: socket buffers of the size asked for.
    SocketBuffers,
    /// `sched_setaffinity(2)`: streams on processors of their own.
    Processors,
}

impl Convenience {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::NetworkErrors,
        Self::ReceiveTimeStamps,
        Self::TransmitTimeStamps,
        Self::SocketDrops,
        Self::CoalescedReceive,
        Self::PacketInfo,
        Self::TimeToLive,
        Self::TrafficClass,
        Self::DontFragment,
        Self::FragmentSizes,
        Self::Marks,
        Self::ExactTimer,
        Self::TimerSlack,
        Self::SocketBuffers,
        Self::Processors,
    ];
}

/// The error number of each in the order of [`Convenience::ALL`]; 0 for none.
static REFUSED: [AtomicI32; Convenience::ALL.len()] =
    [const { AtomicI32::new(0) }; Convenience::ALL.len()];

/// Which of them the system lacks, one bit each.
static LACKING: AtomicU32 = AtomicU32::new(0);

/// A convenience that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusedConvenience {
    /// Which.
    #[serde(rename = "code")]
    pub what: Convenience,
    /// The error number (errno(3)).
    pub errno: i32,
    /// Whether this system lacks it altogether, and nobody refused anything.
    #[serde(skip)]
    pub is_lacking: bool,
}

/// Notes that the system refused `what`, with Linux's error number for that; `None` if it gave none.
pub fn note_refused(what: Convenience, errno: Option<i32>) {
    REFUSED[what as usize].store(errno.unwrap_or(-1), Ordering::Relaxed);
}

/// Notes that the system has no such thing, which is as if it refused it with this error number.
pub fn note_lacking(what: Convenience, errno: i32) {
    note_refused(what, Some(errno));
    LACKING.fetch_or(1 << what as u32, Ordering::Relaxed);
}

/// What this process was refused so far.
pub fn refused_conveniences() -> Vec<RefusedConvenience> {
    let all = Convenience::ALL.into_iter().map(|what| RefusedConvenience {
        what,
        errno: REFUSED[what as usize].load(Ordering::Relaxed),
        is_lacking: LACKING.load(Ordering::Relaxed) & 1 << what as u32 != 0,
    });
    all.filter(|one| one.errno != 0).collect()
}
