//! What `cast send` knows about its receivers, as text.

mod live;
mod scene;
mod table;

pub use live::FanoutView;
pub use scene::FanoutScene;
pub(super) use table::{closing_text, shortened, table_lines};
