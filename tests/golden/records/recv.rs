//! Golden files of `recv`.
