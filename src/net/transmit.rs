//! Sends batches in as few calls as possible, with GSO where supported, and falls back when the
//! kernel refuses.

use super::IoMode;
use crate::batch::{SendOutcome, SendStop, TxBatch, TxCall};
use crate::sys::{self, AsHandle, ErrorNumber, Family, OutMessage, PortableCall, SendCall, errno};
use crate::units::{GSO_BYTES, GSO_SEGMENTS, GSO_SEGMENTS_BEFORE_6_9};
use mio::net::UdpSocket;
use std::io;
use std::ops::Range;
use std::sync::OnceLock;

/// Most messages passed to one `sendmmsg`.
const MESSAGES: usize = 64;
/// Pending errors of earlier datagrams that may fail the send of one, which is then blocked: each
/// is another datagram's, and more of them come than are read.
const STUMBLES: u32 = 64;

/// What sends.
#[derive(Clone, Copy)]
pub(super) struct Outlet<'a> {
    pub socket: &'a UdpSocket,
    pub family: Family,
    /// The portable calls, where they are used in place of the system's own.
    pub portable: Option<&'a PortableCall>,
}

/// Which call to use, after the fallbacks so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Gso { segments: usize },
    Mmsg,
    Plain,
}

/// The sending half of a socket.
pub(super) struct Transmit {
    step: Step,
    call: SendCall,
    /// Slots of each message of the current call.
    groups: Vec<Range<usize>>,
    largest: u32,
    coalesced: bool,
    failures: u64,
}

impl Transmit {
    pub fn new(io: IoMode) -> Self {
        let step = match io {
            IoMode::Auto | IoMode::Gso | IoMode::Portable => Step::Gso { segments: GSO_SEGMENTS },
            IoMode::Mmsg => Step::Mmsg,
            IoMode::Plain | IoMode::PortablePlain => Step::Plain,
        };
        let alone = io.is_portable() || step == Step::Plain || !may_send_many();
        let step = if alone && step == Step::Mmsg { Step::Plain } else { step };
        let messages = if alone { 1 } else { MESSAGES };
        Self {
            step,
            call: SendCall::new(messages),
            groups: Vec::with_capacity(messages),
            largest: 0,
            coalesced: false,
            failures: 0,
        }
    }

    /// Which call was used: GSO only once a buffer of several datagrams has been sent.
    pub fn used(&self) -> TxCall {
        match self.step {
            Step::Gso { .. } if self.coalesced => TxCall::Gso,
            Step::Gso { .. } | Step::Mmsg if self.call.capacity() > 1 => TxCall::Mmsg,
            _ => TxCall::Plain,
        }
    }

    /// Whether a buffer of several datagrams was sent with GSO, and GSO is still in use.
    pub fn has_segmented(&self) -> bool {
        matches!(self.step, Step::Gso { .. }) && self.coalesced
    }

    /// Most datagrams passed to one call.
    pub fn largest(&self) -> u32 {
        self.largest
    }

    /// Calls that failed, for whatever reason.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Sends slots in order until all are accepted, the send buffer is full, or one is refused.
    /// `is_pending` reads the error queue and returns whether an error number is that of an earlier
    /// datagram, which the kernel returned instead of the result of this call.
    pub fn send(
        &mut self,
        outlet: Outlet<'_>,
        batch: &TxBatch,
        range: Range<usize>,
        is_pending: &mut dyn FnMut(i32) -> bool,
    ) -> SendOutcome {
        let mut next = range.start;
        let mut stumbles = 0;
        while next < range.end {
            self.group(batch, next..range.end, outlet.portable);
            let error = match self.call(outlet, batch) {
                Ok(messages) => {
                    let taken = &self.groups[..messages];
                    self.coalesced |= taken.iter().any(|group| group.len() > 1);
                    next = taken.last().map_or(next, |group| group.end);
                    stumbles = 0;
                    continue;
                }
                Err(error) => error,
            };
            self.failures += 1;
            let first = self.groups[0].clone();
            let stop = match error.errno().unwrap_or(errno::EIO) {
                errno::EINTR => continue,
                errno::EAGAIN => SendStop::Blocked,
                pending if is_pending(pending) => {
                    stumbles += 1;
                    if stumbles < STUMBLES {
                        continue;
                    }
                    SendStop::Blocked
                }
                refused if first.len() > 1 && self.step_down(refused) => continue,
                errno => SendStop::Refused { datagrams: first.len(), errno },
            };
            return SendOutcome { accepted: next - range.start, stop: Some(stop) };
        }
        SendOutcome { accepted: next - range.start, stop: None }
    }

    fn call(&mut self, outlet: Outlet<'_>, batch: &TxBatch) -> io::Result<usize> {
        let Outlet { socket, family, portable } = outlet;
        let datagrams = self.groups.last().map_or(0, |last| last.end - self.groups[0].start);
        self.largest = self.largest.max(datagrams as u32);
        // A single message uses `sendmsg`: `sendmmsg` may yield the processor after each message.
        if let [only] = &self.groups[..] {
            let message = message(batch, only);
            let done = match portable {
                None => self.call.send_one(socket.handle(), family, message),
                Some(call) => call.send(socket, &message),
            };
            return done.map(|()| 1);
        }
        let messages = self.groups.iter().map(|group| message(batch, group));
        self.call.send_many(socket.handle(), family, messages)
    }

