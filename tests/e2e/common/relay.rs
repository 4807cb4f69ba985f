//! A running `udpkit relay` between a client and a server on loopback: what it does to datagrams is
//! on its command line, and its counts are a witness of its own.

use super::{Running, free_udp_port, json, number, path, secs, udpkit};
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
        let port = free_udp_port();
        let (front, back) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{server}"));
        let base = ["relay", &front, &back, "-J", "--seed", "7"];
        let running = Running::start(udpkit().args(base).args(args));
        running.wait_for_line("relaying ", secs(10));
        Self { port, running }
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
