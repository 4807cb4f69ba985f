//! The parts of a sheet.

use super::unit::Unit;

/// A part with a heading.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Section {
    /// Its heading.
    pub heading: String,
    /// What it holds, in this order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section, if there is anything in it.
    pub fn add(to: &mut Vec<Self>, heading: impl Into<String>, blocks: Vec<Block>) {
        if !blocks.is_empty() {
            to.push(Self { heading: heading.into(), blocks });
        }
    }
}

/// Something that stands below what was before it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) enum Block {
    /// Sentences, each with what it is.
    Told(Vec<Statement>),
    /// A picture and its figures.
    Figure(Figure),
    /// A table alone.
    Table(Table),
}

/// A sentence, and what it is: `verdict`, `caution`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Statement {
    /// What it is.
    pub label: &'static str,
    /// The sentence.
    pub text: String,
}

/// A picture with the table of its figures, whose caption is the picture's title.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Figure {
    /// The picture.
    pub chart: Chart,
    /// What it shows, in numbers.
    pub table: Table,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) enum Chart {
    /// Curves.
    Lines {
        /// The axis across.
        x: Axis,
        /// The axis upwards.
        y: Axis,
        /// The curves.
        lines: Vec<Line>,
    },
    /// Groups of bars.
    Bars {
        /// The name of what the groups are.
        across: String,
        /// The groups' labels.
        labels: Vec<String>,
        /// The axis upwards.
        y: Axis,
        /// A name and a value for each group.
        series: Vec<(String, Vec<Option<f64>>)>,
    },
    /// Cells in rows, each of a class.
    Cells {
        /// A label and the index of a class.
        cells: Vec<(String, usize)>,
        /// The classes' names.
        classes: Vec<String>,
    },
    /// A cell for each pair, each of a class: as many rows as columns.
    Matrix {
        /// The rows' labels; columns have their numbers.
        labels: Vec<String>,
        /// For each row, the index of each column's class; `None` if it has none.
        rows: Vec<Vec<Option<usize>>>,
        /// The classes' names.
        classes: Vec<String>,
    },
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Axis {
    /// What it shows.
    pub name: String,
    /// In which unit.
    pub unit: Unit,
}

impl Axis {
    /// An axis.
    pub fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit }
    }
}

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Line {
    /// Its name.
    pub name: String,
    /// Its points; a break where a value is missing.
    pub points: Vec<(f64, Option<f64>)>,
}

/// Where a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Table {
    /// Its title.
    pub caption: String,
    /// The columns' headings; the first column heads its row.
    pub head: Vec<(String, Align)>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose first column is words and whose others are figures.
    pub fn of(caption: impl Into<String>, head: &[&str], rows: Vec<Vec<String>>) -> Self {
        let align = |at: usize| if at == 0 { Align::Left } else { Align::Right };
        let head = head.iter().enumerate().map(|(at, one)| ((*one).to_owned(), align(at)));
        Self { caption: caption.into(), head: head.collect(), rows }
    }

    /// A table whose columns are all figures.
    pub fn figures(caption: impl Into<String>, head: &[&str], rows: Vec<Vec<String>>) -> Self {
        let head = head.iter().map(|one| ((*one).to_owned(), Align::Right)).collect();
        Self { caption: caption.into(), head, rows }
    }

    /// A table of words.
    pub fn words(caption: impl Into<String>, head: &[&str], rows: Vec<Vec<String>>) -> Self {
        let head = head.iter().map(|one| ((*one).to_owned(), Align::Left)).collect();
        Self { caption: caption.into(), head, rows }
    }
}
