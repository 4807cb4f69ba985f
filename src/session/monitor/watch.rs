//! A threshold on one target: the probes of its window, in eighths of it.

use crate::record::MonitorMeasured;
use crate::units::{Exceeding, Nanos, Standing, Threshold, Watched};

/// Parts of a window: what is judged is between seven and eight of them long.
const PARTS: usize = 8;

/// One threshold on one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// The threshold's number.
    pub number: u16,
    part: u8,
    part_began: Nanos,
    began: Nanos,
    /// Probes and those against the threshold, by part.
    seen: [(u32, u32); PARTS],
    broken: Option<Nanos>,
}

/// What became of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Broken(MonitorMeasured),
    Held { broken: Nanos },
}

impl Watch {
    /// From now on.
    pub fn new(number: u16, now: Nanos) -> Self {
        Self { number, part: 0, part_began: now, began: now, seen: [(0, 0); PARTS], broken: None }
    }

    /// A probe came back after this time, or was lost (`None`).
    pub fn observe(&mut self, threshold: &Threshold, now: Nanos, round_trip: Option<Nanos>) {
        self.turn_to(threshold, now);
        let (of, part) = &mut self.seen[usize::from(self.part)];
        *of = of.saturating_add(1);
        *part = part.saturating_add(u32::from(threshold.is_exceeded_by(round_trip)));
    }

    /// Judges the window that ends now, and the silence so far; tells what is new. What is not known
    /// leaves it as it stands.
    pub fn judge(&mut self, threshold: &Threshold, now: Nanos, silence: Nanos) -> Option<Turn> {
        self.turn_to(threshold, now);
        let (standing, measured) = match &threshold.watched {
            Watched::Outage(most) => {
                let is_broken = silence > *most;
                let outage_ns = Some(silence.0);
                let measured = MonitorMeasured { outage_ns, ..MonitorMeasured::default() };
                (if is_broken { Standing::Broken } else { Standing::Held }, measured)
            }
            Watched::Loss(_) | Watched::Quantile { .. } => {
                if now - self.began < threshold.window.unwrap_or_default() {
                    return None;
                }
                let add = |sum: Exceeding, (of, part): &(u32, u32)| Exceeding {
                    of: sum.of + u64::from(*of),
                    part: sum.part + u64::from(*part),
                };
                let seen = self.seen.iter().fold(Exceeding::default(), add);
                let (probes, exceeding) = (Some(seen.of), Some(seen.part));
                (threshold.judge(seen), MonitorMeasured { probes, exceeding, outage_ns: None })
            }
        };
        match (standing, self.broken) {
            (Standing::Broken, None) => {
                self.broken = Some(now);
                Some(Turn::Broken(measured))
            }
            (Standing::Held, Some(since)) => {
                self.broken = None;
                Some(Turn::Held { broken: now - since })
            }
            _ => None,
        }
    }

    /// When it is to be judged next though no probe is decided: an outage that gets too long.
    pub fn due(&self, threshold: &Threshold, down_since: Option<Nanos>) -> Option<Nanos> {
        match (&threshold.watched, down_since) {
            (Watched::Outage(most), Some(since)) if self.broken.is_none() => {
                Some(since + *most + Nanos(1))
            }
            _ => None,
        }
    }

    /// Drops the parts that are no longer in the window.
    fn turn_to(&mut self, threshold: &Threshold, now: Nanos) {
        let Some(window) = threshold.window else { return };
        let length = (window.0 / PARTS as u64).max(1);
        let passed = (now - self.part_began).0 / length;
        for _ in 0..passed.min(PARTS as u64) {
            self.part = (self.part + 1) % PARTS as u8;
            self.seen[usize::from(self.part)] = (0, 0);
        }
        self.part_began += Nanos(passed * length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_over_a_window_is_told_when_it_breaks_and_when_it_is_over() {
        let threshold: Threshold = "loss>10% for 8s".parse().unwrap();
        let mut watch = Watch::new(0, Nanos::ZERO);
        let mut told = Vec::new();
        for second in 1..60u64 {
            let now = Nanos::from_secs(second);
            let lost = (20..23).contains(&second);
            watch.observe(&threshold, now, (!lost).then_some(Nanos(5)));
            told.extend(watch.judge(&threshold, now, Nanos::ZERO).map(|turn| (second, turn)));
        }
        let [(first, Turn::Broken(measured)), (over, Turn::Held { broken })] = told[..] else {
            panic!("{told:?}")
        };
        assert_eq!((first, measured.exceeding), (20, Some(1)));
        assert!((29..=31).contains(&over), "{over}");
        assert_eq!(broken, Nanos::from_secs(over - first));
    }

    #[test]
    fn nothing_is_told_before_the_window_is_full_nor_of_nothing() {
        let threshold: Threshold = "p50>1ms for 8s".parse().unwrap();
        let mut watch = Watch::new(0, Nanos::ZERO);
        watch.observe(&threshold, Nanos::from_secs(1), None);
        assert_eq!(watch.judge(&threshold, Nanos::from_secs(7), Nanos::ZERO), None);
        assert_eq!(watch.judge(&threshold, Nanos::from_secs(100), Nanos::ZERO), None);
    }

    #[test]
    fn an_outage_is_told_at_its_length_and_once() {
        let threshold: Threshold = "outage>10s".parse().unwrap();
        let mut watch = Watch::new(0, Nanos::ZERO);
        let due = watch.due(&threshold, Some(Nanos::from_secs(3)));
        assert_eq!(due, Some(Nanos::from_secs(13) + Nanos(1)));
        let mut judge =
            |silence| watch.judge(&threshold, Nanos::from_secs(40), Nanos::from_secs(silence));
        assert_eq!(judge(10), None);
        assert!(matches!(judge(11), Some(Turn::Broken(_))));
        assert_eq!(judge(12), None);
        assert!(matches!(judge(0), Some(Turn::Held { .. })));
    }
}
