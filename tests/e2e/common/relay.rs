//! A running `udpkit relay` between a client and a server on loopback: what it does to datagrams is
//! on its command line, and its counts are a witness of its own.

use super::{Running, json, number, path, secs, udpkit};
use serde_json::Value;

/// A relay to a port of this host.
pub struct Relay {
    port: u16,
    running: Running,
}

impl Relay {
    /// Forwards to the server's port, with these arguments such as `--up` and an impairment. The
    /// seed is always the same, and so is what becomes of the datagram of a number.
    pub fn start(server: u16, args: &[&str]) -> Self {
        let back = format!("127.0.0.1:{server}");
        let base = ["relay", "127.0.0.1:0", &back, "-J", "--seed", "7"];
        let running = Running::start(udpkit().args(base).args(args));
        let line = running.wait_for_line("relaying ", secs(10));
        let (_, rest) = line.split_once("relaying 127.0.0.1:").expect("its address");
        let port = rest.split_whitespace().next().and_then(|port| port.parse().ok());
        Self { port: port.expect("its port"), running }
    }

    /// The port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where clients find it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it: its report. Every datagram is accounted for.
    #[track_caller]
    pub fn stop(self) -> Value {
        self.running.signal("INT");
        let report = json(&self.running.wait(secs(10)).expect_success().out());
        for way in ["up", "down"] {
            let way = path(&report, way);
            let came = number(way, "received") + number(way, "copies");
            let gone = ["forwarded", "dropped.total", "refused.total", "queued"];
            let gone: u64 = gone.iter().map(|key| number(way, key)).sum();
            assert_eq!(came, gone, "{report:#}");
        }
        report
    }
}
