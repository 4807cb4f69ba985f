//! Waiting for what tells nobody when it happens: tables and counters of the kernel.

use std::thread;
use std::time::{Duration, Instant};

/// Between two looks: short beside all that is waited for.
const LEAST_BETWEEN: Duration = Duration::from_millis(5);
const MOST_BETWEEN: Duration = Duration::from_millis(40);
/// So many times what a look took lies between two: those who wait leave the processors to the rest.
const SHARE: u32 = 3;

/// How long a test waits for what it expects `within` a time on a machine that does nothing else.
/// Machines that test are busy, and stand still for seconds: a bound decides how late a fault is
/// seen, and never what is right.
pub fn patient(within: Duration) -> Duration {
    within * 4
}

/// Looks until `so` holds; panics if it does not `within` that time.
#[track_caller]
pub fn wait_until(what: &str, within: Duration, so: impl FnMut() -> bool) {
    let within = patient(within);
    assert!(comes_true(within, so), "waited {within:?} in vain for {what}");
}

/// Looks until `so` holds; `false` if it does not `within` that time. Looks once at least.
pub fn comes_true(within: Duration, mut so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        let began = Instant::now();
        if so() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep((began.elapsed() * SHARE).clamp(LEAST_BETWEEN, MOST_BETWEEN));
    }
}
