//! `udpkit cast`.

mod check;
mod recv;
mod send;

pub use check::CastCheckArgs;
pub use recv::CastRecvArgs;
pub use send::CastSendArgs;

use clap::{Args, Subcommand};

/// Arguments of `udpkit cast`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit cast recv 239.1.2.3:5000                  on each receiver\n  \
    udpkit cast send 239.1.2.3:5000 -s 1000 -c 5000  on the sender\n  \
    udpkit cast check 239.1.2.3:5000                 when nothing arrives")]
pub struct CastArgs {
    /// Which end to be.
    #[command(subcommand)]
    pub command: CastCommand,
}

/// The two ends of a fan-out, and a check of what lies between.
#[derive(Debug, Subcommand)]
pub enum CastCommand {
    /// Send numbered datagrams to groups, broadcast addresses and lists of hosts
    Send(Box<CastSendArgs>),
    /// Join groups and report what arrives from each source
    Recv(Box<CastRecvArgs>),
    /// Test whether the network carries a multicast group, and find faults
    Check(CastCheckArgs),
}
