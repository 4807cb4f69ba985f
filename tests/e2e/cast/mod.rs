//! `udpkit cast`, job by job.

mod check;
mod groups;
mod lists;
mod own_addresses;
mod pause;
mod places;
mod receivers;
