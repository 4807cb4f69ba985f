//! Golden files of `marks`.
