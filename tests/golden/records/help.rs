//! Golden files of `help`.
