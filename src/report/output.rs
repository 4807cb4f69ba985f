//! Standard output. If its reader closes it, the run ends quietly. Every line is escaped so that it
//! cannot control a terminal.

use super::Page;
use super::guard::{harmless_json, harmless_lines, harmless_payload};
use super::json::{indented, json_text};
use super::live_view::{HeldFor, hold};
use super::page_file::{keep_page, page_was_lost};
use super::progress_line::around;
use crate::record::saved::Saved;
use crate::record::{Document, Event, Flow};
use crate::sys::error_text::io_error_text;
use serde::Serialize;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// What a run shows while it goes on, and at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Nothing but errors, and the result where a command is there to print it.
    pub quiet: bool,
    /// JSON in place of text.
    pub json: bool,
}

impl Shown {
    /// Prints the report of a `command` that is over: as a JSON document, or as `text` for a page of
    /// standard output; and writes its page of HTML, if one is wanted. A closed standard output ends the run quietly.
    pub fn print<T: Serialize>(
        self,
        command: &'static str,
        report: &T,
        text: impl FnOnce(&T, Page) -> String,
    ) {
        keep_page(command, report);
        if self.json {
            print_json(&Document::new(command, report));
        } else if !self.quiet {
            print_text(&text(report, Page::of_stdout()));
        }
    }
}

/// Set if writing to standard output failed for another reason than a closed pipe. A static, as a
/// process has one standard output.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether output was lost, for example on a full disk: the command has then failed, whatever the
/// run measured. A closed pipe does not count, and a lost page does.
pub fn output_was_lost() -> bool {
    LOST.load(Ordering::Relaxed) || page_was_lost()
}

/// Writes whole lines to standard output.
///
/// Each line is flushed, on a terminal and in a pipe alike, so that a reader sees it at once. A
/// writer of very many lines uses [`Output::buffered`] and flushes at its ticks.
pub struct Output {
    out: io::BufWriter<io::Stdout>,
    each_line: bool,
    closed: bool,
    terminal: bool,
    /// Buffer for the current line.
    line: String,
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

impl Output {
    /// Flushes every line.
    pub fn new() -> Self {
        let (out, terminal) = (io::BufWriter::new(io::stdout()), io::stdout().is_terminal());
        Self { out, each_line: true, closed: false, terminal, line: String::new() }
    }

    /// Flushes only on request, or when its buffer is full.
    pub fn buffered() -> Self {
        Self { each_line: false, ..Self::new() }
    }

    /// Whether standard output is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes one line, or several with line ends between them.
    pub fn line(&mut self, text: impl fmt::Display) -> Flow {
        self.line.clear();
        // Writing to a string does not fail.
        let _ = write!(self.line, "{text}");
        let line = format!("{}\n", harmless_lines(&self.line));
        self.bytes(line.as_bytes())
    }

    /// Writes a record as one line of JSON.
    pub fn json_line<T: Serialize>(&mut self, record: &T) -> Flow {
        self.json_text(&json_text(record))
    }

    /// Writes a line of JSON, with what a terminal would obey escaped.
    pub(super) fn json_text(&mut self, text: &str) -> Flow {
        let line = format!("{}\n", harmless_json(text));
        self.bytes(line.as_bytes())
    }

    /// Writes a payload: unchanged to a file or a pipe, with control characters escaped to a
    /// terminal.
    pub fn payload(&mut self, payload: &[u8]) -> Flow {
        if self.is_terminal() {
            self.bytes(&harmless_payload(payload))
        } else {
            self.bytes(payload)
        }
    }

    /// Writes bytes unchanged: cursor control, or text that was escaped before.
    pub fn bytes(&mut self, bytes: &[u8]) -> Flow {
        // Above the report, once the screen is left.
        if self.terminal && hold(HeldFor::Output, bytes) {
            return self.flow();
        }
        let out = &mut self.out;
        let held = out.buffer().len() + bytes.len() < out.capacity();
        let written = if held { out.write_all(bytes) } else { around(|| out.write_all(bytes)) };
        self.written(&written)
    }

    fn written(&mut self, result: &io::Result<()>) -> Flow {
        self.note(result);
        if self.each_line { self.flush() } else { self.flow() }
    }

    /// Flushes the buffer.
    pub fn flush(&mut self) -> Flow {
        if !self.closed {
            let nothing = self.out.buffer().is_empty();
            let flushed = if nothing { self.out.flush() } else { around(|| self.out.flush()) };
            self.note(&flushed);
        }
        self.flow()
    }

    fn note(&mut self, result: &io::Result<()>) {
        let Err(error) = result else { return };
        // A closed pipe is not an error; a full disk is.
        // Reported once, whatever else is printed afterwards.
        let is_lost = !self.closed && error.kind() != io::ErrorKind::BrokenPipe;
        if is_lost && !LOST.swap(true, Ordering::Relaxed) {
            let why = io_error_text(error);
            super::error(format_args!("cannot write to standard output: {why}"), None);
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
    output.bytes(harmless_lines(text).as_bytes());
    // Dropping the buffer would hide an error.
    output.flush()
}

/// Prints one line of a stream of JSON objects on standard output.
pub fn print_json_line<T: Serialize>(event: &Event<T>) -> Flow {
    Output::new().json_line(event)
}

/// Prints a saved document again.
pub fn print_saved(saved: &Saved) -> Flow {
    let mut output = Output::buffered();
    if let Some(value) = saved.root().value() {
        output.json_text(&indented(&value.to_string()));
    }
    output.flush()
}

/// Prints a JSON document in the form of another program, without udpkit's envelope.
pub fn print_foreign_json<T: Serialize>(document: &T) -> Flow {
    let mut output = Output::buffered();
    output.json_text(&indented(&json_text(document)));
    output.flush()
}

/// Prints one JSON document, and nothing else, on standard output.
pub fn print_json<T: Serialize>(document: &Document<T>) -> Flow {
    let mut output = Output::buffered();
    output.json_text(&indented(&json_text(document)));
    output.flush()
}
