//! Golden files of `shape`.
