//! The program and the host that made a document.

use serde::Serialize;
use std::sync::OnceLock;

/// What ran, where and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunFacts {
    /// The version of udpkit.
    pub version: &'static str,
    /// The command line, without the program.
    pub arguments: Vec<String>,
    /// When it began, nanoseconds since 1970.
    pub started_ns: u64,
    /// The kernel's name and release; `None` if unknown.
    pub system: Option<String>,
    /// The architecture.
    pub architecture: &'static str,
    /// Processors that this process may use.
    pub processors: u64,
}

/// A static, as a process has one command line.
static FACTS: OnceLock<RunFacts> = OnceLock::new();

/// Notes what runs, once, for every document that follows.
pub fn note_run(facts: RunFacts) {
    let _ = FACTS.set(facts);
}

/// What was noted; `None` in a process that is no command of udpkit.
pub(super) fn run_facts() -> Option<&'static RunFacts> {
    FACTS.get()
}
