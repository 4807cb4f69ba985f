//! From `GROUP` arguments to socket addresses, and the role of each on this host.

use super::error::{CastUsage, Family};
use super::group::{GroupHost, GroupSpec};
use crate::batch::LocalAddresses;
use crate::commands::Usage;
use crate::commands::misread::as_port;
use crate::net::{
    FamilyChoice, Interface, NetError, binds, find_interface, interface_names, interfaces,
    is_broadcast, resolve,
};
use crate::session::Names;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Most addresses of one run, ranges expanded: each is a socket at the receiver and a datagram per
/// round at the sender.
pub(in crate::commands) const TARGETS_MAX: usize = 1024;

/// The role of an address on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Role {
    /// A multicast group.
    Group,
    /// The limited broadcast address, or that of an interface, with its index.
    Broadcast(Option<u32>),
    /// An address of this host.
    Own,
    /// `0.0.0.0` or `::`.
    Any,
    /// An address of another host.
    Other,
}

/// The addresses of this host.
pub(in crate::commands) struct Host {
    interfaces: Vec<Interface>,
    own: LocalAddresses,
    /// Whether the kernel lists them; if not, it is asked about each address.
    listed: bool,
}

impl Host {
    /// Reads them from the system. Where the kernel does not list its interfaces there are none:
    /// what needs none works.
    pub fn ask() -> Self {
        Self::listed().unwrap_or_else(|_| Self { listed: false, ..Self::with(Vec::new()) })
    }

    /// The same for what needs the interfaces.
    pub fn listed() -> Result<Self, NetError> {
        interfaces().map(Self::with)
    }

    /// A host with these interfaces.
    pub fn with(interfaces: Vec<Interface>) -> Self {
        let own = interfaces.iter().flat_map(|one| one.addresses.iter().copied()).collect();
        Self { interfaces, own, listed: true }
    }

    /// The role of `ip` on this host.
    pub fn role(&self, ip: IpAddr) -> Role {
        let of = |belongs: &dyn Fn(&Interface) -> bool| {
            self.interfaces.iter().find(|interface| belongs(interface)).map(|found| found.index)
        };
        if ip.is_multicast() {
            return Role::Group;
        }
        if ip.is_unspecified() {
            return Role::Any;
        }
        if ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Role::Broadcast(None);
        }
        // An own address may be the broadcast address of another interface.
        if self.own.contains(ip) || (!self.listed && binds(ip)) {
            return Role::Own;
        }
        if let Some(index) = of(&|interface| interface.broadcasts.contains(&ip)) {
            return Role::Broadcast(Some(index));
        }
        if !self.listed && is_broadcast(ip) { Role::Broadcast(None) } else { Role::Other }
    }

    /// The interfaces that have an address.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Whether an address is reachable without a router, as it is in the network of an interface.
    pub fn is_on_link(&self, ip: IpAddr) -> bool {
        let mut networks = self.interfaces.iter().flat_map(|one| &one.networks);
        let is_link_local = match ip {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        is_link_local || networks.any(|net| net.contains(&ip))
    }

    /// Whether any interface has an IPv6 address.
    pub fn has_ipv6(&self) -> bool {
        self.interfaces.iter().any(|one| one.addresses.iter().any(IpAddr::is_ipv6))
    }

    /// The interfaces' names, also of those without an address.
    pub fn names(&self) -> Names {
        let own = self.interfaces.iter().map(|one| (one.index, one.name.clone()));
        Names::new(own.chain(interface_names()).collect())
    }
}

/// Every address of the groups, each once, in the order given.
pub(in crate::commands) fn expand(
    groups: &[String],
    family: FamilyChoice,
    any: Option<IpAddr>,
) -> anyhow::Result<Vec<SocketAddr>> {
    let mut all = Vec::new();
    for text in groups {
        let spec: GroupSpec = as_port(text)
            .parse()
            .map_err(|wrong| Usage::from(CastUsage::Group { text: text.clone(), wrong }))?;
        for addr in expand_one(&spec, family, any)? {
            if !all.contains(&addr) {
                all.push(addr);
            }
        }
        if all.len() > TARGETS_MAX {
            return Err(Usage::from(CastUsage::TooManyAddresses { most: TARGETS_MAX }).into());
        }
    }
    Ok(all)
}

