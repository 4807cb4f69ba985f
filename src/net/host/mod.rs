//! Reads every counter of this host that can explain a lost datagram.
//!
//! The files are opened once and read again from their beginning, so that a server that has given
//! up its access to files can still read them. A counter that cannot be read is unknown.

mod conntrack;
mod damage;
mod link;
#[cfg_attr(not(target_os = "linux"), path = "no_links.rs")]
mod links;
#[cfg(target_os = "linux")]
mod rtnetlink;
mod text;

pub use self::conntrack::{FullTable, full_table};
pub use self::damage::DamageMeter;

use self::link::Link;
use self::links::RouteSocket;
use crate::batch::{HostChange, HostCounter, HostCounters};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::IpAddr;

/// Largest file that is read, in bytes: a line of 150 for each of thousands of processors.
const LARGEST: usize = 1 << 20;

/// Reads the counters of this host.
pub struct HostReader {
    snmp: Option<File>,
    netstat: Option<File>,
    snmp6: Option<File>,
    softnet: Option<File>,
    conntrack: Option<File>,
    routes: Option<RouteSocket>,
}

/// The counters of both address families and of all interfaces at one time.
#[derive(Clone, Debug, Default)]
pub struct HostSnapshot {
    v4: HostCounters,
    v6: HostCounters,
    links: BTreeMap<u32, Link>,
}

/// The interfaces of a run's datagrams by index; `None` if unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunInterfaces {
    /// By which they arrive.
    pub rx: Option<u32>,
    /// By which they leave.
    pub tx: Option<u32>,
}

impl HostReader {
    /// Opens what there is.
    pub fn open() -> Self {
        let open = |path| File::open(path).ok();
        Self {
            snmp: open("/proc/net/snmp"),
            netstat: open("/proc/net/netstat"),
            snmp6: open("/proc/net/snmp6"),
            softnet: open("/proc/net/softnet_stat"),
            conntrack: open("/proc/net/stat/nf_conntrack"),
            routes: RouteSocket::open().ok(),
        }
    }

    /// Reads all counters.
    pub fn snapshot(&self) -> HostSnapshot {
        let mut both = HostCounters::default();
        read_file(self.softnet.as_ref(), text::read_softnet, &mut both);
        read_file(self.conntrack.as_ref(), text::read_conntrack, &mut both);
        let (mut v4, mut v6) = (both, both);
        read_file(self.snmp.as_ref(), text::read_snmp, &mut v4);
        read_file(self.netstat.as_ref(), text::read_netstat, &mut v4);
        read_file(self.snmp6.as_ref(), text::read_snmp6, &mut v6);
        let links = self.routes.as_ref().and_then(|routes| routes.links().ok());
        HostSnapshot { v4, v6, links: links.unwrap_or_default() }
    }

    /// The index of the interface by which datagrams leave for an address; `None` if there is no
    /// route, or none is reported.
    pub fn interface_to(&self, to: IpAddr) -> Option<u32> {
        self.routes.as_ref()?.interface_to(to.to_canonical()).ok()?
    }
}

impl HostSnapshot {
    /// What was counted since `before`, of the address family of `peer` and of a run's interfaces.
    pub fn since(&self, before: &Self, peer: IpAddr, interfaces: RunInterfaces) -> HostChange {
        let (now, then) = match peer.to_canonical() {
            IpAddr::V4(_) => (&self.v4, &before.v4),
            IpAddr::V6(_) => (&self.v6, &before.v6),
        };
        let mut counted = now.since(then);
        let (now, then) = (self.of_links(interfaces), before.of_links(interfaces));
        for (counter, value) in now.since(&then).iter().filter(|(_, value)| value.is_some()) {
            counted.set(counter, value);
        }
        let either = interfaces.rx.or(interfaces.tx);
        let interface = either.and_then(|index| self.links.get(&index));
        HostChange { interface: interface.map(|link| link.name.clone()), counted }
    }

