//! Reasons for which this host itself refuses to send: the one place that maps error numbers to
//! their meaning.

/// Why this host's kernel refused a datagram, from the error number of send(2).
///
/// One error number can have several causes (`EACCES` for a prohibit route, or for a broadcast
/// without `SO_BROADCAST`). Only the state of this host can distinguish them; `net` looks it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LocalRefusal {
    /// `ENOBUFS`, `ENOMEM`: a queue of this host was full.
    QueueFull,
    /// `EMSGSIZE`: larger than the interface or the protocol allows.
    TooBig,
    /// `ENETUNREACH`: no route, or the route's interface is down.
    NetworkUnreachable,
    /// `EHOSTUNREACH`: an unreachable route, or no answer to ARP or neighbour discovery.
    HostUnreachable,
    /// `ENETDOWN`, `ENODEV`, `ENXIO`: the interface is down or gone.
    InterfaceDown,
    /// `EADDRNOTAVAIL`: the source address no longer belongs to this host.
    AddressGone,
    /// `EPERM`: this host's own packet filter dropped it.
    PacketFilter,
    /// `EACCES`: a prohibit route, or a broadcast address without `SO_BROADCAST`.
    Prohibited,
    /// `EINVAL`: a blackhole route, or an address that the socket cannot send to.
    Invalid,
    /// `ECONNREFUSED`: an earlier datagram reached a closed port; the current one was not sent.
    ConnectionRefused,
    /// Anything else, with its number.
    Other(i32),
}

impl LocalRefusal {
    /// The meaning of an error number of Linux (errno(3)).
    pub fn of(errno: i32) -> Self {
        match errno {
            1 => Self::PacketFilter,
            6 | 19 | 100 => Self::InterfaceDown,
            12 | 105 => Self::QueueFull,
            13 => Self::Prohibited,
            22 => Self::Invalid,
            90 => Self::TooBig,
            99 => Self::AddressGone,
            101 => Self::NetworkUnreachable,
            111 => Self::ConnectionRefused,
            113 => Self::HostUnreachable,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_mean_what_the_system_says() {
        let table = [
            (1, LocalRefusal::PacketFilter, "Operation not permitted"),
            (6, LocalRefusal::InterfaceDown, "No such device or address"),
            (12, LocalRefusal::QueueFull, "Cannot allocate memory"),
            (13, LocalRefusal::Prohibited, "Permission denied"),
            (19, LocalRefusal::InterfaceDown, "No such device"),
            (22, LocalRefusal::Invalid, "Invalid argument"),
            (90, LocalRefusal::TooBig, "Message too long"),
            (99, LocalRefusal::AddressGone, "Cannot assign requested address"),
            (100, LocalRefusal::InterfaceDown, "Network is down"),
            (101, LocalRefusal::NetworkUnreachable, "Network is unreachable"),
            (105, LocalRefusal::QueueFull, "No buffer space available"),
            (111, LocalRefusal::ConnectionRefused, "Connection refused"),
            (113, LocalRefusal::HostUnreachable, "No route to host"),
            (5, LocalRefusal::Other(5), "Input/output error"),
        ];
        for (errno, meaning, words) in table {
            assert_eq!(LocalRefusal::of(errno), meaning, "{errno}");
            assert_eq!(crate::units::errno_text(errno), words.to_lowercase(), "{errno}");
        }
    }
}
