//! Of what sockets drop while a run goes on, what was damaged.

use super::{read_file, text};
use crate::batch::{HostCounter, HostCounters};
use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The counters are not read again sooner where nothing was dropped.
const FRESH: Duration = Duration::from_millis(10);

/// What was counted longer ago explains no drop of now.
const OLD: Duration = Duration::from_secs(2);

/// Datagrams with a wrong checksum that this host counted, each of which explains one drop, of
/// whichever socket asks first.
pub struct DamageMeter {
    snmp: Option<File>,
    snmp6: Option<File>,
    known: Mutex<Known>,
}

struct Known {
    counted: u64,
    /// Counted, and no drop's reason yet.
    left: u64,
    read: Instant,
}

impl Known {
    /// The counter stands at `counted` now.
    fn update(&mut self, counted: u64, now: Instant) {
        if now.saturating_duration_since(self.read) > OLD {
            self.left = 0;
        }
        self.left += counted.saturating_sub(self.counted);
        (self.counted, self.read) = (counted, now);
    }

    fn claim(&mut self, drops: u64) -> u64 {
        let damaged = self.left.min(drops);
        self.left -= damaged;
        damaged
    }
}

impl DamageMeter {
    /// From now on. The files are opened once, as a server gives up its access to them.
    pub fn open() -> Self {
        let open = |path| File::open(path).ok();
        let (snmp, snmp6) = (open("/proc/net/snmp"), open("/proc/net/snmp6"));
        let known = Mutex::new(Known { counted: 0, left: 0, read: Instant::now() });
        let meter = Self { snmp, snmp6, known };
        meter.lock().counted = meter.count();
        meter
    }

    /// At most how many of so many drops of one socket, since it asked last, were of damaged
    /// datagrams. No datagram is told twice.
    pub fn damaged(&self, drops: u64) -> u64 {
        let mut known = self.lock();
        let now = Instant::now();
        if drops > 0 || now.saturating_duration_since(known.read) > FRESH {
            known.update(self.count(), now);
        }
        known.claim(drops)
    }

    /// `InCsumErrors` of both address families; 0 where it cannot be read.
    fn count(&self) -> u64 {
        let (mut v4, mut v6) = (HostCounters::default(), HostCounters::default());
        read_file(self.snmp.as_ref(), text::read_snmp, &mut v4);
        read_file(self.snmp6.as_ref(), text::read_snmp6, &mut v6);
        [v4, v6].iter().filter_map(|family| family.get(HostCounter::UdpInCsumErrors)).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_damaged_datagram_explains_one_drop_of_the_time_when_it_was_counted() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut known = Known { counted: 40, left: 0, read: began };
        known.update(50, at(1));
        assert_eq!([known.claim(3), known.claim(4), known.claim(9), known.claim(9)], [3, 4, 3, 0]);
        known.update(55, at(2));
        known.update(56, at(5));
        assert_eq!([known.claim(0), known.claim(9)], [0, 1]);
        // A counter that began anew.
        known.update(2, at(6));
        assert_eq!(known.claim(9), 0);
    }

    #[test]
    fn without_counters_nothing_is_known_to_be_damaged() {
        let known = Mutex::new(Known { counted: 0, left: 0, read: Instant::now() });
        let meter = DamageMeter { snmp: None, snmp6: None, known };
        assert_eq!(meter.damaged(9), 0);
        assert_eq!(DamageMeter::open().damaged(0), 0);
    }
}
