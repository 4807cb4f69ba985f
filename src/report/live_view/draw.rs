//! A picture as cells: heading, progress, graphs with their figures beside them, a table, the
//! latest messages and the keys, in this order, as far as there is room.

use super::graph::{self, Spread};
use super::picture::{Graph, Picture, Stage};
use crate::report::ascii::ascii;
use crate::report::words::live as words;
use crate::report::words::progress::{time_left, whole_seconds};
use crate::units::Nanos;
use crate::wire::harmless;
use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier, Style};

/// Most rows of one graph.
const TALLEST: usize = 10;
/// Most messages, and the rows of a screen for each of them.
const MESSAGES: usize = 4;
const ROWS_A_MESSAGE: usize = 6;
/// Rows from which on blank ones separate the parts.
const ROOMY: usize = 16;
/// Columns before and between the parts of a row.
const MARGIN: usize = 2;

/// The characters and attributes that the terminal is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// ASCII alone.
    pub is_ascii: bool,
    /// Colours and other attributes. Only colours that a terminal adapts to its background are
    /// used, and these for trouble alone.
    pub has_color: bool,
}

impl Look {
    fn style(self, style: Style) -> Style {
        if self.has_color { style } else { Style::new() }
    }

    fn heading(self) -> Style {
        self.style(Style::new().add_modifier(Modifier::BOLD))
    }

    fn aside(self) -> Style {
        self.style(Style::new().add_modifier(Modifier::DIM))
    }

    fn notice(self) -> Style {
        self.style(Style::new().add_modifier(Modifier::REVERSED))
    }

    fn trouble(self) -> Style {
        self.style(Style::new().fg(Color::Red))
    }

    fn text(self, text: &str) -> String {
        let text = harmless(text);
        if self.is_ascii { ascii(&text).into_owned() } else { text.into_owned() }
    }
}

/// The screen being drawn.
struct Canvas<'a> {
    buffer: &'a mut Buffer,
    look: Look,
    columns: usize,
}

impl Canvas<'_> {
    /// Writes as much of a text as fits before `end`.
    fn put(&mut self, (x, y): (usize, usize), end: usize, text: &str, style: Style) {
        if y >= usize::from(self.buffer.area.height) || x >= end.min(self.columns) {
            return;
        }
        let text = self.look.text(text);
        let room = end.min(self.columns) - x;
        self.buffer.set_stringn(x as u16, y as u16, text, room, style);
    }

    /// A whole line.
    fn line(&mut self, y: usize, text: &str, style: Style) {
        self.put((0, y), self.columns, text, style);
    }

    /// A text that ends at the last column.
    fn right(&mut self, y: usize, text: &str, style: Style) {
        let x = self.columns.saturating_sub(text.chars().count());
        self.put((x, y), self.columns, text, style);
    }
}

