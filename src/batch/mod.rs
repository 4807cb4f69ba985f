//! Datagram arenas shared by the pure tower and the machine tower: plain memory.

mod datagram;
mod tx;

pub use datagram::{Datagram, RxMeta};
pub use tx::{DestId, TxBatch, TxSlot};
