//! STAT kind=probe: what arrived, item by item.

use super::{ServeControl, ServeEngine, ServeOrder};
use crate::control::server::{Answer, LINE, ROOM};
use crate::machine::Orders;
use crate::record::ServeRefusal;
use crate::wire::{Code, Params};

/// Room left for the parameters before the lines.
const SPARE: usize = 2 * LINE;

impl<O: Orders<ServeOrder>, E: ServeEngine, R: FnMut() -> u64> ServeControl<O, E, R> {
    /// The reply to STAT about a probe: the items from number `from` on, as many as fit, with
    /// `next` if there are more; or, with `seen`, the sequence numbers of that item that arrived.
    pub(super) fn probe_status(&self, id: u64, params: &Params) -> Answer {
        let numbers =
            params.parse::<u32>("from").and_then(|from| Ok((from, params.parse("seen")?)));
        let (from, seen) = match numbers {
            Ok(numbers) => numbers,
            Err(bad) => return ServeRefusal::from(bad).into(),
        };
        let Some(probe) = self.probe_of(id) else {
            return ServeRefusal::ProbeTestFirst.into();
        };
        let mut answer = Answer::new(Code::STATUS, "status");
        if let Some(item) = seen {
            return answer.with("seen", probe.items.seen(item));
        }
        answer = answer
            .with("items", probe.items.len())
            .with("arrived", probe.items.arrived)
            .with("answered", probe.items.answered)
            .with("withheld", probe.items.withheld);
        if let Some(mtu) = probe.items.interface_mtu {
            answer = answer.with("interface_mtu", mtu);
        }
        let at = answer.params.len();
        for (number, arrivals) in probe.items.from(from.unwrap_or(0)) {
            let (key, text) = (format!("i{number}"), arrivals.to_string());
            let beside: Vec<(String, u32)> = [('c', arrivals.copies), ('w', arrivals.withheld)]
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(letter, count)| (format!("{letter}{number}"), count))
                .collect();
            let more = 2 * LINE * beside.len();
            if answer.size() + key.len() + text.len() + more + SPARE > ROOM {
                // This comes before the lines, so that it cannot be cut off.
                answer.params.insert(at, ("next".to_owned(), number.to_string()));
                return answer;
            }
            answer = answer.with(&key, text);
            for (key, count) in beside {
                answer = answer.with(&key, count);
            }
        }
        answer
    }
}
