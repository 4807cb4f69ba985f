//! `udpkit monitor`.

use super::shared::heading::{EXPERT, FAST, LIMITS, LONG, OUTPUT, WHAT, WHERE};
use super::shared::{DEFAULT_PORT, port};
use super::{FamilyArgs, MetricsArgs, TimesArgs};
use crate::units::{ByteCount, Nanos, ParseSizeError, SizeChoice, Threshold, whole};
use crate::wire::Dscp;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit monitor`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
    A list is TOML: [defaults], a [[target]] for each with address, and name, interval, size, dscp, \
    key, protocol as needed; a [[threshold]] for each with when, and run or targets. What it does \
    not say is taken from the flags.\n\n\
    Examples:\n  \
    udpkit monitor a.example b.example -i 1s          until interrupted\n  \
    udpkit monitor ./targets.toml --jsonl             a list, events as JSON\n  \
    udpkit monitor ./targets.toml --alert 'loss>1% for 1min' --run ./page-me\n  \
    udpkit monitor a.example -t 1h --fail-if 'outage>10s,p99>50ms'\n\n\
    Exit code: 0 if a target replied, 1 if none did, 3 if a limit of --fail-if was broken.")]
pub struct MonitorArgs {
    /// Targets, or a list of them: ./NAME.toml
    ///
    /// A list is a path with a slash, or a name that ends in .toml. Targets are udpkit serve, any STAMP reflector (RFC 8762), or an echo service with --echo. A
    /// list is read again on SIGHUP: targets that stay keep their counts.
    #[arg(value_name = "FILE|HOST[:PORT]", required = true)]
    pub targets: Vec<String>,
    /// Payload size in bytes [default: 44; 112 with a key, 56 with --echo]
    #[arg(short, long, value_name = "BYTES", value_parser = one_size, help_heading = WHAT, hide_short_help = true)]
    pub size: Option<ByteCount>,
    /// Target echo services instead of STAMP
    #[arg(long, conflicts_with = "key", help_heading = WHAT, hide_short_help = true)]
    pub echo: bool,
    /// DSCP: a name (EF, AF41, CS1) or a number from 0 to 63
    #[arg(long, value_name = "DSCP", help_heading = WHAT, hide_short_help = true)]
    pub dscp: Option<Dscp>,
    /// UDP port of targets that have none
    ///
    /// Standard STAMP is 862.
    #[arg(short, long, value_name = "PORT", default_value_t = DEFAULT_PORT, value_parser = port)]
    #[arg(help_heading = WHERE)]
    pub port: u16,
    /// Interface to send and receive on
    #[arg(short = 'I', long, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub interface: Option<String>,
    /// Resolve names again this often; those of silent targets every 10 s at least
    #[arg(long, value_name = "DURATION", default_value = "5min", help_heading = WHERE)]
    #[arg(hide_short_help = true)]
    pub resolve_every: Nanos,
    /// Families.
    #[command(flatten)]
    pub family: FamilyArgs,
    /// Time between probes to a target [minimum: 10ms]
    #[arg(short, long, value_name = "DURATION", default_value = "1s", help_heading = FAST)]
    pub interval: Nanos,
    /// Stop after this long [default: no limit]
    #[arg(short, long, value_name = "DURATION", help_heading = LONG)]
    pub time: Option<Nanos>,
    /// How long to wait for a reply
    #[arg(short, long, value_name = "DURATION", default_value = "2s", help_heading = LONG)]
    #[arg(hide_short_help = true)]
    pub wait: Nanos,
    /// Probes in a row without an answer that make an outage
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole(1..=10_000u32))]
    #[arg(help_heading = LIMITS, hide_short_help = true)]
    pub outage_probes: u32,
    /// Watch a threshold: loss>1% for 1min, outage>10s
    ///
    /// May be repeated. loss, p50 p90 p99 p99.9 and max (round trip) over the last so long, in steps of an eighth; or
    /// outage>10s. Told when it is broken and when it is kept again.
    #[arg(long, value_name = "THRESHOLD", help_heading = LIMITS)]
    pub alert: Vec<Threshold>,
    /// Run this command when an --alert breaks or ends
    ///
    /// By sh -c, four at a time at most. The environment says what happened: UDPKIT_TARGET,
    /// UDPKIT_ADDRESS, UDPKIT_CONDITION, UDPKIT_STATE (broken or held), UDPKIT_TEXT and more.
    #[arg(long, value_name = "COMMAND", requires = "alert", help_heading = LIMITS)]
    pub run: Option<String>,
    /// Report all targets together this often [minimum: 1s]
    #[arg(long, value_name = "DURATION", default_value = "1min", help_heading = OUTPUT)]
    #[arg(hide_short_help = true)]
    pub interval_report: Nanos,
    /// Exit with code 3 if one is broken: outage>10s
    ///
    /// A threshold with a time (loss>1% for 1min) or on an outage ends the run when it is broken;
    /// others apply to each target over the whole run. Separate several with commas.
    #[arg(long, value_name = "LIMITS", value_delimiter = ',', help_heading = OUTPUT)]
    pub fail_if: Vec<Threshold>,
    /// Times.
    #[command(flatten)]
    pub times: TimesArgs,
    /// Print the final report only
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document at the end
    #[arg(short = 'J', long, conflicts_with_all = ["jsonl", "csv"], help_heading = OUTPUT)]
    pub json: bool,
    /// Print each event, and each target of each interval, as a line of JSON
    #[arg(long, conflicts_with = "csv", help_heading = OUTPUT, hide_short_help = true)]
    pub jsonl: bool,
    /// Print each target of each interval as a row of comma-separated values
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub csv: bool,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Authenticated mode, with the key in this file [default: $UDPKIT_KEY]
    #[arg(long, value_name = "FILE", help_heading = EXPERT, hide_short_help = true)]
    pub key: Option<PathBuf>,
}

/// Reads the one size of a probe.
fn one_size(text: &str) -> Result<ByteCount, ParseSizeError> {
    SizeChoice::one(text, "monitor")
}
