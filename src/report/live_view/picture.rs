//! What a frame of the live view shows, as plain data.

use super::keys::Unit;
use crate::units::Nanos;

/// When a frame is drawn, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Time since the command began.
    pub now: Nanos,
    /// The unit of rates, or of delays where there are no rates.
    pub unit: Unit,
    /// Columns of the screen.
    pub columns: usize,
    /// Rows of the screen.
    pub rows: usize,
}

/// Something that can be drawn at any time while it goes on.
pub trait Scene: Send {
    /// What there is to see now.
    fn picture(&self, moment: &Moment) -> Picture;
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun, for this reason.
    Waiting(String),
    /// It runs.
    #[default]
    Running,
    /// The user looks at a frame that does not change; the run goes on.
    Paused,
    /// The user ended it, and the last counts are collected.
    Ending,
}

/// A frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// What runs.
    pub heading: String,
    /// How far it is.
    pub stage: Stage,
    /// Time since the run began.
    pub elapsed: Nanos,
    /// How long it will take, where that is known.
    pub expected: Option<Nanos>,
    /// Time of one bar of a graph.
    pub bar_time: Nanos,
    /// The graphs.
    pub graphs: Vec<Graph>,
    /// Lines below the graphs.
    pub table: Vec<String>,
    /// What was printed lately.
    pub messages: Vec<String>,
    /// The unit that a key changes; `None` where there is none.
    pub unit: Option<&'static str>,
}

/// A graph over time, and its figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// What it shows.
    pub name: String,
    /// The figures beside it, the most important first; as many as it has rows are shown.
    pub figures: Vec<String>,
    /// Its values, the latest last.
    pub bars: Vec<Bar>,
}

/// A value of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bar {
    /// The value; `None` where nothing was measured.
    pub value: Option<f64>,
    /// Whether something was lost meanwhile.
    pub is_trouble: bool,
}

impl Bar {
    /// A value that is no trouble.
    pub fn of(value: f64) -> Self {
        Self { value: Some(value), is_trouble: false }
    }

    /// A share of loss, which is trouble unless it is zero.
    pub fn loss(part: u64, of: u64) -> Self {
        let share = part as f64 * 100.0 / of.max(1) as f64;
        Self { value: Some(share), is_trouble: part > 0 }
    }
}
