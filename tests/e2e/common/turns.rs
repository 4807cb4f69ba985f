//! Turns at the processor. Tests mostly wait, so many run at once; but a test that keeps a processor
//! busy would make another late that measures how late things are.
//!
//! The first line of such a test says which it is:
//!
//! ```ignore
//! let _turn = busy();
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

static PROCESSOR: RwLock<()> = RwLock::new(());

/// This test keeps a processor busy for more than an instant: until the value is dropped, no other
/// that does so runs, and none that is punctual.
pub fn busy() -> RwLockWriteGuard<'static, ()> {
    // A test that failed has let go of the processor, too.
    PROCESSOR.write().unwrap_or_else(PoisonError::into_inner)
}

/// This test fails where the programs that it runs come late: until the value is dropped, none that
/// is busy runs. Punctual ones run side by side.
pub fn punctual() -> RwLockReadGuard<'static, ()> {
    PROCESSOR.read().unwrap_or_else(PoisonError::into_inner)
}

/// Does `work`, and tells how late this machine woke a thread meanwhile, at worst: the witness for
/// those who say that the machine was at fault.
pub fn worst_wake<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    const NAP: Duration = Duration::from_millis(1);
    /// Ends the witness, where `work` panics too.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let witness = scope.spawn(|| {
            let mut worst = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                thread::sleep(NAP);
                worst = worst.max(began.elapsed().saturating_sub(NAP));
            }
            worst
        });
        let ending = Over(&over);
        let done = work();
        drop(ending);
        (done, witness.join().expect("it only naps"))
    })
}
