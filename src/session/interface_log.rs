//! Interfaces that come and go during a run: what is reported of them, and the index by which an
//! interface is known that was made again.

use crate::batch::InterfaceChange;
use crate::record::InterfaceEvent;
use crate::units::Nanos;

/// Most events that are kept: an interface that comes and goes without end must not fill memory.
const EVENTS: usize = 256;

/// The events of one run.
#[derive(Clone, Debug, Default)]
pub struct InterfaceLog {
    events: Vec<InterfaceEvent>,
    /// Present indices with the first of the same interface.
    again: Vec<(u32, u32)>,
}

impl InterfaceLog {
    /// A change, this long after the start; returns the event if it is one for the user.
    pub fn observe(&mut self, at: Nanos, change: &InterfaceChange) -> Option<InterfaceEvent> {
        if let InterfaceChange::Renumbered { was, now } = change {
            self.again.retain(|(known, _)| known != now);
            if self.again.len() < EVENTS {
                self.again.push((*now, *was));
            }
            return None;
        }
        let event = InterfaceEvent { at_ns: at.as_u64(), change: change.clone() };
        if self.events.len() < EVENTS {
            self.events.push(event.clone());
        }
        Some(event)
    }

    /// The index by which the run knows an interface: one that was made again keeps its first.
    pub fn first_index(&self, index: u32) -> u32 {
        self.again.iter().find(|(now, _)| *now == index).map_or(index, |(_, was)| *was)
    }

    /// What happened, in order.
    pub fn events(&self) -> &[InterfaceEvent] {
        &self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_made_again_keeps_its_first_index_and_is_no_event() {
        let mut log = InterfaceLog::default();
        for now in [7, 9] {
            let change = InterfaceChange::Renumbered { was: 3, now };
            assert_eq!(log.observe(Nanos(1), &change), None);
        }
        assert_eq!([3, 7, 9, 4].map(|index| log.first_index(index)), [3, 3, 3, 4]);
        let lost = InterfaceChange::NotFollowed { errno: Some(1) };
        let event = InterfaceEvent { at_ns: 5, change: lost.clone() };
        assert_eq!(log.observe(Nanos(5), &lost), Some(event.clone()));
        assert_eq!(log.events(), [event]);
        for _ in 0..2 * EVENTS {
            log.observe(Nanos(5), &lost);
        }
        assert_eq!(log.events().len(), EVENTS);
    }
}
