//! The pictures, drawn with plotters into SVG.

use crate::report::sheet::{Axis, Chart, Line, Unit};
use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

/// Width and height of a picture; a page scales it.
const SIZE: (u32, u32) = (500, 310);
/// The colours of the curves, which stand apart for every kind of sight and in grey.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x00, 0x60, 0xa8),
    RGBColor(0xc0, 0x4f, 0x00),
    RGBColor(0x00, 0x79, 0x5b),
    RGBColor(0xa8, 0x40, 0x8a),
    RGBColor(0x7a, 0x62, 0x00),
    RGBColor(0x5b, 0x4b, 0xc4),
];
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const FRAME: RGBColor = RGBColor(0x33, 0x33, 0x33);
const LETTERS: (&str, i32) = ("sans-serif", 17);
/// Marks of an axis, at most.
const MARKS: usize = 6;
/// Nines that have marks of their own, fewer than this.
const MANY_NINES: usize = 32;
/// Cells in a row of the matrix.
const ACROSS: usize = 8;
/// Height of a row of pairs, and the width of its label.
const PAIR_HEIGHT: i32 = 24;
const PAIR_LABEL: i32 = 170;
/// Columns of pairs that are narrower have no letters.
const PAIR_LETTER: i32 = 18;
/// How opaque the classes of pairs are, up to the worst one; failed runs have a colour of their own.
const HEAT: [f64; 5] = [0.08, 0.2, 0.35, 0.55, 1.0];
/// Classes whose letters are dark, as their cells are light.
const LIGHT: usize = 4;
/// A largest value this many times the smallest is drawn on a logarithmic scale.
const WIDE: f64 = 50.0;
/// Points up to which each is marked.
const MARKED: usize = 40;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The names of what is drawn in each colour.
pub fn names(chart: &Chart) -> Vec<String> {
    match chart {
        Chart::Lines { lines, .. } => lines.iter().map(|line| line.name.clone()).collect(),
        Chart::Bars { series, .. } => series.iter().map(|(name, _)| name.clone()).collect(),
        Chart::Cells { classes, .. } | Chart::Matrix { classes, .. } => {
            let name = |(at, name): (usize, &String)| format!("{} {name}", sign(at));
            classes.iter().enumerate().map(name).collect()
        }
    }
}

/// The style sheet's name for the colour of what has this index.
pub fn key(chart: &Chart, at: usize) -> String {
    match chart {
        Chart::Matrix { .. } if at < HEAT.len() => format!("heat{at}"),
        _ => format!("key{}", at % COLOURS.len()),
    }
}

/// The letter of a class: colours alone do not tell it to everybody.
fn sign(class: usize) -> String {
    char::from(b'A' + (class % 26) as u8).to_string()
}

/// The picture; nothing if there is nothing to draw.
pub fn draw(chart: &Chart, title: &str, id: &str) -> Markup {
    let size = match chart {
        Chart::Cells { cells, .. } => (SIZE.0, 32 * cells.len().div_ceil(ACROSS).max(1) as u32 + 8),
        Chart::Matrix { labels, .. } => (SIZE.0, PAIR_HEIGHT as u32 * (labels.len() as u32 + 1)),
        _ => SIZE,
    };
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let drawn = match chart {
            Chart::Lines { x, y, lines } => curves(&area, x, y, lines),
            Chart::Bars { across, labels, y, series } => bars(&area, (across, labels), y, series),
            Chart::Cells { cells, .. } => matrix(&area, cells),
            Chart::Matrix { labels, rows, .. } => pairs(&area, labels, rows),
        };
        drawn.and_then(|()| area.present().map_err(Into::into))
    };
    // Drawing into memory fails only where there is nothing to draw.
    let Some(inner) = drawn.ok().and_then(|()| inner(&text)) else { return html! {} };
    let view = format!("0 0 {} {}", size.0, size.1);
    html! {
        svg viewBox=(view) role="img" aria-labelledby=(id) {
            title id=(id) { (title) }
            (PreEscaped(inner))
        }
    }
}

/// What stands between the tags of the root, which is written anew with a title.
fn inner(svg: &str) -> Option<&str> {
    let (from, to) = (svg.find('>')? + 1, svg.rfind('<')?);
    svg.get(from..to)
}

