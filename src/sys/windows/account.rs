//! The user of a process, by its name: a process cannot become another.

use crate::sys::{Account, AccountError};

/// Whether this process runs as root: there is no such user.
pub fn is_root() -> bool {
    false
}

impl Account {
    /// The account this process runs as.
    pub fn current() -> Self {
        Self { name: std::env::var("USERNAME").unwrap_or_else(|_| "-".to_owned()), ids: None }
    }

    /// The account itself: there is none with fewer privileges that every host has.
    pub fn nobody() -> Self {
        Self::current()
    }

    /// No text names an account that this process could become.
    pub fn parse(_: &str) -> Result<Self, AccountError> {
        Err(AccountError::NoChange)
    }
}
