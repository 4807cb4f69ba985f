//! Golden files of `blast`.
