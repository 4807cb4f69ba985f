//! Sans-IO machines: each mode of udpkit as a state machine fed with time and bytes.

mod contract;

pub use contract::{Next, Now, Session};
