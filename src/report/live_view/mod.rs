//! The live view: a screen of moving graphs on a terminal while a run goes on.
//!
//! What a command has counted becomes a [`Picture`], which is plain data; a picture becomes cells,
//! and the cells that changed become escape sequences. Only `screen` knows a clock and a terminal.
//!
//! ```text
//! picture    what a frame shows: graphs, figures beside them, a table, messages
//! history    the last values of a graph
//! graph      bars of several rows
//! draw       a picture as cells of a given size
//! paint      the cells that changed as escape sequences
//! keys       what was typed
//! held       what is printed meanwhile, kept for the normal screen
//! terminal   the terminal's modes, entered and always restored
//! screen     the thread that draws and reads keys
//! ```

mod draw;
mod graph;
mod held;
mod history;
mod keys;
mod paint;
mod picture;
mod screen;
mod terminal;

pub use draw::{Look, draw};
pub(super) use held::{HeldFor, hold};
pub use history::History;
pub use keys::{DelayUnit, Unit};
pub use paint::paint;
pub use picture::{Bar, Graph, Moment, Picture, Scene, Stage};
pub use screen::{LiveHandle, LiveScreen};
pub use terminal::{is_live_terminal, restore_terminal};
