//! What was really on the wire: dumpcap records, tshark tells.

use super::lab::Lab;
use super::process::{Running, run};
use super::secs;
use std::process::Command;
use tempfile::TempDir;

/// A capture that is under way.
pub struct Capture {
    dumpcap: Running,
    dir: TempDir,
}

impl Capture {
    /// Captures on an interface of `host` what the filter (in libpcap's language) lets through.
    /// From the return on, no packet is missed.
    pub fn start(lab: &Lab, host: &str, interface: &str, filter: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut command = lab.command(host, "dumpcap");
        command.args(["-i", interface, "-f", filter, "-w"]).arg(dir.path().join("wire.pcapng"));
        let dumpcap = Running::start(&mut command);
        // Said once the interface is open and the filter set.
        let ready = dumpcap.wait_for_stderr(secs(10), |said| said.contains("File: "));
        assert!(ready, "dumpcap does not capture: {:?}", dumpcap.wait(secs(1)).err());
        Self { dumpcap, dir }
    }

    /// Waits until `at_least` packets are captured, five seconds at most, ends the capture and
    /// returns the wanted fields (tshark's names) of every packet, empty where it has none. UDP
    /// checksums are checked: `udp.checksum.status` is 1 for a good one.
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
