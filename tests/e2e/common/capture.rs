//! Captures of the wire: recorded by dumpcap, decoded by tshark.

use super::lab::Lab;
use super::process::{Running, run};
use super::secs;
use std::process::Command;
use tempfile::TempDir;

/// A running capture.
pub struct Capture {
    dumpcap: Running,
    dir: TempDir,
}

impl Capture {
    /// Captures on an interface of `host` what matches the filter (libpcap syntax). After this
    /// returns, no packet is missed.
    pub fn start(lab: &Lab, host: &str, interface: &str, filter: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut command = lab.command(host, "dumpcap");
        command.args(["-i", interface, "-f", filter, "-w"]).arg(dir.path().join("wire.pcapng"));
        let dumpcap = Running::start(&mut command);
        // Printed once the interface is open and the filter is set.
        let ready = dumpcap.wait_for_stderr(secs(10), |said| said.contains("File: "));
        assert!(ready, "dumpcap does not capture: {:?}", dumpcap.wait(secs(1)).err());
        Self { dumpcap, dir }
    }

    /// Waits until `at_least` packets are captured, for five seconds at most, ends the capture and
    /// returns these fields (tshark's names) of every packet, empty if it has none. UDP checksums
    /// are verified: `udp.checksum.status` is 1 for a correct one.
    pub fn finish(self, at_least: u64, fields: &[&str]) -> Vec<Vec<String>> {
        self.dumpcap.wait_for_stderr(secs(5), |said| captured(said) >= at_least);
        self.dumpcap.signal("INT");
        self.dumpcap.wait(secs(10));
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(self.dir.path().join("wire.pcapng"));
        tshark.args(["-o", "udp.check_checksum:TRUE", "-T", "fields"]);
        for field in fields {
            tshark.args(["-e", field]);
        }
        let told = run(&mut tshark, secs(60)).expect_success().out();
        told.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }
}

/// The last of dumpcap's running counts, `Packets: N`; 0 before the first.
pub fn captured(said: &str) -> u64 {
    said.rsplit("Packets: ")
        .next()
        .map(|tail| tail.chars().take_while(char::is_ascii_digit).collect::<String>())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}
