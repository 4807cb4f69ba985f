//! Whether a run is shown on a screen of graphs.

use crate::cli::{LiveArg, LiveArgs};
use crate::engine::Signals;
use crate::report::{is_live_terminal, restore_terminal};
use crate::units::Nanos;

/// A shorter run has no screen of its own accord.
const LEAST: Nanos = Nanos::from_secs(2);

/// What a command prints while it runs where it has no screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prints {
    /// How the run stands, which a screen shows better.
    Standing,
    /// Its results, or nothing, as the user asked.
    Results,
}

/// Whether there is to be a screen; `expected` is the run's length, where that is known. If so, it
/// is left before a second signal ends the process.
pub fn is_wanted(args: LiveArgs, prints: Prints, expected: Option<Nanos>) -> bool {
    let is_long = expected.is_none_or(|expected| expected >= LEAST);
    let is_wanted = match args.live {
        LiveArg::Plain => false,
        LiveArg::Screen => true,
        LiveArg::Auto => prints == Prints::Standing && is_long,
    };
    if !is_wanted || !is_live_terminal() {
        return false;
    }
    Signals::before_exit(restore_terminal);
    true
}
