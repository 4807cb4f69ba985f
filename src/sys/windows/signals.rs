//! Ctrl-C, Ctrl-Break and a console that closes (`SetConsoleCtrlHandler`), as flags, as an event
//! source for a poll, and as a queue for a thread.
//!
//! The system calls the handler on a thread of its own, so it may take a lock.

use crate::sys::unsupported;
use crate::sys::{Signal, WatchedSocket};
use mio::event::Source;
use mio::{Interest, Registry, Token};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT,
    SetConsoleCtrlHandler,
};
use windows_sys::core::BOOL;

/// What follows a signal, in this order.
static HEARERS: Mutex<Vec<(Signal, Effect)>> = Mutex::new(Vec::new());

#[derive(Debug)]
enum Effect {
    Flag(Arc<AtomicBool>),
    Wake(UdpSocket),
    Queue(Sender<()>),
}

/// Whether this signal can reach a process on this system.
pub fn hears(signal: Signal) -> bool {
    signal != Signal::Hangup
}

/// Sets a flag at each of these signals from now on.
pub fn flag_on(signal: Signal, raised: &Arc<AtomicBool>) -> io::Result<()> {
    add(signal, Effect::Flag(Arc::clone(raised)))
}

/// Does what follows a signal.
pub fn raise(signal: Signal) {
    for (_, effect) in hearers().iter().filter(|(heard, _)| *heard == signal) {
        // A full buffer wakes as well, and a thread that has ended waits for nothing.
        match effect {
            Effect::Flag(raised) => raised.store(true, Ordering::Release),
            Effect::Wake(socket) => {
                let _ = socket.send(&[1]);
            }
            Effect::Queue(queue) => {
                let _ = queue.send(());
            }
        }
    }
}

/// Ends the process.
pub fn exit_at_once(code: i32) -> ! {
    std::process::exit(code)
}

/// Wakes a poll at signals: by datagrams to itself, since a poll has one waker, which is its loop's.
#[derive(Debug)]
pub struct SignalSource {
    read: mio::net::UdpSocket,
    write: UdpSocket,
}

impl SignalSource {
    /// A source that hears nothing yet.
    pub fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        // From nobody else.
        socket.connect(socket.local_addr()?)?;
        socket.set_nonblocking(true)?;
        let write = socket.try_clone()?;
        Ok(Self { read: mio::net::UdpSocket::from_std(socket), write })
    }

    /// Is readable after this signal, too. A flag that the woken thread looks at is to be set
    /// before: the order is that of the calls.
    pub fn wake_on(&self, signal: Signal) -> io::Result<()> {
        add(signal, Effect::Wake(self.write.try_clone()?))
    }

    /// Forgets the signals that came, so that the next one triggers a new event.
    pub fn drain(&mut self) {
        while self.read.recv(&mut [0; 8]).is_ok() {}
    }
}

impl Source for SignalSource {
    fn register(&mut self, registry: &Registry, token: Token, of: Interest) -> io::Result<()> {
        WatchedSocket(&mut self.read).register(registry, token, of)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, of: Interest) -> io::Result<()> {
        WatchedSocket(&mut self.read).reregister(registry, token, of)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        WatchedSocket(&mut self.read).deregister(registry)
    }
}

/// Signals for a thread that waits for nothing else.
#[derive(Debug)]
pub struct SignalQueue(Receiver<()>);

impl SignalQueue {
    /// A queue of these signals, from now on.
    pub fn of(signals: &[Signal]) -> io::Result<Self> {
        let (write, read) = channel();
        for signal in signals {
            add(*signal, Effect::Queue(write.clone()))?;
        }
        Ok(Self(read))
    }

    /// A queue of what a test puts into it.
    #[cfg(test)]
    pub fn fed() -> io::Result<(Self, impl Fn())> {
        let (write, read) = channel();
        let feed = move || {
            let _ = write.send(());
        };
        Ok((Self(read), feed))
    }

    /// Waits for the next one.
    pub fn wait(&mut self) -> io::Result<()> {
        self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Forgets those that came.
    pub fn drain(&mut self) -> io::Result<()> {
        while self.0.try_recv().is_ok() {}
        Ok(())
    }
}

fn hearers() -> MutexGuard<'static, Vec<(Signal, Effect)>> {
    HEARERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add(signal: Signal, effect: Effect) -> io::Result<()> {
    static IS_LISTENING: Mutex<bool> = Mutex::new(false);
    if !hears(signal) {
        return Err(unsupported());
    }
    hearers().push((signal, effect));
    let mut is_listening = IS_LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    if !*is_listening {
        // SAFETY: the handler is a function of the signature that is asked for, and lives on.
        if unsafe { SetConsoleCtrlHandler(Some(on_event), 1) } == 0 {
            return Err(io::Error::last_os_error());
        }
        *is_listening = true;
    }
    Ok(())
}

/// Called by the system; the result tells whether the event is dealt with.
unsafe extern "system" fn on_event(event: u32) -> BOOL {
    match event {
        CTRL_C_EVENT => raise(Signal::Interrupt),
        CTRL_BREAK_EVENT => raise(Signal::Status),
        CTRL_CLOSE_EVENT | CTRL_LOGOFF_EVENT | CTRL_SHUTDOWN_EVENT => {
            raise(Signal::Terminate);
            // The process is ended once this returns, or within some seconds: time for a report.
            loop {
                thread::park();
            }
        }
        _ => return 0,
    }
    1
}
