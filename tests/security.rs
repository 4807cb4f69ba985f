//! `udpkit` on an open network: forged sources, lying far ends and greedy clients get nothing, and
//! the honest client beside them is served. What holds is said in docs/security.md.

#[path = "security/alive.rs"]
mod alive;
mod common;
#[path = "security/fanout.rs"]
mod fanout;
#[path = "security/forge.rs"]
mod forge;
#[path = "security/lens.rs"]
mod lens;
#[path = "security/lies.rs"]
mod lies;
#[path = "security/loops.rs"]
mod loops;
#[path = "security/privilege.rs"]
mod privilege;
#[path = "security/shares.rs"]
mod shares;
#[path = "security/words.rs"]
mod words;
