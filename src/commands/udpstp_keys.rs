//! Reads the shared keys of UDPSTP from a file. A key is never shown, nor taken from the command
//! line, where every user of the host can read it.

use super::exit::{Usage, UsageError};
use crate::report;
use crate::report::words::serve as words;
use crate::report::words::usage::key_is_readable;
use crate::sys;
use crate::sys::error_text::io_error_text;
use crate::wire::udpstp::{KeyRing, KeyRingFault};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Once;
use thiserror::Error;

/// A server reads its keys again, but warns about their file only once.
static WARNED: Once = Once::new();
/// A longer file is none of keys: 256 of the longest take less.
const LONGEST: u64 = 64 << 10;

/// A file that cannot be read is a failure, as any file.
#[derive(Debug, Error)]
#[error("--udpstp-keys {}: {}", file.display(), io_error_text(error))]
struct Unreadable {
    file: PathBuf,
    error: io::Error,
}

/// Why a file has no keys.
#[derive(Debug, Error)]
#[error("--udpstp-keys {}: {fault}", file.display())]
struct KeysUsage {
    file: PathBuf,
    fault: KeyRingFault,
}

impl UsageError for KeysUsage {
    fn hint(&self) -> Option<String> {
        Some(words::UDPSTP_KEY_FORM.to_owned())
    }
}

/// The keys of `--udpstp-keys FILE`.
pub fn read(file: &Path) -> anyhow::Result<KeyRing> {
    let cannot = |error| Unreadable { file: file.to_owned(), error };
    let opened = File::open(file).map_err(cannot)?;
    let is_open = sys::is_open_to_others(&opened.metadata().map_err(cannot)?);
    let mut text = String::new();
    opened.take(LONGEST).read_to_string(&mut text).map_err(cannot)?;
    let keys = KeyRing::read(&text)
        .map_err(|fault| Usage::from(KeysUsage { file: file.to_owned(), fault }))?;
    if is_open == Some(true) {
        let name = format!("--udpstp-keys {}", file.display());
        WARNED.call_once(|| report::warning(key_is_readable(&name)));
    }
    Ok(keys)
}
