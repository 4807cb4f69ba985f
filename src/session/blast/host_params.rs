//! Encodes and decodes what a host's counters counted during a run as STAT parameters.

use crate::batch::{HostChange, HostCounter, HostCounters};
use crate::record::UncheckedHost;
use crate::wire::Params;

/// Larger counts are sent as this: no run has as many, and all of them fit one reply.
const MOST: u64 = 1 << 47;
/// Longest name of an interface, in bytes (`IFNAMSIZ`, without the zero behind it).
const LONGEST_NAME: usize = 15;

/// Adds the counters to a reply, in the order of [`HostCounter::ALL`]; `-` for unknown ones.
pub fn write_host(host: &HostChange, params: &mut Params) {
    let text = |value: Option<u64>| match value {
        Some(value) => value.min(MOST).to_string(),
        None => "-".to_owned(),
    };
    let all: Vec<String> = host.counted.iter().map(|(_, value)| text(value)).collect();
    params.push("host", all.join(":"));
    if let Some(name) = &host.interface {
        params.push("interface", name);
    }
}

/// Reads the counters; `None` if the reply has none. Anything missing or not a number is unknown.
pub fn read_host(params: &Params) -> Option<UncheckedHost> {
    let mut counted = HostCounters::default();
    for (counter, value) in HostCounter::ALL.into_iter().zip(params.get("host")?.split(':')) {
        counted.set(counter, value.parse().ok());
    }
    let proper = |name: &&str| {
        let letter = |c: char| c.is_ascii_graphic() && c != '/';
        (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(letter)
    };
    let interface = params.get("interface").filter(proper).map(str::to_owned);
    Some(UncheckedHost::new(HostChange { interface, counted }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{CONTROL_MAX, Code, Reply, SEAL_LEN, Tag};

    fn change() -> HostChange {
        let counted = HostCounters::default()
            .with(HostCounter::RxPackets, 7)
            .with(HostCounter::UdpInCsumErrors, 87)
            .with(HostCounter::TxErrors, 1);
        HostChange { interface: Some("eth0.100".to_owned()), counted }
    }

    #[test]
    fn a_hosts_counters_survive_the_dialogue_and_the_unknown_stays_unknown() {
        let mut params = Params::default();
        assert_eq!(read_host(&params), None);
        write_host(&change(), &mut params);
        assert_eq!(read_host(&params), Some(UncheckedHost::new(change())));
    }

    #[test]
    fn odd_texts_are_unknown() {
        for (host, interface) in
            [("", ""), ("x:-1:", "a/b"), ("1.5", "a name"), ("::::", "sixteen-letters-")]
        {
            let mut params = Params::default();
            params.push("host", host);
            params.push("interface", interface);
            let none = UncheckedHost::new(HostChange::default());
            assert_eq!(read_host(&params), Some(none), "{host}");
        }
        let longer = "9:".repeat(100);
        let mut params = Params::default();
        params.push("host", longer);
        assert!(read_host(&params).is_some());
    }

    #[test]
    fn the_longest_still_fits_one_control_datagram() {
        let mut counted = HostCounters::default();
        for counter in HostCounter::ALL {
            counted.set(counter, Some(u64::MAX));
        }
        let mut params = Params::default();
        params.push("state", "draining");
        write_host(&HostChange { interface: Some("n".repeat(15)), counted }, &mut params);
        let tag = Tag::new("a123456789").unwrap();
        let reply = Reply { tag, code: Code::STATUS, params, text: "status".to_owned() };
        let bytes = reply.encode().map(|bytes| bytes.len());
        assert!(
            bytes.as_ref().is_ok_and(|bytes| *bytes <= CONTROL_MAX - SEAL_LEN - 64),
            "{bytes:?}"
        );
    }
}
