//! Sentences about outages.

use super::terms::plural;
use crate::record::{Outage, Worded};
use crate::units::{Nanos, group_digits};

impl Worded for Outage {
    fn text(&self) -> String {
        let start = Nanos(self.start_ns).as_secs_f64();
        let when = match self.length_ns() {
            Some(length) => format!("at {start:.3} s for {}", Nanos(length)),
            None => format!("from {start:.3} s to the end"),
        };
        let ways = match (self.up, self.down) {
            (Some(up), Some(down)) => {
                format!(" ({} on the way out, {} back)", group_digits(up), group_digits(down))
            }
            _ => String::new(),
        };
        format!("{when}: {} lost{ways}", plural(self.lost, "datagram"))
    }
}
