//! Counts of a run as metrics that Prometheus reads: the families as data, the cells that a run
//! writes, and the pages. The port that serves them is `engine`'s.
//!
//! ```text
//! family      what there is: names, units, labels, help
//! catalogue   all families
//! board       the series of a run; whoever counts writes atomics, the port's thread reads them
//! histogram   delays, in classic and in native buckets
//! page        the page, in the form that was asked for
//! protobuf    the form that has native buckets
//! ping …      what each command's events change
//! ```

mod blast;
mod board;
mod cast;
mod catalogue;
mod family;
mod histogram;
mod monitor;
mod page;
mod ping;
mod protobuf;
mod recv;
mod relay;
mod serve;

pub use blast::{BlastMetrics, StreamReceiving};
pub use board::{Board, Count, Delays, Gauge, Label, Row};
pub use cast::{CastRecvMetrics, CastSendMetrics};
pub use catalogue::families as metric_families;
pub use family::{Family, FamilyKind, FamilyUnit};
pub use monitor::MonitorMetrics;
pub use page::{MetricsPage, metrics_page};
pub use ping::PingMetrics;
pub use recv::RecvMetrics;
pub use relay::RelayMetrics;
pub use serve::ServeMetrics;

use std::time::{SystemTime, UNIX_EPOCH};

/// Notes that a run of a command begins.
pub fn run_started(board: &Board, command: &'static str) {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let labels = vec![("command", command.to_owned()), ("version", version)];
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    board.gauge(&family::STARTED, labels).set(u64::try_from(since.as_nanos()).ok());
}
