//! Flags that say what the datagrams carry; `send` and `cast send` share them.

use super::shared::heading::WHAT;
use crate::units::{ByteCount, ParseSizeError, SizeChoice, whole};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the datagrams carry.
#[derive(Debug, Default, Args)]
pub struct PayloadArgs {
    /// Messages, one datagram each [default: lines of standard input]
    ///
    /// Without a message, each line of standard input is a datagram. Everything after -- is a
    /// message. An empty message is an empty datagram.
    #[arg(last = true, value_name = "MESSAGE")]
    pub messages: Vec<OsString>,
    /// Generate datagrams of this many bytes
    ///
    /// 0 to 65507 over IPv4, up to 65527 over IPv6. The content is a fixed, incompressible pattern.
    #[arg(short, long, value_name = "BYTES", value_parser = one_size, conflicts_with = "messages", help_heading = WHAT)]
    pub size: Option<ByteCount>,
    /// Times to send messages or the file; 0: no limit [default: 1]
    ///
    /// With standard input, each line is sent this many times.
    #[arg(short, long, value_name = "N", value_parser = whole(0..=u64::MAX), help_heading = WHAT)]
    pub count: Option<u64>,
    /// Send this file as one datagram
    ///
    /// - is standard input. With --chunk, it is split into datagrams.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["messages", "size"])]
    #[arg(help_heading = WHAT)]
    pub file: Option<PathBuf>,
    /// Split the file or standard input into datagrams of this many bytes
    #[arg(long, value_name = "BYTES", conflicts_with_all = ["messages", "size"])]
    #[arg(help_heading = WHAT, hide_short_help = true)]
    pub chunk: Option<ByteCount>,
    /// Interpret \n \r \t \0 \\ and \xHH in messages and lines
    #[arg(long, conflicts_with_all = ["hex", "size", "chunk"])]
    #[arg(help_heading = WHAT, hide_short_help = true)]
    pub escape: bool,
    /// Read messages and lines as hexadecimal; spaces and colons may separate bytes
    #[arg(long, conflicts_with_all = ["size", "chunk"])]
    #[arg(help_heading = WHAT, hide_short_help = true)]
    pub hex: bool,
    /// Fill in {seq}, {time} and {random:N} in messages and lines
    ///
    /// {seq} counts from 0, {time} is nanoseconds since 1970, {random:N} is N random letters and
    /// digits, all anew for every datagram.
    #[arg(long, conflicts_with_all = ["size", "chunk"])]
    #[arg(help_heading = WHAT, hide_short_help = true)]
    pub template: bool,
    /// Keep the newline at the end of each line of standard input
    #[arg(long, conflicts_with_all = ["messages", "size", "chunk", "hex"])]
    #[arg(help_heading = WHAT, hide_short_help = true)]
    pub newline: bool,
}

/// Reads the one size of generated datagrams.
fn one_size(text: &str) -> Result<ByteCount, ParseSizeError> {
    SizeChoice::one(text, "send and cast send")
}
