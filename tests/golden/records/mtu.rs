//! Golden files of `mtu`.
