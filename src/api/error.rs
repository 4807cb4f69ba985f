//! Why a measurement did not run.

use crate::commands::{Exit, code_of, hint_of, message_of};
use std::fmt;

/// Why a measurement did not run, with what it was about.
#[derive(Debug)]
pub struct Error(anyhow::Error);

impl Error {
    /// What would be right instead, or what to look at; `None` where the message says it.
    pub fn hint(&self) -> Option<String> {
        hint_of(&self.0)
    }

    /// Whether what was asked for cannot be right, so that another try fails as well.
    pub fn is_usage(&self) -> bool {
        code_of(&self.0) == Exit::USAGE
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&message_of(&self.0))
    }
}

impl std::error::Error for Error {}
