//! The binary end to end: real processes, real sockets, other programs and the kernel's counters as
//! witnesses. One crate, so that the common code is compiled once, and tests which mostly wait do
//! so side by side.

mod blast;
mod cast;
mod changed_content;
mod clean_path;
mod command_line;
mod common;
mod completions;
mod examples;
mod full_conntrack;
mod harness;
mod interfaces;
mod iperf3;
mod iperf3_server;
mod keepalive;
mod library;
mod lines;
mod live;
mod live_view;
mod many_clients;
mod metrics;
mod migration;
mod monitor;
mod names;
mod outage_lists;
mod outages;
mod output;
mod own_losses;
mod pages;
mod ping;
mod portable;
mod probe;
mod recv;
mod refusals;
mod relay;
mod restricted;
mod robust;
mod security;
mod send;
mod serve;
mod service;
mod service_manager;
mod stamp;
mod udpstp;