    /// The counters of a run's interfaces.
    fn of_links(&self, RunInterfaces { rx, tx }: RunInterfaces) -> HostCounters {
        let mut counters = HostCounters::default();
        let link = |index: Option<u32>| self.links.get(&index?);
        if let Some(stats) = link(rx).and_then(|link| link.stats.as_ref()) {
            let values = [
                (HostCounter::RxPackets, stats.rx_packets),
                (HostCounter::RxMissed, stats.rx_missed_errors),
                (HostCounter::RxFifo, stats.rx_fifo_errors),
                (HostCounter::RxOver, stats.rx_over_errors),
                (HostCounter::RxCrc, stats.rx_crc_errors),
                (HostCounter::RxFrame, stats.rx_frame_errors),
                (HostCounter::RxLength, stats.rx_length_errors),
                (HostCounter::RxDropped, stats.rx_dropped),
            ];
            for (counter, value) in values {
                counters.set(counter, Some(value));
            }
        }
        if let Some(link) = link(tx) {
            counters.set(HostCounter::QdiscDrops, link.qdisc_drops);
            counters.set(HostCounter::QdiscPackets, link.qdisc_packets);
            if let Some(stats) = &link.stats {
                counters.set(HostCounter::TxPackets, Some(stats.tx_packets));
                counters.set(HostCounter::TxDropped, Some(stats.tx_dropped));
                counters.set(HostCounter::TxErrors, Some(stats.tx_errors));
            }
        }
        for (index, link) in &self.links {
            if let Some(stats) =
                link.stats.as_ref().filter(|_| !link.loopback || rx == Some(*index))
            {
                counters.add(HostCounter::RxPacketsAll, stats.rx_packets);
            }
        }
        counters
    }
}

fn read_file(file: Option<&File>, read: fn(&str, &mut HostCounters), into: &mut HostCounters) {
    if let Some(text) = file.and_then(text_of) {
        read(&text, into);
    }
}

/// The whole of a file of `/proc`, from its beginning.
fn text_of(file: &File) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 << 10];
    while bytes.len() < LARGEST {
        match read_at(file, &mut chunk, bytes.len() as u64).ok()? {
            0 => return String::from_utf8(bytes).ok(),
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    }
    None
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], place: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, place)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], place: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, place)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn what_this_host_counts_between_two_readings_is_what_it_did() {
        let reader = HostReader::open();
        let local = IpAddr::from([127, 0, 0, 1]);
        let lo = reader.interface_to(local);
        assert!(lo.is_some());
        let before = reader.snapshot();
        let [one, other] = [(); 2].map(|()| UdpSocket::bind((local, 0)).unwrap());
        for _ in 0..5 {
            one.send_to(b"x", other.local_addr().unwrap()).unwrap();
            other.recv(&mut [0; 9]).unwrap();
        }
        let interfaces = RunInterfaces { rx: lo, tx: lo };
        let change = reader.snapshot().since(&before, local, interfaces);
        assert_eq!(change.interface.as_deref(), Some("lo"));
        for counter in [HostCounter::UdpInDatagrams, HostCounter::RxPackets] {
            assert!(change.counted.get(counter) >= Some(5), "{counter:?}: {change:?}");
        }
        assert!(change.counted.get(HostCounter::RxMissed).is_some(), "{change:?}");
        let nowhere = reader.snapshot().since(&before, local, RunInterfaces::default());
        assert_eq!(nowhere.counted.get(HostCounter::RxMissed), None);
    }

    #[test]
    fn where_nothing_can_be_read_nothing_is_known() {
        let none = HostReader {
            snmp: None,
            netstat: None,
            snmp6: None,
            softnet: None,
            conntrack: None,
            routes: None,
        };
        let change = none.snapshot().since(
            &none.snapshot(),
            IpAddr::from([127, 0, 0, 1]),
            RunInterfaces { rx: Some(1), tx: Some(1) },
        );
        assert_eq!(change, HostChange::default());
    }
}
