//! Golden files of `nat`.
