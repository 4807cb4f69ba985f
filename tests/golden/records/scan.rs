//! Golden files of `scan`.
