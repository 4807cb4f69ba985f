//! The users that iperf3 clients must be, from the files of `--iperf3-key` and `--iperf3-users`.

use crate::cli::ServeArgs;
use crate::commands::Usage;
use crate::commands::exit::UsageError;
use crate::report::words::serve as words;
use crate::sys::error_text::io_error_text;
use crate::wire::iperf3::{Iperf3Users, OldTokens, UsersFault};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};
use thiserror::Error;

/// A file that cannot be read is a failure, as any file.
#[derive(Debug, Error)]
#[error("{flag} {}: {}", file.display(), io_error_text(error))]
struct Unreadable {
    flag: &'static str,
    file: PathBuf,
    error: io::Error,
}

/// Why the files have no users.
#[derive(Debug, Error)]
enum UsersUsage {
    #[error("--iperf3-key {}: not a private RSA key in PEM form", file.display())]
    NoKey { file: PathBuf },
    #[error("--iperf3-users {}: line {line} is not NAME,HASH", file.display())]
    Line { file: PathBuf, line: usize },
    #[error("--iperf3-users {}: no user", file.display())]
    Nobody { file: PathBuf },
}

impl UsageError for UsersUsage {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoKey { .. } => words::MAKE_AN_RSA_KEY,
            Self::Line { .. } | Self::Nobody { .. } => words::MAKE_A_USER,
        };
        Some(hint.to_owned())
    }
}

/// The users of the arguments; `None` without the flags.
pub fn read(args: &ServeArgs) -> anyhow::Result<Option<Arc<Iperf3Users>>> {
    let (Some(key), Some(list)) = (&args.iperf3_key, &args.iperf3_users) else { return Ok(None) };
    let key_text = text("--iperf3-key", key)?;
    let list_text = text("--iperf3-users", list)?;
    let old = if args.iperf3_pkcs1_padding { OldTokens::Accepted } else { OldTokens::Refused };
    let users = Iperf3Users::read(&key_text, &list_text, old).map_err(|fault| {
        let [key, list] = [key, list].map(Clone::clone);
        Usage::from(match fault {
            UsersFault::NoKey => UsersUsage::NoKey { file: key },
            UsersFault::Line(line) => UsersUsage::Line { file: list, line },
            UsersFault::Nobody => UsersUsage::Nobody { file: list },
        })
    })?;
    Ok(Some(Arc::new(users)))
}

fn text(flag: &'static str, file: &Path) -> Result<String, Unreadable> {
    fs::read_to_string(file).map_err(|error| Unreadable { flag, file: file.to_owned(), error })
}
