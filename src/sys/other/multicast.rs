//! Groups: what is sent to them and received from them, by `socket2`.

use super::interface::interface_addresses;
use super::interface_name;
use crate::sys::errno::ENODEV;
use crate::sys::{Family, Handle, Membership};
use crate::sys::{error_of, unsupported};
use socket2::{InterfaceIndexOrAddress, SockRef};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// Sets TTL and hop limit of multicast, 0 (stays on this host) to 255.
pub fn set_multicast_ttl(socket: Handle<'_>, family: Family, ttl: u8) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    match family {
        Family::V4 => socket.set_multicast_ttl_v4(ttl.into()),
        Family::V6 => {
            socket.set_multicast_hops_v6(ttl.into())?;
            // One of IPv6 may carry IPv4 too, and need not have its options.
            let _ = socket.set_multicast_ttl_v4(ttl.into());
            Ok(())
        }
    }
}

/// Keeps members on this host from receiving what is sent to a group. On Windows that is the
/// receivers' own: it holds for what this socket receives.
pub fn stop_multicast_loop(socket: Handle<'_>, family: Family) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    match family {
        Family::V4 => socket.set_multicast_loop_v4(false),
        Family::V6 => {
            socket.set_multicast_loop_v6(false)?;
            let _ = socket.set_multicast_loop_v4(false);
            Ok(())
        }
    }
}

/// Sets the interface, by index, that multicast is sent on; 0 leaves it to the route.
pub fn set_multicast_interface(socket: Handle<'_>, family: Family, index: u32) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    match family {
        Family::V4 => socket.set_multicast_if_v4(&address_of(index)?),
        Family::V6 => socket.set_multicast_if_v6(index),
    }
}

/// Joins a group (RFC 3678); from one source by IPv4 alone.
pub fn join(socket: Handle<'_>, membership: &Membership) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    let interface = named(membership.interface);
    match (membership.group, membership.source) {
        (IpAddr::V4(group), None) => socket.join_multicast_v4_n(&group, &interface),
        (IpAddr::V6(group), None) => socket.join_multicast_v6(&group, membership.interface),
        (IpAddr::V4(group), Some(IpAddr::V4(source))) => {
            socket.join_ssm_v4(&source, &group, &address_of(membership.interface)?)
        }
        _ => Err(unsupported()),
    }
}

/// Leaves a group that was joined with the same membership.
pub fn leave(socket: Handle<'_>, membership: &Membership) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    let interface = named(membership.interface);
    match (membership.group, membership.source) {
        (IpAddr::V4(group), None) => socket.leave_multicast_v4_n(&group, &interface),
        (IpAddr::V6(group), None) => socket.leave_multicast_v6(&group, membership.interface),
        (IpAddr::V4(group), Some(IpAddr::V4(source))) => {
            socket.leave_ssm_v4(&source, &group, &address_of(membership.interface)?)
        }
        _ => Err(unsupported()),
    }
}

/// Blocks a source of a joined group: there is no call for it.
pub fn block(_: Handle<'_>, _: &Membership) -> io::Result<()> {
    Err(unsupported())
}

/// An interface as the call of IPv4 takes it: by its address on Windows, whose emulations know no
/// indices there, and by its index where it has no address.
fn named(index: u32) -> InterfaceIndexOrAddress {
    let by_address = if cfg!(windows) { address_of(index).ok() } else { None };
    by_address.map_or(InterfaceIndexOrAddress::Index(index), InterfaceIndexOrAddress::Address)
}

/// The IPv4 address by which an interface is named where the call takes no index.
fn address_of(index: u32) -> io::Result<Ipv4Addr> {
    if index == 0 {
        return Ok(Ipv4Addr::UNSPECIFIED);
    }
    let name = interface_name(index).ok_or_else(|| error_of(ENODEV))?;
    let found = interface_addresses()?.into_iter().find_map(|one| match one.ip {
        IpAddr::V4(ip) if one.name == name => Some(ip),
        _ => None,
    });
    found.ok_or_else(|| error_of(ENODEV))
}
