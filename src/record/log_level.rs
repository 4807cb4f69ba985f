//! How serious an event of a server is.

use serde::Serialize;

/// How serious an event is, the most serious first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something that was wanted does not happen.
    Error,
    /// Something to look into; the server goes on as wanted.
    Warn,
    /// What the server does.
    #[default]
    Info,
    /// What is of interest only where something is looked for.
    Debug,
}

impl LogLevel {
    /// Its name, as `--log-level` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}
