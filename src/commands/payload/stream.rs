//! Payloads that are read while the event loop runs: lines of standard input, chunks of a file.

use super::PayloadLimit;
use super::reading::Reading;
use crate::commands::usage::PayloadUsage;
use crate::machine::Now;
use crate::session::{Message, PayloadSource, Supply, SupplyError};
use crate::sys::error_text::io_error_text;
use crate::sys::trim_line_end;
use anyhow::Context;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use thiserror::Error;

/// How many payloads are read in advance.
const AHEAD: usize = 64;

/// What to read.
pub enum Input {
    /// Standard input.
    Standard,
    /// An open file, with its name for messages.
    File(File, PathBuf),
}

impl Input {
    /// Opens a file; standard input for no path and for `-`.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::Standard);
        };
        let cannot = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(cannot)?;
        if file.metadata().with_context(cannot)?.is_dir() {
            let path = path.display().to_string();
            anyhow::bail!(PayloadUsage::Directory { path });
        }
        Ok(Self::File(file, path.to_owned()))
    }

    pub fn is_standard(&self) -> bool {
        matches!(self, Self::Standard)
    }
}

/// Where to split the input into datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// At line feeds.
    Lines {
        /// Whether the line feed is part of the datagram.
        keep_newline: bool,
    },
    /// After this many bytes.
    Chunks(usize),
}

/// Payloads to read once the event loop exists.
pub struct StreamPlan {
    pub(super) input: Input,
    pub(super) cut: Cut,
    pub(super) reading: Reading,
    pub(super) rounds: Option<u64>,
    pub(super) limit: PayloadLimit,
}

impl StreamPlan {
    pub(super) fn largest(&self) -> usize {
        match self.cut {
            Cut::Chunks(bytes) => bytes,
            Cut::Lines { .. } => self.limit.bytes(),
        }
    }

    /// Starts the reading thread. It calls `wake` when there is something for the event loop, and
    /// ends with the process: a read from a terminal cannot be cancelled.
    pub fn start(self, wake: impl Fn() + Send + 'static) -> FedSource {
        let (sender, receiver) = sync_channel(AHEAD);
        // Lines of standard input are repeated one by one, a file as a whole.
        let repeats = if self.input.is_standard() { self.rounds.unwrap_or(1) } else { 1 };
        thread::spawn(move || {
            let feed = Feed { sender, wake };
            if let Err(error) = self.read(&feed) {
                feed.put(Err(error));
            }
            // The loop learns of the end when the sender is dropped: wake it only after that.
            let Feed { sender, wake } = feed;
            drop(sender);
            wake();
        });
        FedSource {
            receiver,
            current: None,
            left: 0,
            repeats,
            seq: 0,
            random: fastrand::Rng::new(),
        }
    }

    fn read(self, feed: &Feed<impl Fn()>) -> Result<(), SupplyError> {
        match self.input {
            Input::Standard => {
                let cutter = Cutter { cut: self.cut, reading: self.reading, limit: self.limit };
                cutter.read(&mut io::stdin().lock(), "standard input", feed).map(|_| ())
            }
            Input::File(ref file, ref path) => {
                let name = path.display().to_string();
                let cutter = Cutter { cut: self.cut, reading: self.reading, limit: self.limit };
                let mut reader = BufReader::new(file);
                let mut left = self.rounds;
                while left != Some(0) {
                    let any = cutter.read(&mut reader, &name, feed)?;
                    left = left.map(|rounds| rounds - 1);
                    // Reading an empty file again and again would be a busy loop.
                    if !any || left == Some(0) {
                        break;
                    }
                    reader.rewind().map_err(|error| unreadable(&name, error))?;
                }
                Ok(())
            }
        }
    }
}

/// The thread's end of the channel.
struct Feed<W> {
    sender: SyncSender<Result<Message, SupplyError>>,
    wake: W,
}

impl<W: Fn()> Feed<W> {
    /// Hands over a payload; `false` if the loop has ended.
    fn put(&self, payload: Result<Message, SupplyError>) -> bool {
        let taken = self.sender.send(payload).is_ok();
        (self.wake)();
        taken
    }
}

/// Splits the input into payloads.
#[derive(Clone, Copy)]
struct Cutter {
    cut: Cut,
    reading: Reading,
    limit: PayloadLimit,
}

