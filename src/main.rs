//! The `udpkit` binary: parse, run, exit code.

fn main() {}
