//! One non-blocking UDP socket, connected or not.

use super::error_queue::{ErrorQueue, is_icmp_number};
use super::fragments::{self, Fragments};
use super::portable_fields::{self, FieldsInForce};
use super::redirect::Redirect;
use super::transmit::{Outlet, Transmit};
use super::{BufferSizes, IoMode, IoUsed, JoinedGroup, NetError, SocketOption, interface_name};
use crate::batch::{
    NetworkError, RxBatch, RxCall, RxShape, SendOutcome, SendStop, TransmitStamp, TxBatch,
};
use crate::sys::{
    self, AsHandle, ErrorNumber, Family, Handle, Membership, PortableCall, ReceiveCall,
    WatchedSocket, errno,
};
use mio::event::Source;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::OnceLock;

/// Most pending network errors that one receive call skips.
const STUMBLES: usize = 256;
/// Errors in a row, not found in the error queue, after which they are this host's own: it denies
/// the call.
const UNEXPLAINED: u32 = 8;

/// An open socket. Made by [`super::SocketPlan::open`].
pub struct Socket {
    udp: UdpSocket,
    family: Family,
    local: SocketAddr,
    peer: Option<SocketAddr>,
    io: IoMode,
    gro: bool,
    /// Whether one call receives many buffers.
    many: bool,
    sizes: BufferSizes,
    receive: ReceiveCall,
    transmit: Transmit,
    /// The portable calls, where they are used in place of the system's own.
    portable: Option<PortableCall>,
    fields: FieldsInForce,
    answers: ErrorQueue,
    fragments: Fragments,
}

/// A descriptor with what is known of it.
pub(super) struct OpenedSocket {
    pub socket: UdpSocket,
    pub family: Family,
    pub local: SocketAddr,
    pub peer: Option<SocketAddr>,
    pub io: IoMode,
    /// Whether the kernel coalesces what arrives.
    pub gro: bool,
    pub portable: Option<PortableCall>,
    pub sizes: BufferSizes,
}

impl Socket {
    pub(super) fn new(opened: OpenedSocket) -> Self {
        let OpenedSocket { socket, family, local, peer, io, gro, portable, sizes } = opened;
        let many = portable.is_none() && io != IoMode::Plain && may_receive_many();
        Self {
            udp: socket,
            family,
            local,
            peer,
            io,
            gro,
            many,
            sizes,
            receive: ReceiveCall::new(shape(io, gro).most_buffers()),
            transmit: Transmit::new(io),
            portable,
            fields: FieldsInForce::default(),
            answers: ErrorQueue::default(),
            fragments: Fragments::default(),
        }
    }

    /// The kernel does not queue errors for it.
    pub(super) fn without_error_queue(&mut self) {
        self.answers.disable();
    }

    pub(super) fn begin_transmit_stamps(&mut self) {
        self.answers.begin_stamps(self.udp.handle());
    }

    /// What it sends has this TOS.
    pub(super) fn note_tos(&mut self, tos: u8) {
        self.fields.set_tos(tos);
        if let Some(call) = &mut self.portable {
            call.set_tos(tos);
        }
    }

    /// Whether transmit time stamps are enabled.
    pub fn stamps_transmits(&self) -> bool {
        self.answers.stamping()
    }

    /// The address it is bound to, with the port that the kernel chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The peer that it is connected to.
    #[cfg(test)]
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Its address family.
    pub(super) fn family(&self) -> Family {
        self.family
    }

