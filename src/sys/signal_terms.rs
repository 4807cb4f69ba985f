//! What a user or an operator asks of a process, by whatever means a system has for it.

/// A wish that reaches a process from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The end of the run: SIGINT, Ctrl-C.
    Interrupt,
    /// The end of the process: SIGTERM; on Windows a console that closes, a session that ends.
    Terminate,
    /// Interim results: SIGQUIT; on Windows Ctrl-Break.
    Status,
    /// Files to be read again: SIGHUP. Windows has none.
    Hangup,
}
