//! TOS, TTL and interface per datagram where the system's calls do not carry them: they are set on
//! the socket between two datagrams whose fields differ.

use crate::batch::TxBatch;
use crate::sys::{self, AsHandle, Family};
use mio::net::UdpSocket;
use socket2::SockRef;
use std::io;
use std::ops::Range;

/// What a datagram is to have that its socket sets; 0 leaves it to the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderFields {
    pub tos: u8,
    pub ttl: u8,
    /// Index of the interface by which a datagram to a group leaves.
    pub interface: u32,
}

/// The fields in force on a socket, and its own.
#[derive(Debug, Default)]
pub(super) struct FieldsInForce {
    chosen: HeaderFields,
    /// TTL to hosts and to groups, read before they are first changed.
    own_ttl: Option<(u8, u8)>,
    own_tos: u8,
    own_interface: u32,
}

impl FieldsInForce {
    /// The socket's own TOS is this.
    pub fn set_tos(&mut self, tos: u8) {
        self.own_tos = tos;
    }

    /// The socket's own interface to groups is this.
    pub fn set_interface(&mut self, index: u32) {
        self.own_interface = index;
    }

    /// The socket's own TTL, to hosts and to groups, is this.
    pub fn set_ttl(&mut self, ttl: u8) {
        self.own_ttl = Some((ttl, ttl));
    }

    /// The TOS in force.
    pub fn tos(&self) -> u8 {
        if self.chosen.tos == 0 { self.own_tos } else { self.chosen.tos }
    }

    /// Applies fields; those that are 0 become the socket's own again.
    pub fn choose(
        &mut self,
        socket: &UdpSocket,
        family: Family,
        wanted: HeaderFields,
    ) -> io::Result<()> {
        if wanted == self.chosen {
            return Ok(());
        }
        let handle = socket.handle();
        if wanted.tos != self.chosen.tos {
            let tos = if wanted.tos == 0 { self.own_tos } else { wanted.tos };
            sys::set_tos(handle, family, tos)?;
        }
        if wanted.ttl != self.chosen.ttl {
            let (host, group) = match self.own_ttl {
                Some(own) => own,
                None => *self.own_ttl.insert(ttls(socket, family)?),
            };
            let of = |own| if wanted.ttl == 0 { own } else { wanted.ttl };
            sys::set_ttl(handle, family, of(host))?;
            sys::set_multicast_ttl(handle, family, of(group))?;
        }
        if wanted.interface != self.chosen.interface {
            let index = if wanted.interface == 0 { self.own_interface } else { wanted.interface };
            sys::set_multicast_interface(handle, family, index)?;
        }
        self.chosen = wanted;
        Ok(())
    }
}

fn ttls(socket: &UdpSocket, family: Family) -> io::Result<(u8, u8)> {
    let socket = SockRef::from(socket);
    let (host, group) = match family {
        Family::V4 => (socket.ttl_v4()?, socket.multicast_ttl_v4()?),
        Family::V6 => (socket.unicast_hops_v6()?, socket.multicast_hops_v6()?),
    };
    Ok((host as u8, group as u8))
}

/// The fields of the first slots of `range` that share them, and where these slots end.
pub(super) fn run(batch: &TxBatch, range: Range<usize>) -> (HeaderFields, usize) {
    let of = |index: usize| {
        batch.dest(batch.slots()[index].dest).map_or(HeaderFields::default(), |dest| HeaderFields {
            tos: dest.tos,
            ttl: dest.ttl,
            interface: if dest.addr.ip().is_multicast() { dest.interface } else { 0 },
        })
    };
    let first = of(range.start);
    let end = range.clone().find(|index| of(*index) != first).unwrap_or(range.end);
    (first, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Dest;
    use std::net::SocketAddr;

    #[test]
    fn slots_that_share_their_fields_run_together_and_only_groups_have_an_interface() {
        let to = Dest::from("127.0.0.1:1".parse::<SocketAddr>().unwrap());
        let group = Dest::from("239.1.1.1:1".parse::<SocketAddr>().unwrap());
        let mut batch = TxBatch::new(8, 64);
        for dest in [to, Dest { interface: 3, ..to }, Dest { ttl: 9, ..to }, group] {
            let id = batch.add_dest(dest);
            batch.push(id, 4).unwrap();
        }
        let id = batch.add_dest(Dest { interface: 3, ..group });
        batch.push(id, 4).unwrap();
        let none = HeaderFields::default();
        assert_eq!(run(&batch, 0..5), (none, 2));
        assert_eq!(run(&batch, 2..5), (HeaderFields { ttl: 9, ..none }, 3));
        assert_eq!(run(&batch, 3..5), (none, 4));
        assert_eq!(run(&batch, 4..5), (HeaderFields { interface: 3, ..none }, 5));
    }
}
