//! Sockets, their options, names and interfaces: moves datagrams without interpreting them.

mod buffers;
mod capabilities;
#[cfg(test)]
mod capability_tests;
mod connection;
mod convenience;
mod error;
mod error_queue;
mod exact_timer;
mod explain;
mod followed_source;
mod fragments;
mod host;
mod igmp_querier;
mod interface;
mod interface_list;
#[cfg_attr(not(target_os = "linux"), path = "no_interface_watch.rs")]
mod interface_watch;
mod io_mode;
mod listener;
mod multicast;
mod other_source;
mod plan;
mod portable_fields;
mod redirect;
mod resolve;
mod route;
mod socket;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod socket_tests;
mod transmit;
mod upkeep;

pub use buffers::{BufferSizes, exceeds_buffer_limits};
pub use capabilities::{capabilities, system_has};
pub use connection::ConnectionPlan;
pub use convenience::{note_convenience, note_lack};
pub use error::{AddressFault, JoinedGroup, NetError, SocketOption};
pub use exact_timer::exact_timer;
pub use explain::explain;
pub use host::{DamageMeter, HostReader, HostSnapshot, RunInterfaces};
pub use igmp_querier::QuerierWatch;
pub use interface::{
    binds, find_interface, interface_name, interface_names, interfaces, own_addresses,
};
pub use interface_list::Interface;
pub use interface_watch::InterfaceWatch;
pub use io_mode::{IoMode, IoUsed};
pub use listener::{ListenerPlan, client_address, watch_peer};
pub use multicast::{
    LinkState, igmp_version, link_state, lists_membership, mld_queries, rp_filter,
};
pub use other_source::find_reply_source;
pub use plan::SocketPlan;
pub use redirect::Redirect;
#[cfg(test)]
pub use resolve::resolutions;
pub use resolve::{
    FamilyChoice, HostPort, Resolved, literal, on_link, on_link_of, resolve, resolve_all,
    split_host_port,
};
pub use route::{is_broadcast, route_source};
pub use socket::{Socket, shape as receive_shape};
pub use upkeep::{KeptSocket, Renewal, Upkeep};
