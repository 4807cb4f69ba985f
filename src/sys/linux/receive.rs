//! Receiving: `recvmmsg` and `recvmsg` into an [`RxBatch`].

use super::address;
use super::control::{self, ControlBuffer, ControlMessage};
use crate::batch::{RxBatch, RxEntry, RxMeta};
use crate::units::Nanos;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Whether this process may call `recvmmsg`: an emulated kernel may lack it, a filter (seccomp(2))
/// may deny it, and its refusal would look like a socket's. Without a socket nothing is received.
pub fn has_recvmmsg() -> bool {
    // SAFETY: there is no such descriptor and no message, so the kernel touches no memory.
    let done = unsafe {
        libc::recvmmsg(-1, std::ptr::null_mut(), 0, libc::MSG_DONTWAIT as _, std::ptr::null_mut())
    };
    done == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EBADF)
}

/// Scratch memory for a receive call, besides the payload; allocated once.
pub struct ReceiveCall {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<ControlBuffer>,
}

// SAFETY: the raw pointers inside are rewritten by every call from memory that the call
// borrows, and are never read between calls.
unsafe impl Send for ReceiveCall {}

impl ReceiveCall {
    /// Memory for up to `messages` buffers per call, at least 1.
    pub fn new(messages: usize) -> Self {
        let messages = messages.max(1);
        // SAFETY: mmsghdr and iovec are plain integers and pointers; zero is valid for both.
        let (header, vector) = unsafe { (mem::zeroed(), mem::zeroed()) };
        Self {
            headers: vec![header; messages],
            vectors: vec![vector; messages],
            names: vec![address::empty(); messages],
            controls: vec![ControlBuffer::EMPTY; messages],
        }
    }

    /// Fills `batch` with the queued datagrams, without blocking, and returns how many buffers
    /// were filled. `WouldBlock` when none is queued.
    pub fn receive_many(&mut self, fd: BorrowedFd<'_>, batch: &mut RxBatch) -> io::Result<usize> {
        batch.clear();
        let count = self.prepare(batch, usize::MAX);
        // SAFETY: the first `count` headers point at live memory of the stated lengths: iovecs into
        // the batch's memory, names and controls in this struct, all borrowed for the call.
        let received = unsafe {
            libc::recvmmsg(
                fd.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count as libc::c_uint,
                (libc::MSG_DONTWAIT | libc::MSG_TRUNC) as _,
                std::ptr::null_mut(),
            )
        };
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        let now = super::real_now();
        for index in 0..received as usize {
            let len = self.headers[index].msg_len as usize;
            self.take(index, len, now, batch);
        }
        Ok(received as usize)
    }

    /// Receives one datagram with `recvmsg`: for systems without `recvmmsg`.
    pub fn receive_one(&mut self, fd: BorrowedFd<'_>, batch: &mut RxBatch) -> io::Result<usize> {
        batch.clear();
        self.prepare(batch, 1);
        // SAFETY: the first header points at live memory, as above.
        let received = unsafe {
            libc::recvmsg(
                fd.as_raw_fd(),
                &raw mut self.headers[0].msg_hdr,
                libc::MSG_DONTWAIT | libc::MSG_TRUNC,
            )
        };
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        let now = super::real_now();
        self.take(0, received as usize, now, batch);
        Ok(1)
    }

    /// Points the headers at the batch's buffers. The kernel overwrites lengths and flags, so a
    /// header that is not reset would lose its control data from the second call on.
    fn prepare(&mut self, batch: &mut RxBatch, most: usize) -> usize {
        let capacity = batch.capacity();
        let count = self.headers.len().min(batch.buffers()).min(most);
        let buffers = batch.memory_mut().chunks_exact_mut(capacity);
        for (index, buffer) in buffers.take(count).enumerate() {
            self.vectors[index] =
                libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut self.vectors[index];
            header.msg_iovlen = 1;
            header.msg_control = self.controls[index].0.as_mut_ptr().cast();
            header.msg_controllen = control::SPACE as _;
            header.msg_flags = 0;
        }
        count
    }

    /// Turns one filled header into an entry of the batch.
    fn take(&self, index: usize, true_len: usize, now: Nanos, batch: &mut RxBatch) {
        let header = &self.headers[index].msg_hdr;
        let mut meta = RxMeta {
            source: address::read(&self.names[index])
                .unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 0).into()),
            destination: None,
            interface: 0,
            ttl: None,
            tos: None,
            fragment: None,
            arrival: now,
            kernel_stamp: false,
            socket_drops: None,
            socket: 0,
        };
        let mut stride = 0;
        // SAFETY: the kernel filled this header in a successful call, and its control buffer lives
        // in this struct.
        unsafe { control::for_each(header, |message| note(&message, &mut meta, &mut stride)) };
        let len = true_len.min(batch.capacity());
        batch.fill(index, RxEntry { len, true_len, stride, meta });
    }
}

/// Stores the contents of one control message in the metadata.
fn note(message: &ControlMessage<'_>, meta: &mut RxMeta, stride: &mut usize) {
    match (message.level, message.kind) {
        (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
            if let Some(stamp) = message.value::<libc::timespec>() {
                meta.arrival = super::time::from_timespec(stamp);
                meta.kernel_stamp = true;
            }
        }
        // Its type once transmit time stamps are enabled.
        (libc::SOL_SOCKET, super::options::TIMESTAMPNS) => {
            if let Some([seconds, nanos]) = message.value::<[i64; 2]>() {
                meta.arrival = Nanos::from_secs(seconds.max(0) as u64) + Nanos(nanos.max(0) as u64);
                meta.kernel_stamp = true;
            }
        }
        (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => meta.socket_drops = message.value(),
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            if let Some(told) = message.value::<libc::in_pktinfo>() {
                let ip = Ipv4Addr::from(told.ipi_addr.s_addr.to_ne_bytes());
                meta.destination = Some(IpAddr::V4(ip));
                meta.interface = told.ipi_ifindex as u32;
            }
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            if let Some(told) = message.value::<libc::in6_pktinfo>() {
                meta.destination = Some(address::plain_v6(told.ipi6_addr));
                meta.interface = told.ipi6_ifindex;
            }
        }
        (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
            meta.ttl = message.value::<libc::c_int>().map(|ttl| ttl as u8);
        }
        (libc::IPPROTO_IP, libc::IP_TOS) => meta.tos = message.value::<u8>(),
        (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
            meta.tos = message.value::<libc::c_int>().map(|class| class as u8);
        }
        (libc::IPPROTO_IP, libc::IP_RECVFRAGSIZE)
        | (libc::IPPROTO_IPV6, libc::IPV6_RECVFRAGSIZE) => {
            meta.fragment = message.value::<libc::c_int>().map(|size| size.max(0) as u32);
        }
        (libc::SOL_UDP, libc::UDP_GRO) => {
            *stride = message.value::<libc::c_int>().unwrap_or(0).max(0) as usize;
        }
        _ => {}
    }
}
