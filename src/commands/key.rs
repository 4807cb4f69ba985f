//! The key that both ends share, from the file that the user names.
//!
//! A key is never shown: not in an error, and not when the variable holds the key itself where the
//! name of a file belongs.

use super::Usage;
use crate::report;
use crate::units::io_error_text;
use crate::wire::{ControlKey, KEY_LEN};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The variable that names the file where no flag does.
const VARIABLE: &str = "UDPKIT_KEY";
const HINT: &str = "make one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE)";

/// Reads the key of `--key FILE`, or of the file that `UDPKIT_KEY` names; `None` without either.
pub fn read(flag: Option<&Path>) -> Result<Option<ControlKey>, Usage> {
    let (path, name) = match flag {
        Some(path) => (path.to_owned(), format!("--key {}", path.display())),
        None => match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            // Not its value: it may be the key, put there by mistake.
            Some(value) => (PathBuf::from(value), format!("the file that {VARIABLE} names")),
            None => return Ok(None),
        },
    };
    let (key, mode) = from_file(&path, &name)?;
    if mode & 0o077 != 0 {
        report::warning(format_args!("{name}: others on this host may read it; chmod 600 it"));
    }
    Ok(Some(key))
}

/// The key in a file, and the file's permissions.
fn from_file(path: &Path, name: &str) -> Result<(ControlKey, u32), Usage> {
    let cannot = |why: std::io::Error| {
        let why = io_error_text(&why);
        Usage::with_hint(format!("{name}: cannot read the key: {why}"), HINT)
    };
    let file = File::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.permissions().mode();
    let mut bytes = Vec::new();
    // One more than is right, and the line's end: a device or a huge file is not read to its end.
    file.take(*KEY_LEN.end() as u64 + 3).read_to_end(&mut bytes).map_err(cannot)?;
    let key = bytes.trim_ascii();
    if key.is_empty() {
        return Err(Usage::with_hint(format!("{name}: the file is empty"), HINT));
    }
    match ControlKey::new(key) {
        Ok(key) => Ok((key, mode)),
        Err(_) if bytes.len() > *KEY_LEN.end() => {
            let most = KEY_LEN.end();
            Err(Usage::with_hint(format!("{name}: a key has at most {most} bytes"), HINT))
        }
        Err(length) => Err(Usage::with_hint(format!("{name}: {length}"), HINT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn outcome(content: &[u8]) -> Result<ControlKey, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        from_file(file.path(), "--key k").map(|(key, _)| key).map_err(|usage| usage.wrong)
    }

    #[test]
    fn a_line_of_text_is_a_key_with_or_without_its_end() {
        let bare = outcome(b"0123456789abcdef").unwrap();
        assert_eq!(outcome(b"0123456789abcdef\n"), Ok(bare.clone()));
        assert_eq!(outcome(b"0123456789abcdef\r\n"), Ok(bare));
        assert!(outcome(&[b'x'; 1024]).is_ok());
    }

    #[test]
    fn what_is_no_key_says_what_would_be_and_not_what_it_holds() {
        for (content, part) in [
            (&b""[..], "empty"),
            (b"\n\n", "empty"),
            (b"hunter2", "16 to 1024 bytes, not 7"),
            (&[b'x'; 1025], "at most 1024"),
            (&[b'x'; 9000], "at most 1024"),
        ] {
            let wrong = outcome(content).unwrap_err();
            assert!(wrong.contains(part) && wrong.contains("--key k"), "{wrong}");
            assert!(!wrong.contains("hunter2"), "{wrong}");
        }
        let nowhere = from_file(Path::new("/no/such"), "--key /no/such").unwrap_err();
        assert!(nowhere.wrong.contains("no such file") && nowhere.hint.is_some());
        let folder = from_file(Path::new("/"), "--key /").unwrap_err();
        assert!(folder.wrong.contains("is a directory"), "{}", folder.wrong);
    }
}
