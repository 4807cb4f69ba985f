//! Golden files of `cast`.
