//! `udpkit` on an open network: spoofed sources, lying servers and greedy clients gain nothing, and
//! an honest client is still served. docs/security.md describes the guarantees.

mod alive;
mod fanout;
mod forge;
mod lens;
mod lies;
mod loops;
mod privilege;
mod shares;
mod words;
