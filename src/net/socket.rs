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
        let Self { udp: socket, family, transmit, portable, answers, .. } = self;
        let handle = socket.handle();
        let mut is_pending = |errno| answers.is_pending(handle, errno);
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

#[cfg(test)]
mod tests {
    use super::super::SocketPlan;
    use super::*;
    use crate::batch::{Dest, DestId, Fragmentation, IcmpMeaning, TxCall};
    use std::time::{Duration, Instant};

    fn pair(io: IoMode, gro: bool) -> (Socket, Socket) {
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let receiver =
            SocketPlan { details: true, accounting: true, gro, io, ..SocketPlan::new(local) }
                .open()
                .unwrap();
        let connect = Some(receiver.local_addr());
        let sender = SocketPlan { connect, io, ..SocketPlan::new(local) }.open().unwrap();
        (sender, receiver)
    }

    /// Collects datagrams until there are `count` or a second has passed: (bytes, with details).
    fn collect(receiver: &mut Socket, count: usize) -> Vec<(Vec<u8>, bool)> {
        let mut batch = receiver.rx_batch(65_535);
        let mut all = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(1);
        while all.len() < count && Instant::now() < deadline {
            receiver.receive(&mut batch).unwrap();
            all.extend(batch.datagrams().map(|datagram| {
                let meta = datagram.meta;
                let told = meta.kernel_stamp && meta.ttl.is_some() && meta.destination.is_some();
                (datagram.payload.to_vec(), told)
            }));
            batch.clear();
        }
        all
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn every_mode_keeps_boundaries_and_control_data_from_batch_to_batch() {
        for (io, gro) in [
            (IoMode::Plain, false),
            (IoMode::Mmsg, false),
            (IoMode::Auto, false),
            (IoMode::Auto, true),
        ] {
            let (mut sender, mut receiver) = pair(io, gro);
            let lens = [0, 1, 1472, 1472, 1472, 700, 1, 0, 9000, 65_507];
            // Twice: lengths and flags are updated by the call, and a header that is not reset
            // would lose them.
            for round in 0..2 {
                let mut batch = TxBatch::new(16, 1 << 20);
                for (index, len) in lens.into_iter().enumerate() {
                    batch.push(DestId::CONNECTED, len).unwrap().fill(index as u8);
                }
                let outcome = sender.send(&batch, 0..batch.len());
                assert_eq!(outcome, SendOutcome { accepted: lens.len(), stop: None });
                let got = collect(&mut receiver, lens.len());
                for (index, (len, (bytes, told))) in lens.into_iter().zip(&got).enumerate() {
                    assert_eq!(bytes, &vec![index as u8; len], "{io:?} {gro} round {round}");
                    assert!(told, "{io:?} {gro} round {round}: no control data");
                }
                assert_eq!(got.len(), lens.len());
            }
            let tx = [TxCall::Plain, TxCall::Mmsg, TxCall::Gso][match (io, gro) {
                (IoMode::Plain, _) => 0,
                (IoMode::Mmsg, _) => 1,
                _ => 2,
            }];
            assert_eq!(sender.io_used().tx, tx);
        }
    }

    #[test]
    fn what_is_too_long_is_refused_and_what_came_before_it_left() {
        let (mut sender, _receiver) = pair(IoMode::Mmsg, false);
        let mut batch = TxBatch::new(4, 1 << 20);
        batch.push(DestId::CONNECTED, 10).unwrap();
        batch.push(DestId::CONNECTED, 65_508).unwrap();
        batch.push(DestId::CONNECTED, 10).unwrap();
        let stop = SendStop::Refused { datagrams: 1, errno: errno::EMSGSIZE };
        let outcome = sender.send(&batch, 0..3);
        assert_eq!(outcome, SendOutcome { accepted: 1, stop: Some(stop) });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn each_datagram_leaves_with_its_own_ttl_and_tos() {
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let local: SocketAddr = local.parse().unwrap();
            let plan = SocketPlan { details: true, ..SocketPlan::new(local) };
            let mut receiver = plan.open().unwrap();
            let mut sender = SocketPlan { ttl: Some(99), ..SocketPlan::new(local) }.open().unwrap();
            let mut batch = TxBatch::new(4, 64);
            for ttl in [7, 0, 255] {
                let dest = Dest { ttl, tos: 0xb8, ..Dest::from(receiver.local_addr()) };
                let id = batch.add_dest(dest);
                batch.push(id, 9).unwrap();
            }
            let outcome = sender.send(&batch, 0..3);
            assert_eq!(outcome, SendOutcome { accepted: 3, stop: None });
            let mut got = receiver.rx_batch(100);
            let mut seen = Vec::new();
            let deadline = Instant::now() + Duration::from_secs(5);
            while seen.len() < 3 && Instant::now() < deadline {
                receiver.receive(&mut got).unwrap();
                let told = |meta: crate::batch::RxMeta| (meta.ttl, meta.tos, meta.fragment);
                seen.extend(got.datagrams().map(|datagram| told(datagram.meta)));
                got.clear();
            }
            let wanted = [7, 99, 255].map(|ttl| (Some(ttl), Some(0xb8), None));
            assert_eq!(seen, wanted, "{local}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_datagram_that_must_stay_whole_is_refused_beside_one_that_need_not() {
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let local: SocketAddr = local.parse().unwrap();
            let plan = SocketPlan { details: true, ..SocketPlan::new(local) };
            let mut receiver = plan.open().unwrap();
            let mut sender = SocketPlan::new(local).open().unwrap();
            let to = Dest::from(receiver.local_addr());
            // Over IPv4 no datagram can exceed the 65,536 bytes of the loopback MTU.
            let len = if local.is_ipv4() { 65_507 } else { 65_527 };
            let mut batch = TxBatch::new(4, 1 << 18);
            for (fragmentation, len) in
                [(None, len), (Some(Fragmentation::Probe), 65_400), (None, len)]
            {
                let id = batch.add_dest(Dest { fragmentation, ..to });
                batch.push(id, len).unwrap();
            }
            let id = batch.add_dest(Dest { fragmentation: Some(Fragmentation::Probe), ..to });
            batch.push(id, len).unwrap();
            let outcome = sender.send(&batch, 0..4);
            let refused = SendStop::Refused { datagrams: 1, errno: errno::EMSGSIZE };
            let wanted = match local {
                SocketAddr::V4(_) => SendOutcome { accepted: 4, stop: None },
                // 40 + 8 + 65,527 bytes exceed the loopback MTU.
                SocketAddr::V6(_) => SendOutcome { accepted: 3, stop: Some(refused) },
            };
            assert_eq!(outcome, wanted, "{local}");
            let mut got = receiver.rx_batch(65_535);
            let mut seen = Vec::new();
            let deadline = Instant::now() + Duration::from_secs(5);
            while seen.len() < outcome.accepted && Instant::now() < deadline {
                receiver.receive(&mut got).unwrap();
                let told = |datagram: crate::batch::Datagram<'_>| {
                    (datagram.true_len, datagram.meta.fragment.is_some())
                };
                seen.extend(got.datagrams().map(told));
                got.clear();
            }
            let in_pieces = local.is_ipv6();
            let mut wanted = vec![(len, in_pieces), (65_400, false), (len, in_pieces)];
            if local.is_ipv4() {
                wanted.push((len, false));
            }
            assert_eq!(seen, wanted, "{local}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_closed_port_answers_and_does_not_stop_the_next_datagram() {
        let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let open = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut sender = SocketPlan::for_peers([&closed]).open().unwrap();
        let mut batch = TxBatch::new(4, 64);
        let (a, b) = (batch.add_dest(closed), batch.add_dest(open.local_addr().unwrap()));
        for dest in [a, b, a, b] {
            batch.push(dest, 3).unwrap().copy_from_slice(b"abc");
        }
        let outcome = sender.send(&batch, 0..4);
        assert_eq!(outcome, SendOutcome { accepted: 4, stop: None });
        sender.drain_errors();
        let error = sender.take_error().expect("loopback answers at once");
        assert_eq!(error.meaning(), Some(IcmpMeaning::PortUnreachable));
        assert_eq!(error.offender, "127.0.0.1".parse().ok());
        assert_eq!(error.destination, closed);
        assert_eq!(error.quoted(), b"abc");
        let mut bytes = [0; 8];
        assert_eq!(open.recv(&mut bytes).unwrap(), 3);
        assert_eq!(open.recv(&mut bytes).unwrap(), 3);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn however_often_a_closed_port_answers_its_neighbour_gets_everything() {
        for (ip, io) in ["127.0.0.1", "::1"].into_iter().flat_map(|ip| {
            [IoMode::Plain, IoMode::Mmsg, IoMode::Auto].map(|io| (ip.parse().unwrap(), io))
        }) {
            let local = SocketAddr::new(ip, 0);
            let closed = std::net::UdpSocket::bind(local).unwrap().local_addr().unwrap();
            let plan = SocketPlan { accounting: true, ..SocketPlan::new(local) };
            let mut open = plan.open().unwrap();
            let peers = [closed, open.local_addr()];
            let mut sender = SocketPlan { io, ..SocketPlan::for_peers(&peers) }.open().unwrap();
            let mut batch = TxBatch::new(200, 1 << 12);
            let dests = peers.map(|peer| batch.add_dest(peer));
            for index in 0..200 {
                batch.push(dests[index % 2], 3).unwrap();
            }
            let outcome = sender.send(&batch, 0..200);
            assert_eq!(outcome, SendOutcome { accepted: 200, stop: None }, "{ip} {io:?}");
            assert_eq!(collect(&mut open, 100).len(), 100, "{ip} {io:?}");
            sender.drain_errors();
            let charged: Vec<_> = std::iter::from_fn(|| sender.take_error()).collect();
            assert!(!charged.is_empty(), "{ip} {io:?}");
            assert!(charged.iter().all(|error| error.destination == closed), "{charged:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn each_datagram_is_stamped_when_it_leaves_and_one_refused_shifts_no_number() {
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let receiver = std::net::UdpSocket::bind(local).unwrap();
        let connect = receiver.local_addr().ok();
        let plan = SocketPlan { connect, transmit_stamps: true, ..SocketPlan::new(local) };
        let mut sender = plan.open().unwrap();
        assert!(sender.stamps_transmits());
        let before = sys::real_now();
        let mut batch = TxBatch::new(4, 1 << 17);
        for len in [10, 65_508, 10, 10] {
            batch.push(DestId::CONNECTED, len).unwrap();
        }
        let stop = SendStop::Refused { datagrams: 1, errno: errno::EMSGSIZE };
        let outcome = sender.send(&batch, 0..4);
        assert_eq!(outcome, SendOutcome { accepted: 1, stop: Some(stop) });
        assert_eq!(sender.send(&batch, 2..4), SendOutcome { accepted: 2, stop: None });
        assert!(sender.drain_errors());
        let stamps: Vec<_> = std::iter::from_fn(|| sender.take_stamp()).collect();
        let numbers: Vec<_> = stamps.iter().map(|stamp| stamp.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        let now = sys::real_now();
        assert!(stamps.iter().all(|stamp| (before..=now).contains(&stamp.at)), "{stamps:?}");
    }
}