fn expand_one(
    spec: &GroupSpec,
    family: FamilyChoice,
    any: Option<IpAddr>,
) -> anyhow::Result<Vec<SocketAddr>> {
    let literal = match &spec.host {
        GroupHost::Name(name) => {
            let text = format!("{name}:{}", spec.port);
            return Ok(vec![resolve(&text, None, family)?]);
        }
        GroupHost::Any => {
            let Some(ip) = any else {
                let wrong = CastUsage::NoAddress { text: spec.text.clone() };
                return Err(Usage::from(wrong).into());
            };
            return Ok(vec![SocketAddr::new(ip, spec.port)]);
        }
        GroupHost::Addresses { all, zone } => (all, zone),
    };
    let (all, zone) = literal;
    let asked = match family {
        FamilyChoice::Any => None,
        FamilyChoice::V4 => Some(Family::V4),
        FamilyChoice::V6 => Some(Family::V6),
    };
    if let Some(family) = asked.filter(|asked| *asked != Family::of(all[0])) {
        let wrong = CastUsage::WrongFamily { text: spec.text.clone(), family };
        return Err(Usage::from(wrong).into());
    }
    let scope = match zone {
        None => 0,
        // A zone is the name or the index of an interface (RFC 4007 §11.2).
        Some(zone) => match zone.parse::<u32>() {
            Ok(number) if number != 0 => number,
            _ => named_interface(zone)?,
        },
    };
    Ok(all
        .iter()
        .map(|ip| match ip {
            IpAddr::V4(ip) => SocketAddr::from((*ip, spec.port)),
            IpAddr::V6(ip) => SocketAddrV6::new(*ip, spec.port, 0, scope).into(),
        })
        .collect())
}

/// The indices of the given interfaces, each once.
pub(in crate::commands) fn named_interfaces(names: &[String]) -> anyhow::Result<Vec<u32>> {
    let mut all = Vec::new();
    for name in names {
        let index = named_interface(name)?;
        if !all.contains(&index) {
            all.push(index);
        }
    }
    Ok(all)
}

/// The index of an interface, given by name or address. The usage error for one that does not exist
/// lists those that do.
fn named_interface(name: &str) -> anyhow::Result<u32> {
    Ok(find_interface(name)?)
}

/// Whether an IPv6 group is confined to one link, and so needs an interface (RFC 4291 §2.7: scopes
/// 1 and 2).
pub(in crate::commands) fn needs_interface(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.is_multicast() && matches!(ip.segments()[0] & 0xf, 1 | 2),
    }
}

/// Whether a group is in the source-specific range (RFC 4607 §1: 232/8, `ff3x::/32`).
pub(in crate::commands) fn is_source_specific(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 232,
        IpAddr::V6(ip) => ip.segments()[0] & 0xfff0 == 0xff30 && ip.segments()[1] == 0,
    }
}

