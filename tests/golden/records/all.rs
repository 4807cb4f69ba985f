//! Golden files of `all`.
