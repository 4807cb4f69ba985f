//! What `cast send` knows about its receivers, as text.

mod live;
mod table;

pub use live::{FanoutView, fanout_frame};
pub(super) use table::{closing_text, shortened, table_lines};
