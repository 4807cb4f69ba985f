//! Standard output, which may be closed at any time: that ends a run quietly.

use crate::record::{Document, Flow};
use serde::Serialize;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when standard output took no more for another reason than that its reader had gone. There
/// is one standard output to a process, so there is one of these.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether something that was to be on standard output could not be written (a full disk): what the
/// user asked for is then not done, however well the run went. A reader that has gone is no loss.
pub fn output_was_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Lines for standard output: whole lines only, and written through at each flush.
///
/// Lines are flushed one by one on a terminal and in a pipe alike, so that a reader sees each as it
/// happens; a writer of very many lines buffers them with [`Output::buffered`] and flushes at its
/// ticks.
pub struct Output {
    out: io::BufWriter<io::Stdout>,
    each_line: bool,
    closed: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

impl Output {
    /// Flushes every line.
    pub fn new() -> Self {
        Self { out: io::BufWriter::new(io::stdout()), each_line: true, closed: false }
    }

    /// Flushes only when told to, or when its buffer is full.
    pub fn buffered() -> Self {
        Self { each_line: false, ..Self::new() }
    }

    /// Whether standard output is a terminal.
    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Writes one line.
    pub fn line(&mut self, text: impl fmt::Display) -> Flow {
        let written = writeln!(self.out, "{text}");
        self.note(&written);
        if self.each_line { self.flush() } else { self.flow() }
    }

    /// Writes a record as one line of JSON.
    pub fn json_line<T: Serialize>(&mut self, record: &T) -> Flow {
        match serde_json::to_string(record) {
            Ok(text) => self.line(text),
            // Records have string keys and finite numbers only, so this does not happen.
            Err(error) => self.line(format_args!("{{\"error\":\"{error}\"}}")),
        }
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Flow {
        let written = self.out.write_all(bytes);
        self.note(&written);
        if self.each_line { self.flush() } else { self.flow() }
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> Flow {
        if !self.closed {
            let flushed = self.out.flush();
            self.note(&flushed);
        }
        self.flow()
    }

    fn note(&mut self, result: &io::Result<()>) {
        let Err(error) = result else { return };
        // A reader that has gone is no trouble; a full disk is.
        if !self.closed && error.kind() != io::ErrorKind::BrokenPipe {
            super::error(format_args!("cannot write to standard output: {error}"), None);
            LOST.store(true, Ordering::Relaxed);
        }
        self.closed = true;
    }

    fn flow(&self) -> Flow {
        if self.closed { Flow::Closed } else { Flow::Continue }
    }
}

/// Prints a whole text on standard output.
pub fn print_text(text: &str) -> Flow {
    let mut output = Output::buffered();
    output.bytes(text.as_bytes());
    // A buffer that is dropped keeps its failure to itself.
    output.flush()
}

/// Prints one JSON document, and nothing else, on standard output.
pub fn print_json<T: Serialize>(document: &Document<T>) -> Flow {
    let mut output = Output::buffered();
    match serde_json::to_string_pretty(document) {
        Ok(text) => output.line(text),
        // Records have string keys and finite numbers only, so this does not happen.
        Err(error) => output.line(format_args!("{{\"error\":\"{error}\"}}")),
    };
    output.flush()
}
