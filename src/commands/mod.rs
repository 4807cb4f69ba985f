//! One function per subcommand: resolves arguments to a plan and runs it.

mod address_race;
mod bind;
mod blast;
mod cast;
mod documentation;
mod exit;
mod key;
mod live;
mod metrics;
mod misread;
mod monitor;
mod outage_length;
mod own_losses;
mod payload;
mod ping;
mod probe;
mod progress;
mod recv;
mod relay;
mod saved;
mod send;
mod serve;
mod shared;
mod stat;
mod udpstp_keys;
mod usage;
mod version;
mod wait_for_address;

pub use blast::measure as measure_throughput;
pub use cast::{GroupError, GroupHost, GroupSpec, measure_send as measure_fanout};
use exit::own_addresses_hint;
pub use exit::{Exit, Usage, code_of, hint_of, message_of, show_failure};
pub use ping::measure as measure_ping;
pub use version::verbose_version;

use crate::cli::{Cli, Command, is_ascii_only};
use crate::record::{RunFacts, Worded as _, note_run};
use crate::{batch, net, report, sys, units};
use anyhow::Context as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Runs what the command line asks for.
pub fn run(cli: Cli) -> anyhow::Result<Exit> {
    report::set_verbose(cli.global.verbose);
    report::set_quiet(cli.is_quiet());
    units::name_zones(net::interface_names());
    report::set_color(cli.global.color.into());
    report::set_ascii(is_ascii_only(cli.global.ascii));
    note_run(facts());
    if let Some(file) = cli.html() {
        let cannot = || format!("cannot write {}", file.display());
        report::set_html(file.clone()).with_context(cannot)?;
    }
    check_environment()?;
    let ended = run_command(cli.command);
    // What a report lacks belongs beside it; JSON has it too.
    for lack in batch::refused_conveniences() {
        // What a system never has is the same in every report.
        if lack.is_lacking {
            report::detail(lack.text());
        } else {
            report::note(lack.text());
        }
    }
    ended
}

/// Why the environment is not as this process can have it.
#[derive(Debug, thiserror::Error)]
#[error("UDPKIT_IO is {0:?}, and may be \"portable\" or nothing")]
struct UnknownMode(String);

impl exit::UsageError for UnknownMode {}

fn check_environment() -> Result<(), Usage> {
    net::IoMode::unknown_override().map_or(Ok(()), |mode| Err(UnknownMode(mode).into()))
}

fn run_command(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Send(args) => send::run(args),
        Command::Recv(args) => recv::run(args),
        Command::Cast(args) => cast::run(args),
        Command::Relay(args) => relay::run(&args),
        Command::Serve(args) => serve::run(*args),
        Command::Stat(args) => stat::run(args),
        Command::Blast(args) => blast::run(*args),
        Command::Ping(args) => ping::run(args),
        Command::Monitor(args) => monitor::run(&args),
        Command::Report(args) => saved::run(args),
        Command::Probe(args) => probe::run(args),
        Command::Completions(args) => Ok(documentation::completions(args)),
        Command::Man(args) => documentation::man(args),
    }
}

/// What runs, where and when.
fn facts() -> RunFacts {
    let arguments = std::env::args_os().skip(1);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    RunFacts {
        version: env!("CARGO_PKG_VERSION"),
        arguments: arguments.map(|one| one.to_string_lossy().into_owned()).collect(),
        started_ns: u64::try_from(since.as_nanos()).unwrap_or(0),
        system: sys::system_name(),
        architecture: std::env::consts::ARCH,
        processors: sys::processors() as u64,
    }
}
