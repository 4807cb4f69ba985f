//! `udpkit cast`.

mod group;

pub use group::{DEFAULT_PORT, GroupError, GroupHost, GroupSpec, RANGE_MAX};

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
    Send(CastSendArgs),
    /// Join groups and report what arrives, per source and group.
    Recv(CastRecvArgs),
}

/// Arguments of `udpkit cast send`.
#[derive(Debug, Args)]
pub struct CastSendArgs {}

/// Arguments of `udpkit cast recv`.
#[derive(Debug, Args)]
pub struct CastRecvArgs {}
