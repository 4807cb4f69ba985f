//! Divides ports into portions that a remote agent can open at once and that one control datagram
//! can name.

use crate::wire::PortList;
use std::collections::VecDeque;

/// Maximum ports per portion: what a remote agent has open at most.
const PORTS: usize = 256;
/// Characters for the list of ports: the rest of a control datagram is for the other parameters.
const LETTERS: usize = 600;

/// The ports in portions, in increasing order.
pub(super) fn portions(ports: &PortList) -> VecDeque<PortList> {
    let mut portions = VecDeque::new();
    let mut portion = PortList::default();
    for port in ports.iter() {
        if portion.len() == PORTS || portion.to_string().len() > LETTERS {
            portions.push_back(std::mem::take(&mut portion));
        }
        portion.insert(port..=port);
    }
    if !portion.is_empty() {
        portions.push_back(portion);
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_portion_is_too_large_and_none_is_lost() {
        let odd: PortList = (0..2_000).map(|number| 20_001 + 2 * number).collect();
        for ports in ["53", "1-65535", "5000-5255", "5000-5256"].map(|text| text.parse().unwrap()) {
            check(&ports);
        }
        check(&odd);
    }

    fn check(ports: &PortList) {
        let all = portions(ports);
        assert!(all.iter().all(|portion| portion.len() <= PORTS));
        assert!(all.iter().all(|portion| portion.to_string().len() <= LETTERS + 12));
        let again: Vec<u16> = all.iter().flat_map(PortList::iter).collect();
        assert_eq!(again, ports.iter().collect::<Vec<_>>());
    }
}
