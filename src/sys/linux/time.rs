//! Clocks and the timer (`clock_gettime(2)`, `timerfd_create(2)`).

use crate::units::Nanos;
use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The monotonic clock (`CLOCK_MONOTONIC`): for spans and schedules.
pub fn monotonic_now() -> Nanos {
    read_clock(libc::CLOCK_MONOTONIC)
}

/// The real-time clock (`CLOCK_REALTIME`), since 1970: used on the wire and for the kernel's time
/// stamps.
pub fn real_now() -> Nanos {
    read_clock(libc::CLOCK_REALTIME)
}

/// Processor time that the calling thread has used, in user and kernel mode together.
pub fn cpu_time() -> Nanos {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time that this process has used, in user mode and in kernel mode.
pub fn process_cpu_time() -> (Nanos, Nanos) {
    // SAFETY: rusage is plain integers.
    let mut used: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: `used` is a live rusage; asking for this process cannot fail, and if it did the zeros
    // above would be read.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut used) };
    let nanos = |time: libc::timeval| {
        Nanos::from_secs(time.tv_sec as u64) + Nanos::from_micros(time.tv_usec as u64)
    };
    (nanos(used.ru_utime), nanos(used.ru_stime))
}

/// The largest error of the real-time clock as the kernel estimates it (`maxerror` of adjtimex(2),
/// read only); `None` if the clock is not synchronised.
pub fn real_time_error() -> Option<Nanos> {
    // SAFETY: timex is plain integers; zero modes only read.
    let mut state: libc::timex = unsafe { mem::zeroed() };
    // SAFETY: `state` is a live timex, and with no modes set the kernel only writes to it.
    let clock = unsafe { libc::adjtimex(&raw mut state) };
    let followed = clock != libc::TIME_ERROR && state.status & libc::STA_UNSYNC == 0;
    // `maxerror` is in microseconds.
    (clock >= 0 && followed).then(|| Nanos::from_micros(u64::try_from(state.maxerror).unwrap_or(0)))
}

fn read_clock(clock: libc::clockid_t) -> Nanos {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live timespec; these clocks exist on every Linux, so the call cannot
    // fail, and if it did the zero above would be read.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    from_timespec(time)
}

pub(super) fn from_timespec(time: libc::timespec) -> Nanos {
    Nanos((time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64))
}

fn to_timespec(at: Nanos) -> libc::timespec {
    libc::timespec {
        tv_sec: (at.0 / 1_000_000_000) as _,
        tv_nsec: (at.0 % 1_000_000_000) as libc::c_long,
    }
}

/// Removes the default timer slack of 50 µs from this thread's sleeps (`PR_SET_TIMERSLACK`,
/// prctl(2)).
pub fn tighten_timer_slack() -> io::Result<()> {
    // SAFETY: prctl with these integers changes only this thread's slack.
    let done = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1usize, 0usize, 0usize, 0usize) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sleeps until an instant of the monotonic clock (`clock_nanosleep(2)`); a signal ends it sooner.
pub fn sleep_until(at: Nanos) {
    let until = to_timespec(at);
    // SAFETY: `until` is a live timespec, and with an absolute time nothing is written back.
    unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const until,
            std::ptr::null_mut(),
        )
    };
}

/// A timer that a poll can wait for, with the precision of the clock; a poll's own timeout is in
/// whole milliseconds.
#[derive(Debug)]
pub struct Timer(OwnedFd);

impl Timer {
    /// A timer that is not set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no memory is passed; a descriptor comes back or an error.
        let fd = unsafe {
            libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sets the timer to fire at an instant of the monotonic clock, or at once if that has passed.
    /// This replaces an earlier setting and clears an expiry that was not read.
    pub fn set(&self, at: Nanos) -> io::Result<()> {
        // Zero would disarm it.
        // SAFETY: itimerspec is plain integers.
        let mut spec: libc::itimerspec = unsafe { mem::zeroed() };
        spec.it_value = to_timespec(at.max(Nanos(1)));
        // SAFETY: `spec` is a live itimerspec; no old value is asked for.
        let done = unsafe {
            libc::timerfd_settime(
                self.0.as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &raw const spec,
                std::ptr::null_mut(),
            )
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Source for Timer {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).deregister(registry)
    }
}
