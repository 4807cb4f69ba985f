//! Golden files of `serve`.
