//! Opens a receiver's sockets and joins its groups.
//!
//! Each group has its own sockets, bound to the group's address, so that datagrams for other groups
//! on the same port do not arrive there. If the kernel's limits on memberships are reached (20
//! groups per socket, 10 sources per group; `ENOBUFS`), another socket takes the rest: with
//! `IP_MULTICAST_ALL` off, each receives only what it joined.

use super::error::{CastUsage, Family};
use super::targets::{Host, Role, needs_interface, wildcard};
use crate::net::{JoinedGroup, KeptSocket, NetError, Socket, SocketPlan};
use crate::session::{Names, ReceiveSocket};
use crate::sys::{ErrorNumber, Membership, errno, monotonic_now};
use crate::units::Endpoint;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The purpose of one socket, decided before any socket opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Wanted {
    /// The local address and port.
    pub bind: SocketAddr,
    /// Interfaces on which datagrams may arrive; empty for any.
    pub interfaces: Vec<u32>,
    /// Sources to receive from; empty for any.
    pub sources: Vec<IpAddr>,
    /// Excluded sources, of the group's family.
    pub excluded: Vec<IpAddr>,
    /// Memberships to join; none for broadcast and own addresses.
    pub memberships: Vec<Membership>,
}

/// Plans the sockets for every address.
pub(in crate::commands) fn plan(
    addrs: &[SocketAddr],
    interfaces: &[u32],
    sources: &[IpAddr],
    excluded: &[IpAddr],
    host: &Host,
) -> Result<Vec<Wanted>, CastUsage> {
    check_sources(addrs, sources)?;
    check_excluded(addrs, excluded)?;
    if !interfaces.is_empty() && addrs.iter().all(|addr| is_own(host.role(addr.ip()))) {
        return Err(CastUsage::InterfaceOfUnicast);
    }
    let mut all = Vec::new();
    for addr in addrs {
        match host.role(addr.ip()) {
            Role::Group => all.extend(plan_group(*addr, interfaces, sources)?),
            Role::Broadcast(_) => all.push(Wanted {
                bind: *addr,
                interfaces: interfaces.to_vec(),
                sources: Vec::new(),
                excluded: Vec::new(),
                memberships: Vec::new(),
            }),
            // An address that this host does not have fails where the socket is bound to it.
            Role::Own | Role::Any | Role::Other => all.push(Wanted {
                bind: *addr,
                interfaces: Vec::new(),
                sources: Vec::new(),
                excluded: Vec::new(),
                memberships: Vec::new(),
            }),
        }
    }
    for item in &mut all {
        let of_family = |one: &&IpAddr| one.is_ipv4() == item.bind.is_ipv4();
        item.excluded = excluded.iter().filter(of_family).copied().collect();
    }
    Ok(all)
}

/// The socket to which `--sender` is asked to send: any port of any address.
pub(in crate::commands) fn for_sender(sender: SocketAddr) -> Wanted {
    Wanted {
        bind: (wildcard(sender.ip()), 0).into(),
        interfaces: Vec::new(),
        sources: Vec::new(),
        excluded: Vec::new(),
        memberships: Vec::new(),
    }
}

fn is_own(role: Role) -> bool {
    matches!(role, Role::Own | Role::Any)
}

