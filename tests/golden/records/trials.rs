//! Golden files of `trials`.
