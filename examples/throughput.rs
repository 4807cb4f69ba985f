//! What this host's UDP stack carries at a set rate: both ends are in this process.
#![allow(clippy::print_stdout, reason = "a program that prints its result")]

use std::time::Duration;
use udpkit::Throughput;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let report =
        Throughput::of_this_host().rate("100M".parse()?).time(Duration::from_secs(1)).run()?;
    if let Some(failure) = &report.failure {
        return Err(format!("{failure:?}").into());
    }
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