    /// Takes its peer from it, and the local address that the kernel chose; what is queued stays.
    pub(super) fn disconnect(&self) -> io::Result<Handle<'_>> {
        sys::disconnect(self.udp.handle()).map(|()| self.udp.handle())
    }

    /// It is bound to another local address now.
    pub(super) fn set_local(&mut self, local: SocketAddr) {
        self.local = local;
    }

    /// A handle to connect the socket to another peer.
    pub fn redirect(&self) -> io::Result<Redirect> {
        Redirect::of(self.udp.handle())
    }

    /// Buffer sizes requested and granted.
    pub fn buffer_sizes(&self) -> BufferSizes {
        self.sizes
    }

    /// The batch system calls in use so far.
    pub fn io_used(&self) -> IoUsed {
        let rx = match (self.gro, self.many) {
            (true, _) => RxCall::Gro,
            (false, true) => RxCall::Mmsg,
            (false, false) => RxCall::Plain,
        };
        IoUsed {
            tx: self.transmit.used(),
            rx,
            segmented: self.transmit.has_segmented(),
            coalesced: self.gro,
            batch: self.transmit.largest(),
        }
    }

    /// Receive buffers that fit this socket, for datagrams of up to `largest` payload bytes.
    pub fn rx_batch(&self, largest: usize) -> RxBatch {
        self.rx_batch_within(largest, usize::MAX)
    }

    /// The same in at most `within` bytes of memory, as far as [`RxShape::room`] permits.
    pub fn rx_batch_within(&self, largest: usize, within: usize) -> RxBatch {
        let shape = shape(self.io, self.gro);
        let (buffers, capacity) = shape.room(largest, within);
        let batch = RxBatch::new(buffers, capacity);
        let batch = if shape == RxShape::Coalesced { batch.adapting() } else { batch };
        if self.portable.is_some() { batch.cutting(largest) } else { batch }
    }

    /// Whether one call receives all that is queued, as far as there are buffers.
    pub fn receives_many(&self) -> bool {
        self.many
    }

    /// Lets sockets opened from now on with `share_port` bind the same port.
    pub fn allow_sharing(&self) -> Result<(), NetError> {
        socket2::SockRef::from(&self.udp)
            .set_reuse_address(true)
            .map_err(|source| NetError::Option { option: SocketOption::ShareAddress, source })
    }

    /// Sends the batch's slots of `range` in order, as many as the kernel accepts.
    #[inline]
    pub fn send(&mut self, batch: &TxBatch, range: Range<usize>) -> SendOutcome {
        if self.portable.is_some() {
            return self.send_portable(batch, range);
        }
        self.send_by_policy(batch, range)
    }

    /// Sends runs of slots that share a don't-fragment policy.
    fn send_by_policy(&mut self, batch: &TxBatch, range: Range<usize>) -> SendOutcome {
        if !batch.has_policies() {
            return self.send_alike(batch, range);
        }
        let mut accepted = 0;
        while range.start + accepted < range.end {
            let start = range.start + accepted;
            let (policy, end) = fragments::run(batch, start..range.end);
            let stop = match self.fragments.choose(self.udp.handle(), self.family, policy) {
                Ok(()) => {
                    let outcome = self.send_alike(batch, start..end);
                    accepted += outcome.accepted;
                    outcome.stop
                }
                Err(error) => {
                    let errno = error.errno().unwrap_or(errno::EIO);
                    Some(SendStop::Refused { datagrams: end - start, errno })
                }
            };
            if stop.is_some() {
                return SendOutcome { accepted, stop };
            }
        }
        SendOutcome { accepted, stop: None }
    }

    /// Sends runs of slots that share what the portable calls cannot have for each datagram.
    fn send_portable(&mut self, batch: &TxBatch, range: Range<usize>) -> SendOutcome {
        let mut accepted = 0;
        while range.start + accepted < range.end {
            let start = range.start + accepted;
            let (fields, end) = portable_fields::run(batch, start..range.end);
            let stop = match self.fields.choose(&self.udp, self.family, fields) {
                Ok(()) => {
                    if let Some(call) = &mut self.portable {
                        call.set_tos(self.fields.tos());
                    }
                    let outcome = self.send_by_policy(batch, start..end);
                    accepted += outcome.accepted;
                    outcome.stop
                }
                Err(error) => {
                    let errno = error.errno().unwrap_or(errno::EIO);
                    Some(SendStop::Refused { datagrams: end - start, errno })
                }
            };
            if stop.is_some() {
                return SendOutcome { accepted, stop };
            }
        }
        SendOutcome { accepted, stop: None }
    }

    /// Sends slots that share a don't-fragment policy.
    fn send_alike(&mut self, batch: &TxBatch, range: Range<usize>) -> SendOutcome {
        let Self { udp: socket, family, transmit, portable, answers, peer, .. } = self;
        let handle = socket.handle();
        let mut is_pending = |errno| answers.is_pending(handle, errno, *peer);
        let outlet = Outlet { socket, family: *family, portable: portable.as_ref() };
        let outcome = transmit.send(outlet, batch, range, &mut is_pending);
        answers.note_sent(handle, outcome.accepted, transmit.failures());
        if matches!(outcome.stop, Some(SendStop::Refused { errno: errno::EPERM, .. })) {
            answers.note_filtered();
        }
        outcome
    }

    /// Receives what is queued; returns the number of buffers filled, 0 when nothing is queued.
    ///
    /// # Errors
    ///
    /// This host denies the call or has no memory for it. Errors from the network are none.
    #[inline]
    pub fn receive(&mut self, batch: &mut RxBatch) -> io::Result<usize> {
        let Self { udp: socket, receive, many, portable, answers, peer, .. } = self;
        let inlet = Inlet { socket, many: *many, portable: portable.as_ref(), peer: *peer };
        inlet.receive(receive, answers, batch)
    }

    /// As [`Socket::receive`], with the scratch memory of a call that many sockets share.
    ///
    /// # Errors
    ///
    /// Those of [`Socket::receive`].
    pub fn receive_by(&mut self, call: &mut ReceiveCall, batch: &mut RxBatch) -> io::Result<usize> {
        let Self { udp: socket, many, portable, answers, peer, .. } = self;
        let inlet = Inlet { socket, many: *many, portable: portable.as_ref(), peer: *peer };
        inlet.receive(call, answers, batch)
    }

    /// Reads the error queue; [`Socket::take_error`] and [`Socket::take_stamp`] then return its
    /// contents. Returns whether the queue is empty now.
    pub fn drain_errors(&mut self) -> bool {
        if self.answers.is_disabled() {
            // Only its number is known, and asking for it clears it.
            let pending = socket2::SockRef::from(&self.udp).take_error().ok().flatten();
            if let Some(number) = pending.and_then(|error| error.errno()) {
                self.answers.note_number(number, self.peer);
            }
            return true;
        }
        self.answers.drain(self.udp.handle())
    }

    /// Removes and returns the oldest network error.
    pub fn take_error(&mut self) -> Option<NetworkError> {
        self.answers.take_error()
    }

    /// Removes and returns the oldest transmit time stamp.
    pub fn take_stamp(&mut self) -> Option<TransmitStamp> {
        self.answers.take_stamp()
    }

    /// Buffers that this socket dropped because its receive buffer was full; wraps at 2^32.
    pub fn drops(&self) -> Option<u32> {
        sys::socket_drops(self.udp.handle()).ok()
    }

    /// What the kernel charges for the datagrams waiting in the receive buffer, in bytes: more than
    /// their payload. 0 if unknown.
    pub fn queued(&self) -> usize {
        sys::socket_queued(self.udp.handle()).unwrap_or(0)
    }

    /// The MTU of the route to the peer, in bytes; `None` when not connected.
    pub fn route_mtu(&self) -> Option<u32> {
        let peer = if self.peer?.is_ipv4() { Family::V4 } else { Family::V6 };
        sys::route_mtu(self.udp.handle(), peer).ok()
    }

    /// Sets the interface, by index, that multicast is sent on.
    pub fn set_multicast_interface(&mut self, index: u32) -> Result<(), NetError> {
        self.fields.set_interface(index);
        sys::set_multicast_interface(self.udp.handle(), self.family, index)
            .map_err(|source| NetError::Option { option: SocketOption::MulticastInterface, source })
    }

    /// Sets the TTL or hop limit of what it sends, 1 to 255, to groups, too.
    pub fn set_ttl(&mut self, ttl: u8) -> Result<(), NetError> {
        self.fields.set_ttl(ttl);
        let (fd, family) = (self.udp.handle(), self.family);
        let both = sys::set_ttl(fd, family, ttl);
        both.and_then(|()| sys::set_multicast_ttl(fd, family, ttl))
            .map_err(|source| NetError::Option { option: SocketOption::Ttl, source })
    }

    /// Sets TOS or traffic class of what it sends.
    pub fn set_tos(&mut self, tos: u8) -> Result<(), NetError> {
        self.note_tos(tos);
        sys::set_tos(self.udp.handle(), self.family, tos)
            .map_err(|source| NetError::Option { option: SocketOption::Tos, source })
    }

    /// Joins a group.
    pub fn join(&self, membership: &Membership) -> Result<(), NetError> {
        sys::join(self.udp.handle(), membership)
            .map_err(|source| NetError::Join { group: describe(membership), source })
    }

    /// Blocks a source of a joined group; fails with `ENOBUFS` when the kernel's list is full.
    pub fn block(&self, membership: &Membership) -> io::Result<()> {
        sys::block(self.udp.handle(), membership)
    }

    /// Leaves a group.
    pub fn leave(&self, membership: &Membership) -> Result<(), NetError> {
        sys::leave(self.udp.handle(), membership)
            .map_err(|source| NetError::Join { group: describe(membership), source })
    }
}