/// How values are placed on an axis.
#[derive(Clone, Copy)]
struct Scale {
    log: bool,
    low: f64,
    high: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone, unit: Unit) -> Option<Self> {
        let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        if !high.is_finite() {
            return None;
        }
        let least = values.filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        if unit == Unit::Span && low > 0.0 && high / least > WIDE {
            return Some(Self { log: true, low: low.log10() - 0.05, high: high.log10() + 0.05 });
        }
        let high = if high > 0.0 { high * 1.05 } else { 1.0 };
        Some(Self { log: false, low: 0.0, high })
    }

    fn place(self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    fn value(self, place: f64) -> f64 {
        if self.log { 10f64.powf(place) } else { place }
    }
}

/// The plane with its marks and names.
fn plane<'a, 'b>(
    area: &'a Area<'b>,
    x: (&str, std::ops::Range<f64>, &dyn Fn(f64) -> String),
    y: (&Axis, Scale),
    marks: usize,
) -> Result<Plane<'a, 'b>, Box<dyn std::error::Error>> {
    let ((name, range, label), (axis, scale)) = (x, y);
    let is_rate = label(range.end).len() > 8;
    let below = if name.is_empty() { 28 } else { 52 };
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .margin_right(if is_rate { 44 } else { 22 })
        .x_label_area_size(below)
        .y_label_area_size(108)
        .build_cartesian_2d(range, scale.low..scale.high)?;
    chart
        .configure_mesh()
        .x_desc(name)
        .y_desc(axis.name.as_str())
        .x_labels(marks)
        .y_labels(MARKS)
        .x_label_formatter(&|value| label(*value))
        .y_label_formatter(&|value| axis.unit.mark(scale.value(*value)))
        .label_style(LETTERS)
        .axis_desc_style(LETTERS)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(FRAME)
        .draw()?;
    Ok(chart)
}

fn curves(area: &Area<'_>, x: &Axis, y: &Axis, lines: &[Line]) -> Drawn {
    let points = lines.iter().flat_map(|line| &line.points);
    let across = points.clone().map(|(x, _)| *x);
    let (low, high) =
        (across.clone().fold(f64::INFINITY, f64::min), across.fold(f64::NEG_INFINITY, f64::max));
    let scale = Scale::of(points.filter_map(|(_, y)| *y), y.unit).ok_or("nothing to draw")?;
    let low = if x.unit == Unit::Nines { 0.0 } else { low };
    let high = if high > low { high } else { low + 1.0 };
    // A saved document may have any number.
    let whole = ((high - low).ceil() as usize).saturating_add(1);
    let is_whole = match x.unit {
        Unit::Nines => whole < MANY_NINES,
        unit => unit == Unit::Count && whole < MARKS,
    };
    let marks = if is_whole { whole } else { MARKS };
    let label = |value: f64| x.unit.mark(value);
    let mut chart = plane(area, (&x.name, low..high, &label), (y, scale), marks)?;
    for (at, line) in lines.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let parts = line.points.split(|(_, y)| y.is_none());
        for part in parts.filter(|part| !part.is_empty()) {
            let place = |(x, y): &(f64, Option<f64>)| (*x, scale.place(y.unwrap_or(0.0)));
            chart.draw_series(LineSeries::new(part.iter().map(place), colour.stroke_width(2)))?;
            if line.points.len() <= MARKED {
                let dot =
                    |point: &(f64, Option<f64>)| Circle::new(place(point), 3, colour.filled());
                chart.draw_series(part.iter().map(dot))?;
            }
        }
    }
    Ok(())
}

