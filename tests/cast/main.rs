//! `udpkit cast`, by job. One crate, so that tests, which mostly wait, run in parallel.

#[path = "../common/mod.rs"]
mod common;

mod check;
mod groups;
mod lists;
mod pause;
mod receivers;
