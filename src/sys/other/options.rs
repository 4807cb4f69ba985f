//! Socket options: those of `socket2`, and don't-fragment.

use super::socket_option::{self, DONT_FRAGMENT, DONT_FRAGMENT_V6};
use crate::batch::Fragmentation;
use crate::sys::unsupported;
use crate::sys::{Family, Handle, Switch, SwitchState};
use socket2::SockRef;
use std::io;

/// Switches `what` on or off; what the system lacks is refused.
pub fn set_switch(
    socket: Handle<'_>,
    family: Family,
    what: Switch,
    state: SwitchState,
) -> io::Result<()> {
    match what {
        Switch::ReceiveTos => socket_option::set_receive_ecn(socket, family, state),
        _ => Err(unsupported()),
    }
}

/// Transmit time stamps: there are none.
pub fn set_transmit_stamps(_: Handle<'_>, _: SwitchState) -> io::Result<()> {
    Err(unsupported())
}

/// Sets the don't-fragment policy for both families. A host that keeps to a path's MTU, as `Forbid`
/// asks, cannot be told from one that does not.
pub fn set_fragmentation(
    socket: Handle<'_>,
    family: Family,
    policy: Fragmentation,
) -> io::Result<()> {
    let whole = i32::from(policy != Fragmentation::Allow);
    match family {
        Family::V4 => socket_option::set(socket, DONT_FRAGMENT, whole),
        Family::V6 => {
            socket_option::set(socket, DONT_FRAGMENT_V6, whole)?;
            // One of IPv6 may carry IPv4 too, and need not have its options.
            let _ = socket_option::set(socket, DONT_FRAGMENT, whole);
            Ok(())
        }
    }
}

/// A socket's don't-fragment policy, so that it can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentationPolicy {
    v4: Option<i32>,
    v6: Option<i32>,
}

/// Reads the don't-fragment policy in force.
pub fn fragmentation_policy(socket: Handle<'_>, family: Family) -> io::Result<FragmentationPolicy> {
    let v4 = socket_option::get(socket, DONT_FRAGMENT);
    Ok(match family {
        Family::V4 => FragmentationPolicy { v4: Some(v4?), v6: None },
        Family::V6 => FragmentationPolicy {
            v4: v4.ok(),
            v6: Some(socket_option::get(socket, DONT_FRAGMENT_V6)?),
        },
    })
}

/// Restores a policy read by [`fragmentation_policy`].
pub fn restore_fragmentation(socket: Handle<'_>, policy: FragmentationPolicy) -> io::Result<()> {
    if let Some(v6) = policy.v6 {
        socket_option::set(socket, DONT_FRAGMENT_V6, v6)?;
        let _ = policy.v4.map(|v4| socket_option::set(socket, DONT_FRAGMENT, v4));
        return Ok(());
    }
    policy.v4.map_or(Ok(()), |v4| socket_option::set(socket, DONT_FRAGMENT, v4))
}

/// Sets TOS (and traffic class on IPv6) of what is sent.
pub fn set_tos(socket: Handle<'_>, family: Family, tos: u8) -> io::Result<()> {
    socket_option::set_tos(socket, family, tos)
}

/// Sets TTL and hop limit of unicast, 1 to 255.
pub fn set_ttl(socket: Handle<'_>, family: Family, ttl: u8) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    match family {
        Family::V4 => socket.set_ttl_v4(ttl.into()),
        Family::V6 => {
            socket.set_unicast_hops_v6(ttl.into())?;
            let _ = socket.set_ttl_v4(ttl.into());
            Ok(())
        }
    }
}

/// Requests a receive buffer of `bytes`: the largest that the system grants.
pub fn ask_receive_buffer(socket: Handle<'_>, bytes: usize) -> io::Result<()> {
    ask(bytes, |bytes| SockRef::from(&socket).set_recv_buffer_size(bytes))
}

/// Requests a send buffer of `bytes`, like [`ask_receive_buffer`].
pub fn ask_send_buffer(socket: Handle<'_>, bytes: usize) -> io::Result<()> {
    ask(bytes, |bytes| SockRef::from(&socket).set_send_buffer_size(bytes))
}

/// macOS and FreeBSD refuse what is above their limit (`kern.ipc.maxsockbuf`), where Linux grants
/// the limit: half of it is asked for until it is granted.
fn ask(mut bytes: usize, set: impl Fn(usize) -> io::Result<()>) -> io::Result<()> {
    const LEAST: usize = 64 << 10;
    loop {
        match set(bytes) {
            Err(_) if bytes / 2 >= LEAST => bytes /= 2,
            done => return done,
        }
    }
}

/// The largest buffers granted without a privilege: not known.
pub fn buffer_limits() -> Option<(usize, usize)> {
    None
}

/// What this socket dropped: these systems do not tell.
pub fn socket_drops(_: Handle<'_>) -> io::Result<u32> {
    Err(unsupported())
}

/// How full the receive buffer is: these systems do not tell.
pub fn socket_queued(_: Handle<'_>) -> io::Result<usize> {
    Err(unsupported())
}

/// The MTU of a connected socket's route, in bytes.
pub fn route_mtu(socket: Handle<'_>, peer: Family) -> io::Result<u32> {
    socket_option::route_mtu(socket, peer)
}

/// A socket keeps its peer here: one that is to have another is opened anew.
pub fn disconnect(_: Handle<'_>) -> io::Result<()> {
    Err(unsupported())
}