fn bars(
    area: &Area<'_>,
    (across, labels): (&str, &[String]),
    y: &Axis,
    series: &[(String, Vec<Option<f64>>)],
) -> Drawn {
    let values = series.iter().flat_map(|(_, values)| values).filter_map(|value| *value);
    let scale = Scale::of(values, Unit::Count).ok_or("nothing to draw")?;
    let groups = labels.len() as f64;
    // A label stands where it has room: every so many groups.
    let every = labels.len().div_ceil(room(labels));
    let label = |value: f64| {
        let at = value.round() as usize;
        let is_at = (value - value.round()).abs() < 0.01 && at.is_multiple_of(every);
        labels.get(at).filter(|_| is_at).map(|label| short(label)).unwrap_or_default()
    };
    let range = -0.5..groups - 0.5;
    let mut chart = plane(area, (across, range, &label), (y, scale), labels.len().max(2))?;
    let width = 0.8 / series.len() as f64;
    for (number, (_, values)) in series.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let bar = |(at, value): (usize, &Option<f64>)| {
            let left = at as f64 - 0.4 + number as f64 * width;
            value.map(|value| Rectangle::new([(left, 0.0), (left + width, value)], colour.filled()))
        };
        chart.draw_series(values.iter().enumerate().filter_map(bar))?;
    }
    Ok(())
}

/// How many labels have room beside each other.
fn room(labels: &[String]) -> usize {
    let longest = labels.iter().map(|label| short(label).chars().count()).max().unwrap_or(1);
    (42 / (longest + 2)).max(1)
}

/// A label that is not too long for its place; the table has all of it.
fn short(label: &str) -> String {
    if label.chars().count() <= 18 {
        return label.to_owned();
    }
    let begin: String = label.chars().take(17).collect();
    format!("{begin}…")
}

fn matrix(area: &Area<'_>, cells: &[(String, usize)]) -> Drawn {
    let wide = (SIZE.0 / ACROSS as u32) as i32;
    for (at, (label, class)) in cells.iter().enumerate() {
        let (left, top) = ((at % ACROSS) as i32 * wide, (at / ACROSS) as i32 * 32 + 4);
        let colour = COLOURS[class % COLOURS.len()];
        let key = [(left, top), (left + 15, top + 24)];
        area.draw(&Rectangle::new(key, colour.filled()))?;
        let letter = LETTERS.into_font().color(&WHITE);
        area.draw(&Text::new(sign(*class), (left + 3, top + 6), letter))?;
        area.draw(&Text::new(label.clone(), (left + 18, top + 6), LETTERS))?;
    }
    Ok(())
}

/// Rows of pairs, under the columns' numbers.
fn pairs(area: &Area<'_>, labels: &[String], rows: &[Vec<Option<usize>>]) -> Drawn {
    let wide = ((SIZE.0 as i32 - PAIR_LABEL) / labels.len().max(1) as i32).clamp(1, 40);
    let left = |at: usize| PAIR_LABEL + at as i32 * wide;
    for (at, (label, row)) in labels.iter().zip(rows).enumerate() {
        let top = (at as i32 + 1) * PAIR_HEIGHT;
        let number = at + 1;
        if wide >= PAIR_LETTER || number.is_multiple_of(10) {
            area.draw(&Text::new(number.to_string(), (left(at), 4), LETTERS))?;
        }
        area.draw(&Text::new(short(label), (0, top + 3), LETTERS))?;
        for (to, class) in row.iter().enumerate() {
            let ends = [(left(to), top), (left(to) + (wide - 2).max(1), top + PAIR_HEIGHT - 2)];
            if to != at || class.is_some() {
                area.draw(&Rectangle::new(ends, GRID))?;
            }
            let place = (left(to) + 3, top + 4);
            let Some(class) = *class else {
                if to != at && wide >= PAIR_LETTER {
                    area.draw(&Text::new("-", place, LETTERS))?;
                }
                continue;
            };
            let heat = HEAT.get(class).map(|share| COLOURS[1].mix(*share));
            let colour = heat.unwrap_or(COLOURS[5].mix(1.0));
            area.draw(&Rectangle::new(ends, colour.filled()))?;
            if wide >= PAIR_LETTER {
                let letter = if class < LIGHT { &BLACK } else { &WHITE };
                let letter = LETTERS.into_font().color(letter);
                area.draw(&Text::new(sign(class), place, letter))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_may_reach_to_any_number() {
        for unit in [Unit::Nines, Unit::Count, Unit::Bits] {
            let points = vec![(0.0, Some(1.0)), (1e300, Some(2.0))];
            let lines = vec![Line { name: "sent".to_owned(), points }];
            let (x, y) = (Axis::new("offered", unit), Axis::new("delivered", Unit::Bits));
            let _ = draw(&Chart::Lines { x, y, lines }, "a chart", "figure-1");
        }
    }
}
