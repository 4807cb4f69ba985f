//! `udpkit` on an open network: forged sources, lying far ends and greedy clients get nothing, and
//! the honest client beside them is served. What holds is said in docs/security.md.

mod alive;
mod fanout;
mod forge;
mod lens;
mod lies;
mod loops;
mod privilege;
mod shares;
mod words;
