//! Sockets, their options, names and interfaces: how datagrams move, not what is in them.

mod answers;
mod error;
mod fragments;
mod interface;
mod io_mode;
mod plan;
mod resolve;
mod socket;
mod transmit;

pub use error::NetError;
pub use interface::{Interface, find_interface, interface_name, interfaces};
pub use io_mode::{IoMode, IoUsed};
pub use plan::{BufferSizes, SocketPlan};
pub use resolve::{FamilyChoice, HostPort, other_family, resolve, split_host_port};
pub use socket::Socket;
