//! The error queue (`IP_RECVERR`, ip(7)): ICMP and local errors, available without root, and
//! transmit time stamps.

use super::address;
use super::control::{self, ControlBuffer, ControlMessage};
use crate::batch::{ErrorOrigin, NetworkError};
use crate::sys::QueuedMessage;
use crate::units::Nanos;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};

/// `sock_extended_err` of linux/errqueue.h.
#[derive(Clone, Copy)]
#[repr(C)]
struct ExtendedError {
    errno: u32,
    origin: u8,
    kind: u8,
    code: u8,
    pad: u8,
    told: u32,
    data: u32,
}

const ORIGIN_LOCAL: u8 = 1;
const ORIGIN_ICMP: u8 = 2;
const ORIGIN_ICMP6: u8 = 3;
const ORIGIN_TIMESTAMPING: u8 = 4;
/// `SCM_TSTAMP_SCHED` of linux/errqueue.h: the datagram entered its interface's queue.
const STAMPED_ON_QUEUE: u32 = 1;

/// `struct __kernel_timespec`, three of them: software, unused, hardware.
#[derive(Clone, Copy)]
#[repr(C)]
struct Stamps([[i64; 2]; 3]);

/// Reads one message from the error queue; `WouldBlock` when the queue is empty.
pub fn read_error_queue(fd: BorrowedFd<'_>) -> io::Result<QueuedMessage> {
    let mut quoted = [0u8; 256];
    let mut name = address::empty();
    let mut control = ControlBuffer::EMPTY;
    let mut vector = libc::iovec { iov_base: quoted.as_mut_ptr().cast(), iov_len: quoted.len() };
    // SAFETY: msghdr is plain integers and pointers; zero is valid.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = (&raw mut name).cast();
    header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control::SPACE as _;
    // SAFETY: the header points at the locals above, with their lengths.
    let got = unsafe {
        libc::recvmsg(fd.as_raw_fd(), &raw mut header, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT)
    };
    if got < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = None;
    let mut stamps = None;
    // SAFETY: the kernel filled the header in a successful call; the buffer lives on this frame.
    unsafe {
        control::for_each(&header, |message| match (message.level, message.kind) {
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                found = message.value::<ExtendedError>().zip(Some(offender(&message)));
            }
            (libc::SOL_SOCKET, super::options::TIMESTAMPING) => stamps = message.value::<Stamps>(),
            _ => {}
        });
    }
    let Some((told, offender)) = found else { return Ok(QueuedMessage::Other) };
    let origin = match told.origin {
        ORIGIN_LOCAL => ErrorOrigin::Local,
        ORIGIN_ICMP => ErrorOrigin::Icmp,
        ORIGIN_ICMP6 => ErrorOrigin::Icmp6,
        ORIGIN_TIMESTAMPING if told.told == STAMPED_ON_QUEUE => {
            return Ok(stamps.map_or(QueuedMessage::Other, |stamps| sent(told.data, &stamps)));
        }
        _ => return Ok(QueuedMessage::Other),
    };
    let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let destination = address::read(&name).unwrap_or(unknown);
    let errno = told.errno as i32;
    let quoted = &quoted[..(got as usize).min(quoted.len())];
    let mut error = NetworkError::new(origin, (told.kind, told.code), errno, destination, quoted);
    error.offender = offender;
    error.mtu = (errno == libc::EMSGSIZE && told.told > 0).then_some(told.told);
    Ok(QueuedMessage::Error(error))
}

fn sent(number: u32, stamps: &Stamps) -> QueuedMessage {
    let [seconds, nanos] = stamps.0[0];
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u64::try_from(nanos)) else {
        return QueuedMessage::Other;
    };
    QueuedMessage::Sent(number, Nanos::from_secs(seconds) + Nanos(nanos))
}

/// The source of the error: a socket address right after it (`SO_EE_OFFENDER`).
fn offender(message: &ControlMessage<'_>) -> Option<IpAddr> {
    let behind = message.bytes.get(size_of::<ExtendedError>()..)?;
    let mut storage = address::empty();
    let len = behind.len().min(size_of::<libc::sockaddr_storage>());
    // SAFETY: `len` bytes are readable at `behind` and writable in the storage; any bytes are a
    // valid sockaddr_storage; the two do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(
            behind.as_ptr(),
            std::ptr::from_mut(&mut storage).cast::<u8>(),
            len,
        );
    }
    let ip = address::read(&storage)?.ip();
    (!ip.is_unspecified()).then_some(ip)
}
