//! Converts socket addresses to and from the kernel's form.

use crate::sys::Family;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Storage for an address of either family, all zero.
pub(super) fn empty() -> libc::sockaddr_storage {
    // SAFETY: sockaddr_storage is plain integers; all-zero is a valid value (AF_UNSPEC).
    unsafe { mem::zeroed() }
}

/// Writes `addr` in the form that sockets of `family` need, and returns its length.
pub(super) fn write(
    addr: &SocketAddr,
    family: Family,
    storage: &mut libc::sockaddr_storage,
) -> libc::socklen_t {
    match (addr, family) {
        (SocketAddr::V4(v4), Family::V4) => {
            let raw = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: in_addr(*v4.ip()),
                sin_zero: [0; 8],
            };
            put(raw, storage)
        }
        (SocketAddr::V4(v4), Family::V6) => {
            put(sockaddr_in6(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0), storage)
        }
        (SocketAddr::V6(v6), _) => {
            put(sockaddr_in6(*v6.ip(), v6.port(), v6.flowinfo(), v6.scope_id()), storage)
        }
    }
}

/// Reads an address that the kernel wrote; `None` for a family that is not IP. IPv4-mapped
/// addresses become IPv4.
pub(super) fn read(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says sockaddr_in, which is smaller than and no more aligned than
            // sockaddr_storage, and any bit pattern is valid.
            let raw = unsafe { *std::ptr::from_ref(storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(raw.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let raw = unsafe { *std::ptr::from_ref(storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
            let port = u16::from_be(raw.sin6_port);
            Some(match ip.to_ipv4_mapped() {
                Some(v4) => SocketAddr::V4(SocketAddrV4::new(v4, port)),
                None => SocketAddr::V6(SocketAddrV6::new(
                    ip,
                    port,
                    raw.sin6_flowinfo,
                    raw.sin6_scope_id,
                )),
            })
        }
        _ => None,
    }
}

/// The kernel's form of an IPv4 address.
pub(super) fn in_addr(ip: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from_ne_bytes(ip.octets()) }
}

/// The kernel's form of an IPv6 address.
pub(super) fn in6_addr(ip: Ipv6Addr) -> libc::in6_addr {
    libc::in6_addr { s6_addr: ip.octets() }
}

/// An IPv6 address; an IPv4-mapped one becomes IPv4.
pub(super) fn plain_v6(raw: libc::in6_addr) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(raw.s6_addr)).to_canonical()
}

fn sockaddr_in6(ip: Ipv6Addr, port: u16, flowinfo: u32, scope: u32) -> libc::sockaddr_in6 {
    libc::sockaddr_in6 {
        sin6_family: libc::AF_INET6 as libc::sa_family_t,
        sin6_port: port.to_be(),
        sin6_flowinfo: flowinfo,
        sin6_addr: in6_addr(ip),
        sin6_scope_id: scope,
    }
}

/// Copies a kernel address into the larger storage.
fn put<T: Copy>(raw: T, storage: &mut libc::sockaddr_storage) -> libc::socklen_t {
    const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) }
    // SAFETY: T is a plain kernel struct no larger than sockaddr_storage (checked above), the
    // destination is a unique reference, and sockaddr_storage is aligned for every address type.
    unsafe { std::ptr::from_mut(storage).cast::<T>().write(raw) };
    size_of::<T>() as libc::socklen_t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernels_form_and_ipv4_comes_back_as_ipv4() {
        for (text, family) in [
            ("192.0.2.1:9", Family::V4),
            ("192.0.2.1:9", Family::V6),
            ("[2001:db8::1]:65535", Family::V6),
            ("[fe80::1%7]:1", Family::V6),
        ] {
            let addr: SocketAddr = text.parse().unwrap();
            let mut storage = empty();
            write(&addr, family, &mut storage);
            assert_eq!(read(&storage), Some(addr), "{text}");
        }
        assert_eq!(read(&empty()), None);
    }
}