/// Draws a picture into an empty buffer of the screen's size.
pub fn draw(picture: &Picture, look: Look, buffer: &mut Buffer) {
    let (columns, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    if rows == 0 || columns == 0 {
        return;
    }
    let mut canvas = Canvas { buffer, look, columns };
    canvas.line(0, &picture.heading, look.heading());
    if rows == 1 {
        return;
    }
    progress(&mut canvas, picture);
    let gap = usize::from(rows >= ROOMY);
    // The keys have the last row.
    let keys = usize::from(rows >= 4);
    if keys > 0 {
        canvas.line(rows - 1, &words::keys(picture.unit), look.aside());
    }
    let (mut top, mut bottom) = (2 + gap, rows - keys);
    let messages = picture.messages.len().min(MESSAGES).min(rows / ROWS_A_MESSAGE);
    if messages > 0 {
        let latest = &picture.messages[picture.messages.len() - messages..];
        for (row, message) in latest.iter().enumerate() {
            canvas.line(bottom - messages + row, message, look.trouble());
        }
        bottom -= messages + gap;
    }
    let table = picture.table.len().min(bottom.saturating_sub(top + picture.graphs.len()));
    let room = bottom.saturating_sub(top + table);
    top += graphs(&mut canvas, picture, top, room.saturating_sub(if table > 0 { gap } else { 0 }));
    if table > 0 {
        let top = (top + gap).min(bottom - table);
        for (row, line) in picture.table[..table].iter().enumerate() {
            canvas.line(top + row, line, Style::new());
        }
    }
}

/// The second line: how far the run is.
fn progress(canvas: &mut Canvas<'_>, picture: &Picture) {
    let plain = Style::new();
    let look = canvas.look;
    if let Stage::Waiting(what) = &picture.stage {
        canvas.line(1, &format!("  {what}"), plain);
        return;
    }
    let state = match picture.stage {
        Stage::Paused => words::PAUSED,
        Stage::Ending => words::ENDING,
        Stage::Waiting(_) | Stage::Running => "",
    };
    let elapsed = whole_seconds(picture.elapsed);
    let Some(expected) = picture.expected else {
        canvas.line(1, &format!("  {elapsed}"), plain);
        canvas.right(1, state, look.notice());
        return;
    };
    let left = time_left(expected, picture.elapsed.min(expected));
    let beside = elapsed.chars().count() + left.chars().count() + state.chars().count() + 9;
    let width = canvas.columns.saturating_sub(beside);
    let share = picture.elapsed.0.min(expected.0) as f64 / expected.0.max(1) as f64;
    let full = "=".repeat((share * width as f64) as usize);
    let head = if full.len() < width { ">" } else { "" };
    let bar = format!("  {elapsed}  [{:<width$}]  {left}", format!("{full}{head}"));
    canvas.line(1, &bar, plain);
    canvas.right(1, state, look.notice());
}

/// Widths of the parts of a graph's rows.
#[derive(Clone, Copy)]
struct Widths {
    name: usize,
    bars: usize,
    figures: usize,
}

impl Widths {
    fn of(graphs: &[Graph], figures_shown: usize, columns: usize) -> Self {
        let longest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let name = longest(&mut graphs.iter().map(|graph| &graph.name)).min(columns / 4);
        let shown = graphs.iter().flat_map(|graph| graph.figures.iter().take(figures_shown));
        let figures = longest(&mut shown.into_iter()).min(columns / 2);
        // The margin, a blank and two rules, and the margin before the figures.
        let bars = columns.saturating_sub(MARGIN + name + 3 + 1 + figures + 1);
        Self { name, bars, figures }
    }
}

/// Draws the graphs into `room` rows from `top` on; returns how many it took.
fn graphs(canvas: &mut Canvas<'_>, picture: &Picture, top: usize, room: usize) -> usize {
    let all = &picture.graphs;
    if all.is_empty() || room == 0 {
        return 0;
    }
    // The times below them, if there is a row left for these.
    let axis = usize::from(room > all.len());
    let rows = room - axis;
    let (shown, left_out) = match all.len().checked_sub(rows) {
        None | Some(0) => (all.len(), 0),
        Some(more) => (rows - 1, more + 1),
    };
    let each = (rows / all.len().max(1)).clamp(1, TALLEST + 1);
    let (height, gap) = if each >= 3 { (each - 1, 1) } else { (each, 0) };
    let widths = Widths::of(&all[..shown], height, canvas.columns);
    let expected = picture.expected.map(Nanos::as_u64);
    let spread = Spread::of(expected, picture.bar_time.0);
    let mut y = top;
    for one in &all[..shown] {
        graph(canvas, one, (y, height), widths, spread);
        y += height + gap;
    }
    y -= if shown > 0 { gap } else { 0 };
    if left_out > 0 {
        canvas.line(y, &words::more(left_out as u64), canvas.look.aside());
        y += 1;
    }
    if axis > 0 {
        times(canvas, picture, (y, widths), spread);
        y += 1;
    }
    y - top
}

/// Draws one graph.
fn graph(
    canvas: &mut Canvas<'_>,
    graph: &Graph,
    (top, height): (usize, usize),
    widths: Widths,
    spread: Spread,
) {
    let look = canvas.look;
    let left = MARGIN + widths.name + 1;
    let right = left + 1 + widths.bars;
    canvas.put((MARGIN, top), MARGIN + widths.name, &graph.name, look.heading());
    for (row, cells) in
        graph::rows(&graph.bars, spread, widths.bars, height).into_iter().enumerate()
    {
        let y = top + row;
        canvas.put((left, y), canvas.columns, "│", look.aside());
        for (column, (sign, is_trouble)) in cells.into_iter().enumerate() {
            if sign != ' ' {
                let style = if is_trouble { look.trouble() } else { Style::new() };
                let mut text = [0; 4];
                canvas.put((left + 1 + column, y), right, sign.encode_utf8(&mut text), style);
            }
        }
        canvas.put((right, y), canvas.columns, "│", look.aside());
        if let Some(figure) = graph.figures.get(row) {
            let style = if row == 0 { look.heading() } else { Style::new() };
            canvas.put((right + 2, y), right + 2 + widths.figures, figure, style);
        }
    }
}

/// The times at both ends of the graphs.
fn times(canvas: &mut Canvas<'_>, picture: &Picture, (y, widths): (usize, Widths), spread: Spread) {
    let left = MARGIN + widths.name + 2;
    let (from, to) = if let (Spread::Whole(_), Some(expected)) = (spread, picture.expected) {
        (whole_seconds(Nanos::ZERO), whole_seconds(expected.max(picture.elapsed)))
    } else {
        let shown = picture.bar_time.0.saturating_mul(widths.bars as u64);
        (words::ago(Nanos(shown)), words::NOW.to_owned())
    };
    let style = canvas.look.aside();
    canvas.put((left, y), left + widths.bars, &from, style);
    let x = (left + widths.bars).saturating_sub(to.chars().count());
    if x > left + from.chars().count() {
        canvas.put((x, y), left + widths.bars, &to, style);
    }
}
