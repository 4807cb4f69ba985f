//! One sender, many receivers: groups, broadcast addresses and lists.

mod names;

pub use names::Names;
