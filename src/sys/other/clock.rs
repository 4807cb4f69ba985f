//! Clocks: the standard library's, and processor time.

use crate::units::Nanos;
use std::io;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock, from one second before its first reading.
pub fn monotonic_now() -> Nanos {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    Nanos::from_secs(1) + Nanos::from(FIRST.get_or_init(Instant::now).elapsed())
}

/// The real-time clock, since 1970.
pub fn real_now() -> Nanos {
    Nanos::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
}

/// How far the real-time clock may be off: these systems do not tell.
pub fn real_time_error() -> Option<Nanos> {
    None
}

/// Sleeps until an instant of the monotonic clock.
pub fn sleep_until(at: Nanos) {
    thread::sleep(Duration::from_nanos((at - monotonic_now()).0));
}

/// Has sleeps end as soon after their time as the system can.
#[cfg(windows)]
pub fn tighten_timer_slack() -> io::Result<()> {
    use std::sync::Once;
    use windows_sys::Win32::Media::timeBeginPeriod;
    static ONCE: Once = Once::new();
    // A poll's timeout is rounded up to the system's tick, 15.6 ms unless asked otherwise. What a
    // process asks for ends with it.
    ONCE.call_once(|| {
        // SAFETY: the call takes an integer; a period that it refuses changes nothing.
        unsafe { timeBeginPeriod(1) };
    });
    Ok(())
}

/// Has sleeps end as soon after their time as the system can: they do.
#[cfg(unix)]
pub fn tighten_timer_slack() -> io::Result<()> {
    Ok(())
}

/// Processor time that the calling thread has used, in user and kernel mode together.
#[cfg(unix)]
pub fn cpu_time() -> Nanos {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live timespec; if the call failed, the zero above would be read.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Nanos::from_secs(time.tv_sec as u64) + Nanos(time.tv_nsec as u64)
}

/// Processor time that this process has used, in user mode and in kernel mode.
#[cfg(unix)]
pub fn process_cpu_time() -> (Nanos, Nanos) {
    // SAFETY: rusage is plain integers.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `used` is a live rusage; asking for this process cannot fail, and if it did the zeros
    // above would be read.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut used) };
    let nanos = |time: libc::timeval| {
        Nanos::from_secs(time.tv_sec as u64) + Nanos::from_micros(time.tv_usec as u64)
    };
    (nanos(used.ru_utime), nanos(used.ru_stime))
}

/// Processor time that the calling thread has used, in user and kernel mode together.
#[cfg(windows)]
pub fn cpu_time() -> Nanos {
    use windows_sys::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};
    let (user, kernel) = times(|[created, ended, kernel, user]| {
        // SAFETY: the handle is the calling thread's, and the four times are live and written to.
        unsafe { GetThreadTimes(GetCurrentThread(), created, ended, kernel, user) }
    });
    user + kernel
}

/// Processor time that this process has used, in user mode and in kernel mode.
#[cfg(windows)]
pub fn process_cpu_time() -> (Nanos, Nanos) {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};
    times(|[created, ended, kernel, user]| {
        // SAFETY: the handle is this process's, and the four times are live and written to.
        unsafe { GetProcessTimes(GetCurrentProcess(), created, ended, kernel, user) }
    })
}

/// User and kernel time of a call that fills the times of creation, end, kernel and user mode.
#[cfg(windows)]
fn times(
    read: impl FnOnce([&mut windows_sys::Win32::Foundation::FILETIME; 4]) -> i32,
) -> (Nanos, Nanos) {
    use windows_sys::Win32::Foundation::FILETIME;
    let none = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let [mut created, mut ended, mut kernel, mut user] = [none; 4];
    read([&mut created, &mut ended, &mut kernel, &mut user]);
    // In units of 100 ns.
    let nanos = |time: FILETIME| {
        Nanos((u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)) * 100)
    };
    (nanos(user), nanos(kernel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_forwards_and_work_takes_processor_time() {
        let (mono, real, cpu) = (monotonic_now(), real_now(), cpu_time());
        sleep_until(mono + Nanos::from_millis(20));
        assert!(monotonic_now() >= mono + Nanos::from_millis(20));
        assert!(real_now() > real);
        let mut sum = 0_u64;
        let deadline = Instant::now() + Duration::from_secs(20);
        while cpu_time() <= cpu && Instant::now() < deadline {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_time() > cpu && process_cpu_time().0 > Nanos::ZERO);
    }
}
