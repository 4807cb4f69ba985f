//! `--metrics`: what Prometheus reads, against the reports of the same runs, by promtool and by
//! Prometheus itself.

mod counts;
mod http;
mod monitor;
mod prometheus;
mod usage;

use crate::common::scrape::{Scrape, body, metrics_of, wait_for_metrics};
use crate::common::{Running, secs, udpkit};
use std::net::SocketAddr;

/// A run with metrics on a port that the kernel chose.
fn watched(args: &[&str]) -> (Running, SocketAddr) {
    let running = Running::start(udpkit().args(args).args(["--metrics", "0"]));
    let at = metrics_of(&running);
    (running, at)
}

/// The address in the line of a program that says `what ADDRESS`.
fn address(running: &Running, what: &str) -> String {
    let line = running.wait_for_line(what, secs(10));
    let (_, rest) = line.split_once(what).expect("waited for");
    rest.split_whitespace().next().expect("an address").to_owned()
}
