//! The content of the datagrams of `send` and `cast send`: from arguments to a source of payloads.
//!
//! Payloads known in advance (messages, whole files, generated datagrams) are read and checked
//! here, before a socket opens. Lines and chunks are read by their own thread while the event loop
//! runs, so that each is sent as soon as it is read.

mod limit;
mod reading;
mod stream;

pub use limit::PayloadLimit;
pub use stream::StreamPlan;

use super::Usage;
use super::usage::PayloadUsage;
use crate::cli::PayloadArgs;
use crate::session::{FixedMessages, Message, Spacing};
use crate::sys::bytes_of;
use crate::units::Nanos;
use crate::wire::pattern;
use anyhow::Context;
use reading::Reading;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use stream::{Cut, Input};

/// Where the payloads come from.
pub enum PayloadPlan {
    /// Known in advance.
    Fixed(FixedMessages),
    /// Read while the event loop runs.
    Stream(StreamPlan),
}

impl PayloadPlan {
    /// Reads and checks what can be checked in advance.
    pub fn new(args: &PayloadArgs, limit: PayloadLimit) -> anyhow::Result<Self> {
        let count = args.count.unwrap_or(1);
        let rounds = (count > 0).then_some(count);
        let reading = Reading::of(args);
        if let Some(size) = args.size {
            let message = Message::Bytes(generated(size.0, limit)?);
            return Ok(Self::Fixed(FixedMessages::new(vec![message], rounds)));
        }
        if !args.messages.is_empty() {
            let mut messages = Vec::with_capacity(args.messages.len());
            for text in &args.messages {
                let message = reading.message(&bytes_of(text), limit).map_err(Usage::from)?;
                messages.push(message);
            }
            return Ok(Self::Fixed(FixedMessages::new(messages, rounds)));
        }
        if let (Some(path), None) = (&args.file, args.chunk) {
            let bytes = whole_file(path, limit)?;
            let message = reading.message(&bytes, limit).map_err(Usage::from)?;
            return Ok(Self::Fixed(FixedMessages::new(vec![message], rounds)));
        }
        let input = Input::open(args.file.as_deref())?;
        if rounds.is_none() && input.is_standard() {
            return Err(Usage::from(PayloadUsage::EndlessInput).into());
        }
        let cut = match args.chunk {
            Some(bytes) => Cut::Chunks(chunk_size(bytes.0, limit)?),
            None => Cut::Lines { keep_newline: args.newline },
        };
        Ok(Self::Stream(StreamPlan { input, cut, reading, rounds, limit }))
    }

    /// How long it takes to send it all, each payload behind `header` bytes; `None` where that is
    /// not known.
    pub fn length(&self, spacing: Spacing, header: usize) -> Option<Nanos> {
        let Self::Fixed(messages) = self else { return None };
        let (datagrams, bytes) = messages.total()?;
        spacing.length(datagrams, bytes.saturating_add(datagrams.saturating_mul(header as u64)))
    }

    /// The largest payload, in bytes.
    pub fn largest(&self) -> usize {
        match self {
            Self::Fixed(messages) => messages.largest(),
            Self::Stream(plan) => plan.largest(),
        }
    }
}

/// The generated datagram of `--size`.
fn generated(size: u64, limit: PayloadLimit) -> Result<Vec<u8>, Usage> {
    let len = limit.check(size).map_err(Usage::from)?;
    let mut bytes = vec![0; len];
    pattern::fill(0, &mut bytes);
    Ok(bytes)
}

fn chunk_size(bytes: u64, limit: PayloadLimit) -> Result<usize, Usage> {
    if bytes == 0 {
        return Err(PayloadUsage::EmptyChunks.into());
    }
    Ok(limit.check(bytes)?)
}

/// A file as one datagram; `-` is standard input.
fn whole_file(path: &Path, limit: PayloadLimit) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    // One byte more than the largest datagram takes in hexadecimal digits and separators.
    let enough = 4 * limit.bytes() as u64 + 1;
    let (mut standard, mut file);
    let (reader, size): (&mut dyn Read, u64) = if path == Path::new("-") {
        standard = std::io::stdin().lock();
        (&mut standard, 0)
    } else {
        file = File::open(path).with_context(cannot)?;
        let size = file.metadata().with_context(cannot)?.len();
        (&mut file, size)
    };
    reader.take(enough).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() as u64 == enough {
        let too_large = Box::new(limit.refuse(size.max(enough)));
        return Err(Usage::from(PayloadUsage::FileTooLarge { too_large }).into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn limit() -> PayloadLimit {
        PayloadLimit::for_peers(&["192.0.2.1:9".parse().unwrap()])
    }

    fn plan(args: &PayloadArgs) -> Result<PayloadPlan, String> {
        PayloadPlan::new(args, limit()).map_err(|error| error.to_string())
    }

    fn refusal(args: &PayloadArgs) -> String {
        match plan(args) {
            Ok(_) => panic!("{args:?} was taken"),
            Err(wrong) => wrong,
        }
    }

    #[test]
    fn what_is_too_long_names_its_size_and_the_limit() {
        let at = |size| PayloadArgs { size: Some(size), count: Some(1), ..PayloadArgs::default() };
        assert_eq!(plan(&at(crate::units::ByteCount(65_507))).unwrap().largest(), 65_507);
        let wrong = refusal(&at(crate::units::ByteCount(65_508)));
        assert!(wrong.contains("65508 bytes") && wrong.contains("65507 bytes"), "{wrong}");
        let long = "x".repeat(65_508).into();
        let args = PayloadArgs { messages: vec![long], count: Some(1), ..PayloadArgs::default() };
        assert!(refusal(&args).contains("65508 bytes"));
    }

    #[test]
    fn a_file_too_long_for_one_datagram_is_refused_with_its_size() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for len in [70_000, 300_000] {
            file.as_file_mut().set_len(0).unwrap();
            file.write_all(&vec![1; len]).unwrap();
            let path = Some(file.path().to_owned());
            let args = PayloadArgs { file: path, count: Some(1), ..PayloadArgs::default() };
            let wrong = refusal(&args);
            assert!(wrong.contains("65507 bytes"), "{wrong}");
        }
    }

    #[test]
    fn endless_standard_input_is_refused() {
        let args = PayloadArgs { count: Some(0), ..PayloadArgs::default() };
        assert!(refusal(&args).contains("--count 0"));
    }
}
