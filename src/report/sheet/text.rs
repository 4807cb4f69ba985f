//! A sheet as text: sentences, tables, and a line of bars for what moves over time.

use super::Sheet;
use super::shape::{Align, Block, Chart, Figure, Section, Table};
use crate::report::Page;
use crate::report::page::{self, ended};
use crate::report::spark::sparkline;

/// Rows of a table that are printed; the page and the document have all.
const MOST_ROWS: usize = 24;

/// The whole sheet as text.
pub fn sheet_text(sheet: &Sheet, page: Page) -> String {
    let mut text = page.fit(&sheet.title);
    for section in &sheet.sections {
        text.push('\n');
        text.push_str(&section_text(section, page));
    }
    text
}

fn section_text(section: &Section, page: Page) -> String {
    let mut text = page.fit(&section.heading);
    for block in &section.blocks {
        match block {
            Block::Told(told) => {
                let mut before = "";
                for one in told {
                    let label = if one.label == before { "" } else { one.label };
                    text.push_str(&page.labelled(label, &[&one.text]));
                    before = one.label;
                }
            }
            Block::Figure(figure) => {
                text.push_str(&page.paragraph("  ", 2, &figure.table.caption));
                text.push_str(&bars(figure, page));
                text.push_str(&rows_of(figure, page));
            }
            Block::Table(table) => {
                text.push_str(&page.paragraph("  ", 2, &table.caption));
                text.push_str(&rows(table, page));
            }
        }
    }
    text
}

/// A line of bars for each curve.
fn bars(figure: &Figure, page: Page) -> String {
    let Chart::Lines { lines, .. } = &figure.chart else { return String::new() };
    let widest = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let line = |line: &super::Line| {
        let values: Vec<f64> = line.points.iter().map(|(_, y)| y.unwrap_or(0.0)).collect();
        let cells = page.columns().saturating_sub(widest + 6);
        format!("    {:<widest$}  {}", line.name, sparkline(&values, cells))
    };
    ended(lines.iter().map(line))
}

/// The figures' table; of pairs, only where their matrix fits.
fn rows_of(figure: &Figure, page: Page) -> String {
    let Chart::Matrix { labels, .. } = &figure.chart else { return rows(&figure.table, page) };
    let text = whole(&figure.table, &figure.table.rows);
    if labels.len() <= MOST_ROWS && fits(&text, page) {
        return text;
    }
    page.paragraph("    ", 4, &too_wide(labels.len()))
}

fn too_wide(hosts: usize) -> String {
    format!("{hosts} hosts: too wide for this page; --html draws the matrix")
}

fn fits(text: &str, page: Page) -> bool {
    text.lines().all(|line| line.chars().count() <= page.columns())
}

/// Rows under the table's heading.
fn whole(table: &Table, rows: &[Vec<String>]) -> String {
    let align = table.head.iter().map(|(_, align)| match align {
        Align::Left => page::Align::Left,
        Align::Right => page::Align::Right,
    });
    let head: Vec<String> = table.head.iter().map(|(name, _)| name.clone()).collect();
    let has_head = head.iter().any(|name| !name.is_empty());
    let all = has_head.then_some(head).into_iter().chain(rows.iter().cloned());
    page::table(&align.collect::<Vec<_>>(), all)
}

/// The table if it fits, or each row as a paragraph.
fn rows(table: &Table, page: Page) -> String {
    let shown = table.rows.len().min(MOST_ROWS);
    let mut text = whole(table, &table.rows[..shown]);
    if !fits(&text, page) {
        text.clear();
        for row in &table.rows[..shown] {
            let head = table.head.iter().map(|(name, _)| name);
            let cells = head.zip(row).filter(|(_, cell)| !cell.is_empty() && *cell != "-");
            let cells =
                cells.map(
                    |(name, cell)| {
                        if name.is_empty() { cell.clone() } else { format!("{name} {cell}") }
                    },
                );
            text.push_str(&page.paragraph("    ", 6, &cells.collect::<Vec<_>>().join("; ")));
        }
    }
    if shown < table.rows.len() {
        text.push_str(&page.paragraph("    ", 4, &more(table.rows.len() - shown)));
    }
    text
}

fn more(rows: usize) -> String {
    format!("and {rows} more rows, which --html has")
}
