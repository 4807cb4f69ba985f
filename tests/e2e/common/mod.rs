//! Shared by the end-to-end tests: running the binary, networks, captures and JSON.
//!
//! ```text
//! process   a spawned program: wait for its output, send signals; it ends with the test
//! lab       network namespaces by scripts/lab: commands, nftables counters, kernel counters
//! conntrack the table of the connections that a host tracks: full, or empty
//! browser   a browser without a window: what a page looks like, and what it asks for
//! capture   captures of the wire, by dumpcap and tshark
//! slower_flows  a longer way for every other flow
//! relay     a relay on loopback that impairs what it forwards, and counts it
//! scrape    the metrics of a run, over HTTP
//! ports     a free port, and waiting until one is bound
//! turns     who keeps a processor busy, and who must not be late
//! wait      waiting for what tells nobody when it happens
//! json      reports as values
//! schema    documents against the schema in docs/reference
//! account   the sums that every report of a run must keep
//! skip      a test that this machine cannot run says so, and fails where CI is set
//! ```
//!
//! A test starts with what it needs and never sleeps:
//!
//! ```ignore
//! require_lab!();
//! let lab = Lab::pair();
//! let receiver = Running::start(lab.udpkit("b").args(["recv", "9000"]));
//! lab.wait_bound("b", 9000);
//! let sent = run(lab.udpkit("a").args(["send", "10.77.0.2:9000", "hello"]), secs(5));
//! assert!(sent.success());
//! receiver.wait_for_line("hello", secs(5));
//! receiver.signal("INT");
//! assert_eq!(receiver.wait(secs(5)).code(), Some(0));
//! ```

pub mod account;
pub mod browser;
pub mod capture;
pub mod conntrack;
pub mod dark_router;
pub mod json;
pub mod lab;
pub mod ports;
pub mod process;
pub mod relay;
#[path = "../../common/schema.rs"]
pub mod schema;
pub mod scrape;
pub mod skip;
pub mod slower_flows;
pub mod turns;
pub mod wait;

pub use account::assert_sums;
pub use capture::Capture;
pub use conntrack::change_table;
pub use dark_router::DarkRouter;
pub use json::{json, json_lines, number, path, text};
pub use lab::{DAMAGED, Lab, UdpCounters};
pub use ports::{free_udp_port, wait_bound};
pub use process::{Output, Running, run};
pub use skip::{lab_available, skip_line, tool_available};
pub(crate) use skip::{require_lab, require_tools, skip};
pub use turns::{busy, punctual, worst_wake};
pub use wait::{comes_true, wait_until};

use std::process::Command;
use std::time::Duration;

/// The built binary, without arguments.
pub fn udpkit() -> Command {
    Command::new(env!("CARGO_BIN_EXE_udpkit"))
}

/// Whole seconds, for deadlines.
pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
