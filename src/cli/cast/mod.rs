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
pub struct CastArgs {
    /// Which end to be.
    #[command(subcommand)]
    pub command: CastCommand,
}

/// The two ends of a fan-out, and a check of what lies between.
#[derive(Debug, Subcommand)]
pub enum CastCommand {
    /// Send numbered datagrams to groups, broadcast addresses and lists.
    Send(Box<CastSendArgs>),
    /// Join groups and report what arrives, per source and group.
    Recv(Box<CastRecvArgs>),
    /// Find out whether a network carries a group, and what is in the way.
    Check(CastCheckArgs),
}
