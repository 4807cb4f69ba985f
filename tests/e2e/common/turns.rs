//! Turns at the processor. Tests mostly wait, so many run at once; but a test that keeps a processor
//! busy would make another late that measures how late things are.
//!
//! The first line of such a test says which it is:
//!
//! ```ignore
//! let _turn = busy();
//! ```

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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
