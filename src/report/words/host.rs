//! Sentences about datagrams that this host refused or the network rejected, and hints for them.

use crate::batch::{
    CauseCode, HostFault, HostHint, LocalSendFailure, MissingReason, MissingRestriction,
    NetworkErrorSummary, Restriction, TxCall,
};
use crate::record::Worded;
use crate::report::words::terms::{list, plural};

/// The system call by which datagrams were sent, and the batch size.
pub fn sent_by(call: TxCall, batch: u32) -> String {
    format!("sent by {call}, up to {} per call", plural(u64::from(batch), "datagram"))
}

impl Worded for CauseCode {
    fn text(&self) -> String {
        match self {
            Self::Firewall => "firewall",
            Self::ConntrackFull => "connection tracking table full",
            Self::ProhibitRoute => "prohibit route",
            Self::BlackholeRoute => "blackhole route",
            Self::UnreachableRoute => "unreachable route",
            Self::NoNeighbour => "no neighbour",
            Self::BroadcastNotAllowed => "broadcast not allowed",
            Self::NoZone => "no zone",
            Self::NoRoute => "no route",
            Self::NoRouteThen => "no route then",
            Self::InterfaceDown => "interface down",
            Self::AddressGone => "address gone",
            Self::QueueFull => "queue full",
            Self::TooBig => "too big",
            Self::EarlierRefused => "earlier refused",
            Self::Unexplained => "unexplained",
        }
        .to_owned()
    }
}

impl Worded for LocalSendFailure {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Worded for NetworkErrorSummary {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Worded for MissingRestriction {
    fn text(&self) -> String {
        let what = match self.restriction {
            Restriction::BoundingSet => "an empty capability bounding set",
            Restriction::CoreFiles => "disabled core dumps",
            Restriction::NoNewPrivileges => "no_new_privs",
            Restriction::Landlock => "landlock",
            Restriction::Seccomp => "seccomp",
            Restriction::LargeBuffers => "large socket buffers",
        };
        let why = match &self.reason {
            MissingReason::SwitchedOff => "disabled in this kernel",
            MissingReason::NotInKernel => "not supported by this kernel",
            MissingReason::Unclear => "the kernel does not report whether it is active",
            MissingReason::NoThread => "the thread that sets them did not start",
            MissingReason::System { error } => error,
        };
        format!("{what} ({why})")
    }
}

impl Worded for HostFault {
    fn text(&self) -> String {
        self.to_string()
    }
}

/// The hint about a destination that `send` was refused, which has a flag for some.
pub fn send_hint(hint: &HostHint) -> String {
    match hint {
        HostHint::AllowBroadcast => "--broadcast allows it".to_owned(),
        other => other.text(),
    }
}

impl Worded for HostHint {
    fn text(&self) -> String {
        match self {
            Self::SeePacketFilter => {
                "`nft list ruleset` or `iptables -S OUTPUT` shows the rules".to_owned()
            }
            Self::EnlargeConntrackTable => {
                "raise net.netfilter.nf_conntrack_max, or exempt these flows from tracking (notrack)"
                    .to_owned()
            }
            Self::SeeRoutes { destination } => {
                format!("`ip route get {destination}` and `ip rule` show the route")
            }
            Self::AllowBroadcast => {
                "name the address of one host; `udpkit send --broadcast` and `udpkit cast send` send \
                 to all hosts of a network"
                    .to_owned()
            }
            Self::NameZone { destination } => {
                format!("name the interface: [{destination}%eth0]")
            }
            Self::BringUp { interface } => format!("`ip link set {interface} up` brings it up"),
            Self::CheckNeighbour => {
                "check that the host is up and on this network: `ip neigh` lists its neighbours"
                    .to_owned()
            }
            Self::PortInUse => {
                "another process uses the port; `ss -lunp` shows which, and port 0 lets the kernel \
                 choose one"
                    .to_owned()
            }
            Self::PrivilegedPort => {
                "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher port"
                    .to_owned()
            }
            Self::ForeignAddress { addresses } if addresses.is_empty() => {
                "no interface of this host has the address; 0.0.0.0 or [::] stands for all of them"
                    .to_owned()
            }
            Self::ForeignAddress { addresses } => {
                let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                format!("this host has {}; 0.0.0.0 or [::] stands for all of them", list(&all))
            }
            Self::NoRoute => "this host has no route to it; `ip route` lists the routes".to_owned(),
            Self::NameInterface => {
                "this host has no route to the group; name the interface with --interface"
                    .to_owned()
            }
            Self::NoNetworkErrors => {
                "this system does not tell ICMP errors; with `udpkit serve` at the other end the \
                 probes need none"
                    .to_owned()
            }
            Self::GroupLimit => {
                "the kernel limits the groups per socket: `sysctl net.ipv4.igmp_max_memberships`"
                    .to_owned()
            }
            Self::Interfaces { names } => format!("this host has {}", list(names)),
        }
    }
}
