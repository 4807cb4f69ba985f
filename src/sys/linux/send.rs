//! Sending: `sendmmsg` and `sendmsg` from slices.

use super::address;
use super::control::{ControlBuffer, ControlWriter};
use crate::sys::{Family, OutMessage};
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Whether this process may call `sendmmsg`: an emulated kernel may lack it, a filter (seccomp(2))
/// may deny it, and its refusal would look like a packet filter's. Without a socket nothing is sent.
pub fn has_sendmmsg() -> bool {
    // SAFETY: there is no such descriptor and no message, so the kernel touches no memory.
    let done = unsafe { sendmmsg(-1, std::ptr::null_mut(), 0) };
    done == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EBADF)
}

/// The kernel's call, without blocking. musl has one of this name that calls `sendmsg` for each
/// message, since its structures have padding where the kernel has the upper halves of lengths:
/// here that is zero.
///
/// # Safety
///
/// `headers` points at `count` headers, each of whose pointers names live memory of the length that
/// is said there, and whose padding is zero.
#[inline]
unsafe fn sendmmsg(fd: libc::c_int, headers: *mut libc::mmsghdr, count: usize) -> libc::c_long {
    // SAFETY: the kernel reads what the caller vouches for, and writes msg_len of each header.
    unsafe {
        libc::syscall(
            libc::SYS_sendmmsg,
            fd,
            headers,
            count as libc::c_uint,
            libc::MSG_DONTWAIT as libc::c_uint,
        )
    }
}

/// Scratch memory for a send call, besides the payload; it grows to the largest batch, once.
pub struct SendCall {
    most: usize,
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<ControlBuffer>,
    prepared: usize,
}

// SAFETY: the raw pointers inside are rewritten for every call from memory that outlives it,
// and are never read after it.
unsafe impl Send for SendCall {}

impl SendCall {
    /// Memory for up to `messages` messages per call, at least 1.
    pub fn new(messages: usize) -> Self {
        Self {
            most: messages.max(1),
            headers: Vec::new(),
            vectors: Vec::new(),
            names: Vec::new(),
            controls: Vec::new(),
            prepared: 0,
        }
    }

    /// Most messages per call.
    pub fn capacity(&self) -> usize {
        self.most
    }

    /// Has room for so many messages, at most as many as a call may have.
    fn grow(&mut self, messages: usize) {
        let messages = messages.min(self.most);
        if messages <= self.headers.len() {
            return;
        }
        // SAFETY: mmsghdr and iovec are plain integers and pointers; zero is valid for both.
        let (header, vector) = unsafe { (mem::zeroed(), mem::zeroed()) };
        self.headers.resize(messages, header);
        self.vectors.resize(messages, vector);
        self.names.resize(messages, address::empty());
        self.controls.resize(messages, ControlBuffer::EMPTY);
    }

    /// Hands messages to the kernel in order and returns how many it took, at least one. An error
    /// concerns the first.
    pub fn send_many<'a>(
        &mut self,
        fd: BorrowedFd<'_>,
        family: Family,
        messages: impl ExactSizeIterator<Item = OutMessage<'a>>,
    ) -> io::Result<usize> {
        self.prepare(family, messages);
        // SAFETY: the first `prepared` headers point at live memory of the stated lengths: payloads
        // borrowed by the caller for 'a, which outlives this call, and names and controls here. The
        // kernel only reads them, but for msg_len. Headers and control messages begin as zeros.
        let sent = unsafe { sendmmsg(fd.as_raw_fd(), self.headers.as_mut_ptr(), self.prepared) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
    }

    /// Sends one message with `sendmsg`: for systems without `sendmmsg`.
    pub fn send_one(
        &mut self,
        fd: BorrowedFd<'_>,
        family: Family,
        message: OutMessage<'_>,
    ) -> io::Result<()> {
        self.prepare(family, std::iter::once(message));
        // SAFETY: the first header points at live memory, as above.
        let sent = unsafe {
            libc::sendmsg(fd.as_raw_fd(), &raw const self.headers[0].msg_hdr, libc::MSG_DONTWAIT)
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn prepare<'a>(
        &mut self,
        family: Family,
        messages: impl ExactSizeIterator<Item = OutMessage<'a>>,
    ) {
        self.prepared = 0;
        // Before any header points to the rest.
        self.grow(messages.len());
        for (index, message) in messages.take(self.most).enumerate() {
            self.vectors[index] = libc::iovec {
                iov_base: message.payload.as_ptr().cast_mut().cast(),
                iov_len: message.payload.len(),
            };
            let namelen = match &message.addr {
                Some(addr) => address::write(addr, family, &mut self.names[index]),
                None => 0,
            };
            let control = write_control(&message, &mut self.controls[index]);
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = match namelen {
                0 => std::ptr::null_mut(),
                _ => (&raw mut self.names[index]).cast(),
            };
            header.msg_namelen = namelen;
            header.msg_iov = &raw mut self.vectors[index];
            header.msg_iovlen = 1;
            header.msg_control = match control {
                0 => std::ptr::null_mut(),
                _ => self.controls[index].0.as_mut_ptr().cast(),
            };
            header.msg_controllen = control as _;
            header.msg_flags = 0;
            self.prepared = index + 1;
        }
    }
}

/// Writes the control messages of one send and returns their length, 0 for none.
fn write_control(message: &OutMessage<'_>, buffer: &mut ControlBuffer) -> usize {
    let mut writer = ControlWriter::new(buffer);
    if message.segment != 0 {
        writer.push(libc::SOL_UDP, libc::UDP_SEGMENT, message.segment);
    }
    let v6 = match (message.addr, message.from) {
        (Some(addr), _) => addr.is_ipv6(),
        (None, Some(from)) => from.is_ipv6(),
        (None, None) => false,
    };
    if message.tos != 0 {
        let (level, kind) = if v6 {
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS)
        } else {
            (libc::IPPROTO_IP, libc::IP_TOS)
        };
        writer.push(level, kind, libc::c_int::from(message.tos));
    }
    if message.ttl != 0 {
        let (level, kind) = if v6 {
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT)
        } else {
            (libc::IPPROTO_IP, libc::IP_TTL)
        };
        writer.push(level, kind, libc::c_int::from(message.ttl));
    }
    if message.interface != 0 || message.from.is_some() {
        if v6 {
            let source = match message.from {
                Some(IpAddr::V6(ip)) => ip,
                _ => Ipv6Addr::UNSPECIFIED,
            };
            let told = libc::in6_pktinfo {
                ipi6_addr: address::in6_addr(source),
                ipi6_ifindex: message.interface,
            };
            writer.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, told);
        } else {
            let source = match message.from {
                Some(IpAddr::V4(ip)) => ip,
                _ => Ipv4Addr::UNSPECIFIED,
            };
            let told = libc::in_pktinfo {
                ipi_ifindex: message.interface as libc::c_int,
                ipi_spec_dst: address::in_addr(source),
                ipi_addr: address::in_addr(Ipv4Addr::UNSPECIFIED),
            };
            writer.push(libc::IPPROTO_IP, libc::IP_PKTINFO, told);
        }
    }
    writer.len()
}