impl Cutter {
    /// Reads to the end; whether there was any content.
    fn read(
        self,
        mut reader: &mut dyn BufRead,
        name: &str,
        feed: &Feed<impl Fn()>,
    ) -> Result<bool, SupplyError> {
        let mut any = false;
        let mut line = 0u64;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let message = match self.cut {
                Cut::Chunks(size) => {
                    let got = (&mut reader).take(size as u64).read_to_end(&mut bytes);
                    got.map_err(|error| unreadable(name, error))?;
                    if bytes.is_empty() {
                        return Ok(any);
                    }
                    Message::Bytes(bytes.clone())
                }
                Cut::Lines { keep_newline } => {
                    line += 1;
                    // Escapes and digits take up to four characters per byte; more cannot fit a
                    // datagram.
                    let most = 4 * self.limit.bytes() as u64 + 2;
                    let got = (&mut reader).take(most).read_until(b'\n', &mut bytes);
                    if got.map_err(|error| unreadable(name, error))? == 0 {
                        return Ok(any);
                    }
                    if !keep_newline {
                        trim_line_end(&mut bytes);
                    }
                    let message = self.reading.message(&bytes, self.limit);
                    message.map_err(|wrong| {
                        let name = name.to_owned();
                        SupplyError::Content(Arc::new(BadLine { line, name, wrong }))
                    })?
                }
            };
            any = true;
            if !feed.put(Ok(message)) {
                return Ok(any);
            }
        }
    }
}

/// A line that is no payload.
#[derive(Debug, Error)]
#[error("line {line} of {name}: {wrong}")]
struct BadLine {
    line: u64,
    name: String,
    wrong: PayloadUsage,
}

/// A file, or standard input, that could not be read.
#[derive(Debug, Error)]
#[error("cannot read {name}: {}", io_error_text(source))]
struct Unreadable {
    name: String,
    source: io::Error,
}

fn unreadable(name: &str, source: io::Error) -> SupplyError {
    SupplyError::Unreadable(Arc::new(Unreadable { name: name.to_owned(), source }))
}

/// The loop's end of the channel.
pub struct FedSource {
    receiver: Receiver<Result<Message, SupplyError>>,
    current: Option<Message>,
    left: u64,
    repeats: u64,
    seq: u64,
    random: fastrand::Rng,
}

impl PayloadSource for FedSource {
    fn next(&mut self, now: Now, into: &mut Vec<u8>) -> Supply {
        if self.left == 0 {
            match self.receiver.try_recv() {
                Ok(Ok(message)) => {
                    self.current = Some(message);
                    self.left = self.repeats;
                }
                Ok(Err(error)) => return Supply::Failed(error),
                Err(TryRecvError::Empty) => return Supply::Later,
                Err(TryRecvError::Disconnected) => return Supply::End,
            }
        }
        let Some(message) = &self.current else { return Supply::End };
        message.write(self.seq, now, &mut self.random, into);
        self.seq += 1;
        self.left -= 1;
        Supply::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::mpsc;

    fn all_of(text: &[u8], cut: Cut, rounds: Option<u64>) -> Vec<Vec<u8>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let plan = StreamPlan {
            input: Input::open(Some(file.path())).unwrap(),
            cut,
            reading: Reading::default(),
            rounds,
            limit: PayloadLimit::for_peers(&[]),
        };
        let (news, wait) = mpsc::channel();
        let mut source = plan.start(move || {
            let _ = news.send(());
        });
        let mut out = Vec::new();
        loop {
            let mut payload = Vec::new();
            match source.next(Now::default(), &mut payload) {
                Supply::Ready => out.push(payload),
                Supply::Later => wait.recv().unwrap(),
                Supply::End => return out,
                Supply::Failed(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn a_line_is_a_datagram_and_an_empty_line_an_empty_one() {
        let drop_newline = Cut::Lines { keep_newline: false };
        assert_eq!(all_of(b"a\n\nbc", drop_newline, Some(1)), [&b"a"[..], b"", b"bc"]);
        let keep_newline = Cut::Lines { keep_newline: true };
        assert_eq!(all_of(b"a\n\nbc", keep_newline, Some(1)), [&b"a\n"[..], b"\n", b"bc"]);
    }

    #[test]
    fn pieces_are_of_one_size_and_the_last_may_be_shorter() {
        assert_eq!(all_of(b"abcde", Cut::Chunks(2), Some(1)), [&b"ab"[..], b"cd", b"e"]);
        assert_eq!(all_of(b"abc", Cut::Chunks(2), Some(2)), [&b"ab"[..], b"c", b"ab", b"c"]);
    }

    #[test]
    fn an_empty_file_ends_even_an_endless_run() {
        assert!(all_of(b"", Cut::Chunks(2), None).is_empty());
    }

    #[test]
    fn a_long_endless_file_waits_for_its_reader() {
        let mut many = all_of(&vec![b'\n'; 1000], Cut::Lines { keep_newline: true }, Some(1));
        assert_eq!(many.len(), 1000);
        assert_eq!(many.pop(), Some(b"\n".to_vec()));
    }
}
