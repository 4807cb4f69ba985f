//! Golden files of `trace`.
