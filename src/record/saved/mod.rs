//! Documents that were saved: what a command printed with `--json`, read again.
//!
//! They are read as they are, by their keys, so that no format has a second description: what is
//! drawn or compared is looked up, and what an older version did not write is not there.

mod change;
mod compare;
mod document;
mod figures;
mod merge;
mod mesh;
mod node;
mod pair_names;

pub use change::{ChangeReport, Compared, hold_changes};
pub use compare::{Comparison, ComparisonCaveat, Difference, Standing, compare};
pub use document::{Saved, SavedCommand, SavedError};
pub use figures::{Figure, FigureUnit, Scope, figures, histogram};
pub use merge::{MergedScope, Merger, merge};
pub use mesh::{Mesh, MeshError, MeshPair, PairLimit, mesh};
pub use node::Node;
