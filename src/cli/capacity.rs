//! How a capacity is searched for, as an argument.

use clap::ValueEnum;

/// How the rate of a capacity measurement is adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CapacityArg {
    /// Type B of RFC 9097: by steps of 10 Mbit/s
    B,
    /// Type C (TR-471): doubles the rate, and tries again after a while
    C,
}
