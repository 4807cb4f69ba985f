//! The one simulated network: hosts with clocks of their own, the lines that join them, and virtual
//! time. State machines meet on it the faults that paths and hosts have.
//!
//! ```text
//! session on a host -- line: link, NAT, router, policer, ... -- core -- line -- host with a session
//! ```
//!
//! Every host has a line to the core, on which a datagram meets one [`Element`] after the other; the
//! core takes no time and loses nothing. What a link does is [`crate::impair`], the model that
//! is applied to real datagrams, too. One seed is one run. What a session must make of it is left
//! to the tests of the sessions.

mod byte_stream;
mod clock;
mod delivery;
mod events;
mod extremes;
mod faults;
mod host;
mod line;
mod link;
mod mailbox;
mod nat;
mod network;
mod node;
mod packet;
mod policer;
mod responder;
mod router;
mod runs;
mod tcp;
mod unproven;
mod way;

pub use byte_stream::Segment;
pub use clock::Clock;
pub use extremes::alter;
pub use faults::{Fault, Middlebox, Weather};
pub use host::{ClosedPorts, ENOBUFS, Host, SendFaults, Sent};
pub use line::{Element, Rule};
pub use link::{Direction, Link, Passage};
pub use mailbox::Mailbox;
pub use nat::{Forgotten, INSIDE, Nat, NatTimers, Refresh, Translation};
pub use network::{HostId, Network, SimSocket};
pub use node::{Node, ProcessId, Running};
pub use packet::{Content, Icmp, Packet};
pub use policer::Policer;
pub use responder::Responder;
pub use router::{ErrorBudget, Router, RouterRule, RoutingLoop};
pub use runs::runs;
pub use tcp::{TcpClient, TcpServer};
pub use way::Way;
