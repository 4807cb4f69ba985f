//! Messages from a socket's error queue, kept until the loop asks for them: network errors, and
//! transmit time stamps.

use super::{binds, note_convenience, own_addresses};
use crate::batch::{
    Convenience, ErrorOrigin, LocalAddresses, LocalFilter, NetworkError, TransmitStamp,
};
use crate::sys::{self, Handle, QueuedMessage, SwitchState, errno};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Most messages read at once.
const READ: usize = 256;
/// Most time stamps kept; the oldest are dropped first.
const STAMPS: usize = 256;
/// Most errors kept individually with their quoted payload; further ones are counted by kind.
const ERRORS: usize = 1024;
/// Most kinds of errors, by destination, counted beyond those.
const KINDS: usize = 256;

/// How long the list of this host's addresses is cached.
const FRESH: Duration = Duration::from_secs(1);

/// Messages that were read from the queue and not yet consumed.
#[derive(Debug, Default)]
pub(super) struct ErrorQueue {
    errors: Errors,
    own: Own,
    filter: LocalFilter,
    /// The error number of the last ICMP message read; `None` once a call has returned it.
    ///
    /// The kernel queues a message before it makes its error number pending, so that a call may
    /// return the number when the message was read already.
    unreturned: Option<i32>,
    /// Whether the kernel queues errors for this socket at all.
    disabled: bool,
    /// Whether the last number that may be pending was taken for pending, where it is not known.
    guessed: bool,
    stamps: VecDeque<TransmitStamp>,
    /// Whether the kernel time-stamps sent datagrams.
    stamping: bool,
    /// Datagrams sent since the socket was opened.
    sent: u32,
    /// How many of these were sent before the kernel's stamp counter started at 0.
    base: u32,
    /// Number of failed calls at that moment.
    failures: u64,
}

impl ErrorQueue {
    /// Enables transmit time stamps if the kernel supports them.
    pub fn begin_stamps(&mut self, fd: Handle<'_>) {
        let asked = sys::set_transmit_stamps(fd, SwitchState::On);
        self.stamping = note_convenience(Convenience::TransmitTimeStamps, &asked);
    }

    /// Whether the kernel time-stamps sent datagrams.
    pub fn stamping(&self) -> bool {
        self.stamping
    }

    /// The kernel queues no errors for this socket: only their numbers are known, as the results of
    /// later calls.
    pub fn disable(&mut self) {
        self.disabled = true;
    }

    /// Reads the queue and returns whether a call that failed with `errno` returned the pending
    /// error of an earlier datagram. The kernel makes one ICMP error pending at a time, and its
    /// message is in the queue; an error of this host itself is the call's own.
    pub fn is_pending(&mut self, fd: Handle<'_>, errno: i32, peer: Option<SocketAddr>) -> bool {
        let found = self.explains(fd, errno);
        if !self.disabled || self.note_number(errno, peer) {
            return found || self.disabled;
        }
        // Returned once, a pending number is gone: the next call tells.
        self.guessed = is_icmp_number(errno) && !self.guessed;
        self.guessed
    }

    /// Reads the queue and returns whether it holds an ICMP error of this number, or did last.
    pub fn explains(&mut self, fd: Handle<'_>, errno: i32) -> bool {
        let before = self.unreturned.take();
        let mut found = before == Some(errno);
        self.read(fd, |error| {
            found |= error.origin != ErrorOrigin::Local && error.errno == errno;
        });
        self.unreturned = None;
        found
    }

    /// Whether the system queues no errors for this socket.
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// Where the system queues no errors, keeps one of which a call returned the number, for the
    /// peer of a connected socket: nobody listens there. Returns whether it did.
    pub fn note_number(&mut self, errno: i32, peer: Option<SocketAddr>) -> bool {
        let Some(peer) = peer.filter(|_| self.disabled && errno == errno::ECONNREFUSED) else {
            return false;
        };
        // Port unreachable: RFC 792, RFC 4443 §3.1.
        let (origin, code) = match peer {
            SocketAddr::V4(_) => (ErrorOrigin::Icmp, (3, 3)),
            SocketAddr::V6(_) => (ErrorOrigin::Icmp6, (1, 4)),
        };
        self.errors.keep(NetworkError::new(origin, code, errno, peer, b""));
        true
    }

    /// Reads the queue, a bounded number of messages, so that a flood of ICMP cannot hold the loop;
    /// returns whether it is empty now.
    pub fn drain(&mut self, fd: Handle<'_>) -> bool {
        self.read(fd, |_| ())
    }

