//! The console of a process: its modes for a screen, and its keys (`SetConsoleMode`).
//!
//! Ctrl-C stays an event of the console.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_FAILED, WAIT_OBJECT_0};
use windows_sys::Win32::System::Console::{
    ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT, ENABLE_PROCESSED_INPUT, ENABLE_PROCESSED_OUTPUT,
    ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, GetNumberOfConsoleInputEvents,
    INPUT_RECORD, KEY_EVENT, ReadConsoleInputW, SetConsoleMode,
};
use windows_sys::Win32::System::Threading::{CreateEventW, SetEvent, WaitForMultipleObjects};

/// Ctrl-Z stops no process here.
const CTRL_Z: u8 = 0x1a;
/// Events of the console that are read at once.
const EVENTS: usize = 64;

/// The console of this process, which may be none of its standard handles: these may carry a
/// payload.
#[derive(Debug)]
pub struct Terminal {
    input: File,
    output: File,
}

/// A console's modes, to be restored.
#[derive(Debug)]
pub struct Modes {
    input: u32,
    output: u32,
}

/// Whether the console knows the sequences that move its cursor: since Windows 10.
pub fn can_draw() -> bool {
    let tried = Terminal::open().and_then(|terminal| {
        let modes = terminal.enter()?;
        terminal.restore(&modes);
        Ok(())
    });
    tried.is_ok()
}

/// Nothing stops a process here.
pub fn stop_process() {}

impl Terminal {
    /// Opens it.
    pub fn open() -> io::Result<Self> {
        let open = |name| OpenOptions::new().read(true).write(true).open(name);
        Ok(Self { input: open("CONIN$")?, output: open("CONOUT$")? })
    }

    /// The same console for another owner.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { input: self.input.try_clone()?, output: self.output.try_clone()? })
    }

    /// Whether it serves this process now: a console serves all of its processes.
    pub fn is_in_foreground(&self) -> bool {
        true
    }

    /// Sets the modes of a screen, and returns those before.
    pub fn enter(&self) -> io::Result<Modes> {
        let before = Modes { input: mode(&self.input)?, output: mode(&self.output)? };
        let output = ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
        set_mode(&self.output, before.output | output)?;
        // Keys come one by one, unseen.
        let input = before.input & !(ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT);
        if let Err(error) = set_mode(&self.input, input | ENABLE_PROCESSED_INPUT) {
            self.restore(&before);
            return Err(error);
        }
        Ok(before)
    }

    /// Sets these modes again.
    pub fn restore(&self, modes: &Modes) {
        // A console that is gone needs nothing.
        let _ = set_mode(&self.input, modes.input);
        let _ = set_mode(&self.output, modes.output);
    }

    /// Keys that were typed, as bytes: how many there were.
    pub fn read(&mut self, typed: &mut [u8]) -> usize {
        let mut records = [INPUT_RECORD::default(); EVENTS];
        let most = records.len().min(typed.len()) as u32;
        let (mut waiting, mut count) = (0, 0);
        let input = handle(&self.input);
        // SAFETY: the handle is open, the count lives. Reading would wait if there were none.
        if unsafe { GetNumberOfConsoleInputEvents(input, &raw mut waiting) } == 0 || waiting == 0 {
            return 0;
        }
        // SAFETY: the handle is open, there is room for as many records, the count lives.
        if unsafe { ReadConsoleInputW(input, records.as_mut_ptr(), most, &raw mut count) } == 0 {
            return 0;
        }
        let mut length = 0;
        for byte in records.iter().take(count as usize).filter_map(key) {
            typed[length] = byte;
            length += 1;
        }
        length
    }
}

/// The key that an event is about; `None` if it is another event, or none of ASCII.
fn key(record: &INPUT_RECORD) -> Option<u8> {
    if u32::from(record.EventType) != KEY_EVENT {
        return None;
    }
    // SAFETY: the type says which of the union's fields is set, and any value is one of an integer.
    let (is_down, unit) = unsafe {
        let event = record.Event.KeyEvent;
        (event.bKeyDown != 0, event.uChar.UnicodeChar)
    };
    let byte = u8::try_from(unit).ok().filter(u8::is_ascii)?;
    (is_down && !matches!(byte, 0 | CTRL_Z)).then_some(byte)
}

/// Dropped to end a wait.
#[derive(Debug)]
pub struct Wanted(Arc<OwnedHandle>);

impl Drop for Wanted {
    fn drop(&mut self) {
        // SAFETY: the event is open.
        unsafe { SetEvent(self.0.as_raw_handle()) };
    }
}

/// Waits for keys until something is no longer wanted.
#[derive(Debug)]
pub struct KeyWait(Arc<OwnedHandle>);

impl KeyWait {
    /// A wait, and what ends it when it is dropped.
    pub fn new() -> io::Result<(Wanted, Self)> {
        // SAFETY: no attributes and no name; it stays set once it is set.
        let event = unsafe { CreateEventW(null(), 1, 0, null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is that of the event, which nobody else owns.
        let event = Arc::new(unsafe { OwnedHandle::from_raw_handle(event) });
        Ok((Wanted(Arc::clone(&event)), Self(event)))
    }

    /// Waits for a key of `terminal` or for so many milliseconds; returns whether it is over.
    pub fn is_over(&self, terminal: Option<&Terminal>, millis: u16) -> bool {
        let mut handles = vec![self.0.as_raw_handle()];
        handles.extend(terminal.map(|terminal| handle(&terminal.input)));
        let count = handles.len() as u32;
        // SAFETY: the handles are open, and as many as told.
        let found = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, millis.into()) };
        if found == WAIT_FAILED {
            thread::sleep(Duration::from_millis(millis.into()));
        }
        found == WAIT_OBJECT_0
    }
}

fn handle(file: &File) -> HANDLE {
    file.as_raw_handle()
}

fn mode(of: &File) -> io::Result<u32> {
    let mut mode = 0;
    // SAFETY: the handle is open, and the mode lives.
    match unsafe { GetConsoleMode(handle(of), &raw mut mode) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(mode),
    }
}

fn set_mode(of: &File, mode: u32) -> io::Result<()> {
    // SAFETY: the handle is open, and the mode an integer.
    match unsafe { SetConsoleMode(handle(of), mode) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
