//! A sheet as one page of HTML that needs nothing else: no script, no font, no picture from
//! anywhere. The pictures are SVG, and every one has its figures in a table below it.

mod chart;
mod style;

use super::sheet::{Align, Block, Figure, Section, Sheet, Table, sheet};
use crate::record::saved::Saved;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Tables with more rows than this are folded; they are printed all the same.
const FOLDED: usize = 24;

/// A table with more columns has the whole width.
const MANY: usize = 5;

/// The page of a document.
pub fn saved_page(saved: &Saved) -> String {
    sheet_page(&sheet(saved))
}

/// The page of a sheet.
pub fn sheet_page(sheet: &Sheet) -> String {
    let mut figures = 0;
    let mut drawn = |all: &[Section], folded| -> Vec<Markup> {
        all.iter().map(|section| draw(section, folded, &mut figures)).collect()
    };
    let sections = [drawn(&sheet.sections, Fold::Open), drawn(&sheet.rest, Fold::Folded)].concat();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // No icon: a browser would ask for one.
                link rel="icon" href="data:,";
                title { (sheet.title) }
                style { (PreEscaped(style::SHEET)) }
            }
            body {
                header { h1 { (sheet.title) } }
                main { @for section in &sections { (section) } }
            }
        }
    };
    page.into_string()
}

/// Whether a section is seen at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Open,
    Folded,
}

fn draw(section: &Section, fold: Fold, figures: &mut usize) -> Markup {
    let blocks = section.blocks.iter().map(|block| match block {
        Block::Told(told) => html! {
            dl.told {
                @for one in told {
                    dt class=(one.label.replace(' ', "-")) { (one.label) }
                    dd { (one.text) }
                }
            }
        },
        Block::Figure(of) => {
            *figures += 1;
            figure(of, *figures)
        }
        Block::Table(of) => html! { div.wide[of.head.len() > MANY] { (table(of)) } },
    });
    let blocks: Vec<Markup> = blocks.collect();
    let body = html! { div.blocks { @for block in &blocks { (block) } } };
    if fold == Fold::Folded {
        return html! { section { details { summary { (section.heading) } (body) } } };
    }
    html! { section { h2 { (section.heading) } (body) } }
}

fn figure(of: &Figure, number: usize) -> Markup {
    let id = format!("figure-{number}");
    let names = chart::names(&of.chart);
    html! {
        figure {
            figcaption { (of.table.caption) }
            (chart::draw(&of.chart, &of.table.caption, &id))
            @if names.len() > 1 {
                ul.legend {
                    @for (at, name) in names.iter().enumerate() {
                        li { span class={ "key " (chart::key(&of.chart, at)) } {} (name) }
                    }
                }
            }
            (table(&of.table))
        }
    }
}

fn table(of: &Table) -> Markup {
    let has_head = of.head.iter().any(|(name, _)| !name.is_empty());
    let body = html! {
        div.scroll role="region" aria-label=(of.caption) tabindex="0" {
            table {
                caption { (of.caption) }
                @if has_head {
                    thead { tr {
                        @for (name, align) in &of.head { th scope="col" class=(side(*align)) { (name) } }
                    } }
                }
                tbody {
                    @for row in &of.rows { tr {
                        @for (at, (cell, (_, align))) in row.iter().zip(&of.head).enumerate() {
                            @if at == 0 { th scope="row" class=(side(*align)) { (cell) } }
                            @else { td class=(side(*align)) { (cell) } }
                        }
                    } }
                }
            }
        }
    };
    if of.rows.len() <= FOLDED {
        return body;
    }
    html! { details { summary { (of.caption) ": " (of.rows.len()) " rows" } (body) } }
}

fn side(align: Align) -> &'static str {
    match align {
        Align::Left => "left",
        Align::Right => "right",
    }
}
