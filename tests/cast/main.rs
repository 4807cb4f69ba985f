//! `udpkit cast`, job by job. One crate, so that tests which mostly wait do so side by side.

#[path = "../common/mod.rs"]
mod common;

mod check;
mod groups;
mod lists;
mod pause;
mod receivers;
