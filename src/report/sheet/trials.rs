//! The sheet of a series of runs: `--sweep` and `--find-rate`.

use super::shape::{Align, Axis, Block, Chart, Figure, Line, Section, Table};
use super::unit::{Unit, count_or_dash, share_or_dash};
use crate::record::saved::Node;

/// Adds offered against delivered, loss and delay by rate, and every trial's verdict.
pub(super) fn draw(root: Node<'_>, to: &mut Vec<Section>) {
    let mut trials: Vec<_> = root.at("trials").items().collect();
    if trials.is_empty() {
        return;
    }
    let offered = |one: &Node<'_>| one.at("offered.bits_per_second").f64();
    let goal = |one: &Node<'_>| one.at("goal_bps").f64().or_else(|| offered(one));
    let table: Vec<Vec<String>> = trials.iter().map(|one| row(*one, goal(one))).collect();
    trials.sort_by(|one, two| goal(one).unwrap_or(0.0).total_cmp(&goal(two).unwrap_or(0.0)));
    let line = |name: &str, value: &dyn Fn(&Node<'_>) -> Option<f64>| Line {
        name: name.to_owned(),
        points: trials.iter().filter_map(|one| Some((goal(one)?, value(one)))).collect(),
    };
    let rate = || Axis::new("offered payload", Unit::Bits);
    let at = |one: &Node<'_>, path: &str| one.at(path).f64();
    let loss = |one: &Node<'_>| {
        let sent = at(one, "sent.datagrams").filter(|sent| *sent > 0.0)?;
        Some(at(one, "lost.total")? * 100.0 / sent)
    };
    let figures = [
        (
            "Offered against delivered",
            Axis::new("payload", Unit::Bits),
            vec![
                line("sent", &|one| at(one, "sent.bits_per_second")),
                line("delivered", &|one| at(one, "received.bits_per_second")),
            ],
        ),
        ("Loss by rate", Axis::new("lost", Unit::Percent), vec![line("lost", &loss)]),
        (
            "Delay above the minimum by rate",
            Axis::new("delay", Unit::Span),
            vec![
                line("p50", &|one| at(one, "delay_above_min_ns.p50")),
                line("p99", &|one| at(one, "delay_above_min_ns.p99")),
            ],
        ),
    ];
    let mut blocks = Vec::new();
    for (title, y, lines) in figures {
        let rows = trials.iter().map(|one| {
            let here = goal(one);
            let mut cells = vec![Unit::Bits.show_or_dash(here)];
            cells.extend(lines.iter().map(|line| {
                let point = line.points.iter().find(|(x, _)| Some(*x) == here);
                y.unit.show_or_dash(point.and_then(|(_, value)| *value))
            }));
            cells
        });
        let mut head = vec!["rate"];
        head.extend(lines.iter().map(|line| line.name.as_str()));
        let table = Table::figures(title, &head, rows.collect());
        blocks.push(Block::Figure(Figure { chart: Chart::Lines { x: rate(), y, lines }, table }));
    }
    blocks.extend(bounds(root));
    let head = ["rate", "sent", "delivered", "lost", "share", "outcome", "verdict"];
    let mut trials = Table::of("Trials, in their order", &head, table);
    trials.head[5..].iter_mut().for_each(|(_, align)| *align = Align::Left);
    blocks.push(Block::Table(trials));
    Section::add(to, "Trials", blocks);
}

/// The bounds of each loss, where a search had several.
fn bounds(root: Node<'_>) -> Option<Block> {
    let rows: Vec<Vec<String>> = root.at("goals").items().map(bounds_row).collect();
    let head = ["loss", "passed", "lost", "trials", "failed", "lost", "trials"];
    (rows.len() > 1).then(|| Block::Table(Table::figures("Highest rate by loss", &head, rows)))
}

fn bounds_row(goal: Node<'_>) -> Vec<String> {
    let allowed = goal.at("loss_allowed_ppb").u64();
    let mut cells = vec![share_or_dash(allowed, Some(1_000_000_000))];
    for bound in [goal.at("lower"), goal.at("upper")] {
        let trials: Vec<String> = bound
            .at("trials")
            .items()
            .filter_map(Node::u64)
            .map(|number| number.to_string())
            .collect();
        cells.push(Unit::Bits.show_or_dash(bound.at("rate_bps").f64()));
        cells.push(share_or_dash(
            bound.at("lost_datagrams").u64(),
            bound.at("sent_datagrams").u64(),
        ));
        cells.push(if trials.is_empty() { "-".to_owned() } else { trials.join(", ") });
    }
    cells
}

fn row(trial: Node<'_>, goal: Option<f64>) -> Vec<String> {
    let lost = trial.at("lost.total").u64();
    vec![
        Unit::Bits.show_or_dash(goal),
        Unit::Bits.show_or_dash(trial.at("sent.bits_per_second").f64()),
        Unit::Bits.show_or_dash(trial.at("received.bits_per_second").f64()),
        count_or_dash(lost),
        share_or_dash(lost, trial.at("sent.datagrams").u64()),
        trial.at("outcome").text().unwrap_or("-").replace('_', " "),
        trial.at("verdict.text").text().unwrap_or("-").to_owned(),
    ]
}
