//! The contract between the loop and every mode of udpkit: a machine without sockets, clock or
//! threads, the queue of orders by which another thread speaks to it, and its own commands.

mod byte_server;
mod byte_session;
mod contract;
mod executor;
mod orders;

pub use byte_server::{ByteServer, ConnectionOrder};
pub use byte_session::{ByteSession, ConnectionEnd};
pub use contract::{Next, Now, Session};
pub use executor::Executor;
pub use orders::Orders;
