//! The cells that changed between two frames as escape sequences of a terminal (ECMA-48). Only
//! these are written, and the terminal is asked to show them at once, so that nothing flickers.

use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::style::{Color, Modifier};
use std::io::Write;

/// Begin and end of what is to be shown at once; a terminal that does not know it ignores it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// No attributes.
const PLAIN: &[u8] = b"\x1b[0m";

/// What changes a screen that shows `before` into one that shows `next`; all of it if nothing was
/// shown before, or at another size. Empty if nothing changed.
pub fn paint(before: Option<&Buffer>, next: &Buffer) -> Vec<u8> {
    let blank = Buffer::empty(next.area);
    let same_size = before.filter(|before| before.area == next.area);
    let mut bytes = BEGIN.to_vec();
    if same_size.is_none() {
        bytes.extend_from_slice(b"\x1b[0m\x1b[2J");
    }
    let changes = same_size.unwrap_or(&blank).diff(next);
    if changes.is_empty() && same_size.is_some() {
        return Vec::new();
    }
    let mut pen: Option<(u16, u16)> = None;
    let mut style = (Color::Reset, Modifier::empty());
    for (x, y, cell) in changes {
        if pen != Some((x, y)) {
            // Writing to a vector does not fail.
            let _ = write!(bytes, "\x1b[{};{}H", y + 1, x + 1);
        }
        if style != (cell.fg, cell.modifier) {
            style = (cell.fg, cell.modifier);
            bytes.extend_from_slice(attributes(cell).as_bytes());
        }
        bytes.extend_from_slice(cell.symbol().as_bytes());
        // A terminal may disagree about how wide a character of another script is.
        pen = is_narrow(cell.symbol()).then_some((x + 1, y));
    }
    bytes.extend_from_slice(PLAIN);
    bytes.extend_from_slice(END);
    bytes
}

/// Whether every terminal gives it one column.
fn is_narrow(symbol: &str) -> bool {
    let mut all = symbol.chars();
    let first = all.next().unwrap_or(' ');
    all.next().is_none() && (first.is_ascii() || ('\u{a0}'..'\u{300}').contains(&first))
}

/// The sequence that gives a cell its attributes, whatever they were before.
fn attributes(cell: &Cell) -> String {
    let mut codes = vec!["0"];
    let modifiers = [(Modifier::BOLD, "1"), (Modifier::DIM, "2"), (Modifier::REVERSED, "7")];
    codes.extend(modifiers.iter().filter(|(one, _)| cell.modifier.contains(*one)).map(|one| one.1));
    if cell.fg == Color::Red {
        codes.push("31");
    }
    format!("\x1b[{}m", codes.join(";"))
}
