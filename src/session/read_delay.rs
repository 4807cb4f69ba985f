//! How long a datagram waited in its socket buffer before it was read: delay of this host, not of
//! the path.

use crate::batch::RxMeta;
use crate::machine::Now;
use crate::units::Nanos;

/// If the two clocks diverge by more than this between two reads, the real-time clock was set.
/// Nanoseconds.
const CLOCK_SET: u64 = 50_000_000;

/// Compares the kernel's arrival stamps with the time of reading.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadDelay {
    clock_offset: Option<i64>,
}

impl ReadDelay {
    /// How long ago the kernel received a datagram that is read now; `None` without a kernel stamp,
    /// or if the clock was set since the last read, so that the stamp is not comparable.
    #[inline]
    pub fn of(&mut self, now: Now, meta: &RxMeta) -> Option<Nanos> {
        let offset = now.real.signed_since(now.mono);
        let before = self.clock_offset.replace(offset).unwrap_or(offset);
        let is_same_clock = meta.kernel_stamp && offset.abs_diff(before) <= CLOCK_SET;
        is_same_clock.then(|| now.real - meta.arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;

    #[test]
    fn a_clock_that_is_set_is_no_time_unread() {
        let mut unread = ReadDelay::default();
        let mut read = |mono: u64, real: u64, arrival: u64, kernel_stamp: bool| {
            let meta = RxMeta { arrival: Nanos(arrival), kernel_stamp, ..RxEntry::default().meta };
            unread.of(Now { mono: Nanos(mono), real: Nanos(real) }, &meta)
        };
        assert_eq!(read(10, 1_000_000_010, 1_000_000_000, true), Some(Nanos(10)));
        assert_eq!(read(20, 1_000_000_020, 1_000_000_000, false), None);
        assert_eq!(read(30, 9_000_000_030, 1_000_000_025, true), None);
        assert_eq!(read(40, 9_000_000_040, 9_000_000_035, true), Some(Nanos(5)));
    }
}
