//! `udpkit report`.

use super::HtmlArgs;
use super::shared::heading::OUTPUT;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `udpkit report`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    udpkit blast 192.0.2.10 -b 100M --json > a.json  save a result\n  \
    udpkit report a.json                             show it again\n  \
    udpkit report a.json --html a.html               as a page with pictures\n  \
    udpkit report a.json b.json                      what differs beyond the noise\n  \
    udpkit report a.json b.json --fail-if 'rate<-5%,p99>+20%'\n  \
    udpkit report --merge *.json                     many runs as one\n  \
    udpkit report --mesh *.json --html mesh.html     pairs of hosts, the worst first\n\n\
    Exit code: 0 done, 1 failed, 3 if a limit of --fail-if was broken.")]
pub struct ReportArgs {
    /// Documents that --json printed; - is standard input
    ///
    /// One is shown. Of two or more, each is compared with the first.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Add up the runs instead of comparing them (blast, ping)
    ///
    /// Counts are added, and histograms of delay, which loses nothing.
    #[arg(long, help_heading = OUTPUT)]
    pub merge: bool,
    /// Show the runs between the hosts of a mesh as a matrix, and the worst pairs (blast, ping)
    ///
    /// Each file is named after its two hosts, FROM-TO.json; one of ping with several targets is
    /// named FROM.json. Rows are the hosts that sent, columns those that received.
    #[arg(long, conflicts_with = "merge", help_heading = OUTPUT)]
    pub mesh: bool,
    /// Exit with code 3 if a figure changed by more: rate<-5%
    ///
    /// For example rate<-5%,p99>+20%. The change is in percent of the first file's figure; that of
    /// loss is in percentage points. Separate several with commas, or repeat the option. A figure
    /// that is not known breaks its limit. Metrics: those of blast --fail-if. With --mesh, limits
    /// are those of blast --fail-if, such as loss>0.1%, and every pair is held to each.
    #[arg(long, value_name = "LIMITS", value_delimiter = ',', help_heading = OUTPUT)]
    #[arg(conflicts_with = "merge")]
    pub fail_if: Vec<String>,
    /// Print nothing; for --html and --fail-if
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Print one JSON document instead of text
    #[arg(short = 'J', long, help_heading = OUTPUT)]
    pub json: bool,
    /// The page of the result.
    #[command(flatten)]
    pub html: HtmlArgs,
}
