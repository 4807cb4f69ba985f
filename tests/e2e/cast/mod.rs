//! `udpkit cast`, job by job.

mod check;
mod groups;
mod lists;
mod pause;
mod receivers;
