//! Interface names, indices and addresses (`if_nametoindex(3)`, `getifaddrs(3)`).

use super::address;
use crate::sys::InterfaceAddress;
use std::ffi::{CStr, CString};
use std::io;
use std::net::IpAddr;

/// The index of an interface; `None` when there is none of that name.
pub fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name is a live C string; the call only reads it.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// The name of an interface; `None` when there is none of that index.
pub fn interface_name(index: u32) -> Option<String> {
    let mut name = [0 as libc::c_char; libc::IF_NAMESIZE];
    // SAFETY: the buffer has IF_NAMESIZE bytes, as the call requires.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: the call wrote a terminated string into the buffer.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    name.to_str().ok().map(str::to_owned)
}

/// Every interface with its index (`if_nameindex(3)`), also those without an address.
pub fn interface_names() -> io::Result<Vec<(u32, String)>> {
    // SAFETY: the call takes nothing and returns a list that it allocated, or null.
    let list = unsafe { libc::if_nameindex() };
    if list.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut names = Vec::new();
    let mut at = list;
    // SAFETY: the list is valid until if_freenameindex, and an entry of index 0 ends it.
    while let Some(entry) = unsafe { at.as_ref() }.filter(|entry| entry.if_index != 0) {
        // SAFETY: the name is a C string that lives as long as the list.
        let name = unsafe { CStr::from_ptr(entry.if_name) };
        names.extend(name.to_str().ok().map(|name| (entry.if_index, name.to_owned())));
        // SAFETY: this was not the last entry, so there is one behind it.
        at = unsafe { at.add(1) };
    }
    // SAFETY: the list came from if_nameindex and is freed once; no entry is used after it.
    unsafe { libc::if_freenameindex(list) };
    Ok(names)
}

/// Every IP address of every interface, in the kernel's order.
pub fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the call writes the head of a list that it made into `list`.
    if unsafe { libc::getifaddrs(&raw mut list) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = Vec::new();
    let mut at = list;
    // SAFETY: each entry is valid until freeifaddrs, and null ends the list.
    while let Some(entry) = unsafe { at.as_ref() } {
        found.extend(interface_address(entry));
        at = entry.ifa_next;
    }
    // SAFETY: the head came from getifaddrs and is freed once; no entry is used after it.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

fn interface_address(entry: &libc::ifaddrs) -> Option<InterfaceAddress> {
    let ip = ip_at(entry.ifa_addr)?;
    // SAFETY: the name is a C string that lives as long as the entry.
    let name = unsafe { CStr::from_ptr(entry.ifa_name) }.to_str().ok()?.to_owned();
    let has = |flag: libc::c_int| entry.ifa_flags & flag as libc::c_uint != 0;
    let netmask = ip_at(entry.ifa_netmask);
    // For an address without a broadcast address, the C library returns the address itself, or the
    // peer's on a point-to-point link, whose mask leaves no room for other hosts.
    let pair = matches!(netmask, Some(IpAddr::V4(mask)) if mask.to_bits() >= u32::MAX - 1);
    let broadcast = ip_at(entry.ifa_ifu).filter(|found| *found != ip && !pair);
    Some(InterfaceAddress {
        name,
        ip,
        netmask,
        broadcast: broadcast.filter(|_| has(libc::IFF_BROADCAST) && ip.is_ipv4()),
        loopback: has(libc::IFF_LOOPBACK),
        running: has(libc::IFF_UP) && has(libc::IFF_RUNNING),
    })
}

/// The IP address at a socket address of getifaddrs; `None` for null and other families.
fn ip_at(raw: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: null, or a socket address that lives as long as its entry.
    let family = unsafe { raw.as_ref() }?.sa_family;
    let len = match libc::c_int::from(family) {
        libc::AF_INET => size_of::<libc::sockaddr_in>(),
        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
        _ => return None,
    };
    let mut storage = address::empty();
    // SAFETY: the family guarantees `len` bytes; the storage is larger and does not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(
            raw.cast::<u8>(),
            std::ptr::from_mut(&mut storage).cast::<u8>(),
            len,
        );
    }
    address::read(&storage).map(|addr| addr.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_is_listed_by_its_name() {
        let all = interface_names().unwrap();
        assert!(all.iter().any(|(_, name)| name == "lo"), "{all:?}");
        assert!(all.iter().all(|(index, name)| interface_index(name) == Some(*index)), "{all:?}");
    }

    #[test]
    fn the_loopbacks_address_is_listed_with_its_mask() {
        let all = interface_addresses().unwrap();
        let lo = all.iter().find(|one| one.ip == IpAddr::from([127, 0, 0, 1])).unwrap();
        assert!(lo.loopback && lo.running);
        assert_eq!(lo.netmask, Some(IpAddr::from([255, 0, 0, 0])));
        assert_eq!(lo.broadcast, None);
    }
}
