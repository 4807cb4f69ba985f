//! What a receiver shows and stores while it runs.

use crate::record::{CastEvent, CastNote, CastWarning, Flow, Heard, Sink, Worded};
use crate::report::{self, CastLine, Output, Page, RecordLines};
use crate::sys::error_text::io_error_text;
use crate::units::Nanos;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Handles a receiver's events: announces sources on standard error, prints intervals on standard
/// output, writes content to the file.
pub(super) struct CastSink {
    /// Whether new sources are announced.
    pub talk: bool,
    /// Lines for programs, in place of everything that is told.
    pub lines: Option<RecordLines>,
    /// Where intervals are printed; `None` for standard error, if standard output is used
    /// otherwise.
    pub live: Option<Output>,
    /// Where content is written; `None` for nowhere.
    pub store: Option<Store>,
    /// Gaps in the content so far.
    pub gaps: u64,
}

/// Most gaps reported as they happen; the report counts all.
const GAPS_TOLD: u64 = 20;

impl Sink<CastEvent<'_>> for CastSink {
    fn take(&mut self, event: CastEvent<'_>) -> Flow {
        if let CastEvent::Content(bytes) = event {
            return self.store.as_mut().map_or(Flow::Continue, |store| store.write(bytes));
        }
        if matches!(event, CastEvent::Interval(_)) {
            self.flush_store();
        }
        match &mut self.lines {
            Some(lines) => line(event).map_or(Flow::Continue, |line| line.print(lines)),
            None => self.tell(event),
        }
    }
}

/// The line of an event for programs; content has none.
fn line(event: CastEvent<'_>) -> Option<CastLine<'_>> {
    Some(match event {
        CastEvent::Heard(heard) => CastLine::Note { note: first_datagram(heard) },
        CastEvent::Interval(interval) => CastLine::Interval(interval),
        CastEvent::Content(_) | CastEvent::Standing(_) => return None,
        CastEvent::Gap(gap) => CastLine::Gap(gap),
        CastEvent::Foreign(foreign) => CastLine::Warning { warning: CastWarning::from(foreign) },
        CastEvent::Interface(event) => CastLine::Interface(event),
        CastEvent::NoHeader { source, group } => {
            CastLine::Warning { warning: no_header(source, group) }
        }
    })
}

fn first_datagram(heard: Heard<'_>) -> CastNote {
    CastNote::FirstDatagram {
        source: heard.source.to_owned(),
        group: heard.group.to_owned(),
        after_join_ns: heard.join_to_first.map(Nanos::as_u64),
    }
}

fn no_header(source: &str, group: &str) -> CastWarning {
    CastWarning::NoHeader { source: source.to_owned(), group: group.to_owned() }
}

impl CastSink {
    /// Tells a person of an event.
    fn tell(&mut self, event: CastEvent<'_>) -> Flow {
        match event {
            CastEvent::Heard(heard) => {
                if self.talk {
                    report::note(first_datagram(heard).text());
                }
                Flow::Continue
            }
            CastEvent::Interval(interval) => {
                if let Some(live) = &mut self.live {
                    return live.line(report::cast_interval_line(&interval, Page::of_stdout()));
                }
                report::note(report::cast_interval_line(&interval, Page::new(Page::WIDEST)));
                Flow::Continue
            }
            CastEvent::Content(_) | CastEvent::Standing(_) => Flow::Continue,
            CastEvent::Gap(gap) => {
                self.gaps += 1;
                if self.talk && self.gaps <= GAPS_TOLD {
                    report::note(gap.text());
                }
                Flow::Continue
            }
            CastEvent::Foreign(foreign) => {
                self.warn(&CastWarning::from(foreign));
                Flow::Continue
            }
            CastEvent::Interface(event) => {
                if self.talk && event.change.is_recovery() {
                    report::note(event.change.text());
                } else {
                    self.warn(&event.change);
                }
                Flow::Continue
            }
            CastEvent::NoHeader { source, group } => {
                self.warn(&no_header(source, group));
                Flow::Continue
            }
        }
    }

    fn warn(&self, warning: &impl Worded) {
        if self.talk {
            report::warning(warning.text());
        }
    }

    fn flush_store(&mut self) {
        if let Some(store) = &mut self.store {
            store.flush();
        }
    }
}

/// A file, or standard output, to which content is written.
pub(super) struct Store {
    name: PathBuf,
    into: Into,
    failed: Option<io::Error>,
}

enum Into {
    File(BufWriter<File>),
    StandardOutput(Output),
}

impl Store {
    /// Creates the file; `-` is standard output.
    pub fn create(path: &Path) -> io::Result<Self> {
        let into = if path == Path::new("-") {
            Into::StandardOutput(Output::new())
        } else {
            Into::File(BufWriter::new(File::create(path)?))
        };
        Ok(Self { name: path.to_owned(), into, failed: None })
    }

    pub fn is_standard_output(&self) -> bool {
        matches!(self.into, Into::StandardOutput(_))
    }

    /// Flushes the rest. An error names the file.
    pub fn close(mut self) -> io::Result<()> {
        self.flush();
        match self.failed {
            None => Ok(()),
            Some(error) => {
                let name = self.name.display();
                Err(io::Error::new(
                    error.kind(),
                    format!("cannot write {name}: {}", io_error_text(&error)),
                ))
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Flow {
        match &mut self.into {
            Into::StandardOutput(output) => output.payload(bytes),
            Into::File(file) => {
                if let Err(error) = file.write_all(bytes) {
                    self.failed.get_or_insert(error);
                    return Flow::Closed;
                }
                Flow::Continue
            }
        }
    }

    fn flush(&mut self) {
        match &mut self.into {
            Into::StandardOutput(output) => {
                // A closed standard output ends the run at the next write.
                let _ = output.flush();
            }
            Into::File(file) => {
                if let Err(error) = file.flush() {
                    self.failed.get_or_insert(error);
                }
            }
        }
    }
}
