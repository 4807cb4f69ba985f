//! Sans-IO machines: each mode of udpkit as a state machine fed with time and bytes.

pub mod blast;
mod contract;
mod exchange;
mod orders;
pub mod serve;

pub use contract::{Next, Now, Session};
pub use exchange::{Exchange, Step, Tags, refusal};
pub use orders::Orders;
