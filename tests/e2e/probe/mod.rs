//! `udpkit probe`, kind by kind.

mod all;
mod idle_timeout;
mod nat;
mod path;
mod paths;
mod ports;
mod scan;
mod trace;
