//! Sends and receives by `quinn-udp`, and by plain `send(2)` what that crate would alter.
//!
//! The crate was made for QUIC: each of its messages carries the ECN field in place of the socket's
//! whole TOS, and has a destination. So it sends what needs it, runs of datagrams and those from a
//! chosen source address, and the socket sends the rest.

use crate::batch::{RxBatch, RxEntry, RxMeta};
use crate::sys::{self, OutMessage};
use crate::units::Nanos;
use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::SockRef;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

/// The bits of TOS that are DSCP (RFC 2474).
const DSCP: u8 = 0xfc;
/// Most datagrams in one call: more would be one long burst to the next hop.
const SEGMENTS: usize = 64;

/// Moves datagrams of one socket.
#[derive(Debug)]
pub struct PortableCall {
    /// `None` where the system does not have what the crate needs, as an emulated one: then it is
    /// one datagram per call, without its destination.
    state: Option<UdpSocketState>,
    /// TOS of what the socket sends.
    tos: u8,
    /// Whether the ECN field of each datagram is told.
    marks: bool,
    /// The peer of a connected socket, which some systems refuse to be named with a datagram.
    peer: Option<SocketAddr>,
}

impl PortableCall {
    /// Prepares a socket, whose don't-fragment policy and coalescing are then the crate's: they are
    /// to be set after this. The error says why the system cannot tell the destination of a datagram.
    pub fn new(socket: &impl sys::AsHandle) -> (Self, io::Result<()>) {
        let handle = socket.handle();
        let (state, told) = match UdpSocketState::new(UdpSockRef::from(&handle)) {
            Ok(state) => (Some(state), Ok(())),
            Err(error) => (None, Err(error)),
        };
        (Self { state, tos: 0, marks: false, peer: None }, told)
    }

    /// The socket is connected to this peer.
    pub fn set_peer(&mut self, peer: Option<SocketAddr>) {
        self.peer = peer;
    }

    /// Has the ECN field of each datagram told, as a TOS with that alone.
    pub fn tell_marks(&mut self) {
        self.marks = true;
    }

    /// What the socket sends has this TOS from now on.
    pub fn set_tos(&mut self, tos: u8) {
        self.tos = tos;
    }

    /// Datagrams of equal length that one call sends; 1 where the system does not segment.
    pub fn segments(&self) -> usize {
        let state = self.state.as_ref().filter(|_| self.tos & DSCP == 0);
        state.map_or(1, |state| state.max_gso_segments().clamp(1, SEGMENTS))
    }

    /// Fills `batch` with queued datagrams, without blocking, and returns how many buffers were
    /// filled. `WouldBlock` when none is queued. The batch's buffers hold the longest datagram there
    /// is.
    pub fn receive(&self, socket: &UdpSocket, batch: &mut RxBatch) -> io::Result<usize> {
        batch.clear();
        let Some(state) = &self.state else { return receive_plain(socket, batch) };
        let (capacity, buffers) = (batch.capacity(), batch.buffers().min(BATCH_SIZE));
        let mut told = [RecvMeta::default(); BATCH_SIZE];
        let mut chunks = batch.memory_mut().chunks_exact_mut(capacity).take(buffers);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let received = socket.try_io(|| {
            state.recv(UdpSockRef::from(socket), &mut slices[..buffers], &mut told[..buffers])
        })?;
        let now = sys::real_now();
        for (index, told) in told[..received].iter().enumerate() {
            let mut entry = self.entry(told, now);
            if entry.stride == 0 {
                entry.len = entry.len.min(batch.longest());
            }
            batch.fill(index, entry);
        }
        Ok(received)
    }

    fn entry(&self, told: &RecvMeta, now: Nanos) -> RxEntry {
        let stride = if told.stride < told.len { told.stride } else { 0 };
        let meta = RxMeta {
            source: canonical(told.addr),
            destination: told.dst_ip.map(|ip| ip.to_canonical()),
            interface: told.interface_index.unwrap_or(0),
            tos: self.marks.then_some(told.ecn.map_or(0, |ecn| ecn as u8)),
            arrival: now,
            ..RxEntry::default().meta
        };
        RxEntry { len: told.len, true_len: told.len, stride, meta }
    }

    /// Sends one message: a datagram, or several of equal length.
    pub fn send(&self, socket: &UdpSocket, message: &OutMessage<'_>) -> io::Result<()> {
        let source = message.from.filter(|_| {
            socket.local_addr().is_ok_and(|local| local.ip().to_canonical().is_unspecified())
        });
        let Some(state) = self.state.as_ref().filter(|_| message.segment > 0 || source.is_some())
        else {
            return self.send_plain(socket, message);
        };
        let destination = match message.addr {
            Some(addr) => addr,
            None => socket.peer_addr()?,
        };
        let destination = for_family(socket, destination)?;
        let transmit = Transmit {
            destination,
            ecn: EcnCodepoint::from_bits(if message.tos == 0 { self.tos } else { message.tos }),
            contents: message.payload,
            segment_size: (message.segment > 0).then_some(message.segment.into()),
            src_ip: source,
        };
        socket.try_io(|| state.try_send(UdpSockRef::from(socket), &transmit))
    }

    fn send_plain(&self, socket: &UdpSocket, message: &OutMessage<'_>) -> io::Result<()> {
        let plain = SockRef::from(socket);
        let to = message.addr.filter(|addr| self.peer != Some(*addr));
        let destination = to.map(|addr| for_family(socket, addr)).transpose()?;
        socket.try_io(|| match destination {
            None => plain.send(message.payload),
            Some(to) => plain.send_to(message.payload, &to.into()),
        })?;
        Ok(())
    }
}

/// One datagram, and whence it came.
fn receive_plain(socket: &UdpSocket, batch: &mut RxBatch) -> io::Result<usize> {
    let capacity = batch.capacity();
    let buffer = &mut batch.memory_mut()[..capacity];
    let (len, source) = socket.recv_from(buffer)?;
    let meta =
        RxMeta { source: canonical(source), arrival: sys::real_now(), ..RxEntry::default().meta };
    let kept = len.min(batch.longest());
    batch.fill(0, RxEntry { len: kept, true_len: len, stride: 0, meta });
    Ok(1)
}

/// IPv4 peers of a socket that carries both families are shown as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => (ip, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}

/// An address in the form that the socket's family needs: IPv4 as IPv4-mapped on one of IPv6 (RFC
/// 4291 §2.5.5.2).
fn for_family(socket: &UdpSocket, address: SocketAddr) -> io::Result<SocketAddr> {
    match address {
        SocketAddr::V4(v4) if socket.local_addr()?.is_ipv6() => {
            Ok((v4.ip().to_ipv6_mapped(), v4.port()).into())
        }
        _ => Ok(address),
    }
}
