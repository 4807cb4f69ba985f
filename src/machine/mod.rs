//! The contract between the loop and every mode of udpkit: a machine without sockets, clock or
//! threads, and the queue of orders by which another thread speaks to it.

mod contract;
mod orders;

pub use contract::{Next, Now, Session};
pub use orders::Orders;
