//! The settings of a socket, decided before it is opened.

use super::buffers::SEND_BUFFER;
use super::socket::OpenedSocket;
use super::{BufferSizes, IoMode, NetError, Socket, SocketOption, capabilities};
use super::{note_convenience, note_lack};
use crate::batch::{Capabilities, Capability, Convenience, Fragmentation};
use crate::sys::{
    self, AsHandle, ErrorNumber, Family, Handle, PortableCall, Switch, SwitchState, errno, error_of,
};
use crate::units::with_port;
use mio::net::UdpSocket;
use socket2::{Domain, Protocol, SockRef, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket to be opened: [`SocketPlan::open`] applies all settings or fails.
#[derive(Clone, Debug)]
pub struct SocketPlan {
    /// Local address; port 0 lets the kernel choose.
    pub bind: SocketAddr,
    /// The peer of a connected socket.
    pub connect: Option<SocketAddr>,
    /// The one host that it sends to. Where the system tells ICMP errors to connected sockets only,
    /// it is connected, and then hears nobody else; elsewhere it stays unconnected and hears who
    /// answers from another address.
    pub towards: Option<SocketAddr>,
    /// On `[::]`, whether IPv4 is accepted too; and IPv4 alone where this host has no IPv6.
    pub dual_stack: bool,
    /// Whether other sockets may bind the same address and port (for multicast, and one socket per
    /// stream).
    pub share_port: bool,
    /// Whether `bind` may be an address of another host, which needs a privilege
    /// (`IP_TRANSPARENT`).
    pub transparent: bool,
    /// Index of the interface to send and receive on, overriding the routes (`SO_BINDTODEVICE`,
    /// socket(7)); `None` follows the routes.
    pub device: Option<u32>,
    /// Whether sending to broadcast addresses is allowed.
    pub broadcast: bool,
    /// TTL or hop limit of unicast, 1 to 255; `None` for the system's default.
    pub ttl: Option<u8>,
    /// TTL or hop limit of multicast, 0 to 255; `None` for the system's default (1).
    pub multicast_ttl: Option<u8>,
    /// Whether group members on this host receive what is sent.
    pub multicast_loop: bool,
    /// TOS or traffic class of what is sent; `None` for the system's default (0).
    pub tos: Option<u8>,
    /// Don't-fragment policy; `None` for the system's default.
    pub fragmentation: Option<Fragmentation>,
    /// Whether to request each datagram's destination, interface, TTL, TOS and fragment size.
    pub details: bool,
    /// Whether the run is about network errors: it fails where the kernel does not queue them, and
    /// takes no missing one for silence.
    pub needs_errors: bool,
    /// Whether to request the kernel's time stamps and drop counts.
    pub accounting: bool,
    /// Whether to request each datagram's TOS, if supported, without its other details.
    pub marks: bool,
    /// Whether to request transmit time stamps, if supported. Such a socket sends each datagram
    /// individually, because a GSO buffer would get only one stamp.
    pub transmit_stamps: bool,
    /// Whether coalesced receiving (GRO) may be used.
    pub gro: bool,
    /// Which batch system calls may be used.
    pub io: IoMode,
    /// Receive buffer to request, in bytes; the send buffer is the same but at most 4 MiB. 0 keeps
    /// the system's sizes.
    pub buffer: usize,
}

impl SocketPlan {
    /// A socket on `bind` with the defaults shared by all subcommands.
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            connect: None,
            towards: None,
            dual_stack: false,
            share_port: false,
            transparent: false,
            device: None,
            broadcast: false,
            ttl: None,
            multicast_ttl: None,
            multicast_loop: true,
            tos: None,
            fragmentation: None,
            details: false,
            needs_errors: false,
            accounting: false,
            marks: false,
            transmit_stamps: false,
            gro: false,
            io: IoMode::Auto,
            buffer: 4 << 20,
        }
    }

    /// An unconnected socket on any port that can send to `peers`: IPv4, IPv6, or dual-stack for
    /// both.
    pub fn for_peers<'a>(peers: impl IntoIterator<Item = &'a SocketAddr>) -> Self {
        let (mut v4, mut v6) = (false, false);
        for peer in peers {
            match peer {
                SocketAddr::V4(_) => v4 = true,
                SocketAddr::V6(_) => v6 = true,
            }
        }
        let any: IpAddr =
            if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        Self { dual_stack: v4 && v6, ..Self::new((any, 0).into()) }
    }

    /// Whether it is to have a peer, the one of `connect` or that of `towards`.
    pub(super) fn has_peer(&self) -> bool {
        self.connect.is_some() || self.unheard(capabilities(self.io)).is_some()
    }

    /// The peer of `towards`, where only a connected socket hears what is told of it.
    fn unheard(&self, can: Capabilities) -> Option<SocketAddr> {
        let is_one = |peer: &SocketAddr| !peer.ip().is_multicast() && !self.broadcast;
        self.towards.filter(|peer| !can.has(Capability::NetworkErrors) && is_one(peer))
    }

    /// Connects the socket to its peer, if it has one, and returns it. That of `towards` may be
    /// unreachable: whoever sends to it is told why.
    fn connect(
        &self,
        can: Capabilities,
        socket: &socket2::Socket,
    ) -> Result<Option<SocketAddr>, NetError> {
        if let Some(addr) = self.connect {
            socket
                .connect(&addr.into())
                .map_err(|source| NetError::Connect { addr: addr.into(), source })?;
            return Ok(Some(addr));
        }
        Ok(self.unheard(can).filter(|peer| socket.connect(&(*peer).into()).is_ok()))
    }

    /// Opens the socket.
    pub fn open(&self) -> Result<Socket, NetError> {
        self.open_with(capabilities(self.io))
    }

    /// Opens it on a system that can do so much and no more.
    pub(super) fn open_with(&self, can: Capabilities) -> Result<Socket, NetError> {
        match self.open_as_asked(can) {
            Err(NetError::Bind { source, .. } | NetError::Option { source, .. })
                if self.dual_stack && self.bind.is_ipv6() && is_no_ipv6(&source) =>
            {
                let bind = (Ipv4Addr::UNSPECIFIED, self.bind.port()).into();
                Self { bind, dual_stack: false, ..self.clone() }.open_as_asked(can)
            }
            opened => opened,
        }
    }

    fn open_as_asked(&self, can: Capabilities) -> Result<Socket, NetError> {
        let family = if self.bind.is_ipv4() { Family::V4 } else { Family::V6 };
        let bind_error = |source| NetError::Bind { addr: self.bind.into(), source };
        let domain = Domain::for_address(self.bind);
        let socket = socket2::Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))
            .and_then(|socket| socket.set_nonblocking(true).map(|()| socket))
            .map_err(without_family)
            .map_err(bind_error)?;
        if family == Family::V6 {
            option(SocketOption::OnlyV6, socket.set_only_v6(!self.dual_stack))?;
        }
        if self.share_port {
            option(SocketOption::ShareAddress, sys::share_port(socket.handle()))?;
        }
        if self.transparent {
            let done = ask(can, (&socket, family), Capability::ForeignSource, Switch::Transparent);
            option(SocketOption::Transparent, done)?;
        }
        self.bind_device(can, socket.handle(), family)?;
        let sizes = self.set_buffers(&socket);
        let mut portable = self.portable(&socket, family)?;
        if let Some(call) = portable.as_mut().filter(|_| self.marks && !self.details) {
            call.tell_marks();
        }
        let queues_errors = self.set_switches(can, &socket, family)?;
        self.set_header_fields(can, &socket, family)?;
        socket.bind(&self.bound_to(can).into()).map_err(bind_error)?;
        let peer = self.connect(can, &socket)?;
        sys::refusals(socket.handle(), peer.is_some());
        let local = socket.local_addr().map_err(bind_error)?.as_socket().unwrap_or(self.bind);
        let gro = self.gro && self.io.coalesces() && coalesces(can, &socket, family);
        let io = self.io.in_force();
        let io = if self.transmit_stamps { io.uncoalesced() } else { io };
        let socket = UdpSocket::from_std(socket.into());
        if let Some(call) = &mut portable {
            call.set_peer(peer);
        }
        let opened = OpenedSocket { socket, family, local, peer, io, gro, portable, sizes };
        let mut opened = Socket::new(opened);
        opened.note_tos(self.tos.unwrap_or(0));
        if !queues_errors {
            opened.without_error_queue();
        }
        if self.transmit_stamps && can.has(Capability::TransmitTimeStamps) {
            opened.begin_transmit_stamps();
        } else if self.transmit_stamps {
            note_lack(Convenience::TransmitTimeStamps);
        }
        Ok(opened)
    }

    /// The portable calls, where they are used, with the socket as it was before.
    fn portable(
        &self,
        socket: &socket2::Socket,
        family: Family,
    ) -> Result<Option<PortableCall>, NetError> {
        if !self.io.in_force().is_portable() {
            return Ok(None);
        }
        let own = sys::fragmentation_policy(socket.handle(), family);
        let (call, told) = PortableCall::new(socket);
        if self.details {
            note_convenience(Convenience::PacketInfo, &told);
        }
        if let Ok(own) = own {
            let restored = sys::restore_fragmentation(socket.handle(), own);
            option(SocketOption::Fragmentation, restored)?;
        }
        // The crate switches on what it uses itself, and has no room for more than its own control
        // messages. Where there is none, there is nothing to switch off.
        for switch in [Switch::Gro, Switch::Timestamps] {
            let _ = sys::set_switch(socket.handle(), family, switch, SwitchState::Off);
        }
        Ok(Some(call))
    }

    /// The address that it is bound to: that of a group only where the system has that.
    fn bound_to(&self, can: Capabilities) -> SocketAddr {
        match self.bind {
            SocketAddr::V4(v4) if v4.ip().is_multicast() && !can.has(Capability::GroupBinding) => {
                (Ipv4Addr::UNSPECIFIED, v4.port()).into()
            }
            SocketAddr::V6(v6) if v6.ip().is_multicast() && !can.has(Capability::GroupBinding) => {
                (Ipv6Addr::UNSPECIFIED, v6.port()).into()
            }
            bind => bind,
        }
    }

    /// Connects a socket of this plan to its peer anew, from the address that the route now gives,
    /// and from the same port unless another socket takes it meanwhile. What is queued stays.
    ///
    /// # Errors
    ///
    /// There is no way to the peer; the socket is then without one.
    pub(super) fn reconnect(&self, opened: &mut Socket) -> Result<(), NetError> {
        let port = opened.local_addr().port();
        let bind_error = |source| NetError::Bind { addr: self.bind.into(), source };
        let fd = opened.disconnect().map_err(bind_error)?;
        let socket = SockRef::from(&fd);
        self.bind_device(capabilities(self.io), fd, opened.family())?;
        // The kernel keeps a port that was asked for, and refuses to bind again.
        if self.bind.port() == 0 {
            let _ = socket.bind(&with_port(self.bind, port).into());
        }
        self.connect(capabilities(self.io), &socket)?;
        let local = socket.local_addr().map_err(bind_error)?.as_socket().unwrap_or(self.bind);
        opened.set_local(local);
        Ok(())
    }

    fn bind_device(
        &self,
        can: Capabilities,
        socket: Handle<'_>,
        family: Family,
    ) -> Result<(), NetError> {
        let Some(index) = self.device else { return Ok(()) };
        let done = if can.has(Capability::Device) {
            sys::bind_device(socket, family, index)
        } else {
            Err(sys::unsupported())
        };
        option(SocketOption::Device, done)
    }

    /// Buffer sizes are best effort: the granted size is reported, a refusal is not an error.
    fn set_buffers(&self, socket: &socket2::Socket) -> BufferSizes {
        if self.buffer > 0 {
            let send = self.buffer.min(SEND_BUFFER);
            for asked in [
                sys::ask_receive_buffer(socket.handle(), self.buffer),
                sys::ask_send_buffer(socket.handle(), send),
            ] {
                note_convenience(Convenience::SocketBuffers, &asked);
            }
        }
        BufferSizes {
            receive_asked: self.buffer,
            receive_granted: socket.recv_buffer_size().unwrap_or(0),
            send_granted: socket.send_buffer_size().unwrap_or(0),
        }
    }

    /// Requests what the kernel tells about each datagram. What a socket with `details` reports
    /// would be wrong without its destination, TTL and TOS, where the system has them; what else is
    /// refused stays unknown. Returns whether the kernel queues errors for the socket.
    fn set_switches(
        &self,
        can: Capabilities,
        socket: &socket2::Socket,
        family: Family,
    ) -> Result<bool, NetError> {
        let ask = |capability, switch| ask(can, (socket, family), capability, switch);
        let want = |capability, switch, what| {
            if !can.has(capability) {
                note_lack(what);
                return false;
            }
            note_convenience(what, &ask(capability, switch))
        };
        if self.details {
            for (capability, switch, refused, lacking) in [
                (
                    Capability::PacketInfo,
                    Switch::PacketInfo,
                    SocketOption::PacketInfo,
                    Convenience::PacketInfo,
                ),
                (
                    Capability::TimeToLive,
                    Switch::ReceiveTtl,
                    SocketOption::ReceiveTtl,
                    Convenience::TimeToLive,
                ),
                (
                    Capability::TrafficClass,
                    Switch::ReceiveTos,
                    SocketOption::ReceiveTos,
                    Convenience::TrafficClass,
                ),
            ] {
                if capability == Capability::PacketInfo && self.io.in_force().is_portable() {
                    // As the portable calls have it.
                } else if can.has(capability) {
                    option(refused, ask(capability, switch))?;
                } else {
                    note_lack(lacking);
                }
            }
            want(Capability::FragmentSizes, Switch::FragmentSize, Convenience::FragmentSizes);
        }
        if self.marks {
            want(Capability::Marks, Switch::ReceiveTos, Convenience::Marks);
        }
        if self.accounting {
            let what = Convenience::ReceiveTimeStamps;
            want(Capability::ReceiveTimeStamps, Switch::Timestamps, what);
            want(Capability::SocketDrops, Switch::DropCount, Convenience::SocketDrops);
        }
        // Best effort: IPv6 supports it only since Linux 4.20, and receivers of a group check
        // addresses themselves.
        let handle = socket.handle();
        let _ = sys::set_switch(handle, family, Switch::ForeignGroups, SwitchState::Off);
        if self.needs_errors {
            let queues_errors = ask(Capability::NetworkErrors, Switch::ErrorQueue);
            option(SocketOption::ErrorQueue, queues_errors)?;
            return Ok(true);
        }
        Ok(want(Capability::NetworkErrors, Switch::ErrorQueue, Convenience::NetworkErrors))
    }

    fn set_header_fields(
        &self,
        can: Capabilities,
        socket: &socket2::Socket,
        family: Family,
    ) -> Result<(), NetError> {
        let handle = socket.handle();
        if self.broadcast {
            option(SocketOption::Broadcast, socket.set_broadcast(true))?;
        }
        if let Some(ttl) = self.ttl {
            option(SocketOption::Ttl, sys::set_ttl(handle, family, ttl))?;
        }
        if let Some(ttl) = self.multicast_ttl {
            option(SocketOption::MulticastTtl, sys::set_multicast_ttl(handle, family, ttl))?;
        }
        if !self.multicast_loop {
            option(SocketOption::MulticastLoop, sys::stop_multicast_loop(handle, family))?;
        }
        if let Some(tos) = self.tos {
            option(SocketOption::Tos, sys::set_tos(handle, family, tos))?;
        }
        let Some(policy) = self.fragmentation else { return Ok(()) };
        if !can.has(Capability::DontFragment) {
            if policy != Fragmentation::Allow {
                note_lack(Convenience::DontFragment);
            }
            return Ok(());
        }
        match sys::set_fragmentation(handle, family, policy) {
            // It only helps.
            _ if policy == Fragmentation::Allow => Ok(()),
            done => option(SocketOption::Fragmentation, done),
        }
    }
}

