//! Datagrams that reach a receiver although they were not requested: other groups, other
//! interfaces.
//!
//! On Linux, groups joined by another process can leak in: IPv6 matches a membership by address,
//! not by interface.

use super::Names;
use crate::batch::RxMeta;
use crate::record::CastForeign;
use crate::units::Endpoint;
use std::net::{IpAddr, SocketAddr};

/// Maximum kinds kept apart; further ones are counted together.
const KINDS_MAX: usize = 16;

/// Source, destination and interface.
type Kind = (IpAddr, SocketAddr, u32);

/// Counts of foreign datagrams.
#[derive(Default)]
pub(super) struct ForeignDatagrams {
    total: u64,
    kinds: Vec<(Kind, u64)>,
}

impl ForeignDatagrams {
    /// Counts one; returns its kind if it is the first of that kind.
    pub fn observe(
        &mut self,
        meta: &RxMeta,
        socket: Option<SocketAddr>,
        names: &Names,
    ) -> Option<CastForeign> {
        self.total += 1;
        let mut destination = socket?;
        if let Some(ip) = meta.destination {
            destination.set_ip(ip);
        }
        let kind = (meta.source.ip(), destination, meta.interface);
        if let Some((_, count)) = self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            *count += 1;
            return None;
        }
        if self.kinds.len() == KINDS_MAX {
            return None;
        }
        self.kinds.push((kind, 1));
        Some(fact(&(kind, 1), names))
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn record(&self, names: &Names) -> Vec<CastForeign> {
        self.kinds.iter().map(|one| fact(one, names)).collect()
    }
}

fn fact(((source, destination, interface), datagrams): &(Kind, u64), names: &Names) -> CastForeign {
    CastForeign {
        source: source.to_string(),
        destination: Endpoint::from(*destination).to_string(),
        interface: names.interface(*interface),
        datagrams: *datagrams,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::RxEntry;

    #[test]
    fn each_kind_is_told_once_and_all_are_counted() {
        let names = Names::new(vec![(4, "eth1".to_owned())]);
        let socket = Some("[ff15::1]:5".parse().unwrap());
        let mut foreign = ForeignDatagrams::default();
        let mut told = 0;
        for turn in 0..60u16 {
            let source = SocketAddr::from(([10, 0, 0, (turn % 20) as u8], 7000 + turn));
            let destination = Some("ff15::9".parse().unwrap());
            let meta = RxMeta { source, destination, interface: 4, ..RxEntry::default().meta };
            told += usize::from(foreign.observe(&meta, socket, &names).is_some());
        }
        assert_eq!((told, foreign.total()), (KINDS_MAX, 60));
        let first = &foreign.record(&names)[0];
        assert_eq!(first.source, "10.0.0.0");
        assert_eq!(first.destination, "[ff15::9]:5");
        assert_eq!((first.interface.as_deref(), first.datagrams), (Some("eth1"), 3));
    }
}