/// What receives.
struct Inlet<'a> {
    socket: &'a UdpSocket,
    /// Whether one call receives many buffers.
    many: bool,
    portable: Option<&'a PortableCall>,
    peer: Option<SocketAddr>,
}

impl Inlet<'_> {
    #[inline]
    fn receive(
        &self,
        call: &mut ReceiveCall,
        answers: &mut ErrorQueue,
        batch: &mut RxBatch,
    ) -> io::Result<usize> {
        let handle = self.socket.handle();
        // The receive call also reports pending errors of sent datagrams, once each. The error
        // queue holds them with their address, so it is drained and the receive repeated.
        let mut unexplained = 0;
        for _ in 0..STUMBLES {
            let got = match self.portable {
                Some(portable) => portable.receive(self.socket, batch),
                None if self.many => call.receive_many(handle, batch),
                None => call.receive_one(handle, batch),
            };
            let Err(error) = got else { return got };
            match error.errno() {
                _ if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                _ if error.kind() == io::ErrorKind::Interrupted => {}
                Some(number) if is_icmp_number(number) => {
                    unexplained += 1;
                    if answers.explains(handle, number) || answers.note_number(number, self.peer) {
                        unexplained = 0;
                    } else if unexplained == UNEXPLAINED {
                        return Err(error);
                    }
                }
                _ => return Err(error),
            }
        }
        Ok(0)
    }
}

impl Source for Socket {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        WatchedSocket(&mut self.udp).register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        WatchedSocket(&mut self.udp).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        WatchedSocket(&mut self.udp).deregister(registry)
    }
}

/// Whether this process may call `recvmmsg`; asked once.
fn may_receive_many() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(sys::has_recvmmsg)
}

fn describe(membership: &Membership) -> JoinedGroup {
    let Membership { group, source, interface } = *membership;
    JoinedGroup { group, source, interface: (interface != 0).then(|| interface_name(interface)) }
}

/// The kind of receive buffers for a socket that may use these calls.
pub fn shape(io: IoMode, gro: bool) -> RxShape {
    match (gro, io.in_force()) {
        // The portable calls do not tell how long a datagram was that did not fit.
        (true, _) | (false, IoMode::Portable | IoMode::PortablePlain) => RxShape::Coalesced,
        (false, IoMode::Plain) => RxShape::One,
        (false, _) => RxShape::Many,
    }
}
