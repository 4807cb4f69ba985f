//! Options that `socket2` does not have, by each system's own names.

#[cfg(unix)]
mod posix {
    use crate::sys::unsupported;
    use crate::sys::{Family, Handle, SwitchState};
    use libc::c_int;
    use socket2::SockRef;
    use std::io;
    use std::os::fd::AsRawFd;

    /// Level and name of don't-fragment by IPv4.
    pub const DONT_FRAGMENT: (c_int, c_int) = (libc::IPPROTO_IP, libc::IP_DONTFRAG);
    /// By IPv6 (RFC 3542 §11.2).
    pub const DONT_FRAGMENT_V6: (c_int, c_int) = (libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG);

    pub fn set(socket: Handle<'_>, (level, name): (c_int, c_int), value: i32) -> io::Result<()> {
        let size = size_of_val(&value) as libc::socklen_t;
        // SAFETY: `value` is a live integer and its size is given; the system copies it.
        let done = unsafe {
            libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), size)
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    pub fn get(socket: Handle<'_>, (level, name): (c_int, c_int)) -> io::Result<i32> {
        let mut value: c_int = 0;
        let mut size = size_of_val(&value) as libc::socklen_t;
        // SAFETY: `value` is live and `size` is its size; the system writes no more than that.
        let done = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                level,
                name,
                (&raw mut value).cast(),
                &raw mut size,
            )
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }

    /// The ECN field of what arrives, with its DSCP.
    pub fn set_receive_ecn(
        socket: Handle<'_>,
        family: Family,
        state: SwitchState,
    ) -> io::Result<()> {
        let option = match family {
            Family::V4 => (libc::IPPROTO_IP, libc::IP_RECVTOS),
            Family::V6 => (libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS),
        };
        set(socket, option, i32::from(state == SwitchState::On))
    }

    pub fn set_tos(socket: Handle<'_>, family: Family, tos: u8) -> io::Result<()> {
        let socket = SockRef::from(&socket);
        match family {
            Family::V4 => socket.set_tos_v4(tos.into()),
            Family::V6 => {
                socket.set_tclass_v6(tos.into())?;
                // One of IPv6 may carry IPv4 too, and need not have its options.
                let _ = socket.set_tos_v4(tos.into());
                Ok(())
            }
        }
    }

    pub fn route_mtu(_: Handle<'_>, _: Family) -> io::Result<u32> {
        Err(unsupported())
    }
}

#[cfg(windows)]
mod winsock {
    use crate::sys::{Family, Handle, SwitchState};
    use std::io;
    use std::os::windows::io::AsRawSocket;
    use windows_sys::Win32::Networking::WinSock;

    /// Level and name of don't-fragment by IPv4.
    pub const DONT_FRAGMENT: (i32, i32) = (WinSock::IPPROTO_IP, WinSock::IP_DONTFRAGMENT);
    /// By IPv6.
    pub const DONT_FRAGMENT_V6: (i32, i32) = (WinSock::IPPROTO_IPV6, WinSock::IPV6_DONTFRAG);

    pub fn set(socket: Handle<'_>, (level, name): (i32, i32), value: i32) -> io::Result<()> {
        let (socket, size) = (socket.as_raw_socket() as usize, size_of_val(&value) as i32);
        // SAFETY: the socket is open, `value` is a live integer and its size is given.
        let done =
            unsafe { WinSock::setsockopt(socket, level, name, (&raw const value).cast(), size) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    pub fn get(socket: Handle<'_>, (level, name): (i32, i32)) -> io::Result<i32> {
        let (mut value, mut size) = (0_i32, size_of::<i32>() as i32);
        let socket = socket.as_raw_socket() as usize;
        // SAFETY: the socket is open, `value` is live and `size` is its size.
        let done = unsafe {
            WinSock::getsockopt(socket, level, name, (&raw mut value).cast(), &raw mut size)
        };
        if done == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
    }

    /// The ECN field of what arrives; not every provider has it.
    pub fn set_receive_ecn(
        socket: Handle<'_>,
        family: Family,
        state: SwitchState,
    ) -> io::Result<()> {
        let option = match family {
            Family::V4 => (WinSock::IPPROTO_IP, WinSock::IP_RECVECN),
            Family::V6 => (WinSock::IPPROTO_IPV6, WinSock::IPV6_RECVECN),
        };
        set(socket, option, i32::from(state == SwitchState::On))
    }

    /// Windows takes the option and may send another value: policies decide.
    pub fn set_tos(socket: Handle<'_>, family: Family, tos: u8) -> io::Result<()> {
        let v4 = set(socket, (WinSock::IPPROTO_IP, WinSock::IP_TOS), tos.into());
        match family {
            Family::V4 => v4,
            Family::V6 => set(socket, (WinSock::IPPROTO_IPV6, WinSock::IPV6_TCLASS), tos.into()),
        }
    }

    pub fn route_mtu(socket: Handle<'_>, peer: Family) -> io::Result<u32> {
        let mtu = match peer {
            Family::V4 => get(socket, (WinSock::IPPROTO_IP, WinSock::IP_MTU))?,
            Family::V6 => get(socket, (WinSock::IPPROTO_IPV6, WinSock::IPV6_MTU))?,
        };
        Ok(mtu.max(0) as u32)
    }
}

#[cfg(unix)]
pub use posix::{DONT_FRAGMENT, DONT_FRAGMENT_V6, get, route_mtu, set, set_receive_ecn, set_tos};
#[cfg(windows)]
pub use winsock::{DONT_FRAGMENT, DONT_FRAGMENT_V6, get, route_mtu, set, set_receive_ecn, set_tos};
