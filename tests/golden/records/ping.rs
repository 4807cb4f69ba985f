//! Golden files of `ping`.
