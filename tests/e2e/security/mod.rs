//! `udpkit` on an open network: spoofed sources, lying servers and greedy clients gain nothing, and
//! an honest client is still served. docs/security.md describes the guarantees.

mod alive;
mod amplification_in_time;
mod fanout;
mod forge;
mod hostile_text;
mod lies;
mod loops;
mod privilege;
mod shares;
