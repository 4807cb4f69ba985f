//! How datagrams were marked: a line for a run of one ECN field, a table where several are compared.

use super::Page;
use super::number::span_or_dash;
use super::page::{Align, table};
use super::words::ecn::{arrived_text, field};
use super::words::terms::share;
use crate::record::{DirectionReport, EcnClass, Worded};
use crate::units::group_digits;
use crate::wire::Ecn;

/// What is told of a direction's marks; nothing where no datagram had one.
pub(super) fn ecn_text(way: &DirectionReport, page: Page) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut text = String::new();
    match &way.ecn_classes[..] {
        [] => {}
        [class] => lines.extend(is_telling(class).then(|| arrived_text(class))),
        several => text = format!("{}\n", class_table(several)),
    }
    lines.extend(way.ecn_findings.iter().map(Worded::text));
    text.push_str(&page.labelled("ecn", &lines));
    text
}

/// Whether datagrams were sent with a mark, or arrived with one.
fn is_telling(class: &EcnClass) -> bool {
    let unmarked = class.arrived_as.is_none_or(|arrived| arrived.not_ect == arrived.total());
    class.sent_as != Ecn::NotEct || !unmarked
}

fn class_table(classes: &[EcnClass]) -> String {
    let head = ["sent as", "sent", "lost", "CE", "base", "p50", "p90", "p99", "jitter"];
    let rows = classes.iter().map(|class| {
        let sent = class.sent_datagrams;
        let lost = sent.map(|sent| share(class.lost_datagrams, sent, 2));
        let marked = class.arrived_as.map(|arrived| share(class.marked(), arrived.total(), 2));
        let dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        vec![
            field(class.sent_as).to_owned(),
            dash(sent.map(group_digits)),
            dash(lost),
            dash(marked),
            span_or_dash(class.min_above_fastest_ns),
            span_or_dash(class.delay_p50_ns),
            span_or_dash(class.delay_p90_ns),
            span_or_dash(class.delay_p99_ns),
            span_or_dash(class.jitter_ns),
        ]
    });
    let rows = [head.map(str::to_owned).to_vec()].into_iter().chain(rows);
    let mut align = [Align::Right; 9];
    align[0] = Align::Left;
    table(&align, rows)
}