/// The wildcard address of a family.
pub(in crate::commands) fn wildcard(of: IpAddr) -> IpAddr {
    if of.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn host() -> Host {
        Host::with(vec![Interface {
            name: "eth0".to_owned(),
            index: 7,
            addresses: vec![ip("10.0.0.1"), ip("fe80::1")],
            networks: vec!["10.0.0.1/24".parse().unwrap()],
            broadcasts: vec![ip("10.0.0.255")],
            loopback: false,
            running: true,
        }])
    }

    #[test]
    fn an_own_address_is_no_broadcast_of_another_interface() {
        let mut interfaces = host().interfaces;
        // The own address is the other interface's broadcast address; both have another.
        interfaces.push(Interface {
            name: "eth1".to_owned(),
            index: 8,
            addresses: vec![ip("10.0.0.255"), ip("10.0.0.1")],
            broadcasts: vec![ip("10.0.1.255")],
            ..interfaces[0].clone()
        });
        let host = Host::with(interfaces);
        assert_eq!(host.role(ip("10.0.0.255")), Role::Own);
        assert_eq!(host.role(ip("10.0.1.255")), Role::Broadcast(Some(8)));
        assert_eq!(host.role(ip("10.0.0.1")), Role::Own);
    }

    #[test]
    fn where_the_kernel_lists_no_interfaces_it_knows_its_addresses_all_the_same() {
        let unlisted = Host { listed: false, ..Host::with(Vec::new()) };
        // Wine binds any address.
        let others = if binds(ip("192.0.2.77")) { Role::Own } else { Role::Other };
        for (text, role) in [
            ("127.0.0.1", Role::Own),
            ("::1", Role::Own),
            ("127.255.255.255", Role::Own),
            ("255.255.255.255", Role::Broadcast(None)),
            ("239.1.2.3", Role::Group),
            ("192.0.2.77", others),
        ] {
            assert_eq!(unlisted.role(ip(text)), role, "{text}");
        }
    }

    #[test]
    fn an_address_is_a_group_a_broadcast_this_hosts_or_anothers() {
        for (text, role) in [
            ("239.1.2.3", Role::Group),
            ("ff02::1", Role::Group),
            ("255.255.255.255", Role::Broadcast(None)),
            ("10.0.0.255", Role::Broadcast(Some(7))),
            ("10.0.0.1", Role::Own),
            ("127.0.0.9", Role::Own),
            ("fe80::1", Role::Own),
            ("::", Role::Any),
            ("192.0.2.1", Role::Other),
            ("10.0.1.255", Role::Other),
        ] {
            assert_eq!(host().role(ip(text)), role, "{text}");
        }
        assert!(host().is_on_link(ip("10.0.0.77")) && host().is_on_link(ip("fe80::9")));
        assert!(!host().is_on_link(ip("10.0.1.1")) && !host().is_on_link(ip("fd00::1")));
    }

    #[test]
    fn ranges_and_repeats_name_each_address_once() {
        let groups = ["239.1.2.1-3:5", "239.1.2.2:5", "[ff15::1%lo]:6"].map(str::to_owned);
        let all = expand(&groups, FamilyChoice::Any, None).unwrap();
        let zoned = format!("[ff15::1%{}]:6", find_interface("lo").unwrap());
        let each = ["239.1.2.1:5", "239.1.2.2:5", "239.1.2.3:5", zoned.as_str()];
        assert_eq!(all, each.map(|addr| addr.parse::<SocketAddr>().unwrap()));
    }

    #[test]
    fn too_many_addresses_a_wrong_family_and_no_host_are_usage_errors() {
        let many: Vec<String> = (0..5).map(|net| format!("239.1.{net}.0-255")).collect();
        for (groups, family) in [
            (many, FamilyChoice::Any),
            (vec!["239.1.2.3".to_owned()], FamilyChoice::V6),
            (vec![":5000".to_owned()], FamilyChoice::Any),
            (vec!["239.1.2.9-1".to_owned()], FamilyChoice::Any),
        ] {
            let error = expand(&groups, family, None).unwrap_err();
            assert_eq!(crate::commands::code_of(&error), 2, "{error}");
        }
    }

    #[test]
    fn scopes_and_source_specific_ranges_are_distinguished() {
        assert!(needs_interface(ip("ff02::1")) && needs_interface(ip("ff11::1")));
        assert!(!needs_interface(ip("ff15::1")) && !needs_interface(ip("224.0.0.1")));
        assert!(is_source_specific(ip("232.1.2.3")) && is_source_specific(ip("ff35::8000:1")));
        assert!(!is_source_specific(ip("239.1.2.3")) && !is_source_specific(ip("ff15::1")));
    }
}
