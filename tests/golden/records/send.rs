//! Golden files of `send`.
