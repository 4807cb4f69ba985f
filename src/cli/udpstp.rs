//! Arguments of `blast` for a UDPSTP server.

use super::shared::heading::{EXPERT, OUTPUT, WHAT, WHERE};
use crate::units::whole;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `blast` for a UDPSTP server.
#[derive(Clone, Debug, Args)]
pub struct UdpstpArgs {
    /// The server is UDPSTP's (RFC 9946, obudpst), on port 24601 unless HOST has another
    ///
    /// Measures the capacity of the path at the IP layer: the rate climbs while loss and delay
    /// variation stay low, and the fastest second is the result. --rate is the most that is asked
    /// for, --streams the connections (1 to 24), --time 5s to 1h, --size 1222 or 1472, --capacity how
    /// the server adjusts the rate.
    #[arg(long, requires = "target", help_heading = WHERE, hide_short_help = true)]
    #[arg(conflicts_with_all = [
        "capacity", "compare_ecn", "genome", "outage",
        "iperf3", "bidir", "find_rate", "sweep", "probe", "verify", "key", "keepalive", "count",
        "bytes", "burst", "ttl", "dont_fragment", "fail_if", "report_every", "jsonl", "csv", "html",
        "live", "metrics", "cpus", "window",
    ])]
    pub udpstp: bool,
    /// Send no datagrams for jumbo frames above 1 Gbit/s (UDPSTP only)
    ///
    /// The server must have the same setting; obudpst's is -j.
    #[arg(long, requires = "udpstp", help_heading = WHAT, hide_short_help = true)]
    pub no_jumbo: bool,
    /// The keys of a UDPSTP server, a file with a line NUMBER,KEY for each
    #[arg(long, value_name = "FILE", requires = "udpstp", help_heading = EXPERT)]
    #[arg(hide_short_help = true)]
    pub udpstp_keys: Option<PathBuf>,
    /// Number of the key to sign with [default: the lowest in the file]
    #[arg(long, value_name = "N", value_parser = whole(0..=u8::MAX), requires = "udpstp_keys")]
    #[arg(help_heading = EXPERT, hide_short_help = true)]
    pub key_id: Option<u8>,
    /// The JSON document of a UDPSTP test has the keys of TR-181; also --json tr181
    #[arg(long, requires = "udpstp", help_heading = OUTPUT, hide_short_help = true)]
    pub tr181: bool,
}
