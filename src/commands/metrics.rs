//! `--metrics`: the port that serves a run's metrics.

use super::exit::Hinted;
use super::usage::Step;
use crate::cli::MetricsArgs;
use crate::engine::{PagePort, RunningPage};
use crate::net::NetError;
use crate::report;
use crate::report::metrics::{Board, metrics_page, run_started};
use crate::report::words::metrics as words;
use crate::units::Nanos;
use anyhow::Context as _;

/// How often a loop tells how its session stands, where somebody watches.
pub const WATCH: Nanos = Nanos::from_millis(500);

/// A port that is open, and the board that its page will show.
pub struct Metrics {
    port: PagePort,
    board: Board,
}

impl Metrics {
    /// Opens the port of `--metrics`, if one is asked for, before anything else is done.
    pub fn open(args: MetricsArgs, command: &'static str) -> anyhow::Result<Option<Self>> {
        let Some(bind) = args.metrics else { return Ok(None) };
        let port = PagePort::open(bind).map_err(failure)?;
        let board = Board::new();
        run_started(&board, command);
        Ok(Some(Self { port, board }))
    }

    /// The board, for whoever counts.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Serves the page until the answer is dropped, and says where.
    pub fn serve(self) -> anyhow::Result<RunningPage> {
        let (address, board) = (self.port.local_addr(), self.board);
        let render = move |form| {
            let page = metrics_page(&board, form);
            (page.content_type, page.body)
        };
        let running = self.port.serve(Box::new(render)).context(Step::Metrics)?;
        report::note(words::served(address.into()));
        Ok(running)
    }
}

/// The failure to open the port, with what to do where another program has it.
fn failure(error: NetError) -> anyhow::Error {
    if !error.is_in_use() {
        return anyhow::Error::from(error).context(Step::Metrics);
    }
    let error = anyhow::Error::from(error).context(Step::Metrics);
    Hinted { error: anyhow::anyhow!(super::message_of(&error)), hint: words::PORT_TAKEN }.into()
}
