//! What to keep in mind of a `ping` target's figures, judged from them.

use super::{PingCaveat, PingTargetReport, Timestamped};

/// Smallest clock drift that is mentioned, in parts per billion.
const SHOWN_DRIFT_PPB: i64 = 100;
/// Percentage of datagrams with kernel time stamps from which the kernel counts as the source of
/// timing.
const STAMPED: u64 = 99;

impl PingTargetReport {
    /// Whether this host sent it a probe, or at least ended before it refused one.
    pub fn was_asked(&self) -> bool {
        self.error.is_none() && (self.sent > 0 || self.never_sent == 0)
    }

    /// What this host's socket dropped of what came undamaged.
    pub fn dropped_here(&self) -> u64 {
        self.socket_drops.saturating_sub(self.socket_damaged)
    }

    /// What was timed by this program, and not by the kernel; `None` where the kernel timed all.
    pub fn timed_by_program(&self) -> Option<Timestamped> {
        let came = self.back + self.duplicates;
        let sends = self.transmit_stamps * 100 >= self.sent * STAMPED;
        let arrivals = self.receive_stamps * 100 >= came * STAMPED;
        match (sends, arrivals) {
            (true, true) => None,
            (false, true) => Some(Timestamped::Sends),
            (true, false) => Some(Timestamped::Arrivals),
            (false, false) => Some(Timestamped::Both),
        }
    }

    /// Judges what to keep in mind of the figures.
    pub fn judge(&mut self) {
        let mut caveats = Vec::new();
        if let Some(from) = self.answered_by {
            caveats
                .push(PingCaveat::RepliesFromElsewhere { from, replies: self.answered_elsewhere });
        }
        if self.cut > 0 {
            caveats.push(PingCaveat::RepliesCut {
                replies: self.cut,
                out: self.cut_out,
                back: self.cut_back,
                cut_to_bytes: self.cut_to_bytes.unwrap_or(0),
            });
        }
        if self.altered > 0 {
            caveats.push(PingCaveat::RepliesAltered { replies: self.altered });
        }
        if self.reflector_restarts > 0 {
            caveats.push(PingCaveat::ReflectorRestarted { times: self.reflector_restarts });
        }
        if self.clock_steps > 0 {
            caveats.push(PingCaveat::ClockStepped);
        }
        if let Some(drift_ppb) = self.drift_ppb.filter(|drift| drift.abs() >= SHOWN_DRIFT_PPB) {
            caveats.push(PingCaveat::ClockDrift { drift_ppb });
        }
        if self.strays > 0 {
            caveats.push(PingCaveat::Strays { datagrams: self.strays });
        }
        if self.back > 0
            && let Some(what) = self.timed_by_program()
        {
            caveats.push(PingCaveat::TimedByProgram { what });
        }
        self.caveats = caveats;
    }
}
