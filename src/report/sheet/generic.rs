//! Everything that a document has, as tables: what no picture shows is there too.

use super::shape::{Align, Block, Section, Table};
use super::unit::{Unit, words};
use crate::record::saved::Node;

/// Keys whose values are drawn elsewhere, or are for programs alone.
const LEFT_OUT: [&str; 14] = [
    "schema",
    "command",
    "run",
    "missing",
    "names",
    "verdict",
    "evidence",
    "alternatives",
    "caveats",
    "histograms",
    "histogram",
    "over_time",
    "intervals",
    "limits",
];
/// Objects within objects are shown to this depth.
const DEEPEST: usize = 6;

/// Of longer lists of objects that hold objects, only the objects' own figures are shown.
const MOST_NESTED: usize = 16;

/// Adds all figures of a document.
pub(super) fn rest(root: Node<'_>, to: &mut Vec<Section>) {
    let mut tables = Vec::new();
    collect(root, "", (Unit::Count, 0), &mut tables);
    Section::add(to, "All figures", tables.into_iter().map(Block::Table).collect());
}

/// A value as a text; `None` for an object or a list of objects.
pub(super) fn value_text(key: &str, node: Node<'_>, within: Unit) -> Option<String> {
    let unit = Unit::of_key(key, within);
    if let Some(text) = node.text() {
        return Some(text.to_owned());
    }
    if let Some(number) = node.f64() {
        return Some(unit.show(number));
    }
    if node.is_statement() {
        return node.at("text").text().map(str::to_owned);
    }
    let value = node.value()?;
    if let Some(is) = value.as_bool() {
        return Some(if is { "yes" } else { "no" }.to_owned());
    }
    let list = value.as_array()?;
    let texts: Option<Vec<String>> =
        list.iter().map(|one| value_text(key, Node::of(one), within)).collect();
    texts.map(|texts| texts.join(", "))
}

fn collect(node: Node<'_>, name: &str, (unit, depth): (Unit, usize), tables: &mut Vec<Table>) {
    if depth > DEEPEST {
        return;
    }
    let caption = if name.is_empty() { "Settings and counts".to_owned() } else { name.to_owned() };
    let mut rows = Vec::new();
    let mut further = Vec::new();
    for (key, value) in node.entries() {
        if LEFT_OUT.contains(&key) || !value.is_there() {
            continue;
        }
        match value_text(key, value, unit) {
            Some(text) if !text.is_empty() => rows.push(vec![words(key), text]),
            Some(_) => {}
            None => further.push((key, value)),
        }
    }
    if !rows.is_empty() {
        let head = vec![("figure".to_owned(), Align::Left), ("value".to_owned(), Align::Right)];
        tables.push(Table { caption, head, rows });
    }
    for (key, value) in further {
        let name = if name.is_empty() { words(key) } else { format!("{name}, {}", words(key)) };
        let unit = Unit::of_key(key, unit);
        let nested = value.items().any(|one| {
            one.entries()
                .any(|(key, part)| part.is_there() && value_text(key, part, unit).is_none())
        });
        if nested && value.items().count() <= MOST_NESTED {
            for (at, one) in value.items().enumerate() {
                collect(one, &format!("{name} {}", at + 1), (unit, depth + 1), tables);
            }
        } else if value.items().next().is_some() {
            tables.extend(list(value, &name, unit));
        } else {
            collect(value, &name, (unit, depth + 1), tables);
        }
    }
}

/// A list of objects as a table, whose columns are the keys of all of them.
fn list(node: Node<'_>, name: &str, unit: Unit) -> Option<Table> {
    let mut columns: Vec<&str> = Vec::new();
    for (key, value) in node.items().flat_map(Node::entries) {
        let is_shown = value_text(key, value, unit).is_some_and(|text| !text.is_empty());
        if is_shown && !columns.contains(&key) {
            columns.push(key);
        }
    }
    let has_figures = |key: &&str| node.items().any(|one| one.at(key).f64().is_some());
    let head = columns
        .iter()
        .map(|key| (words(key), if has_figures(key) { Align::Right } else { Align::Left }));
    let head: Vec<_> = head.collect();
    let row = |one: Node<'_>| {
        let cell =
            |key: &&str| value_text(key, one.at(key), unit).unwrap_or_else(|| "-".to_owned());
        columns.iter().map(cell).collect()
    };
    let rows: Vec<Vec<String>> = node.items().map(row).collect();
    (!columns.is_empty()).then(|| Table { caption: name.to_owned(), head, rows })
}
