//! What a server has counted since it began, by the events that it logs or leaves out of the log.

use crate::record::{Iperf3End, ServeRecord, ServeStanding};

/// Counts that only rise.
#[derive(Debug, Default)]
pub(in crate::session) struct ServeTotals(pub ServeStanding);

impl ServeTotals {
    /// Counts an event.
    pub fn note(&mut self, record: &ServeRecord) {
        let all = &mut self.0;
        match record {
            ServeRecord::SessionOpened { .. } => all.opened += 1,
            ServeRecord::TestGranted { .. } => all.tests += 1,
            ServeRecord::ProbeGranted { .. } => all.probes += 1,
            ServeRecord::SessionClosed { ended, .. } => {
                all.closed += 1;
                all.broken += u64::from(ended.broke_off());
            }
            ServeRecord::Refused { reply_code, .. } => {
                *all.refused.entry(Some(i32::from(*reply_code))).or_default() += 1;
            }
            ServeRecord::Iperf3Refused { iperf_error, .. } => {
                *all.refused.entry(*iperf_error).or_default() += 1;
            }
            ServeRecord::Iperf3Closed { ended, .. } => {
                all.opened += 1;
                all.tests += 1;
                all.closed += 1;
                let is_asked = matches!(ended, Iperf3End::Done | Iperf3End::Terminated { .. });
                all.broken += u64::from(!is_asked);
            }
            ServeRecord::StreamFailed { .. } => all.failed_streams += 1,
            ServeRecord::StreamReceived { datagrams, lost, .. } => {
                all.received += datagrams;
                all.lost += lost;
            }
            ServeRecord::StreamSent { datagrams, .. } => all.sent += datagrams,
            _ => {}
        }
    }
}