    fn read(&mut self, fd: Handle<'_>, mut note: impl FnMut(&NetworkError)) -> bool {
        for _ in 0..READ {
            match sys::read_error_queue(fd) {
                Ok(QueuedMessage::Error(error)) => {
                    note(&error);
                    if error.origin != ErrorOrigin::Local {
                        self.unreturned = Some(error.errno);
                    }
                    self.errors.keep(error);
                }
                Ok(QueuedMessage::Sent(id, at)) => {
                    let number = self.base.wrapping_add(id);
                    if self.stamps.len() == STAMPS {
                        self.stamps.pop_front();
                    }
                    self.stamps.push_back(TransmitStamp { socket: 0, number, at });
                }
                Ok(QueuedMessage::Other) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
        }
        false
    }

    /// Records that `datagrams` more were sent and that `failures` calls have failed so far.
    ///
    /// Whether a failed call uses up a stamp number depends on the kernel and on where it failed,
    /// so the stamp counter is restarted after a failure.
    pub fn note_sent(&mut self, fd: Handle<'_>, datagrams: usize, failures: u64) {
        self.guessed &= datagrams == 0;
        if !self.stamping {
            return;
        }
        self.sent = self.sent.wrapping_add(datagrams as u32);
        if failures != self.failures {
            self.failures = failures;
            self.drain(fd);
            self.base = self.sent;
            // Only switching from off to on resets the counter to 0.
            let _ = sys::set_transmit_stamps(fd, SwitchState::Off);
            self.begin_stamps(fd);
        }
    }

    /// Records that this host's packet filter refused a send: ICMP errors from this host's own
    /// addresses then come from the filter too, and do not mean that a port is closed.
    pub fn note_filtered(&mut self) {
        self.filter = LocalFilter::Refuses;
    }

    pub fn take_error(&mut self) -> Option<NetworkError> {
        let mut error = self.errors.take()?;
        error.attribute_to_local_host(self.own.addresses(&error), self.filter);
        Some(error)
    }

    pub fn take_stamp(&mut self) -> Option<TransmitStamp> {
        self.stamps.pop_front()
    }
}

/// Whether the kernel makes this error number pending for some ICMP message (`icmp_err_convert` of
/// net/ipv4/icmp.c, `icmpv6_err_convert` of net/ipv6/icmp.c).
pub(super) fn is_icmp_number(number: i32) -> bool {
    matches!(
        number,
        errno::ECONNREFUSED
            | errno::EHOSTUNREACH
            | errno::ENETUNREACH
            | errno::EHOSTDOWN
            | errno::ENONET
            | errno::EACCES
            | errno::EMSGSIZE
            | errno::ENOPROTOOPT
            | errno::EOPNOTSUPP
            | errno::EPROTO
    )
}

/// This host's addresses, listed when an error first carries the address that sent it.
#[derive(Debug, Default)]
struct Own {
    addresses: LocalAddresses,
    listed: Option<Instant>,
}

impl Own {
    fn addresses(&mut self, error: &NetworkError) -> &LocalAddresses {
        let stale = self.listed.is_none_or(|at| at.elapsed() > FRESH);
        if let Some(offender) = error.offender.filter(|_| stale) {
            self.addresses = own_addresses()
                .unwrap_or_else(|_| Some(offender).into_iter().filter(|ip| binds(*ip)).collect());
            self.listed = Some(Instant::now());
        }
        &self.addresses
    }
}

/// Errors not yet consumed: all are counted, the first ones are kept with their quotes.
#[derive(Debug, Default)]
struct Errors {
    whole: VecDeque<NetworkError>,
    counted: Vec<NetworkError>,
}

impl Errors {
    fn keep(&mut self, error: NetworkError) {
        if self.whole.len() < ERRORS {
            self.whole.push_back(error);
            return;
        }
        if self.count(&error) {
            return;
        }
        let rest = if self.counted.len() < KINDS { error } else { error.without_destination() };
        if !self.count(&rest) {
            self.counted.push(rest);
        }
    }

    /// Adds an error to the count of its kind, if that kind is known.
    fn count(&mut self, error: &NetworkError) -> bool {
        let known = self.counted.iter_mut().find(|known| known.is_alike(error));
        known.map(|known| known.times += error.times).is_some()
    }

    fn take(&mut self) -> Option<NetworkError> {
        self.whole.pop_front().or_else(|| self.counted.pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::ErrorOrigin;
    use std::collections::HashMap;

    #[test]
    fn however_many_errors_come_at_once_each_kind_is_counted_in_bounded_memory() {
        let mut errors = Errors::default();
        let mut expected = HashMap::new();
        for index in 0..100_000_u32 {
            let icmp = if index % 3 == 0 { (3, 3) } else { (3, 13) };
            let to = ([192, 0, 2, 1], (index % 5_000) as u16).into();
            errors.keep(NetworkError::new(ErrorOrigin::Icmp, icmp, 111, to, b"x"));
            *expected.entry(icmp).or_insert(0) += 1;
        }
        assert!(errors.whole.len() + errors.counted.len() <= ERRORS + KINDS + 2);
        let mut counted = HashMap::new();
        while let Some(error) = errors.take() {
            *counted.entry((error.icmp_type, error.icmp_code)).or_insert(0) += error.times;
        }
        assert_eq!(counted, expected);
    }
}
