//! A relay's destinations as a table, in its report and on its screen.

use super::page::{Align, table};
use super::words::relay as words;
use crate::record::RelayDestination;
use crate::units::group_digits;

/// What became of the datagrams for each destination.
pub(super) fn destinations(destination_rows: &[RelayDestination]) -> String {
    let head = ["destination", "forwarded", "refused", "queued", "answers", "errors"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for row in destination_rows {
        let gone = if row.is_current { "" } else { " (removed)" };
        let mut cells = vec![format!("{}{gone}", words::target(row.destination))];
        let counts = [row.forwarded, row.refused.total, row.queued, row.answers, row.errors];
        cells.extend(counts.map(group_digits));
        rows.push(cells);
    }
    let align = [Align::Left, Align::Right, Align::Right, Align::Right, Align::Right, Align::Right];
    table(&align, rows)
}
