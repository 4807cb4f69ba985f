//! The probes sent last: an answer to a probe that was never sent is forged or corrupted, and counts
//! for nothing.

use super::first_copies::WINDOW;
use super::probe::Probe;
use std::collections::VecDeque;

/// The latest probes, in the order of sending.
#[derive(Default)]
pub(super) struct SentProbes(VecDeque<Probe>);

impl SentProbes {
    /// A probe left this host.
    pub fn add(&mut self, probe: Probe) {
        if self.0.len() as u64 == WINDOW {
            self.0.pop_front();
        }
        self.0.push_back(probe);
    }

    /// The probe that came back or is answered: `told` repeats all of it but where the answer goes.
    pub fn find(&self, told: &Probe) -> Option<Probe> {
        let sent = self.0.iter().rev().find(|sent| sent.sequence == told.sequence)?;
        (Probe { back: told.back, ..*sent } == *told).then_some(*sent)
    }
}

#[test]
fn a_probe_that_was_changed_on_the_way_was_not_sent() {
    let probe = |sequence| Probe {
        tag: 7,
        sequence,
        sent: crate::units::Nanos(9),
        ttl: 4,
        way: 1,
        back: true,
    };
    let mut sent = SentProbes::default();
    (0..WINDOW as u32 + 5).for_each(|sequence| sent.add(probe(sequence)));
    let told = Probe { back: false, ..probe(5) };
    assert_eq!(sent.find(&told), Some(probe(5)));
    for other in [
        Probe { tag: 8, ..told },
        Probe { sequence: 1 << 31, ..told },
        Probe { sent: crate::units::Nanos(8), ..told },
        Probe { ttl: 5, ..told },
        Probe { way: 2, ..told },
        Probe { sequence: 4, ..told },
    ] {
        assert_eq!(sent.find(&other), None, "{other:?}");
    }
}
