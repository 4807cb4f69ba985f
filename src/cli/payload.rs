//! Flags that say what the datagrams carry; `send` and `cast send` share them.

use crate::units::ByteCount;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the datagrams carry.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Payload")]
pub struct PayloadArgs {
    /// Messages, one datagram each; standard input, one datagram a line, when none is given
    ///
    /// Everything behind `--` is a message. An empty message is an empty datagram.
    #[arg(last = true, value_name = "MESSAGE")]
    pub messages: Vec<OsString>,
    /// Read \n \r \t \0 \\ and \xHH in messages and lines as the bytes that they stand for
    #[arg(long, conflicts_with_all = ["hex", "size", "chunk"])]
    pub escape: bool,
    /// Read messages and lines as hexadecimal digits; spaces and colons between bytes are allowed
    #[arg(long, conflicts_with_all = ["size", "chunk"])]
    pub hex: bool,
    /// Fill in {seq} (from 0), {time} (nanoseconds since 1970) and {random:N} (N random
    /// letters and digits) in messages and lines, anew for every datagram
    #[arg(long, conflicts_with_all = ["size", "chunk"])]
    pub template: bool,
    /// Keep the newline at the end of each line of standard input
    #[arg(long, conflicts_with_all = ["messages", "size", "chunk", "hex"])]
    pub newline: bool,
    /// Send this file: as one datagram, or with --chunk in pieces; - is standard input
    #[arg(short, long, value_name = "PATH", conflicts_with_all = ["messages", "size"])]
    pub file: Option<PathBuf>,
    /// Cut the file or standard input into datagrams of this many bytes; the last may be shorter
    #[arg(long, value_name = "BYTES", conflicts_with_all = ["messages", "size"])]
    pub chunk: Option<ByteCount>,
    /// Send generated datagrams of this many bytes, 0 to 65507 over IPv4 and to 65527 over IPv6:
    /// a fixed pattern that links cannot compress
    #[arg(short, long, value_name = "BYTES", conflicts_with = "messages")]
    pub size: Option<ByteCount>,
    /// Send the messages or the file this many times over, each line of standard input this many
    /// times; 0 goes on until it is interrupted [default: 1]
    #[arg(short, long, value_name = "N")]
    pub count: Option<u64>,
}