/// Switches on what the system has.
fn ask(
    can: Capabilities,
    (socket, family): (&socket2::Socket, Family),
    capability: Capability,
    switch: Switch,
) -> io::Result<()> {
    if !can.has(capability) {
        return Err(sys::unsupported());
    }
    sys::set_switch(socket.handle(), family, switch, SwitchState::On)
}

/// Switches on coalesced receiving, and returns whether it is in force.
fn coalesces(can: Capabilities, socket: &socket2::Socket, family: Family) -> bool {
    if !can.has(Capability::CoalescedReceive) {
        note_lack(Convenience::CoalescedReceive);
        return false;
    }
    let asked = sys::set_switch(socket.handle(), family, Switch::Gro, SwitchState::On);
    note_convenience(Convenience::CoalescedReceive, &asked)
}

/// A process that may not have a socket of a family is as one whose kernel lacks the family.
fn without_family(error: io::Error) -> io::Error {
    match error.errno() {
        Some(errno::EPERM | errno::EACCES) => error_of(errno::EAFNOSUPPORT),
        _ => error,
    }
}

/// Whether an error says that there is no IPv6.
fn is_no_ipv6(error: &io::Error) -> bool {
    matches!(error.errno(), Some(errno::EAFNOSUPPORT | errno::EADDRNOTAVAIL))
}

fn option<T>(option: SocketOption, result: io::Result<T>) -> Result<T, NetError> {
    result.map_err(|source| NetError::Option { option, source })
}