fn plan_group(
    addr: SocketAddr,
    interfaces: &[u32],
    sources: &[IpAddr],
) -> Result<Vec<Wanted>, CastUsage> {
    let zone = match addr {
        SocketAddr::V6(v6) => v6.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    let on: Vec<u32> = match (zone, interfaces) {
        (0, []) if needs_interface(addr.ip()) => {
            return Err(CastUsage::NeedsInterface { group: addr.ip() });
        }
        (0, []) => vec![0],
        (0, named) => named.to_vec(),
        (zone, named) => {
            if !named.is_empty() && !named.contains(&zone) {
                return Err(CastUsage::TwoInterfaces { address: Endpoint::from(addr).to_string() });
            }
            vec![zone]
        }
    };
    let from: Vec<IpAddr> =
        sources.iter().copied().filter(|source| source.is_ipv4() == addr.is_ipv4()).collect();
    let memberships = |interface: u32| -> Vec<Membership> {
        let group = addr.ip();
        match from.as_slice() {
            [] => vec![Membership { group, interface, source: None }],
            some => some
                .iter()
                .map(|source| Membership { group, interface, source: Some(*source) })
                .collect(),
        }
    };
    let wanted = |bind: SocketAddr, on: &[u32]| Wanted {
        bind,
        interfaces: on.iter().copied().filter(|index| *index != 0).collect(),
        sources: from.clone(),
        excluded: Vec::new(),
        memberships: on.iter().flat_map(|index| memberships(*index)).collect(),
    };
    // The kernel binds a link-local group to its link.
    if needs_interface(addr.ip()) {
        return Ok(on.iter().map(|index| wanted(with_zone(addr, *index), &[*index])).collect());
    }
    Ok(vec![wanted(addr, &on)])
}

fn with_zone(addr: SocketAddr, index: u32) -> SocketAddr {
    match addr {
        SocketAddr::V6(mut v6) => {
            v6.set_scope_id(index);
            v6.into()
        }
        v4 @ SocketAddr::V4(_) => v4,
    }
}

/// A source-specific join applies only to groups, and every group needs a source of its own family:
/// without one it would be joined for any source.
fn check_sources(addrs: &[SocketAddr], sources: &[IpAddr]) -> Result<(), CastUsage> {
    if sources.is_empty() {
        return Ok(());
    }
    for source_addr in sources.iter().copied() {
        if source_addr.is_multicast() || source_addr.is_unspecified() {
            return Err(CastUsage::SourceNotUnicast { source_addr });
        }
        let is_group = |addr: &SocketAddr| addr.ip().is_multicast();
        if !addrs.iter().any(|addr| is_group(addr) && addr.is_ipv4() == source_addr.is_ipv4()) {
            let family = Family::of(source_addr);
            return Err(CastUsage::SourceWithoutGroup { source_addr, family });
        }
    }
    for addr in addrs {
        let (group, family) = (addr.ip(), Family::of(addr.ip()));
        if !group.is_multicast() {
            return Err(CastUsage::SourceOfUnicast { address: group });
        }
        if !sources.iter().any(|source| source.is_ipv4() == addr.is_ipv4()) {
            return Err(CastUsage::GroupWithoutSource { group, family });
        }
    }
    Ok(())
}

/// An excluded source must be a unicast address of a family that is received.
fn check_excluded(addrs: &[SocketAddr], excluded: &[IpAddr]) -> Result<(), CastUsage> {
    for excluded in excluded.iter().copied() {
        if excluded.is_multicast() || excluded.is_unspecified() {
            return Err(CastUsage::ExcludedNotUnicast { excluded });
        }
        let family = |addr: &SocketAddr| addr.is_ipv4() == excluded.is_ipv4();
        if !addrs.iter().any(|addr| family(addr) || is_wildcard_v6(addr)) {
            return Err(CastUsage::ExcludedFamily { excluded, family: Family::of(excluded) });
        }
    }
    Ok(())
}

/// Whether it is `[::]`, which a receiver opens for IPv4 only or for both families.
fn is_wildcard_v6(addr: &SocketAddr) -> bool {
    addr.is_ipv6() && addr.ip().is_unspecified()
}

/// A receiver's sockets, open and joined.
pub(in crate::commands) struct Listeners {
    /// The sockets, in the order in which the event loop numbers them.
    pub sockets: Vec<Socket>,
    /// The purpose of each.
    pub listens: Vec<ReceiveSocket>,
    /// What each must have.
    pub kept: Vec<KeptSocket>,
}

/// Opens and joins everything, or nothing: on an error the sockets are closed, and the kernel
/// leaves their groups.
pub(in crate::commands) fn open(
    wanted: &[Wanted],
    plan: &SocketPlan,
    names: &Names,
) -> Result<Listeners, NetError> {
    let mut all = Listeners { sockets: Vec::new(), listens: Vec::new(), kept: Vec::new() };
    for item in wanted {
        let plan = SocketPlan { bind: item.bind, ..plan.clone() };
        let open = || plan.open();
        let mut socket = open()?;
        let mut joined: Vec<Membership> = Vec::new();
        for membership in &item.memberships {
            match socket.join(membership) {
                Err(NetError::Join { source, .. })
                    if source.errno() == Some(errno::ENOBUFS) && !joined.is_empty() =>
                {
                    let next = open()?;
                    next.join(membership).map_err(|error| by_name(error, membership, names))?;
                    all.push(std::mem::replace(&mut socket, next), item, &plan, joined);
                    joined = Vec::new();
                }
                other => other.map_err(|error| by_name(error, membership, names))?,
            }
            joined.push(*membership);
            keep_out(&socket, membership, &item.excluded);
        }
        all.push(socket, item, &plan, joined);
    }
    Ok(all)
}

/// Excludes sources of a membership in the kernel, as many as its list holds; the session drops the
/// rest. A second socket would not help, as each would deliver what only the other excludes.
fn keep_out(socket: &Socket, joined: &Membership, excluded: &[IpAddr]) {
    for source in excluded {
        if socket.block(&Membership { source: Some(*source), ..*joined }).is_err() {
            return;
        }
    }
}

impl Listeners {
    fn push(&mut self, socket: Socket, item: &Wanted, plan: &SocketPlan, joined: Vec<Membership>) {
        // A socket that joined on some of the interfaces accepts from those only: Linux checks a
        // membership's interface for IPv4 only.
        let mut interfaces: Vec<u32> = joined.iter().map(|one| one.interface).collect();
        interfaces.dedup();
        if joined.is_empty() {
            interfaces.clone_from(&item.interfaces);
        }
        interfaces.retain(|index| *index != 0);
        let mut group = item.bind;
        group.set_port(socket.local_addr().port());
        self.kept.push(KeptSocket {
            towards: None,
            plan: SocketPlan { bind: group, ..plan.clone() },
            memberships: joined,
            excluded: item.excluded.clone(),
        });
        self.sockets.push(socket);
        let since = monotonic_now();
        let answers = self.listens.len();
        self.listens.push(ReceiveSocket { group, interfaces, since, answers });
    }
}

impl Listeners {
    /// Opens a socket for reports if there is a group or a broadcast address: neither can be a
    /// source address, and receivers on one host share the group's port.
    pub fn open_answering(&mut self, plan: &SocketPlan, host: &Host) -> Result<(), NetError> {
        for any in [IpAddr::from(Ipv4Addr::UNSPECIFIED), Ipv6Addr::UNSPECIFIED.into()] {
            let shared = |listen: &&mut ReceiveSocket| {
                let role = host.role(listen.group.ip());
                wildcard(listen.group.ip()) == any && !is_own(role)
            };
            let answers = self.sockets.len();
            let mut some = false;
            for listen in self.listens.iter_mut().filter(shared) {
                listen.answers = answers;
                some = true;
            }
            if some {
                let bind = (any, 0).into();
                let plan = SocketPlan { bind, share_port: false, gro: false, ..plan.clone() };
                self.sockets.push(plan.open()?);
                self.kept.push(KeptSocket::bound(plan));
            }
        }
        Ok(())
    }
}

/// Leaves every joined group, so that the network learns of it at once.
pub(in crate::commands) fn leave(sockets: &[Socket], kept: &[KeptSocket]) {
    for (socket, kept) in sockets.iter().zip(kept) {
        for membership in &kept.memberships {
            // What was joined again since is left where the socket is closed.
            let _ = socket.leave(membership);
        }
    }
}

/// The same error with the interface's name instead of its index.
fn by_name(error: NetError, membership: &Membership, names: &Names) -> NetError {
    match error {
        NetError::Join { source, .. } => {
            let interface = names.interface(membership.interface);
            let Membership { group, source: sender, .. } = *membership;
            NetError::Join { group: JoinedGroup { group, source: sender, interface }, source }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn plan_of(groups: &[&str], on: &[u32], from: &[&str]) -> Result<Vec<Wanted>, CastUsage> {
        let from: Vec<IpAddr> = from.iter().map(|text| text.parse().unwrap()).collect();
        plan(&addrs(groups), on, &from, &[], &Host::ask())
    }

    #[test]
    fn excluded_sources_apply_to_groups_of_their_family() {
        let host = Host::ask();
        let not: Vec<IpAddr> = ["10.0.0.9", "fd00::9"].map(|text| text.parse().unwrap()).to_vec();
        let all = plan(&addrs(&["239.1.2.3:5", "[ff15::1]:5"]), &[], &[], &not, &host).unwrap();
        assert_eq!(
            all.iter().map(|item| item.excluded.as_slice()).collect::<Vec<_>>(),
            [&not[..1], &not[1..]]
        );
        let v6 = "fd00::9".parse().unwrap();
        let family = CastUsage::ExcludedFamily { excluded: v6, family: Family::V6 };
        let group = "239.1.2.4".parse().unwrap();
        for (groups, excluded, expected) in [
            (&["239.1.2.3:5"][..], v6, family),
            (&["[ff15::1]:5"], group, CastUsage::ExcludedNotUnicast { excluded: group }),
        ] {
            let found = plan(&addrs(groups), &[], &[], &[excluded], &host);
            assert_eq!(found, Err(expected));
        }
    }

    #[test]
    fn a_group_is_joined_on_every_interface_and_from_every_source() {
        let all = plan_of(&["239.1.2.3:5"], &[3, 4], &["10.0.0.1", "10.0.0.2"]).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].memberships.len(), 4);
        assert_eq!(all[0].interfaces, [3, 4]);
    }

    #[test]
    fn a_group_of_one_link_has_a_socket_for_each_link() {
        let all = plan_of(&["[ff02::1234]:5"], &[3, 4], &[]).unwrap();
        let binds: Vec<String> = all.iter().map(|wanted| wanted.bind.to_string()).collect();
        assert_eq!(binds, ["[ff02::1234%3]:5", "[ff02::1234%4]:5"]);
        let zoned = plan_of(&["[ff02::1234%4]:5"], &[], &[]).unwrap();
        assert_eq!(zoned[0].interfaces, [4]);
    }

    #[test]
    fn contradictory_arguments_are_usage_errors_with_a_reason() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let zoned = "[ff02::5%3]:5".parse::<Endpoint>().unwrap().to_string();
        let source_addr = ip("10.0.0.1");
        for (groups, on, from, expected) in [
            (
                &["[ff02::5]:5"][..],
                &[][..],
                &[][..],
                CastUsage::NeedsInterface { group: ip("ff02::5") },
            ),
            (&["[ff02::5%3]:5"], &[4], &[], CastUsage::TwoInterfaces { address: zoned }),
            (&["127.0.0.1:5"], &[1], &[], CastUsage::InterfaceOfUnicast),
            (
                &["127.0.0.1:5"],
                &[],
                &["10.0.0.1"],
                CastUsage::SourceWithoutGroup { source_addr, family: Family::V4 },
            ),
            (
                &["239.1.2.3:5"],
                &[],
                &["239.1.2.4"],
                CastUsage::SourceNotUnicast { source_addr: ip("239.1.2.4") },
            ),
            (
                &["239.1.2.3:5", "[ff15::1]:5"],
                &[],
                &["10.0.0.1"],
                CastUsage::GroupWithoutSource { group: ip("ff15::1"), family: Family::V6 },
            ),
            (
                &["239.1.2.3:5", "255.255.255.255:5"],
                &[],
                &["10.0.0.1"],
                CastUsage::SourceOfUnicast { address: ip("255.255.255.255") },
            ),
        ] {
            assert_eq!(plan_of(groups, on, from), Err(expected));
        }
    }
}
