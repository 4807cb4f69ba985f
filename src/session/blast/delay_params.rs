//! Encodes and decodes the distribution of delays as STAT parameters: an HDR histogram in base64, in
//! as many parts as it takes.

use super::about::Delays;
use super::events::ControlSummary;
use crate::record::BlastReceived;
use crate::stats::DelayHistogram;
use crate::wire::Params;

/// The parameter's name.
pub const DELAYS: &str = "delays";
/// The longest text that is told and read: a histogram of two digits has at most 4,600 cells.
pub const DELAYS_MOST: usize = 32 << 10;

/// The part of a text from `from` on that fits in `room` characters, and whether there is more.
pub fn delays_part(text: &str, from: usize, room: usize) -> Option<(&str, bool)> {
    let rest = text.get(from..).filter(|rest| !rest.is_empty() && text.len() <= DELAYS_MOST)?;
    let end = rest.len().min(room);
    Some((rest.get(..end)?, end < rest.len()))
}

/// The far end's delays, as they arrive.
#[derive(Debug, Default)]
pub(super) struct FarDelays {
    wanted: Delays,
    told_delays: String,
}

impl FarDelays {
    /// Nothing has arrived.
    pub fn new(wanted: Delays) -> Self {
        Self { wanted, told_delays: String::new() }
    }

    /// Whether they are asked for.
    pub fn wanted(&self) -> Delays {
        self.wanted
    }

    /// Asks for the next part.
    pub fn ask(&self, params: &mut Params) {
        params.push("about", "delays");
        params.push("from", self.told_delays.len());
    }

    /// Takes a part, and with the last one the whole; returns whether there is more to ask for.
    pub fn take(&mut self, params: &Params, summary: &mut ControlSummary) -> bool {
        let part = params.get(DELAYS).unwrap_or_default();
        self.told_delays.push_str(part);
        let is_whole = params.get("more").is_none();
        if let (true, Some(counts)) = (is_whole, &summary.received) {
            summary.delay = read_delays(&self.told_delays, counts);
        }
        // No more than there can be, and no end without progress.
        !part.is_empty() && !is_whole && self.told_delays.len() < DELAYS_MOST
    }
}

/// Reads the whole text; `None` if it is no histogram, or one of other datagrams than were counted:
/// of more of them, or with a longer delay.
fn read_delays(text: &str, counts: &BlastReceived) -> Option<DelayHistogram> {
    let histogram = DelayHistogram::from_base64(text)?;
    // Two digits are exact to a hundredth.
    let longest = counts.delay.max.map(|max| max.saturating_add(max / 64).saturating_add(1));
    let is_possible = histogram.count() > 0
        && histogram.count() <= counts.datagrams
        && histogram.max().map(|max| max.0) <= longest;
    is_possible.then_some(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DelayQuantiles;
    use crate::units::Nanos;

    fn counts(datagrams: u64, max: u64) -> BlastReceived {
        let delay = DelayQuantiles { max: Some(max), ..DelayQuantiles::default() };
        BlastReceived { datagrams, delay, ..BlastReceived::default() }
    }

    #[test]
    fn a_histogram_is_told_in_parts_and_believed_only_of_what_was_counted() {
        let mut one = DelayHistogram::new();
        for at in 1..3_000u64 {
            one.record(Nanos(at * at));
        }
        let text = one.told();
        let mut read = String::new();
        while let Some((part, more)) = delays_part(&text, read.len(), 100) {
            assert!(part.len() <= 100 && more == (read.len() + part.len() < text.len()));
            read.push_str(part);
        }
        assert_eq!(read, text);
        assert_eq!(delays_part(&text, text.len() + 1, 100), None);
        assert_eq!(delays_part(&"x".repeat(DELAYS_MOST + 1), 0, 100), None);
        let max = 2_999 * 2_999;
        assert_eq!(read_delays(&text, &counts(2_999, max)).unwrap().count(), 2_999);
        for wrong in [counts(2_998, max), counts(2_999, max * 9 / 10), BlastReceived::default()] {
            assert_eq!(read_delays(&text, &wrong), None);
        }
        assert_eq!(read_delays(&text[..text.len() - 4], &counts(2_999, max)), None);
    }
}
