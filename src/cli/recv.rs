//! `udpkit recv`.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "[IPv6] is an address here, and help shows it as it stands"
)]

use super::{DEFAULT_PORT, DatagramFormat, FamilyArgs, IoArg};
use crate::units::{ByteCount, Nanos};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Arguments of `udpkit recv`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    udpkit recv 9000                        print what comes to port 9000, IPv4 and IPv6\n  \
    udpkit recv 127.0.0.1:5000-5010 -q -i1  eleven ports, counts only, rates each second\n  \
    udpkit recv --echo --header             answer each datagram with itself, show headers\n  \
    udpkit recv -c 1 --format raw > file    store the first datagram")]
pub struct RecvArgs {
    /// Where to listen: PORT, :PORT, ADDR:PORT, [IPv6]:PORT or ADDR; PORT may be a range FROM-TO
    ///
    /// Without an address, a socket takes IPv4 and IPv6; [::] alone takes IPv6 only. Port 0 lets
    /// the kernel choose.
    #[arg(value_name = "BIND")]
    pub binds: Vec<String>,
    /// Port, or range FROM-TO, of every BIND that names none
    #[arg(short, long, default_value_t = DEFAULT_PORT.to_string())]
    pub port: String,
    /// How datagrams are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: DatagramFormat,
    /// Show the four fields of each UDP header, TTL, DSCP, ECN, destination address and interface
    #[arg(long)]
    pub header: bool,
    /// End after this many datagrams [default: no end]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after this time [default: no end; unit: ns, us, ms, s, min; without one, seconds]
    #[arg(short, long, value_name = "DURATION")]
    pub timeout: Option<Nanos>,
    /// End when nothing came for this long, from the start or the last datagram [default: no end]
    #[arg(long, value_name = "DURATION")]
    pub idle: Option<Nanos>,
    /// Write the payload bytes of every datagram to this file as they come
    #[arg(short, long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Answer each datagram with itself, from the address that it was sent to; of what looks like
    /// another answerer one datagram in many is left out, which ends a loop
    #[arg(short, long, conflicts_with = "reply")]
    pub echo: bool,
    /// Answer each datagram with this message, from the address that it was sent to
    #[arg(short, long, value_name = "MESSAGE")]
    pub reply: Option<OsString>,
    /// Read \n \r \t \0 \\ and \xHH in --reply as the bytes that they stand for
    #[arg(long, requires = "reply")]
    pub escape: bool,
    /// Print no datagrams, only counts
    #[arg(short, long)]
    pub quiet: bool,
    /// Print rates and drops this often [default: never]
    #[arg(short, long, value_name = "DURATION")]
    pub interval: Option<Nanos>,
    /// Bytes of each datagram that are kept, 1 to 65535; a longer one is marked truncated
    #[arg(long, value_name = "BYTES", default_value = "65535")]
    pub buffer: ByteCount,
    /// Socket buffer to ask the kernel for, in bytes; 0 keeps the system's
    #[arg(long, value_name = "BYTES", default_value = "4194304")]
    pub socket_buffer: ByteCount,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Which batch calls of the kernel to use; with gso, coalesced receiving too: faster, but each
    /// drop may then stand for many datagrams
    #[arg(long, value_enum, default_value_t)]
    pub io: IoArg,
    /// Print one JSON document at the end and no datagrams
    #[arg(short = 'J', long, conflicts_with = "format")]
    pub json: bool,
    /// Say which buffers were granted
    #[arg(short, long)]
    pub verbose: bool,
}
