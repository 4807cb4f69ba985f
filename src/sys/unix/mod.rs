//! What Linux, macOS and FreeBSD have in common and Windows lacks: signals, terminals in a mode of
//! one's own, users, bits of permission, Unix sockets.

mod account;
mod files;
mod notify;
mod signals;
mod system;
pub mod terminal;

pub use account::is_root;
pub use files::{bytes_of, is_open_to_others, trim_line_end};
pub use notify::NotifySocket;
pub use signals::{SignalQueue, SignalSource, exit_at_once, flag_on, hears, raise};
pub use system::{raise_descriptor_limit, system_name};
