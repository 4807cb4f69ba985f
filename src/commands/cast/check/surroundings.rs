//! What this host's kernel reports about multicast, before and after a check's probes.

use crate::batch::{LocalCause, LocalSendFailure};
use crate::commands::cast::targets::Host;
use crate::net::{
    QuerierWatch, igmp_version, link_state, lists_membership, mld_queries, route_source, rp_filter,
};
use crate::record::{CheckInterface, CheckRoute};
use crate::sys::ErrorNumber;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// The state of one interface before the joins.
pub(super) struct Before {
    index: u32,
    name: String,
    mld: Option<u64>,
    igmp: Option<QuerierWatch>,
    /// Why the group could not be joined; set by the join.
    pub join_error: Option<LocalSendFailure>,
    /// Whether the kernel listed the membership after the join.
    pub listed: Option<bool>,
}

impl Before {
    /// Reads the state of an interface, and starts to listen for queries if permitted.
    pub fn look(group: IpAddr, index: u32, name: String) -> Self {
        let (mld, igmp) = match group {
            IpAddr::V4(_) => (None, QuerierWatch::open(&name).ok()),
            IpAddr::V6(_) => (mld_queries(&name), None),
        };
        Self { index, name, mld, igmp, join_error: None, listed: None }
    }

    /// Records whether the kernel lists the membership that was just joined.
    pub fn look_joined(&mut self, group: IpAddr) {
        self.listed = lists_membership(group, self.index);
    }

    /// Adds the present state to what the probes found.
    pub fn complete(mut self, group: IpAddr, host: &Host, found: &mut CheckInterface) {
        let link = link_state(&self.name);
        found.up = link.up;
        found.carrier = link.carrier;
        found.multicast = link.multicast;
        found.special = link.special;
        found.snooping = link.snooping;
        found.join_error = self.join_error;
        found.listed = self.listed;
        found.addresses = host
            .interfaces()
            .iter()
            .filter(|one| one.index == self.index)
            .flat_map(|one| &one.addresses)
            .filter(|ip| ip.is_ipv4() == group.is_ipv4())
            .map(ToString::to_string)
            .collect();
        if group.is_ipv4() {
            found.rp_filter = rp_filter(&self.name);
            found.igmp_version = igmp_version(self.index);
            if let Some(watch) = &mut self.igmp {
                let (queries, querier) = watch.queries();
                found.queries_heard = Some(queries);
                found.querier = querier.map(|ip| ip.to_string());
            }
        } else {
            found.queries_before = self.mld;
            found.queries_heard =
                mld_queries(&self.name).zip(self.mld).map(|(now, then)| now.saturating_sub(then));
        }
    }
}

/// The interface and source address that routing gives a program that does not choose them.
pub(super) fn route(to: SocketAddr, host: &Host) -> CheckRoute {
    match route_source(to) {
        Ok(source) => CheckRoute {
            source: Some(source.to_string()),
            interface: zone_of(to, host).or_else(|| interface_with(source, host)),
            error: None,
        },
        Err(error) => CheckRoute { error: system_error(&error, to), ..CheckRoute::default() },
    }
}

/// The system's own text for an error. The explanations for refused datagrams do not apply to a
/// route or a join.
pub(super) fn system_error(error: &io::Error, group: SocketAddr) -> Option<LocalSendFailure> {
    let errno = error.errno()?;
    Some(LocalSendFailure { errno, destination: group, cause: LocalCause::Unexplained })
}

/// The interface in the zone of an address.
fn zone_of(to: SocketAddr, host: &Host) -> Option<String> {
    match to {
        SocketAddr::V6(v6) => host.names().interface(v6.scope_id()),
        SocketAddr::V4(_) => None,
    }
}

/// The interface that has an address.
pub(super) fn interface_with(ip: IpAddr, host: &Host) -> Option<String> {
    let has = |one: &&crate::net::Interface| one.addresses.contains(&ip);
    host.interfaces().iter().find(has).map(|one| one.name.clone())
}
