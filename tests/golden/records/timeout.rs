//! Golden files of `timeout`.
