//! Golden files of `check`.
