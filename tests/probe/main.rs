//! `udpkit probe`, by kind. One crate, so that tests, which mostly wait, run in parallel.

#[path = "../common/mod.rs"]
mod common;

mod all;
mod idle_timeout;
mod nat;
mod path;
mod ports;
mod scan;
mod trace;
