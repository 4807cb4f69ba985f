//! Reads the key that both ends share from a file.
//!
//! A key is never shown: neither in an error, nor if the variable contains the key itself instead
//! of a file name.

use super::Usage;
use super::exit::{Hinted, UsageError};
use crate::report;
use crate::report::words::usage as words;
use crate::sys;
use crate::sys::error_text::io_error_text;
use crate::wire::{ControlKey, KEY_LEN, KeyLength};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Once;
use thiserror::Error;

/// The environment variable that names the file if `--key` does not.
const VARIABLE: &str = "UDPKIT_KEY";
/// A run may read the key for both of its ends, but warns about its file only once.
static WARNED: Once = Once::new();

/// Why there is no key; `name` is the flag or variable that names its file.
#[derive(Debug, Error)]
enum KeyFault {
    #[error("{name}: cannot read the key: {}", io_error_text(error))]
    Unreadable { name: String, error: io::Error },
    #[error(transparent)]
    Wrong(#[from] KeyUsage),
}

/// Why a file is not a key.
#[derive(Debug, Error)]
enum KeyUsage {
    #[error("{name}: the file is empty")]
    Empty { name: String },
    #[error("{name}: a key has at most {most} bytes")]
    TooLong { name: String, most: usize },
    #[error("{name}: {why}")]
    Length { name: String, why: KeyLength },
}

/// A file that cannot be read is a failure, as any file; a key that cannot be right is usage.
fn failure(fault: KeyFault) -> anyhow::Error {
    match fault {
        KeyFault::Wrong(usage) => Usage::from(usage).into(),
        unreadable @ KeyFault::Unreadable { .. } => {
            Hinted { error: unreadable.into(), hint: words::MAKE_A_KEY }.into()
        }
    }
}

impl UsageError for KeyUsage {
    fn hint(&self) -> Option<String> {
        Some(words::MAKE_A_KEY.to_owned())
    }
}

/// Where the file name comes from, for messages.
#[derive(Debug, Error)]
enum KeyName<'a> {
    #[error("--key {}", .0.display())]
    Flag(&'a Path),
    #[error("the file that {VARIABLE} names")]
    Variable,
}

/// The file of the key, if there is one.
pub fn file(flag: Option<&Path>) -> Option<PathBuf> {
    let named = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    flag.map(Path::to_owned).or_else(|| named().map(PathBuf::from))
}

/// Reads the key of `--key FILE`, or of the file that `UDPKIT_KEY` names; `None` without either.
pub fn read(flag: Option<&Path>) -> anyhow::Result<Option<ControlKey>> {
    let (path, name) = match flag {
        Some(path) => (path.to_owned(), KeyName::Flag(path).to_string()),
        None => match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            // Not its value, which may be the key itself by mistake.
            Some(value) => (PathBuf::from(value), KeyName::Variable.to_string()),
            None => return Ok(None),
        },
    };
    let (key, is_open) = from_file(&path, &name).map_err(failure)?;
    if is_open == Some(true) {
        WARNED.call_once(|| report::warning(words::key_is_readable(&name)));
    }
    Ok(Some(key))
}

/// The key in a file, and whether others than its owner may read that; `None` if unknown.
fn from_file(path: &Path, name: &str) -> Result<(ControlKey, Option<bool>), KeyFault> {
    let name = name.to_owned();
    let cannot = |error| KeyFault::Unreadable { name: name.clone(), error };
    let file = File::open(path).map_err(cannot)?;
    let is_open = sys::is_open_to_others(&file.metadata().map_err(cannot)?);
    let mut bytes = Vec::new();
    // One byte more than the maximum, and a line end, so that a device or huge file is not read
    // whole.
    file.take(*KEY_LEN.end() as u64 + 3).read_to_end(&mut bytes).map_err(cannot)?;
    let key = bytes.trim_ascii();
    if key.is_empty() {
        return Err(KeyUsage::Empty { name }.into());
    }
    match ControlKey::new(key) {
        Ok(key) => Ok((key, is_open)),
        Err(_) if bytes.len() > *KEY_LEN.end() => {
            Err(KeyUsage::TooLong { name, most: *KEY_LEN.end() }.into())
        }
        Err(why) => Err(KeyUsage::Length { name, why }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::code_of;
    use std::fs;

    fn outcome(content: &[u8]) -> Result<ControlKey, KeyFault> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        from_file(file.path(), "--key k").map(|(key, _)| key)
    }

    #[test]
    fn a_line_of_text_is_a_key_with_or_without_its_end() {
        let bare = outcome(b"0123456789abcdef").unwrap();
        assert_eq!(outcome(b"0123456789abcdef\n").unwrap(), bare);
        assert_eq!(outcome(b"0123456789abcdef\r\n").unwrap(), bare);
        assert!(outcome(&[b'x'; 1024]).is_ok());
    }

    #[test]
    fn an_invalid_key_is_reported_without_its_content() {
        let wrong = |content: &[u8]| match outcome(content) {
            Err(KeyFault::Wrong(usage)) => usage,
            other => panic!("{other:?}"),
        };
        assert!(matches!(wrong(b""), KeyUsage::Empty { .. }));
        assert!(matches!(wrong(b"\n\n"), KeyUsage::Empty { .. }));
        let short = wrong(b"hunter2");
        assert!(matches!(short, KeyUsage::Length { why: KeyLength(7), .. }), "{short:?}");
        assert!(!short.to_string().contains("hunter2") && short.hint().is_some());
        for bytes in [1025, 9000] {
            let long = wrong(&vec![b'x'; bytes]);
            assert!(matches!(long, KeyUsage::TooLong { most: 1024, .. }), "{long:?}");
        }
        // Windows denies to read a folder, others say what it is.
        let folder = [io::ErrorKind::IsADirectory, io::ErrorKind::PermissionDenied];
        for (path, kinds) in [("/no/such", &[io::ErrorKind::NotFound][..]), ("/", &folder)] {
            let error = from_file(Path::new(path), "--key k").unwrap_err();
            let KeyFault::Unreadable { error: cause, .. } = &error else { panic!("{error:?}") };
            assert!(kinds.contains(&cause.kind()), "{cause:?}");
            assert_eq!(code_of(&failure(error)), 1);
        }
    }
}
