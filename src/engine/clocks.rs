//! The clocks that a loop reads.

use crate::machine::Now;
use crate::sys;

/// One instant on both clocks.
pub(super) fn read_clocks() -> Now {
    Now { mono: sys::monotonic_now(), real: sys::real_now() }
}
