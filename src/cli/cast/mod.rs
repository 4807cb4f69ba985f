//! `udpkit cast`.

mod recv;
mod send;

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

/// The two ends of a fan-out.
#[derive(Debug, Subcommand)]
pub enum CastCommand {
    /// Send numbered datagrams to groups, broadcast addresses and lists.
    Send(Box<CastSendArgs>),
    /// Join groups and report what arrives, per source and group.
    Recv(Box<CastRecvArgs>),
}
