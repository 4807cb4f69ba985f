//! Golden files of `ports`.