    /// Divides slots into the messages of one call.
    fn group(&mut self, batch: &TxBatch, range: Range<usize>, portable: Option<&PortableCall>) {
        self.groups.clear();
        let most = portable.map_or(GSO_SEGMENTS, PortableCall::segments);
        let mut start = range.start;
        while start < range.end && self.groups.len() < self.call.capacity() {
            let end = match self.step {
                Step::Gso { segments } => run_end(batch, start..range.end, segments.min(most)),
                Step::Mmsg | Step::Plain => start + 1,
            };
            self.groups.push(start..end);
            start = end;
        }
    }

    /// Whether GSO itself may have caused the error; if so, falls back one step.
    fn step_down(&mut self, refused: i32) -> bool {
        let Step::Gso { segments } = self.step else { return false };
        match refused {
            errno::EINVAL if segments > GSO_SEGMENTS_BEFORE_6_9 => {
                self.step = Step::Gso { segments: GSO_SEGMENTS_BEFORE_6_9 };
            }
            // The kernel or device does not support GSO, or a segment exceeds the route's MTU; or the
            // portable calls name the destination of a connected socket, which some systems refuse.
            errno::EINVAL | errno::EIO | errno::EMSGSIZE | errno::ENOPROTOOPT | errno::EISCONN => {
                self.step = Step::Mmsg;
            }
            _ => return false,
        }
        true
    }
}

/// Whether this process may call `sendmmsg`; asked once.
fn may_send_many() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(sys::has_sendmmsg)
}

/// The end of the run starting at `range.start` that can be sent as one GSO buffer: datagrams of
/// one size (the last may be shorter, but not empty), one destination, contiguous in the arena.
fn run_end(batch: &TxBatch, range: Range<usize>, segments: usize) -> usize {
    let slots = &batch.slots()[range.clone()];
    let first = slots[0];
    if first.len == 0 {
        return range.start + 1;
    }
    let most = segments.min(GSO_BYTES / first.len as usize).max(1);
    if batch.is_uniform() {
        return range.start + most.min(slots.len());
    }
    let mut count = 1;
    while count < most.min(slots.len()) {
        let slot = slots[count];
        let in_line = slot.offset == first.offset + first.len * count as u32;
        if !in_line || slot.dest != first.dest || slot.len > first.len || slot.len == 0 {
            break;
        }
        count += 1;
        if slot.len < first.len {
            break;
        }
    }
    range.start + count
}

fn message<'a>(batch: &'a TxBatch, group: &Range<usize>) -> OutMessage<'a> {
    let slots = &batch.slots()[group.clone()];
    let (first, last) = (slots[0], slots[slots.len() - 1]);
    let payload = &batch.arena()[first.offset as usize..(last.offset + last.len) as usize];
    let dest = batch.dest(first.dest);
    OutMessage {
        payload,
        addr: dest.map(|dest| dest.addr),
        from: dest.and_then(|dest| dest.from),
        interface: dest.map_or(0, |dest| dest.interface),
        tos: dest.map_or(0, |dest| dest.tos),
        ttl: dest.map_or(0, |dest| dest.ttl),
        segment: if slots.len() > 1 { first.len as u16 } else { 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::DestId;

    fn lens(lens: &[usize]) -> TxBatch {
        let mut batch = TxBatch::new(256, 1 << 20);
        for len in lens {
            batch.push(DestId::CONNECTED, *len).unwrap();
        }
        batch
    }

    fn runs(batch: &TxBatch, segments: usize) -> Vec<usize> {
        let mut at = 0;
        let mut runs = Vec::new();
        while at < batch.len() {
            let end = run_end(batch, at..batch.len(), segments);
            runs.push(end - at);
            at = end;
        }
        runs
    }

    #[test]
    fn equal_datagrams_run_together_and_a_short_one_ends_the_run() {
        assert_eq!(runs(&lens(&[8, 8, 8, 4, 4, 8, 0, 0, 9]), 64), [4, 1, 1, 1, 1, 1]);
        assert_eq!(runs(&lens(&[100; 70]), 64), [64, 6]);
        assert_eq!(runs(&lens(&[1472; 50]), 128), [44, 6]);
    }

    #[test]
    fn another_destination_or_a_repeat_ends_the_run() {
        let mut batch = TxBatch::new(8, 64);
        let a = batch.add_dest("127.0.0.1:1".parse::<std::net::SocketAddr>().unwrap());
        let b = batch.add_dest("127.0.0.1:2".parse::<std::net::SocketAddr>().unwrap());
        batch.push(a, 8).unwrap();
        batch.repeat(b);
        batch.push(b, 8).unwrap();
        batch.push(b, 8).unwrap();
        assert_eq!(runs(&batch, 64), [1, 3]);
        let mut same = TxBatch::new(8, 64);
        same.push(a, 8).unwrap();
        same.repeat(a);
        assert_eq!(runs(&same, 64), [1, 1]);
    }
}
