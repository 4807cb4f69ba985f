//! A router that takes streams for a while, and counts what it saw and what it took.

use super::Lab;
use std::thread;
use std::time::{Duration, Instant};

/// The router of a `path` lab next to the client.
pub struct DarkRouter<'l>(&'l Lab);

impl<'l> DarkRouter<'l> {
    /// Counts these streams, a name and what nftables matches of each, and takes nothing yet.
    pub fn counting(lab: &'l Lab, streams: impl IntoIterator<Item = (String, String)>) -> Self {
        let rules: Vec<String> = streams
            .into_iter()
            .map(|(name, stream)| {
                format!(
                    "add counter inet o {name}\n\
                     add counter inet o seen_{name}\n\
                     add rule inet o seen {stream} counter name seen_{name}\n"
                )
            })
            .collect();
        lab.nft(
            "r1",
            &format!(
                "add table inet o\n\
                 add chain inet o f {{ type filter hook forward priority 0; }}\n\
                 add chain inet o seen {{ type filter hook forward priority -1; }}\n{}",
                rules.concat()
            ),
        );
        Self(lab)
    }

    /// That of a lab whose streams are counted already.
    pub fn of(lab: &'l Lab) -> Self {
        Self(lab)
    }

    /// What it took of a stream.
    pub fn taken(&self, name: &str) -> u64 {
        self.0.counter("r1", "inet o", name).0
    }

    /// What came of it, taken or not.
    pub fn seen(&self, name: &str) -> u64 {
        self.taken(&format!("seen_{name}"))
    }

    /// Takes what these match, each with its name and what becomes of it, for so long: the least and
    /// the most time that it did.
    pub fn take<'s>(
        &self,
        streams: impl IntoIterator<Item = (&'s str, String, &'s str)>,
        long: Duration,
    ) -> (Duration, Duration) {
        let rules: Vec<String> = streams
            .into_iter()
            .map(|(name, stream, verdict)| {
                format!("add rule inet o f {stream} counter name {name} {verdict}\n")
            })
            .collect();
        let before = Instant::now();
        self.0.nft("r1", &rules.concat());
        let since = Instant::now();
        thread::sleep(long);
        let least = since.elapsed();
        self.0.nft("r1", "flush chain inet o f");
        (least, before.elapsed())
    }
}
