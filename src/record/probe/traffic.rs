//! What became of a probe's datagrams as a whole: refused here, copied by the network, and the loss
//! of short ones that went beside what was asked.

use crate::record::Contradiction;
use serde::Serialize;

/// Whether something passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one datagram of the kind arrived.
    Passes,
    /// None did, and by chance that would be so in fewer than 1 of 10,000 runs.
    Blocked,
    /// None did, and the path loses too much, or too few were sent, to say why.
    #[default]
    NotTold,
    /// None left this host.
    NotSent,
}

/// Datagrams that this host itself refused to send, for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedHere {
    /// The system's error number, errno(3).
    pub errno: i32,
    /// What it means, in one word.
    pub cause: &'static str,
    /// How many.
    pub datagrams: u64,
}

/// All datagrams of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeTraffic {
    /// Datagrams that left this host.
    pub sent: u64,
    /// Datagrams that it refused to send, but for those that its interface found too large.
    pub refused_here: Vec<RefusedHere>,
    /// Further copies of datagrams that came to the far end; `None` where it did not tell.
    pub copies_out: Option<u64>,
    /// Further copies of answers that came back.
    pub copies_back: u64,
    /// Short datagrams that were sent beside all others, to know what the path loses anyway.
    pub control_sent: u64,
    /// How many of these came to the far end; `None` where it did not tell.
    pub control_arrived: Option<u64>,
    /// How many of these were answered.
    pub control_back: u64,
    /// What the far end told of arrivals that cannot be true; it counts as not having told.
    pub contradiction: Option<Contradiction>,
}

impl ProbeTraffic {
    /// Datagrams that this host refused to send.
    pub fn refused(&self) -> u64 {
        self.refused_here.iter().map(|refused| refused.datagrams).sum()
    }

    /// What the path loses of short datagrams, in words; `None` where nothing is known of it.
    pub fn loss_words(&self) -> Option<String> {
        let percent = |lost: u64, sent: u64| {
            (sent > 0).then(|| format!("{:.0} %", lost as f64 * 100.0 / sent as f64))
        };
        let lost = |sent: u64, arrived: u64| percent(sent.saturating_sub(arrived), sent);
        if let Some(arrived) = self.control_arrived
            && let (Some(out), Some(back)) =
                (lost(self.control_sent, arrived), lost(arrived, self.control_back))
        {
            return Some(format!("the path loses {out} out and {back} back"));
        }
        let both = lost(self.control_sent, self.control_back)?;
        Some(format!("the path loses {both} of datagrams or their answers"))
    }
}
