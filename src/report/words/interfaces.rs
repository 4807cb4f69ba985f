//! Sentences about interfaces and addresses that come and go.

use crate::batch::InterfaceChange;
use crate::record::{InterfaceEvent, Worded};
use crate::units::{Nanos, errno_text};

impl Worded for InterfaceChange {
    fn text(&self) -> String {
        match self {
            Self::MembershipLost { group, interface } => {
                format!("{interface} is gone, and the membership of {group} with it")
            }
            Self::Rejoined { group, interface: Some(on) } => {
                format!("joined {group} on {on} again")
            }
            Self::Rejoined { group, interface: None } => format!("joined {group} again"),
            Self::AddressLost { address } => {
                format!("this host no longer has the address {address}")
            }
            Self::AddressBack { address } => format!("this host has the address {address} again"),
            Self::AddressChanged { from, to } => {
                format!("this host's address changed from {from} to {to}")
            }
            Self::NotFollowed { errno } => {
                let why = errno.map(|errno| format!(" ({})", errno_text(errno)));
                let why = why.unwrap_or_default();
                format!(
                    "the kernel does not tell of changed interfaces{why}: \
                         a group is not joined again when its interface comes back"
                )
            }
            Self::Renumbered { was, now } => format!("interface {was} is now {now}"),
        }
    }
}

impl Worded for InterfaceEvent {
    fn text(&self) -> String {
        let at = Nanos(self.at_ns).as_secs_f64();
        format!("at {at:.1} s: {}", self.change.text())
    }
}

/// The note of a command that waits for what it is to be bound to or to join on.
pub fn waiting_for(what: &str) -> String {
    format!("waiting until {what} can be used")
}
